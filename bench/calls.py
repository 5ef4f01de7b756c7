"""Viper functions that call each other: by the run-time, and directly (`# mpy: direct`).

    python -m bench.calls                # Cortex-M4
    python -m bench.calls --arch armv6m

Instructions of one call from outside, with calls of the run-time charged by a table
(`bench.codegen_cost`), and bytes of all functions together, as baseline code and with `-X opt=2`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import click

import mpy_cross
from bench.codegen_count import BOARDS, Bench
from mpy_cross.loader.reader import read

VIPER: Final = "@micropython.viper"
DIRECT: Final = f"{VIPER}  # mpy: direct"


class Case(NamedTuple):
    """source: viper functions, the last one is called; make: its arguments; check: whether the
    result and the buffers among the arguments are right."""

    source: str
    make: Callable[[], tuple[Any, ...]]
    check: Callable[[Any, list[bytes]], bool]


NUMBERS: Final = bytes((i * 97 + 31) & 255 for i in range(200))
WIDTH: Final = 64

CASES: Final = {
    "fib(15)": Case("""
@micropython.viper
def fib(n: int) -> int:
    if n < 2:
        return n
    return int(fib(n - 1)) + int(fib(n - 2))
""", lambda: (15,), lambda result, buffers: bool(result == 610)),
    "ackermann(2, 4)": Case("""
@micropython.viper
def ackermann(m: int, n: int) -> int:
    if m == 0:
        return n + 1
    if n == 0:
        return int(ackermann(m - 1, 1))
    return int(ackermann(m - 1, int(ackermann(m, n - 1))))
""", lambda: (2, 4), lambda result, buffers: bool(result == 11)),
    "gcd(10946, 6765)": Case("""
@micropython.viper
def gcd(a: int, b: int) -> int:
    if b == 0:
        return a
    return int(gcd(b, a % b))
""", lambda: (10946, 6765), lambda result, buffers: bool(result == 1)),
    "quicksort of 200": Case("""
@micropython.viper
def quick(p: ptr8, low: int, high: int):
    i = low
    j = high
    middle = p[(low + high) >> 1]
    while i <= j:
        while p[i] < middle:
            i += 1
        while p[j] > middle:
            j -= 1
        if i <= j:
            t = p[i]
            p[i] = p[j]
            p[j] = t
            i += 1
            j -= 1
    if low < j:
        quick(p, low, j)
    if i < high:
        quick(p, i, high)
""", lambda: (bytearray(NUMBERS), 0, len(NUMBERS) - 1),
        lambda result, buffers: buffers == [bytes(sorted(NUMBERS))]),
    "a line of 50 pixels": Case(f"""
@micropython.viper
def put(p: ptr8, x: int, y: int, colour: int):
    at = y * {WIDTH} + x
    if x & 1:
        p[at >> 1] = (p[at >> 1] & 15) | (colour << 4)
    else:
        p[at >> 1] = (p[at >> 1] & 240) | colour
@micropython.viper
def line(p: ptr8, dx: int, dy: int, colour: int):
    x = 0
    y = 0
    error = dx >> 1
    while x < dx:
        put(p, x, y, colour)
        error -= dy
        if error < 0:
            y += 1
            error += dx
        x += 1
""", lambda: (bytearray(WIDTH * WIDTH // 2), 50, 23, 7),
        lambda result, buffers: sum(x >> 4 for x in buffers[0]) + sum(
            x & 15 for x in buffers[0]) == 350),
}
VERSIONS: Final = {"opt=0": ("0", VIPER), "opt=2": ("2", VIPER), "direct": ("2", DIRECT)}
"""Level and decorator."""


def measure(bench: Bench, name: str, version: str) -> tuple[int, int]:
    """Instructions of a case in a version of its code, and bytes.  Raises ValueError if it does not
    do what it has to."""
    case = CASES[name]
    level, decorator = VERSIONS[version]
    source = case.source.replace(VIPER, decorator)
    mpy = mpy_cross.compile(source, "calls.py", release=bench.release, arch=bench.arch, opt=level)
    size = sum(len(child.code) for child in read(mpy, bench.release).root.children)
    names = bench.load(mpy)
    args = [bench.make(bytes(arg)) if isinstance(arg, bytearray) else arg for arg in case.make()]
    function = names[case.source.rpartition("\ndef ")[2].partition("(")[0]]
    figures, result = bench.count(names, lambda: function(*args))
    buffers = [bench.back(arg) for arg in args if not isinstance(arg, int)]
    if not case.check(result, buffers):
        raise ValueError(f"{name} with {version} is wrong: {result}")
    return figures.total, size


@click.command()
@click.option("--arch", type=click.Choice(list(BOARDS)), default="armv7em", help="[armv7em]")
@click.option("--release", default="1.17", help="[1.17; armv6m: 1.28]")
def main(arch: str, release: str) -> None:
    """Measure, and print a table."""
    bench = Bench("1.28" if arch == "armv6m" and release == "1.17" else release, arch)
    print(f"{bench.release.version} {arch}: instructions, bytes")
    print(f"{'':20}" + "".join(f"{version:>17}" for version in VERSIONS))
    for name in CASES:
        cells = [measure(bench, name, version) for version in VERSIONS]
        print(f"{name:20}" + "".join(f"{n:>10}, {size:>5}" for n, size in cells)
              + f"{cells[1][0] / cells[2][0]:>8.1f}x")


if __name__ == "__main__":
    sys.exit(main())
