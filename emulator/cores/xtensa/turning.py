"""How windows turn in translated code: the file of address registers in registers of the host.

The file is a ring of groups of four registers.  The four groups of the present window are w0 to
w15; the others are v20 and on, in order, which the host reaches much faster than memory.  v16 to
v19 hold nothing.  Only where Python takes control all of them are in the state's memory, and bit 32
of `STARTS` says that what is there of the groups outside the window is still true: whatever turns
the window changes the lower half of `STARTS`, which clears the upper one.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.xtensa import layout as at
from mpy_cross.emulator.cores.xtensa.a64 import (
    ADD,
    AND_I,
    CS,
    LDR_Q,
    LDR_X,
    NE,
    ORR,
    RET,
    STR_Q,
    STR_X,
    X,
    access,
    add_i,
    branch,
    branch_if,
    cbnz,
    cbz,
    cmp_i,
    element,
    logical,
    lsr_x,
    mov,
    mov_v,
    movk,
    put_element,
    ror_i,
    tbnz,
    three,
    ubfm,
)
from mpy_cross.emulator.cores.xtensa.buffer import Piece
from mpy_cross.emulator.cores.xtensa.layout import BASE, STARTS, STATE, T0, T1

_FIRST: Final = 16  # v16 would be group 0 of the window, if that were not elsewhere
_KEPT: Final = 16  # and the next one: scratch
_TRUE: Final = 32  # bit of STARTS

NOTHING_CHANGED: Final = X | movk(STARTS, 1, 2)
"""The groups outside the window are in memory."""


def _quad(quads: int, k: int) -> list[int]:
    """T0 = address of group k of the window, less AR."""
    bits = quads.bit_length() - 1
    turn = ubfm(T0, BASE, 28, bits - 1) if not k else ubfm(T0, T0, 28, bits - 1)
    return [*([add_i(T0, BASE, k)] if k else []), turn, three(ADD | X, T0, STATE, T0)]


def store_window(quads: int) -> list[int]:
    found = []
    for k in range(4):
        first = 4 * k
        found += [
            *_quad(quads, k),
            three(ORR | X, T1, first, first + 1, 32), access(STR_X, T1, T0, at.AR),
            three(ORR | X, T1, first + 2, first + 3, 32), access(STR_X, T1, T0, at.AR + 8)]
    return found


def load_window(quads: int) -> list[int]:
    found = []
    for k in range(4):
        first = 4 * k
        found += [
            *_quad(quads, k),
            access(LDR_X, T1, T0, at.AR), mov(first, T1), lsr_x(first + 1, T1, 32),
            access(LDR_X, T1, T0, at.AR + 8), mov(first + 2, T1), lsr_x(first + 3, T1, 32)]
    return found


def store_others(quads: int) -> list[int]:
    """The groups outside the window, if what is in memory is not true."""
    code = [word for k in range(4, quads)
            for word in (*_quad(quads, k), access(STR_Q, _FIRST + k, T0, at.AR))]
    return [tbnz(STARTS, _TRUE, 4 * len(code) + 4), *code]


def load_others(quads: int) -> list[int]:
    return [word for k in range(4, quads)
            for word in (*_quad(quads, k), access(LDR_Q, _FIRST + k, T0, at.AR))]


def _take(v: int, first: int) -> list[int]:
    """A group goes to four registers."""
    return [element(first + k, v, k) for k in range(4)]


def _put(v: int, first: int) -> list[int]:
    return [put_element(v, k, first + k) for k in range(4)]


def _forward(quads: int, by: int) -> list[int]:
    """The window turns by 1 or 2 groups, but for `BASE` and `STARTS`."""
    code = []
    for k in range(by):
        code += _put(_KEPT + k, 4 * k)
    code += [mov(k, k + 4 * by) for k in range(16 - 4 * by)]
    for k in range(by):
        code += _take(_FIRST + 4 + k, 16 - 4 * by + 4 * k)
    code += [mov_v(_FIRST + k, _FIRST + k + by) for k in range(4, quads - by)]
    return code + [mov_v(_FIRST + quads - by + k, _KEPT + k) for k in range(by)]


def _back(quads: int, by: int) -> list[int]:
    code = []
    for k in range(by):
        code += _put(_KEPT + k, 16 - 4 * by + 4 * k)
    code += [mov(k, k - 4 * by) for k in reversed(range(4 * by, 16))]
    for k in range(by):
        code += _take(_FIRST + quads - by + k, 4 * k)
    code += [mov_v(_FIRST + k, _FIRST + k - by) for k in reversed(range(4 + by, quads))]
    return code + [mov_v(_FIRST + 4 + k, _KEPT + k) for k in range(by)]


def forward(quads: int, by: int) -> list[int]:
    """The window turns by 1 or 2 groups."""
    return [*_forward(quads, by), add_i(BASE, BASE, by), logical(AND_I, BASE, BASE, quads - 1),
            ror_i(STARTS, STARTS, by)]


def back(quads: int, by: int) -> list[int]:
    return [*_back(quads, by), add_i(BASE, BASE, -by), logical(AND_I, BASE, BASE, quads - 1),
            ror_i(STARTS, STARTS, 32 - by)]


def rotate(p: Piece, quads: int) -> None:
    """The routine that turns the window by T0 groups, forward or back; T0 is lost."""
    p.label("rotate")
    p.emit(logical(AND_I, T0, T0, quads - 1), cmp_i(T0, 2))
    p.to(branch_if(NE, 0), "not forward by two")
    p.emit(forward(quads, 2), RET)
    p.label("not forward by two")
    p.emit(cmp_i(T0, quads - 2))
    p.to(branch_if(NE, 0), "not back by two")
    p.emit(back(quads, 2), RET)
    p.label("not back by two")
    p.emit(cmp_i(T0, quads // 2))
    p.to(branch_if(CS, 0), "back by one")
    p.label("forward by one")
    p.to(cbz(T0, 0), "turned")
    p.emit(forward(quads, 1), add_i(T0, T0, -1))
    p.to(branch(0), "forward by one")
    p.label("back by one")
    p.emit(back(quads, 1), add_i(T0, T0, 1), logical(AND_I, T0, T0, quads - 1))
    p.to(cbnz(T0, 0), "back by one")
    p.label("turned")
    p.emit(RET)
