"""Cards in the slot of the hosted pyboard, and `mpy-emu --sdcard`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpy_cross.emulator.cli import main
from mpy_cross.emulator.devices import SDCard, SDSlot
from mpy_cross.emulator.testing import BoardUnderTest
from tests.emulator.stock_images import stock_image

CARD = 4 << 20
USE = """
import os, pyb
sd = pyb.SDCard()
if os.getcwd() != '/sd':
    os.VfsFat.mkfs(sd)
    os.mount(sd, '/sd')
with open('/sd/log.txt', 'a') as f:
    f.write('once ')
print(sd.info(), open('/sd/log.txt').read())
"""


def mpy_emu(capsysbinary: pytest.CaptureFixture[bytes], *words: object) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the command."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    shown = capsysbinary.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, shown.out.decode(), shown.err.decode()


@pytest.mark.board("pyboard", release="1.28")
def test_blocks(board: BoardUnderTest) -> None:
    slot = board.wire(SDSlot(SDCard(CARD)), cmd="SD_CMD", detect="SD")
    board.exec("import pyb, machine\nsd = pyb.SDCard()\nassert machine.SDCard is pyb.SDCard\n"
               "data = bytes(range(256)) * 4\nback = bytearray(1024)")
    assert board.eval("sd.present(), sd.info(), sd.readblocks(0, back)") == (True, None, False)
    assert board.eval("sd.power(1), sd.info()") == (True, (CARD, 512, 1))
    start = board.machine.clock.now
    assert board.eval("sd.writeblocks(3, data), sd.readblocks(3, back)") == (True, True)
    assert board.machine.clock.now - start > 4 * 40_000  # ns: four blocks take their time
    assert slot.card.data[1536:2560] == bytes(range(256)) * 4 and slot.card.writes == [3, 4]
    assert board.eval("back == data, sd.read(4) == data[512:]") == (True, True)
    assert board.eval(f"sd.readblocks({CARD // 512 - 1}, back)") is False  # one is beyond the end
    assert board.eval("[sd.ioctl(n, 0) for n in (4, 5, 3, 9)]") == [CARD // 512, 512, 0, -1]
    with pytest.raises(Exception, match="writes must be a multiple of 512 bytes"):
        board.exec("sd.write(1, b'x')")
    slot.eject()
    assert board.eval("sd.present(), sd.readblocks(3, back), sd.power(0)") == (False, False, True)
    slot.insert(SDCard(512 << 10, high_capacity=False))
    assert board.eval("sd.power(1), sd.info()") == (True, (512 << 10, 512, 0))


@pytest.mark.board("pyboard")
def test_without_a_card(board: BoardUnderTest) -> None:
    board.exec("import pyb\nsd = pyb.SDCard()")
    assert board.eval("sd.present(), sd.power(1), sd.info()") == (False, False, None)


def table(start: int, blocks: int) -> bytes:
    """The first block of a card with one partition."""
    row = b"\0\0\0\0\x06\0\0\0" + start.to_bytes(4, "little") + blocks.to_bytes(4, "little")
    return bytes(446) + row + bytes(48) + b"\x55\xaa"


def test_command_line(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    image, script = tmp_path / "card.img", tmp_path / "use.py"
    image.write_bytes(bytes(CARD))
    script.write_text(USE)
    run = ("run", "--release", "1.28", "--sdcard", image)
    assert mpy_emu(capsysbinary, *run, script)[:2] == (
        0, f"MPY: can't mount SD card\n({CARD}, 512, 1) once \n")
    assert mpy_emu(capsysbinary, *run, script)[:2] == (0, f"({CARD}, 512, 1) once once \n")
    assert mpy_emu(capsysbinary, "fs", "cat", image, "log.txt")[1] == "once once "
    assert mpy_emu(capsysbinary, *run, "-c", "import os, sys; print(os.listdir('/'), sys.path)")[
        1] == "['flash', 'sd'] ['', '.frozen', '/sd', '/sd/lib', '/flash', '/flash/lib']\n"
    # Until 1.18 a card needs a table of partitions.
    old = ("run", "--release", "1.17", "--sdcard", image, "-c", "import os; print(os.getcwd())")
    assert mpy_emu(capsysbinary, *old)[1] == "MPY: can't mount SD card\n/flash\n"
    whole = image.read_bytes()
    image.write_bytes(table(64, CARD // 512) + bytes(63 * 512) + whole)
    assert mpy_emu(capsysbinary, *old)[1] == "/sd\n"
    image.write_bytes(whole)
    main_py = tmp_path / "main.py"
    main_py.write_text("print('from the card')")
    assert mpy_emu(capsysbinary, "fs", "put", image, main_py)[0] == 0
    folder = tmp_path / "project"
    folder.mkdir()
    assert mpy_emu(capsysbinary, *run, folder)[:2] == (0, "from the card\n")
    # A file SKIPSD in the flash: the card is left alone.
    (folder / "SKIPSD").write_text("")
    (folder / "main.py").write_text("import os; print(os.getcwd())")
    flash = ("run", "--release", "1.28", "--flash", tmp_path / "flash.bin", "--sdcard", image)
    assert mpy_emu(capsysbinary, *flash, folder)[:2] == (0, "from the card\n")
    assert mpy_emu(capsysbinary, *flash, "-c", "import os; print(os.getcwd())")[1] == "/flash\n"


def test_command_line_mistakes(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    image = tmp_path / "card.img"
    status, _, error = mpy_emu(capsysbinary, "run", "--sdcard", image, "-c", "1")
    assert status == 2 and "No such file or directory" in error
    image.write_bytes(bytes(512))
    status, _, error = mpy_emu(capsysbinary, "run", "--board", "pico", "--sdcard", image, "-c", "1")
    assert status == 2 and "pico has no slot for an SD card" in error
    assert image.read_bytes() == bytes(512)  # as it was


def test_stock_firmware(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    pytest.importorskip("unicorn")
    firmware = stock_image("v1.28.0/PYBV11")
    image, script = tmp_path / "card.img", tmp_path / "use.py"
    image.write_bytes(bytes(CARD))
    script.write_text(USE)
    run = ("run", "--sdcard", image)
    assert mpy_emu(capsysbinary, *run, "--release", "1.28", script)[0] == 0
    assert mpy_emu(capsysbinary, *run, "--firmware", firmware, script)[:2] == (
        0, f"({CARD}, 512, 1) once once \n")
    assert mpy_emu(capsysbinary, "fs", "cat", image, "log.txt")[1] == "once once "
