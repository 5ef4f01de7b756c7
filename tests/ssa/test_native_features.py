"""Native functions with items of lists, handlers and `with`, beside their bytecode."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from tests.ssa.programs import Player

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

TARGETS: Final = (("1.12", "armv7m"), ("1.29", "armv7emsp"))
LEVELS: Final = (Optimise("1", check=True), Optimise("2", check=True),
                 Optimise("2", n_registers=4, check=True))

ITEMS: Final = """\
import micropython

class Mine(list):
    def __getitem__(self, index):
        return ("mine", index)
    def __setitem__(self, index, value):
        print("set", index, value)

@micropython.native
def read(things, index, n):
    found = None
    for i in range(n):
        found = things[index]
    return found

@micropython.native
def change(things, index, value):
    for i in range(2):
        things[index] = value
        value = things[index], i
    return things

@micropython.native
def sort(things, n):
    for i in range(n - 1):
        for j in range(n - 1 - i):
            if things[j] > things[j + 1]:
                things[j], things[j + 1] = things[j + 1], things[j]
    return things

@micropython.native
def grown(things):
    total = i = 0
    while i < len(things):
        total += things[i]
        if things[i] == 2:
            things.append(40)
        i += 1
    del things[0]
    return total, things

def run(f, *args):
    try:
        print(f(*args))
    except Exception as error:
        print(type(error).__name__, error)
places = (0, 1, 2, 3, -1, -3, -4, True, None, 1.0, 1 << 29, 1 << 30, -(1 << 30), 1 << 40, "a")
for index in places:
    for things in ([10, 20, 30], Mine([1, 2]), (1, 2, 3), b"abc", "abc", {0: 5, None: 6}, [], 7,
                   range(5)):
        run(read, things, index, 3)
    for things in ([10, 20, 30], Mine([1, 2]), bytearray(b"abc"), {0: 5}, [], (1, 2), None):
        run(change, things, index, 7)
run(sort, [5, 3.5, 2, 1 << 40, -7, 0], 6)
run(sort, ["b", "a", "c"], 3)
run(sort, [1, "a"], 2)
run(sort, [1], 3)
run(grown, [1, 2, 3])
"""

HANDLERS: Final = """\
import micropython

class Manager:
    def __init__(self, eats):
        self.eats = eats
    def __enter__(self):
        print("enter")
        return 7
    def __exit__(self, kind, error, trace):
        print("exit", kind, repr(error), trace)
        return self.eats

@micropython.native
def every(f, n):
    a = n + 1
    b = a * 2
    try:
        x = f(n)
        n += a
        n += 5
    except ValueError as error:
        print("ValueError", error)
        return n, a, b
    except (TypeError, KeyError):
        n += 1
        x = n - b
    else:
        n += 100
    finally:
        n -= 3
        print("finally", n, a)
    return x, n, a, b

@micropython.native
def within(manager, n):
    total = 0
    for i in range(n):
        with manager as x:
            total += x
            if i == 3:
                continue
            if i == 5:
                break
            if i == 2:
                raise ValueError(i)
            if total > 30:
                return "returned", total
    else:
        return "all", total
    return total

@micropython.native
def loops(n):
    total = 0
    while n > 0:
        n -= 1
        try:
            try:
                if n % 3 == 0:
                    raise KeyError(n)
                total += n
            finally:
                total += 1000
                if n % 7 == 6:
                    continue
        except KeyError as error:
            total -= error.args[0] * 3
            if n == 9:
                break
    return total, n

@micropython.native
def nested(things, n):
    total = n + n
    for i in range(n):
        for thing in things:
            try:
                total += thing * i
            except TypeError:
                try:
                    total = total * 2 - i
                    total += things[i]
                finally:
                    total += 1
    return total

def run(f, *args):
    try:
        print(f(*args))
    except Exception as error:
        print(type(error).__name__, error)
def fails(n):
    if n:
        raise (ValueError, TypeError, OSError)[n - 1](n)
    return n * 2
for n in range(4):
    run(every, fails, n)
run(every, 3, 4)
for n in range(8):
    run(within, Manager(True), n)
    run(within, Manager(False), n)
run(within, 3, 3)
for n in range(24):
    run(loops, n)
run(nested, [1, "a", None, 5], 3)
run(nested, [1, 1 << 29, 1 << 40], 30)
run(nested, [{}], 3)
"""


@cache
def player(release: str, arch: str) -> Player:
    return Player(release, arch)


@pytest.mark.parametrize("source", [ITEMS, HANDLERS], ids=["items", "handlers"])
@pytest.mark.parametrize("target", TARGETS, ids="-".join)
def test_as_bytecode(target: tuple[str, str], source: str) -> None:
    one = player(*target)
    plain = source.replace("@micropython.native", "")
    wanted = one.output(one.compiled(plain, Emit.BYTECODE, Optimise()))
    assert wanted.count("\n") > 50
    for optimise in LEVELS:
        notes: list[str] = []
        mpy = one.compiled(source, Emit.BYTECODE, optimise._replace(notes=notes))
        assert notes == []
        assert one.output(mpy) == wanted


def test_items_are_read_by_a_function_in_the_code() -> None:
    record: list[tuple[str, str, str]] = []
    player("1.17", "armv7m").compiled(ITEMS, Emit.BYTECODE, Optimise("2", record=record))
    text = {name: dump for stage, name, dump in record if stage == "regalloc"}
    assert text["sort"].count(" = item ") == 6
    assert "call" in text["sort"]


def test_handlers_without_operators_stay_with_the_baseline() -> None:
    notes: list[str] = []
    source = "@micropython.native\ndef f(g):\n    try:\n        g()\n    finally:\n        g(1)\n"
    player("1.17", "armv7m").compiled(source, Emit.BYTECODE, Optimise("2", notes=notes))
    assert notes == ["f: not optimised: handlers take more than operators gain"]
