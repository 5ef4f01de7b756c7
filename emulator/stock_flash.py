"""The flash of a board with stock firmware, kept in a file between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from mpy_cross.emulator.filesystems.host import replace_file
from mpy_cross.emulator.machine import Machine
from mpy_cross.emulator.stock import StockError

if TYPE_CHECKING:
    from pathlib import Path


@final
class FlashFile:
    """A file with all of a board's flash, or with its part for files.

    It need not exist yet: then `save` makes one, of all of the flash.  Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.content = path.read_bytes() if path.exists() else None

    def save(self, machine: Machine) -> None:
        """Writes the flash as it is now: all of the file or nothing.  Raises OSError."""
        data = flash_of(machine)
        if self.content is not None and len(self.content) != len(data):
            start = machine.board.files
            data = data[start : start + machine.board.file_size]
        replace_file(self._path, data)


def flash_of(machine: Machine) -> bytes:
    """The bytes of a board's flash."""
    return bytes(machine.chip.flash.buffer)


def put_flash(machine: Machine, content: bytes) -> None:
    """Fills the flash, or its part for files, before the board starts.

    Raises StockError for bytes that are neither.
    """
    board, buffer = machine.board, machine.chip.flash.buffer
    if len(content) == len(buffer):
        start = 0
    elif len(content) == board.file_size:
        start = board.files
    else:
        raise StockError(
            f"a flash image of {len(content)} bytes: files of {board.name} take {board.file_size}, "
            f"its whole flash {len(buffer)}")
    buffer[start : start + len(content)] = content
