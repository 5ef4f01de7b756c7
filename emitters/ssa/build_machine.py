"""Operators, subscripts and casts of viper's machine types, for `build`."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.native.values import (
    BOOL,
    BUILTIN_CAST,
    INT,
    INTEGERS,
    NATIVE_TYPES,
    PTR_NONE,
    PYOBJ,
    UINT,
    UNBOUND,
    WIDTHS,
)
from mpy_cross.emitters.native.viper import FIRST_INPLACE, LAST_INPLACE, TO_PLAIN
from mpy_cross.emitters.ssa import bounds, inline, ir
from mpy_cross.emitters.ssa.build import (
    CAST,
    CONSTANT,
    INLINED,
    Builder,
    Entry,
    Unsupported,
    Verbs,
    name_of,
)
from mpy_cross.emitters.ssa.ir import OBJ, TYPES, Value
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import BinaryOp, Op, UnaryOp, Verb

SENTINEL: Final = 4  # MP_OBJ_SENTINEL: load, not store or delete

SIMPLE: Final = {
    BinaryOp.OR: "or",
    BinaryOp.XOR: "xor",
    BinaryOp.AND: "and",
    BinaryOp.ADD: "add",
    BinaryOp.SUBTRACT: "sub",
    BinaryOp.MULTIPLY: "mul",
    BinaryOp.LSHIFT: "shl",
}
SIGNED: Final = {
    BinaryOp.LESS: "lt",
    BinaryOp.MORE: "gt",
    BinaryOp.EQUAL: "eq",
    BinaryOp.LESS_EQUAL: "le",
    BinaryOp.MORE_EQUAL: "ge",
    BinaryOp.NOT_EQUAL: "ne",
}
UNSIGNED: Final = {
    BinaryOp.LESS: "lo",
    BinaryOp.MORE: "hi",
    BinaryOp.EQUAL: "eq",
    BinaryOp.LESS_EQUAL: "ls",
    BinaryOp.MORE_EQUAL: "hs",
    BinaryOp.NOT_EQUAL: "ne",
}


def constant_number(b: Builder, entry: Entry) -> int | None:
    """The number that an entry is, if it is a constant object that is one."""
    if entry.kind == CONSTANT:
        value = b.linker.const(entry.data)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _machine_type(b: Builder, depth: int) -> int:
    """The type of an entry; a number too big for a small int is an int where one is needed."""
    entry = b.top(depth)
    if entry.vtype == PYOBJ and b.target.extended and constant_number(b, entry) is not None:
        return INT
    return entry.vtype


def pop_word(b: Builder) -> tuple[int, Value]:
    """Pop a machine word; a constant number that is an object becomes one."""
    number = constant_number(b, b.top())
    if number is None:
        return b.pop()
    b.stack.pop()
    return INT, b.const(number)


def _binary_op(b: Builder, verb: Op) -> None:
    op = verb[1]
    integers = INTEGERS if b.release.viper_uint or b.target.extended else (INT,)
    lhs, rhs = b.top(1).vtype, b.top(0).vtype
    objects = (PYOBJ, PTR_NONE) if b.target.extended else (PYOBJ,)
    if lhs in objects and rhs in objects:
        _binary_op_objects(b, op)
        return
    lhs, rhs = _machine_type(b, 1), _machine_type(b, 0)
    if lhs not in integers or rhs not in integers:
        raise Unsupported("an operator between these types")
    if FIRST_INPLACE <= op <= LAST_INPLACE:
        op += TO_PLAIN
    y = pop_word(b)[1]
    x = pop_word(b)[1]
    name = TYPES[lhs]
    binary = BinaryOp(op)
    if binary in SIMPLE:
        b.push(lhs, b.block_value(SIMPLE[binary], [x, y], 0, name))
    elif binary == BinaryOp.RSHIFT:
        b.push(lhs, b.block_value("lsr" if lhs == UINT else "asr", [x, y], 0, name))
    elif binary in (BinaryOp.FLOOR_DIVIDE, BinaryOp.MODULO):
        divide = binary == BinaryOp.FLOOR_DIVIDE
        if lhs == INT:
            b.push(INT, b.block_value("floordiv" if divide else "floormod", [x, y]))
        elif b.target.extended:
            b.push(UINT, b.block_value("udiv" if divide else "urem", [x, y], 0, ir.UINT))
        else:
            raise Unsupported("division of uint")
    elif binary in SIGNED:
        if lhs == rhs:
            names = UNSIGNED if lhs == UINT else SIGNED
            b.push(BOOL, b.block_value(names[binary], [x, y], 0, ir.BOOL))
        elif b.target.extended:
            b.push(BOOL, _compare_mixed(b, binary, x, y, lhs == UINT))
        else:
            raise Unsupported("a comparison of int and uint")
    else:
        raise Unsupported(f"operator {binary.name}")


def _compare_mixed(b: Builder, op: BinaryOp, x: Value, y: Value, first_unsigned: bool) -> Value:
    """Compare an int with a uint as the numbers that they are."""
    unsigned, number = (x, y) if first_unsigned else (y, x)
    zero = b.const(0)
    plain = b.block_value(UNSIGNED[op], [x, y], 0, ir.BOOL)
    # A negative number is less than any uint.
    if op in (BinaryOp.EQUAL, BinaryOp.NOT_EQUAL):
        outcome = op == BinaryOp.NOT_EQUAL
    else:
        outcome = (op in (BinaryOp.LESS, BinaryOp.LESS_EQUAL)) != (number is y)
    assert unsigned is not number
    negative = b.const(int(outcome), ir.BOOL)
    lt = ir.CONDITIONS.index("lt")
    return b.block_value("select", [number, zero, negative, plain], lt, ir.BOOL)


def _binary_op_objects(b: Builder, op: int) -> None:
    rhs = b.pop_as_object()
    lhs = b.pop_as_object()
    inverted = {BinaryOp.NOT_IN: BinaryOp.IN, BinaryOp.IS_NOT: BinaryOp.IS}.get(BinaryOp(op))
    code = op if inverted is None else int(inverted)
    result = b.call(Fun.BINARY_OP, [b.const(code), lhs, rhs])
    if inverted is not None:
        result = b.call(Fun.UNARY_OP, [b.const(UnaryOp.NOT), result])
    b.push_object(result)


def _unary_op(b: Builder, op: Op) -> None:
    entry = b.top()
    if entry.vtype == PYOBJ and not (b.target.extended and constant_number(b, entry) is not None):
        b.push_object(b.call(Fun.UNARY_OP, [b.const(op[1]), b.pop_object()]))
        return
    if not (b.release.viper_unary or b.target.extended):
        raise Unsupported("an operator on this type")
    vtype, value = pop_word(b)
    if op[1] == UnaryOp.NOT and b.target.extended and vtype in (BOOL, *INTEGERS):
        b.push(BOOL, b.block_value("eq", [value, b.const(0)], 0, ir.BOOL))
        return
    if vtype not in INTEGERS:
        raise Unsupported("an operator on this type")
    if op[1] == UnaryOp.NEGATIVE:
        value = b.block_value("sub", [b.const(0), value], 0, TYPES[vtype])
    elif op[1] == UnaryOp.INVERT:
        value = b.block_value("xor", [value, b.const(-1)], 0, TYPES[vtype])
    elif op[1] != UnaryOp.POSITIVE:
        raise Unsupported("not")
    b.push(vtype, value)


# --------------------------------------------------------------------------------------- subscripts


def _load_subscr(b: Builder, op: Op) -> None:
    if b.top(1).vtype == PYOBJ:
        index = b.pop_as_object()
        base = b.pop_object()
        b.push_object(b.call(Fun.OBJ_SUBSCR, [base, index, b.const(SENTINEL)]))
        return
    vtype, index = pop_word(b)
    pointer, base = b.pop()
    width = WIDTHS.get(pointer)
    if width is None or vtype not in INTEGERS:
        raise Unsupported("such a subscript")
    bounds.check(b, base, index, width)
    b.push(INT, b.block_value(f"loadx{8 * width}", [base, index], width >> 1))


def _store_subscr(b: Builder, op: Op) -> None:
    if b.top(1).vtype == PYOBJ:
        places = range(len(b.stack) - 3, len(b.stack))
        b.top(2)
        value, base, index = [b.to_object(b.stack[p].vtype, b.value_of(p)) for p in places]
        del b.stack[-3:]
        b.call(Fun.OBJ_SUBSCR, [base, index, value])
        return
    vtype, index = pop_word(b)
    pointer, base = b.pop()
    value_type = _machine_type(b, 0)
    value = pop_word(b)[1]
    width = WIDTHS.get(pointer)
    if width is None or vtype not in INTEGERS or value_type not in (BOOL, *INTEGERS):
        raise Unsupported("such a subscript")
    bounds.check(b, base, index, width)
    b.block_value(f"storex{8 * width}", [base, index, value], width >> 1)


def _delete_subscr(b: Builder, op: Op) -> None:
    index = b.pop_object()
    base = b.pop_object()
    b.call(Fun.OBJ_SUBSCR, [base, index, b.const(0, OBJ)])


# -------------------------------------------------------------------------------------------- casts


def _load_global(b: Builder, op: Op) -> None:
    vtype = NATIVE_TYPES.get(b.linker.name_text(op[1]), PYOBJ)
    if vtype >= BOOL:
        b.stack.append(Entry(BUILTIN_CAST, CAST, None, vtype))
        return
    if op[1] in b.target.inlined:
        b.stack.append(Entry(PYOBJ, INLINED, None, op[1]))
        return
    b.push_object(b.call(Fun.LOAD_GLOBAL, [b.qstr(op[1])]))


def cast(b: Builder) -> None:
    """int(x), ptr8(x) and so on."""
    vtype = b.top(1).data
    if b.top(1).kind != CAST:
        raise Unsupported("such a cast")
    known = b.top().vtype
    number = constant_number(b, b.top())
    if known == PYOBJ:
        boxed = b.boxed(b.top())
        if boxed is not None:
            b.stack.pop()
            value = inline.as_type(b, *boxed, vtype)
        elif number is not None:
            # The run-time takes the lowest 32 bits of any number.
            b.stack.pop()
            value = b.const(number, name_of(vtype))
        else:
            value = b.to_native(b.pop_object(), vtype)
    elif known in (UNBOUND, BUILTIN_CAST):
        raise Unsupported("such a cast")
    else:
        value = b.pop()[1]
        if known == PTR_NONE:
            value = b.const(0)
        elif b.limits is not None and not bounds.is_pointer(known):
            # A value of its own: a number has no limit, wherever it came from.
            value = b.block_value("add", [value, b.const(0)], 0, name_of(vtype))
    b.stack.pop()
    b.push(vtype, value)


MACHINE_VERBS: Final[dict[int, Verbs]] = {
    Verb.BINARY_OP: _binary_op,
    Verb.UNARY_OP: _unary_op,
    Verb.LOAD_SUBSCR: _load_subscr,
    Verb.STORE_SUBSCR: _store_subscr,
    Verb.DELETE_SUBSCR: _delete_subscr,
    Verb.LOAD_GLOBAL: _load_global,
    Verb.LOAD_CONST_OBJ: lambda b, op: b.stack.append(Entry(PYOBJ, CONSTANT, None, op[1])),
}
