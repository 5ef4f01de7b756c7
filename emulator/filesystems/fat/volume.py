"""A FAT volume: its files and folders by path, as the firmware of boards sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple, final

from mpy_cross.emulator.filesystems.device import (
    EACCES,
    EEXIST,
    EINVAL,
    EIO,
    EISDIR,
    ENOENT,
    ENOTDIR,
    EROFS,
    BlockDevice,
)
from mpy_cross.emulator.filesystems.fat.directory import (
    ARCHIVE,
    ATTRIBUTES,
    CREATED,
    FOLDER,
    LABEL,
    MODIFIED,
    READ_ONLY,
    SIZE,
    Directory,
    Entry,
    clear,
    cluster_of,
    set_cluster,
)
from mpy_cross.emulator.filesystems.fat.file import FatFile
from mpy_cross.emulator.filesystems.fat.layout import ENTRY, find_layout
from mpy_cross.emulator.filesystems.fat.names import LONG_MAX, Name, make_name
from mpy_cross.emulator.filesystems.fat.table import Table
from mpy_cross.emulator.filesystems.volume import Mode, OpenFile, Space, Status

EPOCH: Final = datetime(2000, 1, 1)
DEEPEST: Final = 128
"""Folders in folders; more are a circle."""
_FIRST_YEAR: Final = 1980


def fat_time(seconds: int) -> int:
    """Date and time of a directory from seconds since 2000; it counts in steps of two seconds."""
    when = EPOCH + timedelta(seconds=max(seconds, -631_065_600))
    day = (when.year - _FIRST_YEAR) << 9 | when.month << 5 | when.day
    return (day << 16 | when.hour << 11 | when.minute << 5 | when.second // 2) & 0xFFFFFFFF


def seconds_of(time: int) -> int:
    """Seconds since 2000 from date and time of a directory; months and days beyond count on."""
    day, clock = time >> 16, time & 0xFFFF
    year, month = _FIRST_YEAR + (day >> 9), max(day >> 5 & 15, 1) - 1
    start = datetime(year + month // 12, month % 12 + 1, 1)
    days = (day & 31) - 1
    seconds = (clock >> 11) * 3600 + (clock >> 5 & 63) * 60 + (clock & 31) * 2
    return int((start - EPOCH).total_seconds()) + days * 86400 + seconds


class _Found(NamedTuple):
    """Where a path leads: in a directory to an entry; without one to nothing, or to the start."""

    directory: Directory
    entry: Entry | None
    name: Name | None
    """None where the path ends in "." or ".." or is empty."""


@final
class FatVolume:
    """A FAT volume on a device that has been started.

    seconds: the time of day, since 2000; partition: see `find_layout`.  Raises NotFatError.
    """

    __slots__ = ("_seconds", "_table", "current", "kind")

    def __init__(
        self, device: BlockDevice, seconds: Callable[[], int], partition: int = 0
    ) -> None:
        self._seconds = seconds
        self._table = Table(device, find_layout(device, partition))
        self.kind = f"FAT{self._table.layout.bits}"
        self.current = 0
        """The first cluster of the current folder."""

    @property
    def device(self) -> BlockDevice:
        """The medium."""
        return self._table.device

    def _now(self) -> int:
        return fat_time(self._seconds())

    def _change(self) -> None:
        if not self._table.device.writable:
            raise OSError(EROFS)

    def _follow(self, path: str) -> _Found:
        """Where a path leads.  Raises OSError(ENOENT) if a folder on the way is not there."""
        path = path.replace("\\", "/")
        directory = Directory(self._table, 0 if path.startswith("/") else self.current)
        parts = [part for part in path.split("/") if part]
        if parts and path.endswith("/"):
            parts.append("")  # which no file or folder can be
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            name: Name | None = None
            if part in (".", ".."):
                entry = directory.dot(len(part))
                if entry is None:
                    continue  # in the root: it stays there
            else:
                name = make_name(part)
                entry = directory.find(name)
            if last:
                return _Found(directory, entry, name)
            if entry is None or not entry.folder:
                raise OSError(ENOENT)
            directory = Directory(self._table, cluster_of(self._table, entry.raw))
        return _Found(directory, None, None)

    def _existing(self, path: str) -> tuple[Directory, Entry]:
        """A file or folder with a name.  Raises OSError."""
        found = self._follow(path)
        if found.entry is None:
            raise OSError(ENOENT if found.name is not None else EINVAL)
        return found.directory, found.entry

    # ---------------------------------------------------------------------------------- files

    def open(self, path: str, mode: Mode) -> OpenFile:
        table = self._table
        if mode.write:
            self._change()
        found = self._follow(path)
        entry = found.entry
        if entry is None and found.name is None:
            raise OSError(EINVAL)
        fresh = False
        if entry is None:
            if not mode.create or found.name is None:
                raise OSError(ENOENT)
            place = found.directory.add(found.name)
            fresh = True
        else:
            place = entry.place
            if mode.create and (entry.folder or entry.raw[ATTRIBUTES] & READ_ONLY):
                raise OSError(EACCES)
            if mode.exclusive:
                raise OSError(EEXIST)
            if entry.folder:
                raise OSError(ENOENT)
            if mode.write and entry.raw[ATTRIBUTES] & READ_ONLY:
                raise OSError(EACCES)
            fresh = mode.truncate
        data = table.load(place.sector)
        at = place.offset
        if fresh:
            old = cluster_of(table, data[at : at + ENTRY])
            data[at + CREATED : at + CREATED + 4] = self._now().to_bytes(4, "little")
            data[at + ATTRIBUTES] = ARCHIVE
            set_cluster(table, data, at, 0)
            data[at + SIZE : at + SIZE + 4] = bytes(4)
            table.touch()
            if old:
                table.release(old)
                table.recent = old - 1  # the hole is used again
                data = table.load(place.sector)
        raw = bytes(data[at : at + ENTRY])
        size = int.from_bytes(raw[SIZE : SIZE + 4], "little")
        file = FatFile(table, place, cluster_of(table, raw), size, mode, self._now, fresh)
        if mode.append:
            file.seek(0, 2)
        return file

    def status(self, path: str) -> Status:
        _, entry = self._existing(path)
        return _status(entry)

    def entries(self, path: str) -> Iterator[tuple[str, Status]]:
        directory = self._open_folder(path)
        return ((entry.name, _status(entry)) for entry in directory.entries())

    def _open_folder(self, path: str) -> Directory:
        found = self._follow(path)
        if found.entry is None and found.name is None:
            return found.directory
        if found.entry is None or not found.entry.folder:
            raise OSError(ENOENT)
        return Directory(self._table, cluster_of(self._table, found.entry.raw))

    # -------------------------------------------------------------------------------- folders

    def change_folder(self, path: str) -> None:
        """Make a folder the one where relative paths begin."""
        self.current = self._open_folder(path).start

    def current_folder(self) -> str:
        """The path of the current folder, with the names that the directories have."""
        parts: list[str] = []
        cluster = self.current
        while cluster:
            if len(parts) > DEEPEST:
                raise OSError(EIO)
            above = Directory(self._table, cluster).dot(2)
            if above is None:
                raise OSError(EIO)
            parent = cluster_of(self._table, above.raw)
            for entry in Directory(self._table, parent).entries():
                if cluster_of(self._table, entry.raw) == cluster:
                    parts.append(entry.name)
                    break
            else:
                raise OSError(EIO)
            cluster = parent
        return "/" + "/".join(reversed(parts))

    def make_folder(self, path: str) -> None:
        self._change()
        table = self._table
        found = self._follow(path)
        if found.entry is not None or found.name is None:
            raise OSError(EEXIST)
        cluster = table.extend(0)
        if not cluster:
            raise OSError(EACCES)
        now = self._now().to_bytes(4, "little")
        clear(table, cluster)
        data = table.data
        for offset, name, target in (
            (0, b".", cluster), (ENTRY, b"..", found.directory.start)
        ):
            data[offset : offset + 11] = name.ljust(11)
            data[offset + ATTRIBUTES] = FOLDER
            data[offset + MODIFIED : offset + MODIFIED + 4] = now
            set_cluster(table, data, offset, target)
        table.touch()
        try:
            place = found.directory.add(found.name)
        except OSError:
            table.release(cluster)
            raise
        data = table.load(place.sector)
        data[place.offset + MODIFIED : place.offset + MODIFIED + 4] = now
        set_cluster(table, data, place.offset, cluster)
        data[place.offset + ATTRIBUTES] = FOLDER
        table.touch()
        table.sync()

    def remove_folder(self, path: str) -> None:
        _, entry = self._existing(path)
        if not entry.folder:
            raise OSError(ENOTDIR)
        self._unlink(path)

    def remove(self, path: str) -> None:
        _, entry = self._existing(path)
        if entry.folder:
            raise OSError(EISDIR)
        self._unlink(path)

    def _unlink(self, path: str) -> None:
        self._change()
        directory, entry = self._existing(path)
        if entry.name in (".", ".."):
            raise OSError(EINVAL)
        if entry.raw[ATTRIBUTES] & READ_ONLY:
            raise OSError(EACCES)
        cluster = cluster_of(self._table, entry.raw)
        if entry.folder and (
            cluster == self.current
            or next(Directory(self._table, cluster).entries(), None) is not None
        ):
            raise OSError(EACCES)
        directory.remove(entry)
        if cluster:
            self._table.release(cluster)
        self._table.sync()

    def rename(self, old: str, new: str) -> None:
        self._change()
        if not self._rename(old, new):
            self.remove(new)
            if not self._rename(old, new):
                raise OSError(EEXIST)

    def _rename(self, old: str, new: str) -> bool:
        """False if there is something of the new name."""
        table = self._table
        directory, entry = self._existing(old)
        if entry.name in (".", ".."):
            raise OSError(EINVAL)
        found = self._follow(new)
        same = (
            found.entry is not None
            and found.entry.place == entry.place
        )
        if (found.entry is not None and not same) or found.name is None:
            return False
        place = found.directory.add(found.name)
        data = table.load(place.sector)
        at = place.offset
        data[at + 13 : at + ENTRY] = entry.raw[13:]
        kind = entry.raw[ATTRIBUTES]
        data[at + ATTRIBUTES] = kind if kind & FOLDER else kind | ARCHIVE
        table.touch()
        if kind & FOLDER and directory.start != found.directory.start:
            data = table.load(table.first_sector(cluster_of(table, entry.raw)))
            if data[ENTRY + 1] == 0x2E:
                set_cluster(table, data, ENTRY, found.directory.start)
                table.touch()
        directory.remove(entry)
        table.sync()
        return True

    def set_label(self, label: str) -> None:
        """Name the volume: up to 11 characters."""
        self._change()
        root = Directory(self._table, 0)
        data = label.upper().encode("ascii").ljust(11)[:11]
        entry = next(root.entries(label=True), None)
        place = entry.place if entry is not None else root._reserve(1)[0]
        sector = self._table.load(place.sector)
        if entry is None:
            sector[place.offset : place.offset + ENTRY] = bytes(ENTRY)
            sector[place.offset + ATTRIBUTES] = LABEL
        sector[place.offset : place.offset + 11] = data
        self._table.touch()
        self._table.sync()

    @property
    def label(self) -> str:
        """The name of the volume, "" for none."""
        entry = next(Directory(self._table, 0).entries(label=True), None)
        return "" if entry is None else entry.raw[:11].decode("cp437").rstrip()

    def space(self) -> Space:
        layout = self._table.layout
        size = layout.cluster * layout.sector
        return Space(size, layout.clusters, self._table.count_free(), LONG_MAX)

    def sync(self) -> None:
        """Write what is in memory still."""
        self._table.flush()


def _status(entry: Entry) -> Status:
    return Status(entry.folder, entry.size, seconds_of(entry.time))
