"""Programs that print the same under CPython and on the run-time, from either .mpy version."""

from __future__ import annotations

import pytest

from tests.emulator.generate_programs import difference, program
from tests.emulator.language_programs import RELEASES, Player, Program, host_output, programs
from tests.emulator.language_tables import tables

PROGRAMS = programs() + tables()


@pytest.fixture(scope="module")
def players() -> list[Player]:
    return [Player(release) for release in RELEASES]


def test_there_are_enough_programs() -> None:
    assert len(PROGRAMS) >= 400
    assert len({case.name for case in PROGRAMS}) == len(PROGRAMS)


@pytest.mark.parametrize("case", PROGRAMS, ids=[case.name for case in PROGRAMS])
def test_program_prints_what_cpython_prints(case: Program, players: list[Player]) -> None:
    wanted = host_output(case.source)
    assert "left by" not in wanted, wanted
    assert wanted
    for player in players:
        assert player.output(case.source) == wanted


@pytest.mark.parametrize("seed", range(0, 200, 20))
def test_generated_programs_print_what_cpython_prints(seed: int, players: list[Player]) -> None:
    for each in range(seed, seed + 20):
        source = program(each)
        assert difference(source, players) is None, source
