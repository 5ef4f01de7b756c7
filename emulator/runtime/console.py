"""The console of the run-time: standard input and output, and what else gets the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from mpy_cross.emulator.runtime import streams
from mpy_cross.emulator.runtime.dupterm import Copies
from mpy_cross.emulator.runtime.types import HostObject, class_name

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.runtime import Runtime

EPERM: Final = 1
POLLIN: Final = 1
POLLOUT: Final = 4
CTRL_C: Final = 3


class Terminal(Protocol):
    """Somebody at the other end of the console, who reads and may type."""

    def wait(self, until: int | None) -> int:
        """Wait until something was typed or time has passed, to `until` ns at most: the time."""

    def write(self, data: bytes) -> None:
        """Bytes to show as they are."""

    def input(self, prompt: str) -> str:
        """A line, edited as the terminal does it.  Raises EOFError, KeyboardInterrupt."""


@final
class Console:
    """Input that waits to be read, and streams of `os.dupterm`."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.waiting = bytearray()
        """What was typed and not read yet."""
        self.open = False
        """Whether more may be typed; if not, reading at the end gives nothing."""
        self.interrupt_character = CTRL_C
        """The byte that interrupts the program when it is typed, -1 for none."""
        self.terminal: Terminal | None = None
        """Who types, if that is no file."""
        self.source: Callable[[bool], bytes | None] | None = None
        """Gives more input when there is none: b"" at the end, None for nothing now; the argument
        is whether to wait for it."""
        self.copies: Copies | None = None
        """Streams of `os.dupterm`, once there was one."""

    def type(self, text: str | bytes) -> None:
        """Type something."""
        self.waiting += text.encode() if isinstance(text, str) else text

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; waits for the first one."""
        while not self.waiting and self.source is not None:
            self._fetch(True)
            self.runtime.scheduler.events()
        if not self.waiting and self.open:
            self.wait(self._typed)
        return self.take(size)

    def _fetch(self, wait: bool) -> None:
        """Ask the source."""
        if self.source is not None and not self.waiting:
            data = self.source(wait)
            if data == b"":
                self.source = None
            elif data is not None:
                self.waiting += data

    def ready(self) -> bool:
        """Can a byte be read without waiting?"""
        self._fetch(False)
        return bool(self.waiting)

    def take(self, size: int) -> bytes:
        """Up to `size` bytes of those that wait, all if it is negative."""
        end = size if size >= 0 else len(self.waiting)
        data = bytes(self.waiting[:end])
        del self.waiting[:end]
        return data

    def wait(self, ready: Callable[[], bool], until: int | None = None) -> bool:
        """Wait for what typing may bring about, as `Scheduler.wait` does.

        If there is somebody who may type, this takes time of theirs.
        """
        scheduler = self.runtime.scheduler
        terminal = self.terminal
        if terminal is None:
            return scheduler.wait(ready, until)
        while not ready():
            if until is not None and scheduler.clock.now >= until:
                return False
            when = terminal.wait(until)
            scheduler.events()
            scheduler.wait(ready, when if until is None else min(when, until))
        return True

    def write_raw(self, data: bytes) -> None:
        """Bytes that are no text: on a terminal, LF stays LF."""
        if self.terminal is None:
            self.write(data)
        else:
            self.terminal.write(data)

    def write(self, data: bytes) -> None:
        """Output of the program."""
        self.runtime.write(data.decode("utf-8", "surrogateescape"))

    def duplicate(self, stream: Any, index: int) -> Any:
        """`os.dupterm`: the stream that had this number before."""
        if self.copies is None:
            self.copies = Copies(self.runtime)
        return self.copies.set(stream, index)

    def _typed(self) -> bool:
        """Is there input, or no more to come?  Also of streams of `os.dupterm`."""
        if not self.waiting and self.copies is not None:
            data = self.copies.receive()
            if data and data[0] == self.interrupt_character:
                self.runtime.scheduler.interrupted = True
            else:
                self.waiting += data
        return bool(self.waiting) or not self.open

    def input(self, prompt: Any = "", /) -> str:
        """`input()`.  Raises EOFError."""
        if self.terminal is not None:
            return self.terminal.input(self.runtime.printer.text(prompt))
        self.runtime.write(self.runtime.printer.text(prompt))
        line = bytearray()
        while True:
            byte = self.read(1)
            if not byte and not line:
                raise EOFError
            if byte in (b"", b"\n", b"\r"):
                return line.decode("utf-8", "surrogateescape")
            line += byte


class _Standard(HostObject):
    __stream_typed__ = True

    def __init__(self, console: Any = None, number: Any = None) -> None:
        if not isinstance(console, Console):
            raise TypeError("cannot create 'FileIO' instances")
        self._console = console
        self._number = number

    def __stream_read__(self, size: int) -> bytes:
        if self._number:
            raise OSError(EPERM)
        if self._console.terminal is None:
            return self._console.read(size)
        # A terminal has no end: all that is asked for comes; Enter is read as LF in text.
        data = bytearray()
        while len(data) < size:
            data += self._console.read(size - len(data))
        text = getattr(type(self), "__stream_text__", False)
        return bytes(data.replace(b"\r", b"\n") if text else data)

    def __stream_write__(self, data: bytes) -> int:
        if not self._number:
            raise OSError(EPERM)
        if getattr(type(self), "__stream_text__", False):
            self._console.write(data)
        else:
            self._console.write_raw(data)
        return len(data)

    def __stream_ioctl__(self, request: int, argument: Any) -> int:
        if request == streams.POLL:
            events = int(argument)
            if self._number:
                return events & POLLOUT
            return events & POLLIN if self._console.ready() else 0
        if request in (streams.CLOSE, streams.FLUSH):
            return 0
        raise OSError(streams.EINVAL)

    def _show(self, printer: Any) -> str:
        return f"<io.{class_name(type(self))} {self._number}>"

    read = streams.read
    readinto = streams.readinto
    readline = streams.readline
    readlines = streams.readlines
    write = streams.write
    close = streams.close
    __enter__ = streams.enter
    __exit__ = streams.leave
    __iter__ = streams.enter
    __next__ = streams.next_line


@final
class StandardBytes(_Standard):
    """`sys.stdout.buffer` and the like."""

    type_name = "FileIO"


class StandardText(_Standard):
    """`sys.stdin`, `sys.stdout`, `sys.stderr`."""

    type_name = "TextIOWrapper"
    __stream_text__ = True

    def __new__(cls, console: Any = None, number: Any = None) -> StandardText:
        if isinstance(console, Console) and not console.runtime.release.language.text_streams:
            cls = _OldText
        return object.__new__(cls)

    def __init__(self, console: Any = None, number: Any = None) -> None:
        super().__init__(console, number)
        self.buffer = StandardBytes(console, number)


@final
class _OldText(StandardText):
    type_name = "FileIO"
