"""A hobby servo: the width of a pulse is an angle."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.wiring import Wiring

_LOST: Final = 100_000_000  # ns without a pulse, after which a servo goes limp


@final
class Servo:
    """A servo motor. shortest, longest: pulses in us for the ends of its way; angle: degrees there.

    Without pulses for 100 ms it is not driven.
    """

    def __init__(self, shortest: int = 500, longest: int = 2500, angle: float = 180.0) -> None:
        self.shortest, self.longest, self.range = shortest, longest, angle
        self.width: float | None = None
        self._rise: int | None = None
        self._last = 0
        self._clock: Clock | None = None

    def connect(self, wiring: Wiring, *, pin: str | int) -> None:
        self._clock = wiring.clock
        wiring.pad(pin).watch(self._edge)

    def _edge(self, level: int) -> None:
        if self._clock is None:
            return
        if level:
            self._rise = self._clock.now
        elif self._rise is not None:
            self._last = self._clock.now
            self.width = (self._last - self._rise) / 1000

    @property
    def driven(self) -> bool:
        """Did a pulse come lately?"""
        return (self._clock is not None and self.width is not None
                and self._clock.now - self._last <= _LOST)

    @property
    def position(self) -> float | None:
        """Degrees from the end of the shortest pulse; None before the first pulse."""
        if self.width is None:
            return None
        width = min(max(self.width, self.shortest), self.longest)
        return (width - self.shortest) / (self.longest - self.shortest) * self.range
