"""Equal computations are done once, and computations that are known or have a simpler form go.

      v3 = add.int v1, v2
      v4 = add.int v2, v1        ->    (v3 instead of v4)
      v5 = const.int #0
      v6 = or.int v3, v5         ->    (v3 instead of v6)

An operation is equal to one in a block that dominates its own.  Constants stand second where an
operation takes its operands in any order.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.cfg import Flow
from mpy_cross.emitters.ssa.ir import OPS, Block, Function, Value
from mpy_cross.emitters.ssa.rules import Maker

Key = tuple[object, ...]
IMPURE: Final = frozenset(op for op, info in OPS.items() if not info.pure)


def run(function: Function) -> None:
    flow = Flow(function)
    children = flow.children()
    new: dict[Value, Value] = {}
    table: dict[Key, Value] = {}
    maker = Maker(function, table)
    # (block, None) to enter it, (block, undo) to leave it
    stack: list[tuple[Block, list[Key] | None]] = [(function.entry, None)]
    while stack:
        block, undo = stack.pop()
        if undo is not None:
            for key in undo:
                del table[key]
            continue
        undo = []
        stack.append((block, undo))
        _one_block(block, maker, new, undo)
        stack += [(child, None) for child in reversed(children[block])]
    if not new:
        return
    # Everything else was read behind the block of what is replaced.
    for block in function.blocks:
        for phi in block.phis:
            for i, arg in enumerate(phi.args):
                while arg in new:
                    arg = new[arg]
                phi.args[i] = arg


def _one_block(
    block: Block, maker: Maker, new: dict[Value, Value], undo: list[Key]
) -> None:
    values = block.values
    replaced = new.keys()
    maker.enter(block, undo)
    for value in values:
        args = value.args
        if args and not replaced.isdisjoint(args):
            for i, arg in enumerate(args):
                while arg in new:
                    arg = new[arg]
                args[i] = arg
        if value.op in IMPURE:
            maker.keep(value)
            continue
        result = maker.make(value.op, args, value.imm, value.type, value)
        if result is not value:
            new[value] = result
    block.values = maker.out
    for i, arg in enumerate(block.targs):
        while arg in new:
            arg = new[arg]
        block.targs[i] = arg
