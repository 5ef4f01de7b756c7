"""Programs on the hosted NUCLEO-F411RE."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mpy_cross.emulator.testing import BoardUnderTest, ProgramError
from mpy_cross.emulator.wiring import SPILog

pytestmark = pytest.mark.board("nucleo_f411re")

PROGRAM = """
import os, sys, machine, pyb
from machine import Pin
print(sys.platform, os.uname().machine, os.listdir('/'))
led = Pin('LED_GREEN', Pin.OUT)
led.on()
print(Pin('SW'), led.value(), pyb.Switch().value())
for make in (lambda: pyb.Timer(8), lambda: pyb.LED(2), lambda: pyb.UART(1, 9600)):
    try:
        make()
    except ValueError as error:
        print(error)
print([name for name in ('rng', 'DAC', 'CAN', 'Accel', 'SDCard', 'USB_VCP') if hasattr(pyb, name)],
      [name for name in ('rng', 'I2S', 'SDCard') if hasattr(machine, name)])
i2c = machine.I2C(1)
print(i2c.scan(), pyb.UART(2, 9600).write('x'))
"""


def test_program(board: BoardUnderTest) -> None:
    """Names and errors are those of its firmware: the chip has no RNG, DAC, CAN, and no USB."""
    board.exec(PROGRAM)
    assert board.console.text.splitlines() == [
        "pyboard NUCLEO-F411RE with STM32F411xE ['flash']",
        "Pin(Pin.cpu.C13, mode=Pin.IN) 1 False",
        "Timer(8) doesn't exist",
        "LED(2) doesn't exist",
        "UART(1) doesn't exist",
        "[] []",
        "[] 1",
    ]
    assert board.led(1)
    board.press("SW")
    assert board.eval("pyb.Switch().value()") is True


def test_clocks_servo_and_all_controllers(board: BoardUnderTest) -> None:
    """As stock firmware has them: the buses at a quarter and half of 96 MHz, SPI 1 to 5."""
    board.exec("import machine, pyb")
    assert board.eval("machine.freq()") == (96_000_000, 96_000_000, 24_000_000, 48_000_000)
    board.exec("from machine import SPI\ns = pyb.Servo(1)\ns.pulse_width(1200)\n"
               "pyb.delay(50)")
    edges = board.pin("A0").edges()
    high = [after - at for (at, level), (after, _) in pairwise(edges) if level]
    assert high[-1] == pytest.approx(1.2, abs=0.02)  # ms
    for number, mosi, miso, sck in ((1, "D11", "D12", "D13"), (3, "D4", "D5", "D3"),
                                    (5, "A3", "PA12", "D2")):
        device = SPILog(echo=True)
        board.machine.wiring.spi(device, sck, mosi, miso)
        board.exec(f"b = bytearray(3)\nSPI({number}, 1_000_000).write_readinto(b'abc', b)")
        assert bytes(device.received) == b"abc"
    with pytest.raises(ProgramError, match="SPI\\(6\\) doesn't exist"):
        board.exec("SPI(6)")
