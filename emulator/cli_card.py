"""`mpy-emu --sdcard FILE`: the card in a board's slot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mpy_cross.emulator.program_run import EXIT_USAGE, fail

if TYPE_CHECKING:
    from mpy_cross.emulator.card_file import CardFile
    from mpy_cross.emulator.machine import Machine

SDCARD_HELP: Final = "The card in the board's slot is this image, also after the run."


def card_file(name: str | None) -> CardFile | None:
    """The card of `--sdcard`."""
    if name is None:
        return None
    from mpy_cross.emulator.card_file import CardFile

    try:
        return CardFile(Path(name))
    except OSError as error:
        fail(f"{name}: {error.strerror or error}", EXIT_USAGE)


def insert(card: CardFile | None, machine: Machine) -> None:
    """Puts it into the slot."""
    if card is not None:
        from mpy_cross.emulator.card_file import NoSlotError

        try:
            card.insert(machine)
        except NoSlotError as error:
            fail(str(error), EXIT_USAGE)


def keep_card(card: CardFile | None) -> None:
    """Writes the file, when the board is done with it."""
    if card is not None:
        try:
            card.save()
        except OSError as error:
            fail(f"{error.filename}: {error.strerror or error}")
