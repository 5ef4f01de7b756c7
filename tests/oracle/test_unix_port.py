"""The real MicroPython runs our .mpy files as it runs their source."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import mpy_cross
from tests.oracle import unix_port
from tests.oracle.reference import Unavailable

PROGRAMS = sorted((Path(__file__).resolve().parent.parent / "programs").glob("*.py"))


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 50


NATIVE_PROGRAMS = sorted((Path(__file__).resolve().parents[1] / "native" / "programs").glob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_same_output_from_source_and_from_our_file(path: Path, tmp_path: Path) -> None:
    same_output(path, tmp_path, {})


# Programs on which the port fails when it compiles them to machine code itself: a bare raise, or
# exceptions that cross the finally blocks of loops and coroutines.
BEYOND_NATIVE = frozenset(
    {"async_await", "exceptions", "finally_loops", "try_in_loops", "yield_expressions"}
)
AS_NATIVE = [path for path in PROGRAMS if path.stem not in BEYOND_NATIVE] + NATIVE_PROGRAMS


def test_there_are_programs_for_machine_code() -> None:
    assert len(AS_NATIVE) >= 60


@pytest.mark.spec("B18")
@pytest.mark.parametrize("path", AS_NATIVE, ids=lambda path: path.stem)
def test_same_output_from_machine_code(path: Path, tmp_path: Path) -> None:
    same_output(path, tmp_path, {"arch": "x64", "emit": "native"})


@pytest.mark.spec("B25", "B26", "B31", "B32", "B33")
@pytest.mark.parametrize("path", NATIVE_PROGRAMS, ids=lambda path: path.stem)
def test_same_output_from_viper_functions(path: Path, tmp_path: Path) -> None:
    same_output(path, tmp_path, {"arch": "x64"})


def same_output(path: Path, folder: Path, options: dict[str, str]) -> None:
    """Import the source and our file of it in two fresh runs; the outputs must be equal.

    The port compiles the source to the same kind of code, since machine code differs from bytecode
    in some results (such as that of a return in a finally of a generator).
    """
    try:
        unix_port.folder()
    except Unavailable as reason:
        pytest.skip(str(reason))
    from_source = folder / "source"
    from_mpy = folder / "mpy"
    from_source.mkdir()
    from_mpy.mkdir()
    shutil.copy(path, from_source)
    code = mpy_cross.compile(
        path.read_bytes(),
        path.name,
        release=unix_port.RELEASE,
        arch=options.get("arch", ""),
        emit=options.get("emit", "bytecode"),
    )
    (from_mpy / f"{path.stem}.mpy").write_bytes(code)
    expected = unix_port.import_module(path.stem, from_source, options.get("emit", "bytecode"))
    assert expected[0] == 0, expected[1]
    assert expected[1].strip(), "the program prints nothing"
    assert unix_port.import_module(path.stem, from_mpy) == expected
