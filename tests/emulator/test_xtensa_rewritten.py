"""Translated Xtensa code that rewrites itself, against the interpreter."""

from __future__ import annotations

import random
from typing import Any, Final

import pytest

from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa
from mpy_cross.emulator.cores.xtensa.interpreted_core import InterpretedXtensa
from mpy_cross.emulator.cores.xtensa.translate import MOST_CHANGES
from tests.emulator.core_xtensa import Program

CODE: Final = 0x4010_0000
RAM: Final = 0x3FFE_0000
PIECE: Final = CODE + 0x100  # what is rewritten
WORDS: Final = 3  # of it


def loop() -> bytes:
    """loop(words, end): copies WORDS words from there to PIECE and executes them, again and again;
    what they leave in a8 and a9 goes into a sum."""
    p = Program(CODE)
    p("mov.n", 13, 0)
    p("movi", 8, 0)
    p("movi", 9, 0)
    p("movi", 10, 0)
    p.const(12, PIECE)
    p.here("again")
    for number in range(WORDS):
        p("l32i.n", 4, 2, 4 * number)
        p("s32i.n", 4, 12, 4 * number)
    p("addi", 2, 2, 4 * WORDS)
    p("isync")
    p("callx0", 12)
    p("addx2", 10, 10, 8)
    p("xor", 10, 10, 9)
    p.to("bltu", "again", 2, 3)
    p("mov.n", 2, 10)
    p("jx", 13)
    return p.finish()


def piece(rng: random.Random) -> bytes:
    """Instructions of two and three bytes, of at most 10 bytes, and a return."""
    p = Program(PIECE)
    size = 0
    while size < 8:
        name, *values = rng.choice((
            ("movi.n", 8, rng.randrange(4)), ("addi", 9, 9, rng.randrange(3)),
            ("addi.n", 8, 8, 1), ("xor", 9, 9, 8), ("nop.n",), ("addx2", 8, 9, 8)))
        p(name, *values)
        size += TABLE[name].size
    p("ret.n")
    return p.finish().ljust(4 * WORDS, b"\0")[: 4 * WORDS]


def machine(kind: Any, data: bytes) -> Any:
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("ram", RAM, 0x1_0000)
    bus.load(CODE, loop())
    bus.load(RAM, data)
    core = kind("lx106", bus)
    core.write("sp", RAM + 0xF000)
    return core


@pytest.mark.parametrize("pieces", [1, 2, MOST_CHANGES, 2 * MOST_CHANGES, 400])
def test_rewritten(pieces: int) -> None:
    rng = random.Random(pieces)
    kinds = [piece(rng) for _ in range(pieces)]
    data = b"".join(rng.choice(kinds) for _ in range(400))
    ours, judge = (machine(kind, data) for kind in (TranslatedXtensa, InterpretedXtensa))
    for part in (60, 400, 400):
        assert ours.call(CODE, RAM, RAM + part * 4 * WORDS) == \
            judge.call(CODE, RAM, RAM + part * 4 * WORDS)
        assert ours.instructions == judge.instructions
    if pieces < MOST_CHANGES:  # all of them are known by now
        begun = ours.translator.instructions
        ours.call(CODE, RAM, RAM + len(data))
        assert ours.translator.instructions == begun
        assert not ours.translator.unsteady
    elif pieces == 400:  # what changes is interpreted, and nothing else
        assert ours.translator.unsteady
        assert all(PIECE <= address < PIECE + 4 * WORDS for address in ours.translator.unsteady)


def test_one_instruction_that_changes_is_interpreted_alone() -> None:
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("ram", RAM, 0x1_0000)
    place = CODE + 0x40
    p = Program(CODE)
    p.const(4, place)
    p.const(5, TABLE["movi"].word(8, 0) | (TABLE["nop"].word() & 0xFF) << 24)
    p("movi", 3, 0)
    p.here("again")
    p("extui", 6, 2, 0, 8)
    p("slli", 6, 6, 16)
    p("or", 6, 5, 6)
    p("s32i.n", 6, 4, 0)
    p("isync")
    p.to("j", "on")
    p.code.align(64)
    p.here("on")
    assert p.address("on") == place
    p("movi", 8, 0)
    p("nop")
    p("add.n", 3, 3, 8)
    p("addi.n", 2, 2, -1)
    p.to("bnez", "again", 2)
    p("mov.n", 2, 3)
    p("ret.n")
    bus.load(CODE, p.finish())
    core = TranslatedXtensa("lx106", bus)
    core.write("sp", RAM + 0xF000)
    for count in (100, 200):
        begun = core.instructions
        assert core.call(CODE, count) == count * (count + 1) // 2
        assert core.instructions - begun == 7 + 11 * count
    assert [*core.translator.unsteady] == [place]
