"""How engines see memory: the test at the first of them, and what is done where it fails."""

from __future__ import annotations

import warnings

import pytest

from mpy_cross.emulator.cores import unicorn_arm, unicorn_memory
from tests.emulator.core_arm import ArmBench
from tests.emulator.core_contract import CoreContract


def test_the_test_of_the_engine() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unicorn_memory.virtual_works.cache_clear()
        assert unicorn_memory.virtual_works()


def test_an_engine_that_is_not_as_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unicorn_memory, "_try_virtual", lambda: False)
    unicorn_memory.virtual_works.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="plain memory, several times slower"):
            assert not unicorn_memory.virtual_works()
    finally:
        unicorn_memory.virtual_works.cache_clear()


@pytest.mark.parametrize("name", ["cortex-m0+", "cortex-m4f"])
def test_plain_memory(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A Cortex-M with the engine's own way to see memory does the same."""
    monkeypatch.setattr(unicorn_arm, "virtual_works", lambda: False)
    contract = CoreContract()
    contract.test_arithmetic(ArmBench(name))
    contract.test_write_to_flash(ArmBench(name))
    contract.test_host_changes_code(ArmBench(name))
    contract.test_program_changes_its_code(ArmBench(name))
    contract.test_nested_calls(ArmBench(name), 61)
