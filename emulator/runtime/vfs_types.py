"""`VfsFat`, `VfsLfs1`, `VfsLfs2`: filesystems on block devices of the program (manual 1.1.13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from mpy_cross.emulator.filesystems.device import (
    EEXIST,
    EISDIR,
    ENAMETOOLONG,
    ENODEV,
    ENOENT,
    ENOTDIR,
    ImageDevice,
)
from mpy_cross.emulator.filesystems.volume import (
    Filesystem,
    Mode,
    OpenFile,
    Settings,
    Status,
    parse_mode,
)
from mpy_cross.emulator.runtime.arguments import as_int, native
from mpy_cross.emulator.runtime.block_device import ProgramDevice
from mpy_cross.emulator.runtime.files import FileIO, TextIOWrapper
from mpy_cross.emulator.runtime.types import HostObject, MpClass
from mpy_cross.emulator.runtime.vfs import entry, status_tuple, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpy_cross.emulator.runtime.runtime import Runtime

KINDS: Final = {"pyboard": ("VfsFat", "VfsLfs2"), "rp2": ("VfsFat", "VfsLfs2"),
                "esp32": ("VfsFat", "VfsLfs2"), "esp8266": ("VfsFat", "VfsLfs2")}
"""What firmware of boards has; elsewhere there is all."""
LABELS: Final = {"pyboard": "pybflash"}
"""Names of new FAT volumes."""
MOST_ABANDONED: Final = 16
"""Files that nobody has closed before it is as if garbage had been collected."""
MAGIC: Final = b"littlefs"
MAGIC_AT: Final = 8
"""Where blocks 0 and 1 have a mark; that of littlefs 1 is 32 bytes further."""
MAGIC_SIZE: Final = 44


class VfsBase(HostObject):
    """What the filesystems have in common; each run-time has classes of its own."""

    _runtime: ClassVar[Runtime]
    _fs: Filesystem | None
    _shows_address: ClassVar[bool] = True
    """Files are shown with their address."""
    _device: ProgramDevice | ImageDevice

    @classmethod
    def on_board(cls, filesystem: Any) -> Any:
        """The object for the filesystem that firmware has on a board's flash."""
        made: Any = cls.__new__(cls)
        made._fs, made._device, made._here = filesystem, filesystem.device, "/"
        return made

    @classmethod
    def _seconds(cls) -> int:
        """The time of day, since 2000."""
        return cls._runtime.start_time + cls._runtime.clock.now // 1_000_000_000

    def _filesystem(self) -> Any:
        if self._fs is None:
            raise OSError(ENODEV)
        return self._fs

    def _path(self, path: Any) -> str:
        return text_of(path)

    @native
    def umount(self, /) -> None:
        """Called when it is not mounted any more; it can be used still."""

    @native
    def open(self, path: Any, mode: Any, /) -> Any:
        """Open a file."""
        wanted = self._mode(text_of(mode))
        opened = self._open(self._path(path), wanted)
        files = self._runtime.files
        if len(files.abandoned) >= MOST_ABANDONED:
            files.close_abandoned()
        made = TextIOWrapper if wanted.text else FileIO
        return made(opened, files, self._shows_address)

    def _open(self, path: str, mode: Mode) -> OpenFile:
        opened: OpenFile = self._filesystem().open(path, mode)
        return opened

    def _mode(self, mode: str) -> Mode:
        return parse_mode(mode)

    @native
    def ilistdir(self, path: Any = "", /) -> Any:
        """Tuples of name, type, 0 and size."""
        as_bytes = isinstance(path, bytes)
        found = self._filesystem().entries(self._path(path))
        return (entry(name, status, as_bytes) for name, status in found)

    @native
    def mkdir(self, path: Any, /) -> None:
        """Make a folder."""
        self._filesystem().make_folder(self._path(path))

    @native
    def rmdir(self, path: Any, /) -> None:
        """Remove an empty folder."""
        self._filesystem().remove_folder(self._path(path))

    @native
    def remove(self, path: Any, /) -> None:
        """Remove a file."""
        self._filesystem().remove(self._path(path))

    @native
    def rename(self, old: Any, new: Any, /) -> None:
        """Move a file or folder."""
        self._filesystem().rename(self._path(old), self._path(new))

    @native
    def statvfs(self, path: Any, /) -> tuple[int, ...]:
        """Ten numbers about the space."""
        size, blocks, free, longest = self._filesystem().space()
        if free < 0 and self._runtime.machine is None:
            free &= 0xFFFFFFFF  # littlefs counts some blocks twice; words are longer than its own
        return (size, size, blocks, free, free, 0, 0, 0, 0, longest)


class VfsFat(VfsBase):
    """A FAT filesystem."""

    def __init__(self, device: Any, /) -> None:
        facts = self._runtime.release.filesystems
        self._device = ProgramDevice(device, facts.checked_blocks)
        self._device.start(False)
        self._load()

    def _load(self) -> None:
        from mpy_cross.emulator.filesystems.fat import FatVolume, NotFatError

        try:
            self._fs = FatVolume(self._device, self._seconds)
        except NotFatError:
            self._fs = None

    def _format(self) -> None:
        from mpy_cross.emulator.filesystems.fat import fat_time, format_fat

        self._device.start(False)
        self._fs = None
        format_fat(self._device, fat_time(self._seconds()))

    @staticmethod
    def mkfs(device: Any, /) -> None:
        """Make a filesystem on a device."""
        raise NotImplementedError  # `types_of` gives each run-time its own

    def mount(self, readonly: Any, mkfs: Any, /) -> None:
        """Called when it is mounted."""
        if readonly:
            self._device.protect()
        if self._fs is None:
            if not mkfs:
                raise OSError(ENODEV)
            self._format()
            self._load()

    @native
    def chdir(self, path: Any, /) -> None:
        """Change the current folder."""
        self._filesystem().change_folder(text_of(path))

    @native
    def getcwd(self, /) -> str:
        """The current folder."""
        found: str = self._filesystem().current_folder()
        return found

    @native
    def stat(self, path: Any, /) -> tuple[int, ...]:
        """Ten numbers: type, size, time."""
        text = text_of(path)
        if text in ("", "/"):
            return status_tuple(Status(True, 0, 0))
        return status_tuple(self._filesystem().status(text))


class VfsLfs(VfsBase):
    """Base of the two littlefs."""

    _shows_address: ClassVar[bool] = False

    def __init__(
        self, device: Any, /, *, readsize: Any = 32, progsize: Any = 32, lookahead: Any = 32,
        mtime: Any = True,
    ) -> None:
        self._here = "/"
        facts = self._runtime.release.filesystems
        self._device = ProgramDevice(device, facts.checked_blocks)
        self._device.start(True)
        settings = self._settings(readsize, progsize, lookahead, mtime)
        self._fs = self._mounted(self._device, settings)

    @classmethod
    def _settings(cls, readsize: Any, progsize: Any, lookahead: Any, mtime: Any) -> Settings:
        facts = cls._runtime.release.filesystems
        return Settings(
            as_int(readsize), as_int(progsize), as_int(lookahead), facts.littlefs_disk, bool(mtime)
        )

    def _mounted(self, device: ProgramDevice, settings: Settings) -> Filesystem:
        raise NotImplementedError

    def mount(self, readonly: Any, mkfs: Any, /) -> None:
        """Called when it is mounted."""
        if readonly:
            self._device.protect()

    def _path(self, path: Any) -> str:
        text = text_of(path)
        return text if text.startswith("/") else self._here + text

    def _mode(self, mode: str) -> Mode:
        kinds = [letter for letter in mode if letter in "rwax+"]
        if len(kinds) > 1 and any(letter != "+" for letter in kinds[1:]):
            raise ValueError
        return parse_mode(mode)

    @native
    def chdir(self, path: Any, /) -> None:
        """Change the current folder."""
        wanted = self._path(path)
        if wanted != "/":
            try:
                folder = self._filesystem().status(wanted).folder
            except OSError:
                folder = False
            if not folder:
                raise OSError(self._runtime.release.filesystems.chdir_errno)
        self._here = "/" + "".join(f"{name}/" for name in _clean(wanted))

    @native
    def getcwd(self, /) -> str:
        """The current folder."""
        return self._here if self._here == "/" else self._here[:-1]

    @native
    def stat(self, path: Any, /) -> tuple[int, ...]:
        """Ten numbers: type, size, time."""
        return status_tuple(self._filesystem().status(self._path(path)))


def _clean(path: str) -> list[str]:
    """The names of a path without "." and ".."; above the root is the root."""
    out: list[str] = []
    for name in path.split("/"):
        if name == "..":
            del out[-1:]
        elif name not in ("", "."):
            out.append(name)
    return out


class VfsLfs1(VfsLfs):
    """A filesystem littlefs 1."""

    def _mounted(self, device: ProgramDevice, settings: Settings) -> Filesystem:
        from mpy_cross.emulator.filesystems.littlefs1 import Littlefs1

        return Littlefs1(device, settings)


class VfsLfs2(VfsLfs):
    """A filesystem littlefs 2."""

    def _open(self, path: str, mode: Mode) -> OpenFile:
        try:
            return super()._open(path, mode)
        except OSError as error:
            if mode.create and self._runtime.release.filesystems.littlefs_create_errno:
                known = (ENOENT, EISDIR, EEXIST, ENOTDIR)
                raise error if error.args[0] in known else OSError(ENAMETOOLONG) from None
            raise

    def _path(self, path: Any) -> str:
        text = super()._path(path)
        if not self._runtime.release.filesystems.littlefs_lax_paths:
            return text
        names = _clean(text)
        clean = "/" + "/".join(names)
        if names and not text.endswith(names[-1]):
            self._filesystem().status(clean)  # "name/" is no new name
        return clean

    def _mounted(self, device: ProgramDevice, settings: Settings) -> Filesystem:
        from mpy_cross.emulator.filesystems.littlefs2 import Littlefs2

        return Littlefs2(device, settings, self._seconds)

    @native
    def rename(self, old: Any, new: Any, /) -> None:
        """Move a file or folder."""
        try:
            self._filesystem().rename(self._path(old), self._path(new))
        except OSError as error:
            if error.args[0] != ENOTDIR or not self._runtime.release.filesystems.littlefs_lax_paths:
                raise
            try:
                self._filesystem().status(self._path(new))
            except OSError:
                raise error from None
            raise OSError(EISDIR) from None


def _lfs_maker(cls: type[VfsLfs], first: bool) -> Callable[..., None]:
    def mkfs(
        device: Any, /, *, readsize: Any = 32, progsize: Any = 32, lookahead: Any = 32,
        mtime: Any = True,
    ) -> None:
        settings = cls._settings(readsize, progsize, lookahead, mtime)
        medium = ProgramDevice(device, cls._runtime.release.filesystems.checked_blocks)
        medium.start(True)
        if first:
            from mpy_cross.emulator.filesystems.littlefs1 import format_littlefs1 as make
        else:
            from mpy_cross.emulator.filesystems.littlefs2 import format_littlefs2 as make
        make(medium, settings)

    return mkfs


def _fat_maker(cls: type[VfsFat], label: str) -> Callable[..., None]:
    @native
    def mkfs(device: Any, /) -> None:
        made = cls(device)
        made._format()
        if label:
            made._load()
            made._filesystem().set_label(label)

    return mkfs


def types_of(runtime: Runtime) -> dict[str, Any]:
    """The classes of a run-time, by name."""
    known = runtime.files.types
    if not known:
        classes: tuple[Any, ...] = (VfsFat, VfsLfs1, VfsLfs2)
        for cls in classes:
            name: str = cls.__name__
            if name in KINDS.get(runtime.platform, (name,)):
                known[name] = MpClass(name, (cls,), {"_runtime": runtime})
        label = LABELS.get(runtime.platform, "")
        if not runtime.release.filesystems.label_at_mkfs:
            label = ""
        for name, made in known.items():
            if name == "VfsFat":
                made.mkfs = staticmethod(_fat_maker(made, label))
            else:
                made.mkfs = staticmethod(_lfs_maker(made, name == "VfsLfs1"))
    return known


def detect(runtime: Runtime, device: Any) -> Any:
    """The filesystem that a block device has, as an object that can be mounted."""
    types = types_of(runtime)
    try:
        found = _littlefs(ProgramDevice(device, runtime.release.filesystems.checked_blocks))
        if found in types:
            return types[found](device)
    except ImportError:
        raise  # the library is not installed
    except Exception:
        pass  # it may lack the extended interface, or be damaged: perhaps it is FAT
    return types["VfsFat"](device)


def _littlefs(device: ProgramDevice) -> str:
    for block in (0, 1):
        try:
            data = device.read(block, MAGIC_AT, MAGIC_SIZE)
        except OSError:
            continue
        if data[32:40] == MAGIC:
            return "VfsLfs1"
        if data[:8] == MAGIC:
            return "VfsLfs2"
    return ""

