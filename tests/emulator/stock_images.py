"""Images of stock firmware: they are looked for in MPY_FIRMWARE_DIR, VERSION/BOARD/firmware.elf."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpy_cross.emulator.testing_firmware import FirmwareUnderTest


def stock_image(place: str) -> Path:
    """The image of a place such as "v1.17/PYBV11"; skips the test where there is none."""
    folder = os.environ.get("MPY_FIRMWARE_DIR")
    if not folder:
        pytest.skip("MPY_FIRMWARE_DIR is not set: no stock firmware to run")
    path = Path(folder) / place / "firmware.elf"
    if not path.exists():
        pytest.skip(f"{path}: no such image")
    return path


def prompt_evaluates(board: FirmwareUnderTest) -> None:
    """An expression, and a loop that ends with Ctrl-C."""
    board.repl.type("print(1+1)\r")
    board.advance(ms=50)
    assert board.printed.endswith(">>> print(1+1)\n2\n>>> ")
    board.repl.type("while True: pass\r\r")
    board.advance(ms=100)
    board.repl.type(b"\x03")
    board.advance(ms=50)
    assert board.printed.endswith("KeyboardInterrupt: \n>>> ")
