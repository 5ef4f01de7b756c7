"""The board's filesystem: what is mounted where, and `open`.

What can be mounted is an object with the methods below: `Vfs`, or one of the program (manual
1.1.12).  Paths inside it are relative to the folder that is current in it, or start with "/".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, final
from weakref import WeakSet

from mpy_cross.emulator.filesystems.device import EEXIST, EINVAL, ENODEV
from mpy_cross.emulator.filesystems.volume import OpenFile
from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.streams import CLOSE, stream_of
from mpy_cross.emulator.runtime.support import iter_
from mpy_cross.emulator.runtime.vfs import FILE, FOLDER, Vfs, text_of
from mpy_cross.emulator.runtime.volumes import Volume

EPERM: Final = 1
GET_BUFFER_SIZE: Final = 11
"""Request of a stream."""
PATH_LIMIT: Final = 128
"""Longest path of the reference on boards, which `statvfs` of an empty root shows."""


@final
class _Mounted:
    __slots__ = ("obj", "point")

    def __init__(self, point: str, obj: Any) -> None:
        self.point = point
        self.obj = obj


@final
class Files:
    """What is mounted, and where the program is in it."""

    def __init__(self) -> None:
        self._mounted: list[_Mounted] = []
        """What is mounted at "/" comes last."""
        self._here: _Mounted | None = None
        """The current one; None at the root."""
        self.types: dict[str, Any] = {}
        """The classes of filesystems, once they are needed."""
        self.detect: Callable[[Any], Any] | None = None
        """Makes a filesystem object for a block device."""
        self.before_flash: Callable[[], None] = lambda: None
        """Called when the program asks for the flash."""
        self.abandoned: list[OpenFile] = []
        """Files that nobody has any more and nobody has closed."""
        self.opened: WeakSet[Any] = WeakSet()
        """Streams of files that have to be closed."""

    def _lookup(self, path: str) -> tuple[_Mounted | None, str]:
        """What a path leads to and the path in it; None for the root.  Raises OSError."""
        if self._here is not None and not path.startswith("/"):
            return self._here, path
        inner = path[1:] if path.startswith("/") else path
        if not inner:
            return None, ""
        for one in self._mounted:
            name = one.point[1:]
            if not name:
                return one, path
            if inner == name:
                return one, "/"
            if inner.startswith(name + "/"):
                return one, inner[len(name) :]
        raise OSError(ENODEV)

    def _call(self, name: str, path: Any, *args: Any) -> Any:
        one, inner = self._lookup(text_of(path))
        if one is None:
            raise OSError(EPERM)
        where: Any = inner.encode("utf-8", "surrogateescape") if type(path) is bytes else inner
        return attribute(one.obj, name)(where, *args)

    def _root(self) -> _Mounted | None:
        last = self._mounted[-1] if self._mounted else None
        return last if last is not None and last.point == "/" else None

    # ------------------------------------------------------------------------------ mounting

    def mount(self, obj: Any, point: str, *, readonly: bool = False, mkfs: bool = False) -> None:
        """Mount an object, or the filesystem of a block device.

        Raises OSError(EPERM) if something is mounted there, OSError(ENODEV) without a filesystem.
        """
        try:
            mounting = attribute(obj, "mount")
        except AttributeError:
            if self.detect is None:
                raise OSError(ENODEV) from None
            obj = self.detect(obj)
            mounting = attribute(obj, "mount")
        mounting(readonly, mkfs)
        try:
            there, _ = self._lookup(point)
        except OSError:
            there = None
        if there is not None and (point == "/" or there.point != "/"):
            raise OSError(EPERM)
        if point == "/" and self._root() is not None:
            raise OSError(EPERM)
        made = _Mounted(point, obj)
        self._mounted.insert(len(self._mounted) - (self._root() is not None), made)

    def mounted(self) -> list[tuple[Any, str]]:
        """What is mounted, and where."""
        return [(one.obj, one.point) for one in self._mounted]

    def exchange(self, old: Any, new: Any) -> None:
        """Put one object in the place of another."""
        for one in self._mounted:
            if one.obj is old:
                one.obj = new

    def close_all(self) -> None:
        """Close all files, as the end of the interpreter does; errors come too late for anyone."""
        for stream in list(self.opened):
            with suppress(Exception):
                stream.__stream_ioctl__(CLOSE, 0)
        with suppress(Exception):
            self.close_abandoned()

    def close_abandoned(self) -> None:
        """Close the files that nobody has any more, as the collection of garbage does."""
        while self.abandoned:
            self.abandoned.pop().close()

    def clear(self) -> None:
        """Mount nothing."""
        self._mounted.clear()
        self._here = None

    def add_volume(self, volume: Volume, point: str) -> None:
        """Mount a volume, and make it the current folder."""
        self.add(Vfs(volume), point)

    def add(self, obj: Any, point: str) -> None:
        """Mount an object, and make it the current folder."""
        self.mount(obj, point)
        self.chdir(point)

    def umount(self, what: Any) -> None:
        """The reverse of `mount`, by mount point or object."""
        for one in self._mounted:
            if one.obj is what or (isinstance(what, str) and one.point == what):
                self._mounted.remove(one)
                if self._here is one:
                    self._here = None
                attribute(one.obj, "umount")()
                return
        raise OSError(EINVAL)

    # -------------------------------------------------------------------------------- folders

    def chdir(self, path: Any) -> None:
        """`os.chdir`."""
        one, inner = self._lookup(text_of(path))
        if one is None:
            root = self._root()
            if root is not None:
                attribute(root.obj, "chdir")("/")
        else:
            attribute(one.obj, "chdir")(inner)
        self._here = one

    def getcwd(self) -> str:
        """`os.getcwd`."""
        here = self._here
        if here is None:
            return "/"
        inner: str = attribute(here.obj, "getcwd")()
        if here.point == "/":
            return inner
        return here.point + ("" if inner == "/" else inner)

    def ilistdir(self, path: Any = "") -> Iterator[Any]:
        """`os.ilistdir`."""
        one, _ = self._lookup(text_of(path))
        if one is not None:
            return iter_(self._call("ilistdir", path))
        out: list[Any] = []
        for mounted in self._mounted:
            if mounted.point == "/":
                out.extend(iter_(attribute(mounted.obj, "ilistdir")("/")))
            else:
                name: Any = mounted.point[1:]
                out.append((name.encode() if type(path) is bytes else name, FOLDER, 0))
        return iter(out)

    def mkdir(self, path: Any) -> None:
        """`os.mkdir`."""
        one, inner = self._lookup(text_of(path))
        if one is None or inner == "/":
            raise OSError(EEXIST)
        self._call("mkdir", path)

    def rmdir(self, path: Any) -> None:
        """`os.rmdir`."""
        self._call("rmdir", path)

    def remove(self, path: Any) -> None:
        """`os.remove`."""
        self._call("remove", path)

    def rename(self, old: Any, new: Any) -> None:
        """`os.rename`."""
        first, _ = self._lookup(text_of(old))
        second, inner = self._lookup(text_of(new))
        if first is not second:
            raise OSError(EPERM)
        self._call("rename", old, inner)

    def stat(self, path: Any) -> Any:
        """`os.stat`."""
        one, _ = self._lookup(text_of(path))
        return (FOLDER, *[0] * 9) if one is None else self._call("stat", path)

    def statvfs(self, path: Any) -> Any:
        """`os.statvfs`."""
        one, _ = self._lookup(text_of(path))
        if one is not None:
            return self._call("statvfs", path)
        root = self._root()
        if root is None:
            return (*[0] * 9, PATH_LIMIT)
        return attribute(root.obj, "statvfs")("/")

    def open(self, path: Any, mode: Any = "r") -> Any:
        """Open a file."""
        return self._call("open", path, mode)

    def open_(
        self, file: Any, mode: Any = "r", buffering: Any = -1, encoding: Any = None
    ) -> Any:
        """`open`; the last two arguments mean nothing."""
        return self._call("open", file, mode)

    # ------------------------------------------------------------------------------ importing

    def kind(self, path: str) -> int:
        """FOLDER, FILE or 0 if there is nothing."""
        try:
            one, inner = self._lookup(path)
            if one is None:
                return 0
            found = attribute(one.obj, "stat")(inner)
        except Exception:  # whatever a filesystem of the program raises means that
            return 0
        return FOLDER if found[0] & FOLDER else FILE

    def read(self, path: str, ask: bool = False) -> bytes:
        """All bytes of a file.  Raises OSError.

        ask: the file is asked for the size of reads first, whatever it says.
        """
        stream = stream_of(self.open(path, "rb"), "__stream_read__")
        if ask:
            with suppress(OSError):
                stream.__stream_ioctl__(GET_BUFFER_SIZE, 0)
        out = bytearray()
        while True:
            data = stream.__stream_read__(4096)
            if not data:
                break
            out += data
        stream.__stream_ioctl__(CLOSE, 0)
        return bytes(out)
