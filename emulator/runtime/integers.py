"""int, float and complex: constructors and methods (py/objint.c, py/objfloat.c, py/objcomplex.c).

Numbers in text are MicroPython's: an underscore may be anywhere among the digits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from mpy_cross.emulator.runtime import memory
from mpy_cross.emulator.runtime.arguments import (
    WORD_BITS,
    as_float,
    as_word,
    buffer,
    buffer_of,
    check_count,
    native,
    no_implicit,
    raw,
)
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.float32 import Float32
from mpy_cross.emulator.runtime.floats import parse_decimal, to_single
from mpy_cross.emulator.runtime.printing import bytes_text
from mpy_cross.emulator.runtime.types import Attributes, ClassMethod, Getter, MpClass, type_name

_SPACE: Final = " \t\n\r\v\f"
_DIGITS: Final = {
    char: value
    for value, pair in enumerate(
        [(chr(48 + i),) * 2 for i in range(10)] + [(chr(97 + i), chr(65 + i)) for i in range(26)]
    )
    for char in pair
}
_LEADING_ZERO: Final = re.compile(r"[ \t\n\r\v\f]*[+-]?0+[_0]*[1-9]")
_PREFIXES: Final = {"x": 16, "o": 8, "b": 2}
SMALL_BITS: Final = WORD_BITS - 1
"""Bits of an int that needs no memory."""


def digits_to_int(digits: str, base: int) -> int:
    """The value of digits, any number of them; the host's limit on them does not apply."""
    size = len(digits)
    if size <= 2000:
        return int(digits, base)
    half = size // 2
    low: int = base**half
    return digits_to_int(digits[:-half], base) * low + digits_to_int(digits[-half:], base)


def parse_int(text: str, base: int) -> int:
    """The int that a text (a character for each byte) shows; base 0 goes by the prefix.

    Raises ValueError.
    """
    if base != 0 and not 2 <= base <= 36:
        raise ValueError("int() arg 2 must be >= 2 and <= 36")
    text = text.lstrip(_SPACE)
    sign = text[:1]
    if sign == "+" or sign == "-":
        text = text[1:]
    if len(text) > 1 and text[0] == "0":
        of_prefix = _PREFIXES.get(text[1].lower())
        if of_prefix is not None and base in (0, of_prefix):
            base = of_prefix
            text = text[2:]
    base = base or 10
    end = 0
    for char in text:
        if char != "_" and _DIGITS.get(char, 36) >= base:
            break
        end += 1
    if end == 0 or text[end:].strip(_SPACE):
        shown = bytes_text(text.encode("latin-1"))[1:]
        raise ValueError(f"invalid syntax for integer with base {base}: {shown}")
    value = digits_to_int(text[:end].replace("_", "") or "0", base)
    return -value if sign == "-" else value


def int_from_float(value: float) -> int:
    """The int part of a float.  Raises OverflowError, ValueError."""
    if value != value:
        raise ValueError("can't convert NaN to int")
    if value in (math.inf, -math.inf):
        raise OverflowError("can't convert inf to int")
    return int(value)


_NOTHING: Final[Any] = object()


@native
def make_int(value: Any = 0, base: Any = _NOTHING, /) -> int:
    """`int(...)`."""
    cls = type(value)
    if base is not _NOTHING:
        if cls is str:
            text, number = raw(value), as_word(base)
            if number == 0 and not LANGUAGE[0].leading_zero and _LEADING_ZERO.match(text):
                shown = bytes_text(text.encode("latin-1"))[1:]
                raise ValueError(f"invalid syntax for integer with base 0: {shown}")
            return parse_int(text, number)
        if cls is bytes:
            return parse_int(value.decode("latin-1"), as_word(base))
        raise no_implicit(value)
    if cls is int:
        return value  # type: ignore[no-any-return]
    if cls is bool:
        return 1 if value else 0
    if cls is str:
        return parse_int(raw(value), 0)
    if cls is bytes:
        return parse_int(value.decode("latin-1"), 0)
    if LANGUAGE[0].int_of_buffer:
        held = buffer_of(value)
        if held is not None:
            return parse_int(held.decode("latin-1"), 0)
    if type(cls) is MpClass:
        own = getattr(cls, "__int__", None)
        if own is not None and not isinstance(value, float):
            made = own(value)
            if type(made) is not int:
                raise TypeError()
            return made
    elif isinstance(value, float):
        return int_from_float(value)
    raise TypeError(f"can't convert {type_name(value)} to int")


@native
def _from_bytes(cls: Any, data: Any, order: Any = _NOTHING, signed: Any = False, /) -> int:
    if order is _NOTHING and not LANGUAGE[0].bytes_defaults:
        raise TypeError("function missing 1 required positional arguments")
    return int.from_bytes(buffer(data), "little" if order == "little" else "big")


@native
def _to_bytes(
    self: int, length: Any = _NOTHING, order: Any = _NOTHING, signed: Any = False, /
) -> bytes:
    facts = LANGUAGE[0]
    if order is _NOTHING and not facts.bytes_defaults:
        given = 1 if length is _NOTHING else 2
        raise TypeError(f"function missing {3 - given} required positional arguments")
    size = 1 if length is _NOTHING else as_word(length)
    if size < 0:
        raise ValueError()
    memory.text(size)
    if facts.bytes_checked:
        # What is negative is taken as signed, whatever the argument says.
        fits = -(1 << 8 * size) <= 2 * self if self < 0 else self < 1 << 8 * size
        if not fits:
            raise OverflowError("buffer too small")
        data = (self & ((1 << (8 * size)) - 1)).to_bytes(size, "little")
        return data if order == "little" else data[::-1]
    little = order == "little"
    small = -(1 << (SMALL_BITS - 1)) <= self < 1 << (SMALL_BITS - 1)
    # An int that needs no memory is stored as a machine word, without extending its sign.
    stored = min(size, WORD_BITS // 8) if small else size
    data = (self & ((1 << (8 * stored)) - 1)).to_bytes(stored, "little") + bytes(size - stored)
    return data if little else data[::-1]


INT: Final[Attributes] = {"from_bytes": ClassMethod(_from_bytes), "to_bytes": _to_bytes}
"""Attributes of int."""


def float_constructor(float_type: type[float]) -> Callable[..., float]:
    """`float(...)` of a board whose floats are of this type."""
    single = float_type is Float32

    def make_float(*args: Any, **kwargs: Any) -> float:
        check_count(args, 0, 1, kwargs)
        if not args:
            return float_type(0.0)
        value = args[0]
        if type(value) is float_type:
            return value
        text = buffer_of(value)
        if text is not None:
            return float_type(parse_decimal(text.decode("latin-1"), single)[0])
        return float_type(as_float(value))

    return make_float


def _sum(text: str, single: bool) -> complex:
    """The complex number of a text such as `1+2j`, whose parts need not both be there."""
    text = text.strip(_SPACE)
    if text[-1:] not in ("j", "J"):
        return complex(parse_decimal(text, single)[0], 0.0)
    at = len(text) - 2
    while at > 0 and (text[at] not in "+-" or text[at - 1] in "eE"):
        at -= 1
    at = max(at, 0)
    imaginary = text[at:-1]
    if imaginary in ("", "+", "-"):
        imaginary += "1"
    real = parse_decimal(text[:at], single)[0] if at else 0.0
    return complex(real, parse_decimal(imaginary, single)[0])


def complex_constructor(float_type: type[float]) -> Callable[..., complex]:
    """`complex(...)` of a board whose floats are of this type."""
    single = float_type is Float32

    def parts(value: Any) -> tuple[float, float]:
        if type(value) is complex:
            return value.real, value.imag
        method = None
        if type(type(value)) is MpClass and LANGUAGE[0].complex_text:
            method = getattr(type(value), "__complex__", None)
        if method is not None:
            made = method(value)
            if type(made) is not complex:
                raise TypeError(f"can't convert {type_name(value)} to complex")
            return made.real, made.imag
        number = as_float(value)
        return (to_single(number) if single else number), 0.0

    def make_complex(*args: Any, **kwargs: Any) -> complex:
        check_count(args, 0, 2, kwargs)
        if not args:
            return 0j
        if len(args) == 1:
            if type(args[0]) is str:
                text = raw(args[0])
                if LANGUAGE[0].complex_text:
                    return _sum(text, single)
                value, imaginary = parse_decimal(text, single, True)
                return complex(0.0, value) if imaginary else complex(value, 0.0)
            return complex(*parts(args[0]))
        real, imag = parts(args[0])
        more, turned = parts(args[1])
        if turned:
            real -= turned
        return complex(real, imag + more)

    return make_complex


def complex_attributes(float_type: type[float]) -> Attributes:
    """Attributes of complex."""
    return {
        "real": Getter(lambda self: float_type(self.real)),
        "imag": Getter(lambda self: float_type(self.imag)),
    }


def float_power(base: float, exponent: float) -> Any:
    """`base ** exponent` of floats: an infinity instead of an overflow."""
    if base == 0.0 and exponent < 0.0 and exponent != -math.inf:
        raise ZeroDivisionError("divide by zero")
    try:
        return base**exponent
    except OverflowError:
        odd = exponent == math.floor(exponent) and math.fmod(exponent, 2.0) != 0.0
        made = -math.inf if base < 0 and odd else math.inf
        return Float32(made) if type(base) is Float32 or type(exponent) is Float32 else made
