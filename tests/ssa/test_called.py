"""Viper functions that are called as native ones: closures, all kinds of arguments; `with`."""

from __future__ import annotations

import re
from typing import Final

import pytest

import mpy_cross
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from tests.ssa.programs import Player

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

PROGRAM: Final = """
LIMIT = 40
@micropython.viper
def counter(start: int, p: ptr8):
    n = 0
    m = start
    @micropython.viper
    def step(d: int) -> int:
        nonlocal n, start
        n = int(n) + d
        start = int(start) - 1
        return int(n) * 100 + int(p0)
    p0 = p[1]
    def look():
        return n, start, p0, m
    step(5); step(6)
    n += 1000
    start *= 2
    return step(1), look(), n + start + m
@micropython.viper
def defaults(a: int, b: int = LIMIT, *rest, c=7, **more) -> int:
    return a * 10000 + b * 100 + int(c) + int(len(rest)) + int(len(more)) * 10
@micropython.viper
def keyword(a: int, *, b: uint, c: int = LIMIT) -> uint:
    return uint(a) + b + uint(c)
print(keyword(4, b=-1), keyword(b=5, a=6, c=1))
@micropython.viper
def pick(items, n: int):
    return sorted(items, key=lambda x: str(n)[0] + str(x))
@micropython.viper
def guarded(n: int) -> int:
    t = 0
    def add():
        nonlocal t
        t = int(t) + 10
        if int(t) > int(n): raise ValueError
    try:
        while True:
            t += 1
            add()
    except ValueError:
        return t
    finally:
        t += 500
print(counter(7, b'xyz'))
print(defaults(1), defaults(1, 2), defaults(1, 2, 3, 4), defaults(1, c=-1, d=5), defaults(a=3))
print(pick([3, 1, 2], 4), guarded(35))
try: defaults()
except TypeError: print('type')
try: defaults('x')
except TypeError: print('type')
"""


WITH: Final = """
class M:
    def __init__(self, n, eat): self.n = n; self.eat = eat
    def __enter__(self): print('enter', self.n); return self.n
    def __exit__(self, kind, error, trace): print('exit', self.n, kind); return self.eat
@micropython.viper
def f(a: int, eat) -> int:
    t = 0
    for i in range(a):
        with M(i, eat) as n:
            t += int(n) * 10
            if i == 2:
                continue
            if i == 5:
                break
            with M(i + 100, False):
                if i == 3:
                    raise ValueError(i)
                if i == 7:
                    return t
            t += 1
    return t
for eat in (True, False):
    for a in (0, 1, 3, 4, 6):
        try: print(f(a, eat))
        except ValueError as e: print('left', e)
"""


def as_python(source: str) -> str:
    """The program without viper, the sum of uints apart."""
    source = source.replace("uint(a) + b +", "(a + b & 0xffffffff) +")
    return "uint = int\n" + re.sub(r"^ *@micropython.viper\n", "", source, flags=re.M)


@pytest.mark.parametrize(("release", "arch"), [
    ("1.17", "armv7m"), ("1.29", "armv7m"), ("1.29", "armv6m"), ("1.29", "xtensawin"),
    ("1.17", "xtensa"), ("1.20", "armv7m"), ("1.22", "armv7em")])
@pytest.mark.parametrize("level", ["1", "2", "s"])
def test_closures_and_arguments(level: str, release: str, arch: str) -> None:
    player = Player(release, arch)
    wanted = player.output(player.compiled(as_python(PROGRAM), Emit.BYTECODE, Optimise()))
    assert "left by" not in wanted and len(wanted.splitlines()) == 6
    notes: list[str] = []
    optimise = Optimise(level, check=True, viper_checks=level == "1", notes=notes)
    assert player.output(player.compiled(PROGRAM, Emit.BYTECODE, optimise)) == wanted
    assert notes == []


@pytest.mark.parametrize("n_registers", [0, 5])
@pytest.mark.parametrize(("release", "arch"), [
    ("1.17", "armv7m"), ("1.29", "armv7m"), ("1.29", "armv6m"), ("1.17", "xtensa")])
def test_with(n_registers: int, release: str, arch: str) -> None:
    player = Player(release, arch)
    wanted = player.output(player.compiled(as_python(WITH), Emit.BYTECODE, Optimise()))
    assert wanted.count("left") == 2
    notes: list[str] = []
    if arch == "xtensa":
        n_registers = 0
    optimise = Optimise("2", check=True, n_registers=n_registers, notes=notes)
    assert player.output(player.compiled(WITH, Emit.BYTECODE, optimise)) == wanted
    assert notes == []


TYPED: Final = """
@micropython.viper
def f(n: int) -> int:
    t = 5
    def g(v):
        nonlocal t
        t = v
    g(7)
    a = t * n
    try: g("x"); t += 1
    except TypeError: print("no number")
    return a
print(f(3))
"""


def test_a_shared_variable_keeps_its_type() -> None:
    player = Player("1.29", "armv7m")
    mpy = player.compiled(TYPED, Emit.BYTECODE, Optimise("2", check=True))
    assert player.output(mpy) == "no number\n21\n"


def test_strict_refuses_shared_variables() -> None:
    for opt, strict in (("0", False), ("2", True)):
        with pytest.raises(mpy_cross.CompileError):
            mpy_cross.compile(TYPED, "a.py", release="1.29", arch="armv7m", opt=opt, strict=strict)


def test_types_of_keyword_arguments_behind_starred_ones() -> None:
    notes: list[str] = []
    player = Player("1.29", "armv7m")
    player.compiled("@micropython.viper\ndef f(*a, b: int) -> int:\n    return b\n",
                    Emit.BYTECODE, Optimise("2", notes=notes))
    assert "behind starred ones" in notes[0]
