"""The prompt of hosted boards is that of stock firmware, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpy_cross.emulator.firmware.files import load
from mpy_cross.emulator.repl.stock_target import StockTarget
from mpy_cross.emulator.repl.target import Condition
from mpy_cross.emulator.stock_session import StockSession
from tests.emulator.console import MS, Console
from tests.emulator.stock_images import stock_image

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra emulator")

BOARDS = (
    ("pico", "1.17", "v1.17/PICO-UART"),
    ("pico", "1.28", "v1.28.0/RPI_PICO-UART"),
    ("pyboard", "1.17", "v1.17/PYBV11-UART"),
)
STEP = 5 * MS
RAW = (
    b"\x01", b"print(1)\nprint('a')\x04", b"1/0\x04", b"x = 1 1\x04", b"3\x04", b"y\x03\x04",
    b"\x01", b"\x05\x01", b"\x05B\x01", b"\x05A\x01", b"print(123)\x04",
    b"\x05A\x01" + b"#" * 127, b"#", b"#" * 200, b"\nprint(7)\n1/0\x04", b"\x05A\x01",
    b"print(\x03", b"\x05A\x01", b"1 1\n\x04", b"import sys\x04", b"sys.exit()\x04", b"x = 2\x04",
    b"print(x)\x04", b"\x02",
)
SEQUENCES = {
    "soft reset": (b"x = 1\r", b"\x04", b"x\r", b"import machine\r", b"machine.soft_reset()\r"),
    "raw": RAW,
    "indents": (b"for i in range(2):\r", b"if i:\r", b"print(i)\r", b"\x7f\x7f", b"\r", b"\r\r"),
    "paste": (b"\x05", b"x = 3\rx\r\r'end'\r", b"\x04", b"\x05", b"1\x03", b"x\r"),
    "editing": (b"abcd\x1b[D\x1b[D", b"X\x01", b"\x1b[3~", b"\x1b[F\x7f", b"\x0b\x02\x03",
                b"\x1b[A"),
    "interrupt": (b"while True: pass\r\r", b"\x03", b"input('? ')\r", b"\x03", b"abc\x03"),
    "input": (b"input('? ')\r", b"ab\x7fc\r", b"input()\r", b"\x04", b"input()\r", b"\x1b[A",
              b"\r"),
    "stdin": (b"import sys\r", b"sys.stdin.read(3)\r", b"a\rb", b"sys.stdin.buffer.read(3)\r",
              b"a\r\n", b"sys.stdout.write('a\\nb')\r", b"sys.stdout.buffer.write(b'a\\nb')\r"),
    "completion": (b"long_name=long_other=1\r", b"lo\t", b"\t", b"n\t\r", b"imp\t", b"\x03",
                   b"q\t"),
    "prompts": (b"import sys\r", b"sys.ps1 = '$ '\r", b"sys.exit()\r", b"1\r"),
    "help": (b"help()\r",),
}


class Stock:
    """A stock board at its prompt."""

    def __init__(self, board: str, path: Path) -> None:
        self.target = StockTarget(StockSession(board, load(str(path)).segments))
        self.type(b"\r\x03", quiet=300)  # a pyboard formats its flash first

    def type(self, keys: bytes, quiet: int = 8) -> bytes:
        """Type something; what is shown until the board has been quiet for so many steps."""
        self.target.feed(keys)
        seen, calm = b"", 0
        for _ in range(1000):
            condition = self.target.advance(STEP)
            shown = self.target.take()
            seen += shown
            calm = calm + 1 if not shown and condition is Condition.WAITING else 0
            if calm >= quiet:
                break
        return seen


@pytest.fixture(scope="module", params=BOARDS, ids=lambda each: f"{each[0]}-{each[1]}")
def stock(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, Stock]]:
    board, release, place = request.param
    yield board, release, Stock(board, stock_image(place))


@pytest.mark.spec("D01", "D02", "D05", "D06", "D07", "D09", "D11", "D12", "D13", "D14", "D15")
@pytest.mark.parametrize("name", SEQUENCES)
def test_as_stock_firmware(stock: tuple[str, str, Stock], name: str) -> None:
    board, release, real = stock
    console = Console(board, release)
    for keys in (b"\r\x03\x02", b"\x04"):
        real.type(keys)
        console.type(keys)
    try:
        for keys in SEQUENCES[name]:
            shown = real.type(keys)
            assert console.type(keys, slices=30) == shown, keys
    finally:
        real.type(b"\x03\x03\x02")
