"""Programs with machine code that run on boards with several kinds of cores, and how to look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get


def session_of(board: str, release: str, record: bool = False) -> Session:
    """A board before its program, with a compiler for its core."""
    chosen = get(release)
    return Session(board, chosen, compiler_for(chosen, find_board(board).arch), record=record)


@contextmanager
def ran(board: str, release: str, source: str, record: bool = False) -> Iterator[Session]:
    """A board after a program, which has ended without an error."""
    session = session_of(board, release, record)
    outcome = session.run_source(source)
    assert outcome is not None and outcome.status == 0, outcome
    yield session
    session.close()


DEEP: Final = """
@micropython.native
def down(n, through):
    return 0 if n == 0 else 1 + through(n - 1)
def host(n):
    return down(n, host)
print(host(200))
@micropython.native
def catch(n, through):
    if n == 150:
        try:
            return through(n - 1)
        except ValueError as error:
            return 'caught', n, error
    if n == 0:
        raise ValueError('deep')
    return through(n - 1)
def host2(n):
    return catch(n, host2)
print(host2(180))
@micropython.native
def numbers(n):
    for i in range(n):
        try:
            yield i
        except KeyError:
            yield -i
@micropython.native
def all_of(n):
    if not n:
        return
    yield from numbers(n)
    yield from all_of(n - 1)
it = all_of(3)
print(next(it), next(it), it.throw(KeyError()), list(it))
@micropython.native
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(12))
@micropython.native
def endless(n):
    return endless(n + 1)
try:
    endless(0)
except RuntimeError as error:
    print(error)
@micropython.native
def alternate():
    return other()
def other():
    return alternate()
try:
    alternate()
except RuntimeError as error:
    print(error)
"""
"""Calls that nest, in machine code alone and with bytecode between them."""
DEEP_PRINTS: Final = (
    "200\n('caught', 150, ValueError('deep',))\n0 1 -1 [2, 0, 1, 0]\n144\n"
    "maximum recursion depth exceeded\nmaximum recursion depth exceeded\n")
MIXED: Final = """
import time, machine
from machine import Pin, Timer
pin = Pin({pin!r}, Pin.OUT)
ticks = []
def tick(timer):
    ticks.append(time.ticks_us())
    pin(len(ticks) & 1)
timer = Timer(-1, mode=Timer.PERIODIC, period=3, callback=tick)
@micropython.viper
def spin(n: int) -> int:
    total = 0
    while n:
        total ^= n * 7
        n -= 1
    return total
@micropython.native
def halves(values):
    out = []
    for value in values:
        try:
            out.append(1000 // value)
        except ZeroDivisionError as error:
            out.append(repr(error))
    return out
@micropython.native
def numbers(n):
    for i in range(n):
        yield i * i
def plain(n):
    total = 0
    for i in range(n):
        total += spin(i) + sum(numbers(i % 7))
    return total
for step in range(12):
    print(step, plain(60), halves([step, 3, step - 4]), spin(20000), time.ticks_us())
    time.sleep_ms(1)
timer.deinit()
print(ticks)
"""


def runs_are_the_same(board: str, release: str, pin: str | int) -> None:
    """Two runs: the console, edges and changes, time and instructions."""
    results = []
    for _ in range(2):
        with ran(board, release, MIXED.format(pin=pin), record=True) as session:
            trace = [event.json() for event in session.machine.trace.events]
            core = session.runtime.native.core
            results.append((session.console, trace, session.now, core.instructions))
    assert results[0] == results[1]
    console, trace, now, instructions = results[0]
    assert console.count("\n") == 13 and len(trace) > 10 and instructions > 10_000
    assert len(eval(console.splitlines()[-1])) >= 5  # the timer went off
    assert now > 12_000_000


TOGGLE: Final = """
from machine import Pin
pin = Pin({pin!r}, Pin.OUT)
pin(0)
@micropython.viper
def toggle(n: int):
    register = ptr32({register})
    while n:
        register[0] = {high}
        register[{low_at}] = {low}
        n -= 1
toggle(6)
"""


def edges_have_their_own_times(board: str, program: str, pin: str | int, longest: int,
                               spread: int) -> None:
    """Six pulses that viper makes: each some instructions long, all about as far apart (ns)."""
    with ran(board, "1.17", program, record=True) as session:
        edges = session.machine.trace.edges(session.machine.pin(pin).label)[-12:]
    assert [level for _, level in edges] == [1, 0] * 6
    highs = [edges[n + 1][0] - edges[n][0] for n in range(0, 12, 2)]
    periods = [edges[n + 2][0] - edges[n][0] for n in range(0, 10, 2)]
    assert min(highs) > 10 and max(highs) < longest
    assert max(periods) - min(periods) < spread < min(periods)


INTS: Final = ("0, 0", "7, 3", "-7, 3", "7, -3", "-8, -3", "12345, 678", "-99999, 41", "1, 20")
FUNCTIONS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "arithmetic": ("(a: int, b: int) -> int:\n return a * 3 + b - (a - b) * 2\n", INTS),
    "bits": ("(a: int, b: int) -> int:\n return (a & b) | (a ^ 85) & b\n", INTS),
    "shifts": ("(a: int, b: int) -> int:\n return (a << (b & 7)) + (a >> (b & 15))\n", INTS),
    "division": ("(a: int, b: int) -> int:\n return a // (b | 1) * 100 + a % (b | 1)\n", INTS),
    "order": ("(a: int, b: int) -> int:\n n = 0\n if a < b:\n  n += 1\n if a <= b:\n  n += 2\n"
              " if a == b:\n  n += 4\n if a != b and not a > b:\n  n += 8\n return n\n", INTS),
    "loop": ("(a: int) -> int:\n total = 0\n for i in range(a):\n  if i == 7:\n   continue\n"
             "  if i > 30:\n   break\n  total += i * i\n return total\n",
             ("0", "1", "8", "100")),
    "gcd": ("(a: int, b: int) -> int:\n while b:\n  c = a % b\n  a = b\n  b = c\n return a\n",
            ("48, 36", "17, 5", "0, 4", "1 << 20, 1 << 12")),
    "buffers": ("(p: ptr8, q: ptr8, n: int) -> int:\n s = 0\n for i in range(n):\n"
                "  s += p[i] * 3 + q[i]\n  p[i] = i\n return s + p[n - 1]\n",
                ("bytearray(b'abcdef'), bytes([255, 0, 7]), 3",)),
    "objects": ("(a, b):\n return a + b\n",
                ("1, 2", "1.5, 2", "'a', 'b'", "[1], [2]", "(1,), ()", "1, 'b'", "None, 1",
                 "(1 << 30) - 1, 1", "-(1 << 30), -1", "True, True")),
    "subscripts": ("(a, b):\n return a[b]\n",
                   ("[1, 2], 1", "{'k': 5}, 'k'", "'xyz', -1", "[1], 5", "{}, 1", "5, 0")),
    "calls": ("(a, b):\n return sorted(a, key=b), len(a), max(a)\n",
              ("[3, -1, 2], None", "[3, -1, 2], abs", "[], None", "['b', 'a'], len")),
    "attributes": ("(a, b):\n return a.replace(b, 'x'), a.upper()\n",
                   ("'hello', 'l'", "'', 'a'", "5, 'a'")),
    "building": ("(a, b):\n x = [a, b]\n x.append((a, b))\n d = {a: b}\n"
                 " return x, d, a in d, b is a\n", ("1, 2", "'k', 'v'", "2.5, None")),
    "unpacking": ("(a):\n b, *c = a\n return c, b\n",
                  ("[1, 2, 3]", "'xy'", "[]", "range(4)", "7")),
    "recursion": ("(a, f):\n return a if a < 2 else f(a - 1, f) + f(a - 2, f)\n",
                  ("0, fib", "7, fib", "12, fib")),
}
KINDS: Final = ("bytecode", "native", "viper")
OBJECTS_ONLY: Final = {"recursion", "unpacking"}
"""These calculate with objects and constants, which viper does not."""


def agreement(kind: str) -> str:
    """A program that prints what all the functions give."""
    lines = ["def show(f, *args):", " try:", "  print(f(*args))", " except Exception as error:",
             "  print(type(error).__name__)",
             "def fib(a, f):", " return a if a < 2 else f(a - 1, f) + f(a - 2, f)"]
    for name, (text, cases) in FUNCTIONS.items():
        used = "native" if kind == "viper" and name in OBJECTS_ONLY else kind
        lines += [f"@micropython.{used}", f"def f{text}"]
        lines += [f"print({name!r}, end=' '); show(f, {case})" for case in cases]
    return "\n".join(lines) + "\n"


def kinds_agree(boards: Sequence[str], releases: Sequence[str]) -> list[str]:
    """All kinds of code print the same on some boards; the lines."""
    results: dict[str, list[str]] = {}
    for board in boards:
        for release in releases:
            for kind in KINDS:
                with ran(board, release, agreement(kind)) as session:
                    results.setdefault(session.console, []).append(
                        f"{kind} on {board}, {release}")
    texts = [text.splitlines() for text in results]
    differing = [lines for lines in zip(*texts, strict=True) if len(set(lines)) > 1]
    assert len(results) == 1, (list(results.values()), differing)
    lines = texts[0]
    assert len(lines) == sum(len(cases) for _, cases in FUNCTIONS.values())
    assert lines[-1] == "recursion 144"
    return lines
