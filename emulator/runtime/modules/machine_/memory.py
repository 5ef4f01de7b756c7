"""`mem8`, `mem16`, `mem32`: memory and registers by address."""

from __future__ import annotations

from typing import Any

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject


class Mem(HostObject):
    """Elements of `size` bytes of the address space. Raises ValueError for a wrong alignment."""

    type_name = "mem"

    def __init__(self, hw: Hardware, size: int) -> None:
        self._machine, self._size = hw, size

    def _address(self, place: Any) -> int:
        address = as_int(place) & 0xFFFFFFFF
        if address % self._size:
            raise ValueError(f"address {address:08x} is not aligned to {self._size} bytes")
        return address

    def __getitem__(self, place: Any) -> int:
        return self._machine.bus.read(self._address(place), self._size)

    def __setitem__(self, place: Any, value: Any) -> None:
        self._machine.bus.write(self._address(place), self._size, as_int(value))

    def __delitem__(self, place: Any) -> None:
        raise TypeError("'mem' object doesn't support item deletion")

    def __repr__(self) -> str:
        return f"<{8 * self._size}-bit memory>"


def memories(hw: Hardware) -> dict[str, Any]:
    """The three objects, by name."""
    return {f"mem{8 * size}": Mem(hw, size) for size in (1, 2, 4)}


