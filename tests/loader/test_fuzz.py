"""A small run of `python -m tests.fuzz_reader`, and a check that it would notice."""

from __future__ import annotations

import pytest

from tests import fuzz_reader
from tests.loader.samples import all_samples


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_files_do_no_harm(seed: int) -> None:
    readable, failure = fuzz_reader.fuzz(400, seed, all_samples())
    assert failure == ""
    assert 10 < readable < 400, "some mutants must get past the reader, but not all"


def test_a_failure_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes) -> object:
        raise IndexError("planted")

    monkeypatch.setattr(fuzz_reader, "decode", broken)
    _, failure = fuzz_reader.fuzz(400, 1, all_samples())
    assert "planted" in failure
    assert "seed 1: 4d" in failure
