"""The fixture `board` with stock firmware: a tiny image made here, and real ones if there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mpy_cross.emulator.firmware.dfuse import write_dfuse
from mpy_cross.emulator.testing_firmware import FirmwareUnderTest, RemoteProgramError, booted
from tests.emulator.stock_images import stock_image
from tests.emulator.test_plugin import check
from tests.emulator.test_snapshot import prompt_firmware

pytest_plugins = ["pytester"]

IMAGES = {
    "PYBV11": ("pyboard", "v1.17/PYBV11"),
    "PYBV11 at a UART": ("pyboard", "v1.28.0/PYBV11-UART"),
    "NUCLEO_F411RE": ("nucleo_f411re", "v1.28.0/NUCLEO_F411RE"),
    "PICO at a UART": ("pico", "v1.17/PICO-UART"),
    "RPI_PICO at a UART": ("pico", "v1.28.0/RPI_PICO-UART"),
    "PICO": ("pico", "v1.17/PICO"),
    "RPI_PICO": ("pico", "v1.28.0/RPI_PICO"),
}


def real(name: str) -> tuple[str, Path]:
    """Board and image; skips where there is none."""
    board, place = IMAGES[name]
    return board, stock_image(place)


def under_test(name: str) -> FirmwareUnderTest:
    board, path = real(name)
    return FirmwareUnderTest(booted(board, path), path.parent)


def test_marker(pytester: pytest.Pytester) -> None:
    """Each test finds the board as it was after its first start."""
    (pytester.path / "tiny.dfu").write_bytes(write_dfuse([prompt_firmware()]))
    check(pytester, """
        import pytest

        pytestmark = pytest.mark.board("pyboard", firmware="tiny.dfu")

        @pytest.mark.parametrize("time", range(3))
        def test_keys(board, time):
            assert board.console == ">>> " and board.ms < 250
            board.repl.type("a")
            assert board.console.expect("a1>>> ")  == ">>> "
            board.repl.type(b"b")
            board.advance(ms=5)
            assert board.uart("USART1").sent.endswith(b"b2>>> ")

        @pytest.mark.board("pyboard", firmware="tiny.dfu", console="USART1")
        def test_console(board):
            assert board.console == ">>> "
    """).assert_outcomes(passed=4)


def test_mistakes(pytester: pytest.Pytester) -> None:
    (pytester.path / "bad.bin").write_bytes(b"no firmware")
    (pytester.path / "tiny.dfu").write_bytes(write_dfuse([prompt_firmware()]))
    result = check(pytester, """
        import pytest

        @pytest.mark.board("pyboard", firmware="none.dfu")
        def test_none(board): pass

        @pytest.mark.board("pyboard", firmware="bad.bin")
        def test_bad(board): pass

        @pytest.mark.board("pyboard", firmware="tiny.dfu", release="1.17")
        def test_release(board): pass
    """)
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*marker board: *No such file*none.dfu*",
                                 "*marker board: *bad.bin: *",
                                 "*marker board: 'release' has no effect with firmware=*"])


@pytest.mark.parametrize("name", IMAGES)
def test_programs(name: str, tmp_path: Path) -> None:
    board = under_test(name)
    assert board.eval("[1, 2.5, 'x', {3: None}]") == [1, 2.5, "x", {3: None}]
    assert board.exec("def f(n):\n    return n * 2\nprint(f(21))") == "42\n"
    assert board.eval("f(2 ** 70)") == 2**71
    with pytest.raises(RemoteProgramError, match=r"(?s)line 1, in .*divide by zero") as info:
        board.exec("print('so far'); 1 / 0")
    assert info.value.output == "so far\n"
    path = tmp_path / "app.py"
    path.write_text("import os\nprint(sorted(os.listdir()))\n")
    assert board.run(path).startswith("[")
    began = board.ms
    board.exec("import time\ntime.sleep(2)")
    assert 2000 <= board.ms - began < 2200


@pytest.mark.parametrize("name", IMAGES)
def test_tests_are_apart(name: str) -> None:
    """Names and files of one test are not there in the next; a test begins soon."""
    board = under_test(name)
    board.exec("left = 1\nwith open('left.txt', 'w') as f:\n    f.write('x')")
    state = board.now
    board = under_test(name)
    assert board.now < state
    assert board.eval("'left' in globals()") is False
    assert board.exec("import os\nprint('left.txt' in os.listdir())") == "False\n"


@pytest.mark.parametrize("name", IMAGES)
def test_reset(name: str) -> None:
    board = under_test(name)
    board.exec("left = 1\nwith open('kept.txt', 'w') as f:\n    f.write('x')")
    board.reset()
    assert board.eval("'left' in globals()") is False
    assert board.exec("print(open('kept.txt').read())") == "x\n"


@pytest.mark.parametrize("name", IMAGES)
def test_same_twice(name: str) -> None:
    """Console, clock and number of instructions."""
    def once() -> tuple[str, int, int]:
        board = under_test(name)
        board.exec("x = [i * i for i in range(1000)]\nprint(sum(x))")
        board.advance(ms=3)
        return board.printed, board.now, board.session.stock.core.cycles

    assert once() == once()


def emu(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mpy_cross.emulator.cli", *arguments],
                          capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", IMAGES)
def test_command_line(name: str, tmp_path: Path) -> None:
    """The image tells which board it is for."""
    _, path = real(name)
    program = tmp_path / "app.py"
    program.write_text("import time\nprint('a')\ntime.sleep(1)\nprint('b')\n1 / 0\n")
    done = emu("run", "--firmware", str(path), str(program))
    assert done.stdout.splitlines() == [
        "a", "b", "Traceback (most recent call last):", '  File "<stdin>", line 5, in <module>',
        "ZeroDivisionError: divide by zero"]
    assert (done.returncode, done.stderr) == (1, "")
    done = emu("run", "--firmware", str(path), "--max-time", "300ms", "-c",
               "print(1)\nwhile True:\n    pass")
    assert (done.returncode, done.stdout) == (124, "1\n")
    assert done.stderr == "mpy-emu: stopped: 300 ms of virtual time are over\n"


def test_command_line_mistakes(tmp_path: Path) -> None:
    image = tmp_path / "tiny.dfu"
    image.write_bytes(write_dfuse([prompt_firmware()]))
    for arguments, message in (
        (("-c", "1"), "does not tell for which board it is; say --board"),
        (("--seed", "1", "-c", "1"), "--seed has no effect with --firmware"),
        (("--board", "pyboard", "x.mpy"), "--firmware runs .py files"),
        (("--board", "pyboard", "none.py"), "none.py: No such file"),
        (("--board", "pyboard", "--console", "USART9", "-c", "1"), "has no UART 'USART9'"),
        (("--board", "nano", "-c", "1"), "nano"),
    ):
        done = emu("run", "--firmware", str(image), *arguments)
        assert message in done.stderr and done.returncode == 2, done
    # It has a prompt, but no raw mode.
    done = emu("run", "--firmware", str(image), "--board", "pyboard", "-c", "1")
    assert "no b'raw REPL; CTRL-B to exit" in done.stderr and done.returncode == 125
