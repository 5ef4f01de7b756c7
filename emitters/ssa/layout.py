"""The order of blocks in memory, without critical edges: loops stay together, what is cold is last.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import Flow
from mpy_cross.emitters.ssa.ir import DEAD, JUMP, Block, Function


def split_critical_edges(function: Function) -> None:
    """Between a block with several ways out and one with several ways in there is another."""
    for block in list(function.blocks):
        if len(block.succs) < 2:
            continue
        for i, succ in enumerate(block.succs):
            if len(succ.preds) > 1:
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
    cold = [block for block in out if block.is_cold or block.term == DEAD]
    return [block for block in out if not (block.is_cold or block.term == DEAD)] + cold


def _ways(block: Block, depth: dict[Block, int]) -> list[Block]:
    return sorted(block.succs, key=lambda succ: depth[succ])
