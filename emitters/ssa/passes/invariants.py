"""What does not change in a loop is computed before it.

    b1:                                b1:
      jmp b2                             v5 = mul.int v1, v2
    b2: preds b1, b2            ->       jmp b2
      v5 = mul.int v1, v2              b2: preds b1, b2
      v6 = add.int v3, v5                v6 = add.int v3, v5

Only where a block leads to the loop and nowhere else, which rotated loops have.  Nothing here can
fail, so it does no harm where the loop would not have computed it.  A sum whose overflow is asked
for stays with the branch that asks.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import Flow
from mpy_cross.emitters.ssa.ir import OPS, OVERFLOW, Function, Value


def run(function: Function) -> None:
    flow = Flow(function)
    asked = {block.targs[0] for block in function.blocks if block.cond in OVERFLOW}
    for loop in flow.loops:
        before = loop.preheader()
        if before is None:
            continue
        body = loop.body
        changed = True
        while changed:
            changed = False
            for block in flow.order:
                if block not in body:
                    continue
                kept: list[Value] = []
                for value in block.values:
                    if OPS[value.op].pure and value not in asked \
                            and not any(a.block in body for a in value.args):
                        before.values.append(value)
                        value.block = before
                        changed = True
                    else:
                        kept.append(value)
                block.values = kept
