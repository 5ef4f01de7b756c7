"""PWM of RP2040: eight slices with two outputs each (datasheet, 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.rp2040.dma import Request
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.counter import Cycle, passes
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Bank, Register

SLICES: Final = 8
EN, PH_CORRECT, A_INV, B_INV, PH_RET, PH_ADV = 1, 2, 4, 8, 64, 128


@final
class Slice:
    """One slice: counter, the values at work, and its two pads. Phase 0 is the wrap to 0."""

    __slots__ = ("b_level", "compare", "cycle", "done", "number", "outputs", "pwm", "top")

    def __init__(self, pwm: Pwm, number: int, rate: Rate, outputs: tuple[Signal, Signal]) -> None:
        self.pwm, self.number, self.outputs = pwm, number, outputs
        self.cycle = Cycle(pwm.clock, rate, self.settle, self.plan, scale=16)
        self.top, self.compare = 0xFFFF, (0, 0)
        self.done = 0
        self.b_level = 0
        for output in outputs:
            output.followed = self.refresh
        outputs[1].sensors.append(self.sensed)

    def reset(self) -> None:
        self.cycle.ticks.run(False)
        self.top, self.compare, self.done = 0xFFFF, (0, 0), 0
        self.restart(0)
        self.refresh()

    @property
    def control(self) -> int:
        return self.pwm.CSR[self.number]

    def mode(self) -> int:
        """DIVMODE: 0 free-running, 1 while B is high, 2 and 3 at edges of B."""
        return self.control >> 4 & 3

    def counting(self) -> bool:
        on = bool(self.control & EN) and self.pwm.enabled
        return on and (self.mode() == 0 or (self.mode() == 1 and bool(self.b_level)))

    def period(self) -> int:
        return (self.top + 1) * (2 if self.control & PH_CORRECT else 1)

    def count(self) -> int:
        """With phase correction the counter stays two ticks at either end."""
        phase = self.cycle.phase()
        return phase if phase <= self.top else 2 * self.top + 1 - phase

    def restart(self, count: int) -> None:
        """Counts on from `count` with the values at work now."""
        divider = self.pwm.DIV[self.number] & 0xFFF
        self.cycle.ticks.divide(divider if divider >= 16 else divider + (256 << 4))
        self.cycle.place(min(count, self.top), self.period())
        self.cycle.ticks.run(self.counting())
        self.done = self.cycle.total()

    def load(self) -> None:
        """What was written comes to work: at the wrap, or at once while the slice is off."""
        value = self.pwm.CC[self.number]
        self.compare = value & 0xFFFF, value >> 16
        top = self.pwm.TOP[self.number]
        if top != self.top:
            count = self.count()
            self.top = top
            self.restart(min(count, top))

    def stale(self) -> bool:
        value = self.pwm.CC[self.number]
        return ((value & 0xFFFF, value >> 16) != self.compare
                or self.pwm.TOP[self.number] != self.top)

    def settle(self) -> None:
        """Lets everything happen that was due until now."""
        if not self.cycle.ticks.running:
            return
        wraps = passes(self.done, self.cycle.total(), 0, self.cycle.period)
        self.cycle.fold()
        self.done = self.cycle.total()
        if wraps:
            self.wrapped()
        self.drive()

    def wrapped(self) -> None:
        self.pwm.INTR |= 1 << self.number
        self.load()
        self.pwm.update()
        self.pwm.requests[self.number].pulse()

    def drive(self) -> None:
        count = self.count()
        for side, signal in enumerate(self.outputs):
            if side and self.mode():
                signal.drive(None)  # B is an input then
                continue
            inverted = bool(self.control & (B_INV if side else A_INV))
            signal.drive(int((count < self.compare[side]) != inverted))

    def plan(self) -> None:
        phases: list[int] = []
        bit = 1 << self.number
        if (self.pwm.INTE & bit and not self.pwm.INTR & bit) or self.stale() \
                or self.pwm.requests[self.number].watchers:
            phases.append(0)
        for side, signal in enumerate(self.outputs):
            compare = self.compare[side]
            if signal.drivers and 0 < compare <= self.top:
                phases.append(compare)
                phases.append(0 if not self.control & PH_CORRECT else self.period() - compare)
        ticks = [self.cycle.ahead(phase) for phase in phases] if self.cycle.ticks.running else []
        self.cycle.alarm(min(ticks, default=None), self.due)

    def due(self) -> None:
        self.settle()
        self.plan()

    def refresh(self) -> None:
        """After a change of anything."""
        self.settle()
        if not self.control & EN:
            self.load()
        self.drive()
        self.plan()

    def sensed(self, level: int) -> None:
        """The pad of B has a new level."""
        self.settle()
        self.b_level = level
        mode = self.mode()
        if mode == 1:
            self.cycle.ticks.run(self.counting())
        elif self.control & EN and mode == (2 if level else 3):
            self.step(1)
        self.plan()

    def step(self, by: int) -> None:
        """Moves the counter by hand: an edge of B, PH_ADV or PH_RET."""
        count = self.count() + by
        if not 0 <= count <= self.top:
            count %= self.top + 1
            self.restart(count)
            self.wrapped()
        self.restart(count)
        self.drive()


@final
class Pwm(Block):
    """signals: A and B of each slice, in turn; irq: the one interrupt of all slices."""

    replicate = True
    size = 0x1000
    CSR = Bank(0x00, "CH{}_CSR", SLICES, "PH_ADV[7]=sc PH_RET[6]=sc DIVMODE[5:4] B_INV[3] "
               "A_INV[2] PH_CORRECT[1] EN[0]", stride=20)
    DIV = Bank(0x04, "CH{}_DIV", SLICES, "INT[11:4] FRAC[3:0]", stride=20, reset=0x10)
    CTR = Bank(0x08, "CH{}_CTR", SLICES, "CTR[15:0]", stride=20)
    CC = Bank(0x0C, "CH{}_CC", SLICES, "B[31:16] A[15:0]", stride=20)
    TOP = Bank(0x10, "CH{}_TOP", SLICES, "TOP[15:0]", stride=20, reset=0xFFFF)
    EN = Register(0xA0, "EN[7:0]")
    INTR = Register(0xA4, "INTR[7:0]=w1c")
    INTE = Register(0xA8, "INTE[7:0]")
    INTF = Register(0xAC, "INTF[7:0]")
    INTS = Register(0xB0, access="ro")

    def __init__(self, context: Context, rate: Rate, signals: Sequence[Signal]) -> None:
        super().__init__("PWM", context)
        self.irq = Line("PWM_IRQ_WRAP")
        self.requests = [Request() for _ in range(SLICES)]  # of the DMA, at each wrap
        self.slices = [Slice(self, n, rate, (signals[2 * n], signals[2 * n + 1]))
                       for n in range(SLICES)]

    def on_reset(self) -> None:
        for part in self.slices:
            part.reset()
        self.update()

    def on_enable(self) -> None:
        for part in self.slices:
            part.settle()
            part.cycle.ticks.run(part.counting())
            part.plan()

    def update(self) -> None:
        self.irq.set(bool(self.read_INTS()))

    def write_CSR(self, n: int, written: int, before: int) -> None:
        part = self.slices[n]
        after, self.CSR[n] = self.CSR[n], before
        part.settle()
        count = part.count()
        self.CSR[n] = after
        self.EN = self.EN & ~(1 << n) | (after & EN) << n
        part.restart(count)
        if written & (PH_ADV | PH_RET) and part.counting():
            part.step(1 if written & PH_ADV else -1)
        part.refresh()

    def write_EN(self, written: int, before: int) -> None:
        """The enable bits of all slices, to start several at once."""
        for n, part in enumerate(self.slices):
            part.settle()
            self.CSR[n] = self.CSR[n] & ~EN | self.EN >> n & 1
            part.cycle.ticks.run(part.counting())
            part.refresh()

    def write_DIV(self, n: int, written: int, before: int) -> None:
        part = self.slices[n]
        after, self.DIV[n] = self.DIV[n], before
        part.settle()
        count = part.count()
        phase = part.cycle.phase()
        self.DIV[n] = after
        part.restart(count)
        part.cycle.place(phase, part.period())  # the way down is kept
        part.done = part.cycle.total()
        part.refresh()

    def read_CTR(self, n: int) -> int:
        self.slices[n].settle()
        return self.slices[n].count()

    def write_CTR(self, n: int, written: int, before: int) -> None:
        self.slices[n].settle()
        self.slices[n].restart(written & 0xFFFF)
        self.slices[n].refresh()

    def write_CC(self, n: int, written: int, before: int) -> None:
        after, self.CC[n] = self.CC[n], before
        self.slices[n].settle()
        self.CC[n] = after
        self.slices[n].refresh()

    def write_TOP(self, n: int, written: int, before: int) -> None:
        after, self.TOP[n] = self.TOP[n], before
        self.slices[n].settle()
        self.TOP[n] = after
        self.slices[n].refresh()

    def settle(self) -> None:
        for part in self.slices:
            part.settle()

    def plan(self) -> None:
        for part in self.slices:
            part.plan()
        self.update()

    def read_INTR(self) -> int:
        self.settle()
        return self.INTR

    def write_INTR(self, written: int, before: int) -> None:
        self.INTR = before
        self.settle()
        self.INTR &= ~written
        self.plan()

    def write_INTE(self, written: int, before: int) -> None:
        self.settle()
        self.plan()

    def write_INTF(self, written: int, before: int) -> None:
        self.plan()

    def read_INTS(self) -> int:
        return self.INTR & self.INTE | self.INTF
