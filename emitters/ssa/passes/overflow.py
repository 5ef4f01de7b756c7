"""Sums that cannot overflow need no test: one more than what is less than something.

    b1:                                      b1:
      br lt v1, v2 -> b2, b3                   br lt v1, v2 -> b2, b3
    b2: preds b1                             b2: preds b1
      v4 = addv.int v1, #2            ->       v4 = add.int v1, #2
      br vs v4, #0 -> b4, b5                   jmp b5

For small ints, words with the lowest bit set, so that 2 is the step from one to the next.  Sums and
products of numbers that are known to be small enough need no test either.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from mpy_cross.emitters.ssa.cfg import prune, remove_edge
from mpy_cross.emitters.ssa.fold import ANY, corners, interval
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


def run(function: Function) -> bool:
    """Whether there was such a sum."""
    changed = False
    asked = Counter(block.targs[0] for block in function.blocks if block.cond in OVERFLOW)
    for block in function.blocks:
        if block.term != BRANCH:
            continue
        if block.cond == "eq":
            if _product_fits(*block.targs):
                _always(block, block.succs[0])
                changed = True
            continue
        value = block.targs[0]
        if block.cond not in OVERFLOW or value.block is not block or asked[value] > 1:
            continue  # another branch would have nothing to ask about
        if _fits(value) or _is_step(value, block):
            value.op = value.op[:-1]
            _always(block, block.succs[0] if block.cond == "vc" else block.succs[1])
            changed = True
    if changed:
        prune(function)
    return changed


def _always(block: Block, good: Block) -> None:
    """A branch goes one way only."""
    bad = block.succs[1] if block.succs[0] is good else block.succs[0]
    remove_edge(block, bad)
    block.term, block.cond = JUMP, ""
    block.targs = []
    block.succs = [good]


def _fits(value: Value) -> bool:
    """Whether there is room for a sum or a difference."""
    x, y = value.args
    low, high = corners(value.op[:-1], interval(x), interval(y))
    return ANY[0] <= low and high <= ANY[1]


def _product_fits(high: Value, sign: Value) -> bool:
    """Whether the upper half of a product is compared with the sign of its lower half, and there is
    room for the product."""
    if high.op != "smulh" or sign.op != "asr" or not sign.args[1].is_const \
            or sign.args[1].imm != 31:
        return False
    x, y = high.args
    product = sign.args[0]
    if product.op == "mul":
        if set(product.args) != {x, y}:
            return False
    elif not y.is_const or _factor(product, x, DEPTH) != signed(y.imm):
        return False
    low, most = corners("mul", interval(x), interval(y))
    return ANY[0] <= low and most <= ANY[1]


def _factor(value: Value, x: Value, depth: int) -> int | None:
    """How many times x a value is, None if that cannot be seen."""
    if value is x:
        return 1
    if not depth or value.op not in ("add", "sub", "shl"):
        return None
    first = _factor(value.args[0], x, depth - 1)
    if value.op == "shl":
        count = value.args[1]
        return first << count.imm if first and count.is_const and count.imm < 31 else None
    second = _factor(value.args[1], x, depth - 1)
    if first is None or second is None:
        return None
    return first + second if value.op == "add" else first - second


def _is_step(value: Value, block: Block) -> bool:
    """Whether that is one more than what is less than something."""
    if value.op != "addv" or not value.args[1].is_const:
        return False
    needed = NEEDED.get(signed(value.args[1].imm))
    return bool(needed) and _holds(needed or "", value.args[0], block, DEPTH)


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
