"""A MicroPython of the host beside the run-time: which test programs does it pass, and do we?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.reference.child import WITH_FILES
from tests.reference.reasons import SKIP_REASONS

SECONDS = 60


@contextmanager
def folder_of(path: Path) -> Iterator[Path]:
    """Where to run the program: programs that write files get a copy of their folder's parent."""
    if path.parent.name not in WITH_FILES:
        yield path.parents[1]
        return
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(path.parent, Path(place, path.parent.name))
        yield Path(place)


def runs_inside(tests: Path) -> bool:
    """Whether the programs of this tree start in their own folder, as since 1.23, not above it."""
    runner = tests / "run-tests.py"
    return runner.exists() and "cwd = os.path.dirname(test_file)" in runner.read_text("utf-8")


def output_of(command: list[str], path: Path, inside: bool, *, errors: bool) -> bytes:
    """What an interpreter prints for a test program; `errors`: on standard error, too."""
    with folder_of(path) as tests:
        program = tests / path.parent.name / path.name
        name = str(program) if inside else f"{path.parent.name}/{path.name}"
        try:
            done = subprocess.run(
                [*command, name],
                cwd=program.parent if inside else tests,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
                timeout=SECONDS,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONIOENCODING": "utf-8", "MICROPYPATH": ""},
            )
        except subprocess.TimeoutExpired:
            return b"TIMEOUT"
    return done.stdout + (b"CRASH" if done.returncode else b"")


def expected(path: Path, emit: str, inside: bool, cache: Path | None) -> bytes:
    """What the test prints when all is well: its `.exp` file, else what CPython prints."""
    for fixed in (f"{path.name}.{emit}.exp", f"{path.name}.exp"):
        if path.with_name(fixed).exists():
            return path.with_name(fixed).read_bytes()
    # Trees of several releases may share the folder.
    place = f"{path.parents[1].parent.name}-{path.parent.name}-{path.name}.out"
    known = cache / place if cache is not None else None
    if known is not None and known.exists():
        return known.read_bytes()
    data = output_of([sys.executable, "-W", "ignore"], path, inside, errors=False)
    if known is not None:
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_bytes(data)
    return data


def same(found: bytes, wanted: bytes) -> bool:
    """Whether two outputs agree; `########` in an .exp file stands for any line."""
    found, wanted = found.replace(b"\r\n", b"\n"), wanted.replace(b"\r\n", b"\n")
    if found == wanted:
        return True
    if b"########" not in wanted:
        return False
    lines = wanted.split(b"\n")
    pattern = b"\n".join([b"(?:.*\n)*?.*" if line == b"########" else _line(line)
                          for line in lines])
    return re.fullmatch(pattern, found) is not None


def _line(line: bytes) -> bytes:
    """The pattern of one line: special is what a backslash stands before, and eight `#`."""
    return re.sub(rb"\\\\\\?(.)", rb"\1", re.escape(line)).replace(b"\\#" * 8, b".*")


def judged(binary: str, path: Path, emit: str, inside: bool, wanted: bytes) -> str:
    """What the judge makes of a test: `ok`, `skip` or `FAIL`."""
    found = output_of([binary, "-X", f"emit={emit}"], path, inside, errors=True)
    if found in (b"SKIP\n", b"SKIP-TOO-LARGE\n", b"SKIP"):
        return "skip"
    return "ok" if same(found, wanted) else "FAIL"


def report(verdicts: dict[str, tuple[str, str]], reasons: dict[str, str]) -> list[str]:
    """Lines on (our verdict, the judge's) by test: of those that the judge passes, which we do."""
    passed = [name for name, (_, other) in verdicts.items() if other == "ok"]
    ours = {name: verdicts[name][0] for name in passed}
    lines = []
    for name, verdict in ours.items():
        if verdict == "skip":
            why = SKIP_REASONS.get(name, "not known why")
            lines.append(f"skips itself here, not on the judge: {name}: {why}")
        elif verdict != "ok":
            lines.append(f"passes on the judge only: {name}: {reasons.get(name, 'not known why')}")
    others = [name for name, (own, other) in verdicts.items() if own == "ok" and other == "FAIL"]
    lines += [f"passes here, not on the judge: {name}" for name in others]
    good = sum(verdict == "ok" for verdict in ours.values())
    skipped = sum(verdict == "skip" for verdict in ours.values())
    share = 100 * good / max(1, len(passed))
    lines.append(
        f"the judge passes {len(passed)}; of these {good} pass here, {share:.1f} %; "
        f"{skipped} skip themselves, {len(passed) - good - skipped} differ"
    )
    return lines
