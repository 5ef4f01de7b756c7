"""Window watchdog of STM32F4 (RM0090, chapter 22)."""

from __future__ import annotations

from typing import final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Register


@final
class Wwdg(Block):
    """Counts down from T; bites below 0x40, and when it is fed too early.

    irq: early wake-up at 0x40; bite: pulses when it resets the chip.
    """

    CR = Register(0x00, "WDGA[7]=rw1o T[6:0]", reset=0x7F)
    CFR = Register(0x04, "EWI[9]=rw1o WDGTB[8:7] W[6:0]", reset=0x7F)
    SR = Register(0x08, "EWIF[0]=w0c")

    def __init__(self, context: Context, rate: Rate) -> None:
        super().__init__("WWDG", context)
        self.rate = rate
        self.irq, self.bite = Line("WWDG"), Line("WWDG_BITE")
        self.since = 0  # the time at which T was written
        self.alarms: list[Alarm] = []

    def tick(self) -> int:
        """ns of one count."""
        return (4096 << (self.CFR >> 7 & 3)) * SECOND // (self.rate.hz or 1)

    def count(self) -> int:
        if not self.CR & 0x80:
            return self.CR & 0x7F
        return (self.CR & 0x7F) - (self.clock.now - self.since) // self.tick()

    def stop(self) -> None:
        for alarm in self.alarms:
            alarm.cancel()
        self.alarms.clear()

    def on_reset(self) -> None:
        self.stop()
        self.irq.set(False)

    def read_CR(self) -> int:
        return self.CR & 0x80 | self.count() & 0x7F

    def write_CR(self, written: int, before: int) -> None:
        if before & 0x80:
            after, self.CR = self.CR, before
            early = self.count() > self.CFR & 0x7F
            self.CR = after
            if early:
                self.bite.pulse()
                return
        if not self.CR & 0x80:
            return
        self.stop()
        self.since = self.clock.now
        counts = (self.CR & 0x7F) - 0x40
        if counts < 0:
            self.bite.pulse()
            return
        self.alarms = [self.clock.after(counts * self.tick(), self.early),
                       self.clock.after((counts + 1) * self.tick(), self.bite.pulse)]

    def early(self) -> None:
        self.SR |= 1
        self.update()

    def update(self) -> None:
        self.irq.set(bool(self.SR & 1) and bool(self.CFR & 0x200))

    def write_CFR(self, written: int, before: int) -> None:
        self.update()

    def write_SR(self, written: int, before: int) -> None:
        self.update()
