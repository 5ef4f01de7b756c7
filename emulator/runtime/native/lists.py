"""Lists, bytes and floats as machine code sees them that reads them: windows in place of memory.

Of a handle the first word is what the object is, for a list `mp_type_list`, for bytes
`mp_type_bytes`, for floats `mp_type_float` and for all else 0.  The first two have their length in
the third word and the address of what they hold in the fourth (py/objlist.h, py/objstr.h, the same
in all releases).  Whoever reads such an object reads its type before the others, and then one item.
A float of single precision is the second word (py/objfloat.c).
"""

from __future__ import annotations

import struct
from typing import Any, Final, final

from mpy_cross.emulator.bus import Bus, Window
from mpy_cross.emulator.runtime.float32 import Float32
from mpy_cross.emulator.runtime.native.handles import HANDLES, ODD, PINNED, Handles

SIZE: Final = 32 << 20
"""Bytes of handles that can be read: two million objects."""
ITEMS: Final = 0xB000_0000
MOST: Final = 1 << 20
"""Items that a list can have here; longer ones are no lists for machine code."""
BYTES: Final = 0xB800_0000
FLOAT, LENGTH, ADDRESS = 4, 8, 12


@final
class Lists:
    """The windows on a bus.

    handles: of the machine code; kinds: the words of the types, by what is of that type here.
    """

    __slots__ = ("_items", "handles", "kinds")

    def __init__(self, bus: Bus) -> None:
        self.handles: Handles | None = None
        self.kinds: dict[type, int] = {}
        self._items: Any = ()
        for name, base, size, read, write in (
            ("objects", HANDLES, SIZE, self._read, _refuse),
            ("constants", PINNED, SIZE, self._read_constant, _refuse),
            ("items", ITEMS, 4 * MOST, self._read_item, self._write_item),
            ("bytes", BYTES, MOST, self._read_byte, _refuse),
        ):
            bus.window(Window(name, base, size, read, write, timeless=True))

    def _read(self, offset: int, size: int) -> int:
        return self._word(HANDLES + offset)

    def _read_constant(self, offset: int, size: int) -> int:
        return self._word(PINNED + offset)

    def _word(self, at: int) -> int:
        word = at & ODD
        if word == LENGTH:
            return len(self._items)
        if word == ADDRESS:
            return ITEMS if type(self._items) is list else BYTES
        assert self.handles is not None
        value = self.handles.value(at - word)
        if type(value) is Float32:
            return self.kinds[Float32] if not word else _bits(value) if word == FLOAT else 0
        kind = 0 if word else self.kinds.get(type(value), 0)
        if not kind or len(value) > MOST:
            return 0
        self._items = value
        return kind

    def _read_item(self, offset: int, size: int) -> int:
        assert self.handles is not None
        return self.handles.word(self._items[offset >> 2])

    def _read_byte(self, offset: int, size: int) -> int:
        return int.from_bytes(self._items[offset : offset + size], "little")

    def _write_item(self, offset: int, size: int, value: int) -> None:
        assert self.handles is not None
        self._items[offset >> 2] = self.handles.value(value)


def _bits(number: float) -> int:
    return int.from_bytes(struct.pack("<f", number), "little")


def _refuse(offset: int, size: int, value: int) -> None:
    """Machine code does not write there."""
