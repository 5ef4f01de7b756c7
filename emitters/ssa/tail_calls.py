"""A part that calls itself at its very end goes back to its beginning instead.

    b0:                                     b0:
      v0 = livein.int #0                      v0 = livein.int #0
      v1 = livein.int #1                      v1 = livein.int #1
      br eq v1, v2 -> b1, b2                  jmp b3
    b2: preds b0                            b3: preds b0, b2
      v3 = floormod.int v0, v1       ->       v4 = phi.int v0, v5
      v4 = direct.int v1, v3, #0              v5 = phi.int v1, v3
      jmp b1                                  br eq v5, v2 -> b1, b2
    b1: preds b0, b2                        b2: preds b3
      v5 = phi.int v0, v4                     v3 = floormod.int v4, v5
      ret v5                                  jmp b3

So it takes no more of the stack, however often it does so.  This is done before all passes.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import remove_edge, replace_values
from mpy_cross.emitters.ssa.ir import (
    ENVIRONMENT,
    JUMP,
    MOST_DIRECT,
    OPS,
    RETURN,
    Block,
    Function,
    Value,
)

LONGEST = 50
"""Blocks between a call and the return."""


def run(function: Function, part: int, n_words: int, returns_none: bool) -> None:
    """part: the function's number; n_words: how many it is called with."""
    if n_words > MOST_DIRECT or function.has_handler:
        return
    calls = [(block, value) for block in function.blocks
             for value in [_last_call(block, part)]
             if value is not None and _is_returned(block, value, returns_none)]
    if not calls:
        return
    entry = function.entry
    words = [value for value in entry.values if value.op == "livein" and value.imm != ENVIRONMENT]
    head = _split(function)
    phis = [function.new_value("phi", word.type, [], 0, head) for word in words]
    replace_values(function, dict(zip(words, phis, strict=True)))
    head.phis = phis
    for phi, word in zip(phis, words, strict=True):
        phi.args.append(word)
    for before, call in calls:
        block = head if before is entry else before
        del block.values[block.values.index(call) :]
        remove_edge(block, block.succs[0])
        function.jump(block, head)
        for phi, word in zip(phis, words, strict=True):
            phi.args.append(call.args[word.imm])


def _last_call(block: Block, part: int) -> Value | None:
    """The call of the part itself that is the last thing that a block does."""
    if block.term != JUMP:
        return None
    last = next((value for value in reversed(block.values) if not OPS[value.op].pure), None)
    return last if last is not None and last.op == "direct" and last.imm >> 1 == part else None


def _is_returned(block: Block, call: Value, returns_none: bool) -> bool:
    """Whether nothing happens on the way from a block to the return, of what the call gives."""
    known: dict[Value, Value] = {}
    for _ in range(LONGEST):
        following = block.succs[0]
        edge = following.preds.index(block)
        args = [phi.args[edge] for phi in following.phis]
        known.update(zip(following.phis, [known.get(arg, arg) for arg in args], strict=True))
        if not all(OPS[value.op].pure for value in following.values):
            return False
        if following.term == RETURN:
            result = following.targs[0]
            return returns_none or known.get(result, result) is call
        if following.term != JUMP:
            return False
        block = following
    return False


def _split(function: Function) -> Block:
    """Everything but what the function is called with moves to a block behind the entry."""
    entry = function.entry
    head = function.new_block()
    head.values = [value for value in entry.values if value.op != "livein"]
    entry.values = [value for value in entry.values if value.op == "livein"]
    for value in head.values:
        value.block = head
    head.term, head.cond, head.targs, head.succs = entry.term, entry.cond, entry.targs, entry.succs
    for following in head.succs:
        following.preds = [head if pred is entry else pred for pred in following.preds]
    entry.cond, entry.targs = "", []
    function.jump(entry, head)
    return head
