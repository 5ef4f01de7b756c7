"""A small run of the generated programs; `python -m tests.generate` makes the long ones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.generate.judge import RELEASES, differences
from tests.generate.programs import programs
from tests.oracle import reference
from tests.oracle.reference import Settings, Unavailable

_quick = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module", autouse=True)
def references() -> None:
    try:
        for release in RELEASES:
            reference.binary(release)
    except Unavailable as reason:
        pytest.skip(str(reason))


@_quick
@given(programs())
def test_programs(source: str) -> None:
    assert not differences(source, Settings())


@_quick
@given(programs(odd=True))
def test_slightly_invalid_programs(source: str) -> None:
    assert not differences(source, Settings())


@_quick
@given(programs(), st.sampled_from((1, 2, 3)))
def test_optimised_programs(source: str, opt_level: int) -> None:
    assert not differences(source, Settings(opt_level))


def test_most_programs_are_accepted() -> None:
    """Else the comparison would mostly be one of error messages."""
    verdicts = []

    @_quick
    @given(programs())
    def collect(source: str) -> None:
        answer = reference.run("1.29", source.encode(), "generated.py", Settings())
        verdicts.append(answer.verdict is reference.Verdict.ACCEPTED)

    collect()
    assert sum(verdicts) > len(verdicts) * 0.6
