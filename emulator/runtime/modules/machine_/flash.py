"""Flash as a block device: `pyb.Flash` and `rp2.Flash`."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject

EINVAL: Final = 22
COUNT, SIZE, ERASE = 4, 5, 6


class Flash(HostObject):
    """`Flash()`, on the pyboard also `Flash(start=, len=)`: the part that holds the filesystem."""

    _hw: ClassVar[Hardware]

    def __init__(self, *, start: Any = -1, len: Any = -1) -> None:
        board = self._hw.board
        offset = max(as_int(start), 0)
        size = board.file_size - offset if as_int(len) < 0 else as_int(len)
        if offset % board.block or size % board.block or offset + size > board.file_size:
            raise ValueError("start and len must be multiples of the block size, within the flash")
        self._start, self._size = board.files + offset, size

    def _place(self, block: Any, offset: Any, size: int) -> int:
        at = as_int(block) * self._hw.board.block + as_int(offset)
        if at < 0 or at + size > self._size:
            raise OSError(EINVAL)
        return self._hw.chip.flash.base + self._start + at

    def readblocks(self, block_num: Any, buf: Any, offset: Any = 0, /) -> int:
        """Read blocks, or bytes from an offset, into a buffer."""
        view = buffer_of(buf, True)
        view[:] = self._hw.bus.view(self._place(block_num, offset, len(view)), len(view))
        return 0

    def writeblocks(self, block_num: Any, buf: Any, *offset: Any) -> int:
        """Write blocks; with an offset, bytes that have been erased before."""
        data = buffer_of(buf).tobytes()
        place = self._place(block_num, offset[0] if offset else 0, len(data))
        if offset:
            # Programming can only clear bits.
            old = self._hw.bus.view(place, len(data))
            data = bytes(a & b for a, b in zip(old, data, strict=True))
        self._hw.bus.load(place, data)
        return 0

    def ioctl(self, cmd: Any, arg: Any, /) -> int | None:
        """Number of blocks (4), size of a block (5), erase a block (6)."""
        request, block = as_int(cmd), self._hw.board.block
        if request in (1, 2, 3):
            return 0
        if request == COUNT:
            return self._size // block
        if request == SIZE:
            return block
        if request == ERASE:
            self._hw.bus.load(self._place(arg, 0, block), b"\xff" * block)
            return 0
        return None
