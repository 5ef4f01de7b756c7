"""Items of lists and bytes, and generators, in native functions: beside bytecode, on each core."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from bench.codegen_count import Bench
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from tests.ssa.programs import Player

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

TARGETS: Final = (("1.12", "armv7m"), ("1.29", "armv6m"), ("1.17", "xtensawin"),
                  ("1.20", "xtensa"))
LEVELS: Final = (Optimise("2", check=True), Optimise("2", n_registers=4, check=True))

ITEMS: Final = """\
import micropython

class Mine(list):
    def __getitem__(self, index):
        return ("mine", index)

@micropython.native
def read(things, index, n):
    found = None
    for i in range(n):
        found = things[index]
    return found

@micropython.native
def summed(data, table, n):
    total = 0
    for i in range(n):
        total += table[data[i] & 3] * (data[i] + 1)
    return total

@micropython.native
def crowded(a, b, c, d, e, f, n):
    total = g = 0
    for i in range(n):
        total += a[i] - b[i] + c[i] * 2 - d[i] + (e[i] & 7)
        g += f[i] + total
    return total, g

@micropython.native
def moved(data, out, n):
    for i in range(n):
        out[i] = data[n - 1 - i] ^ 1
    return out

def run(f, *args):
    try:
        print(f(*args))
    except Exception as error:
        print(type(error).__name__, error)
places = (0, 3, 4, -1, True, None, 1 << 29, -(1 << 30), 1 << 40, "a", 1.0)
things = (b"\\x00\\x7f\\x80\\xff", b"", bytearray(b"abcd"), "text", [5, 6, 7, 8], Mine([1]), (1, 2))
for index in places:
    for thing in things:
        run(read, thing, index, 2)
for data in (b"\\x00\\x7f\\x80\\xff", bytearray(b"abcd"), [1, 2, 3, 1 << 40], [1, None], b"ab"):
    for table in ([1, 2, 3, 4], b"\\x01\\x02\\x03\\xff", [0.5, 1, 2, 3], [1], Mine([])):
        run(summed, data, table, 4)
    run(moved, data, [0] * 4, 4)
    run(moved, data, bytearray(4), 4)
    run(moved, [1, 2, 3, 4], data, 4)
for data in ([1, 2, 3, 4], b"abcd", [1, 1 << 40, 0.5, "a"]):
    run(crowded, data, b"1234", data, [4, 3, 2, 1], bytearray(b"wxyz"), data, 4)
"""

GENERATORS: Final = """\
import micropython

@micropython.native
def count(n):
    i = 0
    while i < n:
        yield i
        i += 1

@micropython.native
def some(n, *rest):
    for i in range(n):
        if i % 2:
            yield i * 3
    yield rest
    return n + 5

@micropython.native
def taking(things, k):
    total = k + 1
    for x in things:
        total += x
        got = yield total
        if got is not None:
            total = got * 2
    else:
        yield "end", total

@micropython.native
def shared(n):
    a = n * 2
    def inner():
        nonlocal a
        a += 1
        return a
    yield inner
    while a < 20:
        a += 3
        yield a, inner()

@micropython.native
def swapped(a, b):
    a += 0
    while True:
        yield a, b
        a, b = b, a

@micropython.native
def within(n):
    i = n + 1
    return [(yield i + 1), (yield max(i + n, (yield))), i]

@micropython.native
def items(data):
    for i in range(4):
        yield data[i] + i

@micropython.native
def doubled(rows):
    return list(n + n for n in rows if n != 3)

def run(f, *args):
    try:
        print(f(*args))
    except Exception as error:
        print(type(error).__name__, error.args)
def drive(g, *sends):
    try:
        print(next(g))
        for value in sends:
            print(g.throw(value) if isinstance(value, type) else g.send(value))
    except StopIteration as error:
        print("stop", error.args)
    except Exception as error:
        print(type(error).__name__, error.args)
    run(next, g)
    print(g.close())
for n in (0, 1, 5, 1.5, "a", None):
    run(lambda: list(count(n)))
    run(lambda: list(some(n, 7, 8)))
    drive(some(n), None, None, None)
for things in ([1, 2, 1 << 30, 2.5], [1, 2, "a"], range(9)):
    drive(taking(things, 4), None, 10, None, None, None)
    drive(taking(things, 1 << 29), ValueError)
    drive(taking(things, 4), None, "ab", 3)
g = shared(3)
f = next(g)
print(f(), f(), list(g), f())
drive(swapped(1, "a"), None, None, None, KeyError)
drive(within(3), 4, 5, 6)
for data in (b"\\xff\\x00\\x01\\x02", [1, 2], bytearray(4), [1, 1 << 29, 0.5, 7]):
    run(lambda: list(items(data)))
run(doubled, [1, 3, 1 << 29, "a"])
run(doubled, [1, None])
g = count(3)
run(g.send, 3)
run(g.throw, OSError)
run(next, g)
"""


@cache
def player(release: str, arch: str) -> Player:
    return Player(release, arch)


@pytest.mark.parametrize("source", [ITEMS, GENERATORS], ids=["items", "generators"])
@pytest.mark.parametrize("target", TARGETS, ids="-".join)
def test_as_bytecode(target: tuple[str, str], source: str) -> None:
    one = player(*target)
    plain = source.replace("@micropython.native", "")
    wanted = one.output(one.compiled(plain, Emit.BYTECODE, Optimise()))
    assert wanted.count("\n") > 60
    for optimise in LEVELS:
        notes: list[str] = []
        mpy = one.compiled(source, Emit.BYTECODE, optimise._replace(notes=notes))
        assert notes == []
        assert one.output(mpy) == wanted


@pytest.mark.parametrize("arch", ["armv7m", "armv6m", "xtensawin", "xtensa"])
def test_items_come_without_the_run_time(arch: str) -> None:
    """Those of lists and bytes at places from 0 on."""
    bench = Bench("1.29", arch)
    source = ITEMS[: ITEMS.index("@micropython.native\ndef crowded")]
    mpy = player("1.29", arch).compiled(source, Emit.BYTECODE, Optimise("2"))
    calls = ("read(b'\\x00\\x80\\xff', 2, 3), read([1, 2], 1, 3)",
             "summed(b'\\x00\\x05', [3, 4], 2)", "read(b'\\x00\\x80\\xff', -1, 3)")
    found = []
    for call in calls:
        names = bench.run(mpy, f"def call(): return {call}\n")
        figures, result = bench.count(names, names["call"])
        found.append((result, figures.calls.get(("obj_subscr", ""), 0)))
    assert found == [((255, 2), 0), (27, 0), (255, 3)]


def test_generators_that_are_left() -> None:
    """With handlers, `yield from`, or without operators."""
    notes: list[str] = []
    head = "import micropython\n@micropython.native\ndef "
    source = (f"{head}one(n):\n    yield n\n{head}two(n):\n    n += yield from one(n)\n"
              f"{head}three(n):\n    try:\n        yield n + 1\n    finally:\n        n = n + n\n"
              "print(list(one(4)), list(three(6)))\n")
    one = player("1.17", "armv7m")
    mpy = one.compiled(source, Emit.BYTECODE, Optimise("2", notes=notes))
    assert one.output(mpy) == "[4] [7]\n"
    assert notes == ["one: not optimised: a generator without operators",
                     "two: not optimised: yield_from",
                     "three: not optimised: a generator with handlers"]
