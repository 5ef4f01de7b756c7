"""DMA requests of a timer of STM32F4, and its bursts (RM0090, 18.3.16 and 18.4.19)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.blocks.stm32.dma import Request

if TYPE_CHECKING:
    from mpy_cross.emulator.blocks.stm32.tim import Tim

UPDATE, COMPARE = 1 << 8, 1 << 9  # of DIER: UDE, and CC1DE, which is followed by the others'
COMPARES: Final = 0xF * COMPARE
BY_UPDATE: Final = 1 << 3  # of CR2: CCDS
UP: Final = "UP"


@final
class TimerRequests:
    """requests: by "UP" and "CH1" to "CH4"."""

    __slots__ = ("_moved", "_requests", "_tim", "_waiting")

    def __init__(self, tim: Tim, requests: Mapping[str, Request]) -> None:
        self._tim, self._requests = tim, requests
        self._waiting: list[str] = []
        self._moved = 0  # registers of the burst that goes on

    def updated(self) -> None:
        """An update event."""
        enabled = self._tim.DIER
        if enabled & UPDATE:
            self._waiting.append(UP)
        if self._tim.CR2 & BY_UPDATE:
            self._waiting += [f"CH{n + 1}" for n in range(4) if enabled & COMPARE << n]

    def matched(self, number: int) -> None:
        """A channel has captured, or the counter is equal to its value."""
        tim = self._tim
        if tim.DIER & COMPARE << number and not tim.CR2 & BY_UPDATE:
            self._waiting.append(f"CH{number + 1}")

    def serve(self) -> None:
        """Lets the DMA do what was asked for; not while the timer works out what has happened."""
        while self._waiting and not self._tim.settling:
            request = self._requests.get(self._waiting.pop(0))
            if request is None:
                continue
            self._moved = 0
            request.once()
            while 0 < self._moved <= self._tim.DCR >> 8 & 31:
                before = self._moved
                request.once()
                if self._moved == before:
                    break  # the DMA has done all it should

    def place(self) -> int:
        """Offset of the register that DMAR is now; the next one comes after it."""
        self._moved += 1
        return 4 * ((self._tim.DCR & 31) + (self._moved - 1) % ((self._tim.DCR >> 8 & 31) + 1))
