"""Module `zlib` (manual 1.1.18): decompression."""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.runtime import streams
from mpy_cross.emulator.runtime.arguments import as_word, check_count, native
from mpy_cross.emulator.runtime.buffers import ByteArray, buffer_of
from mpy_cross.emulator.runtime.inflate import DATA_ERROR, InflateError, Inflater
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import HostObject, Module

NAMES: Final[tuple[str, ...]] = ("uzlib", "zlib")
GZIP: Final = 16
"""Added to the size of the window, in bits, for a gzip header."""


@final
class DecompIO(HostObject):
    """A stream that decompresses another one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 1, 2, kwargs)
        self.__stream = streams.stream_of(args[0], "__stream_read__")
        self.__ended = False
        bits = as_word(args[1]) if len(args) > 1 else 0
        inflater = Inflater(self.__byte, 0)
        try:
            if bits >= GZIP:
                inflater.gzip_header()
                inflater.window = 1 << (bits - GZIP)
            elif bits >= 0:
                inflater.window = inflater.zlib_header()
            else:
                inflater.window = 1 << -bits
        except InflateError:
            raise ValueError("compression header") from None
        self.__inflater = inflater

    def __byte(self) -> int:
        data = self.__stream.__stream_read__(1)
        if not data:
            raise EOFError
        return data[0]  # type: ignore[no-any-return]

    def __stream_read__(self, size: int) -> bytes:
        if self.__ended:
            return b""
        try:
            data = self.__inflater.take(size)
        except InflateError:
            raise OSError(streams.EINVAL) from None
        self.__ended = len(data) < size
        return data

    read = streams.read
    readinto = streams.readinto
    readline = streams.readline


@native
def decompress(data: Any, bits: Any = 0, size: Any = 0, /) -> ByteArray:
    """`zlib.decompress(data[, wbits[, bufsize]])`; negative `wbits` for data without a header."""
    source = iter(buffer_of(data).tobytes())

    def byte() -> int:
        for value in source:
            return value
        raise InflateError(DATA_ERROR)

    inflater = Inflater(byte, None)
    try:
        if as_word(bits) >= 0:
            inflater.zlib_header()
        return ByteArray(inflater.rest())
    except InflateError as error:
        raise ValueError(error.code) from None


def build(runtime: Runtime) -> Module:
    return Module(
        NAMES[0], {"decompress": decompress, "DecompIO": DecompIO, "DecompressIO": DecompIO}
    )
