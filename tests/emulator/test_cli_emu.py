"""The command `mpy-emu`, run as users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

import mpy_cross
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import Session, parse_size, parse_time
from mpy_cross.loader.release import get

COMMAND = [sys.executable, "-m", "mpy_cross.emulator.cli"]
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("MPY_RELEASE", "PYTHONDONTWRITEBYTECODE")
}


def emu(*arguments: str, cwd: Path, stdin: str = "",
        **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120,
        env={**ENVIRONMENT, **environment}, input=stdin,
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
    (["run", "--board", "pica", "app.py"], "no board 'pica'; there are "),
    (["run", "--release", "2.0", "app.py"], "unknown MicroPython release '2.0'"),
    (["run", "--arch", "z80", "app.py"], "no architecture 'z80'; there are "),
    (["run", "--max-time", "soon", "app.py"], "'soon' is no time; write for example 10s"),
    (["run", "--heapsize", "big", "app.py"], "'big' is no size; write for example 65536"),
    (["run", "--heapsize", "1M", "app.py"], "a heap of 1048576 bytes does not fit: pyboard has"),
    (["run", "--trace", "xml", "t", "app.py"], "the form is vcd or json, not 'xml'"),
    (["info", "pica"], "no board 'pica'; there are "),
    (["run"], "say what to run: FILE, DIR, -, -c COMMAND or -m MODULE"),
    (["run", "-c", "1", "-m", "a"], "-c and -m exclude each other"),
    (["run", "-c", "1", "--dump", "python"], "--dump takes a file"),
    (["run", "--input", "none.txt", "app.py"], "none.txt: No such file or directory"),
    (["run", "--files", "none", "app.py"], "none: no such folder"),
    (["run", "app.py", "-x"], "No such option"),
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


def press(source: str, tmp_path: Path, times: int = 1) -> tuple[int, str]:
    (tmp_path / "app.py").write_text(source)
    program = subprocess.Popen(
        [*COMMAND, "run", "app.py"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
    )
    assert program.stdout is not None
    for _ in range(times):
        time.sleep(3)
        program.send_signal(signal.SIGINT)
    # Its standard input stays open until it has ended: it must not see the end of that first.
    limit = threading.Timer(60, program.kill)
    limit.start()
    output = program.stdout.read()
    limit.cancel()
    program.communicate()
    return program.returncode, output


def test_control_c(tmp_path: Path) -> None:
    status, output = press("while True: pass", tmp_path)
    assert status == 130
    assert output.endswith("KeyboardInterrupt: \n")


def test_control_c_that_the_program_catches(tmp_path: Path) -> None:
    source = "try:\n    while True: pass\nexcept KeyboardInterrupt:\n    print('bye')\n"
    assert press(source, tmp_path) == (0, "bye\n")


def test_control_c_twice(tmp_path: Path) -> None:
    """The second one ends a program that does not take the first."""
    source = "import micropython\nmicropython.kbd_intr(-1)\nprint('x')\nwhile True: pass\n"
    assert press(source, tmp_path, 2) == (130, "x\n")


def test_control_c_while_waiting_for_input(tmp_path: Path) -> None:
    source = "try:\n    input('? ')\nexcept KeyboardInterrupt:\n    print('bye')\n"
    assert press(source, tmp_path) == (0, "? bye\n")


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    """Standard error shows the time while the program runs, and is empty at the end."""
    pty = pytest.importorskip("pty", reason="this host has no pseudo-terminals")
    terminal, other = pty.openpty()
    program = subprocess.Popen(
        [*COMMAND, "run", "--max-time", "20s", "-c", "while True: pass"], cwd=tmp_path,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=other, env=ENVIRONMENT,
    )
    output, _ = program.communicate(timeout=120)
    os.close(other)
    shown = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert (program.returncode, output) == (124, b"")
    first, *between, blank, message = shown.split("\r")[:-1]
    assert first == ""
    assert between
    assert all(line.rstrip().endswith(" s of virtual time") for line in between)
    assert blank.strip() == ""
    assert "stopped: 20000 ms of virtual time are over" in message


def test_control_c_without_loops(tmp_path: Path) -> None:
    source = "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\n"
    status, output = press(source + "f(60)\n", tmp_path)
    assert status == 130
    assert output.endswith("KeyboardInterrupt: \n")


BLINK = """
from machine import Pin
import time
led = Pin('LED', Pin.OUT)
for i in range(4):
    led.value(i & 1)
    time.sleep_ms(100)
"""


def test_trace(tmp_path: Path) -> None:
    """The same edges in both forms, at the same times."""
    for form in ("vcd", "json"):
        done = run(BLINK, "--board", "pico", "--trace", form, f"out.{form}", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line) for line in (tmp_path / "out.json").read_text().splitlines()]
    assert all(set(event) == {"time", "kind", "name", "value"} for event in events)
    edges = [(event["time"], event["value"]) for event in events if event["name"] == "GP25"][-3:]
    assert [value for _, value in edges] == [1, 0, 1]
    assert all(99 < (b[0] - a[0]) / 1e6 < 101 for a, b in pairwise(edges))
    lines = (tmp_path / "out.vcd").read_text().splitlines()
    assert lines[0] == "$timescale 1 ns $end"
    sign = next(line.split()[3] for line in lines if line.startswith("$var") and " GP25 " in line)
    now, found = 0, []
    for line in lines:
        if line.startswith("#"):
            now = int(line[1:])
        elif line in (f"0{sign}", f"1{sign}"):
            found.append((now, int(line[0])))
    assert found[-3:] == edges


def test_trace_that_cannot_be_written(tmp_path: Path) -> None:
    done = run("print(1)", "--trace", "vcd", "no/such/t.vcd", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "1\n")
    assert done.stderr == "mpy-emu: no/such/t.vcd: No such file or directory\n"


def test_realtime(tmp_path: Path) -> None:
    start = time.monotonic()
    done = run("while True: pass", "--realtime", "--max-time", "1s", cwd=tmp_path)
    assert done.returncode == 124
    assert time.monotonic() - start > 1


EVERYTHING = """
import gc, os, random, time, micropython
from machine import Pin, Timer, UART
led = Pin('LED', Pin.OUT)
uart = UART(1, 9600)
timer = Timer(-1)
timer.init(period=7, mode=Timer.PERIODIC, callback=lambda t: led.value(not led.value()))

@micropython.native
def native(n):
    total = 0
    for i in range(n):
        total += i
    return total

@micropython.viper
def viper(n: int) -> int:
    total = 0
    for i in range(n):
        total += i
    return total

for i in range(20):
    uart.write(bytes([i]))
    time.sleep_ms(random.randint(1, 9))
    print(native(1000 * i), viper(1000 * i), time.ticks_us())
print(list({'b', 'a', 'c', i}), {i: 1 for i in 'xyz'}, os.urandom(4), hash('a'))
class C: pass
print(C(), id(C) != 0, gc.mem_free())
n = 0
l = []
try:
    while True:
        n += 1
        l.append([n] * 50)
except MemoryError as e:
    l = None
    print(n, e)
print(time.ticks_us(), time.time())
while True: pass
"""


@pytest.mark.parametrize("board", ["pyboard", "pico"])
def test_two_runs_are_the_same(board: str, tmp_path: Path) -> None:
    """Console and trace."""
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    source = EVERYTHING.replace("'LED'", "'LED_BLUE'" if board == "pyboard" else "25")
    (tmp_path / "app.py").write_text(source)
    runs = [
        emu("run", "--board", board, "--max-time", "3s", "--trace", form, f"{number}.{form}",
            "app.py", cwd=tmp_path)
        for form in ("json", "vcd") for number in (1, 2)
    ]
    assert runs[0].returncode == 124, runs[0]
    assert len(runs[0].stdout.splitlines()) == 24, runs[0].stdout
    assert {each.stdout for each in runs} == {runs[0].stdout}
    for form in ("json", "vcd"):
        first = (tmp_path / f"1.{form}").read_bytes()
        assert first == (tmp_path / f"2.{form}").read_bytes()
        assert first.count(b"\n") > 200


def test_the_clock_ends_the_same() -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    source = EVERYTHING.replace("'LED'", "25").replace("while True: pass", "")
    ends = []
    for _ in range(2):
        session = Session("pico", "1.17", compiler_for(get("1.17"), "armv6m"))
        outcome = session.run_source(source)
        assert outcome is not None and outcome.status == 0, outcome
        ends.append((session.now, session.runtime.elapsed, session.console))
    assert ends[0] == ends[1]


@pytest.mark.parametrize(("arguments", "argv"), [
    (["app.py", "a", "b"], ["app.py", "a", "b"]),
    (["app.py", "--", "-x", "--board", "3"], ["app.py", "-x", "--board", "3"]),
    (["-c", "import sys; print(sys.argv)", "a"], ["-c", "a"]),
    (["-c", "import sys; print(sys.argv)", "--", "-a"], ["-c", "-a"]),
    (["--files", ".", "-m", "app", "a"], ["app", "a"]),
    (["-", "a"], ["-", "a"]),
])
def test_arguments_of_the_program(arguments: list[str], argv: list[str], tmp_path: Path) -> None:
    source = "import sys\nprint(sys.argv)\n"
    (tmp_path / "app.py").write_text(source)
    done = emu("run", *arguments, cwd=tmp_path, stdin=source if arguments[0] == "-" else "")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{argv}\n", "")


def test_options_after_the_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import sys\nprint(sys.platform, sys.argv)")
    done = emu("run", "app.py", "--board", "pico", "x", cwd=tmp_path)
    assert done.stdout == "rp2 ['app.py', 'x']\n"


def test_source_text(tmp_path: Path) -> None:
    done = emu("run", "-c", "print(__name__)\n1 // 0", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == (
        '__main__\nTraceback (most recent call last):\n  File "<stdin>", line 2, in <module>\n'
        "ZeroDivisionError: divide by zero\n"
    )
    done = emu("run", "-", cwd=tmp_path, stdin="print x")
    assert done.returncode == 1
    assert 'File "<stdin>", line 1' in done.stdout
    assert "print is a function" in done.stderr


def test_module(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("print('init', __name__)")
    (tmp_path / "pkg" / "tool.py").write_text("from . import other\nprint(__name__, other.x)")
    (tmp_path / "pkg" / "other.py").write_text("x = 5")
    (tmp_path / "pkg" / "__main__.py").write_text("print('main', __name__)")
    done = emu("run", "--files", ".", "-m", "pkg.tool", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "init pkg\n__main__ 5\n")
    done = emu("run", "--files", ".", "-m", "pkg", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "init pkg\nmain __main__\n")
    done = emu("run", "-m", "nothing", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.endswith("ImportError: no module named 'nothing'\n")


def test_files_for_a_program(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "helper.py").write_text("def f():\n    return 'helps'")
    done = run("import helper\nprint(helper.f())", "--files", "lib", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "helps\n")


ASK = """
import sys
name = input('name? ')
print('hello', name)
print(repr(sys.stdin.readline()), sys.stdin.read(3))
try:
    input()
    input()
except EOFError:
    print('end')
"""


def test_input_of_the_program(tmp_path: Path) -> None:
    typed = "Ann\nsecond\nabc\n"
    wanted = "name? hello Ann\n'second\\n' abc\nend\n"
    (tmp_path / "typed.txt").write_text(typed)
    assert run(ASK, "--input", "typed.txt", cwd=tmp_path).stdout == wanted
    assert emu("run", "app.py", cwd=tmp_path, stdin=typed).stdout == wanted
    assert emu("run", "--input", "-", "app.py", cwd=tmp_path, stdin=typed).stdout == wanted
    done = emu("run", "-", cwd=tmp_path, stdin="input()")
    assert done.stdout.endswith("EOFError: \n")
    done = emu("run", "--input", "typed.txt", "-", cwd=tmp_path, stdin="print(input())")
    assert done.stdout == "Ann\n"


def test_input_goes_on_after_a_reset(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import machine\nline = input()\nprint(line)\nif line != 'end':\n    machine.reset()")
    done = emu("run", ".", cwd=tmp_path, stdin="a\nb\nend\n")
    assert (done.returncode, done.stdout) == (0, "a\nb\nend\n")


def test_polling_standard_input(tmp_path: Path) -> None:
    source = (
        "import sys, select\np = select.poll()\np.register(sys.stdin, select.POLLIN)\n"
        "while p.poll(1000):\n    c = sys.stdin.read(1)\n    if not c:\n        break\n"
        "    print(repr(c))\nprint('done')\n"
    )
    (tmp_path / "app.py").write_text(source)
    assert emu("run", "app.py", cwd=tmp_path, stdin="ab").stdout == "'a'\n'b'\ndone\n"


def test_reset_without_a_main(tmp_path: Path) -> None:
    done = run("import machine\nmachine.reset()", cwd=tmp_path)
    assert done.returncode == 122
    assert done.stderr == (
        "mpy-emu: the board was reset (software), and has no main.py to start\n")


def test_architecture(tmp_path: Path) -> None:
    pytest.importorskip("unicorn", reason="machine code runs on Unicorn, which is not installed")
    source = "@micropython.viper\ndef f(x: int) -> int:\n    return x * 2\nprint(f(21))\n"
    for arch in ("armv6m", "armv7m", "armv7emsp"):
        done = run(source, "--arch", arch, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "42\n")
    done = run(source, "--arch", "xtensa", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.endswith("ValueError: incompatible .mpy arch\n")
    assert "Traceback" not in done.stderr


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
    assert {"pico", "pyboard"} <= {line.split()[0] for line in done.stdout.splitlines()}
    done = emu("info", "pico", cwd=tmp_path)
    assert "Raspberry Pi Pico with RP2040" in done.stdout
    assert "GP25" in done.stdout


def test_help_has_examples(tmp_path: Path) -> None:
    done = emu("--help", cwd=tmp_path)
    assert "mpy-emu run --board pico --release 1.17 main.py" in done.stdout
    done = emu("run", "--help", cwd=tmp_path)
    assert "mpy-emu run --trace vcd blink.vcd --max-time 5s blink.py" in done.stdout
    for status in ("1  ", "2  ", "122", "123", "124", "125", "130"):
        assert f"    {status}  " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


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
