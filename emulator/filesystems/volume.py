"""What filesystems have in common: how files are opened, and what is known about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

Names = tuple[str, ...]
"""A path from the root: names without "." and ".."."""


class Status(NamedTuple):
    """What is known about a file or folder: its size in bytes, and when it was written.

    time: seconds since 2000-01-01; 0 where the filesystem does not know.
    """

    folder: bool
    size: int
    time: int


class Mode(NamedTuple):
    """How a file is opened; `text` decides only what its methods give."""

    read: bool
    write: bool
    create: bool
    truncate: bool
    append: bool
    exclusive: bool
    text: bool


def parse_mode(mode: str) -> Mode:
    """The meaning of "r", "wb", "a+" ...; letters that mean nothing are passed over."""
    plus = "+" in mode
    kind = next((letter for letter in mode if letter in "rwax"), "r")
    return Mode(
        read=kind == "r" or plus,
        write=kind != "r" or plus,
        create=kind != "r",
        truncate=kind == "w",
        append=kind == "a",
        exclusive=kind == "x",
        text="b" not in mode,
    )


class OpenFile(Protocol):
    """A file that a filesystem has opened; each method may raise OSError."""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""

    def write(self, data: bytes) -> int:
        """Write bytes; how many were written."""

    def seek(self, offset: int, whence: int) -> int:
        """Move; the new position."""

    def flush(self) -> None:
        """Bring what was written to the medium."""

    def close(self) -> None:
        """End the use of the file; may be called again."""


class Space(NamedTuple):
    """Size of a block in bytes, number of blocks, number of free ones, longest name in bytes."""

    block: int
    blocks: int
    free: int
    name_max: int


DISK_2_0: Final = 0x20000
DISK_2_1: Final = 0x20001
"""Versions of littlefs 2 on a medium."""


class Settings(NamedTuple):
    """How a littlefs is used: sizes in bytes.

    disk_version: of a new one; older ones keep theirs until they are written (2.0 stays 2.0).
    mtime: files get the time of writing.
    """

    read_size: int = 32
    program_size: int = 32
    lookahead: int = 32
    disk_version: int = DISK_2_0
    mtime: bool = True


FAT: Final = "fat"
LITTLEFS1: Final = "lfs1"
LITTLEFS2: Final = "lfs2"


class Found(NamedTuple):
    """A filesystem in an image: its kind, and sizes in bytes.

    disk_version: of a littlefs 2.
    """

    kind: str
    block_size: int
    program_size: int = 32
    disk_version: int = DISK_2_0


class Filesystem(Protocol):
    """A filesystem on a block device.  Paths are text, from the root; errors are OSError."""

    @property
    def kind(self) -> str:
        """Such as "FAT12" or "littlefs 2.0"."""

    def open(self, path: str, mode: Mode) -> OpenFile:
        """Open a file."""

    def entries(self, path: str) -> Iterator[tuple[str, Status]]:
        """What is in a folder, in the order of its directory.  Raises at the call."""

    def status(self, path: str) -> Status:
        """About a file or folder."""

    def make_folder(self, path: str) -> None:
        """Make a folder; the one that it is in has to be there."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def rename(self, old: str, new: str) -> None:
        """Move a file or folder; a file that has the new name is replaced."""

    def space(self) -> Space:
        """How much room there is."""
