"""A board's part of the flash for files: an image in the chip's flash, made when it is needed.

Until a program asks for the flash as a block device, files are in memory, which is faster.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.filesystems.device import ENOENT, ImageDevice
from mpy_cross.emulator.filesystems.volume import (
    FAT,
    LITTLEFS2,
    Filesystem,
    Found,
    Mode,
    Names,
    OpenFile,
    Status,
)
from mpy_cross.emulator.runtime.filesystem import Files
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.vfs import Vfs
from mpy_cross.emulator.runtime.volumes import MemoryVolume

if TYPE_CHECKING:
    from types import ModuleType

KINDS: Final = {
    "pyboard": Found(FAT, 512),
    "rp2": Found(LITTLEFS2, 4096, 256),
    "esp32": Found(LITTLEFS2, 4096, 32),
    "esp8266": Found(LITTLEFS2, 4096, 32),
}
"""What a board makes of a blank flash."""
LABEL: Final = "pybflash"
HIDDEN: Final = 0x100
"""Where the pyboard's volume begins on the medium that USB shows, in blocks."""


class FlashError(ValueError):
    """A file is no flash of the board; the text says why."""


@final
class BoardVolume:
    """The files of a board: in memory, or on its flash.  Paths are names from the root."""

    def __init__(self, memory: MemoryVolume, device: ImageDevice | None, platform: str) -> None:
        self._memory = memory
        self._device = device
        self._platform = platform
        self.real: Filesystem | None = None
        """The filesystem on the flash, once it is used."""
        self.files: Files | None = None
        """What was mounted last."""
        self.seconds: Callable[[], int] = lambda: 0
        """The time of day, since 2000."""
        memory.seconds = self._now

    @property
    def size(self) -> int:
        """Bytes for files."""
        return self._memory.size

    def _path(self, path: Names) -> str:
        return "/" + "/".join(path)

    def open(self, path: Names, mode: Mode) -> OpenFile:
        if self.real is None:
            return self._memory.open(path, mode)
        return self.real.open(self._path(path), mode)

    def entries(self, path: Names) -> list[tuple[str, Status]]:
        if self.real is None:
            return self._memory.entries(path)
        return list(self.real.entries(self._path(path)))

    def status(self, path: Names) -> Status:
        if self.real is None:
            return self._memory.status(path)
        return self.real.status(self._path(path))

    def make_folder(self, path: Names) -> None:
        if self.real is None:
            self._memory.make_folder(path)
        else:
            self.real.make_folder(self._path(path))

    def remove_folder(self, path: Names) -> None:
        if self.real is None:
            self._memory.remove_folder(path)
        else:
            self.real.remove_folder(self._path(path))

    def remove(self, path: Names) -> None:
        if self.real is None:
            self._memory.remove(path)
        else:
            self.real.remove(self._path(path))

    def rename(self, old: Names, new: Names) -> None:
        if self.real is None:
            self._memory.rename(old, new)
        else:
            self.real.rename(self._path(old), self._path(new))

    def space(self) -> tuple[int, int, int]:
        if self.real is None:
            return self._memory.space()
        return self.real.space()[:3]

    def add(self, path: Names, data: bytes) -> None:
        """Put a file there, with the folders that it needs."""
        if self.real is None:
            self._memory.add(path, data)
        else:
            _image().make_folders(self.real, self._path(path[:-1]))
            _image().write_file(self.real, self._path(path), data)

    def close_files(self) -> None:
        """Close what the program has left open."""
        if self.files is not None:
            self.files.close_all()

    def mountable(self, runtime: Runtime) -> Any:
        """The object that is mounted."""
        self.close_files()
        self.files = runtime.files
        if self.real is not None:
            return self._vfs(runtime, self._reopened())
        return Vfs(self)

    # ------------------------------------------------------------------------------ the flash

    def _flash(self) -> ImageDevice:
        if self._device is None:
            raise OSError(ENOENT)
        return self._device

    def _kind(self) -> Found:
        return KINDS[self._platform]

    def _reopened(self) -> Filesystem:
        """The filesystem that is on the flash now, a new one if the program has destroyed it."""
        found = _image().identify(self._flash().view)
        try:
            if found is not None:
                return self._open(found)
        except OSError:
            pass  # it is damaged: a board makes a new one
        self.format()
        return self._open(self._kind())

    def _open(self, found: Found) -> Filesystem:
        if found.kind == self._kind().kind:
            found = found._replace(program_size=self._kind().program_size)
        device = self._flash().with_blocks(found.block_size)
        opened: Filesystem = _image().open_filesystem(device, found, self._now)
        self.real = opened
        return opened

    def _now(self) -> int:
        return self.seconds()

    def format(self, factory: bool = True) -> None:
        """Make what a board makes of a blank flash."""
        device, kind = self._flash(), self._kind()
        device.erase_all()
        _image().format_device(device, kind, self._now)
        if kind.kind == FAT:
            # The boot sector tells where the volume is on the medium that USB shows.
            device.view[28:32] = HIDDEN.to_bytes(4, "little")
        made = self._open(kind)
        if kind.kind == FAT and factory:
            from mpy_cross.emulator.runtime.factory_files import FACTORY_FILES

            _image().set_label(made, LABEL)
            for name, data in FACTORY_FILES.items():
                _image().write_file(made, f"/{name}", data)

    def use_flash(self, runtime: Runtime, mounted: Any) -> None:
        """Move the files from memory to the flash, which takes the place of what is mounted."""
        if self.real is not None:
            return
        files = _all_files(self._memory)
        self.format(factory=False)
        for path, data in files:
            self.add(path, data)
        assert self.real is not None
        made = self._vfs(runtime, self.real)
        made.chdir(mounted.getcwd())
        runtime.files.exchange(mounted, made)

    def _vfs(self, runtime: Runtime, filesystem: Filesystem) -> Any:
        from mpy_cross.emulator.runtime.vfs_types import types_of

        name = "VfsFat" if filesystem.kind.startswith("FAT") else "VfsLfs2"
        return types_of(runtime)[name].on_board(filesystem)

    # ------------------------------------------------------------------------- files of the host

    def load(self, path: Path) -> bytes | None:
        """Take the flash from a file, if there is one; its bytes before and after the part for
        files, None for an image of just that.  Raises FlashError, OSError."""
        view = self._flash().view
        around: bytes | None = None
        if path.exists():
            data = path.read_bytes()
            whole, start = self._flash().whole
            if len(data) == whole:
                around = data
                data = data[start : start + len(view)]
            if len(data) != len(view):
                raise FlashError(
                    f"{path}: has {len(data)} bytes; files of this board take {len(view)}, its "
                    f"whole flash {whole}"
                )
            view[:] = data
        if _image().identify(view) is None:
            self.format()
        else:
            self._reopened()
        return around

    def save(self, path: Path, around: bytes | None) -> None:
        """Write the flash to a file, all of it or nothing.  Raises OSError."""
        self.close_files()
        data = bytes(self._flash().view)
        if around is not None:
            start = self._flash().whole[1]
            data = around[:start] + data + around[start + len(data) :]
        from mpy_cross.emulator.filesystems.host import replace_file

        replace_file(path, data)


def _image() -> ModuleType:
    """The code for filesystems, which most programs do without."""
    from mpy_cross.emulator.filesystems import image

    return image


def _all_files(memory: MemoryVolume) -> list[tuple[Names, bytes]]:
    out: list[tuple[Names, bytes]] = []

    def walk(path: Names) -> None:
        for name, status in memory.entries(path):
            inner = (*path, name)
            if status.folder:
                walk(inner)
            else:
                out.append((inner, memory.contents(inner)))

    walk(())
    return out
