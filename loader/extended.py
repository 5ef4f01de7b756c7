"""80-bit extended precision, as the x87 computes it, on plain integers.

From 1.26 on the compiler's `float` conversions run in C `long double`, which on the x86-64 machines
that the official mpy-cross runs on has a mantissa of 64 bits.  The result must not depend on our
own host, so the few operations needed are done here.

A value is a pair (mantissa, exponent): mantissa * 2**exponent, the mantissa 0 or exactly 64 bits
wide.  Signs are the caller's business.  Rounding is to nearest, ties to even.
"""

from __future__ import annotations

import math
from typing import TypeAlias

Extended: TypeAlias = tuple[int, int]

_TOP = 1 << 64
_HALF = 1 << 63
_EXP_MAX = 16383 - 63
"""Largest exponent of a finite value."""

ZERO: Extended = (0, 0)
INFINITE: Extended = (_HALF, 1 << 30)


def _round(mantissa: int, exponent: int, sticky: bool = False) -> Extended:
    """`mantissa` * 2**`exponent` rounded to 64 bits; `sticky`: the true value lies a bit above."""
    if mantissa == 0:
        return ZERO
    shift = mantissa.bit_length() - 64
    if shift > 0:
        rest = mantissa & (1 << shift) - 1
        mantissa >>= shift
        half = 1 << shift - 1
        if rest > half or (rest == half and (sticky or mantissa & 1)):
            mantissa += 1
            if mantissa == _TOP:
                mantissa = _HALF
                exponent += 1
    elif shift < 0:
        mantissa <<= -shift
    exponent += shift
    return INFINITE if exponent > _EXP_MAX else (mantissa, exponent)


def from_int(value: int) -> Extended:
    """A non-negative integer, rounded."""
    return _round(value, 0)


def from_float(value: float) -> Extended:
    """A finite non-negative double, exactly."""
    fraction, exponent = math.frexp(value)
    return _round(int(math.ldexp(fraction, 53)), exponent - 53)


def to_float(value: Extended) -> float:
    """The nearest double; infinity where it is too large."""
    mantissa, exponent = value
    if exponent > 1024:
        return math.inf
    if exponent < -1200:
        return 0.0
    if exponent < 0:
        return mantissa / (1 << -exponent)  # correctly rounded, subnormal results too
    try:
        return float(mantissa << exponent)
    except OverflowError:
        return math.inf


def multiply(a: Extended, b: Extended) -> Extended:
    if a[0] == 0 or b[0] == 0:
        return ZERO
    return _round(a[0] * b[0], a[1] + b[1])


def divide(a: Extended, b: Extended) -> Extended:
    """`a` / `b`; `b` is not zero."""
    if a[0] == 0 or b is INFINITE:
        return ZERO
    quotient, rest = divmod(a[0] << 66, b[0])
    return _round(quotient, a[1] - b[1] - 66, rest != 0)


def add_half_truncate(value: Extended) -> int:
    """The integer part of `value` + 0.5, the sum rounded to 64 bits first."""
    mantissa, exponent = value
    if exponent >= 0:
        return mantissa << exponent
    if exponent < -200:
        return 0
    mantissa, exponent = _round((mantissa << 1) + (1 << -exponent), exponent - 1)
    return mantissa << exponent if exponent >= 0 else mantissa >> -exponent


def scale_by_ten(value: Extended, power: int) -> Extended:
    """`value` * 10**`power` by repeated squaring, every step rounded (py/parsenum.c, 1.26)."""
    if power == 0 or value[0] == 0:
        return value
    divides = power < 0
    rest = -power if divides else power
    base = from_int(10)
    while rest:
        if rest & 1:
            value = divide(value, base) if divides else multiply(value, base)
        rest >>= 1
        if rest:
            base = multiply(base, base)
    return value
