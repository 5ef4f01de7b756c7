"""The state of generating one native or viper function: the Python stack and where its values are.

The top of the Python stack lives in registers and immediates as long as possible; `settle` and
`free_registers` write it to the frame before anything that needs it there.  This is the reference's
scheme, followed closely because every choice shows in the bytes.
"""

from __future__ import annotations

from typing import Protocol, final

from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.jumps import Jumps
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.emitters.native.values import (
    BOOL,
    IMMEDIATE,
    IN_MEMORY,
    IN_REG,
    INT,
    INTEGERS,
    PTR_NONE,
    PYOBJ,
    UNBOUND,
    Slot,
)
from mpy_cross.loader.fun_table import (
    CODE_STATE_FUN_BC,
    CODE_STATE_IP,
    CONTEXT_OBJ_TABLE,
    FUN_BC_CHILD_TABLE,
    FUN_BC_CONST_TABLE,
    FUN_BC_CONTEXT,
    Fun,
)
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import Emit, FunctionOps, ScopeFlag
from mpy_cross.loader.release import Release

GENERATOR = int(ScopeFlag.GENERATOR)
REFGLOBALS = int(ScopeFlag.REFGLOBALS)
HASCONSTS = int(ScopeFlag.HASCONSTS)

# Word offset in a cell (py/objcell.h).
CELL_VALUE = 1

# Word indices in nlr_buf_t.
EXC_VALUE = 1

UNWIND_UNUSED = -1
UNWIND_FINAL = -2


class Linker(Protocol):
    """The file around a function: how it refers to names, constants and children."""

    def use_name(self, name: int) -> int:
        """Version 6: index of `ModuleOps.names[name]` in the qstr table, added if it is new.
        Version 5: the number of the qstr in the compiler that the reference would be."""

    def use_const(self, value: ConstValue) -> int:
        """Version 6: index of a constant in the object table, added if it is new."""

    def const(self, index: int) -> ConstValue:
        """`ModuleOps.consts[index]`."""

    def name_text(self, name: int) -> bytes:
        """`ModuleOps.names[name]`."""

    def name_index_of(self, text: bytes) -> int:
        """The index in `ModuleOps.names` of a name that the emitter itself uses."""


@final
class Handler:
    """An entry of the stack of exception handlers."""

    __slots__ = ("is_active", "is_finally", "label", "unwind_label")

    def __init__(self, label: int, is_finally: bool) -> None:
        self.label = label
        self.is_finally = is_finally
        self.unwind_label = UNWIND_UNUSED
        self.is_active = True


@final
class NativeState:
    """Everything that the verbs share while one function is generated."""

    __slots__ = (
        "code_state_start",
        "consts",
        "error",
        "error_line",
        "exc_stack_size",
        "exit_label",
        "flags",
        "function",
        "handlers",
        "is_generator",
        "jumps",
        "lines",
        "linker",
        "local_regs",
        "local_vtypes",
        "machine",
        "made",
        "max_stack",
        "n_args",
        "n_consts",
        "n_locals",
        "n_reserved",
        "n_settled",
        "n_state",
        "prelude_index",
        "prelude_offset",
        "prelude_wide",
        "qstr_links",
        "release",
        "return_type",
        "saved_vtype",
        "slots",
        "stack_size",
        "stack_start",
        "start_offset",
        "tables",
        "viper",
    )

    def __init__(
        self, function: FunctionOps, machine: Machine, release: Release, linker: Linker
    ) -> None:
        self.function = function
        self.machine = machine
        self.release = release
        self.linker = linker
        self.tables = release.native_tables
        self.viper = function.emit == Emit.VIPER
        self.flags = function.flags
        self.is_generator = bool(function.flags & GENERATOR)
        self.n_locals = function.n_locals
        self.n_args = function.n_pos_args + function.n_kwonly_args
        self.exc_stack_size = function.exc_stack_size
        self.return_type = function.viper_return
        self.max_stack = 0
        self.n_consts = 0
        self.prelude_offset = machine.prelude_offset
        self.prelude_index = 0
        self.prelude_wide = False
        self.start_offset = 0
        self.exit_label = 0
        self.n_state = 0
        self.code_state_start = 0
        self.stack_start = 0
        self.error: NativeError | None = None
        self.error_line = 0
        registers = machine.registers
        self.local_regs = [registers.local_1, registers.local_2]
        if not self.tables:
            self.local_regs.append(registers.local_3)

    def begin(self) -> None:
        """Forget what belongs to one pass."""
        # One more than there are values, so that there is always one to push into.
        self.slots = [Slot() for _ in range(self.max_stack + 1)]
        self.jumps = Jumps(self.machine)
        self.stack_size = 0
        self.n_settled = 0
        """So many slots, from the bottom, are in no register."""
        self.saved_vtype = PYOBJ
        self.handlers: list[Handler] = []
        self.consts: list[ConstValue] = []
        self.made: list[int] = []
        self.qstr_links: list[tuple[int, int]] = []
        self.lines: list[tuple[int, int]] = []
        self.n_reserved = 0
        unbound = UNBOUND if self.viper or not self.release.native_locals_are_objects else PYOBJ
        function = self.function
        n_args = self.n_args
        n_args += bool(self.flags & ScopeFlag.VARARGS) + bool(self.flags & ScopeFlag.VARKEYWORDS)
        count = max(n_args, self.n_locals)
        self.local_vtypes = [PYOBJ] * n_args + [unbound] * (count - n_args)
        if self.viper:
            for local, vtype in function.viper_params.items():
                self.local_vtypes[local] = vtype

    def facts(self) -> tuple[int, ...]:
        """What a pass leaves to the next one, besides offsets."""
        # Flags found on the way decide the frame of viper code only.
        flags = self.flags if self.viper else 0
        return self.max_stack, flags, self.n_consts, self.prelude_index, self.machine.carried

    def reserved_labels(self) -> int:
        """The first of the labels that the lowering has reserved for this place."""
        first = self.function.reserved_labels[self.n_reserved]
        self.n_reserved += 1
        return first

    # ----------------------------------------------------------------- facts about the function

    @property
    def prelude_is_const(self) -> bool:
        """Version 5: whether the prelude is the first constant."""
        return self.machine.traits.prelude_as_bytes and not self.viper and not self.tables

    @property
    def needs_fun_obj(self) -> bool:
        """Viper: whether the function object has to be kept in the frame."""
        return self.exc_stack_size > 0 or bool(self.flags & (REFGLOBALS | HASCONSTS))

    @property
    def needs_handler(self) -> bool:
        """Whether the whole function is wrapped in an exception handler."""
        return self.exc_stack_size > 0 or bool(self.flags & (GENERATOR | REFGLOBALS))

    @property
    def uses_local_regs(self) -> bool:
        """Whether locals may live in registers: a non-local return would lose them."""
        return self.exc_stack_size == 0 and not self.is_generator

    @property
    def generator_state(self) -> int:
        """The register that points to the state of a generator."""
        registers = self.machine.registers
        return registers.local_2 if self.tables else registers.local_3

    # Words of the frame.

    @property
    def exc_handler_pc(self) -> int:
        return self.machine.traits.nlr_local_1

    @property
    def exc_handler_unwind(self) -> int:
        traits = self.machine.traits
        if self.release.native_unwind_slot:
            return traits.nlr_buf_words + 1
        return traits.nlr_local_2

    @property
    def return_value(self) -> int:
        traits = self.machine.traits
        if self.release.native_unwind_slot:
            return traits.nlr_buf_words
        return traits.nlr_local_3

    @property
    def thrown_value(self) -> int:
        """Where a value thrown into a generator is."""
        if self.release.native_throw_slot:
            return self.machine.traits.nlr_buf_words + 2
        return EXC_VALUE

    @property
    def fun_obj(self) -> int:
        return self.code_state_start + CODE_STATE_FUN_BC

    @property
    def old_globals(self) -> int:
        return self.code_state_start + CODE_STATE_IP

    @property
    def generator_pc(self) -> int:
        return self.code_state_start + CODE_STATE_IP

    def local_word(self, local: int) -> int:
        return self.stack_start + self.n_state - 1 - local

    # ----------------------------------------------------------------------- moves to the state

    def store_state(self, word: int, reg: int) -> None:
        """State word = reg: in the frame, or in the state of a generator."""
        if self.is_generator:
            self.machine.store_word(reg, self.generator_state, word)
        else:
            self.machine.move_local_reg(word, reg)

    def load_state(self, reg: int, word: int) -> None:
        if self.is_generator:
            self.machine.load_word(reg, self.generator_state, word)
        else:
            self.machine.move_reg_local(reg, word)

    def state_address(self, reg: int, word: int) -> None:
        machine = self.machine
        if self.is_generator:
            machine.move_reg_imm(reg, word * machine.traits.word_size)
            machine.add(reg, self.generator_state)
        else:
            machine.move_reg_local_address(reg, word)

    def load_fun_const(self, reg: int, entry: int) -> None:
        """reg = a constant object of the function table."""
        self.machine.load_word(reg, self.machine.registers.fun_table, entry)

    def load_qstr(self, reg: int, name: int) -> None:
        """reg = a qstr number."""
        if self.tables:
            table = self.machine.registers.local_3
            self.machine.load_half(reg, table, self.linker.use_name(name))
        else:
            at = self.machine.move_reg_imm_fix_u16(reg, self.linker.use_name(name))
            self._link(at << 2 | 1, name)

    def load_qstr_object(self, reg: int, name: int, value: ConstValue) -> None:
        """reg = a str object that is a qstr."""
        if self.tables:
            self.load_object(reg, value)
        else:
            number = self.linker.use_name(name) << self.release.native_qstr_shift | 2
            at = self.machine.move_reg_imm_fix_word(reg, number)
            self._link(at << 2 | 2, name)

    def _link(self, place: int, name: int) -> None:
        """Have the loader put a name's number into the code."""
        self.qstr_links.append((self.machine.link_place(place), name))

    def load_object(self, reg: int, value: ConstValue) -> None:
        """reg = a constant object."""
        if self.tables:
            self.flags |= HASCONSTS
            index = self.linker.use_const(value)
            temp = self.machine.registers.temp_0
            self.load_state(temp, self.fun_obj)
            self.machine.load_word(temp, temp, FUN_BC_CONTEXT)
            self.machine.load_word(temp, temp, CONTEXT_OBJ_TABLE)
            self.machine.load_word(reg, temp, index)
        else:
            index = 1 + len(self.consts) + self.prelude_is_const
            self.consts.append(value)
            self._load_from_const_table(reg, index)

    def load_child(self, reg: int, child: int) -> None:
        """reg = the raw code of a child function."""
        index = len(self.made)
        self.made.append(child)
        if self.tables:
            temp = self.machine.registers.temp_0
            self.load_state(temp, self.fun_obj)
            self.machine.load_word(temp, temp, FUN_BC_CHILD_TABLE)
            self.machine.load_word(reg, temp, index)
        else:
            self._load_from_const_table(reg, 1 + self.n_consts + index)

    def _load_from_const_table(self, reg: int, index: int) -> None:
        """Version 5: the constant table begins with argument names and the function table."""
        if not self.viper:
            index += self.n_args
        temp = self.machine.registers.temp_0
        self.load_state(temp, self.fun_obj)
        self.machine.load_word(temp, temp, FUN_BC_CONST_TABLE)
        self.machine.load_word(reg, temp, index)

    # ------------------------------------------------------------------------- the Python stack

    def peek(self, depth: int) -> Slot:
        """The value `depth` below the top."""
        return self.slots[self.stack_size - 1 - depth]

    def peek_vtype(self, depth: int) -> int:
        """Its type; in native code everything is an object, whatever its place says."""
        return self.peek(depth).vtype if self.viper else PYOBJ

    def adjust(self, change: int) -> None:
        """Change the stack size; slots keep what they held."""
        self.stack_size += change
        if self.stack_size > self.max_stack:
            self._raise_max_stack()

    def _raise_max_stack(self) -> None:
        self.max_stack = size = self.stack_size
        while len(self.slots) <= size:
            self.slots.append(Slot())

    def adjust_joined(self, change: int) -> None:
        """As `adjust`, where control arrives by a jump and values are in memory."""
        first = self.stack_size
        self.adjust(change)
        for i in range(change):
            slot = self.slots[first + i]
            slot.kind = IN_MEMORY
            slot.vtype = self.saved_vtype if change == 1 else PYOBJ

    def free_register(self, reg: int, skip: int) -> None:
        """Write values in `reg` to memory, except the one at position `skip` (1 is the top)."""
        slots = self.slots
        size = self.stack_size
        spared = size - skip
        first = self.n_settled
        while first < size and slots[first].kind != IN_REG:
            first += 1
        self.n_settled = first
        for i in range(first, size):
            slot = slots[i]
            if slot.kind == IN_REG and slot.data == reg and i != spared:
                slot.kind = IN_MEMORY
                self.store_state(self.stack_start + i, reg)

    def free_registers(self) -> None:
        """Write all values in registers to memory."""
        slots = self.slots
        for i in range(self.n_settled, self.stack_size):
            slot = slots[i]
            if slot.kind == IN_REG:
                slot.kind = IN_MEMORY
                self.store_state(self.stack_start + i, slot.data)
        self.n_settled = max(self.n_settled, self.stack_size)

    def load_immediate(self, reg: int, slot: Slot, as_object: bool) -> int:
        """reg = an immediate, as an object if wanted or in native code; the type it then has."""
        machine = self.machine
        vtype = slot.vtype
        if not as_object and self.viper:
            machine.move_reg_imm(reg, slot.data)
            return vtype
        if vtype == PYOBJ:
            machine.move_reg_imm(reg, slot.data)
        elif vtype == BOOL:
            self.load_fun_const(reg, Fun.CONST_FALSE_OBJ + slot.data)
        elif vtype in INTEGERS:
            machine.move_reg_imm(reg, slot.data << 1 | 1)
        elif vtype == PTR_NONE:
            self.load_fun_const(reg, Fun.CONST_NONE_OBJ)
        else:
            raise NativeError("NotImplementedError", "conversion to object", bare=True)
        return PYOBJ

    def settle(self) -> None:
        """Write everything to memory: a jump leaves or arrives here.  May clobber temp_1 (1.12:
        temp_0)."""
        self.free_registers()
        registers = self.machine.registers
        temp = registers.temp_1 if self.release.native_settles_in_temp_1 else registers.temp_0
        for i in range(self.stack_size):
            slot = self.slots[i]
            if slot.kind == IMMEDIATE:
                slot.kind = IN_MEMORY
                slot.vtype = self.load_immediate(temp, slot, False)
                self.store_state(self.stack_start + i, temp)

    def access(self, position: int, reg: int) -> int:
        """reg = the value at `position` (1 is the top); its type."""
        self.free_register(reg, position)
        index = self.stack_size - position
        slot = self.slots[index]
        if slot.kind == IN_MEMORY:
            self.load_state(reg, self.stack_start + index)
        elif slot.kind == IN_REG:
            if slot.data != reg:
                self.machine.move_reg_reg(reg, slot.data)
        else:
            return self.load_immediate(reg, slot, False)
        return slot.vtype

    def fold_top(self, reg: int) -> None:
        """Drop the value below the top.  `reg` takes the top if it was in memory."""
        self.n_settled = min(self.n_settled, self.stack_size - 2)
        lower = self.slots[self.stack_size - 2]
        top = self.slots[self.stack_size - 1]
        lower.vtype, lower.kind, lower.data = top.vtype, top.kind, top.data
        if lower.kind == IN_MEMORY:
            self.load_state(reg, self.stack_start + self.stack_size - 1)
            lower.kind = IN_REG
            lower.data = reg
        self.adjust(-1)

    def pop(self, reg: int) -> int:
        """reg = pop(); its type."""
        vtype = self.access(1, reg)
        self.stack_size -= 1
        return vtype

    def pop_flexible(self, reg: int, not_1: int, not_2: int) -> tuple[int, int]:
        """Pop into any register but `not_1` and `not_2`, `reg` if need be: (type, register)."""
        slot = self.peek(0)
        if slot.kind == IN_REG and slot.data != not_1 and slot.data != not_2:
            vtype, reg = slot.vtype, slot.data
            self.free_register(reg, 1)
        else:
            vtype = self.access(1, reg)
        self.stack_size -= 1
        return vtype, reg

    def discard(self) -> None:
        self.stack_size -= 1

    def push_reg(self, vtype: int, reg: int) -> None:
        slot = self.slots[self.stack_size]
        self.n_settled = min(self.n_settled, self.stack_size)
        slot.vtype = vtype
        slot.kind = IN_REG
        slot.data = reg
        self.adjust(1)

    def push_imm(self, vtype: int, value: int) -> None:
        slot = self.slots[self.stack_size]
        slot.vtype = vtype
        slot.kind = IMMEDIATE
        slot.data = value
        self.adjust(1)

    def pointer_for_pop(self, reg: int, n: int) -> None:
        """Pop `n` objects; reg points to them in memory.  May call the run-time to convert."""
        self.free_registers()
        slots = self.slots
        for i in range(n):
            index = self.stack_size - 1 - i
            slot = slots[index]
            if slot.kind == IMMEDIATE:
                slot.kind = IN_MEMORY
                slot.vtype = self.load_immediate(reg, slot, True)
                self.store_state(self.stack_start + index, reg)
        registers = self.machine.registers
        for i in range(n):
            index = self.stack_size - 1 - i
            slot = slots[index]
            if slot.vtype != PYOBJ:
                word = self.stack_start + index
                self.load_state(registers.arg_1, word)
                self.call_imm(Fun.CONVERT_NATIVE_TO_OBJ, slot.vtype, registers.arg_2)
                self.store_state(word, registers.ret)
                slot.vtype = PYOBJ
        self.adjust(-n)
        self.state_address(reg, self.stack_start + self.stack_size)

    def pointer_for_push(self, reg: int, n: int) -> None:
        """Push `n` objects that a callee will write; reg points to their memory."""
        self.free_registers()
        first = self.stack_size
        self.adjust(n)
        for slot in self.slots[first : first + n]:
            slot.kind = IN_MEMORY
            slot.vtype = PYOBJ
        self.state_address(reg, self.stack_start + first)

    # ---------------------------------------------------------------------------------- calling

    def call(self, fun: int) -> None:
        self.free_registers()
        self.machine.call(fun)

    def call_imm(self, fun: int, value: int, reg: int) -> None:
        self.free_registers()
        self.machine.move_reg_imm(reg, value)
        self.machine.call(fun)

    def call_imm_2(self, fun: int, value_1: int, reg_1: int, value_2: int, reg_2: int) -> None:
        self.free_registers()
        self.machine.move_reg_imm(reg_1, value_1)
        self.machine.move_reg_imm(reg_2, value_2)
        self.machine.call(fun)

    def call_qstr(self, fun: int, name: int, reg: int) -> None:
        self.free_registers()
        self.load_qstr(reg, name)
        self.machine.call(fun)

    def clear_local(self, word: int, temp: int) -> None:
        """local = 0, by way of `temp` or a register that is always zero."""
        zero = self.machine.registers.zero
        if zero is None:
            self.machine.clear(temp)
            zero = temp
        self.machine.move_local_reg(word, zero)

    def null_local(self, word: int, temp: int) -> None:
        """local = a null object, by way of `temp` or, in later releases, as `clear_local`."""
        from_zero = self.release.native_null_from_zero and self.machine.registers.zero is not None
        if self.release.native_clear_instruction or from_zero:
            self.clear_local(word, temp)
        else:
            self.machine.move_reg_imm(temp, 0)
            self.machine.move_local_reg(word, temp)

    def viper_error(self, message: str, note: str = "") -> None:
        """Report a ViperTypeError; within a statement the last one counts."""
        self.error = NativeError("ViperTypeError", message)
        self.error.note = note


__all__ = ["BOOL", "INT", "NativeState"]
