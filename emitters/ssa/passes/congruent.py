"""Phis of a block that always are equal become one, also where they feed each other in a loop.

    b1: preds b0, b1                        b1: preds b0, b1
      v1 = phi.int v0, v1                     v1 = phi.int v0, v1
      v2 = phi.int v0, v2        ->           (v1 instead of v2)

All phis of a block are taken as equal at first, and told apart where their arguments turn out not
to be.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import replace_values
from mpy_cross.emitters.ssa.ir import Function, Value


def run(function: Function) -> None:
    phis = [phi for block in function.blocks if len(block.phis) > 1 for phi in block.phis]
    if not phis:
        return
    # The first phi of its class, for each.
    known: dict[Value, Value] = {}
    for phi in phis:
        known[phi] = next(one for one in phi.block.phis if one.type == phi.type)
    while True:
        firsts: dict[tuple[Value, ...], Value] = {}
        new: dict[Value, Value] = {}
        for phi in phis:
            key = (known[phi], *(known.get(arg, arg) for arg in phi.args))
            new[phi] = firsts.setdefault(key, phi)
        if new == known:
            break
        known = new
    equal = {phi: first for phi, first in known.items() if phi is not first}
    if equal:
        for block in function.blocks:
            if block.phis:
                block.phis = [phi for phi in block.phis if phi not in equal]
        replace_values(function, equal)
