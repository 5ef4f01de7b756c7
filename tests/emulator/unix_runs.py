"""Programs on the real MicroPython (its unix port), as the judge of our run-time."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.oracle import unix_port
from tests.oracle.reference import Unavailable


def reference(program: str, folder: Path) -> str:
    """What a program prints, run in a folder; skips the test where there is no unix port."""
    try:
        command = unix_port.command()
    except Unavailable as error:
        pytest.skip(str(error))
    (folder / "program.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [*command, "program.py"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=60,
    )
    return done.stdout.decode("utf-8", "surrogateescape")
