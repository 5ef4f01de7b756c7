"""Counters: their steps move to the end of the loop, and one that only counts goes down to zero.

      v3 = phi.int #0, v4                   v3 = phi.int v1, v4
      ...                                   ...
      v4 = add.int v3, #1            ->     v4 = add.int v3, #-1
      br lt v4, v1 -> b2, b3                br ne v4, #0 -> b2, b3

The subtraction sets the flags, so that the branch needs no comparison.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import Flow, Loop, uses_of
from mpy_cross.emitters.ssa.fold import entered_below
from mpy_cross.emitters.ssa.ir import BRANCH, WORD, Block, Function, Value, signed
from mpy_cross.emitters.ssa.passes.pointers import Counter, counters_of


def run(function: Function) -> None:
    for loop in Flow(function).loops:
        if len(loop.latches) != 1:
            continue
        latch = loop.latches[0]
        counters = counters_of(loop)
        uses = uses_of(function)
        for counter in counters:
            _sink(function, loop, latch, counter, uses)
        # The step of the one that counts comes last, right before the branch.
        for counter in counters:
            if _reverse(function, loop, latch, counter, uses):
                break


def _sink(
    function: Function,
    loop: Loop,
    latch: Block,
    counter: Counter,
    uses: dict[Value, list[Value | Block]],
) -> None:
    """A step that only the next round and the test read belongs to the end of the loop."""
    following, step = counter.following, counter.step
    if following.block not in loop.body or any(
        user is not counter.phi and user is not latch for user in uses.get(following, ())
    ):
        return
    following.block.values.remove(following)
    if step.is_const and step.block in loop.body:
        following.args = [counter.phi, function.const(latch, step.imm)]
    latch.values.append(following)
    following.block = latch


def _reverse(
    function: Function,
    loop: Loop,
    latch: Block,
    counter: Counter,
    uses: dict[Value, list[Value | Block]],
) -> bool:
    """Whether the counter now goes down."""
    before = loop.preheader()
    phi, first, step, following = counter
    if before is None or latch.term != BRANCH or latch.cond != "lt" or not step.is_const:
        return False
    x, limit = latch.targs
    if (
        step.imm != 1 or x is not following or (limit.block in loop.body and not limit.is_const)
        or latch.succs[0] is not loop.head
        or any(user is not following for user in uses.get(phi, ()))
        or any(user is not phi and user is not latch for user in uses.get(following, ()))
        or following.block is not latch
    ):
        return False
    # The loop must not be entered with nothing to count: it runs once before it asks.
    if first.is_const and limit.is_const:
        if signed(first.imm) >= signed(limit.imm):
            return False
    elif not entered_below(phi, limit, latch):
        return False
    if first.is_const and first.imm == 0:
        count = limit if limit.block not in loop.body else function.const(before, limit.imm)
    elif first.is_const and limit.is_const:
        count = function.const(before, limit.imm - first.imm)
    else:
        if limit.block in loop.body:
            limit = function.const(before, limit.imm)
        count = function.append(before, "sub", [limit, first])
    latch.values.remove(following)
    following.args = [phi, function.const(latch, WORD)]
    zero = function.const(latch, 0)
    latch.values.append(following)
    phi.args[loop.entry_edge()] = count
    latch.cond = "ne"
    latch.targs = [following, zero]
    return True
