"""Which requirements have passing tests.

    python -m tests.spec                   # run the marked tests, list the ids seen
    python -m tests.spec --ids FILE        # also the ids in FILE (one per line) without a test
    python -m tests.spec -- -k cli -n 2    # anything after -- goes to pytest

A test names what it proves by `@pytest.mark.spec("B27", "B28")`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path


def outcomes(pytest_arguments: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Run pytest; for each requirement id the (outcome, test) pairs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        command = [sys.executable, "-m", "pytest", "-q", f"--spec-report={path}"]
        subprocess.run([*command, *pytest_arguments], check=False, stdout=subprocess.DEVNULL)
        lines = path.read_text().splitlines() if path.exists() else []
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in lines:
        ids, outcome, test = json.loads(line)
        for name in ids:
            found[name].append((outcome, test))
    return found


def natural(name: str) -> list[tuple[int, str]]:
    """Sort key: B9 before B27."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.spec", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--ids", type=Path, help="file with all requirement ids, one per line")
    parser.add_argument("rest", nargs="*", help="arguments for pytest")
    args = parser.parse_args(argv)
    found = outcomes(args.rest)
    failing = 0
    for name in sorted(found, key=natural):
        tests = found[name]
        bad = [test for outcome, test in tests if outcome == "failed"]
        good = sum(outcome == "passed" for outcome, _ in tests)
        failing += bool(bad)
        state = "FAILING" if bad else "passing" if good else "skipped"
        print(f"{name:12} {state}  {good} of {len(tests)} tests")
        for test in bad:
            print(f"{'':12}   {test}")
    print(f"{len(found)} requirements seen, {failing} failing")
    if args.ids:
        lines = args.ids.read_text().splitlines()
        wanted = [line.split()[0] for line in lines if line.strip() and line[0] != "#"]
        missing = [name for name in wanted if name not in found]
        for name in missing:
            print(f"{name:12} no test")
        print(f"{len(wanted) - len(missing)} of {len(wanted)} requirements have a test")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
