"""Intel HEX: lines of hexadecimal digits with addresses (Intel's specification, revision A).

The reader is our own: intelhex has a dictionary with an entry for each byte and takes half a second
for a pyboard's firmware.  The tests compare the two.
"""

from __future__ import annotations

from typing import Final, NoReturn

from mpy_cross.emulator.firmware.image import Image, ImageError, Piece, join

_DATA: Final = 0
_END: Final = 1
_SEGMENT: Final = 2
_SEGMENT_START: Final = 3
_LINEAR: Final = 4
_LINEAR_START: Final = 5
# Kind of record: its name, and the bytes that it has (None: any number).
_KINDS: Final[dict[int, tuple[str, int | None]]] = {
    _DATA: ("data", None),
    _END: ("end of file", 0),
    _SEGMENT: ("segment address", 2),
    _SEGMENT_START: ("start segment address", 4),
    _LINEAR: ("linear address", 2),
    _LINEAR_START: ("start linear address", 4),
}


def read_intel_hex(data: bytes) -> Image:
    """An image from an Intel HEX file.

    ImageError: a line is no record or has a wrong sum, the record at the end is missing or not the
    last, two records differ about an address.
    """
    pieces: list[Piece] = []
    run: list[bytes] = []  # records that follow each other are one piece
    start = end = -1
    base, in_segment, ended, place = 0, False, False, ""
    entry: int | None = None
    for number, line in enumerate(data.splitlines(), 1):
        if not (line := line.strip()):
            continue
        if ended:
            _refuse(number, "a line after the record that ends the file")
        record = _record(number, line)
        kind, body = record[3], record[4:-1]
        if kind == _DATA:
            offset = record[1] << 8 | record[2]
            if in_segment and offset + len(body) > 0x10000:
                _refuse(number, f"{len(body)} bytes at 0x{offset:04x} go beyond the 64 KiB of "
                                "their segment")
            address = base + offset
            if address != end:
                if run:
                    pieces.append(Piece(start, b"".join(run), place))
                run, start, place = [], address, f"line {number} of the Intel HEX file"
            run.append(body)
            end = address + len(body)
        elif kind == _END:
            ended = True
        elif kind in (_SEGMENT, _LINEAR):
            in_segment = kind == _SEGMENT
            base = int.from_bytes(body, "big") << (4 if in_segment else 16)
        else:
            entry = int.from_bytes(body, "big")
            if kind == _SEGMENT_START:  # CS:IP of an 8086
                entry = ((entry >> 16) << 4) + (entry & 0xFFFF)
    if not ended:
        raise ImageError("Intel HEX: no record ends the file (:00000001FF); it was cut off")
    if run:
        pieces.append(Piece(start, b"".join(run), place))
    return Image("Intel HEX", join(pieces), entry)


def _refuse(number: int, reason: str) -> NoReturn:
    raise ImageError(f"Intel HEX, line {number}: {reason}")


def _record(number: int, line: bytes) -> bytes:
    """Count, address, kind, data and sum of a line, checked."""
    if line[:1] != b":":
        _refuse(number, f"it begins with {chr(line[0])!r}, not with ':'")
    # fromhex would skip spaces between digits.
    digits = line[1:]
    if not digits.isalnum():
        _refuse(number, "something else than hexadecimal digits")
    try:
        record = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        _refuse(number, f"{len(digits)} characters that are no pairs of hexadecimal digits")
    if len(record) < 5 or len(record) != record[0] + 5:
        _refuse(number, f"{len(record)} bytes in a record" + (
            f" that says it has {record[0]} bytes of data; it needs {record[0] + 5}"
            if record else ""))
    if sum(record) & 0xFF:
        _refuse(number, f"the sum is 0x{record[-1]:02X}, not 0x{-sum(record[:-1]) & 0xFF:02X}")
    kind, size = record[3], record[0]
    if kind not in _KINDS:
        _refuse(number, f"record kind {kind}; there are 0 to {max(_KINDS)}")
    name, allowed = _KINDS[kind]
    if allowed is not None and size != allowed:
        _refuse(number, f"{size} bytes in a record of kind {kind} ({name}), which has {allowed}")
    return record
