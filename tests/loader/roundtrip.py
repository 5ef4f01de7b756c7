"""Read and write again what the reference compilers write: every byte must come back.

python -m tests.loader.roundtrip                          # the whole corpus, 1.17 and 1.29
python -m tests.loader.roundtrip --release 1.12 --count 200
python -m tests.loader.roundtrip --count 50 --arch armv7m # all functions as machine code
python -m tests.loader.roundtrip --floats 10000           # texts of float constants instead
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from mpy_cross.loader import release as releases
from mpy_cross.loader.codec import read, write
from mpy_cross.loader.decode import decode
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.floatfmt import format_float
from mpy_cross.loader.objects import FileFloat
from mpy_cross.loader.release import Release
from mpy_cross.numbers import parse_decimal
from tests.oracle import corpus, reference

_CHUNK = 400
"""Float constants of one source file."""


def compile_file(binary: Path, source: Path, options: list[str]) -> bytes | None:
    """What the reference makes of the file, None if it rejects it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        command = [str(binary), *options, "-o", str(out), str(source)]
        done = subprocess.run(command, capture_output=True, check=False)
        return out.read_bytes() if done.returncode == 0 else None


def problem(data: bytes, release: Release) -> str:
    """What goes wrong with one file, or ""."""
    try:
        for known in (release, None):
            mpy = read(data, known)
            if write(mpy) != data:
                return "written differently"
        decode(mpy)
    except MpyError as error:
        return str(error)
    return ""


def corpus_problems(name: str, count: int, options: list[str]) -> tuple[int, list[str]]:
    """(accepted files, problems) over `count` files."""
    binary = reference.binary(name)
    release = releases.get(name)
    accepted = 0
    problems = []
    for item in corpus.spread(count):
        data = compile_file(binary, item.path, options)
        if data is not None:
            accepted += 1
            found = problem(data, release)
            if found:
                problems.append(f"{name} {item.name}: {found}")
    return accepted, problems


def literals(count: int, seed: int) -> list[str]:
    """Float literals: edges of the exponent range and of rounding, then random ones."""
    rng = random.Random(seed)
    out = []
    for exponent in range(-325, 310, 5):
        out += [f"1e{exponent}", f"9999999999999999e{exponent - 15}", f"5e{exponent}"]
    rng.shuffle(out)
    while len(out) < count:
        digits = rng.choice((1, 2, 3, 5, 9, 14, 15, 16, 17, 17, 17))
        mantissa = rng.randrange(10 ** (digits - 1), 10**digits)
        span = rng.choice(((-330, 310), (-30, 20), (-8, 2)))
        out.append(f"{mantissa}e{rng.randint(*span) - rng.choice((0, digits))}")
    return out[:count]


def float_problems(name: str, count: int, seed: int) -> list[str]:
    """Float literals whose text in the reference's file is not ours."""
    binary = reference.binary(name)
    release = releases.get(name)
    problems = []
    todo = literals(count, seed)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "floats.py"
        for start in range(0, len(todo), _CHUNK):
            chunk = todo[start : start + _CHUNK]
            source.write_text("".join(f"x=({literal})\n" for literal in chunk))
            data = compile_file(binary, source, [])
            if data is None:
                return [f"{name}: rejects float literals"]
            mpy = read(data, release)
            values = [v for v in mpy.objects or mpy.root.constants if isinstance(v, FileFloat)]
            theirs = {value.text.decode() for value in values}
            ours = {}
            for literal in chunk:
                value = parse_decimal(literal.encode(), release)
                ours[format_float(abs(value), release.float_printer)] = literal
            problems += [f"{name} {ours[t]}: {t}" for t in ours if t not in theirs]
            problems += [f"{name}: {t} is not ours" for t in theirs - set(ours)]
    return problems


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.loader.roundtrip", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--release", action="append", choices=list(reference.BINARIES))
    parser.add_argument("--count", type=int, default=1 << 30, help="files, spread evenly")
    parser.add_argument("--arch", help="compile to machine code of this architecture")
    parser.add_argument("--floats", type=int, metavar="N", help="compare N float constants")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    failed = 0
    for name in args.release or ["1.17", "1.29"]:
        if args.floats:
            problems = float_problems(name, args.floats, args.seed)
            what = f"{args.floats} float constants"
        else:
            options = ["-X", "emit=native", f"-march={args.arch}"] if args.arch else []
            accepted, problems = corpus_problems(name, args.count, options)
            what = f"{accepted} files"
        for text in problems[:20]:
            print(text)
        failed += len(problems)
        print(f"{name}: {what}, {len(problems)} problems")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
