"""Operators of native functions on small ints, for `build_native`.

A small int n is the word 2n + 1 (py/obj.h, representations A and C).  So a sum is x + (y - 1), and
the flag of overflow tells whether it still is a small int.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.emitters.native.values import BOOL
from mpy_cross.emitters.native.viper import FIRST_INPLACE, LAST_INPLACE, TO_PLAIN
from mpy_cross.emitters.ssa import ir, native_float_operators
from mpy_cross.emitters.ssa.build import HELD, Entry
from mpy_cross.emitters.ssa.build_machine import SIGNED
from mpy_cross.emitters.ssa.build_native import NativeBuilder
from mpy_cross.emitters.ssa.ir import OBJ, Value
from mpy_cross.emitters.ssa.native_guard import Guard, is_candidate
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import BinaryOp, Op, UnaryOp, Verb

BITS: Final = 31
"""Of a small int, with its sign."""
INVERTED: Final = {BinaryOp.NOT_IN: BinaryOp.IN, BinaryOp.IS_NOT: BinaryOp.IS}
Slow = Callable[[], Value]
"""Makes the call of the run-time."""
EQUALITY: Final = (BinaryOp.EQUAL, BinaryOp.NOT_EQUAL)


def binary_op(b: NativeBuilder, verb: Op) -> None:
    op = verb[1]
    plain = BinaryOp(op + TO_PLAIN if FIRST_INPLACE <= op <= LAST_INPLACE else op)
    if native_float_operators.operate(b, plain):
        return
    y, x = b.object_at(0), b.object_at(1)
    native_float_operators.note(b, plain, x, y)
    is_identity = plain in (BinaryOp.IS, BinaryOp.IS_NOT)
    if is_identity and not (_is_single(b, x) or _is_single(b, y)):
        b.known.kinds.identity = True
    if is_identity and (_is_single(b, x) or _is_single(b, y)):
        del b.stack[-2:]
        cond = "eq" if plain == BinaryOp.IS else "ne"
        b.stack.append(Entry(BOOL, HELD, b.block_value(cond, [x, y], 0, ir.BOOL)))
    elif _calls(b) or not (is_candidate(b, x) and is_candidate(b, y)):
        del b.stack[-2:]
        b.push_object(call_binary(b, op, x, y))
    elif plain in SIGNED:
        _compare(b, op, x, y)
    elif plain in OPERATORS and (plain not in LIMITED or _is_worth_it(plain, y)):
        _operate(b, op, plain, x, y)
    else:
        del b.stack[-2:]
        b.push_object(call_binary(b, op, x, y))


def _is_single(b: NativeBuilder, value: Value) -> bool:
    """Whether a value is None, True or False, of each of which there is one."""
    return value.op == "field" and value.args[0] is b.fun_table


def _calls(b: NativeBuilder) -> bool:
    """Whether there are calls only."""
    return b.plain or b.calls_only[b.at]


def call_binary(b: NativeBuilder, op: int, x: Value, y: Value) -> Value:
    inverted = INVERTED.get(BinaryOp(op))
    code = op if inverted is None else int(inverted)
    result = b.call(Fun.BINARY_OP, [b.const(code), x, y])
    if inverted is not None:
        result = b.call(Fun.UNARY_OP, [b.const(UnaryOp.NOT), result])
    return result


def _operate(b: NativeBuilder, op: int, plain: BinaryOp, x: Value, y: Value) -> None:
    guard = Guard(b)
    guard.small(x, y)
    result = OPERATORS[plain](b, guard, x, y)
    del b.stack[-2:]
    finish(b, guard, result, lambda: call_binary(b, op, x, y))


def finish(b: NativeBuilder, guard: Guard, result: Value, call: Slow) -> None:
    """Push the result of the fast way, or of the one by way of the run-time."""
    if not guard.leaves and guard.is_used:
        join = b.new_block(False)
        b.jump(join)
        guard.slow()
        other = call()
        b.jump(join)
        b.variables.closed.add(join)
        b.block = join
        # What the tests found out holds on one of the two ways only.
        joined = b.ssa.new_value("phi", OBJ, [result, other], 0, join)
        join.phis.append(joined)
        b.push_object(joined)
        return
    b.small.add(result)
    b.push_object(result)


def _compare(b: NativeBuilder, op: int, x: Value, y: Value) -> None:
    """A comparison; a jump that follows becomes part of it."""
    binary = BinaryOp(op)
    following = b.ops[b.at + 1] if b.at + 1 < len(b.ops) else (Verb.LINE, 0, 0)
    jumps = following[0] == Verb.POP_JUMP_IF
    guard = Guard(b, binary in EQUALITY and not (b.is_small(x) and b.is_small(y)) and jumps)
    guard.small(x, y)
    result = b.block_value(SIGNED[binary], [x, y], 0, ir.BOOL)
    del b.stack[-2:]
    if guard.leaves or not guard.is_used:
        b.stack.append(Entry(BOOL, HELD, result))
    elif not jumps:
        finish(b, guard, b.to_object(BOOL, result), lambda: call_binary(b, op, x, y))
    else:
        _, label, wanted = following
        cond = "ne" if wanted else "eq"
        b.settle()
        on = b.new_block(False)
        b.branch_to(cond, result, b.const(0), label, on)
        guard.slow()
        b.settle()
        truth = b.call(Fun.OBJ_IS_TRUE, [call_binary(b, op, x, y)], ir.BOOL)
        b.branch_to(cond, truth, b.const(0), label, on)
        b.variables.closed.add(on)
        b.block = on
        b.skip = True


# ---------------------------------------------------------------------------------------- operators


def _untagged_second(b: NativeBuilder, y: Value) -> Value:
    """2n for a small int n."""
    return b.const(y.imm - 1) if y.is_const else b.block_value("add", [y, b.const(-1)])


def _tagged(b: NativeBuilder, value: Value) -> Value:
    """A word with the lowest bit clear as a small int."""
    return b.block_value("add", [value, b.const(1)], 0, OBJ)


def _room(b: NativeBuilder, guard: Guard, op: str, x: Value, y: Value) -> Value:
    result = b.block_value(op, [x, y], 0, OBJ)
    guard.unless("vc", result, b.const(0))
    return result


def _add(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    if x.is_const:
        x, y = y, x
    other = _untagged_second(b, y)
    return x if other.is_const and not other.imm else _room(b, guard, "addv", x, other)


def _subtract(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    if y.is_const:
        number = -ir.signed(y.imm - 1)
        if number >= 1 << BITS:
            return _room(b, guard, "subv", x, _untagged_second(b, y))
        return _room(b, guard, "addv", x, b.const(number)) if number else x
    return _room(b, guard, "subv", x, _untagged_second(b, y))


def _multiply(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    if x.is_const:
        x, y = y, x
    left = _untagged_second(b, x)
    right = b.const(ir.signed(y.imm) >> 1) if y.is_const else b.block_value("asr", [y, b.const(1)])
    product = b.block_value("mul", [left, right])
    high = b.block_value("smulh", [left, right])
    guard.unless("eq", high, b.block_value("asr", [product, b.const(31)]))
    return _tagged(b, product)


def _and(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    return b.block_value("and", [x, y], 0, OBJ)


def _or(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    return b.block_value("or", [x, y], 0, OBJ)


def _xor(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    if x.is_const:
        x, y = y, x
    return b.block_value("xor", [x, _untagged_second(b, y)], 0, OBJ)


def _shift_left(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    if y.is_const:
        count = b.const(ir.signed(y.imm) >> 1)
    else:
        count = b.block_value("asr", [y, b.const(1)])
        guard.unless("lo", count, b.const(BITS))
    left = _untagged_second(b, x)
    result = b.block_value("shl", [left, count])
    guard.unless("eq", b.block_value("asr", [result, count]), left)
    return _tagged(b, result)


def _shift_right(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    if y.is_const:
        count = b.const(min(ir.signed(y.imm) >> 1, BITS))
    else:
        count = b.block_value("asr", [y, b.const(1)])
        guard.unless("lo", count, b.const(BITS + 1))
    result = b.block_value("asr", [x, count])
    return b.block_value("or", [result, b.const(1)], 0, OBJ)


def _divide(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    divisor = _divisor(b, guard, y)
    if divisor.is_const and not divisor.imm & divisor.imm - 1:
        shifted = b.block_value("asr", [x, b.const(divisor.imm.bit_length() - 2)])
        return b.block_value("or", [shifted, b.const(1)], 0, OBJ)
    # (2n + 1) // 2m is n // m, and the remainder is that of n and m as a small int.
    quotient = b.block_value("floordiv", [x, divisor])
    return _tagged(b, b.block_value("shl", [quotient, b.const(1)]))


def _modulo(b: NativeBuilder, guard: Guard, x: Value, y: Value) -> Value:
    divisor = _divisor(b, guard, y)
    if divisor.is_const and not divisor.imm & divisor.imm - 1:
        return b.block_value("and", [x, b.const(divisor.imm - 1)], 0, OBJ)
    return b.block_value("floormod", [x, divisor], 0, OBJ)


def _divisor(b: NativeBuilder, guard: Guard, y: Value) -> Value:
    """2n for a divisor n that is more than zero."""
    if not y.is_const:
        guard.unless("gt", y, b.const(1))
    return _untagged_second(b, y)


OPERATORS: Final = {
    BinaryOp.ADD: _add,
    BinaryOp.SUBTRACT: _subtract,
    BinaryOp.MULTIPLY: _multiply,
    BinaryOp.AND: _and,
    BinaryOp.OR: _or,
    BinaryOp.XOR: _xor,
    BinaryOp.LSHIFT: _shift_left,
    BinaryOp.RSHIFT: _shift_right,
    BinaryOp.FLOOR_DIVIDE: _divide,
    BinaryOp.MODULO: _modulo,
}
LIMITED: Final = (BinaryOp.LSHIFT, BinaryOp.RSHIFT, BinaryOp.FLOOR_DIVIDE, BinaryOp.MODULO)
"""Operators that take a second number from a certain range only."""


def _is_worth_it(op: BinaryOp, y: Value) -> bool:
    """Whether a second operand may be in the range."""
    if not y.is_const:
        return True
    number = ir.signed(y.imm) >> 1
    if op in (BinaryOp.FLOOR_DIVIDE, BinaryOp.MODULO):
        return number > 0
    return 0 <= number < BITS or (number >= 0 and op == BinaryOp.RSHIFT)


def unary_op(b: NativeBuilder, verb: Op) -> None:
    op = verb[1]
    entry = b.top()
    if native_float_operators.unary(b, op):
        return
    if entry.vtype == BOOL and op == UnaryOp.NOT:
        _, value = b.pop()
        b.stack.append(Entry(BOOL, HELD, b.block_value("eq", [value, b.const(0)], 0, ir.BOOL)))
        return
    x = b.object_at(0)
    if _calls(b) or not is_candidate(b, x) or op not in (
        UnaryOp.POSITIVE, UnaryOp.NEGATIVE, UnaryOp.INVERT
    ):
        b.stack.pop()
        b.push_object(b.call(Fun.UNARY_OP, [b.const(op), x]))
        return
    guard = Guard(b)
    guard.small(x)
    result = x
    if op == UnaryOp.NEGATIVE:
        result = _room(b, guard, "subv", b.const(2), x)
    elif op == UnaryOp.INVERT:
        result = b.block_value("xor", [x, b.const(-2)], 0, OBJ)
    b.stack.pop()
    finish(b, guard, result, lambda: b.call(Fun.UNARY_OP, [b.const(op), x]))
