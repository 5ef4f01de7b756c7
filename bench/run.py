"""Speed of the hosted run-time beside the real MicroPython (unix port), measured in the same run.

    python -m bench.run [--runs 3] [--board pico] [PROGRAM ...]
    python -m bench.run codegen [--arch armv6m ...]     # as python -m bench.codegen
    python -m bench.run xtensa                          # as python -m bench.xtensa
    python -m bench.run stock [--rp2040py FOLDER]       # as python -m bench.stock

Each program of `bench/programs` runs in a process of its own, once under `mpy-emu run` and once
under MicroPython; the time that a process needs for an empty program is taken off.  The figures are
CPU seconds (user and system), medians over the runs.  The limit that the project has set itself is
12 times the time of the C program.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.oracle import unix_port
from tests.oracle.reference import Unavailable

PROGRAMS = Path(__file__).resolve().parent / "programs"
LIMIT = 12.0


def children_cpu() -> float:
    """CPU seconds of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def environment(folder: Path) -> dict[str, str]:
    """The environment of an installed program, whose modules are compiled once and for all."""
    names = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    names["PYTHONPYCACHEPREFIX"] = str(folder / "cache")
    return names


def cost(command: Sequence[str], folder: Path) -> tuple[float, float, str]:
    """CPU and wall seconds of one process, and what it printed."""
    before, began = children_cpu(), time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        timeout=600,
    )
    wall = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}")
    return children_cpu() - before, wall, done.stdout.decode()


def median(command: Sequence[str], folder: Path, runs: int) -> tuple[float, float, str]:
    """Medians of CPU and wall seconds, and the output, which must not change."""
    results = [cost(command, folder) for _ in range(runs)]
    outputs = {output for _, _, output in results}
    if len(outputs) != 1:
        raise SystemExit(f"{' '.join(command)}: does not print the same each time")
    return (
        statistics.median(cpu for cpu, _, _ in results),
        statistics.median(wall for _, wall, _ in results),
        outputs.pop(),
    )


def main() -> int:
    if sys.argv[1:2] == ["codegen"]:
        from bench.codegen import main as codegen

        codegen(args=sys.argv[2:], prog_name="python -m bench.run codegen")
    if sys.argv[1:2] == ["xtensa"]:
        from bench.xtensa import main as xtensa

        return xtensa()
    if sys.argv[1:2] == ["stock"]:
        from bench.stock import main as stock

        stock(sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("programs", nargs="*", help="names (default: all)")
    parser.add_argument("--board", default="pyboard")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    paths = [PROGRAMS / f"{name}.py" for name in options.programs] or sorted(PROGRAMS.glob("*.py"))
    emulator = [sys.executable, "-m", "mpy_cross.emulator.cli", "run", "--board", options.board]
    try:
        reference = unix_port.command()
    except Unavailable as unavailable:
        print(unavailable, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = folder / "empty.py"
        empty.write_text("")
        cost([*emulator, str(empty)], folder)  # fills the cache
        ours_start = median([*emulator, str(empty)], folder, options.runs)
        theirs_start = median([*reference, str(empty)], folder, options.runs)
        print(f"start: {ours_start[1]:.3f} s wall, MicroPython {theirs_start[1]:.3f} s")
        print(f"{'program':<14}{'CPU s':>8}{'C port':>8}{'ratio':>7}")
        ratios: list[float] = []
        for path in paths:
            ours = median([*emulator, str(path)], folder, options.runs)
            theirs = median([*reference, str(path)], folder, options.runs)
            if ours[2] != theirs[2]:
                print(f"{path.stem}: prints {ours[2]!r}, MicroPython {theirs[2]!r}")
                return 1
            mine = max(ours[0] - ours_start[0], 0.001)
            other = max(theirs[0] - theirs_start[0], 0.001)
            ratios.append(mine / other)
            print(f"{path.stem:<14}{mine:8.3f}{other:8.3f}{mine / other:7.1f}")
    print(f"geometric mean {statistics.geometric_mean(ratios):.1f}, limit {LIMIT:.0f} each")
    return 0 if max(ratios) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
