"""Virtual time: nanoseconds as int, owned by one clock; nothing reads the host's clock.

An alarm is a function to call at a time.  Alarms of equal time run in the order they were set, so
two runs of one program see the same order.  An idle machine jumps to the next alarm.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final, final

SECOND: Final = 1_000_000_000  # ns


@final
class Alarm:
    """A call at a time. `when` in ns; `done`: it ran or was cancelled."""

    __slots__ = ("call", "done", "order", "when")

    def __init__(self, when: int, order: int, call: Callable[[], None]) -> None:
        self.when, self.order, self.call = when, order, call
        self.done = False

    def __lt__(self, other: Alarm) -> bool:
        return (self.when, self.order) < (other.when, other.order)

    def cancel(self) -> None:
        """The call is not made. Nothing happens if it was made already."""
        self.done = True


@final
class Clock:
    """Virtual time `now` in ns since the machine was made, with its alarms.

    `on_sooner(when)` is called when an alarm becomes the earliest one while time is not being
    advanced here: a core in the middle of its slice then has to stop earlier.
    """

    __slots__ = ("_alarms", "_limit", "_order", "now", "on_sooner")

    def __init__(self) -> None:
        self.now = 0
        self.on_sooner: Callable[[int], None] | None = None
        self._alarms: list[Alarm] = []
        self._order = 0
        self._limit = 64  # alarms at which the cancelled ones are thrown out

    def at(self, when: int, call: Callable[[], None]) -> Alarm:
        """Calls `call` at `when` ns, or as soon as time moves if that has passed."""
        self._order += 1
        alarm = Alarm(max(when, self.now), self._order, call)
        heapq.heappush(self._alarms, alarm)
        if len(self._alarms) > self._limit:
            self._tidy()
        if self.on_sooner is not None and self._alarms[0] is alarm:
            self.on_sooner(alarm.when)
        return alarm

    def after(self, delay: int, call: Callable[[], None]) -> Alarm:
        """Calls `call` in `delay` ns."""
        return self.at(self.now + delay, call)

    def _tidy(self) -> None:
        """Throws out cancelled alarms: one that is set again and again leaves many behind."""
        self._alarms[:] = [alarm for alarm in self._alarms if not alarm.done]
        heapq.heapify(self._alarms)
        self._limit = max(64, 2 * len(self._alarms))

    def next_alarm(self) -> int | None:
        """Time of the earliest alarm in ns, None if there is none."""
        alarms = self._alarms
        while alarms and alarms[0].done:
            heapq.heappop(alarms)
        return alarms[0].when if alarms else None

    def next_other(self, alarm: Alarm | None) -> int | None:
        """The same without one of them."""
        others = (each.when for each in self._alarms if not each.done and each is not alarm)
        return min(others, default=None)

    def advance_to(self, when: int) -> None:
        """Moves time to `when` ns and runs the alarms on the way, each at its own time.

        An alarm may set and cancel alarms, and may itself advance the clock.  Time never goes back.
        """
        alarms = self._alarms
        while alarms and alarms[0].when <= when:
            alarm = heapq.heappop(alarms)
            if alarm.done:
                continue
            alarm.done = True
            if alarm.when > self.now:
                self.now = alarm.when
            alarm.call()
        if when > self.now:
            self.now = when

    def advance(self, duration: int) -> None:
        """Moves time on by `duration` ns. ValueError if that is negative."""
        if duration < 0:
            raise ValueError(f"time does not go back: advance({duration})")
        self.advance_to(self.now + duration)

    def idle(self, limit: int | None = None) -> bool:
        """Jumps to the next alarm and runs those of that time; False: there is none until `limit`.

        With a `limit` in ns and no alarm up to it, time moves to the limit.
        """
        when = self.next_alarm()
        if when is None or (limit is not None and when > limit):
            if limit is not None:
                self.advance_to(limit)
            return False
        self.advance_to(when)
        return True


@final
class Rate:
    """Frequency of a clock signal in Hz, 0 while it stands still.

    Who counts with it subscribes two calls: one before a change, to settle what was counted at the
    old frequency, and one after it.
    """

    __slots__ = ("_users", "hz", "name")

    def __init__(self, name: str, hz: int = 0) -> None:
        self.name, self.hz = name, hz
        self._users: list[tuple[Callable[[], None], Callable[[], None]]] = []

    def subscribe(self, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._users.append((before, after))

    def change(self, hz: int) -> None:
        """Sets the frequency in Hz; users are told only of a real change."""
        if hz == self.hz:
            return
        for before, _ in self._users:
            before()
        self.hz = hz
        for _, after in self._users:
            after()

    def cycles(self, ns: int) -> int:
        """Whole cycles in `ns` nanoseconds."""
        return ns * self.hz // SECOND

    def ns(self, cycles: int) -> int:
        """The first ns at which `cycles` have passed. ZeroDivisionError while it stands still."""
        return -(-cycles * SECOND // self.hz)


@final
class Ticks:
    """A count of prescaled cycles, computed from virtual time when it is asked for.

    A tick takes divider / scale cycles.  The tick number n is reached at the first ns not before
    the exact time; so `count()` at `when(n)` is n, and rounding does not add up.
    """

    __slots__ = ("_start", "_ticks", "clock", "divider", "rate", "running", "scale")

    def __init__(self, clock: Clock, rate: Rate, divider: int = 1, scale: int = 1) -> None:
        self.clock, self.rate, self.divider, self.scale = clock, rate, divider, scale
        self.running = False
        self._start = 0  # ns of tick number _ticks
        self._ticks = 0

    def count(self) -> int:
        """Ticks since the count began, stopped times left out."""
        if not self.running:
            return self._ticks
        passed = self.clock.now - self._start
        return self._ticks + passed * self.rate.hz * self.scale // (SECOND * self.divider)

    def when(self, tick: int) -> int | None:
        """The ns at which `tick` is reached, None while the count stands still."""
        if not self.running or not self.rate.hz:
            return None
        ahead = (tick - self._ticks) * self.divider * SECOND
        return self._start - (-ahead // (self.rate.hz * self.scale))

    def settle(self) -> None:
        """Begins a new tick now: before the frequency or the divider changes."""
        self._ticks = self.count()
        self._start = self.clock.now

    def run(self, running: bool) -> None:
        """Starts or stops the count."""
        if running != self.running:
            self.settle()
            self.running = running

    def divide(self, divider: int) -> None:
        """Another length of the ticks from now on."""
        if divider != self.divider:
            self.settle()
            self.divider = divider
