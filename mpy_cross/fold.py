"""Arithmetic on constants, with the reference's two sorts of integer and its errors.

The reference runs on a 64-bit host, where a small int has 63 bits; anything else is a big int, and
the result of arithmetic with a big int stays one even when it gets small (until 1.24).  That shows:
small ints become part of the instruction, big ints become objects.  So a number here is a pair
of a value and its kind: SMALL (floats too), BIG, or NEGATIVE_ZERO, the big int 0 with a sign, which
releases before 1.18 make and then compute with.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias, final

from mpy_cross.loader.floatread import c_pow
from mpy_cross.loader.ops import BinaryOp, UnaryOp
from mpy_cross.loader.release import Release

Number: TypeAlias = "tuple[int | float, int]"

SMALL: Final = 0
BIG: Final = 1
NEGATIVE_ZERO: Final = 2

SMALL_MIN: Final = -(1 << 62)
SMALL_MAX: Final = (1 << 62) - 1
_HEAP: Final = 2_072_000
"""Bytes that big ints find in the heap of 2 MiB in which the reference runs."""


@final
class FoldError(Exception):
    """What MicroPython raises while folding; `kind` is the exception type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def is_small(value: int) -> bool:
    """Whether the value fits a small int of the compiling side."""
    return SMALL_MIN <= value <= SMALL_MAX


def unary(op: UnaryOp, operand: Number, release: Release) -> Number:
    """`+`, `-` or `~`; the operand of `~` must be an int."""
    value, kind = operand
    if isinstance(value, float):
        return (-value if op == UnaryOp.NEGATIVE else value), SMALL
    if op == UnaryOp.POSITIVE:
        return operand
    if op == UnaryOp.INVERT:
        value = ~value
    elif value or kind == SMALL:
        value = -value
    else:
        return 0, NEGATIVE_ZERO if kind == BIG and release.big_zero_has_sign else BIG
    return value, BIG if kind or not is_small(value) else SMALL


def binary(op: BinaryOp, left: Number, right: Number, release: Release) -> Number | None:
    """The value of `left op right`, or None where the release leaves it to the running program.

    Raises FoldError; from 1.26 the caller takes that as None.
    """
    number = _binary(op, left, right, release)
    if number is None or number[0] or number[1] == SMALL or not release.big_zero_has_sign:
        return number
    return 0, NEGATIVE_ZERO if _is_negative_zero(op, left, right) else BIG


def _binary(op: BinaryOp, left: Number, right: Number, release: Release) -> Number | None:
    a, a_big = left
    b, b_big = right
    if isinstance(a, float) or isinstance(b, float):
        return _float_op(op, as_float(a, a_big), as_float(b, b_big))
    if op == BinaryOp.TRUE_DIVIDE:
        if not release.fold_floats:
            return None
        if b == 0:
            raise FoldError("ZeroDivisionError", "divide by zero")
        return _divide(as_float(a, a_big or b_big), as_float(b, a_big or b_big)), SMALL
    if op in _BITWISE:
        if a_big == NEGATIVE_ZERO:
            return _negative_zero_bits(op, b, b_big), BIG
        if b_big == NEGATIVE_ZERO:
            return _negative_zero_bits(op, a, a_big), BIG
    big = bool(a_big or b_big)
    if op == BinaryOp.ADD:
        value = a + b
    elif op == BinaryOp.SUBTRACT:
        value = a - b
    elif op == BinaryOp.MULTIPLY:
        sizes = _size(a.bit_length()) + _size(b.bit_length())
        _allocate(sizes, sizes)
        value = a * b
    elif op == BinaryOp.OR:
        value = a | b
    elif op == BinaryOp.XOR:
        value = a ^ b
    elif op == BinaryOp.AND:
        value = a & b
    elif op == BinaryOp.FLOOR_DIVIDE or op == BinaryOp.MODULO:
        if b == 0:
            if not release.fold_floats:
                return None
            raise FoldError("ZeroDivisionError", "divide by zero")
        value = a // b if op == BinaryOp.FLOOR_DIVIDE else a % b
    elif op == BinaryOp.LSHIFT or op == BinaryOp.RSHIFT:
        if b < 0:
            if not release.fold_floats:
                return None
            raise FoldError("ValueError", "negative shift count")
        if b >= 1 << 63 or (b_big and not -(1 << 63) <= b < 1 << 63):
            raise FoldError("OverflowError", "overflow converting long int to machine word")
        size = _size(a.bit_length())
        if op == BinaryOp.RSHIFT:
            if big:
                _allocate(size, size)
            value = a >> min(b, a.bit_length())
        else:
            big = big or b >= 64
            if a:
                _allocate(size, size + _size(b))
                value = a << b
            else:
                value = 0
    elif op == BinaryOp.POWER:
        if b < 0:
            if not release.fold_floats:
                return None
            return _float_op(op, as_float(a, a_big), as_float(b, b_big))
        # Big ints have 0 ** 0 == 0, and a negative zero is a negative exponent.
        value = 0 if big and (a == 0 or b_big == NEGATIVE_ZERO) else _power(a, b)
    else:
        return None
    if not big or release.big_int_shrinks:
        big = not is_small(value)
    return value, BIG if big else SMALL


_BITWISE: Final = (BinaryOp.AND, BinaryOp.OR, BinaryOp.XOR)


def _negative_zero_bits(op: BinaryOp, value: int, kind: int) -> int:
    """A negative zero `&`, `|` or `^` another int of that kind, before 1.18.

    The negative operand is negated digit by digit, as far as the other one has digits; for zero the
    carry then leaves at the top, and what is left is 2 ** width.  (`|` with another zero aborts the
    reference.)
    """
    if value == 0:
        if op == BinaryOp.OR or (op == BinaryOp.AND) != (kind == NEGATIVE_ZERO):
            return 0
        return -1
    width = 1 << 8 * _size(value.bit_length())
    if op == BinaryOp.AND:
        return 0 if value > 0 else -width
    if value > 0:
        return value - width
    return value if op == BinaryOp.OR else value + width


def _is_negative_zero(op: BinaryOp, left: Number, right: Number) -> bool:
    """Whether `left op right`, which is zero, has a sign before 1.18."""
    a_negative = left[0] < 0 or left[1] == NEGATIVE_ZERO
    b_negative = right[0] < 0 or right[1] == NEGATIVE_ZERO
    if op == BinaryOp.FLOOR_DIVIDE:
        return a_negative != b_negative
    if op == BinaryOp.OR:
        return a_negative or b_negative
    # Shifts copy a zero; sums of equal sizes and rests take the sign of the left operand.
    kept = (BinaryOp.ADD, BinaryOp.SUBTRACT, BinaryOp.MODULO, BinaryOp.LSHIFT, BinaryOp.RSHIFT)
    return a_negative and op in kept


def _size(bits: int) -> int:
    """Bytes of a big int: digits of 32 bits."""
    return (bits + 31) // 32 * 4


def _allocate(live: int, need: int) -> None:
    """Asks for `need` bytes beside the `live` ones."""
    if live + need > _HEAP:
        # The message has the size in 32 bits.
        shown = need & 0xFFFFFFFF
        raise FoldError("MemoryError", f"memory allocation failed, allocating {shown} bytes")


def _power(a: int, b: int) -> int:
    if a in (0, 1):
        return a if b else 1
    if a == -1:
        return -1 if b & 1 else 1
    # Squares and products as the reference makes them, but sizes only.
    square = math.log2(abs(a))
    result = 0.0
    left = b
    while left:
        x = _size(int(square) + 1)
        if left & 1:
            dest = _size(int(result) + 1)
            _allocate(x + dest + dest, dest + x)
            result += square
        left >>= 1
        if left:
            _allocate(x + x + _size(int(result) + 1), x + x)
            square *= 2
    return int(a**b)


def as_float(value: int | float, big: int) -> float:
    """The double that MicroPython makes of a number; a big int goes digit by digit."""
    if isinstance(value, float):
        return value
    if not big:
        return float(value)
    total = 0.0
    size = abs(value)
    count = (size.bit_length() + 31) // 32
    digits = size.to_bytes(count * 4, "big")
    for i in range(0, len(digits), 4):
        total = total * 4294967296.0 + int.from_bytes(digits[i : i + 4], "big")
    return -total if value < 0 else total


def _divide(a: float, b: float) -> float:
    return a / b


def _fmod(a: float, b: float) -> float:
    """C's fmod() for a divisor that is not 0."""
    try:
        return math.fmod(a, b)
    except ValueError:
        return math.nan


def _floor(value: float) -> float:
    return float(math.floor(value)) if math.isfinite(value) else value


def _float_op(op: BinaryOp, a: float, b: float) -> Number | None:
    if op == BinaryOp.ADD:
        return a + b, SMALL
    if op == BinaryOp.SUBTRACT:
        return a - b, SMALL
    if op == BinaryOp.MULTIPLY:
        return a * b, SMALL
    if op == BinaryOp.POWER:
        if a == 0 and b < 0 and not math.isinf(b):
            return None
        if a < 0 and b != _floor(b) and not math.isnan(b):
            return None  # the result is complex
        return c_pow(a, b), SMALL
    if op not in (BinaryOp.TRUE_DIVIDE, BinaryOp.FLOOR_DIVIDE, BinaryOp.MODULO) or b == 0:
        return None
    if op == BinaryOp.TRUE_DIVIDE:
        return a / b, SMALL
    rest = _fmod(a, b)
    quotient = (a - rest) / b
    if rest == 0:
        rest = math.copysign(0.0, b)
    elif (rest < 0) != (b < 0):
        rest += b
        quotient -= 1.0
    if op == BinaryOp.MODULO:
        return rest, SMALL
    if quotient == 0:
        return math.copysign(0.0, a / b), SMALL
    floor = _floor(quotient)
    if quotient - floor > 0.5:
        floor += 1.0
    return floor, SMALL
