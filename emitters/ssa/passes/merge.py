"""A block that only its one predecessor leads to becomes part of it.

    b1:                          b1:
      v1 = const.int #1            v1 = const.int #1
      jmp b2               ->      ret v1
    b2: preds b1
      ret v1

Needs reachable blocks only.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import replace_values
from mpy_cross.emitters.ssa.ir import JUMP, Block, Function, Value


def run(function: Function) -> None:
    gone: set[Block] = set()
    new: dict[Value, Value] = {}
    for block in function.blocks:
        if block in gone:
            continue
        while block.term == JUMP:
            following = block.succs[0]
            if len(following.preds) != 1 or following is block:
                break
            for phi in following.phis:
                new[phi] = phi.args[0]
            for value in following.values:
                value.block = block
            block.values += following.values
            block.term = following.term
            block.cond = following.cond
            block.targs = following.targs
            block.succs = following.succs
            for succ in block.succs:
                succ.preds = [block if pred is following else pred for pred in succ.preds]
            gone.add(following)
    if gone:
        function.blocks = [block for block in function.blocks if block not in gone]
        replace_values(function, new)
