"""Numbers as the text that .mpy files hold, and back."""

from __future__ import annotations

import re

from mpy_cross.loader.objects import FileComplex, FileFloat

_CHUNK = 2000
"""Digits that are converted in one go: the host refuses more than some 4,300."""

INT_DIGITS_MAX = 1_000_000
"""Longest integer that `parse_int` takes: a hostile file must not keep us busy for hours."""

_UNSIGNED = rb"(?:[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]{1,9})?|inf|nan)"
_INT = re.compile(rb"-?[0-9]+")
_FLOAT = re.compile(rb"-?" + _UNSIGNED)
_IMAGINARY = re.compile(rb"(-?" + _UNSIGNED + rb")j")
_COMPLEX = re.compile(
    rb"\((-?" + _UNSIGNED + rb")(?:\+?(-" + _UNSIGNED + rb")|\+(" + _UNSIGNED + rb"))j\)"
)


def _digits(value: int) -> str:
    if value < 10**_CHUNK:
        return str(value)
    half = int(value.bit_length() * 0.30103) // 2
    high, low = divmod(value, 10**half)
    return _digits(high) + _digits(low).rjust(half, "0")


def int_text(value: int) -> bytes:
    """`value` in decimal, of any size."""
    text = _digits(abs(value))
    return (("-" if value < 0 else "") + text).encode("ascii")


def _value(digits: bytes) -> int:
    if len(digits) <= _CHUNK:
        return int(digits)
    half = len(digits) // 2
    power: int = 10**half
    return _value(digits[:-half]) * power + _value(digits[-half:])


def parse_int(text: bytes) -> int:
    """The integer; raises ValueError if `text` is none, or an absurdly long one."""
    if not _INT.fullmatch(text):
        raise ValueError("not an integer in decimal")
    if len(text) > INT_DIGITS_MAX:
        raise ValueError(f"more than {INT_DIGITS_MAX} digits")
    return -_value(text[1:]) if text[:1] == b"-" else _value(text)


def parse_float(text: bytes) -> FileFloat:
    """The float nearest to the text, which it keeps; raises ValueError."""
    if not _FLOAT.fullmatch(text):
        raise ValueError("not a float")
    return FileFloat.of(float(text), text)


def parse_complex(text: bytes) -> FileComplex:
    """The complex number, with its text; raises ValueError."""
    match = _IMAGINARY.fullmatch(text)
    if match:
        return FileComplex.of(complex(0.0, float(match[1])), text)
    match = _COMPLEX.fullmatch(text)
    if not match:
        raise ValueError("not a complex number")
    return FileComplex.of(complex(float(match[1]), float(match[2] or match[3])), text)
