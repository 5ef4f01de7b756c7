"""mp_fun_table in memory: traps into the run-time, in the order of the release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime.heap import Block
from mpy_cross.emulator.runtime.native.entries_calls import (
    call_entries,
    for_asm,
    native_to_object,
)
from mpy_cross.emulator.runtime.native.entries_control import control_entries
from mpy_cross.emulator.runtime.native.entries_modules import ModuleObjects, module_entries
from mpy_cross.emulator.runtime.native.entries_objects import object_entries
from mpy_cross.emulator.runtime.native.handles import FALSE, NONE, TRUE
from mpy_cross.emulator.runtime.native.traps import Trap, guarded

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge

CONSTANTS: Final = {"const_none_obj": NONE, "const_false_obj": FALSE, "const_true_obj": TRUE}
CALLS: Final = ("native_call_function_n_kw", "call_method_n_kw")
"""Entries whose trap may ask for a call of machine code, which it then need not nest."""

# Calls the trap; if that leaves an address in r12, calls it with the registers as they are then.
# The stack pointer comes back, so that the trap can put arguments on the stack.
_THUNK: Final = bytes.fromhex("70b5 6d46 0024 a446 034c a047 6446 002c 00d0 a047 ad46 70bd")
_THUMB: Final = 1


@final
class Table:
    """The table.

    address: where it is.
    """

    __slots__ = ("_blocks", "_bridge", "_objects", "_words", "address")

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._objects = ModuleObjects(bridge)
        entries: dict[str, Trap] = {}
        for part in (object_entries, call_entries, control_entries):
            entries.update(part(bridge))
        entries.update(module_entries(bridge, self._objects))
        self._blocks: list[Block] = []
        names = bridge.runtime.release.fun_table
        self._words = [self._entry(name, entries) for name in names]
        block = bridge.region.put_words(self._words)
        self._blocks.append(block)
        self.address = block.address

    def _entry(self, name: str, entries: dict[str, Trap]) -> int:
        if name in CONSTANTS:
            return CONSTANTS[name]
        core = self._bridge.core
        if name in entries:
            trap = core.add_trap(guarded(self._bridge, entries[name]))
            if name not in CALLS:
                return trap
            block = self._bridge.region.put(_THUNK + trap.to_bytes(4, "little"))
            core.code_changed(block.address, len(_THUNK))
            self._blocks.append(block)
            return block.address | _THUMB
        known = self._objects.address(name)
        if known is not None:
            return known

        def missing(a: int, b: int, c: int, d: int) -> int | None:
            raise NotImplementedError(f"{name} is not available to native modules")

        return core.add_trap(guarded(self._bridge, missing))

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


