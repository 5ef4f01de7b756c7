"""Entries of mp_fun_table that modules written in C use (py/dynruntime.h)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime.arguments import as_float, check_count
from mpy_cross.emulator.runtime.attributes import visible_type
from mpy_cross.emulator.runtime.buffers import ByteArray, address_of, buffer_of, has_buffer
from mpy_cross.emulator.runtime.function_text import text_of
from mpy_cross.emulator.runtime.heap import Block
from mpy_cross.emulator.runtime.native.entries_library import MAP_COUNT_SHIFT
from mpy_cross.emulator.runtime.native.functions import MachineFunction
from mpy_cross.emulator.runtime.native.handles import BadWord
from mpy_cross.emulator.runtime.native.region import BASE, SIZE
from mpy_cross.emulator.runtime.native.traps import Trap
from mpy_cross.emulator.runtime.types import BY_HOST

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge

_FIXED: Final = {f"type_fun_builtin_{n}": n for n in range(4)}
_VARIABLE: Final = "type_fun_builtin_var"
_TYPES: Final[dict[str, type]] = {
    "type_type": type, "type_str": str, "type_list": list, "type_dict": dict,
}
_NO_BUFFER: Final = "object with buffer protocol required"
BUFFER_WRITE: Final = 2
MAP_FLAGS: Final = 7
"""Of an mp_map_t with keyword arguments: keys are qstrs, it is ordered and does not grow."""


@final
class ModuleFunction(MachineFunction):
    """A function of a module written in C: mp_obj_fun_builtin_fixed_t or _var_t.

    most: arguments, at most; by_array: it gets their number and an array; keywords: and an
    mp_map_t.
    """

    __slots__ = ("bridge", "by_array", "entry", "keywords", "least", "most")

    def __init__(self, bridge: Bridge, entry: int, least: int, most: int, by_array: bool,
                 keywords: bool = False) -> None:
        self.bridge, self.entry = bridge, entry
        self.least, self.most, self.by_array = least, most, by_array
        self.keywords = keywords

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        check_count(args, self.least, self.most, None if self.keywords else kwargs)
        bridge = self.bridge
        bridge.depth += 1
        try:
            words = [bridge.handles.word(arg) for arg in args]
            if self.by_array:
                block = bridge.region.put_words(words or [0])
                words = [len(args), block.address]
            if self.keywords:
                pairs: list[int] = []
                for name, arg in kwargs.items():
                    pairs += bridge.handles.name_word(name), bridge.handles.word(arg)
                table = bridge.region.put_words(pairs or [0])
                count = len(kwargs)
                flags = count << MAP_COUNT_SHIFT | MAP_FLAGS
                mapping = bridge.region.put_words([flags, count, table.address])
                words.append(mapping.address)
            result = bridge.run(self.entry, *words, *([0] * (4 - len(words))))
            return bridge.handles.value(result)
        finally:
            bridge.leave()


@final
class ModuleObjects:
    """Objects that modules make themselves, in memory, and the types that they refer to."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.allocated: dict[int, Block] = {}
        self._blocks: list[Block] = []
        self._kinds: dict[int, str] = {}
        self._known: dict[int, ModuleFunction] = {}

    def address(self, name: str) -> int | None:
        """The word of an entry that is no function; None if it is one."""
        if name in _TYPES:
            return self.bridge.handles.pin(BY_HOST[_TYPES[name]])
        if name == "type_Exception":
            return self.bridge.handles.pin(Exception)
        if name in _FIXED or name == _VARIABLE:
            block = self.bridge.region.put_words([0, 0, 0, 0])
            self._blocks.append(block)
            self._kinds[block.address] = name
            return block.address
        return None

    def at(self, word: int) -> Any:
        """The object at an address.  Raises BadWord."""
        found = self._known.get(word)
        if found is not None:
            return found
        if word % 4 or not BASE <= word < BASE + SIZE - 8:
            raise BadWord(f"0x{word:08x} is no object")
        words, at = self.bridge.region.words, word - BASE >> 2
        kind = self._kinds.get(words[at])
        if kind is None:
            raise BadWord(f"0x{word:08x} is no object: its type is not known")
        if kind == _VARIABLE:
            signature = words[at + 1]
            made = ModuleFunction(self.bridge, words[at + 2], signature >> 17,
                                  signature >> 1 & 0xFFFF, True, bool(signature & 1))
        else:
            made = ModuleFunction(self.bridge, words[at + 1], _FIXED[kind], _FIXED[kind], False)
        self._known[word] = made
        return made


def module_entries(bridge: Bridge, objects: ModuleObjects) -> dict[str, Trap]:
    """These entries, by name."""
    return {**_memory(bridge, objects), **_values(bridge), **_floats(bridge)}


def _memory(bridge: Bridge, objects: ModuleObjects) -> dict[str, Trap]:
    bus, heap = bridge.core.bus, bridge.region.heap

    def memset(to: int, byte: int, size: int, d: int) -> int:
        if size:
            bus.view(to, size)[:] = bytes((byte & 255,)) * size
        return to

    def memmove(to: int, source: int, size: int, d: int) -> int:
        if size:
            bus.view(to, size)[:] = bytes(bus.view(source, size))
        return to

    def realloc(old: int, size: int, may_move: int, d: int) -> int:
        block = objects.allocated.pop(old, None)
        if not size:
            return 0
        if block is not None and heap.grow(block, size):
            objects.allocated[old] = block
            return old
        if block is not None and not may_move:
            objects.allocated[old] = block
            return 0
        made = heap.alloc(size)
        if block is not None:
            kept = min(block.size, size)
            made.view(kept)[:] = bytes(block.view(kept))
        objects.allocated[made.address] = made
        return made.address

    return {"memset": memset, "memmove": memmove, "realloc": realloc}


def _values(bridge: Bridge) -> dict[str, Trap]:
    word, value = bridge.handles.word, bridge.handles.value
    words, bus = bridge.region.words, bridge.core.bus

    def data(address: int, size: int) -> bytes:
        return bytes(bus.view(address, size)) if size else b""

    def raise_msg(kind: int, text: int, c: int, d: int) -> None:
        error = value(kind)
        if not text:
            raise error()
        raise error(text_of(bridge.runtime.storage.text_at(text)))

    def obj_get_type(obj: int, b: int, c: int, d: int) -> int:
        return word(visible_type(value(obj)))

    def new_str(address: int, size: int, c: int, d: int) -> int:
        return word(text_of(data(address, size)))

    def new_bytes(address: int, size: int, c: int, d: int) -> int:
        return word(data(address, size))

    def bytearray_by_ref(size: int, address: int, c: int, d: int) -> int:
        return word(ByteArray.at(address, bus.view(address, size)))

    def get_buffer(obj: int, info: int, flags: int, d: int) -> int:
        thing = value(obj)
        if not has_buffer(thing):
            return 0
        try:
            size = len(buffer_of(thing, bool(flags & BUFFER_WRITE)))
        except TypeError:
            return 0
        at = info - BASE >> 2
        words[at], words[at + 1], words[at + 2] = address_of(thing), size, ord("B")
        return 1

    def get_buffer_raise(obj: int, info: int, flags: int, d: int) -> None:
        if not get_buffer(obj, info, flags, d):
            raise TypeError(_NO_BUFFER)

    return {
        "raise_msg": raise_msg,
        "obj_get_type": obj_get_type,
        "obj_new_str": new_str,
        "obj_new_bytes": new_bytes,
        "obj_new_bytearray_by_ref": bytearray_by_ref,
        "get_buffer": get_buffer,
        "get_buffer_raise": get_buffer_raise,
    }


def _floats(bridge: Bridge) -> dict[str, Trap]:
    core, word, value = bridge.core, bridge.handles.word, bridge.handles.value
    float_type = bridge.runtime.float_type
    in_registers = bridge.side.floats
    """Floats are passed in s0 and d0 rather than in r0 and r1."""

    def given(a: int, b: int, double: bool) -> float:
        if in_registers:
            a, b = core.read("s0"), core.read("s1")
        raw = struct.pack("<II", a, b)
        return float(struct.unpack("<d", raw)[0] if double else struct.unpack("<f", raw[:4])[0])

    def from_f(a: int, b: int, c: int, d: int) -> int:
        return word(float_type(given(a, b, False)))

    def from_d(a: int, b: int, c: int, d: int) -> int:
        return word(float_type(given(a, b, True)))

    def result(number: float, double: bool) -> int | None:
        raw = struct.pack("<d", number) if double else struct.pack("<f", number) + bytes(4)
        low, high = struct.unpack("<II", raw)
        if in_registers:
            core.write("s0", low)
            if double:
                core.write("s1", high)
            return None
        if double:
            bridge.side.set_second(high)
        return int(low)

    def to_f(obj: int, b: int, c: int, d: int) -> int | None:
        return result(as_float(value(obj)), False)

    def to_d(obj: int, b: int, c: int, d: int) -> int | None:
        return result(as_float(value(obj)), True)

    return {
        "obj_new_float_from_f": from_f,
        "obj_new_float_from_d": from_d,
        "obj_get_float_to_f": to_f,
        "obj_get_float_to_d": to_d,
    }
