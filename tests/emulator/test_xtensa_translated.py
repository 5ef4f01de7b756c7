"""The Xtensa cores that translate: the contract, and random programs against the interpreter."""

from __future__ import annotations

import zlib
from typing import Any, final

import pytest

from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa import translate
from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa
from mpy_cross.emulator.cores.xtensa.models import model as find_model
from mpy_cross.emulator.cores.xtensa.vectors import window_vectors
from tests.emulator import xtensa_judge
from tests.emulator.core_contract import CoreContract
from tests.emulator.core_xtensa import XtensaBench
from tests.emulator.xtensa_random import DATA_SIZE, start_data
from tests.oracle import xtensa_lockstep


@final
class TranslatedBench(XtensaBench):
    def core_of(self, name: str, exact: bool) -> Any:
        return TranslatedXtensa(name, self.bus, exact=exact)


class TranslatedContract(CoreContract):
    kind = TranslatedBench


class TestTranslatedLx106(TranslatedContract):
    name = "lx106"


class TestTranslatedLx6(TranslatedContract):
    name = "lx6"


@pytest.mark.parametrize("name", xtensa_lockstep.NAMES)
def test_random_programs(name: str) -> None:
    """Together 20,000 instructions; `python -m tests.oracle.xtensa_lockstep` does more."""
    done, pieces = xtensa_lockstep.run(5000, 1, (name,))
    assert done >= 5000 and pieces > 20


@pytest.mark.parametrize(("name", "other"), [
    ("slli", "srli"), ("s32i", "s16i"), ("retw", "ret"), ("bge", "blt"), ("sub.s", "add.s")])
def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch, name: str,
                                    other: str) -> None:
    monkeypatch.setitem(translate.MAKES, name, translate.MAKES[other])
    with pytest.raises(xtensa_lockstep.Differs, match="lx6, seed"):
        xtensa_lockstep.run(20_000, 1, ("lx6",))


def test_most_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter does a small part of the instructions only."""
    pair = xtensa_lockstep.Pair("lx6")
    steps = 0
    step = pair.cores[1].interpreter.step

    def counted() -> None:
        nonlocal steps
        steps += 1
        step()

    monkeypatch.setattr(TranslatedXtensa, "_step", lambda self: counted())
    done = sum(pair.trial(seed) for seed in range(100, 110))
    assert done > 3000 and steps < done / 2


@pytest.mark.parametrize("name", list(xtensa_judge.PLACES))
def test_recorded_sequences(name: str) -> None:
    """What QEMU has made of random sequences, without it."""
    model, place = find_model(name), xtensa_judge.PLACES[name]
    bus = Bus()
    bus.memory("vectors", place.vectors, 0x1000)
    bus.memory("code", place.code, 0x1000)
    data = bus.memory("data", place.data, 0x1000)
    bus.load(place.vectors, window_vectors())
    core = TranslatedXtensa(name, bus)
    core.wants_fault, core.takes_interrupts = True, False
    state, total = core.state, 0
    for seed, code, _, judged in xtensa_judge.recorded(name):
        bus.load(place.code, code)
        core.code_changed(place.code, len(code))
        data.buffer[: DATA_SIZE] = start_data(seed, place.data)
        core.reset()
        for words in (state.ar, state.fr, state.ur):
            for at in range(len(words)):
                words[at] = 0
        xtensa_judge.set_registers(state, xtensa_judge.start(model, seed))
        if model.windows:
            core.write("lend", core.read("lend"))  # the core is to know
        state.pc, state.instructions = place.code, 0
        while state.instructions < judged.instructions:
            core.stopping = False
            core.advance(judged.instructions)
        found = state.registers()
        registers = {register: found[register] for register in xtensa_judge.compared(model)}
        checksum = zlib.crc32(data.buffer[: DATA_SIZE])
        outcome = xtensa_judge.Outcome(state.pc, state.instructions, registers, checksum)
        assert outcome.differences(judged) == [], f"sequence {seed}"
        total += state.instructions
    assert total > 6000
