"""Number literals: text to value, as each release does it (py/parsenum.c).

A float literal is not always the double nearest to what is written: MicroPython accumulates digits
and multiplies by a power of ten, and the way it does so changed.  The last bit reaches the .mpy
file, so `parse_decimal` repeats the arithmetic of the release step by step.
"""

from __future__ import annotations

import math
import re
from typing import Final, final

from mpy_cross.loader.release import FloatReader, Release


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
    reader = release.float_reader
    if reader == FloatReader.DIGITS:
        value = _read_digits(whole, fraction or b"", exp)
    elif reader == FloatReader.LATE_ZEROS:
        value = _read_late_zeros(whole, fraction or b"", exp)
    else:
        mantissa, exp = _read_mantissa(whole, fraction or b"", exp)
        if reader == FloatReader.MANTISSA:
            value = _scale(float(mantissa), exp)
        else:
            value = _scale_extended(mantissa, exp)
    return complex(0.0, value) if imaginary else value


def _exponent(digits: bytes) -> int:
    """The exponent, which stops growing before it leaves a 32-bit int."""
    value = 0
    for digit in digits:
        if value < 107374181:
            value = 10 * value + digit - 48
    return value


def c_pow(base: float, exponent: float) -> float:
    """C's pow() for arguments without a domain error: it overflows to an infinity."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent == math.floor(exponent) and math.fmod(exponent, 2.0) != 0.0
        return -math.inf if base < 0 and odd else math.inf


def _scale(value: float, exp: int) -> float:
    """value * 10 ** exp, up to 1.25: one power, divided by where that is exact."""
    if exp < -307:
        exp += 307
        value *= 1e-307
    if -22 <= exp < 0:
        return value / c_pow(10.0, float(-exp))
    return value * c_pow(10.0, float(exp))


def _read_digits(whole: bytes, fraction: bytes, exp: int) -> float:
    value = 0.0
    for digit in whole:
        if value < 1e200:
            value = 10 * value + (digit - 48)
        else:
            exp += 1
    for digit in fraction:
        if value < 1e200:
            value = 10 * value + (digit - 48)
            exp -= 1
    return _scale(value, exp)


def _read_late_zeros(whole: bytes, fraction: bytes, exp: int) -> float:
    value = 0.0
    waiting_whole = waiting_fraction = 0
    for in_fraction, digits in ((False, whole), (True, fraction)):
        for digit in digits:
            if digit == 48 or value >= 1e200:
                if in_fraction:
                    waiting_fraction += 1
                else:
                    waiting_whole += 1
                continue
            for step in (0,) * waiting_whole + (1,) * waiting_fraction + (-1,):
                shift = int(in_fraction) if step < 0 else step
                if value < 1e200:
                    value = 10 * value + (digit - 48 if step < 0 else 0)
                    exp -= shift
                elif not shift:
                    exp += 1
            waiting_whole = waiting_fraction = 0
    return _scale(value, exp + waiting_whole)


_MANTISSA_MAX: Final = 0x1999999999999998


def _read_mantissa(whole: bytes, fraction: bytes, exp: int) -> tuple[int, int]:
    """The digits as an integer below 2 ** 64, and the exponent that goes with it."""
    value = 0
    waiting_whole = waiting_fraction = 0
    for in_fraction, digits in ((False, whole), (True, fraction)):
        for digit in digits:
            if digit == 48 or value >= _MANTISSA_MAX:
                if in_fraction:
                    waiting_fraction += 1
                else:
                    waiting_whole += 1
                continue
            if waiting_whole or waiting_fraction:
                if value == 0:
                    exp -= waiting_fraction  # leading zeros: the value stays 0
                else:
                    for shift in (0,) * waiting_whole + (1,) * waiting_fraction:
                        if value < _MANTISSA_MAX:
                            value *= 10
                            exp -= shift
                        elif not shift:
                            exp += 1
                waiting_whole = waiting_fraction = 0
            if value < _MANTISSA_MAX:
                value = 10 * value + digit - 48
                exp -= int(in_fraction)
            elif not in_fraction:
                exp += 1
    return value, exp + waiting_whole


def _round_64(num: int, den: int, exp: int) -> tuple[int, int]:
    """num / den * 2 ** exp as (mantissa of 64 bits, exponent), to nearest, ties to even."""
    shift = num.bit_length() - den.bit_length() - 65
    if shift < 0:
        num <<= -shift
    else:
        den <<= shift
    quotient, rest = divmod(num, den)
    exp += shift
    extra = quotient.bit_length() - 64  # 1 or 2
    low = quotient & ((1 << extra) - 1)
    half = 1 << (extra - 1)
    mantissa = quotient >> extra
    if low > half or (low == half and (rest or mantissa & 1)):
        mantissa += 1
        if mantissa >> 64:
            mantissa >>= 1
            exp += 1
    return mantissa, exp + extra


def _scale_extended(mantissa: int, exp: int) -> float:
    """mantissa * 10 ** exp in the steps of 80-bit arithmetic, then rounded to a double."""
    if exp == 0 or mantissa == 0:
        return float(mantissa)
    if abs(exp) >= 8192:  # far beyond the range of 80-bit numbers too
        return math.inf if exp > 0 else 0.0
    m, e = _round_64(mantissa, 1, 0)
    power, power_exp = _round_64(10, 1, 0)
    left = abs(exp)
    while left:
        if left & 1:
            if exp < 0:
                m, e = _round_64(m, power, e - power_exp)
            else:
                m, e = _round_64(m * power, 1, e + power_exp)
        left >>= 1
        if left:
            power, power_exp = _round_64(power * power, 1, power_exp * 2)
    if e >= 0:
        try:
            return float(m << e)
        except OverflowError:
            return math.inf
    try:
        return m / (1 << -e)
    except OverflowError:
        return math.inf
