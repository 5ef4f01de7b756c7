"""mp_fun_table in memory: traps into the run-time, in the order of the release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.runtime.heap import Block
from mpy_cross.emulator.runtime.native.entries_calls import (
    call_entries,
    direct_entries,
    for_asm,
    native_to_object,
)
from mpy_cross.emulator.runtime.native.entries_control import control_entries
from mpy_cross.emulator.runtime.native.entries_library import Library, library_entries
from mpy_cross.emulator.runtime.native.entries_modules import ModuleObjects, module_entries
from mpy_cross.emulator.runtime.native.entries_objects import object_entries
from mpy_cross.emulator.runtime.native.handles import FALSE, NONE, TRUE
from mpy_cross.emulator.runtime.native.traps import Trap

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge

CONSTANTS: Final = {"const_none_obj": NONE, "const_false_obj": FALSE, "const_true_obj": TRUE}


@final
class Table:
    """The table.

    address: where it is; magic: the type of native functions; guest: entries in machine code.
    """

    __slots__ = ("_blocks", "_bridge", "_library", "_objects", "_words", "address", "guest",
                 "magic")

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._objects = ModuleObjects(bridge)
        entries: dict[str, Trap] = {}
        for part in (object_entries, call_entries, control_entries):
            entries.update(part(bridge))
        self._library = Library(bridge)
        entries.update(module_entries(bridge, self._objects))
        entries.update(library_entries(bridge, self._library))
        core, region = bridge.core, bridge.region
        kind = region.put_words([0])
        self._blocks: list[Block] = [kind]
        self.magic = kind.address
        traps = {name: core.add_trap(trap) for name, trap in entries.items()}
        call = entries["native_call_function_n_kw"]
        if isinstance(core, CortexM):
            for name, make in direct_entries(bridge, core, call).items():
                traps[name] = core.add_direct_trap(make)
        self.guest = bridge.side.entries(traps, region, self.magic)
        traps.update(self.guest)
        names = bridge.runtime.release.fun_table
        self._words = [self._entry(name, traps) for name in names]
        block = bridge.region.put_words(self._words)
        self._blocks.append(block)
        self.address = block.address

    def _entry(self, name: str, entries: dict[str, int]) -> int:
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in entries:
            return entries[name]
        known = self._objects.address(name)
        if known is None:
            known = self._library.address(name)
        if known is not None:
            return known

        def missing(a: int, b: int, c: int, d: int) -> int | None:
            raise NotImplementedError(f"{name} is not available to native modules")

        return self._bridge.core.add_trap(missing)

    def entry(self, number: int) -> int:
        """The word of an entry, -1 or less for the table itself."""
        return self.address if number < 0 else self._words[number]

    def object_at(self, word: int) -> Any:
        """The object that a module written in C has made at an address.  Raises BadWord."""
        return self._objects.at(word)

    def for_asm(self, value: Any, kept: list[Any]) -> int:
        """What a function in inline assembler gets for an object."""
        return for_asm(self._bridge, value, kept)

    def to_object(self, native: int, kind: int) -> int:
        """The word of the object for a native value."""
        return native_to_object(self._bridge.handles, native, kind)


