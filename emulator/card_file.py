"""A card in a board's slot that is kept in a file of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from mpy_cross.emulator.devices.sdcard import SDCard
from mpy_cross.emulator.devices.sdcard_bus import SDSlot
from mpy_cross.emulator.filesystems.host import replace_file
from mpy_cross.emulator.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path

PADS = {"cmd": "SD_CMD", "detect": "SD_SW"}


class NoSlotError(Exception):
    """The board has no slot for a card; the text says so."""


@final
class CardFile:
    """The image of a card.  Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = path.read_bytes()
        self.card = SDCard(data=self._before)

    def insert(self, machine: Machine) -> None:
        """Puts the card into the slot of a board.  NoSlotError where there is none."""
        if PADS["cmd"] not in machine.board.pins:
            raise NoSlotError(f"{machine.board.name} has no slot for an SD card")
        machine.wiring.wire(SDSlot(self.card), **PADS)

    def save(self) -> None:
        """Writes the file, if something on the card has changed: all of it or nothing.

        Raises OSError.
        """
        data, size = bytes(self.card.data), len(self._before)
        if not any(data[size:]):
            data = data[:size]  # cards have whole units
        if data != self._before:
            replace_file(self._path, data)
