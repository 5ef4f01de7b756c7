"""Listings: machine code as text, with labels for the targets of its branches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol, TypeVar, final

from mpy_cross.assembler.kinds import LabelText


class Instruction(Protocol):
    """What the listings need of a decoded instruction, whatever the table."""

    @property
    def row(self) -> Any: ...

    @property
    def address(self) -> int: ...

    @property
    def size(self) -> int: ...

    @property
    def target(self) -> int | None: ...


I = TypeVar("I", bound=Instruction)  # noqa: E741


class Reader(Protocol[I]):
    """What they need of a table."""

    def decode(self, data: bytes, offset: int, address: int, features: frozenset[str], /,
               ) -> I | None: ...

    def text(self, decoded: I, label: LabelText, /) -> str: ...

    def size_of(self, first: int, /) -> int: ...


@final
class Data(NamedTuple):
    """Bytes that are no instruction.  word: one that an instruction loads."""

    address: int
    data: bytes
    word: bool = False

    def text(self) -> str:
        if self.word:
            return f".word {int.from_bytes(self.data, 'little'):#x}"
        return ".byte " + ", ".join(f"{byte:#04x}" for byte in self.data)


# Rows of instructions that load the word at their label.
_LITERAL_LOADS: Final = frozenset(("ldr_lit", "ldr.w_lit", "l32r"))
_WORD: Final = 4
# Xtensa's calls, of which targets are aligned to words.
_ALIGNED_CALLS: Final = frozenset(("call0", "call4", "call8", "call12"))


def literal_of(step: Instruction) -> int | None:
    """The address of the word in the code that an instruction loads, None for others."""
    return step.target if step.row.name in _LITERAL_LOADS else None


def disassemble(table: Reader[I], code: bytes, features: frozenset[str], address: int = 0,
                data: Mapping[int, int] | None = None) -> Iterator[I | Data]:
    """The instructions of `code`, and the data between them.

    data: addresses of data with their sizes in bytes, four for a word.  What an instruction loads
    from further down is data too, and so are zeros that align what a call goes to.
    """
    known = dict(data or {})
    called: set[int] = set()
    size = len(code)
    offset = 0
    while offset < size:
        place = address + offset
        length = known.get(place, 0)
        if length and offset + length <= size:
            yield Data(place, code[offset:offset + length], length == _WORD)
            offset += length
            continue
        length = next((n for n in range(1, _WORD) if place + n in called), 0)
        if length and not any(code[offset:offset + length]):
            yield Data(place, code[offset:offset + length])
            offset += length
            continue
        decoded = table.decode(code, offset, place, features)
        if decoded is None:
            step = 1
            if offset + 2 <= size:
                step = min(table.size_of(code[offset] | code[offset + 1] << 8), size - offset)
            yield Data(place, code[offset:offset + step])
            offset += step
            continue
        literal = literal_of(decoded)
        if literal is not None:
            known[literal] = _WORD
        yield decoded
        offset += decoded.size
        if decoded.row.name in _ALIGNED_CALLS and decoded.target is not None:
            called.add(decoded.target)


@final
class Line(NamedTuple):
    """A line of a listing: a label (without data), an instruction, or data."""

    address: int
    data: bytes
    text: str


def label_names(found: Iterable[Instruction | Data], more: Iterable[int] = ()) -> dict[int, str]:
    """L1, L2, ... for the targets of instructions that lie in the code, in order of address.

    more: further addresses that want one.
    """
    starts = set()
    targets = set(more)
    for item in found:
        starts.add(item.address)
        if not isinstance(item, Data) and item.target is not None:
            targets.add(item.target)
    return {place: f"L{number}" for number, place in enumerate(sorted(targets & starts), 1)}


def code_lines(table: Reader[I], found: Iterable[I | Data], code: bytes, address: int,
               names: Mapping[int, str]) -> Iterator[tuple[Line, I | None]]:
    """The lines of what `disassemble` found in `code`, each instruction with itself.

    names: labels by address.
    """

    def label(place: int) -> str:
        return names.get(place, f"{place:#x}")

    for item in found:
        place = item.address
        if place in names:
            yield Line(place, b"", f"{names[place]}:"), None
        if isinstance(item, Data):
            yield Line(place, item.data, item.text()), None
        else:
            data = code[place - address:place - address + item.size]
            yield Line(place, data, table.text(item, label)), item


def listing(table: Reader[I], code: bytes, features: frozenset[str], address: int = 0,
            labels: Mapping[int, str] | None = None,
            comment: Callable[[I], str] | None = None) -> str:
    """One line per instruction: address, bytes, text, and a comment if there is one.

    labels: names of addresses; targets without a name become L1, L2, ... in order of address.
    comment: what to say about an instruction, "" for nothing.
    """
    found = list(disassemble(table, code, features, address))
    given = labels or {}
    wanted = [place for place in label_names(found) if place not in given]
    names = {place: f"L{number}" for number, place in enumerate(wanted, 1)} | dict(given)
    lines = []
    for line, item in code_lines(table, found, code, address, names):
        if not line.data:
            lines.append(line.text)
            continue
        said = comment(item) if comment and item is not None else ""
        text = f"{line.address:6x}  {line.data.hex():<8}  {line.text}"
        lines.append(f"{text:<50}  ; {said}" if said else text)
    return "\n".join(lines) + "\n" if lines else ""
