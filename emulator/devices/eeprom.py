"""AT24C: serial EEPROM over I2C. Source: Atmel 0180 (AT24C01A to 16) and 0670 (AT24C128, 256)."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.wiring import Wiring

_PAGES: Final = {1: 8, 2: 8, 4: 16, 8: 16, 16: 16, 32: 32, 64: 32, 128: 64, 256: 64, 512: 128}
"""Bytes of a page for each size in kbit."""
_WRITE_CYCLE: Final = 5_000_000  # ns, tWR


@final
class AT24:
    """An AT24C memory. kbit: its size, 1 to 512; data: what it holds, 0xFF when new.

    A write is at most a page, beyond whose end it wraps; for 5 ms after it the device does not
    answer.  protected: the pin WP is high, so nothing is written.  Small ones (up to 16 kbit) have
    one byte of address, higher bits of it are in the device address, so they answer to several.
    """

    def __init__(self, kbit: int = 256, address: int = 0x50, data: bytes = b"") -> None:
        if kbit not in _PAGES:
            sizes = ", ".join(map(str, _PAGES))
            raise ValueError(f"an AT24C has a size in kbit of {sizes}, not {kbit}")
        self.address = address
        self.page = _PAGES[kbit]
        self.data = bytearray(b"\xff" * (kbit * 128))
        if len(data) > len(self.data):
            raise ValueError(f"an AT24C{kbit:02} holds {len(self.data)} bytes, not {len(data)}")
        self.data[: len(data)] = data
        self.width = 1 if kbit <= 16 else 2
        self.protected = False
        self.writes = 0
        self._pointer = self._left = self._busy = 0
        self._buffer: dict[int, int] = {}
        self._clock: Clock | None = None

    def connect(self, wiring: Wiring, *, scl: str | int, sda: str | int) -> None:
        """Puts it on the I2C bus of two pads."""
        self._clock = wiring.clock
        wiring.i2c(self, scl, sda)
        for block in range(1, len(self.data) >> 8 if self.width == 1 else 1):
            wiring.i2c(_Block(self, self.address + block, block), scl, sda)

    def start(self, read: bool, block: int = 0) -> bool:
        if self._clock is not None and self._clock.now < self._busy:
            return False
        if not read:
            self._left = self.width
            self._buffer = {}
            self._pointer = block
        return True

    def write(self, byte: int) -> bool:
        if self._left:
            self._left -= 1
            self._pointer = (self._pointer << 8 | byte) % len(self.data)
            return True
        self._buffer[self._pointer] = byte
        last = self._pointer % self.page == self.page - 1
        self._pointer += 1 - self.page if last else 1
        return True

    def read(self) -> int:
        value = self.data[self._pointer]
        self._pointer = (self._pointer + 1) % len(self.data)
        return value

    def stop(self) -> None:
        """The write cycle begins with the stop condition, when WP is looked at."""
        if self._buffer and not self.protected:
            for place, byte in self._buffer.items():
                self.data[place] = byte
            self.writes += 1
            if self._clock is not None:
                self._busy = self._clock.now + _WRITE_CYCLE
        self._buffer = {}


@final
class _Block:
    """A further device address of a small memory, whose low bits are bits 8 and up of the place."""

    def __init__(self, memory: AT24, address: int, block: int) -> None:
        self.address = address
        self._memory, self._number = memory, block

    def start(self, read: bool) -> bool:
        return self._memory.start(read, self._number)

    def write(self, byte: int) -> bool:
        return self._memory.write(byte)

    def read(self) -> int:
        return self._memory.read()

    def stop(self) -> None:
        self._memory.stop()
