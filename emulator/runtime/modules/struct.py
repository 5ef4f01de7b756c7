"""Module `struct` (manual 1.1.16).

Too few or too many values are no error (manual 3.9.7); white space in a format is one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_word, native
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.storage import Storage
from mpy_cross.emulator.runtime.typecodes import Typecode, typecode
from mpy_cross.emulator.runtime.types import Module, type_name

NAMES: Final[tuple[str, ...]] = ("ustruct", "struct")
_SMALL: Final = "buffer too small"

Field = tuple[int, int, Typecode | None]
"""Offset; length of a string, 0 for others; typecode, None for a string."""


@lru_cache(maxsize=256)
def _layout(text: str) -> tuple[int, bool, tuple[Field, ...]]:
    """Size of a format in bytes, whether it is big-endian, its fields.  Raises ValueError."""
    mode = text[:1] if text[:1] in ("@", "=", "<", ">", "!") else ""
    aligned = mode in ("", "@")
    if mode == "=":
        # MicroPython has no typecodes for `=`, and a string alone has none.
        pass
    fields: list[Field] = []
    size = 0
    at = len(mode)
    while at < len(text):
        start = at
        while at < len(text) and text[at] in "0123456789":
            at += 1
        count = int(text[start:at]) if at > start else 1
        letter = text[at : at + 1]
        at += 1
        if letter == "s":
            fields.append((size, count, None))
            size += count
            continue
        if letter == "x" and LANGUAGE[0].pad_bytes:
            size += count
            continue
        kind = None if mode == "=" or letter == "\x01" else typecode(letter)
        if kind is None:
            raise ValueError("bad typecode")
        for _ in range(count):
            if aligned:
                size = -(-size // kind.size) * kind.size
            fields.append((size, 0, kind))
            size += kind.size
    return size, mode in (">", "!"), tuple(fields)


def _format(text: Any) -> tuple[int, bool, tuple[Field, ...]]:
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    if not isinstance(text, str):
        raise TypeError(f"can't convert '{type_name(text)}' object to str implicitly")
    return _layout(str(text))


@native
def calcsize(format: Any, /) -> int:
    """Bytes that a format needs."""
    return _format(format)[0]


def _start(offset: Any, available: int, needed: int) -> int:
    place = as_word(offset)
    if place < 0:
        place += available
        if place < 0:
            raise ValueError(_SMALL)
    if place + needed > available:
        raise ValueError(_SMALL)
    return place


def _pack(
    layout: tuple[int, bool, tuple[Field, ...]], values: tuple[Any, ...], storage: Storage
) -> list[tuple[int, bytes]]:
    """Place and bytes of each value, as far as there are both values and fields."""
    out: list[tuple[int, bytes]] = []
    _, big, fields = layout
    for (offset, length, kind), value in zip(fields, values, strict=False):
        if kind is None:
            data = buffer_of(value).tobytes()[:length]
            out.append((offset, data + bytes(length - len(data))))
        else:
            out.append((offset, kind.pack(value, big, storage)))
    return out


def build(runtime: Runtime) -> Module:
    storage = runtime.storage

    def pack(*args: Any) -> bytes:
        """`struct.pack(format, *values)`."""
        if not args:
            raise TypeError("function missing 1 required positional arguments")
        layout = _format(args[0])
        data = bytearray(layout[0])
        for offset, piece in _pack(layout, args[1:], storage):
            data[offset : offset + len(piece)] = piece
        return bytes(data)

    def pack_into(*args: Any) -> None:
        """`struct.pack_into(format, buffer, offset, *values)`."""
        if len(args) < 3:
            raise TypeError(f"function missing {3 - len(args)} required positional arguments")
        view = buffer_of(args[1], True)
        layout = _format(args[0])
        start = _start(args[2], len(view), layout[0])
        for offset, piece in _pack(layout, args[3:], storage):
            view[start + offset : start + offset + len(piece)] = piece

    @native
    def unpack(format: Any, data: Any, offset: Any = 0, /) -> tuple[Any, ...]:
        """`struct.unpack(format, data)` and `unpack_from(format, data[, offset])`."""
        size, big, fields = _format(format)
        view = buffer_of(data)
        start = _start(offset, len(view), size)
        return tuple(
            [
                view[start + place : start + place + length].tobytes()
                if kind is None
                else kind.unpack(view, start + place, big, storage)
                for place, length, kind in fields
            ]
        )

    return Module(
        NAMES[0],
        {
            "calcsize": calcsize,
            "pack": pack,
            "pack_into": pack_into,
            "unpack": unpack,
            "unpack_from": unpack,
        },
    )
