"""An RP2040 that starts as the chip does: from its boot ROM, with both cores."""

from __future__ import annotations

from mpy_cross.emulator.blocks.rp2040.clocks import Psm
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.attach import second_core
from mpy_cross.emulator.cores.crew import Crew
from mpy_cross.emulator.machine import Machine
from mpy_cross.emulator.soc.rp2040 import FLASH_BASES, Rp2040
from mpy_cross.emulator.soc.rp2040_rom import Rom
from mpy_cross.emulator.soc.rp2040_wiring import connect


class Boot:
    """Connects a machine to its cores; `crew` runs them.  The second core is made when the first
    one starts it."""

    def __init__(self, machine: Machine) -> None:
        chip = machine.chip
        assert isinstance(chip, Rp2040)
        self.machine, self.chip = machine, chip
        self.rom = Rom(chip)
        core = CortexM(chip.core, machine.bus, vectors=0)
        core.connect(chip.interrupts[0], chip.systicks[0].tick)
        core.nvic.reset_requested = self.reset_requested
        self.rom.attach(core)
        machine.attach(core)
        core.for_firmware()
        self.crew = Crew([core], machine.clock, chip.rate, chip.sio.select)
        self.rom.started, self.rom.stopped = self.started, self.stopped
        self.rom.stall = self.crew.stall
        chip.sio.waiting, chip.sio.mailed = self.mail, self.crew.wake
        chip.code_changed = self.code_changed
        chip.flash_chip.changed.append(self.flash_changed)
        psm = chip.blocks["PSM"]
        assert isinstance(psm, Psm)
        psm.core1_off.watch(self.powered)
        connect(chip, machine.wiring)
        machine.reset_watchers.append(self.was_reset)
        chip.sio.send(0, 0)  # core 1 says that it waits

    def reset_requested(self) -> None:
        self.machine.reset("software")

    def code_changed(self, address: int, size: int) -> None:
        for member in self.crew.members:
            member.core.code_changed(address, size)

    def flash_changed(self, offset: int, size: int) -> None:
        for base in FLASH_BASES:
            self.code_changed(base + offset, size)

    # The second core.

    def mail(self, word: int) -> bool:
        """Core 0 sends a word: does core 1 wait for it in its ROM?"""
        if len(self.crew.members) > 1 and self.crew.members[1].on:
            return False
        if len(self.crew.members) == 1:
            core = second_core(self.machine, [self.chip.sio.window(1)])
            core.nvic.reset_requested = self.reset_requested
            core.for_firmware()
            self.rom.attach(core)
            self.crew.add(core)
            core.reset(0)
        return self.rom.mail(word)

    def started(self, number: int) -> None:
        self.crew.turn(number, True)

    def stopped(self, number: int) -> None:
        if number < len(self.crew.members):
            self.crew.turn(number, False)

    def powered(self, off: bool) -> None:
        """The power-on state machine holds core 1 in reset, or lets it go."""
        self.stopped(1)
        if not off:
            if len(self.crew.members) > 1:
                self.crew.members[1].core.reset(0)
            self.rom.wait_for_vector()

    def was_reset(self, cause: str) -> None:
        self.powered(False)


def boot(machine: Machine) -> Crew:
    """What runs a machine with RP2040 from its boot ROM on."""
    return Boot(machine).crew
