"""Run MicroPython's own test programs: `python -m tests.reference PATH [NAME ...]`.

PATH is the folder `tests` of a MicroPython source tree (the one of release 1.17 is meant).  A test
passes if the program prints what its `.exp` file says or, where there is none, what CPython prints.
Tests in `reasons.py` may differ; the reason is printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from mpy_cross.emulator.boards import BOARDS
from tests.reference.child import HOST, forked
from tests.reference.reasons import NATIVE_REASONS, REASONS, SINGLE_REASONS

FOLDERS = ("basics", "float", "import", "io", "micropython", "unicode")
SECONDS = 30


def expected(path: Path, cache: Path | None) -> bytes:
    """What the test prints when all is well."""
    fixed = path.with_name(path.name + ".exp")
    if fixed.exists():
        return fixed.read_bytes()
    known = cache / f"{path.parent.name}-{path.name}.out" if cache is not None else None
    if known is not None and known.exists():
        return known.read_bytes()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", f"{path.parent.name}/{path.name}"],
        cwd=path.parents[1],
        capture_output=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    data = done.stdout + (b"CRASH" if done.returncode else b"")
    if known is not None:
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_bytes(data)
    return data


def same(found: bytes, wanted: bytes) -> bool:
    """Whether two outputs agree; `########` in an .exp file stands for any line."""
    found, wanted = found.replace(b"\r\n", b"\n"), wanted.replace(b"\r\n", b"\n")
    if found == wanted:
        return True
    if b"########" in wanted:
        lines = wanted.split(b"\n")
        pattern = b"\n".join(
            b"(?:.*\n)*?.*" if line == b"########" else re.escape(line).replace(b"\\#" * 8, b".*")
            for line in lines
        )
        return re.fullmatch(pattern, found) is not None
    return False


Task = tuple[Path, str, str, str, "Path | None"]
"""File, release, board, kind of code, cache."""


def judge(task: Task) -> tuple[Path, str, bytes, bytes, str]:
    """(file, verdict, found, wanted, standard error)."""
    path, release, board, emit, cache = task
    found, errors = forked(path, release, board, emit, SECONDS * 2)
    if found.startswith(b"SKIP\n") or found == b"SKIP":
        return path, "skip", found, b"", errors
    wanted = expected(path, cache)
    return path, "ok" if same(found, wanted) else "FAIL", found, wanted, errors


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    parser.add_argument("path", type=Path, help="folder `tests` of MicroPython's source tree")
    parser.add_argument("names", nargs="*", help="folders or files in it (default: most folders)")
    parser.add_argument("--board", default=HOST, help=f"a board, or {HOST} (the default)")
    parser.add_argument("--release", default="1.17")
    parser.add_argument("--emit", default="bytecode", choices=("bytecode", "native"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="show outputs that differ")
    parser.add_argument("--cache", type=Path, help="folder for what CPython prints")
    options = parser.parse_args()
    paths: list[Path] = []
    for name in options.names or FOLDERS:
        place = options.path / name
        paths += sorted(place.glob("*.py")) if place.is_dir() else [place]
    counts = {"ok": 0, "skip": 0, "FAIL": 0, "reason": 0}
    failed: list[str] = []
    explained: list[str] = []
    tasks: list[Task] = [
        (path, options.release, options.board, options.emit, options.cache) for path in paths
    ]
    reasons = dict(REASONS)
    if options.emit == "native":
        reasons |= NATIVE_REASONS
    if options.board != HOST and BOARDS[options.board].float_bits == 32:
        reasons |= SINGLE_REASONS
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for path, verdict, found, wanted, errors in pool.imap(judge, tasks):
            name = str(path.relative_to(options.path))
            if verdict == "FAIL" and name in reasons:
                verdict = "reason"
                explained.append(name)
            counts[verdict] += 1
            if verdict == "FAIL":
                failed.append(name)
                if options.verbose:
                    show(path, found, wanted)
                    print(errors, end="")
    for name in explained:
        print(f"differs {name}: {reasons[name]}")
    for name in failed:
        print(f"FAIL {name}")
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
