"""What can be mounted: an object with a current folder and these methods (manual 1.1.12)."""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.filesystems.device import EEXIST, ENOENT, EROFS
from mpy_cross.emulator.filesystems.volume import Names, Status, parse_mode
from mpy_cross.emulator.runtime.arguments import native, no_implicit
from mpy_cross.emulator.runtime.files import FileIO, TextIOWrapper
from mpy_cross.emulator.runtime.types import HostObject
from mpy_cross.emulator.runtime.volumes import Volume

FOLDER: Final = 0x4000
"""Type of a folder in `os.stat` and `os.ilistdir`."""
FILE: Final = 0x8000
NAME_LIMIT: Final = 255


def text_of(path: Any) -> str:
    """A path that the program gave."""
    if isinstance(path, str):
        return path
    if isinstance(path, bytes):
        return path.decode("utf-8", "surrogateescape")
    raise no_implicit(path)


def entry(name: str, status: Status, as_bytes: bool) -> tuple[Any, ...]:
    """What `ilistdir` gives of a file or folder: name, type, 0 and size."""
    shown: Any = name.encode("utf-8", "surrogateescape") if as_bytes else name
    return shown, FOLDER if status.folder else FILE, 0, status.size


def status_tuple(status: Status) -> tuple[int, ...]:
    """Ten numbers: type, 0 five times, size, and three times the time of writing."""
    time = status.time
    kind = FOLDER if status.folder else FILE
    return (kind, 0, 0, 0, 0, 0, status.size, time, time, time)


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
        wanted = parse_mode(text_of(mode))
        if wanted.write:
            self.__change()
        opened = self.__volume.open(self.__path(path), wanted)
        return TextIOWrapper(opened) if wanted.text else FileIO(opened)

    @native
    def ilistdir(self, path: Any = "", /) -> Any:
        """Tuples of name, type, 0 and size."""
        as_bytes = isinstance(path, bytes)
        found = self.__volume.entries(self.__path(path))
        return iter([entry(name, status, as_bytes) for name, status in found])

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
        return status_tuple(self.__volume.status(wanted) if wanted else Status(True, 0, 0))

    @native
    def statvfs(self, path: Any, /) -> tuple[int, ...]:
        """Ten numbers about the space (manual 1.1.12)."""
        size, total, free = self.__volume.space()
        return (size, size, total, free, free, 0, 0, 0, int(self.__readonly), NAME_LIMIT)
