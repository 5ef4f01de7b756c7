"""Thumb-2 code put together: the sizes of branches, and the places of names."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.ssa import thumb2_encode as enc
from mpy_cross.emitters.ssa.regalloc import AllocationError
from mpy_cross.emitters.ssa.thumb2_items import LINK
from mpy_cross.emitters.ssa.thumb_code import CONDITION, Jump

BL: Final = TABLE["bl"]


@final
class Link:
    """Where a name's number belongs, for the loader: 1 in movw, 2 in movw and movt; 0: a movw to
    register `name` of the size of the code."""

    __slots__ = ("kind", "name")

    def __init__(self, kind: int, name: int) -> None:
        self.kind = kind
        self.name = name


Item = bytes | Jump | Link | int
"""Code, a branch, a link to what follows, or a label."""


def link(items: list[Item], links: list[tuple[int, int]]) -> bytes:
    """Choose the sizes of branches, and put everything together.

    `links`: gets place and name, as in `RawCode.qstr_links`.  Raises AllocationError.
    """
    places: dict[int, int] = {}
    total = _choose_sizes(items, places)
    if total < 256:  # then its size is one of the small numbers, for a short instruction
        for i, item in enumerate(items):
            if isinstance(item, Link) and not item.kind and item.name < 8:
                items[i + 1] = bytes(2)
        _choose_sizes(items, places)
    code = bytearray()
    late: list[tuple[int, int]] = []
    for item in items:
        if isinstance(item, bytes):
            code += item
        elif isinstance(item, Jump):
            code += _encode_jump(item, places[item.label] - len(code) - 4)
        elif isinstance(item, Link):
            if item.kind:
                links.append((len(code) << 2 | item.kind, item.name))
            else:
                late.append((len(code), item.name))
    for at, register in late:
        if len(code) > 0xFFFF:
            raise AllocationError(f"{len(code)} bytes of code")
        if total < 256 and register < 8:
            code[at : at + 2] = enc.constant(register, len(code), True)
        else:
            code[at : at + 4] = enc.MOVW(register, len(code))
    return bytes(code)


def _choose_sizes(items: list[Item], places: dict[int, int]) -> int:
    """Sizes of branches, and the places of labels; the size of everything together."""
    # What is not code, with the bytes of code before it.
    marks: list[tuple[int, Jump | int]] = []
    total = 0
    for item in items:
        if isinstance(item, bytes):
            total += len(item)
        elif not isinstance(item, Link):
            marks.append((total, item))
    branches = 0
    changed = True
    while changed:
        changed = False
        branches = 0
        for at, mark in marks:
            if isinstance(mark, Jump):
                branches += mark.size
            else:
                places[mark] = at + branches
        branches = 0
        for at, mark in marks:
            if isinstance(mark, Jump):
                size = _size_of(mark, places[mark.label] - at - branches - 4)
                branches += mark.size
                if size > mark.size:
                    mark.size = size
                    changed = True
    return total + branches


def _size_of(jump: Jump, distance: int) -> int:
    """Bytes of a branch at this distance from where the pc then is."""
    if jump.register >= 0:
        if 0 <= distance <= 126:
            return 2
        return 4 if -256 + 2 <= distance - 2 < 256 else 6
    if jump.cond == LINK:
        return 4
    if jump.cond:
        return 2 if -256 <= distance < 256 else 4
    return 2 if -2048 <= distance < 2048 else 4


def _encode_jump(jump: Jump, distance: int) -> bytes:
    if jump.register >= 0:
        if jump.size == 2:
            return enc.CBZ[jump.cond == "ne"](jump.register, distance)
        test = enc.compare_number("cmpi", jump.register, 0)
        return test + _encode_if(jump.cond, distance - 2, jump.size - 2)
    if jump.cond == LINK:
        return BL.to_bytes(BL.word(distance))
    if jump.cond:
        return _encode_if(jump.cond, distance, jump.size)
    return (enc.B if jump.size == 2 else enc.B_WIDE)(distance)


def _encode_if(cond: str, distance: int, size: int) -> bytes:
    encode = enc.B_IF if size == 2 else enc.B_WIDE_IF
    return encode(CONDITION[cond], distance)
