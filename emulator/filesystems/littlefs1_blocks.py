"""What is in metadata blocks of littlefs 1: entries of files and folders."""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple, final

from mpy_cross.emulator.filesystems.device import ECORRUPT
from mpy_cross.emulator.filesystems.littlefs1_medium import NULL, Pair

REGULAR: Final = 0x11
FOLDER: Final = 0x22
SUPERBLOCK: Final = 0x2E
MOVING: Final = 0x80
"""Added to the type of an entry that is on its way to another folder."""
VERSION: Final = 0x10001
NAME_MAX: Final = 255
HEAD: Final = struct.Struct("<IIII")
"""Revision, size with its highest bit set if the folder goes on, and the next pair."""
MORE: Final = 0x80000000
CHECKSUM: Final = 4
FIXED: Final = struct.Struct("<BBBBII")
"""Type, length of what follows but attributes and name, of attributes, of the name; two words."""
SUPER: Final = struct.Struct("<III")
"""What else the entry of the superblock has: bytes of a block, number of blocks, version."""
MAGIC: Final = b"littlefs"


class Entry(NamedTuple):
    """A file or folder: its two words are its last block and size, or a pair.

    more: further bytes before the attributes, which the superblock has.
    """

    kind: int
    first: int
    second: int
    name: bytes
    attributes: bytes = b""
    more: bytes = b""

    @property
    def data(self) -> bytes:
        """Its bytes in a folder."""
        fixed = FIXED.pack(
            self.kind, 8 + len(self.more), len(self.attributes), len(self.name), self.first,
            self.second,
        )
        return fixed + self.more + self.attributes + self.name

    @property
    def pair(self) -> Pair:
        return self.first, self.second

    @property
    def is_folder(self) -> bool:
        return self.kind & ~MOVING == FOLDER


@final
class Block:
    """A metadata pair.  pair: the block that counts comes first."""

    __slots__ = ("entries", "more", "pair", "revision", "tail")

    def __init__(self, pair: Pair, revision: int, tail: Pair = (NULL, NULL)) -> None:
        self.pair = pair
        self.revision = revision
        self.more = False
        """The folder goes on in the next pair."""
        self.tail = tail
        """The next pair of the list."""
        self.entries: list[Entry] = []

    @property
    def size(self) -> int:
        """Bytes with the checksum."""
        return HEAD.size + CHECKSUM + sum(len(entry.data) for entry in self.entries)

    def at(self, index: int) -> int:
        """The offset of an entry."""
        return HEAD.size + sum(len(entry.data) for entry in self.entries[:index])


def same_pair(one: Pair, other: Pair) -> bool:
    """Have two pairs a block in common?"""
    return one[0] in other or one[1] in other


def checksum(data: bytes) -> int:
    """The checksum of a commit."""
    return zlib.crc32(data) ^ 0xFFFFFFFF


def parse(data: bytes) -> list[Entry]:
    """The entries of a pair.  Raises OSError(ECORRUPT)."""
    out: list[Entry] = []
    at = 0
    while at + FIXED.size <= len(data):
        kind, own, extra, length, first, second = FIXED.unpack_from(data, at)
        end = at + 4 + own + extra + length
        if own < 8 or end > len(data):
            raise OSError(ECORRUPT)
        more = at + 4 + own
        name = more + extra
        out.append(
            Entry(
                kind, first, second, data[name:end], data[more:name], data[at + FIXED.size : more]
            )
        )
        at = end
    return out
