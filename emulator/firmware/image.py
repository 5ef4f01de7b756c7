"""A firmware image: bytes and where they belong, whatever form of file they came in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, final

ADDRESSES: Final = 1 << 32
"""Addresses are below this."""


class ImageError(ValueError):
    """A file is no image of its form, or not one that can be used: what, where, what is allowed."""


@final
class Segment(NamedTuple):
    """Bytes of an image, and the address where they belong."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        """Address of the first byte after it."""
        return self.address + len(self.data)


class Symbol(NamedTuple):
    """A name of the linker's, size in bytes or 0.  Addresses of functions have bit 0 clear."""

    name: str
    address: int
    size: int
    is_function: bool


class Piece(NamedTuple):
    """Bytes as a file has them; place: where in the file, for errors."""

    address: int
    data: bytes
    place: str


@final
class Image:
    """A firmware image.

    form: of the file, such as "UF2"; segments: by address, none touching another.
    entry: address of the first instruction, if the file tells (bit 0 set: Thumb).
    symbols: by address, empty unless the file is ELF and was not stripped; asking for them raises
    ImageError if their table is broken.
    family: of a UF2 file, the number of the chip that it is for.
    """

    __slots__ = ("_symbols", "entry", "family", "form", "segments")

    def __init__(
        self, form: str, segments: tuple[Segment, ...], entry: int | None = None,
        symbols: tuple[Symbol, ...] | Callable[[], tuple[Symbol, ...]] = (),
        family: int | None = None,
    ) -> None:
        """symbols: may be a function, called when they are first asked for, which may raise
        ImageError: an image has thousands, and a board needs none to run it."""
        self.form = form
        self.segments = segments
        self.entry = entry
        self.family = family
        self._symbols = symbols

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Image) and (
            (self.form, self.segments, self.entry, self.symbols, self.family)
            == (other.form, other.segments, other.entry, other.symbols, other.family))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Image({self.form!r}, {self.segments!r}, {self.entry!r})"

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        if not isinstance(self._symbols, tuple):
            self._symbols = self._symbols()
        return self._symbols

    @property
    def size(self) -> int:
        """Bytes in all segments."""
        return sum(len(segment.data) for segment in self.segments)

    def read(self, address: int, size: int) -> bytes | None:
        """The bytes at an address; None unless one segment has them all."""
        index = bisect_right(self.segments, address, key=_address) - 1
        if index < 0:
            return None
        segment = self.segments[index]
        start = address - segment.address
        if size < 0 or start + size > len(segment.data):
            return None
        return segment.data[start : start + size]

    def word(self, address: int) -> int | None:
        """The 32-bit little-endian word at an address; None if the image has none there."""
        data = self.read(address, 4)
        return None if data is None else int.from_bytes(data, "little")

    def symbol(self, name: str) -> Symbol | None:
        """The first symbol of that name."""
        return next((symbol for symbol in self.symbols if symbol.name == name), None)


def _address(segment: Segment) -> int:
    return segment.address


def join(pieces: Iterable[Piece]) -> tuple[Segment, ...]:
    """Segments of these pieces: those that touch become one.

    ImageError if two have bytes for one address, one goes beyond 32-bit addresses, or all are
    empty.
    """
    segments: list[Segment] = []
    run: list[bytes] = []
    start, end, before = 0, -1, ""
    for piece in sorted((piece for piece in pieces if piece.data), key=lambda piece: piece.address):
        address, data, place = piece
        if address + len(data) > ADDRESSES:
            raise ImageError(
                f"{place}: {len(data)} bytes at 0x{address:x} go beyond 32-bit addresses"
            )
        if address < end:
            raise ImageError(
                f"{place}: its bytes from 0x{address:08x} lie on those of {before}, "
                f"which go up to 0x{end:08x}; an address may have one value"
            )
        if address != end:
            if run:
                segments.append(Segment(start, b"".join(run)))
            run, start = [], address
        run.append(data)
        end, before = address + len(data), place
    if not run:
        raise ImageError("the file has no bytes for any address")
    segments.append(Segment(start, b"".join(run)))
    return tuple(segments)
