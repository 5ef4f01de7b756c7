"""What RSR, WSR, RUR and WUR do."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.xtensa.numbers import (
    ACCHI,
    ATOMCTL,
    BR,
    CCOMPARE,
    CCOUNT,
    CPENABLE,
    DBREAKC,
    EXPSTATE,
    FCR,
    FSR,
    IBREAKENABLE,
    ICOUNTLEVEL,
    INTCLEAR,
    INTENABLE,
    INTERRUPT,
    INTSET,
    LITBASE,
    MASK,
    PS,
    SAR,
    WINDOWBASE,
    WINDOWSTART,
)
from mpy_cross.emulator.cores.xtensa.state import State

# Bits of a register that can be written; of the others all can.
_WRITABLE: Final = {SAR: 0x3F, BR: 0xFFFF, LITBASE: 0xFFFF_F001, ATOMCTL: 0x3F, CPENABLE: 0xFF,
                    IBREAKENABLE: 3, ICOUNTLEVEL: 0xF, PS: 0x7_0F3F, DBREAKC: 0xC000_003F,
                    DBREAKC + 1: 0xC000_003F}
_USER_WRITABLE: Final = {FCR: 0x7F, FSR: 0xF80, EXPSTATE: 0xFF}


def read(state: State, number: int) -> int:
    """RSR."""
    return state.ccount if number == CCOUNT else state.sr[number]


def write(state: State, number: int, value: int) -> None:
    """WSR. Interrupts that become possible by it set `state.attention`."""
    sr, model = state.sr, state.model
    if number == WINDOWBASE:
        sr[number] = value % model.quads
    elif number == WINDOWSTART:
        sr[number] = value & ((1 << model.quads) - 1)
    elif number == ACCHI:
        sr[number] = ((value & 0xFF) ^ 0x80) - 0x80 & MASK
    elif number == INTSET:
        sr[INTERRUPT] |= value & model.interrupts.software
        state.attention = True
    elif number == INTCLEAR:
        sr[INTERRUPT] &= ~(value & (model.interrupts.software | model.interrupts.edge)) & MASK
    elif number == CCOUNT:
        state.set_ccount(value)
    elif CCOMPARE <= number < CCOMPARE + len(model.interrupts.timers):
        state.compare(number - CCOMPARE, value)
    else:
        sr[number] = value & _WRITABLE.get(number, MASK)
        if number in (PS, INTENABLE):
            state.attention = True


def write_user(state: State, number: int, value: int) -> None:
    """WUR."""
    state.ur[number] = value & _USER_WRITABLE.get(number, MASK)
