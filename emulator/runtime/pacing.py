"""Loops of the host over what need not end: virtual time passes in them as in loops of the program.

Functions of the program let time pass in their own loops, and containers end.  What is left are
long ranges and objects of the program with `__next__`: the iterators of `paced` poll for these.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, final

from mpy_cross.emulator.runtime import memory, support
from mpy_cross.emulator.runtime.types import MpClass

CHUNK: Final = 1000
"""Items between two polls."""
COST: Final = 4
"""Operations that an item counts as."""
_POLL: Final = "poll\u00b7"
_STEPS: Final = (
    type(iter(range(1))), type(iter(range(1 << 70))), reversed
)


def needs_pace(iterable: Any) -> bool:
    """Whether a loop over this may take long without a poll."""
    kind = type(iterable)
    if kind is range:
        # len() of the host has a limit.
        size = -((iterable.start - iterable.stop) // iterable.step)
        return bool(size > CHUNK)
    return kind in _STEPS or type(kind) is MpClass or kind is support.ForeignIterator


def paced(iterable: Any) -> Iterator[Any]:
    """`iter(iterable)` for a loop of the host."""
    made = support.iter_(iterable)
    if not needs_pace(iterable):
        return made
    return _polling(made) if type(made) in _STEPS else Stepped(made)


@final
class Stepped:
    """An iterator of the program that polls; what its StopIteration holds is not lost."""

    __slots__ = ("left", "step")

    def __init__(self, iterator: Any) -> None:
        self.step = iterator.__next__
        self.left = CHUNK

    def __iter__(self) -> Stepped:
        return self

    def __next__(self) -> Any:
        self.left -= 1
        if self.left < 0:
            support.BUILTINS[_POLL](CHUNK * COST)
            self.left = CHUNK
        return self.step()


def _polling(iterator: Iterator[Any]) -> Iterator[Any]:
    poll = support.BUILTINS[_POLL]
    left = CHUNK
    while left == CHUNK:
        left = 0
        for item in islice(iterator, CHUNK):
            left += 1
            yield item
        poll(left * COST)


def chunks(iterable: Any) -> Iterator[list[Any]]:
    """The items in lists; polls after each.  For functions that use all items at once."""
    iterator = support.iter_(iterable)
    if not needs_pace(iterable):
        yield iterator  # type: ignore[misc]
        return
    poll = support.BUILTINS[_POLL]
    while made := list(islice(iterator, CHUNK)):
        yield made
        poll(len(made) * COST)


def gathered(iterable: Any) -> Any:
    """All items, accounted as they come.  Raises MemoryError."""
    memory.collected(iterable)
    if type(iterable) is range:
        return iterable
    made = paced(iterable)
    return memory.gathered(made, type(made) is Stepped)


def star(value: Any) -> Any:
    """The values for `*value` in a call, or to be unpacked."""
    return value if type(value) in (tuple, list) else gathered(value)


ODD: Final[frozenset[type]] = frozenset((bytes, range))
"""Types of which `in` is not the host's."""


def in_odd(item: Any, container: Any) -> bool:
    """`item in container` of bytes, or of a range, of which the host may compare each number."""
    if type(container) is bytes:
        return support.in_bytes(item, container)
    if isinstance(item, int):
        return item in container
    return any(item == other for other in paced(container))


def helpers() -> dict[str, Any]:
    """The names with a middle dot that translated code uses of this module."""
    return {"star\u00b7": star, "odd\u00b7": ODD, "in_odd\u00b7": in_odd}
