"""SPI blocks as targets: a controller toggles the pads in the four modes."""

from __future__ import annotations

from typing import Final

import pytest

from mpy_cross.emulator.machine import Machine, machine
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.testing_firmware import booted
from tests.emulator.stock_images import stock_image

RCC, GPIOA, STM_SPI = 0x40023800, 0x40020000, 0x40013000
RP_SPI, BANK, PADS = 0x40040000, 0x40014000, 0x4001C000
MODES: Final = pytest.mark.parametrize("mode", range(4))


class Controller:
    """Frames by hand.  mode: clock polarity times 2, plus phase."""

    def __init__(self, mode: int, select: Pin, sck: Pin, mosi: Pin, miso: Pin) -> None:
        self.polarity, self.phase = mode >> 1, mode & 1
        self.sck, self.mosi, self.miso, self.select = sck, mosi, miso, select
        sck.force(self.polarity)
        select.force(1)
        mosi.force(0)

    def frame(self, value: int, bits: int = 8) -> int:
        got = 0
        for at in range(bits - 1, -1, -1):
            if self.phase:
                self.sck.force(1 - self.polarity)
            self.mosi.force(value >> at & 1)
            if self.phase:
                got = got << 1 | self.miso.level
                self.sck.force(self.polarity)
            else:
                got = got << 1 | self.miso.level
                self.sck.force(1 - self.polarity)
                self.sck.force(self.polarity)
        return got


def rp2040(mode: int) -> tuple[Machine, Controller]:
    """SPI1 at GP8 to GP11 as a slave."""
    board = machine("pico")
    board.start()
    write = board.bus.write
    for n in range(8, 12):
        write(BANK + 8 * n + 4, 4, 1)
    controller = Controller(mode, *(board.pin(f"GP{n}") for n in (9, 10, 8, 11)))
    write(RP_SPI, 4, (mode & 1) << 7 | (mode >> 1) << 6 | 7)
    write(RP_SPI + 4, 4, 4)
    write(RP_SPI + 4, 4, 6)
    return board, controller


@MODES
def test_rp2040(mode: int) -> None:
    board, controller = rp2040(mode)
    read, write = board.bus.read, board.bus.write
    for byte in b"xyz":
        write(RP_SPI + 8, 4, byte)
    controller.frame(0xFF)  # for somebody else
    assert not read(RP_SPI + 0xC, 4) & 4
    controller.select.force(0)
    assert bytes(map(controller.frame, b"abc")) == b"xyz"
    assert controller.frame(0x0F) == 0  # nothing is left
    controller.select.force(1)
    assert bytes(read(RP_SPI + 8, 4) for _ in range(4)) == b"abc\x0f"
    assert controller.miso.driven is None and not board.context.touched


def test_rp2040_late_answer_and_overrun() -> None:
    board, controller = rp2040(0)
    read, write = board.bus.read, board.bus.write
    controller.select.force(0)
    write(RP_SPI + 8, 4, 0xA5)
    write(RP_SPI + 8, 4, 0x5A)
    assert [controller.frame(n) for n in range(9)] == [0xA5, 0x5A] + [0] * 7
    assert read(RP_SPI + 0x18, 4) & 1  # the ninth is lost
    assert [read(RP_SPI + 8, 4) for _ in range(8)] == list(range(8))


@MODES
def test_stm32(mode: int) -> None:
    board = machine("pyboard")
    board.start()
    read, write = board.bus.read, board.bus.write
    write(RCC + 0x44, 4, 1 << 12 | 1 << 14)
    write(GPIOA, 4, read(GPIOA, 4) & ~0xFF00 | 0xAA00)
    write(GPIOA + 0x20, 4, 0x55550000)
    controller = Controller(mode, *(board.chip.pins[f"PA{n}"] for n in (4, 5, 7, 6)))
    write(STM_SPI + 0xC, 4, ord("p"))
    write(STM_SPI, 4, 1 << 6 | mode)
    controller.select.force(0)
    got = []
    for send, answer in zip(b"123", b"qr", strict=False):
        got.append(controller.frame(send))
        assert read(STM_SPI + 8, 4) & 1 and read(STM_SPI + 0xC, 4) == send
        write(STM_SPI + 0xC, 4, answer)
    got.append(controller.frame(ord("3")))
    assert bytes(got) == b"pqr"
    controller.frame(0)
    assert read(STM_SPI + 8, 4) & 1 << 6  # overrun: the data register was not read
    assert not board.context.touched


def test_stm32_wide_frames_without_a_pad() -> None:
    """SSM and SSI select it; the lowest bit comes first."""
    board = machine("pyboard")
    board.start()
    read, write = board.bus.read, board.bus.write
    write(RCC + 0x44, 4, 1 << 12 | 1 << 14)
    write(GPIOA, 4, read(GPIOA, 4) & ~0xFC00 | 0xA800)
    write(GPIOA + 0x20, 4, 0x55500000)
    controller = Controller(0, *(board.chip.pins[f"PA{n}"] for n in (4, 5, 7, 6)))
    write(STM_SPI, 4, 1 << 11)
    write(STM_SPI + 0xC, 4, 0x8001)
    write(STM_SPI, 4, 1 << 11 | 1 << 9 | 1 << 7 | 1 << 6)
    assert controller.frame(0x1234, 16) == 0x8001
    assert read(STM_SPI + 0xC, 4) == int(f"{0x1234:016b}"[::-1], 2)


SLAVE = """
import pyb
slave = pyb.SPI(1, pyb.SPI.SLAVE, polarity=0, phase=0)
print(slave.send_recv(b'xyz', timeout=1000))
print(slave.recv(2, timeout=1000), slave.send_recv(b'Q', timeout=1000))
"""


@pytest.mark.parametrize("place", ["v1.17/PYBV11", "v1.28.0/PYBV11"])
def test_stock_firmware(place: str) -> None:
    """`pyb.SPI.SLAVE` of real MicroPython, which uses DMA."""
    pytest.importorskip("unicorn")
    session = booted("pyboard", stock_image(place))
    controller = Controller(0, *(session.machine.pin(f"X{n}") for n in (5, 6, 8, 7)))
    running = session.repl.start(SLAVE)
    session.advance(20_000_000)
    heard = []
    for data in (b"abc", b"de", b"f"):
        controller.select.force(0)
        for byte in data:
            heard.append(controller.frame(byte))
            session.advance(100_000)
        controller.select.force(1)
        session.advance(5_000_000)
    assert bytes(heard) == b"xyz\0\0Q"
    session.advance(10_000_000)
    assert running.take() == b"b'abc'\r\nb'de' b'f'\r\n" and running.finish() == b""
    assert not session.machine.context.touched
