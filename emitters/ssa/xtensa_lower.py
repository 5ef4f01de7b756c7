"""What Xtensa has no instructions for: indexed accesses; on the LX106 division.

      v5 = loadx32.int v1, v2, #2    ->    v6 = shl.int v2, v7
                                           v8 = add.ptr32 v1, v6
                                           v5 = load32.int v8, #0

The shift and the sum are one instruction (addx4).  Divisions are left to `thumb1_lower`, which
makes calls of the run-time.  `counted` is for cores with zero-overhead loops: a loop that runs from
one number up to another gets a counter that goes down, if the body has no calls.
"""

from __future__ import annotations

from mpy_cross.emitters.ssa.cfg import Flow, Loop, uses_of
from mpy_cross.emitters.ssa.fold import entered_below
from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    INT,
    WIDTHS,
    WORD,
    Block,
    Function,
    Value,
    signed,
)
from mpy_cross.emitters.ssa.passes.pointers import counters_of

WITH_CALLS = ("call", "direct", "udiv", "urem")
"""Operations that are calls, at least on some cores."""


def indices(function: Function) -> None:
    """Indexed accesses to accesses at a sum."""
    for block in function.blocks:
        if not any(value.op.startswith(("loadx", "storex")) for value in block.values):
            continue
        values = block.values
        block.values = []
        for value in values:
            if value.op.startswith(("loadx", "storex")):
                base, index = value.args[:2]
                if value.imm:
                    amount = function.const(block, value.imm)
                    index = function.append(block, "shl", [index, amount])
                base = function.append(block, "add", [base, index], 0, base.type)
                value.op = value.op.replace("x", "")
                value.args[:2] = [base]
                value.imm = 0
            block.values.append(value)


def displacements(function: Function) -> None:
    """Accesses below an address, for which there is no displacement, get a lower address."""
    lowest: dict[Value, int] = {}
    for block in function.blocks:
        for value in block.values:
            if value.op in WIDTHS and value.imm < 0 and "x" not in value.op:
                base = value.args[0]
                lowest[base] = min(lowest.get(base, 0), value.imm)
    if not lowest:
        return
    uses = uses_of(function)
    changed: dict[Value, int] = {}
    for base, offset in lowest.items():
        accesses = [user for user in uses[base] if isinstance(user, Value)
                    and user.op in WIDTHS and user.args[0] is base and "x" not in user.op]
        if not _start_lower(function, base, offset, accesses, uses):
            changed.update((access, offset) for access in accesses if access.imm < 0)
    for block in dict.fromkeys(access.block for access in changed):
        values = block.values
        block.values = []
        for value in values:
            if value in changed:
                offset = changed[value]
                number = function.const(block, offset)
                base = value.args[0]
                value.args[0] = function.append(block, "add", [base, number], 0, base.type)
                value.imm -= offset
            block.values.append(value)


def _start_lower(
    function: Function, base: Value, offset: int, accesses: list[Value],
    uses: dict[Value, list[Value | Block]],
) -> bool:
    """Whether a pointer that goes through a loop, and is for accesses only, now starts lower."""
    if base.op != "phi":
        return False
    block = base.block
    steps = [arg for arg in base.args if arg.op == "add" and arg.args[0] is base]
    if len(base.args) != 2 or len(steps) != 1 or base in steps[0].args[1:]:
        return False
    following = steps[0]
    if any(user is not base for user in uses.get(following, ())):
        return False
    if any(user is not following and user not in accesses for user in uses[base]):
        return False
    if any(access.args.count(base) > 1 or access.imm - offset > 255 for access in accesses):
        return False
    edge = 1 - base.args.index(following)
    before = block.preds[edge]
    number = function.const(before, offset)
    base.args[edge] = function.append(before, "add", [base.args[edge], number], 0, base.type)
    for access in accesses:
        access.imm -= offset
    return True


def counted(function: Function) -> None:
    """Counters for zero-overhead loops."""
    inner: set[Block] = set()
    for loop in Flow(function).loops:  # inner ones first
        if not inner & loop.body and (_count(function, loop) or _is_counted(loop)):
            inner.add(loop.head)


def is_call_free(loop: Loop) -> bool:
    """Whether nothing in a loop may have a loop of its own."""
    return not any(value.op in WITH_CALLS for block in loop.body for value in block.values)


def _is_counted(loop: Loop) -> bool:
    """Whether the last test is that of a counter that goes down to 0."""
    latch = loop.latches[0]
    return len(loop.latches) == 1 and latch.cond == "ne" and latch.targs[1].is_const \
        and not latch.targs[1].imm and is_call_free(loop)


def _count(function: Function, loop: Loop) -> bool:
    before = loop.preheader()
    if before is None or len(loop.latches) != 1 or not is_call_free(loop):
        return False
    latch = loop.latches[0]
    if latch.term != BRANCH or latch.cond != "lt" or latch.succs[0] is not loop.head:
        return False
    following, limit = latch.targs
    if limit.block in loop.body and not limit.is_const:
        return False
    counter = next((one for one in counters_of(loop) if one.following is following), None)
    if counter is None or not counter.step.is_const:
        return False
    phi, first, step = counter.phi, counter.first, signed(counter.step.imm)
    if step <= 0 or step & (step - 1):
        return False
    if step > 1 and not (limit.is_const and signed(limit.imm) < 1 << 30):
        return False  # the sum might wrap
    if first.is_const and limit.is_const:
        if signed(first.imm) >= signed(limit.imm):
            return False
    elif not entered_below(phi, limit, latch):
        return False
    if limit.is_const:
        limit = function.const(before, limit.imm)
    count = limit
    if first.is_const and limit.is_const:
        count = function.const(before, -(-(limit.imm - first.imm & WORD) // step))
    else:
        if not (first.is_const and not first.imm):
            count = function.append(before, "sub", [limit, first])
        if step > 1:
            more = function.const(before, step - 1)
            count = function.append(before, "add", [count, more])
            amount = function.const(before, step.bit_length() - 1)
            count = function.append(before, "lsr", [count, amount])
    down = function.new_value("phi", INT, [], 0, loop.head)
    loop.head.phis.append(down)
    less = function.append(latch, "add", [down, function.const(latch, WORD)])
    down.args = [count, less] if loop.entry_edge() == 0 else [less, count]
    latch.cond = "ne"
    latch.targs = [less, function.const(latch, 0)]
    return True
