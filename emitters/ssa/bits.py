"""Sets of small numbers as the bits of a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

FEW: Final = 1 << 12
_known: list[list[int]] = [[]]


def powers(n: int) -> list[int]:
    """1 << i for all i below `n`, and perhaps some more."""
    known = _known[0]
    if len(known) < n:
        known = [1 << i for i in range(n if n > FEW else min(2 * n, FEW))]
        if n <= FEW:
            _known[0] = known  # never changed, as other threads may be reading it
    return known


def bits_of(word: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while word:
        lowest = word & -word
        yield lowest.bit_length() - 1
        word ^= lowest
