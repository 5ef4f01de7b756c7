"""Sums that cannot overflow need no test: one more than what is less than something.

    b1:                                      b1:
      br lt v1, v2 -> b2, b3                   br lt v1, v2 -> b2, b3
    b2: preds b1                             b2: preds b1
      v4 = addv.int v1, #2            ->       v4 = add.int v1, #2
      br vs v4, #0 -> b4, b5                   jmp b5

For small ints, words with the lowest bit set, so that 2 is the step from one to the next.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from mpy_cross.emitters.ssa.cfg import prune, remove_edge
from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    JUMP,
    NEGATED,
    OVERFLOW,
    SWAPPED,
    Block,
    Function,
    Value,
    signed,
)

NEEDED: Final = {2: "lt", -2: "gt"}
"""Step -> how the number must compare with some other one."""
DEPTH: Final = 3


def run(function: Function) -> None:
    changed = False
    asked = Counter(block.targs[0] for block in function.blocks if block.cond in OVERFLOW)
    for block in function.blocks:
        if block.term != BRANCH or block.cond not in OVERFLOW:
            continue
        value = block.targs[0]
        if value.op != "addv" or value.block is not block or not value.args[1].is_const:
            continue
        if asked[value] > 1:
            continue  # the other branch would have nothing to ask about
        needed = NEEDED.get(signed(value.args[1].imm))
        if needed and _holds(needed, value.args[0], block, DEPTH):
            value.op = "add"
            good, bad = block.succs if block.cond == "vc" else reversed(block.succs)
            remove_edge(block, bad)
            block.term, block.cond = JUMP, ""
            block.targs = []
            block.succs = [good]
            changed = True
    if changed:
        prune(function)


def _holds(needed: str, value: Value, block: Block, depth: int) -> bool:
    """Whether control is in a block only if a value compares like that with some other one."""
    while True:
        if value.op == "phi" and value.block is block:
            return depth > 0 and all(
                (arg is not value and _edge_holds(needed, arg, pred, block))
                or _holds(needed, arg, pred, depth - 1)
                for arg, pred in zip(value.args, block.preds, strict=True)
            )
        if len(block.preds) != 1:
            return False
        pred = block.preds[0]
        if _edge_holds(needed, value, pred, block):
            return True
        block = pred


def _edge_holds(needed: str, value: Value, pred: Block, block: Block) -> bool:
    """Whether control goes from one block to the other only if that is so."""
    if pred.term != BRANCH or pred.succs[0] is pred.succs[1] or pred.cond not in NEGATED:
        return False
    cond = pred.cond if pred.succs[0] is block else NEGATED[pred.cond]
    x, y = pred.targs
    if x is value:
        return cond == needed
    return y is value and SWAPPED[cond] == needed
