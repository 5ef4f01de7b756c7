"""The FRC timers that the ESP32 and the ESP8266 have in common (ESP8266 Technical Reference, 7)."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import Alarm, Rate, Ticks
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import ALL, Register

SHORT: Final = (1 << 23) - 1
"""FRC1 counts 23 bits down; FRC2 counts 32 bits up."""
ENABLE, AUTO_LOAD = 1 << 7, 1 << 6
DIVIDERS: Final = (1, 16, 256, 256)
CONTROL: Final = "INT_ST[8]=ro ENABLE[7] AUTOLOAD[6] PRESCALE[3:2] INT_TYPE[0]"


@final
class FrcTimers(Block):
    """irqs: of FRC1 and FRC2."""

    size = 0x40
    FRC1_LOAD = Register(0x00, "VALUE[22:0]")
    FRC1_COUNT = Register(0x04, access="ro")
    FRC1_CTRL = Register(0x08, CONTROL)
    FRC1_INT = Register(0x0C, "CLR[0]=wo")
    FRC2_LOAD = Register(0x20)
    FRC2_COUNT = Register(0x24, access="ro")
    FRC2_CTRL = Register(0x28, CONTROL)
    FRC2_INT = Register(0x2C, "CLR[0]=wo")
    FRC2_ALARM = Register(0x30)
    registers = ()

    def __init__(self, name: str, context: Context, apb: Rate) -> None:
        super().__init__(name, context)
        self.irqs = Line("FRC1_INTR"), Line("FRC2_INTR")
        self.ticks = Ticks(self.clock, apb), Ticks(self.clock, apb)
        self.bases = [0, 0]  # values at a count of 0 ticks
        self.alarms: list[Alarm | None] = [None, None]
        for ticks in self.ticks:
            apb.subscribe(ticks.settle, self.plan)

    def value(self, number: int) -> int:
        ticks = self.ticks[number].count()
        if number == 0:
            return self.bases[0] - ticks & SHORT
        return self.bases[1] + ticks & ALL

    def load(self, number: int, value: int) -> None:
        ticks = self.ticks[number].count()
        self.bases[number] = value + ticks if number == 0 else value - ticks
        self.plan()

    def on_reset(self) -> None:
        for number in (0, 1):
            self.ticks[number].run(False)
            self.load(number, 0)
            self.irqs[number].set(False)

    def plan(self) -> None:
        for number in (0, 1):
            alarm = self.alarms[number]
            if alarm is not None:
                alarm.cancel()
                self.alarms[number] = None
            if number == 0:
                ahead = self.value(0) or SHORT + 1
            else:
                ahead = (self.FRC2_ALARM - self.value(1) - 1 & ALL) + 1
            ticks = self.ticks[number]
            when = ticks.when(ticks.count() + ahead)
            if when is not None:
                self.alarms[number] = self.clock.at(
                    when, self._first_rang if number == 0 else self._second_rang)

    def _first_rang(self) -> None:
        self.alarms[0] = None
        self.FRC1_CTRL |= 1 << 8
        self.load(0, self.FRC1_LOAD if self.FRC1_CTRL & AUTO_LOAD else 0)
        self._fired(0)

    def _second_rang(self) -> None:
        self.alarms[1] = None
        self.FRC2_CTRL |= 1 << 8
        if self.FRC2_CTRL & AUTO_LOAD:
            self.load(1, self.FRC2_LOAD)
        else:
            self.plan()
        self._fired(1)

    def _fired(self, number: int) -> None:
        self.irqs[number].set(False)
        self.irqs[number].set(True)

    def _control(self, number: int, control: int) -> None:
        ticks = self.ticks[number]
        value = self.value(number)
        ticks.divide(DIVIDERS[control >> 2 & 3])
        ticks.run(bool(control & ENABLE))
        self.load(number, value)

    def write_FRC1_LOAD(self, written: int, before: int) -> None:
        self.load(0, written & SHORT)

    def write_FRC2_LOAD(self, written: int, before: int) -> None:
        self.load(1, written)

    def read_FRC1_COUNT(self) -> int:
        return self.value(0)

    def read_FRC2_COUNT(self) -> int:
        return self.value(1)

    def write_FRC1_CTRL(self, written: int, before: int) -> None:
        self._control(0, self.FRC1_CTRL)

    def write_FRC2_CTRL(self, written: int, before: int) -> None:
        self._control(1, self.FRC2_CTRL)

    def write_FRC1_INT(self, written: int, before: int) -> None:
        self.FRC1_CTRL &= ~(1 << 8)
        self.irqs[0].set(False)

    def write_FRC2_INT(self, written: int, before: int) -> None:
        self.FRC2_CTRL &= ~(1 << 8)
        self.irqs[1].set(False)

    def write_FRC2_ALARM(self, written: int, before: int) -> None:
        self.plan()
