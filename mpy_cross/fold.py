"""Arithmetic on constants, with the reference's two sorts of integer and its errors.

The reference runs on a 64-bit host, where a small int has 63 bits; anything else is a big int, and
the result of arithmetic with a big int stays one even when it gets small (until 1.24).  That shows:
small ints become part of the instruction, big ints become objects.  So a number here is a pair
of a value and whether it is a big int.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias, final

from mpy_cross.loader.ops import BinaryOp, UnaryOp
from mpy_cross.loader.release import Release
from mpy_cross.numbers import c_pow

Number: TypeAlias = "tuple[int | float, bool]"

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


def unary(op: UnaryOp, operand: Number) -> Number:
    """`+`, `-` or `~`; the operand of `~` must be an int."""
    value, big = operand
    if isinstance(value, float):
        return (-value if op == UnaryOp.NEGATIVE else value), False
    if op == UnaryOp.NEGATIVE:
        value = -value
    elif op == UnaryOp.INVERT:
        value = ~value
    return value, big or not is_small(value)


def binary(op: BinaryOp, left: Number, right: Number, release: Release) -> Number | None:
    """The value of `left op right`, or None where the release leaves it to the running program.

    Raises FoldError; from 1.26 the caller takes that as None.
    """
    a, a_big = left
    b, b_big = right
    if isinstance(a, float) or isinstance(b, float):
        return _float_op(op, as_float(a, a_big), as_float(b, b_big))
    if op == BinaryOp.TRUE_DIVIDE:
        if not release.fold_floats:
            return None
        if b == 0:
            raise FoldError("ZeroDivisionError", "divide by zero")
        return _divide(as_float(a, a_big or b_big), as_float(b, a_big or b_big)), False
    big = a_big or b_big
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
        value = _power(a, b)
    else:
        return None
    if not big or release.big_int_shrinks:
        big = not is_small(value)
    return value, big


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


def as_float(value: int | float, big: bool) -> float:
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
        return a + b, False
    if op == BinaryOp.SUBTRACT:
        return a - b, False
    if op == BinaryOp.MULTIPLY:
        return a * b, False
    if op == BinaryOp.POWER:
        if a == 0 and b < 0 and not math.isinf(b):
            return None
        if a < 0 and b != _floor(b) and not math.isnan(b):
            return None  # the result is complex
        return c_pow(a, b), False
    if op not in (BinaryOp.TRUE_DIVIDE, BinaryOp.FLOOR_DIVIDE, BinaryOp.MODULO) or b == 0:
        return None
    if op == BinaryOp.TRUE_DIVIDE:
        return a / b, False
    rest = _fmod(a, b)
    quotient = (a - rest) / b
    if rest == 0:
        rest = math.copysign(0.0, b)
    elif (rest < 0) != (b < 0):
        rest += b
        quotient -= 1.0
    if op == BinaryOp.MODULO:
        return rest, False
    if quotient == 0:
        return math.copysign(0.0, a / b), False
    floor = _floor(quotient)
    if quotient - floor > 0.5:
        floor += 1.0
    return floor, False
