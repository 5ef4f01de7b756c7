"""The sectors and the allocation table of a FAT volume.

One sector is kept in memory, and written when another one is needed: so the medium sees the same
writes in the same order as from the firmware of boards, whose power may be cut between them.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.filesystems.device import EIO, BlockDevice
from mpy_cross.emulator.filesystems.fat.layout import (
    FS_INFO_BODY,
    FS_INFO_LEAD,
    SIGNATURE,
    SIGNATURE_AT,
    Layout,
    info_sector,
)

FREE: Final = 0
END: Final = 0xFFFFFFFF
"""Marks the last cluster of a chain; the table keeps as many bits of it as fit."""
UNKNOWN: Final = 0xFFFFFFFF
_NONE: Final = -1


@final
class Table:
    """Sectors of a volume by way of a window of one, and chains of clusters."""

    __slots__ = ("_dirty", "_info_dirty", "data", "device", "free", "layout", "recent", "sector")

    def __init__(self, device: BlockDevice, layout: Layout) -> None:
        self.device = device
        self.layout = layout
        self.sector = _NONE
        """The sector that `data` has."""
        self.data = bytearray(layout.sector)
        self._dirty = False
        self.free = UNKNOWN
        """Free clusters."""
        self.recent = UNKNOWN
        """The cluster that was allocated last."""
        self._info_dirty = False
        if layout.info:
            self._read_info()

    def _read_info(self) -> None:
        data = self.load(self.layout.info)
        word = int.from_bytes
        if (
            data[SIGNATURE_AT : SIGNATURE_AT + 2] == SIGNATURE
            and word(data[:4], "little") == FS_INFO_LEAD
            and word(data[484:488], "little") == FS_INFO_BODY
        ):
            self.free = word(data[488:492], "little")
            self.recent = word(data[492:496], "little")

    # -------------------------------------------------------------------------------- sectors

    def load(self, sector: int) -> bytearray:
        """The contents of a sector, valid until the next call."""
        if sector != self.sector:
            self.flush()
            self.sector = _NONE
            self.data[:] = self.device.read_blocks(sector, 1)
            self.sector = sector
        return self.data

    def touch(self) -> None:
        """The sector in memory was changed."""
        self._dirty = True

    def adopt(self, sector: int) -> None:
        """The sector in memory becomes another one, which is about to be overwritten."""
        self.flush()
        self.sector = sector

    def flush(self) -> None:
        """Write the sector in memory if it was changed."""
        if self._dirty:
            layout, data = self.layout, bytes(self.data)
            self.device.write_blocks(self.sector, data)
            self._dirty = False
            if layout.fats == 2 and 0 <= self.sector - layout.fat < layout.fat_size:
                self.device.write_blocks(self.sector + layout.fat_size, data)

    def sync(self) -> None:
        """Write all that is in memory."""
        self.flush()
        if self._info_dirty and self.layout.info:
            self.data[:] = info_sector(self.layout.sector, self.free, self.recent)
            self.sector = self.layout.info
            self.device.write_blocks(self.sector, bytes(self.data))
            self._info_dirty = False
        self.device.sync()

    def read_run(self, sector: int, count: int) -> bytes:
        """Sectors of a file, past the window."""
        data = self.device.read_blocks(sector, count)
        if self._dirty and 0 <= self.sector - sector < count:
            at = (self.sector - sector) * self.layout.sector
            data = data[:at] + bytes(self.data) + data[at + self.layout.sector :]
        return data

    def write_run(self, sector: int, data: bytes) -> None:
        """Sectors of a file, past the window."""
        self.device.write_blocks(sector, data)
        size = self.layout.sector
        at = (self.sector - sector) * size
        if 0 <= at < len(data):
            self.data[:] = data[at : at + size]
            self._dirty = False

    # ------------------------------------------------------------------------------- clusters

    def first_sector(self, cluster: int) -> int:
        """The first sector of a cluster.  Raises OSError."""
        layout = self.layout
        if not 2 <= cluster < layout.last:
            raise OSError(EIO)
        return layout.data + (cluster - 2) * layout.cluster

    def next(self, cluster: int) -> int:
        """The entry of a cluster: the next one, FREE, or above the last at the end of a chain."""
        layout = self.layout
        if not 2 <= cluster < layout.last:
            raise OSError(EIO)
        size = layout.sector
        if layout.bits == 12:
            at = cluster + cluster // 2
            low = self.load(layout.fat + at // size)[at % size]
            at += 1
            value = low | self.load(layout.fat + at // size)[at % size] << 8
            return value >> 4 if cluster & 1 else value & 0xFFF
        width = layout.bits // 8
        at = cluster * width
        data = self.load(layout.fat + at // size)
        value = int.from_bytes(data[at % size : at % size + width], "little")
        return value & 0xFFFFFFF if width == 4 else value

    def link(self, cluster: int, value: int) -> None:
        """Set the entry of a cluster."""
        layout = self.layout
        if not 2 <= cluster < layout.last:
            raise OSError(EIO)
        size = layout.sector
        if layout.bits == 12:
            at = cluster + cluster // 2
            data = self.load(layout.fat + at // size)
            low = data[at % size]
            data[at % size] = low & 0xF | value << 4 & 0xF0 if cluster & 1 else value & 0xFF
            self._dirty = True
            at += 1
            data = self.load(layout.fat + at // size)
            high = data[at % size]
            data[at % size] = (
                value >> 4 & 0xFF if cluster & 1 else high & 0xF0 | value >> 8 & 0xF
            )
        else:
            width = layout.bits // 8
            at = cluster * width
            data = self.load(layout.fat + at // size)
            place = slice(at % size, at % size + width)
            if width == 4:
                old = int.from_bytes(data[place], "little")
                value = value & 0xFFFFFFF | old & 0xF0000000
            data[place] = (value & (1 << layout.bits) - 1).to_bytes(width, "little")
        self._dirty = True

    def extend(self, cluster: int) -> int:
        """The cluster after this one, a new one at the end of the chain; 0 for no more space.

        cluster: 0 begins a chain.
        """
        last = self.layout.last
        found = 0
        if cluster == 0:
            start = self.recent if 0 < self.recent < last else 1
        else:
            after = self.next(cluster)
            if after < 2:
                raise OSError(EIO)
            if after < last:
                return after
            start = cluster
        if self.free == 0:
            return 0
        if cluster:
            # Right behind is best, wherever the last one was allocated.
            found = cluster + 1 if cluster + 1 < last else 2
            if self._entry(found) != FREE:
                found = 0
                if 2 <= self.recent < last:
                    start = self.recent
        if not found:
            found = self._search(start)
            if not found:
                return 0
        self.link(found, END)
        if cluster:
            self.link(cluster, found)
        self.recent = found
        if self.free <= last - 2:
            self.free -= 1
        self._info_dirty = True
        return found

    def _entry(self, cluster: int) -> int:
        value = self.next(cluster)
        if value == 1:
            raise OSError(EIO)
        return value

    def _search(self, start: int) -> int:
        """The first free cluster after `start`, 0 if there is none."""
        last = self.layout.last
        at = start
        while True:
            at += 1
            if at >= last:
                at = 2
                if at > start:
                    return 0
            if self._entry(at) == FREE:
                return at
            if at == start:
                return 0

    def release(self, cluster: int) -> None:
        """Free a chain."""
        last = self.layout.last
        if not 2 <= cluster < last:
            raise OSError(EIO)
        while 2 <= cluster < last:
            after = self.next(cluster)
            if after == FREE:
                break
            if after == 1:
                raise OSError(EIO)
            self.link(cluster, FREE)
            if self.free < last - 2:
                self.free += 1
                self._info_dirty = True
            cluster = after

    def count_free(self) -> int:
        """Free clusters."""
        if self.free > self.layout.last - 2:
            self.free = sum(self.next(at) == FREE for at in range(2, self.layout.last))
            self._info_dirty = True
        return self.free
