"""Filesystems as programs of a board see them: mounting, block devices, the flash of boards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.faults import Faults, PowerCut
from mpy_cross.emulator.filesystems.image import identify
from mpy_cross.emulator.session import Session, SessionError
from mpy_cross.loader.release import get
from tests.emulator.running import run

RAM = """
import os
class Ram:
    def __init__(self, size=512, blocks=50):
        self.size = size
        self.data = bytearray(size * blocks)
        self.log = []
    def readblocks(self, block, buf, offset=0):
        at = block * self.size + offset
        buf[:] = self.data[at : at + len(buf)]
    def writeblocks(self, block, buf, offset=None):
        self.log.append(("w", block, offset, len(buf)))
        at = block * self.size + (offset or 0)
        self.data[at : at + len(buf)] = buf
    def ioctl(self, request, argument):
        self.log.append((request, argument))
        if request == 4:
            return len(self.data) // self.size
        if request == 5:
            return self.size
        if request == 6:
            return 0
def error(function, *args, **options):
    try:
        return function(*args, **options)
    except Exception as e:
        return type(e).__name__, e.args
ram = Ram()
"""


def prints(program: str, release: str = "1.17") -> list[str]:
    return run(RAM + program, release=release).splitlines()


def session(board: str, release: str = "1.17") -> Session:
    chosen = get(release)
    made = Session(board, chosen, compiler_for(chosen))
    _sessions.append(made)
    return made


_sessions: list[Session] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Sessions end with their test."""
    yield
    while _sessions:
        _sessions.pop().close()


def on_board(board: str, program: str, release: str = "1.17") -> list[str]:
    made = session(board, release)
    outcome = made.execute(RAM + program)
    assert outcome is not None and not outcome.text, outcome
    return made.console.splitlines()


@pytest.mark.spec("F01")
def test_filesystems_are_seen_as_one() -> None:
    assert on_board("pyboard", "print(os.getcwd(), os.listdir('/'))") == ["/flash ['flash']"]
    assert on_board("pico", "print(os.getcwd(), os.listdir('/'))") == ["/ []"]
    program = """
os.VfsFat.mkfs(ram)
os.mount(ram, "/ram")
with open("/ram/f", "w") as f:
    f.write("text")
print(os.listdir("/"), os.listdir("/ram"), os.stat("/ram")[0] == 0x4000)
os.chdir("/ram")
print(os.getcwd(), open("f").read(), os.stat("f")[6])
print(error(os.rename, "f", "/g"))
"""
    assert on_board("pico", program) == [
        "['ram'] ['f'] True", "/ram text 4", "('OSError', (1,))",
    ]


@pytest.mark.spec("F02")
def test_mount() -> None:
    program = """
print(error(os.mount, ram, "/r"))
os.VfsFat.mkfs(ram)
print(error(os.mount, ram, "/r", readonly=True))
print(error(os.mount, ram, "/r"))
print(error(open, "/r/f", "w"), error(os.mkdir, "/r/d"), os.listdir("/r"))
lfs = Ram()
os.VfsLfs2.mkfs(lfs)
os.mount(lfs, "/l")
open("/l/f", "w").close()
lfs1 = Ram()
os.VfsLfs1.mkfs(lfs1)
os.mount(lfs1, "/1")
print(error(os.mount, lfs, "/1"), os.listdir("/l"), os.listdir("/"))
print(error(os.mount, 5, "/x"), error(os.mount, lfs))
"""
    assert prints(program) == [
        "('OSError', (19,))",
        "None",
        "('OSError', (1,))",
        "('OSError', (30,)) ('OSError', (30,)) []",
        "('OSError', (1,)) ['f'] ['r', 'l', '1']",
        "('AttributeError', (\"'int' object has no attribute 'readblocks'\",)) "
        "('TypeError', ('function takes 2 positional arguments but 1 were given',))",
    ]


@pytest.mark.spec("F03")
def test_umount() -> None:
    program = """
os.VfsFat.mkfs(ram)
vfs = os.VfsFat(ram)
os.mount(vfs, "/r")
os.umount(vfs)
os.mount(vfs, "/r")
os.chdir("/r")
os.umount("/r")
print(os.getcwd(), error(os.umount, "/r"), error(os.umount, vfs), vfs.ilistdir)
print(list(vfs.ilistdir()))
"""
    lines = prints(program)
    assert lines[0].startswith("/ ('OSError', (22,)) ('OSError', (22,)) <bound_method")
    assert lines[1] == "[]"


@pytest.mark.spec("F04")
def test_simple_interface() -> None:
    """FAT reads and writes whole blocks; each write of a file is seen."""
    program = """
os.VfsFat.mkfs(ram)
print(all(len(entry) == 2 or entry[2] is None and entry[3] % 512 == 0 for entry in ram.log))
vfs = os.VfsFat(ram)
ram.log.clear()
f = vfs.open("f", "w")
f.write("x" * 1024)
print(ram.log)
f.close()
print(ram.log[-1], ram.data[34 * 512 : 34 * 512 + 4])
"""
    assert prints(program) == [
        "True",
        "[('w', 2, None, 512), ('w', 34, None, 512), ('w', 35, None, 512)]",
        "(3, 0) bytearray(b'xxxx')",
    ]


@pytest.mark.spec("F05")
def test_extended_interface() -> None:
    """littlefs erases before it writes, and writes at offsets."""
    program = """
os.VfsLfs2.mkfs(ram)
vfs = os.VfsLfs2(ram)
ram.log.clear()
with vfs.open("f", "w") as f:
    f.write("x" * 600)
print(all(e[2] is not None for e in ram.log if e[0] == "w"))
erased = {0, 1}
for entry in ram.log:
    if entry[0] == 6:
        erased.add(entry[1])
    elif entry[0] == "w":
        print(entry[1] in erased, end=" ")
print()
class Simple:
    def readblocks(self, block, buf):
        buf[:] = bytes(len(buf))
    def ioctl(self, request, argument):
        return {4: 50, 5: 512}.get(request, 0)
print(error(os.VfsLfs2, Simple())[0])
"""
    lines = prints(program)
    assert lines[0] == "True" and set(lines[1].split()) == {"True"} and lines[2] == "TypeError"


@pytest.mark.spec("F06")
def test_ioctl() -> None:
    program = """
os.VfsFat.mkfs(ram)
print([entry for entry in ram.log if len(entry) == 2])
class Default(Ram):
    def ioctl(self, request, argument):
        if request == 4:
            return 60
small = Default(512, 60)
os.VfsFat.mkfs(small)
print(os.VfsFat(small).statvfs("")[:3])
class Failing(Ram):
    def ioctl(self, request, argument):
        if request == 1:
            return 5
        return super().ioctl(request, argument)
print(error(os.VfsFat, Failing()))
class NoErase(Ram):
    def ioctl(self, request, argument):
        if request == 6:
            return -5
        return super().ioctl(request, argument)
print(error(os.VfsLfs1.mkfs, NoErase()), error(os.VfsLfs2.mkfs, NoErase()))
class Old:
    def __init__(self):
        self.data = bytearray(512 * 50)
    def readblocks(self, block, buf):
        buf[:] = self.data[block * 512 : block * 512 + len(buf)]
    def writeblocks(self, block, buf):
        self.data[block * 512 : block * 512 + len(buf)] = buf
    def count(self):
        return 50
old = Old()
os.VfsFat.mkfs(old)
print(os.VfsFat(old).statvfs("")[:3], error(os.VfsFat, object())[0])
"""
    assert prints(program) == [
        "[(1, 0), (5, 0), (1, 0), (5, 0), (4, 0), (3, 0)]",
        "(512, 512, 26)",
        "('OSError', (16,))",
        "('OSError', (5,)) ('OSError', (5,))",
        "(512, 512, 16) AttributeError",
    ]


@pytest.mark.parametrize(
    ("release", "expected"), [("1.23", "512 None"), ("1.24", "('OSError', (5,))")]
)
def test_results_of_simple_devices_count_from_1_24(release: str, expected: str) -> None:
    program = """
os.VfsFat.mkfs(ram)
vfs = os.VfsFat(ram)
class Failing(Ram):
    def writeblocks(self, block, buf):
        return -5
bad = Failing()
bad.data = ram.data
vfs = os.VfsFat(bad)
f = vfs.open("f", "w")
result = error(f.write, "x" * 512)
print(result if type(result) is tuple else (str(result) + " " + str(f.close())))
"""
    assert prints(program, release) == [expected]


def test_exceptions_of_a_device_pass_through() -> None:
    program = """
class Broken(Ram):
    fail = False
    def readblocks(self, block, buf, offset=0):
        if self.fail:
            raise KeyError("broken")
        super().readblocks(block, buf, offset)
for kind in (os.VfsFat, os.VfsLfs1, os.VfsLfs2):
    device = Broken()
    kind.mkfs(device)
    vfs = kind(device)
    vfs.mkdir("d")
    vfs.open("f", "w").close()
    device.fail = True
    print(error(lambda: list(vfs.ilistdir("d"))), end=" ")
    device.fail = False
    print(vfs.stat("f")[6])
"""
    assert prints(program) == ["('KeyError', ('broken',)) 0"] * 3


@pytest.mark.spec("F07")
@pytest.mark.parametrize("kind", ["VfsFat", "VfsLfs1", "VfsLfs2"])
def test_files_on_a_ram_device(kind: str) -> None:
    program = f"""
os.{kind}.mkfs(ram)
os.mount(ram, "/ramdisk")
with open("/ramdisk/hello.txt", "w") as f:
    f.write("Hello world")
print(open("/ramdisk/hello.txt").read(), os.listdir("/ramdisk"))
os.mkdir("/ramdisk/d")
os.chdir("/ramdisk/d")
with open("../hello.txt", "ab") as f:
    print(f.write(b"!\\n"), f.tell(), f.seek(0, 1))
with open("/ramdisk/hello.txt") as f:
    print(f.seek(6), f.readline(), f.read())
print(os.getcwd(), list(os.ilistdir("..")))
import sys
sys.path.append("/ramdisk")
with open("/ramdisk/module.py", "w") as f:
    f.write("print('imported')")
import module
"""
    assert prints(program) == [
        "Hello world ['hello.txt']",
        "2 13 13",
        "6 world!",
        " ",
        "/ramdisk/d [('hello.txt', 32768, 0, 13), ('d', 16384, 0, 0)]"
        if kind != "VfsLfs2"
        else "/ramdisk/d [('d', 16384, 0, 0), ('hello.txt', 32768, 0, 13)]",
        "imported",
    ]


@pytest.mark.spec("F09")
def test_arguments_of_littlefs1() -> None:
    program = """
os.VfsLfs1.mkfs(ram, readsize=64, progsize=128, lookahead=64)
vfs = os.VfsLfs1(ram, readsize=64, progsize=128, lookahead=64)
print(vfs.statvfs(""), ram.data[40:48])
print(all(entry[3] % 128 == 0 for entry in ram.log if len(entry) == 4))
"""
    assert prints(program) == [
        "(512, 512, 50, 46, 46, 0, 0, 0, 0, 255) bytearray(b'littlefs')", "True",
    ]


@pytest.mark.spec("F10")
def test_times_of_littlefs2() -> None:
    program = """
import time
os.VfsLfs2.mkfs(ram)
time.sleep(100)
plain = os.VfsLfs2(ram, mtime=False)
plain.open("plain", "w").close()
vfs = os.VfsLfs2(ram)
vfs.open("timed", "w").close()
print(vfs.stat("plain")[7:], vfs.stat("timed")[7:])
time.sleep(10)
plain.open("timed", "r").close()
f = vfs.open("plain", "a")
time.sleep(5)
f.write("x")
f.close()
print(vfs.stat("plain")[8], vfs.stat("timed")[8])
"""
    assert prints(program) == ["(0, 0, 0) (100, 100, 100)", "115 100"]


@pytest.mark.parametrize(("release", "version"), [("1.21", b"\0\0\2\0"), ("1.22", b"\1\0\2\0")])
def test_version_of_littlefs2(release: str, version: bytes) -> None:
    assert prints("os.VfsLfs2.mkfs(ram)\nprint(bytes(ram.data[20:24]))", release) == [str(version)]


def test_module_vfs() -> None:
    program = """
try:
    import vfs
except ImportError as e:
    print(e)
else:
    print(vfs.VfsFat is os.VfsFat, error(vfs.mount))
"""
    assert prints(program, "1.22") == ["no module named 'vfs'"]
    assert prints(program, "1.23")[0].startswith("True ('TypeError'")
    assert prints(program, "1.25")[0].startswith("True [(<Vfs")


def test_files_that_nobody_has_are_closed_by_the_collection() -> None:
    program = """
import gc
os.VfsFat.mkfs(ram)
vfs = os.VfsFat(ram)
def make():
    vfs.open("f", "w").write("text")
make()
print(vfs.stat("f")[6])
gc.collect()
print(vfs.stat("f")[6])
"""
    assert prints(program) == ["0", "4"]


# ------------------------------------------------------------------------------------- boards


@pytest.mark.spec("F14")
@pytest.mark.parametrize("board", ["pyboard", "pico"])
def test_filesystems_of_boards(board: str) -> None:
    program = "print([name for name in ('VfsFat', 'VfsLfs1', 'VfsLfs2') if hasattr(os, name)])"
    assert on_board(board, program) == ["['VfsFat', 'VfsLfs2']"]


@pytest.mark.spec("F16")
def test_flash_of_the_pyboard() -> None:
    program = """
import pyb
flash = pyb.Flash(start=0)
everything = pyb.Flash()
print(flash, everything, pyb.Flash(start=1024, len=2048))
print(flash.ioctl(4, 0), flash.ioctl(5, 0), everything.ioctl(4, 0), everything.ioctl(1, 1))
one, two = bytearray(512), bytearray(512)
print(everything.readblocks(0, one), one[446:462], one[510:])
everything.readblocks(0x100, one)
flash.readblocks(0, two)
print(one == two, one[54:59])
part = bytearray(5)
print(flash.readblocks(0, part, 54), part, everything.readblocks(0x100, part, 54))
print(flash.writeblocks(220, b"abc", 7), flash.readblocks(220, part, 5), part[2:])
print(flash.readblocks(224, part, 0), flash.readblocks(300, one), flash.ioctl(6, 0))
for options in ({"start": 1}, {"len": 100}, {"start": 512 * 224}, {"start": 512, "len": 512 * 224}):
    print(error(pyb.Flash, **options))
"""
    assert on_board("pyboard", program) == [
        "Flash(start=0, len=114688) Flash() Flash(start=1024, len=2048)",
        "224 512 480 -1",
        "0 bytearray(b'\\x00\\xff\\xff\\xff\\x01\\xff\\xff\\xff\\x00\\x01\\x00\\x00\\xe0\\x00\\x00"
        "\\x00') bytearray(b'U\\xaa')",
        "True bytearray(b'FAT  ')",
        "0 bytearray(b'FAT  ') -5",
        "0 0 bytearray(b'abc')",
        "-14 -5 0",
        *["('ValueError', ())"] * 4,
    ]


def test_flash_of_the_pico() -> None:
    program = """
import rp2
flash = rp2.Flash()
print(flash.ioctl(4, 0), flash.ioctl(5, 0), flash.ioctl(6, 351), flash.ioctl(9, 0))
buf = bytearray(4)
flash.writeblocks(351, b"\\x0f\\x0f", 1)
flash.writeblocks(351, b"\\xf3", 1)
print(flash.readblocks(351, buf, 0), buf, error(flash.readblocks, 352, buf))
print(error(rp2.Flash, start=0)[0])
"""
    assert on_board("pico", program) == [
        "352 4096 0 None", "None bytearray(b'\\xff\\x03\\x0f\\xff') ('OSError', (5,))", "TypeError",
    ]
    assert on_board("pico", "import rp2\nprint(rp2.Flash(start=0, len=8192).ioctl(4, 0))",
                    "1.20") == ["2"]


@pytest.mark.spec("F12")
@pytest.mark.parametrize("board", ["pyboard", "pico"])
def test_files_move_to_the_flash_when_it_is_asked_for(board: str) -> None:
    program = """
os.mkdir("d")
open("d/f", "w").write("x" * 2000)
os.chdir("d")
here = os.getcwd()
try:
    import pyb
    flash = pyb.Flash(start=0)
except ImportError:
    import rp2
    flash = rp2.Flash()
print(os.getcwd() == here, os.listdir(), open("f").read() == "x" * 2000)
with open("g", "w") as f:
    f.write("new")
os.umount("/" if here == "/d" else "/flash")
os.mount(flash, "/again")
print(os.listdir("/again/d"), open("/again/d/g").read())
"""
    assert on_board(board, program) == ["True ['f'] True", "['f', 'g'] new"]


@pytest.mark.spec("F15")
@pytest.mark.parametrize(("board", "kind"), [("pyboard", "fat"), ("pico", "lfs2")])
def test_flash_in_a_file(board: str, kind: str, tmp_path: Path) -> None:
    """A blank flash gets a filesystem; what a program writes is there at the next run."""
    path = tmp_path / "flash.bin"
    for count in range(3):
        made = session(board)
        made.use_flash(path)
        outcome = made.execute(
            "try:\n    n = len(open('log').read())\nexcept OSError:\n    n = 0\n"
            "with open('log', 'a') as f:\n    f.write('x')\nprint(n)"
        )
        assert outcome is not None and not outcome.text
        made.save_flash()
        assert made.console == f"{count}\n"
    found = identify(memoryview(path.read_bytes()))
    assert found is not None and found.kind == kind
    assert path.stat().st_size == made.board.file_size
    assert [file.name for file in tmp_path.iterdir()] == ["flash.bin"]


@pytest.mark.spec("F24", "F25")
def test_files_of_a_new_pyboard(tmp_path: Path) -> None:
    made = session("pyboard")
    made.use_flash(tmp_path / "flash.bin")
    made.execute("import os\nprint(os.listdir())\nprint(open('main.py').read(), end='')\n"
                 "print([line.strip() for line in open('boot.py') if line[0] != '#'])")
    assert made.console.splitlines() == [
        "['boot.py', 'main.py', 'pybcdc.inf', 'README.txt']",
        "# main.py -- put your code here!",
        "['', 'import pyb']",
    ]


@pytest.mark.spec("F25")
def test_scripts_on_the_flash_start(tmp_path: Path) -> None:
    """boot.py, then main.py, from the flash of an earlier run."""
    scripts, empty = tmp_path / "scripts", tmp_path / "empty"
    scripts.mkdir()
    empty.mkdir()
    (scripts / "boot.py").write_text("print('boot')\n")
    (scripts / "main.py").write_text("print('main', __name__)\n")
    for folder in (scripts, empty):
        made = session("pico")
        made.use_flash(tmp_path / "flash.bin")
        made.run(folder)
        made.save_flash()
        assert made.console == "boot\nmain __main__\n"


def test_a_whole_flash_keeps_what_is_around(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    path.write_bytes(b"firmware".ljust(2 << 20, b"\xff"))
    made = session("pico")
    made.use_flash(path)
    made.execute("open('f', 'w').close()")
    made.save_flash()
    data = path.read_bytes()
    assert len(data) == 2 << 20 and data[:8] == b"firmware" and data[0xA0008:0xA0010] == b"littlefs"


def test_files_that_are_no_flash(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    path.write_bytes(b"x")
    with pytest.raises(SessionError, match="has 1 bytes; files of this board take 1441792"):
        session("pico").use_flash(path)
    with pytest.raises(SessionError, match="directory"):
        session("pico").use_flash(tmp_path)
    made = session("pyboard")
    made.use_flash(tmp_path / "none" / "flash.bin")
    with pytest.raises(SessionError, match="No such file"):
        made.save_flash()


def test_files_left_open_are_closed_at_the_end(tmp_path: Path) -> None:
    made = session("pyboard")
    made.use_flash(tmp_path / "flash.bin")
    made.execute("f = open('kept', 'w')\nf.write('kept')\nopen('lost', 'w').write('lost')\n")
    made.save_flash()
    again = session("pyboard")
    again.use_flash(tmp_path / "flash.bin")
    again.execute("print(open('kept').read(), open('lost').read())")
    assert again.console == "kept lost\n"


def test_power_cuts_leave_the_files_of_a_pico(tmp_path: Path) -> None:
    """The n-th operation of the flash is the last one; the next start has the old or new file."""
    path = tmp_path / "flash.bin"
    made = session("pico")
    made.use_flash(path)
    made.execute("with open('f', 'w') as f:\n    f.write('old' * 2000)\n")
    made.save_flash()
    program = "with open('f', 'w') as f:\n    f.write('new' * 3000)\n"
    results = set()
    for count in range(1, 40):
        made = session("pico")
        made.use_flash(path)
        Faults(made.machine).cut_power(count)
        outcome = made.execute(program)
        assert outcome is not None
        cut = isinstance(outcome.error, PowerCut)
        image = bytes(made.machine.chip.flash.buffer[0xA0000:0x200000])
        made.close()
        after_path = tmp_path / "after.bin"
        after_path.write_bytes(image)
        after = session("pico")
        after.use_flash(after_path)
        after.execute("print(len(open('f').read()))")
        assert after.console in ("6000\n", "9000\n")
        results.add(after.console)
        after.close()
        if not cut:
            break
    assert not cut and results == {"6000\n", "9000\n"}
