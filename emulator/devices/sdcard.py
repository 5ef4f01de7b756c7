"""An SD card, and its SPI mode; `sdcard_bus` has the other one.

Source: SD Specifications Part 1, Physical Layer Simplified 6.00, chapter 7.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.wiring import Wiring

BLOCK: Final = 512
_IDLE, _ILLEGAL, _ADDRESS = 1, 4, 0x20  # bits of an R1 answer
_BEGIN, _BEGIN_MANY, _END_MANY = 0xFE, 0xFC, 0xFD  # tokens in front of data
_ACCEPTED, _BAD_CRC = 0xE5, 0xEB
_OUT_OF_RANGE: Final = 0x08  # data error token


def crc16(data: bytes) -> int:
    """The check of a data block: x^16 + x^12 + x^5 + 1."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = crc << 1 ^ (0x11021 if crc & 0x8000 else 0)
    return crc


def crc7(data: bytes) -> int:
    """The check of a register or command: x^7 + x^3 + 1, with the end bit."""
    crc = 0
    for byte in data:
        for bit in range(7, -1, -1):
            crc <<= 1
            if (byte >> bit ^ crc >> 7) & 1:
                crc ^= 0x89
    return (crc & 0x7F) << 1 | 1


@final
class SDCard:
    """A card of `size` bytes, or with the content `data`. high_capacity: addresses count blocks.

    data: its content.  present: is it in the slot?  reads, writes: blocks, as they came.
    """

    def __init__(self, size: int = 4 << 20, data: bytes = b"", *,
                 high_capacity: bool = True) -> None:
        size = max(size, len(data))
        unit = BLOCK * 1024
        self.data = bytearray(-(-size // unit) * unit)
        self.data[: len(data)] = data
        self.high_capacity = high_capacity
        self.present = True
        self.reads: list[int] = []
        self.writes: list[int] = []
        self._out = bytearray()
        self._power_on()

    def _power_on(self) -> None:
        self._idle = True
        self._application = False
        self._command = bytearray()
        self._incoming: bytearray | None = None
        self._writing: int | None = None
        self._many = False
        self._reading: int | None = None
        self._selected = False
        self._out.clear()

    def connect(self, wiring: Wiring, *, sck: str | int, mosi: str | int, miso: str | int,
                cs: str | int) -> None:
        """Puts the slot on an SPI bus."""
        wiring.pad(miso).tie(1)
        wiring.spi(self, sck, mosi, miso, cs)

    # ------------------------------------------------------------------------------------- SPI

    def select(self, selected: bool) -> None:
        self._selected = selected
        self._command.clear()
        self._out.clear()

    def send(self) -> int:
        if not self._out and self._reading is not None and not self._command:
            self._next_block()
        return self._out.pop(0) if self._out else 0xFF

    def receive(self, byte: int) -> None:
        if not self.present or not self._selected:
            return
        if self._incoming is not None:
            self._take(byte)
        elif self._writing is not None and byte in (_BEGIN, _BEGIN_MANY, _END_MANY):
            if byte == _END_MANY:
                self._writing, self._many = None, False
                self._out += b"\xff\0"
            else:
                self._incoming = bytearray()
        elif self._command or byte & 0xC0 == 0x40:
            self._command.append(byte)
            if len(self._command) == 6:
                command = bytes(self._command)
                self._command.clear()
                self._out.clear()
                self._out += b"\xff"  # NCR: at least one byte before the answer
                self._execute(command[0] & 0x3F, int.from_bytes(command[1:5], "big"))

    # -------------------------------------------------------------------------------- commands

    def _execute(self, command: int, argument: int) -> None:
        application, self._application = self._application, False
        status = _IDLE if self._idle else 0
        if command == 0:
            self._power_on()
            self._selected = True
            self._out += bytes([0xFF, _IDLE])
        elif command == 8:
            self._out += bytes([status]) + (argument & 0xFFF).to_bytes(4, "big")
        elif command == 55:
            self._application = True
            self._out.append(status)
        elif (command == 41 and application) or command == 1:
            self._idle = False
            self._out.append(0)
        elif command == 58:
            capacity = 0xC0 if self.high_capacity else 0x80
            ocr = (capacity << 24 | 0xFF8000) if not self._idle else 0xFF8000
            self._out += bytes([status]) + ocr.to_bytes(4, "big")
        elif command == 59 or (command in (16, 23) and not self._idle):
            self._out.append(status)
        elif self._idle:
            self._out.append(status | _ILLEGAL)
        elif command == 9:
            self._out += b"\0" + self._framed(self.csd())
        elif command == 10:
            self._out += b"\0" + self._framed(self.cid())
        elif command == 13:
            self._out += b"\0\0"
        elif command == 12:
            self._reading = None
            self._out += b"\xff\0"
        elif command in (17, 18, 24, 25):
            self._transfer(command, argument)
        else:
            self._out.append(_ILLEGAL)

    def _transfer(self, command: int, argument: int) -> None:
        place = argument * BLOCK if self.high_capacity else argument
        if place % BLOCK or place >= len(self.data):
            self._out.append(_ADDRESS)
            return
        self._out.append(0)
        if command == 17:
            self._out += b"\xff" + self._block(place)
        elif command == 18:
            self._reading = place
        else:
            self._writing, self._many = place, command == 25

    def _framed(self, data: bytes) -> bytes:
        return b"\xff" + bytes([_BEGIN]) + data + crc16(data).to_bytes(2, "big")

    def _block(self, place: int) -> bytes:
        self.reads.append(place // BLOCK)
        return self._framed(bytes(self.data[place : place + BLOCK]))

    def _next_block(self) -> None:
        assert self._reading is not None
        if self._reading >= len(self.data):
            self._out.append(_OUT_OF_RANGE)
            self._reading = None
        else:
            self._out += self._block(self._reading)
            self._reading += BLOCK

    def _take(self, byte: int) -> None:
        """A byte of a block that is written; two of a check follow, which SPI mode ignores."""
        assert self._incoming is not None and self._writing is not None
        self._incoming.append(byte)
        if len(self._incoming) < BLOCK + 2:
            return
        place, data = self._writing, self._incoming[:BLOCK]
        self._incoming = None
        if place >= len(self.data):
            self._out.append(_BAD_CRC)
            self._writing = None
            return
        self.data[place : place + BLOCK] = data
        self.writes.append(place // BLOCK)
        self._out += bytes([_ACCEPTED, 0])  # accepted, busy for a byte
        self._writing = place + BLOCK if self._many else None

    def csd(self) -> bytes:
        """Card-specific data, which tell the size (5.3)."""
        if self.high_capacity:
            size = len(self.data) // (BLOCK * 1024) - 1
            body = bytes.fromhex("400e00325b5900") + size.to_bytes(3, "big") + bytes.fromhex(
                "7f800a4000")
        else:
            # Blocks of 512 bytes, C_SIZE_MULT 7: (C_SIZE + 1) * 512 blocks.
            size = len(self.data) // (BLOCK * 512) - 1
            bits = (0x00260032 << 96 | 0x5F5 << 84 | 9 << 80 | size << 62 | 7 << 47 | 0x7F << 39)
            body = bits.to_bytes(16, "big")[:15]
        return body + bytes([crc7(body)])

    def cid(self) -> bytes:
        """Who made the card (5.2)."""
        body = b"\x00MPEMUSD\x10\x00\x00\x00\x01\x01\x66"
        return body + bytes([crc7(body)])
