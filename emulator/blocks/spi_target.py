"""SPI as a target sees it, bit by bit at its pads: somebody else makes the clock."""

from __future__ import annotations

from typing import Protocol, final

from mpy_cross.emulator.line import Signal


class Target(Protocol):
    """What a block does in this role."""

    def target_mode(self) -> tuple[int, int, int, bool]:
        """Bits of a frame, clock polarity, clock phase, lowest bit first."""

    def target_selected(self, pad: int) -> bool:
        """Is it selected?  pad: the level of its chip select."""

    def target_gives(self) -> int | None:
        """The frame that goes out next, None if there is none: then it is 0."""

    def target_takes(self, value: int) -> None:
        """A frame has come in."""


@final
class TargetWire:
    """The pads of a target. on: it takes part."""

    __slots__ = ("_count", "_empty", "_in", "_loaded", "_out", "_target", "data", "on", "out",
                 "sck", "select")

    def __init__(self, target: Target, sck: Signal, select: Signal, data: Signal,
                 out: Signal) -> None:
        self._target = target
        self.sck, self.select, self.data, self.out = sck, select, data, out
        self.on = self._loaded = self._empty = False
        self._in = self._out = self._count = 0
        sck.sensors.append(self._edge)
        select.sensors.append(self._selected)

    def listen(self, on: bool) -> None:
        """Begins or ends to be a target, or takes new settings."""
        self.on = on
        self._selected(self.select.seen)

    def _selected(self, level: int) -> None:
        self._count, self._in, self._loaded, self._empty = 0, 0, False, False
        if not self.on or not self._target.target_selected(level):
            self.out.drive(None)
        elif not self._target.target_mode()[2]:
            self._show()

    def refill(self) -> None:
        """The block has something to send: its first bit may show before the clock comes."""
        if self.on and self._loaded and self._empty and not self._count:
            self._loaded = False
            self._show()

    def _show(self) -> None:
        bits, _, _, low_first = self._target.target_mode()
        if not self._loaded:
            given = self._target.target_gives()
            self._out, self._empty = given or 0, given is None
            self._in, self._loaded = 0, True
        at = self._count if low_first else bits - 1 - self._count
        self.out.drive(self._out >> at & 1)

    def _edge(self, level: int) -> None:
        if not self.on or not self._target.target_selected(self.select.seen):
            return
        bits, polarity, phase, low_first = self._target.target_mode()
        if (level != polarity) == bool(phase):
            self._show()
            return
        if not self._loaded:
            self._show()
        at = self._count if low_first else bits - 1 - self._count
        self._in |= self.data.seen << at
        self._count += 1
        if self._count == bits:
            value, self._in, self._count, self._loaded = self._in, 0, 0, False
            self._target.target_takes(value)
