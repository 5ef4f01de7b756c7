"""What compiled machine code refers to: entries of the function table, qstrs, objects, code.

The code is walked once, from top to bottom, with what each register holds as far as that is known.
It begins with the function object (of a generator: its state) as the first argument, and each load
from a known structure tells what the loaded register holds.  At a label, nothing is known but the
registers that keep a table throughout the function: the compiler never changes these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final, Protocol, final

from mpy_cross.assembler.arch import Arch
from mpy_cross.assembler.text import Data, literal_of
from mpy_cross.loader.fun_table import (
    CODE_STATE_FUN_BC,
    CONTEXT_OBJ_TABLE,
    CONTEXT_QSTR_TABLE,
    FUN_BC_CHILD_TABLE,
    FUN_BC_CONST_TABLE,
    FUN_BC_CONTEXT,
)
from mpy_cross.loader.native_effects import Effect, Verb, convention_of, effect_of, written

_WORD: Final = 0xFFFFFFFF
_QSTR_SIZE: Final = 2


class Role(IntEnum):
    """What a register holds: the start of a structure, plus an offset in bytes."""

    NUMBER = 0  # the offset alone
    CODE = 1  # the function's code
    FRAME = 2  # the stack pointer
    CODE_STATE = 3
    FUN = 4  # the function object
    CONTEXT = 5  # version 6: what the module shares
    QSTRS = 6
    OBJECTS = 7
    CHILDREN = 8
    CONSTANTS = 9  # version 5: the function's constant table
    FUN_TABLE = 10


Value = tuple[Role, int]

# What the words of structures hold.
_FIELDS_5: Final = {
    (Role.CODE_STATE, CODE_STATE_FUN_BC): Role.FUN,
    (Role.FUN, FUN_BC_CONST_TABLE): Role.CONSTANTS,
}
_FIELDS_6: Final = {
    (Role.CODE_STATE, CODE_STATE_FUN_BC): Role.FUN,
    (Role.FUN, FUN_BC_CONTEXT): Role.CONTEXT,
    (Role.FUN, FUN_BC_CHILD_TABLE): Role.CHILDREN,
    (Role.CONTEXT, CONTEXT_QSTR_TABLE): Role.QSTRS,
    (Role.CONTEXT, CONTEXT_OBJ_TABLE): Role.OBJECTS,
}
_LASTING: Final = (Role.FUN_TABLE, Role.QSTRS, Role.CODE_STATE)


class Names(Protocol):
    """The tables of a file in words; "" for an index beyond them."""

    def function(self, index: int) -> str: ...

    def qstr(self, index: int) -> str: ...

    def object(self, index: int) -> str: ...

    def child(self, index: int) -> str: ...

    def constant(self, index: int) -> str: ...

    def has_function_table(self, role: Role, index: int) -> bool:
        """Is this entry of OBJECTS or CONSTANTS the function table?"""
        ...


@final
class Notes:
    """What is found, by the address of an instruction.

    said: what it loads.  jumps, addresses: the place in the code that it jumps to, or computes.
    """

    __slots__ = ("_argument", "_code", "_convention", "_fields", "_first", "_frame", "_lasting",
                 "_names", "_pushed", "_registers", "_unit", "_word", "addresses", "jumps",
                 "said")  # fmt: skip

    def __init__(
        self, arch: Arch, code: bytes, tables: bool, is_generator: bool, names: Names
    ) -> None:
        """tables: Release.native_tables."""
        self._convention = convention_of(arch)
        self._word = arch.word
        self._code = code
        self._fields = _FIELDS_6 if tables else _FIELDS_5
        self._names = names
        # The lowest bit of an address in Thumb code is no part of it.
        self._unit = 2 if arch.family == "thumb" else 1
        self._first: Value = (Role.CODE_STATE if is_generator else Role.FUN, 0)
        self.said: dict[int, str] = {}
        self.jumps: dict[int, int] = {}
        self.addresses: dict[int, int] = {}
        self._begin()

    def _begin(self) -> None:
        self._argument: Value | None = self._first
        self._lasting: dict[int, Value] = {}
        # Words of the stack frame, which compiled code addresses from an unchanging stack pointer.
        self._frame: dict[int, Value] = {}
        self._pushed: list[tuple[int, dict[int, Value]]] = []
        self._registers: dict[int, Value] = self._fresh()
        if self._convention.argument >= 0:
            self._registers[self._convention.argument] = self._first

    def walk(self, found: Sequence[Any]) -> None:
        """All instructions, in order."""
        sources = Counter(
            item.target
            for item in found
            if not isinstance(item, Data) and literal_of(item) is None
        )
        self._walk(found, sources)
        places = {*self.jumps.values(), *self.addresses.values()}
        if places:  # are labels too, which only now are known
            sources.update(places)
            self._begin()
            self._walk(found, sources)

    def _walk(self, found: Sequence[Any], sources: Counter[int | None]) -> None:
        last: Any = None
        for item in found:
            if isinstance(item, Data):
                continue
            count = sources[item.address]
            if last is not None and last.target == item.address:
                count -= 1  # from the instruction before this one, perhaps over data
            if count:
                self._registers = self._fresh()
                self._pushed = []
            last = item
            effect = effect_of(item, self._convention)
            if effect is None:
                self._forget(item)
            else:
                self._step(item, effect)

    def _fresh(self) -> dict[int, Value]:
        convention = self._convention
        known = dict(self._lasting)
        known[convention.sp] = (Role.FRAME, 0)
        if convention.zero >= 0:
            known[convention.zero] = (Role.NUMBER, 0)
        return known

    def _forget(self, item: Any) -> None:
        for reg in written(item):
            if reg != self._convention.sp:
                self._registers.pop(reg, None)

    def _get(self, reg: int, item: Any) -> Value | None:
        convention = self._convention
        if reg == convention.pc:
            return (Role.CODE, item.address + convention.pc_ahead)
        return self._registers.get(reg)

    def _step(self, item: Any, effect: Effect) -> None:
        verb = effect.verb
        if verb in (Verb.LOAD, Verb.LOAD_AT):
            self._load(item, effect)
        elif verb == Verb.STORE:
            base = self._get(effect.base, item)
            value = self._registers.get(effect.dest)
            kept = value is not None and value[0] in (Role.FUN, Role.CODE_STATE)
            if kept and value is not None and base is not None and base[0] == Role.FRAME:
                self._frame[base[1] + effect.offset] = value
        elif verb == Verb.CALL:
            self._call()
        elif verb == Verb.JUMP:
            base = self._get(effect.base, item)
            if base is not None and base[0] == Role.CODE:
                self.jumps[item.address] = self._place(base[1] + effect.offset)
        elif verb in (Verb.PUSH, Verb.POP):
            self._stack(item, effect)
        else:
            value = self._result(item, effect)
            if effect.dest == self._convention.pc:
                if value is not None and value[0] == Role.CODE:
                    self.jumps[item.address] = self._place(value[1])
                return
            self._set(effect.dest, value)
            if verb == Verb.MOVE and effect.base == self._convention.argument:
                self._keep(effect.dest, value)
            if value is not None and value[0] == Role.CODE and self._is_computed(item, effect):
                self.addresses[item.address] = self._place(value[1])

    def _place(self, address: int) -> int:
        return address - address % self._unit

    def _is_computed(self, item: Any, effect: Effect) -> bool:
        """Does this complete the computation of an address in the code?"""
        return effect.verb == Verb.ADD or (effect.verb == Verb.MOVE and effect.offset != 0)

    def _set(self, reg: int, value: Value | None) -> None:
        if reg in (self._convention.sp, self._convention.zero):
            return
        if value is None:
            self._registers.pop(reg, None)
            return
        self._registers[reg] = value

    def _keep(self, reg: int, value: Value | None) -> None:
        """A register gets a structure for the first time, not a copy: it may be for good."""
        if value is not None and value[0] in _LASTING and reg in self._convention.kept:
            self._lasting[reg] = value

    def _call(self) -> None:
        """Only what a call keeps is left."""
        convention = self._convention
        kept = {*convention.kept, convention.sp, convention.zero}
        self._registers = {reg: it for reg, it in self._registers.items() if reg in kept}

    def _stack(self, item: Any, effect: Effect) -> None:
        if not self._convention.forms:  # x86: the address that a call pushed, or nothing known
            if effect.verb == Verb.PUSH:
                self._pushed.append((item.address + item.size, {}))
                return
            here = self._pushed.pop()[0] if self._pushed else None
            self._set(effect.dest, None if here is None else (Role.CODE, here))
            return
        mask = effect.offset
        if effect.verb == Verb.PUSH:
            saved = {reg: value for reg, value in self._registers.items() if mask >> reg & 1}
            self._pushed.append((mask, saved))
        elif self._pushed and self._pushed[-1][0] == mask:
            self._forget(item)
            self._registers |= self._pushed.pop()[1]
        else:
            self._forget(item)

    def _result(self, item: Any, effect: Effect) -> Value | None:
        """What the instruction leaves in its register."""
        verb = effect.verb
        if verb == Verb.SET:
            return (Role.NUMBER, effect.offset)
        if verb == Verb.NOT:
            return (Role.NUMBER, ~effect.offset)
        if verb == Verb.HERE:
            return (Role.CODE, item.address + effect.offset)
        if verb == Verb.NEXT:
            return (Role.CODE, item.address + item.size)
        if verb == Verb.LITERAL:
            at = item.target
            if at is None or not 0 <= at <= len(self._code) - 4:
                return None
            return (Role.NUMBER, int.from_bytes(self._code[at : at + 4], "little", signed=True))
        base = self._get(effect.base, item)
        if base is None:
            return None
        role, offset = base
        if verb == Verb.MOVE:
            return (role, offset + effect.offset)
        if verb == Verb.ADD:
            return _sum(base, self._get(effect.other, item))
        if role != Role.NUMBER:
            return None
        if verb == Verb.SHIFT:
            return (role, offset << (effect.offset & 31) & _WORD)
        return (role, (offset & 0xFFFF ^ 0x8000) - 0x8000)  # SIGN

    def _load(self, item: Any, effect: Effect) -> None:
        base = self._get(effect.base, item)
        if effect.verb == Verb.LOAD_AT:
            base = _sum(base, self._get(effect.other, item))
        pointer = self._registers.get(effect.base)
        self._forget(item)
        if pointer is not None:
            self._registers[effect.base] = pointer  # even if the load moves it, see `ldrh_pre`
        value = None if base is None else self._loaded(item, base[0], base[1] + effect.offset)
        if effect.dest == self._convention.pc:
            self._call()
        else:
            self._set(effect.dest, value)
            self._keep(effect.dest, value)

    def _loaded(self, item: Any, role: Role, offset: int) -> Value | None:
        """What stands at an offset of a structure; says what is known of it."""
        if role == Role.FRAME:
            value = self._frame.get(offset)
            if value is None and self._convention.argument < 0 and self._argument is not None:
                # The first load is that of the first argument, above the frame.
                value, self._argument = self._argument, None
            return value
        if role == Role.QSTRS:
            self._say(item, self._names.qstr(offset // _QSTR_SIZE))
            return None
        index, rest = divmod(offset, self._word)
        if rest or index < 0:
            return None
        field = self._fields.get((role, index))
        if field is not None:
            return (field, 0)
        names = self._names
        if role == Role.FUN_TABLE:
            self._say(item, names.function(index))
        elif role == Role.OBJECTS or role == Role.CONSTANTS:
            if names.has_function_table(role, index):
                self._say(item, "mp_fun_table")
                return (Role.FUN_TABLE, 0)
            said = names.object(index) if role == Role.OBJECTS else names.constant(index)
            self._say(item, said)
        elif role == Role.CHILDREN:
            self._say(item, names.child(index))
        return None

    def _say(self, item: Any, text: str) -> None:
        if text:
            self.said[item.address] = text


def _sum(one: Value | None, two: Value | None) -> Value | None:
    if one is None or two is None:
        return None
    if two[0] == Role.NUMBER:
        return (one[0], one[1] + two[1])
    return (two[0], two[1] + one[1]) if one[0] == Role.NUMBER else None
