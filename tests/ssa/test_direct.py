"""Viper functions that call each other directly (`# mpy: direct`), on each architecture."""

from __future__ import annotations

import os
from typing import Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

import mpy_cross
from bench import calls
from bench.codegen_count import Bench
from mpy_cross.emitters.ssa import tail_calls
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.emitters.ssa.text import function_text, parse_function
from mpy_cross.emitters.ssa.verify import verify
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import get
from tests.ssa.programs import Player

TARGETS: Final = (("1.17", "armv7m"), ("1.29", "armv7emsp"), ("1.29", "armv6m"),
                  ("1.17", "xtensawin"), ("1.29", "xtensawin"), ("1.17", "xtensa"),
                  ("1.29", "xtensa"))
every_target = pytest.mark.parametrize(("release", "arch"), TARGETS)
VIPER: Final = "@micropython.viper"
SETTINGS: Final = (*(Optimise(level, check=True) for level in "12s"),
                   *(Optimise("2", check=True, n_registers=n) for n in (4, 6)),
                   Optimise("2", check=True, viper_checks=True))
"""One of them in turn, or all if the environment has MPY_DIRECT_ALL."""


def marked(source: str) -> str:
    """Every viper function without a comment is called directly."""
    return source.replace(f"{VIPER}\n", f"{VIPER}  # mpy: direct\n")


def output(source: str, release: str, arch: str, optimise: Optimise) -> str:
    player = Player(release, arch)
    return player.output(player.compiled(source, Emit.BYTECODE, optimise))


def same_everywhere(source: str, wanted: str, release: str, arch: str) -> None:
    """What a program prints with every setting, nothing being left to the run-time."""
    notes: list[str] = []
    turn = (TARGETS.index((release, arch)) + len(source)) % len(SETTINGS)
    chosen = SETTINGS if "MPY_DIRECT_ALL" in os.environ else SETTINGS[turn : turn + 1]
    for optimise in chosen:
        found = output(source, release, arch, optimise._replace(notes=notes))
        assert found.splitlines() == wanted.splitlines(), optimise
    assert notes == []


RECURSIVE: Final = """
@micropython.viper
def fib(n: int) -> int:
    return n if n < 2 else int(fib(n - 1)) + int(fib(n - 2))
@micropython.viper
def gcd(a: int, b: int) -> int:
    if b:
        return int(gcd(b, a % b))
    return a
@micropython.viper
def ackermann(m: int, n: int) -> int:
    if m == 0:
        return n + 1
    if n == 0:
        return int(ackermann(m - 1, 1))
    return int(ackermann(m - 1, int(ackermann(m, n - 1))))
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
@micropython.viper
def even(n: int) -> bool:
    return True if n == 0 else bool(odd(n - 1))
@micropython.viper
def odd(n: int) -> bool:
    return False if n == 0 else bool(even(n - 1))
@micropython.viper
def all_of_them(n: int):
    return fib(n), gcd(n * 12, 18), ackermann(2, n), even(n), odd(n)
b = bytearray((i * 37 + 11) & 255 for i in range(60))
print(fib(10), gcd(1071, 462), gcd(-12, 18), ackermann(2, 3), even(10), odd(10))
print(quick(b, 0, 59), b == bytearray(sorted(b)), all_of_them(9))
"""
RECURSIVE_PRINTS: Final = """55 21 6 9 True False
None True (34, 18, 21, False, True)
"""


@every_target
def test_functions_that_call_themselves_and_each_other(release: str, arch: str) -> None:
    same_everywhere(marked(RECURSIVE), RECURSIVE_PRINTS, release, arch)


MANY: Final = """
@micropython.viper
def many(a: int, b: uint, c: bool, p: ptr8, o, e: int, q: ptr16, l) -> uint:
    l.append(o)
    l.append(c)
    x = int(len(o)) * 11
    return uint(a) + b * 2 + uint(x) + uint(p[1] * 7 + e * 13 + q[1])
@micropython.viper
def five(a: int, b: int, c: int, d: int, e: int = 5) -> int:
    return a + b * 10 + c * 100 + d * 1000 + e * 10000
@micropython.viper
def six(a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    return int(five(f, e, d, c)) + int(five(a, b, c, d, e)) * 100000 + int(five(f, f, f, f, f)) % 7
@micropython.viper
def pair(o, n: int):
    return (o, n)
@micropython.viper
def nothing(p: ptr32, n: int):
    p[n] = n * n
@micropython.viper
def offset(p: ptr8, n: int) -> ptr8:
    return ptr8(int(p) + n)
@micropython.viper
def f(b, n: int):
    l = []
    r = many(n, 3, n, b, "abc", n * n, b, l)
    s = many(0, 0, 0, b, "", 0, b, l)
    for i in range(3):
        nothing(b, i)
    moved = ptr8(offset(b, 4))
    return r, s, l, six(1, 2, 3, 4, 5, 6), pair(pair(None, n), 1 << 29), moved[0], int(moved[4])
b = bytearray(range(12))
print(f(b, 7), b)
"""
MANY_PRINTS: Final = "(1460, 777, ['abc', True, '', False], {six}, ((None, 7), 536870912), 1, 4) " \
                     "bytearray(b'\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x04\\x00\\x00\\x00')\n"


def five(a: int, b: int, c: int, d: int, e: int = 5) -> int:
    return a + b * 10 + c * 100 + d * 1000 + e * 10000


def six_of_five() -> int:
    six = five(6, 5, 4, 3) + five(1, 2, 3, 4, 5) * 100000 + five(6, 6, 6, 6, 6) % 7
    return (six + 2**31) % 2**32 - 2**31


@every_target
def test_arguments_and_results_of_all_types(release: str, arch: str) -> None:
    wanted = MANY_PRINTS.replace("{six}", str(six_of_five()))
    source = marked(MANY)
    # A pointer that is a result has no limit, so that nothing is out of it.
    same_everywhere(source, wanted, release, arch)


EXCEPTIONS: Final = """
limit = 5
@micropython.viper
def check(n: int, o) -> int:
    if n > int(limit):
        raise ValueError(o)
    return n * 2
@micropython.viper
def deep(n: int, o) -> int:
    global count
    count = int(count) + 1
    if n == 0:
        return int(check(int(len(o)), o))
    return int(deep(n - 1, o)) + 1
@micropython.viper
def handled(n: int, o) -> int:
    r = 0
    try:
        r = int(deep(n, o))
        r += 1000
    except ValueError as e:
        r -= int(len(e.args[0]))
    finally:
        r *= 10
    return r
@micropython.viper
def outside(n: int, o) -> int:
    s = int(handled(n, o))
    try:
        s += int(deep(n, o))
    except ValueError:
        s = 0 - s
    return s
count = 0
for n in 0, 1, 7:
    for o in "abc", [1, 2, 3, 4, 5, 6]:
        print(handled(n, o), outside(n, o), count)
        try:
            print(deep(n, o))
        except ValueError as e:
            print(e.args)
try:
    deep(3, 5)
except TypeError:
    print("no length")
"""
EXCEPTIONS_PRINTS: Final = """10060 10066 3
6
-60 60 7
([1, 2, 3, 4, 5, 6],)
10070 10077 14
7
-60 60 22
([1, 2, 3, 4, 5, 6],)
10130 10143 48
13
-60 60 80
([1, 2, 3, 4, 5, 6],)
no length
"""


@every_target
def test_exceptions_pass_through(release: str, arch: str) -> None:
    """Globals are read in what is called; handlers are in callers, and in what is called."""
    same_everywhere(marked(EXCEPTIONS), EXCEPTIONS_PRINTS, release, arch)


COLLECTED: Final = """
from gc import collect
@micropython.viper
def build(n: int, o):
    if n == 0:
        collect()
        return (o,)
    x = [n, o]
    s = str(n) + str(n) + str(n)
    y = build(n - 1, (s, o))
    collect()
    return (x, y, s, str(n))
@micropython.viper
def keeps(a, b, c, d, e, f, g, n: int):
    l = [int(n)]
    if n:
        return keeps(str(n), a, b, c, d, e, [f, g], n - 1)
    collect()
    x = sorted(range(50))
    return a, b, c, d, e, f, g, l, len(x)
@micropython.viper
def f(n: int):
    return build(n, str(n)), keeps(1, 2, 3, 4, 5, 6, 7, n)
print(f(4))
"""
COLLECTED_PRINTS: Final = (
    "(([4, '4'], ([3, ('444', '4')], ([2, ('333', ('444', '4'))], ([1, ('222', ('333', ('444', "
    "'4')))], (('111', ('222', ('333', ('444', '4')))),), '111', '1'), '222', '2'), '333', '3'), "
    "'444', '4'), ('1', '2', '3', '4', 1, 2, [3, [4, [5, [6, 7]]]], [0], 50))\n")


@every_target
def test_objects_are_not_collected(release: str, arch: str) -> None:
    """They are in registers that parts keep, and in frames."""
    same_everywhere(marked(COLLECTED), COLLECTED_PRINTS, release, arch)


OTHER_MODULE: Final = """
@micropython.viper
def inner(n: int) -> int:
    return n * int(factor)
@micropython.viper
def outer(n: int) -> int:
    return int(inner(n)) + int(inner(n + 1))
factor = 10
f = outer
"""


@every_target
def test_globals_are_those_of_the_module(release: str, arch: str) -> None:
    """Called from another module, with an exception on the way."""
    player = Player(release, arch)
    text: list[str] = []
    runtime = Runtime(player.release, compiler_for(player.release, arch), text.append)
    runtime.arch = arch
    names: dict[str, object] = {"__name__": "one"}
    mpy = player.compiled(marked(OTHER_MODULE), Emit.BYTECODE, Optimise("2", check=True))
    runtime.execute(runtime.load(mpy), names, names)
    user = ("factor = 1\n@micropython.viper\ndef g(n: int) -> int:\n    r = int(f(n))\n"
            "    return r * 100 + int(factor)\nprint(g(2))\n")
    others: dict[str, object] = {"__name__": "two", "f": names["f"]}
    mpy = player.compiled(user, Emit.BYTECODE, Optimise("2", check=True))
    runtime.execute(runtime.load(mpy), others, others)
    assert "".join(text) == "5001\n"


CHECKED: Final = """
@micropython.viper
def load(p: ptr8, i: int) -> int:
    return p[i]
@micropython.viper
def total(a, p: ptr16, n: int, q: ptr8, m: int) -> int:
    s = int(load(a, n))
    s += p[m] + q[m]
    return s if n == 0 else s + int(total(a, p, n - 1, q, m))
@micropython.viper
def f(a, n: int, m: int) -> int:
    try:
        return int(total(a, a, n, a, m))
    except IndexError:
        return -1
b = bytearray(range(10))
print(f(b, 9, 4), f(b, 10, 0), f(b, 3, 5), f(b, -1, 0), f(b, 0, 1))
"""


@every_target
def test_limits_of_pointers_are_passed(release: str, arch: str) -> None:
    optimise = Optimise("2", check=True, viper_checks=True)
    wanted = f"{sum(range(10)) + 10 * (9 * 256 + 8 + 4)} -1 -1 -1 {3 * 256 + 2 + 1}\n"
    n_registers = 4 * (TARGETS.index((release, arch)) & 1)
    found = output(marked(CHECKED), release, arch, optimise._replace(n_registers=n_registers))
    assert found == wanted


# ------------------------------------------------------------------------------------- what is made


def compiled(source: str, opt: str = "2", strict: bool = False) -> list[bytes]:
    code = mpy_cross.compile(source, "a.py", release="1.29", arch="armv7m", opt=opt, strict=strict)
    return [child.code for child in read(code, get("1.29")).root.children]


LEAF: Final = f"{VIPER}\ndef g(a: int, b: int) -> int:\n    return a * b + 1\n"
CALLER: Final = f"{VIPER}\ndef f(a: int) -> int:\n    return int(g(a, 3)) ^ int(g(a, 5))\n"


def test_a_small_part_saves_nothing() -> None:
    code = compiled(marked(LEAF) + CALLER)[1]
    assert code.endswith(bytes.fromhex("4843 401c 7047"))  # muls r0, r1; adds r0, #1; bx lr


def test_a_part_is_there_once() -> None:
    one = compiled(marked(LEAF) + CALLER.replace(" ^ int(g(a, 5))", ""))[1]
    two = compiled(marked(LEAF) + CALLER)[1]
    assert len(two) < len(one) + 24


GCD: Final = """
function gcd
b0:
  v0 = livein.obj #31
  v1 = livein.int #0
  v2 = livein.int #1
  v3 = const.int #0
  br ne v2, v3 -> b2, b1
b1: preds b0
  jmp b3
b2: preds b0
  v4 = floormod.int v1, v2
  v5 = direct.int v2, v4, v0, #1
  v6 = const.int #7
  jmp b3
b3: preds b1, b2
  v7 = phi.int v1, v5
  ret v7
"""
GCD_AFTER: Final = """function gcd
b0:
  v0 = livein.obj #31
  v1 = livein.int #0
  v2 = livein.int #1
  jmp b4
b1: preds b4
  jmp b3
b2: preds b4
  v3 = floormod.int v5, v6
  jmp b4
b3: preds b1
  v4 = phi.int v5
  ret v4
b4: preds b0, b2
  v5 = phi.int v1, v6
  v6 = phi.int v2, v3
  v7 = const.int #0
  br ne v6, v7 -> b2, b1
"""


def test_a_call_at_the_end_is_a_loop() -> None:
    function = parse_function(GCD)
    assert verify(function) == []
    tail_calls.run(function, 0, 2, False)
    assert verify(function) == []
    assert function_text(function) == GCD_AFTER


@pytest.mark.parametrize(("old", "new"), [
    ("ret v7", "v8 = add.int v7, v6\n  ret v8"),
    ("v1, v5\n  ret", "v1, v6\n  ret"),
    ("v6 = const.int #7", "v6 = direct.int v2, v4, v0, #3"),
    ("v6 = const.int #7", "store8 v2, v4, #0\n  v6 = const.int #7"),
    ("v0, #1", "v0, #3"),
])
def test_other_calls_are_none(old: str, new: str) -> None:
    assert old in GCD
    text = GCD.replace(old, new)
    if "v8" in new:
        text = text.replace("v7, v6", "v7, v7")
    function = parse_function(text)
    assert verify(function) == []
    before = function_text(function)
    tail_calls.run(function, 0, 2, False)
    assert function_text(function) == before


def test_a_call_has_so_many_words_at_most() -> None:
    text = GCD.replace("v2, v4, v0, #1", "v2, v2, v2, v2, v4, v0, #1")
    assert verify(parse_function(text)) == []
    problems = verify(parse_function(text.replace("v4, v0, #1", "v4, v4, v0, #1")))
    assert "has 7 arguments" in problems[0]


DEEP: Final = """
@micropython.viper
def count(n: int, p: ptr32) -> int:
    if n == 0:
        return 7
    p[0] += n
    return int(count(n - 1, p))
@micropython.viper
def fill(p: ptr8, n: int):
    if n >= 0:
        p[n & 7] = n
        fill(p, n - 1)
b = bytearray(8)
print(count(4000, b), bytes(b), fill(b, 3999), bytes(b))
"""


@every_target
def test_such_calls_take_nothing_of_the_stack(release: str, arch: str) -> None:
    total = 4000 * 4001 // 2
    first = total.to_bytes(4, "little") + bytes(4)
    wanted = f"7 {first!r} None {bytes(range(8))!r}\n"
    assert output(marked(DEEP), release, arch, Optimise("2")) == wanted


def test_strict_and_level_0_heed_no_comment() -> None:
    source = LEAF + CALLER
    for opt, strict in (("0", False), ("2", True)):
        assert compiled(marked(source), opt, strict) == compiled(source, opt, strict)


@pytest.mark.parametrize("name", ["gcd(10946, 6765)", "a line of 50 pixels"])
def test_they_are_faster_and_shorter(name: str) -> None:
    bench = Bench("1.17", "armv7em")
    baseline, by_run_time, direct = (calls.measure(bench, name, version)
                                     for version in calls.VERSIONS)
    assert direct[0] * 10 < by_run_time[0] < baseline[0]
    assert direct[1] < by_run_time[1] < baseline[1]


def test_what_does_not_fit_is_left_to_the_run_time() -> None:
    notes: list[str] = []
    source = marked(LEAF) + f"{VIPER}\ndef f(a: int) -> int:\n    return int(g(a, b=3))\n"
    found = output(source + "print(f(5))\n", "1.29", "armv7m", Optimise("2", notes=notes))
    assert notes == ["f: g is called as ever in it: keyword arguments"]
    assert found == "left by TypeError\n", "viper functions take no keywords"
    source = marked(LEAF.replace("b: int", "b: int, *more")) + CALLER
    found = output(source + "print(f(5))\n", "1.29", "armv7m", Optimise("2", notes=notes))
    assert found == f"{16 ^ 26}\n"
    assert "g: not inlined: this kind of arguments or variables" in notes, notes


CLOSURES: Final = """
@micropython.viper
def step(n: int, by: int) -> int:
    return n * int(factor) + by
@micropython.viper
def chain(n: int, p: ptr8) -> int:
    return p[0] if n == 0 else int(chain(n - 1, p)) + int(step(n, 1))
@micropython.viper
def outer(start: int, *more, b=b"xyz") -> int:
    n = start
    def add(x):
        nonlocal n
        n = int(n) + int(x)
    add(chain(3, b))
    add(step(n, int(len(more))))
    return n
@micropython.viper
def mixed(n: int):
    g = step
    return g(n, 1), step(n, 2), chain(n, b"a")
factor = 10
print(outer(5, 1, 2, b=b"a"), outer(1), mixed(2))
"""
N: Final = 5 + 97 + 10 + 20 + 30 + 3
M: Final = 1 + 120 + 10 + 20 + 30 + 3
CLOSURES_PRINTS: Final = f"{N + N * 10 + 2} {M + M * 10} (21, 22, {97 + 10 + 20 + 2})\n"


@every_target
def test_functions_that_are_called_as_native_call_directly(release: str, arch: str) -> None:
    """From version 6 on; a function that is also a value elsewhere is called as ever there."""
    notes: list[str] = []
    optimise = Optimise("2", check=True, viper_checks=arch == "armv7m", notes=notes)
    found = output(marked(CLOSURES), release, arch, optimise)
    assert found == CLOSURES_PRINTS
    assert notes[-1] == "mixed: step is called as ever in it: its name as a value"
    of_version_5 = [note for note in notes if "version 5" in note]
    assert len(of_version_5) == (release == "1.17") and len(notes) == 2 + len(of_version_5)
