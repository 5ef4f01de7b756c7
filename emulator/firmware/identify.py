"""Tells what firmware an image is, from what it has to say about itself at the prompt.

Two things are looked for; symbols help, but are not needed:

* the banner, "MicroPython v1.17 on 2021-09-02; PYBv1.1 with STM32F405RG".  Newer releases keep
  version and board in two texts, the second of which begins with "; ".
* `sys.implementation`, a tuple in flash.  Its second item is the version as a tuple of small ints,
  and no other bytes look like the two: a small int is a word, its value doubled plus one, and a
  tuple is its type, its length and its items (object representations A and C).  The mpy word is the
  only int among the items; those that are texts name the board, in newer releases.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, final

from mpy_cross.emulator.board import Board
from mpy_cross.emulator.boards import BOARDS
from mpy_cross.emulator.firmware.image import Image
from mpy_cross.emulator.firmware.uf2 import FAMILIES
from mpy_cross.loader.release import RELEASES, Release

_BANNER: Final = re.compile(
    rb"MicroPython (?:\(with v2\.0 preview\) )?"
    rb"(v?[0-9][0-9A-Za-z.+-]{0,60}) on ([0-9]{4}-[0-9]{2}-[0-9]{2})"
    rb"(?:; ([ -~]{1,80}?) with ([!-~]{1,40}))?(?=[\r\n\0]|\Z)"
)
_MACHINE: Final = re.compile(rb"\0; ([ -~]{1,80}?) with ([!-~]{1,40})(?=[\r\n\0]|\Z)")
_VERSION: Final = re.compile(r"v?([0-9]{1,3})\.([0-9]{1,3})(?:\.([0-9]{1,3}))?")
_TEXT: Final = re.compile(rb"[ -~]{1,120}")
_IMPLEMENTATION: Final = "mp_sys_implementation_obj"
_MOST_ITEMS: Final = 12  # of sys.implementation; releases to 1.29 have 3 to 6
_BY_TAG: Final = {release.tag: release for release in RELEASES.values()}
_MPY_VERSIONS: Final = frozenset(release.mpy_version for release in RELEASES.values())
_ARCHS: Final = list(RELEASES.values())[-1].archs  # numbers do not change, releases add some


@final
class Identity(NamedTuple):
    """What an image says that it is; None: it does not say.

    version: "v1.17"; date: of the build, "2021-09-02"; board: "PYBv1.1"; soc: "STM32F405RG", or
    the family of a UF2 file that has no banner; build: the board's name in MicroPython's sources,
    "PYBV11", in newer releases; mpy: `sys.implementation._mpy`, the .mpy files that it loads.
    """

    version: str | None = None
    date: str | None = None
    board: str | None = None
    soc: str | None = None
    build: str | None = None
    mpy: int | None = None

    @property
    def release(self) -> Release | None:
        """Our record of that version."""
        return _BY_TAG.get(self.version or "")

    @property
    def emulated(self) -> Board | None:
        """The emulated board that it belongs on."""
        machine = f"{self.board} with {self.soc}"
        return next((each for each in BOARDS.values()
                     if each.machine == machine or self.build in each.firmware), None)


def describe_mpy(word: int) -> str:
    """Version and architecture of an mpy word, for people: "6.3, armv7emsp"."""
    version, features = word & 0xFF, word >> 8
    number = features >> 2 & 15
    arch = _ARCHS[number] if number < len(_ARCHS) else f"architecture {number}"
    # Version 5 had flags in the two bits where version 6 has its sub-version.
    name = f"{version}.{features & 3}" if version > 5 else str(version)
    return f"{name}, {arch if number else 'no native code'}"


def identify(image: Image) -> Identity:
    """What firmware an image is. Never fails: what is not found is None."""
    version = date = board = soc = build = None
    for segment in image.segments:
        for match in _BANNER.finditer(segment.data):
            version, date = match[1].decode(), match[2].decode()
            if match[3]:
                board, soc = match[3].decode(), match[4].decode()
                break
        if board is not None:
            break
    mpy = None
    for items in _implementations(image, version):
        mpy = next((item >> 1 for item in items if item & 1), None)
        for item in items:
            text = None if item & 3 else _text(image, item)
            if text is None:
                continue
            name, with_, chip = text.rpartition(" with ")
            if with_:
                board, soc = name, chip
            else:
                build = text
        break
    if version is not None and board is None:
        for segment in image.segments:
            if machine := _MACHINE.search(segment.data):
                board, soc = machine[1].decode(), machine[2].decode()
                break
    if soc is None and image.family is not None:
        soc = FAMILIES.get(image.family)
    return Identity(version, date, board, soc, build, mpy)


def _implementations(image: Image, version: str | None) -> Iterator[tuple[int, ...]]:
    """Items of `sys.implementation` after name and version, of each tuple that may be it."""
    match = _VERSION.match(version or "")
    if match is None:
        return
    numbers = [int(number or 0) for number in match.groups()]
    ints = struct.pack("<3I", *(2 * number + 1 for number in numbers))
    symbol = image.symbol(_IMPLEMENTATION)
    if symbol is not None:
        items = _items(image, symbol.address)
        if items is not None and _is_version(image, items[1], ints):
            yield items[2:]
            return
    for version_tuple in _places(image, ints):
        if not _is_version(image, version_tuple - 8, ints):
            continue
        for at in _places(image, struct.pack("<I", version_tuple - 8)):
            items = _items(image, at - 12)
            if items is not None and any(item & 1 and item >> 1 & 0xFF in _MPY_VERSIONS
                                         for item in items[2:]):
                yield items[2:]


def _places(image: Image, data: bytes) -> Iterator[int]:
    """Addresses of words where these bytes are."""
    for segment in image.segments:
        at = segment.data.find(data)
        while at >= 0:
            if not (segment.address + at) & 3:
                yield segment.address + at
            at = segment.data.find(data, at + 1)


def _items(image: Image, address: int) -> tuple[int, ...] | None:
    """The items of a tuple at an address, two at least; None if there is none."""
    kind, length = image.word(address), image.word(address + 4)
    if kind is None or image.word(kind) is None or length is None:
        return None
    data = image.read(address + 8, 4 * length) if 2 <= length <= _MOST_ITEMS else None
    return None if data is None else struct.unpack(f"<{length}I", data)


def _is_version(image: Image, address: int, ints: bytes) -> bool:
    """Is there a tuple that begins with these three ints?  From 1.20 on a fourth item follows."""
    items = _items(image, address)
    return items is not None and struct.pack(f"<{len(items)}I", *items).startswith(ints)


def _text(image: Image, address: int) -> str | None:
    """The str object at an address: type, hash, length, address of the bytes."""
    head = image.read(address, 16)
    if head is None:
        return None
    kind, _hash, length, at = struct.unpack("<4I", head)
    data = image.read(at, length)
    if image.word(kind) is None or data is None or not _TEXT.fullmatch(data):
        return None
    return data.decode()
