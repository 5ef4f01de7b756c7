"""Special registers in A64, as far as reading and writing them has no effect on anything else.

The rest, exceptions and interrupts among it, is done by the interpreter.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.cores.xtensa.a64 import (
    AND_I,
    LDR,
    STR,
    access,
    logical,
    lsr_x,
    mov,
    neg,
    three,
)
from mpy_cross.emulator.cores.xtensa.block import Block, Make
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.layout import (
    BASE,
    LCOUNT,
    LEND,
    PS,
    SAR,
    STARTS,
    STATE,
    T0,
    T1,
    UR,
    special,
)

SYSTEM: Final[dict[str, Make]] = {}

_HOST_READS: Final = frozenset({n.CCOUNT, n.ICOUNT})
# Those that keep what is written to them, all 32 bits.
_PLAIN: Final = frozenset({
    n.SCOMPARE1, n.DEPC, n.EXCCAUSE, n.EXCVADDR, n.VECBASE,
    *range(n.EPC + 1, n.EPC + 8), *range(n.EXCSAVE + 1, n.EXCSAVE + 8), *range(244, 248)})
_IN_REGISTERS: Final = {n.SAR: SAR, n.PS: PS, n.WINDOWBASE: BASE, n.LCOUNT: LCOUNT}


def _get(b: Block, number: int, d: int) -> None:
    """d = a special register."""
    out = b.out
    if number in _IN_REGISTERS:
        out.append(mov(d, _IN_REGISTERS[number]))
    elif number == n.LEND:
        out.append(mov(d, LEND))
    elif number == n.LBEG:
        out.append(lsr_x(d, LEND, 32))
    elif number == n.WINDOWSTART and b.model.windows:
        out += (neg(T1, BASE), three(a64.RORV, T1, STARTS, T1),
                logical(AND_I, d, T1, (1 << b.model.quads) - 1))
    else:
        out.append(access(LDR, d, STATE, special(number)))


def rsr(b: Block, i: Instruction) -> None:
    number, t = i.operands
    if number in _HOST_READS:
        b.step()
    else:
        _get(b, number, t)


def wsr(b: Block, i: Instruction) -> None:
    number, t = i.operands
    if number == n.SAR:
        b.out.append(logical(AND_I, SAR, t, 0x3F))
    elif number in _PLAIN:
        b.out.append(access(STR, t, STATE, special(number)))
    else:
        b.step()


def xsr(b: Block, i: Instruction) -> None:
    number, t = i.operands
    if number == n.SAR:
        b.out += (mov(T0, SAR), logical(AND_I, SAR, t, 0x3F), mov(t, T0))
    elif number in _PLAIN:
        b.out += (access(LDR, T0, STATE, special(number)),
                  access(STR, t, STATE, special(number)), mov(t, T0))
    else:
        b.step()


def rur(b: Block, i: Instruction) -> None:
    number, r = i.operands
    if number == n.FSR:
        b.step()
    else:
        b.out.append(access(LDR, r, STATE, UR + 4 * number))


def wur(b: Block, i: Instruction) -> None:
    number, t = i.operands
    if number == n.THREADPTR:
        b.out.append(access(STR, t, STATE, UR + 4 * number))
    else:
        b.step()


def nothing(b: Block, i: Instruction) -> None:
    """Barriers."""


def barrier(b: Block, i: Instruction) -> None:
    """ISYNC: the code behind it may be new."""


SYSTEM.update({
    "rsr": rsr, "wsr": wsr, "xsr": xsr, "rur": rur, "wur": wur, "isync": barrier,
    **dict.fromkeys(("nop", "rsync", "esync", "dsync", "excw", "memw", "extw"), nothing)})
