"""The verbs of native and viper code that neither jump nor touch exception handlers."""

from __future__ import annotations

from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.exceptions import return_from_generator, unwind_jump
from mpy_cross.emitters.native.state import (
    CELL_VALUE,
    EXC_VALUE,
    HASCONSTS,
    NativeState,
)
from mpy_cross.emitters.native.values import (
    BOOL,
    BUILTIN_CAST,
    INT,
    NATIVE_TYPES,
    PTR_NONE,
    PYOBJ,
    UNBOUND,
    type_name,
)
from mpy_cross.loader.fun_table import FUN_BC_CONTEXT, Fun
from mpy_cross.loader.objects import Str
from mpy_cross.loader.ops import (
    BinaryOp,
    ConstToken,
    UnaryOp,
    Verb,
    unpack_call,
    unpack_defaults,
)

ITER_SLOTS = 4
SENTINEL = 4  # MP_OBJ_SENTINEL: load, not store or delete


# ------------------------------------------------------------------------------- constants, locals


def load_const_tok(s: NativeState, token: int) -> None:
    if token == ConstToken.ELLIPSIS:
        load_const_obj_value(s, Ellipsis)
    elif token == ConstToken.NONE:
        s.push_imm(PTR_NONE, 0)
    else:
        s.push_imm(BOOL, int(token == ConstToken.TRUE))


def load_const_str(s: NativeState, name: int) -> None:
    temp = s.machine.registers.temp_0
    s.free_register(temp, 0)
    s.load_qstr_object(temp, name, Str(s.linker.name_text(name)))
    s.push_reg(PYOBJ, temp)


def load_const_obj_value(s: NativeState, value: object) -> None:
    r = s.machine.registers
    s.flags |= HASCONSTS
    reg = r.temp_0 if s.release.native_consts_in_temp else r.ret
    s.free_register(reg, 0)
    s.load_object(reg, value)  # type: ignore[arg-type]
    s.push_reg(PYOBJ, reg)


def load_fast(s: NativeState, local: int, name: int) -> None:
    vtype = s.local_vtypes[local]
    if vtype == UNBOUND:
        text = s.linker.name_text(name).decode("utf-8", "replace")
        s.viper_error(f"local '{text}' used before type known")
    if local < len(s.local_regs) and s.uses_local_regs:
        s.push_reg(vtype, s.local_regs[local])
    else:
        temp = s.machine.registers.temp_0
        s.free_register(temp, 0)
        s.load_state(temp, s.local_word(local))
        s.push_reg(vtype, temp)


def load_deref(s: NativeState, local: int, name: int) -> None:
    ret = s.machine.registers.ret
    s.free_register(ret, 0)
    load_fast(s, local, name)
    _, base = s.pop_flexible(ret, -1, -1)
    s.machine.load_word(ret, base, CELL_VALUE)
    s.push_reg(PYOBJ, ret)


def store_fast(s: NativeState, local: int, name: int) -> None:
    if local < len(s.local_regs) and s.uses_local_regs:
        vtype = s.pop(s.local_regs[local])
    else:
        temp = s.machine.registers.temp_0
        vtype = s.pop(temp)
        s.store_state(s.local_word(local), temp)
    if local >= len(s.local_vtypes):
        return  # `__class__ = x` in a class body without a cell for it writes behind the locals
    known = s.local_vtypes[local]
    if known == UNBOUND:
        s.local_vtypes[local] = vtype
    elif known != vtype:
        text = s.linker.name_text(name).decode("utf-8", "replace")
        s.viper_error(
            f"local '{text}' has type '{type_name(known)}' but source is '{type_name(vtype)}'"
        )


def store_deref(s: NativeState, local: int, name: int) -> None:
    r = s.machine.registers
    s.free_register(r.temp_0, 0)
    s.free_register(r.temp_1, 0)
    load_fast(s, local, name)
    _, base = s.pop_flexible(r.temp_0, -1, -1)
    _, src = s.pop_flexible(r.temp_1, base, base)
    s.machine.store_word(src, base, CELL_VALUE)


def delete_local(s: NativeState, verb: int, local: int, name: int) -> None:
    if verb == Verb.DELETE_FAST:  # there is no "unbound": it becomes None
        load_const_tok(s, ConstToken.NONE)
        store_fast(s, local, name)


# ---------------------------------------------------------------------------- names and attributes


def load_name(s: NativeState, fun: int, name: int) -> None:
    if fun == Fun.LOAD_GLOBAL and s.viper:
        vtype = NATIVE_TYPES.get(s.linker.name_text(name), PYOBJ)
        if vtype >= BOOL:
            s.push_imm(BUILTIN_CAST, vtype)
            return
    s.call_qstr(fun, name, s.machine.registers.arg_1)
    s.push_reg(PYOBJ, s.machine.registers.ret)


def store_name(s: NativeState, fun: int, name: int) -> None:
    r = s.machine.registers
    if fun == Fun.STORE_NAME or s.peek_vtype(0) == PYOBJ:
        s.pop(r.arg_2)
    else:
        vtype = s.pop(r.arg_1)
        s.call_imm(Fun.CONVERT_NATIVE_TO_OBJ, vtype, r.arg_2)
        s.machine.move_reg_reg(r.arg_2, r.ret)
    s.call_qstr(fun, name, r.arg_1)


def delete_name(s: NativeState, fun: int, name: int) -> None:
    s.call_qstr(fun, name, s.machine.registers.arg_1)


def load_attr(s: NativeState, name: int) -> None:
    r = s.machine.registers
    s.pop(r.arg_1)
    s.call_qstr(Fun.LOAD_ATTR, name, r.arg_2)
    s.push_reg(PYOBJ, r.ret)


def store_attr(s: NativeState, name: int) -> None:
    r = s.machine.registers
    if s.release.native_store_attr_converts and s.peek_vtype(1) != PYOBJ:
        vtype = s.access(2, r.arg_1)
        s.call_imm(Fun.CONVERT_NATIVE_TO_OBJ, vtype, r.arg_2)
        s.machine.move_reg_reg(r.arg_3, r.ret)
        s.pop(r.arg_1)
        s.adjust(-1)
    else:
        s.pop(r.arg_1)
        s.pop(r.arg_3)
    s.call_qstr(Fun.STORE_ATTR, name, r.arg_2)


def delete_attr(s: NativeState, name: int) -> None:
    r = s.machine.registers
    s.pop(r.arg_1)
    s.machine.clear(r.arg_3)
    s.call_qstr(Fun.STORE_ATTR, name, r.arg_2)


def load_method(s: NativeState, name: int, is_super: bool) -> None:
    r = s.machine.registers
    if is_super:
        s.pointer_for_pop(r.arg_2, 3)
        s.pointer_for_push(r.arg_2, 2)
        s.call_qstr(Fun.LOAD_SUPER_METHOD, name, r.arg_1)
    else:
        s.pop(r.arg_1)
        s.pointer_for_push(r.arg_3, 2)
        s.call_qstr(Fun.LOAD_METHOD, name, r.arg_2)


# ----------------------------------------------------------------------------------------- imports


def import_name(s: NativeState, name: int) -> None:
    r = s.machine.registers
    viper, s.viper = s.viper, False  # both arguments have to be objects
    s.pop(r.arg_2)
    s.pop(r.arg_3)
    s.viper = viper
    s.call_qstr(Fun.IMPORT_NAME, name, r.arg_1)
    s.push_reg(PYOBJ, r.ret)


def import_from(s: NativeState, name: int) -> None:
    r = s.machine.registers
    s.access(1, r.arg_1)
    s.call_qstr(Fun.IMPORT_FROM, name, r.arg_2)
    s.push_reg(PYOBJ, r.ret)


def import_star(s: NativeState) -> None:
    s.pop(s.machine.registers.arg_1)
    s.call(Fun.IMPORT_ALL)


# --------------------------------------------------------------------------------- stack shuffling


def dup_top_two(s: NativeState) -> None:
    r = s.machine.registers
    top = s.pop(r.temp_0)
    second = s.pop(r.temp_1)
    for _ in range(2):
        s.push_reg(second, r.temp_1)
        s.push_reg(top, r.temp_0)


def rot_two(s: NativeState) -> None:
    r = s.machine.registers
    top = s.pop(r.temp_0)
    second = s.pop(r.temp_1)
    s.push_reg(top, r.temp_0)
    s.push_reg(second, r.temp_1)


def rot_three(s: NativeState) -> None:
    r = s.machine.registers
    top = s.pop(r.temp_0)
    second = s.pop(r.temp_1)
    third = s.pop(r.temp_2)
    s.push_reg(top, r.temp_0)
    s.push_reg(third, r.temp_2)
    s.push_reg(second, r.temp_1)


# ------------------------------------------------------------------------------- building, looping


def get_iter(s: NativeState, on_stack: bool) -> None:
    r = s.machine.registers
    s.pop(r.arg_1)
    if on_stack:
        s.pointer_for_push(r.arg_2, ITER_SLOTS)
        s.call(Fun.NATIVE_GETITER)
    else:
        s.machine.move_reg_imm(r.arg_2, 0)
        s.call(Fun.NATIVE_GETITER)
        s.push_reg(PYOBJ, r.ret)


def for_iter(s: NativeState, label: int) -> None:
    r = s.machine.registers
    s.pointer_for_pop(r.arg_1, ITER_SLOTS)
    s.adjust(ITER_SLOTS)
    s.call(Fun.NATIVE_ITERNEXT)
    s.jumps.if_zero(r.ret, label, False)
    s.push_reg(PYOBJ, r.ret)


def build(s: NativeState, fun: int, n: int) -> None:
    r = s.machine.registers
    if fun != Fun.BUILD_MAP:
        s.pointer_for_pop(r.arg_2, n)
    s.call_imm(fun, n, r.arg_1)
    s.push_reg(PYOBJ, r.ret)


def build_slice(s: NativeState, n: int) -> None:
    r = s.machine.registers
    if n == 2:
        s.pop(r.arg_2)
        s.pop(r.arg_1)
        s.load_fun_const(r.arg_3, Fun.CONST_NONE_OBJ)
    else:
        s.pop(r.arg_3)
        s.pop(r.arg_2)
        s.pop(r.arg_1)
    s.call(Fun.NEW_SLICE)
    s.push_reg(PYOBJ, r.ret)


def store_map(s: NativeState) -> None:
    r = s.machine.registers
    s.pop(r.arg_2)
    s.pop(r.arg_3)
    s.pop(r.arg_1)
    s.call(Fun.STORE_MAP)
    s.push_reg(PYOBJ, r.ret)


def store_comp(s: NativeState, kind: int, index: int) -> None:
    r = s.machine.registers
    s.pop(r.arg_2)
    fun = Fun.LIST_APPEND if kind == 0 else Fun.STORE_SET
    if kind == 1:
        s.pop(r.arg_3)
        fun = Fun.STORE_MAP
    s.access(index, r.arg_1)
    s.call(fun)


def unpack_sequence(s: NativeState, n: int) -> None:
    r = s.machine.registers
    s.pop(r.arg_1)
    s.pointer_for_push(r.arg_3, n)
    s.call_imm(Fun.UNPACK_SEQUENCE, n, r.arg_2)


def unpack_ex(s: NativeState, left: int, right: int) -> None:
    r = s.machine.registers
    s.pop(r.arg_1)
    s.pointer_for_push(r.arg_3, left + right + 1)
    s.call_imm(Fun.UNPACK_EX, left | right << 8, r.arg_2)


# ----------------------------------------------------------------------------- functions and calls


def make_function(s: NativeState, child: int, b: int) -> None:
    machine = s.machine
    r = machine.registers
    _, n_positional, n_keyword = unpack_defaults(b)
    if s.tables:
        s.load_state(r.arg_2, s.fun_obj)
        machine.load_word(r.arg_2, r.arg_2, FUN_BC_CONTEXT)
        if not n_positional and not n_keyword:
            s.free_registers()
            machine.move_reg_imm(r.arg_3, 0)
        else:
            s.pointer_for_pop(r.arg_3, 2)
            s.free_registers()
    elif not n_positional and not n_keyword:
        s.free_registers()
        machine.move_reg_imm(r.arg_2, 0)
        machine.move_reg_imm(r.arg_3, 0)
    else:
        s.pop(r.arg_3)
        s.pop(r.arg_2)
        s.free_registers()
    s.load_child(r.arg_1, child)
    machine.call(Fun.MAKE_FUNCTION)
    s.push_reg(PYOBJ, r.ret)


def make_closure(s: NativeState, child: int, b: int) -> None:
    machine = s.machine
    r = machine.registers
    n_closed, n_positional, n_keyword = unpack_defaults(b)
    defaults = bool(n_positional or n_keyword)
    if not s.tables:
        s.pointer_for_pop(r.arg_3, n_closed + 2 * defaults)
        machine.move_reg_imm(r.arg_2, n_closed | 0x100 * defaults)
        s.load_child(r.arg_1, child)
        machine.call(Fun.MAKE_CLOSURE)
        s.push_reg(PYOBJ, r.ret)
        return
    s.load_state(r.arg_2, s.fun_obj)
    machine.load_word(r.arg_2, r.arg_2, FUN_BC_CONTEXT)
    if not defaults:
        s.free_registers()
        machine.move_reg_imm(r.arg_3, 0)
    else:
        s.pointer_for_pop(r.arg_3, 2 + n_closed)
        s.adjust(2 + n_closed)
        s.free_registers()
    s.load_child(r.arg_1, child)
    machine.call(Fun.MAKE_FUNCTION)
    if r.arg_1 != r.ret and not machine.traits.closure_from_ret:
        machine.move_reg_reg(r.arg_1, r.ret)
    machine.move_reg_imm(r.arg_2, n_closed)
    s.pointer_for_pop(r.arg_3, n_closed)
    if defaults:
        s.adjust(-2)
    machine.call(Fun.MAKE_CLOSURE)
    s.push_reg(PYOBJ, r.ret)


def call_function(s: NativeState, n_positional: int, b: int) -> None:
    r = s.machine.registers
    n_keyword, stars = unpack_call(b)
    if s.peek_vtype(n_positional + 2 * n_keyword) == BUILTIN_CAST:
        _cast(s)
        return
    if stars:
        s.pointer_for_pop(r.arg_3, n_positional + 2 * n_keyword + 1 + _star_slots(s))
        packed = n_positional | n_keyword << 8
        s.call_imm_2(Fun.CALL_METHOD_N_KW_VAR, 0, r.arg_1, packed, r.arg_2)
    else:
        if n_positional or n_keyword:
            s.pointer_for_pop(r.arg_3, n_positional + 2 * n_keyword)
        s.pop(r.arg_1)
        packed = n_positional | n_keyword << 8
        s.call_imm(Fun.NATIVE_CALL_FUNCTION_N_KW, packed, r.arg_2)
    s.push_reg(PYOBJ, r.ret)


def _star_slots(s: NativeState) -> int:
    """What star arguments take on the stack besides the plain ones."""
    return 1 if s.release.star_args_bitmap else 2


def _cast(s: NativeState) -> None:
    """Viper: int(x), ptr8(x) and so on."""
    r = s.machine.registers
    vtype = s.peek(1).data
    value = s.peek_vtype(0)
    if value == PYOBJ:
        s.pop(r.arg_1)
        s.discard()
        s.call_imm(Fun.CONVERT_OBJ_TO_NATIVE, vtype, r.arg_2)
        s.push_reg(vtype, r.ret)
    elif value in (UNBOUND, BUILTIN_CAST):
        raise NativeError("NotImplementedError", "casting", bare=True)
    else:
        s.fold_top(r.arg_1)
        s.peek(0).vtype = vtype


def call_method(s: NativeState, n_positional: int, b: int) -> None:
    r = s.machine.registers
    n_keyword, stars = unpack_call(b)
    if stars:
        s.pointer_for_pop(r.arg_3, n_positional + 2 * n_keyword + 2 + _star_slots(s))
        packed = n_positional | n_keyword << 8
        s.call_imm_2(Fun.CALL_METHOD_N_KW_VAR, 1, r.arg_1, packed, r.arg_2)
    else:
        s.pointer_for_pop(r.arg_3, 2 + n_positional + 2 * n_keyword)
        s.call_imm_2(Fun.CALL_METHOD_N_KW, n_positional, r.arg_1, n_keyword, r.arg_2)
    s.push_reg(PYOBJ, r.ret)


def return_value(s: NativeState) -> None:
    machine = s.machine
    r = machine.registers
    if s.is_generator:
        return_from_generator(s)
        return
    if s.viper:
        wanted = s.return_type
        if s.peek_vtype(0) == PTR_NONE:
            s.discard()
            if wanted == PYOBJ:
                s.load_fun_const(r.parent_ret, Fun.CONST_NONE_OBJ)
            else:
                machine.move_reg_imm(r.arg_1, 0)
        else:
            vtype = s.pop(r.parent_ret if wanted == PYOBJ else r.arg_1)
            if vtype != wanted:
                s.viper_error(
                    f"return expected '{type_name(wanted)}' but got '{type_name(vtype)}'"
                )
        if wanted != PYOBJ:
            s.call_imm(Fun.CONVERT_NATIVE_TO_OBJ, wanted, r.arg_2)
            if r.ret != r.parent_ret:
                machine.move_reg_reg(r.parent_ret, r.ret)
    else:
        s.pop(r.parent_ret)
    if s.needs_handler:
        machine.move_local_reg(s.return_value, r.parent_ret)
    unwind_jump(s, s.exit_label, len(s.handlers))


def raise_(s: NativeState, n: int) -> None:
    if n != 1:  # releases before 1.29 stop with a failed assertion here
        raise NativeError("NotImplementedError", "native raise", bare=True)
    vtype = s.pop(s.machine.registers.arg_1)
    if vtype != PYOBJ:
        s.viper_error("must raise an object")
    s.call(Fun.NATIVE_RAISE)
    if s.release.suppress_dead_code:
        s.machine.suppress()


# --------------------------------------------------------------------------------------- operators


def unary_op(s: NativeState, op: int) -> None:
    r = s.machine.registers
    if s.release.viper_unary:
        _unary_op_typed(s, op)
        return
    vtype = s.pop(r.arg_2)
    if vtype == PYOBJ:
        s.call_imm(Fun.UNARY_OP, op, r.arg_1)
        s.push_reg(PYOBJ, r.ret)
    else:
        s.adjust(1)
        # The reference has no name for it; compilers on boards have.
        names = ("pos", "neg", "invert")
        name = names[op] if op < len(names) else "not"
        s.viper_error("unary op  not implemented", f"unary op __{name}__ not implemented")


def _unary_op_typed(s: NativeState, op: int) -> None:
    machine = s.machine
    r = machine.registers
    vtype = s.peek_vtype(0)
    if vtype == PYOBJ:
        s.pop(r.arg_2)
        s.call_imm(Fun.UNARY_OP, op, r.arg_1)
        s.push_reg(PYOBJ, r.ret)
    elif vtype not in (INT, INT + 1):
        s.viper_error(f"can't do unary op of '{type_name(vtype)}'")
    elif op == UnaryOp.NEGATIVE:
        vtype, reg = _pop_unary(s)
        machine.neg(reg)
        s.push_reg(vtype, reg)
    elif op == UnaryOp.INVERT:
        vtype, reg = _pop_unary(s)
        if not machine.invert(reg):
            temp = r.arg_1
            if r.ret == temp and not s.release.viper_unary_in_place:
                temp = r.arg_2
            machine.move_reg_imm(temp, -1)
            machine.xor(reg, temp)
        s.push_reg(vtype, reg)
    elif op == UnaryOp.NOT:
        s.viper_error("'not' not implemented")


def _pop_unary(s: NativeState) -> tuple[int, int]:
    ret = s.machine.registers.ret
    if s.release.viper_unary_in_place:
        return s.pop_flexible(ret, ret, ret)
    return s.pop(ret), ret


def binary_op_objects(s: NativeState, op: int) -> None:
    """Both operands are objects."""
    machine = s.machine
    r = machine.registers
    s.pop(r.arg_3)
    s.pop(r.arg_2)
    inverted = {BinaryOp.NOT_IN: BinaryOp.IN, BinaryOp.IS_NOT: BinaryOp.IS}.get(BinaryOp(op))
    s.call_imm(Fun.BINARY_OP, op if inverted is None else inverted, r.arg_1)
    if inverted is not None:
        machine.move_reg_reg(r.arg_2, r.ret)
        s.call_imm(Fun.UNARY_OP, UnaryOp.NOT, r.arg_1)
    s.push_reg(PYOBJ, r.ret)


def load_caught_exception(s: NativeState) -> None:
    """The top, whatever it is, becomes the exception in flight."""
    r = s.machine.registers
    s.discard()
    s.machine.move_reg_local(r.arg_1, EXC_VALUE)
    s.push_reg(PYOBJ, r.arg_1)
