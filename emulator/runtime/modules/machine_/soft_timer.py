"""`machine.Timer`: timers of the firmware, as many as the program wants."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.runtime.arguments import as_float, as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, Hardware
from mpy_cross.emulator.runtime.types import HostObject

ONE_SHOT, PERIODIC = 0, 1
POOL: Final = 3  # the alarm of RP2040's timer that the firmware uses for all of these


class AlarmPool:
    """Calls at times of RP2040's microsecond timer, by one of its four alarms."""

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw
        self.waiting: list[tuple[int, int, Timer]] = []
        self.order = 0
        hw.interrupt(POOL, self.rang)
        hw.closers.append(lambda: hw.change("TIMER", "INTE", 1 << POOL, 0))

    def now(self) -> int:
        low = self.hw.read("TIMER", "TIMELR")
        return self.hw.read("TIMER", "TIMEHR") << 32 | low

    def add(self, when: int, timer: Timer) -> None:
        self.order += 1
        self.waiting.append((when, self.order, timer))
        self.waiting.sort(key=lambda each: each[:2])
        self.arm()

    def remove(self, timer: Timer) -> None:
        self.waiting = [each for each in self.waiting if each[2] is not timer]

    def arm(self) -> None:
        if not self.waiting:
            return
        self.hw.change("TIMER", "INTE", 0, 1 << POOL)
        # A time that has passed already would only match after the counter went round.
        when = max(self.waiting[0][0], self.now() + 1)
        self.hw.write("TIMER", f"ALARM{POOL}", when & 0xFFFFFFFF)

    def rang(self) -> None:
        self.hw.write("TIMER", "INTR", 1 << POOL)
        now = self.now()
        while self.waiting and self.waiting[0][0] <= now:
            when, _, timer = self.waiting.pop(0)
            timer._expired(when)
        self.arm()


class Timer(HostObject):
    """`Timer(id=-1, *, mode=PERIODIC, period=-1, tick_hz=1000, freq=None, callback=None)`."""

    ONE_SHOT, PERIODIC = ONE_SHOT, PERIODIC

    _hw: ClassVar[Hardware]
    _pool: ClassVar[AlarmPool | None] = None

    def __init__(self, id: Any = -1, *args: Any, **kwargs: Any) -> None:
        if as_int(id) != -1:
            raise ValueError("Timer doesn't exist")
        self._mode = PERIODIC
        self._delta = 0
        self._callback: Any = None
        self._hard = False
        self._alarm: Alarm | None = None
        self._running = False
        if args or kwargs:
            self.init(*args, **kwargs)

    def init(self, *, mode: Any = PERIODIC, period: Any = 0xFFFFFFFF, tick_hz: Any = 1000,
             freq: Any = None, callback: Any = None, hard: Any = False) -> None:
        """Start the timer: `period` in units of 1 / tick_hz seconds."""
        self.deinit()
        unit = 1000 if self._pool is None else 1_000_000  # what the firmware counts in
        if freq is not None:
            hertz = as_float(freq)
            if hertz <= 0:
                raise ValueError("must have positive freq")
            delta = int(unit / hertz)
        else:
            delta = (as_int(period) & 0xFFFFFFFF) * unit // as_int(tick_hz)
        if delta >= 0x40000000 and self._pool is None:
            raise ValueError("period too large")
        self._mode, self._delta = as_int(mode), max(delta, 1)
        self._callback, self._hard = callback, bool(hard)
        self._running = True
        if self._pool is None:
            self._alarm = self._hw.alarm(self._delta * MS, lambda: self._expired(0))
        else:
            self._pool.add(self._pool.now() + self._delta, self)

    def deinit(self) -> None:
        """Stop the timer."""
        self._running = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._pool is not None:
            self._pool.remove(self)

    def _expired(self, when: int) -> None:
        if self._mode == PERIODIC:
            if self._pool is None:
                assert self._alarm is not None
                following = self._alarm.when + self._delta * MS
                self._alarm = self._hw.alarm(
                    following - self._hw.clock.now, lambda: self._expired(0))
            else:
                self._pool.add(when + self._delta, self)
        else:
            self._running = False

        def failed() -> str:
            self.deinit()
            return "uncaught exception in Timer interrupt handler"

        self._hw.callback(self, self._callback, (self,), hard=self._hard, failed=failed)

    def __repr__(self) -> str:
        mode = "PERIODIC" if self._mode == PERIODIC else "ONE_SHOT"
        tick = "" if self._pool is None else ", tick_hz=1000000"
        return f"Timer(mode={mode}, period={self._delta}{tick})"
