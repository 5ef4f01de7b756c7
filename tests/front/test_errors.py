"""What is rejected, with the line and the text of the reference."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from tests.front.forms import error

# fmt: off
# source, at 1.17, at 1.29
ERRORS = (
    (b'x = ', '2 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = (1,\n2\n', '3 SyntaxError: invalid syntax', '3 SyntaxError: invalid syntax'),
    (b'(\n)\n)', '3 SyntaxError: invalid syntax', '3 SyntaxError: invalid syntax'),
    (b'if x\n  y', '2 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'if x:\ny', '2 SyntaxError: invalid syntax', '2 SyntaxError: invalid syntax'),
    (b' x', '1 IndentationError: unexpected indent', '1 IndentationError: unexpected indent'),
    (b'x\n  y', '2 IndentationError: unexpected indent', '2 IndentationError: unexpected indent'),
    (b'if x:\n    y\n  z', "3 IndentationError: unindent doesn't match any outer indent level", "2 IndentationError: unindent doesn't match any outer indent level"),
    (b'x = "abc', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = """abc\n\n', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = "\\x4"', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = "\\N{DASH}"', '0 NotImplementedError: unicode name escapes', '0 NotImplementedError: unicode name escapes'),
    (b"x = 'a' b'b'", '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = b"\\u1234" "c"', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = 0L', "1 SyntaxError: invalid syntax for integer with base 10: '0L'", "1 SyntaxError: invalid syntax for integer with base 0: '0L'"),
    (b'x = 1if y else z', "1 SyntaxError: invalid syntax for integer with base 10: '1if'", "1 SyntaxError: invalid syntax for integer with base 10: '1if'"),
    (b'x = 0xg', "1 SyntaxError: invalid syntax for integer with base 16: 'g'", "1 SyntaxError: invalid syntax for integer with base 16: 'g'"),
    (b'x = 0x', "1 SyntaxError: invalid syntax for integer with base 16: ''", "1 SyntaxError: invalid syntax for integer with base 16: ''"),
    (b'x = 1.5.5', '1 SyntaxError: invalid syntax for number', '1 SyntaxError: invalid syntax for number'),
    (b'x = 1e', '1 SyntaxError: invalid syntax for number', '1 SyntaxError: invalid syntax for number'),
    (b'x = 01', 'accepted', "1 SyntaxError: invalid syntax for integer with base 0: '01'"),
    (b'a b', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'print a', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'a not b', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'def f(a, /): pass', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'def f(*a=1): pass', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'f(**)', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'@a\nx', '2 SyntaxError: invalid syntax', '2 SyntaxError: invalid syntax'),
    (b'@a[0]\ndef f(): pass', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'async x', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'import a,', '2 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'from a import ()', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'global a,', '2 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'try:\n  a\nx', '3 SyntaxError: invalid syntax', '3 SyntaxError: invalid syntax'),
    (b'with (a as b): c', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'except: x', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = $', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = a!', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = {**a}', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = {a := b}', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x[]', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'lambda x: yield', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x.__debug__', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = __debug__ = 1', 'accepted', 'accepted'),
    (b'else: x', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'x = 1\\ \n', '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'A = const(x)', '1 SyntaxError: constant must be an integer', '1 SyntaxError: not a constant'),
    (b'\nA = const()', '2 SyntaxError: constant must be an integer', '2 SyntaxError: not a constant'),
    (b'A = const(1, 2)', '1 SyntaxError: constant must be an integer', '1 SyntaxError: not a constant'),
    (b'A = const(1,)', '1 SyntaxError: constant must be an integer', '1 SyntaxError: not a constant'),
    (b"x = rf'{a}'", '1 SyntaxError: raw f-strings are not supported', 'accepted'),
    (b"x = f'{a!x}'", '1 SyntaxError: invalid syntax', '1 SyntaxError: invalid syntax'),
    (b'1 << (1 << 70)', '0 OverflowError: overflow converting long int to machine word', 'accepted'),
    (b'1 << 99999999', '0 MemoryError: memory allocation failed, allocating 12500004 bytes', 'accepted'),
    (b'"a"\n"b" c', '2 SyntaxError: invalid syntax', '2 SyntaxError: invalid syntax'),
    (b'x = [1, 2\ny = 3\n', '2 SyntaxError: invalid syntax', '2 SyntaxError: invalid syntax'),
)
# fmt: on


@pytest.mark.spec("B01", "B02", "B03", "J06")
@pytest.mark.parametrize(("source", "at_1_17", "at_1_29"), ERRORS)
def test_error(source: bytes, at_1_17: str, at_1_29: str) -> None:
    assert error(source, "1.17") == at_1_17
    assert error(source, "1.29") == at_1_29


def test_long_name() -> None:
    assert error(b"a" * 255) == "accepted"
    assert error(b"a" * 256) == "0 RuntimeError: name too long"


@pytest.mark.spec("J07")
def test_conversions_of_f_strings() -> None:
    assert error(b"f'{a!r}'", "1.17") == "1 SyntaxError: invalid syntax"
    assert error(b"f'{a!r}'", "1.21") == "accepted"


@pytest.mark.spec("J04")
def test_adjacent_f_strings() -> None:
    assert error(b"f'{a}' f'{b}'", "1.17") == "1 SyntaxError: invalid syntax"
    assert error(b"f'{a}' f'{b}'", "1.24") == "accepted"


def test_f_string_inside_itself_uses_up_the_memory() -> None:
    assert error(b"x = f'{f\"{a}\"}'", "1.17") == "0 MemoryError: "
    assert error(b"x = f'{f\"{a}\"}'", "1.29") == "accepted"
