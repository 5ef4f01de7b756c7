"""Many generated programs against the references.

    python -m tests.generate --count 5000
    python -m tests.generate --count 5000 --seed 7 --odd
    python -m tests.generate --seed 7 --shrink   # reduce the first difference, which takes minutes
    python -m tests.generate --show 3            # print some programs and stop
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.generate.judge import RELEASES, differences
from tests.generate.programs import programs
from tests.oracle import reference
from tests.oracle.reference import Settings


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.generate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--odd", action="store_true", help="allow slightly invalid programs")
    parser.add_argument("--shrink", action="store_true", help="stop and reduce at a difference")
    parser.add_argument("-O", dest="opt_level", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, help="print so many programs and stop")
    args = parser.parse_args(argv)
    counts: Counter[str] = Counter()
    failures: list[tuple[str, list[str]]] = []
    judged = Settings(opt_level=args.opt_level)
    for release in RELEASES:
        reference.binary(release)

    @seed(args.seed)
    @settings(
        max_examples=args.show or args.count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if args.shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs(odd=args.odd))
    def check(source: str) -> None:
        if args.show:
            print(source, end="\n----------\n")
            return
        counts["programs"] += 1
        counts["lines"] += source.count("\n")
        found = differences(source, judged)
        assert not (found and args.shrink), "\n".join(found)
        if found:
            failures.append((source, found))

    began = time.perf_counter()
    print(f"seed {args.seed}")
    try:
        check()
        status = 1 if failures else 0
    except AssertionError as error:
        print("".join(getattr(error, "__notes__", [])))
        print(error)
        status = 1
    if failures:
        source, found = min(failures, key=lambda failure: len(failure[0]))
        print(f"{len(failures)} programs differ; the shortest:\n{source}", *found, sep="\n")
    seconds = time.perf_counter() - began
    print(f"{counts['programs']} programs, {counts['lines']} lines, {seconds:.1f} s: ", end="")
    print("different" if status else "all byte-identical with the same verdicts")
    return status


if __name__ == "__main__":
    sys.exit(main())
