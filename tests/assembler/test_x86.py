"""The x86 tables: every row against what GNU as and Capstone said of it, and back and forth."""

from __future__ import annotations

import pytest

from mpy_cross.assembler.isa import EncodeError, TableError
from mpy_cross.assembler.x86 import FEATURES, RIP, TABLE, Memory, Row
from mpy_cross.assembler.x86_isa import Form, row
from mpy_cross.assembler.x86_table import InstructionSet
from tests.assembler.x86_samples import samples
from tests.assembler.x86_witness import ADDRESS, digest, read, shown

X86, X64 = TABLE.of_mode(32), TABLE.of_mode(64)
RECORD = read()
BOTH = pytest.mark.parametrize("isa", [X86, X64], ids=["x86", "x64"])


def test_every_row_is_recorded() -> None:
    assert {(item.mode, item.name) for item in (*X86.rows, *X64.rows)} == set(RECORD)


@BOTH
def test_bytes_and_texts_are_those_of_the_witnesses(isa: InstructionSet) -> None:
    """To record anew: `python -m tests.assembler.x86_witness`."""
    for item in isa.rows:
        alike, otherwise, recorded, code, text = RECORD[item.mode, item.name]
        found = list(samples(item))
        assert len(found) == int(alike) + int(otherwise), item
        assert (item.encode(*found[0]).hex(), shown(item, found[0])) == (code, text), item
        assert digest(item) == recorded, item


@BOTH
def test_round_trip(isa: InstructionSet) -> None:
    for item in isa.rows:
        for values in samples(item):
            code = item.encode(*values)
            decoded = isa.decode(code + b"\x90" * 4, 0, ADDRESS)
            assert decoded is not None, (item, code.hex())
            assert decoded.row is item, (item, code.hex())
            assert decoded.size == len(code), (item, code.hex())
            assert item.encode(*decoded.operands) == code, item
            assert isa.text(decoded, hex) == shown(item, values), item


@BOTH
def test_every_operand_has_a_range(isa: InstructionSet) -> None:
    for item in isa.rows:
        values = next(iter(samples(item)))
        for at, operand in enumerate(item.operands):
            wrong = list(values)
            for bad in (1 << 64, -(1 << 63) - 1):
                wrong[at] = Memory(0, bad) if operand.form is Form.MEMORY else bad
                with pytest.raises(EncodeError) as caught:
                    item.encode(*wrong)
                assert caught.value.row == item.name
                assert str(bad) in str(caught.value)


@pytest.mark.parametrize(
    ("item", "values", "message"),
    [
        (X86["mov_rm32_r32"], (8, 0), "mov_rm32_r32: rm=8 does not fit eax..edi (0..7)"),
        (X86["mov_rm8_r8"], (0, 5), "mov_rm8_r8: r=5 does not fit al..bl (0..3), ah..bh (16..19)"),
        (X64["add_rm64_imm8"], (0, 128), "add_rm64_imm8: imm=128 does not fit -128..127"),
        (X64["lea_r64_m"], (0, 1), "lea_r64_m: m=1 does not fit memory"),
        (X64["jmp_rel8"], (-129,), "jmp_rel8: target=-129 does not fit -128..127"),
        (X64["lea_r64_m"], (0, Memory(0, 0, 4)), "index=4 does not fit a register 0..15, not 4"),
        (X64["lea_r64_m"], (0, Memory(0, 0, 1, 3)), "scale=3 does not fit 1, 2, 4 or 8"),
        (X86["lea_r32_m"], (0, Memory(RIP, 0)), "base=16 does not fit a register 0..7"),
        (X64["mov_rm8_r8"], (16, 8), "does not fit an instruction with a REX prefix"),
    ],
)
def test_refusals(item: Row, values: tuple[int | Memory, ...], message: str) -> None:
    with pytest.raises(EncodeError) as caught:
        item.encode(*values)
    assert message in str(caught.value)


def test_wrong_number_of_operands() -> None:
    with pytest.raises(TypeError, match=r"add_rm32_r32 takes \(rm, r\)"):
        X64["add_rm32_r32"].encode(1)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([row("x", "01 /r", "rm=rw", "v")], "the operands do not fill the reg field"),
        ([row("x", "01 /r", "r", "v")], "the operands do not fill the rm field"),
        ([row("x", "01", "rm", "v")], "the operands do not fill the rm field"),
        ([row("x", "50", "o", "v")], "no room for a register in the opcode"),
        ([row("x", "51+r", "o", "v")], "no room for a register in the opcode"),
        ([row("x", "01 /r", "rm, v", "v")], "the operands do not fill the reg field"),
        ([row("x", "0101 02", "", "")], "is no opcode"),
        ([row("x", "XY", "", "")], "is no byte"),
        ([row("x", "01 /r", "rm, r")], "has no width"),
        ([row("x", "01 /r", "rm, what", "v")], "what is no form of operand"),
        ([row("x", "01 /0", "rm, i8=w", "v")], "i is no register and cannot be w"),
        ([row("x", "01 /r", "rm, ?", "v")], "cannot read '?'"),
        ([row("x", "01 /r", "rm, r", "z")], "z are no widths"),
        ([row("x", "01", "", "", "alu")], "alu has an unknown feature"),
        ([row("x", "01 /r", "r8, rm8"), row("y", "01 /0", "rm8")], "overlap"),
        ([row("x", "01"), row("x", "02")], "two rows are called x"),
        ([row("x", "50+r", "o", "d"), row("y", "53")], "overlap"),
        ([row("x", "69 /r", "r, rm, i8, iz", "v")], "two operands have one name"),
    ],
)
def test_a_bad_table_cannot_be_made(lines: list[object], message: str) -> None:
    with pytest.raises(TableError) as caught:
        InstructionSet(lines, 64)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_what_is_read_and_written() -> None:
    assert X64["add_rm64_r64"].reads == ("rm", "r")
    assert X64["add_rm64_r64"].writes == ("rm",)
    assert X64["cmp_rm64_r64"].writes == ()
    assert X64["idiv_rm64"].reads == ("rm", "a", "d")
    assert X64["idiv_rm64"].writes == ("a", "d")
    assert X64["shl_rm64_cl"].reads == ("rm", "c")


def test_decoding_needs_whole_instructions_and_features() -> None:
    code = X64["mov_r64_imm64"].encode(3, 0x123456789)
    for size in range(len(code)):
        assert X64.decode(code[:size], 0, 0) is None
    popcnt = X64["popcnt_r64_rm64"].encode(0, 1)
    assert X64.decode(popcnt, 0, 0, frozenset(("x64",))) is None
    assert X64.decode(b"\x06", 0, 0) is None  # push es exists in 32-bit mode only
    assert TABLE.decode(b"\x06", 0, 0, frozenset(("x86",))) is not None


@pytest.mark.parametrize(
    ("mode", "code", "text"),
    [
        (64, "f0480fc70e", "lock cmpxchg16b xmmword ptr [rsi]"),
        (64, "f348a5", "rep movsq"),
        (32, "f2ae", "repne scasb"),
        (64, "f390", "pause"),
        (64, "4990", "xchg r8, rax"),
        (64, "90", "nop"),
        (64, "488d1d05000000", "lea rbx, [rip + 5]"),
        (64, "c4e2f2f7c1", "sarx rax, rcx, rcx"),
        (32, "c4c1", None),  # VEX, not les
    ],
)
def test_prefixes(mode: int, code: str, text: str | None) -> None:
    isa = TABLE.of_mode(mode)
    decoded = isa.decode(bytes.fromhex(code), 0, 0)
    assert (None if decoded is None else isa.text(decoded)) == text


def test_targets() -> None:
    decoded = X64.decode(bytes.fromhex("488d1d05000000"), 0, 0x100)
    assert decoded is not None and decoded.target == 0x10C
    decoded = X86.decode(bytes.fromhex("ebfe"), 0, 0)
    assert decoded is not None and decoded.target == 0
    assert decoded.value("target") == -2
    assert "x64" in FEATURES
