"""Translated Xtensa code that goes round: loops of every branch, windows turned by any distance."""

from __future__ import annotations

import random
from typing import Any, Final

import pytest

from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa
from mpy_cross.emulator.cores.xtensa.interpreted_core import InterpretedXtensa
from tests.emulator.core_xtensa import Program

CODE: Final = 0x4010_0000
BRANCHES: Final = {
    **dict.fromkeys(("beq", "bne", "blt", "bge", "bltu", "bgeu", "bany", "bnone", "ball", "bnall",
                     "bbc", "bbs"), (2, 3)),
    **dict.fromkeys(("beqi", "bnei", "blti", "bgei"), (3, -1)), "bltui": (3, 0x1_0000),
    "bgeui": (3, 4), "bbci": (2, 3), "bbsi": (2, 31),
    **dict.fromkeys(("beqz", "bnez", "bltz", "bgez"), (3,)), "bnei ": (2, 12), "blti ": (2, 8)}
VALUES: Final = (0, 1, 2, 3, 5, 8, 12, 0x10, 0x7FFF_FFF8, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0003,
                 0xFFFF_FFF5, 0xFFFF_FFFF)


def pair(name: str, code: bytes) -> list[Any]:
    cores = []
    for kind in (TranslatedXtensa, InterpretedXtensa):
        bus = Bus()
        bus.memory("code", CODE, 0x1_0000)
        bus.load(CODE, code)
        cores.append(kind(name, bus))
    return cores


@pytest.mark.parametrize("branch", BRANCHES)
def test_loops(branch: str) -> None:
    """In slices that end anywhere, registers and counts are those of the interpreter."""
    p = Program(CODE)
    p.here("again")
    p("addi", 2, 2, 1)
    p("addi", 3, 3, -1)
    p("xor", 4, 4, 2)
    p.to(branch.strip(), "again", *BRANCHES[branch])
    p.here("end")
    p("addi", 5, 5, 1)
    p.to("j", "end")
    cores = pair("lx106", p.finish())
    rng = random.Random(branch)
    for _ in range(15):
        values = rng.choice(VALUES), rng.choice(VALUES)
        for core in cores:
            core.write("pc", CODE)
            for number, value in zip((2, 3), values, strict=True):
                core.write(f"a{number}", value)
        for _ in range(6):
            count = rng.choice((1, 3, 4, 7, 40))
            found = []
            for core in cores:
                core.run(count)
                found.append([core.instructions, core.read("pc"),
                              *(core.read(f"a{number}") for number in range(2, 6))])
            assert found[0] == found[1], (values, count)


@pytest.mark.parametrize("name", ["lx6", "de212"])
def test_windows_turned(name: str) -> None:
    """By every distance, one after the other, with something written in between; in slices of less
    and of more than a block."""
    rng = random.Random(name)
    turns = [*range(-8, 8)] * 12
    rng.shuffle(turns)
    p = Program(CODE)
    for number, turn in enumerate(turns):
        p("rotw", turn)
        p("addi", 4 * (number % 4) + 1, 2, number % 100)
    cores = pair(name, p.finish())
    counts: list[int] = []
    while sum(counts) < 2 * len(turns):
        counts.append(min(rng.choice((1, 2, 60, 110)), 2 * len(turns) - sum(counts)))
    for core in cores:
        core.write("pc", CODE)
        # As if no window were in use, so that none overflows.
        core.write("windowstart", 0)
        for number in range(core.model.registers):
            core.state.ar[number] = 0x1000 + number
    for count in counts:
        for core in cores:
            core.run(count)
        ours, judge = cores
        assert [*ours.state.ar] == [*judge.state.ar]
        assert [ours.read(one) for one in ("pc", "windowbase", "windowstart")] == \
            [judge.read(one) for one in ("pc", "windowbase", "windowstart")]
    assert ours.instructions == judge.instructions == 2 * len(turns)
