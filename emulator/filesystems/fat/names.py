"""Names in FAT directories: short ones of 8 and 3 characters, and long ones in pieces.

A path is bytes to the firmware of boards, in code page 437: UTF-8 of other letters is kept as the
characters that its bytes are there.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from mpy_cross.emulator.filesystems.device import EINVAL

CODE_PAGE: Final = "cp437"
LONG_MAX: Final = 255
"""Characters of a long name."""
PIECE: Final = 13
"""Characters of a long name in one entry of the directory."""
LAST_PIECE: Final = 0x40
LONG_NAME: Final = 0x0F
"""Attributes of an entry with a piece of a long name."""
LOWER_EXTENSION: Final = 0x10
LOWER_BODY: Final = 0x08
"""Flags in an entry without a long name: what is shown in small letters."""
_FORBIDDEN: Final = frozenset('"*:<>?|\x7f')
_NOT_SHORT: Final = frozenset("+,;=[]")
DELETED: Final = 0xE5
_FOR_DELETED: Final = 0x05
"""Stands for a first letter that is DELETED."""


class Name(NamedTuple):
    """A name as directories have it."""

    long: str
    """Its characters after code page 437."""
    short: bytes
    """11 bytes; not unique if `lossy`."""
    lossy: bool
    """The short name lacks something, and gets a number."""
    needs_long: bool
    case: int
    """Flags LOWER_EXTENSION and LOWER_BODY."""


def _upper(letter: str) -> str:
    up = letter.upper()
    return up if len(up) == 1 else letter


def fold(name: str) -> str:
    """What names that are the same have in common."""
    return "".join(map(_upper, name)) if not name.isascii() else name.upper()


def make_name(text: str) -> Name:
    """The name in directories of one part of a path.  Raises OSError(EINVAL)."""
    data = text.encode("utf-8", "surrogateescape")
    long = data.decode(CODE_PAGE)
    if len(long) > LONG_MAX or not _FORBIDDEN.isdisjoint(long):
        raise OSError(EINVAL)
    if any(letter < " " for letter in long):
        long = long[: next(at for at, letter in enumerate(long) if letter < " ")]
    long = long.rstrip(" .")
    if not long:
        raise OSError(EINVAL)
    body = long.lstrip(" ")
    lossy = body != long or body.startswith(".")
    stem, dot, extension = body.rpartition(".")
    if not dot:
        stem, extension = body, ""
    needs_long = lossy
    fields: list[bytes] = []
    cases: list[int] = []
    for field, limit in ((stem, 8), (extension, 3)):
        out = bytearray()
        case = 0
        for letter in field:
            if letter in " .":
                lossy = True
                continue
            if len(out) >= limit:
                lossy = True
                break
            if letter in _NOT_SHORT:
                lossy, letter = True, "_"
            elif "A" <= letter <= "Z":
                case |= 2
            elif "a" <= letter <= "z":
                case |= 1
            elif letter > "\x7f":
                needs_long = True
            out.append(_oem_upper(letter))
        fields.append(bytes(out).ljust(limit))
        cases.append(case)
    short = b"".join(fields)
    if short[0] == DELETED:
        short = bytes([_FOR_DELETED]) + short[1:]
    needs_long = needs_long or lossy or 3 in cases
    flags = 0
    if not needs_long:
        flags = (LOWER_BODY if cases[0] & 1 else 0) | (LOWER_EXTENSION if cases[1] & 1 else 0)
    return Name(long, short, lossy, needs_long, flags)


_OEM_UPPER: Final = bytes.fromhex(
    "809a45418e418f804545454949498e8f9092924f994f555559999a9b9c9d9e9f41494f55a5"
)
"""Code page 437 from 0x80 on in capitals; it stays as it is from 0xA5 on."""


def _oem_upper(letter: str) -> int:
    code = letter.upper().encode(CODE_PAGE)[0] if letter < "\x80" else letter.encode(CODE_PAGE)[0]
    return _OEM_UPPER[code - 0x80] if 0x80 <= code < 0xA5 else code


def numbered(name: Name, number: int) -> bytes:
    """The short name with a number: "LONGNA~1"."""
    if number > 5:
        # Many alike: a hash of the long name tells them apart sooner.
        for letter in name.long:
            code = ord(letter)
            for _ in range(16):
                number = (number << 1) + (code & 1)
                code >>= 1
                if number & 0x10000:
                    number ^= 0x11021
    tail = f"~{number:X}".encode()[-8:]
    body = name.short[:8].split(b" ")[0][: 8 - len(tail)]
    return (body + tail).ljust(8) + name.short[8:]


def checksum(short: bytes) -> int:
    """Sum of a short name, by which pieces of a long one belong to it."""
    total = 0
    for byte in short:
        total = ((total >> 1) + (total << 7) + byte) & 0xFF
    return total


def pieces(name: Name, short: bytes) -> list[bytes]:
    """The entries of a long name, in the order of the directory."""
    total = checksum(short)
    units = name.long.encode("utf-16-le")
    count = (len(units) // 2 + PIECE - 1) // PIECE
    out: list[bytes] = []
    for number in range(count, 0, -1):
        part = units[(number - 1) * 2 * PIECE : number * 2 * PIECE]
        if len(part) < 2 * PIECE:
            part = (part + b"\0\0").ljust(2 * PIECE, b"\xff")
        order = number | (LAST_PIECE if number == count else 0)
        head = bytes([order]) + part[:10] + bytes([LONG_NAME, 0, total])
        out.append(head + part[10:22] + b"\0\0" + part[22:])
    return out


def piece_text(entry: bytes) -> bytes | None:
    """The characters in an entry of a long name, as UTF-16; None if it is damaged."""
    if entry[26:28] != b"\0\0":
        return None
    part = entry[1:11] + entry[14:26] + entry[28:32]
    for at in range(0, len(part), 2):
        if part[at : at + 2] == b"\0\0":
            rest = part[at + 2 :]
            return part[:at] if rest == b"\xff" * len(rest) else None
    return part


def shown(long: str | None, short: bytes, case: int) -> str:
    """The name that a directory shows."""
    if long:
        try:
            return long.encode(CODE_PAGE).decode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            pass  # no such letters in the code page: the short name is shown
    if short[0] == _FOR_DELETED:
        short = bytes([DELETED]) + short[1:]
    body, extension = short[:8].replace(b" ", b""), short[8:].replace(b" ", b"")
    if long is None:
        body = body.lower() if case & LOWER_BODY else body
        extension = extension.lower() if case & LOWER_EXTENSION else extension
    data = body + (b"." + extension if extension else b"")
    return data.decode("utf-8", "surrogateescape") or "?"
