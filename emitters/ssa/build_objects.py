"""What only the run-time can do - calls, attributes, collections, iteration - for `build`."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.native.operations import ITER_SLOTS
from mpy_cross.emitters.native.state import CELL_VALUE
from mpy_cross.emitters.native.values import BUILTIN_CAST, PYOBJ, UNBOUND
from mpy_cross.emitters.ssa import inline, ir
from mpy_cross.emitters.ssa.build import INLINED, WORD_SIZE, Builder, Unsupported, Verbs
from mpy_cross.emitters.ssa.build_machine import cast
from mpy_cross.emitters.ssa.ir import OBJ
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import Op, Verb, unpack_call


def _load_const_str(b: Builder, op: Op) -> None:
    b.push_object(b.string(op[1]))


def _load_deref(b: Builder, op: Op) -> None:
    vtype = _cell_type(b, op[1])
    word = b.block_value("cast", [b.local_value(op[1], OBJ)], 0, "ptr")
    value = b.block_value("load32", [word], CELL_VALUE * WORD_SIZE, OBJ)
    b.push(vtype, value if vtype == PYOBJ else b.to_native(value, vtype))


def _store_deref(b: Builder, op: Op) -> None:
    found = b.top().vtype
    if b.cell_types.get(op[1]) == UNBOUND:
        b.cell_types[op[1]] = found if found < len(ir.TYPES) else PYOBJ
    wanted = _cell_type(b, op[1])
    if found != wanted and not (wanted == PYOBJ and b.target.extended):
        raise Unsupported("a variable of another type")
    value = b.pop_as_object()
    word = b.block_value("cast", [b.local_value(op[1], OBJ)], 0, "ptr")
    b.block_value("store32", [word, value], CELL_VALUE * WORD_SIZE)


def _cell_type(b: Builder, local: int) -> int:
    """The type of what is in a cell."""
    if b.local_types[local] != PYOBJ:
        raise Unsupported("a cell that is no object")
    vtype = b.cell_types.get(local, PYOBJ)
    if vtype == UNBOUND:
        raise Unsupported("a variable without a type")
    return vtype


def _store_global(b: Builder, op: Op) -> None:
    b.call(Fun.STORE_GLOBAL, [b.qstr(op[1]), b.pop_as_object()], ir.INT)


def _delete_global(b: Builder, op: Op) -> None:
    b.call(Fun.DELETE_GLOBAL, [b.qstr(op[1])], ir.INT)


def _load_attr(b: Builder, op: Op) -> None:
    base = b.pop_object()
    b.push_object(b.call(Fun.LOAD_ATTR, [base, b.qstr(op[1])]))


def _store_attr(b: Builder, op: Op) -> None:
    base = b.pop_object()
    # Before 1.20 the reference stores a number as if it were an object.
    value = b.pop_as_object()
    b.call(Fun.STORE_ATTR, [base, b.qstr(op[1]), value], ir.INT)


def _delete_attr(b: Builder, op: Op) -> None:
    base = b.pop_object()
    b.call(Fun.STORE_ATTR, [base, b.qstr(op[1]), b.const(0, OBJ)], ir.INT)


def _load_method(b: Builder, op: Op) -> None:
    if op[2]:
        address = b.pointer_for_pop(3)
        b.pointer_for_push(2)
        b.call(Fun.LOAD_SUPER_METHOD, [b.qstr(op[1]), address], ir.INT)
        return
    base = b.pop_object()
    address = b.pointer_for_push(2)
    b.call(Fun.LOAD_METHOD, [base, b.qstr(op[1]), address], ir.INT)


def _star_slots(b: Builder) -> int:
    return 1 if b.release.star_args_bitmap else 2


def _call_function(b: Builder, op: Op) -> None:
    n_keyword, stars = unpack_call(op[2])
    n = op[1] + 2 * n_keyword
    packed = op[1] | n_keyword << 8
    if b.top(n).vtype == BUILTIN_CAST:
        if n != 1 or stars:
            raise Unsupported("such a cast")
        cast(b)
        return
    if b.top(n).kind == INLINED:
        if stars or n_keyword:
            raise Unsupported("keyword arguments", b.top(n).data)
        inline.call(b, n)
        return
    if stars:
        address = b.pointer_for_pop(n + 1 + _star_slots(b))
        result = b.call(Fun.CALL_METHOD_N_KW_VAR, [b.const(0), b.const(packed), address])
    else:
        address = b.pointer_for_pop(n)
        function = b.pop_object()
        result = b.call(Fun.NATIVE_CALL_FUNCTION_N_KW, [function, b.const(packed), address])
    b.push_object(result)


def _call_method(b: Builder, op: Op) -> None:
    n_keyword, stars = unpack_call(op[2])
    n = op[1] + 2 * n_keyword
    if stars:
        address = b.pointer_for_pop(n + 2 + _star_slots(b))
        packed = op[1] | n_keyword << 8
        result = b.call(Fun.CALL_METHOD_N_KW_VAR, [b.const(1), b.const(packed), address])
    else:
        address = b.pointer_for_pop(n + 2)
        result = b.call(Fun.CALL_METHOD_N_KW, [b.const(op[1]), b.const(n_keyword), address])
    b.push_object(result)


def _get_iter(b: Builder, op: Op) -> None:
    value = b.pop_object()
    if not op[1]:
        b.push_object(b.call(Fun.NATIVE_GETITER, [value, b.const(0, "ptr")]))
        return
    address = b.pointer_for_push(ITER_SLOTS)
    b.call(Fun.NATIVE_GETITER, [value, address], ir.INT)


def for_iter(b: Builder, op: Op) -> None:
    first = len(b.stack) - ITER_SLOTS
    if first < 0:
        raise Unsupported("a value of nowhere")
    result = b.call(Fun.NATIVE_ITERNEXT, [b.place_address(first)])
    b.settle()
    b.branch_to("eq", result, b.const(0), op[1])
    b.push_object(result)


def _for_iter_end(b: Builder, op: Op) -> None:
    if len(b.stack) < ITER_SLOTS:
        raise Unsupported("a value of nowhere")
    del b.stack[-ITER_SLOTS:]


def _build(b: Builder, fun: Fun, n: int) -> None:
    address = b.pointer_for_pop(n)
    b.push_object(b.call(fun, [b.const(n), address]))


def _build_map(b: Builder, op: Op) -> None:
    b.push_object(b.call(Fun.BUILD_MAP, [b.const(op[1])]))


def _build_slice(b: Builder, op: Op) -> None:
    step = b.pop_as_object() if op[1] == 3 else b.field(b.fun_table, Fun.CONST_NONE_OBJ, OBJ)
    stop = b.pop_as_object()
    start = b.pop_as_object()
    b.push_object(b.call(Fun.NEW_SLICE, [start, stop, step]))


def _store_map(b: Builder, op: Op) -> None:
    key = b.pop_as_object()
    value = b.pop_as_object()
    container = b.pop_object()
    b.push_object(b.call(Fun.STORE_MAP, [container, key, value]))


def _store_comp(b: Builder, op: Op) -> None:
    raise Unsupported("a comprehension")


def _unpack(b: Builder, fun: Fun, n: int, count: int) -> None:
    value = b.pop_object()
    address = b.pointer_for_push(n)
    b.call(fun, [value, b.const(count), address], ir.INT)


def _raise(b: Builder, op: Op) -> None:
    if op[1] != 1:
        raise Unsupported("raise with this number of values")
    b.call(Fun.NATIVE_RAISE, [b.pop_object()], ir.INT)
    # What is raised might be None, which raises nothing.
    if b.release.suppress_dead_code:
        b.block.term = ir.DEAD
        b.start_dead()


def _import_name(b: Builder, op: Op) -> None:
    names = b.pop_as_object()
    level = b.pop_as_object()
    b.push_object(b.call(Fun.IMPORT_NAME, [b.qstr(op[1]), names, level]))


def _import_from(b: Builder, op: Op) -> None:
    place = len(b.stack) - 1
    if b.top().vtype != PYOBJ:
        raise Unsupported("a number where an object belongs")
    module = b.value_of(place)
    b.push_object(b.call(Fun.IMPORT_FROM, [module, b.qstr(op[1])]))


OBJECT_VERBS: Final[dict[int, Verbs]] = {
    Verb.LOAD_CONST_STR: _load_const_str,
    Verb.LOAD_DEREF: _load_deref,
    Verb.STORE_DEREF: _store_deref,
    Verb.STORE_GLOBAL: _store_global,
    Verb.DELETE_GLOBAL: _delete_global,
    Verb.LOAD_NULL: lambda b, op: b.push_object(b.const(0, OBJ)),
    Verb.LOAD_ATTR: _load_attr,
    Verb.STORE_ATTR: _store_attr,
    Verb.DELETE_ATTR: _delete_attr,
    Verb.LOAD_METHOD: _load_method,
    Verb.CALL_FUNCTION: _call_function,
    Verb.CALL_METHOD: _call_method,
    Verb.GET_ITER: _get_iter,
    Verb.FOR_ITER: for_iter,
    Verb.FOR_ITER_END: _for_iter_end,
    Verb.BUILD_TUPLE: lambda b, op: _build(b, Fun.BUILD_TUPLE, op[1]),
    Verb.BUILD_LIST: lambda b, op: _build(b, Fun.BUILD_LIST, op[1]),
    Verb.BUILD_SET: lambda b, op: _build(b, Fun.BUILD_SET, op[1]),
    Verb.BUILD_MAP: _build_map,
    Verb.BUILD_SLICE: _build_slice,
    Verb.STORE_MAP: _store_map,
    Verb.STORE_COMP: _store_comp,
    Verb.UNPACK_SEQUENCE: lambda b, op: _unpack(b, Fun.UNPACK_SEQUENCE, op[1], op[1]),
    Verb.UNPACK_EX: lambda b, op: _unpack(b, Fun.UNPACK_EX, op[1] + op[2] + 1,
                                          op[1] | op[2] << 8),
    Verb.RAISE: _raise,
    Verb.IMPORT_NAME: _import_name,
    Verb.IMPORT_FROM: _import_from,
}
