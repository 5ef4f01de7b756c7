"""The filesystem that a board starts with: its part of the flash, and where modules are searched.

A folder of the host is copied to it, so a program can do with the files what it likes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mpy_cross.emulator.chip import Chip
from mpy_cross.emulator.filesystems.device import ImageDevice, Watch
from mpy_cross.emulator.filesystems.host import host_files
from mpy_cross.emulator.runtime.board_flash import BoardVolume
from mpy_cross.emulator.runtime.imports import FROZEN
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.volumes import DEFAULT_SIZE, MemoryVolume

POINTS: Final = {"pyboard": "/flash"}
"""Where the flash of boards is mounted, by platform, unless at the root."""


def install(runtime: Runtime, volume: BoardVolume | None = None) -> BoardVolume:
    """Mount a filesystem of the board's size, an empty one unless there is a volume already.

    Its files carry virtual time.
    """

    def seconds() -> int:
        return runtime.start_time + runtime.clock.now // 1_000_000_000

    if volume is None:
        volume = _volume(runtime)
    volume.seconds = seconds
    point = POINTS.get(runtime.platform, "/")
    mounted = volume.mountable(runtime)
    runtime.files.clear()
    runtime.files.add(mounted, point)
    runtime.files.before_flash = lambda: volume.use_flash(runtime, mounted)
    root = "" if point == "/" else point
    runtime.importer.path[:] = ["", FROZEN, *([root] if root else []), f"{root}/lib"]
    machine = runtime.machine
    if machine is not None and machine.chip.wiring.has_slot and "SD_CMD" in machine.board.pins:
        from mpy_cross.emulator.runtime.modules.machine_.sdcard import mount_card

        mount_card(runtime)
    return volume


def _volume(runtime: Runtime) -> BoardVolume:
    if runtime.machine is None:
        return BoardVolume(MemoryVolume(DEFAULT_SIZE), None, runtime.platform)
    board, flash = runtime.machine.board, runtime.machine.chip.flash.buffer
    device = ImageDevice(
        flash, board.block, start=board.files, size=board.file_size,
        flash=runtime.platform != "pyboard",  # whose firmware erases by itself
    )
    device.watch = watch_flash(runtime.machine.chip)
    return BoardVolume(MemoryVolume(board.file_size), device, runtime.platform)


def watch_flash(chip: Chip) -> Watch:
    """What the chip's flash makes of writes: its power may be cut, its bits worn out."""

    def watch(kind: str, offset: int, data: bytes, /) -> bytes:
        writer = chip.flash_writer
        if writer is None:
            return data
        if writer.guard is not None:
            writer.guard(kind, offset, len(data))
        return writer.flash_cells.settle(offset, data)

    return watch


def copy(volume: BoardVolume, folder: Path) -> None:
    """Put what is in a folder of the host on the volume; hidden files stay out, links too.

    Raises OSError(ENOSPC) if it is too much.
    """
    for path, place in host_files(folder):
        volume.add(tuple(path[1:].split("/")), place.read_bytes())
