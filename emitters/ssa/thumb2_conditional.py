"""Short branches become instructions under a condition; registers have been chosen.

        tst r3, #1                       tst r3, #1
        beq L1                           lsr r3, r3, #1
        lsr r3, r3, #1             ->    it ne
        eor r3, r1                       eorne r3, r1
        b L2
    L1: lsr r3, r3, #1
    L2:

What both ways begin with is done before.  Accesses to the program's memory, divisions and calls
stay where they are.  What pays is reckoned with the cycles of a Cortex-M4: three for a branch that
is taken, one for everything else, `it` included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, final

from mpy_cross.emitters.ssa.machine import CONST, COPY, RELOAD, SLOT, SPILL, Ins, MBlock, MFunction
from mpy_cross.emitters.ssa.tails import is_same
from mpy_cross.emitters.ssa.thumb_code import target_of

IT: Final = "it"
"""Of the instructions behind it the first nums[0] are for its condition, the others for the
opposite; imm instructions stand between the one that sets the flags and this one."""
MOST: Final = 4
"""Instructions under one condition."""
MOST_SKIPPED: Final = 1
"""Where one way has none: with more a branch over them is as fast."""
CHEAP: Final = frozenset((
    COPY, CONST, RELOAD, SPILL, "add", "sub", "rsb", "and", "orr", "eor", "bic", "orn", "mvn",
    "addi", "rsbi", "andi", "orri", "eori", "bici", "orni", "lsl", "lsr", "asr", "lsli", "lsri",
    "asri", "rori", "mul", "mla", "mls", "uxtb", "uxth", "ubfx", "sbfx", "rev16", "addsp",
))
BY_CARRY: Final = {"ne": "hs", "eq": "lo"}
"""What a shift right says of the last bit that it drops."""


@final
class Ways(NamedTuple):
    """What the two ways out of a block do until they meet."""

    then: MBlock | None
    other: MBlock | None
    join: MBlock


def run(function: MFunction, length: Callable[[Ins], int], is_zero_test: Callable[[MBlock], bool]
        ) -> None:
    """Put the ways out of blocks into the blocks.

    `length`: how many machine instructions one becomes; `is_zero_test`: whether the branch compares
    with 0 itself, without flags.
    """
    blocks = function.blocks
    for i, block in enumerate(blocks):
        if block.cond and len(block.succs) == 2:
            ways = _ways(block)
            if ways is not None and _pays(blocks, i, ways, length, is_zero_test(block)):
                _convert(block, ways)
    reached = {id(blocks[0])}
    stack = blocks[:1]
    while stack:
        for succ in stack.pop().succs:
            if id(succ) not in reached:
                reached.add(id(succ))
                stack.append(succ)
    function.blocks = [block for block in blocks if id(block) in reached]


def _ways(block: MBlock) -> Ways | None:
    then, other = (target_of(succ) for succ in block.succs)
    if then is other:
        return None
    after_then, after_other = _end(then, block), _end(other, block)
    if after_then is other:
        return Ways(then, None, other)
    if after_other is then:
        return Ways(None, other, then)
    if after_then is not None and after_then is after_other:
        return Ways(then, other, after_then)
    return None


def _end(arm: MBlock, top: MBlock) -> MBlock | None:
    """Where control goes on behind a block that can stand under a condition."""
    if arm.cond or len(arm.succs) != 1 or (arm.block.is_cold and not top.block.is_cold):
        return None
    for ins in arm.code:
        if ins.op not in CHEAP or (ins.op == COPY and max(*ins.dests, *ins.srcs) >= SLOT):
            return None
    return target_of(arm.succs[0])


def _pays(
    blocks: list[MBlock], at: int, ways: Ways, length: Callable[[Ins], int], is_zero_test: bool
) -> bool:
    arms = [arm for arm in (ways.then, ways.other) if arm is not None]
    sizes = [sum(length(ins) for ins in arm.code) for arm in arms]
    if any(len(arm.preds) > 1 and size > 1 for arm, size in zip(arms, sizes, strict=True)):
        return False  # it would be there twice
    if len(arms) == 2:
        n_common = _n_common(arms[0].code, arms[1].code)
        shared = sum(length(ins) for ins in arms[0].code[:n_common])
        return sum(sizes) - 2 * shared <= (2 if is_zero_test else MOST)
    if is_zero_test or sizes[0] > MOST_SKIPPED:
        return False
    # What comes next has to be where both ways meet, or there is a branch anyway.
    for block in blocks[at + 1 :]:
        if target_of(block) is block and not (block is arms[0] and len(block.preds) == 1):
            return block is ways.join
    return False


def _n_common(one: list[Ins], other: list[Ins]) -> int:
    """How many instructions both begin with; one of them has more."""
    n = 0
    while n < min(len(one), len(other)) and is_same(one[n], other[n]):
        n += 1
    return n if n < max(len(one), len(other)) else n - 1


def _convert(block: MBlock, ways: Ways) -> None:
    then = ways.then.code if ways.then else []
    other = ways.other.code if ways.other else []
    n_common = _n_common(then, other) if ways.then and ways.other else 0
    common = then[:n_common]
    test = block.code[-1]
    cond = block.cond
    if common and test.op == "tsti" and cond in BY_CARRY and common[0].op in ("lsri", "asri") \
            and common[0].srcs == test.srcs and test.imm == 1 << common[0].imm - 1:
        block.code.pop()
        cond = BY_CARRY[cond]
        n_common -= 1
    mark = Ins(IT, [], [], n_common, 0, cond)
    mark.nums = (len(then) - len(common), len(other) - len(common))
    block.code += [*common, mark, *then[len(common) :], *other[len(common) :]]
    block.cond = ""
    for succ in block.succs:
        succ.preds.remove(block)
    block.succs = [ways.join]
    ways.join.preds.append(block)
