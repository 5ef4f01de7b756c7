"""Module `_onewire`: single bits and bytes of a 1-Wire bus, for the frozen module `onewire`."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.runtime.modules.machine import prepared
from mpy_cross.emulator.runtime.modules.machine_.single_wire import OneWireBus
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("_onewire",)
FUNCTIONS: Final = ("reset", "readbit", "readbyte", "writebit", "writebyte", "crc8")


def build(runtime: Runtime) -> Module:
    """Raises ImportError if the run-time runs on no machine."""
    bus = OneWireBus(prepared(runtime))
    return Module(NAMES[0], {name: getattr(bus, name) for name in FUNCTIONS})
