"""Lists as machine code sees them that reads their items itself: windows in place of memory.

Of a handle the first word is what the object is, for a list `mp_type_list` and for all else 0; a
list has its length in the third word and the address of its items in the fourth (py/objlist.h, the
same in all releases).  Handles stand closer than that, but whoever reads a list reads these words
one after the other, and then one item.
"""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.bus import Bus, Window
from mpy_cross.emulator.runtime.native.handles import HANDLES, PINNED, Handles

SIZE: Final = 16 << 20
"""Bytes of handles that can be read: two million objects."""
ITEMS: Final = 0xB000_0000
MOST: Final = 1 << 20
"""Items that a list can have here; longer ones are no lists for machine code."""
LENGTH, ADDRESS = 8, 12


@final
class Lists:
    """The windows on a bus.

    handles: of the machine code; kind: the word of `mp_type_list`.
    """

    __slots__ = ("_at", "_items", "_pending", "handles", "kind")

    def __init__(self, bus: Bus) -> None:
        self.handles: Handles | None = None
        self.kind = 0
        self._items: list[Any] = []
        self._at = 0
        self._pending = False
        for name, base, size, read, write in (
            ("objects", HANDLES, SIZE, self._read, _refuse),
            ("constants", PINNED, SIZE, _nothing, _refuse),
            ("items", ITEMS, 4 * MOST, self._read_item, self._write_item),
        ):
            bus.window(Window(name, base, size, read, write, timeless=True))

    def _read(self, offset: int, size: int) -> int:
        if self._pending and offset == self._at + LENGTH:
            self._pending = False
            return len(self._items)
        if offset & 7:
            return ITEMS if offset == self._at + ADDRESS else 0
        assert self.handles is not None
        value = self.handles.value(HANDLES + offset)
        if type(value) is not list or len(value) > MOST:
            return 0
        self._items, self._at, self._pending = value, offset, True
        return self.kind

    def _read_item(self, offset: int, size: int) -> int:
        assert self.handles is not None
        return self.handles.word(self._items[offset >> 2])

    def _write_item(self, offset: int, size: int, value: int) -> None:
        assert self.handles is not None
        self._items[offset >> 2] = self.handles.value(value)


def _nothing(offset: int, size: int) -> int:
    return 0


def _refuse(offset: int, size: int, value: int) -> None:
    """Machine code does not write there."""
