"""SysTick, the 24-bit timer of Cortex-M cores (ARMv7-M manual, B3.3; ARMv6-M manual, B3.3)."""

from __future__ import annotations

from typing import final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.counter import Cycle
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Register

BASE = 0xE000E010


@final
class SysTick(Block):
    """Counts down from RVR to 0 with the core clock, or with a slower reference.

    tick: pulses when the count comes to 0 and TICKINT is set; the core pends exception 15 then.
    calib: value of the calibration register, which chips set differently.
    """

    size = 0x10
    CSR = Register(0x0, "COUNTFLAG[16]=ro CLKSOURCE[2] TICKINT[1] ENABLE[0]")
    RVR = Register(0x4, "RELOAD[23:0]")
    CVR = Register(0x8, "CURRENT[23:0]=ro")
    CALIB = Register(0xC, access="ro")

    def __init__(self, context: Context, core: Rate, reference: Rate, calib: int = 0) -> None:
        super().__init__("SysTick", context)
        self.tick = Line("SysTick")
        self.core, self.reference = core, reference
        self.cycles = {True: Cycle(self.clock, core, self.settle, self.plan),
                       False: Cycle(self.clock, reference, self.settle, self.plan)}
        self.cycle = self.cycles[False]
        self.preset(SysTick.CALIB, calib)

    def settle(self) -> None:
        """Sees what happened until now. Phase 0 is count 0, and RELOAD comes after it."""
        if self.cycle.ticks.running and self.cycle.fold():
            self.CSR |= SysTick.CSR["COUNTFLAG"]
            if self.cycle.period != self.RVR + 1:  # a new reload value counts from here
                self.cycle.place(self.cycle.phase(), self.RVR + 1)

    def plan(self) -> None:
        wanted = self.CSR & SysTick.CSR["TICKINT"] or self.cycle.period != self.RVR + 1
        self.cycle.alarm(self.cycle.ahead(0) if wanted and self.cycle.period else None, self.zero)

    def zero(self) -> None:
        self.settle()
        self.plan()
        if self.CSR & SysTick.CSR["TICKINT"]:
            self.tick.pulse()

    def current(self) -> int:
        phase = self.cycle.phase()
        return self.cycle.period - phase if phase else 0

    def restart(self, current: int) -> None:
        """Runs on from the count `current`, if it is to run at all."""
        enabled = bool(self.CSR & SysTick.CSR["ENABLE"]) and (self.RVR > 0 or current > 0)
        cycle = self.cycles[bool(self.CSR & SysTick.CSR["CLKSOURCE"])]
        if cycle is not self.cycle:
            self.cycle.alarm(None, self.zero)
            self.cycle.ticks.run(False)
            self.cycle = cycle
        cycle.ticks.run(enabled)
        period = max(self.RVR, current) + 1
        cycle.place((period - current) % period, period)
        self.plan()

    def write_CSR(self, written: int, before: int) -> None:
        # The count so far belongs to the clock that was selected before.
        self.settle()
        if (self.CSR ^ before) & (SysTick.CSR["ENABLE"] | SysTick.CSR["CLKSOURCE"]):
            self.restart(self.current())
        else:
            self.plan()

    def read_CSR(self) -> int:
        self.settle()
        value = self.CSR
        self.CSR &= ~SysTick.CSR["COUNTFLAG"]
        return value

    def write_RVR(self, written: int, before: int) -> None:
        self.settle()
        if self.current() == 0:
            self.restart(0)
        else:
            self.plan()

    def read_CVR(self) -> int:
        self.settle()
        return self.current()

    def write_CVR(self, written: int, before: int) -> None:
        self.settle()
        self.CSR &= ~SysTick.CSR["COUNTFLAG"]
        self.restart(0)

    def on_reset(self) -> None:
        for cycle in self.cycles.values():
            cycle.alarm(None, self.zero)
            cycle.ticks.run(False)
            cycle.place(0, 0)
        self.cycle = self.cycles[False]
