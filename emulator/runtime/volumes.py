"""Where files are kept: in memory, or in a folder of the host.

A path is a tuple of names from the root of the volume, without "." and "..".  Errors are OSError
with a number only, as the program sees them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, final

from mpy_cross.emulator.filesystems.device import (
    EBADF,
    EEXIST,
    EINVAL,
    EIO,
    EISDIR,
    ENOENT,
    ENOSPC,
    ENOTDIR,
    ENOTEMPTY,
    EROFS,
)
from mpy_cross.emulator.filesystems.volume import Mode, Names, OpenFile, Status

DEFAULT_SIZE: Final = 1 << 20
"""Bytes of a volume in memory unless its maker says otherwise."""
BLOCK: Final = 512
"""Bytes by which files take space."""


class Volume(Protocol):
    """A tree of files."""

    def open(self, path: Names, mode: Mode) -> OpenFile:
        """Open a file."""

    def entries(self, path: Names) -> list[tuple[str, Status]]:
        """What is in a folder, in the order of its directory."""

    def status(self, path: Names) -> Status:
        """About a file or folder."""

    def make_folder(self, path: Names) -> None:
        """Make a folder; the one that it is in has to be there."""

    def remove_folder(self, path: Names) -> None:
        """Remove an empty folder."""

    def remove(self, path: Names) -> None:
        """Remove a file."""

    def rename(self, old: Names, new: Names) -> None:
        """Move a file or folder; a file that has the new name is replaced."""

    def space(self) -> tuple[int, int, int]:
        """Size of a block in bytes, number of blocks, number of free blocks."""


# -------------------------------------------------------------------------------------- memory


@final
class _File:
    __slots__ = ("data", "time")

    def __init__(self, data: bytes, time: int) -> None:
        self.data = bytearray(data)
        self.time = time


class _Folder(dict[str, "_File | _Folder"]):
    """Files and folders by name."""


@final
class MemoryVolume:
    """Files in memory.  size: how many bytes they may take; seconds: the time of day."""

    def __init__(
        self, size: int = DEFAULT_SIZE, seconds: Callable[[], int] = lambda: 0
    ) -> None:
        self.size = size
        self.used = 0
        """Bytes of whole blocks in files."""
        self.seconds = seconds
        self._root = _Folder()

    def _find(self, path: Names) -> _File | _Folder:
        at: _File | _Folder = self._root
        for name in path:
            if not isinstance(at, _Folder):
                raise OSError(ENOENT)
            found = at.get(name)
            if found is None:
                raise OSError(ENOENT)
            at = found
        return at

    def _folder(self, path: Names) -> _Folder:
        found = self._find(path)
        if not isinstance(found, _Folder):
            raise OSError(ENOENT)
        return found

    def add(self, path: Names, data: bytes) -> None:
        """Put a file there, with the folders that it needs."""
        at = self._root
        for name in path[:-1]:
            inner = at.setdefault(name, _Folder())
            if not isinstance(inner, _Folder):
                raise OSError(EEXIST)
            at = inner
        self.take(blocks(len(data)))
        at[path[-1]] = _File(data, self.seconds())

    def contents(self, path: Names) -> bytes:
        """All bytes of a file.  Raises OSError."""
        found = self._find(path)
        if isinstance(found, _Folder):
            raise OSError(EISDIR)
        return bytes(found.data)

    def take(self, size: int) -> None:
        """`size` bytes more, or less, are in use.  Raises OSError."""
        if size > 0 and self.used + size > self.size:
            raise OSError(ENOSPC)
        self.used += size

    def open(self, path: Names, mode: Mode) -> OpenFile:
        if not path:
            raise OSError(EISDIR)
        folder = self._folder(path[:-1])
        found = folder.get(path[-1])
        if isinstance(found, _Folder):
            raise OSError(EISDIR)
        if found is None:
            if not mode.create:
                raise OSError(ENOENT)
            found = folder[path[-1]] = _File(b"", self.seconds())
        elif mode.exclusive:
            raise OSError(EEXIST)
        elif mode.truncate:
            self.take(-blocks(len(found.data)))
            found.data.clear()
        return _OpenMemoryFile(self, found, mode)

    def entries(self, path: Names) -> list[tuple[str, Status]]:
        return [(name, _status(item)) for name, item in self._folder(path).items()]

    def status(self, path: Names) -> Status:
        return _status(self._find(path))

    def make_folder(self, path: Names) -> None:
        folder = self._folder(path[:-1])
        if path[-1] in folder:
            raise OSError(EEXIST)
        folder[path[-1]] = _Folder()

    def remove_folder(self, path: Names) -> None:
        found = self._find(path)
        if not isinstance(found, _Folder):
            raise OSError(ENOTDIR)
        if found:
            raise OSError(ENOTEMPTY)
        if not path:
            raise OSError(EINVAL)
        del self._folder(path[:-1])[path[-1]]

    def remove(self, path: Names) -> None:
        found = self._find(path)
        if isinstance(found, _Folder):
            raise OSError(EISDIR)
        self.take(-blocks(len(found.data)))
        del self._folder(path[:-1])[path[-1]]

    def rename(self, old: Names, new: Names) -> None:
        item = self._find(old)
        if not new or not old or (new[: len(old)] == old and new != old):
            raise OSError(EINVAL)
        target = self._folder(new[:-1])
        there = target.get(new[-1])
        if there is item:
            return
        if isinstance(there, _Folder):
            raise OSError(EISDIR if isinstance(item, _File) or there else EEXIST)
        if there is not None:
            if isinstance(item, _Folder):
                raise OSError(ENOTDIR)
            self.take(-blocks(len(there.data)))
        del self._folder(old[:-1])[old[-1]]
        target[new[-1]] = item

    def space(self) -> tuple[int, int, int]:
        return BLOCK, self.size // BLOCK, (self.size - self.used) // BLOCK


def blocks(size: int) -> int:
    """Bytes of the blocks for a file of `size` bytes."""
    return (size + BLOCK - 1) // BLOCK * BLOCK


def _status(item: _File | _Folder) -> Status:
    if isinstance(item, _Folder):
        return Status(True, 0, 0)
    return Status(False, len(item.data), item.time)


@final
class _OpenMemoryFile:
    __slots__ = ("_file", "_mode", "_place", "_volume")

    def __init__(self, volume: MemoryVolume, file: _File, mode: Mode) -> None:
        self._volume = volume
        self._file: _File | None = file
        self._mode = mode
        self._place = len(file.data) if mode.append else 0

    def _open(self, allowed: bool) -> _File:
        if self._file is None:
            raise OSError(EINVAL)
        if not allowed:
            raise OSError(EBADF)
        return self._file

    def read(self, size: int) -> bytes:
        data = self._open(self._mode.read).data
        found = bytes(data[self._place : self._place + size])
        self._place += len(found)
        return found

    def write(self, data: bytes) -> int:
        file = self._open(self._mode.write)
        own = file.data
        if self._mode.append:
            self._place = len(own)
        end = max(len(own), self._place + len(data))
        self._volume.take(blocks(end) - blocks(len(own)))
        if self._place > len(own):
            own += bytes(self._place - len(own))
        own[self._place : self._place + len(data)] = data
        self._place += len(data)
        file.time = self._volume.seconds()
        return len(data)

    def seek(self, offset: int, whence: int) -> int:
        size = len(self._open(True).data)
        place = offset + (0, self._place, size)[whence if 0 <= whence < 3 else 0]
        if place < 0:
            raise OSError(EINVAL)
        self._place = place
        return place

    def flush(self) -> None:
        self._open(True)

    def close(self) -> None:
        self._file = None


# -------------------------------------------------------------------------------------- folder


def _safe(name: str) -> bool:
    return not any(letter in name for letter in '\0/\\:') and name not in ("", ".", "..")


@final
class FolderVolume:
    """A folder of the host, and nothing outside of it: links that lead out are not there."""

    def __init__(self, folder: Path, *, readonly: bool = False) -> None:
        self._root = Path(os.path.realpath(folder))
        self.readonly = readonly

    def _place(self, path: Names, *, exists: bool) -> Path:
        if not all(map(_safe, path)):
            raise OSError(ENOENT)
        place = self._root.joinpath(*path)
        inside = Path(os.path.realpath(place if exists or not path else place.parent))
        if inside != self._root and self._root not in inside.parents:
            raise OSError(ENOENT)
        return place

    def _change(self) -> None:
        if self.readonly:
            raise OSError(EROFS)

    def open(self, path: Names, mode: Mode) -> OpenFile:
        if mode.write:
            self._change()
        place = self._place(path, exists=True)
        letters = "x" if mode.exclusive else "a" if mode.append else "w" if mode.truncate else "r"
        if letters == "r" or not mode.create:
            letters = "r"
        plus = "+" if mode.read and mode.write else ""
        if _call(place.is_dir):
            raise OSError(EISDIR)
        if _call(place.exists) and not _call(place.is_file):
            raise OSError(EINVAL)  # devices and the like
        stream: Any = _call(lambda: place.open(letters + "b" + plus, buffering=0))
        return _OpenHostFile(stream)

    def entries(self, path: Names) -> list[tuple[str, Status]]:
        place = self._place(path, exists=True)
        out = []
        for name in sorted(_call(lambda: os.listdir(place))):
            try:
                out.append((name, self.status((*path, name))))
            except OSError:
                continue  # leads outside
        return out

    def status(self, path: Names) -> Status:
        found = _call(self._place(path, exists=True).stat)
        folder = stat.S_ISDIR(found.st_mode)
        return Status(folder, 0 if folder else found.st_size, 0)

    def make_folder(self, path: Names) -> None:
        self._change()
        _call(self._place(path, exists=False).mkdir)

    def remove_folder(self, path: Names) -> None:
        self._change()
        if not path:
            raise OSError(EINVAL)
        _call(self._place(path, exists=False).rmdir)

    def remove(self, path: Names) -> None:
        self._change()
        place = self._place(path, exists=False)
        if _call(place.is_dir):
            raise OSError(EISDIR)
        _call(place.unlink)

    def rename(self, old: Names, new: Names) -> None:
        self._change()
        source, target = self._place(old, exists=False), self._place(new, exists=False)
        if not old or not new:
            raise OSError(EINVAL)
        _call(lambda: source.replace(target))

    def space(self) -> tuple[int, int, int]:
        # The host's numbers would make runs differ.
        return BLOCK, DEFAULT_SIZE // BLOCK, DEFAULT_SIZE // BLOCK


def _call(function: Callable[[], Any]) -> Any:
    """What an operation of the host gives, its errors as a program sees them."""
    try:
        return function()
    except OSError as error:
        raise OSError(error.errno or EIO) from None
    except ValueError:
        raise OSError(EINVAL) from None


@final
class _OpenHostFile:
    __slots__ = ("_stream",)

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def _open(self) -> BinaryIO:
        if self._stream.closed:
            raise OSError(EINVAL)
        return self._stream

    def read(self, size: int) -> bytes:
        stream = self._open()
        if not stream.readable():
            raise OSError(EBADF)
        return bytes(_call(lambda: stream.read(size)))

    def write(self, data: bytes) -> int:
        stream = self._open()
        if not stream.writable():
            raise OSError(EBADF)
        return int(_call(lambda: stream.write(data)))

    def seek(self, offset: int, whence: int) -> int:
        stream = self._open()
        return int(_call(lambda: stream.seek(offset, whence)))

    def flush(self) -> None:
        self._open()

    def close(self) -> None:
        self._stream.close()
