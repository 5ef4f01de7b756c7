"""Injected faults: devices that do not answer, power that goes, cells that wear out."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.blocks.flash_cells import Cells
from mpy_cross.emulator.devices import AT24
from mpy_cross.emulator.faults import PowerCut
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.testing import BoardUnderTest
from tests.emulator.test_firmware_board import IMAGES, under_test


@pytest.mark.board("pico")
@pytest.mark.parametrize("made", ["I2C(0, scl=Pin(5), sda=Pin(4))", "SoftI2C(Pin(5), Pin(4))"])
def test_device_does_not_answer(board: BoardUnderTest, made: str) -> None:
    board.wire(AT24(32), scl="GP5", sda="GP4")
    board.exec(f"""
from machine import Pin, I2C, SoftI2C
i2c = {made}
def there():
    try:
        i2c.writeto(0x50, b'\\0\\0')
        return True
    except OSError:
        return False
""")
    assert board.eval("[there() for _ in range(3)]") == [True] * 3
    board.faults.nack(0x50, times=2, after=1)
    assert board.eval("[there() for _ in range(5)]") == [True, False, False, True, True]
    board.faults.nack(0x51)
    assert board.eval("there()") is True
    with pytest.raises(ValueError, match="7 bits"):
        board.faults.nack(0x80)


def test_worn_cells() -> None:
    cells = Cells()
    assert cells.settle(0, b"\xff\xff") == b"\xff\xff"
    cells.stick(11, 0x81, 0x01)
    cells.stick(11, 0x10, 0x10)
    assert cells.settle(10, b"\xff\x80\xff") == b"\xff\x11\xff"
    assert cells.settle(12, b"\xff") == b"\xff"
    with pytest.raises(ValueError, match="0x100"):
        cells.stick(0, 0x100, 0)


WRITE = """
import os
with open('state.txt', 'w') as f:
    f.write('new' * 400)
if hasattr(os, 'sync'):
    os.sync()
"""


@pytest.mark.parametrize("name", ["PICO at a UART", "RPI_PICO"])
def test_power_cut(name: str) -> None:
    """littlefs: after a cut at any write the file is the old one or the new one, whole."""
    seen = set()
    for number in range(1, 40):
        board = under_test(name)
        board.exec("with open('state.txt', 'w') as f:\n    f.write('old')")
        board.faults.cut_power(at_write=number)
        try:
            board.exec(WRITE)
        except PowerCut as cut:
            assert "flash operation: " in str(cut)
        else:
            assert number > 3
            break
        board.power_on()
        content = board.eval("open('state.txt').read()")
        assert content in ("old", "new" * 400)
        seen.add(content)
    else:
        pytest.fail("the file is written in fewer than 40 operations")
    assert "old" in seen


@pytest.mark.parametrize("name", IMAGES)
def test_memory_after_power(name: str) -> None:
    """What was in RAM is there after a brown-out, and gone after power was off."""
    board = under_test(name)
    ram = board.machine.chip.ram
    place = ram.base + ram.size - 0x40  # of the stack, or beyond what the firmware uses
    for reset, kept in ((board.faults.brown_out, True),
                        (lambda: board.machine.reset("power"), False)):
        ram.buffer[-0x40:-0x3C] = b"\x12\x34\x56\x78"
        reset()
        assert (bytes(ram.buffer[-0x40:-0x3C]) == b"\x12\x34\x56\x78") == kept, place
    board.session.boot()
    assert board.eval("1 + 1") == 2


def test_worn_flash_of_a_board() -> None:
    board = under_test("PICO at a UART")
    board.exec("import rp2\nf = rp2.Flash()")
    start = board.session.machine.board.files
    board.faults.wear(start + 0x80000 + 5, mask=0x0F, levels=0x0A)
    board.exec("f.writeblocks(0x80, b'\\0' * 4096)")
    board.exec("b = bytearray(16)\nf.readblocks(0x80, b)")
    assert board.eval("bytes(b[4:7])") == b"\0\x0a\0"


def test_power_cut_of_a_pyboard() -> None:
    board = under_test("PYBV11 at a UART")
    board.faults.cut_power(at_write=1)
    with pytest.raises(PowerCut, match="at a flash operation: erase"):
        board.exec(WRITE + "\nimport pyb\npyb.sync() if hasattr(pyb, 'sync') else 0\n")
        board.advance(s=5)
    board.power_on()
    assert board.eval("'boot.py' in __import__('os').listdir()") in (True, False)
    with pytest.raises(StockError, match="no b'>>> '"):
        board.session.boot(1)
