"""Real-time clock of STM32F4 (RM0090, chapter 26): calendar, alarms, wake-up timer, backup
registers.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.stm32.rtc_alarm import (
    Alarm,
    Moment,
    month_length,
    ticks_ahead,
    unbcd,
)
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.counter import Cycle
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register, Todo

KEYS: Final = (0xCA, 0x53)
WUTE, WUTIE, WUTF = 1 << 10, 1 << 14, 1 << 10
ALARMS: Final = ("MSK4[31] WDSEL[30] DATE[29:24] MSK3[23] PM[22] H[21:16] MSK2[15] MN[14:8] "
                 "MSK1[7] S[6:0]")
ENABLED = FLAGGED = 1 << 8
"""Of alarm A in CR and in ISR; those of alarm B are the next bits."""


def bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


@final
class Rtc(Block):
    """Calendar in BCD that counts seconds of the RTC clock.

    wakeup: rises when the wake-up timer sets its flag and WUTIE is set; alarms: when one of the
    alarms does that and its interrupt is enabled.  Registers behind the
    write protection change only after the two keys were written to WPR, and while the backup
    domain is open for writing; the latter is not checked.
    """

    TR = Register(0x00, "PM[22] HT[21:20] HU[19:16] MNT[14:12] MNU[11:8] ST[6:4] SU[3:0]")
    DR = Register(0x04, "YT[23:20] YU[19:16] WDU[15:13] MT[12] MU[11:8] DT[5:4] DU[3:0]",
                  reset=0x2101)
    CR = Register(0x08, "COE[23] OSEL[22:21] POL[20] COSEL[19] BKP[18] SUB1H[17]=sc ADD1H[16]=sc "
                        "TSIE[15] WUTIE[14] ALRBIE[13] ALRAIE[12] TSE[11] WUTE[10] ALRBE[9] "
                        "ALRAE[8] DCE[7] FMT[6] BYPSHAD[5] REFCKON[4] TSEDGE[3] WUCKSEL[2:0]")
    ISR = Register(0x0C, "RECALPF[16]=ro TAMP2F[14]=w0c TAMP1F[13]=w0c TSOVF[12]=w0c TSF[11]=w0c "
                         "WUTF[10]=w0c ALRBF[9]=w0c ALRAF[8]=w0c INIT[7] INITF[6]=ro RSF[5]=w0c "
                         "INITS[4]=ro SHPF[3]=ro WUTWF[2]=ro ALRBWF[1]=ro ALRAWF[0]=ro", reset=7)
    PRER = Register(0x10, "PREDIV_A[22:16] PREDIV_S[14:0]", reset=0x7F00FF)
    WUTR = Register(0x14, "WUT[15:0]", reset=0xFFFF)
    CALIBR = Todo(0x18)
    ALRMAR = Register(0x1C, ALARMS)
    ALRMBR = Register(0x20, ALARMS)
    WPR = Register(0x24, access="wo")
    SSR = Register(0x28, access="ro", width=16)
    SHIFTR = Todo(0x2C)
    TSTR = Todo(0x30)
    TSDR = Todo(0x34)
    TSSSR = Todo(0x38)
    CALR = Todo(0x3C)
    # Tampers do not happen here; TSINSEL and the pull-ups of the pads make no difference.
    TAFCR = Register(0x40, "ALARMOUTTYPE[18] TSINSEL[17] TAMP1INSEL[16] TAMPPUDIS[15] "
                           "TAMPPRCH[14:13] TAMPFLT[12:11] TAMPFREQ[10:8] TAMPTS[7] TAMP2TRG[4] "
                           "TAMP2E[3] TAMPIE[2] TAMP1TRG[1] TAMP1E[0]")
    ALRMASSR = Register(0x44, "MASKSS[27:24] SS[14:0]")
    ALRMBSSR = Register(0x48, "MASKSS[27:24] SS[14:0]")
    BKPR = Bank(0x50, "BKP{}R", 20)

    def __init__(self, context: Context, rate: Rate) -> None:
        super().__init__("RTC", context)
        self.wakeup, self.alarms = Line("RTC_WKUP"), Line("RTC_ALARM")
        self.calendar = Cycle(self.clock, rate, self.settle, self.plan_alarms)
        self.times: list[int | None] = [None, None]  # of the alarms, in ticks of the calendar
        self.timer = Cycle(self.clock, rate, self.settle_timer, self.plan)
        self.keys = 0
        self.unlocked = False

    def reset(self) -> None:
        """A reset of the chip leaves the RTC alone: it belongs to the backup domain."""
        self.unlocked, self.keys = False, 0

    def backup_reset(self) -> None:
        super().reset()

    def on_reset(self) -> None:
        self.unlocked, self.keys = False, 0
        self.begin()
        self.start_timer()

    def subseconds(self) -> int:
        """Ticks of the synchronous prescaler per second."""
        return (self.PRER & 0x7FFF) + 1

    def begin(self) -> None:
        """The calendar runs on from what the registers say, at the start of a second."""
        self.calendar.ticks.divide((self.PRER >> 16) + 1)
        self.calendar.place(0, self.subseconds())
        self.calendar.ticks.run(not self.ISR & Rtc.ISR["INITF"])
        self.plan_alarms()

    def settle(self) -> None:
        if not self.calendar.ticks.running:
            return
        seconds = self.calendar.fold()
        self.ISR |= Rtc.ISR["RSF"]
        if seconds:
            self.add(seconds)

    def add(self, seconds: int) -> None:
        """Moves time and date on."""
        total = self.moment().second + seconds
        days, total = divmod(total, 86400)
        hour, minute, second = total // 3600, total // 60 % 60, total % 60
        half = 0
        if self.CR & Rtc.CR["FMT"]:
            half = Rtc.TR["PM"] if hour >= 12 else 0
            hour = (hour + 11) % 12 + 1
        self.TR = half | bcd(hour) << 16 | bcd(minute) << 8 | bcd(second)
        if days:
            self.add_days(days)

    def add_days(self, days: int) -> None:
        year, month, day = unbcd(self.DR >> 16), unbcd(self.DR >> 8 & 0x1F), unbcd(self.DR & 0x3F)
        weekday = ((self.DR >> 13 & 7) - 1 + days) % 7 + 1
        day += days
        while day < 1:
            month, year = (month - 1, year) if month > 1 else (12, (year - 1) % 100)
            day += month_length(year, month)
        while True:
            length = month_length(year, min(max(month, 1), 12))
            if day <= length:
                break
            day -= length
            month += 1
            if month > 12:
                month, year = 1, (year + 1) % 100
        self.DR = bcd(year) << 16 | weekday << 13 | bcd(month) << 8 | bcd(day)

    # Calendar registers.

    def read_TR(self) -> int:
        self.settle()
        return self.TR

    def read_DR(self) -> int:
        self.settle()
        return self.DR

    def read_SSR(self) -> int:
        self.settle()
        return self.subseconds() - 1 - self.calendar.phase()

    def write_TR(self, written: int, before: int) -> None:
        if not (self.unlocked and self.ISR & Rtc.ISR["INITF"]):
            self.TR = before

    def write_DR(self, written: int, before: int) -> None:
        if not (self.unlocked and self.ISR & Rtc.ISR["INITF"]):
            self.DR = before

    def write_PRER(self, written: int, before: int) -> None:
        if not (self.unlocked and self.ISR & Rtc.ISR["INITF"]):
            self.PRER = before

    def read_ISR(self) -> int:
        self.settle()
        self.settle_timer()
        year = Rtc.ISR["INITS"] if self.DR >> 16 else 0
        wakeup_off = 0 if self.CR & WUTE else Rtc.ISR["WUTWF"]
        alarms_off = ~self.CR >> 8 & 3  # these may be written
        return self.ISR & ~(Rtc.ISR["INITS"] | 7) | year | wakeup_off | alarms_off

    def write_ISR(self, written: int, before: int) -> None:
        if not self.unlocked:
            # The protection covers INIT; flags can be cleared in any case.
            self.ISR = self.ISR & ~Rtc.ISR["INIT"] | before & Rtc.ISR["INIT"]
        started = self.ISR & ~before & Rtc.ISR["INIT"]
        ended = before & ~self.ISR & Rtc.ISR["INIT"]
        if started:
            self.settle()
            self.ISR |= Rtc.ISR["INITF"]
            self.calendar.ticks.run(False)
            self.plan_alarms()
        elif ended:
            self.ISR &= ~Rtc.ISR["INITF"]
            self.begin()
        self.interrupt()
        self.plan()
        self.plan_alarms()

    def write_WPR(self, written: int, before: int) -> None:
        key = written & 0xFF
        if self.keys < 2 and key == KEYS[self.keys]:
            self.keys += 1
            self.unlocked = self.keys == 2
        else:
            self.keys, self.unlocked = 0, False
        if self.unlocked:
            self.keys = 0

    # Alarms.

    def fixed(self, n: int) -> bool:
        """May the registers of an alarm not be written now?"""
        return not self.unlocked or bool(self.CR & ENABLED << n)

    def write_ALRMAR(self, written: int, before: int) -> None:
        if self.fixed(0):
            self.ALRMAR = before

    def write_ALRMBR(self, written: int, before: int) -> None:
        if self.fixed(1):
            self.ALRMBR = before

    def write_ALRMASSR(self, written: int, before: int) -> None:
        if self.fixed(0):
            self.ALRMASSR = before

    def write_ALRMBSSR(self, written: int, before: int) -> None:
        if self.fixed(1):
            self.ALRMBSSR = before

    def plan_alarms(self) -> None:
        """Finds out when the alarms that are on, and not flagged yet, go off."""
        self.times = [None, None]
        calendar = self.calendar
        if not self.CR & (ENABLED | ENABLED << 1) or not calendar.ticks.running:
            calendar.alarm(None, self.alarms_due)
            return
        self.settle()
        halves = bool(self.CR & Rtc.CR["FMT"])
        now, phase = self.moment(), calendar.phase()
        alarms = (self.ALRMAR, self.ALRMASSR), (self.ALRMBR, self.ALRMBSSR)
        for n, (word, sub) in enumerate(alarms):
            if self.CR & ENABLED << n and not self.ISR & FLAGGED << n:
                ahead = ticks_ahead(Alarm(word, sub, halves), now, phase, self.subseconds() - 1)
                if ahead is not None:
                    self.times[n] = calendar.ticks.count() + ahead
        times = [time for time in self.times if time is not None]
        calendar.alarm(min(times) - calendar.ticks.count() if times else None, self.alarms_due)

    def moment(self) -> Moment:
        hour = unbcd(self.TR >> 16 & 0x3F)
        if self.CR & Rtc.CR["FMT"]:
            hour = hour % 12 + (12 if self.TR & Rtc.TR["PM"] else 0)
        return Moment(unbcd(self.DR >> 16), unbcd(self.DR >> 8 & 0x1F), unbcd(self.DR & 0x3F),
                      self.DR >> 13 & 7,
                      hour * 3600 + unbcd(self.TR >> 8 & 0x7F) * 60 + unbcd(self.TR & 0x7F))

    def alarms_due(self) -> None:
        now = self.calendar.ticks.count()
        for n, time in enumerate(self.times):
            if time is not None and time <= now:
                self.ISR |= FLAGGED << n
        self.interrupt()
        self.plan_alarms()

    # Wake-up timer.

    def start_timer(self) -> None:
        select = self.CR & 7
        if select < 4:
            divider, count = 16 >> select, (self.WUTR & 0xFFFF) + 1
        else:
            divider = ((self.PRER >> 16) + 1) * self.subseconds()
            count = (self.WUTR & 0xFFFF) + 1 + (0x10000 if select >= 6 else 0)
        self.timer.ticks.run(False)
        self.timer.ticks.divide(divider)
        self.timer.place(0, count)
        self.timer.ticks.run(bool(self.CR & WUTE))
        self.plan()

    def settle_timer(self) -> None:
        if self.timer.ticks.running and self.timer.fold():
            self.ISR |= WUTF
            self.interrupt()

    def plan(self) -> None:
        wanted = self.timer.ticks.running and self.CR & WUTIE and not self.ISR & WUTF
        self.timer.alarm(self.timer.ahead(0) if wanted else None, self.due)

    def due(self) -> None:
        self.settle_timer()
        self.plan()

    def interrupt(self) -> None:
        self.wakeup.set(bool(self.ISR & WUTF) and bool(self.CR & WUTIE))
        self.alarms.set(bool(self.ISR >> 8 & self.CR >> 12 & 3))

    def write_CR(self, written: int, before: int) -> None:
        if not self.unlocked:
            self.CR = before
            return
        after, self.CR = self.CR, before
        self.settle()
        self.settle_timer()
        self.CR = after
        if (after ^ before) & WUTE:
            self.start_timer()
        if written & Rtc.CR["ADD1H"]:
            self.add(3600)
        if written & Rtc.CR["SUB1H"]:
            self.add(-3600)
        self.interrupt()
        self.plan()
        self.plan_alarms()

    def write_WUTR(self, written: int, before: int) -> None:
        if not self.unlocked or self.CR & WUTE:
            self.WUTR = before
