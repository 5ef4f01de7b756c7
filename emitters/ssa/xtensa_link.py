"""Xtensa code put together: the table of constants, branches of the size that they need, loops.

A function begins with a jump over the words that no instruction makes, if there are any; l32r
reaches back to them.  A branch that is too far off becomes the opposite one over a jump.  The first
instruction of a zero-overhead loop must not cross a word's boundary (Xtensa ISA reference manual,
loop option), so there may be a nop before the loop.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emitters.ssa import xtensa_encode as enc
from mpy_cross.emitters.ssa.ir import NEGATED, WORD
from mpy_cross.emitters.ssa.machine import NONE, LoopTooLong
from mpy_cross.emitters.ssa.regalloc import AllocationError

TABLE_AT: Final = 4
MAX_LOOP: Final = 255
MAX_CODE: Final = 1 << 17  # bytes that a jump reaches over
FEW_LITERALS: Final = 3
"""So many are shorter without a table."""
OVER: Final = 2  # distance of a branch over a jump
QSTR: Final = 1
QSTR_OBJECT: Final = 2
"""Kinds of names that the loader of version 5 puts into words."""


@final
class Branch:
    """A branch: `key` is what it tests and the condition, ("", "") for always."""

    __slots__ = ("key", "label", "operands", "size")

    def __init__(self, key: tuple[str, str], operands: tuple[int, ...], label: int) -> None:
        self.key = key
        self.operands = operands
        self.label = label
        self.size = 2 if key[0] == "bz" and key[1] in enc.ZERO_NARROW else 3

    def size_for(self, distance: int) -> int:
        """Bytes for a distance from the branch's address plus 4."""
        test = self.key[0]
        if not test:
            return 3
        if test == "bz":
            if 0 <= distance < 64 and self.key[1] in enc.ZERO_NARROW:
                return 2
            return 3 if -2048 <= distance < 2048 else 6
        return 3 if -128 <= distance < 128 else 6

    def encode(self, distance: int) -> bytes:
        test, cond = self.key
        if not test:
            return enc.J(distance)
        if self.size == 2:
            return enc.ZERO_NARROW[cond](*self.operands, distance)
        if self.size == 3:
            return enc.BRANCH[self.key](*self.operands, distance)
        return enc.BRANCH[test, NEGATED[cond]](*self.operands, OVER) + enc.J(distance - 3)


@final
class Align:
    """Bytes up to a word's boundary, where no control gets by."""

    __slots__ = ("pad",)

    def __init__(self) -> None:
        self.pad = 0


@final
class Call:
    """A call of the aligned code at a label of the function, with or without windows."""

    __slots__ = ("label", "windowed")

    def __init__(self, label: int, windowed: bool) -> None:
        self.label = label
        self.windowed = windowed


@final
class LoopStart:
    """A loop instruction: its register, and the label behind the body."""

    __slots__ = ("label", "pad", "register")

    def __init__(self, register: int, label: int) -> None:
        self.register = register
        self.label = label
        self.pad = 0
        """Bytes before it."""


@final
class Literal:
    """A word from the table: a number, or for version 5 a name of that kind, or the size of the
    code."""

    __slots__ = ("kind", "number", "register")

    def __init__(self, register: int, number: int, kind: int = 0) -> None:
        self.register = register
        self.number = number
        self.kind = kind


CODE_SIZE: Final = NONE
"""Kind of a literal: the size of the code."""
Item = bytes | Branch | Align | Call | LoopStart | Literal | int
"""Code, a branch, the start of a loop, a constant, or a label."""


def number(register: int, value: int) -> Item:
    """register = value"""
    return enc.constant(register, value) or Literal(register, value & WORD)


def link(items: list[Item], links: list[tuple[int, int]]) -> bytes:
    """The bytes; `links` takes places and names.  Raises LoopTooLong, AllocationError."""
    _without_table(items)
    slots: dict[tuple[int, int], int] = {}
    for item in items:
        if isinstance(item, Literal):
            slots.setdefault((item.kind, item.number), TABLE_AT + 4 * len(slots))
    start = TABLE_AT + 4 * len(slots) if slots else 0
    places: dict[int, int] = {}
    total = _choose_sizes(items, start, places)
    if total >= MAX_CODE:
        raise AllocationError(f"{total} bytes of code")
    code = bytearray()
    if slots:
        code += enc.J(start - 4) + b"\0"
        for (kind, value), at in slots.items():
            word = total if kind == CODE_SIZE else value
            if kind > 0:
                links.append((at << 2 | kind, value))
                word = 0
            code += word.to_bytes(4, "little")
    for item in items:
        at = len(code)
        if isinstance(item, bytes):
            code += item
        elif isinstance(item, Branch):
            code += item.encode(places[item.label] - at - 4)
        elif isinstance(item, Literal):
            code += enc.L32R(item.register, slots[item.kind, item.number] - (at + 3 & -4))
        elif isinstance(item, Align):
            code += bytes(item.pad)
        elif isinstance(item, Call):
            call = enc.CALL8 if item.windowed else enc.CALL0
            code += call(places[item.label] - (at & -4) - 4)
        elif isinstance(item, LoopStart):
            at += item.pad
            distance = places[item.label] - at - 4
            if distance > MAX_LOOP:
                raise LoopTooLong
            code += enc.NOP * (item.pad // 2) + enc.LOOP(item.register, distance)
    return bytes(code)


def _without_table(items: list[Item]) -> None:
    """A few words in three instructions each, if no word then needs the table."""
    literals = [i for i, item in enumerate(items) if isinstance(item, Literal)]
    if len(literals) > FEW_LITERALS:
        return
    made: list[bytes] = []
    for i in literals:
        item = items[i]
        assert isinstance(item, Literal)
        code = b"" if item.kind else enc.long_constant(item.register, item.number)
        if not code:
            return
        made.append(code)
    for i, code in zip(literals, made, strict=True):
        items[i] = code


def _choose_sizes(items: list[Item], start: int, places: dict[int, int]) -> int:
    """Sizes of branches, and the places of labels; the size of everything together."""
    # What has no size of its own, with the bytes between it and the one before.
    marks: list[tuple[int, Branch | LoopStart | Align | int]] = []
    between = 0
    for item in items:
        if isinstance(item, bytes):
            between += len(item)
        elif isinstance(item, (Literal, Call)):
            between += 3
        else:
            marks.append((between, item))
            between = 0
    while True:
        at = start
        for gap, mark in marks:
            at += gap
            if isinstance(mark, int):
                places[mark] = at
            elif isinstance(mark, Branch):
                at += mark.size
            elif isinstance(mark, Align):
                mark.pad = -at % 4
                at += mark.pad
            else:
                mark.pad = 0 if (at + 3) % 4 < 2 else 2
                at += 3 + mark.pad
        total = at + between
        changed = False
        at = start
        for gap, mark in marks:
            at += gap
            if isinstance(mark, Branch):
                size = mark.size_for(places[mark.label] - at - 4)
                at += mark.size
                if size > mark.size:
                    mark.size = size
                    changed = True
            elif isinstance(mark, Align):
                at += mark.pad
            elif isinstance(mark, LoopStart):
                at += 3 + mark.pad
        if not changed:
            return total
