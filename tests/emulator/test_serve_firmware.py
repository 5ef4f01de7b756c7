"""The real mpremote at boards with stock firmware, over their USB consoles and UARTs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.served import Served, serve
from tests.emulator.test_firmware_board import real

pytest.importorskip("mpremote", reason="mpremote is not installed")
NAMES = ["PYBV11", "PYBV11 at a UART", "NUCLEO_F411RE", "PICO", "PICO at a UART", "RPI_PICO"]
"""Not RPI_PICO at a UART: in release 1.28 its `poll` does not see what a UART has received, so
mounting a folder takes seconds for each call, on a real board too."""


@pytest.fixture(scope="module", params=NAMES)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    board, path = real(request.param)
    with serve("--board", board, "--firmware", str(path), "--tcp", "0") as found:
        yield found


def test_session(served: Served, tmp_path: Path) -> None:
    """What a day with a board is made of."""
    assert served.told("eval", "2 ** 70") == f"{2**70}\n"
    assert served.told("exec", "for i in range(3):\n  print(i)") == "0\n1\n2\n"
    done = served.mpremote("exec", "raise ValueError('wrong')")
    assert done.returncode == 1 and "ValueError: wrong" in done.stdout + done.stderr
    (tmp_path / "script.py").write_text("import sys\nprint(sys.implementation[0])\n")
    assert served.told("run", "script.py", folder=tmp_path) == "micropython\n"
    text = "first line\n" + "x" * 700 + "\n"
    (tmp_path / "t.txt").write_text(text)
    served.told("fs", "mkdir", ":d")
    served.told("fs", "cp", "t.txt", ":d/t.txt", folder=tmp_path)
    assert served.told("fs", "cat", ":d/t.txt") == text
    assert "t.txt" in served.told("fs", "ls", ":d")
    served.told("cp", ":d/t.txt", "back.txt", folder=tmp_path)
    assert (tmp_path / "back.txt").read_text() == text


def test_mount(served: Served, tmp_path: Path) -> None:
    (tmp_path / "hosted.py").write_text("print('from', __name__)\n")
    told = served.told("mount", str(tmp_path), "exec", "import hosted")
    assert told.endswith("from hosted\n")


def test_reset(served: Served) -> None:
    """Files stay, names do not; a USB console is cut off, as on a board."""
    served.told("exec", "kept = 1\nwith open('kept.txt', 'w') as f:\n    f.write('x')")
    served.told("reset")
    assert served.told("exec", "print('kept' in globals(), open('kept.txt').read())") == "False x\n"
    served.told("rm", ":kept.txt")
