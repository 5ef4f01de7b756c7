"""RISC-V machine: the forms that each release chooses, compressed or not, and their reach."""

from __future__ import annotations

from functools import partial

import pytest

from mpy_cross.assembler.riscv import TABLE
from mpy_cross.emitters.native.riscv import A0, A1, A2, ZBA, ZCMP, Rv32Machine
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import get
from tests.native.listing import Verb, generate, in_turn, listing

FEATURES = frozenset(["rv32", "i", "m", "c", "zba", "zcmp"])
S0, S1, S3, T0, A6 = 8, 9, 19, 5, 16


def rv32(release: str = "1.29", flags: int = 0) -> Rv32Machine:
    return Rv32Machine("rv32imc", get(release), flags)


def text(machine: Rv32Machine, *verbs: Verb, n_labels: int = 0) -> list[str]:
    return listing(generate(machine, in_turn(verbs), n_labels), TABLE, FEATURES)


def bytes_of(machine: Rv32Machine, size: int) -> None:
    """Filler, two bytes at a time."""
    for _ in range(size // 2):
        machine.move_reg_reg(A0, A0)


# --- constants


@pytest.mark.parametrize(
    ("release", "value", "lines"),
    [
        ("1.29", 31, ["c.li a0, 31"]),
        ("1.29", -32, ["c.li a0, -32"]),
        ("1.29", 32, ["addi a0, zero, 32"]),
        ("1.29", -2048, ["addi a0, zero, -2048"]),
        ("1.29", 0xFFFFFFFF, ["c.li a0, -1"]),
        ("1.29", 2048, ["c.lui a0, 0x1", "addi a0, a0, -2048"]),
        ("1.29", 0x1001F, ["lui a0, 0x10", "c.addi a0, 31"]),
        ("1.29", 0xF01F, ["c.lui a0, 0xf", "c.addi a0, 31"]),
        ("1.29", 0xF000, ["c.lui a0, 0xf"]),
        ("1.29", -65536, ["c.lui a0, 0xffff0"]),
        ("1.29", -65537, ["c.lui a0, 0xffff0", "addi a0, a0, -1"]),
        ("1.29", 0x10FFF, ["lui a0, 0x11", "addi a0, a0, -1"]),
        ("1.24", 0x10FFF, ["lui a0, 0x11", "c.addi a0, -1"]),
    ],
)
def test_constants(release: str, value: int, lines: list[str]) -> None:
    machine = rv32(release)
    assert text(machine, lambda: machine.move_reg_imm(A0, value)) == lines


# --- entry and exit


def saved(lines: list[str]) -> list[str]:
    return [line.split()[1].rstrip(",") for line in lines if line.startswith("c.swsp")]


def test_leaf_saves_the_registers_of_the_release() -> None:
    for release, registers in (
        ("1.24", ["s0", "s1", "s3", "s4", "s5"]),
        ("1.25", ["s1", "s3", "s4", "s5"]),
        ("1.28", ["s1", "s2", "s3", "s4"]),
    ):
        machine = rv32(release)
        lines = text(machine, partial(machine.entry, 1), machine.exit)
        assert saved(lines) == registers
        assert lines[-1] == "c.jr ra"
        assert lines[0].endswith(str(-4 * (len(registers) + 1)))


def test_calls_make_the_next_pass_save_more() -> None:
    machine = rv32()
    assert saved(text(machine, lambda: machine.entry(0), lambda: machine.call(3))) == [
        "ra", "s0", "s1", "s2", "s3", "s4",
    ]  # fmt: skip
    machine = rv32()
    assert "s0" not in saved(text(machine, lambda: machine.entry(0), lambda: machine.call(16)))


def test_function_saves_what_the_one_before_needed() -> None:
    machine = rv32()
    text(machine, lambda: machine.entry(0), lambda: machine.call(3))
    assert saved(text(machine, lambda: machine.entry(0)))[:2] == ["ra", "s0"]


def test_frames() -> None:
    for n_locals, line in (
        (4, "c.addi sp, -32"),
        (5, "addi sp, sp, -36"),
        (507, "addi sp, sp, -2044"),
    ):
        machine = rv32()
        assert text(machine, partial(machine.entry, n_locals))[0] == line
    machine = rv32()
    lines = text(machine, lambda: machine.entry(600), machine.exit)
    assert lines[:3] == ["c.lui a4, 0xfffff", "addi a4, a4, 1680", "c.add sp, a4"]
    assert lines[-4:] == ["c.lui a4, 0x1", "addi a4, a4, -1680", "c.add sp, a4", "c.jr ra"]


def test_zcmp_pushes_all_registers_up_to_the_last() -> None:
    machine = rv32(flags=ZCMP)
    lines = text(machine, lambda: machine.entry(0), machine.exit)
    assert lines == ["cm.push {ra, s0-s4}, -32", "cm.popret {ra, s0-s4}, 32"]


def test_zcmp_takes_locals_in_steps_of_16_bytes() -> None:
    machine = rv32(flags=ZCMP)
    lines = text(machine, lambda: machine.entry(2 + 12 + 3), machine.exit)
    assert lines == [
        "cm.push {ra, s0-s4}, -80", "c.addi sp, -12", "c.addi sp, 12", "cm.popret {ra, s0-s4}, 80",
    ]  # fmt: skip


# --- calls, jumps


def test_calls_by_distance() -> None:
    machine = rv32()
    assert text(machine, lambda: machine.call(15)) == ["c.lw s0, 60(s1)", "c.jalr s0"]
    assert text(machine, lambda: machine.call(16)) == ["lw a6, 64(s1)", "c.jalr a6"]
    assert text(machine, lambda: machine.call(512)) == [
        "c.lui a6, 0x1", "c.add a6, s1", "lw a6, -2048(a6)", "c.jalr a6",
    ]  # fmt: skip


def back(verb: str, size: int, reg: int = A0) -> list[str]:
    machine = rv32()

    def body() -> None:
        machine.place_label(0)
        bytes_of(machine, size)
        if verb == "jump":
            machine.jump(0)
        elif verb == "zero":
            machine.jump_if_zero(reg, 0, False)
        elif verb == "nonzero":
            machine.jump_if_nonzero(reg, 0, False)
        else:
            machine.jump_if_equal(reg, A1, 0)

    return [line for line in text(machine, body, n_labels=1) if not line.startswith("c.mv")]


def test_jumps_back() -> None:
    assert back("jump", 2048) == ["c.j 0x0"]
    assert back("jump", 2050) == ["auipc a6, 0xfffff", "jalr zero, 2046(a6)"]


def test_branches_back() -> None:
    assert back("nonzero", 128) == ["c.bnez a0, 0x0"]
    assert back("nonzero", 128, S3) == ["bne s3, zero, 0x0"]
    assert back("nonzero", 130) == ["bne a0, zero, 0x0"]
    assert back("zero", 100) == ["beq a0, zero, 0x0"]
    assert back("equal", 4096) == ["beq a0, a1, 0x0"]


def test_long_branches_back() -> None:
    assert back("nonzero", 4098)[:1] == ["c.beqz a0, 0x100c"]
    assert back("nonzero", 4098)[1:] == ["auipc a6, 0xfffff", "jalr zero, -4(a6)"]
    assert back("nonzero", 4098, S3)[:1] == ["beq s3, zero, 0x100e"]
    assert back("equal", 4098)[1:] == ["auipc a6, 0xfffff", "jalr zero, -6(a6)"]


def test_everything_ahead_is_long() -> None:
    machine = rv32()

    def body() -> None:
        machine.jump_if_nonzero(A0, 0, False)
        machine.jump_if_equal(A0, A1, 0)
        machine.jump(0)
        machine.place_label(0)

    assert text(machine, body, n_labels=1) == [
        "beq a0, zero, 0xc", "auipc a6, 0x0", "jalr zero, 28(a6)",
        "bne a0, a1, 0x18", "auipc a6, 0x0", "jalr zero, 16(a6)",
        "auipc a6, 0x0", "jalr zero, 8(a6)",
    ]  # fmt: skip


def test_address_of_a_label() -> None:
    machine = rv32()

    def body() -> None:
        machine.move_reg_label(S3, 0)
        machine.place_label(0)

    assert text(machine, body, n_labels=1) == ["auipc s3, 0x0", "addi s3, s3, 8"]


# --- locals and memory


def test_locals_by_distance() -> None:
    machine = rv32()
    assert text(machine, lambda: machine.move_local_reg(63, A0)) == ["c.swsp a0, 252(sp)"]
    assert text(machine, lambda: machine.move_local_reg(64, A0)) == ["sw a0, 256(sp)"]
    assert text(machine, lambda: machine.move_reg_local(A0, 511)) == ["lw a0, 2044(sp)"]
    assert text(machine, lambda: machine.move_reg_local(A0, 512)) == [
        "c.lui a0, 0x1", "c.add a0, sp", "lw a0, -2048(a0)",
    ]  # fmt: skip
    assert text(machine, lambda: machine.move_local_reg(600, A0)) == [
        "c.lui a6, 0x1", "c.add a6, sp", "sw a0, -1696(a6)",
    ]  # fmt: skip


def test_addresses_of_locals() -> None:
    machine = rv32()
    assert text(machine, lambda: machine.move_reg_local_address(A0, 0)) == ["addi a0, sp, 0"]
    assert text(machine, lambda: machine.move_reg_local_address(A0, 255)) == [
        "c.addi4spn a0, sp, 1020"
    ]
    assert text(machine, lambda: machine.move_reg_local_address(S3, 1)) == ["addi s3, sp, 4"]
    assert text(machine, lambda: machine.move_reg_local_address(A0, 512)) == [
        "c.lui a0, 0x1", "addi a0, a0, -2048", "c.add a0, sp",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("release", "offset", "line"),
    [
        ("1.24", 15, "sw a0, 60(a1)"),
        ("1.26", 15, "c.sw a0, 60(a1)"),
        ("1.26", 16, "sw a0, 64(a1)"),
        ("1.26", -1, "sw a0, -4(a1)"),
    ],
)
def test_stores_by_release(release: str, offset: int, line: str) -> None:
    machine = rv32(release)
    assert text(machine, lambda: machine.store_word(A0, A1, offset)) == [line]


def test_loads_by_distance() -> None:
    machine = rv32()
    assert text(machine, lambda: machine.load_word(A0, A1, 15)) == ["c.lw a0, 60(a1)"]
    assert text(machine, lambda: machine.load_word(A0, S3, 15)) == ["lw a0, 60(s3)"]
    assert text(machine, lambda: machine.load_half(A0, A1, 1024)) == [
        "c.lui a0, 0x1", "c.add a0, a1", "lhu a0, -2048(a0)",
    ]  # fmt: skip


def test_viper_indices_by_release() -> None:
    machine = rv32("1.24")
    assert text(machine, lambda: machine.load_at(4, A0, A1, 5)) == ["lw a0, 20(a1)"]
    assert not machine.load_at(4, A0, A1, 0)
    assert not machine.load_at(4, A0, A1, 512)
    machine = rv32("1.26")
    assert text(machine, lambda: machine.load_at(4, A0, A1, 5)) == ["c.lw a0, 20(a1)"]
    assert text(machine, lambda: machine.store_at(1, A0, A1, -2049, A2))[1:] == [
        "c.add t3, a1", "sb a0, 2047(t3)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("release", "flags", "width", "lines"),
    [
        ("1.24", 0, 4, ["slli t3, a2, 2", "c.add a1, t3", "lw a0, 0(a1)"]),
        ("1.26", 0, 1, ["c.add a1, a2", "lbu a0, 0(a1)"]),
        ("1.26", 0, 4, ["slli a2, a2, 2", "c.add a1, a2", "lw a0, 0(a1)"]),
        ("1.27", 0, 4, ["c.slli a2, 2", "c.add a1, a2", "c.lw a0, 0(a1)"]),
        ("1.27", ZBA, 2, ["sh1add a1, a2, a1", "lhu a0, 0(a1)"]),
        ("1.28", 0, 1, ["add t3, a1, a2", "lbu a0, 0(t3)"]),
        ("1.28", 0, 4, ["slli t3, a2, 2", "c.add t3, a1", "lw a0, 0(t3)"]),
        ("1.29", ZBA, 4, ["sh2add a6, a2, a1", "lw a0, 0(a6)"]),
        ("1.29", ZBA, 1, ["add a6, a1, a2", "lbu a0, 0(a6)"]),
    ],
)
def test_viper_register_indices(release: str, flags: int, width: int, lines: list[str]) -> None:
    machine = rv32(release, flags)
    assert text(machine, lambda: machine.load_at_reg(width, A0, A1, A2)) == lines


def test_only_words_take_a_register_index_in_1_24() -> None:
    machine = rv32("1.24")
    assert not machine.load_at_reg(2, A0, A1, A2)
    assert not machine.store_at_reg(1, A0, A1, A2)


# --- arithmetic


@pytest.mark.parametrize(
    ("release", "op", "unsigned", "lines"),
    [
        ("1.29", BinaryOp.LESS, False, ["slt a0, a1, a2"]),
        ("1.29", BinaryOp.MORE, True, ["sltu a0, a2, a1"]),
        ("1.29", BinaryOp.LESS_EQUAL, False, ["slt a0, a2, a1", "xori a0, a0, 1"]),
        ("1.29", BinaryOp.MORE_EQUAL, True, ["sltu a0, a1, a2", "xori a0, a0, 1"]),
        ("1.29", BinaryOp.EQUAL, False, ["sub a0, a1, a2", "sltiu a0, a0, 1"]),
        ("1.29", BinaryOp.NOT_EQUAL, False, ["sub a0, a2, a1", "sltu a0, zero, a0"]),
        ("1.26", BinaryOp.EQUAL, False, ["c.li a0, 1", "beq a1, a2, 0x8", "c.li a0, 0"]),
        ("1.26", BinaryOp.MORE_EQUAL, False, ["c.li a0, 1", "beq a2, a1, 0xa", "slt a0, a2, a1"]),
    ],
)
def test_comparisons(release: str, op: BinaryOp, unsigned: bool, lines: list[str]) -> None:
    machine = rv32(release)
    assert text(machine, lambda: machine.compare(op, unsigned, A1, A2)) == lines


def test_arithmetic() -> None:
    machine = rv32()
    assert text(machine, lambda: machine.and_(A0, A1)) == ["and a0, a1, a0"]
    assert text(machine, lambda: machine.or_(A0, A1)) == ["or a0, a0, a1"]
    assert text(machine, lambda: machine.xor(A0, A0)) == ["c.li a0, 0"]
    assert text(machine, lambda: machine.neg(A0)) == ["sub a0, zero, a0"]
    assert text(machine, lambda: machine.invert(A0)) == ["xori a0, a0, -1"]
    assert text(machine, lambda: machine.add(A0, A1)) == ["c.add a0, a1"]


def test_zero_register_from_1_25() -> None:
    assert rv32("1.24").registers.zero is None
    assert rv32("1.25").registers.zero == 0
