"""Floating point in A64; what gives NaN is left to the interpreter, which picks another one."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa.a64 import (
    EQ,
    GE,
    LT,
    MI,
    NE,
    SUB,
    VC,
    VS,
    X,
    branch_if,
    cmp_i,
    constant,
    csel,
    cset,
    fcmp,
    fcsel,
    logical,
    lsl_i,
    movz,
    tbnz,
    three,
    two,
)
from mpy_cross.emulator.cores.xtensa.block import Block, Make
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.layout import T0, T1
from mpy_cross.emulator.cores.xtensa.translate_integer import load_booleans, put_boolean

FLOAT: Final[dict[str, Make]] = {}

_RESULT: Final = 16  # s16


def put_result(b: Block, r: int) -> None:
    """Register r = the result, unless that is NaN.

    Without the sign, NaN is what is more than infinity: a comparison of floating-point numbers
    would take longer.
    """
    b.out += (two(a64.FMOV_FROM, T0, _RESULT), movz(T1, 0xFF00, 1), lsl_i(T0, T0, 1),
              three(SUB | X, T0, T1, T0))
    b.leave(tbnz(T0, 63, 0))
    b.out.append(two(a64.FMOV, r, _RESULT))


def _three(op: int) -> Make:
    """A NaN comes out otherwise than on the host."""
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out.append(three(op, _RESULT, s, t))
        put_result(b, r)

    return make


def _two(op: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s = i.operands
        b.out.append(two(op, r, s))

    return make


def multiply_add(b: Block, i: Instruction) -> None:
    """A NaN comes out otherwise than on the host."""
    r, s, t = i.operands
    make = a64.fmadd if i.name == "madd.s" else a64.fmsub
    b.out.append(make(_RESULT, s, t, r))
    put_result(b, r)


def _move_if(condition: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out += (cmp_i(t, 0), fcsel(r, s, r, condition))

    return make


def move_boolean(b: Block, i: Instruction) -> None:
    r, s, t = i.operands
    load_booleans(b, T1)
    b.out += (logical(a64.ANDS_I, a64.ZR, T1, 1 << t),
              fcsel(r, s, r, NE if i.name == "movt.s" else EQ))


# Conversions.

_ROUND: Final = {"round.s": a64.FCVTNS, "floor.s": a64.FCVTMS, "ceil.s": a64.FCVTPS,
                 "trunc.s": a64.FCVTZS}
_COMPARE_WITH_0: Final = 0x1E20_2008
_FIXED: Final = 1 << 21  # clear in conversions to and from fixed point


def _fixed(op: int, scale: int) -> int:
    """A conversion with so many bits behind the point, up to 15."""
    return op if not scale else op & ~_FIXED | 64 - scale << 10


def to_integer(b: Block, i: Instruction) -> None:
    r, s, scale = i.operands
    if scale and i.name != "trunc.s":
        b.step()
        return
    b.out += (two(_fixed(_ROUND[i.name], scale), T0, s), fcmp(s, s),
              *constant(T1, 0x7FFF_FFFF), csel(r, T0, T1, VC))


def to_unsigned(b: Block, i: Instruction) -> None:
    """Negative numbers are for the interpreter."""
    r, s, scale = i.operands
    b.out.append(_COMPARE_WITH_0 | s << 5)
    b.leave(branch_if(MI, 0))
    b.out += (two(_fixed(a64.FCVTZU, scale), T0, s), a64.movn(T1, 0), csel(r, T0, T1, VC))


def _from_integer(op: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, scale = i.operands
        b.out.append(two(_fixed(op, scale), r, s))

    return make


# Comparisons: the conditions after FCMP that they are.

_COMPARE: Final = {"un.s": VS, "olt.s": MI, "ult.s": LT, "ole.s": a64.LS, "ule.s": a64.LE,
                   "oeq.s": EQ}


def compare(b: Block, i: Instruction) -> None:
    """Those for an order complain of every NaN."""
    r, s, t = i.operands
    complains = i.name[1:3] in ("lt", "le")
    b.out.append(fcmp(s, t) | (0x10 if complains else 0))
    if i.name == "ueq.s":
        b.out += (cset(T0, EQ), a64.three(0x1A80_0400, T0, T0, a64.ZR) | VC << 12)
    else:
        b.out.append(cset(T0, _COMPARE[i.name]))
    put_boolean(b, r, T0)


FLOAT.update({
    "add.s": _three(a64.FADD), "sub.s": _three(a64.FSUB), "mul.s": _three(a64.FMUL),
    "madd.s": multiply_add, "msub.s": multiply_add, "mov.s": _two(a64.FMOV),
    "abs.s": _two(a64.FABS), "neg.s": _two(a64.FNEG), "rfr": _two(a64.FMOV_FROM),
    "wfr": _two(a64.FMOV_TO), "moveqz.s": _move_if(EQ), "movnez.s": _move_if(NE),
    "movltz.s": _move_if(LT), "movgez.s": _move_if(GE), "movf.s": move_boolean,
    "movt.s": move_boolean, "utrunc.s": to_unsigned, "float.s": _from_integer(a64.SCVTF),
    "ufloat.s": _from_integer(a64.UCVTF), **dict.fromkeys(_ROUND, to_integer),
    **dict.fromkeys((*_COMPARE, "ueq.s"), compare)})
