"""Random programs on a filesystem of a RAM block device, which print all that can be seen of it."""

from __future__ import annotations

import random
from typing import Final

FIRST: Final = '''
import os


class Device:
    def __init__(self, size, blocks):
        self.size = size
        self.data = bytearray(b"\\xff" * (size * blocks))
        self.writes = 0

    def note(self, number):
        self.writes = (self.writes * 31 + number) & 0xFFFFFF

    def readblocks(self, block, buf, offset=0):
        at = block * self.size + offset
        buf[:] = self.data[at : at + len(buf)]
        return 0

    def writeblocks(self, block, buf, offset=None):
        at = block * self.size + (offset or 0)
        self.data[at : at + len(buf)] = buf
        if offset is None:
            self.note(block * 7 + len(buf))
        else:
            for place in range(at, at + len(buf), 32):
                self.note(place)
        return 0

    def ioctl(self, request, argument):
        if request == 4:
            return len(self.data) // self.size
        if request == 5:
            return self.size
        if request == 6:
            self.note(argument)
        return 0


def attempt(function, *args):
    try:
        print(function(*args))
    except OSError as error:
        print("OSError", error.args[0])
    except ValueError:
        print("ValueError")


def put(path, mode, size, piece):
    try:
        file = vfs.open(path, mode)
        print(file.write((piece * (size // len(piece) + 1))[:size]))
        file.close()
    except OSError as error:
        print("OSError", error.args[0])


def get(path):
    try:
        file = vfs.open(path, "rb")
        data = file.read()
        file.close()
        print(len(data), data[:20], data[-20:], sum(data))
    except OSError as error:
        print("OSError", error.args[0])


def use(path, mode, steps):
    try:
        file = vfs.open(path, mode)
    except OSError as error:
        print("OSError", error.args[0])
        return
    for name, *args in steps:
        attempt(getattr(file, name), *args)
    attempt(file.close)


def total(data, without=()):
    out = 0
    for at in range(len(data)):
        if at not in without:
            out = (out * 131 + data[at]) & 0x3FFFFFFF
    return out


def medium():
    """A sum of all bytes."""
    print("medium", total(device.data), device.writes)


def fat_medium():
    """The same without times: boot sector, table, root directory."""
    size, data = device.size, device.data
    table = data[22] | data[23] << 8
    end = (1 + table) * size
    print("medium", total(data[:size], range(39, 43)), total(data[size:end]), device.writes)
    out = 0
    for at in range(end, end + 512 * 32, 32):
        times = () if data[at + 11] == 15 else (14, 15, 16, 17, 22, 23, 24, 25)
        out = (out * 7 + total(data[at : at + 32], times)) & 0x3FFFFFFF
    print("root", out)
'''
SHAPES: Final = {
    "VfsFat": ((512, 50), (512, 224), (512, 1000), (1024, 100), (4096, 64)),
    "VfsLfs1": ((512, 50), (1024, 40), (4096, 30), (256, 200)),
    "VfsLfs2": ((512, 60), (1024, 50), (4096, 30)),
}
FAT_NAMES: Final = (
    "a", "B.TXT", "long file name.txt", "x.py", "Mixed.Py", "ab.cd.ef", "dir1", "dir2", "sub",
    ".hid", "UPPER", "lower12345", "lower123456", "a+b.c", "\xe4\xf6.txt", "trail.", "sp ace",
)
NAMES: Final = ("a", "b", "file.txt", "x.py", "dir1", "dir2", "sub", "n" * 40, "\xe4\xf6.txt")
SIZES: Final = (1, 5, 100, 511, 512, 513, 1500, 3000, 5000, 9000)
MODES: Final = ("w", "wb", "a", "ab", "r+", "x", "w+", "a+")


class Maker:
    """Makes one program.  kind: the class of the filesystem."""

    def __init__(self, seed: int, kind: str) -> None:
        self.random = random.Random(f"{kind} {seed}")
        self.kind = kind
        self.fat = kind == "VfsFat"

    def path(self) -> str:
        pick = self.random.random()
        name = self.random.choice(FAT_NAMES if self.fat else NAMES)
        if pick < 0.5:
            return name
        if pick < 0.7:
            return f"/{name}"
        if pick < 0.85:
            return self.random.choice(("dir1", "dir2", "/dir1", "/dir1/sub")) + f"/{name}"
        if pick < 0.95:
            return self.random.choice((f"../{name}", f"./{name}"))
        return self.random.choice(("", ".", "..", "/", "dir1/..", "dir1/", "//dir1//sub"))

    def solid(self) -> str:
        """A path that is no root: littlefs of the reference does whatever it likes with it.

        Nor may a folder go into itself, so names at the ends of paths are those of files.
        """
        while True:
            path = self.path()
            if self.fat:
                return path
            last = path.rstrip("/").rpartition("/")[2]
            if last not in ("", ".", "..", "dir1", "dir2", "sub"):
                return path.rstrip("/")

    def steps(self) -> list[tuple[object, ...]]:
        pick = self.random
        out: list[tuple[object, ...]] = []
        for _ in range(pick.randrange(1, 7)):
            name = pick.choice(("seek", "write", "read", "flush"))
            if name == "seek":
                place = pick.choice((0, 1, 10, 511, 512, 513, 1024, 2000, 5000, 9000))
                out.append((name, place, pick.choice((0, 0, 0, 1, 2))))
            elif name == "write":
                size = pick.choice((1, 3, 300, 512, 600, 1100))
                out.append((name, bytes([pick.randrange(65, 90)]) * size))
            elif name == "read":
                out.append((name, pick.choice((1, 10, 600))))
            else:
                out.append((name,))
        return out

    def line(self) -> str:
        pick, path = self.random, self.path()
        kind = pick.randrange(12)
        if kind < 3:
            piece = pick.choice((b"abc", b"0123456789", b"xyz"))
            return f"put({path!r}, {pick.choice(MODES)!r}, {pick.choice(SIZES)}, {piece!r})"
        if kind < 5:
            return f"get({path!r})"
        if kind == 5:
            return f"attempt(vfs.mkdir, {path!r})"
        if kind == 6:
            return f"attempt(vfs.{pick.choice(('remove', 'rmdir'))}, {self.solid()!r})"
        if kind == 7:
            return f"attempt(vfs.rename, {self.solid()!r}, {self.solid()!r})"
        if kind == 8:
            where = pick.choice(("dir1", "/", "..", "dir2", "/dir1/sub", path))
            return f"attempt(vfs.chdir, {where!r})\nprint(vfs.getcwd())"
        if kind == 9:
            most = 1 if self.kind == "VfsLfs2" else 7  # littlefs 2 does not know a folder's size
            return f"attempt(lambda: vfs.stat({path!r})[:{most}])"
        if kind == 10:
            return f"attempt(lambda: list(vfs.ilistdir({path!r})))"
        mode = pick.choice(("rb", "r+b", "w+b", "ab", "a+b", "wb"))
        return f"use({path!r}, {mode!r}, {self.steps()!r})"

    def program(self) -> str:
        pick = self.random
        size, blocks = pick.choice(SHAPES[self.kind])
        options = ", mtime=False" if self.kind == "VfsLfs2" else ""
        lines = [
            FIRST,
            f"device = Device({size}, {blocks})",
            f"os.{self.kind}.mkfs(device)",
            f"vfs = os.{self.kind}(device{options})",
            "for name in ('dir1', 'dir2', 'dir1/sub'):",
            "    attempt(vfs.mkdir, name)",
        ]
        for _ in range(pick.randrange(20, 60)):
            lines.append(self.line())
            if pick.random() < 0.3:
                lines.append("print(vfs.statvfs('/'))")
        listing = "attempt(lambda: sorted(vfs.ilistdir('/')))"
        lines += ["print(vfs.statvfs('/'))", listing, "fat_medium()" if self.fat else "medium()"]
        lines += [f"vfs = os.{self.kind}(device)", listing]
        return "\n".join(lines) + "\n"
