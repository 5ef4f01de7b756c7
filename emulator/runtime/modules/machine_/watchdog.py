"""`machine.WDT`, by the registers of the watchdogs."""

from __future__ import annotations

from typing import Any, ClassVar

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject


class WDT(HostObject):
    """`WDT(id=0, timeout=5000)`: resets the chip unless it is fed in time (ms)."""

    _hw: ClassVar[Hardware]

    def __init__(self, id: Any = 0, timeout: Any = 5000) -> None:
        if as_int(id) != 0:
            raise ValueError(f"WDT({as_int(id)}) doesn't exist")
        self._start(as_int(timeout))

    def _start(self, timeout: int) -> None:
        raise NotImplementedError

    def feed(self) -> None:
        """Start the time anew."""
        raise NotImplementedError


class RpWDT(WDT):
    """The watchdog of RP2040: at most 8388 ms, as it counts twice per microsecond."""

    type_name = "WDT"

    def _start(self, timeout: int) -> None:
        self._load = min(max(timeout, 1), 8388) * 2000
        self._hw.change("WATCHDOG", "CTRL", 1 << 30, 0)
        self.feed()
        self._hw.change("WATCHDOG", "CTRL", 0, 1 << 30)

    def feed(self) -> None:
        """Start the time anew."""
        self._hw.write("WATCHDOG", "LOAD", min(self._load, 0xFFFFFF))


class StmWDT(WDT):
    """The independent watchdog of STM32: 1 ms to 32 s of its oscillator with 32 kHz."""

    type_name = "WDT"

    def _start(self, timeout: int) -> None:
        hw = self._hw
        prescaler, ticks = 0, timeout * 32 // 4
        while prescaler < 6 and ticks > 0xFFF:
            prescaler, ticks = prescaler + 1, ticks >> 1
        if ticks < 1:
            raise ValueError("WDT timeout too short")
        if ticks > 0xFFF:
            raise ValueError("WDT timeout too long")
        hw.write("IWDG", "KR", 0x5555)
        hw.write("IWDG", "PR", prescaler)
        hw.write("IWDG", "RLR", ticks - 1)
        hw.write("IWDG", "KR", 0xCCCC)

    def feed(self) -> None:
        """Start the time anew."""
        self._hw.write("IWDG", "KR", 0xAAAA)
