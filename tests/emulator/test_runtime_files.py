"""Files: volumes, what is mounted, `open` and `os`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpy_cross.emulator.filesystems.volume import parse_mode
from mpy_cross.emulator.runtime.filesystem import Files
from mpy_cross.emulator.runtime.vfs import Vfs
from mpy_cross.emulator.runtime.volumes import FolderVolume, MemoryVolume, Volume
from tests.emulator.running import Board, run


@pytest.fixture(params=["memory", "folder"])
def volume(request: pytest.FixtureRequest, tmp_path: Path) -> Volume:
    return MemoryVolume() if request.param == "memory" else FolderVolume(tmp_path)


def errno_of(call: object, *args: object) -> int:
    with pytest.raises(OSError) as caught:
        call(*args)  # type: ignore[operator]
    assert len(caught.value.args) == 1  # as a program sees it: no text of the host
    return int(caught.value.args[0])


def write(volume: Volume, path: tuple[str, ...], data: bytes, mode: str = "wb") -> None:
    file = volume.open(path, parse_mode(mode))
    assert file.write(data) == len(data)
    file.close()


def read(volume: Volume, path: tuple[str, ...]) -> bytes:
    file = volume.open(path, parse_mode("rb"))
    data = file.read(1000)
    file.close()
    return data


def test_volumes_agree(volume: Volume) -> None:
    write(volume, ("a",), b"12345")
    write(volume, ("a",), b"67", "ab")
    assert read(volume, ("a",)) == b"1234567"
    write(volume, ("a",), b"x", "r+b")
    assert read(volume, ("a",)) == b"x234567"
    volume.make_folder(("d",))
    write(volume, ("d", "b"), b"")
    assert sorted(name for name, _ in volume.entries(())) == ["a", "d"]
    assert volume.status(("a",))[:2] == (False, 7)
    assert volume.status(("d",)).folder
    volume.rename(("a",), ("d", "c"))
    assert [name for name, _ in sorted(volume.entries(("d",)))] == ["b", "c"]
    volume.remove(("d", "b"))
    assert errno_of(volume.remove_folder, ("d",)) == 39
    volume.remove(("d", "c"))
    volume.remove_folder(("d",))
    assert volume.entries(()) == []


def test_errors_of_volumes_agree(volume: Volume) -> None:
    volume.make_folder(("d",))
    write(volume, ("f",), b"")
    reading, exclusive = parse_mode("r"), parse_mode("x")
    assert errno_of(volume.open, ("gone",), reading) == 2
    assert errno_of(volume.open, ("gone", "f"), parse_mode("w")) == 2
    assert errno_of(volume.open, ("d",), reading) == 21
    assert errno_of(volume.open, ("f",), exclusive) == 17
    assert errno_of(volume.status, ("gone",)) == 2
    assert errno_of(volume.remove, ("gone",)) == 2
    assert errno_of(volume.remove, ("d",)) == 21
    assert errno_of(volume.remove_folder, ("gone",)) == 2
    assert errno_of(volume.make_folder, ("d",)) == 17
    file = volume.open(("f",), reading)
    assert errno_of(file.write, b"x") == 9
    file.close()
    assert errno_of(file.read, 1) == 22


def test_memory_is_limited() -> None:
    volume = MemoryVolume(1024)
    write(volume, ("a",), bytes(512))
    file = volume.open(("b",), parse_mode("w"))
    assert errno_of(file.write, bytes(513)) == 28
    assert file.write(bytes(512)) == 512
    assert volume.space() == (512, 2, 0)
    volume.remove(("a",))
    assert volume.space() == (512, 2, 1)


def test_nothing_outside_of_the_folder_can_be_reached(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (inside / "link").symlink_to(outside)
    (inside / "file").symlink_to(outside / "secret")
    (inside / "loop").symlink_to("loop")
    os.mkfifo(inside / "pipe")
    volume = FolderVolume(inside)
    files = Files()
    files.add_volume(volume, "/")
    for path in (
        "/../out/secret",
        "../out/secret",
        "link/secret",
        "file",
        "/link/../../out/secret",
        "..\\out\\secret",
        str(outside / "secret"),
        "x\0y",
        "loop",
        "pipe",
    ):
        for mode in ("r", "w", "a", "r+"):
            with pytest.raises(OSError):
                files.open(path, mode)
        assert files.kind(path) == 0 or path == "pipe"
    for call in (files.mkdir, files.rmdir, files.remove):
        with pytest.raises(OSError):
            call("link/secret")
    with pytest.raises(OSError):
        files.rename("link/secret", "stolen")
    assert [name for name, *_ in files.ilistdir("/")] == ["pipe"]
    assert (outside / "secret").read_text() == "secret"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_folder_may_be_read_only(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("text")
    files = Files()
    files.add_volume(FolderVolume(tmp_path, readonly=True), "/")
    for call, args in (
        (files.open, ("f", "w")),
        (files.open, ("f", "a")),
        (files.open, ("f", "r+")),
        (files.remove, ("f",)),
        (files.rename, ("f", "g")),
        (files.mkdir, ("d",)),
    ):
        assert errno_of(call, *args) == 30
    assert files.read("f") == b"text"


def test_mounting() -> None:
    files = Files()
    files.mount(Vfs(MemoryVolume()), "/")
    files.mount(Vfs(MemoryVolume()), "/sd")
    assert errno_of(lambda: files.mount(Vfs(MemoryVolume()), "/sd")) == 1
    assert errno_of(lambda: files.mount(Vfs(MemoryVolume()), "/")) == 1
    files.mkdir("/sd/a")
    files.mkdir("/b")
    assert [name for name, *_ in files.ilistdir("/")] == ["sd", "b"]
    files.chdir("/sd/a")
    assert files.getcwd() == "/sd/a"
    assert errno_of(files.rename, "/b", "/sd/b") == 1
    files.umount("/sd")
    assert files.getcwd() == "/"
    assert errno_of(files.umount, "/sd") == 22
    assert errno_of(lambda: files.mount(5, "/x")) == 19


def test_open_in_programs() -> None:
    program = """
with open("f", "w") as f:
    print(f.write("one\\ntwo\\n\\u00e4\\n"), f.tell())
with open("f") as f:
    print(f.read(4), f.readline(), f.read(1), f.read())
    f.seek(0)
    print(list(f))
with open("f", "rb") as f:
    b = bytearray(5)
    print(f.readinto(b), b, f.readlines(), f)
f.close()
try:
    f.read()
except OSError as e:
    print(e)
for name, mode in (("none", "r"), ("none/x", "w"), ("/", "w")):
    try:
        open(name, mode)
    except OSError as e:
        print(e)
"""
    lines = run(program).splitlines()
    assert lines[0] == "11 11"  # bytes, for text too
    assert lines[1:5] == ["one", " two", " \xe4 ", ""]
    assert lines[5] == "['one\\n', 'two\\n', '\\xe4\\n']"
    assert lines[6].startswith("5 bytearray(b'one\\nt') [b'wo\\n', b'\\xc3\\xa4\\n'] <io.FileIO ")
    assert lines[7:] == [
        "[Errno 22] EINVAL",
        "[Errno 2] ENOENT",
        "[Errno 2] ENOENT",
        "[Errno 1] EPERM",
    ]


def test_os_in_programs() -> None:
    program = """
import os
os.mkdir("d")
os.chdir("d")
open("f", "w").write("12345")
print(os.getcwd(), os.listdir(), list(os.ilistdir()), os.listdir(b"."))
print(os.stat("f")[:7], os.stat("/d")[0] == 0x4000)
os.rename("f", "../g")
os.chdir("..")
os.rmdir("d")
print(os.listdir("/"), len(os.urandom(7)), os.urandom(4) == os.urandom(4))
os.remove("g")
try:
    os.remove("g")
except OSError as e:
    print(e.errno)
print(os.statvfs("/")[0], len(os.statvfs("/")), os.uname().sysname == os.uname()[0])
"""
    assert run(program) == (
        "/d ['f'] [('f', 32768, 0, 5)] [b'f']\n(32768, 0, 0, 0, 0, 0, 5) True\n"
        "['g'] 7 False\n2\n512 10 True\n"
    )


def test_random_bytes_are_the_same_every_time() -> None:
    program = "import os, random\nprint(os.urandom(8), random.getrandbits(30))"
    assert run(program) == run(program)
    board = Board()
    board.runtime.seed = 5
    assert board.run(program) != run(program)


def test_filesystem_of_a_program() -> None:
    program = """
import os, io, sys
class File(io.IOBase):
    def __init__(self, data):
        self.data = data
    def readinto(self, buffer):
        n = min(len(buffer), len(self.data))
        buffer[:n] = self.data[:n]
        self.data = self.data[n:]
        return n
    def ioctl(self, request, argument):
        return 0
class Vfs:
    def mount(self, readonly, mkfs):
        print("mount", readonly, mkfs)
    def umount(self):
        print("umount")
    def stat(self, path):
        if path != "/m.py":
            raise OSError(2)
        return (0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    def open(self, path, mode):
        return File(b"print('imported')")
os.mount(Vfs(), "/v", readonly=True)
sys.path.append("/v")
import m
print(m.__file__)
os.umount("/v")
"""
    assert run(program) == "mount True False\nimported\n/v/m.py\numount\n"
