"""I2C as a target sees it, bit by bit at its two pads (I2C-bus specification, 3.1).

A target follows the clock of somebody else, on the same chip or outside, and may hold it low until
its program has done what is needed: a controller in software waits for that.
"""

from __future__ import annotations

from typing import Protocol, final

from mpy_cross.emulator.line import Signal


class Target(Protocol):
    """What a block does when it is addressed."""

    def target_begins(self, address: int, read: bool) -> bool:
        """START and an address of 7 bits; False: it is not meant."""

    def target_takes(self, byte: int) -> bool:
        """A byte from the controller; False: not acknowledged."""

    def target_ready(self, read: bool) -> bool:
        """May the next byte begin?  read: it goes to the controller.  If not, the clock is held
        until the block calls `TargetWire.go_on`."""

    def target_gives(self) -> int:
        """The next byte for the controller."""

    def target_refused(self) -> None:
        """The controller wants no more bytes."""

    def target_started(self) -> None:
        """START or repeated START, for anybody."""

    def target_stopped(self) -> None:
        """STOP, for anybody."""


@final
class TargetWire:
    """The two pads of a target. on: it listens; holding: it holds the clock low."""

    __slots__ = ("_addressed", "_count", "_deaf", "_read", "_shift", "holding", "on", "scl", "sda",
                 "taken", "target")

    def __init__(self, target: Target, scl: Signal, sda: Signal) -> None:
        self.target, self.scl, self.sda = target, scl, sda
        self.on = self.holding = self.taken = False
        self._deaf = True  # until START, and after an address that is somebody else's
        self._addressed = self._read = False
        self._shift = self._count = 0
        scl.sensors.append(self._clock)
        sda.sensors.append(self._data)

    def listen(self, on: bool) -> None:
        """Begins or ends to be a target; lets the wires go."""
        if on != self.on:
            self.on, self._deaf = on, True
            self.holding = self.taken = False
            self.sda.drive(None)
            self.scl.drive(None)

    def _data(self, level: int) -> None:
        if not self.on or not self.scl.seen:
            return
        if level:
            self._deaf = True
            self.target.target_stopped()
            self.taken = False
        else:
            self._deaf = self._addressed = self._read = self.taken = False
            self._shift = self._count = 0
            self.target.target_started()

    def _clock(self, level: int) -> None:
        if not self.on or self._deaf:
            return
        if level:
            self._rise()
        elif self._count:
            self._fall()

    def _rise(self) -> None:
        self._count += 1
        if self._count == 9:
            if self._read and self._addressed and self.sda.seen:
                self._deaf = True
                self.target.target_refused()
        elif not (self._read and self._addressed):
            self._shift = self._shift << 1 | self.sda.seen

    def _fall(self) -> None:
        sending = self._read and self._addressed
        if self._count == 9:
            self._count = 0
            self.sda.drive(None)
            if not self._addressed:
                self._addressed = True
            self._next()
        elif sending:
            shown = self._count < 8 and not self._shift >> 7 - self._count & 1
            self.sda.drive(0 if shown else None)
        elif self._count == 8:
            self._whole()

    def _whole(self) -> None:
        """Eight bits have come: an address, or a byte."""
        byte, self._shift = self._shift, 0
        if self._addressed:
            accepted = self.target.target_takes(byte)
        else:
            self._read = bool(byte & 1)
            self.taken = accepted = self.target.target_begins(byte >> 1, self._read)
        if accepted:
            self.sda.drive(0)
        else:
            self._deaf = True

    def _next(self) -> None:
        """Between bytes, while the clock is low."""
        if not self.target.target_ready(self._read):
            self.holding = True
            self.scl.drive(0)
            return
        if self._read:
            self._shift = self.target.target_gives()
            self.sda.drive(None if self._shift >> 7 else 0)
        if self.holding:
            self.holding = False
            self.scl.drive(None)

    def go_on(self) -> None:
        """The block may be ready now."""
        if self.holding:
            self._next()
