"""Statements of MicroPython's manual about the compiler and its files, each with its number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross import cli
from mpy_cross.driver import compile_to_ops
from mpy_cross.loader.ops import BinaryOp, ModuleOps, Op, Verb
from mpy_cross.loader.release import RELEASES, get
from mpy_cross.options import CompileOptions
from mpy_cross.options_parser import check, parse


def module(source: str, release: str = "1.17", opt_level: int = 0) -> ModuleOps:
    options = CompileOptions(release=get(release), opt_level=opt_level)
    return compile_to_ops(source.encode(), "m.py", options)


def verbs(source: str, release: str = "1.17", opt_level: int = 0) -> list[Op]:
    """The operations of the module without line marks and the closing `return None`."""
    ops = module(source, release, opt_level).functions[0].ops
    found = [op for op in ops if op[0] not in (Verb.LINE, Verb.LABEL)]
    assert [op[0] for op in found[-2:]] == [Verb.LOAD_CONST_TOK, Verb.RETURN_VALUE]
    return found[:-2]


@pytest.mark.spec("A01")
def test_foo_py_becomes_foo_mpy(tmp_path: Path) -> None:
    (tmp_path / "foo.py").write_text("x = 1\n")
    command = [sys.executable, "-m", "mpy_cross", "foo.py"]
    assert subprocess.run(command, cwd=tmp_path).returncode == 0
    assert (tmp_path / "foo.mpy").read_bytes() == mpy_cross.compile("x = 1\n", "foo.py")


@pytest.mark.spec("A03")
@pytest.mark.parametrize("name", list(RELEASES))
def test_version_names_the_format_it_emits(name: str) -> None:
    version = mpy_cross.compile("", release=name)[1]
    assert f"emitting mpy v{version}" in cli.version_line(get(name))
    assert f"MicroPython v{name}" in cli.version_line(get(name))


@pytest.mark.spec("A04")
@pytest.mark.parametrize("name", ["1.17", "1.29"])
def test_architectures(name: str) -> None:
    listed = "x86 x64 armv6 armv6m armv7m armv7em armv7emsp armv7emdp xtensa xtensawin"
    for arch in listed.split():
        check(parse([f"-march={arch}", "x.py"]), get(name))


@pytest.mark.spec("A05", "A11")
def test_unicode_flag() -> None:
    assert mpy_cross.compile("")[2] & 0x02
    assert not mpy_cross.compile("", unicode=False)[2] & 0x02


@pytest.mark.spec("A12")
def test_map_lookup_flag() -> None:
    assert not mpy_cross.compile("")[2] & 0x01
    assert mpy_cross.compile("", cache_lookup_bc=True)[2] & 0x01


@pytest.mark.spec("A16")
@pytest.mark.parametrize(
    ("name", "version"), [("1.12", 5), ("1.17", 5), ("1.18", 5), ("1.19", 6), ("1.29", 6)]
)
def test_format_versions(name: str, version: int) -> None:
    assert mpy_cross.compile("", release=name)[1] == version


@pytest.mark.spec("A13", "A14", "A19", "A21")
def test_header() -> None:
    code = mpy_cross.compile("x = 1", small_int_bits=31)
    assert code[:5] == bytes([0x4D, 5, 0x02, 31, 32])
    assert code[:1] == b"M"
    assert mpy_cross.compile("x = 1", small_int_bits=63)[3] == 63


@pytest.mark.spec("B05")
@pytest.mark.parametrize("name", ["1.17", "1.29"])
def test_integer_constants_are_folded_and_parentheses_removed(name: str) -> None:
    folded = verbs("x = 1 + 2 * 3", name)
    assert folded[0] == (Verb.LOAD_CONST_SMALL_INT, 7, 0)
    assert verbs("x = ((7))", name) == folded
    assert mpy_cross.compile("x = ((a))", release=name) == mpy_cross.compile("x = a", release=name)


@pytest.mark.spec("B05", "B06")
@pytest.mark.parametrize("name", ["1.17", "1.29"])
def test_docstrings_are_dropped(name: str) -> None:
    for source in ('"""%s"""', 'def f():\n    """%s"""', 'class C:\n    """%s"""'):
        marked = mpy_cross.compile(source % "a docstring", release=name)
        assert b"a docstring" not in marked
    assert b"a docstring" in mpy_cross.compile('x = "a docstring"', release=name)


@pytest.mark.spec("B11")
def test_addition_and_global() -> None:
    assert [op[0] for op in verbs("a + b")] == [
        Verb.LOAD_NAME,
        Verb.LOAD_NAME,
        Verb.BINARY_OP,
        Verb.POP_TOP,
    ]
    assert verbs("a + b")[2][1] == BinaryOp.ADD
    with_global = module("def f():\n    global x\n    pass").functions[1].ops
    without = module("def f():\n    pass\n    pass").functions[1].ops
    assert [op for op in with_global if op[0] != Verb.LINE] == [
        op for op in without if op[0] != Verb.LINE
    ]


@pytest.mark.spec("B13")
@pytest.mark.parametrize("name", ["1.17", "1.29"])
def test_const(name: str) -> None:
    source = "from micropython import const\nA = const(5)\n_B = const(A + 1)\nf(A, _B)\n"
    ops = verbs(source, name)
    values = [op[1] for op in ops if op[0] == Verb.LOAD_CONST_SMALL_INT]
    # The import's level 0 (a small int), then A's store, then the two arguments; _B has no store.
    assert values[1:] == [5, 5, 6]
    stored = [op for op in ops if op[0] == Verb.STORE_NAME]
    assert len(stored) == 2  # const and A


@pytest.mark.spec("B14")
def test_assertions_go_at_level_1() -> None:
    assert verbs("assert a")
    assert verbs("assert a", opt_level=1) == []


@pytest.mark.spec("B15")
def test_debug() -> None:
    assert verbs("if __debug__: a") == verbs("a")
    assert verbs("if __debug__: a", opt_level=1) == []


@pytest.mark.spec("A06", "B16")
def test_line_numbers_go_at_level_3() -> None:
    source = "a\n\n\nb\n"
    sizes = [len(mpy_cross.compile(source, opt_level=level)) for level in range(4)]
    assert sizes[0] == sizes[1] == sizes[2] > sizes[3]


def test_numbers_of_modules_are_constants() -> None:
    constants = {b"stm": {b"GPIOA": 0x40020000, b"GPIO_ODR": 20}}
    folded = mpy_cross.compile("x = stm.GPIOA + stm.GPIO_ODR\n", constants=constants)
    assert folded == mpy_cross.compile(f"x = {0x40020014}\n")
    other = "x = stm.GPIOB, stm.GPIOA(), stm().GPIOA, other.GPIOA\n"
    assert mpy_cross.compile(other, constants=constants) == mpy_cross.compile(other)
