"""Reads firmware from files.  What form a file has is seen from its bytes, never from its name."""

from __future__ import annotations

import re
from os import PathLike
from typing import Final

from mpy_cross.emulator.firmware import dfuse, elf
from mpy_cross.emulator.firmware.image import Image, ImageError, Piece, join
from mpy_cross.emulator.firmware.intel_hex import read_intel_hex
from mpy_cross.emulator.firmware.uf2 import read_uf2

LIMIT: Final = 256 << 20
"""Bytes of a file; no flash of a board is near that."""

_HEX: Final = re.compile(rb"\s*:[0-9A-Fa-f]{8}")


def load(path: str | PathLike[str], *, address: int | None = None,
         family: int | None = None) -> Image:
    """Reads an image.

    address: of a raw binary's first byte; family: of UF2 blocks, where there are several.
    ImageError, with the file's name: it cannot be read, is damaged, or says too little or too much.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from None
    try:
        return read(data, address=address, family=family)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None


def read(data: bytes, *, address: int | None = None, family: int | None = None) -> Image:
    """An image from the bytes of a file, see `load`."""
    if not data:
        raise ImageError("the file is empty")
    if len(data) > LIMIT:
        raise ImageError(f"the file has more than {LIMIT >> 20} MiB")
    if data.startswith(b"UF2\n"):
        image = read_uf2(data, family)
    elif data.startswith(elf.MAGIC):
        image = elf.read_elf(data)
    elif data.startswith(dfuse.MAGIC):
        image = dfuse.read_dfuse(data)
    elif _HEX.match(data):
        image = read_intel_hex(data)
    else:
        image = _read_binary(data, address)
        address = None
    if address is not None:
        raise ImageError(f"{image.form} files have addresses of their own; "
                         f"0x{address:x} cannot be another")
    if family is not None and image.family != family:
        raise ImageError(f"{image.form} files have no families; UF2 files do")
    return image


def _read_binary(data: bytes, address: int | None) -> Image:
    form = "DFU" if dfuse.has_suffix(data) else "BIN"
    if address is None:
        raise ImageError(
            f"{'a plain DFU file' if form == 'DFU' else 'a raw binary'} (neither UF2, ELF, DfuSe "
            "nor Intel HEX) does not tell where it belongs: give the address of its first byte, "
            "such as 0x08000000 for an STM32 or 0x10000000 for an RP2040"
        )
    if address < 0:
        raise ImageError(f"address {address} is negative")
    body = dfuse.strip_suffix(data) if form == "DFU" else data
    return Image(form, join([Piece(address, body, "the file")]))
