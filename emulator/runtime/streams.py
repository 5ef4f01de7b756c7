"""Streams: what files, StringIO, sockets, UARTs and the streams of the program have in common.

A class is a stream if it has some of these methods; sizes and positions are in bytes:

* `__stream_read__(size)`: up to `size` bytes; none at the end.
* `__stream_write__(data)`: how many bytes were taken.
* `__stream_ioctl__(request, argument)`: a control operation, and its result.
* `__stream_seek__(offset, whence)`: the new position.

They raise OSError(EAGAIN) where a stream that does not block has nothing to do.  The functions
below are the methods that the program sees; a class takes those that it has in MicroPython, and
has `__stream_text__ = True` if they give strings.
"""

from __future__ import annotations

from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_word, native, to_utf8
from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.buffers import ByteArray, buffer_of
from mpy_cross.emulator.runtime.strings import decode_utf8
from mpy_cross.emulator.runtime.types import HostObject, Instance

EAGAIN: Final = 11
EINVAL: Final = 22

FLUSH: Final = 1
SEEK: Final = 2
POLL: Final = 3
CLOSE: Final = 4

SEEK_SET: Final = 0
SEEK_CUR: Final = 1
SEEK_END: Final = 2

_READ_SIZE: Final = 256
"""Bytes that `read()` asks for at a time."""


def stream_of(obj: Any, method: str) -> Any:
    """The object, if it is a stream with this method.  Raises OSError."""
    if not hasattr(type(obj), method):
        raise OSError("stream operation not supported")
    return obj


def write_all(stream: Any, data: bytes) -> int:
    """Write all bytes, in several steps if need be; how many were taken."""
    done = 0
    while done < len(data):
        try:
            count = stream.__stream_write__(data[done:] if done else data)
        except OSError as error:
            if done and error.args[:1] == (EAGAIN,):
                return done
            raise
        if not count:
            break
        done += count
    return done


def print_to(stream: Any, texts: list[str], separator: str, end: str) -> None:
    """`print(..., file=stream)`: a write for each text and for what is between them."""
    pieces = [end]
    for text in reversed(texts):
        pieces += [text, separator]
    if texts:
        pieces.pop()
    for piece in reversed(pieces):
        if not piece:
            continue
        if hasattr(type(stream), "__stream_write__"):
            write_all(stream, to_utf8(piece))
        elif hasattr(type(stream), "write") and not isinstance(stream, Instance):
            attribute(stream, "write")(piece)
        else:
            raise OSError("stream operation not supported")


def read_exactly(stream: Any, size: int) -> bytes:
    """`size` bytes, less at the end or when there are no more now."""
    data: bytes = stream.__stream_read__(size) if size > 0 else b""
    if len(data) == size or not data:
        return data
    parts = bytearray(data)
    while len(parts) < size:
        try:
            data = stream.__stream_read__(size - len(parts))
        except OSError as error:
            if error.args[:1] == (EAGAIN,):
                break
            raise
        if not data:
            break
        parts += data
    return bytes(parts)


def _content(stream: Any, data: bytes | bytearray) -> Any:
    if getattr(type(stream), "__stream_text__", False):
        return decode_utf8(bytes(data))
    return bytes(data)


def _missing_bytes(data: bytearray, count: int) -> int:
    """Bytes that are missing for `count` characters of UTF-8; 0 if they are there."""
    at = 0
    while count:
        if at >= len(data):
            return count
        lead = data[at]
        at += 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        count -= 1
    return max(at - len(data), 0)


def _read_text(stream: Any, count: int) -> str:
    """`count` characters; never reads beyond them."""
    data = bytearray()
    missing = count
    while missing:
        more = read_exactly(stream, missing)
        data += more
        if len(more) < missing:
            break
        missing = _missing_bytes(data, count)
    return decode_utf8(bytes(data))


@native
def read(self: Any, size: Any = -1, /) -> Any:
    """`stream.read()`: all that is left; `stream.read(n)`: up to n bytes or characters."""
    stream_of(self, "__stream_read__")
    count = -1 if size is None else as_word(size)
    try:
        if count != -1:
            if count < 0:
                raise MemoryError(f"memory allocation failed, allocating {count + (1 << 32)} bytes")
            if getattr(type(self), "__stream_text__", False):
                return _read_text(self, count)
            return read_exactly(self, count)
        parts = bytearray(self.__stream_read__(_READ_SIZE))
    except OSError as error:
        if error.args[:1] == (EAGAIN,):
            return None
        raise
    data: bytes = bytes(parts)
    while data:
        try:
            data = self.__stream_read__(_READ_SIZE)
        except OSError as error:
            if error.args[:1] != (EAGAIN,):
                raise
            break
        parts += data
    return _content(self, parts)


@native
def read1(self: Any, size: Any = -1, /) -> Any:
    """`stream.read1(n)`: what one read of the stream gives."""
    count = as_word(size)
    if count == -1:
        return read(self)
    try:
        return _content(self, self.__stream_read__(count))
    except OSError as error:
        if error.args[:1] == (EAGAIN,):
            return None
        raise


@native
def readinto(self: Any, buffer: Any, size: Any = None, /) -> Any:
    """`stream.readinto(buffer[, size])`: how many bytes were read; None if there are none now."""
    view = buffer_of(buffer, True)
    count = len(view) if size is None else min(as_word(size) & 0xFFFFFFFF, len(view))
    try:
        data = read_exactly(stream_of(self, "__stream_read__"), count)
    except OSError as error:
        if error.args[:1] == (EAGAIN,):
            return None
        raise
    view[: len(data)] = data
    return len(data)


@native
def readline(self: Any, size: Any = -1, /) -> Any:
    """`stream.readline([size])`: bytes up to and with the end of the line, at most `size`."""
    own = getattr(type(self), "__stream_line__", None)
    limit = as_word(size)
    if own is not None:
        return _content(self, own(self, limit))
    line = bytearray()
    while limit == -1 or len(line) < limit:
        try:
            byte = self.__stream_read__(1)
        except OSError as error:
            if error.args[:1] != (EAGAIN,):
                raise
            if not line:
                return None
            break
        line += byte
        if not byte or byte == b"\n":
            break
    return _content(self, line)


@native
def readlines(self: Any, /) -> list[Any]:
    """`stream.readlines()`."""
    lines: list[Any] = []
    while True:
        line = readline(self)
        if not line:
            return lines
        lines.append(line)


@native
def write(self: Any, data: Any, first: Any = None, second: Any = None, /) -> Any:
    """`stream.write(data)`, `write(data, size)`, `write(data, offset, size)`."""
    view = buffer_of(data)
    if second is not None:
        start = min(as_word(first) & 0xFFFFFFFF, len(view))
        view = view[start : start + (as_word(second) & 0xFFFFFFFF)]
    elif first is not None:
        view = view[: as_word(first) & 0xFFFFFFFF]
    try:
        return write_all(stream_of(self, "__stream_write__"), view.tobytes())
    except OSError as error:
        if error.args[:1] == (EAGAIN,):
            return None
        raise


@native
def seek(self: Any, offset: Any, whence: Any = SEEK_SET, /) -> int:
    """`stream.seek(offset[, whence])`: the new position."""
    place, origin = as_word(offset), as_word(whence)
    if origin == SEEK_SET and place < 0:
        raise OSError(EINVAL)
    return stream_of(self, "__stream_seek__").__stream_seek__(place, origin)  # type: ignore[no-any-return]


@native
def tell(self: Any, /) -> int:
    """`stream.tell()`."""
    return stream_of(self, "__stream_seek__").__stream_seek__(0, SEEK_CUR)  # type: ignore[no-any-return]


@native
def flush(self: Any, /) -> None:
    """`stream.flush()`."""
    stream_of(self, "__stream_ioctl__").__stream_ioctl__(FLUSH, 0)


@native
def close(self: Any, /) -> None:
    """`stream.close()`."""
    stream_of(self, "__stream_ioctl__").__stream_ioctl__(CLOSE, 0)


@native
def ioctl(self: Any, request: Any, argument: Any = 0, /) -> int:
    """`stream.ioctl(request[, argument])`."""
    return stream_of(self, "__stream_ioctl__").__stream_ioctl__(as_word(request), argument)  # type: ignore[no-any-return]


def enter(self: Any) -> Any:
    """`with stream`."""
    return self


@native
def leave(self: Any, kind: Any, value: Any, trace: Any, /) -> None:
    """The end of `with stream`."""
    close(self)


def next_line(self: Any) -> Any:
    """The next line of `for line in stream`."""
    line = readline(self)
    if not line:
        raise StopIteration
    return line


class IOBase(HostObject):
    """Base of streams of the program, which has `readinto`, `write` and `ioctl` as it needs."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Takes whatever it gets."""

    def __stream_read__(self, size: int) -> bytes:
        buffer = ByteArray(size)
        count = self.__result(attribute(self, "readinto")(buffer))
        return buffer.__memory__(False)[:count].tobytes()

    def __stream_write__(self, data: bytes) -> int:
        return self.__result(attribute(self, "write")(ByteArray(data)))

    def __stream_ioctl__(self, request: int, argument: Any) -> int:
        return self.__result(attribute(self, "ioctl")(request, argument))

    def __stream_seek__(self, offset: int, whence: int) -> int:
        self.__stream_ioctl__(SEEK, 0)
        return offset

    def __result(self, value: Any) -> int:
        if value is None:
            raise OSError(EAGAIN)
        count = as_word(value)
        if count < 0:
            raise OSError(-count)
        return count
