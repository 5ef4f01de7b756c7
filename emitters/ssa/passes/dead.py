"""Values that nothing depends on are removed, loops of phis that only feed each other as well.

      v3 = add.int v1, v2        ->    (nothing, if nobody reads v3)

Accesses to the program's memory stay, read or not: they may be meant for hardware.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.ssa.ir import OPS, Function, Value

REMOVABLE: Final = frozenset(
    [op for op, info in OPS.items() if info.pure] + ["livein", "getframe", "tag"]
)


def run(function: Function) -> None:
    live: set[Value] = set()
    for block in function.blocks:
        live.update(block.targs)
        live.update(value for value in block.values if value.op not in REMOVABLE)
    n_live = -1
    while len(live) != n_live:  # again if a loop has brought something back
        n_live = len(live)
        for block in reversed(function.blocks):
            for value in reversed(block.values):
                if value in live:
                    live.update(value.args)
            for phi in block.phis:
                if phi in live:
                    live.update(phi.args)
    for block in function.blocks:
        if block.phis:
            block.phis = [value for value in block.phis if value in live]
        if block.values:
            block.values = [value for value in block.values if value in live]
