"""Constant objects of a program, as the compiler makes them and a .mpy file stores them.

MicroPython's own types map to Python values one to one, except `str`: a MicroPython string is
8-bit clean, so it is kept as the bytes of its (usually) UTF-8 form in a `Str`, apart from `bytes`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias, final


@final
@dataclass(frozen=True, slots=True)
class Str:
    """A `str` object that is not a qstr; `data` is its UTF-8 form, invalid bytes included."""

    data: bytes


ConstValue: TypeAlias = (
    "int | float | complex | bytes | Str | bool | None | EllipsisType | tuple[ConstValue, ...]"
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
