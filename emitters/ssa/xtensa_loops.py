"""Zero-overhead loops: a counter that goes down to zero and does nothing else lives in LCOUNT.

      m1: ...                            m1: ...
                                         m5: loop v7
      m2: ...                            m2: ...
        v8 = addi v7, #-1         ->
        bz v8
        bne m3, m4                         b m3
      m3: v7 = copy v8                   m3: loopend
        b m2                               bloop m2, m4

For inner loops without calls, whose blocks stand together; the test is last and the only way back.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import Flow, Loop, uses_of
from mpy_cross.emitters.ssa.ir import BRANCH, JUMP, WORD, Block, Value
from mpy_cross.emitters.ssa.machine import COPY, Ins, MBlock, MFunction
from mpy_cross.emitters.ssa.passes.undo import is_read
from mpy_cross.emitters.ssa.selector import reg

CALLS = ("call", "direct", "item")
LOOP = "loop"
MOST_INSTRUCTIONS = 90
"""More will hardly fit into 255 bytes."""


def run(machine: MFunction) -> None:
    """Find such loops and change them."""
    if not any(_counts_down(block) for block in machine.source.blocks):
        return
    uses = uses_of(machine.source)
    made = {block.block: block for block in machine.blocks}
    seen: set[Block] = set()
    for number, loop in enumerate(Flow(machine.source).loops):  # inner ones first
        if not seen & loop.body and _one(machine, loop, made, uses, number):
            seen.add(loop.head)


def _counts_down(block: Block) -> bool:
    """Whether a block ends with the test of a counter that goes down."""
    if block.term != BRANCH or block.cond != "ne" or not block.targs[1].is_const:
        return False
    less = block.targs[0]
    return less.op == "add" and less.args[1].is_const and less.args[1].imm == WORD \
        and not block.targs[1].imm and less.args[0].op == "phi"


def _one(
    machine: MFunction, loop: Loop, made: dict[Block, MBlock],
    uses: dict[Value, list[Value | Block]], number: int,
) -> bool:
    before = loop.preheader()
    if before is None or len(loop.latches) != 1:
        return False
    back = loop.latches[0]
    if back.term != JUMP or len(back.preds) != 1:
        return False
    latch = back.preds[0]
    if not _counts_down(latch) or latch.succs[0] is not back:
        return False
    less = latch.targs[0]
    counter = less.args[0]
    if counter not in loop.head.phis or less not in counter.args or less.block is not latch:
        return False
    if any(user is not less for user in uses.get(counter, ())) or any(
        user is not counter and user is not latch for user in uses.get(less, ())
    ):
        return False
    if any(is_read(phi, latch.succs[1]) for phi in loop.head.phis if phi is not counter):
        return False  # what leads to the next round happens in the last one as well
    blocks = machine.blocks
    hot = [i for i, block in enumerate(blocks) if block.block in loop.body
           and not block.block.is_cold]
    if not hot or hot[-1] - hot[0] != len(hot) - 1:
        return False
    order = [block for block in blocks[hot[0] : hot[-1] + 1] if block.block is not back]
    if loop.head.is_cold or back.is_cold:
        return False
    first = order.index(made[loop.head])
    order = order[first:] + order[:first]
    if sum(len(block.code) for block in order) > MOST_INSTRUCTIONS or any(
        ins.op in CALLS for block in loop.body for ins in made[block].code
    ):
        return False
    blocks[hot[0] : hot[-1] + 1] = [*order, made[back]]
    return _change(machine, made, before, loop.head, latch, back, number)


def _change(
    machine: MFunction, made: dict[Block, MBlock], before: Block, head: Block, latch: Block,
    back: Block, number: int,
) -> bool:
    less = latch.targs[0]
    counter = less.args[0]
    first, last, end = made[head], made[latch], made[back]
    following = last.succs[1]
    step = next((ins for ins in last.code if ins.dests == [reg(less)]), None)
    test = last.code[-1]
    if step is None or test.op != "bz" or test.srcs != [reg(less)]:
        return False
    last.code.remove(test)
    last.code.remove(step)
    last.cond = ""
    last.succs = [end]
    for ins in end.code:
        if ins.op == COPY and reg(counter) in ins.dests:
            at = ins.dests.index(reg(counter))
            del ins.dests[at], ins.srcs[at]
    end.code = [ins for ins in end.code if ins.dests]
    end.code.append(Ins("loopend", [], [], number))
    end.cond = LOOP
    end.succs = [first, following]
    following.preds[following.preds.index(last)] = end
    start = MBlock(before, made[before].depth)
    start.code = [Ins("loop", [], [reg(counter)], number)]
    start.succs = [first]
    outer = made[before]
    outer.succs = [start]
    start.preds = [outer]
    first.preds[first.preds.index(outer)] = start
    machine.blocks.insert(machine.blocks.index(first), start)
    return True
