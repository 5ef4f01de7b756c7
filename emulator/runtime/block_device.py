"""A block device of the program: an object with `readblocks` and more (manual 1.1.13).

The built-in flash of boards is such an object too, so that everything goes the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, final

from mpy_cross.emulator.filesystems.device import EINVAL, EIO, EROFS
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.buffers import ByteArray

INIT: Final = 1
SYNC: Final = 3
BLOCK_COUNT: Final = 4
BLOCK_SIZE: Final = 5
BLOCK_ERASE: Final = 6
DEFAULT_SIZE: Final = 512
EBUSY: Final = 16


@final
class ProgramDevice:
    """The device as filesystems use it; exceptions of the program pass through.

    checked: results of the simple interface count; before 1.24 they did not.
    Raises AttributeError where methods are missing.
    """

    def __init__(self, obj: Any, checked: bool) -> None:
        self._checked = checked
        self._read: Callable[..., Any] = attribute(obj, "readblocks")
        self._write = _method(obj, "writeblocks")
        self._ioctl = _method(obj, "ioctl")
        self._sync: Callable[[], Any] | None = None
        self._count: Callable[[], Any] | None = None
        if self._ioctl is None:  # the protocol of very old devices
            self._sync = _method(obj, "sync")
            self._count = attribute(obj, "count")
        self.block_size = DEFAULT_SIZE
        self._blocks = -1

    @property
    def writable(self) -> bool:
        """Can it be written?"""
        return self._write is not None

    def protect(self) -> None:
        """It is not written any more."""
        self._write = None

    @property
    def block_count(self) -> int:
        """Number of blocks."""
        if self._blocks < 0:
            self._blocks = as_int(self._control(BLOCK_COUNT, 0))
        return self._blocks

    def _control(self, request: int, argument: int) -> Any:
        if self._ioctl is not None:
            return self._ioctl(request, argument)
        if request == SYNC and self._sync is not None:
            self._sync()
        if request == BLOCK_COUNT and self._count is not None:
            return self._count()
        return None

    def start(self, extended: bool) -> None:
        self._blocks = -1
        ready = self._control(INIT, int(extended))
        if extended:
            if ready is not None:
                as_int(ready)
            self.block_size = as_int(self._control(BLOCK_SIZE, 0))
            self._blocks = as_int(self._control(BLOCK_COUNT, 0))
            return
        if ready is not None and as_int(ready) != 0:
            raise OSError(EBUSY)
        size = self._control(BLOCK_SIZE, 0)
        self.block_size = DEFAULT_SIZE if size is None else as_int(size) & 0xFFFF

    # -------------------------------------------------------------------------------- simple

    def read_blocks(self, block: int, count: int) -> bytes:
        buffer = ByteArray(count * self.block_size)
        self._simple(self._read(block, buffer))
        return buffer.__memory__(False).tobytes()

    def write_blocks(self, block: int, data: bytes) -> None:
        if self._write is None:
            raise OSError(EROFS)
        self._simple(self._write(block, ByteArray(data)))

    def _simple(self, result: Any) -> None:
        if self._checked and self._number(result) != 0:
            raise OSError(EIO)

    def _number(self, result: Any) -> int:
        """The meaning of what a method returns: 0 is good, else it is negative."""
        if result is None:
            return 0
        if not self._checked:
            return as_int(result)
        if isinstance(result, bool):
            return 0 if result else -EIO
        number = as_int(result)
        return -EINVAL if number > 0 else number

    # ------------------------------------------------------------------------------ extended

    def _extended(self, result: Any) -> None:
        number = self._number(result)
        if number < 0:
            raise OSError(-number)

    def read(self, block: int, offset: int, size: int) -> bytes:
        buffer = ByteArray(size)
        self._extended(self._read(block, buffer, offset))
        return buffer.__memory__(False).tobytes()

    def program(self, block: int, offset: int, data: bytes) -> None:
        if self._write is None:
            raise OSError(EROFS)
        self._extended(self._write(block, ByteArray(data), offset))

    def erase(self, block: int) -> None:
        number = as_int(self._control(BLOCK_ERASE, block))
        if number:
            raise OSError(abs(number))

    def sync(self) -> None:
        result = self._control(SYNC, 0)
        if result is not None:
            as_int(result)


def _method(obj: Any, name: str) -> Callable[..., Any] | None:
    try:
        found: Callable[..., Any] = attribute(obj, name)
    except AttributeError:
        return None
    return found
