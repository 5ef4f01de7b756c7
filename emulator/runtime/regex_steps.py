"""The matcher of regular expressions, instruction by instruction; virtual time passes meanwhile.

Where it can go on in two ways it takes the one that the reference takes first, and keeps the other
with the groups as they were.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from mpy_cross.emulator.runtime import support

BETWEEN: Final = 1000
"""Steps between two polls."""
COST: Final = 2
"""Operations that a step counts as."""
_JUMPS: Final = ("split", "rsplit", "jmp")
_SPACES: Final = frozenset(b"\t\n\r\v\f ")
_DIGITS: Final = frozenset(b"0123456789")
_LETTERS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_CLASSES: Final = {b"s": _SPACES, b"d": _DIGITS, b"w": _DIGITS | _LETTERS}
_ALL: Final = frozenset(range(256))


class Instruction(NamedTuple):
    """An instruction of the matcher: its name, its operand, its size in bytes."""

    name: str
    operand: int | bytes = 0
    size: int = 1


@final
class Found:
    """A match: where it and its groups are, (-1, -1) for a group that matched nothing."""

    __slots__ = ("spans",)

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self.spans = spans

    def span(self, number: int = 0) -> tuple[int, int]:
        """Start and end of a group."""
        return self.spans[number]

    def start(self) -> int:
        """Where the match starts."""
        return self.spans[0][0]

    def end(self) -> int:
        """Where it ends."""
        return self.spans[0][1]


def _taken(instruction: Instruction) -> frozenset[int]:
    """The bytes that an instruction consumes."""
    name, operand = instruction.name, instruction.operand
    if name == "any":
        return _ALL
    assert isinstance(operand, bytes)
    if name == "char":
        return frozenset(operand)
    if name == "namedclass":
        known = _CLASSES[operand.lower()]
        return known if operand.islower() else _ALL - known
    pairs = zip(operand[::2], operand[1::2], strict=True)
    inside = frozenset(byte for first, last in pairs for byte in range(first, last + 1))
    return _ALL - inside if name == "classnot" else inside


def executed(code: list[Instruction], groups: int, data: bytes, anchored: bool) -> Found | None:
    """The first match; the time that it takes passes for the program."""
    places: dict[int, int] = {}
    place = 0
    for number, one in enumerate(code):
        places[place] = number
        place += one.size
    starts = {number: place for place, number in places.items()}
    targets: list[int] = []
    sets: list[frozenset[int]] = []
    for number, (name, operand, _) in enumerate(code):
        jumps = name in _JUMPS
        targets.append(places[starts[number] + 2 + int(operand)] if jumps else 0)
        consumes = not jumps and name != "match" and name[:4] not in ("save", "asse")
        sets.append(_taken(code[number]) if consumes else frozenset())
    poll = support.BUILTINS["poll\u00b7"]
    size = len(data)
    marks = [-1] * (2 * groups + 2)
    # Behind the jumps that let a search begin anywhere comes the start of the pattern proper.
    at, step, left = 0, 3 if anchored else 0, BETWEEN
    # Beyond this a loop goes round without consuming anything.
    deepest = (size + 2) * (len(code) + 1)
    pending: list[tuple[int, int, list[int]]] = []
    while True:
        left -= 1
        if not left:
            poll(BETWEEN * COST)
            left = BETWEEN
            if len(pending) > deepest:
                raise RuntimeError("maximum recursion depth exceeded")
        name = code[step].name
        goes = True
        if name == "split":
            pending.append((targets[step], at, marks))
            step += 1
        elif name == "rsplit":
            pending.append((step + 1, at, marks))
            step = targets[step]
        elif name == "jmp":
            step = targets[step]
        elif name == "save":
            marks = marks.copy()
            marks[int(code[step].operand)] = at
            step += 1
        elif name == "match":
            return Found(list(zip(marks[::2], marks[1::2], strict=True)))
        elif name == "assert bol":
            goes = at == 0
            step += 1
        elif name == "assert eol":
            goes = at == size
            step += 1
        else:
            goes = at < size and data[at] in sets[step]
            at += 1
            step += 1
        if not goes:
            if not pending:
                return None
            step, at, marks = pending.pop()
