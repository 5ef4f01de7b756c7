"""What Thumb-1 has no instructions for: divisions become calls, indices are scaled first.

      v4 = floordiv.int v2, v3         v4 = call.int v1, v2, v3, #46
      v5 = loadx32.int v6, v7, #2      v8 = shl.int v7, v9
                                  ->   v5 = loadx32.int v6, v8, #0

With both the quotient and the remainder of two numbers wanted, the second is computed from the
first.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.cfg import replace_values
from mpy_cross.emitters.ssa.ir import Block, Function, Value
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


def _one_block(
    function: Function, block: Block, table: Value | None, new: dict[Value, Value]
) -> None:
    values = block.values
    block.values = []
    quotients: dict[tuple[Value, Value], Value] = {}
    divided = {(value.args[0], value.args[1]) for value in values if value.op == "floordiv"}
    for value in values:
        if value.op in CALLS:
            # Each function has a call, of what checks its arguments or reads them.
            assert table is not None
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
