"""A core and the virtual clock at one pace: instructions become time, and alarms end runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, final

from mpy_cross.emulator.clock import SECOND, Clock, Rate
from mpy_cross.emulator.cores.core import Core, Stop, StopReason


class PacedCore(Core, Protocol):
    """What this needs of a core beyond the common things."""

    before_access: Callable[[], None] | None

    def preempt(self) -> None:
        """The current run ends after this instruction."""


class Skipper(Protocol):
    """What may know how a sleeping core goes on; `TickSkipper` is one.

    stop: set when the core is awake again, with the reason of the run's end.
    """

    stop: Stop | None

    def skip(self, when: int) -> bool:
        """The core sleeps. True: the clock was moved, at most to `when` ns."""


@final
class Pace:
    """Runs a core at the frequency `rate`, in time with `clock`.

    During a device access the clock stands exactly at the instruction that makes it; alarms go off
    between the instructions where they are due; while the core sleeps the clock jumps.
    """

    def __init__(self, core: PacedCore, clock: Clock, rate: Rate) -> None:
        self.core, self.clock, self.rate = core, clock, rate
        self._cycles, self._start = core.cycles, clock.now  # these belong together
        self._running = False
        self.skipper: Skipper | None = None
        # Asked when the core sleeps: is it a deep sleep, and has time passed in it.
        self.deep_sleep: Callable[[int], bool] | None = None
        core.before_access = self.sync
        clock.on_sooner = self._sooner
        rate.subscribe(self.sync, self.anchor)

    def anchor(self) -> None:
        """Core and clock belong together now: after somebody else moved the clock."""
        self._cycles, self._start = self.core.cycles, self.clock.now

    def time(self) -> int:
        """Where the core is, in ns; the clock may be behind that."""
        passed = (self.core.cycles - self._cycles) * SECOND
        return max(self._start - (-passed // self.rate.hz), self.clock.now)

    def sync(self) -> None:
        """Moves the clock to where the core is."""
        if self._running:
            passed = (self.core.cycles - self._cycles) * SECOND
            when = self._start - (-passed // self.rate.hz)
            clock = self.clock
            if when > clock.now:
                clock.advance_to(when)
            elif when < clock.now:
                self.anchor()  # a device has held the core up, and moved the clock itself

    def _sooner(self, when: int) -> None:
        if self._running:
            self.core.preempt()

    def step(self) -> Stop:
        """Runs one instruction."""
        self._running = True
        try:
            stop = self.core.run(1)
            self.sync()
        finally:
            self._running = False
        return stop

    def run_until(self, when: int) -> Stop | None:
        """Runs until the clock is at `when` ns; None, or the Stop that came before that."""
        clock, core = self.clock, self.core
        if not self.rate.hz or \
                clock.now != self._start + self.rate.ns(core.cycles - self._cycles):
            self.anchor()  # somebody else moved the clock
        while clock.now < when:
            if not self.rate.hz and self.deep_sleep is not None and self.deep_sleep(when):
                self.anchor()  # it slept when the last run ended; now perhaps no more
                continue
            alarm = clock.next_alarm()
            until = when if alarm is None else min(when, alarm)
            cycles = -(-(until - self._start) * self.rate.hz // SECOND)
            left = cycles - (core.cycles - self._cycles)
            self._running = True
            try:
                stop = core.run(core.budget(max(left, 1)))
                self.sync()
            finally:
                self._running = False
            if stop.reason is StopReason.IDLE:
                skipper = self.skipper
                if self.deep_sleep is not None and self.deep_sleep(when):
                    pass
                elif skipper is None or not skipper.skip(when):
                    clock.idle(when)
                elif skipper.stop is not None:
                    stop, skipper.stop = skipper.stop, None
                    if stop.reason is not StopReason.BUDGET:
                        return stop
                    continue  # the core is awake
                self.anchor()
            elif stop.reason is not StopReason.BUDGET:
                return stop
        return None
