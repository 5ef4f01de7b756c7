"""Programs on the hosted NUCLEO-F411RE."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.testing import BoardUnderTest

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
