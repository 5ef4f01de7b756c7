"""Xtensa: numbers, far branches, zero-overhead loops, registers that belong to the caller.

`SSA_CAPSTONE=1 python -m pytest tests/ssa/test_xtensa.py` reads all kernels with Capstone 6, too.
"""

from __future__ import annotations

import os
from importlib import import_module
from itertools import pairwise
from typing import Any, Final

import pytest

pytest.importorskip("unicorn", reason="unicorn is not installed; it is part of the extra dev")

import mpy_cross
from bench.codegen_gcc import KERNELS
from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.isa import Decoded
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emitters.ssa import xtensa_encode as enc
from mpy_cross.emitters.ssa import xtensa_lower
from mpy_cross.emitters.ssa.text import function_text, parse_function
from mpy_cross.emitters.ssa.verify import verify
from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.xtensa.base import RETURN
from mpy_cross.emulator.cores.xtensa.core import TranslatedXtensa
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import get
from tests.native.test_thumb_runs import expected, outcome, viper
from tests.native.thumb_harness_model import Model
from tests.native.thumb_harness_programs import INTERESTING
from tests.ssa.boards import load

CODE: Final = 0x4000_0000
DATA: Final = 0x3FFC_0000
BOTH: Final = ("xtensawin", "xtensa")
every_abi = pytest.mark.parametrize("arch", BOTH)


def instructions(source: str, arch: str, opt: str = "2", release: str = "1.29") -> list[Decoded]:
    """The code of the first function of a module."""
    mpy = read(mpy_cross.compile(source, "a.py", release=release, arch=arch, opt=opt),
               get(release))
    code = mpy.root.children[0].code
    features = ARCHES[arch].features
    found: list[Decoded] = []
    at = 0
    while at < len(code):
        one = TABLE.decode(code, at, at, features)
        assert one is not None, f"no instruction of {arch} at {at}"
        found.append(one)
        at += one.size
        if at == 3 and one.row.name == "j":
            assert one.target is not None and one.target % 4 == 0
            at = one.target  # over the table
    return found


def names(source: str, arch: str, opt: str = "2") -> list[str]:
    return [one.row.name for one in instructions(source, arch, opt)]


# ----------------------------------------------------------------------------------------- numbers


@pytest.fixture(scope="module")
def core() -> TranslatedXtensa:
    bus = Bus()
    bus.memory("code", CODE, 0x1_0000)
    bus.memory("data", DATA, 0x1_0000)
    core = TranslatedXtensa("lx106", bus)
    core.write("sp", DATA + 0x8000)
    return core


def ran(core: TranslatedXtensa, code: bytes, *args: int) -> int:
    code += enc.RET
    core.bus.load(CODE, code)
    core.code_changed(CODE, len(code))
    return core.call(CODE, *args)


def test_numbers_in_some_instructions(core: TranslatedXtensa) -> None:
    short = long = 0
    for number in (*range(-40, 100, 7), -2048, 2047, 2048, -2049, 0x7FFF, 0x8000, 32640, -32768,
                   -32769, 20000, 0x10000, 0xFFFF, 0x1FFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFF00_0000,
                   0x20002, 0x40004, *INTERESTING):
        for make in (enc.constant, enc.long_constant):
            code = make(2, number)
            if code:
                short += make is enc.constant
                long += make is enc.long_constant
                assert ran(core, code) == number & 0xFFFF_FFFF, hex(number)
    assert short > 50 and long > 20


def test_sums_with_numbers(core: TranslatedXtensa) -> None:
    for number in (0, 1, -1, 15, 16, -2, 127, 128, -128, -129, 256, 1000, -1000, 32512, -32768):
        assert ran(core, enc.add_number(2, 2, number), 5000) == 5000 + number & 0xFFFF_FFFF
        assert ran(core, enc.add_number(2, 3, number), 1, 5000) == 5000 + number & 0xFFFF_FFFF


@pytest.mark.parametrize("op", ["//", "%"])
@every_abi
def test_division_without_a_sign(op: str, arch: str) -> None:
    source = viper(f"def f(a: uint, b: uint) -> uint:\n    return a {op} b")
    module = load(source, "1.29", arch, opt="2")
    for i, x in enumerate(INTERESTING):
        for y in (0, 1, 3, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, *INTERESTING[i % 5 :: 5]):
            wanted = (x // y if op == "//" else x % y) if y else (0 if op == "//" else x)
            assert module.call("f", x, y) == wanted, (x, y)


@every_abi
def test_products_of_small_ints(arch: str) -> None:
    module = load("@micropython.native\ndef f(a, b):\n    return a * b\n", "1.29", arch, opt="2")
    numbers = [number - (number >> 31 << 32) >> 1 for number in INTERESTING]
    for i, x in enumerate(numbers):
        for y in numbers[i % 3 :: 3]:
            assert module.call("f", x, y) == x * y, (x, y)


# ---------------------------------------------------------------------------------------- distances


def long_function(n: int) -> str:
    """`n` statements with numbers of their own, that branches lead over."""
    lines = ["def f(a: int, b: int, c: int) -> int:", "    while c > 0:", "        c -= 1",
             "        if a < b:"]
    for k in range(n):
        lines.append(f"            a = (a ^ {0x1234567 + k * 7919}) + b * {k + 300}")
    lines += ["        elif not a:", "            return b", "        else:", "            a += b"]
    return viper("\n".join([*lines, "    return a ^ b ^ c"]))


@pytest.mark.parametrize("n", [1, 4, 8, 12, 60, 170])
@every_abi
def test_far_branches_and_numbers(n: int, arch: str) -> None:
    source = long_function(n)
    module = load(source, "1.29", arch, opt="2")
    model = Model(source)
    for args in ((1, 2, 5), (0, -7, 3), (5, 5, 2), (1, 2, 0)):
        assert outcome(module, args) == expected(model, args), args


VIPER_FAR: Final = long_function(170)
SUMS_FAR: Final = "@micropython.native\ndef f(x, y):\n while x:\n" + "  y = x + y\n" * 140


@pytest.mark.parametrize("source", [VIPER_FAR, SUMS_FAR], ids=["viper", "native"])
@every_abi
def test_branches_that_the_reference_cuts(
    arch: str, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Code that is known to be wrong is never preferred, nor warned of when there is other code."""
    plain = mpy_cross.compile(source, "a.py", release="1.17", arch=arch, opt="0")
    assert {record.getMessage() for record in caplog.records} == {"ERROR: xtensa bccz out of range"}
    caplog.clear()
    for level in ("1", "2", "s"):
        assert mpy_cross.compile(source, "a.py", release="1.17", arch=arch, opt=level) != plain
    assert not caplog.records


@every_abi
def test_a_big_frame(arch: str) -> None:
    names = [f"v{i}" for i in range(150)]
    body = "".join(f"    {name} = {i} + a * {i}\n" for i, name in enumerate(names))
    body += "    a = int(g(a))\n" + f"    return {' ^ '.join(names)} ^ a\n"
    source = viper("def g(a: int) -> int:\n    return a") + viper(
        f"def f(a: int) -> int:\n{body}")
    wanted = 77
    for i in range(150):
        wanted ^= i + 77 * i
    assert load(source, "1.29", arch, opt="2").call("f", 77) == wanted


# -------------------------------------------------------------------------------------------- loops

COUNTED: Final = viper("""
def f(p: ptr8, n: int) -> int:
    s = 0
    for i in range(n):
        if p[i & 7] & 4:
            s += i
        elif s > 5000:
            break
        s += p[i & 7]
    return s
""")
DATA_BYTES: Final = bytes(range(3, 250, 31))


def test_loops_are_counted_by_the_core() -> None:
    assert names(COUNTED, "xtensawin").count("loop") == 1
    assert "loop" not in names(COUNTED, "xtensa")
    module = load(COUNTED, "1.29", "xtensawin", opt="2")
    for n in (0, 1, 2, 7, 100, 1000, -1):
        args = (DATA_BYTES, n)
        assert outcome(module, args) == expected(Model(COUNTED), args), n


def test_loops_with_calls_are_not() -> None:
    source = viper("def f(a, n: int) -> int:\n    s = 0\n    for i in range(n):\n"
                   "        s += int(a)\n    return s")
    assert "loop" not in names(source, "xtensawin")
    assert load(source, "1.29", "xtensawin", opt="2").call("f", 7, 5) == 35


SWAPPED: Final = viper("""
def f(a: int, c: int, n: int) -> int:
    for i in range(n):
        c, a = a, c
    return a * 3 + c
""")


def test_what_leads_to_the_next_round_is_not_done_after_the_last() -> None:
    module = load(SWAPPED, "1.29", "xtensawin", opt="2")
    for n in range(4):
        assert outcome(module, (10, 1, n)) == expected(Model(SWAPPED), (10, 1, n)), n


@pytest.mark.parametrize("n", [40, 50, 56, 60, 64, 70, 100])
def test_loops_of_any_length(n: int) -> None:
    """The body of a loop that the core counts has at most 255 bytes."""
    lines = ["def f(a: int, n: int) -> int:", "    s = 5", "    for i in range(n):"]
    lines += [f"        s {'+-^'[k % 3]}= a" for k in range(n)]
    source = viper("\n".join([*lines, "    return s"]))
    module = load(source, "1.29", "xtensawin", opt="2")
    assert outcome(module, (77, 9)) == expected(Model(source), (77, 9))
    assert ("loop" in names(source, "xtensawin")) == (n < 90)


def all_kernels() -> list[str]:
    return [path.read_text() for path in sorted(KERNELS.glob("viper/*.py"))]


def test_the_first_instruction_of_a_loop_is_in_one_word() -> None:
    n_loops = 0
    for source in all_kernels():
        code = instructions(source, "xtensawin")
        for one, following in pairwise(code):
            if one.row.name == "loop":
                n_loops += 1
                assert following.address % 4 + following.size <= 4
                last = next(last for last in code if last.address + last.size == one.target)
                assert last.target is None or last.row.name == "l32r"
    assert n_loops > 12


LOWER: Final = """\
function f
b0:
  v0 = livein.ptr #0
  v1 = livein.ptr8 #1
  v2 = livein.int #2
  v3 = const.int #2
  v4 = add.ptr8 v1, v3
  jmp b1
b1: preds b0, b1
  v5 = phi.ptr8 v4, v9
  v6 = load8.int v5, #-2
  v7 = load8.int v5, #1
  store8 v2, v6, #-1
  v8 = const.int #4
  v9 = add.ptr8 v5, v8
  br lo v9, v2 -> b1, b2
b2: preds b1
  ret v7
"""


def test_pointers_start_lower_where_accesses_are_below() -> None:
    function = parse_function(LOWER.replace("br lo v9, v2", "br lo v6, v7"))
    xtensa_lower.displacements(function)
    assert verify(function) == []
    text = function_text(function)
    assert "#-2" not in text.replace("const.int #-2", "")
    assert text.count("load8") == 2 and "#3\n" in text and "const.int #-1" in text
    function = parse_function(LOWER)  # the pointer is compared: it stays
    xtensa_lower.displacements(function)
    assert verify(function) == []
    text = function_text(function)
    assert "v5 = phi.ptr8 v4, v" in text and "const.int #-2" in text
    assert "load8.int v5, #1" in text and text.count("#-") == 2


INDEXED: Final = """\
function f
b0:
  v0 = livein.ptr32 #1
  v1 = livein.int #2
  v2 = loadx32.int v0, v1, #2
  storex8 v0, v1, v2, #0
  ret v2
"""
PLAIN: Final = """\
function f
b0:
  v0 = livein.ptr32 #1
  v1 = livein.int #2
  v2 = const.int #2
  v3 = shl.int v1, v2
  v4 = add.ptr32 v0, v3
  v5 = load32.int v4, #0
  v6 = add.ptr32 v0, v1
  store8 v6, v5, #0
  ret v5
"""


def test_indices_become_sums() -> None:
    function = parse_function(INDEXED)
    xtensa_lower.indices(function)
    assert verify(function) == []
    assert function_text(function) == PLAIN


UP: Final = """\
function f
b0:
  v0 = livein.int #1
  v1 = const.int #0
  br gt v0, v1 -> b1, b3
b1: preds b0
  jmp b2
b2: preds b1, b2
  v2 = phi.int v1, v5
  v3 = phi.int v1, v4
  v4 = xor.int v3, v2
  v5 = add.int v2, v6
  br lt v5, v0 -> b2, b3
b3: preds b0, b2
  v7 = phi.int v1, v4
  ret v7
"""


def test_a_counter_that_goes_down_beside_one_that_goes_up() -> None:
    text = UP.replace("  v5 = add.int v2, v6\n", "  v6 = const.int #1\n  v5 = add.int v2, v6\n")
    function = parse_function(text)
    xtensa_lower.counted(function)
    assert verify(function) == []
    lines = function_text(function).splitlines()
    assert any("= phi.int v0, v" in line for line in lines)
    assert any(line.startswith("  br ne v") for line in lines)
    for unknown in (text.replace("br gt v0, v1", "br ge v0, v1"),  # perhaps with no round at all
                    text.replace("= xor.int v3, v2", "= call.int v3, v2, #4")):
        function = parse_function(unknown)
        before = function_text(function)
        xtensa_lower.counted(function)
        assert function_text(function) == before


# ---------------------------------------------------------------------------------------- registers


def test_registers_of_the_caller_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [0x4B4B_0000 + n for n in range(12, 16)]
    found: list[list[int]] = []
    prepare, around = TranslatedXtensa._prepare, TranslatedXtensa.advance

    def prepared(self: TranslatedXtensa, address: int, args: tuple[int, ...]) -> int:
        result = prepare(self, address, args)
        for number, word in enumerate(kept, 12):
            self.state.ar[number] = word
        return result

    def advanced(self: TranslatedXtensa, limit: int) -> Any:
        result = around(self, limit)
        if self.state.pc == RETURN:
            found.append(list(self.state.ar[12:16]))
        return result

    module = load(long_function(20), "1.29", "xtensa", opt="2")
    monkeypatch.setattr(TranslatedXtensa, "_prepare", prepared)
    monkeypatch.setattr(TranslatedXtensa, "advance", advanced)
    module.call("f", 1, 2, 5)
    assert found and all(one == kept for one in found)


# ----------------------------------------------------------------------------------------- Capstone


@pytest.mark.skipif("SSA_CAPSTONE" not in os.environ, reason="SSA_CAPSTONE is not set")
@every_abi
def test_capstone_reads_the_same(arch: str) -> None:
    capstone = import_module("capstone")
    mode = capstone.CS_MODE_XTENSA_ESP32 if arch == "xtensawin" else \
        capstone.CS_MODE_XTENSA_ESP8266
    reader = capstone.Cs(capstone.CS_ARCH_XTENSA, mode)
    compared = 0
    for source in all_kernels():
        for one in instructions(source, arch):
            theirs = list(reader.disasm(TABLE[one.row.name].to_bytes(one.word), one.address))
            if one.row.name in ("beqz.n", "bnez.n", "nop.n"):
                continue  # which this Capstone does not decode
            assert theirs and theirs[0].mnemonic == one.row.name, (theirs, one)
            compared += 1
    assert compared > 1000
