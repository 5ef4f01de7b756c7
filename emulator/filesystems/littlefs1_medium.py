"""The blocks under littlefs 1: which are free, and the lists of blocks that files are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, final

from mpy_cross.emulator.filesystems.device import ECORRUPT, EINVAL, ENOSPC, BlockDevice
from mpy_cross.emulator.filesystems.volume import Settings

NULL: Final = 0xFFFFFFFF
"""No block."""
WORD: Final = 4
Pair = tuple[int, int]


@final
class Medium:
    """A device with a map of free blocks, which is made for some blocks at a time.

    in_use: gives the numbers of all blocks in use.
    """

    __slots__ = (
        "_base", "_left", "_lookahead", "_map", "_next", "_size", "device", "in_use",
        "program_size", "read_size",
    )

    def __init__(self, device: BlockDevice, settings: Settings) -> None:
        size = device.block_size
        if (
            settings.read_size <= 0
            or settings.program_size <= 0
            or settings.program_size % settings.read_size
            or size % settings.program_size
            or settings.lookahead <= 0
            or settings.lookahead % 32
            or size < 128
        ):
            raise OSError(EINVAL)
        self.device = device
        self.read_size = settings.read_size
        self.program_size = settings.program_size
        self._lookahead = settings.lookahead
        self.in_use: Callable[[], Iterator[int]] = lambda: iter(())
        self._base = 0
        """The first block of the map."""
        self._size = 0
        """Blocks in the map."""
        self._next = 0
        """The next one in it to look at."""
        self._map: set[int] = set()
        """Those in use, counted from the base."""
        self._left = device.block_count
        """Blocks to look at before there are none."""

    def begin_format(self) -> None:
        """All blocks are free."""
        self._size = min(self._lookahead, self.device.block_count)

    def acknowledge(self) -> None:
        """What was allocated so far is in use, or will not be."""
        self._left = self.device.block_count

    def allocate(self) -> int:
        """A free block.  Raises OSError(ENOSPC)."""
        count = self.device.block_count
        while True:
            while self._next != self._size:
                at = self._next
                self._skip()
                if at not in self._map:
                    while self._next != self._size and self._next in self._map:
                        self._skip()
                    return (self._base + at) % count
            if self._left <= 0:
                raise OSError(ENOSPC)
            self._base = (self._base + self._size) % count
            self._size = min(self._lookahead, self._left)
            self._next = 0
            offsets = ((block - self._base) % count for block in self.in_use())
            self._map = {offset for offset in offsets if offset < self._size}

    def _skip(self) -> None:
        self._next += 1
        self._left -= 1

    # --------------------------------------------------------------------------------- blocks

    def read(self, block: int, offset: int, size: int) -> bytes:
        """Bytes of a block, read in units of the device.  Raises OSError."""
        if block >= self.device.block_count or offset + size > self.device.block_size:
            raise OSError(ECORRUPT)
        unit = self.read_size
        start = offset // unit * unit
        end = (offset + size + unit - 1) // unit * unit
        data = self.device.read(block, start, end - start)
        return data[offset - start : offset - start + size]

    def program(self, block: int, offset: int, data: bytes) -> bool:
        """Write whole units, and look whether they were written."""
        self.device.program(block, offset, data)
        return self.read(block, offset, len(data)) == data

    def erase(self, block: int) -> bool:
        """Erase a block; False if it is bad."""
        try:
            self.device.erase(block)
        except OSError as error:
            if error.args == (ECORRUPT,):
                return False
            raise
        return True

    def commit(self, block: int, data: bytes) -> bool:
        """Write a metadata block; False if it is bad."""
        try:
            if not self.erase(block):
                return False
            unit = self.program_size
            whole = data.ljust((len(data) + unit - 1) // unit * unit, b"\xff")
            for at in range(0, len(whole), unit):
                self.device.program(block, at, whole[at : at + unit])
            self.device.sync()
            return self.read(block, 0, len(data)) == data
        except OSError as error:
            if error.args == (ECORRUPT,):
                return False
            raise

    # ---------------------------------------------------------------------------------- files

    def index(self, position: int) -> tuple[int, int]:
        """The number of the block of a file with a position in bytes, and the offset in it."""
        room = self.device.block_size - 2 * WORD
        number = position // room
        if number == 0:
            return 0, position
        number = (position - WORD * ((number - 1).bit_count() + 2)) // room
        return number, position - room * number - WORD * number.bit_count()

    def find(self, head: int, size: int, position: int) -> tuple[int, int]:
        """The block of a file with a position, and the offset.  head: the file's last block."""
        if size == 0:
            return NULL, 0
        current = self.index(size - 1)[0]
        target, offset = self.index(position)
        while current > target:
            skip = min((current - target).bit_length() - 1, _zeros(current))
            head = self.link(head, skip)
            current -= 1 << skip
        return head, offset

    def link(self, block: int, number: int) -> int:
        """A link of a block of a file: the n-th leads 2 ** n blocks back."""
        return int.from_bytes(self.read(block, WORD * number, WORD), "little")

    def chain(self, head: int, size: int) -> Iterator[int]:
        """The blocks of a file, from its last one."""
        if size == 0:
            return
        number = self.index(size - 1)[0]
        while True:
            yield head
            if number == 0:
                return
            number -= 1
            head = self.link(head, 0)


def _zeros(number: int) -> int:
    """How often a number can be halved."""
    return (number & -number).bit_length() - 1


def links(number: int) -> int:
    """How many links the block of that number begins with."""
    return _zeros(number) + 1 if number else 0
