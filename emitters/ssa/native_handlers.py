"""`with`, `return` and labels of native functions that have handlers, for `build_native`."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.native.values import PTR_NONE
from mpy_cross.emitters.ssa import ir
from mpy_cross.emitters.ssa.build import HELD, Entry
from mpy_cross.emitters.ssa.build_native import NativeBuilder, Verbs
from mpy_cross.emitters.ssa.handlers import HANDLER_VERBS, begin, enter_finally, leave_all
from mpy_cross.emitters.ssa.ir import OBJ, Value
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import Op, Verb


def _label(b: NativeBuilder, op: Op) -> None:
    if b.handlers:
        enter_finally(b, op[1])
    b.label(op[1])


def _return(b: NativeBuilder, op: Op) -> None:
    value = b.pop_object()
    leave_all(b, value)
    b.start_dead()


def _load_method(b: NativeBuilder, manager: Value, name: bytes) -> None:
    address = b.pointer_for_push(2)
    b.call(Fun.LOAD_METHOD, [manager, b.qstr(b.linker.name_index_of(name)), address], ir.INT)


def _setup_with(b: NativeBuilder, op: Op) -> None:
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


def _with_cleanup(b: NativeBuilder, op: Op) -> None:
    handler = b.handlers[-1]
    enter_finally(b, op[1])
    b.label(op[1])
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
    kind = b.block_value("load32", [error], 0, OBJ)
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


def _call_exit(b: NativeBuilder, values: list[Value]) -> Value:
    for value in values:
        b.push_object(value)
    address = b.pointer_for_pop(len(values))
    return b.call(Fun.CALL_METHOD_N_KW, [b.const(3), b.const(0), address])


NATIVE_HANDLER_VERBS: Final[dict[int, Verbs]] = {
    **HANDLER_VERBS,
    Verb.LABEL: _label,
    Verb.RETURN_VALUE: _return,
    Verb.SETUP_WITH: _setup_with,
    Verb.WITH_CLEANUP: _with_cleanup,
}
