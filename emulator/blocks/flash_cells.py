"""The cells of a flash, some of which may be worn out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, final


class FlashWriter(Protocol):
    """What erases and programs a flash.

    guard: called before each operation with "erase" or "program", offset and size; what it raises
    ends the run, and the operation is not carried out.
    """

    flash_cells: Cells
    guard: Callable[[str, int, int], None] | None


@final
class Cells:
    """What bits become that are written into a flash. worn: bits that cannot change any more, by
    offset of their byte: a mask of them, and their levels."""

    __slots__ = ("worn",)

    def __init__(self) -> None:
        self.worn: dict[int, tuple[int, int]] = {}

    def stick(self, offset: int, mask: int, levels: int) -> None:
        """From the next write on these bits of a byte have these levels, whatever is written."""
        if not 0 <= mask <= 0xFF:
            raise ValueError(f"a byte has bits 0x00 to 0xff, not 0x{mask:x}")
        old_mask, old_levels = self.worn.get(offset, (0, 0))
        self.worn[offset] = old_mask | mask, (old_levels & ~mask) | (levels & mask)

    def settle(self, offset: int, data: bytes) -> bytes:
        """What is there after `data` was written at an offset."""
        if not self.worn:
            return data
        found = bytearray(data)
        for place, (mask, levels) in self.worn.items():
            if offset <= place < offset + len(data):
                found[place - offset] = found[place - offset] & ~mask | levels
        return bytes(found)
