"""Short branches choose one of two values instead, on cores that move under a condition.

    b0:                                   b0:
      br lt v1, v2 -> b1, b2                v3 = select.int lt v1, v2, v2, v1
    b1: preds b0                  ->        jmp b2
      jmp b2                              b2: preds b0
    b2: preds b0, b1                        v4 = phi.int v3
      v4 = phi.int v1, v2

Operations on both ways are done in any case, if they are few and cheap; accesses to memory never
are.  Such a core tests a register against 0 (moveqz, movnez, movltz, movgez), so there has to be
one, or a difference; or what is chosen is the smaller or the larger one of what is compared.  What
pays is reckoned with three cycles for a branch that is taken and one for everything else.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from mpy_cross.emitters.ssa.cfg import remove_edge
from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    CONDITIONS,
    JUMP,
    NEGATED,
    OBJ,
    Block,
    Function,
    Value,
    signed,
)

CHEAP: Final = frozenset(("add", "sub", "and", "or", "xor", "shl", "lsr", "asr"))
SHIFTS: Final = ("shl", "lsr", "asr")
BY_ZERO: Final = ("eq", "ne", "lt", "ge")
ORDERS: Final = ("lt", "le", "gt", "ge", "lo", "ls", "hi", "hs")
MOST_OF_BOTH: Final = 3
"""Operations, the test included, where both ways have something."""


@final
class Ways(NamedTuple):
    """What a branch chooses from: blocks on the way, and where they meet."""

    then: Block | None
    other: Block | None
    join: Block


def run(function: Function) -> None:
    """For a core that has instructions for the smaller and the larger one."""
    _run(function, True)


def without_extremes(function: Function) -> None:
    """For a core that has none."""
    _run(function, False)


def _run(function: Function, extremes: bool) -> None:
    for block in reversed(function.blocks[:]):
        if block.term == BRANCH and block.cond in CONDITIONS:
            ways = _ways(block)
            if ways is not None:
                _choose(function, block, ways, extremes)


def _ways(block: Block) -> Ways | None:
    then, other = block.succs
    after_then, after_other = _end(then), _end(other)
    if then is other or then is block or other is block:
        return None
    if after_then is other:
        return Ways(then, None, other)
    if after_other is then:
        return Ways(None, other, then)
    if after_then is not None and after_then is after_other:
        return Ways(then, other, after_then)
    return None


def _end(arm: Block) -> Block | None:
    """Where control goes on from a block whose operations may always be done."""
    if len(arm.preds) != 1 or arm.phis or arm.term != JUMP or arm.is_cold:
        return None
    for value in arm.values:
        if value.op in SHIFTS and not value.args[1].is_const:
            return None
        if value.op not in CHEAP and not value.is_const and not _is_extreme(value):
            return None
    return arm.succs[0]


def _is_extreme(value: Value) -> bool:
    """Whether the smaller or the larger one of two values is chosen."""
    return (value.op == "select" and CONDITIONS[value.imm] in ORDERS
            and value.args[2] is not value.args[3]
            and all(arg in value.args[:2] for arg in value.args[2:]))


def _is_same(x: Value, y: Value) -> bool:
    return x is y or (x.is_const and y.is_const and x.imm == y.imm)


def _choose(function: Function, block: Block, ways: Ways, extremes: bool) -> None:
    join = ways.join
    edges = [join.preds.index(arm or block) for arm in (ways.then, ways.other)]
    phis = [phi for phi in join.phis if not _is_same(*(phi.args[edge] for edge in edges))]
    if len(phis) != 1 or phis[0].type == OBJ:
        return
    phi = phis[0]
    x, y = block.targs
    a, b = (phi.args[edge] for edge in edges)
    cond = block.cond
    values = [value for arm in (ways.then, ways.other) if arm for value in arm.values]
    found = _extreme(cond, x, y, a, b) if extremes else None
    if found is not None and all(value.is_const or value in (a, b) for value in values):
        cond, x, y, a, b = found
    elif not _pays(block, ways, values):
        return
    elif not (y.is_const and not y.imm):
        if y.is_const:
            x = function.append(block, "add", [x, function.const(block, -y.imm)])
        else:
            x = function.append(block, "sub", [x, y])
        y = function.const(block, 0)
    for value in values:
        value.block = block
    block.values += values
    phi.args[edges[0]] = phi.args[edges[1]] = function.append(
        block, "select", [x, y, a, b], CONDITIONS.index(cond), phi.type)
    if ways.then and ways.other:
        join.preds[edges[0]] = block
        remove_edge(ways.other, join)
    else:
        remove_edge(ways.then or ways.other or block, join)
    function.blocks = [one for one in function.blocks if one not in (ways.then, ways.other)]
    block.term = JUMP
    block.cond = ""
    block.targs = []
    block.succs = [join]


def _extreme(
    cond: str, x: Value, y: Value, a: Value, b: Value
) -> tuple[str, Value, Value, Value, Value] | None:
    """Condition and operands of a choice of the smaller or larger one, if it is that."""
    if cond not in ORDERS:
        return None
    if _is_same(a, x) and _is_same(b, y):
        return cond, x, y, x, y
    if _is_same(a, y) and _is_same(b, x):
        return cond, x, y, y, x
    # hi if x > hi else max(x, lo): as well min(max(x, lo), hi), if lo is not above hi.
    if not _is_same(a, y):
        cond, a, b = NEGATED[cond], b, a
    if not (_is_same(a, y) and y.is_const and _is_extreme(b) and b.args[0] is x
            and b.args[1].is_const):
        return None
    inner = CONDITIONS[b.imm]
    if b.args[2] is x:
        inner = NEGATED[inner]
    limit, other = signed(y.imm), signed(b.args[1].imm)
    if (cond in ("gt", "ge") and inner in ("lt", "le") and other <= limit) or (
            cond in ("lt", "le") and inner in ("gt", "ge") and other >= limit):
        return cond, b, y, y, b
    return None


def _pays(block: Block, ways: Ways, values: list[Value]) -> bool:
    x, y = block.targs
    if any(value.op == "select" for value in values):
        return False
    done = {(value.op, value.imm, *(arg.imm if arg.is_const else -1 - arg.id
                                    for arg in value.args))
            for value in values if not value.is_const}
    n = len(done)
    if not (y.is_const and not y.imm and block.cond in BY_ZERO):
        if block.cond not in ("eq", "ne") or OBJ in (x.type, y.type):
            return False
        n += 1
    elif x.op == "and" and x.block is block:
        n += 1  # the branch tests bits itself
    return n <= MOST_OF_BOTH if ways.then and ways.other else not n
