"""Programs on boards, for the tests of hardware modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.modules.machine_.hardware import hardware
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get

MS = 1_000_000
LIMIT = 100_000 * MS
Start = Callable[[str], Session]


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes sessions with virtual time that ends."""
    made: list[Session] = []

    def begin(board: str) -> Session:
        compiler = compiler_for(get("1.17"), find_board(board).arch)
        session = Session(board, "1.17", compiler, record=True)
        session.limit(LIMIT)
        made.append(session)
        return session

    yield begin
    for session in made:
        session.close()


def printed(session: Session, source: str) -> list[str]:
    """The lines that a program prints."""
    before = len(session.console)
    outcome = session.execute(source)
    assert outcome is not None and outcome.error is None, outcome
    return session.console[before:].splitlines()


def register(session: Session, block: str, name: str) -> int:
    return hardware(session.runtime).read(block, name)
