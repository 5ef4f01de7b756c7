"""Registers for values: coalescing of copies, a scan in linear order, spilling where it fails.

Which values are alive at the same time is found exactly, block by block.  Copies that phis need are
coalesced where source and destination are never alive together, those of inner loops first.  Then
values get registers in the order in which they begin.  Where none is left, the value that costs
least moves to the frame (`spill`), with short-lived registers at its uses (`temporaries`).  If
there is none for one of these, all begins anew.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emitters.ssa.bits import bits_of, powers
from mpy_cross.emitters.ssa.coalesce import coalesce
from mpy_cross.emitters.ssa.machine import (
    COPY,
    FIRST_VIRTUAL,
    NONE,
    SLOT,
    Ins,
    MFunction,
    Second,
)
from mpy_cross.emitters.ssa.spill import spill, take_apart
from mpy_cross.emitters.ssa.temporaries import place_promoted, place_temporaries

MAX_ROUNDS: Final = 40
MAX_MORE: Final = 4
"""Times that more values are spilled before a new round."""
INFINITE: Final = 1e30
VIRTUAL: Final = -1 << FIRST_VIRTUAL
"""All registers that are to be chosen, as bits."""
EITHER: Final = frozenset(("add", "and", "orr", "eor", "mul"))
"""Instructions whose result may take the place of either operand."""


@final
class AllocationError(Exception):
    """No registers can be found: too few for one instruction."""


@final
class Allocator:
    """One round after the other over one function."""

    __slots__ = ("across", "apart", "apart_from", "bits", "chosen", "copied", "copies", "defs",
                 "float_owners", "float_registers", "function", "gains", "high", "high_owners",
                 "hints", "live_in", "lost", "near", "nodes", "owners", "promoted", "registers",
                 "rep", "second", "soft", "starts", "succs", "temporary", "uses", "weights")

    live_in: list[int]
    """By block: what is alive where it begins, as bits."""
    uses: list[int]
    """By block: what is read before it is written."""
    defs: list[int]
    copied: list[int]
    """By block: what is copied, or written."""
    lost: list[int]
    """By block: registers of the target that calls change."""
    succs: list[list[int]]
    near: list[int]
    """For each register those that are alive together with it, as bits."""
    apart_from: list[int]
    """Those of them whose bits for this register are still missing."""
    starts: list[int]
    """By register: the place of the first instruction that writes it, 0 for none."""
    weights: list[float]
    gains: list[float]
    """The part of the uses that second registers are as good for."""
    across: dict[tuple[int, ...], int]
    """By what is lost in a call: what is alive across one."""
    copies: dict[tuple[int, int], float]
    """How much it is worth that two are the same register."""
    hints: list[list[int]]
    """By register: those that had better be the same, in this order."""
    chosen: dict[int, int]
    owners: dict[int, int]
    """For each register of the target what has it, as bits, itself included."""
    float_owners: dict[int, int]
    """The same for those of floats."""
    high_owners: dict[int, int]
    """The same for second registers."""
    promoted: set[int]
    """What moves to second registers after this round."""

    def __init__(
        self, function: MFunction, registers: tuple[int, ...], second: Second | None,
        floats: tuple[int, ...],
    ) -> None:
        self.function = function
        self.registers = registers
        self.float_registers = floats
        self.second = second
        self.soft: frozenset[str] = second.sources if second is not None else frozenset()
        """Instructions for which second registers are as good."""
        self.high_owners = {}
        self.high: set[int] = set()
        """What is to be in a second register."""
        self.rep: dict[int, int] = {}
        self.apart: set[int] = set()
        """What stays what it is."""
        self.temporary: set[int] = set()
        """Registers made for spilled values: never spilled again."""
        self.bits = powers(function.n_virtual)
        """1 << register, by register."""

    def run(self) -> None:
        """Fill `function.registers`.  Raises AllocationError."""
        self._liveness()
        for _ in range(MAX_ROUNDS):
            spilled = self._one_round()
            if not spilled:
                return
            if not take_apart(self, spilled) and self._is_placed(spilled):
                return
        raise AllocationError(f"no registers for {self.function.source.name}")

    def _is_placed(self, spilled: list[int]) -> bool:
        """Spill these, and choose registers for what that needs without another round, if that is
        possible; whether it was."""
        first = self.function.n_virtual
        places: set[int] = set()
        for _ in range(MAX_MORE):
            places.update(spill(self, spilled))
            more = place_promoted(self) or place_temporaries(self, first, sorted(places))
            if more is not None and not more:
                return True
            if more is None or take_apart(self, more):
                break
            spilled = more
            for node in spilled:
                self.chosen.pop(node, None)
        for i in places:
            self._note_block(i)
        return False

    # ---------------------------------------------------------------------------------- liveness

    def _liveness(self) -> None:
        """Which registers are alive where a block begins, as a set of bits."""
        blocks = self.function.blocks
        n = len(blocks)
        self.uses, self.defs, self.copied, self.lost = [0] * n, [0] * n, [0] * n, [0] * n
        self.live_in = live_in = [0] * n
        for i in range(n):
            self._note_block(i)
        places = {block: i for i, block in enumerate(blocks)}
        self.succs = succs = [[places[succ] for succ in block.succs] for block in blocks]
        preds: list[list[int]] = [[] for _ in blocks]
        for i, following in enumerate(succs):
            for place in following:
                preds[place].append(i)
        uses, defs = self.uses, self.defs
        work = list(range(n))
        is_waiting = [True] * n
        while work:
            i = work.pop()
            is_waiting[i] = False
            live = self.live_out(i) & ~defs[i] | uses[i]
            if live != live_in[i]:
                live_in[i] = live
                for pred in preds[i]:
                    if not is_waiting[pred]:
                        is_waiting[pred] = True
                        work.append(pred)

    def live_out(self, i: int) -> int:
        """What is alive where a block ends."""
        live = 0
        for place in self.succs[i]:
            live |= self.live_in[place]
        return live

    def _note_block(self, i: int) -> None:
        """What a block reads before it writes it, writes, copies and loses in calls."""
        bits = self.bits
        used = defined = copied = lost = 0
        clobbers: tuple[int, ...] = ()
        for ins in reversed(self.function.blocks[i].code):
            if ins.op == COPY:
                for register in ins.dests:
                    if register < SLOT:
                        bit = bits[register]
                        defined |= bit
                        if used & bit:
                            used ^= bit
                for register in ins.srcs:
                    if register < SLOT:
                        bit = bits[register]
                        used |= bit
                        copied |= bit
                continue
            for register in ins.dests:
                bit = bits[register]
                defined |= bit
                if used & bit:
                    used ^= bit
            for register in ins.srcs:
                used |= bits[register]
            if ins.clobbers and ins.clobbers is not clobbers:
                clobbers = ins.clobbers
                for register in clobbers:
                    lost |= bits[register]
        self.uses[i], self.defs[i], self.copied[i], self.lost[i] = used, defined, copied, lost

    def _interference(self) -> None:
        """Which registers are alive together; where each begins; how much each is used."""
        n = self.function.n_virtual
        bits = self.bits
        self.near = near = [0] * n
        self.apart_from = [0] * n
        self.starts = starts = [0] * n
        self.weights = [0.0] * n
        self.gains = [0.0] * n
        self.copies = {}
        self.hints = [[] for _ in range(n)]
        self.across = {}
        position = 1
        live_in = self.live_in
        for i, block in enumerate(self.function.blocks):
            live = self.live_out(i)
            # What is alive all through the block is near all that is written there.
            through = live & live_in[i] & ~(self.defs[i] | self.copied[i])
            weight = 0.1 if block.block.is_cold else 8.0 ** min(block.depth, 6)
            self._one_block(block.code, live, ~through, weight, position)
            position += len(block.code) + 1
            written = self.defs[i] | self.lost[i]
            while through:
                lowest = through & -through
                near[lowest.bit_length() - 1] |= written
                through ^= lowest
        for clobbers, others in self.across.items():
            written = 0
            for register in clobbers:
                written |= bits[register]
            while others:
                lowest = others & -others
                near[lowest.bit_length() - 1] |= written
                others ^= lowest
        # What is near something has that near as well.
        for register, others in enumerate(self.apart_from):
            if others:
                bit = bits[register]
                while others:
                    lowest = others & -others
                    near[lowest.bit_length() - 1] |= bit
                    others ^= lowest
        self.nodes = [r for r in range(FIRST_VIRTUAL, n) if near[r] or starts[r]]

    def _one_block(
        self, code: list[Ins], live: int, local: int, weight: float, position: int
    ) -> None:
        """The instructions of a block, from its end, with what is alive there; `local`: without
        what is alive all through it.  For registers of the target only what is apart is noted."""
        bits, near, starts, soft = self.bits, self.near, self.starts, self.soft
        apart_from, weights, hints, across = self.apart_from, self.weights, self.hints, self.across
        at = position + len(code)
        # What is written behind the place, and for what is alive there and read further on in the
        # block: what is written behind that.
        written = 0
        since: dict[int, int] = {}
        for ins in reversed(code):
            at -= 1
            op, dests, srcs = ins.op, ins.dests, ins.srcs
            if op == COPY and (len(dests) > 1 or dests[0] >= SLOT or srcs[0] >= SLOT):
                live, written = self._copy(ins, live, local, weight, at, written, since)
                continue
            if dests:
                d = dests[0]
                bit = bits[d]
                if live & bit:
                    live ^= bit
                    near[d] |= written & ~since.get(d, 0)
                others = live
                if srcs:
                    s = srcs[0]
                    hints[d].append(s)
                    hints[s].append(d)
                if op == COPY:
                    if live & bits[s]:
                        others ^= bits[s]
                        since[s] = since.get(s, 0) | bit
                    if d >= FIRST_VIRTUAL and s >= FIRST_VIRTUAL:
                        pair = (d, s) if d < s else (s, d)
                        self.copies[pair] = self.copies.get(pair, 0.0) + weight
                else:
                    if op in EITHER and len(srcs) > 1:
                        s = srcs[1]
                        hints[d].append(s)
                        hints[s].append(d)
                    if ins.clobbers:
                        across[ins.clobbers] = across.get(ins.clobbers, 0) | live & local
                    if ins.early:
                        for i, s in enumerate(srcs):
                            if ins.early >> i & 1 and s != d:
                                others |= bits[s]
                                near[s] |= bit
                if d >= FIRST_VIRTUAL:
                    near[d] |= others
                    starts[d] = at
                    weights[d] += weight
                    if written & bit:
                        apart_from[d] |= others & local
                    else:
                        written |= bit
                else:
                    apart_from[d] |= others & local
            elif ins.clobbers:
                across[ins.clobbers] = across.get(ins.clobbers, 0) | live & local
            if srcs:
                uses = self.gains if op in soft else weights
                for s in srcs:
                    bit = bits[s]
                    if not live & bit:
                        live |= bit
                        since[s] = written
                    uses[s] += weight
        if written:
            live &= local
            while live:
                lowest = live & -live
                s = lowest.bit_length() - 1
                near[s] |= written & ~since.get(s, 0)
                live ^= lowest

    def _copy(
        self, ins: Ins, live: int, local: int, weight: float, position: int, before: int,
        since: dict[int, int],
    ) -> tuple[int, int]:
        """A parallel copy; what is alive before it, and what is written from there on, which is
        `before` behind it."""
        bits, near, hints, weights = self.bits, self.near, self.hints, self.weights
        dests, srcs = ins.dests, ins.srcs
        written = 0
        for i, d in enumerate(dests):
            if d < SLOT:
                written |= bits[d]
                s = srcs[i]
                if s < SLOT:
                    hints[d].append(s)
                    hints[s].append(d)
                    if d >= FIRST_VIRTUAL and s >= FIRST_VIRTUAL:
                        pair = (d, s) if d < s else (s, d)
                        self.copies[pair] = self.copies.get(pair, 0.0) + weight
        others = live | written
        after = before | written & VIRTUAL
        uses = self.gains if COPY in self.soft else weights
        for i, d in enumerate(dests):
            if d < SLOT:
                s = srcs[i]
                bit = bits[d]
                known = others ^ bit
                if s < SLOT and known & bits[s]:
                    known ^= bits[s]
                    since[s] = since.get(s, 0) | bit
                if d >= FIRST_VIRTUAL:
                    if live & bit:
                        near[d] |= before & ~since.get(d, 0)
                    near[d] |= known
                    self.starts[d] = position
                    weights[d] += weight
                    self.apart_from[d] |= known & local & (~0 if before & bit else written)
                else:
                    self.apart_from[d] |= known & local
        live = others ^ written
        for s in srcs:
            if s < SLOT:
                uses[s] += weight
                bit = bits[s]
                if not live & bit:
                    live |= bit
                    since[s] = after
        return live, after

    # -------------------------------------------------------------------------------- one round

    def find(self, register: int) -> int:
        rep = self.rep
        first = register
        while register in rep:
            register = rep[register]
        while first != register:
            rep[first], first = register, rep[first]
        return register

    def _one_round(self) -> list[int]:
        """Choose registers; those that have to be spilled."""
        self._interference()
        self.rep = {}
        coalesce(self)
        rep, starts = self.rep, self.starts
        self.chosen = {}
        self.owners = {register: 1 << register for register in self.registers}
        self.float_owners = {register: 1 << register for register in self.float_registers}
        if self.second is not None:
            self.high_owners = {register: 1 << register for register in self.second.registers}
        spilled: list[int] = []
        nodes = [r for r in self.nodes if r not in rep]
        nodes.sort(key=starts.__getitem__)
        bits = self.bits
        for node in nodes:
            owners = self._owners_for(node)
            register = self._choose(node, owners)
            if register >= 0:
                self.chosen[node] = register
                owners[register] |= bits[node]
            else:
                self._make_room(node, owners, spilled)
        if not spilled:
            registers = self.function.registers
            registers.clear()
            for v in self.nodes:
                register = self.chosen.get(self.find(v) if v in rep else v, -1)
                if register >= 0:
                    registers[v] = register
        return spilled

    def _owners_for(self, node: int) -> dict[int, int]:
        if node in self.function.floats:
            return self.float_owners
        return self.high_owners if node in self.high else self.owners

    def _choose(self, node: int, owners: dict[int, int]) -> int:
        """A register that nothing near has, -1 if there is none."""
        near, rep, chosen = self.near[node], self.rep, self.chosen
        for hint in self.hints[node]:
            if hint >= FIRST_VIRTUAL:
                hint = chosen.get(self.find(hint) if hint in rep else hint, -1)
            if hint in owners and not near & owners[hint]:
                return hint
        for register, owned in owners.items():
            if not near & owned:
                return register
        return -1

    def cost(self, register: int) -> float:
        """What it costs to move a register to the frame."""
        if register in self.temporary:
            return INFINITE
        return self.weights[register] / (self.near[register].bit_count() + 1)

    def _make_room(self, node: int, owners: dict[int, int], spilled: list[int]) -> None:
        """Spill the node, or all neighbours that have some register, whichever costs less."""
        near = self.near[node]
        best, best_cost = NONE, self.cost(node)
        weights, temporary = self.weights, self.temporary
        for register, owned in owners.items():
            if near >> register & 1:
                continue
            cost = 0.0
            others = near & owned
            while others and cost < best_cost:
                lowest = others & -others
                others ^= lowest
                other = lowest.bit_length() - 1
                cost += INFINITE if other in temporary else \
                    weights[other] / (self.near[other].bit_count() + 1)
            if cost < best_cost:
                best, best_cost = register, cost
        if best == NONE:
            if best_cost >= INFINITE:
                raise AllocationError(f"too few registers for {self.function.source.name}")
            spilled.append(node)
            return
        for other in bits_of(near & owners[best]):
            del self.chosen[other]
            owners[best] &= ~(1 << other)
            spilled.append(other)
        self.chosen[node] = best
        owners[best] |= self.bits[node]


def allocate(
    function: MFunction, registers: tuple[int, ...], second: Second | None = None,
    floats: tuple[int, ...] = (),
) -> None:
    """Choose registers of the target, `floats` for floats.  Raises AllocationError."""
    Allocator(function, registers, second, floats).run()


def sequence(dests: list[int], srcs: list[int], scratch: int) -> list[tuple[int, int]]:
    """Moves (to, from), one after the other, that do what a parallel copy does.

    `scratch` is a register that breaks cycles.
    """
    todo = [(d, s) for d, s in zip(dests, srcs, strict=True) if d != s]
    if len(todo) < 2:
        return todo
    moves: list[tuple[int, int]] = []
    while todo:
        read = {s for _, s in todo}
        ready = [move for move in todo if move[0] not in read]
        if len(ready) == len(todo):
            moves += ready
            break
        if ready:
            moves += ready
            todo = [move for move in todo if move[0] in read]
        else:
            first = todo[0][0]
            moves.append((scratch, first))
            todo = [(d, scratch if s == first else s) for d, s in todo]
    return moves
