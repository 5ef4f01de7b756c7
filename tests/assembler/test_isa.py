"""Tables refuse bad rows; operands that do not fit are named; look-up by what was written."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from mpy_cross.assembler import arm, riscv, thumb, xtensa
from mpy_cross.assembler.arch import ARCHES, BY_NUMBER
from mpy_cross.assembler.arm_kinds import bit_field, shift, vfp_code, vfp_float
from mpy_cross.assembler.isa import EncodeError, Row, TableError, parse_pattern, row
from mpy_cross.assembler.riscv import stack_list
from mpy_cross.assembler.table import Table
from tests.assembler.sets import SETS


def table(*rows: Row) -> Table:
    return Table("test", rows, kinds=thumb.KINDS, defaults=thumb.DEFAULTS, size_of=lambda first: 2,
                 select={2: 0xF000})


@pytest.mark.parametrize("bad, message", [
    (row("x", "0101 d:4", "d", "v"), "test: x: the pattern has 8 bits"),
    (row("x", "01010101 01 d:4", "d", "v"), "test: x: the pattern has 14 bits"),
    (row("x", "01010101 0101 d:4", "n", "v"),
     "test: x: n is a word in the operands that has no field in the pattern"),
    (row("x", "01010101 0101 d:4", "", "v"), "test: x: field d is no operand"),
    (row("x", "01010101 0101 d:4", "d:nothing", "v"), "test: x: nothing is no kind of operand"),
    (row("x", "01010101 0101 zz:4", "zz", "v"), "test: x: zz has no kind"),
    (row("x", "01010101 0101 i:4", "i=rw", "v"), "test: x: i is no register and cannot be rw"),
    (row("x", "01010101 0101 d:4", "d, d=w", "v"), "test: x: d is described twice"),
    (row("x", "01010101 i[7] i[4:2] i[1:0] 01", "i", "v"), "test: x: the field i has a gap"),
    (row("x", "01010101 0101 d:", "d", "v"), "test: x: 01010101 0101 d:: cannot read 'd:'"),
    (row("x", "0101012 0101 d:4", "d", "v"),
     "test: x: 0101012 0101 d:4: cannot read '0101012'"),
])
def test_a_bad_row_is_refused(bad: Row, message: str) -> None:
    with pytest.raises(TableError) as caught:
        table(bad)
    assert str(caught.value) == message


def test_two_rows_of_one_name_are_refused() -> None:
    one = row("x", "01010101 01010101", "", "v")
    two = row("x", "01010101 01010111", "", "v")
    with pytest.raises(TableError, match="two rows are called x"):
        table(one, two)


def test_overlapping_rows_are_found() -> None:
    features = [frozenset({"v", "w"})]
    general = row("general", "0101 i:12", "i", "v")
    special = row("special", "0101 0000 i:8", "i", "v")
    crossing = row("crossing", "010 i:5 00000001", "i", "w")
    assert table(general, special).validate(features) == []  # the special case is decoded first
    assert table(special, crossing).validate(features) == ["special and crossing"]
    assert table(special, crossing).validate([frozenset({"v"}), frozenset({"w"})]) == []
    apart = row("apart", "010 i:5 00000001", "i!16", "w")
    assert table(special, apart).validate(features) == []
    twin = row("twin", "0101 0000 j:8", "j:u", "w")
    assert table(special, twin).validate(features) == ["special and twin"]


def test_pattern() -> None:
    assert parse_pattern("0110 d:3 (0) i[1|4:2] 1111") == (
        16, 0b1111_000_1_0000_1111, 0b0110_0000_0000_1111,
        {"d": ((0, 3, 9),), "i": ((1, 1, 7), (2, 3, 4))})
    assert parse_pattern("i:1 0 i:3 000")[3] == {"i": ((3, 1, 7), (0, 3, 3))}


@pytest.mark.parametrize("name, values, message", [
    ("movs_imm8", (1, 300), "movs_imm8: i=300 does not fit 0..255"),
    ("movs_imm8", (8, 1), "movs_imm8: d=8 does not fit r0..r7 (0..7)"),
    ("ldr_imm5", (1, 2, 126), "ldr_imm5: i=126 does not fit a multiple of 4 in 0..124"),
    ("b", (2048,), "b: i=2048 does not fit a multiple of 2 in -2048..2046"),
    ("push", (0x100,), "push: l=256 does not fit a list of r0..r7 and lr"),
    ("blx", (15,), "blx: m=15 does not fit r0..pc (0..15), not pc"),
    ("smull", (1, 1, 2, 3), "smull: dlo=1 does not fit dlo != dhi"),
    ("add.w_imm", (0, 1, 0x101), "add.w_imm: i=257 does not fit 8 bits at any place, or "
                                 "0x00XY00XY, 0xXY00XY00, 0xXYXYXYXY"),
])
def test_an_operand_that_does_not_fit(name: str, values: tuple[int, ...], message: str) -> None:
    with pytest.raises(EncodeError) as caught:
        thumb.TABLE[name].encode(*values)
    assert str(caught.value) == message


def test_operands_by_name_and_by_position() -> None:
    item = thumb.TABLE["movs_imm8"]
    assert item.encode(1, 5) == item.encode(d=1, i=5) == bytes.fromhex("0521")
    assert thumb.TABLE["bl"].encode(0) == bytes.fromhex("00f000f8")  # upper halfword first
    assert arm.TABLE["add_reg"].encode(1, 2, 3) == bytes.fromhex("031082e0")
    assert arm.TABLE["add_reg"].encode(1, 2, 3, c=0, s=1, sh=shift("lsl", 4)) \
        == bytes.fromhex("03129200")
    with pytest.raises(TypeError):
        item.encode(1)
    with pytest.raises(KeyError):
        thumb.TABLE["nonsense"]


def find(name: str, mnemonic: str, *operands: tuple[str, int]) -> str:
    one = SETS[name]
    item, values = one.table.find(mnemonic, operands, one.features)
    return f"{item.name}: {item.text(values, 0, hex)}"


def test_find() -> None:
    r0, r1, r2, r3, r8 = (("reg:r", number) for number in (0, 1, 2, 3, 8))
    open_, close = ("[", 0), ("]", 0)
    assert find("thumb", "smlad", r0, r1, r2, r3) == "smlad: smlad r0, r1, r2, r3"
    assert find("thumb", "movs", r0, ("imm", 5)) == "movs_imm8: movs r0, #5"
    assert find("thumb", "movs", r8, ("imm", 5)) == "movs.w_imm: movs.w r8, #0x5"
    assert find("thumb", "adds", r0, r1, r2) == "adds_reg: adds r0, r1, r2"
    assert find("thumb", "adds", r0, r1, r8) == "adds.w_reg: adds.w r0, r1, r8"
    assert find("thumb", "ldr", r0, open_, r1, ("imm", 4), close) == "ldr_imm5: ldr r0, [r1, #4]"
    assert find("thumb", "ldr", r0, open_, ("reg:r", 13), ("imm", 4), close) \
        == "ldr_sp: ldr r0, [sp, #4]"
    assert find("thumb", "ldr", r0, open_, r1, ("imm", 126), close) \
        == "ldr.w_imm12: ldr.w r0, [r1, #126]"
    assert find("thumb", "ldr", r0, open_, r1, close, ("imm", 4)) \
        == "ldr.w_post: ldr.w r0, [r1], #4"
    assert find("thumb", "beq", ("label", 8)) == "b_cond: beq 0xc"
    assert find("thumb", "beq", ("label", 4096)) == "b.w_cond: beq.w 0x1004"
    assert find("arm", "addseq", r0, r1, r2) == "add_reg: addseq r0, r1, r2"
    assert find("rv32", "lw", ("reg:x", 10), ("imm", 4), ("(", 0), ("reg:x", 11), (")", 0)) \
        == "lw: lw a0, 4(a1)"
    assert find("xtensawin", "rsr.sar", ("reg:a", 3)) == "rsr: rsr.sar a3"


def test_find_refuses() -> None:
    one = SETS["thumb"]
    with pytest.raises(KeyError):
        one.table.find("nonsense", [], one.features)
    with pytest.raises(KeyError):
        one.table.find("smlad", [("reg:r", 0)] * 4, ARCHES["armv7m"].features)
    with pytest.raises(TypeError, match="smlad takes d=w, n, m, a"):
        one.table.find("smlad", [("reg:r", 0)] * 3, one.features)
    with pytest.raises(EncodeError, match=r"movw: i=65536 does not fit 0\.\.65535"):
        one.table.find("movw", [("reg:r", 0), ("imm", 65536)], one.features)


def test_decode_at_the_end_and_targets() -> None:
    one = SETS["thumb"]
    assert one.table.decode(b"\x01", 0, 0, one.features) is None
    assert one.table.decode(bytes.fromhex("00f0"), 0, 0, one.features) is None
    branch = one.table.decode(bytes.fromhex("fee7"), 0, 0x2000, one.features)
    assert branch is not None
    assert branch.target == 0x2000
    assert branch.value("i") == -4
    literal = one.table.decode(bytes.fromhex("0148"), 0, 0x2002, one.features)
    assert literal is not None
    assert literal.target == 0x2008
    nop = one.table.decode(bytes.fromhex("00bf"), 0, 0, one.features)
    assert nop is not None
    assert nop.target is None
    assert one.table.decode(bytes.fromhex("fee7"), 0, 0, frozenset()) is None


def test_helpers() -> None:
    assert thumb.modified_immediate(0xAB00AB00) == 0x2AB
    assert all(thumb.expand_immediate(code) is None
               or thumb.modified_immediate(thumb.expand_immediate(code) or 0) == code
               for code in range(4096))
    assert arm.rotated_immediate(0xFF000000) == 0x4FF
    assert arm.rotated_immediate(0x101) == -1
    assert vfp_float(vfp_code(-0.125)) == -0.125
    assert [vfp_code(vfp_float(code)) for code in range(256)] == list(range(256))
    with pytest.raises(ValueError, match=r"0\.1 is no 8-bit"):
        vfp_code(0.1)
    assert bit_field(4, 8) == 4 << 5 | 11
    with pytest.raises(ValueError, match="bits 30 to 33"):
        bit_field(30, 4)
    assert shift("asr", 32) == 2
    with pytest.raises(ValueError, match="lsr by 0"):
        shift("lsr", 0)
    assert thumb.it_block("te", 0) == 0x06
    assert thumb.it_block("", 1) == 0x18
    with pytest.raises(ValueError, match="itx"):
        thumb.it_block("x", 0)
    with pytest.raises(ValueError, match="ite with condition 14"):
        thumb.it_block("e", 14)
    assert stack_list(12, 64, 4) == 60
    for saved, adjustment in ((11, 64), (-1, 16), (0, 24), (0, 80)):
        with pytest.raises(ValueError):
            stack_list(saved, adjustment, 4)


def test_arches() -> None:
    assert {arch.number: arch.name for arch in ARCHES.values()} == {
        1: "x86", 2: "x64", 3: "armv6", 4: "armv6m", 5: "armv7m", 6: "armv7em", 7: "armv7emsp",
        8: "armv7emdp", 9: "xtensa", 10: "xtensawin", 11: "rv32imc", 12: "rv64imc"}
    assert all(BY_NUMBER[arch.number] is arch for arch in ARCHES.values())
    tables = {"thumb": thumb.TABLE, "arm": arm.TABLE, "xtensa": xtensa.TABLE,
              "riscv": riscv.TABLE}
    for arch in ARCHES.values():
        if arch.table in tables:
            known = {feature for item in tables[arch.table].rows for feature in item.features}
            assert arch.features <= known
    assert "sdiv" in {item.name for item in thumb.TABLE.rows
                      if item.features <= ARCHES["armv7m"].features}
    assert "sdiv" not in {item.name for item in thumb.TABLE.rows
                          if item.features <= ARCHES["armv6m"].features}


@pytest.mark.parametrize("module", ["thumb", "arm", "xtensa", "riscv"])
def test_import_is_quick(module: str) -> None:
    """Well below 100 ms of processor time in a fresh interpreter (30 to 60 ms here)."""
    program = ("import time, dataclasses, enum, re, struct; start = time.process_time();"
               f"import mpy_cross.assembler.{module}; print(time.process_time() - start)")
    spent = min(float(subprocess.run([sys.executable, "-c", program], capture_output=True,
                                     text=True, check=True).stdout) for _ in range(3))
    assert spent < 0.25  # slow machines too


def test_encoding_is_quick() -> None:
    """A row's word() is a few operations: far below 10 microseconds."""
    word = thumb.TABLE["adds_reg"].word
    start = time.process_time()
    for _ in range(10000):
        word(1, 2, 3)
    assert time.process_time() - start < 0.1
