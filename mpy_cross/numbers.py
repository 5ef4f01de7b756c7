"""Number literals: text to value, as each release does it (py/parsenum.c).

A float literal is not always the double nearest to what is written: MicroPython accumulates digits
and multiplies by a power of ten, and the way it does so changed.  The last bit reaches the .mpy
file, so `parse_decimal` repeats the arithmetic of the release step by step.
"""

from __future__ import annotations

import re
from typing import Final, final

from mpy_cross.loader.floatread import read_float
from mpy_cross.loader.release import Release


@final
class NumberError(ValueError):
    """The literal is malformed; the text is MicroPython's message."""


_DECIMAL_RE: Final = re.compile(rb"([0-9]*)(?:(\.)([0-9]*))?(?:([eE])([+-]?)([0-9]*))?([jJ]?)")
_DIGITS: Final = {
    2: re.compile(rb"[01]+"),
    8: re.compile(rb"[0-7]+"),
    10: re.compile(rb"[0-9]+"),
    16: re.compile(rb"[0-9A-Fa-f]+"),
    1: re.compile(rb"0+"),
}
_PREFIX_BASES: Final = {0x78: 16, 0x6F: 8, 0x62: 2}  # x o b
_CHUNK: Final = 2000
"""Decimal digits that `int()` converts at once, well below the limit of the host."""


def decimal_to_int(digits: bytes) -> int:
    """The value of decimal digits of any number; the host's limit on digits does not matter."""
    n = len(digits)
    if n <= _CHUNK:
        return int(digits)
    half = 1
    while half * 2 < n:
        half *= 2
    return decimal_to_int(digits[: n - half]) * _power_of_ten(half) + decimal_to_int(
        digits[n - half :]
    )


_POWERS_OF_TEN: Final[dict[int, int]] = {}


def _power_of_ten(n: int) -> int:
    """10 ** n for n a power of two; kept, since a long literal needs each of them often."""
    value = _POWERS_OF_TEN.get(n)
    if value is None:
        value = 10**n
        if n <= 1 << 17:
            _POWERS_OF_TEN[n] = value
    return value


def parse_integer(text: bytes, release: Release) -> int:
    """The value of an integer literal, underscores already taken out.

    Raises NumberError with the message of the release.
    """
    base = 10
    digits = text
    if len(text) > 1 and text[0] == 0x30:
        prefix_base = _PREFIX_BASES.get(text[1] | 0x20)
        if prefix_base is not None:
            base = prefix_base
            digits = text[2:]
        elif release.leading_zero_refused:
            base = 1  # nothing but zeros may follow a zero
    if _DIGITS[base].fullmatch(digits) is None:
        shown = 0 if base == 1 else base
        raise NumberError(
            f"invalid syntax for integer with base {shown}: '{digits.decode('latin-1')}'"
        )
    if base == 10:
        return decimal_to_int(digits)
    return 0 if base == 1 else int(digits, base)


def parse_decimal(text: bytes, release: Release) -> float | complex:
    """The value of a literal with a fraction, an exponent or a `j`.

    Raises NumberError.
    """
    match = _DECIMAL_RE.fullmatch(text)
    if match is None:
        raise NumberError("invalid syntax for number")
    whole, _, fraction, e, sign, exponent, imaginary = match.groups()
    # The exponent's mark must have something behind it, were it only the `j`.
    if e is not None and not exponent and not imaginary:
        raise NumberError("invalid syntax for number")
    exp = _exponent(exponent or b"")
    if sign == b"-":
        exp = -exp
    value = read_float(whole, fraction or b"", exp, release.float_reader)
    return complex(0.0, value) if imaginary else value


def _exponent(digits: bytes) -> int:
    """The exponent, which stops growing before it leaves a 32-bit int."""
    value = 0
    for digit in digits:
        if value < 107374181:
            value = 10 * value + digit - 48
    return value
