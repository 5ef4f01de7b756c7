"""Thumb-1 code put together: sizes of branches, and the words that the code loads.

A conditional branch reaches 256 bytes, a jump 2 KiB, a load from the code the 1020 bytes behind it.
A branch that is too far skips a jump by the opposite condition; a jump that is too far is a `bl`,
whose return address nobody uses.  Words stand behind the function, or, where that is too far,
behind a jump within it.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emitters.ssa import thumb1_encode as enc
from mpy_cross.emitters.ssa.regalloc import AllocationError
from mpy_cross.emitters.ssa.thumb_code import B_IF, CONDITION, NEGATED_ALL, B, Jump

CODE_SIZE: Final = -1
"""The number of a literal that is the size of the code."""
REACH: Final = 1000
"""Bytes from a load to the word, with room for what aligns the words."""


@final
class Literal:
    """A load of a number from a word behind the code."""

    __slots__ = ("number", "register")

    def __init__(self, register: int, number: int) -> None:
        self.register = register
        self.number = number


@final
class Subroutine:
    """A call of the code at a label of the function."""

    __slots__ = ("label",)

    def __init__(self, label: int) -> None:
        self.label = label


@final
class Pool:
    """The words of the loads before it."""

    __slots__ = ("numbers",)

    def __init__(self) -> None:
        self.numbers: list[int] = []


Item = bytes | Jump | Literal | Subroutine | Pool | int
"""Code, a branch, a load, a call, words, or a label."""


def link(items: list[Item]) -> bytes:
    """The code.  Raises AllocationError where a jump needs lr and must not."""
    items = _with_pools(items)
    places: dict[int, int] = {}
    total = _choose_sizes(items, places)
    code = bytearray()
    pending: list[tuple[int, Literal]] = []
    for item in items:
        at = len(code)
        if isinstance(item, bytes):
            code += item
        elif isinstance(item, Jump):
            code += _encode_jump(item, places[item.label] - at - 4)
        elif isinstance(item, Subroutine):
            code += enc.BL(places[item.label] - at - 4)
        elif isinstance(item, Literal):
            pending.append((at, item))
            code += bytes(2)
        elif isinstance(item, Pool):
            _put_words(code, item, pending, total)
            pending = []
    return bytes(code)


def _put_words(code: bytearray, pool: Pool, pending: list[tuple[int, Literal]], total: int) -> None:
    if pool.numbers:
        code += bytes(-len(code) % 4)
    start = len(code)
    for number in pool.numbers:
        code += (total if number == CODE_SIZE else number).to_bytes(4, "little")
    for at, literal in pending:
        place = start + 4 * pool.numbers.index(literal.number)
        load = enc.LDR_LITERAL(literal.register, place - (at + 4 & ~3))
        code[at : at + 2] = load


def _with_pools(items: list[Item]) -> list[Item]:
    """The items with pools, so that each load reaches its word however long the branches are."""
    pool = Pool()
    size = 0
    joined: list[Item] = []
    code: list[bytes] = []  # what follows the last of these
    for item in items:
        if isinstance(item, bytes):
            code.append(item)
            continue
        if code:
            before = b"".join(code)
            joined.append(before)
            size += len(before)
            code = []
        joined.append(item)
        size += _most(item)
        if isinstance(item, Literal):
            size += 4
            _note(pool, item)
    rest = b"".join(code)
    if size + len(rest) <= REACH:
        return [*joined, rest, pool]
    sizes = [_most(item) for item in items]
    pool = Pool()
    out: list[Item] = []
    first = -1  # place of the first load without a word
    at = 0
    n_skips = -1  # labels of jumps around a pool
    for item, size in zip(items, sizes, strict=True):
        if first >= 0 and at + size + 4 * len(pool.numbers) - first > REACH - 20:
            out += [Jump("", n_skips), pool, n_skips]
            n_skips -= 1
            at += 6 + 4 * len(pool.numbers)
            pool, first = Pool(), -1
        if isinstance(item, Literal) and first < 0:
            first = at
        _note(pool, item)
        out.append(item)
        at += size
        if isinstance(item, Jump) and not item.cond and 0 <= first < at - REACH // 2:
            out.append(pool)  # control does not come by
            at += 2 + 4 * len(pool.numbers)
            pool, first = Pool(), -1
    return [*out, pool]


def _note(pool: Pool, item: Item) -> None:
    if isinstance(item, Literal) and item.number not in pool.numbers:
        pool.numbers.append(item.number)


def _most(item: Item) -> int:
    """Bytes that an item may come to."""
    if isinstance(item, bytes):
        return len(item)
    if isinstance(item, Jump):
        return 6 if item.cond else 4
    if isinstance(item, Subroutine):
        return 4
    return 2 if isinstance(item, Literal) else 0


def _choose_sizes(items: list[Item], places: dict[int, int]) -> int:
    """Sizes of branches, and the places of labels; the size of everything together."""
    # What has no size of its own, with the bytes between it and the one before.
    marks: list[tuple[int, Jump | Pool | int]] = []
    between = 0
    for item in items:
        if isinstance(item, bytes):
            between += len(item)
        elif isinstance(item, Literal):
            between += 2
        elif isinstance(item, Subroutine):
            between += 4
        else:
            marks.append((between, item))
            between = 0
    changed = True
    at = 0
    while changed:
        changed = False
        at = 0
        for gap, mark in marks:
            at += gap
            if isinstance(mark, int):
                places[mark] = at
            else:
                at = _after(mark, at)
        at = 0
        for gap, mark in marks:
            at += gap
            if isinstance(mark, Jump):
                size = _size_of(mark, places[mark.label] - at - 4)
                if size > mark.size:
                    mark.size = size
                    changed = True
            at = _after(mark, at)
    return at + between


def _after(item: Item, at: int) -> int:
    """The place behind an item."""
    if isinstance(item, bytes):
        return at + len(item)
    if isinstance(item, Jump):
        return at + item.size
    if isinstance(item, Subroutine):
        return at + 4
    if isinstance(item, Literal):
        return at + 2
    if isinstance(item, Pool) and item.numbers:
        return (at + 3 & ~3) + 4 * len(item.numbers)
    return at


def _size_of(jump: Jump, distance: int) -> int:
    """Bytes of a branch at this distance from where the pc then is."""
    if jump.cond:
        if -256 <= distance < 256:
            return 2
        return 2 + (2 if -2048 + 2 <= distance < 2048 else 4)
    return 2 if -2048 <= distance < 2048 else 4


def _encode_jump(jump: Jump, distance: int) -> bytes:
    if jump.cond and jump.size == 2:
        return B_IF.to_bytes(B_IF.word(CONDITION[jump.cond], distance))
    code = b""
    size = jump.size
    if jump.cond:
        # Over the jump, whose pc is two bytes further on.
        size -= 2
        distance -= 2
        code = B_IF.to_bytes(B_IF.word(CONDITION[NEGATED_ALL[jump.cond]], size - 2))
    if size == 2:
        return code + B.to_bytes(B.word(distance))
    if not jump.may_link:
        raise AllocationError("a jump too far")
    return code + enc.BL(distance)
