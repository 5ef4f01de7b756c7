"""Which values of a native function are likely to be floats, for `native_floats`.

Nothing depends on it but which test is made first.  A first try at the function notes which values
operators join and which variables get them; floats are what comes of constants, of `/`, and what
meets those.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from mpy_cross.loader.ops import BinaryOp

# Names of values: locals by their number, what operation i has pushed as RESULT + i.
RESULT: Final = 1 << 16
FLOAT_CONSTANT: Final = -1
SMALL: Final = -2
"""A small int: a constant, or the counter of a loop over a range."""
UNKNOWN: Final = -3

ARITHMETIC: Final = (BinaryOp.ADD, BinaryOp.SUBTRACT, BinaryOp.MULTIPLY)


class Assigned(NamedTuple):
    """A variable gets a value."""

    variable: int
    value: int


class Joined(NamedTuple):
    """Two values are added, subtracted or multiplied; for a comparison the result is UNKNOWN."""

    result: int
    x: int
    y: int


@final
class Kinds:
    """What a try at a function has noted."""

    __slots__ = ("assigned", "identity", "joined", "quotients")

    def __init__(self) -> None:
        self.assigned: set[Assigned] = set()
        self.joined: set[Joined] = set()
        self.quotients: set[int] = set()
        """Results of `/`."""
        self.identity = False
        """Objects are compared by `is`, others than None, True and False."""

    def floats(self, n_args: int) -> frozenset[int]:
        """Values that are likely to be floats.  Of the locals the first are arguments."""
        if self.identity:
            return frozenset()
        small = self._small(n_args)
        found = {FLOAT_CONSTANT, *self.quotients}
        if len(found) == 1 and not any(FLOAT_CONSTANT in pair for pair in self.assigned) \
                and not any(FLOAT_CONSTANT in three for three in self.joined):
            return frozenset()
        count = 0
        while len(found) != count:
            count = len(found)
            for variable, value in self.assigned:
                _spread(found, small, (value,), variable)
            for result, x, y in self.joined:
                _spread(found, small, (x, y), result)
        return frozenset(found - {UNKNOWN})

    def _small(self, n_args: int) -> set[int]:
        """Values that are small ints as far as one can see."""
        sources: dict[int, set[int]] = {}
        for variable, value in self.assigned:
            sources.setdefault(variable, set()).add(value)
        for result, x, y in self.joined:
            sources.setdefault(result, set()).update((x, y))
        small = {name for name in sources if name >= n_args} | {SMALL}
        small.discard(UNKNOWN)
        small -= self.quotients
        count = 0
        while len(small) != count:
            count = len(small)
            small = {name for name in small if name == SMALL or sources[name] <= small}
        return small


def _spread(found: set[int], small: set[int], values: tuple[int, ...], result: int) -> None:
    """What is a float if others are."""
    if any(value in found for value in values):
        if result != UNKNOWN:
            found.add(result)
    elif result not in found:
        return
    found.update(value for value in values if value not in small and value != UNKNOWN)
