"""I2C blocks as targets: a controller toggles the pads, and waits while its clock is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from mpy_cross.emulator.machine import Machine, machine
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.testing_firmware import FirmwareUnderTest, booted
from tests.emulator.stock_images import stock_image

ADDRESS: Final = 0x43
RCC, GPIOB, STM_I2C = 0x40023800, 0x40020400, 0x40005400
RP_I2C, BANK, PADS = 0x40048000, 0x40014000, 0x4001C000


class Controller:
    """Bits by hand.  serve: what the target's program does, called while the clock is held."""

    def __init__(self, scl: Pin, sda: Pin, serve: Callable[[], None]) -> None:
        self.scl, self.sda, self.serve = scl, sda, serve
        for pin in (scl, sda):
            pin.tie(1)
        self.held = 0

    def high(self) -> None:
        self.scl.force(None)
        for _ in range(4):
            if self.scl.level:
                return
            self.held += 1
            self.serve()
        raise AssertionError("the clock is held for ever")

    def bit(self, level: int) -> int:
        self.sda.force(None if level else 0)
        self.high()
        seen = self.sda.level
        self.scl.force(0)
        return seen

    def start(self) -> None:
        self.sda.force(None)
        self.high()
        self.sda.force(0)
        self.scl.force(0)

    def stop(self) -> None:
        self.sda.force(0)
        self.high()
        self.sda.force(None)

    def send(self, byte: int) -> bool:
        """A byte; was it acknowledged?"""
        for shift in range(7, -1, -1):
            self.bit(byte >> shift & 1)
        return not self.bit(1)

    def receive(self, acknowledge: bool) -> int:
        value = 0
        for _ in range(8):
            value = value << 1 | self.bit(1)
        self.bit(int(not acknowledge))
        return value


class RpTarget:
    """I2C1 of RP2040 at GP6 and GP7, without interrupts."""

    RD_REQ, RX_DONE, ABORT, START, STOP = 1 << 5, 1 << 7, 1 << 6, 1 << 10, 1 << 9

    def __init__(self) -> None:
        self.board = machine("pico")
        self.board.start()
        for n in (6, 7):
            self.board.bus.write(BANK + 8 * n + 4, 4, 3)
            self.board.bus.write(PADS + 4 + 4 * n, 4, 0x4A)
        for at, value in ((0x6C, 0), (0x00, 0x280), (0x08, ADDRESS), (0x38, 0), (0x30, 0x6E4),
                          (0x6C, 1)):
            self.board.bus.write(RP_I2C + at, 4, value)
        self.pins = self.board.pin("GP7"), self.board.pin("GP6")

    def read(self, at: int) -> int:
        return self.board.bus.read(RP_I2C + at, 4)

    def irq(self) -> bool:
        return self.board.chip.interrupts[0][24].level


def test_rp2040_is_written_to() -> None:
    target = RpTarget()
    controller = Controller(*target.pins, lambda: None)
    controller.start()
    assert not controller.send(0x30 << 1)  # somebody else
    controller.stop()
    assert target.read(0x34) & (target.START | target.STOP) == target.START
    target.read(0x40)
    controller.start()
    assert controller.send(ADDRESS << 1)
    assert target.read(0x70) & 0x40  # active as a target
    assert controller.send(0xA5) and controller.send(0x5A)
    assert target.irq()
    controller.stop()
    assert target.read(0x34) & target.STOP and not target.read(0x70) & 0x40
    assert [target.read(0x10), target.read(0x10)] == [0x8A5, 0x5A]  # the first one is marked
    assert not target.board.context.touched


def test_rp2040_full_fifo_holds_the_clock() -> None:
    target = RpTarget()
    got: list[int] = []
    controller = Controller(*target.pins, lambda: got.append(target.read(0x10) & 0xFF))
    controller.start()
    assert controller.send(ADDRESS << 1)
    assert all(controller.send(n) for n in range(18))
    assert controller.held == len(got) == 2
    controller.stop()
    assert len(got) == 3  # the clock was held before STOP, too
    got += [target.read(0x10) & 0xFF for _ in range(15)]
    assert got == list(range(18))


def test_rp2040_is_read_from() -> None:
    target = RpTarget()
    answers = [b"AB", b"CD"]

    def serve() -> None:
        assert target.read(0x34) & target.RD_REQ
        target.read(0x50)
        for byte in answers.pop(0):
            target.board.bus.write(RP_I2C + 0x10, 4, byte)

    controller = Controller(*target.pins, serve)
    controller.start()
    assert controller.send(ADDRESS << 1 | 1)
    assert bytes(controller.receive(n < 2) for n in range(3)) == b"ABC"
    controller.stop()
    assert controller.held == 2 and target.read(0x34) & target.RX_DONE
    # What was not fetched is dropped when the next one asks.
    answers.append(b"E")
    controller.start()
    assert controller.send(ADDRESS << 1 | 1)
    assert target.read(0x34) & target.ABORT and target.read(0x80) & 1 << 13
    target.read(0x54)
    assert controller.receive(False) == ord("E")
    controller.stop()


class StmTarget:
    """I2C1 of STM32F4 at PB6 and PB7, without interrupts."""

    ADDR, BTF, STOPF, RXNE, TXE, AF = 2, 4, 16, 64, 128, 1024

    def __init__(self) -> None:
        self.board: Machine = machine("pyboard")
        self.board.start()
        write = self.board.bus.write
        write(RCC + 0x30, 4, 0x0010000F)
        write(RCC + 0x40, 4, 1 << 21 | 1 << 28)
        write(GPIOB + 0x00, 4, 0xA280)
        write(GPIOB + 0x04, 4, 0xC0)
        write(GPIOB + 0x20, 4, 0x44000000)
        for at, value in ((0x04, 0x704), (0x08, 0x4000 | ADDRESS << 1), (0x00, 0x401)):
            write(STM_I2C + at, 4, value)
        self.pins = self.board.chip.pins["PB6"], self.board.chip.pins["PB7"]

    def read(self, at: int) -> int:
        return self.board.bus.read(STM_I2C + at, 4)

    def status(self) -> int:
        return self.read(0x14)

    def irq(self, number: int = 31) -> bool:
        return self.board.chip.interrupts[0][number].level


def test_stm32_is_written_to() -> None:
    target = StmTarget()
    got: list[int] = []

    def serve() -> None:
        """Not before it has to."""
        if target.status() & target.ADDR:
            assert target.read(0x18) & 7 == 2  # busy, and a receiver
        else:
            assert target.status() & (target.BTF | target.RXNE) == target.BTF | target.RXNE
            got.append(target.read(0x10))

    controller = Controller(*target.pins, serve)
    controller.start()
    assert not controller.send(0x30 << 1) and not target.irq()
    controller.stop()
    assert not target.status() & target.STOPF
    controller.start()
    assert controller.send(ADDRESS << 1) and target.irq()
    assert all(controller.send(byte) for byte in b"xyz")
    controller.stop()
    assert controller.held == 3 and got == [ord("x"), ord("y")]
    assert target.read(0x10) == ord("z")
    assert target.status() & target.STOPF and target.irq()
    target.board.bus.write(STM_I2C, 4, 0x401)
    assert not target.status() & target.STOPF and not target.irq()
    assert not target.board.context.touched


def test_stm32_is_read_from() -> None:
    target = StmTarget()
    answers = list(b"pq!")

    def serve() -> None:
        if target.status() & target.ADDR:
            assert target.read(0x18) & 7 == 6  # busy, and a transmitter
        while answers and target.status() & target.TXE:
            target.board.bus.write(STM_I2C + 0x10, 4, answers.pop(0))

    controller = Controller(*target.pins, serve)
    controller.start()
    assert controller.send(ADDRESS << 1 | 1)
    assert bytes((controller.receive(True), controller.receive(False))) == b"pq"
    assert target.status() & target.AF and target.irq(32)
    controller.stop()
    assert not target.status() & target.STOPF  # that is for receivers
    # A byte that nobody fetched is not sent later.
    target.board.bus.write(STM_I2C + 0x14, 4, 0)
    answers[:] = b"r"
    controller.start()
    assert controller.send(ADDRESS << 1 | 1)
    assert controller.receive(False) == ord("r")


@pytest.mark.parametrize(("name", "place", "wires", "bus", "pads"), [
    ("pico", "v1.28.0/RPI_PICO", (("GP5", "GP7"), ("GP4", "GP6")), "1", "scl=5, sda=4"),
    ("pyboard", "v1.28.0/PYBV11", (("X1", "X9"), ("X2", "X10")), "'X'", "scl='X1', sda='X2'"),
])
def test_memory_of_stock_firmware(name: str, place: str, wires: tuple[tuple[str, str], ...],
                                  bus: str, pads: str) -> None:
    pytest.importorskip("unicorn")
    path = stock_image(place)
    board = FirmwareUnderTest(booted(name, path), path.parent)
    for one, other in wires:
        board.machine.pin(one).wire(board.machine.pin(other))
        board.machine.pin(one).tie(1)
    board.exec(f"from machine import SoftI2C, I2CTarget\nmem = bytearray(b'01234567')\n"
               f"events = []\ntarget = I2CTarget({bus}, addr={ADDRESS}, mem=mem)\n"
               "target.irq(lambda t: events.append((t.irq().flags(), t.memaddr)))\n"
               f"i2c = SoftI2C({pads})\n")
    assert board.eval("i2c.scan()") == [ADDRESS]
    board.exec(f"i2c.writeto_mem({ADDRESS}, 6, b'test')")
    assert board.eval("bytes(mem)") == b"st2345te"
    assert board.eval(f"i2c.readfrom_mem({ADDRESS}, 1, 4)") == b"t234"
    assert len(board.eval("events")) == 3
    assert board.eval("(I2CTarget.IRQ_END_READ, 1) in events")
