"""Registers of values that are in the frame, for `regalloc`: at one instruction each.

All other registers stay what they are.  Between a reload and the instruction that it is for, or the
instruction and what puts its result into the frame, nothing but other such loads stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from mpy_cross.emitters.ssa.machine import CONST, COPY, NONE, RELOAD, SLOT, SPILL, Ins

if TYPE_CHECKING:
    from mpy_cross.emitters.ssa.regalloc import Allocator


@final
class Temporaries:
    """Chooses registers for one function after the other ones are chosen."""

    __slots__ = ("_first", "_floats", "_of_floats", "_of_others", "registers")

    def __init__(self, allocator: Allocator, first: int) -> None:
        """`first`: of the registers that are still to be chosen."""
        self._first = first
        self._floats = allocator.function.floats
        bits, chosen, rep = allocator.bits, allocator.chosen, allocator.rep
        self._of_others = {register: 1 << register for register in allocator.registers}
        """By register: what has it, as bits."""
        self._of_floats = {register: 1 << register for register in allocator.float_registers}
        self.registers: dict[int, int] = {}
        owned = {**self._of_others, **self._of_floats}
        for v in allocator.nodes:
            register = chosen.get(allocator.find(v) if v in rep else v, NONE)
            if register != NONE:
                self.registers[v] = register
                owned[register] = owned.get(register, 0) | bits[v]
        for pool in (self._of_others, self._of_floats):
            for register in pool:
                pool[register] = owned[register]

    def _place(self, temporary: int, near: int, taken: list[int], hint: int) -> bool:
        """Choose a register that nothing `near` and none of `taken` has, best that of `hint`."""
        pool = self._of_floats if temporary in self._floats else self._of_others
        wanted = self.registers.get(hint, hint)
        if wanted in pool and wanted not in taken and not near & pool[wanted]:
            self.registers[temporary] = wanted
            return True
        for register, owned in pool.items():
            if not near & owned and register not in taken:
                self.registers[temporary] = register
                return True
        return False

    def one_block(self, code: list[Ins], live: int, bits: list[int]) -> bool:
        """Choose those of a block with what is alive at its end; whether there are enough."""
        first, registers = self._first, self.registers
        for ins in reversed(code):
            op = ins.op
            if op == COPY:  # never of temporaries
                for d in ins.dests:
                    if d < SLOT and live & bits[d]:
                        live ^= bits[d]
                for s in ins.srcs:
                    if s < SLOT:
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
                    if dest not in registers and not self._place(dest, live, [], NONE):
                        return False
                    continue
                else:
                    near = live
                    if ins.early:
                        for s in ins.srcs:
                            near |= bits[s]
                    if not self._place(dest, near, [], ins.srcs[0] if ins.srcs else NONE):
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
                        if not self._place(s, live, taken, dest):
                            return False
                        taken.append(registers[s])
        return True


def place_temporaries(allocator: Allocator, first: int, places: list[int]) -> bool:
    """Choose registers for those from `first` on; `places`: the blocks that have any.

    Whether there were enough; then the function has all its registers.
    """
    temporaries = Temporaries(allocator, first)
    blocks = allocator.function.blocks
    for i in places:
        live = 0
        for place in allocator.succs[i]:
            live |= allocator.live_in[place]
        if not temporaries.one_block(blocks[i].code, live, allocator.bits):
            return False
    allocator.function.registers.clear()
    allocator.function.registers.update(temporaries.registers)
    return True
