"""Decompression of DEFLATE data (RFC 1951), zlib (RFC 1950) and gzip (RFC 1952) streams.

It reads no byte of its source before it needs a bit of it, so that a program which looks at the
position of the source sees what it sees on a board.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, final

DATA_ERROR: Final = -3
CHECKSUM_ERROR: Final = -4
DICTIONARY_ERROR: Final = -5

_LENGTH_ORDER: Final = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_EXTRA: Final = 0x02, 0x04, 0x08, 0x10
_MAX_WINDOW: Final = 1 << 15

Codes = dict[int, int]
"""Symbols by their code with a one bit before it, which tells codes of different lengths apart."""


class InflateError(Exception):
    """The data are not what they should be; `code` is the number that MicroPython gives."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _bases(first: int, step: int, count: int) -> list[tuple[int, int]]:
    """(lowest value, extra bits) of the symbols for lengths or distances (RFC 1951, 3.2.5)."""
    out: list[tuple[int, int]] = []
    value = first
    for symbol in range(count):
        bits = max(symbol // step - 1, 0)
        out.append((value, bits))
        value += 1 << bits
    return out


_LENGTHS: Final = [*_bases(3, 4, 28), (258, 0)]
_DISTANCES: Final = _bases(1, 2, 30)


def _codes(lengths: list[int]) -> Codes:
    """The canonical code with these code lengths (RFC 1951, 3.2.2)."""
    codes: Codes = {}
    code = 0
    for length in range(1, 16):
        code <<= 1
        for symbol, own in enumerate(lengths):
            if own == length:
                codes[1 << length | code] = symbol
                code += 1
    return codes


_FIXED: Final = (
    _codes([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8),
    _codes([5] * 30),
)


@final
class Inflater:
    """Decompresses a stream step by step.

    source: gives the next byte; window: how far back the stream may refer, in bytes, None for all
    that was put out; container: `zlib`, `gzip` or empty, the header that was read.
    """

    __slots__ = (
        "_bits",
        "_checksum",
        "_history",
        "_left",
        "_output",
        "_source",
        "_summed",
        "container",
        "window",
    )

    def __init__(self, source: Callable[[], int], window: int | None) -> None:
        self._source = source
        self.window = window
        self.container = ""
        self._bits = 0
        self._left = 0
        self._history = bytearray()
        self._checksum = 1
        self._summed = 0
        self._output = self._run()

    # ------------------------------------------------------------------------------- headers

    def zlib_header(self) -> int:
        """Read the header of a zlib stream; the size of its window.  Raises InflateError."""
        method, flags = self._source(), self._source()
        if (method * 256 + flags) % 31 or method & 15 != 8 or method >> 4 > 7 or flags & 0x20:
            raise InflateError(DATA_ERROR)
        self.container = "zlib"
        return 256 << (method >> 4)

    def gzip_header(self) -> None:
        """Read the header of a gzip stream.  Raises InflateError."""
        source = self._source
        if source() != 0x1F or source() != 0x8B or source() != 8:
            raise InflateError(DATA_ERROR)
        flags = source()
        if flags & 0xE0:
            raise InflateError(DATA_ERROR)
        crc, extra, name, comment = (flags & bit for bit in _EXTRA)
        for _ in range(6):
            source()
        if extra:
            for _ in range(source() | source() << 8):
                source()
        for text in (name, comment):
            while text and source():
                pass
        if crc:
            source()
            source()
        self.container = "gzip"
        self._checksum = 0

    # -------------------------------------------------------------------------------- output

    def take(self, count: int) -> bytes:
        """The next bytes, fewer only at the end.  Raises InflateError."""
        return bytes(islice(self._output, count))

    def rest(self) -> bytes:
        """All that is left.  Raises InflateError."""
        return bytes(self._output)

    # ---------------------------------------------------------------------------------- bits

    def _bit(self) -> int:
        if not self._left:
            self._bits = self._source()
            self._left = 8
        bit = self._bits & 1
        self._bits >>= 1
        self._left -= 1
        return bit

    def _number(self, count: int) -> int:
        value = 0
        for place in range(count):
            value |= self._bit() << place
        return value

    def _symbol(self, codes: Codes) -> int:
        code = 1
        while code < 1 << 16:
            code = code << 1 | self._bit()
            symbol = codes.get(code)
            if symbol is not None:
                return symbol
        raise InflateError(DATA_ERROR)

    # -------------------------------------------------------------------------------- blocks

    def _run(self) -> Iterator[int]:
        history = self._history
        last = 0
        while not last:
            last = self._bit()
            kind = self._number(2)
            if kind == 0:
                block = self._stored()
            elif kind == 1:
                block = self._compressed(*_FIXED)
            elif kind == 2:
                block = self._compressed(*self._dynamic())
            else:
                raise InflateError(DATA_ERROR)
            for byte in block:
                history.append(byte)
                yield byte
                if len(history) >= 3 * _MAX_WINDOW:
                    self._sum(len(history) - _MAX_WINDOW)
        self._sum(len(history))
        self._check()

    def _stored(self) -> Iterator[int]:
        source = self._source
        length = source() | source() << 8
        if length != (source() | source() << 8) ^ 0xFFFF:
            raise InflateError(DATA_ERROR)
        self._left = 0
        for _ in range(length):
            yield source()

    def _compressed(self, literals: Codes, distances: Codes) -> Iterator[int]:
        history = self._history
        while True:
            symbol = self._symbol(literals)
            if symbol < 256:
                yield symbol
                continue
            if symbol == 256:
                return
            if symbol > 285:
                raise InflateError(DATA_ERROR)
            base, bits = _LENGTHS[symbol - 257]
            length = base + self._number(bits)
            symbol = self._symbol(distances)
            base, bits = _DISTANCES[symbol]
            distance = base + self._number(bits)
            if self.window is None:
                if distance > len(history):
                    raise InflateError(DATA_ERROR)
            elif distance > self.window:
                raise InflateError(DICTIONARY_ERROR)
            for _ in range(length):
                yield history[-distance] if distance <= len(history) else 0

    def _dynamic(self) -> tuple[Codes, Codes]:
        """The codes of a block with its own (RFC 1951, 3.2.7)."""
        n_literals = self._number(5) + 257
        n_distances = self._number(5) + 1
        lengths = [0] * 19
        for place in _LENGTH_ORDER[: self._number(4) + 4]:
            lengths[place] = self._number(3)
        codes = _codes(lengths)
        whole = n_literals + n_distances
        lengths = []
        while len(lengths) < whole:
            symbol = self._symbol(codes)
            if symbol < 16:
                lengths.append(symbol)
                continue
            value = 0
            if symbol == 16:
                if not lengths:
                    raise InflateError(DATA_ERROR)
                value = lengths[-1]
                count = 3 + self._number(2)
            elif symbol == 17:
                count = 3 + self._number(3)
            else:
                count = 11 + self._number(7)
            lengths += [value] * count
            if len(lengths) > whole:
                raise InflateError(DATA_ERROR)
        return _codes(lengths[:n_literals]), _codes(lengths[n_literals:])

    # ------------------------------------------------------------------------------ checksum

    def _sum(self, count: int) -> None:
        """Add the oldest bytes to the checksum and, if many follow, forget them."""
        history = self._history
        data = history[self._summed : count]
        if self.container == "zlib":
            self._checksum = zlib.adler32(data, self._checksum)
        elif self.container == "gzip":
            self._checksum = zlib.crc32(data, self._checksum)
        drop = max(count - _MAX_WINDOW, 0)
        del history[:drop]
        self._summed = count - drop

    def _check(self) -> None:
        source = self._source
        if self.container == "zlib":
            found = source() << 24 | source() << 16 | source() << 8 | source()
        elif self.container == "gzip":
            found = source() | source() << 8 | source() << 16 | source() << 24
            for _ in range(4):
                source()
        else:
            return
        if found != self._checksum:
            raise InflateError(CHECKSUM_ERROR)
