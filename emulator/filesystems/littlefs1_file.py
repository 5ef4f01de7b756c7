"""An open file of littlefs 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, final

from mpy_cross.emulator.filesystems.device import EBADF, ECORRUPT, EFBIG, EINVAL
from mpy_cross.emulator.filesystems.littlefs1_medium import NULL, WORD, Medium, Pair, links
from mpy_cross.emulator.filesystems.volume import Mode

FILE_MAX: Final = 0x7FFFFFFF
_GONE: Final = (NULL, NULL)


@final
class Littlefs1File:
    """A file.  What is written goes to new blocks, which the folder learns of at `flush`.

    update: tells the folder the last block and the size; it gives the pair where the entry is.
    """

    __slots__ = (
        "_at", "_block", "_dirty", "_failed", "_files", "_head", "_medium", "_mode", "_offset",
        "_pair", "_pending", "_pending_at", "_position", "_size", "_update", "_writing",
    )

    def __init__(
        self,
        medium: Medium,
        files: list[Littlefs1File],
        update: Callable[[Pair, int, int, int], Pair],
        pair: Pair,
        at: int,
        head: int,
        size: int,
        mode: Mode,
    ) -> None:
        self._medium = medium
        self._files: list[Littlefs1File] | None = files
        self._update = update
        self._pair, self._at = pair, at
        self._head, self._size = head, size
        self._mode = mode
        self._position = 0
        self._dirty = False
        """The folder does not know the contents."""
        self._failed = False
        self._writing = False
        """There are new blocks behind `_block` up to the position."""
        self._block, self._offset = NULL, 0
        self._pending = bytearray()
        """Bytes that are less than can be programmed, and their offset."""
        self._pending_at = 0
        if mode.truncate:
            self._dirty = size != 0
            self._head, self._size = NULL, 0

    def entry_removed(self, pair: Pair, at: int, size: int) -> None:
        """An entry of a folder was removed: this file's is further up, or there is none."""
        if self._pair[0] in pair or self._pair[1] in pair:
            if self._at == at:
                self._pair = _GONE
            elif self._at > at:
                self._at -= size

    def blocks(self) -> Iterator[int]:
        """Blocks in use that no folder knows of."""
        if self._dirty:
            yield from self._medium.chain(self._head, self._size)
        if self._writing:
            number = self._medium.index(self._position - 1)[0] if self._position else 0
            yield self._block
            if number:
                yield from self._chain_of_pending(number)

    def _chain_of_pending(self, number: int) -> Iterator[int]:
        """The blocks before the one being written, whose links may not be on the medium yet."""
        head = int.from_bytes(self._read_current(0, WORD), "little")
        last = number - 1
        while True:
            yield head
            if last == 0:
                return
            head = self._medium.link(head, 0)
            last -= 1

    def _read_current(self, offset: int, size: int) -> bytes:
        """Bytes of the block being written."""
        end = self._pending_at + len(self._pending)
        if self._pending and self._pending_at <= offset and offset + size <= end:
            start = offset - self._pending_at
            return bytes(self._pending[start : start + size])
        return self._medium.read(self._block, offset, size)

    def _open(self) -> None:
        if self._files is None:
            raise ValueError

    # -------------------------------------------------------------------------------- reading

    def read(self, size: int) -> bytes:
        self._open()
        if not self._mode.read:
            raise OSError(EBADF)
        self._settle()
        data = self._read_at(self._position, min(size, max(self._size - self._position, 0)))
        self._position += len(data)
        return data

    def _read_at(self, position: int, size: int) -> bytes:
        """Bytes of what the blocks have."""
        medium, out = self._medium, bytearray()
        while len(out) < size:
            block, offset = medium.find(self._head, self._size, position)
            count = min(size - len(out), medium.device.block_size - offset)
            out += medium.read(block, offset, count)
            position += count
        return bytes(out)

    # -------------------------------------------------------------------------------- writing

    def write(self, data: bytes) -> int:
        self._open()
        if not self._mode.write:
            raise OSError(EBADF)
        if self._mode.append and self._position < self._size:
            self._position = self._size
        if self._position + len(data) > FILE_MAX:
            raise OSError(EFBIG)
        try:
            if not self._writing and self._position > self._size:
                gap = self._position - self._size
                self._position = self._size
                self._append(bytes(gap))
            self._append(data)
        except OSError:
            self._failed = True
            raise
        self._failed = False
        return len(data)

    def _append(self, data: bytes) -> None:
        """Write at the position, into new blocks."""
        medium, done = self._medium, 0
        while done < len(data):
            if not self._writing or self._offset == medium.device.block_size:
                if not self._writing and self._position > 0:
                    self._block, _ = medium.find(self._head, self._size, self._position - 1)
                medium.acknowledge()
                self._extend()
                self._writing = True
            part = data[done : done + medium.device.block_size - self._offset]
            self._put(part)
            self._position += len(part)
            done += len(part)
            medium.acknowledge()

    def _extend(self) -> None:
        """Begin a new block: behind the current one, or as a copy of it if there is room."""
        medium, size = self._medium, self._position
        before = self._block
        while True:
            block = medium.allocate()
            if not medium.erase(block):
                continue
            self._block, self._offset = block, 0
            self._pending.clear()
            if size == 0:
                return
            number, offset = medium.index(size - 1)
            if offset + 1 != medium.device.block_size:
                head = medium.read(before, 0, offset + 1)
            else:
                head = b""
                target = before
                for link in range(links(number + 1)):
                    head += target.to_bytes(WORD, "little")
                    if link < links(number + 1) - 1:
                        target = medium.link(target, link)
            try:
                self._put(head)
            except OSError as error:
                if error.args != (ECORRUPT,):
                    raise
                continue  # a bad block: try the next one
            return

    def _put(self, data: bytes) -> None:
        """Append to the current block; whole units are programmed."""
        unit, pending = self._medium.program_size, self._pending
        if not pending:
            self._pending_at = self._offset
        pending += data
        self._offset += len(data)
        whole = len(pending) // unit * unit
        if whole:
            part = bytes(pending[:whole])
            self._program(part)
            del pending[:whole]
            self._pending_at += whole

    def _program(self, data: bytes) -> None:
        """Program units of the current block, in another one if it is bad."""
        medium, at = self._medium, self._pending_at
        if self._try(self._block, at, data):
            return
        while True:
            block = medium.allocate()
            if medium.erase(block) and self._try(block, 0, medium.read(self._block, 0, at) + data):
                self._block = block
                return

    def _try(self, block: int, at: int, data: bytes) -> bool:
        try:
            return self._medium.program(block, at, data)
        except OSError as error:
            if error.args == (ECORRUPT,):
                return False
            raise

    def _settle(self) -> None:
        """End the writing of blocks: what was behind the position is copied."""
        if not self._writing:
            return
        position = self._position
        while self._position < self._size:
            left = self._medium.device.block_size - self._offset
            count = min(self._size - self._position, left or self._medium.device.block_size)
            self._append(self._read_at(self._position, count))
        if self._pending:
            self._program(bytes(self._pending.ljust(self._medium.program_size, b"\xff")))
            self._pending.clear()
        self._head, self._size = self._block, self._position
        self._writing = False
        self._dirty = True
        self._position = position

    def seek(self, offset: int, whence: int) -> int:
        self._open()
        self._settle()
        place = offset + (0, self._position, self._size)[whence if 0 <= whence < 3 else 0]
        if not 0 <= place <= FILE_MAX:
            raise OSError(EINVAL)
        self._position = place
        return place

    def flush(self) -> None:
        self._open()
        self._settle()
        if self._dirty and not self._failed and self._pair != _GONE:
            self._pair = self._update(self._pair, self._at, self._head, self._size)
            self._dirty = False

    def close(self) -> None:
        if self._files is None:
            return
        try:
            self.flush()
        finally:
            self._files.remove(self)
            self._files = None
