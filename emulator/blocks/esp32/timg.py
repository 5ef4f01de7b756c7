"""Timer groups of the ESP32 (Technical Reference Manual, 18 and 19): two timers and a watchdog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context, todos
from mpy_cross.emulator.clock import Alarm, Rate, Ticks
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register

ENABLE, INCREASE, AUTO_RELOAD, ALARM_ENABLE = 1 << 31, 1 << 30, 1 << 29, 1 << 10
LONG: Final = (1 << 64) - 1
KEY: Final = 0x50D83AA1
WATCHDOG: Final = 1 << 2  # of the interrupts
STAGES: Final = 4
# What a stage of the watchdog does, by its field in WDTCONFIG0.
INTERRUPT, RESET_CPU, RESET_SYSTEM = 1, 2, 3
CONFIG: Final = ("EN[31] INCREASE[30] AUTORELOAD[29] DIVIDER[28:13] EDGE_INT_EN[12] "
                 "LEVEL_INT_EN[11] ALARM_EN[10]")
LATER: Final = (
    "RTCCALICFG:68=13000 RTCCALICFG1:6C=1FFFF80 LACTCONFIG:70=60002300 LACTRTC:74 LACTLO:78 "
    "LACTHI:7C LACTUPDATE:80 LACTALARMLO:84 LACTALARMHI:88 LACTLOADLO:8C LACTLOADHI:90 "
    "LACTLOAD:94 NTIMERS_DATE:F8=1604290 REGCLK:FC")


@final
class Timer:
    """One of the two 64-bit timers."""

    def __init__(self, block: TimerGroup, number: int, apb: Rate) -> None:
        self.block, self.number = block, number
        self.ticks = Ticks(block.clock, apb)
        self.base = 0  # value at a count of 0 ticks
        self.direction = 1
        self.alarm: Alarm | None = None
        apb.subscribe(self.ticks.settle, self.plan)

    def value(self) -> int:
        return self.base + self.direction * self.ticks.count() & LONG

    def load(self, value: int) -> None:
        self.base = value - self.direction * self.ticks.count() & LONG
        self.plan()

    def configure(self) -> None:
        config = self.block.CONFIG[self.number]
        value = self.value()
        divider = config >> 13 & 0xFFFF
        # A divider of 0 divides by 65536, one of 1 by 2.
        self.ticks.divide(65536 if divider == 0 else max(divider, 2))
        self.direction = 1 if config & INCREASE else -1
        self.ticks.run(bool(config & ENABLE))
        self.load(value)

    def plan(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        block, number = self.block, self.number
        if not block.CONFIG[number] & ALARM_ENABLE:
            return
        target = block.ALARMLO[number] | block.ALARMHI[number] << 32
        ahead = (target - self.value()) * self.direction & LONG
        when = self.ticks.when(self.ticks.count() + ahead)
        if when is not None and ahead < 1 << 62:
            self.alarm = block.clock.at(when, self.rang)

    def rang(self) -> None:
        self.alarm = None
        block, number = self.block, self.number
        config = block.CONFIG[number]
        # The alarm switches itself off.
        block.CONFIG[number] = config & ~ALARM_ENABLE
        if config & AUTO_RELOAD:
            self.load(block.LOADLO[number] | block.LOADHI[number] << 32)
        if config & 3 << 11:
            block.INT_RAW |= 1 << number
            block.update()


@final
class TimerGroup(Block):
    """irqs: of the timers and the watchdog.  bite: called when the watchdog resets the chip."""

    size = 0x100
    CONFIG = Bank(0x00, "T{}CONFIG", 2, CONFIG, stride=0x24, reset=0x60002000)
    LO = Bank(0x04, "T{}LO", 2, stride=0x24, access="ro")
    HI = Bank(0x08, "T{}HI", 2, stride=0x24, access="ro")
    UPDATE = Bank(0x0C, "T{}UPDATE", 2, stride=0x24, access="wo")
    ALARMLO = Bank(0x10, "T{}ALARMLO", 2, stride=0x24)
    ALARMHI = Bank(0x14, "T{}ALARMHI", 2, stride=0x24)
    LOADLO = Bank(0x18, "T{}LOADLO", 2, stride=0x24)
    LOADHI = Bank(0x1C, "T{}LOADHI", 2, stride=0x24)
    LOAD = Bank(0x20, "T{}LOAD", 2, stride=0x24, access="wo")
    WDTCONFIG0 = Register(0x48, "EN[31] STG0[30:29] STG1[28:27] STG2[26:25] STG3[24:23] "
                                "EDGE_INT_EN[22] LEVEL_INT_EN[21] CPU_RESET_LENGTH[20:18] "
                                "SYS_RESET_LENGTH[17:15] FLASHBOOT_MOD_EN[14]", reset=0x4C000)
    WDTCONFIG1 = Register(0x4C, "CLK_PRESCALE[31:16]", reset=0x10000)
    STAGE = Bank(0x50, "WDTCONFIG{}", STAGES, first=2, reset=26000000)
    WDTFEED = Register(0x60, access="wo")
    WDTWPROTECT = Register(0x64, reset=KEY)
    INT_ENA = Register(0x98, "LACT[3] WDT[2] T1[1] T0[0]", name="INT_ENA_TIMERS")
    INT_RAW = Register(0x9C, "LACT[3]=ro WDT[2]=ro T1[1]=ro T0[0]=ro",
                       name="INT_RAW_TIMERS")
    INT_ST = Register(0xA0, access="ro", name="INT_ST_TIMERS")
    INT_CLR = Register(0xA4, "LACT[3]=wo WDT[2]=wo T1[1]=wo T0[0]=wo",
                       name="INT_CLR_TIMERS")
    registers = todos(LATER)

    def __init__(self, name: str, context: Context, apb: Rate) -> None:
        super().__init__(name, context)
        self.apb = apb
        self.irqs = [Line(f"{name}_T0"), Line(f"{name}_T1"), Line(f"{name}_WDT")]
        self.bite: Callable[[str], None] = lambda reason: None
        self.timers = [Timer(self, number, apb) for number in (0, 1)]
        self.watchdog: Alarm | None = None
        self.stage = 0

    def on_reset(self) -> None:
        for timer in self.timers:
            timer.base = 0
            timer.ticks.run(False)
            timer.load(0)
            timer.configure()
        self.feed()
        self.update()

    def update(self) -> None:
        pending = self.INT_RAW & self.INT_ENA
        for number, irq in enumerate(self.irqs):
            irq.set(bool(pending >> number & 1))

    # Timers.

    def write_CONFIG(self, number: int, written: int, before: int) -> None:
        self.timers[number].configure()

    def write_UPDATE(self, number: int, written: int, before: int) -> None:
        value = self.timers[number].value()
        self.LO[number], self.HI[number] = value & 0xFFFFFFFF, value >> 32

    def write_ALARMLO(self, number: int, written: int, before: int) -> None:
        self.timers[number].plan()

    def write_ALARMHI(self, number: int, written: int, before: int) -> None:
        self.timers[number].plan()

    def write_LOAD(self, number: int, written: int, before: int) -> None:
        self.timers[number].load(self.LOADLO[number] | self.LOADHI[number] << 32)

    # The watchdog.  Its registers can be written while WDTWPROTECT holds the key.

    def feed(self) -> None:
        """Starts the first stage anew."""
        self.stage = 0
        self._wait()

    def _wait(self) -> None:
        if self.watchdog is not None:
            self.watchdog.cancel()
            self.watchdog = None
        if not self.WDTCONFIG0 >> 31 or self.stage >= STAGES or not self.apb.hz:
            return
        cycles = self.STAGE[self.stage] * max(self.WDTCONFIG1 >> 16, 1)
        self.watchdog = self.clock.after(self.apb.ns(cycles), self._expired)

    def _expired(self) -> None:
        self.watchdog = None
        action = self.WDTCONFIG0 >> 29 - 2 * self.stage & 3
        if action in (RESET_CPU, RESET_SYSTEM):
            self.bite(self.name)
            return
        if action == INTERRUPT:
            self.INT_RAW |= WATCHDOG
            self.update()
        self.stage += 1
        self._wait()

    def write_WDTCONFIG0(self, written: int, before: int) -> None:
        if self.WDTWPROTECT != KEY:
            self.WDTCONFIG0 = before
        elif (written ^ before) >> 31:
            self.feed()

    def write_WDTCONFIG1(self, written: int, before: int) -> None:
        if self.WDTWPROTECT != KEY:
            self.WDTCONFIG1 = before

    def write_STAGE(self, number: int, written: int, before: int) -> None:
        if self.WDTWPROTECT != KEY:
            self.STAGE[number] = before
        elif number == self.stage:
            self._wait()

    def write_WDTFEED(self, written: int, before: int) -> None:
        if self.WDTWPROTECT == KEY:
            self.feed()

    # Interrupts.

    def write_INT_ENA(self, written: int, before: int) -> None:
        self.update()

    def read_INT_ST(self) -> int:
        return self.INT_RAW & self.INT_ENA

    def write_INT_CLR(self, written: int, before: int) -> None:
        self.INT_RAW &= ~written
        self.update()
