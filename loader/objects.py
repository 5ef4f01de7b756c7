"""Constant objects of a program, as the compiler makes them and a .mpy file stores them.

MicroPython's own types map to Python values one to one, except `str`: a MicroPython string is
8-bit clean, so it is kept as the bytes of its (usually) UTF-8 form in a `Str`, apart from `bytes`.
"""

from __future__ import annotations

import struct
from types import EllipsisType
from typing import TypeAlias, final


@final
class Str:
    """A `str` object that is not a qstr; `data` is its UTF-8 form, invalid bytes included."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Str) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"Str({self.data!r})"


@final
class FunTable:
    """The run-time's table of functions, an entry of the object table that native code needs."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunTable)

    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "FunTable()"


@final
class FileFloat(float):
    """A float read from a file; it remembers its text, so that writing it gives the same bytes.

    Some releases print too few digits, so the text cannot be had back from the value.
    """

    __slots__ = ("text",)
    text: bytes

    @classmethod
    def of(cls, value: float, text: bytes) -> FileFloat:
        self = cls(value)
        self.text = text
        return self


@final
class FileComplex(complex):
    """A complex number read from a file, with its text; see `FileFloat`."""

    __slots__ = ("text",)
    text: bytes

    @classmethod
    def of(cls, value: complex, text: bytes) -> FileComplex:
        self = cls(value)
        self.text = text
        return self


ConstValue: TypeAlias = (
    "int | float | complex | bytes | Str | FunTable | bool | EllipsisType"
    " | tuple[ConstValue, ...] | None"
)

ConstKey: TypeAlias = "tuple[str, object]"


def strict_key(value: ConstValue) -> ConstKey:
    """A dictionary key under which two constants are equal only if their types and bits are.

    `1`, `1.0` and `True` differ; so do `0.0` and `-0.0`, also inside tuples.
    """
    if isinstance(value, tuple):
        return ("tuple", tuple(strict_key(item) for item in value))
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    if isinstance(value, complex):
        return ("complex", struct.pack("<dd", value.real, value.imag))
    return (type(value).__name__, value)
