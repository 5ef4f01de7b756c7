"""Run MicroPython's own test programs: `python -m tests.reference PATH [NAME ...]`.

PATH is the folder `tests` of a MicroPython source tree, of 1.17 if `--release` is not given.  A
test passes if the program prints what its `.exp` file says or, where there is none, what CPython
prints.
Tests in `reasons.py` may differ; the reason is printed.  So may machine code of which the bytes are
those of the reference, but wrong: such a test has to pass with the mistakes named there mended.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.emulator.boards import BOARDS
from mpy_cross.loader.release import get
from tests.reference.child import HOST, forked
from tests.reference.judge import expected, judged, report, runs_inside, same
from tests.reference.reasons import (
    MISTAKES,
    NATIVE_REASONS,
    REASONS,
    SINGLE_REASONS,
    THUMB_1_REASONS,
)

FOLDERS = ("basics", "float", "import", "io", "micropython", "unicode")
SECONDS = 60


class Task(NamedTuple):
    """One test to run."""

    path: Path
    release: str
    board: str
    emit: str
    inside: bool
    """Whether it starts in its own folder."""
    judge: str
    """The MicroPython to run it, too, if there is one."""
    cache: Path | None
    opt: str = "0"
    explained: bool = False
    """Whether it may differ anyway, so that nobody needs to look for mistakes of the reference."""


class Result(NamedTuple):
    """What came out; the verdicts are ok, skip or FAIL."""

    path: Path
    verdict: str
    judged: str
    found: bytes
    wanted: bytes
    errors: str
    """Standard error of our run."""
    mistake: str = ""
    """What is wrong with the machine code of a test that passes when it is mended."""


def run(task: Task) -> Result:
    """Run one test."""
    path = task.path
    found, errors = forked(path, task.release, task.board, task.emit, task.inside, SECONDS,
                           opt=task.opt)
    wanted = expected(path, task.emit, task.inside, task.cache)
    verdict = "ok" if same(found, wanted) else "FAIL"
    if found.startswith(b"SKIP\n") or found == b"SKIP":
        verdict = "skip"
    other = judged(task.judge, path, task.emit, task.inside, wanted) if task.judge else ""
    looked_at = verdict == "FAIL" and task.emit == "native" and not task.explained
    mistake = mistake_of(task, wanted) if looked_at else ""
    return Result(path, verdict, other, found, wanted, errors, mistake)


def mistake_of(task: Task, wanted: bytes) -> str:
    """What the release does wrong in machine code for this board, if the test passes without."""
    if task.board == HOST:
        return ""
    release = get(task.release)
    known = MISTAKES.get(ARCHES[BOARDS[task.board].arch].family, {})
    made = {field: text for field, text in known.items() if not getattr(release, field)}
    # Each mistake by itself first, so that the reason is the one that matters.
    for fields in [*((field,) for field in made), tuple(made)]:
        found, _ = forked(task.path, task.release, task.board, task.emit, task.inside, SECONDS,
                          fields, task.opt)
        if made and same(found, wanted):
            return "; ".join(made[field] for field in fields)
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    parser.add_argument("path", type=Path, help="folder `tests` of MicroPython's source tree")
    parser.add_argument("names", nargs="*", help="folders or files in it (default: most folders)")
    parser.add_argument("--board", default=HOST, help=f"a board, or {HOST} (the default)")
    parser.add_argument("--release", default="1.17")
    parser.add_argument("--emit", default="bytecode", choices=("bytecode", "native"))
    parser.add_argument("--opt", default="0", choices=("0", "1", "2", "s"),
                        help="how much machine code is optimised")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="show outputs that differ")
    parser.add_argument("--judge", default="", metavar="BINARY",
                        help="a MicroPython of this machine: also report on the tests it passes")
    parser.add_argument("--cache", type=Path, help="folder for what CPython prints")
    options = parser.parse_args()
    paths: list[Path] = []
    for name in options.names or FOLDERS:
        place = options.path / name
        paths += sorted(place.glob("*.py")) if place.is_dir() else [place]
    counts = {"ok": 0, "skip": 0, "FAIL": 0, "reason": 0}
    failed: list[str] = []
    explained: list[str] = []
    verdicts: dict[str, tuple[str, str]] = {}
    inside = runs_inside(options.path)
    reasons = dict(REASONS)
    if options.emit == "native":
        reasons |= NATIVE_REASONS
    if options.board != HOST and BOARDS[options.board].float_bits == 32:
        reasons |= SINGLE_REASONS
    if options.board != HOST and BOARDS[options.board].arch == "armv6m":
        reasons |= THUMB_1_REASONS
    tasks = [
        Task(path.resolve(), options.release, options.board, options.emit, inside, options.judge,
             options.cache, options.opt, str(path.relative_to(options.path)) in reasons)
        for path in paths
    ]
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for path, verdict, other, found, wanted, errors, mistake in pool.imap(run, tasks):
            name = str(path.relative_to(options.path.resolve()))
            verdicts[name] = verdict, other
            if mistake and name not in reasons:
                reasons[name] = mistake
            if verdict == "FAIL" and name in reasons:
                verdict = "reason"
                explained.append(name)
            counts[verdict] += 1
            if verdict == "FAIL":
                failed.append(name)
            if options.verbose and verdict in ("FAIL", "reason"):
                show(path, found, wanted)
                print(errors, end="")
    for name in explained:
        print(f"differs {name}: {reasons[name]}")
    for name in failed:
        print(f"FAIL {name}")
    if options.judge:
        print("\n".join(report(verdicts, reasons)))
    ran = sum(counts.values()) - counts["skip"]
    print(
        f"{counts['ok']} of {ran} passed, {counts['reason']} differ for a known reason, "
        f"{counts['FAIL']} failed; {counts['skip']} skipped"
    )
    return 1 if failed else 0


def show(path: Path, found: bytes, wanted: bytes) -> None:
    """The difference between two outputs, on standard output."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("expected", wanted), ("actual", found)):
            Path(folder, name).write_bytes(data)
        print(f"--- {path}", flush=True)
        subprocess.run(["diff", "-U1", "expected", "actual"], cwd=folder)


if __name__ == "__main__":
    sys.exit(main())
