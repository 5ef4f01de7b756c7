"""Module `time` (manual 1.1.22) in virtual time.  The epoch is 2000, as on boards."""

from __future__ import annotations

import calendar
import time
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_float, as_int, as_word, native
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module, type_name

NAMES: Final[tuple[str, ...]] = ("utime", "time")
PERIOD: Final = 1 << 30
"""Ticks start again from 0 here: they are small ints."""
EPOCH: Final = 946_684_800
"""2000-01-01 in seconds since 1970."""


def ticks_diff(end: int, start: int) -> int:
    """The signed difference of two ticks values."""
    return ((end - start + PERIOD // 2) & (PERIOD - 1)) - PERIOD // 2


def broken_down(seconds: int) -> tuple[int, ...]:
    """Year, month, day, hour, minute, second, weekday (Monday is 0), day of the year."""
    t = time.gmtime(seconds + EPOCH)
    return (t.tm_year, t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_wday, t.tm_yday)


def build(runtime: Runtime) -> Module:
    scheduler = runtime.scheduler

    def now() -> int:
        return scheduler.clock.now

    def ns() -> int:
        return runtime.start_time * 1_000_000_000 + runtime.start_part + now()

    @native
    def localtime(seconds: Any = None, /) -> tuple[int, ...]:
        if seconds is None:
            return broken_down(ns() // 1_000_000_000)
        if isinstance(seconds, float):
            return broken_down(int(seconds))
        return broken_down(as_int(seconds))

    @native
    def mktime(parts: Any, /) -> int:
        if not isinstance(parts, (tuple, list)):
            raise TypeError(f"object '{type_name(parts)}' isn't a tuple or list")
        if not 8 <= len(parts) <= 9:
            raise TypeError(f"mktime needs a tuple of length 8 or 9 ({len(parts)} given)")
        year, month, day, hour, minute, second = (as_int(part) for part in parts[:6])
        # Each part may be out of range, as on boards; months count on into years.
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
        days = calendar.timegm((year, month, 1, 0, 0, 0)) // 86400 + day - 1
        return days * 86400 + hour * 3600 + minute * 60 + second - EPOCH

    @native
    def sleep(seconds: Any, /) -> None:
        scheduler.sleep(round(as_float(seconds) * 1000) * 1_000_000)

    @native
    def sleep_ms(ms: Any, /) -> None:
        scheduler.sleep(as_word(ms) * 1_000_000)

    @native
    def sleep_us(us: Any, /) -> None:
        scheduler.sleep(as_word(us) * 1_000)

    @native
    def ticks_ms() -> int:
        return now() // 1_000_000 & PERIOD - 1

    @native
    def ticks_us() -> int:
        return now() // 1_000 & PERIOD - 1

    @native
    def ticks_cpu() -> int:
        return now() * scheduler.rate.hz // 1_000_000_000 & PERIOD - 1

    @native
    def ticks_diff_(end: Any, start: Any, /) -> int:
        return ticks_diff(as_word(end), as_word(start))

    @native
    def ticks_add(ticks: Any, delta: Any, /) -> int:
        return as_word(ticks) + as_int(delta) & PERIOD - 1

    return Module(
        NAMES[0],
        {
            "gmtime": localtime,
            "localtime": localtime,
            "mktime": mktime,
            "sleep": sleep,
            "sleep_ms": sleep_ms,
            "sleep_us": sleep_us,
            "ticks_ms": ticks_ms,
            "ticks_us": ticks_us,
            "ticks_cpu": ticks_cpu,
            "ticks_add": ticks_add,
            "ticks_diff": ticks_diff_,
            "time": native(lambda: ns() // 1_000_000_000),
            "time_ns": native(ns),
        },
    )
