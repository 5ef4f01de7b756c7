"""A spread of the standard library, and all our own programs, against the reference compilers.

The whole corpus is one command: `python -m tests.oracle.compare --all`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle import corpus, reference
from tests.oracle.compare import Job, check, compare
from tests.oracle.reference import Answer, Settings, Unavailable, Verdict

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
CHUNK = 25  # files of one test; small enough to share the work among processes

# (release, settings, files)
SPREADS = [
    ("1.17", Settings(), 300),
    ("1.29", Settings(), 300),
    ("1.17", Settings(opt_level=3), 100),
    ("1.29", Settings(opt_level=3), 100),
    ("1.17", Settings(opt_level=1, small_int_bits=15, unicode=False, cache_lookup_bc=True), 50),
    ("1.29", Settings(small_int_bits=63, source_lines=False), 50),
    ("1.12", Settings(), 100),
    ("1.19", Settings(), 100),
    ("1.20", Settings(), 100),
    ("1.22", Settings(), 100),
    ("1.23", Settings(), 100),
    *((release, Settings(), 50) for release in reference.built_releases()),
]


def chunks() -> list[tuple[str, Settings, int, int]]:
    found = []
    for release, settings, count in SPREADS:
        for start in range(0, count, CHUNK):
            found.append((release, settings, count, start))
    return found


def name(chunk: tuple[str, Settings, int, int]) -> str:
    release, settings, _, start = chunk
    return "_".join([release, *settings.arguments(), str(start)])


def expect_same(release: str, settings: Settings, items: tuple[corpus.Item, ...]) -> None:
    try:
        reference.binary(release)
    except Unavailable as reason:
        pytest.skip(str(reason))
    wrong = []
    for item in items:
        outcome = check(Job(release, settings, item))
        if outcome.kind not in ("same", "reference crash"):
            wrong.append(f"{item.name}: {outcome.kind}\n{outcome.explanation}")
    assert not wrong, f"{len(wrong)} of {len(items)} files differ\n" + "\n".join(wrong[:5])


@pytest.mark.parametrize("chunk", chunks(), ids=name)
def test_standard_library(chunk: tuple[str, Settings, int, int]) -> None:
    release, settings, count, start = chunk
    expect_same(release, settings, corpus.spread(count)[start : start + CHUNK])


@pytest.mark.parametrize("opt_level", [0, 3])
@pytest.mark.parametrize("release", [*reference.BINARIES, *reference.built_releases()])
def test_programs(release: str, opt_level: int) -> None:
    items = corpus.named([str(PROGRAMS)])
    assert len(items) >= 50
    expect_same(release, Settings(opt_level), items)


def test_the_spread_is_large_and_deterministic() -> None:
    assert len(corpus.all_files()) > 1000
    chosen = corpus.spread(300)
    assert len(set(chosen)) == 300
    assert chosen == corpus.spread(300)


def test_comparison_sees_differences() -> None:
    """The judge itself: every kind of difference has a name."""
    good = Answer(Verdict.ACCEPTED, b"M\x05abc", "", 0)
    other = Answer(Verdict.ACCEPTED, b"M\x05abd", "", 0)
    bad = Answer(Verdict.REJECTED, b"", "SyntaxError: one\n", 0)
    worse = Answer(Verdict.REJECTED, b"", "SyntaxError: two\n", 0)
    crash = Answer(Verdict.CRASHED, b"", "boom", 0)
    assert compare(good, good) == ("same", "")
    assert compare(bad, bad) == ("same", "")
    assert compare(good, other)[0] == "bytes"
    assert compare(good, bad)[0] == "verdict"
    assert compare(bad, good)[0] == "verdict"
    assert compare(bad, worse)[0] == "error text"
    assert compare(good, crash)[0] == "our crash"
    assert compare(crash, good)[0] == "reference crash"
