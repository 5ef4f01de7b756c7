"""Exception handlers, unwinding jumps, with blocks, yielding: the flow of native code."""

from __future__ import annotations

from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.state import (
    EXC_VALUE,
    UNWIND_FINAL,
    UNWIND_UNUSED,
    Handler,
    NativeState,
)
from mpy_cross.emitters.native.values import BOOL, INTEGERS, PTR_NONE, PYOBJ, type_name
from mpy_cross.loader.fun_table import CODE_STATE_SP, Fun

VM_RETURN_NORMAL = 0
VM_RETURN_YIELD = 1


def place_label(s: NativeState, label: int) -> None:
    """A label of the program: everything is in memory here, and a finally block may begin."""
    is_finally = False
    if s.handlers:
        handler = s.handlers[-1]
        is_finally = handler.is_finally and handler.label == label
    if is_finally:
        temp = s.machine.registers.temp_0
        if s.release.native_finally_keeps_top:
            s.access(1, temp)
        else:
            s.pop(temp)
        s.machine.move_local_reg(EXC_VALUE, temp)
    s.settle()
    s.machine.place_label(label)
    if is_finally:
        leave_handler(s, False)


def jump(s: NativeState, label: int) -> None:
    s.settle()
    s.jumps.to(label)
    if s.release.suppress_dead_code:
        s.machine.suppress()


def jump_if(s: NativeState, label: int, cond: bool, pop: bool) -> None:
    """Jump on the truth of the top, which is popped first or only where control falls through."""
    r = s.machine.registers
    if s.peek_vtype(0) == PYOBJ:
        vtype = s.pop(r.arg_1)
        if not pop:
            s.adjust(1)
        s.call(Fun.OBJ_IS_TRUE)
    else:
        vtype = s.pop(r.ret)
        if not pop:
            s.adjust(1)
        if vtype != BOOL and vtype not in INTEGERS:
            s.viper_error(f"can't implicitly convert '{type_name(vtype)}' to 'bool'")
    if not pop:
        s.saved_vtype = vtype
    s.settle()
    if cond:
        s.jumps.if_nonzero(r.ret, label, vtype == PYOBJ)
    else:
        s.jumps.if_zero(r.ret, label, vtype == PYOBJ)
    if not pop:
        s.adjust(-1)


# ---------------------------------------------------------------------------------------- handlers


def push_handler(s: NativeState, label: int, is_finally: bool) -> None:
    s.handlers.append(Handler(label, is_finally))
    _set_handler_pc(s, label)


def _set_handler_pc(s: NativeState, label: int) -> None:
    ret = s.machine.registers.ret
    s.jumps.address(ret, label)
    s.machine.move_local_reg(s.exc_handler_pc, ret)


def leave_handler(s: NativeState, start_of_handler: bool) -> None:
    """The innermost handler is no longer the current one; the next active one is."""
    s.handlers[-1].is_active = False
    for handler in reversed(s.handlers[:-1]):
        if handler.is_active:
            _set_handler_pc(s, handler.label)
            return
    if start_of_handler:
        return  # the global handler has cleared it
    ret = s.machine.registers.ret
    s.machine.clear(ret)
    s.machine.move_local_reg(s.exc_handler_pc, ret)


def setup_block(s: NativeState, label: int, is_finally: bool) -> None:
    s.settle()
    push_handler(s, label, is_finally)


def end_finally(s: NativeState) -> None:
    """Re-raise what is in flight, or go on with a jump that the block has interrupted."""
    r = s.machine.registers
    if s.release.native_finally_keeps_top:
        s.discard()
    s.machine.move_reg_local(r.arg_1, EXC_VALUE)
    s.call(Fun.NATIVE_RAISE)
    handler = s.handlers.pop()
    after = s.reserved_labels()
    if handler.unwind_label != UNWIND_UNUSED:
        s.machine.move_reg_local(r.ret, s.exc_handler_unwind)
        s.jumps.if_zero(r.ret, after, False)
        if handler.unwind_label == UNWIND_FINAL:
            s.machine.jump_reg(r.ret)
        else:
            jump(s, handler.unwind_label)
        place_label(s, after)


def start_except_handler(s: NativeState) -> None:
    temp = s.machine.registers.temp_0
    leave_handler(s, True)
    s.machine.move_reg_local(temp, EXC_VALUE)
    s.push_reg(PYOBJ, temp)


def end_except_handler(s: NativeState) -> None:
    if not s.release.native_finally_keeps_top:
        s.adjust(-1)  # end_finally did not use the exception


def pop_except_jump(s: NativeState, label: int, within_handler: bool) -> None:
    if within_handler:
        clear_exception(s)
    else:
        leave_handler(s, False)
    jump(s, label)


def clear_exception(s: NativeState) -> None:
    """Later handlers must not see the exception that was caught."""
    temp = s.machine.registers.temp_0
    if s.release.native_null_exception:
        s.null_local(EXC_VALUE, temp)
    else:
        _set_no_exception(s, temp)


def _set_no_exception(s: NativeState, temp: int) -> None:
    """The word of the exception in flight says that there is none."""
    if s.release.native_null_exception:
        s.machine.move_reg_imm(temp, 0)
    else:
        s.load_fun_const(temp, Fun.CONST_NONE_OBJ)
    s.machine.move_local_reg(EXC_VALUE, temp)


def unwind_jump(s: NativeState, label: int, depth: int) -> None:
    """Jump out of `depth` blocks, by way of the finally blocks among them."""
    if depth > 0:
        r = s.machine.registers
        first: Handler | None = None
        previous: Handler | None = None
        at = len(s.handlers) - 1
        for _ in range(depth):
            handler = s.handlers[at]
            if handler.is_finally and handler.is_active:
                if first is None:
                    first = handler
                if previous is not None:
                    previous.unwind_label = handler.label
                previous = handler
            at -= 1
        if previous is None or first is None:
            if at < 0:
                s.machine.clear(r.ret)
            else:
                s.jumps.address(r.ret, s.handlers[at].label)
            s.machine.move_local_reg(s.exc_handler_pc, r.ret)
        else:
            previous.unwind_label = UNWIND_FINAL
            s.jumps.address(r.ret, label)
            s.machine.move_local_reg(s.exc_handler_unwind, r.ret)
            _set_no_exception(s, r.ret)
            label = first.label
    jump(s, label)


# -------------------------------------------------------------------------------------------- with


def setup_with(s: NativeState, label: int, enter_name: int, exit_name: int) -> None:
    r = s.machine.registers
    s.access(1, r.arg_1)
    s.pointer_for_push(r.arg_3, 2)
    s.call_qstr(Fun.LOAD_METHOD, exit_name, r.arg_2)
    # Stack: manager, __exit__, self.  Keep __exit__ and self below the result of __enter__.
    s.pop(r.arg_3)
    s.pop(r.arg_2)
    vtype = s.pop(r.arg_1)
    s.push_reg(vtype, r.arg_2)
    s.push_reg(vtype, r.arg_3)
    s.pointer_for_push(r.arg_3, 2)
    s.call_qstr(Fun.LOAD_METHOD, enter_name, r.arg_2)
    s.pointer_for_pop(r.arg_3, 2)
    s.call_imm_2(Fun.CALL_METHOD_N_KW, 0, r.arg_1, 0, r.arg_2)
    s.push_reg(PYOBJ, r.ret)
    s.settle()
    push_handler(s, label, True)
    duplicate_top(s)


def duplicate_top(s: NativeState) -> None:
    vtype, reg = s.pop_flexible(s.machine.registers.temp_0, -1, -1)
    s.push_reg(vtype, reg)
    s.push_reg(vtype, reg)


def with_cleanup(s: NativeState, label: int) -> None:
    machine = s.machine
    r = machine.registers
    labels = s.reserved_labels()
    done, end, unwinding = labels, labels + 1, labels + 2
    leave_handler(s, False)
    s.adjust(-1)
    place_label(s, unwinding)
    for _ in range(3):
        s.push_imm(PTR_NONE, 0)
    s.pointer_for_pop(r.arg_3, 5)
    s.call_imm_2(Fun.CALL_METHOD_N_KW, 3, r.arg_1, 0, r.arg_2)
    jump(s, done)
    machine.place_label(label)  # no finally label: nothing is to be popped
    leave_handler(s, True)
    s.adjust_joined(2)
    machine.move_reg_local(r.arg_1, EXC_VALUE)
    if s.release.native_null_exception:
        s.jumps.if_zero(r.arg_1, unwinding, False)
    else:
        s.load_fun_const(r.arg_2, Fun.CONST_NONE_OBJ)
        s.jumps.if_equal(r.arg_1, r.arg_2, unwinding)
    machine.load_word(r.arg_2, r.arg_1, 0)  # the exception's type
    s.push_reg(PYOBJ, r.arg_2)
    s.push_reg(PYOBJ, r.arg_1)
    s.push_imm(PTR_NONE, 0)
    s.pointer_for_pop(r.arg_3, 5)
    s.call_imm_2(Fun.CALL_METHOD_N_KW, 3, r.arg_1, 0, r.arg_2)
    if r.arg_1 != r.ret:
        machine.move_reg_reg(r.arg_1, r.ret)
    s.call(Fun.OBJ_IS_TRUE)
    s.jumps.if_zero(r.ret, end, True)
    place_label(s, done)
    clear_exception(s)
    place_label(s, end)
    if s.release.native_finally_keeps_top:
        s.adjust(1)


# ------------------------------------------------------------------------------------ generators


def return_from_generator(s: NativeState) -> None:
    r = s.machine.registers
    s.pointer_for_pop(r.temp_0, 1)
    s.store_state(CODE_STATE_SP, r.temp_0)
    s.machine.move_reg_imm(r.temp_0, VM_RETURN_NORMAL)
    s.machine.move_local_reg(s.return_value, r.temp_0)
    unwind_jump(s, s.exit_label, len(s.handlers))


def yield_(s: NativeState, is_from: bool) -> None:
    if s.viper:
        raise NativeError("NotImplementedError", "native yield", bare=True)
    machine = s.machine
    r = machine.registers
    labels = s.reserved_labels()
    resume = labels
    s.settle()
    if is_from:
        jump(s, labels + 2)
        place_label(s, labels + 1)
    s.pointer_for_pop(r.temp_0, 1)
    s.store_state(CODE_STATE_SP, r.temp_0)
    machine.move_reg_imm(r.temp_0, VM_RETURN_YIELD)
    machine.move_local_reg(s.return_value, r.temp_0)
    s.jumps.address(r.temp_0, resume)
    s.store_state(s.generator_pc, r.temp_0)
    s.jumps.to(s.exit_label)
    machine.place_label(resume)
    for handler in reversed(s.handlers):
        if handler.is_active:
            _set_handler_pc(s, handler.label)
            if s.release.native_yield_keeps_innermost:
                break
    s.adjust_joined(1)
    if not is_from:
        machine.move_reg_local(r.arg_1, s.thrown_value)
        if s.release.native_throw_slot:
            s.null_local(s.thrown_value, r.arg_2)
        s.call(Fun.NATIVE_RAISE)
        return
    place_label(s, labels + 2)
    if s.release.native_throw_slot:
        machine.move_reg_local(r.arg_3, s.thrown_value)
        machine.move_reg_imm(r.arg_2, 0)
        machine.move_local_reg(s.thrown_value, r.arg_2)
        s.pop(r.arg_2)
        s.access(1, r.arg_1)
    else:
        s.pop(r.arg_2)
        s.access(1, r.arg_1)
        machine.move_reg_local(r.arg_3, s.thrown_value)
    s.push_reg(PYOBJ, r.arg_3)
    s.pointer_for_pop(r.arg_3, 1)
    s.call(Fun.NATIVE_YIELD_FROM)
    s.jumps.if_nonzero(r.ret, labels + 1, True)
    s.adjust_joined(1)
    s.fold_top(r.arg_1)
