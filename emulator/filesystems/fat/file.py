"""An open file on a FAT volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.filesystems.device import EACCES, EINVAL, EIO, ENOSPC
from mpy_cross.emulator.filesystems.fat.directory import (
    ACCESSED,
    ARCHIVE,
    ATTRIBUTES,
    MODIFIED,
    SIZE,
    Place,
    set_cluster,
)
from mpy_cross.emulator.filesystems.fat.table import Table
from mpy_cross.emulator.filesystems.volume import Mode

SIZE_MAX: Final = 0xFFFFFFFF


@final
class FatFile:
    """A file: a chain of clusters and a position in it."""

    __slots__ = (
        "_changed", "_cluster", "_error", "_mode", "_now", "_place", "_position", "_sector",
        "_size", "_start", "_table",
    )

    def __init__(
        self,
        table: Table,
        place: Place,
        start: int,
        size: int,
        mode: Mode,
        now: Callable[[], int],
        changed: bool,
    ) -> None:
        self._table: Table | None = table
        self._place = place
        self._start = start
        """First cluster, 0 for none."""
        self._size = size
        self._mode = mode
        self._now = now
        self._changed = changed
        self._position = 0
        self._cluster = 0
        """The cluster of the byte before the position, or of the first byte."""
        self._sector = 0
        """The sector of the position, if it is not at the begin of one."""
        self._error = False

    def _open(self, allowed: bool = True) -> Table:
        if self._table is None:
            raise OSError(EINVAL)
        if self._error:
            raise OSError(EIO)
        if not allowed:
            raise OSError(EACCES)
        return self._table

    def _fail(self) -> OSError:
        self._error = True
        return OSError(EIO)

    def read(self, size: int) -> bytes:
        table = self._open(self._mode.read)
        layout = table.layout
        width = layout.sector
        left = min(size, self._size - self._position)
        out: list[bytes] = []
        while left > 0:
            inside = self._position % width
            if inside == 0:
                number = self._position // width % layout.cluster
                if number == 0:
                    at_begin = self._position == 0
                    cluster = self._start if at_begin else table.next(self._cluster)
                    if not 2 <= cluster < layout.last:
                        raise self._fail()
                    self._cluster = cluster
                sector = table.first_sector(self._cluster) + number
                count = min(left // width, layout.cluster - number)
                if count:
                    out.append(table.read_run(sector, count))
                    self._position += count * width
                    left -= count * width
                    continue
                self._sector = sector
            data = table.load(self._sector)
            part = bytes(data[inside : inside + left])
            out.append(part)
            self._position += len(part)
            left -= len(part)
        return out[0] if len(out) == 1 else b"".join(out)

    def write(self, data: bytes) -> int:
        table = self._open(self._mode.write)
        layout = table.layout
        width = layout.sector
        data = data[: SIZE_MAX - self._position]
        done = 0
        while done < len(data):
            inside = self._position % width
            if inside == 0:
                number = self._position // width % layout.cluster
                if number == 0 and not self._advance(table):
                    break
                if table.sector == self._sector:
                    table.flush()
                sector = table.first_sector(self._cluster) + number
                count = min((len(data) - done) // width, layout.cluster - number)
                if count:
                    table.write_run(sector, data[done : done + count * width])
                    done += count * width
                    self._moved(count * width)
                    continue
                if self._position >= self._size:
                    table.adopt(sector)  # nothing of it is needed
                self._sector = sector
            part = data[done : done + width - inside]
            table.load(self._sector)[inside : inside + len(part)] = part
            table.touch()
            done += len(part)
            self._moved(len(part))
        self._changed = True
        if done < len(data):
            raise OSError(ENOSPC)
        return done

    def _moved(self, count: int) -> None:
        self._position += count
        self._size = max(self._size, self._position)

    def _advance(self, table: Table) -> bool:
        """Go to the next cluster, a new one if need be; False if there is no space."""
        if self._position == 0:
            cluster = self._start or table.extend(0)
        else:
            cluster = table.extend(self._cluster)
        if cluster:
            self._cluster = cluster
            self._start = self._start or cluster
        return cluster != 0

    def seek(self, offset: int, whence: int) -> int:
        table = self._open()
        origin = (0, self._position, self._size)[whence if 0 <= whence < 3 else 0]
        wanted = (origin + offset) & SIZE_MAX
        if wanted > self._size and not self._mode.write:
            wanted = self._size
        self._go_to(table, wanted)
        return self._position

    def _go_to(self, table: Table, wanted: int) -> None:
        """Move; a file that may be written grows, as far as there is space."""
        layout = table.layout
        bytes_per = layout.cluster * layout.sector
        before, self._position = self._position, 0
        if wanted == 0:
            return
        left = wanted
        if before > 0 and (wanted - 1) // bytes_per >= (before - 1) // bytes_per:
            self._position = (before - 1) // bytes_per * bytes_per
            left -= self._position
            cluster = self._cluster
        else:
            if not self._start:
                self._start = table.extend(0)
            cluster = self._cluster = self._start
        if not cluster:
            return
        while left > bytes_per:
            left -= bytes_per
            self._position += bytes_per
            cluster = table.extend(cluster) if self._mode.write else table.next(cluster)
            if not cluster:
                left = 0
                break
            if not 2 <= cluster < layout.last:
                raise self._fail()
            self._cluster = cluster
        self._position += left
        if left % layout.sector:
            self._sector = table.first_sector(cluster) + left // layout.sector
        if self._position > self._size:
            self._size = self._position
            self._changed = True

    def flush(self) -> None:
        if self._table is None:
            raise OSError(EINVAL)
        table = self._table
        if not self._changed:
            return
        now = self._now()
        data = table.load(self._place.sector)
        at = self._place.offset
        data[at + ATTRIBUTES] |= ARCHIVE
        set_cluster(table, data, at, self._start)
        data[at + SIZE : at + SIZE + 4] = self._size.to_bytes(4, "little")
        data[at + MODIFIED : at + MODIFIED + 4] = now.to_bytes(4, "little")
        data[at + ACCESSED : at + ACCESSED + 2] = bytes(2)
        table.touch()
        self._changed = False
        table.sync()

    def close(self) -> None:
        if self._table is not None:
            self.flush()
            self._table = None
