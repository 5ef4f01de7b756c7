"""Native functions: control flow, variables, constants, calls, for `build_native`.

What only calls the run-time is as in viper (`build_objects`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.emitters.native.state import CELL_VALUE
from mpy_cross.emitters.native.values import BOOL, PYOBJ
from mpy_cross.emitters.ssa import ir, native_floats, native_generators
from mpy_cross.emitters.ssa.build import LAZY, WORD_SIZE, Entry, Unsupported
from mpy_cross.emitters.ssa.build_native import NativeBuilder, Verbs
from mpy_cross.emitters.ssa.build_objects import OBJECT_VERBS, for_iter
from mpy_cross.emitters.ssa.build_verbs import VERBS
from mpy_cross.emitters.ssa.ir import OBJ, Value
from mpy_cross.emitters.ssa.native_arithmetic import binary_op, unary_op
from mpy_cross.emitters.ssa.native_floats import FLOAT_ENTRY
from mpy_cross.emitters.ssa.native_handlers import NATIVE_HANDLER_VERBS
from mpy_cross.loader.fun_table import FUN_BC_CONTEXT, SENTINEL, Fun
from mpy_cross.loader.ops import ConstToken, Op, Verb, unpack_defaults

TOKENS: Final = {ConstToken.NONE: Fun.CONST_NONE_OBJ, ConstToken.TRUE: Fun.CONST_TRUE_OBJ,
                 ConstToken.FALSE: Fun.CONST_FALSE_OBJ}


def _truth(b: NativeBuilder) -> tuple[Value, Value]:
    """What the top is compared with to tell its truth: not equal if it is true."""
    entry = b.top()
    value = b.value_of(len(b.stack) - 1)
    if entry.vtype == BOOL:
        return value, b.const(0)
    if entry.vtype == FLOAT_ENTRY:
        zero = native_floats.constant(b, 0)
        return b.block_value("fne", [value, zero], 0, ir.BOOL), b.const(0)
    if not b.plain and b.is_small(value):
        return value, b.const(1, OBJ)
    return b.call(Fun.OBJ_IS_TRUE, [value], ir.BOOL), b.const(0)


def _pop_jump_if(b: NativeBuilder, op: Op) -> None:
    x, y = _truth(b)
    b.stack.pop()
    b.settle()
    b.branch_to("ne" if op[2] else "eq", x, y, op[1])


def _jump_if_or_pop(b: NativeBuilder, op: Op) -> None:
    x, y = _truth(b)
    b.settle()
    b.branch_to("ne" if op[2] else "eq", x, y, op[1])
    b.stack.pop()


def _adjust(b: NativeBuilder, op: Op) -> None:
    if op[1] > 0:
        b.stack += [Entry(PYOBJ, LAZY)] * op[1]
        return
    if -op[1] > len(b.stack):
        raise Unsupported("a value of nowhere")
    del b.stack[len(b.stack) + op[1]:]


def _load_fast(b: NativeBuilder, op: Op) -> None:
    if op[1] in b.floats:
        native_floats.push(b, native_floats.read(b, op[1]))
    else:
        b.push_object(b.read_local(op[1]))


def _store_fast(b: NativeBuilder, op: Op) -> None:
    if op[1] >= len(b.local_types):
        raise Unsupported("a variable of nowhere")
    entry = b.top()
    if entry.vtype == FLOAT_ENTRY and op[1] not in b.memory:
        native_floats.write(b, op[1], b.value_of(len(b.stack) - 1))
        b.stack.pop()
    else:
        b.write_local(op[1], b.pop_object())


def _delete_fast(b: NativeBuilder, op: Op) -> None:
    b.write_local(op[1], b.field(b.fun_table, Fun.CONST_NONE_OBJ, OBJ))


def _load_deref(b: NativeBuilder, op: Op) -> None:
    cell = b.read_local(op[1])
    b.push_object(b.block_value("load32", [cell], CELL_VALUE * WORD_SIZE, OBJ))


def _store_deref(b: NativeBuilder, op: Op) -> None:
    cell = b.read_local(op[1])
    b.block_value("store32", [cell, b.pop_object()], CELL_VALUE * WORD_SIZE)


def _never_small(b: NativeBuilder, value: Value) -> None:
    b.others.add(value)
    b.push_object(value)


def _load_const_tok(b: NativeBuilder, op: Op) -> None:
    token = ConstToken(op[1])
    if token == ConstToken.ELLIPSIS:
        _never_small(b, b.load_object(Ellipsis))
    else:
        _never_small(b, b.field(b.fun_table, TOKENS[token], OBJ))


def _load_const_obj(b: NativeBuilder, op: Op) -> None:
    native_floats.push_constant(b, op[1])


def _load_const_str(b: NativeBuilder, op: Op) -> None:
    _never_small(b, b.string(op[1]))


def _raise(b: NativeBuilder, op: Op) -> None:
    if op[1] != 1:
        raise Unsupported("raise with this number of values")
    b.call(Fun.NATIVE_RAISE, [b.pop_object()], ir.INT)


def _by_name(b: NativeBuilder, fun: Fun, op: Op) -> None:
    b.push_object(b.call(fun, [b.qstr(op[1])]))


def _store_name(b: NativeBuilder, fun: Fun, op: Op) -> None:
    b.call(fun, [b.qstr(op[1]), b.pop_object()], ir.INT)


def _delete_name(b: NativeBuilder, fun: Fun, op: Op) -> None:
    b.call(fun, [b.qstr(op[1])], ir.INT)


def _load_subscr(b: NativeBuilder, op: Op) -> None:
    index = b.pop_object()
    base = b.pop_object()
    b.push_object(b.item(base, index, b.const(SENTINEL)))


def _store_subscr(b: NativeBuilder, op: Op) -> None:
    index = b.pop_object()
    base = b.pop_object()
    value = b.pop_object()
    b.item(base, index, value)


def _delete_subscr(b: NativeBuilder, op: Op) -> None:
    index = b.pop_object()
    base = b.pop_object()
    b.call(Fun.OBJ_SUBSCR, [base, index, b.const(0, OBJ)])


def _store_comp(b: NativeBuilder, op: Op) -> None:
    kind, index = op[1], op[2]
    first = b.pop_object()
    args = [first]
    fun = Fun.LIST_APPEND if kind == 0 else Fun.STORE_SET
    if kind == 1:
        args.append(b.pop_object())
        fun = Fun.STORE_MAP
    b.call(fun, [b.object_at(index - 1), *args], ir.INT)


def _make_function(b: NativeBuilder, op: Op) -> None:
    _, n_positional, n_keyword = unpack_defaults(op[2])
    defaults = bool(n_positional or n_keyword)
    if b.context is not None:
        address = b.pointer_for_pop(2) if defaults else b.const(0, "ptr")
        context = b.field(b.fun_obj, FUN_BC_CONTEXT)
        args = [b.load_child(op[1]), context, address]
    elif defaults:
        keyword = b.pop_object()
        args = [b.load_child(op[1]), b.pop_object(), keyword]
    else:
        args = [b.load_child(op[1]), b.const(0), b.const(0)]
    b.push_object(b.call(Fun.MAKE_FUNCTION, args))


def _make_closure(b: NativeBuilder, op: Op) -> None:
    n_closed, n_positional, n_keyword = unpack_defaults(op[2])
    defaults = bool(n_positional or n_keyword)
    n = n_closed + 2 * defaults
    first = len(b.stack) - n
    address = b.pointer_for_pop(n)
    if b.context is None:
        count = b.const(n_closed | 0x100 * defaults)
        b.push_object(b.call(Fun.MAKE_CLOSURE, [b.load_child(op[1]), count, address]))
        return
    context = b.field(b.fun_obj, FUN_BC_CONTEXT)
    closed = address
    if defaults:
        closed = b.place_address(first + 2)
    child = b.load_child(op[1])
    function = b.call(Fun.MAKE_FUNCTION,
                      [child, context, address if defaults else b.const(0, "ptr")])
    b.push_object(b.call(Fun.MAKE_CLOSURE, [function, b.const(n_closed), closed]))


def _shared(verb: Verb) -> Verbs:
    """As in viper."""
    shared: Callable[[NativeBuilder, Op], None] = OBJECT_VERBS.get(verb) or VERBS[verb]
    return shared


NATIVE_VERBS: Final[dict[int, Verbs]] = {
    **{verb: _shared(verb) for verb in (
        Verb.LINE, Verb.STATEMENT_END, Verb.POP_TOP, Verb.DUP_TOP, Verb.DUP_TOP_TWO, Verb.ROT_TWO,
        Verb.ROT_THREE, Verb.LOAD_NULL, Verb.LOAD_ATTR, Verb.STORE_ATTR, Verb.DELETE_ATTR,
        Verb.LOAD_METHOD, Verb.CALL_FUNCTION, Verb.CALL_METHOD, Verb.GET_ITER, Verb.FOR_ITER_END,
        Verb.BUILD_TUPLE, Verb.BUILD_LIST, Verb.BUILD_SET, Verb.BUILD_MAP, Verb.BUILD_SLICE,
        Verb.STORE_MAP, Verb.UNPACK_SEQUENCE, Verb.UNPACK_EX, Verb.IMPORT_NAME, Verb.IMPORT_FROM,
    )},
    **NATIVE_HANDLER_VERBS,
    Verb.JUMP: lambda b, op: b.leave_to(op[1]),
    Verb.POP_JUMP_IF: _pop_jump_if,
    Verb.JUMP_IF_OR_POP: _jump_if_or_pop,
    Verb.ADJUST: _adjust,
    Verb.FOR_ITER: for_iter,
    Verb.LOAD_FAST: _load_fast,
    Verb.STORE_FAST: _store_fast,
    Verb.DELETE_FAST: _delete_fast,
    Verb.LOAD_DEREF: _load_deref,
    Verb.STORE_DEREF: _store_deref,
    Verb.LOAD_CONST_TOK: _load_const_tok,
    Verb.LOAD_CONST_SMALL_INT: lambda b, op: b.push_object(b.const(op[1] << 1 | 1, OBJ)),
    Verb.LOAD_CONST_OBJ: _load_const_obj,
    Verb.LOAD_CONST_STR: _load_const_str,
    Verb.LOAD_GLOBAL: lambda b, op: _by_name(b, Fun.LOAD_GLOBAL, op),
    Verb.LOAD_NAME: lambda b, op: _by_name(b, Fun.LOAD_NAME, op),
    Verb.STORE_GLOBAL: lambda b, op: _store_name(b, Fun.STORE_GLOBAL, op),
    Verb.STORE_NAME: lambda b, op: _store_name(b, Fun.STORE_NAME, op),
    Verb.DELETE_GLOBAL: lambda b, op: _delete_name(b, Fun.DELETE_GLOBAL, op),
    Verb.DELETE_NAME: lambda b, op: _delete_name(b, Fun.DELETE_NAME, op),
    Verb.RAISE: _raise,
    Verb.BINARY_OP: binary_op,
    Verb.UNARY_OP: unary_op,
    Verb.LOAD_SUBSCR: _load_subscr,
    Verb.STORE_SUBSCR: _store_subscr,
    Verb.DELETE_SUBSCR: _delete_subscr,
    Verb.STORE_COMP: _store_comp,
    Verb.YIELD_VALUE: native_generators.yield_value,
    Verb.MAKE_FUNCTION: _make_function,
    Verb.MAKE_CLOSURE: _make_closure,
}
