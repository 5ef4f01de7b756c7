"""The friendly REPL: what keys show, against recordings of the real one and the manual."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

from mpy_cross.emulator.repl.completion import columns
from mpy_cross.emulator.repl.continuation import wants_more
from tests.emulator.console import Console

RECORDED: Final = Path(__file__).parent / "recorded"
HINT: Final = b'Type "help()" for more information.\r\n'


def recordings() -> list[object]:
    """Each recorded sequence: the release, and pairs of what was typed and shown."""
    found: list[object] = []
    for path in sorted(RECORDED.glob("prompt-*.txt")):
        release = path.stem.removeprefix("prompt-")
        for number, text in enumerate(path.read_text("utf-8").split("\n\n")[1:]):
            pairs = [line.partition(" -> ")[::2] for line in text.splitlines()]
            steps = [(ast.literal_eval(keys), ast.literal_eval(shown)) for keys, shown in pairs]
            found.append(pytest.param(release, steps, id=f"{release}-{number}"))
    return found


@pytest.mark.spec("D02", "D03", "D04", "D06", "D08", "D09", "D10")
@pytest.mark.parametrize(("release", "steps"), recordings())
def test_as_recorded(release: str, steps: list[tuple[bytes, bytes]]) -> None:
    console = Console("pyboard", release)
    for keys, shown in steps:
        assert console.type(keys) == shown, keys


def test_there_are_recordings_of_both_releases() -> None:
    assert len(recordings()) >= 80


# ------------------------------------------------------------------------------------ banner


@pytest.mark.spec("D01")
@pytest.mark.parametrize(
    ("board", "release", "line"),
    [
        ("pico", "1.17", b"MicroPython v1.17 on 2021-09-02; Raspberry Pi Pico with RP2040\r\n"),
        ("pyboard", "1.17", b"MicroPython v1.17 on 2021-09-02; PYBv1.1 with STM32F405RG\r\n"),
        ("pico", "1.28", b"MicroPython v1.28.0 on 2026-04-06; Raspberry Pi Pico with RP2040\r\n"),
        ("pyboard", "1.22.1", b"MicroPython v1.22.1 on 2024-01-05; PYBv1.1 with STM32F405RG\r\n"),
    ],
)
def test_banner(board: str, release: str, line: bytes) -> None:
    console = Console(board, release)
    assert console.start == line + HINT + b">>> "
    assert console.type("\x02") == b"\r\n" + line + HINT + b">>> "


@pytest.mark.spec("D01")
def test_help_is_what_the_hint_says() -> None:
    shown = Console().type("help()\r")
    assert shown.startswith(b"help()\r\nWelcome to MicroPython!\r\n")
    assert shown.endswith(b">>> ")


# ---------------------------------------------------------------------------- keys, by release


@pytest.mark.spec("D10")
def test_eight_lines_are_remembered() -> None:
    console = Console()
    for number in range(10):
        console.type(f"{number}\r")
    console.type("9\r")  # the same again is not kept twice
    seen = [console.type("\x1b[A")[-1:] for _ in range(8)]
    assert seen == [b"%d" % number for number in range(9, 1, -1)]
    assert console.type("\x1b[A") == b""


@pytest.mark.spec("D09")
def test_keys_of_emacs_reached_rp2_with_1_18() -> None:
    keys = "abc\x01\x06\x0b"  # home, forward, kill the rest
    assert Console("pico", "1.17").type(keys) == b"abc\b\b\b"
    assert Console("pico", "1.18").type(keys) == b"abc\b\b\ba\x1b[K"
    assert Console("pyboard", "1.12").type(keys) == b"abc\b\b\ba\x1b[K"


@pytest.mark.spec("D02")
def test_tab_and_space_end_automatic_indents_from_1_19() -> None:
    start = "if 1:\r"
    assert Console("pico", "1.18").type(start + " ") == b"if 1:\r\n...      "
    console = Console("pico", "1.19")
    assert console.type(start + " ") == b"if 1:\r\n...     \b\b\b"
    assert console.type("2\r") == b"2\r\n... "
    assert Console("pico", "1.19").type(start + "\t2\r") == b"if 1:\r\n...     2\r\n... "


@pytest.mark.parametrize(
    ("release", "shown"), [("1.15", b"__"), ("1.16", b"    "), ("1.18", b"    "), ("1.19", b"")]
)
def test_tab_on_an_empty_line_of_an_empty_program(release: str, shown: bytes) -> None:
    assert Console("pyboard", release).type("\t") == shown


def test_tab_after_a_space_indents_from_1_19() -> None:
    keys = "ab=1\rx = \t"
    assert Console("pyboard", "1.18").type(keys).endswith(b">>> x = ab")
    assert Console("pyboard", "1.19").type(keys).endswith(b">>> x =     ")
    assert Console("pyboard", "1.19").type("ab=1\rx=\t").endswith(b">>> x=ab")


def test_linefeed_is_enter_from_1_28() -> None:
    assert Console("pico", "1.27").type("1+1\n") == b"1+1"
    assert Console("pico", "1.28").type("1+1\n") == b"1+1\r\n2\r\n>>> "
    assert Console("pico", "1.28").type("1+1\r\n2+2\r\n") == (
        b"1+1\r\n2\r\n>>> 2+2\r\n4\r\n>>> "
    )


# -------------------------------------------------------------------------------- completion


@pytest.mark.spec("D04")
def test_candidates_of_a_module() -> None:
    console = Console("pico", "1.17")
    console.type("import machine\r")
    assert console.type("mach\t") == b"machine"
    assert console.type(".P\t") == (
        b".P\r\nPWM             PWRON_RESET     Pin\r\n>>> machine.P"
    )
    assert console.type("in\t") == b"in"
    assert console.type(".PULL\t") == b".PULL_"
    assert console.type("\t").startswith(b"\r\nPULL_DOWN       PULL_UP\r\n")


@pytest.mark.spec("D04")
def test_import_offers_modules_from_1_16() -> None:
    console = Console("pico", "1.16")
    assert console.type("im\t") == b"import "
    assert console.type("mach\t") == b"machine"
    assert Console("pyboard", "1.16").type("import umach\t") == b"import umachine"
    assert Console("pyboard", "1.15").type("import umach\t") == b"import umach"
    assert Console("pico", "1.22").type("import mach\t") == b"import machine"


@pytest.mark.spec("D04")
def test_names_with_underscores_are_hidden_until_one_begins() -> None:
    console = Console("pyboard", "1.26")
    console.type("_a=_ab=ab=ac=1\r")
    assert console.type("\t") == b"a"
    assert console.type("\t") == b"\r\nab              ac\r\n>>> a"
    console.type("\x15")
    assert console.type("_a\t") == b"_a\r\n_a              _ab\r\n>>> _a"


@pytest.mark.spec("D04")
def test_lists_are_in_columns() -> None:
    assert columns(["a", "b" * 14, "c" * 15, "d"]) == (
        "\na               " + "b" * 14 + "  " + "c" * 15 + "\nd\n"
    )
    assert columns(["x" * 70, "y"]) == "\n" + "x" * 70 + "\ny\n"


@pytest.mark.spec("D04")
def test_completion_runs_no_further_than_what_fails() -> None:
    console = Console("pico", "1.17")
    assert console.type("nothing.x\t") == b"nothing.x"
    console.type("\x03")
    assert console.type("'a'.spl\t") == b"'a'.spl"  # a literal is no name


# ------------------------------------------------------------------------------ continuation


@pytest.mark.spec("D03")
@pytest.mark.parametrize(
    "text",
    ["if x:", "@f", "with a:", "async", "(", "a[1,", "'''", '"""a"', "x = \\", "if x:\n  a", "{'"
     "a': (", "'''a'", "# ("],
)
def test_goes_on(text: str) -> None:
    assert wants_more(text.encode())


@pytest.mark.spec("D03")
@pytest.mark.parametrize(
    "text",
    ["", "1", "ifx:", "if x:\n  a\n", "(1)", "'('", "'it\\'s", "\"'''\"", "'''a'''", "x)",
     "'a\\\\'"],
)
def test_is_complete(text: str) -> None:
    assert not wants_more(text.encode())
