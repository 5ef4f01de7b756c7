"""Routines that all translated code shares: calls of the host, windows, indirect jumps.

What becomes of the registers when a window turns is in `turning`.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.cores.xtensa import layout as at
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.cores.xtensa import turning
from mpy_cross.emulator.cores.xtensa.a64 import (
    ADD,
    AND_I,
    EOR,
    EOR_I,
    EQ,
    LDR,
    LDR_S,
    LDR_X,
    LSLV,
    NE,
    ORR,
    ORR_I,
    RORV,
    STR,
    STR_S,
    STR_X,
    SUB,
    WFI,
    ZR,
    X,
    access,
    add_i,
    bfi,
    bfxil,
    br,
    branch,
    branch_if,
    branch_link,
    cbnz,
    clz,
    cmp,
    cmp_i,
    constant,
    ldp_x,
    logical,
    lsl_i,
    lsr_i,
    lsr_x,
    mov,
    movz,
    neg,
    tbnz,
    tbz,
    three,
    tst,
    ubfx,
)
from mpy_cross.emulator.cores.xtensa.base import TRAPS
from mpy_cross.emulator.cores.xtensa.buffer import Piece
from mpy_cross.emulator.cores.xtensa.layout import (
    ACCESS,
    BASE,
    BREAKPOINT,
    BUDGET,
    BUDGET_OVER,
    CHAIN,
    CHANGED,
    INTERPRET,
    LCOUNT,
    LEND,
    LINK,
    MISS,
    PC,
    PS,
    REFUSED,
    SAR,
    STARTS,
    STATE,
    STEP,
    STUB,
    T0,
    T1,
    T2,
    T3,
    TABLE,
    special,
)
from mpy_cross.emulator.cores.xtensa.models import Model

ORR_X: Final = ORR | X
ADD_X: Final = ADD | X


def indirect() -> list[int]:
    """Jumps to the address in the program that is in `PC`; after these words comes a branch to
    `miss`."""
    return [
        logical(AND_I, T0, PC, (1 << at.TABLE_BITS) - 1),
        three(ADD_X, T0, TABLE, T0, 4),
        ldp_x(T1, T2, T0),
        X | cmp(T1, PC),
        branch_if(NE, 8),
        br(T2),
    ]


@final
class Routines:
    """The code for one configuration, and its places by name:

    light: ends the run for the host, which changes nothing but where to go on: AT, SITE and REASON
        from PC, LINK and T0; "go on" does so, at NEXT.
    heavy: ends it with all state in its memory: REASON from T0, AT from PC; resume: loads the state
        and goes on at NEXT; resume near: does so if of the registers outside of the window none has
        changed.
    miss: an indirect jump whose target is not in the table.
    chain: a branch without a target; LINK says which; changed: the same of a block whose words are
        not what they were.
    budget, stub, breakpoint, refused, interpret, step: `heavy` with that reason.
    access: the host does an access of the kind in T3, to the address in T1, of the value in T2;
        comes back to LINK.
    back: returns from a stub, which counts as an instruction; after "back with VALUE" and "back
        with nothing" the run goes on where "stub" has ended it, without loading the state.
    indirect: goes on at PC.
    overflow: takes the window overflow of the instruction at PC.
    entry: ENTRY at PC with the new stack pointer in T2; comes back to LINK.  What `entry_of_two`
        does need not come here.
    retw: RETW at PC.
    rfwo, rfwu: those instructions, at PC.
    rotate: turns the window by T0 groups of four; uses T0.
    """

    __slots__ = ("code", "model", "ones", "piece", "places", "quads")

    def __init__(self, model: Model, start: int) -> None:
        self.model, self.quads = model, model.quads
        # Bit 0 of WINDOWSTART, as often as it is repeated.
        self.ones = 0x0001_0001 if self.quads == 16 else 0x0101_0101
        self.piece = Piece(start)
        self._calls()
        if model.windows:
            turning.rotate(self.piece, self.quads)
            self._exceptions()
            self._entry()
            self._retw()
        self.code = self.piece.finish()
        self.places = self.piece.labels

    # What is stored and loaded.

    def _store_registers(self) -> list[int]:
        if self.model.windows:
            return [*turning.store_window(self.quads), *turning.store_others(self.quads),
                    turning.NOTHING_CHANGED]
        return [access(STR, k, STATE, at.AR + 4 * k) for k in range(16)]

    def _load_window(self) -> list[int]:
        if self.model.windows:
            return turning.load_window(self.quads)
        return [access(LDR, k, STATE, at.AR + 4 * k) for k in range(16)]

    # Calls of the host.

    def _calls(self) -> None:
        p, model = self.piece, self.model
        p.label("light")
        p.emit(access(STR, PC, STATE, at.AT), access(STR_X, LINK, STATE, at.SITE),
               access(STR, T0, STATE, at.REASON), WFI)
        p.label("go on")
        p.emit(access(LDR_X, T0, STATE, at.NEXT), br(T0))
        p.label("miss")
        p.emit(movz(T0, MISS), access(STR_X, TABLE, STATE, at.TABLE_MISSED))
        p.to(branch(0), "light")
        p.label("indirect")
        p.emit(indirect())
        p.to(branch(0), "miss")
        p.label("chain")
        p.emit(movz(T0, CHAIN))
        p.to(branch(0), "light")
        p.label("changed")
        p.emit(movz(T0, CHANGED))
        p.to(branch(0), "light")
        self._stub()
        for name, reason in (("budget", BUDGET_OVER), ("breakpoint", BREAKPOINT),
                             ("refused", REFUSED), ("interpret", INTERPRET)):
            p.label(name)
            p.emit(movz(T0, reason))
            p.to(branch(0), "heavy")
        p.label("step")
        p.emit(movz(T0, STEP))
        p.label("heavy")
        p.emit(access(STR, T0, STATE, at.REASON), access(STR, PC, STATE, at.AT),
               access(STR_X, BUDGET, STATE, at.LEFT),
               access(STR_X, TABLE, STATE, at.TABLE_NOW), self._store_registers(),
               access(STR, SAR, STATE, special(n.SAR)), access(STR, PS, STATE, special(n.PS)))
        if "loop" in model.features:
            p.emit(access(STR, LCOUNT, STATE, special(n.LCOUNT)), lsr_x(T0, LEND, 32),
                   access(STR, T0, STATE, special(n.LBEG)),
                   access(STR, LEND, STATE, special(n.LEND)))
        if model.windows:
            p.emit(neg(T0, BASE), three(RORV, T0, STARTS, T0),
                   logical(AND_I, T0, T0, (1 << self.quads) - 1),
                   access(STR, T0, STATE, special(n.WINDOWSTART)),
                   access(STR, BASE, STATE, special(n.WINDOWBASE)))
        if "float" in model.features:
            p.emit([access(STR_S, k, STATE, at.FR + 4 * k) for k in range(16)])
        p.emit(WFI)
        p.label("resume")
        if model.windows:
            p.emit(access(LDR, BASE, STATE, special(n.WINDOWBASE)), turning.load_others(self.quads))
        p.label("resume near")
        p.emit(access(LDR_X, BUDGET, STATE, at.LEFT), access(LDR_X, TABLE, STATE, at.TABLE_NOW),
               access(LDR, SAR, STATE, special(n.SAR)), access(LDR, PS, STATE, special(n.PS)))
        if "loop" in model.features:
            p.emit(access(LDR, LCOUNT, STATE, special(n.LCOUNT)),
                   access(LDR, LEND, STATE, special(n.LEND)),
                   access(LDR, T0, STATE, special(n.LBEG)),
                   three(ORR_X, LEND, LEND, T0, 32))
        if model.windows:
            p.emit(access(LDR, BASE, STATE, special(n.WINDOWBASE)),
                   access(LDR, STARTS, STATE, special(n.WINDOWSTART)))
            if self.quads == 8:
                p.emit(three(ORR, STARTS, STARTS, STARTS, 8))
            p.emit(three(ORR, STARTS, STARTS, STARTS, 16), three(RORV, STARTS, STARTS, BASE),
                   turning.NOTHING_CHANGED)
        if "float" in model.features:
            p.emit([access(LDR_S, k, STATE, at.FR + 4 * k) for k in range(16)])
        p.emit(self._load_window(), access(LDR_X, T0, STATE, at.NEXT), br(T0))

    def _stub(self) -> None:
        """Calls the host at an address of its own."""
        p, first = self.piece, 0
        p.label("stub")
        p.emit(access(STR_X, BUDGET, STATE, at.MAIL), access(STR, PC, STATE, at.CALLED))
        if self.model.windows:
            first = 8
            p.emit(ubfx(T0, PS, n.PS_CALLINC_SHIFT, 2), access(STR, T0, STATE, at.KIND),
                   logical(AND_I, T2, 8, 0x3FFF_FFFF), logical(ORR_I, T2, T2, 0x4000_0000))
        else:
            p.emit(movz(T0, 2), access(STR, T0, STATE, at.KIND), mov(T2, 0))
        p.emit(access(STR, T2, STATE, at.BACK),
               [access(STR, first + 2 + k, STATE, at.ARGUMENTS + 4 * k) for k in range(4)],
               constant(T0, TRAPS), three(SUB, T0, PC, T0), lsr_i(T0, T0, 2),
               access(STR, T0, STATE, at.NUMBER), movz(T0, STUB))
        p.to(branch(0), "heavy")
        p.label("access")
        p.emit(access(STR_X, BUDGET, STATE, at.MAIL), access(STR, PC, STATE, at.CALLED),
               access(STR, T3, STATE, at.KIND), access(STR, T1, STATE, at.ARGUMENTS),
               access(STR, T2, STATE, at.ARGUMENTS + 4), access(STR_X, LINK, STATE, at.SITE),
               ubfx(T0, T3, at.REGISTER_AT, 4))
        if self.model.windows:
            p.emit(three(ADD, T0, T0, BASE, 2), logical(AND_I, T0, T0, self.model.registers - 1))
        p.emit(add_i(T0, T0, at.AR >> 2), access(STR, T0, STATE, at.RESULT), movz(T0, ACCESS))
        p.to(branch(0), "heavy")
        p.label("back with VALUE")
        p.emit(access(LDR, first + 2, STATE, at.VALUE))
        p.label("back with nothing")
        p.label("back")
        p.emit(add_i(BUDGET, BUDGET, -1) | X, access(LDR, PC, STATE, at.BACK))
        p.to(branch(0), "indirect")

    # Windows.

    def _exception(self) -> list[int]:
        """A window exception of the instruction at PC begins; it has not been executed."""
        return [access(STR, PC, STATE, special(n.EPC1)), logical(ORR_I, PS, PS, n.PS_EXCM),
                bfi(PS, BASE, n.PS_OWB_SHIFT, 4), access(LDR_X, TABLE, STATE, at.TABLE_EXCEPTION)]

    def _exceptions(self) -> None:
        p = self.piece
        p.label("overflow")
        p.emit(self._exception(),
               movz(T0, 1), tbnz(STARTS, 1, 16), movz(T0, 2), tbnz(STARTS, 2, 8), movz(T0, 3))
        p.to(branch_link(0), "rotate")
        p.emit(access(LDR, PC, STATE, special(n.VECBASE)), tbnz(STARTS, 1, 16),
               add_i(PC, PC, n.OVERFLOW[2]), tbnz(STARTS, 2, 8),
               add_i(PC, PC, n.OVERFLOW[3] - n.OVERFLOW[2]))
        p.to(branch(0), "indirect")

        p.label("underflow")  # to a frame of T0 groups
        p.emit(add_i(BUDGET, BUDGET, 1) | X, self._exception(),
               access(LDR, PC, STATE, special(n.VECBASE)),
               add_i(T1, T0, -1), three(ADD, PC, PC, T1, 7), add_i(PC, PC, n.UNDERFLOW[1]),
               neg(T0, T0))
        p.to(branch_link(0), "rotate")
        p.to(branch(0), "indirect")

        p.label("rfwo")
        self._look_for_interrupts()
        p.emit(logical(AND_I, STARTS, STARTS, ~self.ones))
        p.to(branch(0), "return from a window exception")
        p.label("rfwu")
        self._look_for_interrupts()
        p.emit(logical(ORR_I, STARTS, STARTS, self.ones))
        p.label("return from a window exception")
        p.emit(logical(AND_I, PS, PS, ~n.PS_EXCM),
               access(LDR_X, TABLE, STATE, at.TABLE_WINDOWS),
               ubfx(T0, PS, n.PS_OWB_SHIFT, 4), three(SUB, T0, T0, BASE))
        p.to(branch_link(0), "rotate")
        p.emit(access(LDR, PC, STATE, special(n.EPC1)))
        p.to(branch(0), "indirect")
        p.label("back to the host")  # the last instruction of a block is not as it should be
        p.emit(add_i(BUDGET, BUDGET, 1) | X)
        p.to(branch(0), "step")

    def _look_for_interrupts(self) -> None:
        """The host returns from the exception if windows are off, or an interrupt waits for it."""
        p = self.piece
        p.to(tbz(PS, 18, 0), "back to the host")
        p.emit(access(LDR, T0, STATE, special(n.INTERRUPT)),
               access(LDR, T1, STATE, special(n.INTENABLE)), tst(T0, T1))
        p.to(branch_if(NE, 0), "back to the host")

    def entry_of_two(self) -> list[int]:
        """ENTRY after CALL8, where no other frame is in the way; the new stack pointer is in T2."""
        return [*turning.forward(self.quads, 2), mov(1, T2),
                logical(ORR_I, STARTS, STARTS, self.ones)]

    def _entry(self) -> None:
        """Any other ENTRY; T3 says how many instructions are not executed if it overflows."""
        p = self.piece
        p.label("entry")
        p.emit(ubfx(T0, PS, n.PS_CALLINC_SHIFT, 2),
               movz(T1, 2), three(LSLV, T1, T1, T0), add_i(T1, T1, -2), tst(STARTS, T1))
        p.to(branch_if(NE, 0), "entry overflows")
        p.emit(three(ORR_X, T3, ZR, LINK))
        p.to(branch_link(0), "rotate")
        p.emit(logical(ORR_I, STARTS, STARTS, self.ones), mov(1, T2), br(T3))
        p.label("entry overflows")
        p.emit(three(ADD_X, BUDGET, BUDGET, T3))
        p.to(branch(0), "overflow")

    def _back_by_two(self) -> list[int]:
        """To the frame of two groups before this one."""
        return [logical(AND_I, STARTS, STARTS, ~self.ones), *turning.back(self.quads, 2)]

    def _retw(self) -> None:
        p, quads, ones = self.piece, self.quads, self.ones
        # To a frame of two groups that is there, and to an address that is in the table: one branch
        # tells that from everything else.
        p.label("retw")
        p.emit(lsr_i(T0, 0, 30), ubfx(T1, STARTS, quads - 2, 2), bfi(T1, T0, 2, 2),
               mov(T2, PC), bfxil(T2, 0, 0, 30),
               logical(AND_I, T0, T2, (1 << at.TABLE_BITS) - 1), three(ADD_X, T0, TABLE, T0, 4),
               ldp_x(T0, T3, T0), three(EOR | X, T0, T0, T2), logical(EOR_I, T1, T1, 8),
               logical(EOR_I, T1, T1, 1), three(ORR_X, T0, T0, T1))
        p.to(cbnz(T0, 0) | X, "other retw")
        p.emit(self._back_by_two(), br(T3))
        p.label("other retw")
        p.emit(lsr_i(T0, 0, 30), cmp_i(T1, 0))
        p.to(branch_if(NE, 0), "retw of another size")
        p.emit(mov(PC, T2), self._back_by_two(), indirect())
        p.to(branch(0), "miss")
        p.label("retw of another size")
        # The nearest frame of the last three has to be the one that is returned to.
        p.emit(cmp_i(T0, 0))
        p.to(branch_if(EQ, 0), "back to the host")
        p.emit(ubfx(T1, STARTS, quads - 3, 3), cmp_i(T1, 0))
        p.to(branch_if(EQ, 0), "underflow")
        p.emit(lsl_i(T1, T1, 29), clz(T1, T1), add_i(T1, T1, 1), cmp(T1, T0))
        p.to(branch_if(NE, 0), "back to the host")
        p.emit(bfxil(PC, 0, 0, 30), logical(AND_I, STARTS, STARTS, ~ones), neg(T0, T0))
        p.to(branch_link(0), "rotate")
        p.to(branch(0), "indirect")
