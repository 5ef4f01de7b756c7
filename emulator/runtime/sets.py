"""set and frozenset: sets of the host that know the order of MicroPython's hash tables.

What a set holds is the host's business, and as fast.  The order in which MicroPython shows the
items comes from a table with open addressing (py/map.c, the same from 1.12 on): an item is at its
hash modulo the size of the table or in the next place that is free, and a table without such a
place moves to the next size.  That table is kept up to date only when somebody asks for the order,
or takes an item away.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeGuard

from mpy_cross.emulator.runtime.arguments import native
from mpy_cross.emulator.runtime.identity import SMALL_INT, WORD, stable_hash

FREE: Final[Any] = type("Free", (), {})()
"""A place that has always been free; a search ends here."""
TAKEN_AWAY: Final[Any] = type("TakenAway", (), {})()
"""A place whose item was taken away; a search goes on, a new item may go here."""
SIZES: Final = (
    0, 2, 4, 6, 8, 10, 12, 17, 23, 29, 37, 47, 59, 73, 97, 127, 167, 223, 293, 389, 521, 691, 919,
    1223, 1627, 2161, 3229, 4831, 7243, 10861, 16273, 24407, 36607, 54907,
)
"""How large tables are; larger ones grow by half."""


def next_size(size: int) -> int:
    """The size of a table that grows."""
    size += 1
    at = bisect_left(SIZES, size)
    return SIZES[at] if at < len(SIZES) else (size + size // 2) | 1


def _put(table: list[Any], item: Any) -> list[Any]:
    """Put in an item that is not there; the table, which is another one if it had to grow."""
    small = type(item) is int and -SMALL_INT <= item < SMALL_INT
    number = (item if small else stable_hash(item)) & WORD
    size = len(table)
    start = number % size if size else 0
    for at in range(start, size):
        if table[at] is FREE or table[at] is TAKEN_AWAY:
            table[at] = item
            return table
    for at in range(start):
        if table[at] is FREE or table[at] is TAKEN_AWAY:
            table[at] = item
            return table
    larger = [FREE] * next_size(size)
    for other in table:
        _put(larger, other)
    return _put(larger, item)


def _place(table: list[Any], item: Any) -> int:
    """Where an item is that is there."""
    size = len(table)
    at = (stable_hash(item) & WORD) % size
    for _ in range(size):
        found = table[at]
        if found is item or (found is not FREE and found is not TAKEN_AWAY and found == item):
            return at
        at = (at + 1) % size
    # Equal objects whose hashes differ: MicroPython would not have found it.
    return next(at for at, found in enumerate(table) if found == item)


def _empty(table: list[Any], at: int) -> None:
    """Take away what is at a place."""
    table[at] = FREE if table[(at + 1) % len(table)] is FREE else TAKEN_AWAY


class _Operators:
    """The operators that both kinds of sets have."""

    __slots__ = ()

    def __or__(self: Any, other: Any) -> Any:
        return union(self, other) if _is_set(other) else NotImplemented

    def __and__(self: Any, other: Any) -> Any:
        return intersection(self, other) if _is_set(other) else NotImplemented

    def __sub__(self: Any, other: Any) -> Any:
        return difference(self, other) if _is_set(other) else NotImplemented

    def __xor__(self: Any, other: Any) -> Any:
        return symmetric_difference(self, other) if _is_set(other) else NotImplemented


class Set(_Operators, set[Any]):
    """`set`.  The table holds all items but the late ones, which came since it was made."""

    __slots__ = ("__late", "__table")

    __late: list[Any]
    __table: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Set:
        made = set.__new__(cls)
        made.__table = []
        made.__late = []
        return made

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self.clear()
        self.extend(items if isinstance(items, list) else list(items))

    def extend(self, items: list[Any]) -> None:
        """Add all items; a program does not see this method."""
        before = len(self)
        set.update(self, items)
        if len(self) == before + len(items):
            self.__late += items
        elif len(self) != before:
            known = dict.fromkeys(self.in_order() if before else ())
            late = [item for item in dict.fromkeys(items) if item not in known]
            self.__late += late

    def sized(self, size: int) -> None:
        """The set is new and has a table of this size, as that of a display."""
        self.__table = [FREE] * size

    def places(self) -> list[Any]:
        """The table."""
        if self.__late:
            late, self.__late = self.__late, []
            table = self.__table
            for item in late:
                table = _put(table, item)
            self.__table = table
        return self.__table

    def in_order(self) -> list[Any]:
        """The items."""
        return [item for item in self.places() if item is not FREE and item is not TAKEN_AWAY]

    def __iter__(self) -> Iterator[Any]:
        at = 0
        self.places()
        # The set may change meanwhile, which is no error.
        while at < len(self.__table):
            item = self.__table[at]
            at += 1
            if item is not FREE and item is not TAKEN_AWAY:
                yield item
                if self.__late:
                    self.places()

    @native
    def add(self, item: Any, /) -> None:
        before = len(self)
        set.add(self, item)
        if len(self) != before:
            self.__late.append(item)

    @native
    def clear(self) -> None:
        set.clear(self)
        self.__table = []
        self.__late = []

    @native
    def discard(self, item: Any, /) -> None:
        if item in self:
            self.remove(item)

    @native
    def remove(self, item: Any, /) -> None:
        table = self.places()
        set.remove(self, item)
        _empty(table, _place(table, item))

    @native
    def pop(self) -> Any:
        for at, item in enumerate(self.places()):
            if item is not FREE and item is not TAKEN_AWAY:
                set.remove(self, item)
                _empty(self.__table, at)
                return item
        raise KeyError("pop from an empty set")

    @native
    def copy(self) -> Set:
        made = Set()
        set.update(made, self)
        made.__table = self.places().copy()
        return made

    def __ior__(self, other: Any) -> Any:
        if not _is_set(other):
            return NotImplemented
        self.extend(list(other))
        return self

    def __isub__(self, other: Any) -> Any:
        if not _is_set(other):
            return NotImplemented
        self.take_away(other)
        return self

    def __iand__(self, other: Any) -> Any:
        if not _is_set(other):
            return NotImplemented
        self.keep(other)
        return self

    def __ixor__(self, other: Any) -> Any:
        if not _is_set(other):
            return NotImplemented
        self.toggle(other)
        return self

    def take_away(self, others: Iterable[Any]) -> None:
        """Take away all of these that are there."""
        if others is self:
            self.clear()
            return
        for item in others:
            self.discard(item)

    def keep(self, others: Iterable[Any]) -> None:
        """Keep only what is among these, in their order."""
        if others is not self:
            self.__init__([item for item in others if item in self])  # type: ignore[misc]

    def toggle(self, others: Iterable[Any]) -> None:
        """Add those that are not there, take away those that are."""
        for item in others:
            if item in self:
                self.remove(item)
            else:
                self.add(item)


class FrozenSet(_Operators, frozenset[Any]):
    """`frozenset`.  It holds a set for the order of its items."""

    __slots__ = ("__ordered",)

    __ordered: Set

    def __new__(cls, items: Iterable[Any] = ()) -> FrozenSet:
        ordered = items if type(items) is Set else Set(items)
        made = frozenset.__new__(cls, set.__iter__(ordered))
        made.__ordered = ordered
        return made

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__ordered)

    @native
    def copy(self) -> FrozenSet:
        return FrozenSet(self.thawed())

    def thawed(self) -> Set:
        """A set of the same items in the same places."""
        made: Set = self.__ordered.copy()
        return made


Set.__name__, FrozenSet.__name__ = "set", "frozenset"  # in texts of the host about operators
AnySet = Set | FrozenSet


def _is_set(value: Any) -> TypeGuard[AnySet]:
    return isinstance(value, (Set, FrozenSet))


def display(items: tuple[Any, ...]) -> Set:
    """`{a, b}`."""
    made = Set()
    made.sized(len(items))
    made.extend(list(items))
    return made


def _changeable(self: AnySet) -> Set:
    return self.copy() if isinstance(self, Set) else self.thawed()


def _as(self: AnySet, made: Set) -> Any:
    """The new set as one of the kind of `self`."""
    return made if isinstance(self, Set) else FrozenSet(made)


def union(self: AnySet, other: Iterable[Any]) -> Any:
    """A set of the items of both."""
    made = _changeable(self)
    made.extend(list(other))
    return _as(self, made)


def intersection(self: AnySet, other: Iterable[Any]) -> Any:
    """A set of the items of `other` that are in `self`."""
    if self is other:
        return self.copy()
    return Set([item for item in other if item in self])


def difference(self: AnySet, *others: Iterable[Any]) -> Any:
    """A set of the items that are in none of the others."""
    made = _changeable(self)
    for other in others:
        made.take_away(made if other is self else other)
    return _as(self, made)


def symmetric_difference(self: AnySet, other: Iterable[Any]) -> Any:
    """A set of the items that are in one of both."""
    made = _changeable(self)
    made.toggle(other)
    return _as(self, made)
