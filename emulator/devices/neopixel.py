"""A strip of WS2812 ("NeoPixel") lights. Source: Worldsemi WS2812B data sheet."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.wiring import Wiring

_ONE: Final = 550
"""ns: a longer high pulse is a 1 (T0H is 400 +- 150 ns, T1H 800 +- 150 ns)."""
_LATCH: Final = 50_000
"""ns of low level after which the lights show what came (RESET)."""


@final
class NeoPixelStrip:
    """Lights in a row. length: how many; bytes_per_pixel: 3, or 4 with white.

    shown: every picture that was latched, with its time in ns, as a list of (r, g, b) or
    (r, g, b, w).  The lights take green first.
    """

    def __init__(self, length: int, bytes_per_pixel: int = 3) -> None:
        if bytes_per_pixel not in (3, 4):
            raise ValueError(f"a light takes 3 or 4 bytes, not {bytes_per_pixel!r}")
        self.length, self.width = length, bytes_per_pixel
        self.shown: list[tuple[int, list[tuple[int, ...]]]] = []
        self._bits: list[int] = []
        self._rise = self._fall = 0
        self._clock: Clock | None = None

    def connect(self, wiring: Wiring, *, pin: str | int) -> None:
        """Its data input."""
        self._clock = wiring.clock
        wiring.pad(pin).watch(self._edge)

    def _edge(self, level: int) -> None:
        assert self._clock is not None
        now = self._clock.now
        if level:
            self._latch(now)
            self._rise = now
        else:
            self._bits.append(int(now - self._rise > _ONE))
            self._fall = now

    def _latch(self, now: int) -> None:
        """Shows what came, if the line was low for long enough."""
        if not self._bits or now - self._fall < _LATCH:
            return
        data = bytearray()
        for start in range(0, len(self._bits) - 7, 8):
            value = 0
            for bit in self._bits[start : start + 8]:
                value = value << 1 | bit
            data.append(value)
        self._bits = []
        # The other lights are not reached, and keep their colours.
        pixels = self._last()
        for index in range(min(self.length, len(data) // self.width)):
            green, red, *rest = data[index * self.width : (index + 1) * self.width]
            pixels[index] = (red, green, *rest)
        self.shown.append((self._fall + _LATCH, pixels))

    def _last(self) -> list[tuple[int, ...]]:
        return list(self.shown[-1][1]) if self.shown else [(0,) * self.width] * self.length

    @property
    def pixels(self) -> list[tuple[int, ...]]:
        """What the lights show now."""
        if self._clock is not None:
            self._latch(self._clock.now)
        return self._last()
