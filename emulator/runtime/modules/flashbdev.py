"""Module `flashbdev` of the ESP32 and the ESP8266: the flash for files, as the port mounts it."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.board_files import watch_flash
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.esp32_.partition import Partition
from mpy_cross.emulator.runtime.modules.machine import prepared
from mpy_cross.emulator.runtime.modules.machine_.hardware import EIO, Hardware
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import HostObject, Module

NAMES: Final[tuple[str, ...]] = ("flashbdev",)
SECTOR: Final = 4096
COUNT, SIZE, ERASE = 4, 5, 6


@final
class FlashBdev(HostObject):
    """The block device of the ESP8266."""

    SEC_SIZE = SECTOR

    _hw: ClassVar[Hardware]

    def __init__(self, start_sec: Any, blocks: Any) -> None:
        self.start_sec, self.blocks = as_int(start_sec), as_int(blocks)

    def _view(self, block: int, offset: int, size: int) -> tuple[memoryview, int]:
        hw = self._hw
        hw.runtime.files.before_flash()
        start = (block + self.start_sec) * SECTOR + offset
        if start < 0 or start + size > hw.chip.flash.size:
            raise OSError(EIO)
        return hw.chip.flash.buffer[start : start + size], start

    def readblocks(self, n: Any, buf: Any, off: Any = 0) -> None:
        """Read blocks, or bytes from an offset, into a buffer."""
        view = buffer_of(buf, True)
        view[:] = self._view(as_int(n), as_int(off), len(view))[0]

    def writeblocks(self, n: Any, buf: Any, off: Any = None) -> None:
        """Erase and write a block; with an offset, write bytes without erasing."""
        data, watch = buffer_of(buf).tobytes(), watch_flash(self._hw.chip)
        if off is None:
            self.ioctl(ERASE, n)
        view, start = self._view(as_int(n), 0 if off is None else as_int(off), len(data))
        data = bytes(old & new for old, new in zip(view, data, strict=True))
        view[:] = watch("program", start, data)

    def ioctl(self, op: Any, arg: Any) -> int | None:
        """Number of blocks (4), size of a block (5), erase a block (6)."""
        request = as_int(op)
        if request == COUNT:
            return self.blocks
        if request == SIZE:
            return SECTOR
        if request == ERASE:
            view, start = self._view(as_int(arg), 0, SECTOR)
            view[:] = watch_flash(self._hw.chip)("erase", start, b"\xff" * SECTOR)
            return 0
        return None


def build(runtime: Runtime) -> Module:
    """Raises ImportError on boards without such a chip."""
    hw = prepared(runtime)
    if not hw.esp:
        raise ImportError("no module named 'flashbdev'")
    if hw.board.platform == "esp32":
        partition = hw.bind(Partition)
        return Module(NAMES[0], {"bdev": partition("vfs"), "Partition": partition})
    made, board = hw.bind(FlashBdev), hw.board
    return Module(NAMES[0], {
        "bdev": made(board.files // SECTOR, board.file_size // SECTOR), "FlashBdev": made})
