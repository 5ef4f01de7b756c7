"""Thumb-1: what is lowered, subroutines, far branches, words in the code, copies of all kinds."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

import mpy_cross
from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.ssa import thumb1_encode as enc
from mpy_cross.emitters.ssa import thumb1_lower
from mpy_cross.emitters.ssa.ir import Function, signed
from mpy_cross.emitters.ssa.machine import COPY, SLOT, Ins, MFunction
from mpy_cross.emitters.ssa.text import function_text, parse_function
from mpy_cross.emitters.ssa.thumb1 import Thumb1
from mpy_cross.emitters.ssa.verify import verify
from mpy_cross.loader.dump import dump_file
from mpy_cross.loader.fun_table import SENTINEL, Fun
from tests.native.test_thumb_runs import expected, outcome, viper
from tests.native.thumb_harness import load
from tests.native.thumb_harness_core import MODELS, Fault, UnicornCore
from tests.native.thumb_harness_model import Model
from tests.native.thumb_harness_programs import INTERESTING

V6M: Final = frozenset(("v6m",))
CODE: Final = 0x2000_0000
STACK: Final = CODE + 0x4000


@pytest.fixture(scope="module")
def core() -> UnicornCore:
    return UnicornCore(MODELS["armv6m"])


def ran(core: UnicornCore, code: bytes, registers: dict[int, int]) -> list[int]:
    """The registers after code that returns or ends."""
    end = CODE + len(code)
    core.load(CODE, code + TABLE["udf"].encode(0))
    core.set_registers({13: STACK, 14: end | 1, **registers})
    with pytest.raises(Fault, match="udf") as fault:
        core.run(CODE | 1, 10_000)
    assert fault.value.pc == end
    return core.registers()


def test_divisions_without_a_sign(core: UnicornCore) -> None:
    for i, x in enumerate(INTERESTING):
        for y in (0, 1, 2, 7, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, *INTERESTING[i % 5 :: 5]):
            after = ran(core, enc.DIVIDE, {0: x, 1: y})
            assert after[:2] == ([x // y, x % y] if y else [0, x]), (x, y)


def test_upper_words_of_products(core: UnicornCore) -> None:
    for x in INTERESTING:
        for y in INTERESTING:
            after = ran(core, enc.MULTIPLY_HIGH, {0: x, 1: y, 4: 0x1234})
            assert after[0] == signed(x) * signed(y) >> 32 & 0xFFFF_FFFF, (x, y)
            assert after[4] == 0x1234


def test_numbers_in_one_or_two_instructions(core: UnicornCore) -> None:
    made = 0
    for number in (*range(600), *INTERESTING, 0xFF000000, 0x1FE00, 0x80000000, 0x101, -1, -256):
        code = enc.constant(3, number)
        assert len(code) in (0, 2, 4)
        if code:
            made += 1
            assert ran(core, code + enc.BX(14), {})[3] == number & 0xFFFF_FFFF
    assert made > 530


def test_all_that_is_used_is_there_in_armv6m() -> None:
    source = viper("""
def f(p: ptr16, q: ptr32, r: ptr8, a: int, b: uint, c: int) -> int:
    for i in range(a):
        q[i] = (p[i + 1] ^ 0x8000) - 0x8000
        r[c] = q[i] >> c & 0x3ff | 0x12345678
        a = (a * c) // 7 + (c << 3)
        b = b // uint(a) ^ uint(c if a < 5 else 1000)
        q[40] = p[100] + r[50] + q[-3]
    return a + int(b) + int(b == uint(c)) + int(a <= c)
""")
    for level in ("1", "2", "s"):
        mpy = mpy_cross.compile(source, "a.py", release="1.29", arch="armv6m", opt=level)
        text = dump_file(mpy)
        lines = [line.split() for line in text.splitlines() if line[:10].strip().isdigit()]
        code = [bytes.fromhex(line[1]) for line in lines if len(line) > 2 and line[2][0] != "."]
        assert len(code) > 60
        for one in code:
            assert TABLE.decode(one, 0, 0, V6M) is not None, one.hex()


# ------------------------------------------------------------------------------------------ lowered

BEFORE: Final = """\
function f
b0:
  v0 = livein.ptr #0
  v1 = livein.ptr32 #1
  v2 = livein.int #2
  v3 = livein.int #3
  v4 = floordiv.int v2, v3
  v5 = floormod.int v2, v3
  v6 = floormod.int v3, v2
  v7 = loadx32.int v1, v4, #2
  storex16 v1, v5, v7, #1
  v8 = call.obj v0, v6, v7, #4
  ret v8
"""
AFTER: Final = """\
function f
b0:
  v0 = livein.ptr #0
  v1 = livein.ptr32 #1
  v2 = livein.int #2
  v3 = livein.int #3
  v4 = call.int v0, v2, v3, #46
  v5 = mul.int v4, v3
  v6 = sub.int v2, v5
  v7 = call.int v0, v3, v2, #47
  v8 = const.int #2
  v9 = shl.int v4, v8
  v10 = loadx32.int v1, v9, #0
  v11 = const.int #1
  v12 = shl.int v6, v11
  storex16 v1, v12, v10, #0
  v13 = call.obj v0, v7, v10, #4
  ret v13
"""


def lowered(text: str) -> str:
    function = parse_function(text)
    thumb1_lower.run(function)
    assert verify(function) == []
    return function_text(function)


def test_divisions_and_indices() -> None:
    assert lowered(BEFORE) == AFTER


PRODUCT: Final = """\
function f
b0:
  v0 = livein.int #1
  v1 = const.int #{number}
  v2 = mul.int v0, v1
  v3 = smulh.int v0, v1
  v4 = const.int #31
  v5 = asr.int v2, v4
  br eq v3, v5 -> b1, b2
b1: preds b0
  ret v2
b2: preds b0
  ret v0
"""


def test_a_product_that_has_room() -> None:
    text = lowered(PRODUCT.format(number=5))
    assert "= const.int #3\n" in text
    assert "br eq v8, v0 -> b1, b2" in text
    text = lowered(PRODUCT.format(number=-5))
    assert "br eq v3, v5 -> b1, b2" in text


# ---------------------------------------------------------------------------------------- distances


def long_function(n: int) -> str:
    """`n` rounds of statements, nearly all with numbers of their own, in a loop."""
    lines = ["def f(a: int, b: int, c: int) -> int:", "    for i in range(3):"]
    for k in range(n):
        lines.append(f"        a = (a ^ {0x1234567 + k * 7919}) + b * {k + 300}")
        if k % 5 == 0:
            lines.append(f"        if a & {1 << k % 31}: b += a")
        if k == n // 2:
            lines += ["        if a == 5:", "            continue"]
    lines += ["        if c == 1:", "            return a", "    return a ^ b ^ c"]
    return viper("\n".join(lines))


@pytest.mark.parametrize(("n", "size"), [(30, 500), (90, 1500), (240, 4200)])
def test_far_branches_and_numbers(n: int, size: int) -> None:
    source = long_function(n)
    module = load(source, "1.29", "armv6m", opt="2")
    assert len(module.globals["f"].raw.code) > size
    for args in ((1, 2, 3), (-5, 7, 1)):
        assert outcome(module, args) == expected(Model(source), args)


def test_a_big_frame() -> None:
    names = [f"v{i}" for i in range(190)]
    body = "".join(f"    {name} = {i} + a * {i}\n" for i, name in enumerate(names))
    body += "    a = int(g(a))\n" + f"    return {' ^ '.join(names)} ^ a\n"
    source = viper("def g(a: int) -> int:\n    return a") + viper(
        f"def f(a: int) -> int:\n{body}")
    wanted = reduce(xor, (i + 77 * i for i in range(190))) ^ 77
    assert load(source, "1.29", "armv6m", opt="2").call("f", 77) == wanted


@pytest.mark.parametrize("table", [0, 2, 3])
def test_an_item_with_the_table_in_a_register_of_the_call(table: int, core: UnicornCore) -> None:
    """The entry is read before the sentinel is put into r2, where the table may be."""
    code = Thumb1(MFunction(Function("f")))
    code.item(Ins("item", [0], [table, 0, 1], 60, 1))
    back = STACK + 0x100
    core.write(back, TABLE["bx"].encode(14))
    core.write(STACK + Fun.OBJ_SUBSCR * 4, (back | 1).to_bytes(4, "little"))
    text = b"".join(item for item in code.items if isinstance(item, bytes))
    assert ran(core, text, {1: 7, table: STACK})[2] == SENTINEL


# ------------------------------------------------------------------------------------------- copies

COPIES: Final = (
    ([8, 9], [9, 8]),
    ([SLOT, SLOT + 1], [SLOT + 1, SLOT]),
    ([SLOT, 8, 3], [8, SLOT + 1, SLOT]),
    ([SLOT, SLOT + 1, 8, 14, 0], [8, 0, 14, SLOT, SLOT + 1]),
    ([1, 2, SLOT, 9], [2, 1, 9, SLOT + 1]),
)


@pytest.mark.parametrize(("dests", "srcs"), COPIES)
def test_copies_between_all_kinds_of_places(
    dests: list[int], srcs: list[int], core: UnicornCore
) -> None:
    source = MFunction(Function("f"))
    source.n_slots = 2
    code = Thumb1(source)
    ins = Ins(COPY, dests, srcs)
    code._spare = SLOT + 2
    code.copy(ins)
    before = {register: 0x100 + register for register in (*range(12), 14)}
    slots = [0x5107_0000, 0x5107_0001, 0]
    core.write(STACK, b"".join(slot.to_bytes(4, "little") for slot in slots))
    after = ran(core, b"".join(item for item in code.items if isinstance(item, bytes)), before)
    memory = core.read(STACK, 8)

    def was(place: int) -> int:
        return slots[place - SLOT] if place >= SLOT else before[place]

    wanted = {d: was(s) for d, s in zip(dests, srcs, strict=True)}
    for place in (*range(12), 14, SLOT, SLOT + 1):
        at = 4 * (place - SLOT)
        found = after[place] if place < SLOT else int.from_bytes(memory[at : at + 4], "little")
        assert found == wanted.get(place, was(place)), place


def test_functions_that_are_too_big_for_the_official_tool() -> None:
    """Up to 1.25 its jumps reach 2 KiB; `-X opt` takes the function, unless it is strict."""
    lines = [f"        a = (a ^ {0x1234567 + k * 7919}) + b * {k + 300}" for k in range(120)]
    source = viper("\n".join(["def f(a: int, b: int) -> int:", "    while a < b:", *lines,
                              "    return a ^ b"]))
    for options in ({"opt": "0"}, {"opt": "2", "strict": True}):
        with pytest.raises(mpy_cross.CompileError, match="native method too big"):
            mpy_cross.compile(source, "a.py", release="1.25", arch="armv6m",
                              **options)
    model = Model(source)
    for opt in ("1", "2", "s"):
        module = load(source, "1.25", "armv6m", opt=opt)
        for args in ((1, 2), (-70000, 3), (5, 5)):
            assert outcome(module, args) == expected(model, args), (opt, args)
