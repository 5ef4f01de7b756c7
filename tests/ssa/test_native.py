"""Native functions at every opt level: programs, generated ones, and details of small ints."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import pytest

from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from tests.ssa import generate_native
from tests.ssa.programs import Player

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

FOLDER: Final = Path(__file__).parents[1] / "native" / "programs"
PROGRAMS: Final = sorted(path.stem for path in FOLDER.glob("*.py"))
TARGETS: Final = (("1.17", "armv7m"), ("1.29", "armv7emsp"), ("1.29", "armv6m"))
LEVELS: Final = ("1", "2", "s")
FEW: Final = Optimise("2", n_registers=4, check=True)


@cache
def player(release: str, arch: str) -> Player:
    return Player(release, arch)


def printed(source: str, target: tuple[str, str], optimise: Optimise) -> str:
    one = player(*target)
    return one.output(one.compiled(source, Emit.BYTECODE, optimise))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, level: str) -> None:
    source = (FOLDER / f"{name}.py").read_text()
    target = TARGETS[len(name) % len(TARGETS)]
    found = printed(source, target, Optimise(level, check=True))
    assert found == printed(source, target, Optimise())


@pytest.mark.parametrize("seed", range(3))
def test_generated_programs(seed: int) -> None:
    source = generate_native.program(seed)
    target = TARGETS[seed]
    wanted = printed(generate_native.as_python(source), target, Optimise())
    for optimise in (Optimise("1", check=True), Optimise("2", check=True), FEW):
        assert printed(source, target, optimise) == wanted


DETAILS: Final = """\
import micropython

@micropython.native
def add(a, b): return a + b
@micropython.native
def subtract(a, b): return a - b
@micropython.native
def multiply(a, b): return a * b
@micropython.native
def divide(a, b): return a // b
@micropython.native
def modulo(a, b): return a % b
@micropython.native
def left(a, b): return a << b
@micropython.native
def right(a, b): return a >> b
@micropython.native
def both(a, b): return a & b, a | b, a ^ b
@micropython.native
def compare(a, b): return a < b, a <= b, a == b, a != b, a >= b, a > b
@micropython.native
def alone(a, b): return -a, ~b, +a, not b
@micropython.native
def by_numbers(a, b):
    return a + 1, 1 - a, a - -5, a * 3, a // 10, a % 10, a // 8, b % 8, b << 4, b >> 4, a & 15
numbers = (0, 1, -1, 2, -2, 7, -7, 30, 31, 100, 32767, 32768, -32768, 46341, (1 << 29) - 1,
           1 << 29, (1 << 30) - 1, 1 << 30, -(1 << 30), -(1 << 30) - 1, 1 << 33, True, 2.5, "x")
def run(f, a, b):
    try:
        return f(a, b)
    except Exception as error:
        return type(error).__name__
for f in (add, subtract, multiply, divide, modulo, both, compare, alone, by_numbers):
    for a in numbers:
        print([run(f, a, b) for b in numbers])
for f in (left, right):
    for a in numbers:
        print([run(f, a, b) for b in numbers if b in (True, 2.5, 'x') or b < 101])
"""


@pytest.mark.parametrize("target", TARGETS)
def test_operators_at_the_edges(target: tuple[str, str]) -> None:
    wanted = printed(DETAILS.replace("@micropython.native", ""), target, Optimise())
    assert wanted.count("\n") == 11 * 24
    for optimise in (Optimise("1", check=True), FEW):
        assert printed(DETAILS, target, optimise) == wanted


LOOPS: Final = """\
import micropython

@micropython.native
def grows(n):
    total = 0x3ffffff0
    for i in range(n):
        total += i
    return total

@micropython.native
def falls(n):
    total = -0x3ffffff0
    while n > -8:
        n -= 1
        total -= n * n
    return total, n

@micropython.native
def changes(things):
    total = 0
    for thing in things:
        total = total + thing
        if total == 7:
            total = "seven: "
    return total

@micropython.native
def up_to(limit):
    last = None
    for i in range(limit):
        last = i
        if i == 3:
            continue
        elif i > 5:
            break
    else:
        return "all", last
    return last

@micropython.native
def nested(n):
    rows = []
    for i in range(n):
        row = []
        for j in range(i, n, 2):
            row.append(i * j if i < j else -j)
        rows.append(row)
    return rows

@micropython.native
def arguments(a, b=3, *rest, c=5, **others):
    return a + b, rest, c, sorted(others.items())

def factory(step):
    count = 0
    @micropython.native
    def counter(n):
        nonlocal count
        for _ in range(n):
            count += step
        return count
    return counter

print(grows(3), grows(40), grows(0), grows(-1))
print(falls(5), falls(40000))
print(changes([1, 2, 3]), changes([3, 4, "x", "y"]), changes([1.5, 1]))
print(changes([True, 1 << 29] * 9))
print(up_to(2), up_to(9), up_to(0), up_to(2.5))
print(nested(5))
print(arguments(1), arguments(1, 2, 3, 4, c=6, d=7), arguments(b=1, a=2))
for wrong in (lambda: arguments(), lambda: grows(), lambda: grows(1, 2), lambda: grows(m=1),
              lambda: changes(7), lambda: up_to("5"), lambda: falls(None)):
    try:
        print(wrong())
    except Exception as error:
        print(type(error).__name__)
print(grows(n=4))
count = factory(3)
print(count(2), count(5), factory(1 << 29)(4))
"""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("target", TARGETS)
def test_loops_and_arguments(target: tuple[str, str], level: str) -> None:
    wanted = printed(LOOPS.replace("@micropython.native", ""), target, Optimise())
    assert wanted.startswith("1073741811 1073742588 ")
    assert printed(LOOPS, target, Optimise(level, check=True)) == wanted


def test_what_is_left_to_the_baseline() -> None:
    """Generators without operators are; the rest of the module is not."""
    notes: list[str] = []
    source = ("import micropython\n@micropython.native\ndef one(n):\n    yield n\n"
              "@micropython.native\ndef two(n):\n    return n + 1\nprint(list(one(4)), two(6))\n")
    assert printed(source, TARGETS[1], Optimise("2", notes=notes)) == "[4] 7\n"
    assert notes == ["one: not optimised: a generator without operators"]


@pytest.mark.parametrize("target", TARGETS[1:3])
def test_constants_beyond_the_reach_of_a_displacement(target: tuple[str, str]) -> None:
    others = "".join(f"    b'constant {i}'.x\n" for i in range(1100))
    source = (f"import micropython\ndef g():\n{others}\n@micropython.native\ndef f():\n"
              "    return b'the last'\nprint(f())\n")
    notes: list[str] = []
    assert printed(source, target, Optimise("2", notes=notes)) == "b'the last'\n"
    assert notes == []
