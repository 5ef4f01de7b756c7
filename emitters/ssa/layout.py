"""The order of blocks in memory, without critical edges: loops stay together, what is cold is last.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import Flow
from mpy_cross.emitters.ssa.ir import BRANCH, DEAD, JUMP, Block, Function


def split_critical_edges(function: Function) -> None:
    """Between a block with several ways out and one with several ways in, or phis, is another."""
    for block in list(function.blocks):
        if len(block.succs) < 2:
            continue
        for i, succ in enumerate(block.succs):
            if len(succ.preds) > 1 or succ.phis:
                edge = function.new_block()
                edge.term = JUMP
                edge.succs = [succ]
                edge.preds = [block]
                edge.is_cold = succ.is_cold
                succ.preds[succ.preds.index(block)] = edge
                block.succs[i] = edge


def block_order(function: Function, flow: Flow) -> list[Block]:
    """Depth first; of two ways the one that leaves a loop comes later."""
    depth = flow.depth
    seen = {function.entry}
    out: list[Block] = []
    stack: list[tuple[Block, list[Block]]] = [(function.entry, _ways(function.entry, depth))]
    while stack:
        block, ways = stack[-1]
        if ways:
            following = ways.pop(0)
            if following not in seen:
                seen.add(following)
                stack.append((following, _ways(following, depth)))
        else:
            stack.pop()
            out.append(block)
    out.reverse()
    _put_tests_last(out, flow)
    cold = [block for block in out if block.is_cold or block.term == DEAD]
    return [block for block in out if not (block.is_cold or block.term == DEAD)] + cold


def _put_tests_last(out: list[Block], flow: Flow) -> None:
    """Loops that begin with their test: it goes behind the rest, so that it is the only jump."""
    for loop in flow.loops:
        head = loop.head
        if len(loop.latches) != 1 or head.term != BRANCH:
            continue
        latch = loop.latches[0]
        if latch is head or latch.term != JUMP or all(succ in loop.body for succ in head.succs):
            continue
        first, last = out.index(head), out.index(latch)
        if first < last and all(block in loop.body for block in out[first : last + 1]):
            out[first : last + 1] = [*out[first + 1 : last + 1], head]


def _ways(block: Block, depth: dict[Block, int]) -> list[Block]:
    return sorted(block.succs, key=lambda succ: depth[succ])
