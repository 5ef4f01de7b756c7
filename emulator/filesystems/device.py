"""Block devices: what a filesystem reads and writes.

Errors are OSError with a number only, as programs of a board see them.
"""

from __future__ import annotations

from typing import Final, Protocol, final

ENOENT: Final = 2
EIO: Final = 5
EBADF: Final = 9
ENOMEM: Final = 12
EACCES: Final = 13
EEXIST: Final = 17
ENODEV: Final = 19
ENOTDIR: Final = 20
EISDIR: Final = 21
EINVAL: Final = 22
EFBIG: Final = 27
ENOSPC: Final = 28
EROFS: Final = 30
ENAMETOOLONG: Final = 36
ENOTEMPTY: Final = 39
ECORRUPT: Final = 84
"""What littlefs calls damaged data: EILSEQ of the host, which boards have no name for."""


class BlockDevice(Protocol):
    """A medium of blocks (manual 1.1.13).  Each method may raise OSError.

    FAT uses the simple interface (`read_blocks`, `write_blocks`), littlefs the extended one
    (`read`, `program`, `erase`).  A device without means to write raises OSError(EROFS).
    """

    @property
    def block_size(self) -> int:
        """Bytes of a block; known after `start`."""

    @property
    def block_count(self) -> int:
        """Number of blocks."""

    @property
    def writable(self) -> bool:
        """Can it be written?"""

    def start(self, extended: bool) -> None:
        """Prepare the device, and find out its size."""

    def read_blocks(self, block: int, count: int) -> bytes:
        """Whole blocks."""

    def write_blocks(self, block: int, data: bytes) -> None:
        """Write whole blocks; the device erases them first."""

    def read(self, block: int, offset: int, size: int) -> bytes:
        """Bytes from an offset in a block."""

    def program(self, block: int, offset: int, data: bytes) -> None:
        """Write bytes that have been erased before."""

    def erase(self, block: int) -> None:
        """Erase a block."""

    def sync(self) -> None:
        """Bring what was written to the medium."""


class Watch(Protocol):
    """Sees each change of a medium before it is made."""

    def __call__(self, kind: str, offset: int, data: bytes, /) -> bytes:
        """What will be there instead of `data`.  kind: "erase" or "program"; offset: in the medium
        in bytes."""


@final
class ImageDevice:
    """Blocks in memory: an image of a medium, or a part of one.

    start, size: the part in bytes, all of it without them.  flash: programming can only clear
    bits, and `erase` sets them, as in NOR flash.
    """

    def __init__(
        self,
        data: bytearray | memoryview,
        block_size: int,
        *,
        start: int = 0,
        size: int | None = None,
        flash: bool = False,
        writable: bool = True,
    ) -> None:
        self.whole = len(data), start
        """Bytes of the medium, and where this part begins."""
        end = len(data) if size is None else start + size
        if block_size <= 0 or not 0 <= start <= end <= len(data):
            raise ValueError(f"no {size} bytes from {start} in blocks of {block_size}")
        self.view = memoryview(data)[start:end]
        """Its bytes."""
        self.block_size = block_size
        self.block_count = len(self.view) // block_size
        self.flash = flash
        self.writable = writable
        self.changed = False
        """Has anything been written or erased?"""
        self.watch: Watch | None = None
        """What becomes of writes; what it raises ends them."""

    def start(self, extended: bool) -> None:
        """There is nothing to prepare."""

    def with_blocks(self, size: int) -> ImageDevice:
        """The same bytes in blocks of another size."""
        if size == self.block_size:
            return self
        made = ImageDevice(self.view, size, flash=self.flash, writable=self.writable)
        made.whole, made.watch = self.whole, self.watch
        return made

    def protect(self) -> None:
        """It is not written any more."""
        self.writable = False

    def erase_all(self) -> None:
        """Erase all bytes, whatever they are on."""
        self._change()
        self.view[:] = b"\xff" * len(self.view)

    def _place(self, block: int, offset: int, size: int) -> int:
        at = block * self.block_size + offset
        if block < 0 or offset < 0 or at + size > self.block_count * self.block_size:
            raise OSError(EIO)
        return at

    def _change(self) -> None:
        if not self.writable:
            raise OSError(EROFS)
        self.changed = True

    def read_blocks(self, block: int, count: int) -> bytes:
        return self.read(block, 0, count * self.block_size)

    def write_blocks(self, block: int, data: bytes) -> None:
        self._change()
        at = self._place(block, 0, len(data))
        if self.flash:
            self._put("erase", at, b"\xff" * len(data))
        self._put("program", at, data)

    def _put(self, kind: str, at: int, data: bytes) -> None:
        if self.watch is not None:
            data = self.watch(kind, self.whole[1] + at, data)
        self.view[at : at + len(data)] = data

    def read(self, block: int, offset: int, size: int) -> bytes:
        at = self._place(block, offset, size)
        return bytes(self.view[at : at + size])

    def program(self, block: int, offset: int, data: bytes) -> None:
        self._change()
        at = self._place(block, offset, len(data))
        if self.flash:
            size = len(data)
            both = int.from_bytes(self.view[at : at + size], "little") & int.from_bytes(
                data, "little"
            )
            data = both.to_bytes(size, "little")
        self._put("program", at, data)

    def erase(self, block: int) -> None:
        self._change()
        at = self._place(block, 0, self.block_size)
        if self.flash:
            self._put("erase", at, b"\xff" * self.block_size)

    def sync(self) -> None:
        """All is in memory already."""


def errno_of(error: OSError) -> int:
    """The number of an OSError of ours."""
    value = error.args[0] if error.args else error.errno
    return value if isinstance(value, int) else EIO
