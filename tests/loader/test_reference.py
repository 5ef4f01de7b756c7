"""What the reference compilers write comes back byte for byte (a spread; roundtrip.py has all)."""

from __future__ import annotations

import pytest

from tests.loader import roundtrip
from tests.oracle import reference
from tests.oracle.reference import Unavailable


def needs(release: str) -> None:
    try:
        reference.binary(release)
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.spec("A20")
@pytest.mark.parametrize("release", list(reference.BINARIES))
def test_round_trip(release: str) -> None:
    needs(release)
    accepted, problems = roundtrip.corpus_problems(release, 25, [])
    assert problems == []
    assert accepted >= 12


@pytest.mark.spec("A04", "A20")
@pytest.mark.parametrize("arch", ["x64", "armv6", "armv7m", "armv7emsp", "xtensa", "xtensawin"])
@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_round_trip_of_machine_code(release: str, arch: str) -> None:
    needs(release)
    options = ["-X", "emit=native", f"-march={arch}"]
    accepted, problems = roundtrip.corpus_problems(release, 8, options)
    assert problems == []
    assert accepted >= 3


@pytest.mark.parametrize("release", list(reference.BINARIES))
def test_float_texts(release: str) -> None:
    needs(release)
    assert roundtrip.float_problems(release, 800, 3) == []
