"""Programs that print the same under CPython and on the run-time, from either .mpy version."""

from __future__ import annotations

import pytest

from tests.emulator.language_programs import RELEASES, Player, Program, host_output, programs
from tests.emulator.language_tables import tables

PROGRAMS = programs() + tables()


@pytest.fixture(scope="module")
def players() -> list[Player]:
    return [Player(release) for release in RELEASES]


def test_there_are_enough_programs() -> None:
    assert len(PROGRAMS) >= 400
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.name for program in PROGRAMS])
def test_program_prints_what_cpython_prints(program: Program, players: list[Player]) -> None:
    wanted = host_output(program.source)
    assert "left by" not in wanted, wanted
    assert wanted
    for player in players:
        assert player.output(program.source) == wanted
