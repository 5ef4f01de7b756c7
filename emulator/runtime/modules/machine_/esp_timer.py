"""`machine.Timer` of the ESP32 (its four hardware timers) and the ESP8266 (of the system)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.runtime import identity
from mpy_cross.emulator.runtime.arguments import as_float, as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import US, Hardware
from mpy_cross.emulator.runtime.types import HostObject

ONE_SHOT, PERIODIC = 0, 1
DIVIDER: Final = 8
"""Of the 80 MHz that the timers count."""
TICKS: Final = 80_000_000 // DIVIDER
SOURCES: Final = ((14, 15), (18, 19))
ENABLE, UP, AUTO_RELOAD, LEVEL_INTERRUPT, ALARM = 1 << 31, 1 << 30, 1 << 29, 1 << 11, 1 << 10
SHORTEST: Final = 100
"""Microseconds of the shortest period of the ESP8266's timers."""


@final
class Esp32Timer(HostObject):
    """`Timer(id)`; there is one object for each."""

    type_name = "Timer"
    ONE_SHOT, PERIODIC = ONE_SHOT, PERIODIC

    _hw: ClassVar[Hardware]
    _known: ClassVar[dict[tuple[int, int], Esp32Timer]]
    _callback: Any
    _repeat: bool

    def __new__(cls, id: Any, /, **kwargs: Any) -> Esp32Timer:
        number = as_int(id)
        place = number >> 1 & 1, number & 1
        made = cls._known.get(place)
        if made is None:
            made = cls._known[place] = object.__new__(cls)
            made._group, made._index = place
            made._callback, made._repeat = None, False
            cls._hw.interrupt(SOURCES[place[0]][place[1]], made._rang)
            cls._hw.closers.append(made.deinit)
        return made

    def __init__(self, id: Any, /, **kwargs: Any) -> None:
        if kwargs:
            self.init(**kwargs)

    _group: int
    _index: int

    def _register(self, name: str) -> tuple[str, str]:
        return f"TIMG{self._group}", f"T{self._index}{name}"

    def init(self, *, mode: Any = PERIODIC, callback: Any = None, period: Any = 0xFFFFFFFF,
             tick_hz: Any = 1000, freq: Any = None) -> None:
        """Start the timer: `period` in units of 1 / tick_hz seconds."""
        hw = self._hw
        self.deinit()
        if freq is not None:
            hertz = as_float(freq)
            if hertz <= 0:
                raise ValueError("must have positive freq")
            count = int(TICKS / hertz)
        else:
            count = (as_int(period) & 0xFFFFFFFF) * TICKS // as_int(tick_hz)
        self._repeat, self._callback = bool(as_int(mode)), callback
        for name, value in (
                ("CONFIG", UP | DIVIDER << 13), ("LOADLO", 0), ("LOADHI", 0), ("LOAD", 0),
                ("ALARMLO", count & 0xFFFFFFFF), ("ALARMHI", count >> 32)):
            hw.write(*self._register(name), value)
        hw.change(f"TIMG{self._group}", "INT_ENA_TIMERS", 0, 1 << self._index)
        reload = AUTO_RELOAD if self._repeat else 0
        hw.write(*self._register("CONFIG"),
                 ENABLE | UP | reload | DIVIDER << 13 | LEVEL_INTERRUPT | ALARM)

    def deinit(self) -> None:
        """Stop the timer."""
        self._hw.change(*self._register("CONFIG"), ENABLE | ALARM, 0)

    def value(self) -> int:
        """Milliseconds on the timer."""
        hw = self._hw
        hw.write(*self._register("UPDATE"), 1)
        count = hw.read(*self._register("HI")) << 32 | hw.read(*self._register("LO"))
        return count // (TICKS // 1000)

    def _rang(self) -> None:
        hw = self._hw
        hw.write(f"TIMG{self._group}", "INT_CLR_TIMERS", 1 << self._index)
        if self._repeat:
            hw.change(*self._register("CONFIG"), 0, ALARM)
        hw.callback(self, self._callback, (self,), hard=False)

    def __repr__(self) -> str:
        config = self._hw.read(*self._register("CONFIG"))
        return (f"Timer({identity.address(self):x}; alarm_en={config >> 10 & 1}, "
                f"auto_reload={config >> 29 & 1}, counter_en={config >> 31})")


@final
class Esp8266Timer(HostObject):
    """`Timer(-1)`: a timer of the system."""

    type_name = "Timer"
    ONE_SHOT, PERIODIC = ONE_SHOT, PERIODIC

    _hw: ClassVar[Hardware]

    def __init__(self, id: Any, /, **kwargs: Any) -> None:
        as_int(id)
        self._alarm: Alarm | None = None
        self._callback: Any = None
        self._period = 0
        self._repeat = False
        if kwargs:
            self.init(**kwargs)

    def init(self, *, mode: Any = PERIODIC, callback: Any = None, period: Any = 0xFFFFFFFF,
             tick_hz: Any = 1000, freq: Any = None) -> None:
        """Start the timer: `period` in units of 1 / tick_hz seconds."""
        self.deinit()
        if freq is not None:
            hertz = as_float(freq)
            if hertz <= 0:
                raise ValueError("must have positive freq")
            us = int(1_000_000 / hertz)
        else:
            us = (as_int(period) & 0xFFFFFFFF) * 1_000_000 // as_int(tick_hz)
        self._period = max(us, SHORTEST) * US
        self._repeat, self._callback = bool(as_int(mode)), callback
        self._alarm = self._hw.alarm(self._period, self._rang)

    def deinit(self) -> None:
        """Stop the timer."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _rang(self) -> None:
        hw, alarm = self._hw, self._alarm
        self._alarm = None
        if self._repeat and alarm is not None:
            self._alarm = hw.alarm(max(alarm.when + self._period - hw.clock.now, 0), self._rang)
        hw.interrupts += 1
        hw.callback(self, self._callback, (self,), hard=False)

    def __repr__(self) -> str:
        return f"Timer({identity.address(self):x})"
