"""littlefs 2, by the package `littlefs-python`: the C library itself on a device of ours.

The library cannot pass exceptions on, so they wait in the device until it has returned.  It ends
the process where its assertions fail; what it would not take is refused before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from mpy_cross.emulator.filesystems.device import (
    EINVAL,
    EIO,
    BlockDevice,
    errno_of,
)
from mpy_cross.emulator.filesystems.volume import Mode, OpenFile, Settings, Space, Status

if TYPE_CHECKING:
    from littlefs import lfs

_T = TypeVar("_T")

BLOCK_CYCLES: Final = 100
"""Erases after which metadata move, as on boards."""
SMALLEST_BLOCK: Final = 128
"""Bytes; what the library takes."""
MTIME: Final = 1
"""The attribute with the time of writing: ns since 1970 in eight bytes."""
EPOCH_2000: Final = 946_684_800
NS: Final = 1_000_000_000
_WRITE, _CREATE, _EXCLUSIVE, _TRUNCATE, _APPEND = 2, 0x100, 0x200, 0x400, 0x800
_READ: Final = 1
_FILE: Final = 1
_LATIN: Final = "latin-1"
"""Paths are bytes to the library; one character for each."""


class MissingLibraryError(ImportError):
    """The package is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "littlefs 2 needs the package littlefs-python: pip install 'mpy-toolchain[emulator]'"
        )


def library() -> Any:
    """The module `littlefs.lfs`.  Raises MissingLibraryError."""
    try:
        from littlefs import lfs
    except ImportError:
        raise MissingLibraryError from None
    return lfs


@final
class _Context:
    """A device as the library calls it."""

    def __init__(self, device: BlockDevice) -> None:
        self.device = device
        self.error: BaseException | None = None
        """What the device raised, until it is passed on."""

    def _do(self, call: Callable[..., Any], *args: Any) -> Any:
        if self.error is not None:
            return -EIO
        try:
            return call(*args)
        except OSError as error:
            return -errno_of(error) or -EIO
        except BaseException as error:
            self.error = error
            return -EIO

    def read(self, cfg: Any, block: int, off: int, size: int) -> Any:
        found = self._do(self.device.read, block, off, size)
        if isinstance(found, int):
            # The library wants an exception, which it prints: give it nothing instead.
            self.error = self.error or OSError(-found)
            return bytes(size)
        return found

    def prog(self, cfg: Any, block: int, off: int, data: bytes) -> int:
        return self._do(self.device.program, block, off, bytes(data)) or 0

    def erase(self, cfg: Any, block: int) -> int:
        return self._do(self.device.erase, block) or 0

    def sync(self, cfg: Any) -> int:
        return self._do(self.device.sync) or 0


def _config(device: BlockDevice, settings: Settings) -> tuple[_Context, lfs.LFSConfig]:
    size = device.block_size
    largest = max(settings.read_size, settings.program_size)
    cache = min(size, 4 * largest)
    if (
        size < SMALLEST_BLOCK
        or device.block_count < 2
        or min(settings.read_size, settings.program_size, settings.lookahead) <= 0
        or settings.lookahead % 8
        or cache % settings.read_size
        or cache % settings.program_size
        or size % cache
    ):
        raise OSError(EINVAL)
    context = _Context(device)
    config = library().LFSConfig(
        context,
        block_size=size,
        block_count=device.block_count,
        read_size=settings.read_size,
        prog_size=settings.program_size,
        cache_size=cache,
        lookahead_size=settings.lookahead,
        block_cycles=BLOCK_CYCLES,
        disk_version=settings.disk_version,
    )
    return context, config


def _call(context: _Context, function: Callable[..., _T], *args: Any) -> _T:
    """Call the library.  Raises OSError, and what the device raised."""
    from littlefs.errors import LittleFSError

    try:
        result = function(*args)
    except LittleFSError as error:
        _pass_on(context)
        raise OSError(-error.code) from None
    _pass_on(context)
    return result


def _pass_on(context: _Context) -> None:
    error, context.error = context.error, None
    if error is not None:
        raise error


def format_littlefs2(device: BlockDevice, settings: Settings) -> None:
    """Make an empty filesystem; the device has been started."""
    context, config = _config(device, settings)
    lfs = library()
    _call(context, lfs.format, lfs.LFSFilesystem(), config)


def _path(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode(_LATIN)


@final
class Littlefs2:
    """A filesystem on a device that has been started.

    seconds: the time of day, since 2000.  Raises OSError.
    """

    def __init__(
        self, device: BlockDevice, settings: Settings, seconds: Callable[[], int]
    ) -> None:
        self.device = device
        self._settings = settings
        self._seconds = seconds
        self._context, self._config = _config(device, settings)
        self._lfs = library()
        self._fs = self._lfs.LFSFilesystem()
        _call(self._context, self._lfs.mount, self._fs, self._config)

    @property
    def kind(self) -> str:
        """Such as "littlefs 2.0"."""
        version = self._call(self._lfs.fs_stat).disk_version
        return f"littlefs {version >> 16}.{version & 0xFFFF}"

    def _call(self, function: Callable[..., _T], *args: Any) -> _T:
        return _call(self._context, function, self._fs, *args)

    def open(self, path: str, mode: Mode) -> OpenFile:
        lfs = self._lfs
        # The library of boards, without its assertions, reads what was opened for writing only.
        flags = (
            _READ
            | (_WRITE if mode.write else 0)
            | (_CREATE if mode.create else 0)
            | (_EXCLUSIVE if mode.exclusive else 0)
            | (_TRUNCATE if mode.truncate else 0)
            | (_APPEND if mode.append else 0)
        )
        handle = self._call(lfs.file_open, _path(path), lfs.LFSFileFlag(flags), _LATIN)
        stamp = self._stamp if mode.write and self._settings.mtime else None
        return _File(self, self._context, self._fs, handle, mode, _path(path), stamp)

    def _stamp(self, path: str, seconds: int) -> None:
        value = ((seconds + EPOCH_2000) * NS).to_bytes(8, "little")
        self._call(self._lfs.setattr, path, MTIME, value, _LATIN)

    def entries(self, path: str) -> Iterator[tuple[str, Status]]:
        handle = self._call(self._lfs.dir_open, _path(path), _LATIN)
        return self._entries(handle)

    def _entries(self, handle: Any) -> Iterator[tuple[str, Status]]:
        try:
            while (found := self._call(self._lfs.dir_read, handle, _LATIN)) is not None:
                if found.name not in (".", ".."):
                    name = found.name.encode(_LATIN).decode("utf-8", "surrogateescape")
                    yield name, Status(found.type != _FILE, found.size, 0)
        finally:
            self._call(self._lfs.dir_close, handle)

    def status(self, path: str) -> Status:
        found = self._call(self._lfs.stat, _path(path), _LATIN)
        folder = found.type != _FILE
        return Status(folder, 0 if folder else found.size, self._time(_path(path)))

    def _time(self, path: str) -> int:
        try:
            data = self._call(self._lfs.getattr, path, MTIME, _LATIN)
        except OSError:
            return 0
        if len(data) != 8:
            return 0
        return int.from_bytes(data, "little") // NS - EPOCH_2000

    def make_folder(self, path: str) -> None:
        self._call(self._lfs.mkdir, _path(path), _LATIN)

    def remove_folder(self, path: str) -> None:
        self._call(self._lfs.remove, _path(path), _LATIN)

    remove = remove_folder

    def rename(self, old: str, new: str) -> None:
        self._call(self._lfs.rename, _path(old), _path(new), _LATIN)

    def _folders(self, path: str) -> int:
        """The number of folders in a folder, with those in them."""
        found = [name for name, status in self.entries(path) if status.folder]
        return len(found) + sum(self._folders(f"{path}{name}/") for name in found)

    def space(self) -> Space:
        # What a link leads to counts again, as in the numbers of boards.
        used = self._call(self._lfs.fs_size) + 2 * self._folders("/")
        device = self.device
        return Space(device.block_size, device.block_count, device.block_count - used, 255)


@final
class _File:
    __slots__ = ("_context", "_dirty", "_fs", "_handle", "_lfs", "_mode", "_opened_again",
                 "_owner", "_path", "_stamp", "_time")

    def __init__(
        self,
        owner: Littlefs2,
        context: _Context,
        fs: Any,
        handle: Any,
        mode: Mode,
        path: str,
        stamp: Callable[[str, int], None] | None,
    ) -> None:
        self._owner = owner
        self._lfs = owner._lfs
        self._context = context
        self._fs = fs
        self._handle: Any = handle
        self._mode = mode
        self._path = path
        self._stamp = stamp
        self._opened_again = False
        self._dirty = mode.write
        self._time = owner._seconds()

    def _call(self, function: Callable[..., _T], *args: Any) -> _T:
        if self._handle is None:
            raise ValueError
        return _call(self._context, function, self._fs, self._handle, *args)

    def read(self, size: int) -> bytes:
        return bytes(self._call(self._lfs.file_read, size))

    def write(self, data: bytes) -> int:
        if not self._mode.write and not self._opened_again:
            self._open_again()
        self._time = self._owner._seconds()
        self._dirty = True
        return int(self._call(self._lfs.file_write, data))

    def _open_again(self) -> None:
        """For writing: as said, boards do not look at how it was opened."""
        lfs = self._lfs
        place = self._call(lfs.file_tell)
        self._call(lfs.file_close)
        self._handle = _call(
            self._context, lfs.file_open, self._fs, self._path, lfs.LFSFileFlag(_READ | _WRITE),
            _LATIN,
        )
        self._opened_again = True
        self._call(lfs.file_seek, place, 0)

    def seek(self, offset: int, whence: int) -> int:
        self._call(self._lfs.file_seek, offset, whence if 0 <= whence < 3 else 0)
        return int(self._call(self._lfs.file_tell))

    def flush(self) -> None:
        self._call(self._lfs.file_sync)
        self._mark()

    def _mark(self) -> None:
        if self._dirty and self._stamp is not None:
            self._dirty = False
            self._stamp(self._path, self._time)

    def close(self) -> None:
        if self._handle is None:
            return
        try:
            self._call(self._lfs.file_close)
            self._handle = None
            self._mark()
        finally:
            self._handle = None
