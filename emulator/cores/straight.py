"""How far Thumb code runs straight on: for stepping while an interrupt is pending but masked."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.bus import Bus, BusFault

LONGEST: Final = 64


def ends_straight(first: int, second: int) -> bool:
    """May this instruction branch, change the interrupt masks, or begin an IT block?

    first, second: its halfwords; more instructions than necessary count as such.
    """
    if first >= 0xF000:
        # Branches and special registers; loads into the pc.
        return second >= (0x8000 if first < 0xF800 else 0xF000)
    if first >= 0xE800:
        return first < 0xEA00  # multiple and double loads, table branches
    top = first >> 8
    return (top >= 0xD0 or 0x44 <= top < 0x48 or top == 0xBD or top in (0xB6, 0xBE, 0xBF)
            or first & 0xF500 == 0xB100)


def straight(bus: Bus, pc: int) -> int:
    """The number of instructions at `pc` up to and with the first that may do that; at least 1."""
    count = 1
    try:
        while count < LONGEST:
            first, second = bus.read(pc, 2), 0
            size = 2
            if first >= 0xE800:
                second, size = bus.read(pc + 2, 2), 4
            if ends_straight(first, second):
                break
            pc, count = pc + size, count + 1
    except BusFault:
        pass
    return count
