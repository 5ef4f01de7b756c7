"""Error reports: the reference's lines, then ours."""

from __future__ import annotations

import errno

import pytest

from mpy_cross.errors import CompileError
from mpy_cross.loader.release import get
from mpy_cross.report import (
    HINTS,
    find_hint,
    os_error_text,
    reference_text,
    render,
    source_line,
)


def error(line: int = 2, column: int = 0, block: str | None = None, hint: str = "") -> CompileError:
    return CompileError(
        "SyntaxError", "some message", file="x.py", line=line, column=column, block=block, hint=hint
    )


def test_reference_lines() -> None:
    assert reference_text(error()) == (
        'Traceback (most recent call last):\n  File "x.py", line 2\nSyntaxError: some message\n'
    )
    assert '  File "x.py", line 2, in f\n' in reference_text(error(block="f"))
    deep = CompileError("MemoryError", "", file="x.py")
    assert reference_text(deep) == "MemoryError\n"
    assert '", line 0\n' in reference_text(error(line=0))


def test_caret_below_the_column() -> None:
    text = render(error(column=8), b"x\n  y = @3\n", color=False)
    assert text.splitlines()[-2:] == ["    y = @3", "         ^"]


def test_caret_counts_characters_not_bytes() -> None:
    line = "é = @"
    text = render(error(line=1, column=6), line.encode(), color=False)
    shown, caret = text.splitlines()[-2:]
    assert shown.index("@") == caret.index("^")


def test_tabs_keep_the_caret_in_place() -> None:
    text = render(error(line=1, column=4), b"a\t\t@", color=False)
    assert text.splitlines()[-1] == "     \t\t^"


def test_long_lines_are_clipped_around_the_column() -> None:
    source = b"x = " + b"1 + " * 500 + b"@ " + b"+ 2" * 500
    text = render(error(line=1, column=source.index(b"@") + 1), source, color=False)
    shown, caret = text.splitlines()[-2:]
    assert len(shown) <= 104
    assert shown[caret.index("^")] == "@"


def test_no_column_no_caret() -> None:
    assert render(error(), b"a\n b\n", color=False).splitlines()[-1] == "    b"


def test_line_beyond_the_end() -> None:
    assert render(error(line=9), b"a\n", color=False) == reference_text(error(line=9))


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in render(error(line=1), b"x = \x1b[31m\x00", color=False)


def test_colour_only_on_request() -> None:
    assert "\x1b" not in render(error(column=1, hint="do"), b"\nx", color=False)
    assert "\x1b[" in render(error(column=1, hint="do"), b"\nx", color=True)


def test_lines_end_as_micropython_ends_them() -> None:
    source = b"a\r\nb\rc\nd"
    assert [source_line(source, n) for n in range(6)] == [None, "a", "b", "c", "d", None]


@pytest.mark.parametrize(
    ("message", "line", "part"),
    [
        ("invalid syntax", "match x:", "no match statement"),
        ("invalid syntax", "    case [1, 2]:", "no match statement"),
        ("invalid syntax", "def f(a, /, b):", "positional-only"),
        ("invalid syntax", "print 'x'", "print is a function"),
        ("invalid syntax", "if (x := 3):", "1.13"),
        ("invalid syntax", "x = f'{a!r:{b}}'", "f-string"),
        ("invalid syntax", "with (a as b, c as d):", "no parentheses"),
        ("invalid syntax", "except* ValueError:", "exception groups"),
        ("invalid syntax", "except A, e:", "write `except"),
        ("invalid syntax", "def f[T](x):", "type parameters"),
        ("invalid syntax", "while True", "colon"),
        ("*x must be assignment target", "x = [*a]", "only in calls"),
        ("unicode name escapes", r"'\N{DIGIT ONE}'", "\\uXXXX"),
        ("invalid syntax for integer with base 0: '0377'", "x = 0377", "0o17"),
    ],
)
def test_hints(message: str, line: str, part: str) -> None:
    assert part in find_hint(message, line)


def test_no_hint_for_a_plain_fault() -> None:
    assert find_hint("invalid syntax", "x = = 3") == ""
    assert len({hint.text for hint in HINTS}) == len(HINTS)


def test_an_error_s_own_hint_comes_first() -> None:
    text = render(error(line=1, hint="special"), b"match x:", color=False)
    assert text.endswith("hint: special\n")


def test_os_errors() -> None:
    first = [os_error_text(get(release), errno.ENOENT, "a.py") for release in ("1.17", "1.29")]
    assert first[0].startswith("OSError: 2\n")
    assert first[1].startswith('OSError: (2, "can\'t open a.py")\n')
    assert os_error_text(get("1.29"), errno.EISDIR, "d").startswith("OSError: 21\n")
    quoted = os_error_text(get("1.29"), errno.ENOENT, 'a"\n')
    assert quoted.startswith("OSError: (2, 'can\\'t open a\"\\n')\n")
