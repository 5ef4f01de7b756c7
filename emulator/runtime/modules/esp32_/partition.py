"""`esp32.Partition`: the parts of the flash, as block devices (manual 1.3.3)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.board_files import watch_flash
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject

APP, DATA = 0, 1
BOOT, RUNNING = 0, 1
ANY: Final = 0xFF
SECTOR: Final = 4096
NO_OTHER: Final = -261
"""What the maker's library says of firmware without parts for updates."""
NO_FIRMWARE: Final = -5379
# The table of the port's boards with 4 MiB: type, subtype, address, size, label.
TABLE: Final = (
    (DATA, 2, 0x9000, 0x6000, "nvs"), (DATA, 1, 0xF000, 0x1000, "phy_init"),
    (APP, 0, 0x10000, 0x180000, "factory"), (DATA, 0x81, 0x200000, 0x200000, "vfs"))
INIT, DEINIT, SYNC, COUNT, SIZE, ERASE = 1, 2, 3, 4, 5, 6


@final
class Partition(HostObject):
    """`Partition(id)`: by its label, or BOOT or RUNNING."""

    BOOT, RUNNING = BOOT, RUNNING
    TYPE_APP, TYPE_DATA = APP, DATA

    _hw: ClassVar[Hardware]

    def __init__(self, id: Any, /) -> None:
        if isinstance(id, str):
            rows = [row for row in TABLE if row[4] == id]
        else:
            rows = [row for row in TABLE if row[0] == APP and as_int(id) in (BOOT, RUNNING)]
        if not rows:
            raise OSError(2)
        self._row = rows[0]

    @classmethod
    def _of(cls, row: tuple[int, int, int, int, str]) -> Partition:
        made = object.__new__(cls)
        made._row = row
        return made

    @classmethod
    def find(cls, type: Any = APP, subtype: Any = ANY, label: Any = None) -> list[Partition]:
        """The partitions of this type, subtype and label."""
        return [cls._of(row) for row in TABLE
                if row[0] == as_int(type) and as_int(subtype) in (ANY, row[1])
                and label in (None, row[4])]

    def info(self) -> tuple[Any, ...]:
        """(type, subtype, addr, size, label, encrypted)."""
        return (*self._row, False)

    def _view(self, block: int, offset: int, size: int) -> tuple[memoryview, int]:
        hw = self._hw
        hw.runtime.files.before_flash()
        at = block * SECTOR + offset
        if at < 0 or at + size > self._row[3]:
            raise OSError(-258)  # the maker's code for an argument out of range
        start = self._row[2] + at
        return hw.chip.flash.buffer[start : start + size], start

    def readblocks(self, block_num: Any, buf: Any, offset: Any = 0, /) -> bool:
        """Read blocks, or bytes from an offset, into a buffer."""
        view = buffer_of(buf, True)
        view[:] = self._view(as_int(block_num), as_int(offset), len(view))[0]
        return True

    def writeblocks(self, block_num: Any, buf: Any, *offset: Any) -> bool:
        """Erase and write blocks; with an offset, write bytes without erasing."""
        data, watch = buffer_of(buf).tobytes(), watch_flash(self._hw.chip)
        view, start = self._view(
            as_int(block_num), as_int(offset[0]) if offset else 0, len(data))
        if offset:
            data = bytes(old & new for old, new in zip(view, data, strict=True))
        else:
            view[:] = watch("erase", start, b"\xff" * len(data))
        view[:] = watch("program", start, data)
        return True

    def ioctl(self, cmd: Any, arg: Any, /) -> int | None:
        """Number of blocks (4), size of a block (5), erase a block (6)."""
        request = as_int(cmd)
        if request == COUNT:
            return self._row[3] // SECTOR
        if request == SIZE:
            return SECTOR
        if request == ERASE:
            view, start = self._view(as_int(arg), 0, SECTOR)
            view[:] = watch_flash(self._hw.chip)("erase", start, b"\xff" * SECTOR)
        return 0 if request in (INIT, DEINIT, SYNC, ERASE) else None

    def set_boot(self) -> None:
        """Boot from this partition from now on."""
        if self._row[0] != APP:
            raise OSError(NO_FIRMWARE, "ESP_ERR_OTA_VALIDATE_FAILED")

    def get_next_update(self) -> Any:
        """The partition for the next update: this firmware has none."""
        raise OSError(2)

    @classmethod
    def mark_app_valid_cancel_rollback(cls) -> None:
        """This start was successful."""
        raise OSError(NO_OTHER)

    def __repr__(self) -> str:
        kind, subtype, at, size, label = self._row
        return (f"<Partition type={kind}, subtype={subtype}, address={at}, size={size}, "
                f"label={label}, encrypted=0>")
