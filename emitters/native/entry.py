"""What stands around the body of a native function: entry, global exception handler, exit."""

from __future__ import annotations

from mpy_cross.emitters.native.exceptions import place_label
from mpy_cross.emitters.native.state import (
    EXC_VALUE,
    HASCONSTS,
    NativeState,
)
from mpy_cross.emitters.native.values import PYOBJ
from mpy_cross.loader.fun_table import (
    CODE_STATE_IP,
    CODE_STATE_N_STATE,
    CODE_STATE_STATE,
    CODE_STATE_WORDS,
    CONTEXT_GLOBALS,
    CONTEXT_OBJ_TABLE,
    CONTEXT_QSTR_TABLE,
    FUN_BC_BYTECODE,
    FUN_BC_CHILD_TABLE,
    FUN_BC_CONST_TABLE,
    FUN_BC_CONTEXT,
    FUN_BC_GLOBALS,
    STR_DATA,
    Fun,
)
from mpy_cross.loader.objects import FunTable

VM_RETURN_EXCEPTION = 2
WIDE_PRELUDE_OFFSET = 32768


def enter(s: NativeState, computing_sizes: bool) -> None:
    """Code before the first operation.  `computing_sizes`: this is the second computing pass."""
    machine = s.machine
    traits = machine.traits
    labels = s.reserved_labels()
    s.exit_label = labels
    s.code_state_start = 0
    if s.needs_handler:
        s.code_state_start = traits.nlr_buf_words
        if s.release.native_unwind_slot:
            s.code_state_start += 1
            if s.release.native_throw_slot and s.is_generator:
                s.code_state_start += 2
            elif s.exc_stack_size > 0:
                s.code_state_start += 1
    table_index = s.linker.use_const(FunTable()) if s.tables else 0
    s.n_state = s.n_locals + s.max_stack
    if s.viper:
        _enter_viper(s, labels, table_index)
    elif s.is_generator:
        _enter_generator(s, table_index)
    else:
        _enter_native(s, table_index, computing_sizes)
    if s.viper:
        return
    enter_handler(s)
    if s.uses_local_regs:
        for local, reg in enumerate(s.local_regs[: s.n_locals]):
            machine.move_reg_local(reg, s.local_word(local))
    for local in s.function.cells:
        s.local_vtypes[local] = PYOBJ


def _load_tables(s: NativeState, fun_obj: int, temp: int, table_index: int) -> None:
    """Version 6: fun_table and qstr table from the function object's context."""
    machine = s.machine
    machine.load_word(temp, fun_obj, FUN_BC_CONTEXT)
    machine.load_word(machine.registers.local_3, temp, CONTEXT_QSTR_TABLE)
    machine.load_word(temp, temp, CONTEXT_OBJ_TABLE)
    machine.load_word(machine.registers.fun_table, temp, table_index)


def _enter_viper(s: NativeState, labels: int, table_index: int) -> None:
    machine = s.machine
    r = machine.registers
    function = s.function
    n_args = function.n_pos_args
    n_regs = len(s.local_regs)
    last = s.local_regs[-1]
    in_regs = 0
    if s.uses_local_regs:
        in_regs = min(s.n_locals, n_regs)
        if n_args > n_regs:
            in_regs -= 1  # the last register points to the arguments
    if s.needs_handler:
        s.stack_start = s.code_state_start + 2
    elif s.flags & HASCONSTS:
        s.stack_start = s.code_state_start + 1
    else:
        s.stack_start = s.code_state_start
    machine.entry(s.stack_start + s.n_state - in_regs)
    if machine.traits.args_on_stack:
        machine.load_argument(0, r.parent_arg_1)
    if s.tables:
        _load_tables(s, r.parent_arg_1, r.fun_table, table_index)
    else:
        machine.load_word(r.local_3, r.parent_arg_1, FUN_BC_CONST_TABLE)
        machine.load_word(r.fun_table, r.local_3, 0)
    if s.needs_fun_obj:
        machine.move_local_reg(s.fun_obj, r.parent_arg_1)
    if machine.traits.args_on_stack:
        machine.load_argument(1, r.arg_1)
        machine.load_argument(2, r.arg_2)
        machine.load_argument(3, last)
    else:
        machine.move_reg_reg(r.arg_1, r.parent_arg_2)
        machine.move_reg_reg(r.arg_2, r.parent_arg_3)
        machine.move_reg_reg(last, r.parent_arg_4)
    # Exactly the right number of arguments, no keywords; the run-time raises otherwise.
    s.jumps.if_nonzero(r.arg_2, labels + 4, True)
    machine.move_reg_imm(r.arg_3, n_args)
    s.jumps.if_equal(r.arg_1, r.arg_3, labels + 5)
    machine.place_label(labels + 4)
    machine.move_reg_imm(r.arg_3, n_args << 17 | n_args << 1)
    machine.call(Fun.ARG_CHECK_NUM_SIG)
    machine.place_label(labels + 5)
    for i in range(n_args):
        value = r.arg_1
        machine.load_word(r.arg_1, last, i)
        if s.local_vtypes[i] != PYOBJ:
            s.call_imm(Fun.CONVERT_OBJ_TO_NATIVE, s.local_vtypes[i], r.arg_2)
            value = r.ret
        if i < n_regs and s.uses_local_regs and (i != n_regs - 1 or n_args == n_regs):
            machine.move_reg_reg(s.local_regs[i], value)
        else:
            s.store_state(s.local_word(i), value)
    if n_args > n_regs and s.uses_local_regs:
        machine.move_reg_local(last, s.local_word(n_regs - 1))
    enter_handler(s)


def _enter_generator(s: NativeState, table_index: int) -> None:
    machine = s.machine
    r = machine.registers
    word = machine.traits.word_size
    if s.tables:
        machine.data(word, s.prelude_index)
        s.jumps.late(_put_start_offset, s)
        machine.entry(s.code_state_start)
        s.code_state_start = 0
        s.stack_start = CODE_STATE_WORDS
    else:
        s.code_state_start = 0
        s.stack_start = CODE_STATE_WORDS
        if machine.traits.prelude_as_bytes:
            machine.data(word, s.n_args + 1)
        else:
            s.jumps.late(_put_prelude_offset, s)
        s.jumps.late(_put_start_offset, s)
        machine.entry(machine.traits.nlr_buf_words)
    if machine.traits.args_on_stack:
        machine.load_argument(0, s.generator_state)
    else:
        machine.move_reg_reg(s.generator_state, r.parent_arg_1)
    if machine.traits.args_on_stack:
        machine.load_argument(1, r.parent_arg_2)
    machine.move_local_reg(s.thrown_value, r.parent_arg_2)
    machine.load_word(r.temp_0, s.generator_state, s.fun_obj)
    if s.tables:
        _load_tables(s, r.temp_0, r.temp_0, table_index)
    else:
        machine.load_word(r.temp_0, r.temp_0, FUN_BC_CONST_TABLE)
        machine.load_word(r.fun_table, r.temp_0, s.n_args)


def _put_prelude_offset(s: NativeState) -> None:
    s.machine.data(s.machine.traits.word_size, s.prelude_offset)


def _put_start_offset(s: NativeState) -> None:
    s.machine.data(s.machine.traits.word_size, s.start_offset)


def _enter_native(s: NativeState, table_index: int, computing_sizes: bool) -> None:
    machine = s.machine
    r = machine.registers
    if s.release.native_prelude_word:
        machine.data(machine.traits.word_size, s.prelude_index)
    s.stack_start = s.code_state_start + CODE_STATE_WORDS
    machine.entry(s.stack_start + s.n_state)
    if machine.traits.args_on_stack:
        machine.load_argument(0, r.parent_arg_1)
        machine.load_argument(1, r.parent_arg_2)
        machine.load_argument(2, r.parent_arg_3)
        machine.load_argument(3, r.parent_arg_4)
    if s.tables:
        _load_tables(s, r.parent_arg_1, r.fun_table, table_index)
    else:
        machine.load_word(r.local_3, r.parent_arg_1, FUN_BC_CONST_TABLE)
        machine.load_word(r.fun_table, r.local_3, s.n_args)
    machine.move_local_reg(s.fun_obj, r.parent_arg_1)
    if not s.tables:
        _store_prelude_offset(s, computing_sizes)
    elif not s.release.native_prelude_word:
        _store_prelude_pointer(s)
    machine.move_reg_imm(r.arg_1, s.n_state)
    s.store_state(s.code_state_start + CODE_STATE_N_STATE, r.arg_1)
    machine.move_reg_local_address(r.arg_1, s.code_state_start)
    for mine, parent in (
        (r.arg_2, r.parent_arg_2),
        (r.arg_3, r.parent_arg_3),
        (r.arg_4, r.parent_arg_4),
    ):
        if mine != parent:
            machine.move_reg_reg(mine, parent)
    if machine.traits.setup_call_keeps_arg_4:
        machine.call_keeping_arg_4(Fun.SETUP_CODE_STATE)
    else:
        machine.call(Fun.SETUP_CODE_STATE)


def _store_prelude_pointer(s: NativeState) -> None:
    """Version 6 until 1.22: code_state.ip, which stands behind the children of the function."""
    machine = s.machine
    pointer = machine.registers.parent_arg_1
    machine.load_word(pointer, pointer, FUN_BC_CHILD_TABLE)
    if s.prelude_index:
        machine.load_word(pointer, pointer, s.prelude_index)
    s.store_state(s.code_state_start + CODE_STATE_IP, pointer)


def _store_prelude_offset(s: NativeState, computing_sizes: bool) -> None:
    """Version 5: code_state.ip, the offset of the prelude from the start of the code."""
    machine = s.machine
    r = machine.registers
    word = s.code_state_start + CODE_STATE_IP
    if machine.traits.prelude_as_bytes:
        machine.load_word(r.local_3, r.local_3, s.n_args + 1)
        machine.load_word(r.local_3, r.local_3, STR_DATA)
        machine.load_word(r.parent_arg_1, r.parent_arg_1, FUN_BC_BYTECODE)
        machine.sub(r.local_3, r.parent_arg_1)
        s.store_state(word, r.local_3)
        return
    if not s.release.native_fixed_prelude_offset:
        machine.move_reg_imm(r.parent_arg_1, s.prelude_offset)
        s.store_state(word, r.parent_arg_1)
        return
    if computing_sizes:
        s.prelude_wide = s.prelude_offset >= WIDE_PRELUDE_OFFSET
    s.jumps.late(_load_prelude_offset, s)
    s.store_state(word, r.parent_arg_1)


def _load_prelude_offset(s: NativeState) -> None:
    reg = s.machine.registers.parent_arg_1
    if s.prelude_wide:
        s.machine.move_reg_imm_fix_word(reg, s.prelude_offset)
    else:
        s.machine.move_reg_imm_fix_u16(reg, s.prelude_offset)


def enter_handler(s: NativeState) -> None:
    """Wrap what follows in the function's exception handler, if it needs one."""
    if not s.needs_handler:
        return
    machine = s.machine
    r = machine.registers
    nlr_label = s.exit_label + 1
    start = s.exit_label + 2
    global_except = s.exit_label + 3
    generator = s.is_generator
    if not generator:
        s.load_state(r.arg_1, s.fun_obj)
        if s.tables:
            machine.load_word(r.arg_1, r.arg_1, FUN_BC_CONTEXT)
            machine.load_word(r.arg_1, r.arg_1, CONTEXT_GLOBALS)
        else:
            machine.load_word(r.arg_1, r.arg_1, FUN_BC_GLOBALS)
        s.call(Fun.NATIVE_SWAP_GLOBALS)
        s.store_state(s.old_globals, r.ret)
    if s.exc_stack_size == 0:
        if not generator:
            s.jumps.if_zero(r.ret, start, False)  # the globals are the same already
        _push_nlr(s)
        s.jumps.if_zero(r.ret, start, True)
    else:
        _enter_dispatcher(s, nlr_label, start, global_except)
    if not generator:
        s.load_state(r.arg_1, s.old_globals)
        s.call(Fun.NATIVE_SWAP_GLOBALS)
        machine.move_reg_local(r.arg_1, EXC_VALUE)
        s.call(Fun.NATIVE_RAISE)
    else:
        machine.move_reg_local(r.temp_0, EXC_VALUE)
        machine.store_word(r.temp_0, s.generator_state, CODE_STATE_STATE)
        machine.move_reg_imm(r.parent_ret, VM_RETURN_EXCEPTION)
        machine.exit()
    place_label(s, start)
    if generator:
        s.load_state(r.temp_0, s.generator_pc)
        machine.jump_reg(r.temp_0)
        s.start_offset = machine.position
        machine.move_reg_local(r.arg_1, s.thrown_value)
        if s.release.native_throw_slot:
            s.null_local(s.thrown_value, r.arg_2)
        s.call(Fun.NATIVE_RAISE)


def _push_nlr(s: NativeState) -> None:
    machine = s.machine
    arg_1 = machine.registers.arg_1
    machine.move_reg_local_address(arg_1, 0)
    s.call(Fun.NLR_PUSH)
    if machine.traits.nlr_setjmp:
        machine.move_reg_local_address(arg_1, 2)
        s.call(Fun.SETJMP)


def _enter_dispatcher(s: NativeState, nlr_label: int, start: int, global_except: int) -> None:
    """A function with handlers of its own: an exception resumes at the current one."""
    machine = s.machine
    r = machine.registers
    if s.release.native_unwind_slot:
        zero = r.temp_0 if r.zero is None else r.zero
        s.clear_local(s.exc_handler_unwind, r.temp_0)
        if s.release.native_clears_exception:
            machine.move_local_reg(EXC_VALUE, zero)
    else:
        machine.clear(r.temp_0)
        machine.move_local_reg(s.exc_handler_unwind, r.temp_0)
    s.jumps.address(r.local_1, start)
    place_label(s, nlr_label)
    if not s.release.native_unwind_slot:
        machine.move_reg_local(r.local_2, s.exc_handler_unwind)
    _push_nlr(s)
    if not s.release.native_unwind_slot:
        machine.move_local_reg(s.exc_handler_unwind, r.local_2)
    s.jumps.if_nonzero(r.ret, global_except, True)
    s.clear_local(s.exc_handler_pc, r.temp_0)
    machine.jump_reg(r.local_1)
    place_label(s, global_except)
    if machine.traits.nlr_setjmp and not s.tables:
        # longjmp may have clobbered the pointer to the function table
        s.load_state(r.local_1, s.fun_obj)
        machine.load_word(r.local_1, r.local_1, FUN_BC_CONST_TABLE)
        machine.load_word(r.fun_table, r.local_1, s.n_args)
    machine.move_reg_local(r.local_1, s.exc_handler_pc)
    s.jumps.if_nonzero(r.local_1, nlr_label, False)


def leave(s: NativeState) -> None:
    """Code after the last operation: undo what `enter_handler` did, and return."""
    machine = s.machine
    r = machine.registers
    place_label(s, s.exit_label)
    if s.needs_handler:
        generator = s.is_generator
        if not generator:
            s.load_state(r.arg_1, s.old_globals)
            if s.exc_stack_size == 0:
                s.jumps.if_zero(r.arg_1, s.exit_label + 1, False)
            s.call(Fun.NATIVE_SWAP_GLOBALS)
        s.call(Fun.NLR_POP)
        if not generator and s.exc_stack_size == 0:
            place_label(s, s.exit_label + 1)
        machine.move_reg_local(r.parent_ret, s.return_value)
    machine.exit()
