"""Entries of mp_fun_table that modules written in C use (py/dynruntime.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from mpy_cross.emulator.runtime.native.handles import BadWord
from mpy_cross.emulator.runtime.native.traps import Trap

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge


@final
class ModuleObjects:
    """Objects that modules make themselves, in memory, and the types that they refer to."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge

    def address(self, name: str) -> int | None:
        """The word of an entry that is no function; None if it is one."""
        return None

    def at(self, word: int) -> Any:
        """The object at an address.  Raises BadWord."""
        raise BadWord(f"0x{word:08x} is no object")


def module_entries(bridge: Bridge, objects: ModuleObjects) -> dict[str, Trap]:
    """These entries, by name."""
    return {}
