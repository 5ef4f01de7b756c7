"""Machine code of whole files, byte for byte as the reference's, on every architecture."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from mpy_cross.loader.release import get
from tests.native import viper_programs
from tests.oracle import compare, corpus, reference
from tests.oracle.reference import Settings, Unavailable, Verdict

RELEASES = ("1.17", "1.29")
ARCHS = ("x86", "x64", "armv6", "armv6m", "armv7m", "armv7emsp", "xtensa", "xtensawin", "rv32imc")
# What no binary of the reference knows: ARMv6-M as a target of version 5 files, RV32 before 1.24.
PAIRS = [
    (release, arch)
    for release in RELEASES
    for arch in ARCHS
    if arch in get(release).archs and not (arch == "armv6m" and release == "1.17")
]
CASES = list(viper_programs.systematic())


def mismatches(release: str, arch: str, sources: list[tuple[str, bytes]], emit: str) -> list[str]:
    """What differs, one text per source; sources on which the reference itself crashes pass."""
    options = Settings(arch=arch, emit=emit)
    try:
        reference.binary(release)
    except Unavailable as error:
        pytest.skip(str(error))
    found = []
    for name, source in sources:
        theirs = reference.answer(release, source, "case.py", options)
        mine = compare.ours(release, source, "case.py", options)
        kind, explanation = compare.compare(theirs, mine)
        if kind not in ("same", "reference crash"):
            found.append(f"{name}: {kind}\n{explanation}")
    return found


@pytest.mark.parametrize(("release", "arch"), PAIRS)
def test_standard_library_as_native_code(release: str, arch: str) -> None:
    sources = [(item.name, item.path.read_bytes()) for item in corpus.spread(24)]
    assert mismatches(release, arch, sources, "native") == []


def test_there_are_enough_viper_cases() -> None:
    assert len({source for _, source in CASES}) >= 300


@pytest.mark.spec("B12", "B23", "B35")
@pytest.mark.parametrize(("release", "arch"), PAIRS)
def test_viper_operators_pointers_and_types(release: str, arch: str) -> None:
    sources = [(name, source.encode()) for name, source in CASES]
    assert mismatches(release, arch, sources, "bytecode") == []


@pytest.mark.parametrize(("release", "arch"), PAIRS)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(source=viper_programs.programs())
def test_random_viper_functions(release: str, arch: str, source: str) -> None:
    assert mismatches(release, arch, [("random", source.encode())], "bytecode") == []


def test_most_viper_cases_are_accepted() -> None:
    options = Settings(arch="x64")
    accepted = 0
    for _, source in CASES:
        accepted += compare.ours("1.29", source.encode(), "case.py", options).verdict is (
            Verdict.ACCEPTED
        )
    assert accepted > len(CASES) // 2
