"""Run mutated .mpy files: only errors that a program can see, or limits, may come out.

    python -m tests.fuzz_runtime --count 100000

A mutant is loaded, all its functions are translated, and the module is executed with a limit on
time.  What MicroPython would not survive (a broken file is not checked on a board) must be a
`ValueError` here.  A failure prints the seed and the bytes and ends with status 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import mpy_cross
from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS, caught
from mpy_cross.emulator.runtime.program import Proto
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.scheduler import Stop
from mpy_cross.emulator.runtime.types import Module
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.release import get
from tests.fuzz_reader import hunt

RELEASES = ("1.17", "1.29")
PROGRAMS = Path(__file__).resolve().parent / "programs"
SLOW = 10.0
"""Seconds that a single file may take."""
LIMIT_NS = 20_000_000
"""Virtual time after which a program is stopped."""
SEEN = (*PROGRAM_ERRORS, Stop)


def samples() -> list[tuple[str, bytes]]:
    """(release, file) for programs of every kind."""
    out = []
    for path in sorted(PROGRAMS.glob("*.py")):
        source = path.read_bytes()
        if len(source) > 3000:
            continue
        for release in RELEASES:
            try:
                out.append((release, mpy_cross.compile(source, path.name, release=release)))
            except mpy_cross.CompileError:
                continue  # syntax that came later
    return out


def translate_all(proto: Proto) -> None:
    """Make the host's code of a function and of those inside it."""
    for named in (False, True):
        try:
            proto.translation(0, named)
        except ValueError:
            break
    for child in proto.children:
        translate_all(child)


def run_one(release: str, data: bytes) -> bool:
    """Everything a run does with a file; True if it could be loaded."""
    runtime = Runtime(get(release), None, lambda text: None)
    runtime.scheduler.stop_at = LIMIT_NS
    try:
        code = runtime.load(data)
    except MpyError:
        return False
    translate_all(code.root)
    try:
        runtime.run(code, Module("__main__"))
    except SEEN as error:
        runtime.report(caught(error))
    return True


def fuzz(count: int, seed: int, files: list[tuple[str, bytes]]) -> tuple[int, str]:
    """(how many mutants could be loaded, description of the first failure or "")."""
    return hunt(count, seed, files, lambda release, _, data: run_one(release, data), SLOW)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_runtime", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    start = time.monotonic()
    loaded, failure = fuzz(args.count, args.seed, samples())
    if failure:
        print(failure)
        return 1
    print(
        f"{args.count} mutants in {time.monotonic() - start:.0f} s, {loaded} loaded,"
        " no unexpected exception"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
