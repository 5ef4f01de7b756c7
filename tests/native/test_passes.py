"""One pass where a forecast proves right, three where not: the same machine code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross.emitters.native import baseline
from mpy_cross.emitters.native.state import NativeState
from mpy_cross.loader.release import get
from tests.oracle import corpus, reference
from tests.oracle.reference import Unavailable

TARGETS = [
    ("1.12", "armv6"),
    ("1.17", "armv7m"),
    ("1.17", "xtensa"),
    ("1.17", "xtensawin"),
    ("1.17", "x64"),
    ("1.19", "armv6m"),
    ("1.22", "x86"),
    ("1.24", "rv32imc"),
    ("1.29", "armv6"),
    ("1.29", "armv6m"),
    ("1.29", "xtensa"),
    ("1.29", "rv32imc"),
]


def code(source: bytes, release: str, arch: str, emit: str) -> bytes | str:
    """The file, or what is wrong with the source."""
    try:
        return mpy_cross.compile(source, "t.py", release=release, arch=arch, emit=emit, opt="0")
    except mpy_cross.CompileError as error:
        return f"{error.kind}: {error.message}, line {error.line}"


@pytest.mark.parametrize(("release", "arch"), TARGETS)
@pytest.mark.parametrize("emit", ["native", "viper"])
def test_a_single_pass_gives_the_code_of_three(
    release: str, arch: str, emit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [item.path.read_bytes() for item in corpus.spread(12)]
    at_once = [code(source, release, arch, emit) for source in sources]
    assert any(isinstance(answer, bytes) for answer in at_once) or emit == "viper"
    monkeypatch.setattr(baseline, "_emit_at_once", lambda *arguments: None)
    assert [code(source, release, arch, emit) for source in sources] == at_once


@pytest.mark.parametrize(("release", "arch"), [("1.17", "armv7m"), ("1.29", "xtensawin")])
def test_a_single_pass_is_the_rule(
    release: str, arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = baseline._walk
    walked: list[int] = []

    def counted(s: NativeState, computing_sizes: bool, source_file: int) -> None:
        walked.append(id(s.function))
        walk(s, computing_sizes, source_file)

    monkeypatch.setattr(baseline, "_walk", counted)
    n_functions = 0
    for item in corpus.spread(12):
        walked.clear()
        code(item.path.read_bytes(), release, arch, "native")
        n_functions += len(set(walked))
        assert len(walked) <= 1.25 * len(set(walked)) + 2, item.name
    assert n_functions > 50


FAR = "def f(x):\n while x:\n" + "  x.a(x, 1)\n" * 400


@pytest.mark.parametrize("arch", ["xtensa", "xtensawin"])
def test_branches_out_of_reach_are_reported_as_by_the_reference(tmp_path: Path, arch: str) -> None:
    assert not get("1.17").xtensa_long_branches
    (tmp_path / "far.py").write_text(FAR)
    try:
        binary = str(reference.binary("1.17"))
    except Unavailable as error:
        pytest.skip(str(error))
    options = [f"-march={arch}", "-X", "emit=native"]
    theirs = subprocess.run(
        [binary, *options, "-o", "theirs.mpy", "far.py"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = subprocess.run(
        [sys.executable, "-m", "mpy_cross", "--release", "1.17", *options, "-X", "opt=0", "far.py"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "out of range" in theirs.stdout
    assert ours.stderr == theirs.stdout
    assert (tmp_path / "far.mpy").read_bytes() == (tmp_path / "theirs.mpy").read_bytes()
