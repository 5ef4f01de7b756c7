"""Branches, calls, windows and loops in A64."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.cores.xtensa.a64 import (
    EQ,
    GE,
    LE,
    LT,
    NE,
    SUB,
    X,
    add_i,
    branch_if,
    branch_link,
    cmp,
    cmp_i,
    constant,
    constant_x,
    fits_add,
    logical,
    lsr_x,
    mov,
    movz,
    tbnz,
    tbz,
    three,
)
from mpy_cross.emulator.cores.xtensa.block import DIRECT, Block, Make
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.layout import (
    BUDGET,
    LCOUNT,
    LEND,
    PC,
    PS,
    STARTS,
    T0,
    T1,
    T2,
    WINDOWS,
)
from mpy_cross.emulator.cores.xtensa.routines import indirect
from mpy_cross.emulator.cores.xtensa.translate_integer import load_booleans

JUMPS: Final[dict[str, Make]] = {}

CC, CS = a64.CC, a64.CS


def fall(b: Block, end: int) -> None:
    """Goes on at the instruction behind the block, or at the begin of a loop that ends there."""
    if end not in b.loops or b.in_exception:
        b.go(end)
        return
    out, begin = b.out, b.loops[end]
    known = constant_x(T0, end | max(begin, 0) << 32)
    if begin >= 0:
        _again(b, begin, known)
    out += (*known, X | cmp(LEND, T0))
    if begin >= 0:
        out += (branch_if(NE, 20), a64.cbz(LCOUNT, 12), add_i(LCOUNT, LCOUNT, -1))
        b.go(begin)
        b.go(end)  # the loop has ended
    # Another loop, or none, ends here.
    out.append(cmp(LEND, T0))
    b.go(end, branch_if(NE, 0))
    b.go(end, a64.cbz(LCOUNT, 0))
    out += (add_i(LCOUNT, LCOUNT, -1), lsr_x(PC, LEND, 32))
    jump(b)


def _again(b: Block, begin: int, known: list[int]) -> None:
    """Goes to the begin of the loop if it is the one that ends here, if it is not over, and, where
    it is this very block, if the budget is enough.

    That takes a single branch: the sign of T0 says whether one of these is not so.
    """
    out = b.out
    out += (*known, three(a64.EOR | X, T0, LEND, T0), three(SUB | X, T1, a64.ZR, T0),
            X | add_i(LCOUNT, LCOUNT, -1), three(a64.ORR | X, T0, T0, T1),
            three(a64.ORR | X, T0, T0, LCOUNT))
    if begin == b.start and b.body >= 0:
        out += (X | add_i(T1, BUDGET, -b.count), three(a64.ORR | X, T0, T0, T1))
        b.back = len(out)
        out.append(tbz(T0, 63, 4 * (b.body - b.back)))
    else:
        b.go(begin, tbz(T0, 63, 0))
    out.append(X | add_i(LCOUNT, LCOUNT, 1))


def _turns(b: Block, target: int) -> bool:
    """Does a branch there lead to the begin of this block, which may look at the budget itself?"""
    return target == b.start and b.body > 0 and not b.back and b.key >> 36 == b.quad


def _turn(b: Block, *code: int, op: int = a64.ORR, register: int = T0, shift: int = 0) -> None:
    """Goes to the begin of the block, where the branch is taken and the budget is enough: one
    branch for both.

    code: makes 64 bits in T0, of which the highest is 1 where the branch is not taken; with ORN
    where it is.  Otherwise they are in another register, `shift` bits further down.
    """
    out = b.out
    out += (*code, X | add_i(T1, BUDGET, -b.count), three(op | X, T1, T1, register, shift))
    b.back = len(out)
    out.append(tbz(T1, 63, 4 * (b.body - b.back)))


_TAKEN_IF_LESS: Final = {LT: a64.ORN, GE: a64.ORR, CC: a64.ORN, CS: a64.ORR}


def _turn_if(b: Block, condition: int, s: int, t: int) -> None:
    """The same where a comparison of two registers decides."""
    if condition in (EQ, NE):
        _turn(b, three(a64.EOR, T0, s, t), X | (
            add_i(T0, T0, -1) if condition == NE else three(SUB, T0, a64.ZR, T0)))
    elif condition in (CC, CS):
        _turn(b, three(SUB | X, T0, s, t), op=_TAKEN_IF_LESS[condition])
    else:
        _turn(b, a64.sxtw(T0, s), a64.sub_sxtw(T0, T0, t), op=_TAKEN_IF_LESS[condition])


def jump(b: Block) -> None:
    """To the address in PC."""
    b.out += indirect()
    b.leave_now("miss")


def end_with(b: Block, target: int, word: int, end: int) -> None:
    """A conditional branch, with which the block ends or goes on."""
    b.go(target, word)
    if not b.go_on():
        fall(b, end)
        b.ended = True


# Branches.

def _compare(condition: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        s, t, target = i.operands
        if _turns(b, target):
            _turn_if(b, condition, s, t)
        b.out.append(cmp(s, t))
        end_with(b, target, branch_if(condition, 0), i.end)

    return make


def _compare_number(condition: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        s, value, target = i.operands
        if _turns(b, target):
            b.out += constant(T1, value)
            _turn_if(b, condition, s, T1)
        if fits_add(value):
            b.out.append(cmp_i(s, value))
        else:
            b.out += constant(T0, value)
            b.out.append(cmp(s, T0))
        end_with(b, target, branch_if(condition, 0), i.end)

    return make


def _masked(op: int, condition: int) -> Make:
    def make(b: Block, i: Instruction) -> None:
        s, t, target = i.operands
        if op == a64.BICS:  # bits of t that s has not
            s, t = t, s
        b.out.append(three(op, a64.ZR, s, t))
        end_with(b, target, branch_if(condition, 0), i.end)

    return make


def branch_bit(b: Block, i: Instruction) -> None:
    s, t, target = i.operands
    b.out.append(three(a64.LSRV, T0, s, t))
    end_with(b, target, tbnz(T0, 0, 0) if i.name == "bbs" else tbz(T0, 0, 0), i.end)


def branch_bit_number(b: Block, i: Instruction) -> None:
    s, bit, target = i.operands
    if _turns(b, target):
        _turn(b, op=a64.ORN if i.name == "bbsi" else a64.ORR, register=s, shift=63 - bit)
    end_with(b, target, tbnz(s, bit, 0) if i.name == "bbsi" else tbz(s, bit, 0), i.end)


def branch_zero(b: Block, i: Instruction) -> None:
    s, target = i.operands
    if _turns(b, target):
        if i.name in ("bltz", "bgez"):
            _turn(b, op=a64.ORN if i.name == "bltz" else a64.ORR, register=s, shift=32)
        else:
            _turn(b, X | (add_i(T0, s, -1) if i.name == "bnez" else three(SUB, T0, a64.ZR, s)))
    word = {"beqz": a64.cbz(s, 0), "bnez": a64.cbnz(s, 0), "bltz": tbnz(s, 31, 0),
            "bgez": tbz(s, 31, 0)}[i.name]
    end_with(b, target, word, i.end)


def branch_boolean(b: Block, i: Instruction) -> None:
    number, target = i.operands
    load_booleans(b, T0)
    end_with(b, target, tbnz(T0, number, 0) if i.name == "bt" else tbz(T0, number, 0), i.end)


def j(b: Block, i: Instruction) -> None:
    b.go(i.operands[0])
    b.ended = True


def jx(b: Block, i: Instruction) -> None:
    b.out.append(mov(PC, i.operands[0]))
    jump(b)


def ret(b: Block, i: Instruction) -> None:
    b.out.append(mov(PC, 0))
    jump(b)


# Calls.

def call0(b: Block, i: Instruction) -> None:
    b.out += constant(0, i.end)
    j(b, i)


def callx0(b: Block, i: Instruction) -> None:
    b.out.append(mov(PC, i.operands[0]))
    b.out += constant(0, i.end)
    jump(b)


def _windowed(quads: int, by_register: bool) -> Make:
    def make(b: Block, i: Instruction) -> None:
        target = i.operands[0]
        if by_register:
            b.out.append(mov(PC, target))
        b.out += constant(4 * quads, quads << 30 | i.end & 0x3FFF_FFFF)
        b.out += (movz(T0, quads), a64.bfi(PS, T0, n.PS_CALLINC_SHIFT, 2))
        if by_register:
            jump(b)
        else:
            b.go(target, quad=0)
            b.ended = True

    return make


def entry(b: Block, i: Instruction) -> None:
    s, size = i.operands
    if s != 1 or b.mode & 3 != WINDOWS:
        b.step()
        return
    if fits_add(size):
        b.out.append(add_i(T2, 1, -size))
    else:
        b.out += constant(T2, size)
        b.out.append(three(SUB, T2, 1, T2))
    # Is the window to turn by two groups, and neither of the next two in use?
    b.out += (a64.ubfx(T0, PS, n.PS_CALLINC_SHIFT, 2), logical(a64.AND_I, T1, STARTS, 6),
              logical(a64.EOR_I, T0, T0, 2), three(a64.ORR, T0, T0, T1))
    if not b.index:  # the look at the budget is made here
        budget_left(b, T1)
        b.out += (lsr_x(T1, T1, 63), three(a64.ORR, T0, T0, T1))
    place = len(b.out)
    b.out.append(a64.cbnz(T0, 0))
    b.out += b.entry
    b.entries.append((place, b.rest, i.address, len(b.out)))
    b.quad = 0


def budget_left(b: Block, into: int) -> None:
    """What the budget will be behind the block, of which the first part was taken off."""
    b.out.append(X | add_i(into, BUDGET, b.parts[0] - b.count))


def retw(b: Block, i: Instruction) -> None:
    if b.mode & 3 != WINDOWS:
        b.step()
        return
    b.out += constant(PC, i.address)
    b.leave_now("retw")


def window_return(b: Block, i: Instruction) -> None:
    """RFWO and RFWU."""
    if not b.in_exception:
        b.step()
        return
    b.out += constant(PC, i.address)
    b.leave_now(i.name)


def rotw(b: Block, i: Instruction) -> None:
    b.out += constant(T0, i.operands[0])
    b.exits.append((len(b.out), DIRECT, 0, "rotate"))
    b.out.append(branch_link(0))
    b.quad = 0


# Loops.

def loop(b: Block, i: Instruction) -> None:
    s, end = i.operands
    b.out.append(add_i(LCOUNT, s, -1))
    b.out += constant_x(LEND, end | i.end << 32)
    if i.name == "loopnez":
        b.go(end, a64.cbz(s, 0))
    elif i.name == "loopgtz":
        b.out.append(cmp_i(s, 0))
        b.go(end, branch_if(LE, 0))
    fall(b, i.end)
    b.ended = True


JUMPS.update({
    "beq": _compare(EQ), "bne": _compare(NE), "blt": _compare(LT), "bge": _compare(GE),
    "bltu": _compare(CC), "bgeu": _compare(CS), "beqi": _compare_number(EQ),
    "bnei": _compare_number(NE), "blti": _compare_number(LT), "bgei": _compare_number(GE),
    "bltui": _compare_number(CC), "bgeui": _compare_number(CS), "bany": _masked(a64.ANDS, NE),
    "bnone": _masked(a64.ANDS, EQ), "ball": _masked(a64.BICS, EQ),
    "bnall": _masked(a64.BICS, NE), "bbc": branch_bit, "bbs": branch_bit,
    "bbci": branch_bit_number, "bbsi": branch_bit_number, "beqz": branch_zero,
    "bnez": branch_zero, "bltz": branch_zero, "bgez": branch_zero, "bf": branch_boolean,
    "bt": branch_boolean, "j": j, "jx": jx, "ret": ret, "call0": call0, "callx0": callx0,
    **{f"call{4 * quads}": _windowed(quads, False) for quads in (1, 2, 3)},
    **{f"callx{4 * quads}": _windowed(quads, True) for quads in (1, 2, 3)},
    "entry": entry, "retw": retw, "rfwo": window_return, "rfwu": window_return, "rotw": rotw,
    "loop": loop, "loopnez": loop, "loopgtz": loop})

ENDS: Final = frozenset(JUMPS) - {"rotw", "entry"}
"""Instructions that end a block."""
LOOPS: Final = frozenset(("loop", "loopnez", "loopgtz"))
CONDITIONAL: Final = frozenset(name for name in JUMPS if name[0] == "b")
"""Those of them behind which a block may go on."""

