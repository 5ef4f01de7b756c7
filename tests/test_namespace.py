"""Our packages must not get in the way of a user's own modules, nor theirs in ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

OURS = ("assembler", "emitters", "emulator", "loader")


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder whose modules carry the names of our packages."""
    for name in OURS:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('imported the wrong {name}')\n")
    (tmp_path / "main.py").write_text("print('hello')\n")
    return tmp_path


def test_mpy_cross_and_mpy_tool_beside_modules_of_these_names(folder: Path) -> None:
    done = run(["-m", "mpy_cross", "main.py"], folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "main.mpy").read_bytes()[:2] == b"M\x05"
    done = run(["-m", "mpy_cross.tool", "dump", "main.mpy"], folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "hello" in done.stdout


def test_a_users_modules_win(folder: Path) -> None:
    (folder / "loader.py").write_text("mine = True\n")
    done = run(["-c", "import mpy_cross, loader; print(loader.mine)"], folder)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_nothing_at_top_level_but_the_namespace(tmp_path: Path) -> None:
    for name in OURS:
        done = run(["-c", f"import {name}"], tmp_path)
        assert "ModuleNotFoundError" in done.stderr, f"{name} is importable at top level"
