"""Small native and viper programs at the releases between, against the reference compilers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mpy_cross.loader.release import get
from tests.native import viper_programs
from tests.oracle import reference
from tests.oracle.compare import compare, ours
from tests.oracle.reference import Settings, Unavailable, Verdict

RELEASES = ("1.12", "1.17", "1.19", "1.20", "1.22", "1.23", "1.29", *reference.built_releases())
ARCHS = ("x86", "x64", "armv6", "armv6m", "armv7m", "xtensa", "xtensawin", "rv32imc")
PAIRS = [
    (release, arch)
    for release in RELEASES
    for arch in ARCHS
    if arch in get(release).march and not (arch == "armv6m" and get(release).mpy_version == 5)
]
# Until 1.19, the reference takes the name of some operators from behind the end of a table, so that
# it depends on the build.
NAMED_OPERATOR = re.compile(r"binary op \w* not implemented")

NATIVE = {
    "calls": b"""
import sys
from sys import path as p, version
def f(a, b=1, *c, d, e=2, **g):
    x = [a, b, {d: e}, {a, b}, (c, g)]
    x[1:2], *y = a.b.c(1, *c, k=2, **g), not a, a is not b, a not in c
    del x[0], a.q
    return x[-1] + f(*x) - g['k'] if a and b or c else None
print(f(1, d=2), 'a string of more than ten', 123456789012345, 1.5, b'bytes', ...)
""",
    "closures": b"""
def f(a):
    def g(b, c=1):
        nonlocal a
        a += b
        return lambda: a * c
    class C(g):
        x = 1
        def m(self):
            return super().m() + self.x
    return g, C, [i for i in a], {i: a for i in g}
""",
    "exceptions": b"""
def f(a):
    for i in a:
        try:
            if i > 3:
                return i
            elif i:
                break
            continue
        except (ValueError, KeyError) as e:
            print(e)
            raise e
        finally:
            with a as b, b:
                try:
                    return g(b)
                except:
                    pass
                else:
                    a.x += 1
    else:
        raise ValueError
    while a:
        with a:
            if b:
                break
""",
    "generators": b"""
def f(a):
    x = yield
    try:
        try:
            x = yield a
            yield from x
        finally:
            yield 1
    except ValueError as e:
        return (yield e)
    return (i for i in a)
""",
    "async with": b"""
async def g(a):
    async with a as b:
        await b
""",
    "async for": b"""
async def g(a):
    async for c in a:
        if c:
            await c
""",
    "prelude offsets": b"".join(
        b"def f%d(a, b, c):\n%s" % (n, b"    a = g(b, c)\n" * n) for n in range(1, 12)
    ),
    "many locals": b"def f():\n" + b"".join(b"    a%d = g(%d)\n" % (n, n * n) for n in range(40)),
}

VIPER = {
    "integers": b"""
@micropython.viper
def f(a: int, b: int, c: int) -> int:
    x = a + b * c - (a & b | c ^ 7)
    y = x << a
    y >>= 3
    y //= b
    z = y % 100000
    while z < a:
        z += -1000
    return int(x > y) + int(x <= y) + int(x >= y) + int(x == y) + int(x != y) + z
""",
    "pointers": b"""
@micropython.viper
def f(buf, n: int, v: int) -> int:
    p = ptr8(buf)
    q = ptr16(buf)
    r = ptr32(buf)
    p[0] = q[0]
    q[0] = r[0]
    r[0] = p[0]
    p[1] = q[5]
    q[6] = r[31]
    r[7] = p[31]
    p[40] = q[100]
    q[300] = r[2000]
    r[33] = p[5000]
    p[n] = q[n]
    q[n] = r[n]
    r[n] = p[n]
    p[n + 1] = q[n - 1]
    for i in range(n):
        p[i] = v + int(r[i])
    return r[n] + p[3]
""",
    "objects": b"""
@micropython.viper
def f(a, b: object, c: bool, d) -> object:
    global z
    z = a
    if c and d:
        return a[b] + d
    x = [a, 1, 'str', None, True]
    x[0] = b
    y = const(5)
    x[1] = 2
    a.m(1, 2)
    try:
        g(d, a)
    finally:
        a.close()
    return x
@micropython.viper
def g(a: uint) -> uint:
    return a
@micropython.viper
def h(a: int) -> bool:
    return a == 1
@micropython.viper
def k(a: int, b: int, c: int, d: int):
    pass
""",
    "attribute": b"""
@micropython.viper
def f(a, n: int):
    a.b = n
""",
    "unary": b"""
@micropython.viper
def f(a: int, b: uint) -> int:
    c = -a
    d = ~c + c
    e = +d
    return -(a + 1) + ~(a * d) + -e
""",
    "not": b"""
@micropython.viper
def f(a: int) -> bool:
    return not a
""",
    "uint": b"""
@micropython.viper
def f(a: uint, b: uint) -> uint:
    c = a + b >> a
    if a < b or a >= c or a <= b or c > b:
        c <<= b
    return c ^ a
""",
    "int and uint": b"""
@micropython.viper
def f(a: int, b: uint) -> int:
    return a + b & a
""",
    "comparison of int and uint": b"""
@micropython.viper
def f(a: int, b: uint) -> bool:
    return a < b
""",
    "division of uint": b"""
@micropython.viper
def f(a: uint, b: uint) -> uint:
    return a // b
""",
    "subscripts keep registers": b"""
@micropython.viper
def f(p: ptr8, n: int) -> int:
    return (p[1] + p[2]) * (p[n] + (p[n + 1] << p[9])) + p[100]
""",
}

CASES = [(name, source, Settings(emit="native")) for name, source in NATIVE.items()]
CASES += [(name, source, Settings()) for name, source in VIPER.items()]


@pytest.mark.parametrize(("release", "arch"), PAIRS)
@pytest.mark.parametrize(("name", "source", "settings"), CASES, ids=[case[0] for case in CASES])
def test_same_machine_code(
    release: str, arch: str, name: str, source: bytes, settings: Settings
) -> None:
    settings = settings._replace(arch=arch)
    try:
        theirs = reference.answer(release, source, "x.py", settings)
    except Unavailable as reason:
        pytest.skip(str(reason))
    kind, explanation = compare(theirs, ours(release, source, "x.py", settings))
    assert kind in ("same", "reference crash"), f"{kind}\n{explanation}"


@pytest.mark.parametrize("release", RELEASES)
def test_programs_are_accepted(release: str) -> None:
    """The comparisons above are of code, not of errors, for most programs."""
    try:
        answers = [
            reference.answer(release, source, "x.py", settings._replace(arch="x64"))
            for _, source, settings in CASES
        ]
    except Unavailable as reason:
        pytest.skip(str(reason))
    accepted = sum(answer.verdict is Verdict.ACCEPTED for answer in answers)
    assert accepted * 2 > len(CASES)


VIPER_PAIRS = [
    (release, arch)
    for release, arch in PAIRS
    if release not in ("1.17", "1.29") and arch in ("x64", "armv7m", "xtensawin", "rv32imc")
]


@pytest.mark.parametrize(("release", "arch"), VIPER_PAIRS)
def test_viper_operators_pointers_and_types(release: str, arch: str) -> None:
    settings = Settings(arch=arch)
    wrong = []
    for name, text in viper_programs.systematic():
        source = text.encode()
        try:
            theirs = reference.answer(release, source, "x.py", settings)
        except Unavailable as reason:
            pytest.skip(str(reason))
        mine = ours(release, source, "x.py", settings)
        if release in reference.built_releases():
            theirs = replace(theirs, text=NAMED_OPERATOR.sub("binary op", theirs.text))
            mine = replace(mine, text=NAMED_OPERATOR.sub("binary op", mine.text))
        kind, explanation = compare(theirs, mine)
        if kind not in ("same", "reference crash"):
            wrong.append(f"{name}: {kind}\n{explanation}")
    assert wrong == []
