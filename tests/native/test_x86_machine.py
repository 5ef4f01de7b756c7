"""x86 and x86-64 machines: what each verb generates, per release.

The expectations are what the reference's code for small functions disassembles to; the encodings
themselves are proved with the instruction tables.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mpy_cross.assembler.x86 import TABLE
from mpy_cross.emitters.native.x64 import R12, R13, X64Machine
from mpy_cross.emitters.native.x86 import (
    AX,
    BP,
    BX,
    CX,
    DI,
    DX,
    SI,
    SP,
    IntelMachine,
    X86Machine,
)
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import get
from tests.native.listing import generate


def x86(release: str = "1.29") -> X86Machine:
    return X86Machine("x86", get(release))


def x64(release: str = "1.29") -> X64Machine:
    return X64Machine("x64", get(release))


def text(machine: IntelMachine, *bodies: Callable[[], None], n_labels: int = 0) -> list[str]:
    """The instructions that `bodies` give one after the other; labels as offsets."""

    def all_of_them() -> None:
        for body in bodies:
            body()

    code = generate(machine, all_of_them, n_labels)
    isa = TABLE.of_mode(machine.traits.word_size * 8)
    lines = []
    at = 0
    while at < len(code):
        decoded = isa.decode(code, at, at)
        assert decoded is not None, code[at:].hex()
        lines.append(isa.text(decoded))
        at += decoded.size
    return lines


def fill(machine: IntelMachine, size: int) -> None:
    """Some code of `size` bytes, two at a time."""
    for _ in range(size // 2):
        machine.put(b"\x89\xc0")


# --- entry and exit


def test_x64_frame_has_an_odd_number_of_words() -> None:
    machine = x64()
    assert text(machine, lambda: machine.entry(2), machine.exit) == [
        "push rbp", "push rbx", "push r12", "push r13", "sub rsp, 0x18",
        "sub rsp, -0x18", "pop r13", "pop r12", "pop rbx", "pop rbp", "ret",
    ]  # fmt: skip


def test_frame_of_128_bytes_has_a_short_exit_only() -> None:
    machine = x64()
    lines = text(machine, lambda: machine.entry(15), machine.exit)
    assert (lines[4], lines[5]) == ("sub rsp, 0x78", "sub rsp, -0x78")
    lines = text(machine, lambda: machine.entry(16), machine.exit)
    assert lines[4] == "sub rsp, 0x88"
    code = generate(x86(), lambda: None)
    assert code == b""
    small = x86("1.12")  # 31 words, 124 bytes
    assert generate(small, lambda: small.entry(30))[4:].hex() == "83ec7c"
    assert generate(small, lambda: small.entry(32))[4:].hex() == "81ec84000000"


@pytest.mark.parametrize(("release", "words"), [("1.12", 5), ("1.13", 7), ("1.17", 7), ("1.29", 7)])
def test_x86_frame(release: str, words: int) -> None:
    machine = x86(release)
    assert text(machine, lambda: machine.entry(4), machine.exit) == [
        "push ebp", "push ebx", "push esi", "push edi", f"sub esp, {words * 4:#x}",
        f"sub esp, -{words * 4:#x}", "pop edi", "pop esi", "pop ebx", "pop ebp", "ret",
    ]  # fmt: skip


def test_x86_arguments_are_above_frame_saved_registers_and_return_address() -> None:
    machine = x86()
    lines = text(machine, lambda: machine.entry(0), lambda: machine.load_argument(2, CX))
    assert lines[-1] == f"mov ecx, dword ptr [esp + {(3 + 4 + 1 + 2) * 4:#x}]"


# --- calls


def test_x64_call() -> None:
    machine = x64()
    assert text(machine, lambda: machine.call(3)) == [
        "mov rax, qword ptr [rbp + 0x18]", "call rax",
    ]  # fmt: skip
    assert text(machine, lambda: machine.call(16))[0] == "mov rax, qword ptr [rbp + 0x80]"


@pytest.mark.parametrize(
    ("index", "pushed"),
    [(33, []), (16, ["eax"]), (3, ["ecx", "eax"]), (18, ["edx", "ecx", "eax"]),
     (45, ["ebx", "edx", "ecx", "eax"])],
)  # fmt: skip
def test_x86_call_pushes_the_arguments_of_the_entry(index: int, pushed: list[str]) -> None:
    load = f"mov eax, dword ptr [ebp + {index * 4:#x}]"
    pushes = [f"push {name}" for name in pushed]
    old = x86("1.12")
    after = [f"add esp, {_hex(len(pushed) * 4)}"] if pushed else []
    assert text(old, lambda: old.call(index)) == [*pushes, load, "call eax", *after]
    new = x86("1.13")
    padding = -len(pushed) % 4 * 4
    before = [f"sub esp, {_hex(padding)}"] if padding else []
    after = ["add esp, 0x10"] if pushed else []
    assert text(new, lambda: new.call(index)) == [*before, *pushes, load, "call eax", *after]


def _hex(value: int) -> str:
    return str(value) if value < 10 else hex(value)


# --- jumps


@pytest.mark.parametrize("make", [x86, x64])
def test_jumps_backward_are_short_within_reach(make: Callable[[], IntelMachine]) -> None:
    for size, short in ((0, True), (126, True), (128, False), (4000, False)):
        machine = make()

        def body(machine: IntelMachine = machine, size: int = size) -> None:
            machine.place_label(0)
            fill(machine, size)
            machine.jump(0)

        code = generate(machine, body, 1)[size:]
        if short and size:
            assert code == bytes((0xEB, -size - 2 & 255))
        else:  # a jump to itself counts as forward
            assert code == b"\xe9" + (-size - 5 & 0xFFFFFFFF).to_bytes(4, "little")


def test_conditional_jumps() -> None:
    machine = x64()

    def body() -> None:
        machine.place_label(0)
        machine.jump_if_zero(AX, 0, True)
        machine.jump_if_nonzero(R12, 0, False)
        machine.jump_if_equal(AX, BX, 1)
        machine.place_label(1)
        machine.jump_reg(DX)

    assert text(machine, body, n_labels=2) == [
        "test al, al", "je 0x0", "test r12, r12", "jne 0x0", "cmp rbx, rax", "je 0x12", "jmp rdx",
    ]  # fmt: skip


def test_conditional_jumps_back() -> None:
    machine = x86()

    def body() -> None:
        machine.place_label(0)
        fill(machine, 126)
        machine.jump_if_nonzero(AX, 0, False)
        fill(machine, 2)
        machine.jump_if_zero(AX, 0, False)

    code = generate(machine, body, 1)[126:]
    # 128 bytes back from the jump is out of reach, since the jump itself counts.
    assert code.hex() == "85c0" + "0f857affffff" + "89c0" + "85c0" + "0f8470ffffff"


def test_dead_code_has_no_size() -> None:
    machine = x64("1.20")

    def body() -> None:
        machine.jump(0)
        machine.suppress()
        machine.move_reg_imm(AX, 1)
        machine.jump(0)
        machine.call(3)
        machine.place_label(0)

    assert generate(machine, body, 1).hex() == "e900000000"


# --- moves


@pytest.mark.parametrize(
    ("value", "code"),
    [(0, "b800000000"), (-1, "48b8ffffffffffffffff"), (0xFFFFFFFF, "b8ffffffff"),
     (1 << 32, "48b80000000001000000"), (0x123456789ABCDEF0, "48b8f0debc9a78563412"),
     ((1 << 64) - 2, "48b8feffffffffffffff")],
)  # fmt: skip
def test_x64_immediates(value: int, code: str) -> None:
    machine = x64()
    assert generate(machine, lambda: machine.move_reg_imm(AX, value)).hex() == code


def test_immediates() -> None:
    small, large = x86(), x64()
    assert generate(small, lambda: small.move_reg_imm(DI, -2)).hex() == "bffeffffff"
    assert generate(large, lambda: large.move_reg_imm(R13, 5)).hex() == "41bd05000000"
    assert generate(large, lambda: large.move_reg_imm(R13, -5)).hex() == "49bdfbffffffffffffff"


def test_patched_immediates_tell_their_place() -> None:
    machine = x64("1.17")
    places = []

    def body() -> None:
        places.append(machine.move_reg_imm_fix_u16(DI, 0x1234))
        places.append(machine.move_reg_imm_fix_word(R12, 7))

    assert generate(machine, body).hex() == "bf34120000" + "41bc07000000"
    assert places[-2:] == [1, 7]


def test_locals() -> None:
    machine = x64()

    def body() -> None:
        machine.move_local_reg(0, AX)
        machine.move_local_reg(16, R13)
        machine.move_reg_local(R12, 15)
        machine.move_reg_local_address(DI, 0)
        machine.move_reg_local_address(R13, 3)
        machine.move_reg_reg(R12, SI)

    assert text(machine, body) == [
        "mov qword ptr [rsp], rax", "mov qword ptr [rsp + 0x80], r13",
        "mov r12, qword ptr [rsp + 0x78]", "mov rdi, rsp", "lea r13, [rsp + 0x18]", "mov r12, rsi",
    ]  # fmt: skip


def test_address_of_a_label() -> None:
    small, large = x86(), x64()

    def body(machine: IntelMachine) -> None:
        machine.move_reg_label(BX, 0)
        machine.place_label(0)

    assert text(large, lambda: body(large), n_labels=1) == ["lea rbx, [rip]"]
    assert text(small, lambda: body(small), n_labels=1) == ["call 0x5", "pop ebx", "add ebx, 7"]


# --- arithmetic


def test_arithmetic() -> None:
    machine = x64()

    def body() -> None:
        for verb in (machine.or_, machine.xor, machine.and_, machine.add, machine.sub,
                     machine.mul):  # fmt: skip
            verb(SI, R12)
        for verb in (machine.shift_left, machine.shift_right_logical,
                     machine.shift_right_arithmetic):  # fmt: skip
            verb(AX, CX)
        machine.neg(AX)
        assert machine.invert(BX)
        machine.clear(DX)

    assert text(machine, body) == [
        "or rsi, r12", "xor rsi, r12", "and rsi, r12", "add rsi, r12", "sub rsi, r12",
        "imul rsi, r12", "shl rax, cl", "shr rax, cl", "sar rax, cl", "neg rax", "not rbx",
        "xor rdx, rdx",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "signed", "unsigned"),
    [(BinaryOp.LESS, "l", "b"), (BinaryOp.MORE, "g", "a"), (BinaryOp.EQUAL, "e", "e"),
     (BinaryOp.LESS_EQUAL, "le", "be"), (BinaryOp.MORE_EQUAL, "ge", "ae"),
     (BinaryOp.NOT_EQUAL, "ne", "ne")],
)  # fmt: skip
def test_comparisons(op: BinaryOp, signed: str, unsigned: str) -> None:
    machine = x86()
    for flag, name in ((False, signed), (True, unsigned)):
        assert text(machine, lambda flag=flag: machine.compare(op, flag, CX, DX)) == [  # type: ignore[misc]
            "xor eax, eax", "cmp ecx, edx", f"set{name} al",
        ]  # fmt: skip


# --- memory


def test_loads_and_stores() -> None:
    machine = x64()

    def body() -> None:
        machine.load_word(AX, BP, 2)
        machine.store_word(R13, R12, 0)
        machine.load_half(SI, R13, 64)
        for width in (1, 2, 4):
            machine.load(width, AX, DI)
            machine.store(width, DX, R13)

    assert text(machine, body) == [
        "mov rax, qword ptr [rbp + 0x10]", "mov qword ptr [r12], r13",
        "movzx esi, word ptr [r13 + 0x80]",
        "movzx eax, byte ptr [rdi]", "mov byte ptr [r13], dl",
        "movzx eax, word ptr [rdi]", "mov word ptr [r13], dx",
        "mov eax, dword ptr [rdi]", "mov dword ptr [r13], edx",
    ]  # fmt: skip


def test_byte_stores_of_upper_registers_before_1_16_are_those_of_the_reference() -> None:
    old = x64("1.12")
    assert not old.traits.byte_stores_low
    assert x64("1.16").traits.byte_stores_low
    assert x86("1.12").traits.byte_stores_low
    # Without REX prefix, number 6 is dh; with one, it is sil.
    assert text(old, lambda: old.store(1, SI, AX), lambda: old.store(1, SI, R12)) == [
        "mov byte ptr [rax], dh", "mov byte ptr [r12], sil",
    ]  # fmt: skip


@pytest.mark.parametrize("make", [x86, x64])
def test_constant_indices_from_1_26(make: Callable[[str], IntelMachine]) -> None:
    old = make("1.25")
    assert not old.load_at(1, AX, BX, 5)
    assert not old.store_at(4, AX, BX, 5, CX)
    assert old.position == 0
    new = make("1.26")
    base = "ebx" if new.traits.word_size == 4 else "rbx"

    def body() -> None:
        assert new.load_at(1, AX, BX, -5)
        assert new.load_at(2, AX, BX, 5)
        assert new.store_at(4, AX, BX, 1 << 29, CX)  # a C int
        assert new.store_at(1, DX, BX, 1 << 32, CX)
        assert not new.load_at_reg(1, AX, BX, CX)
        assert not new.store_at_reg(1, AX, BX, CX)

    assert text(new, body) == [
        f"movzx eax, byte ptr [{base} - 5]", f"movzx eax, word ptr [{base} + 0xa]",
        f"mov dword ptr [{base} - 0x80000000], eax", f"mov byte ptr [{base}], dl",
    ]  # fmt: skip


def test_registers_and_traits() -> None:
    small, large = x86(), x64()
    assert (small.traits.nlr_buf_words, large.traits.nlr_buf_words) == (9, 13)
    assert (small.registers.fun_table, large.registers.fun_table) == (BP, BP)
    assert SP not in small.registers
    assert SP not in large.registers
    assert small.traits.shift_count == large.traits.shift_count == CX
    assert small.traits.args_on_stack and not large.traits.args_on_stack
