"""Values that get no register move to the frame, for `regalloc`.

      v7 = add v5, v6                reload v8 = slot 0
                                     v9 = add v8, v6
                             ->      spill slot 1 = v9

Constants are made again where they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from mpy_cross.emitters.ssa.bits import powers
from mpy_cross.emitters.ssa.machine import (
    CONST,
    COPY,
    FIRST_VIRTUAL,
    NONE,
    RELOAD,
    SLOT,
    SPILL,
    Ins,
)

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.regalloc import Allocator

PAYS: Final = 8.0
"""Uses, those of loops weighted, that pay for saving a second register."""

def take_apart(allocator: Allocator, spilled: list[int]) -> bool:
    """In a function with handlers a place in the frame belongs to one value: what was there
    at nlr_push shall be there still when that returns again, while registers are then put
    back.  So values that became one and have to be spilled are one no longer."""
    if not allocator.function.source.has_handler:
        return False
    find = allocator.find
    members = [v for v in allocator.rep if find(v) in spilled]
    allocator.apart.update(members, map(find, members))
    return bool(members)


def spill(allocator: Allocator, spilled: list[int]) -> list[int]:
    """Move values to the frame, or to second registers; constants are made again where they
    are used.  The blocks that have changed."""
    find, bits = allocator.find, allocator.bits
    nodes = set(spilled)
    members = {v for v in allocator.nodes if find(v) in nodes}
    mask = 0
    for v in members:
        mask |= bits[v]
    blocks = allocator.function.blocks
    places = [i for i in range(len(blocks)) if (allocator.uses[i] | allocator.defs[i]) & mask]
    spiller = Spiller(allocator, spilled, members, places)
    for i in places:
        blocks[i].code = spiller.rewritten(blocks[i].code)
    allocator.bits = bits = powers(allocator.function.n_virtual)
    gone = 0
    for v in members:
        if find(v) not in allocator.promoted:
            gone |= bits[v]
    allocator.live_in = [live & ~gone for live in allocator.live_in]
    return places


@final
class Spiller:
    """Where values go, and the instructions for that."""

    __slots__ = ("_allocator", "_find", "_homes", "_members", "_numbers", "_promoted", "_soft")

    def __init__(
        self, allocator: Allocator, spilled: list[int], members: set[int], places: list[int]
    ) -> None:
        self._allocator = allocator
        self._find = allocator.find
        self._soft = allocator.soft
        self._members = members
        self._homes: dict[int, int] = {}
        """Places in the frame."""
        self._numbers = numbers = self._constants(places)
        self._promoted = allocator.promoted = {
            node for node in spilled if node not in numbers and self._is_promoted(node)}
        allocator.high.update(v for v in members if self._find(v) in self._promoted)
        function = allocator.function
        for node in spilled:
            if node not in numbers and node not in self._promoted:
                self._homes[node] = function.n_slots
                function.n_slots += 1

    def _is_promoted(self, node: int) -> bool:
        """Whether a value moves to a second register: one that costs nothing to use, or, where
        that pays for saving it, any."""
        allocator = self._allocator
        second = allocator.second
        if second is None or node in allocator.high:
            return False
        near = allocator.near[node]
        return allocator.weights[node] + allocator.gains[node] >= PAYS or any(
            not near >> register & 1 for register in second.registers[: second.n_free])

    def _constants(self, places: list[int]) -> dict[int, int]:
        """Spilled values that are one constant; `places`: blocks that have any."""
        allocator, members = self._allocator, self._members
        made: dict[int, list[Ins]] = {}
        for i in places:
            for ins in allocator.function.blocks[i].code:
                for d in ins.dests:
                    if d in members:
                        made.setdefault(self._find(d), []).append(ins)
        return {node: ins[0].imm for node, ins in made.items()
                if len(ins) == 1 and ins[0].op == CONST
                and not (allocator.second and node not in allocator.high
                         and allocator.gains[node] >= PAYS)}

    def rewritten(self, code: list[Ins]) -> list[Ins]:
        """The instructions of a block."""
        members = self._members
        new: list[Ins] = []
        for ins in code:
            if members.isdisjoint(ins.srcs) and members.isdisjoint(ins.dests):
                new.append(ins)
            elif ins.op == COPY:
                self._rewrite_copy(ins, new)
            else:
                self._rewrite(ins, new)
        return new

    def _rewrite(self, ins: Ins, code: list[Ins]) -> None:
        find, homes, numbers = self._find, self._homes, self._numbers
        new: dict[int, int] = {}
        for i, s in enumerate(ins.srcs):
            if s < FIRST_VIRTUAL:
                continue
            node = find(s)
            if node in new:
                ins.srcs[i] = new[node]
            elif node in homes or node in numbers:
                temp = self._temporary(node)
                new[node] = ins.srcs[i] = temp
                if node in homes:
                    code.append(Ins(RELOAD, [temp], [], homes[node]))
                else:
                    code.append(Ins(CONST, [temp], [], numbers[node]))
            elif node in self._promoted and ins.op not in self._soft:
                temp = self._temporary()
                new[node] = ins.srcs[i] = temp
                code.append(Ins(COPY, [temp], [s]))
        if len(ins.dests) == 1 and ins.dests[0] >= FIRST_VIRTUAL:
            node = find(ins.dests[0])
            if node in numbers:
                return
            if node in homes:
                temp = self._temporary(node)
                ins.dests[0] = temp
                code.append(ins)
                code.append(Ins(SPILL, [], [temp], homes[node]))
                return
            second = self._allocator.second
            if node in self._promoted and second and ins.op not in second.results:
                temp = self._temporary()
                code.append(ins)
                code.append(Ins(COPY, [ins.dests[0]], [temp]))
                ins.dests[0] = temp
                return
        code.append(ins)

    def _rewrite_copy(self, ins: Ins, code: list[Ins]) -> None:
        find, homes, numbers = self._find, self._homes, self._numbers
        constants: list[Ins] = []
        dests: list[int] = []
        srcs: list[int] = []
        for d, s in zip(ins.dests, ins.srcs, strict=True):
            if FIRST_VIRTUAL <= d < SLOT and find(d) in homes:
                d = SLOT + homes[find(d)]
            if FIRST_VIRTUAL <= s < SLOT:
                node = find(s)
                if node in homes:
                    s = SLOT + homes[node]
                elif node in numbers:
                    if d >= SLOT:
                        temp = self._temporary()
                        constants.append(Ins(CONST, [temp], [], numbers[node]))
                        constants.append(Ins(SPILL, [], [temp], d - SLOT))
                    else:
                        constants.append(Ins(CONST, [d], [], numbers[node]))
                    continue
            if d != s:
                dests.append(d)
                srcs.append(s)
        if dests:
            ins.dests, ins.srcs = dests, srcs
            code.append(ins)
        code += constants

    def _temporary(self, node: int = NONE) -> int:
        """A register for a short time, in place of another one."""
        function = self._allocator.function
        temp = function.new_register()
        self._allocator.temporary.add(temp)
        if node in function.floats:
            function.floats.add(temp)
        return temp
