"""What both back ends for Thumb have in common: blocks, branches, labels, the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.ssa.ir import NEGATED
from mpy_cross.emitters.ssa.machine import (
    COPY,
    FIRST_VIRTUAL,
    SLOT,
    Convention,
    Ins,
    MBlock,
    MFunction,
)

CONDITION: Final = {"eq": 0, "ne": 1, "hs": 2, "lo": 3, "mi": 4, "pl": 5, "vs": 6, "vc": 7,
                    "hi": 8, "ls": 9, "ge": 10, "lt": 11, "gt": 12, "le": 13}
NEGATED_ALL: Final = {**NEGATED, "mi": "pl", "pl": "mi", "vs": "vc", "vc": "vs"}
THUMB: Final = Convention((0, 1, 2, 3, 5), 4, 0)
"""Of the registers that calls keep two are for parts: the function object hardly ever moves."""
BY_RESULT: Final = {"eq": "eq", "ne": "ne", "lt": "mi", "ge": "pl"}
"""Conditions of a comparison with 0, and those that flags by a result then have."""
NOT_PART: Final = -1
KEPT: Final = 0x4FF0
"""What a function keeps, with lr, as bits."""
CALLS: Final = frozenset(("call", "callto", "direct", "item", "routine"))
"""Instructions that change lr."""
B: Final = TABLE["b"]
B_IF: Final = TABLE["b_cond"]


@final
class Jump:
    """A branch whose size depends on the distance."""

    __slots__ = ("cond", "label", "may_link", "register", "size")

    def __init__(self, cond: str, label: int, register: int = -1) -> None:
        self.cond = cond
        """"" for always; with a register, eq or ne compares that with 0."""
        self.label = label
        self.register = register
        self.size = 2
        self.may_link = True
        """It may change lr."""


class ThumbCode:
    """The code of one function, as a list of items: bytes, jumps, labels and what a target adds."""

    __slots__ = ("_n_labels", "_names", "_spare", "function", "is_part", "links", "parts")

    def __init__(
        self, function: MFunction, parts: Sequence[MFunction] = (), first_label: int = NOT_PART
    ) -> None:
        """`parts`: functions that are called directly; their numbers are the labels of their
        beginnings.  `first_label`: of a part, the first label that is not in use yet."""
        self.function = function
        self.parts = parts
        self.is_part = first_label != NOT_PART
        self._n_labels = first_label if self.is_part else len(parts)
        self.links: list[tuple[int, int]] = []
        """Place and name, as in `RawCode.qstr_links`."""

    def put_jump(self, jump: Jump) -> None:
        raise NotImplementedError

    def put_label(self, label: int) -> None:
        raise NotImplementedError

    def put_block(self, block: MBlock, following: MBlock | None) -> None:
        """The instructions of a block, and what leads to the next one."""
        raise NotImplementedError

    def enter(self) -> None:
        """Save registers and make the frame.  Raises AllocationError if it is too big."""
        raise NotImplementedError

    def put_blocks(self) -> None:
        """The whole function.  Raises AllocationError for a frame that is too big."""
        function = self.function
        if function.n_slots and any(
                ins.op == COPY and uses_memory(ins) for b in function.blocks for ins in b.code):
            # ip moves words within the frame, and cannot break cycles at the same time.
            self._spare = SLOT + function.n_slots
            function.n_slots += 1
        self._names = {}
        for block in function.blocks:
            self._names[id(block)] = self.new_label()
        self.enter()
        blocks = function.blocks
        emitted = [block for block in blocks if block is blocks[0] or target_of(block) is block]
        for i, block in enumerate(emitted):
            following = emitted[i + 1] if i + 1 < len(emitted) else None
            self.put_label(self._names[id(block)])
            self.put_block(block, following)

    def put_branch(
        self, block: MBlock, cond: str, register: int, following: MBlock | None
    ) -> None:
        """What leads from a block to the next ones; `register`: as in `Jump`."""
        targets = [target_of(succ) for succ in block.succs]
        if len(targets) == 2 and targets[0] is targets[1]:
            targets.pop()
            cond = ""
        if len(targets) == 1:
            if targets[0] is not following:
                self.put_jump(Jump("", self._names[id(targets[0])]))
            return
        then, other = targets
        if then is following or (other is not following and other.depth > then.depth):
            then, other = other, then
            cond = NEGATED_ALL[cond]
        self.put_jump(Jump(cond, self._names[id(then)], register))
        if other is not following:
            self.put_jump(Jump("", self._names[id(other)]))

    def new_label(self) -> int:
        self._n_labels += 1
        return self._n_labels - 1

    def is_plain_leaf(self, written: int) -> bool:
        """Whether a part calls nothing, has no frame, and writes only registers that it may
        (`written`, as bits): it has nothing to put back."""
        function = self.function
        return self.is_part and not written & KEPT and not function.n_frame \
            and not function.n_slots and not any(
                ins.op in CALLS for block in function.blocks for ins in block.code)

    def slot(self, slot: int) -> int:
        """Where a spilled value is, in bytes from sp."""
        return (self.function.n_frame + slot) * 4


def written_registers(function: MFunction) -> int:
    """Registers of the target that a function writes to, as bits."""
    used = 0
    for block in function.blocks:
        for ins in block.code:
            for register in ins.dests:
                if register < FIRST_VIRTUAL:
                    used |= 1 << register
    return used


def put_registers(function: MFunction) -> None:
    """The registers that were chosen in place of those to be chosen; copies that do nothing go."""
    chosen = {**function.registers, **FIXED}
    for slot in range(SLOT, SLOT + function.n_slots):
        chosen[slot] = slot
    place_of = chosen.__getitem__
    for block in function.blocks:
        code: list[Ins] = []
        for ins in block.code:
            dests, srcs = ins.dests, ins.srcs
            if ins.op == COPY:
                dests[:] = map(place_of, dests)
                srcs[:] = map(place_of, srcs)
                if dests == srcs or (code and _is_back(code[-1], ins)):
                    continue
            else:
                if dests:
                    dests[0] = chosen[dests[0]]
                if srcs:
                    srcs[0] = chosen[srcs[0]]
                    for i in range(1, len(srcs)):
                        srcs[i] = chosen[srcs[i]]
            code.append(ins)
        block.code = code


FIXED: Final = {register: register for register in range(FIRST_VIRTUAL)}


def _is_back(first: Ins, copy: Ins) -> bool:
    """mov r5, r0; mov r0, r5"""
    return (first.op == COPY and len(first.dests) == len(copy.dests) == 1
            and first.dests == copy.srcs and first.srcs == copy.dests)


def uses_memory(copy: Ins) -> bool:
    """Whether words of the frame are both read and written."""
    return max(copy.dests) >= SLOT and max(copy.srcs) >= SLOT


def target_of(block: MBlock) -> MBlock:
    """Where control goes on from a block that does nothing."""
    seen: set[int] = set()
    while not block.code and len(block.succs) == 1 and id(block) not in seen:
        seen.add(id(block))
        block = block.succs[0]
    return block
