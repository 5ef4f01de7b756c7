"""Phis that stand for one value are removed.

    b3: preds b1, b2
      v5 = phi.int v1, v1        ->    (v1 instead of v5)
      v6 = phi.int v2, v6        ->    (v2 instead of v6)

Needs reachable blocks only; keeps everything else.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import replace_values
from mpy_cross.emitters.ssa.ir import Function, Value


def run(function: Function) -> None:
    users: dict[Value, list[Value]] = {}
    work: list[Value] = []
    for block in function.blocks:
        for phi in block.phis:
            work.append(phi)
            for arg in phi.args:
                if arg.op == "phi" and arg is not phi:
                    users.setdefault(arg, []).append(phi)
    if not work:
        return
    new: dict[Value, Value] = {}
    while work:
        phi = work.pop()
        if phi in new:
            continue
        only: Value | None = None
        for arg in phi.args:
            while arg in new:
                arg = new[arg]
            if arg is phi or arg is only:
                continue
            if only is not None:
                only = phi
                break
            only = arg
        if only is None or only is phi:
            continue
        new[phi] = only
        again = users.pop(phi, [])
        work += again
        if only.op == "phi":
            users.setdefault(only, []).extend(again)
    if new:
        for block in function.blocks:
            if block.phis:
                block.phis = [phi for phi in block.phis if phi not in new]
        replace_values(function, new)
