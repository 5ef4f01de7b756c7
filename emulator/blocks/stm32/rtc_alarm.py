"""When an alarm of the RTC of STM32F4 goes off next (RM0090, 26.3.3)."""

from __future__ import annotations

from typing import Final, NamedTuple, final

NO_DATE, NO_HOUR, NO_MINUTE, NO_SECOND = 1 << 31, 1 << 23, 1 << 15, 1 << 7
BY_WEEKDAY, PM = 1 << 30, 1 << 22
DAYS: Final = 63
"""Within so many days there is a 31st, unless the date of the alarm does not exist."""


def month_length(year: int, month: int) -> int:
    """Days of a month; every fourth year is a leap year here, there is no century."""
    return 29 if month == 2 and year % 4 == 0 else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                                    31)[month - 1]


def unbcd(value: int) -> int:
    return (value >> 4) * 10 + (value & 15)


@final
class Moment(NamedTuple):
    """A date and a time of day.  year: of the century; weekday: 1 is Monday; second: of the day."""

    year: int
    month: int
    day: int
    weekday: int
    second: int


@final
class Alarm(NamedTuple):
    """What ALRMxR and ALRMxSSR say.  halves: the hour is one of twelve."""

    word: int
    sub: int
    halves: bool

    def on_day(self, day: int, weekday: int) -> bool:
        if self.word & NO_DATE:
            return True
        if self.word & BY_WEEKDAY:
            return self.word >> 24 & 15 == weekday
        return unbcd(self.word >> 24 & 0x3F) == day

    def second(self, start: int) -> int | None:
        """The first second of a day, from `start` on, that fits."""
        word = self.word
        hour = unbcd(word >> 16 & 0x3F)
        if self.halves:
            hour = hour % 12 + (12 if word & PM else 0)
        hours = range(24) if word & NO_HOUR else (hour,)
        minutes = range(60) if word & NO_MINUTE else (unbcd(word >> 8 & 0x7F),)
        seconds = range(60) if word & NO_SECOND else (unbcd(word & 0x7F),)
        for h in hours:
            if h < start // 3600:
                continue
            for m in minutes:
                if (h * 60 + m + 1) * 60 <= start:
                    continue
                for s in seconds:
                    second = h * 3600 + m * 60 + s
                    if second >= start:
                        return second
        return None

    def phase(self, after: int, top: int) -> int | None:
        """The first tick of a second, later than `after`, whose sub-second value fits.

        top: the value of tick 0, from which it counts down.
        """
        mask = (1 << (self.sub >> 24 & 15)) - 1
        if not mask:
            return 0 if after < 0 else None  # as the second begins
        first = (top - (self.sub & 0x7FFF)) & mask
        if first <= after:
            first += (after - first) // (mask + 1) * (mask + 1) + mask + 1
        return first if first <= top else None


def ticks_ahead(alarm: Alarm, now: Moment, phase: int, top: int) -> int | None:
    """Ticks from now, at tick `phase` of a second, until the alarm; None if it never comes."""
    year, month, day, weekday, start = now
    for days in range(DAYS):
        if alarm.on_day(day, weekday):
            if not days and alarm.second(start) == start:
                this = alarm.phase(phase, top)
                if this is not None:
                    return this - phase
            second = alarm.second(start + 1 if not days else 0)
            first = alarm.phase(-1, top)
            if second is not None and first is not None:
                return (days * 86400 + second - start) * (top + 1) + first - phase
        day, weekday = day + 1, weekday % 7 + 1
        if day > month_length(year, min(max(month, 1), 12)):
            day, month = 1, month % 12 + 1
            year += month == 1
    return None
