"""Every documented name of the built-in functions and modules is there on both boards."""

from __future__ import annotations

import pytest

from tests.emulator.hardware_runs import Start, printed, start
from tests.emulator.library_names import ABSENT, NAMES, U_NAMES

__all__ = ["start"]
BOARDS = ("pyboard", "pico")


def missing(start: Start, board: str, module: str, owner: str, names: str) -> list[str]:
    source = f"import {module} as m\nx = m{'.' if owner else ''}{owner}\n" + "".join(
        f"if not hasattr(x, {name!r}): print({name!r})\n" for name in names.split())
    return printed(start(board), source)


@pytest.mark.spec("G04", "G15")
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(("module", "owner"), NAMES)
def test_names_are_there(start: Start, board: str, module: str, owner: str) -> None:
    assert missing(start, board, module, owner, NAMES[module, owner]) == []


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(("module", "owner"), ABSENT)
def test_names_that_boards_lack(start: Start, board: str, module: str, owner: str) -> None:
    names = ABSENT[module, owner]
    assert missing(start, board, module, owner, names) == names.split()


@pytest.mark.parametrize("board", BOARDS)
def test_names_with_u(start: Start, board: str) -> None:
    lines = printed(start(board), "".join(
        f"import {name}, u{name}\nprint({name} is u{name})\n" for name in U_NAMES.split()))
    assert lines == ["True"] * len(U_NAMES.split())
