"""The value of a decimal number, to the last bit as each release reads it (py/parsenum.c)."""

from __future__ import annotations

import math
from typing import Final

from mpy_cross.loader.release import FloatReader


def read_float(whole: bytes, fraction: bytes, exp: int, reader: FloatReader) -> float:
    """A number that is not negative, from its ASCII digits and its exponent of ten."""
    if reader == FloatReader.DIGITS:
        return _read_digits(whole, fraction, exp)
    if reader == FloatReader.LATE_ZEROS:
        return _read_late_zeros(whole, fraction, exp)
    mantissa, exp = _read_mantissa(whole, fraction, exp)
    if reader == FloatReader.MANTISSA:
        return _scale(float(mantissa), exp)
    return _scale_extended(mantissa, exp)


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
