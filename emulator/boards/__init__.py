"""The boards, by name."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.board import Board
from mpy_cross.emulator.boards.esp32 import ESP32
from mpy_cross.emulator.boards.esp8266 import ESP8266
from mpy_cross.emulator.boards.nucleo_f411re import NUCLEO_F411RE
from mpy_cross.emulator.boards.pico import PICO
from mpy_cross.emulator.boards.pyboard import PYBOARD

BOARDS: Final[dict[str, Board]] = {
    board.name: board for board in (PICO, PYBOARD, NUCLEO_F411RE, ESP32, ESP8266)}


class UnknownBoardError(ValueError):
    """There is no board of that name."""


def boards() -> tuple[str, ...]:
    """Names of all boards."""
    return tuple(BOARDS)


def board(name: str) -> Board:
    """The board of that name, or of that firmware name. UnknownBoardError if there is none."""
    for each in BOARDS.values():
        if name == each.name or name.upper() in each.firmware:
            return each
    raise UnknownBoardError(f"no board {name!r}; there are {', '.join(BOARDS)}")
