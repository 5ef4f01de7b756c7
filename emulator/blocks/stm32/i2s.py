"""The I2S mode of an SPI of STM32F4 (RM0090, 28.4) as master, in half-words.

With DMA several half-words move at a time, which nothing but interrupts of DMA can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, final

from mpy_cross.emulator.clock import SECOND, Alarm, Clock

KEPT: Final = 1 << 22
"""Bytes of what was played that are kept."""
TOGETHER: Final = 8
"""Half-words that move at a time with DMA."""
SEND, RECEIVE = 2, 3  # I2SCFG


class Port(Protocol):
    """The registers of the block."""

    I2SCFGR: int
    I2SPR: int
    clock: Clock

    def i2s_moved(self) -> None:
        """A half-word has gone, or come."""

    def by_dma(self) -> bool:
        """Does DMA move the data?"""


@final
class I2s:
    """What goes over the bus.

    hz: of the clock from which the bits are made.  played: bytes that were sent, half-words with
    the low byte first.  source: asked for each half-word that is received; None for silence.
    """

    def __init__(self, port: Port, hz: Callable[[], int]) -> None:
        self._port, self._hz = port, hz
        self._alarm: Alarm | None = None
        self.played = bytearray()
        self.source: Callable[[], int] | None = None

    @property
    def sends(self) -> bool:
        return self._port.I2SCFGR >> 8 & 3 == SEND

    @property
    def channel_bits(self) -> int:
        """Clocks of a channel."""
        return 32 if self._port.I2SCFGR & 7 else 16

    @property
    def rate(self) -> float:
        """Frames in a second, each with two channels; 0 without a clock."""
        prescaler = self._port.I2SPR
        divider = 2 * (prescaler & 0xFF) + (prescaler >> 8 & 1)
        if divider < 2:
            return 0
        return self._hz() / ((256 if prescaler & 0x200 else 2 * self.channel_bits) * divider)

    def start(self) -> None:
        if self._alarm is None:
            self._next()

    def stop(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _next(self) -> None:
        rate = self.rate
        if not rate:
            return
        each = 4 if self._port.I2SCFGR & 6 else 2  # half-words of a frame
        together = TOGETHER if self._port.by_dma() else 1
        self._alarm = self._port.clock.after(
            max(round(together * SECOND / (rate * each)), 1), lambda: self._over(together))

    def _over(self, together: int) -> None:
        self._alarm = None
        for _ in range(together):
            self._port.i2s_moved()
        self._next()

    def play(self, value: int) -> None:
        """A half-word goes out."""
        if len(self.played) < KEPT:
            self.played += value.to_bytes(2, "little")

    def hear(self) -> int:
        """A half-word that comes in."""
        return 0 if self.source is None else self.source() & 0xFFFF
