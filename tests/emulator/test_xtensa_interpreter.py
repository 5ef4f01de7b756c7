"""The plain Xtensa interpreter against QEMU: random sequences recorded once, and live where
qemu-system-xtensa is installed.  What QEMU does not say is reasoned from the ISA manual."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.cores.xtensa.context import Context, Operation
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.interpreter import OPERATIONS
from mpy_cross.emulator.cores.xtensa.models import model
from tests.emulator.xtensa_judge import PLACES, interpreted, live, recorded
from tests.emulator.xtensa_qemu import installed
from tests.emulator.xtensa_random import rows_of


@pytest.mark.parametrize("core", list(PLACES))
def test_recorded_sequences(core: str) -> None:
    total = 0
    for seed, code, end, judged in recorded(core):
        found = interpreted(model(core), seed, code, end)
        assert found.differences(judged) == [], f"sequence {seed}"
        total += found.instructions
    assert total > 6000


def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, "sub", OPERATIONS["add"])
    differing = [seed for seed, code, end, judged in recorded("lx106")
                 if interpreted(model("lx106"), seed, code, end).differences(judged)]
    assert len(differing) > 5


@pytest.mark.skipif(not installed(), reason="qemu-system-xtensa is not installed")
@pytest.mark.parametrize("core", list(PLACES))
def test_live_sequences(core: str) -> None:
    assert live(core, 8, 900_000) == []


def noted(name: str, operation: Operation, seen: set[str]) -> Operation:
    """The same operation, which says that it was used."""
    def run(context: Context, i: Instruction) -> int | None:
        seen.add(name)
        return operation(context, i)

    return run


def test_sequences_have_every_plain_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded sequences execute all that they are made from."""
    seen: set[str] = set()
    for name, operation in list(OPERATIONS.items()):
        monkeypatch.setitem(OPERATIONS, name, noted(name, operation, seen))
    for core in PLACES:
        seen.clear()
        for seed, code, end, _ in recorded(core):
            interpreted(model(core), seed, code, end)
        wanted = {row.name.removesuffix(".n") for row in rows_of(model(core))}
        assert wanted - seen == set()
