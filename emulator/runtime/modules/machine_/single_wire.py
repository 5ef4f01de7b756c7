"""Protocols of one wire: 1-Wire, and that of the sensors DHT11 and DHT22.

The waveforms are made and measured in virtual time, to the ns, while interrupts wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, final

from mpy_cross.emulator.crc8 import crc8
from mpy_cross.emulator.runtime.arguments import as_int, native
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import ETIMEDOUT, MS, US, Hardware
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase, pin_of

# 1-Wire (us): the pulse of a reset, when its answer is looked at, and the rest; a bit that is read;
# a bit that is written.
RESET_LOW, RESET_LOOK, RESET_REST = 480, 70, 410
READ_LOW, READ_LOOK, READ_REST = 5, 5, 40
WRITE_LOW, WRITE_REST, WRITE_RECOVER = 10, 50, 10

# DHT: how long the line rests and is low before an answer, and how long to wait for its edges.
DHT_REST, DHT_START = 250 * MS, 18 * MS
DHT_ANSWER, DHT_FIRST, DHT_BIT = 100 * US, 150 * US, 100 * US
DHT_LONG: Final = 48 * US
"""A longer pulse is a 1."""
DHT_BYTES: Final = 5


@final
class OneWireBus:
    """The functions of module `_onewire`."""

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw

    def _quietly(self, call: Callable[[PinBase], int], pin: Any) -> int:
        scheduler = self.hw.scheduler
        before = scheduler.mask(True)
        try:
            return call(pin_of(self.hw, pin))
        finally:
            scheduler.mask(before)

    def _hold(self, pin: PinBase, level: bool, us: int) -> None:
        pin._write(level)
        self.hw.spend(us * US)

    def _reset(self, pin: PinBase) -> int:
        self._hold(pin, False, RESET_LOW)
        self._hold(pin, True, RESET_LOOK)
        answered = not pin._read()
        self.hw.spend(RESET_REST * US)
        return answered

    def _read(self, pin: PinBase) -> int:
        pin._write(True)
        self._hold(pin, False, READ_LOW)
        self._hold(pin, True, READ_LOOK)
        value = pin._read()
        self.hw.spend(READ_REST * US)
        return value

    def _write(self, pin: PinBase, bit: int) -> int:
        self._hold(pin, False, WRITE_LOW)
        self._hold(pin, bool(bit), WRITE_REST)
        self._hold(pin, True, WRITE_RECOVER)
        return 0

    def reset(self, pin: Any, /) -> bool:
        """Reset the bus; whether a device answers."""
        return bool(self._quietly(self._reset, pin))

    def readbit(self, pin: Any, /) -> int:
        """Read a bit."""
        return self._quietly(self._read, pin)

    def readbyte(self, pin: Any, /) -> int:
        """Read a byte, low bit first."""
        return sum(self._quietly(self._read, pin) << at for at in range(8))

    def writebit(self, pin: Any, value: Any, /) -> None:
        """Write a bit."""
        bit = as_int(value)
        self._quietly(lambda wire: self._write(wire, bit), pin)

    def writebyte(self, pin: Any, value: Any, /) -> None:
        """Write a byte, low bit first."""
        number = as_int(value)
        for at in range(8):
            self.writebit(pin, number >> at & 1)

    def crc8(self, data: Any, /) -> int:
        """The check byte of 1-Wire."""
        return crc8(buffer_of(data).tobytes())


def dht_reader(hw: Hardware) -> Callable[..., None]:
    """`machine.dht_readinto`."""

    def pulse(pin: PinBase, limit: int) -> int:
        """Length of the next high pulse in ns.  Raises OSError if it does not come or end."""
        for level in (0, 1):
            if not hw.wait(lambda: pin._read() == level, limit):  # noqa: B023
                raise OSError(ETIMEDOUT)
        start = hw.clock.now
        if not hw.wait(lambda: not pin._read(), limit):
            raise OSError(ETIMEDOUT)
        return hw.clock.now - start

    @native
    def dht_readinto(pin: Any, buf: Any, /) -> None:
        """Read the five bytes of a sensor; OSError(ETIMEDOUT) if there is none."""
        wire, target = pin_of(hw, pin), buffer_of(buf, True)
        if len(target) < DHT_BYTES:
            raise ValueError("buffer too small")
        wire.init(type(wire).OPEN_DRAIN)  # type: ignore[attr-defined]
        wire._write(True)
        hw.spend(DHT_REST)
        wire._write(False)
        hw.spend(DHT_START)
        before = hw.scheduler.mask(True)
        try:
            wire._write(True)
            hw.spend(10 * US)
            if not hw.wait(lambda: not wire._read(), DHT_ANSWER):
                raise OSError(ETIMEDOUT)
            pulse(wire, DHT_FIRST)
            for at in range(DHT_BYTES):
                value = 0
                for _ in range(8):
                    value = value << 1 | (pulse(wire, DHT_BIT) > DHT_LONG)
                target[at] = value
        finally:
            hw.scheduler.mask(before)

    return dht_readinto
