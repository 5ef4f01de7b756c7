"""`mpy-tool size`: bytes of functions."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import mpy_cross
from mpy_cross.loader.reader import read
from mpy_cross.sizes import function_sizes
from mpy_cross.tool import main

SOURCE = """
@micropython.viper
def total(n: int) -> int:
    s = 0
    for i in range(n):
        s += i
    return s
@micropython.native
def double(x):
    return x + x
@micropython.asm_thumb
def nothing():
    nop()
def plain():
    pass
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["size", *arguments])
    return result.exit_code, result.output


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "some.py"
    path.write_text(SOURCE)
    return str(path)


@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_functions_of_a_file(release: str) -> None:
    mpy = read(mpy_cross.compile(SOURCE, release=release, arch="armv7m"))
    found = {one.name: one for one in function_sizes(mpy)}
    assert {name: one.kind for name, one in found.items()} == {
        "<module>": "bytecode", "total": "viper", "double": "native", "nothing": "asm",
        "plain": "bytecode"}
    assert [one.size for one in found.values()] == [
        len(mpy.root.code), *(len(child.code) for child in mpy.root.children)]


def test_a_file(tmp_path: Path) -> None:
    code = mpy_cross.compile(SOURCE, release="1.29", arch="armv7m")
    path = tmp_path / "some.mpy"
    path.write_bytes(code)
    status, output = run(str(path))
    lines = [line.split() for line in output.splitlines()]
    assert status == 0
    assert lines[0] == ["function", "kind", "bytes"]
    sizes = {line[0]: int(line[-1]) for line in lines[1:]}
    assert sum(size for name, size in sizes.items() if name != "all") == sizes["all"]
    assert sizes["total"] == len(read(code).root.children[0].code)


def test_a_source_at_several_levels(source: str) -> None:
    levels = ("--opt", "s", "--opt", "2")
    status, output = run("--release", "1.29", "--arch", "armv7m", *levels, source)
    lines = [line.split() for line in output.splitlines()]
    assert status == 0
    assert lines[0] == ["function", "kind", "opt=0", "opt=s", "opt=2"]
    assert [line[0] for line in lines[1:]] == ["total", "double", "all"]
    before, small, after = map(int, lines[1][2:5])
    assert after < before and small < before
    assert lines[1][5] == f"{100 * (after - before) / before:+.0f}"


def test_functions_that_the_reference_refuses(tmp_path: Path) -> None:
    """They have no size at level 0; those of all others are still the reference's."""
    path = tmp_path / "some.py"
    more = ("@micropython.viper\ndef ratio(a: uint, b: uint) -> uint:\n    return a // b\n"
            "@micropython.viper\ndef neither(a):\n    return None if a else ~a\n"
            "@micropython.viper\ndef spaced(a: uint, b: uint) -> uint:\n    return a % b\n")
    path.write_text(SOURCE)
    alone = run("--release", "1.17", "--arch", "armv7m", str(path))[1].splitlines()
    path.write_text(SOURCE + more)
    status, output = run("--release", "1.17", "--arch", "armv7m", str(path))
    lines = output.splitlines()
    assert status == 0
    assert lines[:3] == alone[:3]
    assert [line.split()[:3] for line in lines[3:]] == [
        ["ratio", "viper", "-"], ["neither", "viper", lines[4].split()[2]],
        ["spaced", "viper", "-"], ["all", "-", lines[6].split()[2]]]
    for wrong in (["--arch", "armv6"], ["--arch", "armv7m", "--opt", "0"]):
        status, output = run("--release", "1.17", *wrong, str(path))
        assert status == 1 and "ViperTypeError: return expected 'uint' but got 'int'" in output


def test_what_is_refused(source: str, tmp_path: Path) -> None:
    plain = tmp_path / "plain.py"
    plain.write_text("def f():\n    pass\n")
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f(:\n")
    broken = tmp_path / "broken.mpy"
    broken.write_bytes(b"M\x06\x00")
    for arguments, text in (
        (["--arch", "armv7m", str(plain)], "no function becomes machine code"),
        (["--arch", "armv9", source], "-march=armv9 not known"),
        (["--release", "1.1", source], "1.1"),
        (["--arch", "armv7m", str(wrong)], "SyntaxError"),
        ([str(broken)], "broken.mpy"),
        ([str(tmp_path / "none.mpy")], "No such file"),
    ):
        status, output = run(*arguments)
        assert status == 1 and text in output, arguments
        assert "Traceback" not in output
