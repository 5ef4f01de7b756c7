"""Listings: machine code as text, with labels for the targets of its branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mpy_cross.assembler.isa import Decoded
from mpy_cross.assembler.table import Table, target


def disassemble(table: Table, code: bytes, features: frozenset[str], address: int = 0,
                ) -> Iterator[Decoded | tuple[int, bytes]]:
    """The instructions of `code`; (address, bytes) where there is none."""
    offset = 0
    while offset < len(code):
        decoded = table.decode(code, offset, address + offset, features)
        if decoded is None:
            size = 2 if offset + 2 <= len(code) else 1
            if offset + 2 <= len(code):
                size = min(table.size_of(code[offset] | code[offset + 1] << 8), len(code) - offset)
            yield address + offset, code[offset:offset + size]
            offset += size
        else:
            yield decoded
            offset += decoded.size


def listing(table: Table, code: bytes, features: frozenset[str], address: int = 0,
            labels: Mapping[int, str] | None = None,
            comment: Callable[[Decoded], str] | None = None) -> str:
    """One line per instruction: address, bytes, text, and a comment if there is one.

    labels: names of addresses; targets without a name become L1, L2, ... in order of address.
    comment: what to say about an instruction, "" for nothing.
    """
    found = list(disassemble(table, code, features, address))
    starts = {item.address if isinstance(item, Decoded) else item[0] for item in found}
    names = dict(labels or {})
    targets = {target(item) for item in found if isinstance(item, Decoded)}
    inside = sorted(place for place in targets if place in starts and place not in names)
    for number, place in enumerate(inside, 1):
        names[place] = f"L{number}"

    def label(place: int) -> str:
        return names.get(place, f"{place:#x}")

    lines = []
    for item in found:
        place = item.address if isinstance(item, Decoded) else item[0]
        if place in names:
            lines.append(f"{names[place]}:")
        data = code[place - address:place - address + (
            item.size if isinstance(item, Decoded) else len(item[1]))]
        text = table.text(item, label) if isinstance(item, Decoded) else ".byte " + ", ".join(
            f"{byte:#04x}" for byte in data)
        said = comment(item) if comment and isinstance(item, Decoded) else ""
        line = f"{place:6x}  {data.hex():<8}  {text}"
        lines.append(f"{line:<50}  ; {said}" if said else line)
    return "\n".join(lines) + "\n" if lines else ""
