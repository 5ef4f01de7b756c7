"""Small system blocks of RP2040: SYSINFO, SYSCFG, TBMAN, BUSCTRL, VREG_AND_CHIP_RESET, RTC
(datasheet)."""

from __future__ import annotations

from typing import final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.counter import Cycle
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register, Todo


@final
class Sysinfo(Block):
    """Identity of the chip: stepping B2."""

    replicate = True
    size = 0x1000
    CHIP_ID = Register(0x00, access="ro", reset=0x20002927)
    PLATFORM = Register(0x04, "ASIC[1]=ro FPGA[0]=ro", reset=2)
    GITREF_RP2040 = Register(0x10, access="ro")


@final
class Syscfg(Block):
    """System configuration, stored only."""

    replicate = True
    size = 0x1000
    PROC0_NMI_MASK = Todo(0x00)
    PROC1_NMI_MASK = Todo(0x04)
    PROC_CONFIG = Todo(0x08, reset=0x10000000)
    PROC_IN_SYNC_BYPASS = Register(0x0C, "BYPASS[29:0]")
    PROC_IN_SYNC_BYPASS_HI = Register(0x10, "BYPASS[5:0]")
    DBGFORCE = Todo(0x14, reset=0x66)
    MEMPOWERDOWN = Todo(0x18)


@final
class Tbman(Block):
    """Tells a chip from a simulation: this one says it is a chip."""

    replicate = True
    size = 0x1000
    PLATFORM = Register(0x00, "FPGA[1]=ro ASIC[0]=ro", reset=1)


@final
class BusControl(Block):
    """BUSCTRL: priorities, stored only, and counters of events on the bus.

    What happens on the bus is not looked at: a counter counts cycles of the system clock.
    """

    replicate = True
    size = 0x1000
    BUS_PRIORITY = Register(0x00, "DMA_W[12] DMA_R[8] PROC1[4] PROC0[0]")
    BUS_PRIORITY_ACK = Register(0x04, access="ro", reset=1)
    PERFCTR = Bank(0x08, "PERFCTR{}", 4, "PERFCTR[23:0]=wo", stride=8)
    PERFSEL = Bank(0x0C, "PERFSEL{}", 4, "PERFSEL[4:0]", stride=8, reset=0x1F)

    def __init__(self, context: Context, rate: Rate) -> None:
        super().__init__("BUSCTRL", context)
        self.rate = rate
        self.began = [0] * 4

    def write_PERFCTR(self, n: int, written: int, before: int) -> None:
        self.began[n] = self.clock.now  # any write clears it

    def read_PERFCTR(self, n: int) -> int:
        return min(self.rate.cycles(self.clock.now - self.began[n]), 0xFFFFFF)


@final
class Vreg(Block):
    """Voltage regulator, always in regulation, and the cause of the last power-on reset."""

    replicate = True
    size = 0x1000
    VREG = Register(0x00, "ROK[12]=ro VSEL[7:4] HIZ[1] EN[0]", reset=0x10B1)
    BOD = Register(0x04, "VSEL[7:4] EN[0]", reset=0x91)
    CHIP_RESET = Register(0x08, "PSM_RESTART_FLAG[24]=w1c HAD_PSM_RESTART[20]=ro HAD_RUN[16]=ro "
                                "HAD_POR[8]=ro")

    def __init__(self, context: Context) -> None:
        super().__init__("VREG_AND_CHIP_RESET", context)


@final
class Rtc(Block):
    """Real-time clock (4.8): a calendar that counts seconds, with an alarm."""

    replicate = True
    size = 0x1000
    CLKDIV_M1 = Register(0x00, width=16)
    SETUP_0 = Register(0x04, "YEAR[23:12] MONTH[11:8] DAY[4:0]")
    SETUP_1 = Register(0x08, "DOTW[26:24] HOUR[20:16] MIN[13:8] SEC[5:0]")
    CTRL = Register(0x0C, "FORCE_NOTLEAPYEAR[8] LOAD[4]=sc RTC_ACTIVE[1]=ro RTC_ENABLE[0]")
    IRQ_SETUP_0 = Register(0x10, "MATCH_ACTIVE[29]=ro MATCH_ENA[28] YEAR_ENA[26] MONTH_ENA[25] "
                                 "DAY_ENA[24] YEAR[23:12] MONTH[11:8] DAY[4:0]")
    IRQ_SETUP_1 = Register(0x14, "DOTW_ENA[31] HOUR_ENA[30] MIN_ENA[29] SEC_ENA[28] DOTW[26:24] "
                                 "HOUR[20:16] MIN[13:8] SEC[5:0]")
    RTC_1 = Register(0x18, access="ro")
    RTC_0 = Register(0x1C, access="ro")
    INTR = Register(0x20, access="ro")
    INTE = Register(0x24, "RTC[0]")
    INTF = Register(0x28, "RTC[0]")
    INTS = Register(0x2C, access="ro")

    def __init__(self, context: Context, rate: Rate) -> None:
        super().__init__("RTC", context)
        self.irq = Line("RTC_IRQ")
        self.cycle = Cycle(self.clock, rate, self.settle, self.plan)

    def on_reset(self) -> None:
        self.cycle.alarm(None, self.second)
        self.cycle.ticks.run(False)
        self.irq.set(False)

    # Alarm.

    def plan(self) -> None:
        """While an alarm is set, every second is looked at."""
        wanted = self.IRQ_SETUP_0 & Rtc.IRQ_SETUP_0["MATCH_ENA"] and self.cycle.period
        self.cycle.alarm(self.cycle.ahead(0) if wanted else None, self.second)

    def second(self) -> None:
        self.settle()
        self.update()
        self.plan()

    def matches(self) -> bool:
        """Do all fields of the alarm that are on have their values?"""
        date, time = self.IRQ_SETUP_0, self.IRQ_SETUP_1
        if not date & Rtc.IRQ_SETUP_0["MATCH_ENA"] or not self.CTRL & 1:
            return False
        mask = sum(Rtc.SETUP_0[name] for name, bit in (("YEAR", 26), ("MONTH", 25), ("DAY", 24))
                   if date >> bit & 1)
        if (date ^ self.RTC_1) & mask:
            return False
        mask = sum(Rtc.SETUP_1[name] for name, bit in
                   (("DOTW", 31), ("HOUR", 30), ("MIN", 29), ("SEC", 28)) if time >> bit & 1)
        return not (time ^ self.RTC_0) & mask

    def update(self) -> None:
        self.INTR = int(self.matches())
        self.irq.set(bool(self.read_INTS()))

    def read_INTR(self) -> int:
        self.settle()
        self.update()
        return self.INTR

    def read_IRQ_SETUP_0(self) -> int:
        enabled = self.IRQ_SETUP_0 & Rtc.IRQ_SETUP_0["MATCH_ENA"]
        return self.IRQ_SETUP_0 | enabled << 1  # it is active at once

    def write_IRQ_SETUP_0(self, written: int, before: int) -> None:
        self.second()

    def write_IRQ_SETUP_1(self, written: int, before: int) -> None:
        self.second()

    def settle(self) -> None:
        if self.cycle.ticks.running and (seconds := self.cycle.fold()):
            self.add(seconds)

    def add(self, seconds: int) -> None:
        """Moves time and date on."""
        time, date = self.RTC_0, self.RTC_1
        total = (time >> 16 & 31) * 3600 + (time >> 8 & 63) * 60 + (time & 63) + seconds
        days, total = divmod(total, 86400)
        weekday = ((time >> 24 & 7) + days) % 7
        self.RTC_0 = weekday << 24 | total // 3600 << 16 | total // 60 % 60 << 8 | total % 60
        year, month, day = date >> 12, min(max(date >> 8 & 15, 1), 12), (date & 31) + days
        while day > (length := self.length(year, month)):
            day -= length
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        self.RTC_1 = (year & 0xFFF) << 12 | month << 8 | day

    def length(self, year: int, month: int) -> int:
        """Days of a month; as on the chip, every fourth year is a leap year unless forced."""
        if month != 2:
            return 30 if month in (4, 6, 9, 11) else 31
        return 29 if year % 4 == 0 and not self.CTRL & Rtc.CTRL["FORCE_NOTLEAPYEAR"] else 28

    def write_CTRL(self, written: int, before: int) -> None:
        self.settle()
        if written & Rtc.CTRL["LOAD"]:
            self.RTC_1, self.RTC_0 = self.SETUP_0, self.SETUP_1
        enabled = self.CTRL & 1
        self.CTRL = self.CTRL & ~2 | enabled << 1
        if written & Rtc.CTRL["LOAD"] or enabled != before & 1:
            self.cycle.ticks.run(False)
            self.cycle.place(0, self.CLKDIV_M1 + 1)
            self.cycle.ticks.run(bool(enabled))
            self.second()

    def read_RTC_0(self) -> int:
        self.settle()
        return self.RTC_0

    def read_RTC_1(self) -> int:
        self.settle()
        return self.RTC_1

    def write_INTF(self, written: int, before: int) -> None:
        self.update()

    def write_INTE(self, written: int, before: int) -> None:
        self.update()

    def read_INTS(self) -> int:
        return self.INTR & self.INTE | self.INTF
