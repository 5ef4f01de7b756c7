"""The flash of boards with stock firmware, kept between runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpy_cross.emulator.boards import BOARDS
from mpy_cross.emulator.firmware.dfuse import write_dfuse
from mpy_cross.emulator.image_file import ImageFile
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.stock_flash import FlashFile
from mpy_cross.emulator.stock_session import StockSession
from tests.emulator.test_firmware_board import IMAGES, emu, real
from tests.emulator.test_snapshot import prompt_firmware

PYBOARD = BOARDS["pyboard"]


def session(flash: bytes | None) -> StockSession:
    return StockSession("pyboard", [prompt_firmware()], flash=flash)


def test_whole_flash_and_files_only() -> None:
    whole = bytes([0x5A]) * (1 << 20)
    content = bytes(session(whole).machine.chip.flash.buffer)
    firmware = prompt_firmware()
    assert content[: len(firmware.data)] == firmware.data
    assert content[-1] == 0x5A
    files = bytes(range(256)) * (PYBOARD.file_size // 256)
    content = bytes(session(files).machine.chip.flash.buffer)
    assert content[PYBOARD.files : PYBOARD.files + PYBOARD.file_size] == files
    assert content[-1] == 0xFF
    with pytest.raises(StockError, match="a flash image of 5 bytes: files of pyboard take 114688, "
                       "its whole flash 1048576"):
        session(b"short")


def test_file_keeps_its_form(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    flash = FlashFile(path)
    assert flash.content is None
    board = session(None)
    board.machine.chip.flash.buffer[PYBOARD.files] = 7
    flash.save(board.machine)
    assert path.read_bytes() == bytes(board.machine.chip.flash.buffer)
    path.write_bytes(bytes(PYBOARD.file_size))
    flash = FlashFile(path)
    assert flash.content == bytes(PYBOARD.file_size)
    flash.save(board.machine)
    assert path.read_bytes() == b"\x07" + b"\xff" * (PYBOARD.file_size - 1)


def test_command_line(tmp_path: Path) -> None:
    """The tiny firmware has no raw mode: the flash is kept all the same."""
    image, flash = tmp_path / "tiny.dfu", tmp_path / "flash.bin"
    image.write_bytes(write_dfuse([prompt_firmware()]))
    arguments = ("run", "--firmware", str(image), "--board", "pyboard", "--flash", str(flash),
                 "-c", "1")
    assert emu(*arguments).returncode == 125
    assert flash.stat().st_size == 1 << 20
    flash.write_bytes(b"too short")
    done = emu(*arguments)
    assert done.returncode == 2 and "a flash image of 9 bytes" in done.stderr
    done = emu(*arguments[:6], str(tmp_path), "-c", "1")
    assert done.returncode == 2 and "Is a directory" in done.stderr


@pytest.mark.parametrize("name", IMAGES)
def test_files_stay(name: str, tmp_path: Path) -> None:
    """A second run finds the files of the first; `mpy-emu fs` and the firmware read each other's.
    A flash with a filesystem starts faster than a blank one."""
    board, image = real(name)
    flash = tmp_path / "flash.bin"
    run = "run", "--firmware", str(image), "--flash", str(flash), "-c"
    done = emu(*run, "with open('kept.txt', 'w') as f:\n    f.write('from the board')\n")
    assert (done.returncode, done.stderr) == (0, "")
    done = emu("fs", "get", "--board", board, str(flash), "kept.txt", str(tmp_path / "out.txt"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.txt").read_text() == "from the board"
    (tmp_path / "in.txt").write_text("from the host")
    done = emu("fs", "put", "--board", board, str(flash), str(tmp_path / "in.txt"))
    assert done.returncode == 0, done.stderr
    assert ImageFile(flash, BOARDS[board]).filesystem.status("/in.txt").size == 13
    done = emu(*run, "print(open('kept.txt').read(), open('in.txt').read())")
    assert (done.stdout, done.stderr) == ("from the board from the host\n", "")
