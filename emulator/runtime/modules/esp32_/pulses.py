"""`esp32.RMT`: pulses of exact lengths (manual 1.3.3).

The registers of the controller are not modelled: the pad is driven at the times of the pulses.  A
carrier is accepted and not shown.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.esp_pin import Esp32Pin
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, Hardware
from mpy_cross.emulator.runtime.types import HostObject

SOURCE: Final = 80_000_000
CHANNELS: Final = 8
SIGNAL: Final = 87
LONGEST: Final = 32767


@final
class RMT(HostObject):
    """`RMT(channel, *, pin, clock_div=8, idle_level=False, tx_carrier=None)`."""

    _hw: ClassVar[Hardware]

    def __init__(self, channel: Any, *, pin: Any = None, clock_div: Any = 8,
                 idle_level: Any = False, tx_carrier: Any = None) -> None:
        self._channel = as_int(channel)
        if not 0 <= self._channel < CHANNELS:
            raise ValueError("invalid channel")
        if not isinstance(pin, Esp32Pin):
            raise ValueError("expecting a pin")
        self._pin, self._divider = pin, as_int(clock_div)
        if not 1 <= self._divider <= 255:
            raise ValueError("clock_div must be between 1 and 255")
        if tx_carrier is not None:
            frequency, duty, _ = tx_carrier
            if as_int(frequency) <= 0:
                raise ValueError("tx_carrier frequency must be >0")
            if not 0 <= as_int(duty) <= 100:
                raise ValueError("tx_carrier duty must be 0..100")
        self._idle = int(bool(idle_level))
        self._loop = False
        self._pulses: list[tuple[int, int]] = []
        self._at = 0
        self._alarm: Alarm | None = None
        self._signal = self._hw.chip.signal(f"RMT_SIG_OUT{self._channel}")
        self._signal.drive(self._idle)
        pin._connect(SIGNAL + self._channel)

    def source_freq(self) -> int:
        """Hz of the clock."""
        return SOURCE

    def clock_div(self) -> int:
        """What the clock is divided by."""
        return self._divider

    def _busy(self) -> bool:
        return self._alarm is not None

    def wait_done(self, *, timeout: Any = 0) -> bool:
        """Has the transmission ended? Waits for so many ms."""
        return self._hw.wait(lambda: not self._busy(), as_int(timeout) * MS)

    def loop(self, enable_loop: Any, /) -> None:
        """Say whether the next sequence is repeated; False ends one that is."""
        self._loop = bool(enable_loop)

    def write_pulses(self, duration: Any, data: Any = True, *, start: Any = None) -> None:
        """Transmit pulses: durations, with a first level, or levels, or both."""
        levels: list[int]
        if isinstance(duration, tuple | list):
            lengths = [as_int(each) for each in duration]
            if isinstance(data, tuple | list):
                if len(data) != len(lengths):
                    raise ValueError("duration and data must have same length")
                levels = [int(bool(each)) for each in data]
            else:
                first = int(bool(data if start is None else start))
                levels = [first ^ at & 1 for at in range(len(lengths))]
        else:
            if not isinstance(data, tuple | list):
                raise ValueError("duration or data must be sequence")
            levels = [int(bool(each)) for each in data]
            lengths = [as_int(duration)] * len(levels)
        if not all(0 < each <= LONGEST for each in lengths):
            raise ValueError("duration out of range")
        if not lengths:
            raise ValueError("No pulses")
        hw = self._hw
        if self._busy():
            hw.scheduler.wait(lambda: not self._busy() or self._at == 0)
        if self._alarm is not None:
            self._alarm.cancel()
        self._pulses = list(zip(levels, lengths, strict=True))
        self._at = 0
        self._next()

    def _next(self) -> None:
        self._alarm = None
        if self._at == len(self._pulses):
            self._at = 0
            if not self._loop:
                self._signal.drive(self._idle)
                return
        level, length = self._pulses[self._at]
        self._at += 1
        self._signal.drive(level)
        self._alarm = self._hw.alarm(length * self._divider * 1_000_000_000 // SOURCE, self._next)

    def deinit(self) -> None:
        """Let the channel go."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._signal.drive(self._idle)

    def __repr__(self) -> str:
        return (f"RMT(channel={self._channel}, pin={self._pin._number}, source_freq={SOURCE}, "
                f"clock_div={self._divider}, idle_level={self._idle})")
