"""Wires inside the chip: interrupt lines, and signals between a peripheral and a pad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final


@final
class Line:
    """A wire with a level; watchers are told of changes, in the order they came."""

    __slots__ = ("level", "name", "watchers")

    def __init__(self, name: str) -> None:
        self.name = name
        self.level = False
        self.watchers: list[Callable[[bool], None]] = []

    def set(self, level: bool) -> None:
        if level != self.level:
            self.level = level
            for watcher in self.watchers:
                watcher(level)

    def pulse(self) -> None:
        """A rising edge, and low again."""
        self.set(True)
        self.set(False)

    def watch(self, watcher: Callable[[bool], None]) -> None:
        self.watchers.append(watcher)


def any_of(name: str, lines: Sequence[Line]) -> Line:
    """A line that is high while any of `lines` is: an interrupt that peripherals share."""
    if len(lines) == 1:
        return lines[0]
    joined = Line(name)

    def update(_: bool) -> None:
        joined.set(any(line.level for line in lines))

    for line in lines:
        line.watch(update)
    update(True)
    return joined


@final
class Signal:
    """A peripheral's side of a pad, such as TIM2_CH1: what it drives, and what it sees there.

    level: 0 or 1, None while the peripheral does not drive.  seen: the level of the pad, while a
    pad is switched to this signal.
    """

    __slots__ = ("drivers", "followed", "level", "name", "seen", "sensors")

    def __init__(self, name: str) -> None:
        self.name = name
        self.level: int | None = None
        self.seen = 0
        self.drivers: list[Callable[[int | None], None]] = []  # pads that follow
        self.sensors: list[Callable[[int], None]] = []  # parts of the peripheral that look
        # Called when pads begin or cease to follow; the peripheral may be lazy without any.
        self.followed: Callable[[], None] | None = None

    def follow(self, driver: Callable[[int | None], None]) -> None:
        """A pad is switched to this signal."""
        self.drivers.append(driver)
        if self.followed is not None:
            self.followed()

    def leave(self, driver: Callable[[int | None], None]) -> None:
        """A pad is switched to something else."""
        self.drivers.remove(driver)
        if self.followed is not None:
            self.followed()

    def drive(self, level: int | None) -> None:
        """The peripheral drives 0 or 1, or lets go."""
        if level != self.level:
            self.level = level
            for driver in list(self.drivers):
                driver(level)

    def sense(self, level: int) -> None:
        """The pad has a new level."""
        if level != self.seen:
            self.seen = level
            for sensor in self.sensors:
                sensor(level)
