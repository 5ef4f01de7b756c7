"""`machine.RTC` and `pyb.RTC`, by the registers of the real-time clocks."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, Hardware
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.types import HostObject, type_name

EINVAL: Final = 22
ALARM0: Final = 0
STARTUP_MS: Final = 0x0100  # what RTC.info reports for the start of the oscillator
POWER_ON, EXTERNAL = 0x10000, 0x20000


def items(value: Any, least: int, most: int) -> list[int]:
    """The numbers of a tuple or list argument."""
    if not isinstance(value, tuple | list):
        raise TypeError(f"object '{type_name(value)}' isn't a tuple or list")
    if not least <= len(value) <= most:
        raise ValueError(f"requested length {most} but object has length {len(value)}")
    return [as_int(each) for each in value[:7]]


def weekday(year: int, month: int, day: int) -> int:
    """0 for Monday."""
    total = day
    for before in range(1, month):
        total += monthrange(year, before)[1]
    years = year - 1
    return (years * 365 + years // 4 - years // 100 + years // 400 + total - 1) % 7


class RTCBase(HostObject):
    """The clock; there is one."""

    type_name = "RTC"
    ALARM0 = ALARM0

    _hw: ClassVar[Hardware]
    _alarm: ClassVar[Alarm | None] = None
    _irq: ClassVar[Irq | None] = None

    def __init__(self, id: Any = 0) -> None:
        if as_int(id) != 0:
            raise ValueError(f"RTC({as_int(id)}) doesn't exist")

    def _get(self) -> tuple[int, ...]:
        """Year, month, day, weekday, hours, minutes, seconds, subseconds."""
        raise NotImplementedError

    def _set(self, value: Sequence[int]) -> None:
        """Year, month, day, weekday, hours, minutes, seconds."""
        raise NotImplementedError

    def datetime(self, *value: Any) -> Any:
        """Get or set date and time."""
        if not value:
            return self._get()
        given = items(value[0], 8, 8)
        self._set(given)
        return None

    def init(self, *args: Any) -> None:
        """Set from (year, month, day[, hour[, minute[, second[, microsecond[, tzinfo]]]]])."""
        if not args:
            return
        parts = items(tuple(args[0])[:6], 3, 6)
        parts += [0] * (6 - len(parts))
        year, month, day, hour, minute, second = parts
        self._set((year, month, day, self._first + weekday(year, month, day), hour, minute, second))

    _first: ClassVar[int] = 0
    """The number of Monday."""

    def now(self) -> tuple[Any, ...]:
        """(year, month, day, hour, minute, second, microsecond, None)."""
        year, month, day, _, hour, minute, second, part = self._get()
        return year, month, day, hour, minute, second, self._micros(part), None

    def _micros(self, part: int) -> int:
        return 0

    def deinit(self) -> None:
        """Back to the beginning of 2015, and running."""
        self.cancel()
        self._set((2015, 1, 1, self._first + 3, 0, 0, 0))

    # Alarms count on the clock of the machine: the chips' own alarms are not modelled.

    def alarm(self, id: Any = ALARM0, time: Any = 0, *, repeat: Any = False) -> None:
        """Set the alarm, in so many ms or at a date and time."""
        cls = type(self)
        self.cancel()
        if isinstance(time, tuple | list):
            if repeat:
                raise ValueError("repeat needs a time in ms")
            delay = self._seconds(items(tuple(time)[:6], 3, 6)) * 1000
        else:
            delay = as_int(time)
        cls._alarm = self._hw.alarm(max(delay, 0) * MS, lambda: self._rang(delay, bool(repeat)))

    def _seconds(self, parts: list[int]) -> int:
        """Seconds from now to a date and time."""
        parts += [0] * (6 - len(parts))
        year, month, day, _, hour, minute, second, _ = self._get()

        def total(y: int, m: int, d: int, rest: int) -> int:
            days = sum(monthrange(y, before)[1] for before in range(1, m)) + d
            days += sum(366 if monthrange(each, 2)[1] == 29 else 365 for each in range(2000, y))
            return days * 86400 + rest

        then = total(parts[0], parts[1], parts[2], parts[3] * 3600 + parts[4] * 60 + parts[5])
        return then - total(year, month, day, hour * 3600 + minute * 60 + second)

    def _rang(self, delay: int, repeat: bool) -> None:
        cls, hw = type(self), self._hw
        hw.interrupts += 1
        cls._alarm = (hw.alarm(delay * MS, lambda: self._rang(delay, repeat)) if repeat else None)
        irq = cls._irq
        if irq is not None and irq._handler is not None:
            hw.callback(irq, irq._handler, (self,), hard=False)

    def alarm_left(self, alarm_id: Any = ALARM0) -> int:
        """Milliseconds until the alarm."""
        alarm = type(self)._alarm
        return 0 if alarm is None else max((alarm.when - self._hw.clock.now) // MS, 0)

    def cancel(self, alarm_id: Any = ALARM0) -> None:
        """No alarm."""
        alarm = type(self)._alarm
        if alarm is not None:
            alarm.cancel()
        type(self)._alarm = None

    def irq(self, *, trigger: Any = ALARM0, handler: Any = None, wake: Any = 0) -> Irq:
        """Call `handler(rtc)` at the alarm."""
        cls = type(self)
        if cls._irq is None:
            cls._irq = Irq(self, lambda trigger: None)
        cls._irq._set(handler, as_int(trigger), False)
        return cls._irq


class RpRTC(RTCBase):
    """The clock of RP2040; Monday is 0."""

    def _get(self) -> tuple[int, ...]:
        # Reading the time latches the date.
        time, date = self._hw.read("RTC", "RTC_0"), self._hw.read("RTC", "RTC_1")
        return (date >> 12, date >> 8 & 15, date & 31, ((time >> 24 & 7) + 6) % 7, time >> 16 & 31,
                time >> 8 & 63, time & 63, 0)

    def _set(self, value: Sequence[int]) -> None:
        year, month, day, week, hour, minute, second = value[:7]
        if not (0 <= year <= 4095 and 1 <= month <= 12 and 1 <= day <= 31 and 0 <= hour <= 23
                and 0 <= minute <= 59 and 0 <= second <= 59):
            raise OSError(EINVAL)
        hw = self._hw
        hw.write("RTC", "CTRL", 0)
        hw.write("RTC", "SETUP_0", year << 12 | month << 8 | day)
        # The chip counts weekdays from Sunday.
        hw.write("RTC", "SETUP_1",
                 (week + 1) % 7 << 24 | hour << 16 | minute << 8 | second)
        hw.write("RTC", "CTRL", 0x10)
        hw.write("RTC", "CTRL", 1)


def bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


def unbcd(value: int) -> int:
    return (value >> 4) * 10 + (value & 15)


class StmRTC(RTCBase):
    """The clock of STM32; Monday is 1, subseconds count down from 255."""

    _first = 1
    _wakeup: ClassVar[Any] = None

    def _unlock(self) -> None:
        self._hw.change("PWR", "CR", 0, 1 << 8)
        self._hw.write("RTC", "WPR", 0xCA)
        self._hw.write("RTC", "WPR", 0x53)

    def _lock(self) -> None:
        self._hw.write("RTC", "WPR", 0xFF)

    def _get(self) -> tuple[int, ...]:
        hw = self._hw
        part, time, date = (hw.read("RTC", name) for name in ("SSR", "TR", "DR"))
        return (2000 + unbcd(date >> 16 & 0xFF), unbcd(date >> 8 & 0x1F), unbcd(date & 0x3F),
                date >> 13 & 7, unbcd(time >> 16 & 0x3F), unbcd(time >> 8 & 0x7F),
                unbcd(time & 0x7F), part)

    def _set(self, value: Sequence[int]) -> None:
        year, month, day, week, hour, minute, second = value[:7]
        hw = self._hw
        self._unlock()
        hw.write("RTC", "ISR", 0xFFFFFFFF)
        hw.write("RTC", "TR", bcd(hour) << 16 | bcd(minute) << 8 | bcd(second))
        hw.write("RTC", "DR", bcd(year % 100) << 16 | week << 13 | bcd(month) << 8 | bcd(day))
        hw.write("RTC", "ISR", 0xFFFFFF7F)
        self._lock()

    def _micros(self, part: int) -> int:
        whole = (self._hw.read("RTC", "PRER") & 0x7FFF) + 1
        return (whole - 1 - part) * 1_000_000 // whole

    def wakeup(self, timeout: Any, callback: Any = None) -> None:
        """Call `callback(line)` every so many ms; None: no more."""
        hw = self._hw
        self._unlock()
        hw.change("RTC", "CR", 1 << 10 | 1 << 14, 0)
        hw.change("EXTI", "IMR", 1 << 22, 0)
        exti = hw.types["exti"]
        exti.release(22)
        if timeout is not None:
            self._start_wakeup(as_int(timeout), callback)
        self._lock()

    def _start_wakeup(self, timeout: int, callback: Any) -> None:
        from mpy_cross.emulator.runtime.modules.machine_.exti import IRQ_RISING, User

        hw = self._hw
        # Up to 32 s with the quickest prescaler that reaches; beyond in seconds.
        hz = hw.chip.blocks["RTC"].timer.ticks.rate.hz  # type: ignore[attr-defined]
        select, ticks = 3, timeout * (hz // 2) // 1000
        while select and ticks > 0x10000:
            select, ticks = select - 1, ticks // 2
        if ticks > 0x10000:
            select, ticks = 4, timeout // 1000
            if ticks > 0x10000:
                select, ticks = 6, ticks - 0x10000
                if ticks > 0x10000:
                    raise ValueError("wakeup value too large")
        hw.write("RTC", "WUTR", max(ticks, 1) - 1)
        hw.change("RTC", "CR", 7, select)

        def woke(line: int) -> None:
            self._hw.write("RTC", "ISR", ~(1 << 10 | 1 << 7) & 0xFFFFFFFF)
            if callback is not None:
                callback(line)

        hw.types["exti"].register(None, 22, IRQ_RISING, User(self, woke, (22,)))
        hw.write("RTC", "ISR", ~(1 << 10 | 1 << 7) & 0xFFFFFFFF)
        hw.change("RTC", "CR", 0, 1 << 14 | 1 << 10)

    def info(self) -> int:
        """Milliseconds of the start-up, and what the last reset was."""
        cause = self._hw.machine.reset_cause
        return STARTUP_MS | {"power": POWER_ON, "pin": EXTERNAL}.get(cause, 0)

    def calibration(self, *value: Any) -> Any:
        """Get or set the calibration, -511 to 512."""
        hw = self._hw
        if not value:
            now = hw.read("RTC", "CALR")
            return (512 if now & 0x8000 else 0) - (now & 0x1FF)
        wanted = as_int(value[0])
        if not -511 <= wanted <= 512:
            raise ValueError("calibration value out of range")
        self._unlock()
        hw.write("RTC", "CALR", 0x8000 | 512 - wanted if wanted > 0 else -wanted)
        self._lock()
        return wanted


