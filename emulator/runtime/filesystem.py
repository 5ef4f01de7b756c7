"""The board's filesystem: what is mounted where, and `open`.

What can be mounted is an object with the methods below: `Vfs`, or one of the program (manual
1.1.12).  Paths inside it are relative to the folder that is current in it, or start with "/".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, final

from mpy_cross.emulator.runtime.arguments import native, no_implicit
from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.files import FileIO, TextIOWrapper
from mpy_cross.emulator.runtime.streams import CLOSE, stream_of
from mpy_cross.emulator.runtime.support import iter_
from mpy_cross.emulator.runtime.types import HostObject
from mpy_cross.emulator.runtime.volumes import (
    EEXIST,
    EINVAL,
    ENOENT,
    EROFS,
    Mode,
    Names,
    Volume,
    parse_mode,
)

EPERM: Final = 1
ENODEV: Final = 19
FOLDER: Final = 0x4000
"""Type of a folder in `os.stat` and `os.ilistdir`."""
FILE: Final = 0x8000
NAME_LIMIT: Final = 255
PATH_LIMIT: Final = 128
"""Longest path of the reference on boards, which `statvfs` of an empty root shows."""


def text_of(path: Any) -> str:
    """A path that the program gave."""
    if isinstance(path, str):
        return path
    if isinstance(path, bytes):
        return path.decode("utf-8", "surrogateescape")
    raise no_implicit(path)


@final
class Vfs(HostObject):
    """A volume with a current folder, as it can be mounted."""

    def __init__(self, *args: Any) -> None:
        if len(args) != 1 or not hasattr(args[0], "make_folder"):
            raise TypeError("cannot create 'Vfs' instances")
        self.__volume: Volume = args[0]
        self.__here: Names = ()
        self.__readonly = False

    def __path(self, path: Any) -> Names:
        text = text_of(path)
        out = [] if text.startswith("/") else list(self.__here)
        for name in text.split("/"):
            if name == "..":
                if out:
                    out.pop()
            elif name not in ("", "."):
                out.append(name)
        return tuple(out)

    def __change(self) -> None:
        if self.__readonly:
            raise OSError(EROFS)

    def mount(self, readonly: Any, mkfs: Any) -> None:
        """Called when it is mounted."""
        self.__readonly = bool(readonly)

    @native
    def umount(self, /) -> None:
        """Called when it is not mounted any more."""

    @native
    def open(self, path: Any, mode: Any, /) -> Any:
        """`open` of a file."""
        wanted: Mode = parse_mode(text_of(mode))
        if wanted.write:
            self.__change()
        opened = self.__volume.open(self.__path(path), wanted)
        return TextIOWrapper(opened) if wanted.text else FileIO(opened)

    @native
    def ilistdir(self, path: Any = "", /) -> Any:
        """Tuples of name, type, 0 and size."""
        as_bytes = isinstance(path, bytes)
        entries = self.__volume.entries(self.__path(path))
        return iter(
            [
                (
                    name.encode("utf-8", "surrogateescape") if as_bytes else name,
                    FOLDER if status.folder else FILE,
                    0,
                    status.size,
                )
                for name, status in entries
            ]
        )

    @native
    def chdir(self, path: Any, /) -> None:
        """Change the current folder."""
        wanted = self.__path(path)
        if wanted and not self.__volume.status(wanted).folder:
            raise OSError(ENOENT)
        self.__here = wanted

    @native
    def getcwd(self, /) -> str:
        """The current folder."""
        return "/" + "/".join(self.__here)

    @native
    def mkdir(self, path: Any, /) -> None:
        """Make a folder."""
        self.__change()
        wanted = self.__path(path)
        if not wanted:
            raise OSError(EEXIST)
        self.__volume.make_folder(wanted)

    @native
    def rmdir(self, path: Any, /) -> None:
        """Remove an empty folder."""
        self.__change()
        self.__volume.remove_folder(self.__path(path))

    @native
    def remove(self, path: Any, /) -> None:
        """Remove a file."""
        self.__change()
        self.__volume.remove(self.__path(path))

    @native
    def rename(self, old: Any, new: Any, /) -> None:
        """Move a file or folder."""
        self.__change()
        self.__volume.rename(self.__path(old), self.__path(new))

    @native
    def stat(self, path: Any, /) -> tuple[int, ...]:
        """Ten numbers: type, 0 five times, size, and three times the time of writing."""
        wanted = self.__path(path)
        if not wanted:
            return (FOLDER, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        found = self.__volume.status(wanted)
        time = found.time
        return (FOLDER if found.folder else FILE, 0, 0, 0, 0, 0, found.size, time, time, time)

    @native
    def statvfs(self, path: Any, /) -> tuple[int, ...]:
        """Ten numbers about the space (manual 1.1.12)."""
        size, total, free = self.__volume.space()
        return (size, size, total, free, free, 0, 0, 0, int(self.__readonly), NAME_LIMIT)


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
        """Mount an object.  Raises OSError(EPERM) if something is mounted there."""
        try:
            mounting = attribute(obj, "mount")
        except AttributeError:
            raise OSError(ENODEV) from None
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

    def clear(self) -> None:
        """Mount nothing."""
        self._mounted.clear()
        self._here = None

    def add_volume(self, volume: Volume, point: str) -> None:
        """Mount a volume, and make it the current folder."""
        self.mount(Vfs(volume), point)
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

    def read(self, path: str) -> bytes:
        """All bytes of a file.  Raises OSError."""
        stream = stream_of(self.open(path, "rb"), "__stream_read__")
        out = bytearray()
        while True:
            data = stream.__stream_read__(4096)
            if not data:
                break
            out += data
        stream.__stream_ioctl__(CLOSE, 0)
        return bytes(out)
