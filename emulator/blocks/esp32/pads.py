"""What the pads of ESP chips have in common: outputs, levels, and interrupts of GPIO."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.line import Signal
from mpy_cross.emulator.pin import Pin

# Values of INT_TYPE.
RISING, FALLING, BOTH, LOW, HIGH = 1, 2, 3, 4, 5
OPEN_DRAIN: Final = 1 << 2  # PAD_DRIVER of a register GPIO_PINn


class Bank:
    """Who is told about the pads: `sense(number)` for a level, `output(number)` for a signal."""

    def sense(self, number: int) -> None:
        raise NotImplementedError

    def output(self, number: int) -> None:
        raise NotImplementedError


@final
class Follower:
    """Takes the level of a signal to one pad."""

    __slots__ = ("bank", "number")

    def __init__(self, bank: Bank, number: int) -> None:
        self.bank, self.number = bank, number

    def __call__(self, level: int | None) -> None:
        self.bank.output(self.number)


@final
class Sensor:
    """Takes the level of one pad into the chip."""

    __slots__ = ("bank", "number")

    def __init__(self, bank: Bank, number: int) -> None:
        self.bank, self.number = bank, number

    def __call__(self, level: int) -> None:
        self.bank.sense(self.number)


@final
class Owner:
    """Which signal drives each pad, with the pads following it."""

    __slots__ = ("followers", "signals")

    def __init__(self, bank: Bank, count: int) -> None:
        self.signals: list[Signal | None] = [None] * count
        self.followers = [Follower(bank, number) for number in range(count)]

    def switch(self, number: int, signal: Signal | None) -> None:
        """This signal drives the pad from now on."""
        old = self.signals[number]
        if signal is old:
            return
        if old is not None:
            old.leave(self.followers[number])
        self.signals[number] = signal
        if signal is not None:
            signal.follow(self.followers[number])


def fires(kind: int, before: int, now: int) -> bool:
    """Does a pad that goes from one level to another interrupt, by its INT_TYPE?"""
    if kind in (LOW, HIGH):
        return now == (kind == HIGH)
    return before != now and (kind == BOTH or kind == (RISING if now else FALLING))


def drive(pin: Pin, level: int | None, open_drain: bool) -> None:
    """Lets the chip drive a pad; an open drain drives no high level."""
    pin.drive(None if open_drain and level == 1 else level)
