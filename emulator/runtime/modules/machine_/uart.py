"""What UARTs of all chips have: buffers, timeouts, the stream methods."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime import streams
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, Hardware
from mpy_cross.emulator.runtime.types import HostObject

POLL_READ, POLL_WRITE = 1, 4
EINVAL: Final = 22


class UartBase(HostObject):
    """A UART: an interrupt moves received bytes into a buffer, `read` takes them from there."""

    type_name = "UART"

    _hw: ClassVar[Hardware]

    _baudrate: int
    _bits: int
    _parity: int | None
    _stop: int
    _timeout: int
    _timeout_char: int
    _size: int
    _buffer: deque[int]

    def _send(self, byte: int) -> bool:
        """Hands one byte to the UART, waiting for room; False: it took too long."""
        raise NotImplementedError

    def _flush(self) -> None:
        """After the last byte of a write."""

    def _fill(self) -> None:
        """Moves what the UART holds into the buffer."""

    def _room(self) -> bool:
        """Would a write not block?"""
        raise NotImplementedError

    @property
    def _frame(self) -> int:
        """Time of one character in ns."""
        bits = 1 + self._bits + (self._parity is not None) + self._stop
        return bits * 1_000_000_000 // max(self._baudrate, 1)

    def _timeouts(self, timeout: int, timeout_char: int) -> None:
        """Sets the timeouts in ms: that between characters is longer than one of them."""
        self._timeout = timeout
        self._timeout_char = max(timeout_char, 13000 // max(self._baudrate, 1) + 1)

    def _arrived(self) -> bool:
        self._fill()
        return bool(self._buffer)

    # ------------------------------------------------------------------------- as a stream

    def __stream_read__(self, size: int) -> bytes:
        hw = self._hw
        hw.busy()
        if not size:
            return b""
        if not self._arrived() and not hw.wait(self._arrived, self._timeout * MS):
            raise OSError(streams.EAGAIN)
        data = bytearray()
        while True:
            data.append(self._buffer.popleft())
            if len(data) >= size:
                break
            if not self._arrived() and not hw.wait(self._arrived, self._timeout_char * MS):
                break
        return bytes(data)

    def __stream_write__(self, data: bytes) -> int:
        self._hw.busy()
        done = 0
        for byte in data:
            if not self._send(byte):
                break
            done += 1
        if not done and data:
            raise OSError(streams.EAGAIN)
        self._flush()
        return done

    def __stream_ioctl__(self, request: int, argument: Any) -> int:
        if request == streams.POLL:
            readable = POLL_READ if argument & POLL_READ and self._arrived() else 0
            return readable | (POLL_WRITE if argument & POLL_WRITE and self._room() else 0)
        if request == streams.FLUSH:
            self._flush()
            return 0
        raise OSError(EINVAL)

    read = streams.read
    readinto = streams.readinto
    readline = streams.readline
    write = streams.write

    def any(self) -> int:
        """Characters that can be read at once."""
        self._hw.busy()
        self._fill()
        return len(self._buffer)
