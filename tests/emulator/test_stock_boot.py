"""How stock firmware of the pyboard starts: its card, switch and lights (manual, 6.1, 6.2.7)."""

from __future__ import annotations

from typing import Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra emulator")

from mpy_cross.emulator.devices import SDCard, SDSlot
from mpy_cross.emulator.testing_firmware import FirmwareUnderTest, booted
from tests.emulator.stock_images import stock_image

MS: Final = 1_000_000  # ns
RED, GREEN, ORANGE, BLUE = 1, 2, 3, 4
SYNC: Final = "import os\nos.sync()"
PATTERN: Final = bytes(range(256)) * 4


@pytest.fixture(params=("v1.17", "v1.28.0"))
def board(request: pytest.FixtureRequest) -> FirmwareUnderTest:
    path = stock_image(f"{request.param}/PYBV11")
    return FirmwareUnderTest(booted("pyboard", path), path.parent)


def lights(board: FirmwareUnderTest) -> set[int]:
    return {number for number in (RED, GREEN, ORANGE, BLUE) if board.led(number)}


def watch(board: FirmwareUnderTest, ms: int) -> list[set[int]]:
    """The lights in their order in so many ms, each as long as it stays."""
    seen: list[set[int]] = []
    for _ in range(0, ms, 50):
        board.session.stock.run_until(board.session.now + 50 * MS)
        if not seen or seen[-1] != lights(board):
            seen.append(lights(board))
    return seen


def write(board: FirmwareUnderTest, **files: str) -> None:
    for name, text in files.items():
        board.exec(f"with open('/flash/{name}.py', 'w') as f:\n    f.write({text!r})")
    board.exec(SYNC)
    board.advance(ms=3000)


def start_with_switch(board: FirmwareUnderTest, mode: set[int]) -> list[set[int]]:
    """Presses reset with the switch held until the lights show a mode; the lights after that."""
    board.press("SW")
    board.machine.reset("pin")
    board.session.stock.run_until(board.session.now + 2000 * MS)
    while lights(board) != mode:
        board.session.stock.run_until(board.session.now + 50 * MS)
    board.release("SW")
    return watch(board, 2000)


def card_with_table() -> bytes:
    """A card with a partition of 2 MB, as shops sell them; 1.17 looks for partitions only."""
    card = bytearray(4 << 20)
    card[0x1BE : 0x1CE] = bytes.fromhex("00000000" "06000000") + (
        64).to_bytes(4, "little") + (4096).to_bytes(4, "little")
    card[510:512] = b"\x55\xaa"
    return bytes(card)


FORMAT: Final = """
import os
class Part:
    def readblocks(self, n, buf): return sd.readblocks(n + 64, buf)
    def writeblocks(self, n, buf): return sd.writeblocks(n + 64, buf)
    def ioctl(self, op, arg): return 4096 if op == 4 else 512 if op == 5 else 0
os.VfsFat.mkfs(Part())
v = os.VfsFat(Part())
os.mount(v, '/card')
with open('/card/main.py', 'w') as f:
    f.write('print("from the card")')
os.umount('/card')
"""


def test_card(board: FirmwareUnderTest) -> None:
    slot = board.wire(SDSlot(SDCard(4 << 20)), cmd="SD_CMD", detect="SD")
    board.exec("import pyb\nsd = pyb.SDCard()")
    assert board.eval("sd.present(), sd.power(1), sd.info()") == (True, True, (4 << 20, 512, 1))
    board.exec(f"data = bytearray(bytes(range(256)) * 4)\nassert sd.writeblocks(3, data)\n"
               f"back = bytearray({len(PATTERN)})\nassert sd.readblocks(3, back)")
    assert slot.card.data[3 * 512 : 5 * 512] == PATTERN and slot.card.writes == [3, 4]
    assert board.eval("back == data") is True
    # With interrupts off the firmware moves words by itself.
    board.exec("s = pyb.disable_irq()\nsd.readblocks(3, back)\nsd.writeblocks(20, back)\n"
               "sd.writeblocks(9, back[:512])\npyb.enable_irq(s)")
    assert slot.card.data[20 * 512 : 22 * 512] == PATTERN
    assert slot.card.data[9 * 512 : 10 * 512] == PATTERN[:512]
    board.exec("import os\nos.VfsFat.mkfs(sd)\nos.mount(sd, '/sd')\n"
               "with open('/sd/a.txt', 'w') as f:\n    f.write('text' * 1000)")
    assert board.eval("os.stat('/sd/a.txt')[6]") == 4000
    assert not board.machine.context.touched
    slot.eject()
    assert board.eval("sd.present()") is False
    slot.insert(SDCard(512 << 10, PATTERN, high_capacity=False))
    assert board.eval("sd.power(0), sd.power(1), sd.info()[0]") == (True, True, 512 << 10)
    assert board.eval("sd.readblocks(1, back), back[:512] == data[512:]")[1] is True


@pytest.mark.spec("F20")
def test_card_is_the_filesystem(board: FirmwareUnderTest) -> None:
    slot = board.wire(SDSlot(SDCard(data=card_with_table())), cmd="SD_CMD", detect="SD")
    board.exec("import pyb\nsd = pyb.SDCard()\nsd.power(1)")
    board.exec(FORMAT)
    board.reset()
    assert board.eval("__import__('os').getcwd()") == "/sd"
    assert board.eval("sorted(__import__('os').listdir('/'))") == ["flash", "sd"]
    assert "from the card" in board.printed
    board.exec("open('/flash/SKIPSD', 'w').close()\n" + SYNC)
    board.advance(ms=3000)
    board.reset()
    assert board.eval("__import__('os').getcwd()") == "/flash"
    assert board.eval("__import__('os').listdir('/')") == ["flash"]
    board.exec("import os\nos.remove('/flash/SKIPSD')\nos.sync()")
    board.advance(ms=3000)
    slot.eject()
    board.reset()
    assert board.eval("__import__('os').getcwd()") == "/flash"


@pytest.mark.spec("F21", "F23")
def test_modes_by_the_switch(board: FirmwareUnderTest) -> None:
    write(board, boot="print('boot runs')", main="print('main runs')")
    flashing = [set(), {ORANGE}] * 4
    seen = start_with_switch(board, {ORANGE})
    start = seen.index(set())
    assert seen[start : start + 8] == flashing  # it flashes four times
    board.session.stock.type(b"\r")
    board.advance(ms=300)
    assert "main runs" not in board.printed and "boot runs" not in board.printed
    board.reset()  # safe mode is for once
    assert "boot runs" in board.printed and "main runs" in board.printed


@pytest.mark.spec("F21")
def test_standard_mode_by_the_switch(board: FirmwareUnderTest) -> None:
    write(board, main="print('main runs')")
    seen = start_with_switch(board, {GREEN})
    assert seen.count({GREEN}) >= 4
    board.session.boot()
    assert "main runs" in board.printed


@pytest.mark.spec("F21", "F24")
def test_filesystem_reset_by_the_switch(board: FirmwareUnderTest) -> None:
    write(board, main="print('main runs')", other="1")
    seen = start_with_switch(board, {GREEN, ORANGE})
    assert seen.count({GREEN, ORANGE}) >= 4 and any(RED in each for each in seen)
    board.advance(ms=8000)
    assert lights(board) == set()
    assert sorted(board.eval("__import__('os').listdir('/flash')")) == [
        "README.txt", "boot.py", "main.py", "pybcdc.inf"]
    assert "main runs" not in board.printed


@pytest.mark.spec("F22")
def test_lights_of_errors(board: FirmwareUnderTest) -> None:
    write(board, main="1/0")
    board.machine.reset("pin")
    seen = watch(board, 6000)
    first = seen.index({RED})
    assert seen[first : first + 6] == [{RED}, {GREEN}] * 3


@pytest.mark.spec("F22")
def test_lights_of_faults(board: FirmwareUnderTest) -> None:
    """Firmware that is told so does not answer with a reset, but tells at its UART."""
    image = stock_image(f"{board.folder.parent.name}/PYBV11-UART")
    board = FirmwareUnderTest(booted("pyboard", image, "USART1"), image.parent)
    board.exec("import pyb, machine\npyb.fault_debug(True)")
    board.session.stock.core.wants_fault = True  # type: ignore[attr-defined]
    try:
        board.repl.type("machine.mem32[0x70000000]\r")
        seen = watch(board, 10_000)
    finally:
        board.session.stock.core.wants_fault = False  # type: ignore[attr-defined]
    assert set().union(*seen) == {RED, GREEN, ORANGE, BLUE}
    assert "HardFault" in board.printed
