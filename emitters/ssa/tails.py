"""Instructions that stand in several blocks and are needed once; registers have been chosen.

What two ways out of a block both begin with moves before the branch.  What two ways into a block
both end with is there once, and the others jump to it.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.machine import CONST, COPY, Ins, MBlock, MFunction

COMPARISONS: Final = ("cmp", "cmpi", "cmni", "tst", "tsti")
READ_FLAGS: Final = ("set", "sel")


def run(function: MFunction) -> None:
    """Move what both ways out begin with, and join what ways in end with."""
    for block in reversed(function.blocks):
        if block.cond and len(block.succs) == 2 and block.succs[0] is not block.succs[1]:
            _move_up(block)
    i = 0
    while i < len(function.blocks):
        i += 0 if _join(function, function.blocks[i]) else 1


def is_same(x: Ins, y: Ins) -> bool:
    """Whether two instructions do the same."""
    return (x.op == y.op and x.dests == y.dests and x.srcs == y.srcs and x.imm == y.imm
            and x.shift == y.shift and x.cond == y.cond and x.nums == y.nums)


def _move_up(block: MBlock) -> None:
    one, other = block.succs
    if len(one.preds) != 1 or len(other.preds) != 1:
        return
    while one.code and other.code and is_same(one.code[0], other.code[0]):
        ins = one.code[0]
        if ins.op not in (CONST, COPY) or len(ins.dests) != 1:
            return
        at = _before_test(block.code, ins)
        if at < 0:
            return
        block.code.insert(at, ins)
        del one.code[0], other.code[0]


def _before_test(code: list[Ins], moved: Ins) -> int:
    """Where an instruction can stand before what sets the flags; -1 for nowhere."""
    at = len(code) - 1
    if at < 0 or code[at].op not in COMPARISONS:
        return -1
    if at and code[at - 1].dests == code[at].srcs[:1] and not code[at - 1].clobbers:
        at -= 1
    d = moved.dests[0]
    if any(d in ins.srcs or d in ins.dests or (moved.srcs and moved.srcs[0] in ins.dests)
           for ins in code[at:]):
        return -1
    return at


def _join(function: MFunction, block: MBlock) -> bool:
    """Join the ends of two blocks that lead to a block; whether there were any."""
    ways = [pred for pred in block.preds
            if not pred.cond and len(pred.succs) == 1 and pred.code and pred is not block]
    if len(ways) < 2:
        return False
    alike: dict[tuple[object, ...], list[MBlock]] = {}
    for pred in ways:
        last = pred.code[-1]
        alike.setdefault((last.op, last.imm, last.shift, last.cond, last.nums, *last.dests, -1,
                          *last.srcs), []).append(pred)
    best = max(alike.values(), key=len)
    if len(best) < 2:
        return False
    length = 1
    while all(len(pred.code) > length and is_same(pred.code[-1 - length], best[0].code[-1 - length])
              for pred in best):
        length += 1
    while best[0].code[-length].op in READ_FLAGS:
        length -= 1
        if not length:
            return False
    blocks = function.blocks
    places = {id(one): i for i, one in enumerate(blocks)}
    # Where one of them falls through, it still does.
    before = blocks[places[id(block)] - 1]
    host = next((one for one in best if one is before), None)
    if host is None:
        host = max(best, key=lambda one: (not one.block.is_cold, places[id(one)]))
    tail = MBlock(host.block, host.depth)
    tail.code = host.code[-length:]
    tail.succs = [block]
    tail.preds = best
    for pred in best:
        del pred.code[-length:]
        pred.succs = [tail]
        block.preds.remove(pred)
    block.preds.append(tail)
    blocks.insert(places[id(host)] + 1, tail)
    return True
