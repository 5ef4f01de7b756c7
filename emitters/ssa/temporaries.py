"""Registers of values that are in the frame, for `regalloc`: at one instruction each.

All other registers stay what they are.  Between a reload and the instruction that it is for, or the
instruction and what puts its result into the frame, nothing but other such loads stands.  Where no
register is left, one more value has to move to the frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from mpy_cross.emitters.ssa.bits import bits_of
from mpy_cross.emitters.ssa.machine import CONST, COPY, FIRST_VIRTUAL, NONE, RELOAD, SPILL, Ins

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.regalloc import Allocator


@final
class Temporaries:
    """Chooses registers for one function after the other ones are chosen."""

    __slots__ = ("_allocator", "_first", "_floats", "_of_floats", "_of_others", "registers",
                 "victims")

    def __init__(self, allocator: Allocator, first: int) -> None:
        """`first`: of the registers that are still to be chosen."""
        self._allocator = allocator
        self._first = first
        self._floats = allocator.function.floats
        bits, chosen, rep = allocator.bits, allocator.chosen, allocator.rep
        self._of_others = {register: 1 << register for register in allocator.registers}
        """By register: what has it, as bits."""
        self._of_floats = {register: 1 << register for register in allocator.float_registers}
        self.registers: dict[int, int] = {}
        self.victims: set[int] = set()
        """What has to make room."""
        owned = {**self._of_others, **self._of_floats}
        for v in allocator.nodes:
            register = chosen.get(allocator.find(v) if v in rep else v, NONE)
            if register != NONE:
                self.registers[v] = register
                owned[register] = owned.get(register, 0) | bits[v]
        for pool in (self._of_others, self._of_floats):
            for register in pool:
                pool[register] = owned[register]

    def _place(
        self, temporary: int, near: int, taken: list[int], hint: int, ins: Ins
    ) -> bool:
        """Choose a register that nothing `near` and none of `taken` has, best that of `hint`.

        Whether there is one, perhaps with one more victim.
        """
        pool = self._of_floats if temporary in self._floats else self._of_others
        wanted = self.registers.get(hint, hint)
        if wanted in pool and wanted not in taken and not near & pool[wanted]:
            self.registers[temporary] = wanted
            return True
        for register, owned in pool.items():
            if not near & owned and register not in taken:
                self.registers[temporary] = register
                return True
        return self._evict(temporary, pool, near, taken, ins)

    def _evict(
        self, temporary: int, pool: dict[int, int], near: int, taken: list[int], ins: Ins
    ) -> bool:
        """Take the register of the value that costs least and that the instruction does not use."""
        allocator = self._allocator
        find = allocator.find
        used = {find(register) for register in (*ins.srcs, *ins.dests)}
        best, best_cost, victim = NONE, 0.0, NONE
        for register, owned in pool.items():
            if register in taken:
                continue
            nodes = {find(v) for v in bits_of(near & owned)}
            node = nodes.pop()
            if nodes or node < FIRST_VIRTUAL or node in used or node in allocator.temporary:
                continue
            cost = allocator.cost(node)
            if best == NONE or cost < best_cost:
                best, best_cost, victim = register, cost, node
        if best == NONE:
            return False
        self.victims.add(victim)
        self.registers[temporary] = best
        for v in [v for v, register in self.registers.items()
                  if register == best and v < self._first and find(v) == victim]:
            del self.registers[v]
            pool[best] &= ~allocator.bits[v]
        return True

    def one_block(self, code: list[Ins], live: int, bits: list[int]) -> bool:
        """Choose those of a block with what is alive at its end; whether that is possible."""
        first, registers = self._first, self.registers
        for ins in reversed(code):
            op = ins.op
            if op == COPY:  # from or to a second register it is as a reload
                for d in ins.dests:
                    if d < first and live & bits[d]:
                        live ^= bits[d]
                for s in ins.srcs:
                    if s < first:
                        live |= bits[s]
                continue
            if op == SPILL and ins.srcs[0] >= first:
                continue
            dest = NONE
            if ins.dests:
                dest = ins.dests[0]
                if dest < first:
                    bit = bits[dest]
                    if live & bit:
                        live ^= bit
                elif op in (RELOAD, CONST):
                    if dest not in registers and not self._place(dest, live, [], NONE, ins):
                        return False
                    continue
                else:
                    near = live
                    if ins.early:
                        for s in ins.srcs:
                            near |= bits[s]
                    if not self._place(dest, near, [], ins.srcs[0] if ins.srcs else NONE, ins):
                        return False
            temporaries: list[int] = []
            for s in ins.srcs:
                if s < first:
                    live |= bits[s]
                else:
                    temporaries.append(s)
            if temporaries:
                taken = [registers.get(dest, dest)] if ins.early else []
                for s in temporaries:
                    if s not in registers:
                        if not self._place(s, live, taken, dest, ins):
                            return False
                        taken.append(registers[s])
        return True


def place_promoted(allocator: Allocator) -> list[int]:
    """Choose second registers for what moves there; those for which there are none."""
    owners = allocator.high_owners
    left: list[int] = []
    for node in sorted(allocator.promoted, key=lambda node: (-allocator.weights[node], node)):
        near = allocator.near[node]
        for register, owned in owners.items():
            if not near & owned:
                allocator.chosen[node] = register
                owners[register] |= allocator.bits[node]
                break
        else:
            left.append(node)
    return left


def place_temporaries(allocator: Allocator, first: int, places: list[int]) -> list[int] | None:
    """Choose registers for those from `first` on; `places`: the blocks that have any.

    What has to move to the frame so that there are enough.  If it is nothing, the function has all
    its registers; None if that does not help.
    """
    temporaries = Temporaries(allocator, first)
    blocks = allocator.function.blocks
    for i in places:
        if not temporaries.one_block(blocks[i].code, allocator.live_out(i), allocator.bits):
            return None
    if not temporaries.victims:
        allocator.function.registers.clear()
        allocator.function.registers.update(temporaries.registers)
    return sorted(temporaries.victims)
