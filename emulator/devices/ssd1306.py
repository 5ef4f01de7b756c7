"""SSD1306: a display of 128x64 or fewer points, over I2C or SPI.

Source: Solomon Systech SSD1306 rev 1.1, chapters 8 (interfaces), 9 and 10 (commands).
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final, final

from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.wiring import Wiring

COLUMNS: Final = 128
ROWS: Final = 64
_ARGUMENTS: Final = {
    0x20: 1, 0x21: 2, 0x22: 2, 0x26: 6, 0x27: 6, 0x29: 5, 0x2A: 5, 0x81: 1, 0x8D: 1, 0xA3: 2,
    0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1,
}
"""Bytes that follow a command."""
_HORIZONTAL, _VERTICAL, _PAGE = 0, 1, 2  # addressing modes


@final
class SSD1306:
    """A display of `width` x `height` points.

    contrast, on, inverted: as the board set them; commands: how many came.  `connect` takes scl and
    sda, or for SPI sck, mosi, dc and perhaps cs and res.
    """

    def __init__(self, width: int = 128, height: int = 64, address: int = 0x3C) -> None:
        if not (0 < width <= COLUMNS and 0 < height <= ROWS):
            raise ValueError(f"an SSD1306 has up to {COLUMNS}x{ROWS} points, not {width}x{height}")
        self.width, self.height, self.address = width, height, address
        self.memory = bytearray(COLUMNS * ROWS // 8)
        self._dc: Pin | None = None
        self._selected = True
        self._control: int | None = None
        self._power_on()

    def _power_on(self) -> None:
        self.on = self.inverted = self.all_on = self.flipped_columns = self.flipped_rows = False
        self.charge_pump = False
        self.contrast = 0x7F
        self.commands = 0
        self._mode = _PAGE
        self._columns, self._pages = (0, COLUMNS - 1), (0, ROWS // 8 - 1)
        self._column = self._page = 0
        self._start_line = self._offset = 0
        self._lines = ROWS
        self._command = 0
        self._arguments: list[int] = []
        self._left = 0

    def connect(
        self, wiring: Wiring, *, scl: str | int | None = None, sda: str | int | None = None,
        sck: str | int | None = None, mosi: str | int | None = None, dc: str | int | None = None,
        cs: str | int | None = None, res: str | int | None = None,
    ) -> None:
        """On an I2C bus (scl, sda) or an SPI bus (sck, mosi, dc, cs, res)."""
        if scl is not None and sda is not None:
            wiring.i2c(self, scl, sda)
        elif sck is not None and mosi is not None and dc is not None:
            self._dc = wiring.pad(dc)
            wiring.spi(self, sck, mosi, cs=cs)
        else:
            raise TypeError("an SSD1306 is wired by scl= and sda=, or by sck=, mosi= and dc=")
        if res is not None:
            wiring.pad(res).watch(self._reset_pin)

    def _reset_pin(self, level: int) -> None:
        if not level:
            self._power_on()

    # ------------------------------------------------------------------------------------- I2C

    def start(self, read: bool) -> bool:
        self._control = None
        return True

    def write(self, byte: int) -> bool:
        """A control byte says what follows: Co (one byte, then another control byte), D/C."""
        if self._control is None:
            self._control = byte
            return True
        if self._control & 0x40:
            self.show(byte)
        else:
            self.command(byte)
        if self._control & 0x80:
            self._control = None
        return True

    def read(self) -> int:
        """Status: bit 6 while the display is off (10.1.1)."""
        return 0x03 if self.on else 0x43

    def stop(self) -> None:
        """The transfer is over."""

    # ------------------------------------------------------------------------------------- SPI

    def select(self, selected: bool) -> None:
        self._selected = selected

    def send(self) -> int:
        return 0

    def receive(self, byte: int) -> None:
        if self._dc is not None and self._dc.level:
            self.show(byte)
        else:
            self.command(byte)

    # -------------------------------------------------------------------------------- commands

    def command(self, byte: int) -> None:
        """A byte with D/C low."""
        self.commands += 1
        if self._left:
            self._arguments.append(byte)
            self._left -= 1
        else:
            self._command, self._arguments = byte, []
            self._left = _ARGUMENTS.get(byte, 0)
        if not self._left:
            self._execute(self._command, self._arguments)

    def _execute(self, command: int, arguments: list[int]) -> None:
        if command < 0x10:
            self._column = self._column & 0x70 | command
        elif command < 0x20:
            self._column = self._column & 0x0F | (command & 7) << 4
        elif command == 0x20:
            self._mode = arguments[0] & 3
        elif command == 0x21:
            self._columns = arguments[0] & 0x7F, arguments[1] & 0x7F
            self._column = self._columns[0]
        elif command == 0x22:
            self._pages = arguments[0] & 7, arguments[1] & 7
            self._page = self._pages[0]
        elif 0x40 <= command < 0x80:
            self._start_line = command & 0x3F
        elif 0xB0 <= command < 0xB8:
            self._page = command & 7
        elif command == 0x81:
            self.contrast = arguments[0]
        elif command == 0x8D:
            self.charge_pump = bool(arguments[0] & 4)
        elif command in (0xA0, 0xA1):
            self.flipped_columns = bool(command & 1)
        elif command in (0xA4, 0xA5):
            self.all_on = bool(command & 1)
        elif command in (0xA6, 0xA7):
            self.inverted = bool(command & 1)
        elif command == 0xA8:
            self._lines = (arguments[0] & 0x3F) + 1
        elif command in (0xAE, 0xAF):
            self.on = bool(command & 1)
        elif command in (0xC0, 0xC8):
            self.flipped_rows = bool(command & 8)
        elif command == 0xD3:
            self._offset = arguments[0] & 0x3F

    def show(self, byte: int) -> None:
        """A byte with D/C high: eight points, the lowest bit on top."""
        self.memory[self._page * COLUMNS + self._column] = byte
        if self._mode == _PAGE:
            self._column = (self._column + 1) % COLUMNS
        elif self._mode == _HORIZONTAL:
            if self._next_column():
                self._next_page()
        elif self._next_page():
            self._next_column()

    def _next_column(self) -> bool:
        first, last = self._columns
        over = self._column == last
        self._column = first if over else (self._column + 1) % COLUMNS
        return over

    def _next_page(self) -> bool:
        first, last = self._pages
        over = self._page == last
        self._page = first if over else (self._page + 1) % (ROWS // 8)
        return over

    # --------------------------------------------------------------------------------- picture

    @property
    def lit(self) -> bool:
        """Is the display on, and its charge pump?"""
        return self.on and self.charge_pump

    def pixel(self, x: int, y: int) -> int:
        """The point as seen by who looks at a common module, upright: 1 is light.

        Such a module has its columns and rows mirrored, so the driver sets 0xA1 and 0xC8.
        """
        if not self.lit:
            return 0
        if self.all_on:
            return 1
        row = y if self.flipped_rows else self.height - 1 - y
        row = (row + self._start_line + self._offset) % ROWS
        column = x if self.flipped_columns else COLUMNS - 1 - x
        bit = self.memory[(row >> 3) * COLUMNS + column] >> (row & 7) & 1
        return bit ^ self.inverted

    def rows(self) -> list[list[int]]:
        """The picture: a list of points for each row."""
        return [[self.pixel(x, y) for x in range(self.width)] for y in range(self.height)]

    def text(self) -> str:
        """The picture in characters, `#` and `.`: for messages of tests."""
        return "\n".join("".join("#" if bit else "." for bit in row) for row in self.rows())

    def png(self, path: str | Path | None = None, scale: int = 4) -> bytes:
        """The picture as a PNG file, `scale` pixels for each point; `path`: written there too."""
        lines = bytearray()
        for row in self.rows():
            line = [bit for bit in row for _ in range(scale)]
            line += [0] * (-len(line) % 8)
            packed = bytes(int("".join(map(str, line[at : at + 8])), 2)
                           for at in range(0, len(line), 8))
            lines += (b"\0" + packed) * scale
        header = struct.pack(">IIBBBBB", self.width * scale, self.height * scale, 1, 0, 0, 0, 0)
        data = b"\x89PNG\r\n\x1a\n" + b"".join(
            _chunk(kind, content) for kind, content in
            ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(lines))), (b"IEND", b"")))
        if path is not None:
            Path(path).write_bytes(data)
        return data


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file: length, kind, content, CRC."""
    return (struct.pack(">I", len(content)) + kind + content
            + struct.pack(">I", zlib.crc32(kind + content)))
