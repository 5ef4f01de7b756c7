"""Module `array` (manual 1.1.2)."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.runtime.buffers import Array
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import BY_HOST, Module

NAMES: Final[tuple[str, ...]] = ("uarray", "array")


def build(runtime: Runtime) -> Module:
    return Module(NAMES[0], {"array": BY_HOST[Array]})
