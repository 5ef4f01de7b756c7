"""Generated functions at every opt level, and the mistakes of the reference.

Functions go through every release with every architecture, programs through every release.
`SSA_DIFFERENTIAL=20000 python -m pytest tests/ssa/test_differential.py` compares so many functions;
`python -m tests.ssa.differential` is the long run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

from mpy_cross.emitters.ssa.backends import BACK_ENDS
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.release import RELEASES, get
from tests.ssa import differential, generate_calls, programs
from tests.ssa.differential import (
    EVERY_TARGET,
    LEVELS,
    SETTINGS,
    difference,
    few_registers,
    functions,
    one,
)
from tests.ssa.generate_functions import Case, case
from tests.ssa.mistakes import ATTRIBUTE, ATTRIBUTE_PRINTS, MISTAKES, Mistake

COUNT: Final = int(os.environ.get("SSA_DIFFERENTIAL", "500"))
PROGRAMS: Final = max(10, COUNT // 50)
KINDS: Final = ("objects", "native", "closures")
STEP: Final = 16
"""Programs take every sixteenth target, of which there are seven a release; one kind begins with
the first of them, the next one with the sixth."""


def targets_of(kind: str) -> Sequence[tuple[str, str]]:
    return EVERY_TARGET[KINDS.index(kind) * STEP // len(KINDS) :: STEP]


def test_every_release_has_its_turn() -> None:
    assert {release for release, _ in EVERY_TARGET} == set(RELEASES)
    assert {arch for _, arch in EVERY_TARGET} == set(BACK_ENDS)
    assert len(EVERY_TARGET) == len(RELEASES) * len(BACK_ENDS)
    chosen = [targets_of(kind)[:PROGRAMS] for kind in KINDS]
    assert {release for targets in chosen for release, _ in targets} == set(RELEASES)
    assert {arch for targets in chosen for _, arch in targets} == set(BACK_ENDS)


def test_functions() -> None:
    ran, wrong = functions(0, COUNT, one, depth=2, targets=EVERY_TARGET)
    assert not wrong, wrong[0]
    assert ran > COUNT * 0.9


def test_functions_with_few_registers() -> None:
    _, wrong = functions(0, COUNT // 10, few_registers, depth=2)
    assert not wrong, wrong[0]


def test_functions_that_call_each_other() -> None:
    count = max(15, COUNT // 30)
    ran, wrong = functions(0, count, one, depth=2, make=generate_calls.case)
    assert not wrong, wrong[0]
    assert ran > count * 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_programs(kind: str) -> None:
    ran, wrong = programs.run(programs.KINDS[kind], 0, PROGRAMS, targets_of(kind), one)
    assert not wrong, wrong[0]
    assert ran > PROGRAMS // 2


def case_of(mistake: Mistake) -> Case:
    return Case(mistake.source, (mistake.args,))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_mistakes_of_the_reference_are_not_made(mistake: Mistake) -> None:
    for release in ("1.17", "1.29"):
        if "~" in mistake.source and not get(release).viper_unary:
            continue
        assert difference(case_of(mistake), release, "armv7m", SETTINGS) is None
    for release in mistake.releases:
        assert difference(case_of(mistake), release, "armv7m", [Optimise()]) is not None
        assert difference(case_of(mistake), release, "armv7m", SETTINGS) is None


@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_attributes_hold_objects(release: str) -> None:
    player = programs.Player(release, "armv7m")
    for level in LEVELS[:2]:
        mpy = player.compiled(ATTRIBUTE, Emit.BYTECODE, Optimise(level))
        assert player.output(mpy) == ATTRIBUTE_PRINTS
    baseline = player.output(player.compiled(ATTRIBUTE, Emit.BYTECODE, Optimise()))
    assert (baseline == ATTRIBUTE_PRINTS) == (release == "1.29")


# ----------------------------------------------------------------- the comparison finds differences


def test_a_wrong_function_is_found_and_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    right = differential.compiled

    def wrong(source: str, release: str, arch: str, optimise: Optimise) -> bytes:
        return right(source.replace("while i", "while 1 < i"), release, arch, optimise)

    monkeypatch.setattr(differential, "compiled", wrong)
    ran, reports = functions(0, 60, one)
    assert len(reports) == 1 and ran <= 60
    assert "1.17" in reports[0] or "1.29" in reports[0]
    assert len(reports[0].splitlines()) < 25


def test_the_seed_tells_the_function() -> None:
    assert case(5) == case(5)
    assert case(5).source != case(6).source
    compile(case(5).source, "case", "exec")
