"""Optimised code on stock firmware: unmodified images load it, and the results are right."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

import mpy_cross
from bench.codegen_cases import CASES, NATIVE
from bench.codegen_gcc import KERNELS
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from tests.emulator.test_stock_native import image
from tests.reference.stock_native import NativeBoard
from tests.ssa import test_called, test_direct, test_viper_features
from tests.ssa.programs import Player
from tests.ssa.test_items import GENERATORS, ITEMS

IMAGES = {"PYBV11 1.17": "armv7emsp", "PYBV11 1.28": "armv7emsp", "RPI_PICO 1.28": "armv6m"}
"""The architecture that each board's firmware loads."""
LEVELS = ("1", "2", "s") if "MPY_STOCK_ALL" in os.environ else ("2",)


def kernels() -> str:
    """All kernels but those with floats (`test_floats`), in one module."""
    paths = sorted(path for path in KERNELS.glob("*/*.py") if path.parent.name != "floats")
    assert len(paths) == len(CASES) + len(NATIVE)
    return "".join(path.read_text() for path in paths)


def calls() -> tuple[str, str]:
    """A program that calls all kernels, and what it has to print."""
    lines, wanted = ["from k import *\n"], []
    for name, case in CASES.items():
        args = case.make()
        result, buffers = case.check(args)
        shown = "".join(f", bytes(a[{n}])" for n in buffers)
        given = ", ".join(f"bytearray({bytes(a)!r})" if isinstance(a, bytearray) else repr(a)
                          for a in args)
        lines.append(f"a = [{given}]\nprint({name!r}, {name}(*a){shown})\n")
        wanted.append(" ".join([name, repr(result), *map(repr, buffers.values())]))
    for name, native in NATIVE.items():
        lines.append(f"{native.setup}print({name!r}, {name}({native.arguments}), "
                     f"{native.after[0]})\n")
        wanted.append(f"{name} {native.result!r} {native.after[1]!r}")
    return "".join(lines), "\n".join(wanted) + "\n"


@pytest.mark.parametrize("name", IMAGES)
def test_kernels_on_stock_firmware(name: str) -> None:
    board, path, release = image(name)
    machine = NativeBoard(board, path, release)
    program, wanted = calls()
    app = mpy_cross.compile(program, "app.py", release=release)
    for level in LEVELS:
        code = mpy_cross.compile(kernels(), "k.py", release=release, arch=IMAGES[name], opt=level)
        found = machine.imported({"k.mpy": code, "app.mpy": app}, "app")
        assert found.replace("\r", "").splitlines() == wanted.splitlines(), level


# ----------------------------------------------------------------- what viper takes with `-X opt`


def on_the_run_time(source: str) -> str:
    """What our run-time prints, without any of the optimised code."""
    player = Player("1.29", "armv7m")
    return player.output(player.compiled(source, Emit.BYTECODE, Optimise(directives=False)))


def checked() -> tuple[str, str]:
    """Indices that are checked, limits that go with pointers."""
    limits = test_viper_features.LIMITS
    joins = [str(test_viper_features._joins(n)) for n in range(8)]
    found = test_viper_features.wanted_of_checked()
    return test_viper_features.CHECKED + limits, "\n".join((found, *joins, "1 5 9 1", "outside"))


def features() -> dict[str, tuple[str, str]]:
    """Programs, and what they print."""
    six = test_direct.six_of_five()
    direct = test_direct.marked
    return {
        "closures and arguments": (
            test_called.PROGRAM, on_the_run_time(test_called.as_python(test_called.PROGRAM))),
        "with": (test_called.WITH, on_the_run_time(test_called.as_python(test_called.WITH))),
        "inlined": (test_viper_features.INLINED_PROGRAM,
                    on_the_run_time(test_viper_features.plain_of_inlined())),
        "checks": checked(),
        "recursive": (direct(test_direct.RECURSIVE), test_direct.RECURSIVE_PRINTS),
        "many arguments": (direct(test_direct.MANY),
                           test_direct.MANY_PRINTS.replace("{six}", str(six))),
        "objects": (direct(test_direct.COLLECTED), test_direct.COLLECTED_PRINTS),
        "as native": (direct(test_direct.CLOSURES), test_direct.CLOSURES_PRINTS),
        "exceptions": (direct(test_direct.EXCEPTIONS), test_direct.EXCEPTIONS_PRINTS),
    }


@pytest.mark.parametrize("name", IMAGES)
def test_features_of_viper_on_stock_firmware(name: str) -> None:
    board, path, release = image(name)
    machine = NativeBoard(board, path, release)
    for what, (source, wanted) in features().items():
        for level in LEVELS:
            code = mpy_cross.compile(source, "app.py", release=release, arch=IMAGES[name],
                                     opt=level, viper_checks=what == "checks")
            found = machine.imported({"app.mpy": code}, "app")
            assert found.replace("\r", "").splitlines() == wanted.splitlines(), (what, level)


@pytest.mark.parametrize("source", [ITEMS, GENERATORS], ids=["items", "generators"])
@pytest.mark.parametrize("name", IMAGES)
def test_items_and_generators_on_stock_firmware(name: str, source: str) -> None:
    board, path, release = image(name)
    machine = NativeBoard(board, path, release)
    plain = mpy_cross.compile(source.replace("@micropython.native", ""), "k.py", release=release)
    wanted = machine.imported({"k.mpy": plain}, "k")
    assert wanted.count("\n") > 60
    for level in LEVELS:
        code = mpy_cross.compile(source, "k.py", release=release, arch=IMAGES[name], opt=level)
        found = machine.imported({"k.mpy": code}, "k")
        assert found == wanted, level
