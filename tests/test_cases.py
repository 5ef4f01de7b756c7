"""Runs tests/cases/*.test; `pytest tests/test_cases.py --bless` rewrites the expectations."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpy_cross.dump import dump
from mpy_cross.errors import CompileError
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from mpy_cross.report import reference_text
from tests import case_files
from tests.case_files import Case, Key
from tests.oracle import compare, reference
from tests.oracle.reference import Unavailable

CASES = case_files.all_cases()


def name(case: Case) -> str:
    return f"{case.file.stem}:{case.name.replace(' ', '-')}"


def actual(source: str, release: str, options: str) -> dict[Key, str]:
    """What the compiler says about a source: operations and bytecode, or the error."""
    settings = case_files.settings_of(options)
    named = settings._asdict() | {"emit": Emit[settings.emit.upper()]}
    record = CompileOptions(release=get(release), **named)
    try:
        return {
            Key(kind, release, options): dump(kind, source.encode(), "case.py", record).strip("\n")
            + "\n"
            for kind in ("ops", "bytecode")
        }
    except CompileError as error:
        return {Key("error", release, options): reference_text(error)}


@pytest.mark.parametrize("case", CASES, ids=name)
def test_case(case: Case, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--bless"):
        case_files.bless(case, actual)
        case = next(c for c in case_files.parse(case.file) if c.name == case.name)
    assert case.expected, "no expectations yet: run pytest tests/test_cases.py --bless"
    problems = []
    for release, options in dict.fromkeys((key.release, key.options) for key in case.expected):
        problems += against_reference(case, release, options)
        found = actual(case.source, release, options)
        for key in case.expected:
            if (key.release, key.options) != (release, options):
                continue
            head = f"[{key.kind} {release} {options}".rstrip() + "]"
            if key not in found:
                what = next(iter(found.values()))
                problems.append(f"{head}: there is none, but\n{what}")
            elif found[key] != case.expected[key]:
                problems.append(case_files.diff(case.expected[key], found[key], head))
    bless = f"if the new text is right: pytest tests/test_cases.py -k '{case.name}' --bless"
    assert not problems, "\n".join([f"{case.file.name}: {case.name}", *problems, bless])


def against_reference(case: Case, release: str, options: str) -> list[str]:
    """The case's bytes must be the reference's, so that a wrong expectation cannot be blessed."""
    settings = case_files.settings_of(options)
    source = case.source.encode()
    try:
        theirs = reference.answer(release, source, "case.py", settings)
    except Unavailable:
        return []
    kind, explanation = compare.compare(
        theirs, compare.ours(release, source, "case.py", settings)
    )
    return [] if kind == "same" else [f"{release} {options}: {kind}: {explanation}"]


def test_cases_have_different_names() -> None:
    names = [name(case) for case in CASES]
    assert len(names) == len(set(names))


TEXT = """[case one]
x = [
[1]]

[ops 1.17, 1.29]
same

[error 1.12 -O3]
different
"""


def test_format_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "x.test"
    path.write_text(TEXT)
    (case,) = case_files.parse(path)
    assert case.source == "x = [\n[1]]\n"
    assert case.expected == {
        Key("ops", "1.17", ""): "same\n",
        Key("ops", "1.29", ""): "same\n",
        Key("error", "1.12", "-O3"): "different\n",
    }
    path.write_text(case_files.render(case))
    assert case_files.parse(path) == [case]


def test_bless_writes_what_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.test"
    path.write_text(TEXT + "[case two]\npass\n")
    one, two = case_files.parse(path)
    case_files.bless(two, lambda source, release, options: {Key("ops", release, options): "new\n"})
    assert case_files.parse(path)[0] == one
    assert case_files.parse(path)[1].expected == {
        Key("ops", release, ""): "new\n" for release in case_files.RELEASES
    }
