"""Branches test what they mean: a comparison itself instead of its outcome.

      v3 = lt.bool v1, v2
      v4 = const.int #0
      br ne v3, v4 -> b1, b2     ->    br lt v1, v2 -> b1, b2

Branches whose way is known become jumps.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import prune, remove_edge
from mpy_cross.emitters.ssa.fold import compare
from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    CONDITIONS,
    JUMP,
    NEGATED,
    SWAPPED,
    Block,
    Function,
)


def run(function: Function) -> None:
    changed = False
    for block in function.blocks:
        if block.term == BRANCH:
            _fuse(block)
            changed = _decide(block) or changed
    if changed:
        prune(function)


def _fuse(block: Block) -> None:
    while block.cond in ("eq", "ne"):
        x, y = block.targs
        if x.is_const and not y.is_const:
            x, y = y, x
        if not y.is_const or y.imm or x.op not in CONDITIONS:
            return
        block.cond = x.op if block.cond == "ne" else NEGATED[x.op]
        block.targs = list(x.args)


def _decide(block: Block) -> bool:
    x, y = block.targs
    if x.is_const and y.is_const:
        outcome = compare(block.cond, x.imm, y.imm)
    elif x is y:
        outcome = compare(block.cond, 0, 0)
    else:
        if x.is_const:
            block.targs = [y, x]
            block.cond = SWAPPED[block.cond]
        if block.succs[0] is not block.succs[1] or block.succs[0].phis:
            return False
        outcome = True
    taken, other = block.succs if outcome else reversed(block.succs)
    remove_edge(block, other)
    block.term = JUMP
    block.cond = ""
    block.targs = []
    block.succs = [taken]
    return True
