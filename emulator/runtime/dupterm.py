"""Streams that repeat the console: `os.dupterm` (manual 1.1.13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS
from mpy_cross.emulator.runtime.streams import EAGAIN, POLL, stream_of
from mpy_cross.emulator.runtime.types import Instance

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.runtime import Runtime

SLOTS: Final = {"pyboard": 3, "esp8266": 2}
"""How many streams boards take, by `sys.platform`, if not one."""
POLLIN: Final = 1


@final
class Copies:
    """The streams of one run-time, by number.

    What the console prints is written to each; what they receive is input of the console.  One that
    raises an exception, or has come to its end, is taken away.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._streams: list[Any] = [None] * SLOTS.get(runtime.platform, 1)
        self._plain: Callable[[str], object] | None = None

    def set(self, stream: Any, index: int) -> Any:
        """Set the stream of a number, None for none; the one before.  Raises ValueError."""
        if not 0 <= index < len(self._streams):
            raise ValueError("invalid dupterm index")
        before, self._streams[index] = self._streams[index], stream
        if self._plain is None:
            self._plain = self.runtime.write
            self.runtime.write = self._write
        return before

    def _write(self, text: str) -> None:
        assert self._plain is not None
        self._plain(text)
        data = text.encode("utf-8", "surrogateescape")
        if self.runtime.console.terminal is not None:
            data = data.replace(b"\n", b"\r\n")
        self.send(data)

    def send(self, data: bytes) -> None:
        """Bytes of the terminal for all streams."""
        for index, stream in enumerate(self._streams):
            if stream is not None and data:
                self._guarded(index, "write", attribute(stream, "write"), data)

    def receive(self) -> bytes:
        """What the streams have received; nothing is waited for."""
        found = bytearray()
        for index, stream in enumerate(self._streams):
            if stream is not None:
                found += self._guarded(index, "read", self._read, index) or b""
        return bytes(found)

    def _read(self, index: int) -> bytes:
        stream = stream_of(self._streams[index], "__stream_read__")
        own = isinstance(stream, Instance)  # of a class of the program
        if not own and not stream.__stream_ioctl__(POLL, POLLIN) & POLLIN:
            return b""
        try:
            data: bytes = stream.__stream_read__(1)
        except OSError as error:
            if error.args[:1] == (EAGAIN,):
                return b""
            raise
        if not data:
            self._drop(index, "dupterm: EOF received, deactivating\n")
        return data

    def _guarded(self, index: int, name: str, call: Callable[[Any], Any], argument: Any) -> Any:
        try:
            return call(argument)
        except PROGRAM_ERRORS as error:
            report = self.runtime.report(error)
            text = f"dupterm: Exception in {name}() method, deactivating: "
            self._drop(index, text + report)
            return None

    def _drop(self, index: int, text: str) -> None:
        self._streams[index] = None
        self.runtime.write(text)
