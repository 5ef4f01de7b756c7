"""Flash as a block device: `pyb.Flash` and `rp2.Flash`."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.board_files import watch_flash
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.types import HostObject

EIO: Final = 5
EFAULT: Final = 14
INIT, COUNT, SIZE, ERASE = 1, 4, 5, 6
EXTENDED: Final = 1
"""Argument of INIT: the extended interface will be used."""
FIRST: Final = 0x100
"""Where the flash begins on the medium that USB shows, in blocks; before it are partitions."""
FAT12: Final = 1


class Flash(HostObject):
    """Base of both: a part of the flash, in bytes from the begin of that for files."""

    _hw: ClassVar[Hardware]
    _start: int
    _size: int

    def _part(self, start: Any, size: Any) -> None:
        """Check the arguments of the constructor.  Raises ValueError."""
        self._hw.runtime.files.before_flash()
        board = self._hw.board
        first, count = as_int(start), as_int(size)
        if first == -1:
            first = 0
        if not 0 <= first < board.file_size or first % board.block:
            raise ValueError
        if count == -1:
            count = board.file_size - first
        if not 0 < count <= board.file_size - first or count % board.block:
            raise ValueError
        self._start, self._size = first, count
        self._watch = watch_flash(self._hw.chip)

    def _place(self, block: int, offset: int, size: int) -> int:
        """The address of bytes, -1 if they are not in the flash for files."""
        board = self._hw.board
        at = self._start + block * board.block + offset
        if at < 0 or at + size > board.file_size:
            return -1
        return self._hw.chip.flash.base + board.files + at

    def _load(self, kind: str, place: int, data: bytes) -> None:
        flash = self._hw.chip.flash
        self._hw.bus.load(place, self._watch(kind, place - flash.base, data))

    def _show(self, printer: Printer) -> str:
        return f"Flash(start={self._start}, len={self._size})"


class PybFlash(Flash):
    """`Flash()`: what USB shows, with partitions; `Flash(start=, len=)`: a part.

    The firmware erases by itself.
    """

    type_name = "Flash"

    def __init__(self, *, start: Any = -1, len: Any = -1) -> None:
        self._all = as_int(start) == -1 and as_int(len) == -1
        self._part(start, len)
        if self._all:
            self._start = -FIRST * self._hw.board.block

    def _partitions(self) -> bytes:
        """The first block of what USB shows."""
        blocks = self._size // self._hw.board.block
        row = b"\0\xff\xff\xff" + bytes([FAT12]) + b"\xff\xff\xff"
        row += FIRST.to_bytes(4, "little") + blocks.to_bytes(4, "little")
        return bytes(446) + row + bytes(48) + b"\x55\xaa"

    def readblocks(self, block_num: Any, buf: Any, *offset: Any) -> int:
        """Read blocks, or bytes from an offset, into a buffer."""
        view, block, size = buffer_of(buf, True), as_int(block_num), self._hw.board.block
        if offset:
            if self._all:
                return -EIO
            if block * size >= self._size:
                return -EFAULT
        elif self._all and block == 0:
            view[:size] = self._partitions()
            return 0
        place = self._place(block, as_int(offset[0]) if offset else 0, len(view))
        if place < 0:
            return -1 if offset else -EIO
        view[:] = self._hw.bus.view(place, len(view))
        return 0

    def writeblocks(self, block_num: Any, buf: Any, *offset: Any) -> int:
        """Write blocks, or bytes from an offset."""
        data, block = buffer_of(buf).tobytes(), as_int(block_num)
        if offset:
            if self._all:
                return -EIO
            if block * self._hw.board.block >= self._size:
                return -EFAULT
        elif self._all and block == 0:
            return 0  # partitions stay
        place = self._place(block, as_int(offset[0]) if offset else 0, len(data))
        if place < 0:
            return -1 if offset else -EIO
        self._load("program", place, data)
        return 0

    def ioctl(self, cmd: Any, arg: Any, /) -> int | None:
        """Number of blocks (4), size of a block (5)."""
        request = as_int(cmd)
        if request == INIT:
            return -1 if self._all and as_int(arg) == EXTENDED else 0
        if request == COUNT:
            return self._size // self._hw.board.block + (FIRST if self._all else 0)
        if request == SIZE:
            return self._hw.board.block
        return 0 if 0 < request <= ERASE else None

    def _show(self, printer: Printer) -> str:
        return "Flash()" if self._all else super()._show(printer)


class Rp2Flash(Flash):
    """`Flash()`; from 1.20 also `Flash(start=, len=)`."""

    type_name = "Flash"

    def __init__(self, *, start: Any = -1, len: Any = -1) -> None:
        if not self._hw.runtime.release.filesystems.rp2_flash_parts and not (
            as_int(start) == -1 and as_int(len) == -1
        ):
            raise TypeError("function doesn't take keyword arguments")
        self._part(start, len)

    def _inside(self, block: Any, offset: int, size: int) -> int:
        place = self._place(as_int(block), offset, size)
        if place < 0:
            raise OSError(EIO)
        return place

    def readblocks(self, block_num: Any, buf: Any, offset: Any = 0, /) -> None:
        """Read blocks, or bytes from an offset, into a buffer."""
        view = buffer_of(buf, True)
        place = self._inside(block_num, as_int(offset), len(view))
        view[:] = self._hw.bus.view(place, len(view))

    def writeblocks(self, block_num: Any, buf: Any, *offset: Any) -> None:
        """Erase and write blocks; with an offset, bytes that have been erased before."""
        data = buffer_of(buf).tobytes()
        place = self._inside(block_num, as_int(offset[0]) if offset else 0, len(data))
        if offset:
            # Programming can only clear bits.
            old = self._hw.bus.view(place, len(data))
            data = bytes(a & b for a, b in zip(old, data, strict=True))
        else:
            self._load("erase", place, b"\xff" * len(data))
        self._load("program", place, data)

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
            self._load("erase", self._inside(arg, 0, block), b"\xff" * block)
            return 0
        return None
