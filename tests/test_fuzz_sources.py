"""A short run of the fuzzer; `python -m tests.fuzz_sources` makes the long ones."""

from __future__ import annotations

import pytest

from tests import fuzz_sources
from tests.oracle import reference
from tests.oracle.reference import Unavailable


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_no_unexpected_exception(first: int) -> None:
    failures = [f for n in range(first, first + 100) for f in fuzz_sources.try_source(n, False)]
    assert not failures, failures[0].explanation


@pytest.mark.parametrize("first", range(10_000, 10_200, 50))
def test_same_verdict_as_the_reference(first: int) -> None:
    try:
        for release in fuzz_sources.RELEASES:
            reference.binary(release)
    except Unavailable as reason:
        pytest.skip(str(reason))
    failures = [f for n in range(first, first + 50) for f in fuzz_sources.try_source(n, True)]
    shown = [f"source {f.number}, {f.release}, {f.kind}: {f.explanation}" for f in failures]
    assert not failures, "\n".join(shown[:5])


def test_sources_are_reproducible_and_different() -> None:
    numbers = range(50)
    sources = [fuzz_sources.mutated(number) for number in numbers]
    assert sources == [fuzz_sources.mutated(number) for number in numbers]
    assert len(set(sources)) > 0.9 * len(sources)
