"""Timers of STM32F4 (RM0090, chapters 17 to 20): advanced, general-purpose and basic.

The counter is computed from virtual time.  The clock is asked for an alarm only where something
has to happen by itself: an interrupt, a preloaded value, an output on a pad, an end of one-pulse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.stm32.channel import Channel
from mpy_cross.emulator.blocks.stm32.dma import Request
from mpy_cross.emulator.blocks.stm32.tim_dma import (
    BY_UPDATE,
    COMPARE,
    COMPARES,
    UPDATE,
    TimerRequests,
)
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.counter import Cycle, passes
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import ALL, Bank, Register, Todo

UIF: Final = 1
CEN, UDIS, URS, OPM, DIR, ARPE = 1, 2, 4, 8, 16, 128
UG: Final = 1
MOE: Final = 1 << 15
POLLS: Final = 3


@final
class Kind(NamedTuple):
    """What a timer has: channels, bits of its counter, up and down counting, advanced features."""

    channels: int = 4
    bits: int = 16
    down: bool = True
    advanced: bool = False


ADVANCED: Final = Kind(advanced=True)
GENERAL: Final = Kind()
GENERAL_32: Final = Kind(bits=32)
TWO_CHANNELS: Final = Kind(channels=2, down=False)
ONE_CHANNEL: Final = Kind(channels=1, down=False)
BASIC: Final = Kind(channels=0, down=False)


class Tim(Block):
    """One timer.

    lines: interrupts "UP", "CC", "TRG" and "BRK" of the advanced timers, one for all of the others;
    signals: CH1 to CH4, then CH1N to CH3N of the advanced ones; updated: called at every update
    event, for what the timer triggers (converters, other timers); dma: its requests.
    """

    CR1 = Register(0x00, "CKD[9:8] ARPE[7] CMS[6:5] DIR[4] OPM[3] URS[2] UDIS[1] CEN[0]")
    CR2 = Register(0x04, "OIS4[14] OIS3N[13] OIS3[12] OIS2N[11] OIS2[10] OIS1N[9] OIS1[8] TI1S[7] "
                         "MMS[6:4] CCDS[3] CCUS[2] CCPC[0]")
    SMCR = Register(0x08, "ETP[15] ECE[14] ETPS[13:12] ETF[11:8] MSM[7] TS[6:4] SMS[2:0]")
    DIER = Register(0x0C, "TDE[14] COMDE[13] CC4DE[12] CC3DE[11] CC2DE[10] CC1DE[9] UDE[8] BIE[7] "
                          "TIE[6] COMIE[5] CC4IE[4] CC3IE[3] CC2IE[2] CC1IE[1] UIE[0]")
    SR = Register(0x10, "CC4OF[12] CC3OF[11] CC2OF[10] CC1OF[9] BIF[7] TIF[6] COMIF[5] CC4IF[4] "
                        "CC3IF[3] CC2IF[2] CC1IF[1] UIF[0]", access="w0c")
    EGR = Register(0x14, "BG[7] TG[6] COMG[5] CC4G[4] CC3G[3] CC2G[2] CC1G[1] UG[0]", access="wo")
    CCMR = Bank(0x18, "CCMR{}", 2, width=16, first=1)
    CCER = Register(0x20, width=16)
    CNT = Register(0x24)
    PSC = Register(0x28, width=16)
    ARR = Register(0x2C, reset=0xFFFFFFFF)
    RCR = Register(0x30, "REP[7:0]")
    CCR = Bank(0x34, "CCR{}", 4, first=1)
    BDTR = Register(0x44, "MOE[15] AOE[14] BKP[13] BKE[12] OSSR[11] OSSI[10] LOCK[9:8] DTG[7:0]")
    DCR = Register(0x48, "DBL[12:8] DBA[4:0]")
    DMAR = Register(0x4C)
    OR = Todo(0x50)
    steady = (SR,)

    def __init__(self, name: str, context: Context, rate: Rate, kind: Kind,
                 signals: Sequence[Signal], requests: Mapping[str, Request]) -> None:
        super().__init__(name, context)
        self.dma = TimerRequests(self, requests)
        self.kind, self.top = kind, (1 << kind.bits) - 1
        self.preset(Tim.ARR, self.top)
        self.parts = ("UP", "CC", "TRG", "BRK") if kind.advanced else ("",)
        self.lines = {part: Line(f"{name}_{part}" if part else name) for part in self.parts}
        self.updated: list[Callable[[], None]] = []
        self.channels = [
            Channel(self, n, signals[n],
                    signals[kind.channels + n] if kind.advanced and n < 3 else None)
            for n in range(kind.channels)]
        self.cycle = Cycle(self.clock, rate, self.settle, self.plan)
        self.reload = self.top  # the auto-reload value at work
        self.prescaler = 0  # the prescaler at work
        self.repeats = 0  # wraps left before the next update event
        self.done = 0  # phase up to which everything has been seen
        self.settling = False
        self.polls = 0  # reads of the status in a row: after some, flags come with alarms

    # Counting. Phase 0 is where the counter wraps; the count follows from phase and direction.

    @property
    def centred(self) -> bool:
        return self.kind.down and bool(self.CR1 >> 5 & 3)

    def period(self) -> int:
        if not self.reload:
            return 0  # an auto-reload value of 0 blocks the counter
        return 2 * self.reload if self.centred else self.reload + 1

    def count_at(self, phase: int) -> int:
        if self.centred:
            return phase if phase <= self.reload else 2 * self.reload - phase
        return self.reload - phase if self.CR1 & DIR and self.kind.down else phase

    def phase_of(self, count: int) -> int:
        if self.CR1 & DIR and self.kind.down and not self.centred:
            return self.reload - count
        return count

    def count(self) -> int:
        if not self.cycle.period:
            return self.CNT
        total = self.cycle.total()
        return total + self.top + 1 if total < 0 else self.count_at(self.cycle.phase())

    def wraps(self) -> tuple[int, ...]:
        """Phases of overflow and underflow."""
        return (0, self.reload) if self.centred else (0,)

    def falling(self) -> bool:
        """Is the counter going down?"""
        if self.centred:
            return self.cycle.phase() >= self.reload
        return bool(self.CR1 & DIR) and self.kind.down

    def rebase(self, count: int) -> None:
        """Counts on from `count` with the values at work now."""
        period = self.period()
        self.CNT = count
        # A count above the reload value runs to the end of the counter's bits first.
        phase = self.phase_of(count) if count <= self.reload else count - self.top - 1
        self.cycle.ticks.divide(self.prescaler + 1)
        self.cycle.place(phase, period)
        self.cycle.ticks.run(bool(self.CR1 & CEN) and self.enabled and period > 0
                             and not self.encoding())
        self.done = self.cycle.total()

    def settle(self) -> None:
        """Lets everything happen that was due between the last time and now."""
        if self.settling or not self.cycle.ticks.running:
            return
        self.settling = True
        # Before total 0 the counter is above its reload value and meets nothing.
        end, start, period = max(self.cycle.total(), -1), max(self.done, -1), self.cycle.period
        for channel in self.channels:
            hits = sum(passes(start, end, phase, period) for phase in channel.phases())
            if hits:
                channel.matched(hits)
        wraps = sum(passes(start, end, phase, period) for phase in self.wraps())
        if end >= 0:
            self.cycle.fold()
        self.done = self.cycle.total()
        if wraps:
            self.wrapped(wraps)
        for channel in self.channels:
            channel.follow()
        self.settling = False
        self.dma.serve()

    def wrapped(self, wraps: int) -> None:
        updates = 1
        if self.kind.advanced:
            span = (self.RCR & 0xFF) + 1
            if wraps <= self.repeats:
                self.repeats -= wraps
                updates = 0
            else:
                self.repeats = span - 1 - (wraps - self.repeats - 1) % span
        if updates and not self.CR1 & UDIS:
            self.update_event()
            self.SR |= UIF
        self.interrupt()

    def update_event(self) -> None:
        """Preloaded values come to work."""
        count = self.count()
        reload, prescaler = self.ARR & self.top, self.PSC
        if (reload, prescaler) != (self.reload, self.prescaler):
            self.reload, self.prescaler = reload, prescaler
            self.rebase(min(count, reload))
        for channel in self.channels:
            channel.load()
        if self.CR1 & OPM and self.cycle.ticks.running:
            self.CR1 &= ~CEN
            self.rebase(self.count())
        for call in self.updated:
            call()
        self.dma.updated()

    def preloaded(self) -> bool:
        """Does something wait for the next update event?"""
        return ((self.ARR & self.top) != self.reload or self.prescaler != self.PSC
                or any(channel.preloaded() for channel in self.channels))

    def plan(self) -> None:
        """Sets the alarm for the next thing that has to happen by itself."""
        if not self.cycle.ticks.running:
            self.cycle.alarm(None, self.due)
            return
        phases: list[int] = []
        raised = self.SR
        watched = any(channel.watched() for channel in self.channels)
        wanted = ALL if self.polls >= POLLS else self.DIER
        direct = self.DIER  # each event for the DMA has to happen in time
        if (wanted & UIF and not raised & UIF) or self.updated or watched or direct & UPDATE \
                or (direct & COMPARES and self.CR2 & BY_UPDATE) or self.CR1 & OPM \
                or self.preloaded():
            phases.extend(self.wraps())
        for channel in self.channels:
            bit = 2 << channel.number
            if channel.watched() or (wanted & bit and not raised & bit) or (
                    direct & COMPARE << channel.number):
                phases.extend(channel.phases())
        ticks = [self.cycle.ahead(phase) for phase in phases]
        if self.cycle.total() < 0:  # still above the reload value: phase 0 comes first
            ticks.append(-self.cycle.total())
        self.cycle.alarm(min(ticks, default=None), self.due)

    def due(self) -> None:
        self.settle()
        self.plan()

    def interrupt(self) -> None:
        pending = self.SR & self.DIER
        if not self.kind.advanced:
            self.lines[""].set(bool(pending & 0x5F))
            return
        for part, bits in (("UP", 0x01), ("CC", 0x1E), ("TRG", 0x60), ("BRK", 0x80)):
            self.lines[part].set(bool(pending & bits))

    def followed(self) -> None:
        """A pad has been switched to a channel, or away from it."""
        self.settle()
        self.refresh()

    def outputs_on(self) -> bool:
        return not self.kind.advanced or bool(self.BDTR & MOE)

    def refresh(self) -> None:
        """After a change of anything: outputs, interrupt, alarm."""
        for channel in self.channels:
            channel.follow()
        self.interrupt()
        self.plan()

    # Registers.

    def on_reset(self) -> None:
        self.reload, self.prescaler, self.repeats = self.top, 0, 0
        for channel in self.channels:
            channel.reset()
        self.rebase(0)
        self.refresh()

    def on_enable(self) -> None:
        count = self.count()
        self.settle()
        self.rebase(count)
        self.plan()

    def write_CR1(self, written: int, before: int) -> None:
        after, self.CR1 = self.CR1, before
        self.settle()
        count = self.count()
        if not self.cycle.ticks.running:
            before = self.CR1 = self.CR1 & ~CEN
        if self.centred or after >> 5 & 3:
            after = after & ~DIR | before & DIR  # DIR is read-only in these modes
        self.CR1 = after
        if not self.CR1 & ARPE:
            self.reload = self.ARR & self.top
        if (before ^ self.CR1) & (CEN | DIR | 0x60) or self.period() != self.cycle.period:
            self.rebase(count)
        self.refresh()

    def read_CR1(self) -> int:
        self.settle()
        falling = DIR if self.centred and self.falling() else 0
        return self.CR1 & ~DIR | falling if self.centred else self.CR1

    def write_CR2(self, written: int, before: int) -> None:
        self.refresh()

    def write_SMCR(self, written: int, before: int) -> None:
        # Encoder modes 1 to 3 count edges in `captured`; the others need triggers.
        if self.SMCR & 7 > 3 or self.SMCR & 1 << 14:
            self.context.unmodelled(f"{self.name}.SMCR slave mode {self.SMCR & 7}", "write")
        self.settle()
        count = self.count()
        self.rebase(count)
        self.refresh()

    def write_DIER(self, written: int, before: int) -> None:
        self.settle()
        self.refresh()

    def read_SR(self) -> int:
        self.settle()
        self.polls += 1
        if self.polls == POLLS:
            self.plan()
        return self.SR

    def write_SR(self, written: int, before: int) -> None:
        # What happened before this write is cleared by it, too.
        self.polls = 0
        self.SR = before
        self.settle()
        self.SR &= written
        self.refresh()

    def write_EGR(self, written: int, before: int) -> None:
        self.settle()
        for channel in self.channels:
            if written >> channel.number + 1 & 1:
                channel.generated()
        if written & UG:
            self.reload, self.prescaler = self.ARR & self.top, self.PSC
            self.repeats = self.RCR & 0xFF
            self.cycle.ticks.settle()  # the prescaler's count is cleared as well
            self.rebase(self.reload if self.CR1 & DIR and not self.centred else 0)
            for channel in self.channels:
                channel.load()
            if not self.CR1 & (UDIS | URS):
                self.SR |= UIF
            if not self.CR1 & UDIS:
                for call in self.updated:
                    call()
                self.dma.updated()
        self.dma.serve()
        self.refresh()

    def read_CNT(self) -> int:
        self.settle()
        return self.count() & self.top

    def write_CNT(self, written: int, before: int) -> None:
        self.settle()
        self.rebase(written & self.top)
        self.refresh()

    def write_PSC(self, written: int, before: int) -> None:
        after, self.PSC = self.PSC, before
        self.settle()
        self.PSC = after
        self.plan()

    def write_ARR(self, written: int, before: int) -> None:
        after, self.ARR = self.ARR & self.top, before
        self.settle()
        self.ARR = after
        if not self.CR1 & ARPE:
            count = self.count()
            self.reload = after
            self.rebase(count)
        self.refresh()

    def write_CCMR(self, n: int, written: int, before: int) -> None:
        after, self.CCMR[n] = self.CCMR[n], before
        self.settle()
        self.CCMR[n] = after
        for channel in self.channels[2 * n : 2 * n + 2]:
            channel.configured()
        self.refresh()

    def write_CCER(self, written: int, before: int) -> None:
        self.settle()
        self.refresh()

    def read_CCR(self, n: int) -> int:
        self.settle()
        if n < len(self.channels) and self.channels[n].capturing():
            self.SR &= ~(2 << n)
            self.interrupt()
            self.plan()
        return self.CCR[n]

    def write_CCR(self, n: int, written: int, before: int) -> None:
        after, self.CCR[n] = self.CCR[n] & self.top, before
        self.settle()
        if n >= len(self.channels) or self.channels[n].capturing():
            return
        self.CCR[n] = after
        self.channels[n].written()
        self.refresh()

    def write_DMAR(self, written: int, before: int) -> None:
        place = self.dma.place()
        if place < Tim.DCR.offset:
            self.write(place, 4, written)

    def read_DMAR(self) -> int:
        place = self.dma.place()
        return self.read(place) if place < Tim.DCR.offset else 0

    def write_BDTR(self, written: int, before: int) -> None:
        self.settle()
        self.refresh()

    def encoding(self) -> int:
        """The encoder mode, 0 for none."""
        mode = self.SMCR & 7
        return mode if mode <= 3 and len(self.channels) >= 2 else 0

    def encoder_edge(self, number: int) -> None:
        """One of the first two inputs has changed, in an encoder mode."""
        mode = self.encoding()
        if not self.CR1 & CEN or (mode == 1 and number != 1) or (mode == 2 and number != 0):
            return
        first, second = (channel.active() for channel in self.channels[:2])
        up = (first != second) if number == 0 else (first == second)
        count = self.count() + (1 if up else -1)
        if not 0 <= count <= self.reload:
            self.SR |= UIF
        self.CR1 = self.CR1 & ~DIR | (0 if up else DIR)
        self.rebase(count % (self.reload + 1))
        self.refresh()
