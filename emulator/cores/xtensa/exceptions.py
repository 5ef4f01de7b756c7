"""How a core takes exceptions and interrupts, and comes back from them.

(ISA reference manual: exception, interrupt, high-priority interrupt, debug and window options.)
"""

from __future__ import annotations

from typing import final

from mpy_cross.emulator.cores.xtensa.numbers import (
    DEBUGCAUSE,
    DEPC,
    EPC,
    EPC1,
    EPS,
    EXCCAUSE,
    EXCVADDR,
    LEVEL1_INTERRUPT,
    MASK,
    OVERFLOW,
    PS,
    PS_EXCM,
    PS_INTLEVEL,
    PS_OWB,
    PS_OWB_SHIFT,
    PS_UM,
    UNDERFLOW,
    VECBASE,
    WINDOWBASE,
    WINDOWSTART,
)
from mpy_cross.emulator.cores.xtensa.state import State


@final
class Raised(Exception):
    """An instruction raises a general exception.  cause: for EXCCAUSE; address: for EXCVADDR, None
    to leave that; text: what a device said about it."""

    def __init__(self, cause: int, address: int | None = None, text: str = "") -> None:
        super().__init__(cause, address, text)
        self.cause, self.address, self.text = cause, address, text


def enter(state: State, cause: int, address: int | None = None) -> None:
    """A general exception of the instruction at `state.pc`, to the user, kernel or double exception
    vector."""
    sr, model = state.sr, state.model
    ps = sr[PS]
    if ps & PS_EXCM:
        sr[DEPC] = state.pc
        vector = model.double
    else:
        sr[EPC1] = state.pc
        vector = model.user if ps & PS_UM else model.kernel
    sr[EXCCAUSE] = cause
    if address is not None:
        sr[EXCVADDR] = address & MASK
    sr[PS] = ps | PS_EXCM
    state.pc = sr[VECBASE] + vector & MASK


def interrupt(state: State) -> bool:
    """Between instructions: takes the interrupt that is to be taken now; was there one?"""
    state.attention = False
    level = state.ready_level()
    if not level:
        return False
    state.sleeping = False
    if level == state.model.interrupts.nmi_level:
        state.nmi_pending = False
    if level == 1:
        enter(state, LEVEL1_INTERRUPT)
    else:
        _enter_level(state, level)
    return True


def debug(state: State, cause: int) -> bool:
    """A debug exception with this DEBUGCAUSE, unless PS.INTLEVEL holds it back (False then)."""
    level = state.model.interrupts.debug_level
    if held(state) >= level:
        return False
    state.sr[DEBUGCAUSE] = cause
    _enter_level(state, level)
    return True


def held(state: State) -> int:
    """The level up to which interrupts are held back (CINTLEVEL)."""
    ps = state.sr[PS]
    level = ps & PS_INTLEVEL
    return max(level, state.model.interrupts.exception_level) if ps & PS_EXCM else level


def _enter_level(state: State, level: int) -> None:
    sr = state.sr
    sr[EPC + level], sr[EPS + level] = state.pc, sr[PS]
    sr[PS] = sr[PS] & ~PS_INTLEVEL | level | PS_EXCM
    state.pc = sr[VECBASE] + state.model.level_vector(level) & MASK


# Windows.

def overflow(state: State, quads: int) -> bool:
    """The check of an instruction that uses registers up to group `quads` of four: if another frame
    holds one of these, its window overflow exception is taken (True)."""
    sr, count = state.sr, state.model.quads
    base, starts = sr[WINDOWBASE], sr[WINDOWSTART]
    for step in range(1, quads + 1):
        if starts >> (base + step) % count & 1:
            break
    else:
        return False
    frame = (base + step) % count
    _window_exception(state, base)
    sr[WINDOWBASE] = frame
    for size in (1, 2, 3):
        if size == 3 or starts >> (frame + size) % count & 1:
            state.pc = sr[VECBASE] + OVERFLOW[size] & MASK
            break
    return True


def underflow(state: State, size: int) -> None:
    """RETW to a frame of 4 * size registers that is in memory."""
    sr, count = state.sr, state.model.quads
    base = sr[WINDOWBASE]
    _window_exception(state, base)
    sr[WINDOWBASE] = (base - size) % count
    state.pc = sr[VECBASE] + UNDERFLOW[size] & MASK


def _window_exception(state: State, base: int) -> None:
    sr = state.sr
    sr[EPC1] = state.pc
    sr[PS] = sr[PS] & ~PS_OWB | base << PS_OWB_SHIFT | PS_EXCM
