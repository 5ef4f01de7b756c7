"""Operators of native functions on floats, for `native_arithmetic`.

Every result is rounded to single precision, as the run-time's are, which has floats in the same
registers (py/objfloat.c).  What else there is goes to the run-time: `//`, `%` and `**`, division by
zero, operands that are neither floats nor small ints.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emitters.native.values import BOOL, PYOBJ
from mpy_cross.emitters.ssa import ir, native_floats
from mpy_cross.emitters.ssa.build import HELD, Entry
from mpy_cross.emitters.ssa.build_native import NativeBuilder
from mpy_cross.emitters.ssa.ir import FLOAT, Value
from mpy_cross.emitters.ssa.native_floats import FLOAT_ENTRY
from mpy_cross.emitters.ssa.native_guard import Guard, is_candidate
from mpy_cross.emitters.ssa.native_kinds import ARITHMETIC, RESULT, UNKNOWN, Joined
from mpy_cross.loader.ops import BinaryOp, UnaryOp

OPERATORS: Final = {BinaryOp.ADD: "fadd", BinaryOp.SUBTRACT: "fsub", BinaryOp.MULTIPLY: "fmul",
                    BinaryOp.TRUE_DIVIDE: "fdiv"}
COMPARISONS: Final = {BinaryOp.LESS: "flt", BinaryOp.MORE: "fgt", BinaryOp.EQUAL: "feq",
                      BinaryOp.LESS_EQUAL: "fle", BinaryOp.MORE_EQUAL: "fge",
                      BinaryOp.NOT_EQUAL: "fne"}

# What an operand is.
NOT: Final = 0  # something else
HERE: Final = 1  # a float in a register
SMALL: Final = 2
MAYBE_FLOAT: Final = 3  # an object that is to be tested
MAYBE_SMALL: Final = 4
FLOATS: Final = (HERE, MAYBE_FLOAT)


def note(b: NativeBuilder, plain: BinaryOp, x: Value, y: Value) -> None:
    """Which values an operator joins, for `native_kinds`."""
    if b.plain:
        return
    names = native_floats.name_of(b, x), native_floats.name_of(b, y)
    if plain in ARITHMETIC:
        b.known.kinds.joined.add(Joined(RESULT + b.at, *names))
    elif plain in COMPARISONS:
        b.known.kinds.joined.add(Joined(UNKNOWN, *names))
    elif plain == BinaryOp.TRUE_DIVIDE:
        b.known.kinds.quotients.add(RESULT + b.at)


@final
class Operands:
    """The upper values of the stack, as floats."""

    __slots__ = ("b", "guard", "kinds")

    def __init__(self, b: NativeBuilder, n: int) -> None:
        self.b = b
        self.guard: Guard | None = None
        self.kinds = [self._kind(depth) for depth in range(n - 1, -1, -1)]

    def _kind(self, depth: int) -> int:
        b = self.b
        entry = b.top(depth)
        if entry.vtype == FLOAT_ENTRY:
            return HERE
        if entry.vtype != PYOBJ:
            return NOT
        value = b.object_at(depth)
        if value in b.unboxed:
            return HERE
        if b.is_small(value):
            return SMALL
        if not is_candidate(b, value):
            return NOT
        return MAYBE_FLOAT if native_floats.is_likely(b, value) else MAYBE_SMALL

    def test(self) -> Guard:
        """The way out of the fast version, made before anything is done."""
        if self.guard is None:
            self.guard = Guard(self.b)
            assert self.guard.leaves
        return self.guard

    def get(self, depth: int) -> Value:
        """An operand as a float; tests it if need be."""
        b = self.b
        entry = b.top(depth)
        if entry.vtype == FLOAT_ENTRY:
            return native_floats.value_at(b, len(b.stack) - 1 - depth)
        value = b.object_at(depth)
        kind = self.kinds[len(self.kinds) - 1 - depth]
        if kind == HERE:
            return native_floats.unbox(b, value)
        if kind == MAYBE_FLOAT:
            self.test().floating(value)
            return native_floats.unbox(b, value)
        if kind == MAYBE_SMALL:
            self.test().small(value)
        if value.is_const:
            return native_floats.constant(b, native_floats.bits_of(ir.signed(value.imm) >> 1))
        number = b.block_value("asr", [value, b.const(1)])
        return b.block_value("itof", [number], 0, FLOAT)


def operate(b: NativeBuilder, plain: BinaryOp) -> bool:
    """An operator on floats; whether it is one."""
    name = OPERATORS.get(plain) or COMPARISONS.get(plain)
    if name is None or not native_floats.may_have(b):
        return False
    operands = Operands(b, 2)
    kinds = operands.kinds
    if NOT in kinds:
        return False
    if not any(kind in FLOATS for kind in kinds) \
            and (name != "fdiv" or SMALL not in kinds):
        return False
    divisor = b.top()
    if name == "fdiv" and divisor.value is not None and divisor.value.is_const \
            and divisor.value.imm == 1:
        return False  # by zero
    native_floats.use(b)
    x, y = operands.get(1), operands.get(0)
    if name == "fdiv" and native_floats.may_be_zero(b, y):
        zero = b.block_value("feq", [y, native_floats.constant(b, 0)], 0, ir.BOOL)
        operands.test().unless("eq", zero, b.const(0))
    del b.stack[-2:]
    if plain in COMPARISONS:
        b.stack.append(Entry(BOOL, HELD, b.block_value(name, [x, y], 0, ir.BOOL)))
    else:
        native_floats.push(b, b.block_value(name, [x, y], 0, FLOAT))
    return True


def unary(b: NativeBuilder, op: int) -> bool:
    """An operator on one float; whether it is one."""
    if op not in (UnaryOp.POSITIVE, UnaryOp.NEGATIVE, UnaryOp.NOT) or not native_floats.may_have(b):
        return False
    operands = Operands(b, 1)
    if operands.kinds[0] not in FLOATS or (op == UnaryOp.NOT and operands.kinds[0] != HERE):
        return False
    native_floats.use(b)
    x = operands.get(0)
    b.stack.pop()
    if op == UnaryOp.NOT:
        zero = native_floats.constant(b, 0)
        b.stack.append(Entry(BOOL, HELD, b.block_value("feq", [x, zero], 0, ir.BOOL)))
    else:
        native_floats.push(b, x if op == UnaryOp.POSITIVE
                           else b.block_value("fneg", [x], 0, FLOAT))
    return True
