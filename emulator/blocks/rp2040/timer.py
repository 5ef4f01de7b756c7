"""System timer and watchdog of RP2040 (datasheet, 4.6 and 4.7)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import Alarm, Rate, Ticks
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import ALL, Bank, Register

LONG: Final = (1 << 64) - 1


@final
class Timer(Block):
    """64 bits of microseconds with four alarms on the lower 32.

    irqs: one line per alarm; tick: the microsecond tick that the watchdog makes.
    """

    replicate = True
    size = 0x1000
    TIMEHW = Register(0x00, access="wo")
    TIMELW = Register(0x04, access="wo")
    TIMEHR = Register(0x08, access="ro")
    TIMELR = Register(0x0C, access="ro")
    ALARM = Bank(0x10, "ALARM{}", 4)
    ARMED = Register(0x20, "ARMED[3:0]=w1c")
    TIMERAWH = Register(0x24, access="ro")
    TIMERAWL = Register(0x28, access="ro")
    DBGPAUSE = Register(0x2C, "DBG1[2] DBG0[1]", reset=6)
    PAUSE = Register(0x30, "PAUSE[0]")
    INTR = Register(0x34, "ALARM[3:0]=w1c")
    INTE = Register(0x38, "ALARM[3:0]")
    INTF = Register(0x3C, "ALARM[3:0]")
    INTS = Register(0x40, access="ro")

    def __init__(self, context: Context, tick: Rate) -> None:
        super().__init__("TIMER", context)
        self.ticks = Ticks(self.clock, tick)
        self.irqs = [Line(f"TIMER_IRQ_{n}") for n in range(4)]
        self.alarms: list[Alarm | None] = [None] * 4
        self.offset = 0
        self.low = 0  # written to TIMELW
        self.high = 0  # latched for TIMEHR
        tick.subscribe(self.ticks.settle, self.plan)

    def time(self) -> int:
        return self.ticks.count() + self.offset & LONG

    def on_reset(self) -> None:
        self.ticks.run(False)
        self.offset = -self.ticks.count()
        self.low = self.high = 0
        self.ticks.run(True)
        self.plan()
        self.update()

    def plan(self) -> None:
        for n in range(4):
            self.plan_alarm(n)

    def plan_alarm(self, n: int) -> None:
        alarm = self.alarms[n]
        if alarm is not None:
            alarm.cancel()
            self.alarms[n] = None
        if self.ARMED >> n & 1:
            # Equal now means equal again after the lower half has gone round.
            ahead = (self.ALARM[n] - self.time() - 1 & ALL) + 1
            when = self.ticks.when(self.ticks.count() + ahead)
            if when is not None:
                self.alarms[n] = self.clock.at(when, partial(self.fire, n))

    def fire(self, n: int) -> None:
        self.alarms[n] = None
        self.ARMED &= ~(1 << n)
        self.INTR |= 1 << n
        self.update()

    def update(self) -> None:
        pending = self.INTR & self.INTE | self.INTF
        for n, irq in enumerate(self.irqs):
            irq.set(bool(pending >> n & 1))

    def write_TIMELW(self, written: int, before: int) -> None:
        self.low = written

    def write_TIMEHW(self, written: int, before: int) -> None:
        self.offset = (written << 32 | self.low) - self.ticks.count()
        self.plan()

    def read_TIMELR(self) -> int:
        time = self.time()
        self.high = time >> 32
        return time & ALL

    def read_TIMEHR(self) -> int:
        return self.high

    def read_TIMERAWL(self) -> int:
        return self.time() & ALL

    def read_TIMERAWH(self) -> int:
        return self.time() >> 32

    def write_ALARM(self, n: int, written: int, before: int) -> None:
        self.ARMED |= 1 << n
        self.plan_alarm(n)

    def write_ARMED(self, written: int, before: int) -> None:
        self.plan()

    def write_PAUSE(self, written: int, before: int) -> None:
        self.ticks.run(not self.PAUSE)
        self.plan()

    def write_INTR(self, written: int, before: int) -> None:
        self.update()

    def write_INTE(self, written: int, before: int) -> None:
        self.update()

    def write_INTF(self, written: int, before: int) -> None:
        self.update()

    def read_INTS(self) -> int:
        return self.INTR & self.INTE | self.INTF


@final
class Watchdog(Block):
    """Watchdog, and the microsecond tick from the reference clock.

    bite: called with "timer" or "forced" when the chip is to be reset.  The count goes down twice
    per tick, which is erratum RP2040-E1.
    """

    replicate = True
    size = 0x1000
    CTRL = Register(0x00, "TRIGGER[31]=sc ENABLE[30] PAUSE_DBG1[26] PAUSE_DBG0[25] "
                          "PAUSE_JTAG[24] TIME[23:0]=ro", reset=0x07000000)
    LOAD = Register(0x04, "LOAD[23:0]=wo")
    REASON = Register(0x08, "FORCE[1]=ro TIMER[0]=ro")
    SCRATCH = Bank(0x0C, "SCRATCH{}", 8)
    TICK = Register(0x2C, "COUNT[19:11]=ro RUNNING[10]=ro ENABLE[9] CYCLES[8:0]", reset=0x200)

    def __init__(self, context: Context, reference: Rate) -> None:
        super().__init__("WATCHDOG", context)
        self.reference, self.tick = reference, Rate("tick")
        self.ticks = Ticks(self.clock, self.tick)
        self.bite: Callable[[str], None] = lambda reason: None
        self.alarm: Alarm | None = None
        self.left = 0
        self.tick.subscribe(self.settle, self.plan)
        reference.subscribe(lambda: None, self.update)

    def on_reset(self) -> None:
        self.left = 0
        self.update()
        self.plan()

    def keep(self) -> tuple[int, ...]:
        """Scratch registers, which survive a reset by the watchdog and by a pin."""
        return tuple(self.SCRATCH[n] for n in range(8))

    def restore(self, scratch: tuple[int, ...], reason: int) -> None:
        for n, value in enumerate(scratch):
            self.SCRATCH[n] = value
        self.REASON = reason

    def update(self) -> None:
        """The tick from the reference clock."""
        cycles = self.TICK & 0x1FF
        on = self.TICK & 0x200 and cycles
        self.TICK = self.TICK & ~0x400 | (0x400 if on else 0)
        self.tick.change(self.reference.hz // cycles if on else 0)

    def settle(self) -> None:
        passed = self.ticks.count()
        self.ticks = Ticks(self.clock, self.tick)
        if self.CTRL & 1 << 30:
            self.left = max(self.left - 2 * passed, 0)
            self.ticks.run(True)

    def plan(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        if self.CTRL & 1 << 30:
            self.ticks.run(True)
            when = self.ticks.when(self.ticks.count() + -(-self.left // 2))
            if when is not None:
                self.alarm = self.clock.at(when, self.expired)

    def expired(self) -> None:
        self.alarm = None
        self.bite("timer")

    def read_CTRL(self) -> int:
        self.settle()
        self.plan()
        return self.CTRL & ~0xFFFFFF | self.left

    def write_CTRL(self, written: int, before: int) -> None:
        after, self.CTRL = self.CTRL, before
        self.settle()
        self.CTRL = after
        self.plan()
        if written >> 31:
            self.bite("forced")

    def write_LOAD(self, written: int, before: int) -> None:
        self.settle()
        self.left = written & 0xFFFFFF
        self.plan()

    def write_TICK(self, written: int, before: int) -> None:
        self.update()
