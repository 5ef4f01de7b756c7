"""The steps from which programs put together division and roots in single precision.

The ISA manual does not have them.  What they do was measured on chips of this family and is
published (seeds: every significand; the others: thousands of samples and whole sequences).

A seed is 7 bits of 1/x or 1/sqrt(x).  MKDADJ and MKSADJ make of the operands an adjustment A of the
exponent, or the kind of a special result; ADDEXP and ADDEXPM put its lower 5 bits and the rest into
the exponents of two numbers, each times 8; DIVN takes it out of there, and rounds once.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from mpy_cross.emulator.cores.xtensa.context import Context, Operation
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.numbers import FCR, FSR
from mpy_cross.emulator.cores.xtensa.softfloat import (
    DIVIDE,
    INFINITY,
    INVALID,
    NAN,
    NEAREST,
    ONE,
    QUIET,
    SIGN,
    Result,
    is_infinite,
    is_nan,
    is_signaling,
    is_zero,
    multiply_add,
    pack,
    parts,
)

CONSTANTS: Final = (0, ONE, 0x4000_0000, 0x3F00_0000)  # 0, 1, 2, 0.5

_FRACTION, _HIDDEN, _BIAS, _EXPONENT = 0x7F_FFFF, 0x80_0000, 127, 0xFF
_SPECIAL: Final = 12 * 32  # adjustments from here on are kinds of special results
_ZERO, _INFINITE, _NOT = 0, 2, 4  # the kinds; one more for a negative one

# The seeds: the value of 1/x in the middle of each of 128 pieces of [1, 2), and of 1/sqrt(x) in the
# middle of each of 64 pieces of [1, 2) and of [2, 4); in units of 1/256, without the highest bit.
RECIPROCAL: Final = tuple(
    max(129, (2 * 65536 + (257 + 2 * i)) // (2 * (257 + 2 * i))) - 128 for i in range(128))


def _root(numerator: int, denominator: int) -> int:
    """256 / sqrt(numerator / denominator), rounded, less 128.  (What comes within a thousandth of
    the middle between two numbers, as one does, the makers have rounded up.)"""
    return (2 * isqrt(1_000_000 * 65536 * denominator // numerator) + 1002) // 2000 - 128


ROOT_ODD: Final = tuple(_root(129 + 2 * i, 128) for i in range(64))  # biased exponent odd
ROOT_EVEN: Final = tuple(_root(129 + 2 * i, 64) for i in range(64))


def _normal(x: int) -> tuple[int, int]:
    """Biased exponent, also below 1, and fraction of a number that is not 0; of infinity and NaN
    what stands there."""
    exponent, fraction = x >> 23 & _EXPONENT, x & _FRACTION
    if exponent:
        return exponent, fraction
    shift = 24 - fraction.bit_length()
    return 1 - shift, fraction << shift & _FRACTION


def _encoded(sign: int, exponent: int, fraction: int) -> int:
    """A number whose exponent may be out of range: bits are cut off, or it is infinite."""
    if exponent >= _EXPONENT:
        return sign | INFINITY
    if exponent <= 0:
        return sign | (_HIDDEN | fraction) >> 1 - exponent
    return sign | exponent << 23 | fraction


def _root_seed(exponent: int, fraction: int) -> int:
    return (ROOT_ODD if exponent & 1 else ROOT_EVEN)[fraction >> 17] << 16


def recip0(x: int) -> int:
    sign = x & SIGN
    if is_zero(x):
        return sign | INFINITY
    if is_infinite(x):
        return sign
    exponent, fraction = _normal(x)
    seed = RECIPROCAL[fraction >> 16] << 16
    if is_nan(x):
        return sign | INFINITY | (_HIDDEN | seed) >> 1
    return _encoded(sign, 253 - exponent, seed)


def div0(x: int) -> int:
    """The exponent only says whether that of x is odd."""
    if is_zero(x):
        exponent, fraction = 1, 0
    else:
        exponent, fraction = _normal(x)
    return x & SIGN | 125 + (exponent & 1) << 23 | RECIPROCAL[fraction >> 16] << 16


def rsqrt0(x: int) -> int:
    if is_zero(x):
        return x | INFINITY
    if x == INFINITY:
        return 0
    exponent, fraction = _normal(x)
    seed = _root_seed(exponent, fraction)
    if x & SIGN or is_nan(x):
        return x & SIGN | INFINITY | QUIET | seed
    return _encoded(0, 380 - exponent >> 1, seed)


def sqrt0(x: int) -> int:
    exponent, fraction = _normal(x) if not is_zero(x) else (0, 0)
    return x & SIGN | 126 << 23 | _root_seed(exponent, fraction)


def nexp01(x: int) -> int:
    """-x, with an exponent that brings it between 1 and 4."""
    x ^= SIGN
    if is_nan(x):
        return x
    if is_zero(x) or is_infinite(x):
        return x & SIGN | ONE
    exponent, fraction = _normal(x)
    return x & SIGN | _BIAS + (exponent + 1 & 1) << 23 | fraction


def _adjustment(a: int) -> int:
    low, high = 8 * (a & 31) + _BIAS & 0xFF, 8 * (a >> 5) + _BIAS & 0xFF
    return low << 23 | high << 14 | 0xC000


def mkdadj(divisor: int, dividend: int) -> Result:
    sign = (divisor ^ dividend) >> 31
    if is_nan(divisor) or is_nan(dividend):
        signals = is_signaling(divisor) or is_signaling(dividend)
        return _adjustment(_SPECIAL + _NOT + sign), INVALID if signals else 0
    if is_zero(divisor):
        if is_zero(dividend):
            return _adjustment(_SPECIAL + _NOT + sign), INVALID
        flags = 0 if is_infinite(dividend) else DIVIDE
        return _adjustment(_SPECIAL + _INFINITE + sign), flags
    if is_infinite(dividend):
        if is_infinite(divisor):
            return _adjustment(_SPECIAL + _NOT + sign), INVALID
        return _adjustment(_SPECIAL + _INFINITE + sign), 0
    if is_zero(dividend) or is_infinite(divisor):
        return _adjustment(_SPECIAL + _ZERO + sign), 0
    above, below = _normal(dividend)[0] - _BIAS, _normal(divisor)[0] - _BIAS
    return _adjustment((above & ~1) - (below & ~1)), 0


def mksadj(x: int) -> Result:
    if is_nan(x):
        return _adjustment(_SPECIAL + _NOT), INVALID if is_signaling(x) else 0
    if is_zero(x):
        return _adjustment(_SPECIAL + _ZERO + (x >> 31)), 0
    if x & SIGN:
        return _adjustment(_SPECIAL + _NOT), INVALID
    if is_infinite(x):
        return _adjustment(_SPECIAL + _INFINITE), 0
    return _adjustment(_normal(x)[0] - _BIAS >> 1), 0


def _moved(x: int, by: int, flip: int) -> int:
    """x with its exponent moved, which may wrap, and its sign changed."""
    exponent = (x >> 23) + by & _EXPONENT
    return (x ^ flip) & (SIGN | _FRACTION) | exponent << 23


def addexp(x: int, adjustment: int) -> int:
    return _moved(x, (adjustment >> 23 & _EXPONENT) - _BIAS, adjustment & SIGN)


def addexpm(x: int, adjustment: int) -> int:
    return _moved(x, (adjustment >> 14 & 0xFF) - _BIAS, (adjustment >> 22 & 1) << 31)


def _apart(x: int) -> tuple[int, int, int]:
    """What `addexp` put into the exponent of x, and the rest: number * 2 ** power."""
    exponent = ((x >> 23) - _BIAS & 0xFF ^ 0x80) - 0x80
    eighths = exponent + 4 >> 3
    number = _HIDDEN | x & _FRACTION
    return eighths, -number if x & SIGN else number, exponent - 8 * eighths - 23


def divn(r: int, s: int, t: int, mode: int) -> Result:
    """r + s * t, with the adjustment that is in the exponents of r and t."""
    if is_nan(s):
        return s | QUIET, 0
    high, estimate, power = _apart(r)
    low, factor, factor_power = _apart(t)
    a = 32 * high + (low & 31)
    kind = a - _SPECIAL
    if 0 <= kind < 6:
        if kind & ~1 == _NOT:
            return NAN, INVALID
        return (kind & 1) << 31 | (INFINITY if kind & ~1 == _INFINITE else 0), 0
    if is_infinite(s):
        return s ^ t & SIGN, 0
    rest, rest_power = parts(s)
    rest_power += factor_power
    lowest = min(power, rest_power)
    total = (estimate << power - lowest) + (rest * factor << rest_power - lowest)
    if not total:
        return _encoded(0, a - 50 + _BIAS, 0), 0
    return pack(total, lowest + a, mode)


# The instructions.

_ONE: Final = {"recip0.s": recip0, "div0.s": div0, "rsqrt0.s": rsqrt0, "sqrt0.s": sqrt0,
               "nexp01.s": nexp01}


def one(core: Context, i: Instruction) -> None:
    r, s = i.operands
    core.state.fr[r] = _ONE[i.name](core.state.fr[s])


def const(core: Context, i: Instruction) -> None:
    r, number = i.operands
    core.state.fr[r] = CONSTANTS[number] if number < len(CONSTANTS) else 0


def maddn(core: Context, i: Instruction) -> None:
    """To nearest, whatever FCR says, and without flags."""
    r, s, t = i.operands
    fr = core.state.fr
    fr[r] = multiply_add(fr[s], fr[t], fr[r], NEAREST)[0]


def divide_normal(core: Context, i: Instruction) -> None:
    r, s, t = i.operands
    state = core.state
    state.fr[r], flags = divn(state.fr[r], state.fr[s], state.fr[t], state.ur[FCR] & 3)
    state.ur[FSR] |= flags


def make_adjustment(core: Context, i: Instruction) -> None:
    r, s = i.operands
    state = core.state
    state.fr[r], flags = mksadj(state.fr[s]) if i.name == "mksadj.s" else \
        mkdadj(state.fr[r], state.fr[s])
    state.ur[FSR] |= flags


def add_adjustment(core: Context, i: Instruction) -> None:
    r, s = i.operands
    fr = core.state.fr
    fr[r] = (addexp if i.name == "addexp.s" else addexpm)(fr[r], fr[s])


STEPS: Final[dict[str, Operation]] = {
    **dict.fromkeys(_ONE, one), "const.s": const, "maddn.s": maddn, "divn.s": divide_normal,
    "mksadj.s": make_adjustment, "mkdadj.s": make_adjustment, "addexp.s": add_adjustment,
    "addexpm.s": add_adjustment}
