"""Floats of native functions in registers: what they are, where they leave them, what they cost."""

from __future__ import annotations

import os
import re
from struct import pack, unpack

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

import mpy_cross
from bench.codegen_floats import FLOATS, FOLDER
from bench.single import output, rounded
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.emitters.ssa.text import TextError, function_text, parse_function
from mpy_cross.emitters.ssa.thumb2_float import immediate
from mpy_cross.emitters.ssa.verify import verify
from mpy_cross.loader.ops import Emit
from tests.emulator.test_stock_native import image
from tests.reference.stock_native import NativeBoard
from tests.ssa import generate_floats
from tests.ssa.programs import KINDS, Player, run

TARGETS = (("1.17", "armv7emsp"), ("1.29", "armv7emsp"))
FEW = Optimise("2", n_registers=4, check=True)
ALL = Optimise("2", check=True)


def printed(source: str, optimise: Optimise, release: str = "1.29", single: bool = True) -> str:
    player = Player(release, "armv7emsp", single)
    return player.output(player.compiled(source, Emit.BYTECODE, optimise))


def ssa(source: str, arch: str = "armv7emsp", level: str = "2") -> str:
    """The SSA form of the functions of a program."""
    record: list[tuple[str, str, str]] = []
    Player("1.29", arch).compiled(source, Emit.BYTECODE, Optimise(level, check=True, record=record))
    return "".join(text for stage, _, text in record if stage == "ssa")


# ---------------------------------------------------------------------------------------- programs


def test_generated_programs() -> None:
    """Beside bytecode, and beside CPython with every operation rounded."""
    ran, wrong = run(KINDS["floats"], 100, 4, TARGETS, lambda seed: (ALL, FEW)[seed % 2 :][:1])
    assert not wrong, wrong[0]
    assert ran >= 3


HEADER = """\
import micropython
import struct
def show(*values):
    for v in values:
        print('nan' if v != v else struct.unpack('<I', struct.pack('<f', v))[0]
              if isinstance(v, float) else v, end=' ')
    print()
"""
PROGRAMS = {
    # Every comparison with numbers that are none.
    "comparisons": """\
@micropython.native
def f(x, y, n):
    seen = 0
    for i in range(n):
        seen = seen * 2
        z = x * 1.0
        if z < y: seen |= 1
        if z <= y: seen += 2
        if z > y: seen += 4
        if z >= y: seen += 8
        if z == y: seen += 16
        if z != y: seen += 32
        if not z < y: seen += 64
        if not z >= y: seen += 128
        if z: seen += 256
        if not z: seen += 512
    return seen
nan = float('nan')
for x in (0.5, -0.0, 0.0, 3, nan, float('inf')):
    for y in (0.5, 0.0, -0.0, nan, 3, float('-inf')):
        show(f(x, y, 3))
""",
    # Small ints beside floats, quotients of them, and what has no room in single precision.
    "mixed": """\
@micropython.native
def f(x, k, n):
    total = 0.0
    for i in range(n):
        total += i * x - k / 3 + (i + 16777216)
        total = -total * 0.5
        total -= 7
    return total, x, k
show(*f(0.25, 7, 9))
show(*f(1.5, 1 << 29, 4))
show(*f(3, 2.5, 4))
show(*f(True, 2, 4))
""",
    # Division by zero in the third round, and where it is said to be.
    "zero": """\
@micropython.native
def f(x, n):
    total = 0.0
    try_ = 1.0
    for i in range(n):
        total += x / (2.0 - i)
        try_ = total * 0.5
    return total, try_
def g(x, n):
    try:
        show(*f(x, n))
    except ZeroDivisionError as error:
        show(str(error))
g(1.0, 2); g(1.0, 5); g(-0.0, 3); g(1, 2)
""",
    # Variables that are floats at some times only, swapped, and used after the loop.
    "changing": """\
@micropython.native
def f(a, b, n):
    last = None
    for i in range(n):
        a, b = b * 0.5, a
        if i & 1:
            last = a
        if i == 5:
            b = i
        c = a if a < b else -b
    return a, b, last, c
show(*f(1.0, 2.5, 4)); show(*f(3, 0.5, 9)); show(*f(1.0, 2.5, 1))
""",
    # Objects leave by calls, items, returns, attributes and closures of the caller.
    "leaving": """\
class Box: pass
def keep(x): return x
@micropython.native
def f(x, n, box, items):
    t = 1.0
    for i in range(n):
        t = t * x + 0.5
        t = (t + x * 0.25 - 1.0) * 1.5 - x
        box.v = t
        items.append(t)
        items[0] = keep(t) * 2.0
        if t > 50.0:
            return t, items
    return [t], items
box = Box()
for x in (0.5, 2.0, 3):
    r = f(x, 6, box, [0])
    show(r[0] if type(r[0]) is float else r[0][0], box.v, *r[1])
""",
}


@pytest.mark.parametrize("release", ["1.17", "1.29"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, release: str) -> None:
    source = HEADER + PROGRAMS[name]
    plain = source.replace("@micropython.native\n", "").replace("import micropython\n", "")
    wanted = printed(plain, Optimise(), release)
    for optimise in (ALL, FEW, Optimise("1", check=True)):
        assert printed(source, optimise, release) == wanted
    assert ".float" in ssa(source)
    if name != "zero":  # the words of errors differ
        assert wanted.split() == output(plain).split()


def test_an_object_that_a_loop_does_not_change_stays_the_same() -> None:
    source = """\
import micropython
@micropython.native
def f(x, y, n):
    total = 0.0
    for i in range(n):
        total += x * y
        z = x
    return x, z, total
a, b = 0.5 + len('x'), 2.5
x, z, total = f(a, b, 3)
print(x is a, z is a, total)
"""
    for optimise in (ALL, FEW):
        assert printed(source, optimise) == "True True 11.25\n"


def test_exceptions_are_the_ones_of_the_reference() -> None:
    source = """\
import micropython
import sys
@micropython.native
def f(x, n):
    t = 1.0
    for i in range(n):
        t = t * x
        t = t / (i - 2)
    return t
def g(*args):
    try:
        f(*args)
    except Exception as error:
        sys.print_exception(error)
g(0.5, 9)
g('a', 1)
g([], 1)
"""
    wanted = printed(source, Optimise())
    assert "divide by zero" in wanted and "unsupported type" in wanted
    assert printed(source, ALL) == wanted


def test_floats_compared_by_identity_stay_objects() -> None:
    source = """\
import micropython
@micropython.native
def f(x, n):
    same = 0
    t = 0.0
    for i in range(n):
        t = t * x + 1.0
        u = t
        if u is t:
            same += 1
    return same
print(f(0.5, 5))
"""
    assert printed(source, ALL) == "5\n"


def test_floats_of_other_sizes_take_the_plain_loop() -> None:
    """The firmware's floats are doubles: the results are those of doubles."""
    source = HEADER + PROGRAMS["mixed"]
    plain = source.replace("@micropython.native\n", "")
    assert printed(source, ALL, single=False) == printed(plain, Optimise(), single=False)


def test_only_where_there_are_registers_for_them() -> None:
    source = HEADER + PROGRAMS["mixed"]
    assert ".float" in ssa(source)
    for arch in ("armv7m", "armv7em", "armv6m", "xtensawin"):
        assert ".float" not in ssa(source, arch)
    assert ".float" not in ssa(source, level="1")
    assert ssa(source, "armv7emdp") == ssa(source)


def test_a_float_is_given_in_both_kinds_of_registers() -> None:
    """Firmware may take floats in s0 or, with -mfloat-abi=softfp, in r0."""
    record: list[tuple[str, str, str]] = []
    source = HEADER + PROGRAMS["changing"]
    Player("1.29", "armv7emsp").compiled(source, Emit.BYTECODE, ALL._replace(record=record))
    text = "".join(text for stage, _, text in record if stage == "regalloc")
    boxes = re.findall(r"\n *(.*)\n *(.*)\n *r0 = box v\d+, r0, r16, #\d+", text)
    assert boxes and all(two.startswith("r0 = vget") for _, two in boxes)


def test_functions_about_ints_are_what_they_were() -> None:
    source = (FOLDER.parent / "native" / "collatzn.py").read_text()
    assert ssa("import micropython\n" + source) == ssa("import micropython\n" + source, "armv7em")


# ----------------------------------------------------------------------------------- form and code


GOOD = """\
function f tagged
b0:
  v0 = livein.obj #0
  v1 = loadf.float v0, #4
  v2 = const.int #1065353216
  v3 = fbits.float v2
  v4 = fadd.float v1, v3
  v5 = flt.bool v4, v1
  v6 = box.obj v0, v4, #60
  ret v6
"""


def test_text_and_rules() -> None:
    assert function_text(parse_function(GOOD)) == GOOD
    assert verify(parse_function(GOOD)) == []
    for right, wrong in (("fadd.float v1, v3", "fadd.float v1, v2"),
                         ("fadd.float", "fadd.int"),
                         ("box.obj v0, v4", "box.obj v0, v0"),
                         ("livein.obj #0", "livein.float #0"),
                         ("flt.bool v4, v1", "lt.bool v4, v1")):
        assert verify(parse_function(GOOD.replace(right, wrong))), wrong
    with pytest.raises(TextError):
        parse_function(GOOD.replace(".float", ".double"))


def test_immediate_operands() -> None:
    found = {}
    for bits in range(0, 1 << 32, 1 << 19):
        number = immediate(bits)
        if number >= 0:
            found[number] = unpack("<f", pack("<I", bits))[0]
    wanted = {(sign << 7 | (exponent & 7 ^ 4) << 4 | fraction):
              (-1) ** sign * (16 + fraction) / 16 * 2.0 ** (exponent - 3)
              for sign in (0, 1) for exponent in range(8) for fraction in range(16)}
    assert len(found) == 256
    assert sorted(found.values()) == sorted(wanted.values())
    assert found[0x70] == 1.0 and found[0x00] == 2.0 and found[0xF0] == -1.0
    assert immediate(0) == -1 and immediate(0x3DCCCCCD) == -1


def test_rounding() -> None:
    assert rounded(0.1) == 0.10000000149011612 and rounded(1e39) == float("inf")


# ---------------------------------------------------------------------------------------- firmware

SEEDS = range(3, 60) if "MPY_STOCK_ALL" in os.environ else (4,)


@pytest.mark.parametrize("name", ["PYBV11 1.17", "PYBV11 1.28"])
def test_programs_on_stock_firmware(name: str) -> None:
    board, path, release = image(name)
    machine = NativeBoard(board, path, release)
    app = mpy_cross.compile("import k\n", "app.py", release=release)
    for seed in SEEDS:
        source = generate_floats.program(seed)
        found = []
        for text, opt in ((generate_floats.as_python(source), "0"), (source, "2")):
            code = mpy_cross.compile(text, "k.py", release=release, arch="armv7emsp", opt=opt)
            found.append(machine.imported({"k.mpy": code, "app.mpy": app}, "app"))
        assert found[0] == found[1] != "", seed


@pytest.mark.parametrize("name", ["PYBV11 1.17", "PYBV11 1.28"])
def test_kernels_on_stock_firmware(name: str) -> None:
    """The results, and at least four times the speed of the reference's native code."""
    board, path, release = image(name)
    machine = NativeBoard(board, path, release)
    kernels = "".join((FOLDER / f"{kernel}.py").read_text() for kernel in FLOATS)
    lines = ["from k import *", "import time", "import struct", "def bits(v):",
             "    v = v if type(v) is tuple else (v,)",
             "    return sum((list(struct.pack('<f', x or 0)) for x in v), [])"]
    for kernel, case in FLOATS.items():
        lines += [*case.setup.splitlines(), "t = time.ticks_us()",
                  f"r = {kernel}({case.arguments})", "t = time.ticks_diff(time.ticks_us(), t)",
                  f"print(t, bits(r) + bits({case.after[0]}))"]
    app = mpy_cross.compile("\n".join(lines) + "\n", "app.py", release=release)
    times = []
    for opt in ("0", "2"):
        code = mpy_cross.compile(kernels, "k.py", release=release, arch="armv7emsp", opt=opt)
        shown = machine.imported({"k.mpy": code, "app.mpy": app}, "app").splitlines()
        assert [line.split(" ", 1)[1] for line in shown] == [
            str([*_bytes(case.result), *_bytes(case.after[1])]) for case in FLOATS.values()]
        times.append([int(line.split()[0]) for line in shown])
    for before, after in zip(*times, strict=True):
        assert before >= 4 * after


def _bytes(value: object) -> bytes:
    """A float, several, or None as they are in single precision."""
    values = value if isinstance(value, tuple) else (value or 0,)
    return b"".join(pack("<f", each) for each in values)
