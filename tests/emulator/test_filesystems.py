"""FAT, littlefs 1 and 2 on images: layout, names, allocation, damage, missing parts."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import pytest

from mpy_cross.emulator.filesystems.device import ImageDevice
from mpy_cross.emulator.filesystems.fat import FatVolume, NotFatError, fat_time, format_fat
from mpy_cross.emulator.filesystems.fat.names import make_name, numbered, pieces
from mpy_cross.emulator.filesystems.fat.volume import seconds_of
from mpy_cross.emulator.filesystems.image import (
    ImageError,
    format_device,
    identify,
    make_folders,
    open_filesystem,
    read_file,
    tree,
    write_file,
)
from mpy_cross.emulator.filesystems.littlefs1 import Littlefs1, format_littlefs1
from mpy_cross.emulator.filesystems.littlefs2 import MissingLibraryError, format_littlefs2
from mpy_cross.emulator.filesystems.volume import (
    FAT,
    LITTLEFS1,
    LITTLEFS2,
    Filesystem,
    Found,
    Settings,
    parse_mode,
)

TIME = 700_000_000
KINDS = (Found(FAT, 512), Found(LITTLEFS1, 512), Found(LITTLEFS2, 512))


def now() -> int:
    return TIME


def make(found: Found, blocks: int = 200) -> tuple[ImageDevice, Filesystem]:
    device = ImageDevice(bytearray(b"\xff" * found.block_size * blocks), found.block_size)
    format_device(device, found, now)
    return device, open_filesystem(device, found, now)


def errno_of(call: Callable[..., object], *args: object) -> int:
    with pytest.raises(OSError) as caught:
        call(*args)
    return int(caught.value.args[0])


# ------------------------------------------------------------------------------------- common


@pytest.mark.parametrize("found", KINDS, ids=lambda found: found.kind)
def test_files_and_folders(found: Found) -> None:
    device, fs = make(found)
    data = random.Random(1).randbytes(9000)
    write_file(fs, "/big", data)
    make_folders(fs, "/a/b/c")
    write_file(fs, "/a/b/c/Deep name.txt", b"deep")
    write_file(fs, "/empty", b"")
    assert read_file(fs, "/big") == data
    assert dict(tree(fs)) == {
        "/a": True, "/a/b": True, "/a/b/c": True, "/a/b/c/Deep name.txt": False, "/big": False,
        "/empty": False,
    }
    fs.rename("/a/b/c/Deep name.txt", "/top")
    fs.remove_folder("/a/b/c")
    file = fs.open("/big", parse_mode("r+b"))
    file.seek(600, 0)
    file.write(b"changed")
    file.seek(-3, 1)
    assert file.read(5) == b"ged" + data[607:609]
    assert file.seek(0, 2) == 9000
    file.close()
    again = open_filesystem(device, found, now)
    assert read_file(again, "/big") == data[:600] + b"changed" + data[607:]
    assert read_file(again, "/top") == b"deep"
    assert identify(device.view) == found


@pytest.mark.parametrize("found", KINDS, ids=lambda found: found.kind)
def test_space_comes_back(found: Found) -> None:
    _, fs = make(found)
    before = fs.space().free
    for _ in range(6):
        write_file(fs, "/x", bytes(20_000))
        fs.remove("/x")
    assert fs.space().free == before
    file = fs.open("/x", parse_mode("w"))
    assert errno_of(lambda: [file.write(bytes(4096)) for _ in range(100)]) == 28


@pytest.mark.parametrize("found", KINDS, ids=lambda found: found.kind)
def test_damage_is_an_error_of_the_filesystem(found: Found) -> None:
    """Whatever the bytes are, only OSError comes out, and nothing hangs."""
    numbers = random.Random(found.kind)
    device, fs = make(found, 100)
    make_folders(fs, "/d/e")
    for number in range(8):
        write_file(fs, f"/d/file{number}", bytes([number]) * 700 * number)
    good = bytes(device.view)
    for _ in range(150):
        device.view[:] = good
        for _ in range(numbers.randrange(1, 5)):
            at = numbers.randrange(numbers.choice((1024, 20_000, len(good))))
            device.view[at] ^= 1 << numbers.randrange(8)
        try:
            damaged = open_filesystem(device, found, now)
            for path, folder in tree_of(damaged):
                if not folder:
                    read_file(damaged, path)
            damaged.space()
        except (OSError, NotFatError):
            continue


def tree_of(fs: Filesystem, path: str = "", depth: int = 0) -> list[tuple[str, bool]]:
    """Like `tree`, but folders that contain themselves end."""
    out: list[tuple[str, bool]] = []
    for number, (name, status) in enumerate(fs.entries(path or "/")):
        if number > 100:
            break
        out.append((f"{path}/{name}", status.folder))
        if status.folder and depth < 4:
            out += tree_of(fs, f"{path}/{name}", depth + 1)
    return out


# ---------------------------------------------------------------------------------------- FAT


@pytest.mark.spec("F08")
@pytest.mark.parametrize(
    ("sectors", "size", "kind", "cluster", "clusters"),
    [
        # What VfsFat.mkfs and statvfs of the reference give.
        (50, 512, "FAT12", 512, 16),
        (224, 512, "FAT12", 512, 190),
        (4096, 512, "FAT12", 1024, 2028),
        (20_000, 512, "FAT16", 2048, 4986),
        (64, 4096, "FAT12", 4096, 58),
    ],
)
def test_fat_sizes(sectors: int, size: int, kind: str, cluster: int, clusters: int) -> None:
    device = ImageDevice(bytearray(sectors * size), size)
    format_fat(device, 0)
    volume = FatVolume(device, now)
    assert (volume.kind, volume.space()[:3]) == (kind, (cluster, clusters, clusters))


class Sparse:
    """A large medium that keeps only what is not zero."""

    def __init__(self, count: int) -> None:
        self.block_size, self.block_count, self.writable = 512, count, True
        self.blocks: dict[int, bytes] = {}

    def start(self, extended: bool) -> None:
        pass

    def read_blocks(self, block: int, count: int) -> bytes:
        return b"".join(self.blocks.get(at, bytes(512)) for at in range(block, block + count))

    def write_blocks(self, block: int, data: bytes) -> None:
        for at in range(0, len(data), 512):
            self.blocks.pop(block + at // 512, None)
            if any(data[at : at + 512]):
                self.blocks[block + at // 512] = data[at : at + 512]

    def read(self, block: int, offset: int, size: int) -> bytes:
        raise AssertionError

    def program(self, block: int, offset: int, data: bytes) -> None:
        raise AssertionError

    def erase(self, block: int) -> None:
        raise AssertionError

    def sync(self) -> None:
        pass


def test_fat32() -> None:
    """Where FAT16 does not fit: in a partition, with a sector that counts free clusters."""
    medium = Sparse(8_400_000)
    format_fat(medium, 0)
    assert sorted(medium.blocks) == [0, 63, 64, 69, 70, 95]
    volume = FatVolume(medium, now)
    assert (volume.kind, volume.space()[:3]) == ("FAT32", (32768, 131_232, 131_231))
    volume.make_folder("/d")
    write_file(volume, "/d/f", b"x" * 100_000)
    again = FatVolume(medium, now)
    assert read_file(again, "/d/f") == b"x" * 100_000
    assert again.space().free == 131_226
    again.remove("/d/f")
    assert FatVolume(medium, now).space().free == 131_230


def test_fat_needs_room() -> None:
    assert errno_of(format_fat, ImageDevice(bytearray(49 * 512), 512), 0) == 5
    assert errno_of(format_fat, ImageDevice(bytearray(64 * 8192), 8192), 0) == 5
    with pytest.raises(NotFatError):
        FatVolume(ImageDevice(bytearray(50 * 512), 512), now)


def test_second_fat_and_partitions() -> None:
    """A medium from a PC: a partition table, two FATs."""
    inner = ImageDevice(bytearray(400 * 512), 512)
    format_fat(inner, 0)
    whole = bytearray(63 * 512) + inner.view
    whole[510:512] = b"\x55\xaa"
    whole[446:462] = bytes([0, 0, 0, 0, 1, 0, 0, 0]) + b"\x3f\0\0\0" + (400).to_bytes(4, "little")
    device = ImageDevice(whole, 512)
    base = 63 * 512
    fat_size = int.from_bytes(whole[base + 22 : base + 24], "little")
    whole[base + 16] = 2  # a second table, in place of the first sectors of the root
    whole[base + 512 * (1 + fat_size) : base + 512 * (1 + 2 * fat_size)] = whole[
        base + 512 : base + 512 * (1 + fat_size)
    ]
    volume = FatVolume(device, now)
    write_file(volume, "/f", b"x" * 2000)
    first = whole[base + 512 : base + 512 * (1 + fat_size)]
    second = whole[base + 512 * (1 + fat_size) : base + 512 * (1 + 2 * fat_size)]
    assert first == second and any(first[3:])
    assert read_file(FatVolume(device, now, partition=1), "/f") == b"x" * 2000


@pytest.mark.parametrize(
    ("name", "short", "entries", "case"),
    [
        ("BOOT.PY", b"BOOT    PY ", 0, 0),
        ("boot.py", b"BOOT    PY ", 0, 0x18),
        ("Boot.py", b"BOOT    PY ", 1, 0),
        ("BOOT.py", b"BOOT    PY ", 0, 0x10),
        ("long file name.txt", b"LONGFI~1TXT", 2, 0),
        (".hidden", b"~1      HID", 1, 0),
        ("a+b", b"A_B~1      ", 1, 0),
        ("archive.tar.gz", b"ARCHIV~1GZ ", 2, 0),
        ("trailing. ", b"TRAILING   ", 0, 8),
        ("\xe5", "\u251c\xd1".encode("cp437")[:1] + b"", 1, 0),
    ],
)
def test_fat_names(name: str, short: bytes, entries: int, case: int) -> None:
    made = make_name(name)
    found = numbered(made, 1) if made.lossy else made.short
    assert found.startswith(short) and made.case == case
    assert len(pieces(made, found)) * made.needs_long == entries


@pytest.mark.parametrize(
    "name", ['a"b', "a*", "a:b", "<", "x?", "a|b", "\x7f", "...", " ", "n" * 256]
)
def test_names_that_fat_refuses(name: str) -> None:
    assert errno_of(make_name, name) == 22


def test_fat_names_are_kept_and_found_in_any_case() -> None:
    _, fs = make(KINDS[0], 400)
    names = ["Mixed.Case", "lower", "UPPER", "\xe4\xf6\xfc.txt", "n" * 200, "a b c", "x.y.z"]
    for name in names:
        write_file(fs, f"/{name}", name.encode())
    assert [name for name, _ in fs.entries("/")] == names
    assert read_file(fs, "/MIXED.case") == b"Mixed.Case"
    for number in range(30):
        write_file(fs, f"/same beginning {number}", bytes([number]))
    assert [read_file(fs, f"/Same Beginning {n}") for n in range(30)] == [
        bytes([number]) for number in range(30)
    ]


def test_fat_times() -> None:
    for seconds in (0, TIME, TIME + 2, -1, 2_000_000_000):
        assert 0 <= seconds - seconds_of(fat_time(seconds)) <= 1
    assert fat_time(0) >> 16 == 0x2821  # 2000-01-01


def test_fat_root_is_limited_and_folders_grow() -> None:
    _, fs = make(KINDS[0], 2000)
    fs.make_folder("/d")
    for number in range(600):
        fs.open(f"/d/F{number}", parse_mode("w")).close()
    assert len(list(fs.entries("/d"))) == 600
    with pytest.raises(OSError) as caught:
        for number in range(600):
            fs.open(f"/F{number}", parse_mode("w")).close()
    assert caught.value.args == (13,)
    assert len(list(fs.entries("/"))) == 512


# ----------------------------------------------------------------------------------- littlefs


class Cut(Exception):
    """The power is off."""


@pytest.mark.spec("F09", "F10")
@pytest.mark.parametrize("found", KINDS[1:], ids=lambda found: found.kind)
def test_littlefs_survives_a_power_cut_at_every_write(found: Found) -> None:
    """Whatever write is the last: the files are as before or as after."""
    device, prepared = make(found, 40)
    write_file(prepared, "/f", b"old" * 100)
    prepared.make_folder("/d")
    start = bytes(device.view)
    done, cuts = False, 0
    while not done:
        medium = ImageDevice(bytearray(start), 512, flash=True)
        left = cuts

        def watch(kind: str, offset: int, data: bytes, /) -> bytes:
            nonlocal left
            left -= 1
            if left < 0:
                raise Cut
            return data

        medium.watch = watch
        try:
            fs = open_filesystem(medium, found, now)
            write_file(fs, "/f", b"new" * 300)
            fs.rename("/f", "/d/g")
            done = True
        except Cut:
            cuts += 1
        medium.watch = None
        after = open_filesystem(medium, found, now)
        after.open("/probe", parse_mode("w")).close()  # repairs what was half done
        paths = [path for path, folder in tree(after) if not folder and path != "/probe"]
        assert paths in (["/f"], ["/d/g"]), cuts
        contents = read_file(after, paths[0])
        assert contents == b"new" * 300 or (contents == b"old" * 100 and paths == ["/f"]), cuts
    assert cuts > 8


def test_watch_sees_offsets_in_the_medium() -> None:
    device = ImageDevice(bytearray(b"\xff" * 4096), 512, start=1024, size=2048, flash=True)
    seen: list[tuple[str, int, int]] = []

    def watch(kind: str, offset: int, data: bytes, /) -> bytes:
        seen.append((kind, offset, len(data)))
        return data.replace(b"\1", b"\0")

    device.watch = watch
    device.program(1, 3, b"\1\2")
    device.with_blocks(1024).erase(1)
    device.write_blocks(0, bytes(512))
    assert seen == [
        ("program", 1024 + 515, 2), ("erase", 2048, 1024), ("erase", 1024, 512),
        ("program", 1024, 512),
    ]
    assert device.read(1, 3, 2) == b"\0\2"


@pytest.mark.spec("F09")
def test_littlefs1_folders_of_many_blocks() -> None:
    device, fs = make(Found(LITTLEFS1, 256), 300)
    names = [f"file number {number}" for number in range(60)]
    for name in names:
        write_file(fs, f"/{name}", name.encode())
    for name in names[::2]:
        fs.remove(f"/{name}")
    assert [name for name, _ in fs.entries("/")] == names[1::2]
    again = Littlefs1(device, Settings())
    assert all(read_file(again, f"/{name}") == name.encode() for name in names[1::2])


@pytest.mark.parametrize(
    "settings", [Settings(read_size=0), Settings(32, 48), Settings(lookahead=7)]
)
def test_sizes_that_littlefs_refuses(settings: Settings) -> None:
    for maker in (format_littlefs1, format_littlefs2):
        assert errno_of(maker, ImageDevice(bytearray(512 * 50), 512), settings) == 22
        assert errno_of(maker, ImageDevice(bytearray(64 * 50), 64), Settings()) == 22


def test_littlefs2_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "littlefs", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'mpy-toolchain\[emulator\]'"):
        format_littlefs2(ImageDevice(bytearray(512 * 50), 512), Settings())


def test_flash_clears_bits_only() -> None:
    device = ImageDevice(bytearray(b"\xff" * 1024), 512, flash=True)
    device.program(0, 0, b"\x0f")
    device.program(0, 0, b"\xf3")
    assert device.read(0, 0, 2) == b"\x03\xff"
    device.erase(0)
    assert device.read(0, 0, 1) == b"\xff" and device.changed
    assert errno_of(device.read, 2, 0, 1) == 5
    device.protect()
    assert errno_of(device.program, 0, 0, b"x") == 30


def test_folders_in_themselves_end() -> None:
    device, fs = make(KINDS[0])
    fs.make_folder("/d")
    fs.make_folder("/d/e")
    place = bytes(device.view).index(b"E          \x10")
    # The folder e becomes d, and so does what is above it.
    start = bytes(device.view).index(b"D          \x10")
    device.view[place + 26 : place + 28] = device.view[start + 26 : start + 28]
    again = FatVolume(device, now)
    with pytest.raises(ImageError, match="folders are in themselves"):
        tree(again)
    again.change_folder("/d/e/e/e")
    assert again.current_folder() == "/d"
