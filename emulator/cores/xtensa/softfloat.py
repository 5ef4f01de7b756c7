"""Single precision by whole numbers: every operation exact, then rounded once.

Numbers are their 32 bits.  Rounding modes are those of FCR, flags those of FSR.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

NEAREST, TO_ZERO, UP, DOWN = 0, 1, 2, 3
INEXACT, UNDERFLOW, OVERFLOW, DIVIDE, INVALID = 0x80, 0x100, 0x200, 0x400, 0x800

SIGN, INFINITY, QUIET, NAN, ONE = 0x8000_0000, 0x7F80_0000, 0x0040_0000, 0x7FC0_0000, 0x3F80_0000
_FRACTION, _HIDDEN = 0x007F_FFFF, 0x0080_0000
_LOWEST: Final = -149  # exponent of the last bit of the smallest numbers
_HIGHEST: Final = 104  # and of the largest

Result = tuple[int, int]
"""The bits, and the flags."""


def is_nan(x: int) -> bool:
    return x & ~SIGN > INFINITY


def is_signaling(x: int) -> bool:
    return is_nan(x) and not x & QUIET


def is_infinite(x: int) -> bool:
    return x & ~SIGN == INFINITY


def is_zero(x: int) -> bool:
    return not x & ~SIGN


def parts(x: int) -> tuple[int, int]:
    """(number with sign, exponent) of a finite number: it is number * 2 ** exponent."""
    exponent, fraction = x >> 23 & 0xFF, x & _FRACTION
    if exponent:
        fraction |= _HIDDEN
    else:
        exponent = 1
    return (-fraction if x & SIGN else fraction), exponent - 150


def rounded(number: int, shift: int, mode: int, more: bool = False) -> tuple[int, bool]:
    """number / 2 ** shift as a whole number, and whether it is not exact.

    more: the true number is a little farther from zero.
    """
    negative, size = number < 0, abs(number)
    if shift <= 0:
        whole, rest, half = size << -shift, 0, 1
    else:
        whole, rest, half = size >> shift, size & ((1 << shift) - 1), 1 << shift - 1
    if mode == NEAREST:
        up = rest > half or (rest == half and (more or whole & 1 == 1)) if shift > 0 else False
    else:
        up = (rest > 0 or more) and mode == (DOWN if negative else UP)
    whole += up
    return (-whole if negative else whole), rest > 0 or more


def pack(number: int, exponent: int, mode: int, negative: bool = False,
         more: bool = False) -> Result:
    """number * 2 ** exponent, rounded; negative: the sign of a zero; more: as in `rounded`."""
    if not number:
        return (SIGN if negative else 0), 0
    sign = SIGN if number < 0 else 0
    size = abs(number).bit_length()
    shift = max(size - 24, _LOWEST - exponent)
    tiny = size + exponent <= _LOWEST + 23  # and stays so when it is rounded to 24 bits
    if size + exponent == _LOWEST + 23:
        tiny = abs(rounded(number, size - 24, mode, more)[0]) < _HIDDEN << 1
    whole, inexact = rounded(number, shift, mode, more)
    whole, exponent = abs(whole), exponent + shift
    if whole == _HIDDEN << 1:
        whole, exponent = _HIDDEN, exponent + 1
    flags = INEXACT if inexact else 0
    if exponent > _HIGHEST:
        flags = OVERFLOW | INEXACT
        if mode == TO_ZERO or mode == (UP if sign else DOWN):
            return sign | INFINITY - 1, flags
        return sign | INFINITY, flags
    if tiny and inexact:
        flags |= UNDERFLOW
    if whole < _HIDDEN:
        return sign | whole, flags
    return sign | exponent + 150 << 23 | whole & _FRACTION, flags


def pick_nan(*candidates: int) -> Result:
    """The result of an operation with these operands, in the order in which they are preferred:
    the second factor or term before the first, and what is added to before these."""
    chosen = next(x for x in candidates if is_nan(x))
    return chosen | QUIET, INVALID if any(map(is_signaling, candidates)) else 0


def add(x: int, y: int, mode: int) -> Result:
    if is_nan(x) or is_nan(y):
        return pick_nan(y, x)
    if is_infinite(x) or is_infinite(y):
        if is_infinite(x) and is_infinite(y) and x != y:
            return NAN, INVALID
        return (x if is_infinite(x) else y), 0
    if is_zero(x) and is_zero(y):
        return (x if x == y else SIGN if mode == DOWN else 0), 0
    (a, e), (b, f) = parts(x), parts(y)
    low = min(e, f)
    return pack((a << e - low) + (b << f - low), low, mode, mode == DOWN)


def subtract(x: int, y: int, mode: int) -> Result:
    return add(x, y if is_nan(y) else y ^ SIGN, mode)


def multiply(x: int, y: int, mode: int) -> Result:
    if is_nan(x) or is_nan(y):
        return pick_nan(y, x)
    sign = (x ^ y) & SIGN
    if is_infinite(x) or is_infinite(y):
        return (NAN, INVALID) if is_zero(x) or is_zero(y) else (sign | INFINITY, 0)
    (a, e), (b, f) = parts(x), parts(y)
    return pack(a * b, e + f, mode, bool(sign))


def multiply_add(x: int, y: int, z: int, mode: int, negate: bool = False) -> Result:
    """z + x * y, or z - x * y, rounded once."""
    wrong = (is_infinite(x) and is_zero(y)) or (is_zero(x) and is_infinite(y))
    if is_nan(x) or is_nan(y) or is_nan(z):
        bits, flags = pick_nan(z, y, x)
        return bits, flags | (INVALID if wrong else 0)
    if wrong:
        return NAN, INVALID
    if negate:
        x ^= SIGN
    sign = (x ^ y) & SIGN
    if is_infinite(x) or is_infinite(y):
        if is_infinite(z) and z & SIGN != sign:
            return NAN, INVALID
        return sign | INFINITY, 0
    if is_infinite(z):
        return z, 0
    (a, e), (b, f), (c, g) = parts(x), parts(y), parts(z)
    if not a * b and not c:
        return (z if sign == z & SIGN else SIGN if mode == DOWN else 0), 0
    low = min(e + f, g)
    return pack((a * b << e + f - low) + (c << g - low), low, mode, mode == DOWN)


def divide(x: int, y: int, mode: int) -> Result:
    if is_nan(x) or is_nan(y):
        return pick_nan(y, x)
    sign = (x ^ y) & SIGN
    if is_infinite(x):
        return (NAN, INVALID) if is_infinite(y) else (sign | INFINITY, 0)
    if is_infinite(y):
        return sign, 0
    if is_zero(y):
        return (NAN, INVALID) if is_zero(x) else (sign | INFINITY, DIVIDE)
    (a, e), (b, f) = parts(x), parts(y)
    quotient, rest = divmod(abs(a) << 200, abs(b))
    return pack(-quotient if sign else quotient, e - f - 200, mode, bool(sign), rest > 0)


def square_root(x: int, mode: int) -> Result:
    if is_nan(x):
        return pick_nan(x)
    if is_zero(x) or x == INFINITY:
        return x, 0
    if x & SIGN:
        return NAN, INVALID
    a, e = parts(x)
    a <<= 200 + (e & 1)
    root = isqrt(a)
    return pack(root, (e - (e & 1) - 200) // 2, mode, False, root * root != a)


def less(x: int, y: int) -> bool:
    """x < y, of numbers that are not NaN."""
    (a, e), (b, f) = _ordered(x), _ordered(y)
    low = min(e, f)
    return a << e - low < b << f - low


def _ordered(x: int) -> tuple[int, int]:
    """Of infinity: beyond all numbers."""
    if is_infinite(x):
        return (-1 if x & SIGN else 1) << 24, _HIGHEST
    return parts(x)


def to_integer(x: int, scale: int, mode: int, signed: bool) -> Result:
    """x * 2 ** scale as a number of 32 bits; what does not fit gives the nearest one, NaN the
    largest."""
    low, high = (-1 << 31, (1 << 31) - 1) if signed else (0, (1 << 32) - 1)
    if is_nan(x):
        return high, INVALID
    if is_infinite(x):
        return (low if x & SIGN else high) & 0xFFFF_FFFF, INVALID
    number, exponent = parts(x)
    whole, inexact = rounded(number, -exponent - scale, mode)
    if not low <= whole <= high:
        return (low if whole < 0 else high) & 0xFFFF_FFFF, INVALID
    return whole & 0xFFFF_FFFF, INEXACT if inexact else 0
