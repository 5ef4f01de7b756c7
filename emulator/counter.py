"""A counter that runs through a fixed cycle of phases, computed from virtual time.

Timers, PWM slices and SysTick are all this: ticks modulo a period, things to do at some phases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from mpy_cross.emulator.clock import Alarm, Clock, Rate, Ticks


@final
class Cycle:
    """Phase of a counter: 0 to period - 1, going up by one per tick.

    `settle` is called before and `plan` after the rate changes.  period 0: it stands still.
    """

    __slots__ = ("_alarm", "_origin", "clock", "period", "ticks")

    def __init__(self, clock: Clock, rate: Rate, settle: Callable[[], None],
                 plan: Callable[[], None], scale: int = 1) -> None:
        self.clock = clock
        self.ticks = Ticks(clock, rate, 1, scale)
        self.period = 0
        self._origin = 0  # tick of phase 0
        self._alarm: Alarm | None = None

        def before() -> None:
            settle()
            self.ticks.settle()

        rate.subscribe(before, plan)

    @property
    def planned(self) -> Alarm | None:
        """The alarm that is set."""
        return self._alarm

    def total(self) -> int:
        """Ticks since the last phase 0 that `place` made: phase plus whole periods."""
        return self.ticks.count() - self._origin

    def phase(self) -> int:
        return self.total() % self.period if self.period else 0

    def place(self, phase: int, period: int) -> None:
        """From now on the counter is at `phase` of `period`."""
        self._origin = self.ticks.count() - phase
        self.period = period

    def fold(self) -> int:
        """Drops whole periods from `total()`; how many they were."""
        if not self.period:
            return 0
        periods = self.total() // self.period
        self._origin += periods * self.period
        return periods

    def ahead(self, phase: int) -> int:
        """Ticks until the counter comes to `phase` next; a whole period if it is there now."""
        return (phase - self.total() - 1) % self.period + 1

    def alarm(self, ticks: int | None, call: Callable[[], None]) -> None:
        """Calls `call` in so many ticks, instead of the call planned before. None: no call."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if ticks is None or not self.period:
            return
        when = self.ticks.when(self.ticks.count() + ticks)
        if when is not None:
            self._alarm = self.clock.at(when, call)


def passes(start: int, end: int, phase: int, period: int) -> int:
    """How many of the totals start+1 to end are at `phase`."""
    return (end - phase) // period - (start - phase) // period
