"""ELF: what a linker writes; 32-bit, little-endian, linked (TIS ELF specification 1.2).

The reader is our own: an image is read whenever a board starts, and five thousand symbols take
pyelftools the better part of a second.  The tests compare the two.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Final, NamedTuple

from mpy_cross.emulator.firmware.image import Image, ImageError, Piece, Symbol, join

MAGIC: Final = b"\x7fELF"
MACHINES: Final[dict[int, str]] = {40: "ARM", 94: "Xtensa", 243: "RISC-V"}

_HEADER: Final = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM: Final = struct.Struct("<8I")
_SECTION: Final = struct.Struct("<10I")
_SYMBOL: Final = struct.Struct("<IIIBBH")
_EXECUTABLE: Final = 2
_LOAD: Final = 1
_SYMBOLS: Final = 2  # kinds of sections
_STRINGS: Final = 3
_FUNCTION: Final = 2  # kind of symbol; 0 and 1, none and object, are addresses as well, others not
_UNDEFINED: Final = 0
_ARM: Final = 40


class _Section(NamedTuple):
    number: int
    kind: int
    offset: int
    size: int
    link: int
    entry: int


def read_elf(data: bytes) -> Image:
    """An image from an ELF file: its loaded bytes at their physical addresses, as in flash.

    ImageError: another class, byte order, machine or type; a table or a segment outside the file.
    """
    if len(data) < _HEADER.size:
        raise ImageError(f"ELF: {len(data)} bytes; the header alone has {_HEADER.size}")
    (ident, kind, machine, _version, entry, programs, sections, _flags, _size, program_size,
     program_count, section_size, section_count, _names) = _HEADER.unpack_from(data)
    _check("class", ident[4], {1: "32 bits"})
    _check("byte order", ident[5], {1: "little-endian"})
    _check("type", kind, {_EXECUTABLE: "linked program"})
    _check("machine", machine, MACHINES)
    pieces = []
    for index, row in enumerate(
        _table(data, "program headers", programs, program_count, program_size, _PROGRAM)
    ):
        what, offset, _virtual, physical, size, _memory, _permissions, _align = row
        if what != _LOAD or not size:
            continue
        place = f"ELF segment {index}"
        _check_inside(data, place, offset, size)
        pieces.append(Piece(physical, data[offset : offset + size], place))
    headers = [
        _Section(index, row[1], row[4], row[5], row[6], row[9])
        for index, row in enumerate(
            _table(data, "section headers", sections, section_count, section_size, _SECTION)
        )
    ]
    return Image("ELF", join(pieces), entry or None,
                 _find_symbols(data, headers, thumb=machine == _ARM))


def _check(title: str, found: int, allowed: dict[int, str]) -> None:
    if found not in allowed:
        names = ", ".join(f"{number} ({name})" for number, name in allowed.items())
        raise ImageError(f"ELF header: {title} {found}; it can be {names}")


def _check_inside(data: bytes, place: str, offset: int, size: int) -> None:
    if offset + size > len(data):
        raise ImageError(f"{place}: {size} bytes from byte {offset} of a file of {len(data)} bytes")


def _table(
    data: bytes, title: str, offset: int, count: int, size: int, row: struct.Struct
) -> list[tuple[int, ...]]:
    """Rows of a table of headers."""
    if not count:
        return []
    if size != row.size:
        raise ImageError(f"ELF header: {title} of {size} bytes each, not {row.size}")
    _check_inside(data, f"ELF {title}", offset, count * size)
    return list(row.iter_unpack(data[offset : offset + count * size]))


def _find_symbols(
    data: bytes, sections: list[_Section], *, thumb: bool
) -> Callable[[], tuple[Symbol, ...]] | tuple[()]:
    """What reads the symbols, once their tables have been found and are in order."""
    table = next((section for section in sections if section.kind == _SYMBOLS), None)
    if table is None:  # a stripped file
        return ()
    place = f"ELF section {table.number}, the symbols"
    if table.entry != _SYMBOL.size or table.size % _SYMBOL.size:
        raise ImageError(f"{place}: {table.size} bytes in entries of {table.entry}; "
                         f"an entry has {_SYMBOL.size}")
    _check_inside(data, place, table.offset, table.size)
    if table.link >= len(sections) or sections[table.link].kind != _STRINGS:
        raise ImageError(f"{place}: section {table.link} has their names, and is no string table")
    strings = sections[table.link]
    _check_inside(data, f"ELF section {strings.number}, the names", strings.offset, strings.size)
    names = data[strings.offset : strings.offset + strings.size]
    if names and names[-1]:
        raise ImageError(f"{place}: the last of {len(names)} bytes of names is no end of a name")
    return partial(_read_symbols, data[table.offset : table.offset + table.size], names, place,
                   thumb)


def _read_symbols(table: bytes, names: bytes, place: str, thumb: bool) -> tuple[Symbol, ...]:
    # Names that begin with $ mark code and data (ELF for the Arm Architecture, 4.5.5).
    found = []
    rows = _SYMBOL.iter_unpack(table)
    for number, (at, address, size, info, _other, section) in enumerate(rows):
        kind = info & 15
        if not at or kind > _FUNCTION or section == _UNDEFINED or names[at : at + 1] == b"$":
            continue
        end = names.find(b"\0", at)
        if end < 0:
            raise ImageError(f"{place}: the name of number {number} is at byte {at} of "
                             f"{len(names)} bytes of names")
        name = names[at:end].decode("utf-8", "replace")
        is_function = kind == _FUNCTION
        found.append(Symbol(name, address & ~1 if is_function and thumb else address, size,
                            is_function))
    found.sort(key=itemgetter(1))
    return tuple(found)
