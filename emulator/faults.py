"""Faults to inject: what goes wrong in the field, at a moment that a test chooses."""

from __future__ import annotations

from typing import final

from mpy_cross.emulator.blocks.flash_cells import FlashWriter
from mpy_cross.emulator.machine import Machine


class PowerCut(Exception):
    """The power went off in the middle of a program; the text says at which flash operation."""


@final
class Faults:
    """Faults of one board."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._left = 0

    def nack(self, address: int, times: int = 1, after: int = 0) -> None:
        """The I2C device at `address` (7 bits) does not answer: `times` transfers, from now on or
        `after` some more that it does answer."""
        if not 0 <= address < 128 or times < 1 or after < 0:
            raise ValueError(f"an I2C address has 7 bits and times is positive, "
                             f"not nack({address}, {times}, {after})")
        self._machine.wiring.refuse(address, times, after)

    def _flash(self) -> FlashWriter:
        writer = self._machine.chip.flash_writer
        if writer is None:
            raise ValueError(f"{self._machine.board.name} has no flash that a program can write")
        return writer

    def cut_power(self, at_write: int) -> None:
        """Cut the power at the n-th flash operation from now on, counted from 1.

        An operation is what the chip does at once: an erased sector, a programmed page (RP2040) or
        word (STM32).  It is not carried out; what lets the board go on raises PowerCut.
        """
        if at_write < 1:
            raise ValueError(f"flash operations count from 1, not {at_write}")
        self._left = at_write
        self._flash().guard = self._count

    def _count(self, what: str, offset: int, size: int) -> None:
        self._left -= 1
        if self._left == 0:
            self._flash().guard = None
            raise PowerCut(f"at a flash operation: {what}, {size} bytes at offset 0x{offset:x}")

    def wear(self, offset: int, mask: int = 0xFF, levels: int = 0) -> None:
        """Bits of the byte at `offset` of the flash are worn out: those in `mask` keep `levels`,
        from the next write of that byte on."""
        if not 0 <= offset < self._machine.chip.flash.size:
            raise ValueError(f"the flash has 0x{self._machine.chip.flash.size:x} bytes, "
                             f"not one at 0x{offset:x}")
        self._flash().flash_cells.stick(offset, mask, levels)

    def brown_out(self) -> None:
        """The supply sinks for a moment: a reset, memory stays as it was."""
        self._machine.reset("brown-out")
