"""-X opt, -X opt-only, --dump=ssa and regalloc, the notes of -v, and the API's arguments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

import mpy_cross
from mpy_cross.cli import main
from mpy_cross.emitters.ssa.backends import BACK_ENDS
from mpy_cross.emitters.ssa.machine import SLOT
from mpy_cross.emitters.ssa.regalloc import sequence
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import get

SOURCE: Final = """
@micropython.viper
def first(n: int) -> int:
    s = 0
    for i in range(n):
        s += i * i
    return s
@micropython.viper
def second(n: int) -> int:
    return n * 5 + 1
@micropython.viper
def third(a):
""" + "    a\n" * 3400


def sizes(**options: object) -> list[int]:
    code = mpy_cross.compile(SOURCE, "a.py", release="1.17", arch="armv7m",
                             **options)  # type: ignore[arg-type]
    return [len(child.code) for child in read(code, get("1.17")).root.children]


def test_levels() -> None:
    baseline, some, all_, short = (sizes(opt=level) for level in ("0", "1", "2", "s"))
    assert all_ == sizes()
    assert all_[0] < baseline[0]
    assert all_[1] < baseline[1]
    assert some[0] < baseline[0]
    assert all(ours <= theirs for ours, theirs in zip(short, baseline, strict=True))


def test_only_some_functions() -> None:
    baseline, every = sizes(opt="0"), sizes(opt="2")
    assert sizes(opt="2", opt_only=["second"]) == [baseline[0], every[1], baseline[2]]
    assert sizes(opt_only=["second"]) == [baseline[0], every[1], baseline[2]]
    assert sizes(opt="2", opt_only=["nothing"]) == baseline
    assert sizes(opt="0", opt_only=["first"]) == baseline


def test_unknown_level() -> None:
    with pytest.raises(ValueError, match="opt=3 is none of 0, 1, 2, s"):
        mpy_cross.compile("", opt="3")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_text(SOURCE)
    return path


def test_command_line(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--release", "1.17", "-march=armv7m", "-s", "a.py"]
    assert main([*options, "-X", "opt=2", "-X", "opt-only=first,second", str(file)]) == 0
    wanted = mpy_cross.compile(SOURCE, "a.py", release="1.17", arch="armv7m", opt="2",
                               opt_only=["first", "second"])
    assert file.with_suffix(".mpy").read_bytes() == wanted
    assert main([*options, "-v", "-X", "opt=2", str(file)]) == 0
    assert re.search(r"third: not optimised: \d+ operations", capfd.readouterr().err)
    for wrong in ("opt=4", "opt-only=a b", "opt-only="):
        assert main([*options, "-X", wrong, str(file)]) == 1
        assert wrong in capfd.readouterr().err


def test_dumps(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-march=armv7m", "--dump=ssa,regalloc", str(file)]) == 0
    out = capfd.readouterr().out
    assert "function first\nb0:\n  v0 = livein.obj #0\n" in out
    assert "  r0 = call v" in out
    assert "; third: not optimised: 1" in out


@pytest.mark.parametrize("arch", BACK_ENDS)
def test_dumps_of_every_back_end(arch: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
                                 ) -> None:
    path = tmp_path / "a.py"
    path.write_text("@micropython.viper\ndef typed(a: int) -> int:\n    return a\n"
                    "@micropython.native\ndef plain(a):\n    return a + 1\n")
    options = [f"-march={arch}", "-X", "opt=2"]
    texts = {}
    for stage in ("ssa", "regalloc", "asm"):
        assert main([*options, f"--dump={stage}", str(path)]) == 0
        texts[stage] = capfd.readouterr().out
    assert re.findall(r"^function (\w+)", texts["ssa"], re.M) == ["typed", "plain"]
    assert re.findall(r"^function (\w+): frame", texts["regalloc"], re.M) == ["typed", "plain"]
    # Numbers are converted by entry 3 of the table, sums made by binary_op.
    returns = {"armv6m": "pop", "xtensa": "ret.n", "xtensawin": "retw.n"}.get(arch, "pop")
    assert len(re.findall(rf" {returns}\b", texts["asm"])) >= 2
    assert "mp_fun_table[3]: convert_obj_to_native" in texts["asm"]
    assert ": binary_op" in texts["asm"]


@pytest.mark.parametrize(
    ("dests", "srcs"),
    [([1], [2]), ([1, 2], [2, 1]), ([1, 2, 3], [2, 3, 1]), ([1, 2, 3], [1, 1, 2]),
     ([4, 1, 2, 3], [1, 2, 1, 3]), ([5, 6, 7, 8], [6, 5, 8, 7]),
     ([SLOT, 3, SLOT + 1], [SLOT + 1, SLOT, 3]), ([1, 2, 3, 4], [4, 4, 4, 4])],
)
def test_parallel_copies(dests: list[int], srcs: list[int]) -> None:
    values = {place: f"what was in {place}" for place in {*dests, *srcs}}
    wanted = values | {d: values[s] for d, s in zip(dests, srcs, strict=True)}
    for to, come in sequence(dests, srcs, 12):
        values[to] = values[come]
    values.pop(12, None)
    assert values == wanted
