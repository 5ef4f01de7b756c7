"""Programs on a run-time without a board, with files."""

from __future__ import annotations

from collections.abc import Mapping

import mpy_cross
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.volumes import MemoryVolume
from mpy_cross.loader.release import get


class Board:
    """A run-time with a filesystem in memory, and what it printed."""

    def __init__(self, files: Mapping[str, str | bytes] | None = None, release: str = "1.17"):
        self.output: list[str] = []
        chosen = get(release)
        self.runtime = Runtime(chosen, compiler_for(chosen), self.output.append)
        self.volume = MemoryVolume()
        for path, data in (files or {}).items():
            self.volume.add(
                tuple(path.split("/")), data.encode() if isinstance(data, str) else data
            )
        self.runtime.files.add_volume(self.volume, "/")

    def run(self, source: str) -> str:
        """Run a program; what it printed, with the traceback if it failed."""
        self.output.clear()
        try:
            self.runtime.main(self.runtime.compile(source.encode(), "main.py"))
        except Exception as error:
            self.runtime.write(self.runtime.report(error))
        return "".join(self.output)


def run(source: str, files: Mapping[str, str | bytes] | None = None, release: str = "1.17") -> str:
    """What a program prints."""
    return Board(files, release).run(source)


def mpy(source: str, release: str = "1.17", arch: str = "") -> bytes:
    """A .mpy file."""
    return mpy_cross.compile(source, "module.py", release=release, arch=arch)
