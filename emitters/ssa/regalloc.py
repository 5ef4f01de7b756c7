"""Registers for values: coalescing of copies, a scan in linear order, spilling where it fails.

Which values are alive at the same time is found exactly, block by block.  Copies that phis need are
coalesced where source and destination are never alive together, those of inner loops first.  Then
values get registers in the order in which they begin.  Where none is left, the value that costs
least moves to the frame, with short-lived registers at its uses, and all begins anew.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emitters.ssa.machine import (
    CONST,
    COPY,
    FIRST_VIRTUAL,
    RELOAD,
    SLOT,
    SPILL,
    Ins,
    MFunction,
)

MAX_ROUNDS: Final = 40
INFINITE: Final = 1e30


@final
class AllocationError(Exception):
    """No registers can be found: too few for one instruction."""


@final
class Allocator:
    """One round after the other over one function."""

    __slots__ = ("copies", "function", "hints", "live_in", "near", "positions", "registers",
                 "rep", "starts", "temporary", "weights")

    def __init__(self, function: MFunction, registers: tuple[int, ...]) -> None:
        self.function = function
        self.registers = registers
        self.rep: dict[int, int] = {}
        self.temporary: set[int] = set()
        """Registers made for spilled values: never spilled again."""

    def run(self) -> None:
        """Fill `function.registers`.  Raises AllocationError."""
        for _ in range(MAX_ROUNDS):
            spilled = self._one_round()
            if not spilled:
                return
            self._spill(spilled)
        raise AllocationError(f"no registers for {self.function.source.name}")

    # ---------------------------------------------------------------------------------- liveness

    def _liveness(self) -> None:
        blocks = self.function.blocks
        uses: list[set[int]] = []
        defs: list[set[int]] = []
        for block in blocks:
            used: set[int] = set()
            defined: set[int] = set()
            for ins in block.code:
                for register in ins.srcs:
                    if register not in defined and register < SLOT:
                        used.add(register)
                defined.update(ins.dests)
            uses.append(used)
            defs.append(defined)
        live_in: dict[int, set[int]] = {id(block): set() for block in blocks}
        changed = True
        while changed:
            changed = False
            for i in range(len(blocks) - 1, -1, -1):
                block = blocks[i]
                live: set[int] = set()
                for succ in block.succs:
                    live |= live_in[id(succ)]
                live -= defs[i]
                live |= uses[i]
                if live != live_in[id(block)]:
                    live_in[id(block)] = live
                    changed = True
        self.live_in = live_in

    def _interference(self) -> None:
        """Which registers are alive together; where each begins; how much each is used."""
        near: dict[int, set[int]] = {}
        starts: dict[int, int] = {}
        weights: dict[int, float] = {}
        copies: list[tuple[int, int, int]] = []
        hints: dict[int, list[int]] = {}
        position = 0
        for block in self.function.blocks:
            live: set[int] = set()
            for succ in block.succs:
                live |= self.live_in[id(succ)]
            weight = 8.0 ** min(block.depth, 6)
            if block.block.is_cold:
                weight = 0.1
            for at in range(len(block.code) - 1, -1, -1):
                ins = block.code[at]
                dests = [r for r in ins.dests if r < SLOT]
                srcs = [r for r in ins.srcs if r < SLOT]
                if ins.op == COPY:
                    for d, s in zip(ins.dests, ins.srcs, strict=True):
                        if d < SLOT and s < SLOT:
                            hints.setdefault(d, []).append(s)
                            hints.setdefault(s, []).append(d)
                            if d >= FIRST_VIRTUAL and s >= FIRST_VIRTUAL:
                                copies.append((block.depth, d, s))
                elif dests and srcs:
                    hints.setdefault(dests[0], []).append(srcs[0])
                    hints.setdefault(srcs[0], []).append(dests[0])
                for d in dests:
                    others = live.copy()
                    others.update(dests)
                    if ins.early:
                        others.update(srcs)
                    if ins.op == COPY:
                        others.discard(ins.srcs[ins.dests.index(d)])
                    others.discard(d)
                    known = near.get(d)
                    if known is None:
                        near[d] = others
                    else:
                        known |= others
                    for other in others:
                        near.setdefault(other, set()).add(d)
                    starts[d] = position + at
                    weights[d] = weights.get(d, 0.0) + weight
                live.difference_update(dests)
                if ins.clobbers:
                    for c in ins.clobbers:
                        near.setdefault(c, set()).update(live)
                        for other in live:
                            near.setdefault(other, set()).add(c)
                for s in srcs:
                    weights[s] = weights.get(s, 0.0) + weight
                live.update(srcs)
            position += len(block.code) + 1
        self.near = near
        self.starts = starts
        self.weights = weights
        self.copies = copies
        self.hints = hints

    # -------------------------------------------------------------------------------- one round

    def find(self, register: int) -> int:
        rep = self.rep
        first = register
        while register in rep:
            register = rep[register]
        while first != register:
            rep[first], first = register, rep[first]
        return register

    def _coalesce(self) -> None:
        near, weights, starts = self.near, self.weights, self.starts
        for _, d, s in sorted(self.copies, key=lambda copy: -copy[0]):
            x, y = self.find(d), self.find(s)
            if x == y or y in near.get(x, ()):
                continue
            self.rep[y] = x
            moved = near.pop(y, set())
            near.setdefault(x, set()).update(moved)
            for other in moved:
                neighbours = near[other]
                neighbours.discard(y)
                neighbours.add(x)
            weights[x] = weights.get(x, 0.0) + weights.pop(y, 0.0)
            starts[x] = min(starts.get(x, 1 << 30), starts.pop(y, 1 << 30))
            if y in self.temporary:
                self.temporary.add(x)
            self.hints.setdefault(x, []).extend(self.hints.pop(y, ()))

    def _one_round(self) -> list[int]:
        """Choose registers; those that have to be spilled."""
        self._liveness()
        self._interference()
        self.rep = {}
        if not self.function.source.has_handler:
            self._coalesce()
        # Else what was there at nlr_push shall be there still when it returns again: a place in
        # the frame belongs to one value.
        near = self.near
        chosen: dict[int, int] = {}
        spilled: list[int] = []
        nodes = [r for r in set(self.starts) | set(near) if r >= FIRST_VIRTUAL]
        nodes.sort(key=lambda r: (self.starts.get(r, 0), r))
        for node in nodes:
            taken = set()
            for other in near.get(node, ()):
                if other < FIRST_VIRTUAL:
                    taken.add(other)
                elif other in chosen:
                    taken.add(chosen[other])
            register = self._choose(node, taken, chosen)
            if register >= 0:
                chosen[node] = register
            else:
                self._make_room(node, chosen, spilled)
        if not spilled:
            registers = self.function.registers
            registers.clear()
            for v in range(FIRST_VIRTUAL, self.function.n_virtual):
                register = chosen.get(self.find(v), -1)
                if register >= 0:
                    registers[v] = register
        return spilled

    def _choose(self, node: int, taken: set[int], chosen: dict[int, int]) -> int:
        for hint in self.hints.get(node, ()):
            if hint >= FIRST_VIRTUAL:
                hint = chosen.get(self.find(hint), -1)
            if hint >= 0 and hint not in taken and hint in self.registers:
                return hint
        for register in self.registers:
            if register not in taken:
                return register
        return -1

    def _cost(self, register: int) -> float:
        if register in self.temporary:
            return INFINITE
        return self.weights.get(register, 0.0) / (len(self.near.get(register, ())) + 1)

    def _make_room(self, node: int, chosen: dict[int, int], spilled: list[int]) -> None:
        """Spill the node, or the only neighbour that has some register, whichever costs less."""
        fixed: set[int] = set()
        owners: dict[int, list[int]] = {}
        for other in self.near.get(node, ()):
            if other < FIRST_VIRTUAL:
                fixed.add(other)
            elif other in chosen:
                owners.setdefault(chosen[other], []).append(other)
        best, best_cost = node, self._cost(node)
        for register, others in owners.items():
            if register in fixed or register not in self.registers:
                continue
            cost = sum(self._cost(other) for other in others)
            if cost < best_cost:
                best, best_cost = register, cost
        if best is node or best == node:
            if best_cost >= INFINITE:
                raise AllocationError(f"too few registers for {self.function.source.name}")
            spilled.append(node)
            return
        for other in owners[best]:
            del chosen[other]
            spilled.append(other)
        chosen[node] = best

    # ---------------------------------------------------------------------------------- spilling

    def _spill(self, spilled: list[int]) -> None:
        """Move values to the frame; constants are made again where they are used."""
        function = self.function
        homes: dict[int, int] = {}
        numbers = self._constants({v for v in range(FIRST_VIRTUAL, function.n_virtual)
                                   if self.find(v) in spilled}, spilled)
        for node in spilled:
            if node not in numbers:
                homes[node] = function.n_slots
                function.n_slots += 1
        for block in function.blocks:
            code: list[Ins] = []
            for ins in block.code:
                self._rewrite(ins, code, homes, numbers)
            block.code = code

    def _constants(self, members: set[int], spilled: list[int]) -> dict[int, int]:
        """Spilled values that are one constant."""
        made: dict[int, list[Ins]] = {}
        for block in self.function.blocks:
            for ins in block.code:
                for d in ins.dests:
                    if d in members:
                        made.setdefault(self.find(d), []).append(ins)
        return {node: ins[0].imm for node, ins in made.items()
                if len(ins) == 1 and ins[0].op == CONST}

    def _rewrite(
        self, ins: Ins, code: list[Ins], homes: dict[int, int], numbers: dict[int, int]
    ) -> None:
        if ins.op == COPY:
            self._rewrite_copy(ins, code, homes, numbers)
            return
        new: dict[int, int] = {}
        for i, s in enumerate(ins.srcs):
            if s < FIRST_VIRTUAL:
                continue
            node = self.find(s)
            if node in new:
                ins.srcs[i] = new[node]
            elif node in homes or node in numbers:
                temp = self._temporary()
                new[node] = ins.srcs[i] = temp
                if node in homes:
                    code.append(Ins(RELOAD, [temp], [], homes[node]))
                else:
                    code.append(Ins(CONST, [temp], [], numbers[node]))
        if len(ins.dests) == 1 and ins.dests[0] >= FIRST_VIRTUAL:
            node = self.find(ins.dests[0])
            if node in numbers:
                return
            if node in homes:
                temp = self._temporary()
                ins.dests[0] = temp
                code.append(ins)
                code.append(Ins(SPILL, [], [temp], homes[node]))
                return
        code.append(ins)

    def _rewrite_copy(
        self, ins: Ins, code: list[Ins], homes: dict[int, int], numbers: dict[int, int]
    ) -> None:
        constants: list[Ins] = []
        dests: list[int] = []
        srcs: list[int] = []
        for d, s in zip(ins.dests, ins.srcs, strict=True):
            if FIRST_VIRTUAL <= d < SLOT and self.find(d) in homes:
                d = SLOT + homes[self.find(d)]
            if FIRST_VIRTUAL <= s < SLOT:
                node = self.find(s)
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

    def _temporary(self) -> int:
        temp = self.function.new_register()
        self.temporary.add(temp)
        return temp


def allocate(function: MFunction, registers: tuple[int, ...]) -> None:
    """Choose registers of the target for a function.  Raises AllocationError."""
    Allocator(function, registers).run()


def sequence(dests: list[int], srcs: list[int], scratch: int) -> list[tuple[int, int]]:
    """Moves (to, from), one after the other, that do what a parallel copy does.

    `scratch` is a register that breaks cycles.
    """
    todo = [(d, s) for d, s in zip(dests, srcs, strict=True) if d != s]
    moves: list[tuple[int, int]] = []
    while todo:
        read = {s for _, s in todo}
        ready = [move for move in todo if move[0] not in read]
        if ready:
            moves += ready
            todo = [move for move in todo if move[0] in read]
        else:
            first = todo[0][0]
            moves.append((scratch, first))
            todo = [(d, scratch if s == first else s) for d, s in todo]
    return moves
