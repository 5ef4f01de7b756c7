"""Feed mutated .mpy files to the reader, the decoder and the tools: only MpyError may come out.

    python -m tests.fuzz_reader --count 100000
    python -m tests.fuzz_reader --count 2000 --seed 7 --from some/folder

The files to mutate are those of the project's own writer (tests/loader/samples.py) and any .mpy
files of the folders given.  A failure prints the seed and the bytes and ends with status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from mpy_cross.loader.check import check, summary
from mpy_cross.loader.codec import read, write
from mpy_cross.loader.decode import decode
from mpy_cross.loader.diff import first_difference
from mpy_cross.loader.dump import dump_file
from mpy_cross.loader.errors import MpyError
from tests.loader.samples import all_samples

SLOW = 5.0
"""Seconds that a single file may take."""


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A damaged copy: bytes changed, cut, doubled, moved, or a length made huge."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if not out:
            break
        pos = rng.randrange(len(out))
        kind = rng.randrange(8)
        if kind == 0:
            out[pos] = rng.randrange(256)
        elif kind == 1:
            out[pos] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del out[pos:]
        elif kind == 3:
            del out[pos : pos + rng.randrange(1, 9)]
        elif kind == 4:
            out[pos:pos] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 5:
            out[pos : pos + 1] = b"\xff" * rng.randrange(1, 12) + b"\x7f"
        elif kind == 6:
            end = min(len(out), pos + rng.randrange(1, 40))
            target = rng.randrange(len(out))
            out[target:target] = out[pos:end]
        else:
            out[pos] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(out)


def run_one(data: bytes, original: bytes) -> bool:
    """Everything that a user can have done to a file; True if it could be read."""
    try:
        mpy = read(data)
    except MpyError:
        return False
    summary(check(mpy))
    write(mpy)
    for action in (
        lambda: decode(mpy),
        lambda: dump_file(data, hex_dump=True),
        lambda: first_difference(original, data),
    ):
        with contextlib.suppress(MpyError):
            action()
    return True


def hunt(
    count: int,
    seed: int,
    samples: list[tuple[str, bytes]],
    run: Callable[[str, bytes, bytes], bool],
    slow: float,
) -> tuple[int, str]:
    """(how many mutants `run` took, description of the first failure or "").

    A sample is a label and a file; `run` gets the label, the file and the mutant, and says whether
    that could be read.  More than `slow` seconds for one mutant are a failure, too.
    """
    rng = random.Random(seed)
    taken = 0
    for number in range(count):
        label, original = rng.choice(samples)
        data = mutate(original, rng)
        where = f"mutant {number} of seed {seed}" + (f", {label}" if label else "")
        start = time.monotonic()
        try:
            taken += run(label, original, data)
        except Exception:
            return taken, f"{where}: {data.hex()}\n{traceback.format_exc()}"
        if time.monotonic() - start > slow:
            return taken, f"{where} took too long: {data.hex()}"
    return taken, ""


def fuzz(count: int, seed: int, samples: list[bytes]) -> tuple[int, str]:
    """(how many mutants could be read, description of the first failure or "")."""
    labelled = [("", sample) for sample in samples]
    return hunt(count, seed, labelled, lambda _, original, data: run_one(data, original), SLOW)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_reader", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", dest="folders", type=Path, action="append", default=[])
    args = parser.parse_args(argv)
    samples = all_samples()
    for folder in args.folders:
        samples += [path.read_bytes() for path in sorted(folder.rglob("*.mpy"))]
    start = time.monotonic()
    readable, failure = fuzz(args.count, args.seed, samples)
    if failure:
        print(failure)
        return 1
    seconds = time.monotonic() - start
    print(
        f"{args.count} mutants of {len(samples)} files in {seconds:.0f} s, "
        f"{readable} readable, no unexpected exception"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
