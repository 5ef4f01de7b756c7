"""Thumb-1 instructions as bytes, and the subroutines that stand behind a function.

From the ARMv6-M Architecture Reference Manual (ARM DDI 0419), by way of the assembler's tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.native.buffer import encoder
from mpy_cross.emitters.ssa.ir import WORD

PC: Final = 15

Encoder = Callable[..., bytes]


def _row(name: str) -> Encoder:
    return encoder(TABLE[name])


MOV: Final = _row("mov_any")
MOVS_IMM: Final = _row("movs_imm8")
ADD_ANY: Final = _row("add_any")
ADDS: Final = _row("adds_reg")
SUBS: Final = _row("subs_reg")
ADD_IMM3: Final = (_row("adds_imm3"), _row("subs_imm3"))
ADD_IMM8: Final = (_row("adds_imm8"), _row("subs_imm8"))
CMP_IMM: Final = _row("cmp_imm8")
CMP_LOW: Final = _row("cmp_reg2")
CMP_ANY: Final = _row("cmp_any")
TST: Final = _row("tst_reg2")
NEG: Final = _row("rsbs_reg2")
MVNS: Final = _row("mvns_reg2")
ADCS: Final = _row("adcs_reg2")
SBCS: Final = _row("sbcs_reg2")
MULS: Final = _row("muls_reg2")
BLX: Final = _row("blx")
BX: Final = _row("bx")
BL: Final = _row("bl")
PUSH: Final = _row("push")
POP: Final = _row("pop")
INCREASE_SP: Final = _row("add_spsp")
DECREASE_SP: Final = _row("sub_spsp")
ADD_SP: Final = _row("add_sp")
LDR_SP: Final = _row("ldr_sp")
STR_SP: Final = _row("str_sp")
LDR_LITERAL: Final = _row("ldr_lit")
NOP: Final = _row("nop")()
TWO: Final = {"and": _row("ands_reg2"), "orr": _row("orrs_reg2"), "eor": _row("eors_reg2"),
              "mul": MULS, "bic": _row("bics_reg2"), "lsl": _row("lsls_reg2"),
              "lsr": _row("lsrs_reg2"), "asr": _row("asrs_reg2"), "ror": _row("rors_reg2")}
"""d = d op m"""
ONE: Final = {"neg": NEG, "mvn": MVNS}
PLAIN: Final = {name: _row(name) for name in ("uxtb", "uxth", "sxtb", "sxth", "rev16")}
"""d = op m, and the flags stay as they are."""
SHIFT: Final = {f"{name}i": _row(f"{name}s_imm") for name in ("lsl", "lsr", "asr")}
ACCESSES: Final = tuple(kind + size for kind in ("ldr", "str") for size in ("", "b", "h"))
MEMORY: Final = {name: _row(f"{name}_imm5") for name in ACCESSES}
MEMORY_REGISTER: Final = {f"{name}x": _row(f"{name}_reg") for name in ACCESSES}
LOAD_POST: Final = _row("ldmia_wb")
STORE_POST: Final = _row("stmia")


def constant(d: int, number: int) -> bytes:
    """d = number, in one or two instructions; empty if it takes more than that."""
    number &= WORD
    if number < 256:
        return MOVS_IMM(d, number)
    inverted = ~number & WORD
    if inverted < 256:
        return MOVS_IMM(d, inverted) + MVNS(d, d)
    zeros = (number & -number).bit_length() - 1
    if number >> zeros < 256:
        return MOVS_IMM(d, number >> zeros) + SHIFT["lsli"](d, d, zeros)
    if number < 511:
        return MOVS_IMM(d, 255) + ADD_IMM8[0](d, number - 255)
    return b""


def add_number(d: int, n: int, k: int) -> bytes:
    """d = n + k, with flags; k is -255 to 255."""
    minus = int(k < 0)
    size = abs(k)
    if size < 8:
        return ADD_IMM3[minus](d, n, size)
    move = b"" if d == n else MOV(d, n)
    return move + ADD_IMM8[minus](d, size)


def frame_change(words: int, instruction: Encoder) -> bytes:
    """sp up or down."""
    code = b""
    while words > 0:
        code += instruction(4 * min(words, 127))
        words -= 127
    return code


def _sequence(*instructions: tuple[str, tuple[int, ...]]) -> bytes:
    return b"".join(TABLE[name].encode(*operands) for name, operands in instructions)


R0, R1, R2, R3, R4 = range(5)
_EQ, _HS, _LO, _MI, _NE = 0, 2, 3, 4, 1

DIVIDE: Final = _sequence(
    # r2 gets the quotient; r3 is the bit of it that the divisor, shifted as far, stands for.
    ("movs_imm8", (R2, 0)),
    ("movs_imm8", (R3, 1)),
    ("cmp_imm8", (R1, 0)),
    ("b_cond", (_EQ, 24)),  # to the end
    ("b_cond", (_MI, 8)),  # no further: to the subtractions
    ("cmp_reg2", (R1, R0)),
    ("b_cond", (_HS, 4)),
    ("lsls_imm", (R3, R3, 1)),
    ("lsls_imm", (R1, R1, 1)),
    ("b", (-14,)),
    ("cmp_reg2", (R0, R1)),
    ("b_cond", (_LO, 2)),
    ("subs_reg", (R0, R0, R1)),
    ("orrs_reg2", (R2, R3)),
    ("lsrs_imm", (R1, R1, 1)),
    ("lsrs_imm", (R3, R3, 1)),
    ("b_cond", (_NE, -16)),
    ("mov_any", (R1, R0)),
    ("mov_any", (R0, R2)),
    ("bx", (14,)),
)
"""r0 = r0 // r1, r1 = r0 % r1, unsigned; for r1 = 0: 0 and r0.  Changes r2 and r3."""

MULTIPLY_HIGH: Final = _sequence(
    ("push", (1 << R4,)),
    ("uxth", (R2, R0)),
    ("asrs_imm", (R0, R0, 16)),
    ("asrs_imm", (R3, R1, 16)),
    ("uxth", (R1, R1)),
    ("movs_reg", (R4, R2)),
    ("muls_reg2", (R4, R1)),
    ("lsrs_imm", (R4, R4, 16)),
    ("muls_reg2", (R1, R0)),
    ("adds_reg", (R1, R1, R4)),
    ("muls_reg2", (R2, R3)),
    ("uxth", (R4, R1)),
    ("adds_reg", (R2, R2, R4)),
    ("muls_reg2", (R0, R3)),
    ("asrs_imm", (R1, R1, 16)),
    ("asrs_imm", (R2, R2, 16)),
    ("adds_reg", (R0, R0, R1)),
    ("adds_reg", (R0, R0, R2)),
    ("pop", (1 << R4,)),
    ("bx", (14,)),
)
"""r0 = the upper word of r0 * r1, with signs.  Changes r1, r2 and r3."""

ROUTINES: Final = {"udiv": DIVIDE, "urem": DIVIDE, "smulh": MULTIPLY_HIGH}
