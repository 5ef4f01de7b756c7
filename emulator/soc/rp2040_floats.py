"""Floating point of RP2040's boot ROM: its tables SF and SD (RP2040 datasheet, 2.8.3.2).

Arithmetic is IEEE 754 with the host's doubles; a sum, product, quotient or root that is rounded to
a double and then to a single is the single that is nearest to the exact result (Figueroa, "When is
double rounding innocuous?", 1995).  The ROM of the chip is less exact at subnormal numbers and
NaNs, which it treats as 0 and infinity.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Final

Words = tuple[int, ...]
"""What a function leaves in r0 and the registers after it."""

FLAGS: Final = 0x14  # offset of the function that answers in the condition flags
ENTRIES: Final = 32
_WORD: Final = 0xFFFFFFFF
_FLOAT: Final = struct.Struct("<f")
_DOUBLE: Final = struct.Struct("<d")
_INFINITE: Final = 0x7F800000


def single(bits: int) -> float:
    """The float of 32 bits."""
    value: float = _FLOAT.unpack(bits.to_bytes(4, "little"))[0]
    return value


def double(low: int, high: int) -> float:
    """The float of two words."""
    value: float = _DOUBLE.unpack((high << 32 | low).to_bytes(8, "little"))[0]
    return value


def of_single(value: float) -> Words:
    try:
        return (int.from_bytes(_FLOAT.pack(value), "little"),)
    except OverflowError:
        return (_INFINITE | (value < 0) << 31,)


def of_double(value: float) -> Words:
    word = int.from_bytes(_DOUBLE.pack(value), "little")
    return word & _WORD, word >> 32


def signed(word: int, bits: int = 32) -> int:
    return word - (word >> bits - 1 << bits)


def divide(a: float, b: float) -> float:
    if b:
        return a / b
    if a == 0 or a != a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


def guarded(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function of `math` that answers NaN or infinity in place of an error."""
    def call(value: float) -> float:
        try:
            return function(value)
        except ValueError:
            return -math.inf if value == 0 else math.nan
        except OverflowError:
            return math.inf
    return call


def scaled(value: float, exponent: int) -> float:
    try:
        return math.ldexp(value, max(min(exponent, 4000), -4000))
    except OverflowError:
        return math.copysign(math.inf, value)


def whole(value: float, bits: int, signs: bool) -> Words:
    """An integer, rounded down and limited to its range."""
    low, high = (-1 << bits - 1, (1 << bits - 1) - 1) if signs else (0, (1 << bits) - 1)
    if value != value:
        result = 0
    elif math.isinf(value):
        result = low if value < 0 else high
    else:
        result = min(max(math.floor(value), low), high)
    return tuple(result >> at & _WORD for at in range(0, bits, 32))


def ordered(a: float, b: float) -> int:
    """-1, 0 or 1."""
    return (a > b) - (a < b)


def exactly(value: int, exponent: int, double_: bool) -> float:
    """value / 2**exponent, rounded once."""
    shift = exponent
    if not double_:
        # Keeps 30 bits and a sticky one, so that the double is exact and rounding happens once.
        size = abs(value).bit_length()
        if size > 32:
            cut = size - 32
            kept = abs(value) >> cut
            kept |= bool(abs(value) & (1 << cut) - 1)
            value, shift = (-kept if value < 0 else kept), exponent - cut
    return scaled(float(value), -shift)


def table(wide: bool) -> list[Callable[[list[int]], Words]]:
    """The functions in order; each gets r0 to r3.  wide: of doubles."""
    size = 2 if wide else 1
    bits: Callable[[float], Words] = of_double if wide else of_single

    def operand(registers: list[int], at: int) -> float:
        if wide:
            return double(registers[2 * at], registers[2 * at + 1])
        return single(registers[at])

    def unary(function: Callable[[float], float]) -> Callable[[list[int]], Words]:
        return lambda registers: bits(function(operand(registers, 0)))

    def binary(function: Callable[[float, float], float]) -> Callable[[list[int]], Words]:
        return lambda registers: bits(function(operand(registers, 0), operand(registers, 1)))

    def compare(registers: list[int]) -> Words:
        return (ordered(operand(registers, 0), operand(registers, 1)) & _WORD,)

    def to_whole(width: int, signs: bool, fixed: bool) -> Callable[[list[int]], Words]:
        def call(registers: list[int]) -> Words:
            value = operand(registers, 0)
            if fixed:
                value = scaled(value, signed(registers[size]))
            return whole(value, width, signs)
        return call

    def from_whole(width: int, signs: bool, fixed: bool) -> Callable[[list[int]], Words]:
        words = width // 32

        def call(registers: list[int]) -> Words:
            value = registers[0] if words == 1 else registers[0] | registers[1] << 32
            exponent = signed(registers[words]) if fixed else 0
            return bits(exactly(signed(value, width) if signs else value, exponent, wide))
        return call

    def both(registers: list[int]) -> Words:
        angle = operand(registers, 0)
        return bits(guarded(math.sin)(angle)) + bits(guarded(math.cos)(angle))

    def other(registers: list[int]) -> Words:
        return of_single(operand(registers, 0)) if wide else of_double(operand(registers, 0))

    return [
        binary(lambda a, b: a + b), binary(lambda a, b: a - b), binary(lambda a, b: a * b),
        binary(divide), compare, compare, unary(guarded(math.sqrt)),
        to_whole(32, True, False), to_whole(32, True, True),
        to_whole(32, False, False), to_whole(32, False, True),
        from_whole(32, True, False), from_whole(32, True, True),
        from_whole(32, False, False), from_whole(32, False, True),
        unary(guarded(math.cos)), unary(guarded(math.sin)), unary(guarded(math.tan)), both,
        unary(guarded(math.exp)), unary(guarded(math.log)), compare,
        binary(math.atan2),
        from_whole(64, True, False), from_whole(64, True, True),
        from_whole(64, False, False), from_whole(64, False, True),
        to_whole(64, True, False), to_whole(64, True, True),
        to_whole(64, False, False), to_whole(64, False, True),
        other,
    ]
