"""Images of filesystems: finding out what they hold, opening and making them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.emulator.filesystems.device import EEXIST, ENOENT, BlockDevice, ImageDevice
from mpy_cross.emulator.filesystems.fat import FatVolume, NotFatError, format_fat
from mpy_cross.emulator.filesystems.fat.layout import SECTOR_SIZES, SIGNATURE
from mpy_cross.emulator.filesystems.fat.volume import fat_time
from mpy_cross.emulator.filesystems.littlefs1 import Littlefs1, format_littlefs1
from mpy_cross.emulator.filesystems.littlefs2 import Littlefs2, format_littlefs2
from mpy_cross.emulator.filesystems.volume import (
    DISK_2_0,
    DISK_2_1,
    FAT,
    LITTLEFS1,
    LITTLEFS2,
    Filesystem,
    Found,
    Settings,
    parse_mode,
)

KINDS: Final = (FAT, LITTLEFS2, LITTLEFS1)
MAGIC: Final = b"littlefs"
_BLOCK_SIZES: Final = tuple(1 << bits for bits in range(7, 18))
INLINE_STRUCT: Final = 0x201
INVALID_TAG: Final = 0x80000000
TAG_SIZE: Final = 0x3FF
"""Tags of littlefs 2: type in the upper 12 bits, number of the entry, size."""
DEEPEST: Final = 64
PIECE: Final = 4096
"""Bytes that are copied at a time."""


class ImageError(Exception):
    """An image is not what it should be; the text says what it is."""


def identify(data: memoryview) -> Found | None:
    """What filesystem begins with these bytes; None if there is none."""

    def magic(at: int) -> bool:
        return bytes(data[at : at + len(MAGIC)]) == MAGIC

    for start in (0, *_BLOCK_SIZES):  # block 0 may be erased: block 1 has the same
        found = None
        if magic(start + 8):
            found = _superblock(data[start:])
        elif magic(start + 40):
            found = Found(LITTLEFS1, int.from_bytes(data[start + 28 : start + 32], "little"))
        if found is not None and found.block_size in (_BLOCK_SIZES if not start else (start,)):
            return found
    if bytes(data[510:512]) == SIGNATURE:
        size = int.from_bytes(data[11:13], "little")
        found = Found(FAT, size if size in SECTOR_SIZES else SECTOR_SIZES[0])
        try:
            FatVolume(ImageDevice(data, found.block_size, writable=False), lambda: 0)
        except (NotFatError, OSError):
            return None
        return found
    return None


def _superblock(data: memoryview) -> Found | None:
    """What the superblock of a littlefs 2 says: it is among the tags at the begin of the block."""
    tag, at = 0xFFFFFFFF, 4
    while at + 4 <= min(len(data), _BLOCK_SIZES[-1]):
        tag ^= int.from_bytes(data[at : at + 4], "big")
        at += 4
        if tag & INVALID_TAG:
            return None
        if tag >> 10 == INLINE_STRUCT << 10:  # of entry 0
            version = int.from_bytes(data[at : at + 4], "little")
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            known = version in (DISK_2_0, DISK_2_1)
            return Found(LITTLEFS2, size, disk_version=version) if known else None
        length = tag & TAG_SIZE
        at += length if length != TAG_SIZE else 0
    return None


def open_filesystem(
    device: BlockDevice, found: Found, seconds: Callable[[], int]
) -> Filesystem:
    """Open the filesystem on a device.  Raises OSError, NotFatError."""
    if found.kind == FAT:
        return FatVolume(device, seconds)
    if found.kind == LITTLEFS1:
        return Littlefs1(device, Settings())
    # 2.0 stays 2.0: the library would raise it silently.
    settings = Settings(program_size=found.program_size, disk_version=found.disk_version)
    return Littlefs2(device, settings, seconds)


def format_device(
    device: BlockDevice, found: Found, seconds: Callable[[], int]
) -> None:
    """Make an empty filesystem.  Raises OSError."""
    if found.kind == FAT:
        format_fat(device, fat_time(seconds()))
    elif found.kind == LITTLEFS1:
        format_littlefs1(device, Settings())
    else:
        settings = Settings(program_size=found.program_size, disk_version=found.disk_version)
        format_littlefs2(device, settings)


def read_file(filesystem: Filesystem, path: str) -> bytes:
    """All bytes of a file.  Raises OSError."""
    file = filesystem.open(path, parse_mode("rb"))
    try:
        out = bytearray()
        while data := file.read(PIECE):
            out += data
        return bytes(out)
    finally:
        file.close()


def write_file(filesystem: Filesystem, path: str, data: bytes) -> None:
    """Make a file, or give one other contents; the same contents are not written again."""
    try:
        if filesystem.status(path).size == len(data) and read_file(filesystem, path) == data:
            return
    except OSError:
        pass
    file = filesystem.open(path, parse_mode("wb"))
    try:
        for at in range(0, len(data), PIECE):
            file.write(data[at : at + PIECE])
    finally:
        file.close()


def make_folders(filesystem: Filesystem, path: str) -> None:
    """Make a folder, and those that it is in.  Raises OSError."""
    at = ""
    for name in path.split("/"):
        if name:
            at = f"{at}/{name}"
            if not is_folder(filesystem, at):
                filesystem.make_folder(at)


def is_folder(filesystem: Filesystem, path: str) -> bool:
    """Is there a folder?  Raises OSError(EEXIST) if there is a file."""
    if path.strip("/") == "":
        return True
    try:
        status = filesystem.status(path)
    except OSError as error:
        if error.args[:1] == (ENOENT,):
            return False
        raise
    if not status.folder:
        raise OSError(EEXIST)
    return True


def tree(filesystem: Filesystem, path: str = "") -> list[tuple[str, bool]]:
    """Paths of all files and folders in a folder, folders first; True marks a folder.

    Raises ImageError if a folder is in itself.
    """
    if path.count("/") > DEEPEST:
        raise ImageError("the image is damaged: folders are in themselves")
    out: list[tuple[str, bool]] = []
    for name, status in sorted(filesystem.entries(path or "/")):
        inner = f"{path}/{name}"
        out.append((inner, status.folder))
        if status.folder:
            out += tree(filesystem, inner)
    return out


def set_label(filesystem: Filesystem, label: str) -> None:
    """Name a volume, if it can have a name."""
    if isinstance(filesystem, FatVolume):
        filesystem.set_label(label)


def label_of(filesystem: Filesystem) -> str:
    """The name of a volume, "" for none."""
    return filesystem.label if isinstance(filesystem, FatVolume) else ""
