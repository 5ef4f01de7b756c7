"""Two comparisons of a value with numbers that lead to the same place become one.

      br lt v1, v2 -> b9, b1           v4 = add.int v1, v5      ; v1 - 48
    b1: preds b0                 ->    br hs v4, v6 -> b9, b2   ; 10
      br gt v1, v3 -> b9, b2         b2: preds b0
    b2: preds b1

Of a number less than 48 or greater than 57 the difference, without a sign, is 10 or more.  What
leads to a place is an interval on the circle of all words; two that touch are one.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from mpy_cross.emitters.ssa.cfg import order_of, remove_edge
from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    INT,
    JUMP,
    NEGATED,
    OBJ,
    WORD,
    Block,
    Function,
    Value,
    signed,
)

ALL: Final = WORD + 1
HALF: Final = 1 << 31


@final
class Interval(NamedTuple):
    """Words from `first` on, as a circle; neither none nor all."""

    first: int
    size: int


@final
class Test(NamedTuple):
    """Whether a value is in an interval."""

    value: Value
    interval: Interval


def run(function: Function) -> None:
    if function.tagged:
        return
    order = order_of(function)
    gone = _skip_empty(order)
    for block in order:
        while block not in gone and block.term == BRANCH and _join(function, block, gone):
            pass
    function.blocks = [block for block in function.blocks if block not in gone]


def _skip_empty(order: list[Block]) -> set[Block]:
    """Lead past blocks that do nothing, but for those ahead of loops; what is left out."""
    numbers = {block: i for i, block in enumerate(order)}
    gone: set[Block] = set()
    for block in order[1:]:
        if block.term != JUMP or block.phis or block.values:
            continue
        to = block.succs[0]
        if to.phis or any(numbers[pred] >= numbers[to] for pred in to.preds if pred not in gone):
            continue
        to.preds.remove(block)
        for pred in block.preds:
            pred.succs[pred.succs.index(block)] = to
            to.preds.append(pred)
        gone.add(block)
    return gone


def interval_of(cond: str, number: int) -> Interval | None:
    """The words that compare like that; None if there are none, or if all do."""
    if number == {"le": HALF - 1, "gt": HALF - 1, "ls": WORD, "hi": WORD}.get(cond):
        return None
    if cond in ("le", "gt", "ls", "hi"):
        cond = {"le": "lt", "gt": "ge", "ls": "lo", "hi": "hs"}[cond]
        number = number + 1 & WORD
    size = {"eq": 1, "ne": ALL - 1, "lt": signed(number) + HALF, "ge": HALF - signed(number),
            "lo": number, "hs": ALL - number}[cond]
    first = {"eq": number, "ne": number + 1 & WORD, "lt": HALF, "ge": number, "lo": 0,
             "hs": number}[cond]
    return Interval(first, size) if 0 < size < ALL else None


def union(one: Interval, other: Interval) -> Interval | None:
    """Both together, if that is an interval."""
    for a, b in ((one, other), (other, one)):
        distance = b.first - a.first & WORD
        if distance <= a.size:
            size = max(a.size, distance + b.size)
            return Interval(a.first, size) if size < ALL else None
    return None


def _test(block: Block, to: Block) -> Test | None:
    """What a block tests before it goes there."""
    x, y = block.targs
    if block.term != BRANCH or block.cond not in NEGATED or not y.is_const or x.type == OBJ \
            or block.succs[0] is block.succs[1]:
        return None
    cond = block.cond if block.succs[0] is to else NEGATED[block.cond]
    interval = interval_of(cond, y.imm)
    if interval is not None and x.op == "add" and x.args[1].is_const:
        return Test(x.args[0], Interval(interval.first - x.args[1].imm & WORD, interval.size))
    return interval and Test(x, interval)


def _join(function: Function, block: Block, gone: set[Block]) -> bool:
    """Take the test of the following block into this one."""
    for to, following in (block.succs, block.succs[::-1]):
        if (
            following.term != BRANCH or len(following.preds) != 1 or following.phis
            or to not in following.succs or following is to
            or not all(value.is_const for value in following.values)
        ):
            continue
        one, other = _test(block, to), _test(following, to)
        if one is None or other is None or one.value is not other.value:
            continue
        edges = to.preds.index(block), to.preds.index(following)
        if any(not _is_same(*(phi.args[edge] for edge in edges)) for phi in to.phis):
            continue
        if not _compare(function, block, one, other):
            continue
        beyond = following.succs[1 - following.succs.index(to)]
        remove_edge(following, to)
        beyond.preds[beyond.preds.index(following)] = block
        # Their numbers may be read by phis.
        for value in following.values:
            value.block = block
        block.values += following.values
        block.succs = [to, beyond]
        gone.add(following)
        return True
    return False


def _is_same(x: Value, y: Value) -> bool:
    return x is y or (x.is_const and y.is_const and x.imm == y.imm)


def _compare(function: Function, block: Block, one: Test, other: Test) -> bool:
    """Let the block test for both; whether one test can."""
    x = one.value
    both = union(one.interval, other.interval)
    if both is None:
        return False
    cond, less, number = as_test(both)
    if less:
        x = function.append(block, "add", [x, function.const(block, -less)], 0, INT)
    block.cond = cond
    block.targs = [x, function.const(block, number)]
    return True


def as_test(interval: Interval) -> tuple[str, int, int]:
    """Condition, what is subtracted from a value before, and the number."""
    first, size = interval
    end = first + size & WORD
    if size == 1:
        return "eq", 0, first
    if size == ALL - 1:
        return "ne", 0, end
    if not first:
        return "lo", 0, end
    if not end:
        return "hs", 0, first
    if first == HALF:
        return "lt", 0, end
    if end == HALF:
        return "ge", 0, first
    if size <= HALF:
        return "lo", first, size
    return "hs", end, ALL - size
