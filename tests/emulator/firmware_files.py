"""Made-up firmware, and writers for the forms that only tests write."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

from mpy_cross.emulator.firmware.image import Segment

EXECUTABLE: Final = 2
ARM: Final = 40


def hex_record(address: int, kind: int, data: bytes = b"") -> str:
    """A line of an Intel HEX file."""
    body = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return f":{(body + bytes([-sum(body) & 255])).hex().upper()}\n"


def write_hex(segments: Iterable[Segment], entry: int | None = None, row: int = 16) -> bytes:
    """An Intel HEX file with 32-bit addresses."""
    lines: list[str] = []
    upper = 0
    for segment in segments:
        at = segment.address
        while at < segment.end:
            if at >> 16 != upper:
                upper = at >> 16
                lines.append(hex_record(0, 4, upper.to_bytes(2, "big")))
            end = min(segment.end, at + row, (upper + 1) << 16)
            data = segment.data[at - segment.address : end - segment.address]
            lines.append(hex_record(at & 0xFFFF, 0, data))
            at = end
    if entry is not None:
        lines.append(hex_record(0, 5, entry.to_bytes(4, "big")))
    lines.append(hex_record(0, 1))
    return "".join(lines).encode()


def write_elf(
    segments: Sequence[Segment],
    entry: int = 0,
    symbols: Sequence[tuple[str, int, int, int]] = (),
    *,
    kind: int = EXECUTABLE,
    machine: int = ARM,
) -> bytes:
    """A linked program; symbols: name, value, size, kind (0 none, 1 object, 2 function)."""
    contents, programs = bytearray(), bytearray()
    start = 52 + 32 * len(segments)
    for segment in segments:
        programs += struct.pack(
            "<8I", 1, start + len(contents), 0x2000_0000, segment.address, len(segment.data),
            len(segment.data) + 64, 5, 4,
        )
        contents += segment.data
    names = b"\0" + b"".join(name.encode() + b"\0" for name, *_ in symbols)
    rows, at = bytearray(16), 1
    for name, value, size, what in symbols:
        rows += struct.pack("<IIIBBH", at, value, size, 16 | what, 0, 1)
        at += len(name.encode()) + 1
    table = start + len(contents)
    contents += rows + names
    sections = start + len(contents)
    contents += bytes(40)
    contents += struct.pack("<10I", 0, 2, 0, 0, table, len(rows), 2, 1, 4, 16)
    contents += struct.pack("<10I", 0, 3, 0, 0, table + len(rows), len(names), 0, 0, 1, 0)
    header = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", kind, machine, 1, entry, 52, sections, 0, 52, 32,
        len(segments), 40, 3, 0,
    )
    return header + bytes(programs) + bytes(contents)


def firmware(
    base: int = 0x0802_0000, *, version: tuple[int, int, int] = (1, 28, 0), split: bool = True,
    texts: Sequence[str] = ("PYBv1.1 with STM32F405RG", "PYBV11"), mpy: int | None = 7942,
) -> Segment:
    """Bytes in which a banner and `sys.implementation` lie as compilers lay them.

    split: version and board are two texts; texts: of the items after the mpy word's neighbours.
    """
    tag = "v1.17" if version == (1, 17, 0) else f"v{version[0]}.{version[1]}.{version[2]}"
    data = bytearray(b"\xff" * 64)  # the types' addresses are all that is read of them
    if split:
        data += f"3.4.0; MicroPython {tag} on 2026-04-06\0; {texts[0]}\r\n\0".encode()
    else:
        data += f"\0MicroPython {tag} on 2026-04-06; {texts[0]}\r\n\0".encode()
    data += bytes(-len(data) % 4)

    def put(*words: int) -> int:
        address = base + len(data)
        data.extend(struct.pack(f"<{len(words)}I", *words))
        return address

    def text(value: str) -> int:
        at = base + len(data)
        data.extend(value.encode() + b"\0")
        data.extend(bytes(-len(data) % 4))
        return put(base + 4, 0x1234, len(value), at)

    numbers = [2 * number + 1 for number in version]
    fields = [0x12A, 0x132]  # qstrs of names, as a tuple with names has them
    put(base + 8, 3, *numbers)  # some other tuple with these ints, to which nothing points
    version_tuple = put(base + 8, 4, *numbers, 0x2E) if split else put(base + 8, 3, *numbers)
    items = [0x112, version_tuple]
    items += [text(texts[0])] if split else []
    items += [] if mpy is None else [2 * mpy + 1]
    items += [text(each) for each in texts[1:]]
    put(base + 12, len(items), *items, base + len(data))
    put(*fields)
    return Segment(base, bytes(data))
