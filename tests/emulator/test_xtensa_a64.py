"""The encoder of A64 for translated code, with Capstone as the judge."""

from __future__ import annotations

import random
from typing import Any, Final

import pytest

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa.a64 import X

capstone: Any = pytest.importorskip("capstone")

CASES: Final[list[tuple[int, str]]] = [
    (a64.three(a64.AND, 1, 2, 3), "and w1, w2, w3"),
    (a64.three(a64.BIC, 1, 2, 3), "bic w1, w2, w3"),
    (a64.three(a64.ORR, 1, 2, 3), "orr w1, w2, w3"),
    (a64.three(a64.ORR | X, 16, 0, 1, 32), "orr x16, x0, x1, lsl #32"),
    (a64.three(a64.ORN, 1, 2, 3), "orn w1, w2, w3"),
    (a64.three(a64.EOR, 1, 2, 3), "eor w1, w2, w3"),
    (a64.three(a64.ANDS, 1, 2, 3), "ands w1, w2, w3"),
    (a64.three(a64.BICS, 1, 2, 3), "bics w1, w2, w3"),
    (a64.three(a64.ADD, 1, 2, 3, 2), "add w1, w2, w3, lsl #2"),
    (a64.three(a64.ADD | X, 16, 26, 16, 4), "add x16, x26, x16, lsl #4"),
    (a64.three(a64.SUB, 1, 2, 3), "sub w1, w2, w3"),
    (a64.three(a64.LSLV, 1, 2, 3), "lsl w1, w2, w3"),
    (a64.three(a64.LSRV | X, 1, 2, 3), "lsr x1, x2, x3"),
    (a64.three(a64.ASRV | X, 1, 2, 3), "asr x1, x2, x3"),
    (a64.three(a64.RORV, 1, 2, 3), "ror w1, w2, w3"),
    (a64.three(a64.UDIV, 1, 2, 3), "udiv w1, w2, w3"),
    (a64.three(a64.SDIV, 1, 2, 3), "sdiv w1, w2, w3"),
    (a64.mov(5, 6), "mov w5, w6"), (a64.neg(5, 6), "neg w5, w6"),
    (a64.cmp(5, 6), "cmp w5, w6"), (X | a64.cmp(17, 27), "cmp x17, x27"),
    (a64.tst(5, 6), "tst w5, w6"),
    (a64.add_i(1, 2, 5), "add w1, w2, #5"), (a64.add_i(1, 2, -5), "sub w1, w2, #5"),
    (a64.add_i(1, 2, -0x8000), "sub w1, w2, #8, lsl #12"),
    (X | a64.add_i(19, 19, -7), "sub x19, x19, #7"),
    (a64.cmp_i(3, 0), "cmp w3, #0"), (a64.cmp_i(3, -1), "cmn w3, #1"),
    (a64.cmp_i(3, 0x8000), "cmp w3, #8, lsl #12"),
    (a64.movz(7, 0x1234), "mov w7, #0x1234"), (a64.movz(7, 0x1234, 1), "mov w7, #0x12340000"),
    (a64.movk(7, 0x1234, 1), "movk w7, #0x1234, lsl #16"), (a64.movn(7, 0), "mov w7, #-1"),
    (a64.ubfm(1, 2, 28, 3), "ubfiz w1, w2, #4, #4"), (a64.sbfx(1, 2, 0, 8), "sxtb w1, w2"),
    (a64.lsl_i(1, 2, 3), "lsl w1, w2, #3"), (a64.lsr_i(1, 2, 3), "lsr w1, w2, #3"),
    (a64.asr_i(1, 2, 31), "asr w1, w2, #0x1f"), (a64.ror_i(1, 2, 30), "ror w1, w2, #0x1e"),
    (a64.ubfx(1, 2, 5, 7), "ubfx w1, w2, #5, #7"), (a64.sbfx(1, 2, 5, 7), "sbfx w1, w2, #5, #7"),
    (a64.bfi(1, 2, 16, 2), "bfi w1, w2, #0x10, #2"),
    (a64.bfxil(27, 0, 0, 30), "bfxil w27, w0, #0, #0x1e"), (a64.sxtw(1, 2), "sxtw x1, w2"),
    (a64.lsr_x(1, 2, 32), "lsr x1, x2, #0x20"),
    (a64.clz(1, 2), "clz w1, w2"), (a64.cls(1, 2), "cls w1, w2"),
    (a64.madd(1, 2, 3), "mul w1, w2, w3"), (a64.madd(1, 2, 3, 4), "madd w1, w2, w3, w4"),
    (a64.msub(1, 2, 3, 4), "msub w1, w2, w3, w4"), (a64.umull(1, 2, 3), "umull x1, w2, w3"),
    (a64.smull(1, 2, 3), "smull x1, w2, w3"),
    (a64.csel(1, 2, 3, a64.HI), "csel w1, w2, w3, hi"),
    (a64.sub_sxtw(16, 16, 3), "sub x16, x16, w3, sxtw"),
    (a64.csneg(1, 2, 2, a64.GE), "cneg w1, w2, lt"), (a64.cset(1, a64.EQ), "cset w1, eq"),
    (a64.fcsel(1, 2, 3, a64.MI), "fcsel s1, s2, s3, mi"), (a64.fcmp(1, 2), "fcmp s1, s2"),
    (a64.fcmp(1, 2) | 0x10, "fcmpe s1, s2"),
    (a64.fmadd(1, 2, 3, 4), "fmadd s1, s2, s3, s4"),
    (a64.fmsub(1, 2, 3, 4), "fmsub s1, s2, s3, s4"),
    (a64.three(a64.FADD, 1, 2, 3), "fadd s1, s2, s3"),
    (a64.three(a64.FSUB, 1, 2, 3), "fsub s1, s2, s3"),
    (a64.three(a64.FMUL, 1, 2, 3), "fmul s1, s2, s3"),
    (a64.two(a64.FMOV, 1, 2), "fmov s1, s2"), (a64.two(a64.FABS, 1, 2), "fabs s1, s2"),
    (a64.two(a64.FNEG, 1, 2), "fneg s1, s2"), (a64.two(a64.FMOV_TO, 1, 2), "fmov s1, w2"),
    (a64.two(a64.FMOV_FROM, 1, 2), "fmov w1, s2"), (a64.two(a64.SCVTF, 1, 2), "scvtf s1, w2"),
    (a64.two(a64.UCVTF, 1, 2), "ucvtf s1, w2"), (a64.two(a64.FCVTNS, 1, 2), "fcvtns w1, s2"),
    (a64.two(a64.FCVTZS, 1, 2), "fcvtzs w1, s2"), (a64.two(a64.FCVTMS, 1, 2), "fcvtms w1, s2"),
    (a64.two(a64.FCVTPS, 1, 2), "fcvtps w1, s2"), (a64.two(a64.FCVTZU, 1, 2), "fcvtzu w1, s2"),
    (a64.access(a64.LDR, 1, 2), "ldr w1, [x2]"), (a64.access(a64.STR, 1, 2, 8), "str w1, [x2, #8]"),
    (a64.access(a64.LDR_X, 1, 2, 8), "ldr x1, [x2, #8]"),
    (a64.access(a64.STR_X, 1, 2, 8), "str x1, [x2, #8]"),
    (a64.access(a64.LDRB, 1, 2, 3), "ldrb w1, [x2, #3]"),
    (a64.access(a64.STRB, 1, 2, 3), "strb w1, [x2, #3]"),
    (a64.access(a64.LDRH, 1, 2, 6), "ldrh w1, [x2, #6]"),
    (a64.access(a64.STRH, 1, 2, 6), "strh w1, [x2, #6]"),
    (a64.access(a64.LDRSH, 1, 2, 6), "ldrsh w1, [x2, #6]"),
    (a64.access(a64.LDR_S, 1, 2, 4), "ldr s1, [x2, #4]"),
    (a64.access(a64.STR_S, 1, 2, 4), "str s1, [x2, #4]"),
    (a64.access(a64.LDR_Q, 1, 2, 32), "ldr q1, [x2, #0x20]"),
    (a64.access(a64.STR_Q, 1, 2, 0x300), "str q1, [x2, #0x300]"),
    (a64.mov_v(20, 31), "mov v20.16b, v31.16b"), (a64.element(9, 20, 3), "mov w9, v20.s[3]"),
    (a64.element(9, 20, 0), "mov w9, v20.s[0]"), (a64.put_element(20, 2, 9), "mov v20.s[2], w9"),
    (a64.put_element(31, 0, 15), "mov v31.s[0], w15"),
    (a64.unscaled(a64.LDR, 1, 2, -64), "ldur w1, [x2, #-0x40]"),
    (a64.unscaled(a64.STR, 1, 2, -4), "stur w1, [x2, #-4]"),
    (a64.ldp_x(17, 18, 16), "ldp x17, x18, [x16]"),
    (a64.ldp_x(1, 2, 3, 16), "ldp x1, x2, [x3, #0x10]"),
    (a64.br(17), "br x17"), (a64.RET, "ret"), (a64.WFI, "wfi"),
    (a64.branch(-8), "b #0xff8"), (a64.branch_link(8), "bl #0x1008"),
    (a64.branch_if(a64.NE, 0x40), "b.ne #0x1040"), (a64.cbz(3, -4), "cbz w3, #0xffc"),
    (a64.cbnz(3, 4), "cbnz w3, #0x1004"), (a64.tbz(3, 31, 4), "tbz w3, #0x1f, #0x1004"),
    (a64.tbnz(19, 63, -4), "tbnz x19, #0x3f, #0xffc"),
]


def text(word: int) -> str:
    engine = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    found = list(engine.disasm(word.to_bytes(4, "little"), 0x1000))
    return " ".join(f"{one.mnemonic} {one.op_str}".strip() for one in found)


@pytest.mark.parametrize(("word", "wanted"), CASES)
def test_words(word: int, wanted: str) -> None:
    assert text(word) == wanted


def masks() -> set[int]:
    """All 32-bit constants of logical instructions, by the manual's definition: a run of ones in
    an element of 2 to 32 bits, turned, repeated."""
    found = set()
    for size in (2, 4, 8, 16, 32):
        for ones in range(1, size):
            for turn in range(size):
                run = (1 << ones) - 1
                element = (run >> turn | run << size - turn) & (1 << size) - 1
                found.add(sum(element << at for at in range(0, 32, size)))
    return found


def test_masks() -> None:
    every = masks()
    assert len(every) == 1302
    rng = random.Random(1)
    for value in every:
        shown = text(a64.logical(a64.AND_I, 1, 2, value)).removeprefix("and w1, w2, #")
        assert int(shown, 0) & 0xFFFF_FFFF == value
    others = {rng.getrandbits(32) for _ in range(2000)} - every | {0, 0xFFFF_FFFF}
    assert all(a64.mask(value) is None for value in others)
    with pytest.raises(ValueError, match="no constant"):
        a64.logical(a64.ORR_I, 1, 2, 5)


def test_constants() -> None:
    rng = random.Random(2)
    values = [0, 1, 0xFFFF, 0x1_0000, 0xFFFF_FFFF, 0xFFFF_0000, 0xFFFF_1234, 0x1234_FFFF,
              0x8000_0000, *(rng.getrandbits(32) for _ in range(200))]
    for value in values:
        assert run(a64.constant(5, value)) == value
        assert len(a64.constant(5, value)) <= 2
    for value in (*values, 0x4008_0000_4008_1234, 1 << 40, (1 << 64) - 1):
        assert run(a64.constant_x(5, value)) == value


def run(words: list[int]) -> int:
    """What MOVZ, MOVN and MOVK leave in the register."""
    value = 0
    for word in words:
        half, number = word >> 21 & 3, word >> 5 & 0xFFFF
        kind, wide = word >> 29 & 3, word >> 31
        if kind == 2:
            value = number << 16 * half
        elif kind == 0:
            value = ~(number << 16 * half)
        else:
            value = value & ~(0xFFFF << 16 * half) | number << 16 * half
        value &= (1 << 64) - 1 if wide else (1 << 32) - 1
    return value


def test_sums() -> None:
    for value in (0, 1, 4095, 4096, 0x7FF000, -1, -4095, -4096):
        assert a64.fits_add(value)
        assert text(a64.add_i(1, 2, value)) and text(a64.cmp_i(2, value))
    assert not any(a64.fits_add(value) for value in (4097, -4097, 1 << 24, 0x7F01))


@pytest.mark.parametrize(("word", "reach"), [
    (a64.branch(0), 1 << 27), (a64.branch_link(0), 1 << 27), (a64.branch_if(a64.LT, 0), 1 << 20),
    (a64.cbz(3, 0), 1 << 20), (a64.cbnz(3, 0), 1 << 20), (a64.tbz(3, 5, 0), 1 << 15),
    (a64.tbnz(19, 63, 0), 1 << 15)])
def test_branches_change_their_target(word: int, reach: int) -> None:
    for offset in (0, 4, -4, 64, reach - 4, -reach):
        assert a64.reaches(word, offset)
        changed = text(a64.redirect(word, offset))
        target = int(changed.rpartition("#")[2], 16)
        assert target == (0x1000 + offset) % (1 << 64)
        assert changed.rpartition("#")[0] == text(word).rpartition("#")[0]
        assert a64.redirect(a64.redirect(word, offset), 0) == word
    assert not a64.reaches(word, reach) and not a64.reaches(word, -reach - 4)
