"""Gives a machine its core: registers, interrupts, reset and time."""

from __future__ import annotations

from collections.abc import Iterable

from mpy_cross.emulator.blocks.cortexm.systick import BASE as SYSTICK
from mpy_cross.emulator.bus import Window
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.pace import Pace
from mpy_cross.emulator.cores.ticks import TickSkipper
from mpy_cross.emulator.machine import Machine


def attach(machine: Machine, vectors: int | None = None) -> Pace:
    """Makes the machine's first core and connects it; what runs it in time with the clock.

    vectors: address of the vector table at reset, by default the beginning of flash.
    """
    chip = machine.chip
    core = CortexM(chip.core, machine.bus, vectors=chip.flash.base if vectors is None else vectors)
    core.connect(chip.interrupts[0], chip.systicks[0].tick)
    core.nvic.reset_requested = lambda: machine.reset("software")
    chip.code_changed = core.code_changed
    machine.attach(core)
    core.for_firmware()
    pace = Pace(core, machine.clock, chip.rate)

    def deep_sleep(when: int) -> bool:
        if not core.nvic.sleep_deep:
            return False
        chip.deep_sleep(True)
        if not core.nvic.ready:
            machine.clock.idle(when)
        if core.nvic.ready:
            chip.deep_sleep(False)
        return True

    pace.deep_sleep = deep_sleep
    if core.model.v7:
        # (Programs of v6-M chips here sleep until timers that do not tick.)
        skipper = TickSkipper(core, machine.clock, pace, chip.systicks[0])
        pace.skipper = skipper
        changed = core.code_changed

        def code_changed(address: int, size: int) -> None:
            changed(address, size)
            skipper.forget()

        chip.code_changed = code_changed
    return pace


def second_core(machine: Machine, own: Iterable[Window] = ()) -> CortexM:
    """The other core of a chip with two, not started; it has an NVIC and a SysTick of its own.

    own: further windows that it sees in place of the bus's.
    """
    chip = machine.chip
    systick = chip.systicks[1]
    private = [Window("SysTick of core 1", SYSTICK, systick.size, systick.read, systick.write)]
    core = CortexM(chip.core, machine.bus, private=[*private, *own])
    core.connect(chip.interrupts[1], systick.tick)
    return core
