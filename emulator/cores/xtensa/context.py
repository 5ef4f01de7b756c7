"""What the functions of the instructions work on."""

from __future__ import annotations

from collections.abc import Callable

from mpy_cross.emulator.cores.xtensa import exceptions
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.memory import DataMemory
from mpy_cross.emulator.cores.xtensa.numbers import (
    DBREAKA,
    DBREAKC,
    DEBUG_DBREAK,
    MASK,
    SIGN,
    UNALIGNED,
    WINDOWBASE,
)
from mpy_cross.emulator.cores.xtensa.state import State


class WindowException(Exception):
    """The instruction has raised one; it is to be executed again."""


class Context:
    """Registers and memory, as instructions see them.

    on_raised: called for a general exception of the instruction at `state.pc`; by default it is
    taken.  on_break: called with the DEBUGCAUSE of a BREAK instruction, gives where to go on, None
    for the next instruction; by default the debug exception is taken.
    external: registers of RER and WER.
    """

    __slots__ = ("external", "last", "memory", "on_break", "on_raised", "regions", "state")

    def __init__(self, state: State, memory: DataMemory) -> None:
        self.state, self.memory = state, memory
        self.last = state.model.registers - 1  # number of the last; a power of two less 1
        self.external: dict[int, int] = {}
        self.regions: dict[str, list[int]] = {"i": [2] * 8, "d": [2] * 8}
        self.on_raised: Callable[[Raised], None] = self.take
        self.on_break: Callable[[int], int | None] = self.take_break

    def take(self, error: Raised) -> None:
        """Lets the program's vector deal with an exception."""
        exceptions.enter(self.state, error.cause, error.address)

    def take_break(self, cause: int) -> int | None:
        """The same with a BREAK instruction; nothing happens if the level is held back."""
        return self.state.pc if exceptions.debug(self.state, cause) else None

    def get(self, number: int) -> int:
        """An address register of the present window."""
        state = self.state
        return state.ar[(state.sr[WINDOWBASE] << 2) + number & self.last]

    def set(self, number: int, value: int) -> None:
        state = self.state
        state.ar[(state.sr[WINDOWBASE] << 2) + number & self.last] = value & MASK

    def load(self, address: int, size: int, aligned: bool = False) -> int:
        """aligned: the instruction wants this on every core."""
        address &= MASK
        if address % size and (aligned or not self.state.model.unaligned):
            raise Raised(UNALIGNED, address)
        if self.state.sr[DBREAKC] | self.state.sr[DBREAKC + 1]:
            self._watch(address, size, SIGN >> 1)
        return self.memory.load(address, size)

    def store(self, address: int, size: int, value: int, aligned: bool = False) -> None:
        address &= MASK
        if address % size and (aligned or not self.state.model.unaligned):
            raise Raised(UNALIGNED, address)
        if self.state.sr[DBREAKC] | self.state.sr[DBREAKC + 1]:
            self._watch(address, size, SIGN)
        self.memory.store(address, size, value)

    def _watch(self, address: int, size: int, kind: int) -> None:
        """A debug exception if an access is one that DBREAKC (kind: its bit) asks for."""
        sr = self.state.sr
        for number in (0, 1):
            control = sr[DBREAKC + number]
            mask = control & 0x3F | MASK & ~0x3F
            hit = control & kind and (sr[DBREAKA + number] & mask) in (
                (address + at) & mask for at in range(size))
            if hit and exceptions.debug(self.state, DEBUG_DBREAK | number << 8):
                raise WindowException


Operation = Callable[[Context, Instruction], "int | None"]
"""Executes an instruction: where to go on, None for the next one in memory."""


def signed(value: int) -> int:
    """The number that 32 bits stand for in two's complement."""
    return (value ^ SIGN) - SIGN
