"""What the allocation of registers promises, checked instruction by instruction."""

from __future__ import annotations

from collections import Counter

import pytest

import mpy_cross
from mpy_cross.driver import compile_to_mpy
from mpy_cross.emitters.ssa import pipeline, temporaries
from mpy_cross.emitters.ssa.machine import COPY, FIRST_VIRTUAL, SLOT, Ins, MFunction, Second
from mpy_cross.emitters.ssa.regalloc import allocate
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from tests.oracle import corpus
from tests.ssa.generate_functions import case

ARCHS = ("armv7m", "armv6m", "xtensawin", "xtensa")


def alive_at_ends(function: MFunction) -> list[set[int]]:
    """Registers that are read behind the end of each block."""
    blocks = function.blocks
    places = {id(block): i for i, block in enumerate(blocks)}
    ends: list[set[int]] = [set() for _ in blocks]
    begins: list[set[int]] = [set() for _ in blocks]
    changed = True
    while changed:
        changed = False
        for i in range(len(blocks) - 1, -1, -1):
            ends[i] = set().union(*(begins[places[id(succ)]] for succ in blocks[i].succs))
            live = set(ends[i])
            for ins in reversed(blocks[i].code):
                live.difference_update(ins.dests)
                live.update(ins.srcs)
            if live != begins[i]:
                begins[i] = live
                changed = True
    return ends


def place_of(function: MFunction, register: int) -> int:
    is_chosen = FIRST_VIRTUAL <= register < SLOT
    return function.registers[register] if is_chosen else register


def problems(function: MFunction) -> list[str]:
    """Registers that two values have at the same time."""
    found: list[str] = []
    for block, end in zip(function.blocks, alive_at_ends(function), strict=True):
        live = set(end)
        for ins in reversed(block.code):
            found += wrong(function, ins, live)
            live.difference_update(ins.dests)
            live.update(ins.srcs)
    return found


def wrong(function: MFunction, ins: Ins, live: set[int]) -> list[str]:
    """What is wrong with one instruction; `live`: what is read behind it."""
    found: list[str] = []
    copied = dict(zip(ins.dests, ins.srcs, strict=True)) if ins.op == COPY else {}
    places = [place_of(function, d) for d in ins.dests]
    if len(set(places)) < len(places):
        found.append(f"{ins}: two results in one register")
    for d, place in zip(ins.dests, places, strict=True):
        for other in live - {d, copied.get(d)}:
            if other not in ins.dests and place_of(function, other) == place:
                found.append(f"{ins}: {other} is there")
        for i, s in enumerate(ins.srcs):
            if ins.early >> i & 1 and s != d and place_of(function, s) == place:
                found.append(f"{ins}: {s} is still read")
    for other in live - set(ins.dests):
        if place_of(function, other) in ins.clobbers:
            found.append(f"{ins}: {other} is lost")
    return found


@pytest.mark.parametrize("n_registers", [0, 4])
@pytest.mark.parametrize("arch", ARCHS)
def test_no_register_has_two_values(
    arch: str, n_registers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = Counter[str]()

    def check(
        function: MFunction, registers: tuple[int, ...], second: Second | None = None,
        floats: tuple[int, ...] = (),
    ) -> None:
        allocate(function, registers, second, floats)
        found = problems(function)
        assert not found, (function.source.name, found)
        checked["functions"] += 1
        checked["in the frame"] += bool(function.n_slots)

    evict = temporaries.Temporaries._evict

    def count(
        self: temporaries.Temporaries, temporary: int, pool: dict[int, int], near: int,
        taken: list[int], ins: Ins,
    ) -> bool:
        checked["evictions"] += 1
        return evict(self, temporary, pool, near, taken, ins)

    monkeypatch.setattr(pipeline, "allocate", check)
    monkeypatch.setattr(temporaries.Temporaries, "_evict", count)
    options = CompileOptions(get("1.29"), arch=arch,
                             optimise=Optimise("2", n_registers=n_registers))
    for seed in range(12):
        compile_to_mpy(case(seed, True, 3).source.encode(), "case.py", options)
    for item in corpus.spread(6, 5):
        try:
            compile_to_mpy(item.path.read_bytes(), item.name, options._replace(emit=Emit.NATIVE))
        except mpy_cross.CompileError:
            continue
    assert checked["functions"] > 50
    assert checked["in the frame"] > 5
    assert checked["evictions"] or not n_registers


def test_the_check_finds_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def one_register(
        function: MFunction, registers: tuple[int, ...], second: Second | None = None,
        floats: tuple[int, ...] = (),
    ) -> None:
        allocate(function, registers, second, floats)
        for register in function.registers:
            function.registers[register] = 4
        found.extend(problems(function))

    monkeypatch.setattr(pipeline, "allocate", one_register)
    options = CompileOptions(get("1.29"), arch="armv7m", optimise=Optimise("2"))
    compile_to_mpy(case(1, True, 3).source.encode(), "case.py", options)
    assert found
