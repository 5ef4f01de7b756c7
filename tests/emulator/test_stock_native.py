"""Our .mpy files run on stock firmware: machine code prints what bytecode does."""

from __future__ import annotations

import binascii
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross.emulator.boards import BOARDS
from mpy_cross.emulator.testing_firmware import booted
from tests.emulator.stock_images import stock_image
from tests.oracle.reference import Unavailable
from tests.reference.stock_native import (
    DIFFERENT,
    TESTS,
    NativeBoard,
    lines,
    name_of,
    programs,
    recorded,
)

BOARDS_WITH_CODE = {
    "PYBV11 1.17": ("pyboard", "v1.17/PYBV11", "1.17"),
    "PYBV11 1.28": ("pyboard", "v1.28.0/PYBV11", "1.28"),
    "RPI_PICO 1.28": ("pico", "v1.28.0/RPI_PICO", "1.28"),
}
SOME = ("board/asm_calls", "board/viper_objects", "board/viper_words", "closures", "handlers")
"""A few programs that are run here; `python -m tests.reference.stock_native` runs them all."""


def image(name: str) -> tuple[str, Path, str]:
    """Board, image and release; skips where there is no image."""
    board, place, release = BOARDS_WITH_CODE[name]
    return board, stock_image(place), release


@cache
def native_board(name: str) -> NativeBoard:
    return NativeBoard(*image(name))


def test_there_are_programs() -> None:
    assert len([path for path in programs() if path.stem not in DIFFERENT]) >= 60


@pytest.mark.parametrize("name", BOARDS_WITH_CODE)
@pytest.mark.parametrize("program", SOME)
def test_same_output(name: str, program: str) -> None:
    wanted, found = native_board(name).compared(TESTS / f"native/programs/{program}.py")
    assert wanted.strip() and "Traceback" not in wanted
    assert found == wanted


@pytest.mark.skipif("MPY_STOCK_ALL" not in os.environ,
                    reason="MPY_STOCK_ALL is not set: some programs are enough")
@pytest.mark.parametrize("name", BOARDS_WITH_CODE)
def test_all_programs(name: str) -> None:
    board, known, same = native_board(name), recorded(), 0
    _, place, _ = image(name)
    for path in programs():
        wanted, found = board.compared(path)
        if wanted != found:
            assert path.stem in DIFFERENT, path
            assert lines(found) == known[name_of(place, path)], path
            with suppress(Unavailable):
                assert board.as_theirs(path), path
        else:
            assert wanted.strip(), path
            same += 1
    assert same >= 60


@pytest.mark.parametrize("name", BOARDS_WITH_CODE)
def test_by_the_prompt(name: str) -> None:
    """The file goes to the board through the prompt."""
    board, path, release = image(name)
    repl = booted(board, path).repl
    code = mpy_cross.compile(
        "@micropython.viper\ndef f(a: int, b: int) -> int:\n    return a * b - (a ^ b)\n"
        "@micropython.native\ndef g(items):\n    return [f(i, 3) for i in items]\n",
        "made.py", release=release, arch=BOARDS[board].arch)
    text = binascii.b2a_base64(code).decode()
    repl.exec(f"import binascii\nwith open('made.mpy', 'wb') as f:\n"
              f"    f.write(binascii.a2b_base64({text!r}))\n")
    assert repl.eval("__import__('made').g(range(5))") == [i * 3 - (i ^ 3) for i in range(5)]
