"""Arithmetic, shifts and moves in A64."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.cores.xtensa.a64 import (
    ADD,
    AND,
    AND_I,
    EOR,
    GE,
    GT,
    HI,
    LT,
    ORR,
    SUB,
    ZR,
    X,
    access,
    add_i,
    asr_i,
    cmp,
    cmp_i,
    constant,
    csel,
    fits_add,
    logical,
    lsl_i,
    lsr_i,
    mov,
    movz,
    neg,
    sbfx,
    sxtw,
    three,
    ubfm,
    ubfx,
)
from mpy_cross.emulator.cores.xtensa.block import Block, Make
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.layout import SAR, STARTS, STATE, T0, T1, special

INTEGER: Final[dict[str, Make]] = {}

CC, EQ, NE = a64.CC, a64.EQ, a64.NE


def _three(op: int, shift: int = 0) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out.append(op | t << 16 | shift | s << 5 | r)

    return make


def _scaled(shift: int) -> Make:
    """ADDX: the first operand is shifted."""
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out.append(three(ADD, r, t, s, shift))

    return make


def _subtracted(shift: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out += (lsl_i(T0, s, shift), three(SUB, r, T0, t))

    return make


INTEGER.update({
    "add": _three(ADD), "sub": _three(SUB), "and": _three(AND), "or": _three(ORR),
    "xor": _three(EOR), "mull": _three(0x1B00_7C00),
    **{f"addx{1 << shift}": _scaled(shift) for shift in (1, 2, 3)},
    **{f"subx{1 << shift}": _subtracted(shift) for shift in (1, 2, 3)}})


def add_constant(b: Block, d: int, s: int, value: int) -> None:
    """d = s + value."""
    if fits_add(value):
        b.out.append(add_i(d, s, value))
    else:
        b.out += constant(T0, value)
        b.out.append(three(ADD, d, s, T0))


def addi(b: Block, i: Instruction) -> None:
    t, s, value = i.operands
    add_constant(b, t, s, value)


def movi(b: Block, i: Instruction) -> None:
    t, value = i.operands
    b.out += constant(t, value)


def move(b: Block, i: Instruction) -> None:
    t, s = i.operands
    b.out.append(mov(t, s))


def negate(b: Block, i: Instruction) -> None:
    r, t = i.operands
    b.out.append(neg(r, t))


def absolute(b: Block, i: Instruction) -> None:
    r, t = i.operands
    b.out += (cmp_i(t, 0), a64.csneg(r, t, t, GE))


def slli(b: Block, i: Instruction) -> None:
    r, s, count = i.operands
    b.out.append(lsl_i(r, s, count))


def srli(b: Block, i: Instruction) -> None:
    r, t, count = i.operands
    b.out.append(lsr_i(r, t, count))


def srai(b: Block, i: Instruction) -> None:
    r, t, count = i.operands
    b.out.append(asr_i(r, t, count))


def extui(b: Block, i: Instruction) -> None:
    r, t, at, width = i.operands
    b.out.append(ubfx(r, t, at, min(width, 32 - at)))


def sext(b: Block, i: Instruction) -> None:
    r, s, bit = i.operands
    b.out.append(sbfx(r, s, 0, bit + 1))


def clamps(b: Block, i: Instruction) -> None:
    r, s, bit = i.operands
    b.out += constant(T0, (1 << bit) - 1)
    b.out += (cmp(s, T0), csel(T1, T0, s, GT))
    b.out += constant(T0, -1 << bit)
    b.out += (cmp(T1, T0), csel(r, T0, T1, LT))


def nsau(b: Block, i: Instruction) -> None:
    t, s = i.operands
    b.out.append(a64.clz(t, s))


def nsa(b: Block, i: Instruction) -> None:
    t, s = i.operands
    b.out.append(a64.cls(t, s))


def _choose(condition: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out += (cmp(s, t), csel(r, s, t, condition))

    return make


def _move_if(condition: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out += (cmp_i(t, 0), csel(r, s, r, condition))

    return make


# Shifts by SAR, which is up to 63: those of 64 bits do the right thing.

def ssr(b: Block, i: Instruction) -> None:
    b.out.append(logical(AND_I, SAR, i.operands[0], 31))


def ssl(b: Block, i: Instruction) -> None:
    b.out += (logical(AND_I, T0, i.operands[0], 31), movz(SAR, 32), three(SUB, SAR, SAR, T0))


def ssa8l(b: Block, i: Instruction) -> None:
    b.out.append(ubfm(SAR, i.operands[0], 29, 1))


def ssa8b(b: Block, i: Instruction) -> None:
    b.out += (ubfm(T0, i.operands[0], 29, 1), movz(SAR, 32), three(SUB, SAR, SAR, T0))


def ssai(b: Block, i: Instruction) -> None:
    b.out.append(movz(SAR, i.operands[0]))


def srl(b: Block, i: Instruction) -> None:
    r, t = i.operands
    b.out += (three(a64.LSRV | X, T0, t, SAR), mov(r, T0))


def sra(b: Block, i: Instruction) -> None:
    r, t = i.operands
    b.out += (sxtw(T0, t), three(a64.ASRV | X, T0, T0, SAR), mov(r, T0))


def sll(b: Block, i: Instruction) -> None:
    r, s = i.operands
    b.out += (three(ORR | X, T0, ZR, s, 32), three(a64.LSRV | X, T0, T0, SAR), mov(r, T0))


def src(b: Block, i: Instruction) -> None:
    r, s, t = i.operands
    b.out += (three(ORR | X, T0, t, s, 32), three(a64.LSRV | X, T0, T0, SAR), mov(r, T0))


# Products and quotients.

def _halves(signed: bool) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        take = sbfx if signed else ubfx
        b.out += (take(T0, s, 0, 16), take(T1, t, 0, 16), a64.madd(r, T0, T1))

    return make


def _high(signed: bool) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out += ((a64.smull if signed else a64.umull)(T0, s, t), a64.lsr_x(r, T0, 32))

    return make


def _divide(op: int, rest: bool) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.leave(a64.cbz(t, 0))
        if rest:
            b.out += (three(op, T0, s, t), a64.msub(r, T0, t, s))
        else:
            b.out.append(three(op, r, s, t))

    return make


def movsp(b: Block, i: Instruction) -> None:
    t, s = i.operands
    b.out.append(logical(a64.ANDS_I, ZR, STARTS, 7 << b.model.quads - 3))
    b.leave(a64.branch_if(EQ, 0))
    b.out.append(mov(t, s))


# Booleans, which are bits of BR.

def load_booleans(b: Block, d: int) -> None:
    b.out.append(access(a64.LDR, d, STATE, special(n.BR)))


def put_boolean(b: Block, number: int, s: int) -> None:
    """Boolean `number` = bit 0 of register s, which is not T1."""
    load_booleans(b, T1)
    b.out += (a64.bfi(T1, s, number, 1), access(a64.STR, T1, STATE, special(n.BR)))


_BOOLEAN: Final = {"andb": AND, "andbc": a64.BIC, "orb": ORR, "orbc": a64.ORN, "xorb": EOR}


def boolean(b: Block, i: Instruction) -> None:
    r, s, t = i.operands
    load_booleans(b, T1)
    b.out += (lsr_i(T0, T1, s), lsr_i(T1, T1, t), three(_BOOLEAN[i.name], T0, T0, T1))
    put_boolean(b, r, T0)


def boolean_group(b: Block, i: Instruction) -> None:
    t, s = i.operands
    width = int(i.name[3:])
    load_booleans(b, T1)
    b.out.append(ubfx(T0, T1, s, width))
    if i.name[:3] == "any":
        b.out += (cmp_i(T0, 0), a64.cset(T0, NE))
    else:
        b.out += (cmp_i(T0, (1 << width) - 1), a64.cset(T0, EQ))
    put_boolean(b, t, T0)


def move_boolean(b: Block, i: Instruction) -> None:
    r, s, t = i.operands
    load_booleans(b, T1)
    b.out += (logical(a64.ANDS_I, ZR, T1, 1 << t),
              csel(r, s, r, NE if i.name == "movt" else EQ))


INTEGER.update({
    "addi": addi, "addmi": addi, "movi": movi, "mov": move, "neg": negate, "abs": absolute,
    "slli": slli, "srli": srli, "srai": srai, "extui": extui, "sext": sext, "clamps": clamps,
    "nsau": nsau, "nsa": nsa, "min": _choose(LT), "max": _choose(GT), "minu": _choose(CC),
    "maxu": _choose(HI), "moveqz": _move_if(EQ), "movnez": _move_if(NE), "movltz": _move_if(LT),
    "movgez": _move_if(GE), "ssr": ssr, "ssl": ssl, "ssa8l": ssa8l, "ssa8b": ssa8b, "ssai": ssai,
    "srl": srl, "sra": sra, "sll": sll, "src": src, "mul16u": _halves(False),
    "mul16s": _halves(True), "muluh": _high(False), "mulsh": _high(True),
    "quou": _divide(a64.UDIV, False), "quos": _divide(a64.SDIV, False),
    "remu": _divide(a64.UDIV, True), "rems": _divide(a64.SDIV, True), "movsp": movsp,
    "andb": boolean, "andbc": boolean, "orb": boolean, "orbc": boolean, "xorb": boolean,
    "any4": boolean_group, "all4": boolean_group, "any8": boolean_group, "all8": boolean_group,
    "movf": move_boolean, "movt": move_boolean})
