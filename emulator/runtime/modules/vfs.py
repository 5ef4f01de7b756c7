"""Module `vfs`: what `os` has of mounting, from release 1.23."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.runtime.modules.os import vfs_names
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("vfs",)


def build(runtime: Runtime) -> Module:
    """Raises ImportError at releases before it."""
    if not runtime.release.filesystems.vfs_module:
        raise ImportError("no module named 'vfs'")
    return Module(NAMES[0], vfs_names(runtime))
