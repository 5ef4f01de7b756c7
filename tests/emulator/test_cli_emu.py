"""The command `mpy-emu`, run as users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross.emulator.session import parse_size, parse_time

COMMAND = [sys.executable, "-m", "mpy_cross.emulator.cli"]
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("MPY_RELEASE", "PYTHONDONTWRITEBYTECODE")
}


def emu(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120,
        env=ENVIRONMENT,
    )


def run(source: str, *options: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    (cwd / "app.py").write_text(source)
    return emu("run", *options, "app.py", cwd=cwd)


@pytest.mark.parametrize("board", ["pyboard", "pico"])
def test_a_program(board: str, tmp_path: Path) -> None:
    done = run("print(1 / 3)", "--board", board, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0.3333333\n", "")


@pytest.mark.parametrize(("source", "status"), [
    ("raise SystemExit", 0), ("raise SystemExit(3)", 3), ("raise SystemExit('no')", 1),
    ("raise SystemExit(None)", 0), ("raise SystemExit(-1)", 255),
])
def test_status_is_the_programs(source: str, status: int, tmp_path: Path) -> None:
    done = run(source, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_traceback_on_the_console(tmp_path: Path) -> None:
    done = run("def f():\n    return 1 // 0\nprint(1)\nf()\n", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == (
        '1\nTraceback (most recent call last):\n  File "app.py", line 4, in <module>\n'
        '  File "app.py", line 2, in f\nZeroDivisionError: divide by zero\n'
    )
    assert done.stderr == ""


def test_rejected_source(tmp_path: Path) -> None:
    done = run("x = 1\nprint x\n", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == (
        'Traceback (most recent call last):\n  File "app.py", line 2\n'
        "SyntaxError: invalid syntax\n"
    )
    assert "print is a function" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("release", ["1.17", "1.29"])
def test_mpy_file(release: str, tmp_path: Path) -> None:
    code = mpy_cross.compile("print('from', __name__)", "a.py", release=release)
    (tmp_path / "a.mpy").write_bytes(code)
    done = emu("run", "--release", release, "a.mpy", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "from __main__\n")


def test_broken_mpy_file(tmp_path: Path) -> None:
    (tmp_path / "a.mpy").write_bytes(b"M\x06\x00\x1f\x01")
    done = emu("run", "a.mpy", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("mpy-emu: a.mpy: ")
    assert "Traceback" not in done.stderr


def test_folder(tmp_path: Path) -> None:
    (tmp_path / "boot.py").write_text("print('boot')")
    (tmp_path / "main.py").write_text("print('main')")
    done = emu("run", ".", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "boot\nmain\n")


def test_folder_without_main(tmp_path: Path) -> None:
    done = emu("run", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "mpy-emu: .: has neither main.py nor boot.py\n"


@pytest.mark.parametrize(("arguments", "message"), [
    (["run", "nothing.py"], "nothing.py: No such file or directory"),
    (["run", "--board", "pica", "app.py"], "no board 'pica'; there are pico, pyboard"),
    (["run", "--release", "2.0", "app.py"], "unknown MicroPython release '2.0'"),
    (["run", "--arch", "z80", "app.py"], "no architecture 'z80'; there are "),
    (["run", "--max-time", "soon", "app.py"], "'soon' is no time; write for example 10s"),
    (["run", "--heapsize", "big", "app.py"], "'big' is no size; write for example 65536"),
    (["run", "--heapsize", "1M", "app.py"], "a heap of 1048576 bytes does not fit: pyboard has"),
    (["run", "--trace", "xml", "t", "app.py"], "the form is vcd or json, not 'xml'"),
    (["info", "pica"], "no board 'pica'; there are pico, pyboard"),
])
def test_wrong_usage(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print(1)")
    done = emu(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_end_of_time(tmp_path: Path) -> None:
    done = run("while True: pass", "--max-time", "250ms", cwd=tmp_path)
    assert done.returncode == 124
    assert done.stderr == "mpy-emu: stopped: 250 ms of virtual time are over\n"


def test_end_of_time_cannot_be_caught(tmp_path: Path) -> None:
    source = "try:\n    while True: pass\nexcept BaseException:\n    print('no')\n"
    done = run(source, "--max-time", "10ms", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (124, "")


def press(source: str, tmp_path: Path, *options: str) -> tuple[int, str]:
    (tmp_path / "app.py").write_text(source)
    program = subprocess.Popen(
        [*COMMAND, "run", *options, "app.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
    )
    assert program.stdout is not None
    time.sleep(3)
    program.send_signal(signal.SIGINT)
    try:
        output, _ = program.communicate(timeout=60)
    finally:
        program.kill()
    return program.returncode, output


def test_control_c(tmp_path: Path) -> None:
    status, output = press("while True: pass", tmp_path)
    assert status == 130
    assert output.endswith("KeyboardInterrupt: \n")


def test_control_c_that_the_program_catches(tmp_path: Path) -> None:
    source = "try:\n    while True: pass\nexcept KeyboardInterrupt:\n    print('bye')\n"
    assert press(source, tmp_path) == (0, "bye\n")


def test_control_c_without_loops(tmp_path: Path) -> None:
    source = "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n"
    status, output = press(source + "f(60)\n", tmp_path)
    assert status == 130
    assert output.endswith("KeyboardInterrupt: \n")


def test_trace(tmp_path: Path) -> None:
    for form in ("vcd", "json"):
        done = run("print(1)", "--trace", form, f"out.{form}", cwd=tmp_path)
        assert done.returncode == 0
    assert (tmp_path / "out.vcd").read_text().startswith("$timescale 1 ns $end\n")
    for line in (tmp_path / "out.json").read_text().splitlines():
        assert set(json.loads(line)) == {"time", "kind", "name", "value"}


def test_realtime(tmp_path: Path) -> None:
    start = time.monotonic()
    done = run("while True: pass", "--realtime", "--max-time", "1s", cwd=tmp_path)
    assert done.returncode == 124
    assert time.monotonic() - start > 1


def test_two_runs_are_the_same(tmp_path: Path) -> None:
    source = (
        "n = 0\nl = []\ntry:\n    while True:\n        n += 1\n        l.append([n] * 50)\n"
        "except MemoryError as e:\n    l = None\n    print(n, e)\nwhile True: pass\n"
    )
    first, second = (
        run(source, "--max-time", "1s", "--trace", "json", f"{n}.json", cwd=tmp_path)
        for n in "ab"
    )
    assert first.stdout == second.stdout != ""
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_dump(tmp_path: Path) -> None:
    source = "def f(a):\n    def g():\n        return a\n    return g\n"
    done = run(source, "--dump", "python", cwd=tmp_path)
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("# ")][:3] == [
        "# <module>", "# f", "# f.g",
    ]
    assert "def factory\u00b7" in done.stdout


def test_boards(tmp_path: Path) -> None:
    done = emu("boards", cwd=tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["pico", "pyboard"]
    done = emu("info", "pico", cwd=tmp_path)
    assert "Raspberry Pi Pico with RP2040" in done.stdout
    assert "GP25" in done.stdout


def test_help_has_examples(tmp_path: Path) -> None:
    done = emu("--help", cwd=tmp_path)
    assert "mpy-emu run --board pico --release 1.17 main.py" in done.stdout
    done = emu("run", "--help", cwd=tmp_path)
    assert "124  --max-time is over" in done.stdout


def test_no_unicorn_needed(tmp_path: Path) -> None:
    (tmp_path / "unicorn.py").write_text("raise ImportError('not installed')\n")
    (tmp_path / "app.py").write_text("print('runs')")
    done = subprocess.run(
        [*COMMAND, "run", "app.py"], cwd=tmp_path, capture_output=True, text=True,
        env={**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}, timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "runs\n")


def test_times_and_sizes() -> None:
    assert parse_time("10s") == 10 * 10**9
    assert parse_time("1.5ms") == 1_500_000
    assert parse_time("3") == 3 * 10**9
    assert parse_size("100k") == 102400
    assert parse_size("2M") == 2 << 20
    for bad in ("", "s", "-1s", "1 day"):
        with pytest.raises(ValueError, match="is no time"):
            parse_time(bad)
