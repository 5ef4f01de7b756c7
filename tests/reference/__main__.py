"""Run MicroPython's own test programs: `python -m tests.reference PATH [NAME ...]`.

PATH is the folder `tests` of a MicroPython source tree (the one of release 1.17 is meant).  A test
passes if the program prints what its `.exp` file says or, where there is none, what CPython prints.
With `--judge` tests that the real MicroPython (its unix port) does not pass are left out.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDERS = ("basics", "float", "import", "io", "micropython", "unicode")
SECONDS = 30


def expected(path: Path) -> bytes:
    """What the test prints when all is well."""
    fixed = path.with_name(path.name + ".exp")
    if fixed.exists():
        return fixed.read_bytes()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", path.name],
        cwd=path.parent,
        capture_output=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(path.parent), "PYTHONIOENCODING": "utf-8"},
    )
    if done.returncode:
        return done.stdout + b"CRASH"
    return done.stdout


def cached_environment() -> dict[str, str]:
    """An environment in which hundreds of runs do not compile our modules again and again."""
    names = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    names.setdefault("PYTHONPYCACHEPREFIX", str(Path(tempfile.gettempdir(), "mpy-toolchain-cache")))
    return names


def actual(path: Path, options: argparse.Namespace) -> bytes:
    """What our run-time prints."""
    command = [sys.executable, "-m", "tests.reference.child", str(path)]
    command += [options.release, options.board, options.emit]
    try:
        done = subprocess.run(
            command,
            cwd=Path(__file__).resolve().parents[2],
            env=cached_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if not options.verbose else None,
            timeout=SECONDS * 2,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return b"TIMEOUT"
    if done.returncode < 0:
        return done.stdout + f"died: {signal.Signals(-done.returncode).name}".encode()
    return done.stdout


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


def judge(path: Path, options: argparse.Namespace) -> tuple[Path, str, bytes, bytes]:
    found = actual(path, options)
    if found.startswith(b"SKIP\n") or found == b"SKIP":
        return path, "skip", found, b""
    wanted = expected(path)
    return path, "ok" if same(found, wanted) else "FAIL", found, wanted


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reference", description=__doc__)
    parser.add_argument("path", type=Path, help="folder `tests` of MicroPython's source tree")
    parser.add_argument("names", nargs="*", help="folders or files in it (default: most folders)")
    parser.add_argument("--board", default="pyboard")
    parser.add_argument("--release", default="1.17")
    parser.add_argument("--emit", default="bytecode", choices=("bytecode", "native"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="show outputs that differ")
    options = parser.parse_args()
    paths: list[Path] = []
    for name in options.names or FOLDERS:
        place = options.path / name
        paths += sorted(place.glob("*.py")) if place.is_dir() else [place]
    counts = {"ok": 0, "skip": 0, "FAIL": 0}
    failed: list[str] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for path, verdict, found, wanted in pool.map(lambda p: judge(p, options), paths):
            counts[verdict] += 1
            if verdict == "FAIL":
                failed.append(str(path.relative_to(options.path)))
                if options.verbose:
                    show(path, found, wanted)
    for name in failed:
        print(f"FAIL {name}")
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
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
