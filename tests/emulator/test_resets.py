"""Boards that start again: by `machine.reset`, a watchdog, deep sleep, a soft reset."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import EXIT_RESET, EXIT_TIME, Outcome, Session
from mpy_cross.loader.release import get

SECOND = 10**9
BOARDS = ("pyboard", "pico")


def files(folder: Path, **sources: str) -> Path:
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return folder


def run(board: str, path: Path, limit: int = 60 * SECOND,
        release: str = "1.17") -> tuple[Session, Outcome]:
    session = Session(board, release, compiler_for(get(release)))
    session.limit(limit)
    outcome = session.run(path)
    session.close()
    assert outcome is not None
    return session, outcome


COUNT = """
try:
    with open('count') as f:
        n = int(f.read())
except OSError:
    n = 0
with open('count', 'w') as f:
    f.write(str(n + 1))
print(n, machine.reset_cause(), kept)
kept = True
"""
BOOT = "import machine\nkept = False\n"


@pytest.mark.spec("G48")
@pytest.mark.parametrize(("board", "end", "cause"), [
    ("pyboard", "machine.reset()", "HARD_RESET"),
    ("pyboard", "machine.soft_reset()", "SOFT_RESET"),
    ("pyboard", "machine.deepsleep(1000)", "DEEPSLEEP_RESET"),
    ("pyboard", "machine.WDT(timeout=1000)\n    while True: pass", "WDT_RESET"),
    ("pico", "machine.reset()", "WDT_RESET"),  # as its firmware uses the watchdog for that
    ("pico", "machine.soft_reset()", "PWRON_RESET"),
    ("pico", "machine.deepsleep(1000)", "WDT_RESET"),
    ("pico", "machine.WDT(timeout=1000)\n    while True: pass", "WDT_RESET"),
])
def test_the_board_starts_again(board: str, end: str, cause: str, tmp_path: Path) -> None:
    """Files are kept, names are not; the cause tells what happened; virtual time goes on."""
    main = f"{COUNT}if n == 0:\n    {end}\n    print('never')\nprint(machine.{cause})\n"
    session, outcome = run(board, files(tmp_path, boot=BOOT, main=main))
    assert (outcome.status, outcome.error) == (0, None)
    first, second, number = session.console.splitlines()
    assert first.split()[::2] == ["0", "False"]
    assert second == f"1 {number} False"
    least = SECOND if "1000" in end else 0
    assert least < session.now < least + SECOND // 10


@pytest.mark.parametrize("board", BOARDS)
def test_soft_reset_ends_callbacks(board: str, tmp_path: Path) -> None:
    boot = "from machine import Timer\nimport machine, time, os\n"
    main = """
if 'again' in os.listdir():
    time.sleep_ms(100)
    print('quiet')
else:
    open('again', 'w').close()
    t = Timer(-1)
    t.init(period=10, mode=Timer.PERIODIC, callback=lambda t: print('tick'))
    time.sleep_ms(25)
    machine.soft_reset()
"""
    session, outcome = run(board, files(tmp_path, boot=boot, main=main))
    assert (outcome.status, session.console) == (0, "tick\ntick\nquiet\n")


@pytest.mark.parametrize("board", BOARDS)
def test_a_program_replaces_itself(board: str, tmp_path: Path) -> None:
    main = "import machine\nwith open('main.py', 'w') as f:\n    f.write('print(2)')\nprint(1)\n"
    session, outcome = run(board, files(tmp_path, main=main + "machine.reset()"))
    assert (outcome.status, session.console) == (0, "1\n2\n")
    assert (tmp_path / "main.py").read_text().startswith("import machine")  # the host's is its own


@pytest.mark.parametrize("call", ["reset()", "soft_reset()", "deepsleep(1)"])
def test_endless_resets_end_with_time(call: str, tmp_path: Path) -> None:
    main = f"import machine\nprint('x')\nmachine.{call}"
    session, outcome = run("pico", files(tmp_path, main=main), SECOND)
    assert outcome.status == EXIT_TIME
    assert 40 < len(session.console.splitlines()) < 51
    assert session.now == SECOND


def test_interrupt_in_a_reset_loop(tmp_path: Path) -> None:
    folder = files(tmp_path, main="import machine\nprint('x')\nmachine.reset()")
    session = Session("pico", "1.17", compiler_for(get("1.17")))
    session.listeners.append(lambda text: session.interrupt() if session.now > SECOND else None)
    session.limit(10 * SECOND)
    outcome = session.run(folder)
    assert outcome is not None
    assert outcome.status == 130
    assert session.now < 2 * SECOND


def test_nothing_to_start(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import machine\nprint(1)\nmachine.reset()")
    session, outcome = run("pyboard", tmp_path / "app.py")
    assert (outcome.status, session.console) == (EXIT_RESET, "1\n")
    assert outcome.text == "the board was reset (software), and has no main.py to start"


def test_a_single_file_that_leaves_a_main(tmp_path: Path) -> None:
    source = "open('main.py', 'w').write('print(2)')\nimport machine\nmachine.reset()"
    (tmp_path / "app.py").write_text(source)
    session, outcome = run("pyboard", tmp_path / "app.py")
    assert (outcome.status, session.console) == (0, "2\n")


def test_boot_and_main_have_the_same_names(tmp_path: Path) -> None:
    session, _ = run("pico", files(tmp_path, boot="x = 5", main="print(x, __name__)"))
    assert session.console == "5 __main__\n"


def test_pyb_main(tmp_path: Path) -> None:
    session, outcome = run("pyboard", files(
        tmp_path, boot="import pyb\npyb.main('other.py')", main="print('main')",
        other="print('other')"))
    assert (outcome.status, session.console) == (0, "other\n")


@pytest.mark.parametrize(("board", "release", "goes_on"), [
    ("pyboard", "1.17", False), ("pico", "1.17", True), ("pico", "1.29", False),
])
def test_error_in_boot(board: str, release: str, goes_on: bool, tmp_path: Path) -> None:
    folder = files(tmp_path, boot="1 // 0", main="print('main')")
    session, outcome = run(board, folder, release=release)
    assert "ZeroDivisionError" in session.console
    assert session.console.endswith("main\n") == goes_on
    assert outcome.status == (0 if goes_on else 1)


def test_a_paused_program_starts_again(tmp_path: Path) -> None:
    main = "import machine, time\ntime.sleep_ms(100)\nprint('x')\nmachine.reset()"
    session = Session("pico", "1.17", compiler_for(get("1.17")))
    assert session.run(files(tmp_path, main=main), SECOND // 20) is None
    assert session.console == ""
    session.advance(SECOND)
    assert 7 <= session.console.count("x") <= 9
    assert session.running
    session.close()


def test_exit_is_no_reset(tmp_path: Path) -> None:
    session, outcome = run("pico", files(tmp_path, main="import sys\nprint(1)\nsys.exit(3)"))
    assert (outcome.status, session.console) == (3, "1\n")
