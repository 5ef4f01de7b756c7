"""After a sum that has overflowed its operand is computed from it, so that it need not be kept.

    b1: preds b0, b2                        b1: preds b0, b2
      v1 = phi.obj v0, v2                     v1 = phi.obj v0, v2
      v2 = addv.obj v1, v3                    v2 = addv.obj v1, v3
      br vs v2, v4 -> b3, b2                  br vs v2, v4 -> b4, b2
    b3: preds b1                            b4: preds b1
      v5 = phi.obj v1            ->           v6 = sub.obj v2, v3
                                              jmp b3
                                            b3: preds b4
                                              v5 = phi.obj v6

Then both numbers can have the same register.  Only where nobody else reads the operand later.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.ir import BRANCH, JUMP, Block, Function, Value


def run(function: Function) -> None:
    for block in list(function.blocks):
        if block.term != BRANCH or block.cond not in ("vs", "vc"):
            continue
        value = block.targs[0]
        if value.block is not block or block.succs[0] is block.succs[1]:
            continue
        at = 0 if block.cond == "vs" else 1
        for x, y in (value.args, reversed(value.args)):
            if value.op == "addv" or x is value.args[0]:
                _one(function, block, value, x, y, at)


def _one(function: Function, block: Block, value: Value, x: Value, y: Value, at: int) -> None:
    """Do it for one operand, if that is possible."""
    bad, good = block.succs[at], block.succs[1 - at]
    edge = bad.preds.index(block)
    if x.is_const or x is y or not any(phi.args[edge] is x for phi in bad.phis):
        return
    if _reads(x, block, good) or is_read(x, good) or is_read(x, bad):
        return
    between = function.new_block()
    between.is_cold = True
    op = "sub" if value.op == "addv" else "add"
    if y.is_const:
        y = function.const(between, -y.imm if op == "sub" else y.imm)
        op = "add"
    old = function.append(between, op, [value, y], 0, x.type)
    between.preds = [block]
    between.term = JUMP
    between.succs = [bad]
    bad.preds[edge] = between
    block.succs[at] = between
    for phi in bad.phis:
        if phi.args[edge] is x:
            phi.args[edge] = old


def _reads(value: Value, block: Block, to: Block) -> bool:
    """Whether the way from one block to the other puts a value into a phi."""
    edge = to.preds.index(block)
    return any(phi.args[edge] is value for phi in to.phis)


def is_read(value: Value, start: Block) -> bool:
    """Whether a value is read from the start of a block on, before it is computed anew."""
    seen: set[Block] = set()
    todo = [start]
    while todo:
        block = todo.pop()
        if block in seen or block is value.block:
            continue
        seen.add(block)
        if value in block.targs or any(value in one.args for one in block.values):
            return True
        for following in block.succs:
            if _reads(value, block, following):
                return True
            todo.append(following)
    return False
