"""Values that nothing depends on are removed, loops of phis that only feed each other as well.

      v3 = add.int v1, v2        ->    (nothing, if nobody reads v3)

Accesses to the program's memory stay, read or not: they may be meant for hardware.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.ir import OPS, Function, Value

REMOVABLE: Final = frozenset(
    [op for op, info in OPS.items() if info.pure] + ["livein", "getframe", "tag", "loadf", "box"]
)


def run(function: Function) -> None:
    kept: list[Value] = []
    read: list[Value] = []
    count = 0
    for block in function.blocks:
        count += len(block.phis) + len(block.values)
        read += block.targs
        for value in block.values:
            if value.op not in REMOVABLE:
                kept.append(value)
                read += value.args
    live = set(kept)
    new = set(read) - live
    while new:
        live |= new
        read = []
        for value in new:
            read += value.args
        new = set(read) - live
    if len(live) == count:
        return
    for block in function.blocks:
        if block.phis:
            block.phis = [value for value in block.phis if value in live]
        if block.values:
            block.values = [value for value in block.values if value in live]
