"""The Thumb-1 back end: machine instructions with registers to the bytes of a function.

Nearly every instruction sets the flags by its result, so a comparison with 0 behind one is left
out.  Numbers that two instructions cannot make are words behind the code (`thumb1_link`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from mpy_cross.emitters.ssa import thumb1_encode as enc
from mpy_cross.emitters.ssa.machine import (
    CONST,
    COPY,
    RELOAD,
    SLOT,
    SPILL,
    Ins,
    MBlock,
    MFunction,
    Second,
)
from mpy_cross.emitters.ssa.regalloc import AllocationError, sequence
from mpy_cross.emitters.ssa.thumb1_items import access
from mpy_cross.emitters.ssa.thumb1_link import CODE_SIZE, Item, Literal, Subroutine, link
from mpy_cross.emitters.ssa.thumb1_peephole import peephole
from mpy_cross.emitters.ssa.thumb1_select import (
    HIGH,
    HIGH_RESULTS,
    HIGH_SOURCES,
    IP,
    LOW,
    LR,
    R3,
)
from mpy_cross.emitters.ssa.thumb2_items import Stub
from mpy_cross.emitters.ssa.thumb_code import (
    BY_RESULT,
    NEGATED_ALL,
    NOT_PART,
    Jump,
    ThumbCode,
    written_registers,
)
from mpy_cross.loader.fun_table import SENTINEL, Fun

KEPT: Final = 0xF0  # r4 to r7
KEPT_HIGH: Final = 0xF00  # r8 to r11
KEPT_ALL: Final = KEPT | KEPT_HIGH
MAX_FRAME: Final = 255  # words that ldr and str reach
BIG: Final = 450
"""Instructions of a function in which there may be jumps too far for `b`; `bl` changes lr."""
READS_FLAGS: Final = frozenset(("sel", "carry", "borrow"))
KEEPS_FLAGS: Final = frozenset((CONST, COPY, RELOAD, SPILL))
NONE: Final = -1


def registers(limit: int) -> tuple[int, ...]:
    """Registers that values may be in; `limit` leaves only so many, for tests."""
    return LOW if not limit else LOW[-min(limit, 4) :]


def second_registers(function: MFunction, limit: int) -> Second:
    """The others, for the few instructions that take them; beyond four of `limit`."""
    high = HIGH if not limit else HIGH[: max(0, limit - 4)]
    n_free = 1
    if sum(len(block.code) for block in function.blocks) > BIG:
        high = high[1:]
        n_free = 0
    return Second(high, n_free, HIGH_SOURCES, HIGH_RESULTS)


@final
class Thumb1(ThumbCode):
    """The code of one function."""

    __slots__ = ("_access", "_flags", "_frame", "_held", "_is_leaf", "_may_link", "_saved",
                 "_saved_high", "_shared", "items")

    def __init__(
        self, function: MFunction, parts: Sequence[MFunction] = (), first_label: int = NOT_PART
    ) -> None:
        super().__init__(function, parts, first_label)
        self.items: list[Item] = []
        self._flags = NONE
        """The register whose value the flags are set by."""
        self._held = False
        """The flags are read later on."""
        self._is_leaf = False
        self._may_link = True
        """Jumps may change lr."""
        self._shared: dict[bytes, int] = {}
        """Labels of the subroutines that are called."""
        self._access: dict[Stub, list[int]] = {}
        """Functions for items: labels of those that read, and of those that also write."""

    def assemble(self) -> bytes:
        """The bytes of the function.  Raises AllocationError."""
        self._put_all()
        for label, part in enumerate(self.parts):
            code = Thumb1(part, (), self._n_labels)
            code._shared = self._shared
            code._put_all()
            self.items += [label, *code.items]
            self._n_labels = code._n_labels
        for routine, label in self._shared.items():
            self.items += [label, routine]
        return link(self.items)

    def _put_all(self) -> None:
        """The items of one function.  Raises AllocationError."""
        peephole(self.function)
        self._reserve_slot()
        self.put_blocks()
        for stub, labels in self._access.items():
            self.items += access(stub, labels, self.new_label)

    def _reserve_slot(self) -> None:
        """A word of the frame for parallel copies that ip is not enough for."""
        if not self.function.n_slots:
            return
        for block in self.function.blocks:
            for ins in block.code:
                if ins.op == COPY and max(*ins.dests, *ins.srcs) >= SLOT and any(
                        d == NONE for d, _ in sequence(ins.dests, ins.srcs, NONE)):
                    self._spare = SLOT + self.function.n_slots
                    self.function.n_slots += 1
                    return

    def put(self, code: bytes, register: int = NONE) -> None:
        """An instruction that sets the flags by the value that it puts in a register."""
        self.items.append(code)
        self._flags = register

    def keep(self, code: bytes, register: int = NONE) -> None:
        """An instruction that leaves the flags alone and writes a register."""
        self.items.append(code)
        if register == self._flags:
            self._flags = NONE

    def put_jump(self, jump: Jump) -> None:
        jump.may_link = self._may_link
        self.items.append(jump)

    def put_label(self, label: int) -> None:
        self.items.append(label)
        self._flags = NONE

    # -------------------------------------------------------------------------------------- frame

    def enter(self) -> None:
        function = self.function
        written = written_registers(function)
        self._is_leaf = self.is_plain_leaf(written)
        self._may_link = not (self._is_leaf or written >> LR & 1)
        if self._is_leaf:
            return
        saved = written & KEPT
        high = [register for register in range(8, 12) if written >> register & 1]
        # High registers are saved by way of as many low ones.
        helpers = [register for register in range(4, 8) if saved >> register & 1][: len(high)]
        for register in range(4, 8):
            if len(helpers) < len(high) and register not in helpers:
                helpers.append(register)
        helpers.sort()
        for register in helpers:
            saved |= 1 << register
        words = function.n_frame + function.n_slots
        n_saved = saved.bit_count() + 1 + len(high)
        words += (words + n_saved) & 1  # sp is a multiple of 8
        if words > MAX_FRAME:
            raise AllocationError(f"a frame of {4 * words} bytes")
        room = 0
        self._frame = words
        if words <= 3:  # saved for nothing but the space
            room = (0, 8, 12, 14)[words]
            self._frame = 0
        self._saved = saved | (0 if high else room)
        self._saved_high = list(zip(high, helpers, strict=True))
        second = sum(1 << low for _, low in self._saved_high) | (room if high else 0)
        self.keep(enc.PUSH(self._saved | 1 << LR))
        if second:
            for register, low in self._saved_high:
                self.keep(enc.MOV(low, register))
            self.keep(enc.PUSH(second))
            for _, low in self._saved_high if self.is_part else ():
                if low in function.fixed:  # the part is called with something in it
                    place = second.bit_count() + (self._saved & (1 << low) - 1).bit_count()
                    self.keep(enc.LDR_SP(low, 4 * place))
        self.items.append(enc.frame_change(self._frame, enc.DECREASE_SP))

    def leave(self, ins: Ins) -> None:
        if self._is_leaf:
            self.keep(enc.BX(LR))
            return
        self.items.append(enc.frame_change(self._frame, enc.INCREASE_SP))
        if self._saved_high:
            second = sum(1 << low for _, low in self._saved_high)
            words = self.function.n_frame + self.function.n_slots
            n_saved = (self._saved & KEPT).bit_count() + 1 + len(self._saved_high)
            words += (words + n_saved) & 1
            if words <= 3:
                second |= (0, 8, 12, 14)[words]
            self.keep(enc.POP(second))
            for register, low in self._saved_high:
                self.keep(enc.MOV(register, low))
        self.keep(enc.POP(self._saved | 1 << enc.PC))

    # ------------------------------------------------------------------------------------- blocks

    def put_block(self, block: MBlock, following: MBlock | None) -> None:
        code = block.code
        cond = block.cond
        test = code[-1] if cond and code else None
        if test is not None and test.op == "cmpi" and not test.imm and cond in BY_RESULT:
            code = code[:-1]
        else:
            test = None
        for i, ins in enumerate(code):
            self._held = ins.op == CONST and _are_read(code, i + 1)
            HANDLERS[ins.op](self, ins)
        if test is not None:
            if self._flags == test.srcs[0]:
                cond = BY_RESULT[cond]
            else:
                self.compare_number(test)
        if block.succs:
            self.put_branch(block, cond, NONE, following)

    # ------------------------------------------------------------------------------- instructions

    def constant(self, ins: Ins) -> None:
        self._constant(ins.dests[0], ins.imm, self._held)

    def _constant(self, d: int, number: int, held: bool) -> None:
        code = b"" if held else enc.constant(d, number)
        if code:
            self.put(code, d)
        else:
            self.items.append(Literal(d, number))
            if d == self._flags:
                self._flags = NONE

    def copy(self, ins: Ins) -> None:
        if len(ins.dests) == 1 and ins.dests[0] < SLOT and ins.srcs[0] < SLOT:
            self.keep(enc.MOV(ins.dests[0], ins.srcs[0]), ins.dests[0])
            return
        in_memory = max(*ins.dests, *ins.srcs) >= SLOT
        moves = sequence(ins.dests, ins.srcs, NONE)
        if any(d == NONE for d, _ in moves):
            moves = sequence(ins.dests, ins.srcs, self._spare if in_memory else IP)
        for d, s in moves:
            if d < SLOT and s < SLOT:
                self.keep(enc.MOV(d, s), d)
            elif d < 8:
                self.keep(enc.LDR_SP(d, self.slot(s - SLOT)), d)
            elif s < 8:
                self.keep(enc.STR_SP(s, self.slot(d - SLOT)))
            else:
                # By way of r0, which ip keeps meanwhile.
                self.keep(enc.MOV(IP, 0))
                self.keep(enc.MOV(0, s) if s < SLOT else enc.LDR_SP(0, self.slot(s - SLOT)))
                self.keep(enc.MOV(d, 0) if d < SLOT else enc.STR_SP(0, self.slot(d - SLOT)))
                self.keep(enc.MOV(0, IP))

    def reload(self, ins: Ins) -> None:
        self.keep(enc.LDR_SP(ins.dests[0], self.slot(ins.imm)), ins.dests[0])

    def spill(self, ins: Ins) -> None:
        self.keep(enc.STR_SP(ins.srcs[0], self.slot(ins.imm)))

    def entry(self, ins: Ins) -> None:
        """The address of a function of the run-time."""
        self._load_entry(ins.dests[0], ins.srcs[0], ins.imm)

    def _load_entry(self, d: int, table: int, offset: int) -> None:
        if offset < 128:
            self.keep(enc.MEMORY["ldr"](d, table, offset), d)
        elif d == table:
            step = max(124, offset - 124)
            self.put(enc.ADD_IMM8[0](d, step))
            self.keep(enc.MEMORY["ldr"](d, d, offset - step), d)
        elif offset > 255:
            self.put(enc.MOVS_IMM(d, offset >> 2))
            self.put(enc.SHIFT["lsli"](d, d, 2))
            self.keep(enc.MEMORY_REGISTER["ldrx"](d, table, d), d)
        else:
            self.put(enc.MOVS_IMM(d, offset))
            self.keep(enc.MEMORY_REGISTER["ldrx"](d, table, d), d)

    def call(self, ins: Ins) -> None:
        self._load_entry(R3, ins.srcs[0], ins.imm)
        self.put(enc.BLX(R3))

    def call_to(self, ins: Ins) -> None:
        self.put(enc.BLX(ins.srcs[0]))

    def item(self, ins: Ins) -> None:
        writes = len(ins.srcs) - ins.shift > 2
        table, of_bytes = [self._place(register) for register in (*ins.srcs[: ins.shift], NONE)][:2]
        if table == NONE:
            self._load_entry(R3, ins.srcs[0], Fun.OBJ_SUBSCR * 4)
            if not writes:
                self.put(enc.MOVS_IMM(2, SENTINEL))
            self.put(enc.BLX(R3))
            return
        labels = self._access.setdefault(Stub(table, ins.imm, of_bytes), [NONE, NONE])
        if labels[writes] == NONE:
            labels[writes] = self.new_label()
        self.items.append(Subroutine(labels[writes]))
        self._flags = NONE

    def _place(self, register: int) -> int:
        """Where the function that reads and writes items finds a value: a register that calls keep,
        or SLOT and bytes from sp.  NONE if it is elsewhere."""
        if register >= SLOT:
            return SLOT + self.slot(register - SLOT)
        return register if register >= 0 and KEPT_ALL >> register & 1 else NONE

    def direct(self, ins: Ins) -> None:
        self.items.append(Subroutine(ins.imm))
        self._flags = NONE

    def routine(self, ins: Ins) -> None:
        code = enc.ROUTINES[ins.cond]
        if code not in self._shared:
            self._shared[code] = self.new_label()
        self.items.append(Subroutine(self._shared[code]))
        self._flags = NONE

    def add(self, ins: Ins) -> None:
        d, (n, m) = ins.dests[0], ins.srcs
        if max(d, n, m) < 8:
            self.put(enc.ADDS(d, n, m), d)
            return
        if d == m:
            n, m = m, n
        if d != n:
            self.keep(enc.MOV(d, n), d)
        self.keep(enc.ADD_ANY(d, m), d)

    def add_number(self, ins: Ins) -> None:
        self.put(enc.add_number(ins.dests[0], ins.srcs[0], ins.imm), ins.dests[0])

    def three(self, ins: Ins) -> None:
        encode = enc.ADDS if ins.op == "addv" else enc.SUBS
        self.put(encode(ins.dests[0], *ins.srcs), ins.dests[0])

    def two(self, ins: Ins) -> None:
        d, (n, m) = ins.dests[0], ins.srcs
        if d == m and d != n:  # only where it does not matter which is which
            n, m = m, n
        if d != n:
            self.keep(enc.MOV(d, n), d)
        self.put(enc.TWO[ins.op](d, m), d)

    def one(self, ins: Ins) -> None:
        self.put(enc.ONE[ins.op](ins.dests[0], ins.srcs[0]), ins.dests[0])

    def extend(self, ins: Ins) -> None:
        self.keep(enc.PLAIN[ins.op](ins.dests[0], ins.srcs[0]), ins.dests[0])

    def shift(self, ins: Ins) -> None:
        self.put(enc.SHIFT[ins.op](ins.dests[0], ins.srcs[0], ins.imm), ins.dests[0])

    def compare(self, ins: Ins) -> None:
        n, m = ins.srcs
        self.put((enc.CMP_LOW if max(n, m) < 8 else enc.CMP_ANY)(n, m))

    def compare_number(self, ins: Ins) -> None:
        self.put(enc.CMP_IMM(ins.srcs[0], ins.imm))

    def test(self, ins: Ins) -> None:
        self.put(enc.TST(*ins.srcs))

    def is_zero(self, ins: Ins) -> None:
        d, s = ins.dests[0], ins.srcs[0]
        self.put(enc.NEG(d, s))
        self.put(enc.ADCS(d, s), d)

    def carry(self, ins: Ins) -> None:
        """1 if a comparison leaves the carry set, or if it does not."""
        d = ins.dests[0]
        self.put(enc.SBCS(d, d))
        self.put(enc.NEG(d, d) if ins.op == "borrow" else enc.ADD_IMM8[0](d, 1), d)

    def select(self, ins: Ins) -> None:
        d, first = ins.dests[0], ins.srcs[0]
        number = ins.nums[1]
        cond = ins.cond
        done = self.new_label()
        other = first if number is not None else ins.srcs[1]
        if number is None and d == other and d != first:
            other, first, cond = first, other, NEGATED_ALL[cond]
        if d != first:
            self.keep(enc.MOV(d, first), d)
        self.put_jump(Jump(cond, done))
        if number is not None:
            self._constant(d, number, False)
        else:
            self.keep(enc.MOV(d, other), d)
        self.put_label(done)

    def memory(self, ins: Ins) -> None:
        t, base = (ins.dests[0], ins.srcs[0]) if ins.dests else (ins.srcs[1], ins.srcs[0])
        self.keep(enc.MEMORY[ins.op](t, base, ins.imm), ins.dests[0] if ins.dests else NONE)

    def memory_register(self, ins: Ins) -> None:
        t = ins.dests[0] if ins.dests else ins.srcs[2]
        code = enc.MEMORY_REGISTER[ins.op](t, ins.srcs[0], ins.srcs[1])
        self.keep(code, ins.dests[0] if ins.dests else NONE)

    def memory_post(self, ins: Ins) -> None:
        is_load = ins.op == "ldrp"
        t = ins.dests[0] if is_load else ins.srcs[1]
        self.keep((enc.LOAD_POST if is_load else enc.STORE_POST)(ins.srcs[0], 1 << t))
        self._flags = NONE

    def frame_address(self, ins: Ins) -> None:
        self.keep(enc.ADD_SP(ins.dests[0], ins.imm * 4), ins.dests[0])

    def frame_store(self, ins: Ins) -> None:
        self.keep(enc.STR_SP(ins.srcs[0], ins.imm * 4))

    def frame_load(self, ins: Ins) -> None:
        self.keep(enc.LDR_SP(ins.dests[0], ins.imm * 4), ins.dests[0])

    def prelude(self, ins: Ins) -> None:
        self.items.append(Literal(ins.dests[0], CODE_SIZE))
        self._flags = NONE


def _are_read(code: list[Ins], at: int) -> bool:
    """Whether flags that are set now are read: with nothing but moves before the reader."""
    while at < len(code) and code[at].op in KEEPS_FLAGS:
        at += 1
    return at < len(code) and code[at].op in READS_FLAGS


HANDLERS: Final = {
    CONST: Thumb1.constant,
    COPY: Thumb1.copy,
    RELOAD: Thumb1.reload,
    SPILL: Thumb1.spill,
    "ret": Thumb1.leave,
    "entry": Thumb1.entry,
    "call": Thumb1.call,
    "callto": Thumb1.call_to,
    "routine": Thumb1.routine,
    "item": Thumb1.item,
    "direct": Thumb1.direct,
    "add": Thumb1.add,
    "addi": Thumb1.add_number,
    "addv": Thumb1.three,
    "sub": Thumb1.three,
    "subv": Thumb1.three,
    "cmp": Thumb1.compare,
    "cmpi": Thumb1.compare_number,
    "tst": Thumb1.test,
    "iszero": Thumb1.is_zero,
    "carry": Thumb1.carry,
    "borrow": Thumb1.carry,
    "sel": Thumb1.select,
    "addsp": Thumb1.frame_address,
    "strsp": Thumb1.frame_store,
    "ldrsp": Thumb1.frame_load,
    "prelude": Thumb1.prelude,
    "ldrp": Thumb1.memory_post,
    "strp": Thumb1.memory_post,
    **dict.fromkeys(enc.TWO, Thumb1.two),
    **dict.fromkeys(enc.ONE, Thumb1.one),
    **dict.fromkeys(enc.PLAIN, Thumb1.extend),
    **dict.fromkeys(enc.SHIFT, Thumb1.shift),
    **dict.fromkeys(enc.MEMORY, Thumb1.memory),
    **dict.fromkeys(enc.MEMORY_REGISTER, Thumb1.memory_register),
}
