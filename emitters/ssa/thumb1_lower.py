"""What Thumb-1 has no instructions for: divisions become calls, indices are scaled first.

      v4 = floordiv.int v2, v3         v4 = call.int v1, v2, v3, #46
      v5 = loadx32.int v6, v7, #2      v8 = shl.int v7, v9
                                  ->   v5 = loadx32.int v6, v8, #0

With both the quotient and the remainder of two numbers wanted, the second is computed from the
first.  Whether a product with a number has room is asked of the other factor, which then may be
sent the slow way too early.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.cfg import replace_values
from mpy_cross.emitters.ssa.direct import table_of
from mpy_cross.emitters.ssa.ir import BRANCH, Block, Function, Value, signed
from mpy_cross.loader.fun_table import Fun

CALLS: Final = {"floordiv": Fun.SMALL_INT_FLOOR_DIVIDE, "floormod": Fun.SMALL_INT_MODULO}


def run(function: Function) -> None:
    table: Value | None = None
    for block in function.blocks:
        for value in block.values:
            if value.op == "call":
                table = value.args[0]
                break
    new: dict[Value, Value] = {}
    for block in function.blocks:
        if any(value.op in CALLS or ("x" in value.op and value.imm) for value in block.values):
            _one_block(function, block, table, new)
    replace_values(function, new)
    for block in function.blocks:
        if block.term == BRANCH and block.cond in ("eq", "ne"):
            _test_factor(function, block)


def _test_factor(function: Function, block: Block) -> None:
    """x * n >> 32 == x * n >> 31    ->    x << m >> m == x, with n below 2**m"""
    for high, sign in (block.targs, block.targs[::-1]):
        if high.op == "smulh" and high.args[1].is_const and sign.op == "asr" \
                and sign.args[1].is_const and sign.args[1].imm == 31:
            x, number = high.args[0], signed(high.args[1].imm)
            if number > 0 and _is_product(sign.args[0], x, number):
                amount = function.const(block, number.bit_length())
                up = function.append(block, "shl", [x, amount])
                block.targs = [function.append(block, "asr", [up, amount]), x]
                return


def _is_product(value: Value, x: Value, number: int) -> bool:
    """Whether a value is a factor times a number, perhaps in the forms that `rules` has for it."""
    if value.op == "mul":
        return value.args[0] is x and value.args[1].is_const and value.args[1].imm == number
    shifted = value
    if value.op == "add" and x in value.args:
        shifted = value.args[1] if value.args[0] is x else value.args[0]
        number -= 1
    elif value.op == "sub" and value.args[1] is x:
        shifted = value.args[0]
        number += 1
    if shifted.op != "shl" or shifted.args[0] is not x:
        return False
    amount = shifted.args[1]
    return amount.is_const and amount.imm < 32 and 1 << amount.imm == number


def _one_block(
    function: Function, block: Block, table: Value | None, new: dict[Value, Value]
) -> None:
    values = block.values
    block.values = []
    quotients: dict[tuple[Value, Value], Value] = {}
    divided = {(value.args[0], value.args[1]) for value in values if value.op == "floordiv"}
    for value in values:
        if value.op in CALLS:
            # A function has a call, of what checks its arguments or reads them; parts may not.
            if table is None:
                table = table_of(function)
            x, y = value.args
            if (x, y) in divided:
                quotient = quotients.get((x, y))
                if quotient is None:
                    quotient = function.append(block, "call", [table, x, y],
                                               Fun.SMALL_INT_FLOOR_DIVIDE)
                    quotients[x, y] = quotient
                if value.op == "floordiv":
                    new[value] = quotient
                else:
                    product = function.append(block, "mul", [quotient, y])
                    new[value] = function.append(block, "sub", [x, product])
                continue
            value.args = [table, x, y]
            value.imm = CALLS[value.op]
            value.op = "call"
        elif value.imm and value.op.startswith(("loadx", "storex")):
            amount = function.const(block, value.imm)
            value.args[1] = function.append(block, "shl", [value.args[1], amount])
            value.imm = 0
        block.values.append(value)
