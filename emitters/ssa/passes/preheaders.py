"""Every loop gets a block before it that leads nowhere else, for what is computed there.

    b1:                                   b1:
      br lt v1, v2 -> b2, b3                br lt v1, v2 -> b4, b3
    b2: preds b1, b2              ->      b4: preds b1
      v3 = phi.int v1, v4                   jmp b2
                                          b2: preds b4, b2
                                            v3 = phi.int v1, v4
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import Flow, Loop
from mpy_cross.emitters.ssa.ir import JUMP, Block, Function, Value


def run(function: Function) -> None:
    for loop in Flow(function).loops:
        if loop.preheader() is None:
            _add(function, loop)


def _add(function: Function, loop: Loop) -> None:
    head = loop.head
    outside = [i for i, pred in enumerate(head.preds) if pred not in loop.body]
    inside = [i for i, pred in enumerate(head.preds) if pred in loop.body]
    if not outside:
        return
    before = function.new_block()
    before.term = JUMP
    before.succs = [head]
    before.preds = [head.preds[i] for i in outside]
    for pred in set(before.preds):
        pred.succs = [before if succ is head else succ for succ in pred.succs]
    for phi in head.phis:
        first: Value = phi.args[outside[0]]
        if len(outside) > 1:
            first = function.new_value("phi", phi.type, [phi.args[i] for i in outside], 0, before)
            before.phis.append(first)
        phi.args = [first, *(phi.args[i] for i in inside)]
    new_preds: list[Block] = [before, *(head.preds[i] for i in inside)]
    head.preds = new_preds
