"""Typecodes of arrays and of struct formats: sizes on a 32-bit board, and conversions.

Values that do not fit are cut to the size, without an error (manual 3.9.1).
"""

from __future__ import annotations

import math
from ctypes import c_float
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime.arguments import as_float, as_int
from mpy_cross.emulator.runtime.facts import LANGUAGE

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.storage import Storage

BYTEARRAY: Final = "\x01"
"""The typecode of a bytearray, and of a memoryview of one."""


@final
class Typecode:
    """What an element of a typecode is.

    letter: the typecode; size: bytes; format: the same element for the host; kind: `i` for
    integers, `f` for floats, `O` for objects, `S` for pointers to strings.
    """

    __slots__ = ("_big", "_little", "format", "kind", "letter", "mask", "sign", "size")

    def __init__(self, letter: str, format: str, kind: str) -> None:
        self.letter = letter
        self.format = format
        self.kind = kind
        self._little = Struct("<" + format)
        self._big = Struct(">" + format)
        self.size = self._little.size
        self.mask = (1 << self.size * 8) - 1
        self.sign = 0 if format.isupper() else 1 << (self.size * 8 - 1)

    def narrow(self, value: Any, storage: Storage) -> Any:
        """A value of the program as an element of the host's memoryview."""
        if self.kind == "f":
            number = as_float(value)
            if self.size == 2:
                return half(float(number))
            return c_float(number).value if self.size == 4 else float(number)
        if self.kind == "O":
            return storage.words.word(value)
        number = (value if type(value) is int else as_int(value)) & self.mask
        return number - self.mask - 1 if number & self.sign else number

    def pack(self, value: Any, big: bool, storage: Storage) -> bytes:
        """A value as bytes."""
        return (self._big if big else self._little).pack(self.narrow(value, storage))

    def unpack(self, data: Any, at: int, big: bool, storage: Storage) -> Any:
        """The value of the bytes at a place of a buffer."""
        value = (self._big if big else self._little).unpack_from(data, at)[0]
        if self.kind == "i":
            return value
        if self.kind == "f":
            return storage.float_type(value)
        if self.kind == "O":
            return storage.words.value(value)
        from mpy_cross.emulator.runtime.strings import decode_utf8

        return decode_utf8(storage.text_at(value))


def half(value: float) -> float:
    """A float that half precision has; an infinity for what is too large."""
    try:
        Struct("<e").pack(value)
    except OverflowError:
        return math.copysign(math.inf, value)
    return value


TYPECODES: Final[dict[str, Typecode]] = {
    letter: Typecode(letter, format, kind)
    for letter, format, kind in (
        (BYTEARRAY, "B", "i"),
        ("b", "b", "i"),
        ("B", "B", "i"),
        ("h", "h", "i"),
        ("H", "H", "i"),
        ("i", "i", "i"),
        ("I", "I", "i"),
        ("l", "i", "i"),
        ("L", "I", "i"),
        ("q", "q", "i"),
        ("Q", "Q", "i"),
        ("P", "I", "i"),
        ("O", "I", "O"),
        ("S", "I", "S"),
        ("f", "f", "f"),
        ("d", "d", "f"),
        ("e", "e", "f"),
    )
}


def typecode(letter: str) -> Typecode:
    """The typecode with a letter.  Raises ValueError."""
    found = TYPECODES.get(letter)
    if found is None or (letter == "e" and not LANGUAGE[0].half_floats):
        raise ValueError("bad typecode")
    return found
