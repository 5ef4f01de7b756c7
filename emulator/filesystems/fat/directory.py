"""Directories of a FAT volume: finding, making and removing entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, final

from mpy_cross.emulator.filesystems.device import EACCES, EIO, ENOENT
from mpy_cross.emulator.filesystems.fat.layout import ENTRY
from mpy_cross.emulator.filesystems.fat.names import (
    DELETED,
    LAST_PIECE,
    LONG_NAME,
    Name,
    checksum,
    fold,
    numbered,
    piece_text,
    pieces,
    shown,
)
from mpy_cross.emulator.filesystems.fat.table import Table

READ_ONLY: Final = 0x01
LABEL: Final = 0x08
FOLDER: Final = 0x10
ARCHIVE: Final = 0x20
_KINDS: Final = 0x3F
"""Bits of the attributes that mean something."""
MOST_ENTRIES: Final = 65536
ATTRIBUTES: Final = 11
CASE: Final = 12
CREATED: Final = 14
ACCESSED: Final = 18
CLUSTER_HIGH: Final = 20
MODIFIED: Final = 22
CLUSTER: Final = 26
SIZE: Final = 28
"""Offsets in an entry."""
_MOST_NUMBERS: Final = 100


class Place(NamedTuple):
    """A slot of a directory: its number, and where it is on the medium."""

    number: int
    sector: int
    offset: int


class Entry(NamedTuple):
    """A file or folder in a directory.  first: its first slot, which has a piece of the name."""

    place: Place
    first: int
    raw: bytes
    name: str

    @property
    def folder(self) -> bool:
        return bool(self.raw[ATTRIBUTES] & FOLDER)

    @property
    def size(self) -> int:
        return int.from_bytes(self.raw[SIZE : SIZE + 4], "little")

    @property
    def time(self) -> int:
        """Of its last change: the date in the upper half."""
        return int.from_bytes(self.raw[MODIFIED : MODIFIED + 4], "little")


def cluster_of(table: Table, raw: bytes | bytearray) -> int:
    """The first cluster of an entry, 0 for none or the root directory."""
    low = int.from_bytes(raw[CLUSTER : CLUSTER + 2], "little")
    if table.layout.bits != 32:
        return low
    return low | int.from_bytes(raw[CLUSTER_HIGH : CLUSTER_HIGH + 2], "little") << 16


def set_cluster(table: Table, data: bytearray, offset: int, cluster: int) -> None:
    """Store the first cluster in an entry of a sector."""
    data[offset + CLUSTER : offset + CLUSTER + 2] = (cluster & 0xFFFF).to_bytes(2, "little")
    if table.layout.bits == 32:
        high = offset + CLUSTER_HIGH
        data[high : high + 2] = (cluster >> 16).to_bytes(2, "little")


@final
class Directory:
    """The directory that begins at a cluster; 0 is the root."""

    __slots__ = ("_table", "start")

    def __init__(self, table: Table, start: int) -> None:
        self._table = table
        self.start = start

    def slots(self, stretch: bool = False) -> Iterator[Place]:
        """All slots, also those behind the end; with `stretch` there are always more."""
        layout, table = self._table.layout, self._table
        per_sector = layout.sector // ENTRY
        cluster = self.start or (layout.root if layout.bits == 32 else 0)
        index = 0
        if not cluster:
            for index in range(layout.root_entries):
                yield Place(index, layout.root + index // per_sector, index % per_sector * ENTRY)
            return
        while True:
            first = table.first_sector(cluster)
            for sector in range(first, first + layout.cluster):
                for offset in range(0, layout.sector, ENTRY):
                    if index >= MOST_ENTRIES:
                        return
                    yield Place(index, sector, offset)
                    index += 1
            after = table.next(cluster)
            if after < 2:
                raise OSError(EIO)
            if after >= layout.last:
                if not stretch:
                    return
                after = table.extend(cluster)
                if not after:
                    return
                clear(table, after)
            cluster = after

    def entries(self, label: bool = False) -> Iterator[Entry]:
        """Files and folders, without "." and ".."; or the label of the volume."""
        parts = b""
        order, total, first = -1, 0, 0
        for place in self.slots():
            data = self._table.load(place.sector)
            raw = bytes(data[place.offset : place.offset + ENTRY])
            lead, kind = raw[0], raw[ATTRIBUTES] & _KINDS
            if lead == 0:
                return
            is_label = kind & ~ARCHIVE == LABEL
            if lead in (DELETED, 0x2E) or is_label != label:
                order = -1
            elif kind == LONG_NAME:
                if lead & LAST_PIECE:
                    parts, order, total = b"", lead & ~LAST_PIECE, raw[13]
                    first = place.number
                    lead = order
                text = piece_text(raw)
                if lead == order and total == raw[13] and text is not None:
                    parts, order = text + parts, order - 1
                else:
                    order = -1
            else:
                long = None
                begin = place.number
                if order == 0 and total == checksum(raw[:11]):
                    long, begin = parts.decode("utf-16-le", "replace"), first
                yield Entry(place, begin, raw, shown(long, raw[:11], raw[CASE]))
                order = -1

    def find(self, name: Name) -> Entry | None:
        """The file or folder of a name, which may be its long or its short one."""
        wanted = fold(shown(name.long, name.short, 0))
        for entry in self.entries():
            if fold(entry.name) == wanted or (not name.lossy and entry.raw[:11] == name.short):
                return entry
        return None

    def dot(self, count: int) -> Entry | None:
        """The entry "." or ".."; None in the root."""
        for place in self.slots():
            data = self._table.load(place.sector)
            raw = bytes(data[place.offset : place.offset + ENTRY])
            if raw[0] == 0:
                return None
            if raw[:11] == b"." * count + b" " * (11 - count):
                return Entry(place, place.number, raw, "." * count)
        return None

    def _has_short(self, short: bytes) -> bool:
        return any(entry.raw[:11] == short for entry in self.entries())

    def add(self, name: Name) -> Place:
        """Make an entry, all zeros but for its name.  Its sector is loaded.  Raises OSError."""
        short = name.short
        if name.lossy:
            for number in range(1, _MOST_NUMBERS):
                short = numbered(name, number)
                if not self._has_short(short):
                    break
            else:
                raise OSError(EACCES)
        extra = pieces(name, short) if name.needs_long else []
        places = self._reserve(len(extra) + 1)
        raw = bytearray(short.ljust(ENTRY, b"\0"))
        raw[CASE] = name.case
        for place, part in zip(places, [*extra, bytes(raw)], strict=True):
            data = self._table.load(place.sector)
            data[place.offset : place.offset + ENTRY] = part
            self._table.touch()
        return places[-1]

    def _reserve(self, count: int) -> list[Place]:
        """Free slots side by side."""
        found: list[Place] = []
        for place in self.slots(stretch=True):
            if self._table.load(place.sector)[place.offset] in (0, DELETED):
                found.append(place)
                if len(found) == count:
                    return found
            else:
                found.clear()
        raise OSError(EACCES)

    def remove(self, entry: Entry) -> None:
        """Mark the slots of an entry as deleted."""
        for place in self.slots():
            if place.number >= entry.first:
                self._table.load(place.sector)[place.offset] = DELETED
                self._table.touch()
            if place.number >= entry.place.number:
                return
        raise OSError(ENOENT)


def clear(table: Table, cluster: int) -> None:
    """Fill a cluster with zeros."""
    first = table.first_sector(cluster)
    table.adopt(first)
    table.data[:] = bytes(len(table.data))
    for sector in range(first, first + table.layout.cluster):
        table.device.write_blocks(sector, bytes(table.data))
