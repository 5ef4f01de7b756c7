"""Streams in memory and open files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from mpy_cross.emulator.filesystems.volume import OpenFile
from mpy_cross.emulator.runtime import streams
from mpy_cross.emulator.runtime.arguments import as_word, check_count, native
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.strings import decode_utf8
from mpy_cross.emulator.runtime.types import HostObject, type_name

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.filesystem import Files

_CLOSED: Final = "I/O operation on closed file"


class MemoryStream(HostObject):
    """Base of StringIO and BytesIO: bytes and a position in them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__position = 0
        self.__data: bytearray | None
        if args and not isinstance(args[0], int):
            self.__data = bytearray(buffer_of(args[0]))
        else:
            if args:
                as_word(args[0])
            self.__data = bytearray()

    def __open(self) -> bytearray:
        if self.__data is None:
            raise ValueError(_CLOSED)
        return self.__data

    def __stream_read__(self, size: int) -> bytes:
        start = self.__position
        found = bytes(self.__open()[start : start + size])
        self.__position += len(found)
        return found

    def __stream_line__(self, limit: int) -> bytes:
        data, start = self.__open(), self.__position
        end = data.find(b"\n", start) + 1 or len(data)
        if limit >= 0:
            end = min(end, start + limit)
        self.__position = max(end, start)
        return bytes(data[start:end])

    def __stream_write__(self, data: bytes) -> int:
        own, start = self.__open(), self.__position
        if start > len(own):
            own += bytes(start - len(own))
        own[start : start + len(data)] = data
        self.__position += len(data)
        return len(data)

    def __stream_seek__(self, offset: int, whence: int) -> int:
        data = self.__open()
        origin = {streams.SEEK_CUR: self.__position, streams.SEEK_END: len(data)}.get(whence, 0)
        self.__position = max(origin + offset, 0)
        return self.__position

    def __stream_ioctl__(self, request: int, argument: Any) -> int:
        if request == streams.CLOSE:
            self.__data = None
        elif request != streams.FLUSH:
            raise OSError(streams.EINVAL)
        return 0

    def getvalue(self) -> Any:
        """All contents."""
        data = bytes(self.__open())
        return decode_utf8(data) if getattr(self, "__stream_text__", False) else data

    def _show(self, printer: Printer) -> str:
        return f"<io.{type_name(self)} 0x{id(self) & 0xFFFFFFFF:x}>"

    read = streams.read
    readinto = streams.readinto
    readline = streams.readline
    write = streams.write
    seek = streams.seek
    tell = streams.tell
    flush = streams.flush
    close = streams.close
    __enter__ = streams.enter
    __exit__ = streams.leave
    __iter__ = streams.enter
    __next__ = streams.next_line


class StringIO(MemoryStream):
    """The program's StringIO: positions are in bytes of UTF-8."""

    __stream_text__: ClassVar[bool] = True


class BytesIO(MemoryStream):
    """The program's BytesIO."""


@final
class BufferedWriter(HostObject):
    """Collects what is written to a stream in pieces of one size."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 2, 2, kwargs)
        self.__stream = args[0]
        self.__size = as_word(args[1])
        self.__data = bytearray()

    def __stream_write__(self, data: bytes) -> int:
        own = self.__data
        own += data
        while len(own) >= self.__size > 0:
            piece = bytes(own[: self.__size])
            streams.write_all(streams.stream_of(self.__stream, "__stream_write__"), piece)
            del own[: self.__size]
        return len(data)

    write = streams.write

    @native
    def flush(self, /) -> None:
        """Write what is left."""
        if self.__data:
            rest = bytes(self.__data)
            streams.write_all(streams.stream_of(self.__stream, "__stream_write__"), rest)
            self.__data.clear()


class FileIO(HostObject):
    """A file opened in binary mode; `open` makes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not args or isinstance(args[0], (str, bytes, int)):
            raise TypeError(f"cannot create '{type_name(self)}' instances")
        self.__file: OpenFile = args[0]
        self.__files: Files | None = args[1] if len(args) > 1 else None
        """Where it goes when nobody has it any more and it is open; None for files that need no
        closing."""
        if self.__files is not None:
            self.__files.opened.add(self)
        self.__address = len(args) < 3 or bool(args[2])
        """Shown by `print`."""

    def __del__(self) -> None:
        files = getattr(self, "_FileIO__files", None)
        if files is not None:
            files.abandoned.append(self.__file)

    def __stream_read__(self, size: int) -> bytes:
        return self.__file.read(size)

    def __stream_write__(self, data: bytes) -> int:
        return self.__file.write(data)

    def __stream_seek__(self, offset: int, whence: int) -> int:
        return self.__file.seek(offset, whence)

    def __stream_ioctl__(self, request: int, argument: Any) -> int:
        if request == streams.CLOSE:
            self.__files = None
            self.__file.close()
        elif request == streams.FLUSH:
            self.__file.flush()
        else:
            raise OSError(streams.EINVAL)
        return 0

    def _show(self, printer: Printer) -> str:
        address = f" {id(self) & 0xFFFFFFFF:x}" if self.__address else ""
        return f"<io.{type_name(self)}{address}>"

    read = streams.read
    readinto = streams.readinto
    readline = streams.readline
    readlines = streams.readlines
    write = streams.write
    seek = streams.seek
    tell = streams.tell
    flush = streams.flush
    close = streams.close
    __enter__ = streams.enter
    __exit__ = streams.leave
    __iter__ = streams.enter
    __next__ = streams.next_line


class TextIOWrapper(FileIO):
    """A file opened in text mode."""

    __stream_text__: ClassVar[bool] = True
