"""`with`, for `build` and `build_native`."""

from __future__ import annotations

from collections.abc import Callable

from mpy_cross.emitters.native.values import PTR_NONE
from mpy_cross.emitters.ssa import ir
from mpy_cross.emitters.ssa.build import HELD, Builder, Entry
from mpy_cross.emitters.ssa.handlers import begin
from mpy_cross.emitters.ssa.ir import OBJ, Value
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import Op


def _load_method(b: Builder, manager: Value, name: bytes) -> None:
    address = b.pointer_for_push(2)
    b.call(Fun.LOAD_METHOD, [manager, b.qstr(b.linker.name_index_of(name)), address], ir.INT)


def setup_with(b: Builder, op: Op) -> None:
    """Leaves __exit__ and its object on the stack, and what __enter__ gave on top of them."""
    manager = b.pop_object()
    _load_method(b, manager, b"__exit__")
    method = [b.value_of(len(b.stack) - 2), b.value_of(len(b.stack) - 1)]
    del b.stack[-2:]
    for value in method:
        b.push_object(value)
    _load_method(b, manager, b"__enter__")
    address = b.pointer_for_pop(2)
    entered = b.call(Fun.CALL_METHOD_N_KW, [b.const(0), b.const(0), address])
    begin(b, op[1], True)
    b.push_object(entered)


def with_cleanup(b: Builder, op: Op, label: Callable[[], None]) -> None:
    """`label`: goes on at the label of the operation, as at any other."""
    handler = b.handlers[-1]
    label()
    error = b.variables.read(handler.variable, b.block, OBJ)
    method = [b.value_of(len(b.stack) - 2), b.value_of(len(b.stack) - 1)]
    del b.stack[-2:]
    quiet, raised, swallowed = b.new_block(), b.new_block(), b.new_block()
    after = b.new_block(False)
    raised.is_cold = True
    b.branch("eq", error, b.const(0), quiet, raised)
    b.block = quiet
    none = b.field(b.fun_table, Fun.CONST_NONE_OBJ, OBJ)
    _call_exit(b, [*method, none, none, none])
    b.jump(after)
    b.block = raised
    kind = b.block_value("load32", [b.block_value("cast", [error], 0, "ptr")], 0, OBJ)
    none = b.field(b.fun_table, Fun.CONST_NONE_OBJ, OBJ)
    answer = _call_exit(b, [*method, kind, error, none])
    truth = b.call(Fun.OBJ_IS_TRUE, [answer], ir.BOOL)
    b.branch("ne", truth, b.const(0), swallowed, after)
    b.block = swallowed
    b.variables.write(handler.variable, b.block, b.const(0, OBJ))
    b.jump(after)
    b.variables.closed.add(after)
    b.block = after
    b.stack.append(Entry(PTR_NONE, HELD, b.const(0)))  # the end of `finally` takes it


def _call_exit(b: Builder, values: list[Value]) -> Value:
    for value in values:
        b.push_object(value)
    address = b.pointer_for_pop(len(values))
    return b.call(Fun.CALL_METHOD_N_KW, [b.const(3), b.const(0), address])
