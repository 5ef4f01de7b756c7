"""The plain interpreter: one instruction after the other, one function per instruction.

It is the reference for faster engines, and does for them what is rare:

    interpreter = Interpreter(state, memory)
    interpreter.step()          # the instruction at state.pc, with all that it may raise

What counts as an instruction: each that is executed, and each that raises a general or debug
exception.  An instruction that raises a window exception is not counted, as it is executed again;
taking an interrupt is none.
"""

from __future__ import annotations

from functools import cache
from typing import Final, final

from mpy_cross.emulator.cores.xtensa import exceptions
from mpy_cross.emulator.cores.xtensa.context import Context, Operation, WindowException
from mpy_cross.emulator.cores.xtensa.decode import Decoder, Instruction
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.integer import INTEGER
from mpy_cross.emulator.cores.xtensa.memory import DataMemory
from mpy_cross.emulator.cores.xtensa.models import Model
from mpy_cross.emulator.cores.xtensa.multiply_add import MULTIPLY_ADD
from mpy_cross.emulator.cores.xtensa.numbers import (
    COPROCESSOR0_DISABLED,
    CPENABLE,
    DEBUG_IBREAK,
    DEBUG_ICOUNT,
    IBREAKA,
    IBREAKENABLE,
    ICOUNT,
    ICOUNTLEVEL,
    ILLEGAL,
    LBEG,
    LCOUNT,
    LEND,
    MASK,
    PS,
    PS_EXCM,
    PS_WOE,
)
from mpy_cross.emulator.cores.xtensa.single import SINGLE
from mpy_cross.emulator.cores.xtensa.state import State
from mpy_cross.emulator.cores.xtensa.steps import STEPS
from mpy_cross.emulator.cores.xtensa.system import SYSTEM

OPERATIONS: dict[str, Operation] = {**INTEGER, **SYSTEM, **MULTIPLY_ADD, **SINGLE,
                                    **STEPS}


_MOST: Final = 100_000  # instructions that an interpreter keeps


@cache
def _decoder(model: Model) -> Decoder:
    """One for all cores of a kind, as it keeps what it has found."""
    return Decoder(model)


@final
class Interpreter(Context):
    """Executes instructions on a state and a memory.

    Whether exceptions go to the program's vectors or to the host is for `on_raised` and `on_break`,
    see `Context`.
    """

    def __init__(self, state: State, memory: DataMemory) -> None:
        super().__init__(state, memory)
        self.decoder = _decoder(state.model)
        # By the bytes that stand there and the address: what they are.
        self._known: dict[int, tuple[Instruction, Operation | None]] = {}

    def instruction(self, address: int) -> Instruction | None:
        """The instruction in memory at an address, None for what is none. Raised, as by a fetch."""
        return self.decoder.decode(self.memory.fetch(address), address)

    def next(self) -> Instruction | None:
        """The same of the instruction at the pc, which is about to be executed."""
        pc = self.state.pc
        word = self.memory.fetch(pc)
        known = self._known.get(word << 32 | pc)
        return known[0] if known is not None else self.decoder.decode(word, pc)

    def _decoded(self, word: int, address: int) -> tuple[Instruction, Operation | None]:
        found = self.decoder.decode(word, address)
        if found is None:
            raise Raised(ILLEGAL)
        if len(self._known) >= _MOST:  # of a program that goes on changing its code
            self._known.clear()
        known = self._known[word << 32 | address] = found, OPERATIONS.get(found.name)
        return known

    def step(self) -> None:
        """Executes the instruction at `state.pc`. Interrupts are not looked for."""
        state, sr = self.state, self.state.sr
        pc = state.pc
        counts = bool(sr[ICOUNTLEVEL]) and sr[ICOUNTLEVEL] > exceptions.held(state)
        try:
            if sr[IBREAKENABLE] and self._stops(pc):
                return
            if counts and sr[ICOUNT] == MASK and exceptions.debug(state, DEBUG_ICOUNT):
                return
            word = self.memory.fetch(pc)
            found, operation = self._known.get(word << 32 | pc) or self._decoded(word, pc)
            if found.quad and sr[PS] & (PS_WOE | PS_EXCM) == PS_WOE \
                    and exceptions.overflow(state, found.quad):
                return
            if found.floats and not sr[CPENABLE] & 1:
                raise Raised(COPROCESSOR0_DISABLED)
            if operation is None:
                raise Raised(ILLEGAL)
            after = operation(self, found)
            if after is None:
                after = pc + found.size & MASK
                if after == sr[LEND] and sr[LCOUNT] and not sr[PS] & PS_EXCM:
                    sr[LCOUNT] -= 1
                    after = sr[LBEG]
            state.pc = after
        except Raised as error:
            self.on_raised(error)
        except WindowException:
            return
        state.instructions += 1
        if counts:
            sr[ICOUNT] = sr[ICOUNT] + 1 & MASK

    def run(self, until: int) -> None:
        """Executes instructions until `state.instructions` is `until`, or the core sleeps; takes
        interrupts and lets timers go off."""
        state = self.state
        while state.instructions < until:
            if state.next_timer() <= state.instructions:
                state.tick()
            if state.attention:
                exceptions.interrupt(state)
            if state.sleeping:
                return
            end = min(until, state.next_timer())
            while state.instructions < end:
                self.step()
                if state.attention or state.sleeping:
                    break

    def _stops(self, pc: int) -> bool:
        """Is there a debug exception ahead of the instruction at `pc`?"""
        sr = self.state.sr
        return any(sr[IBREAKENABLE] >> number & 1 and sr[IBREAKA + number] == pc
                   for number in (0, 1)) and exceptions.debug(self.state, DEBUG_IBREAK)
