"""What I2C devices with numbered registers have in common."""

from __future__ import annotations

from mpy_cross.emulator.wiring import Wiring


class RegisterDevice:
    """A device whose first byte written is the number of a register; the number then counts up.

    address: 7 bits.  data: 256 registers as they read.
    """

    def __init__(self, address: int) -> None:
        self.address = address
        self.data = bytearray(256)
        self.pointer = 0
        self._first = False

    def connect(self, wiring: Wiring, *, scl: str | int, sda: str | int) -> None:
        """Puts it on the I2C bus of two pads."""
        wiring.i2c(self, scl, sda)

    def start(self, read: bool) -> bool:
        if read:
            self.latch()
        else:
            self._first = True
        return True

    def write(self, byte: int) -> bool:
        if self._first:
            self._first = False
            self.pointer = byte
            return True
        self.store(self.pointer, byte)
        self.pointer = (self.pointer + 1) & 0xFF
        return True

    def read(self) -> int:
        value = self.data[self.pointer]
        self.pointer = (self.pointer + 1) & 0xFF
        return value

    def stop(self) -> None:
        """The transfer is over."""

    def latch(self) -> None:
        """A read begins: a sensor puts its measurement into `data`."""

    def store(self, register: int, byte: int) -> None:
        """The board writes a register."""
        self.data[register] = byte

    def put(self, register: int, value: int, size: int) -> None:
        """Puts a number of so many bytes, high byte first, as two's complement."""
        self.data[register : register + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "big")
