"""Run both compilers over many files and compare what they say.

    python -m tests.oracle.compare --release 1.17 --release 1.29 --files 300
    python -m tests.oracle.compare --release 1.17 -O 3 --all --jobs 2
    python -m tests.oracle.compare --release 1.29 some/file.py some/folder

Compared are the verdict, the error text (line, block, type and message) of rejected files, and the
bytes of accepted ones.  Each mismatch is explained; the exit status is 1 if there is any.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from typing import NamedTuple

from tests.oracle import corpus, reference
from tests.oracle.reference import Answer, Settings, Verdict


class Job(NamedTuple):
    release: str
    settings: Settings
    item: corpus.Item


class Outcome(NamedTuple):
    """`kind` is "same" or what differs; `explanation` is empty when the answers agree."""

    job: Job
    kind: str
    explanation: str
    verdict: Verdict
    our_seconds: float
    reference_seconds: float


def ours(release: str, source: bytes, name: str, settings: Settings) -> Answer:
    """This project's answer; an exception other than CompileError counts as a crash."""
    import mpy_cross
    from mpy_cross.report import reference_text

    began = time.perf_counter()
    try:
        code = mpy_cross.compile(
            source, name, release=release, strict=True, opt="0", **settings._asdict())
    except mpy_cross.CompileError as error:
        text = reference_text(error)
        return Answer(Verdict.REJECTED, b"", text, time.perf_counter() - began)
    except (Exception, RecursionError):
        text = traceback.format_exc(limit=-4)
        return Answer(Verdict.CRASHED, b"", text, time.perf_counter() - began)
    return Answer(Verdict.ACCEPTED, code, "", time.perf_counter() - began)


def explain_bytes(expected: bytes, actual: bytes) -> str:
    """The first difference of two .mpy files in words."""
    try:
        from mpy_cross.loader.diff import first_difference
    except ImportError:
        pass
    else:
        try:
            found = first_difference(expected, actual)
            if found:
                return str(found)
        except Exception as error:
            return f"{_first_byte(expected, actual)} (no explanation: {error!r})"
    return _first_byte(expected, actual)


def _first_byte(expected: bytes, actual: bytes) -> str:
    pairs = zip(expected, actual, strict=False)
    shorter = min(len(expected), len(actual))
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), shorter)
    low = max(0, at - 8)
    return (
        f"{len(expected)} bytes expected, {len(actual)} got; first difference at offset {at}\n"
        f"  reference {expected[low:at].hex(' ')} > {expected[at : at + 16].hex(' ')}\n"
        f"  ours      {actual[low:at].hex(' ')} > {actual[at : at + 16].hex(' ')}"
    )


def compare(theirs: Answer, mine: Answer) -> tuple[str, str]:
    """What differs and the explanation; ("same", "") if nothing."""
    if mine.verdict is Verdict.CRASHED:
        return "our crash", mine.text
    if theirs.verdict is Verdict.CRASHED:
        return "reference crash", ""
    if theirs.verdict is not mine.verdict:
        text = theirs.text or mine.text
        return "verdict", f"reference {theirs.verdict.value}, ours {mine.verdict.value}\n{text}"
    if theirs.verdict is Verdict.REJECTED:
        if theirs.text == mine.text:
            return "same", ""
        if theirs.text.startswith("MemoryError"):  # the reference ran out of its fixed heap
            return "reference crash", ""
        return "error text", f"reference:\n{theirs.text}ours:\n{mine.text}"
    if theirs.code == mine.code:
        return "same", ""
    return "bytes", explain_bytes(theirs.code, mine.code)


def check(job: Job) -> Outcome:
    source = job.item.path.read_bytes()
    theirs = reference.answer(job.release, source, job.item.name, job.settings)
    mine = ours(job.release, source, job.item.name, job.settings)
    kind, explanation = compare(theirs, mine)
    return Outcome(job, kind, explanation, theirs.verdict, mine.seconds, theirs.seconds)


def run(jobs: list[Job], workers: int) -> Iterator[Outcome]:
    for release in {job.release for job in jobs}:
        reference.binary(release)  # installs it once, before the workers start
    if workers <= 1:
        yield from map(check, jobs)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(check, jobs, chunksize=4)


def _with_bar(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    show = sys.stderr.isatty()
    began = time.perf_counter()
    for done, outcome in enumerate(outcomes, 1):
        if show:
            filled = 40 * done // total
            bar = "#" * filled + "-" * (40 - filled)
            seconds = time.perf_counter() - began
            print(f"\r[{bar}] {done}/{total} {seconds:.0f} s ", end="", file=sys.stderr)
        yield outcome
    if show:
        print("\r" + " " * 72 + "\r", end="", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--release", action="append", help="may be repeated; default 1.17 and 1.29")
    parser.add_argument("-O", dest="opt_level", type=int, default=0, help="optimisation level")
    parser.add_argument("--small-int-bits", type=int, default=31)
    parser.add_argument("--no-unicode", action="store_true")
    parser.add_argument("--cache-lookup-bc", action="store_true")
    parser.add_argument("--no-source-lines", action="store_true")
    parser.add_argument("--march", default="", help="architecture of machine code")
    parser.add_argument("--emit", default="bytecode", choices=["bytecode", "native", "viper"])
    parser.add_argument("--files", type=int, default=100, help="size of the spread (default 100)")
    parser.add_argument("--all", action="store_true", help="the whole corpus")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument("--limit", type=int, default=20, help="mismatches to print (default 20)")
    parser.add_argument("paths", nargs="*", help="files or folders instead of the corpus")
    args = parser.parse_args(argv)
    settings = Settings(
        args.opt_level,
        args.small_int_bits,
        not args.no_unicode,
        args.cache_lookup_bc,
        not args.no_source_lines,
        args.march,
        args.emit,
    )
    if args.paths:
        items = corpus.named(args.paths)
    else:
        items = corpus.all_files() if args.all else corpus.spread(args.files)
    releases = args.release or ["1.17", "1.29"]
    jobs = [Job(release, settings, item) for release in releases for item in items]
    totals: Counter[tuple[str, str]] = Counter()
    seconds: Counter[tuple[str, str]] = Counter()
    mismatches = 0
    began = time.perf_counter()
    for outcome in _with_bar(run(jobs, args.jobs), len(jobs)):
        release = outcome.job.release
        totals[release, outcome.kind] += 1
        totals[release, outcome.verdict.value] += 1
        seconds[release, "ours"] += outcome.our_seconds  # type: ignore[assignment]
        seconds[release, "reference"] += outcome.reference_seconds  # type: ignore[assignment]
        if outcome.kind not in ("same", "reference crash"):
            mismatches += 1
            if mismatches <= args.limit:
                print(f"{release} {outcome.job.item.name}: {outcome.kind}")
                print("  " + outcome.explanation.strip().replace("\n", "\n  "))
    if mismatches > args.limit:
        print(f"... and {mismatches - args.limit} more mismatches (--limit shows more)")
    for release in releases:
        kinds = ("same", "verdict", "error text", "bytes", "our crash", "reference crash")
        parts = [f"{totals[release, kind]} {kind}" for kind in kinds if totals[release, kind]]
        shown = " ".join(settings.arguments()) or "-O0"
        print(
            f"{release} {shown}: {len(items)} files: {', '.join(parts)}; reference "
            f"accepts {totals[release, 'accepted']}, rejects {totals[release, 'rejected']}; "
            f"ours {seconds[release, 'ours']:.1f} s, "
            f"reference {seconds[release, 'reference']:.1f} s"
        )
    print(f"{len(jobs)} comparisons, {mismatches} mismatches, {time.perf_counter() - began:.1f} s")
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
