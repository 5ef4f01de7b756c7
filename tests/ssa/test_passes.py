"""Text cases of the passes: tests/ssa/cases/PASS.test, with the SSA form before and after.

`pytest tests/ssa/test_passes.py --bless` writes what the passes make of them now.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from mpy_cross.emitters.ssa.text import TextError, function_text, parse_function
from mpy_cross.emitters.ssa.verify import verify

FOLDER = Path(__file__).parent / "cases"
PASSES = sorted(
    path.stem for path in Path(import_module("mpy_cross.emitters.ssa.passes").__path__[0])
    .glob("[a-z]*.py")
)


class Case(NamedTuple):
    file: Path
    name: str
    before: str
    after: str


def cases_of(path: Path) -> list[Case]:
    parts = re.split(r"^\[case (.*)\]\n", path.read_text(), flags=re.M)
    found = []
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        before, _, after = body.partition("[after]\n")
        found.append(Case(path, name, before.strip("\n") + "\n", after.strip("\n") + "\n"))
    return found


CASES = [case for path in sorted(FOLDER.glob("*.test")) for case in cases_of(path)]


def test_every_pass_has_cases() -> None:
    assert {case.file.stem for case in CASES} == set(PASSES)
    # And without the pass one of them is wrong.
    assert {case.file.stem for case in CASES if case.before != case.after} == set(PASSES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.stem}:{case.name}")
def test_case(case: Case, request: pytest.FixtureRequest) -> None:
    function = parse_function(case.before)
    assert verify(function) == []
    assert function_text(function) == case.before, "not as the function is written"
    import_module(f"mpy_cross.emitters.ssa.passes.{case.file.stem}").run(function)
    assert verify(function) == []
    after = function_text(function)
    if request.config.getoption("--bless"):
        text = case.file.read_text()
        head = f"[case {case.name}]\n"
        start = text.index(head) + len(head)
        end = text.find("[case ", start)
        end = len(text) if end < 0 else end
        text = f"{text[:start]}{case.before}[after]\n{after}\n{text[end:]}"
        case.file.write_text(text.rstrip("\n") + "\n")
    assert after == case.after


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b0:\n  dead", "begins with"),
        ("function f\nb0:\n  v0 = nonsense v1\n  dead", "no such instruction"),
        ("function f\nb0:\n  ret v7", "what is v7"),
        ("function f\n  v0 = const #1", "no block yet"),
        ("function f\nb0:\n  v0 = const\n  dead", "number is missing"),
        ("function f\nb0:\n  dead\n  dead", "has ended before"),
    ],
)
def test_text_that_is_no_function(text: str, message: str) -> None:
    with pytest.raises(TextError, match=message):
        parse_function(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("b0:\n  v0 = add.int v1, v1\n  v1 = const.int #1\n  ret v0", "before it is there"),
        ("b0:\n  v0 = const.int #1\n  br lt v0, v0 -> b1, b2\nb1: preds b0\n  v1 = const.int #2\n"
         "  jmp b2\nb2: preds b0, b1\n  ret v1", "not defined on every way"),
        ("b0:\n  jmp b1\nb1:\n  dead", "on one side only"),
        ("b0:\n  v0 = livein.obj #0\n  v1 = add.int v0, v0\n  ret v1", "takes no objects"),
        ("b0:\n  v0 = const.int #1\n  v1 = loadx8.int v0, v0, #3\n  ret v0", "with scale 3"),
        ("b0:\n  v0 = getframe.obj #2\n  ret v0", "there are 0"),
        ("b0:\n  v0 = const.int #1\n  v1 = add.int v0\n  ret v0", "has 1 arguments, not 2"),
        ("b0:\n  jmp b1\nb1: preds b0, b1\n  v0 = phi.int v0\n  jmp b1", "has 1 arguments"),
        ("b0:\n  v0 = const.int #1\n  jmp b0", "on one side only"),
        ("b0:\n  dead\nb1:\n  dead", "never gets here"),
    ],
)
def test_verifier(text: str, problem: str) -> None:
    problems = verify(parse_function("function f\n" + text))
    assert any(problem in found for found in problems), problems
