"""UF2: blocks of 512 bytes, each with its own address (github.com/microsoft/uf2 describes them)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from mpy_cross.emulator.firmware.image import ADDRESSES, Image, ImageError, Piece, Segment, join

BLOCK: Final = 512
PAYLOAD: Final = 476
"""Bytes of a block that may be data."""
FIRST: Final = 0x0A324655  # "UF2\n"
SECOND: Final = 0x9E5D5157
LAST: Final = 0x0AB16F30

NOT_FLASH: Final = 0x0001
CONTAINER: Final = 0x1000
HAS_FAMILY: Final = 0x2000
HAS_MD5: Final = 0x4000

RP2040: Final = 0xE48BFF56
ABSOLUTE: Final = 0xE48BFF57
"""A block that picotool adds for the RP2350's bootrom; no part of the firmware."""
FAMILIES: Final[dict[int, str]] = {
    RP2040: "RP2040",
    0xE48BFF58: "RP2XXX data",
    0xE48BFF59: "RP2350 Arm secure",
    0xE48BFF5A: "RP2350 RISC-V",
    0xE48BFF5B: "RP2350 Arm non-secure",
    0x57755A57: "STM32F4",
    0x6D0922FA: "STM32F407",
    0x8FB060FE: "STM32F407VG",
    0x5EE21072: "STM32F1",
    0x647824B6: "STM32F0",
    0x53B80F00: "STM32F7",
    0x6DB66082: "STM32H7",
    0x00FF6919: "STM32L4",
    0x1B57745F: "nRF52",
    0xADA52840: "nRF52840",
    0x68ED2B88: "SAMD21",
    0x55114460: "SAMD51",
    0x4FB2D5BD: "i.MX RT10xx",
    0x1C5F21B0: "ESP32",
    0xBFDD4EEE: "ESP32-S2",
    0xC47E5767: "ESP32-S3",
    0xD42BA06C: "ESP32-C3",
}
"""Names of family numbers, from the list in microsoft/uf2."""

_HEAD: Final = struct.Struct("<8I")


class _Block(NamedTuple):
    row: int  # in the file, from 0
    flags: int
    address: int
    number: int
    blocks: int  # in all
    family: int | None
    payload: bytes
    data: bytes  # all 476 bytes

    @property
    def place(self) -> str:
        return _place(self.row)


def _place(index: int) -> str:
    return f"UF2 block {index} (byte {index * BLOCK})"


def read_uf2(data: bytes, family: int | None = None) -> Image:
    """An image from a UF2 file.

    family: which one, where the file has several.  ImageError: a block is damaged or missing, two
    differ about an address, or the file has several families and none, or another, was chosen.
    """
    if not data or len(data) % BLOCK:
        raise ImageError(
            f"UF2: {len(data)} bytes are no whole number of blocks of {BLOCK}; "
            "the file was cut off or has something added"
        )
    by_family: dict[int | None, list[_Block]] = {}
    for index in range(len(data) // BLOCK):
        block = _block(data, index)
        if block.flags & CONTAINER:
            raise ImageError(
                f"{block.place}: a block of a file container (flag 0x1000), not of an image"
            )
        if not block.flags & NOT_FLASH and block.family != ABSOLUTE:
            by_family.setdefault(block.family, []).append(block)
    if not by_family:
        raise ImageError("UF2: no block is for the main flash")
    chosen = _choose(tuple(by_family), family)
    blocks = by_family[chosen]
    _check_complete(blocks)
    segments = join(Piece(block.address, block.payload, block.place) for block in blocks)
    image = Image("UF2", segments, family=chosen)
    for block in blocks:
        if block.flags & HAS_MD5:
            _check_md5(image, block)
    return image


def _block(data: bytes, index: int) -> _Block:
    start = index * BLOCK
    first, second, flags, address, size, number, count, family = _HEAD.unpack_from(data, start)
    last = int.from_bytes(data[start + BLOCK - 4 : start + BLOCK], "little")
    for title, found, allowed in (
        ("first", first, FIRST), ("second", second, SECOND), ("last", last, LAST),
    ):
        if found != allowed:
            raise ImageError(
                f"{_place(index)}: the {title} magic number is 0x{found:08x}, not 0x{allowed:08x}"
            )
    # An MD5 sum takes the last 24 bytes of the data.
    room = PAYLOAD - 24 if flags & HAS_MD5 else PAYLOAD
    if not 1 <= size <= room:
        raise ImageError(f"{_place(index)}: {size} bytes of data; 1 to {room} are allowed")
    if number >= count:
        raise ImageError(f"{_place(index)}: it is number {number} of {count}, counted from 0")
    area = data[start + _HEAD.size : start + _HEAD.size + PAYLOAD]
    return _Block(index, flags, address, number, count,
                  family if flags & HAS_FAMILY else None, area[:size], area)


def family_name(family: int | None) -> str:
    """Number and name of a family, for people."""
    if family is None:
        return "no family"
    name = FAMILIES.get(family)
    return f"0x{family:08x}" + (f" ({name})" if name else "")


def _choose(families: tuple[int | None, ...], family: int | None) -> int | None:
    names = ", ".join(family_name(each) for each in families)
    if family is not None:
        if family not in families:
            raise ImageError(f"UF2: no block is of family {family_name(family)}; there are {names}")
        return family
    if len(families) > 1:
        raise ImageError(f"UF2: blocks of several families, {names}; choose one")
    return families[0]


def _check_complete(blocks: list[_Block]) -> None:
    count = blocks[0].blocks
    seen: dict[int, _Block] = {}
    for block in blocks:
        if block.blocks != count:
            raise ImageError(
                f"{block.place}: it says {block.blocks} blocks, {blocks[0].place} says {count}"
            )
        if block.number in seen:
            raise ImageError(
                f"{block.place}: number {block.number} again, after {seen[block.number].place}"
            )
        seen[block.number] = block
    if len(seen) != count:
        missing = next(number for number in range(count) if number not in seen)
        raise ImageError(f"UF2: {count - len(seen)} of {count} blocks are missing, "
                         f"the first of them number {missing}")


def _check_md5(image: Image, block: _Block) -> None:
    address, size = struct.unpack_from("<II", block.data, PAYLOAD - 24)
    region = image.read(address, size)
    # A region that this file fills only in part is for the device to check, after writing.
    if region is None:
        return
    import hashlib  # slow to import, and few files have sums

    found = hashlib.md5(region, usedforsecurity=False).digest()
    if found != block.data[PAYLOAD - 16 :]:
        raise ImageError(
            f"{block.place}: the {size} bytes at 0x{address:08x} have MD5 sum {found.hex()}, "
            f"the block says {block.data[PAYLOAD - 16 :].hex()}"
        )


def write_uf2(
    segments: Iterable[Segment], family: int | None = RP2040, payload: int = 256
) -> bytes:
    """A UF2 file; payload: data bytes of a block, 256 for the RP2040's bootrom.

    ValueError for a payload that no block has, or an address beyond 32 bits.
    """
    if not 1 <= payload <= PAYLOAD:
        raise ValueError(f"{payload} data bytes in a block; 1 to {PAYLOAD} are allowed")
    parts: list[tuple[int, bytes]] = []
    for segment in segments:
        if not 0 <= segment.address <= segment.end <= ADDRESSES:
            raise ValueError(f"0x{segment.address:x} to 0x{segment.end:x} is beyond 32 bits")
        parts += [(segment.address + at, segment.data[at : at + payload])
                  for at in range(0, len(segment.data), payload)]
    flags = 0 if family is None else HAS_FAMILY
    out = bytearray()
    for number, (address, part) in enumerate(parts):
        out += _HEAD.pack(
            FIRST, SECOND, flags, address, len(part), number, len(parts), family or 0
        )
        out += part.ljust(PAYLOAD, b"\0")
        out += LAST.to_bytes(4, "little")
    return bytes(out)
