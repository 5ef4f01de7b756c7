"""The filesystem that a board starts with: its part of the flash, and where modules are searched.

A folder of the host is copied to it, so a program can do with the files what it likes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from mpy_cross.emulator.runtime.imports import FROZEN
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.volumes import DEFAULT_SIZE, MemoryVolume

POINTS: Final = {"pyboard": "/flash"}
"""Where the flash of boards is mounted, by platform, unless at the root."""


def install(runtime: Runtime, volume: MemoryVolume | None = None) -> MemoryVolume:
    """Mount a filesystem of the board's size, an empty one unless there is a volume already.

    Its files carry virtual time.
    """
    board = runtime.machine.board if runtime.machine is not None else None

    def seconds() -> int:
        return runtime.start_time + runtime.clock.now // 1_000_000_000

    if volume is None:
        volume = MemoryVolume(board.file_size if board is not None else DEFAULT_SIZE, seconds)
    point = POINTS.get(runtime.platform, "/")
    runtime.files.clear()
    runtime.files.add_volume(volume, point)
    root = "" if point == "/" else point
    runtime.importer.path[:] = ["", FROZEN, *([root] if root else []), f"{root}/lib"]
    return volume


def copy(volume: MemoryVolume, folder: Path) -> None:
    """Put what is in a folder of the host on the volume; hidden files stay out, links too.

    Raises OSError(ENOSPC) if it is too much.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                volume.add(path.relative_to(folder).parts, path.read_bytes())
