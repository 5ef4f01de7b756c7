"""Mutated .mpy files on the run-time; `python -m tests.fuzz_runtime` is the long form."""

from __future__ import annotations

import pytest

from tests.fuzz_runtime import KINDS, fuzz, samples


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_files_give_errors_of_the_program(seed: int) -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    ends, failure = fuzz(300, seed, samples())
    assert not failure
    for kind in KINDS:
        assert sum(count for name, count in ends.items() if name.startswith(kind)) > 2, ends
    assert any(name.endswith("HardFault") for name in ends), ends
