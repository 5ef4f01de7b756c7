"""Numbers are made where they are read: a register that keeps one costs more.

    b0:                                     b0:
      v1 = const.int #5                       v1 = const.int #5
      v2 = call.obj v0, v1, #7                v2 = call.obj v0, v1, #7
      jmp b1                                  jmp b1
    b1: preds b0                            b1: preds b0
      v3 = call.obj v0, v1, #8     ->         v4 = const.int #5
                                              v3 = call.obj v0, v4, #8

Loops without calls keep theirs: there are registers enough, and each round would make them again.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import Flow
from mpy_cross.emitters.ssa.ir import Block, Function, Value


def run(function: Function) -> None:
    kept: set[Block] = set()
    for loop in Flow(function).loops if function.has_loops else ():
        hot = [block for block in loop.body if not block.is_cold]
        if not any(value.op in ("call", "direct") for block in hot for value in block.values):
            kept.update(hot)
    for block in function.blocks:
        if block not in kept:
            made: dict[Value, Value] = {}
            for value in block.values:
                if value.args:
                    _put_here(function, block, value.args, made)
            _put_here(function, block, block.targs, made)
            block.values[:0] = made.values()
        for following in block.succs:
            if not following.phis:
                continue
            edge = following.preds.index(block)
            for phi in following.phis:
                arg = phi.args[edge]
                if arg.is_const and arg.block is not block:
                    phi.args[edge] = _copy(function, block, arg)
                    block.values.append(phi.args[edge])


def _put_here(
    function: Function, block: Block, args: list[Value], made: dict[Value, Value]
) -> None:
    """In place of numbers of other blocks, numbers made in this one."""
    for i, value in enumerate(args):
        if value.op == "const" and value.block is not block:
            copy = made.get(value)
            if copy is None:
                copy = made[value] = _copy(function, block, value)
            args[i] = copy


def _copy(function: Function, block: Block, value: Value) -> Value:
    return function.new_value("const", value.type, [], value.imm, block)
