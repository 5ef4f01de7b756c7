"""What needs no protocol: buttons, LEDs, a potentiometer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.wiring import SUPPLY, Wiring


@final
class Button:
    """A push button between a pad and ground, or with `active=1` between a pad and the supply.

    bounce: times in ms at which the contact opens or closes again after it was pressed or released.
    pull: a resistor on the board holds the other level; without it the program uses the chip's.
    """

    def __init__(
        self, *, active: int = 0, bounce: Sequence[float] = (), pull: bool = False
    ) -> None:
        if active not in (0, 1):
            raise ValueError(f"a button connects its pad with 0 or 1, not {active!r}")
        self.active, self.bounce, self._pull = active, tuple(bounce), pull
        self.pressed = False
        self._pad: Pin | None = None
        self._clock: Clock | None = None

    def connect(self, wiring: Wiring, *, pin: str | int) -> None:
        self._pad, self._clock = wiring.pad(pin), wiring.clock
        if self._pull:
            self._pad.tie(1 - self.active)

    def press(self) -> None:
        """Presses it, until `release`."""
        self._move(True)

    def release(self) -> None:
        self._move(False)

    def _move(self, pressed: bool) -> None:
        if self._pad is None or self._clock is None:
            raise RuntimeError("the button is not wired to a board yet")
        self.pressed = closed = pressed
        self._contact(closed)
        for ms in self.bounce:
            closed = not closed
            self._clock.after(round(ms * 1_000_000), _Contact(self, closed).settle)
        if closed != pressed:
            raise ValueError(f"bounce has an even number of times, not {len(self.bounce)}")

    def _contact(self, closed: bool) -> None:
        if self._pad is not None:
            self._pad.force(self.active if closed else None, source="button")


@final
class _Contact:
    """One move of a bouncing contact."""

    __slots__ = ("_button", "_closed")

    def __init__(self, button: Button, closed: bool) -> None:
        self._button, self._closed = button, closed

    def settle(self) -> None:
        self._button._contact(self._closed)


@final
class LED:
    """A light at a pad; with `active=0` it is lit by a low level."""

    def __init__(self, *, active: int = 1) -> None:
        self.active = active
        self._pad: Pin | None = None
        self._clock: Clock | None = None
        self._changes: list[tuple[int, int]] = []

    def connect(self, wiring: Wiring, *, pin: str | int) -> None:
        self._pad, self._clock = wiring.pad(pin), wiring.clock
        self._changes.append((self._clock.now, self._pad.level))
        self._pad.watch(self._edge)

    def _edge(self, level: int) -> None:
        if self._clock is not None:
            self._changes.append((self._clock.now, level))

    @property
    def lit(self) -> bool:
        """Is it lit now?"""
        return self._pad is not None and self._pad.level == self.active

    def brightness(self, ms: float = 20) -> float:
        """Which part of the last `ms` virtual milliseconds it was lit, 0 to 1."""
        if self._clock is None:
            return 0.0
        now = end = self._clock.now
        begin = max(now - round(ms * 1_000_000), self._changes[0][0])
        lit = 0
        for when, level in reversed(self._changes):
            if level == self.active:
                lit += end - max(when, begin)
            end = when
            if when <= begin:
                break
        return lit / (now - begin) if now > begin else float(self.lit)


@final
class Potentiometer:
    """A voltage divider between ground and supply. position: 0 to 1."""

    def __init__(self, position: float = 0.5) -> None:
        self.position = position

    def connect(self, wiring: Wiring, *, pin: str | int) -> None:
        wiring.apply(pin, lambda: SUPPLY * min(max(self.position, 0.0), 1.0))
