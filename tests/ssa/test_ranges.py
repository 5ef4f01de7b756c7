"""Intervals of words: what two comparisons with numbers are together."""

from __future__ import annotations

import itertools
from typing import Final

import pytest

from mpy_cross.emitters.ssa.fold import compare
from mpy_cross.emitters.ssa.ir import NEGATED, WORD
from mpy_cross.emitters.ssa.passes.ranges import HALF, Interval, as_test, interval_of, union

NUMBERS: Final = (0, 1, 2, 100, HALF - 1, HALF, HALF + 1, WORD - 100, WORD - 1, WORD)
NEAR: Final = tuple({number + step & WORD for number in NUMBERS for step in (-1, 0, 1)})
TESTS: Final = tuple(itertools.product(NEGATED, NUMBERS))


def test_intervals_of_conditions() -> None:
    for cond, number in TESTS:
        holds = {x for x in NEAR if compare(cond, x, number)}
        interval = interval_of(cond, number)
        if interval is None:
            assert not holds or len(holds) == len(NEAR)
        else:
            assert holds == {x for x in NEAR if x - interval.first & WORD < interval.size}


@pytest.mark.parametrize("first", NEGATED)
def test_two_conditions(first: str) -> None:
    n_joined = 0
    for number, (second, other) in itertools.product(NUMBERS, TESTS):
        one, two = interval_of(first, number), interval_of(second, other)
        both = union(one, two) if one and two else None
        if both is None:
            continue
        n_joined += 1
        cond, less, limit = as_test(both)
        for x in NEAR:
            assert compare(cond, x - less & WORD, limit) == (
                compare(first, x, number) or compare(second, x, other)), (number, second, other, x)
    assert n_joined > 100


def test_intervals_that_do_not_touch() -> None:
    assert union(Interval(1, 3), Interval(5, 3)) is None
    assert union(Interval(1, 3), Interval(4, 3)) == Interval(1, 6)
    assert union(Interval(WORD, 2), Interval(1, 1)) == Interval(WORD, 3)
    assert union(Interval(0, HALF), Interval(HALF, HALF)) is None  # that is everything
