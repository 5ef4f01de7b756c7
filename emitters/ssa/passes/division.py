"""Division by a number becomes a multiplication.

      v2 = const.int #10                 v3 = const.int #0x66666667
      v4 = floordiv.int v1, v2    ->     v4 = smulh.int v1, v3
                                         v5 = const.int #2
                                         v6 = lsr.int v4, v5         (v1 is not negative)

Python rounds down, so a number that may be negative is inverted before and after: what is below 0
then rounds to zero as well.  So does a machine that divides, which is put right where the divisor
is known to be more than 0.  The remainder comes from the quotient.  Needs numbers as second
operands, as `gvn` leaves them.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import replace_values
from mpy_cross.emitters.ssa.fold import is_natural
from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    NEGATED,
    OBJ,
    WORD,
    Block,
    Function,
    Value,
    signed,
)


def run(function: Function) -> None:
    new: dict[Value, Value] = {}
    for block in function.blocks:
        if any(value.op in DIVISIONS for value in block.values):
            _one_block(function, block, new)
    replace_values(function, new)


DIVISIONS = ("floordiv", "floormod", "udiv", "urem")


def _one_block(function: Function, block: Block, new: dict[Value, Value]) -> None:
    values = block.values
    block.values = []
    for value in values:
        result: Value | None = None
        if value.op in DIVISIONS:
            x, y = value.args
            if y.is_const and y.imm > 2:
                if value.op in ("floordiv", "floormod"):
                    result = _signed(function, block, value, x, signed(y.imm))
                else:
                    result = _unsigned(function, block, value, x, y.imm)
            elif value.op == "urem":
                quotient = function.append(block, "udiv", [x, y])
                product = function.append(block, "mul", [quotient, y])
                result = function.append(block, "sub", [x, product])
            elif value.op in ("floordiv", "floormod") and is_natural(x) and is_natural(y):
                result = function.append(block, "sdiv", [x, y])
                if value.op == "floormod":
                    product = function.append(block, "mul", [result, y])
                    result = function.append(block, "sub", [x, product])
            elif value.op in ("floordiv", "floormod") and _is_positive(y, block):
                result = _by_positive(function, block, value)
        if result is None:
            block.values.append(value)
        else:
            if value.type == OBJ:
                result.type = OBJ
            new[value] = result


def _is_positive(value: Value, block: Block) -> bool:
    """Whether control is in a block only if a value, read with a sign, is more than 0."""
    more = 0
    if value.op == "add" and value.args[1].is_const:
        value, more = value.args[0], signed(value.args[1].imm)
    if not -(1 << 20) < more <= 0:  # so that the sum does not wrap
        return False
    while len(block.preds) == 1:
        pred = block.preds[0]
        if pred.term == BRANCH and pred.succs[0] is not pred.succs[1] \
                and pred.cond in NEGATED and pred.targs[0] is value and pred.targs[1].is_const:
            cond = pred.cond if pred.succs[0] is block else NEGATED[pred.cond]
            limit = signed(pred.targs[1].imm) + more
            if (cond == "gt" and limit >= 0) or (cond == "ge" and limit > 0):
                return True
        block = pred
    return False


def _by_positive(function: Function, block: Block, value: Value) -> Value:
    """Rounded down: the remainder of the machine is less than 0 where it rounds up."""
    x, y = value.args
    quotient = function.append(block, "sdiv", [x, y])
    product = function.append(block, "mul", [quotient, y])
    rest = function.append(block, "sub", [x, product])
    sign = function.append(block, "asr", [rest, function.const(block, 31)])
    if value.op == "floordiv":
        return function.append(block, "add", [quotient, sign], 0, value.type)
    more = function.append(block, "and", [y, sign])
    return function.append(block, "add", [rest, more], 0, value.type)


def _signed(
    function: Function, block: Block, value: Value, x: Value, divisor: int
) -> Value | None:
    """Rounded down; None if another way is better."""
    if divisor < 3 or not divisor & (divisor - 1):
        return None
    # The smallest multiplier m = ceil(2**(32 + shift) / divisor) below 2**31 that is exact enough
    # for all numbers of 31 bits.
    for shift in range(31):
        multiplier = (1 << 32 + shift) // divisor + 1
        if multiplier * divisor - (1 << 32 + shift) <= 1 << shift + 1:
            break
    if multiplier >= 1 << 31:
        return None
    m = function.const(block, multiplier)
    natural = is_natural(x)
    if natural:
        quotient = function.append(block, "smulh", [x, m])
        if shift:
            quotient = function.append(block, "lsr", [quotient, function.const(block, shift)])
    else:
        sign = function.append(block, "asr", [x, function.const(block, 31)])
        flipped = function.append(block, "xor", [x, sign])
        quotient = function.append(block, "smulh", [flipped, m])
        if shift:
            quotient = function.append(block, "lsr", [quotient, function.const(block, shift)])
        quotient = function.append(block, "xor", [quotient, sign])
    if value.op == "floordiv":
        return quotient
    product = function.append(block, "mul", [quotient, value.args[1]])
    return function.append(block, "sub", [x, product])


def _unsigned(
    function: Function, block: Block, value: Value, x: Value, divisor: int
) -> Value | None:
    if not divisor & (divisor - 1):
        return None
    quotient: Value | None = None
    for shift in range(32):
        multiplier = (1 << 32 + shift) // divisor + 1
        if multiplier > WORD:
            break
        if multiplier * divisor - (1 << 32 + shift) <= 1 << shift:
            quotient = function.append(block, "umulh", [x, function.const(block, multiplier)])
            if shift:
                quotient = function.append(block, "lsr", [quotient, function.const(block, shift)])
            break
    if quotient is None:
        quotient = function.append(block, "udiv", [x, value.args[1]])
    if value.op == "udiv":
        return quotient
    product = function.append(block, "mul", [quotient, value.args[1]])
    return function.append(block, "sub", [x, product])
