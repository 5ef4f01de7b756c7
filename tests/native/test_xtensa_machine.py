"""Xtensa machines: the forms that each release chooses, and their reach."""

from __future__ import annotations

from functools import partial

import pytest

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.xtensa import (
    A2,
    A3,
    A6,
    A10,
    A12,
    XtensaMachine,
    XtensaWinMachine,
)
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import get
from tests.native.listing import Verb, generate, in_turn, listing

FEATURES = ARCHES["xtensawin"].features


def call0(release: str) -> XtensaMachine:
    return XtensaMachine("xtensa", get(release))


def windowed(release: str) -> XtensaWinMachine:
    return XtensaWinMachine("xtensawin", get(release))


def text(machine: XtensaMachine, *verbs: Verb, n_labels: int = 0) -> list[str]:
    """The instructions of a function that uses no table of constants."""
    return listing(generate(machine, in_turn(verbs), n_labels), TABLE, FEATURES)


def bytes_of(machine: XtensaMachine, size: int) -> None:
    """Filler, two bytes at a time."""
    for _ in range(size // 2):
        machine.move_reg_reg(A2, A2)


# --- entry and exit


def test_call0_saves_return_address_and_four_registers() -> None:
    machine = call0("1.29")
    lines = text(machine, lambda: machine.entry(2), machine.exit)
    assert lines == [
        "addi a1, a1, -32",
        "s32i.n a0, a1, 0", "s32i.n a12, a1, 4", "s32i.n a13, a1, 8", "s32i.n a14, a1, 12",
        "s32i.n a15, a1, 16",
        "l32i.n a15, a1, 16", "l32i.n a14, a1, 12", "l32i.n a13, a1, 8", "l32i.n a12, a1, 4",
        "l32i.n a0, a1, 0",
        "addi a1, a1, 32",
        "ret.n",
    ]  # fmt: skip


def test_frame_of_128_bytes_fits_addi_on_entry_only() -> None:
    machine = call0("1.29")
    lines = text(machine, lambda: machine.entry(27), machine.exit)
    assert lines[0] == "addi a1, a1, -128"
    assert lines[-3:] == ["movi a9, 128", "add.n a1, a1, a9", "ret.n"]


def test_frame_beyond_128_bytes() -> None:
    machine = call0("1.29")
    assert text(machine, lambda: machine.entry(28))[:2] == ["movi a9, 144", "sub a1, a1, a9"]


def test_windowed_entry_leaves_room_for_spilled_registers() -> None:
    machine = windowed("1.29")
    lines = text(machine, lambda: machine.entry(3), machine.exit)
    assert lines == ["entry a1, 48", "s32i.n a0, a1, 0", "l32i.n a0, a1, 0", "retw.n"]
    assert text(machine, lambda: machine.entry(4))[0] == "entry a1, 64"


@pytest.mark.parametrize(
    ("release", "call0_jumps", "windowed_jumps"),
    [("1.12", True, True), ("1.25", True, True), ("1.26", False, True), ("1.27", False, True),
     ("1.28", False, False)],
)  # fmt: skip
def test_empty_table_is_jumped_over(
    release: str, call0_jumps: bool, windowed_jumps: bool
) -> None:
    """Until 1.25, with windowed registers until 1.27."""
    for machine, jumps in ((call0(release), call0_jumps), (windowed(release), windowed_jumps)):
        code = generate(machine, partial(machine.entry, 0))
        assert code.startswith(b"\x06\x00\x00\x00") == jumps


# --- constants


def test_constants_stand_in_a_table_at_the_start() -> None:
    machine = windowed("1.29")

    def body() -> None:
        machine.entry(0)
        machine.move_reg_imm(A10, 0x12345678)
        machine.move_reg_imm(A10, -2049)

    code = generate(machine, body)
    assert code[4:12] == bytes.fromhex("78563412") + (-2049 & 0xFFFFFFFF).to_bytes(4, "little")
    assert listing(code[:3], TABLE, FEATURES) == ["j 0xc"]
    assert listing(code, TABLE, FEATURES, 12)[2:] == ["l32r a10, 0x4", "l32r a10, 0x8"]


def test_dead_code_takes_its_place_in_the_table() -> None:
    machine = windowed("1.29")

    def body() -> None:
        machine.entry(0)
        machine.suppress()
        machine.move_reg_imm(A10, 0x10000)
        machine.place_label(0)
        machine.move_reg_imm(A10, 0x20000)

    code = generate(machine, body, 1)
    assert code[4:12] == (0x10000).to_bytes(4, "little") + (0x20000).to_bytes(4, "little")
    assert listing(code, TABLE, FEATURES, 12)[2:] == ["l32r a10, 0x8"]


def test_first_pass_has_the_table_of_the_function_before() -> None:
    machine = windowed("1.17")
    verbs = (lambda: machine.entry(0), lambda: machine.move_reg_imm(A10, 0x10000))
    generate(machine, in_turn(verbs))
    machine.start_function(0)
    machine.start_pass(False)
    machine.entry(0)
    assert machine.position == 4 + 4 + 5


@pytest.mark.parametrize(
    ("release", "value", "line"),
    [
        ("1.22", 0, "movi a10, 0"),
        ("1.23", 0, "movi.n a10, 0"),
        ("1.23", -32, "movi.n a10, -32"),
        ("1.23", 95, "movi.n a10, 95"),
        ("1.23", -33, "movi a10, -33"),
        ("1.23", 96, "movi a10, 96"),
        ("1.12", 2047, "movi a10, 2047"),
        ("1.29", -2048, "movi a10, -2048"),
        ("1.29", 0xFFFFF800, "movi a10, -2048"),
    ],
)
def test_small_constants(release: str, value: int, line: str) -> None:
    machine = windowed(release)
    assert text(machine, lambda: machine.move_reg_imm(A10, value)) == [line]


def test_linked_constants_are_always_in_the_table() -> None:
    machine = call0("1.17")
    offsets: list[int] = []

    def body() -> None:
        machine.entry(0)
        offsets[:] = [machine.move_reg_imm_fix_u16(A2, 1), machine.move_reg_imm_fix_word(A2, 2)]

    code = generate(machine, body)
    assert offsets == [4, 8]
    assert code[4:12] == bytes([1, 0, 0, 0, 2, 0, 0, 0])


# --- branches


def branch_after(release: str, size: int, verb: str, ahead: bool = False) -> list[str]:
    """The lines of a branch over `size` bytes of filler, forward or back."""
    machine = call0(release)
    verbs: dict[str, Verb] = {
        "zero": lambda: machine.jump_if_zero(A2, 0, False),
        "nonzero": lambda: machine.jump_if_nonzero(A2, 0, False),
        "equal": lambda: machine.jump_if_equal(A2, A3, 0),
        "jump": lambda: machine.jump(0),
    }
    jump = verbs[verb]

    def body() -> None:
        if ahead:
            jump()
        else:
            machine.place_label(0)
        bytes_of(machine, size)
        if ahead:
            machine.place_label(0)
        else:
            jump()

    lines = text(machine, body, n_labels=1)
    return [line for line in lines if not line.startswith("mov.n")]


def test_short_branches_back() -> None:
    assert branch_after("1.29", 2044, "zero") == ["beqz a2, 0x0"]
    assert branch_after("1.29", 2044, "nonzero") == ["bnez a2, 0x0"]
    assert branch_after("1.29", 124, "equal") == ["beq a2, a3, 0x0"]


def test_long_branches_back() -> None:
    assert branch_after("1.29", 2046, "zero") == ["bnez a2, 0x804", "j 0x0"]
    assert branch_after("1.29", 2046, "nonzero") == ["beqz a2, 0x804", "j 0x0"]
    assert branch_after("1.29", 126, "equal") == ["bne a2, a3, 0x84", "j 0x0"]


def test_branches_ahead_are_long_from_1_26() -> None:
    assert branch_after("1.25", 10, "zero", True) == ["beqz a2, 0xd"]
    assert branch_after("1.26", 10, "zero", True) == ["bnez a2, 0x6", "j 0x10"]
    assert branch_after("1.26", 10, "equal", True) == ["bne a2, a3, 0x6", "j 0x10"]


def test_branch_out_of_reach_before_1_26_is_cut_and_reported() -> None:
    machine = call0("1.23")

    def body() -> None:
        machine.place_label(0)
        bytes_of(machine, 4096)
        machine.jump_if_zero(A2, 0, False)

    lines = text(machine, body, n_labels=1)
    assert lines[-1] == "beqz a2, 0x1000"  # 4096 bytes too far
    assert machine.warnings == ["ERROR: xtensa bccz out of range"]


def test_branch_out_of_reach_from_1_26_is_an_error() -> None:
    with pytest.raises(NativeError) as caught:
        branch_after("1.29", 140000, "equal")
    assert str(caught.value) == "ERROR: xtensa bcc out of range"
    assert caught.value.kind == "RuntimeError"


def test_jumps() -> None:
    assert branch_after("1.12", 100, "jump") == ["j 0x0"]
    assert branch_after("1.29", 100, "jump", True) == ["j 0x67"]


# --- addresses of labels


@pytest.mark.parametrize("before", [0, 2, 4, 6])
def test_address_of_a_label_goes_by_an_aligned_call(before: int) -> None:
    machine = call0("1.29")

    def body() -> None:
        bytes_of(machine, before)
        machine.move_reg_label(A12, 0)
        machine.place_label(0)

    code = generate(machine, body, 1)
    movi = TABLE.decode(code, before, before, FEATURES)
    call = TABLE.decode(code, before + 3, before + 3, FEATURES)
    assert movi is not None and call is not None
    assert TABLE.text(movi) == f"movi a12, {len(code) - before - 6}"
    target = int(TABLE.text(call).split("0x")[1], 16)
    assert target % 4 == 0 and target == len(code) - 2
    assert listing(code, TABLE, FEATURES, target) == ["add.n a12, a12, a0"]


# --- memory


@pytest.mark.parametrize(
    ("release", "offset", "lines"),
    [
        ("1.18", 15, ["l32i.n a2, a3, 60"]),
        ("1.18", 16, ["l32i.n a2, a3, 0"]),
        ("1.19", 16, ["l32i a2, a3, 64"]),
        ("1.29", 255, ["l32i a2, a3, 1020"]),
        ("1.29", 256, ["movi a2, 1024", "add.n a2, a3, a2", "l32i.n a2, a2, 0"]),
    ],
)
def test_words_by_offset(release: str, offset: int, lines: list[str]) -> None:
    machine = call0(release)
    assert text(machine, lambda: machine.load_word(A2, A3, offset)) == lines


def test_offset_refused_from_1_19_to_1_25() -> None:
    for release in ("1.19", "1.25"):
        machine = call0(release)
        for verb in (machine.load_word, machine.store_word):
            with pytest.raises(NativeError) as caught:
                verb(A2, A3, 256)
            assert str(caught.value) == "asm overflow"


def test_far_store_overwrites_a6_with_windows_too() -> None:
    machine = windowed("1.29")
    assert text(machine, lambda: machine.store_word(A2, A3, 300)) == [
        "movi a6, 1200", "add.n a6, a3, a6", "s32i.n a2, a6, 0",
    ]  # fmt: skip
    assert machine.registers.local_3 == A6


def test_far_half_wraps_before_1_26() -> None:
    machine = call0("1.23")
    assert text(machine, lambda: machine.load_half(A2, A3, 257)) == ["l16ui a2, a3, 2"]
    machine = call0("1.29")
    assert text(machine, lambda: machine.load_half(A2, A3, 257)) == [
        "movi a2, 514", "add.n a2, a3, a2", "l16ui a2, a2, 0",
    ]  # fmt: skip


def test_viper_indices_by_release() -> None:
    machine = call0("1.24")
    assert text(machine, lambda: machine.load_at(1, A2, A3, 5)) == []
    assert not machine.load_at(1, A2, A3, 5)
    machine = call0("1.25")
    assert text(machine, lambda: machine.load_at(1, A2, A3, 5)) == ["l8ui a2, a3, 5"]
    assert not machine.load_at(1, A2, A3, 0)
    assert not machine.load_at(1, A2, A3, 256)
    assert not machine.load_at(1, A2, A3, -1)
    machine = call0("1.29")
    assert text(machine, lambda: machine.load_at(2, A2, A3, 255)) == ["l16ui a2, a3, 510"]
    assert text(machine, lambda: machine.load_at(4, A2, A3, -2)) == [
        "movi.n a2, -8", "add.n a2, a3, a2", "l32i.n a2, a2, 0",
    ]  # fmt: skip


def test_viper_store_of_1_25_takes_the_result_register() -> None:
    machine = call0("1.25")
    assert text(machine, lambda: machine.store_at(1, A12, A3, 5, 0)) == ["s8i a2, a3, 5"]
    machine = call0("1.26")
    assert text(machine, lambda: machine.store_at(1, A12, A3, 5, 0)) == ["s8i a12, a3, 5"]


def test_viper_register_indices_by_release() -> None:
    assert not call0("1.24").load_at_reg(4, A2, A3, A6)
    assert not call0("1.25").load_at_reg(1, A2, A3, A6)
    for release in ("1.25", "1.29"):
        machine = call0(release)
        assert text(machine, partial(machine.load_at_reg, 4, A2, A3, A6)) == [
            "addx4 a3, a6, a3", "l32i.n a2, a3, 0",
        ]  # fmt: skip
        assert text(machine, partial(machine.store_at_reg, 2, A2, A3, A6)) == [
            "addx2 a3, a6, a3", "s16i a2, a3, 0",
        ]  # fmt: skip
    assert text(machine, lambda: machine.store_at_reg(1, A2, A3, A6)) == [
        "add.n a3, a6, a3", "s8i a2, a3, 0",
    ]  # fmt: skip


def test_locals_lie_above_the_saved_registers() -> None:
    machine = call0("1.29")
    assert text(machine, lambda: machine.move_local_reg(1, A2)) == ["s32i a2, a1, 24"]
    assert text(machine, lambda: machine.move_reg_local_address(A2, 26)) == ["addi a2, a1, 124"]
    assert text(machine, lambda: machine.move_reg_local_address(A2, 27)) == [
        "movi a2, 128", "add.n a2, a2, a1",
    ]  # fmt: skip
    machine = windowed("1.29")
    assert text(machine, lambda: machine.move_reg_local(A10, 1)) == ["l32i a10, a1, 8"]


# --- calls and arithmetic


def test_calls_go_through_the_table() -> None:
    machine = call0("1.29")
    assert text(machine, lambda: machine.call(15)) == ["l32i.n a0, a15, 60", "callx0 a0"]
    assert text(machine, lambda: machine.call(16)) == ["l32i a0, a15, 64", "callx0 a0"]
    machine = windowed("1.12")
    assert text(machine, lambda: machine.call(16)) == ["l32i a8, a7, 64", "callx8 a8"]


@pytest.mark.parametrize(
    ("op", "unsigned", "branch"),
    [
        (BinaryOp.LESS, False, "blt a3, a6"),
        (BinaryOp.MORE, False, "blt a6, a3"),
        (BinaryOp.LESS_EQUAL, False, "bge a6, a3"),
        (BinaryOp.MORE_EQUAL, True, "bgeu a3, a6"),
        (BinaryOp.MORE, True, "bltu a6, a3"),
        (BinaryOp.EQUAL, True, "beq a3, a6"),
        (BinaryOp.NOT_EQUAL, False, "bne a3, a6"),
    ],
)
def test_comparisons(op: BinaryOp, unsigned: bool, branch: str) -> None:
    machine = call0("1.29")
    lines = text(machine, lambda: machine.compare(op, unsigned, A3, A6))
    assert lines == ["movi.n a2, 1", f"{branch}, 0x7", "movi.n a2, 0"]


def test_clear_by_release() -> None:
    machine = call0("1.26")
    assert text(machine, lambda: machine.clear(A2)) == ["xor a2, a2, a2"]
    machine = call0("1.29")
    assert text(machine, lambda: machine.clear(A2)) == ["movi.n a2, 0"]


def test_shifts_set_the_shift_amount_first() -> None:
    machine = call0("1.29")
    assert text(machine, lambda: machine.shift_left(A2, A3)) == ["ssl a3", "sll a2, a2"]
    assert text(machine, lambda: machine.shift_right_logical(A2, A3)) == ["ssr a3", "srl a2, a2"]
    assert text(machine, lambda: machine.shift_right_arithmetic(A2, A3)) == ["ssr a3", "sra a2, a2"]
