"""The examples of MicroPython's manual run on our boards and print what the manual says."""

from __future__ import annotations

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get
from tests.emulator.manual_examples import RELEASE, Example, Player, agrees, examples, later

ALL = examples()
LATER = later()
LAST = 615
"""The examples of the manual have the numbers 1 to this one."""
DIFFERENCES = range(220, 283)
"""Those of its chapter about differences from CPython are cases of their own."""
PROMPT = (136, 137, 138, 140, 141, 144, 145, 149, 150, 575)
"""Those of keys at the prompt are in `test_repl_manual`."""


def parameters() -> list[object]:
    """Each example with the requirements that it shows."""
    seen: dict[str, int] = {}
    found: list[object] = []
    for each in ALL:
        label = f"{each.name}-{each.board}"
        seen[label] = seen.get(label, 0) + 1
        label += f"-{seen[label]}" if seen[label] > 1 else ""
        marks = [pytest.mark.spec(*each.requirements)]
        found.append(pytest.param(each, id=label, marks=marks))
    return found


@pytest.mark.parametrize("example", parameters())
def test_example(example: Example) -> None:
    player = Player(example)
    printed = player.run()
    if player.tells:
        assert agrees(printed, player.expected), f"expected:\n{player.expected}\ngot:\n{printed}"


@pytest.mark.spec("A25")
@pytest.mark.parametrize(("board", "own"), [("pyboard", "pyb stm"), ("pico", "rp2")])
def test_help_lists_what_can_be_imported(board: str, own: str) -> None:
    release = get(RELEASE)
    session = Session(board, release, compiler_for(release))
    session.execute("help('modules')")
    names = set(session.console.removesuffix("Plus any modules on the filesystem\n").split())
    assert {"umachine", "gc", *own.split()} <= names
    for name in names:
        outcome = session.execute(f"import {name}") if "/" not in name else None
        assert outcome is None or not outcome.text, name


def test_nothing_is_forgotten() -> None:
    here = {each.name for each in ALL}
    elsewhere = {*DIFFERENCES, *PROMPT}
    wanted = {f"E{n:03}" for n in range(1, LAST + 1) if n not in elsewhere}
    assert here | set(LATER) == wanted
    assert not here & set(LATER)


@pytest.mark.parametrize("name", LATER)
def test_later(name: str) -> None:
    pytest.skip(f"{name}: {LATER[name]}")
