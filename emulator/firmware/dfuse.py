"""DFU files: ST's DfuSe form, with addresses, and the plain form, a binary with a suffix.

DfuSe: ST's UM0391; the suffix: USB device firmware upgrade 1.1, appendix B.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Final

from mpy_cross.emulator.firmware.image import Image, ImageError, Piece, Segment, join

MAGIC: Final = b"DfuSe"
ST: Final = 0x0483
BOOTLOADER: Final = 0xDF11
"""USB identifiers of the boot loader of ST's chips."""

_PREFIX: Final = struct.Struct("<5sBIB")
_TARGET: Final = struct.Struct("<6sBI255sII")
_ELEMENT: Final = struct.Struct("<II")
_SUFFIX: Final = struct.Struct("<HHHH3sBI")


def has_suffix(data: bytes) -> bool:
    """Do these bytes end with a DFU suffix?"""
    return len(data) >= _SUFFIX.size and data[-8:-5] == b"UFD"


def strip_suffix(data: bytes) -> bytes:
    """What goes before the suffix. ImageError if that is missing, short or its sum is wrong."""
    if not has_suffix(data):
        raise ImageError(
            f"DFU: no suffix ('UFD' 8 bytes before the end, in {len(data)} bytes); "
            "the file was cut off or has something added"
        )
    *_identifiers, length, checksum = _SUFFIX.unpack_from(data, len(data) - _SUFFIX.size)
    if not _SUFFIX.size <= length <= len(data):
        raise ImageError(f"DFU suffix: it says it has {length} bytes; {_SUFFIX.size} to "
                         f"{min(255, len(data))} are possible")
    found = _sum(data[:-4])
    if found != checksum:
        raise ImageError(f"DFU suffix: the file has CRC 0x{found:08x}, the suffix says "
                         f"0x{checksum:08x}; the file is damaged")
    return data[:-length]


def _sum(data: bytes) -> int:
    return zlib.crc32(data) ^ 0xFFFFFFFF


def read_dfuse(data: bytes) -> Image:
    """An image from a DfuSe file, all targets of it.

    ImageError: suffix, prefix, a target or an element is damaged, or two elements differ about an
    address.
    """
    body = strip_suffix(data)
    if len(body) < _PREFIX.size:
        raise ImageError(f"DfuSe: {len(body)} bytes before the suffix; the prefix has "
                         f"{_PREFIX.size}")
    magic, version, size, targets = _PREFIX.unpack_from(body)
    if magic != MAGIC or version != 1:
        raise ImageError(f"DfuSe prefix: {magic!r}, version {version}; it can be b'DfuSe', 1")
    if size != len(body):
        raise ImageError(f"DfuSe prefix: it says {size} bytes, there are {len(body)}")
    pieces: list[Piece] = []
    at = _PREFIX.size
    for number in range(targets):
        at = _read_target(body, at, number, pieces)
    if at != len(body):
        raise ImageError(f"DfuSe: {len(body) - at} bytes after the last of {targets} targets")
    return Image("DfuSe", join(pieces))


def _read_target(body: bytes, at: int, number: int, pieces: list[Piece]) -> int:
    """Adds the elements of the target at a byte; the byte after it."""
    place = f"DfuSe target {number} (byte {at})"
    if at + _TARGET.size > len(body):
        raise ImageError(f"{place}: {len(body) - at} bytes are left; a target begins with "
                         f"{_TARGET.size}")
    magic, _setting, _named, _name, size, elements = _TARGET.unpack_from(body, at)
    if magic != b"Target":
        raise ImageError(f"{place}: it begins with {magic!r}, not b'Target'")
    at += _TARGET.size
    end = at + size
    if end > len(body):
        raise ImageError(f"{place}: it says {size} bytes, {len(body) - at} are left")
    for index in range(elements):
        name = f"{place}, element {index} (byte {at})"
        if at + _ELEMENT.size > end:
            raise ImageError(f"{name}: {end - at} bytes of the target are left; an element begins "
                             f"with {_ELEMENT.size}")
        address, count = _ELEMENT.unpack_from(body, at)
        at += _ELEMENT.size
        if at + count > end:
            raise ImageError(f"{name}: it says {count} bytes, {end - at} of the target are left")
        pieces.append(Piece(address, body[at : at + count], name))
        at += count
    if at != end:
        raise ImageError(f"{place}: {end - at} bytes after the last of {elements} elements")
    return at


def write_dfuse(segments: Iterable[Segment], name: str = "") -> bytes:
    """A DfuSe file with one target. ValueError for an address beyond 32 bits or a long name."""
    title = name.encode("utf-8")
    if len(title) > 254:
        raise ValueError(f"a name of {len(title)} bytes; a target has room for 254")
    elements = bytearray()
    count = 0
    for segment in segments:
        if not 0 <= segment.address <= segment.end <= 1 << 32:
            raise ValueError(f"0x{segment.address:x} to 0x{segment.end:x} is beyond 32 bits")
        elements += _ELEMENT.pack(segment.address, len(segment.data)) + segment.data
        count += 1
    target = _TARGET.pack(b"Target", 0, int(bool(name)), title, len(elements), count)
    body = _PREFIX.pack(MAGIC, 1, _PREFIX.size + len(target) + len(elements), 1)
    return add_suffix(body + target + elements)


def add_suffix(data: bytes) -> bytes:
    """A DFU file: `data`, and the suffix for ST's boot loader."""
    whole = data + _SUFFIX.pack(0xFFFF, BOOTLOADER, ST, 0x011A, b"UFD", _SUFFIX.size, 0)[:-4]
    return whole + _sum(whole).to_bytes(4, "little")
