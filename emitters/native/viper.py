"""Operators and subscripts: on objects by the run-time, on viper's machine types in line."""

from __future__ import annotations

from mpy_cross.emitters.native.operations import SENTINEL, binary_op_objects
from mpy_cross.emitters.native.state import NativeState
from mpy_cross.emitters.native.values import (
    BOOL,
    IMMEDIATE,
    INT,
    INTEGERS,
    PYOBJ,
    UINT,
    WIDTHS,
    type_name,
)
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import BinaryOp

FIRST_INPLACE = int(BinaryOp.INPLACE_OR)
LAST_INPLACE = int(BinaryOp.INPLACE_POWER)
TO_PLAIN = int(BinaryOp.OR) - FIRST_INPLACE
SHIFTS = (int(BinaryOp.LSHIFT), int(BinaryOp.RSHIFT))
DIVISIONS = (int(BinaryOp.FLOOR_DIVIDE), int(BinaryOp.MODULO))
COMPARISONS = range(int(BinaryOp.LESS), int(BinaryOp.NOT_EQUAL) + 1)


def binary_op(s: NativeState, op: int) -> None:
    lhs = s.peek_vtype(1)
    rhs = s.peek_vtype(0)
    integers = INTEGERS if s.release.viper_uint else (INT,)
    if lhs in integers and rhs in integers:
        if FIRST_INPLACE <= op <= LAST_INPLACE:
            op += TO_PLAIN
        _binary_op_integers(s, op)
    elif lhs == PYOBJ and rhs == PYOBJ:
        binary_op_objects(s, op)
    else:
        s.adjust(-1)
        s.viper_error(
            f"can't do binary op between '{type_name(lhs)}' and '{type_name(rhs)}'"
        )


def _shift(s: NativeState, op: int, vtype: int, dest: int, count: int) -> None:
    if op == BinaryOp.LSHIFT:
        s.machine.shift_left(dest, count)
    elif vtype == UINT:
        s.machine.shift_right_logical(dest, count)
    else:
        s.machine.shift_right_arithmetic(dest, count)


def _binary_op_integers(s: NativeState, op: int) -> None:
    machine = s.machine
    r = machine.registers
    if op in SHIFTS and machine.traits.shift_by_cl:
        s.pop(machine.traits.shift_count)
        lhs = s.pop(r.ret)
        _shift(s, op, lhs, r.ret, machine.traits.shift_count)
        s.push_reg(lhs, r.ret)
        return
    if op in DIVISIONS:
        s.pop(r.arg_2)
        lhs = s.pop(r.arg_1)
        if lhs != INT:
            s.viper_error("div/mod not implemented for uint")
        divide = op == BinaryOp.FLOOR_DIVIDE
        s.call(Fun.SMALL_INT_FLOOR_DIVIDE if divide else Fun.SMALL_INT_MODULO)
        s.push_reg(INT, r.ret)
        return
    rhs, rhs_reg = s.pop_flexible(r.arg_3, r.ret, r.arg_2)
    lhs = s.pop(r.arg_2)
    if op in SHIFTS:
        _shift(s, op, lhs, r.arg_2, rhs_reg)
        s.push_reg(lhs, r.arg_2)
    elif op == BinaryOp.OR:
        machine.or_(r.arg_2, rhs_reg)
        s.push_reg(lhs, r.arg_2)
    elif op == BinaryOp.XOR:
        machine.xor(r.arg_2, rhs_reg)
        s.push_reg(lhs, r.arg_2)
    elif op == BinaryOp.AND:
        machine.and_(r.arg_2, rhs_reg)
        s.push_reg(lhs, r.arg_2)
    elif op == BinaryOp.ADD:
        machine.add(r.arg_2, rhs_reg)
        s.push_reg(lhs, r.arg_2)
    elif op == BinaryOp.SUBTRACT:
        machine.sub(r.arg_2, rhs_reg)
        s.push_reg(lhs, r.arg_2)
    elif op == BinaryOp.MULTIPLY:
        machine.mul(r.arg_2, rhs_reg)
        s.push_reg(lhs, r.arg_2)
    elif op in COMPARISONS:
        if lhs != rhs:
            s.viper_error("comparison of int and uint")
        s.free_register(r.ret, 0)
        machine.compare(BinaryOp(op), lhs == UINT, r.arg_2, rhs_reg)
        s.push_reg(BOOL, r.ret)
    else:
        s.adjust(1)
        # The reference would name the operator, but knows the names of those only that viper has.
        s.viper_error("binary op  not implemented")


# --------------------------------------------------------------------------------------- subscripts


def load_subscr(s: NativeState) -> None:
    machine = s.machine
    r = machine.registers
    if s.peek_vtype(1) == PYOBJ:
        if s.peek_vtype(0) == PYOBJ:
            s.pop(r.arg_2)
        else:
            vtype = s.pop(r.arg_1)
            s.call_imm(Fun.CONVERT_NATIVE_TO_OBJ, vtype, r.arg_2)
            machine.move_reg_reg(r.arg_2, r.ret)
        s.pop(r.arg_1)
        s.call_imm(Fun.OBJ_SUBSCR, SENTINEL, r.arg_3)
        s.push_reg(PYOBJ, r.ret)
        return
    top = s.peek(0)
    if top.vtype == INT and top.kind == IMMEDIATE:
        _load_const_index(s, top.data)
    else:
        _load_variable_index(s)
    s.push_reg(INT, r.ret)


def _load_const_index(s: NativeState, index: int) -> None:
    machine = s.machine
    r = machine.registers
    s.discard()
    pointer, base = s.pop_flexible(r.arg_1, r.arg_2, r.arg_2)
    if s.release.native_subscr_saves_ret:
        s.free_register(r.ret, 0)
    width = WIDTHS.get(pointer)
    if width is None:
        s.viper_error(f"can't load from '{type_name(pointer)}'")
    elif not machine.load_at(width, r.ret, base, index):
        if index:
            if s.release.native_subscr_saves_index:
                s.free_register(r.arg_2, 0)
            machine.move_reg_imm(r.arg_2, index * width)
            machine.add(r.arg_2, base)
            base = r.arg_2
        machine.load(width, r.ret, base)


def _load_variable_index(s: NativeState) -> None:
    machine = s.machine
    r = machine.registers
    vtype, index = s.pop_flexible(r.arg_2, r.arg_1, r.arg_1)
    pointer = s.pop(r.arg_1)
    if s.release.native_subscr_saves_ret:
        s.free_register(r.ret, 0)
    if vtype not in INTEGERS:
        s.viper_error(f"can't load with '{type_name(vtype)}' index")
    width = WIDTHS.get(pointer)
    if width is None:
        s.viper_error(f"can't load from '{type_name(pointer)}'")
    elif not machine.load_at_reg(width, r.ret, r.arg_1, index):
        for _ in range(width):
            machine.add(r.arg_1, index)
        machine.load(width, r.ret, r.arg_1)


def store_subscr(s: NativeState) -> None:
    r = s.machine.registers
    if s.peek_vtype(1) == PYOBJ:
        if s.peek_vtype(0) != PYOBJ or s.peek_vtype(2) != PYOBJ:
            s.pointer_for_pop(r.arg_1, 3)  # converts all three to objects
            s.adjust(3)
        s.pop(r.arg_2)
        s.pop(r.arg_1)
        s.pop(r.arg_3)
        s.call(Fun.OBJ_SUBSCR)
        return
    top = s.peek(0)
    if top.vtype == INT and top.kind == IMMEDIATE:
        _store_const_index(s, top.data)
    else:
        _store_variable_index(s)


def _pop_stored(s: NativeState, not_1: int, not_2: int) -> int:
    """Pop the value to be stored; its register."""
    arg_3 = s.machine.registers.arg_3
    if s.machine.traits.byte_stores_low:
        vtype, reg = s.pop(arg_3), arg_3
    else:
        vtype, reg = s.pop_flexible(arg_3, not_1, not_2)
    if vtype not in (BOOL, INT, UINT):
        s.viper_error(f"can't store '{type_name(vtype)}'")
    return reg


def _store_const_index(s: NativeState, index: int) -> None:
    machine = s.machine
    r = machine.registers
    s.discard()
    pointer, base = s.pop_flexible(r.arg_1, r.arg_2, r.arg_3)
    value = _pop_stored(s, base, r.arg_2)
    width = WIDTHS.get(pointer)
    if width is None:
        s.viper_error(f"can't store to '{type_name(pointer)}'")
    elif not machine.store_at(width, value, base, index, r.arg_2):
        if index:
            machine.move_reg_imm(r.arg_2, index * width)
            machine.add(r.arg_2, base)
            base = r.arg_2
        machine.store(width, value, base)


def _store_variable_index(s: NativeState) -> None:
    machine = s.machine
    r = machine.registers
    vtype, index = s.pop_flexible(r.arg_2, r.arg_1, r.arg_3)
    pointer = s.pop(r.arg_1)
    if vtype not in INTEGERS:
        s.viper_error(f"can't store with '{type_name(vtype)}' index")
    value = _pop_stored(s, r.arg_1, index)
    width = WIDTHS.get(pointer)
    if width is None:
        s.viper_error(f"can't store to '{type_name(pointer)}'")
    elif not machine.store_at_reg(width, value, r.arg_1, index):
        for _ in range(width):
            machine.add(r.arg_1, index)
        machine.store(width, value, r.arg_1)


def delete_subscr(s: NativeState) -> None:
    r = s.machine.registers
    s.pop(r.arg_2)
    s.pop(r.arg_1)
    s.call_imm(Fun.OBJ_SUBSCR, 0, r.arg_3)
