"""Sets of small numbers as the bits of a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_powers: list[int] = []
FEW: Final = 1 << 12


def powers(n: int) -> list[int]:
    """1 << i for all i below `n`, and perhaps some more."""
    if n > FEW:
        return [1 << i for i in range(n)]
    while len(_powers) < n:
        _powers.append(1 << len(_powers))
    return _powers


def bits_of(word: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while word:
        lowest = word & -word
        yield lowest.bit_length() - 1
        word ^= lowest
