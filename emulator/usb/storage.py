"""The driver of a USB disk: bulk-only transport with SCSI commands.

Sources: USB Mass Storage Class, Bulk-Only Transport 1.0, chapters 3 to 5; SCSI Block Commands
(READ CAPACITY, READ and WRITE of 10 bytes).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, final

from mpy_cross.emulator.filesystems.device import EIO, ENODEV
from mpy_cross.emulator.usb.host import (
    CLEAR_FEATURE,
    Control,
    Host,
    Incoming,
    Interface,
    Outgoing,
    Script,
)

STORAGE, SCSI, BULK_ONLY = 0x08, 0x06, 0x50
TEST_UNIT_READY, REQUEST_SENSE, READ_CAPACITY = 0x00, 0x03, 0x25
READ, WRITE, SYNCHRONIZE = 0x28, 0x2A, 0x35
TO_ENDPOINT: Final = 0x02
_COMMAND, _STATUS = b"USBC", b"USBS"
_STATUS_SIZE: Final = 13
_MOST: Final = 64
"""Blocks of one READ or WRITE."""
_TRIES: Final = 50
"""How often a disk is asked whether it is ready, after it said that it has changed."""


@final
class Transfer:
    """One SCSI command. length: bytes that come in; status: 0 is good, None until it is done."""

    __slots__ = ("coming", "command", "data", "length", "status")

    def __init__(self, command: bytes, data: bytes = b"", length: int = 0) -> None:
        self.command, self.data, self.length = command, data, length
        self.coming = bytearray()
        self.status: int | None = None


@final
class StorageDriver:
    """A disk at the USB host: `submit` queues commands, which go on while the board does."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self._in: Incoming | None = None
        self._out: Outgoing | None = None
        self._queue: deque[Transfer] = deque()
        self._sending_data = False
        self._tag = 0

    @property
    def there(self) -> bool:
        """Has the board a disk, and is it plugged in?"""
        return self._out is not None

    def configure(self, host: Host, interfaces: Sequence[Interface]) -> Script | None:
        for each in interfaces:
            if (each.kind, each.subclass, each.protocol) == (STORAGE, SCSI, BULK_ONLY):
                coming, going = each.endpoint(True), each.endpoint(False)
                if coming is not None and going is not None:
                    return self._begin(host, coming, going)
        return None

    def _begin(self, host: Host, coming: tuple[int, int], going: tuple[int, int]) -> Script:
        self._host = host
        self._in = Incoming(host, *coming, self._received, self._stalled)
        self._in.wanted = False
        self._out = Outgoing(host, *going, self._sent, self._refused)
        host.pipes += [self._in, self._out]
        self._next()
        return
        yield  # no control transfers

    def gone(self) -> None:
        self._host = self._in = self._out = None
        self._sending_data = False
        for transfer in self._queue:
            transfer.status = 2
        self._queue.clear()

    def submit(self, transfer: Transfer) -> None:
        """Queue a command.  Raises OSError(ENODEV) without a disk."""
        if not self.there:
            raise OSError(ENODEV)
        self._queue.append(transfer)
        if len(self._queue) == 1:
            self._next()

    def _next(self) -> None:
        if not self._queue or self._out is None:
            return
        transfer = self._queue[0]
        self._tag += 1
        length = len(transfer.data) or transfer.length
        self._sending_data = bool(transfer.data)
        self._out.feed(struct.pack(
            "<4sIIBBB16s", _COMMAND, self._tag, length, 0 if transfer.data else 0x80, 0,
            len(transfer.command), transfer.command))

    def _sent(self) -> None:
        """The command is out, or its data."""
        assert self._out is not None and self._in is not None and self._host is not None
        if self._sending_data:
            self._sending_data = False
            self._out.feed(self._queue[0].data)
        else:
            self._in.wanted = True
            self._host.wake()

    def _received(self, packet: bytes) -> None:
        if not self._queue or self._in is None:
            return
        transfer = self._queue[0]
        whole = len(transfer.coming) >= transfer.length
        ours = packet[4:8] == self._tag.to_bytes(4, "little")
        if len(packet) == _STATUS_SIZE and packet[:4] == _STATUS and (whole or ours):
            transfer.status = packet[12]
            self._in.wanted = False
            self._queue.popleft()
            self._next()
        else:
            transfer.coming += packet

    def _stalled(self) -> None:
        """There is no (more) data: the endpoint is let go, then the status comes."""
        assert self._host is not None and self._in is not None
        endpoint = self._in.endpoint | 0x80

        def clear() -> Script:
            yield Control(TO_ENDPOINT, CLEAR_FEATURE, 0, endpoint)

        self._host.do(clear(), self._listen)

    def _refused(self) -> None:
        """The disk does not take data: the same, in the other direction."""
        assert self._host is not None and self._out is not None
        self._sending_data = False
        endpoint = self._out.endpoint

        def clear() -> Script:
            yield Control(TO_ENDPOINT, CLEAR_FEATURE, 0, endpoint)

        self._host.do(clear(), self._listen)

    def _listen(self) -> None:
        if self._in is not None and self._host is not None:
            self._in.wanted = True
            self._host.wake()


@final
class UsbDisk:
    """The disk as a block device, for who can let the board go on meanwhile.

    go_on: called until a command is over; raises OSError if it takes too long.
    """

    def __init__(self, driver: StorageDriver, go_on: Callable[[Callable[[], bool]], None]) -> None:
        self._driver, self._go_on = driver, go_on
        self.block_size, self.block_count, self.writable = 512, 0, True

    def _do(self, command: bytes, data: bytes = b"", length: int = 0) -> Transfer:
        transfer = Transfer(command, data, length)
        self._driver.submit(transfer)
        self._go_on(lambda: transfer.status is not None)
        return transfer

    def start(self, extended: bool) -> None:
        """Waits until the disk is ready, and asks for its size.  Raises OSError(ENODEV)."""
        for _ in range(_TRIES):
            if self._do(bytes([TEST_UNIT_READY, 0, 0, 0, 0, 0])).status == 0:
                break
            self._do(bytes([REQUEST_SENSE, 0, 0, 0, 18, 0]), length=18)
        else:
            raise OSError(ENODEV)
        answer = self._do(bytes([READ_CAPACITY]) + bytes(9), length=8)
        if answer.status or len(answer.coming) != 8:
            raise OSError(ENODEV)
        last, self.block_size = struct.unpack(">II", answer.coming)
        self.block_count = last + 1

    def read_blocks(self, block: int, count: int) -> bytes:
        out = bytearray()
        while count:
            part = min(count, _MOST)
            size = part * self.block_size
            answer = self._do(struct.pack(">BBIBHB", READ, 0, block, 0, part, 0), length=size)
            if answer.status or len(answer.coming) != size:
                raise OSError(EIO)
            out += answer.coming
            block, count = block + part, count - part
        return bytes(out)

    def write_blocks(self, block: int, data: bytes) -> None:
        for at in range(0, len(data), _MOST * self.block_size):
            part = data[at : at + _MOST * self.block_size]
            count = len(part) // self.block_size
            place = block + at // self.block_size
            if self._do(struct.pack(">BBIBHB", WRITE, 0, place, 0, count, 0), part).status:
                raise OSError(EIO)

    def read(self, block: int, offset: int, size: int) -> bytes:
        count = -(-(offset + size) // self.block_size)
        return self.read_blocks(block, count)[offset : offset + size]

    def program(self, block: int, offset: int, data: bytes) -> None:
        """A disk has no erased bytes. Raises OSError(EIO)."""
        raise OSError(EIO)

    def erase(self, block: int) -> None:
        """A disk has no erased blocks. Raises OSError(EIO)."""
        raise OSError(EIO)

    def sync(self) -> None:
        """The disk writes what it still has to; one that does not know this has nothing."""
        self._do(bytes([SYNCHRONIZE]) + bytes(9))
