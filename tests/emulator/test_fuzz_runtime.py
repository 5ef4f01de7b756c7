"""Mutated .mpy files on the run-time; `python -m tests.fuzz_runtime` is the long form."""

from __future__ import annotations

import pytest

from tests.fuzz_runtime import fuzz, samples


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_files_give_errors_of_the_program(seed: int) -> None:
    loaded, failure = fuzz(300, seed, samples())
    assert not failure
    assert loaded > 10
