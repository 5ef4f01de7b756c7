"""Module `io` (manual 1.1.10): streams in memory, files, and the base of the program's streams."""

from __future__ import annotations

from typing import Any, Final

from mpy_cross.emulator.runtime.files import (
    BufferedWriter,
    BytesIO,
    FileIO,
    StringIO,
    TextIOWrapper,
)
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.streams import IOBase
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("uio", "io")
ENODEV: Final = 19


def build(runtime: Runtime) -> Module:
    def open_(*args: Any, **kwargs: Any) -> Any:
        """`open`, which the filesystem provides."""
        opener = runtime.builtins.get("open")
        if opener is None:
            raise OSError(ENODEV)
        return opener(*args, **kwargs)

    return Module(
        NAMES[0],
        {
            "open": open_,
            "IOBase": IOBase,
            "FileIO": FileIO,
            "TextIOWrapper": TextIOWrapper,
            "StringIO": StringIO,
            "BytesIO": BytesIO,
            "BufferedWriter": BufferedWriter,
        },
    )
