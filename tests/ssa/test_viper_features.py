"""-X viper-checks, inlined functions, comments behind decorators: on the run-time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

import mpy_cross
from mpy_cross.cli import main
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader.ops import Emit
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import get
from tests.ssa.programs import Player

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

TARGETS: Final = (("1.17", "armv7m"), ("1.29", "armv6m"), ("1.22", "armv7em"),
                  ("1.29", "xtensawin"))
every_target = pytest.mark.parametrize(("release", "arch"), TARGETS)


def output(source: str, release: str, arch: str, optimise: Optimise) -> str:
    player = Player(release, arch)
    return player.output(player.compiled(source, Emit.BYTECODE, optimise))


# ------------------------------------------------------------------------------------ viper-checks

CHECKED: Final = """
@micropython.viper
def load8(p: ptr8, i: int) -> int:
    return p[i]
@micropython.viper
def load16(p: ptr16, i: int) -> int:
    return p[i]
@micropython.viper
def load32(o, i: uint) -> int:
    return ptr32(o)[i]
@micropython.viper
def store16(p: ptr16, i: int, v: int):
    p[i] = v
def attempt(f, *args):
    try: print(f(*args))
    except Exception as e: print(type(e).__name__)
b = bytearray(range(10))
for i in (0, 4, 5, 9, 10, -1, 1, 2, 1 << 20, -(1 << 28)):
    for f in load8, load16, load32: attempt(f, b, i)
    attempt(store16, b, i, i)
print(b)
attempt(load8, 'abc', 1)
attempt(load8, 'abc', 3)
attempt(load8, b'', 0)
attempt(load8, 1.5, 0)
attempt(load8, None, 0)
"""
UNCHECKED: Final = """
def element(data, width, i):
    if not 0 <= i < len(data) // width: raise IndexError
    return int.from_bytes(data[i * width : (i + 1) * width], 'little')
def load8(p, i): return element(p.encode() if isinstance(p, str) else p, 1, i)
def load16(p, i): return element(p, 2, i)
def load32(p, i): return element(p, 4, i)
def store16(p, i, v):
    element(p, 2, i)
    p[i * 2 : i * 2 + 2] = bytes((v, 0))
"""


def printed(source: str) -> str:
    """What CPython prints."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(source, {})
    return out.getvalue()


def wanted_of_checked() -> str:
    """What that prints with checks."""
    model = UNCHECKED + CHECKED[CHECKED.index("def attempt"):].replace("1.5", "[]")
    lines = printed(model).splitlines()[:-2]
    return "\n".join([*lines, "TypeError", "TypeError"])


@every_target
@pytest.mark.parametrize("level", ["1", "2", "s"])
def test_indices_are_checked(level: str, release: str, arch: str) -> None:
    found = output(CHECKED, release, arch, Optimise(level, viper_checks=True, check=True))
    assert found.splitlines() == wanted_of_checked().splitlines()


LIMITS: Final = """
@micropython.viper
def joins(a, b, n: int) -> int:
    p = ptr8(a) if n & 1 else ptr8(b)
    q = ptr16(p)
    t = 0
    try:
        for i in range(n):
            t += q[i]
            p = ptr8(b)
    except IndexError:
        t += 1000000
    return t * 10 + p[n]
@micropython.viper
def number(a, i: int) -> int:
    p = ptr8(int(ptr8(a)) + 2)
    return p[i]
@micropython.viper
def either(a, i: int, n: int) -> int:
    p = ptr8(a)
    if n:
        p = ptr8(int(p) + n)
    return p[i]
b = bytearray(range(10))
for n in range(8): print(joins(b, b'abcdefgh', n))
print(number(b, -1), number(b, 3), either(b, 9, 0), either(b, -1, 2))
try: either(b, -1, 0)
except IndexError: print('outside')
"""


def _joins(n: int) -> int:
    a, b = bytes(range(10)), b"abcdefgh"
    q = a if n & 1 else b
    total, p = 0, q
    for i in range(n):
        if i * 2 >= len(q):
            total += 1000000
            break
        total += q[2 * i] + (q[2 * i + 1] << 8)
        p = b
    return total * 10 + p[n]


@every_target
@pytest.mark.parametrize("n_registers", [0, 5])
def test_a_limit_goes_where_its_pointer_goes(n_registers: int, release: str, arch: str) -> None:
    """Through casts, variables, joins and handlers; pointers made of numbers have none."""
    optimise = Optimise("2", viper_checks=True, check=True,
                        n_registers=0 if arch == "xtensawin" else n_registers)
    wanted = [*(str(_joins(n)) for n in range(8)), "1 5 9 1", "outside"]
    assert output(LIMITS, release, arch, optimise).splitlines() == wanted


def test_checks_need_a_level(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text("@micropython.viper\ndef f(p: ptr8) -> int:\n    return p[5]\n"
                    "@micropython.viper\ndef g(a):\n    return len(a)\n")
    options = ["--release", "1.29", "-march=armv7m", "-X", "viper-checks"]
    assert main([*options, "-march=x64", str(path)]) == 1
    assert main([*options, "-X", "opt=0", str(path)]) == 1
    assert "-X viper-checks needs -X opt=1, 2 or s" in capfd.readouterr().err

    def codes() -> list[bytes]:
        mpy = read(path.with_suffix(".mpy").read_bytes(), get("1.29"))
        return [child.code for child in mpy.root.children]

    assert main([*options, "--strict", str(path)]) == 0
    checked = codes()
    assert main([*options[:-2], "-X", "opt=2", str(path)]) == 0
    assert len(checked[0]) > len(codes()[0])
    assert checked[1] == codes()[1]


# ------------------------------------------------------------------------------------------ inline

INLINED: Final = """
@micropython.viper  # mpy: inline
def clamp(x: int, lo: int = 0, hi: int = 255) -> int:
    if x < lo:
        return lo
    if x > hi:
        return hi
    return x
@micropython.viper  # mpy: inline
def find(p: ptr8, n: int, c: int) -> int:
    for i in range(n):
        if p[i] == c:
            return i
    return -1
@micropython.viper  # mpy: inline
def both(a, b: bool, c: uint):
    for x in a:
        if int(x) == 3:
            return (x, b, c)
@micropython.viper  # mpy: inline
def twice(x: int) -> uint:
    return uint(int(clamp(x)) * 2 + int(clamp(x, -5, 5)))
@micropython.viper
def f(q, n: int):
    p = ptr8(q)
    s = 0
    for i in range(n):
        p[i] = int(clamp(p[i] * 3 - i * 50))
        s += int(clamp(s - 20, -100)) + (int(twice(s)) if s & 1 else int(clamp(i)))
    o = clamp(s)
    g = [find(q, n, 0), clamp(70000, 5, 1 << 29), twice(-7), both([1, 2, 3], s, -1), both([], 0, 1)]
    return (s, o, g, 1 if bool(find(p, n, 300)) else 2)
@micropython.viper
def h(n: int) -> int:
    s = 0
    while n:
        s += int(clamp(n * 7 - s))
        n -= 1
    return s
@micropython.viper
def err(n: int) -> int:
    try:
        return int(clamp(None)) + n
    except TypeError:
        return int(clamp(n))
print(f(bytearray(range(0, 100, 7)), 12), h(30), err(700))
"""


INLINED_PROGRAM: Final = INLINED.replace("err(700)", "err(70)")


def plain_of_inlined() -> str:
    """The program with all arguments, as defaults are nothing that the baseline has."""
    plain = INLINED_PROGRAM
    for call in ("clamp(x)", "clamp(i)", "clamp(s)", "clamp(None)", "clamp(n)",
                 "clamp(p[i] * 3 - i * 50)", "clamp(n * 7 - s)"):
        plain = plain.replace(call, f"{call[:-1]}, 0, 255)")
    return plain.replace("clamp(s - 20, -100)", "clamp(s - 20, -100, 255)")


@pytest.mark.parametrize("n_registers", [0, 5])
@every_target
def test_functions_are_inlined(n_registers: int, release: str, arch: str) -> None:
    notes: list[str] = []
    if arch == "xtensawin":
        n_registers = 0
    wanted = output(plain_of_inlined(), release, arch, Optimise(directives=False))
    assert "left by" not in wanted
    for level in "12s":
        optimise = Optimise(level, check=True, n_registers=n_registers, notes=notes)
        assert output(INLINED_PROGRAM, release, arch, optimise) == wanted
    assert notes == []


def compiled(source: str, **options: object) -> list[bytes]:
    code = mpy_cross.compile(source, "a.py", release="1.29", arch="armv7m",
                             **options)  # type: ignore[arg-type]
    return [child.code for child in read(code, get("1.29")).root.children]


INNER: Final = "@micropython.viper  # mpy: inline\ndef g(a: int) -> int:\n    return a + 1\n"
OUTER: Final = "@micropython.viper\ndef f(a: int) -> int:\n    return int(g(a))\n"


def test_an_inlined_call_takes_no_instruction() -> None:
    plain = "@micropython.viper\ndef f(a: int) -> int:\n    return a + 1\n"
    assert compiled(INNER + OUTER, opt="2")[1] == compiled(plain, opt="2")[0]


@pytest.mark.parametrize(("more", "reason"), [
    ("g = f\n", "bound more than once"),
    ("del g\n", "bound more than once"),
    ("def x():\n    global g\n    g = 5\n", "bound more than once"),
    ("from m import *\n", "import of all names"),
])
def test_names_that_are_bound_twice_are_not_inlined(more: str, reason: str) -> None:
    notes: list[str] = []
    source = INNER + OUTER + more
    with_comment = _with_notes(source, notes)
    assert with_comment[:2] == _with_notes(source.replace("inline", "opt=2"), [])[:2]
    assert any("g: not inlined: " in note and reason in note for note in notes), notes


def _with_notes(source: str, notes: list[str]) -> list[bytes]:
    player = Player("1.29", "armv7m")
    mpy = player.compiled(source, Emit.BYTECODE, Optimise("2", notes=notes))
    return [child.code for child in read(mpy, get("1.29")).root.children]


@pytest.mark.parametrize(("caller", "reason"), [
    ("    return int(g(a=a))", "keyword arguments"),
    ("    return int(g(a, 5))", "the number of arguments"),
    ("    h = g\n    return int(h(a))", "its name as a value"),
])
def test_calls_that_are_not_inlined(caller: str, reason: str) -> None:
    notes: list[str] = []
    _with_notes(f"{INNER}@micropython.viper\ndef f(a: int) -> int:\n{caller}\n", notes)
    assert notes == [f"f: g is called as ever in it: {reason}"]


def test_functions_that_call_themselves_are_called_directly() -> None:
    source = INNER.replace("a + 1", "int(g(a - 1)) if a else 0") + OUTER
    assert compiled(source, opt="2") == compiled(source.replace("inline", "direct"), opt="2")


# ---------------------------------------------------------------------------------------- comments

LOOP: Final = "def {}(p: ptr8, n: int) -> int:\n    s = 0\n    for i in range(n):\n" \
              "        s += p[i]\n    return s\n"


def test_comments_choose_the_level_of_a_function() -> None:
    source = "".join(f"@micropython.viper{comment}\n{LOOP.format(name)}" for name, comment in (
        ("a", ""), ("b", "  # mpy: opt=2"), ("c", "  # mpy: opt=0"), ("d", " # mpy: opt=2, checks"),
        ("e", "  # mpy nothing")))
    plain = source.replace("mpy:", "")
    baseline, best = compiled(plain, opt="0")[0], compiled(plain, opt="2")[0]
    checked = compiled(plain, opt="2", viper_checks=True)[3]
    assert len(best) < len(checked) and best != baseline
    assert compiled(source, opt="0", comments=True) == [
        baseline, best, baseline, checked, baseline]
    assert compiled(source) == compiled(source, opt="2") == [best, best, baseline, checked, best]
    assert compiled(source, opt="2", opt_only=["a"]) == [best, best, baseline, checked, baseline]
    assert compiled(source, opt="0") == [baseline] * 5, "the bytes of the reference"
    assert compiled(source, comments=False) == [best] * 5


def test_a_comment_with_other_decorators_and_strings() -> None:
    text = 's = """\n@micropython.viper  # mpy: opt=7\n"""\n'
    source = f"{text}@micropython.viper  # mpy: opt=2\n\n# why\n{LOOP.format('a')}"
    with_comment = compiled(source, opt="0", comments=True)[0]
    assert with_comment == compiled(source.replace("mpy:", ""), opt="2")[0]


def test_comments_that_mean_nothing() -> None:
    for word in ("opt=3", "fast", ""):
        source = f"\n@micropython.viper  # mpy: {word}\n{LOOP.format('a')}"
        with pytest.raises(mpy_cross.CompileError) as error:
            mpy_cross.compile(source, "a.py", release="1.29", arch="armv7m", opt="2")
        assert f"# mpy: {word}" in str(error.value) and error.value.line == 2
        compiled(source, opt="0")
