"""Files with an image of a board's flash, or of its part for files: found, opened, written back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, final

from mpy_cross.emulator.board import Board
from mpy_cross.emulator.boards import BOARDS
from mpy_cross.emulator.filesystems.device import ImageDevice
from mpy_cross.emulator.filesystems.fat import NotFatError
from mpy_cross.emulator.filesystems.host import replace_file
from mpy_cross.emulator.filesystems.image import (
    ImageError,
    format_device,
    identify,
    label_of,
    open_filesystem,
    set_label,
)
from mpy_cross.emulator.filesystems.volume import FAT, Filesystem, Found
from mpy_cross.emulator.runtime.board_flash import HIDDEN, KINDS, LABEL

NOON: Final = 662_774_400
"""The time that files get, in seconds since 2000: 2021-01-01, where clocks of boards start."""
EPOCH_2000: Final = 946_684_800
FLASH_SIZES: Final = {"pyboard": 1 << 20, "rp2": 2 << 20, "esp32": 4 << 20, "esp8266": 4 << 20}
"""Bytes of the whole flash, by platform."""
UF2_BEGIN: Final = b"UF2\n"
XIP_BASE: Final = 0x10000000
"""Where RP2040 has its flash."""


def seconds() -> int:
    """The time that files get: $SOURCE_DATE_EPOCH, or the same always."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(text) - EPOCH_2000 if text.isdecimal() else NOON


def found_of(board: Board) -> Found:
    """The filesystem that a board makes on a new flash."""
    return KINDS[board.platform]


@final
class ImageFile:
    """An image in a file of the host.

    board: says where files are in an image of the whole flash; None looks at the start, and then
    where boards have them.  Raises ImageError, OSError.
    """

    def __init__(self, path: Path, board: Board | None = None) -> None:
        self.path = path
        data = path.read_bytes()
        self.uf2 = data.startswith(UF2_BEGIN)
        self.data = bytearray(_from_uf2(path, data) if self.uf2 else data)
        self.board = board
        self.start, self.size = self._place(board)
        view = memoryview(self.data)[self.start : self.start + self.size]
        found = identify(view)
        if found is None:
            raise ImageError(f"{path}: no FAT or littlefs filesystem {self._where()}{_HINT}")
        self.found = found
        if board is not None and found.kind == found_of(board).kind:
            self.found = found._replace(program_size=found_of(board).program_size)
        self._device = ImageDevice(view, found.block_size)
        self.filesystem: Filesystem = self._open()

    def _where(self) -> str:
        if self.board is not None and self.start:
            return f"at {self.start:#x}, where {self.board.name} has its files"
        return "is there"

    def _place(self, board: Board | None) -> tuple[int, int]:
        """Where the filesystem is, and its size."""
        length = len(self.data)
        if board is not None:
            if length == board.file_size:
                return 0, length
            if length >= board.files + board.file_size:
                return board.files, board.file_size
            raise ImageError(
                f"{self.path}: has {length} bytes; the files of {board.name} take "
                f"{board.file_size}, its whole flash {FLASH_SIZES[board.platform]}"
            )
        view = memoryview(self.data)
        if identify(view) is None:
            for known in BOARDS.values():
                end = known.files + known.file_size
                if length >= end and identify(view[known.files : end]) is not None:
                    self.board = known
                    return known.files, known.file_size
        return 0, length

    def _open(self) -> Filesystem:
        try:
            return open_filesystem(self._device, self.found, seconds)
        except (OSError, NotFatError) as error:
            raise ImageError(f"{self.path}: the filesystem is damaged ({error})") from None

    @property
    def block_size(self) -> int:
        return self._device.block_size

    @property
    def label(self) -> str:
        """The name of the volume, "" for none."""
        return label_of(self.filesystem)

    def save(self) -> None:
        """Write the file, if anything was changed.  Raises ImageError, OSError."""
        if not self._device.changed:
            return
        if self.uf2:
            raise ImageError(
                f"{self.path}: a UF2 file can be read only; write a .bin: `mpy-emu fs image`"
            )
        replace_file(self.path, bytes(self.data))


_HINT: Final = "; `mpy-emu fs format` or `mpy-emu fs image` makes one"


def _from_uf2(path: Path, data: bytes) -> bytes:
    """The flash that a UF2 file describes, from its first address on."""
    from mpy_cross.emulator.firmware.image import ImageError as BadImage
    from mpy_cross.emulator.firmware.uf2 import read_uf2

    try:
        segments = read_uf2(data).segments
    except BadImage as error:
        raise ImageError(f"{path}: {error}") from None
    out = bytearray(b"\xff" * FLASH_SIZES["rp2"])
    for segment in segments:
        offset = segment.address - XIP_BASE
        if 0 <= offset <= len(out) - len(segment.data):
            out[offset : offset + len(segment.data)] = segment.data
    return bytes(out)


def new_image(
    size: int, found: Found, board: Board | None, whole: bool
) -> tuple[bytearray, Filesystem]:
    """An image with an empty filesystem: its bytes, which change with the filesystem.

    whole: of all of the board's flash.  Raises ImageError.
    """
    start = 0
    data = bytearray(b"\xff" * size)
    if whole and board is not None:
        start = board.files
        data = bytearray(b"\xff" * FLASH_SIZES[board.platform])
    device = ImageDevice(data, found.block_size, start=start, size=size)
    try:
        format_device(device, found, seconds)
        if board is not None and found.kind == FAT:
            device.view[28:32] = HIDDEN.to_bytes(4, "little")
        filesystem = open_filesystem(device, found, seconds)
        if board is not None:
            set_label(filesystem, LABEL)
    except (OSError, NotFatError):
        raise ImageError(
            f"no {found.kind} filesystem fits into {size} bytes in blocks of {found.block_size}"
        ) from None
    return data, filesystem
