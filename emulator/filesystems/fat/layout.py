"""Where things are on a FAT volume: the boot sector, read and written.

Numbers and names are those of Microsoft's "FAT: General Overview of On-Disk Format" (1.03); the
choice of cluster sizes is that of the FatFs configuration that boards use, so that a new volume
is the same to the byte.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from mpy_cross.emulator.filesystems.device import EIO, EROFS, BlockDevice

SIGNATURE: Final = b"\x55\xaa"
SIGNATURE_AT: Final = 510
PARTITIONS: Final = 446
"""Offset of the table of four partitions of 16 bytes in the first sector of a medium."""
MOST_FAT12: Final = 0xFF5
MOST_FAT16: Final = 0xFFF5
MOST_FAT32: Final = 0xFFFFFF5
"""Clusters that a volume of a kind may have."""
ROOT_ENTRIES: Final = 512
ENTRY: Final = 32
"""Bytes of an entry of a directory."""
FS_INFO_LEAD: Final = 0x41615252
FS_INFO_BODY: Final = 0x61417272
SECTOR_SIZES: Final = (512, 1024, 2048, 4096)
WRITE_SIZE: Final = 4096
"""Bytes that formatting writes at a time."""
FAT_CLUSTERS: Final = (1, 4, 16, 64, 256, 512)
FAT32_CLUSTERS: Final = (1, 2, 4, 8, 16, 32)
"""Sizes of a volume, in 4096 (FAT32: 131072) sectors, from which on clusters double."""


class NotFatError(Exception):
    """There is no FAT volume."""


class CannotFormatError(Exception):
    """No such volume fits on the medium."""


class Layout(NamedTuple):
    """Of a volume: positions and sizes in sectors of the medium."""

    bits: int
    """Of an entry of the FAT: 12, 16 or 32."""
    sector: int
    """Bytes of a sector."""
    cluster: int
    """Sectors of a cluster."""
    base: int
    fats: int
    fat: int
    fat_size: int
    root: int
    """First sector of the root directory, or its first cluster (FAT32)."""
    root_entries: int
    """0 on FAT32."""
    data: int
    clusters: int
    info: int
    """The sector that counts free clusters (FAT32); 0 if there is none."""

    @property
    def last(self) -> int:
        """The number of the last cluster, plus 1."""
        return self.clusters + 2


def find_layout(device: BlockDevice, partition: int = 0) -> Layout:
    """The volume on a medium, with or without a partition table.

    partition: 1 to 4, 0 for the first that has one.  Raises NotFatError.
    """
    if device.block_size not in SECTOR_SIZES:
        raise OSError(EIO)
    first = device.read_blocks(0, 1)
    if first[SIGNATURE_AT : SIGNATURE_AT + 2] != SIGNATURE:
        raise NotFatError
    if is_boot_sector(first) and not partition:
        return parse(first, 0, device.block_size)
    for number in (partition,) if partition else (1, 2, 3, 4):
        row = first[PARTITIONS + 16 * number - 16 : PARTITIONS + 16 * number]
        base = int.from_bytes(row[8:12], "little") if row[4] else 0
        if base:
            sector = device.read_blocks(base, 1)
            if is_boot_sector(sector):
                return parse(sector, base, device.block_size)
    raise NotFatError


def is_boot_sector(data: bytes) -> bool:
    """Does a sector begin a FAT volume?"""
    return (
        data[SIGNATURE_AT : SIGNATURE_AT + 2] == SIGNATURE
        and data[0] in (0xE8, 0xE9, 0xEB)
        and (data[54:57] == b"FAT" or data[82:87] == b"FAT32")
    )


def parse(data: bytes, base: int, sector: int) -> Layout:
    """The layout that a boot sector tells.  Raises NotFatError if it makes no sense."""
    size, cluster, reserved, fats, root_entries, total, _, fat_size = struct.unpack_from(
        "<HBHBHHBH", data, 11
    )
    total = total or int.from_bytes(data[32:36], "little")
    fat_size = fat_size or int.from_bytes(data[36:40], "little")
    per_sector = sector // ENTRY
    if (
        size != sector
        or fats not in (1, 2)
        or cluster == 0
        or cluster & (cluster - 1)
        or root_entries % per_sector
        or reserved == 0
    ):
        raise NotFatError
    system = reserved + fats * fat_size + root_entries // per_sector
    clusters = (total - system) // cluster if total >= system else 0
    if not 0 < clusters <= MOST_FAT32:
        raise NotFatError
    bits = 12 if clusters <= MOST_FAT12 else 16 if clusters <= MOST_FAT16 else 32
    root, info = base + reserved + fats * fat_size, 0
    if bits == 32:
        if data[42:44] != b"\0\0" or root_entries:
            raise NotFatError
        root = int.from_bytes(data[44:48], "little")
        info = base + 1 if data[48:50] == b"\1\0" else 0
    elif not root_entries:
        raise NotFatError
    if fat_size * sector < ((clusters + 2) * bits + 7) // 8:
        raise NotFatError
    return Layout(
        bits, sector, cluster, base, fats, base + reserved, fat_size, root, root_entries,
        base + system, clusters, info,
    )


# ---------------------------------------------------------------------------------- formatting


class _Plan(NamedTuple):
    bits: int
    cluster: int
    reserved: int
    fat_size: int
    root_size: int
    clusters: int


def _plan(total: int, sector: int, fat32: bool) -> _Plan:
    """Sizes for a volume of `total` sectors.  Raises CannotFormatError."""
    unit, steps = (0x20000, FAT32_CLUSTERS) if fat32 else (0x1000, FAT_CLUSTERS)
    cluster = 1 << sum(step <= total // unit for step in steps)
    fixed = False
    while True:
        count = total // cluster
        if fat32:
            bits, size, reserved, root = 32, count * 4 + 8, 32, 0
            if not MOST_FAT16 < count <= MOST_FAT32:
                raise CannotFormatError
        else:
            bits = 16 if count > MOST_FAT12 else 12
            size = count * 2 + 4 if bits == 16 else (count * 3 + 1) // 2 + 3
            reserved, root = 1, ROOT_ENTRIES * ENTRY // sector
        fat_size = (size + sector - 1) // sector
        system = reserved + fat_size + root
        if total < system + cluster * 16:
            raise CannotFormatError
        count = (total - system) // cluster
        if bits == 32 and count <= MOST_FAT16:
            if fixed or cluster == 1:
                raise CannotFormatError
            cluster //= 2
        elif bits == 16 and not MOST_FAT12 < count <= MOST_FAT16:
            if fixed or cluster * 2 > 128:
                raise CannotFormatError
            cluster *= 2
        elif bits == 12 and count > MOST_FAT12:
            raise CannotFormatError
        else:
            return _Plan(bits, cluster, reserved, fat_size, root, count)
        fixed = True


def format_fat(device: BlockDevice, stamp: int, *, partition: int = 0) -> None:
    """Make an empty volume; the device has been started.

    stamp: date and time of the serial number, as in directories; partition: 1 to 4 formats that
    one, else the volume takes all of the medium (FAT32 behind a partition table, as boards do it).
    Raises OSError(EIO) if no volume fits.
    """
    sector = device.block_size
    if not device.writable:
        raise OSError(EROFS)
    if sector not in SECTOR_SIZES:
        raise OSError(EIO)
    base, total = 0, device.block_count
    table = None
    if partition:
        first = device.read_blocks(0, 1)
        row = first[PARTITIONS + 16 * partition - 16 : PARTITIONS + 16 * partition]
        if first[SIGNATURE_AT : SIGNATURE_AT + 2] != SIGNATURE or not row[4]:
            raise OSError(EIO)
        base, total = struct.unpack("<II", row[8:16])
    try:
        plan = _plan(_enough(total), sector, False)
    except CannotFormatError:
        try:
            if not partition:
                base, total = 63, total - 63
            plan = _plan(_enough(total), sector, True)
        except CannotFormatError:
            raise OSError(EIO) from None
        table = None if partition else _partition_table(base, total, sector)
    _write(device, base, total, plan, stamp)
    if table is not None:
        device.write_blocks(0, table)
    device.sync()


def _enough(total: int) -> int:
    if total < 22:
        raise CannotFormatError
    return total


def _partition_table(base: int, total: int, sector: int) -> bytes:
    """The first sector of a medium with one FAT32 partition."""
    out = bytearray(sector)
    last = (base + total) // (63 * 255)
    end = bytes([254, (last >> 2 & 0xC0 | 63) & 0xFF, last & 0xFF])
    struct.pack_into("<BBBBB3sII", out, PARTITIONS, 0, 1, 1, 0, 0x0C, end, base, total)
    out[SIGNATURE_AT : SIGNATURE_AT + 2] = SIGNATURE
    return bytes(out)


def boot_sector(base: int, total: int, sector: int, plan: _Plan, stamp: int) -> bytes:
    """The boot sector of a new volume."""
    wide = plan.bits == 32
    out = bytearray(sector)
    out[0:11] = b"\xeb\xfe\x90MSDOS5.0"
    struct.pack_into(
        "<HBHBHHBHHHII", out, 11, sector, plan.cluster, plan.reserved, 1,
        0 if wide else ROOT_ENTRIES, total if total < 0x10000 else 0, 0xF8,
        0 if wide else plan.fat_size, 63, 255, base, 0 if total < 0x10000 else total,
    )
    if wide:
        struct.pack_into("<IHHIHH", out, 36, plan.fat_size, 0, 0, 2, 1, 6)
    names = b"NO NAME    FAT32   " if wide else b"NO NAME    FAT     "
    struct.pack_into("<BBBI19s", out, 64 if wide else 36, 0x80, 0, 0x29, stamp, names)
    out[SIGNATURE_AT : SIGNATURE_AT + 2] = SIGNATURE
    return bytes(out)


def info_sector(sector: int, free: int, last: int) -> bytes:
    """The sector that counts free clusters on FAT32."""
    out = bytearray(sector)
    struct.pack_into("<I", out, 0, FS_INFO_LEAD)
    struct.pack_into("<III", out, 484, FS_INFO_BODY, free & 0xFFFFFFFF, last & 0xFFFFFFFF)
    out[SIGNATURE_AT : SIGNATURE_AT + 2] = SIGNATURE
    return bytes(out)


def _write(device: BlockDevice, base: int, total: int, plan: _Plan, stamp: int) -> None:
    sector = device.block_size
    boot = boot_sector(base, total, sector, plan, stamp)
    device.write_blocks(base, boot)
    head = {12: b"\xf8\xff\xff", 16: b"\xf8\xff\xff\xff"}.get(plan.bits, b"")
    root = plan.root_size
    if plan.bits == 32:
        device.write_blocks(base + 6, boot)
        info = info_sector(sector, plan.clusters - 1, 2)
        device.write_blocks(base + 7, info)
        device.write_blocks(base + 1, info)
        head = b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x0f"
        root = plan.cluster
    at = base + plan.reserved
    for size, begin in ((plan.fat_size, head), (root, b"")):
        left = size
        while left:
            count = min(left, WRITE_SIZE // sector)
            device.write_blocks(at, begin.ljust(count * sector, b"\0"))
            begin = b""
            at += count
            left -= count
