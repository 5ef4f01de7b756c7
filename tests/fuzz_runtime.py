"""Run mutated .mpy files on boards: only errors that a program can see, or limits, may come out.

    python -m tests.fuzz_runtime --count 100000

The files are programs of every kind, of a release with version 5 and of one with version 6, as
bytecode, native and viper code for both kinds of boards.  A mutant is loaded, all its functions are
translated, and the module is executed on a board with limits on time, heap and depth.  What
MicroPython would not survive (a broken file is not checked on a board) must be a `ValueError` here,
or the fault report of the core.  A failure prints the seed and the bytes and ends with status 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import mpy_cross
from mpy_cross.emulator.runtime.errors import caught
from mpy_cross.emulator.runtime.program import Proto
from mpy_cross.emulator.runtime.types import MARK, MpClass, class_name
from mpy_cross.emulator.session import EXIT_ERROR, Outcome, Session
from mpy_cross.loader.decode import decode
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.reader import read
from tests.fuzz_reader import hunt

RELEASES = ("1.17", "1.29")
BOARDS = {"pico": "armv6m", "pyboard": "armv7m"}
KINDS = ("bytecode", "native", "viper")
FOLDERS = ("programs", "native/programs")
LONGEST = 3000
"""Bytes of a source: in a larger file most mutations change what is never reached."""
SLOW = 10.0
"""Seconds that a single file may take."""
LIMIT_NS = 20_000_000
"""Virtual time after which a program is stopped."""
HEAP = 32 << 10
TYPES = frozenset((
    "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "EOFError",
    "Exception", "GeneratorExit", "ImportError", "IndentationError", "IndexError", "KeyError",
    "KeyboardInterrupt", "LookupError", "MemoryError", "NameError", "NotImplementedError",
    "OSError", "OverflowError", "RuntimeError", "StopAsyncIteration", "StopIteration",
    "SyntaxError", "SystemExit", "TypeError", "UnicodeError", "ValueError", "ViperTypeError",
    "ZeroDivisionError",
))
"""The exceptions that MicroPython has."""


class UnexpectedError(Exception):
    """An error of the emulator that the program got as if it were its own."""


def samples() -> list[tuple[str, bytes]]:
    """(release, board and kind of code; file) for programs of every kind."""
    here = Path(__file__).resolve().parent
    sources = [path for folder in FOLDERS for path in sorted((here / folder).glob("*.py"))]
    out = []
    for path in sources:
        source = path.read_bytes()
        if len(source) > LONGEST:
            continue
        for release in RELEASES:
            for board, arch in BOARDS.items():
                for emit in KINDS:
                    try:
                        data = mpy_cross.compile(
                            source, path.name, release=release, arch=arch, emit=emit,
                            opt="0")
                    except mpy_cross.CompileError:
                        continue  # syntax that came later, or what viper code cannot have
                    out.append((f"{release} {board} {emit}", data))
    return out


def translate_all(proto: Proto) -> None:
    """Make the host's code of a function and of those inside it."""
    for named in (False, True):
        if proto.raw is None:
            try:
                proto.translation(0, named)
            except ValueError:
                break
    for child in proto.children:
        translate_all(child)


def run_one(label: str, data: bytes) -> str:
    """Everything a run does with a file; how it ended, "" if it could not be loaded.

    Raises UnexpectedError and whatever else the emulator itself raises.
    """
    try:
        decode(read(data, None))
    except MpyError:
        return ""
    release, board, _ = label.split()
    session = Session(board, release, heap=HEAP)
    session.limit(LIMIT_NS)
    session.start(lambda: _run(session, data))
    outcome = session.go()
    session.close()
    assert outcome is not None
    check(outcome)
    return ending(outcome)


def _run(session: Session, data: bytes) -> None:
    code = session.runtime.load(data)
    translate_all(code.root)
    session.runtime.main(code)


def ending(outcome: Outcome) -> str:
    """A name for how a program ended."""
    return "good end" if outcome.error is None else class_name(type(caught(outcome.error)))


def check(outcome: Outcome) -> None:
    """Raises UnexpectedError if the error is none that MicroPython has, or an assertion of ours."""
    error = outcome.error
    if error is None or outcome.status != EXIT_ERROR or isinstance(type(error), MpClass):
        return
    error = caught(error)
    name = class_name(type(error))
    stack = traceback.extract_tb(error.__traceback__)
    ours = bool(stack) and not stack[-1].filename.startswith(MARK)
    if name not in TYPES or (ours and isinstance(error, AssertionError)):
        raise UnexpectedError(f"{name}: {error}") from error


def fuzz(count: int, seed: int, files: list[tuple[str, bytes]]) -> tuple[Counter[str], str]:
    """(how many mutants ended in which way, description of the first failure or "")."""
    ends: Counter[str] = Counter()

    def run(label: str, _: bytes, data: bytes) -> bool:
        end = run_one(label, data)
        if end:
            ends[f"{label.split()[2]}: {end}"] += 1
        return bool(end)

    _, failure = hunt(count, seed, files, run, SLOW)
    return ends, failure


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_runtime", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, help="only files with this kind of code")
    args = parser.parse_args(argv)
    start = time.monotonic()
    files = [each for each in samples() if args.kind in (None, each[0].split()[2])]
    ends, failure = fuzz(args.count, args.seed, files)
    if failure:
        print(failure)
        return 1
    for name, number in sorted(ends.items()):
        print(f"{number:7} {name}")
    print(
        f"{args.count} mutants of {len(files)} files in {time.monotonic() - start:.0f} s,"
        f" {ends.total()} loaded, no unexpected exception"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
