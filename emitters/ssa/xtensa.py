"""The Xtensa back ends: machine instructions with registers to the bytes of a function.

Windowed registers (ESP32): a function has a2 to a15 of its own; a call moves the window by eight
registers, so that a8 to a15 are lost.  call0 (ESP8266): a12 to a15 are kept for the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from mpy_cross.emitters.ssa import xtensa_encode as enc
from mpy_cross.emitters.ssa.ir import NEGATED
from mpy_cross.emitters.ssa.machine import (
    CONST,
    COPY,
    NONE,
    RELOAD,
    SLOT,
    SPILL,
    Ins,
    MBlock,
    MFunction,
)
from mpy_cross.emitters.ssa.regalloc import AllocationError, sequence
from mpy_cross.emitters.ssa.thumb2_items import Stub
from mpy_cross.emitters.ssa.thumb_code import (
    put_registers,
    target_of,
    uses_memory,
    written_registers,
)
from mpy_cross.emitters.ssa.xtensa_items import access
from mpy_cross.emitters.ssa.xtensa_link import (
    CODE_SIZE,
    QSTR,
    QSTR_OBJECT,
    Align,
    Branch,
    Call,
    Item,
    Literal,
    LoopStart,
    link,
    number,
)
from mpy_cross.emitters.ssa.xtensa_select import Abi

A0, A1, A2, A3, A4, A5, A6, A7 = range(8)
KEPT: Final = (12, 13, 14, 15)
WINDOW_AREA: Final = 32
"""Bytes of a frame where registers go when their window is needed."""
MAX_WORDS: Final = 255
"""Words of the frame that an instruction reaches."""
ALWAYS: Final = ("", "")


@final
class Xtensa:
    """The code of one function."""

    __slots__ = ("_access", "_ends", "_n_labels", "_names", "_saved", "_size", "_spare", "abi",
                 "function", "items", "links", "parts")

    def __init__(self, function: MFunction, abi: Abi, parts: Sequence[MFunction] = ()) -> None:
        """`parts`: functions that are called directly; their numbers are the labels of their
        beginnings."""
        self.function = function
        self.parts = parts
        self.abi = abi
        self.items: list[Item] = []
        self.links: list[tuple[int, int]] = []
        self._names: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        """Labels behind loops, by their numbers."""
        self._access: dict[Stub, int] = {}
        """Functions for items: their labels."""
        self._n_labels = len(parts)
        self._saved: list[int] = []
        self._size = 0
        self._spare = -1

    def assemble(self) -> bytes:
        """The bytes of the function.  Raises AllocationError, LoopTooLong."""
        self._put_all()
        for label, part in enumerate(self.parts):
            code = Xtensa(part, self.abi)
            code._n_labels = self._n_labels
            code._put_all()
            self.items += [Align(), label, *code.items]
            self._n_labels = code._n_labels
        return link(self.items, self.links)

    def _put_all(self) -> None:
        """The items of one function.  Raises AllocationError."""
        function = self.function
        put_registers(function)
        if function.n_slots and any(
                ins.op == COPY and uses_memory(ins) for b in function.blocks for ins in b.code):
            # The scratch register moves words within the frame, and cannot break cycles meanwhile.
            self._spare = SLOT + function.n_slots
            function.n_slots += 1
        for block in function.blocks:
            self._names[id(block)] = self._new_label()
        self._enter()
        blocks = function.blocks
        emitted = [block for block in blocks if block is blocks[0] or target_of(block) is block]
        for i, block in enumerate(emitted):
            self.items.append(self._names[id(block)])
            self._block(block, emitted[i + 1] if i + 1 < len(emitted) else None)
        for stub, label in self._access.items():
            self.items += access(stub, label, self.abi.windowed, self._new_label)
        self._end_loops()

    def _new_label(self) -> int:
        self._n_labels += 1
        return self._n_labels - 1

    # -------------------------------------------------------------------------------------- frame

    def _slot(self, slot: int) -> int:
        """Where a spilled value is, in bytes from the stack pointer."""
        return (self.function.n_frame + slot) * 4

    def _enter(self) -> None:
        function = self.function
        words = function.n_frame + function.n_slots
        used = written_registers(function)
        if not self.abi.windowed:
            self._saved = [A0, *(register for register in KEPT if used >> register & 1)]
        if words + len(self._saved) > MAX_WORDS:
            raise AllocationError(f"a frame of {words} words")
        if self.abi.windowed:
            self._size = WINDOW_AREA + (words * 4 + 15 & -16)
            self.items.append(enc.ENTRY(A1, self._size))
        else:
            self._size = (words + len(self._saved)) * 4 + 15 & -16
            self.items.append(enc.add_number(A1, A1, -self._size))
            for place, register in enumerate(self._saved, words):
                self.items.append(enc.memory("str", register, A1, place * 4))

    def _leave(self) -> None:
        if self.abi.windowed:
            self.items.append(enc.RETW)
            return
        words = self.function.n_frame + self.function.n_slots
        for place, register in enumerate(self._saved, words):
            self.items.append(enc.memory("ldr", register, A1, place * 4))
        # Never beyond the frame: an interrupt may use what is below the stack pointer.
        low = self._size & 0xFF
        for part in (low >> 1 if low > 127 else 0, low - low // 2 if low > 127 else low,
                     self._size - low):
            self.items.append(enc.add_number(A1, A1, part))
        self.items.append(enc.RET)

    # ------------------------------------------------------------------------------------- blocks

    def _block(self, block: MBlock, following: MBlock | None) -> None:
        code = block.code
        test: Ins | None = None
        if block.cond:
            test = code[-1]
            code = code[:-1]
        for ins in code:
            handler = HANDLERS.get(ins.op)
            if handler is not None:
                handler(self, ins)
            else:
                self.items.append(enc.THREE[ins.op](ins.dests[0], *ins.srcs))
        if block.succs:
            self._branch(block, test, following)

    def _branch(self, block: MBlock, test: Ins | None, following: MBlock | None) -> None:
        targets = [target_of(succ) for succ in block.succs]
        if test is not None and test.op == "loopend":
            self.items.append(self._ends[test.imm])
            test = None
            targets = targets[1:]
        elif len(targets) == 2 and targets[0] is targets[1]:
            targets.pop()
        if len(targets) == 1:
            if targets[0] is not following:
                self._jump(targets[0])
            return
        assert test is not None
        then, other = targets
        cond = block.cond
        if then is following or (other is not following and other.depth > then.depth):
            then, other = other, then
            cond = NEGATED[cond]
        self._jump_if(test.op, cond, test, self._names[id(then)])
        if other is not following:
            self._jump(other)

    def _jump(self, to: MBlock) -> None:
        self.items.append(Branch(ALWAYS, (), self._names[id(to)]))

    def _jump_if(self, op: str, cond: str, test: Ins, label: int) -> None:
        operands = list(test.srcs[:2] if op in ("b", "bmask") else test.srcs[:1])
        if op in ("bi", "bbit"):
            operands.append(test.imm)
        self.items.append(Branch((op, cond), tuple(operands), label))

    def _end_loops(self) -> None:
        """A loop must not end with a branch, nor be left and go on by a jump to its end: both get
        an instruction that does nothing."""
        if not self._ends:
            return
        ends = set(self._ends.values())
        jumped = {item.label for item in self.items if isinstance(item, Branch)}
        items: list[Item] = []
        for item in self.items:
            if isinstance(item, int) and item in ends:
                i = len(items) - 1
                idle = False
                while isinstance(items[i], int) or not items[i]:
                    idle = idle or items[i] in jumped
                    i -= 1
                if idle or not isinstance(items[i], (bytes, Literal)):
                    items.append(enc.NOP)
            items.append(item)
        self.items = items

    # ------------------------------------------------------------------------------- instructions

    def copy(self, ins: Ins) -> None:
        if len(ins.dests) == 1 and ins.dests[0] < SLOT and ins.srcs[0] < SLOT:
            self.items.append(enc.MOV(ins.dests[0], ins.srcs[0]))
            return
        scratch = self.abi.scratch
        for d, s in sequence(ins.dests, ins.srcs, self._spare if uses_memory(ins) else scratch):
            if d >= SLOT and s >= SLOT:
                self.items.append(enc.memory("ldr", scratch, A1, self._slot(s - SLOT)))
                self.items.append(enc.memory("str", scratch, A1, self._slot(d - SLOT)))
            elif d >= SLOT:
                self.items.append(enc.memory("str", s, A1, self._slot(d - SLOT)))
            elif s >= SLOT:
                self.items.append(enc.memory("ldr", d, A1, self._slot(s - SLOT)))
            else:
                self.items.append(enc.MOV(d, s))

    def const(self, ins: Ins) -> None:
        self.items.append(number(ins.dests[0], ins.imm))

    def reload(self, ins: Ins) -> None:
        self.items.append(enc.memory("ldr", ins.dests[0], A1, self._slot(ins.imm)))

    def spill(self, ins: Ins) -> None:
        self.items.append(enc.memory("str", ins.srcs[0], A1, self._slot(ins.imm)))

    def call(self, ins: Ins) -> None:
        to = self.abi.scratch
        self.items.append(enc.memory("ldr", to, ins.srcs[0], ins.imm * 4))
        self.items.append(enc.CALLX8(to) if self.abi.windowed else enc.CALLX0(to))

    def direct(self, ins: Ins) -> None:
        self.items.append(Call(ins.imm, self.abi.windowed))

    def item(self, ins: Ins) -> None:
        n_types = ins.shift
        table = A2 + len(ins.srcs) - n_types
        of_bytes = table + 1 if n_types > 1 else NONE
        label = self._access.setdefault(Stub(table, ins.imm, of_bytes), self._new_label())
        self.items.append(Call(label, self.abi.windowed))

    def ret(self, ins: Ins) -> None:
        self._leave()

    def loop(self, ins: Ins) -> None:
        self._ends[ins.imm] = self._new_label()
        self.items.append(LoopStart(ins.srcs[0], self._ends[ins.imm]))

    def add(self, ins: Ins) -> None:
        self.items.append(enc.ADD(ins.dests[0], *ins.srcs))

    def add_number(self, ins: Ins) -> None:
        self.items.append(enc.add_number(ins.dests[0], ins.srcs[0], ins.imm))

    def negate(self, ins: Ins) -> None:
        self.items.append(enc.NEG(ins.dests[0], ins.srcs[0]))

    def shift_number(self, ins: Ins) -> None:
        d, s = ins.dests[0], ins.srcs[0]
        if ins.op == "lsli":
            code = enc.SLLI(d, s, ins.imm)
        elif ins.op == "lsri":
            code = enc.shift_right(d, s, ins.imm)
        else:
            code = enc.SRAI(d, s, ins.imm)
        self.items.append(code)

    def shift(self, ins: Ins) -> None:
        """By the low byte of a register."""
        d, (x, y) = ins.dests[0], ins.srcs
        prepare, shift = enc.SHIFTS[ins.op]
        self.items += [prepare(y), shift(d, x)]
        if ins.nums:  # it may be 32 or more
            scratch, done = self.abi.scratch, self._new_label()
            self.items += [
                Branch(("bi", "lo"), (y, 32), done),
                enc.EXTUI(scratch, y, 5, 3),
                Branch(("bz", "eq"), (scratch,), done),
                enc.SRAI(d, d, 31) if ins.op == "asr" else enc.MOVI_N(d, 0),
                done,
            ]

    def field(self, ins: Ins) -> None:
        self.items.append(enc.EXTUI(ins.dests[0], ins.srcs[0], ins.imm, ins.shift))

    def extend(self, ins: Ins) -> None:
        self.items.append(enc.SEXT(ins.dests[0], ins.srcs[0], ins.imm))

    def leading_zeros(self, ins: Ins) -> None:
        self.items.append(enc.NSAU(ins.dests[0], ins.srcs[0]))

    def rotate(self, ins: Ins) -> None:
        d, s = ins.dests[0], ins.srcs[0]
        self.items += [enc.SSAI(ins.imm), enc.SRC(d, s, s)]

    def memory(self, ins: Ins) -> None:
        t, base = (ins.dests[0], ins.srcs[0]) if ins.dests else (ins.srcs[1], ins.srcs[0])
        self.items.append(enc.memory(ins.op, t, base, ins.imm))

    def frame_address(self, ins: Ins) -> None:
        self.items.append(enc.add_number(ins.dests[0], A1, ins.imm * 4))

    def frame_store(self, ins: Ins) -> None:
        self.items.append(enc.memory("str", ins.srcs[0], A1, ins.imm * 4))

    def frame_load(self, ins: Ins) -> None:
        self.items.append(enc.memory("ldr", ins.dests[0], A1, ins.imm * 4))

    def qstr(self, ins: Ins) -> None:
        self.items.append(Literal(ins.dests[0], ins.imm,
                                  QSTR if ins.op == "qstr" else QSTR_OBJECT))

    def prelude(self, ins: Ins) -> None:
        self.items.append(Literal(ins.dests[0], 0, CODE_SIZE))

    # --------------------------------------------------------------------------------- conditions

    def move_if(self, ins: Ins) -> None:
        """d = a if the tested register is so, else b"""
        d, (tested, a, b) = ins.dests[0], ins.srcs
        self.items += [enc.move(d, b), enc.MOVE_IF[ins.cond](d, a, tested)]

    def select(self, ins: Ins) -> None:
        d = ins.dests[0]
        operands = list(ins.srcs[ins.shift:])
        places = [operands.pop(0) if constant is None else -1 for constant in ins.nums]
        cond = ins.cond
        first, second = 0, 1
        if places[0] != d:
            first, second = 1, 0
            cond = NEGATED[cond]
        done = self._new_label()
        # The first one stays if the condition holds.
        for i in (first, second):
            place, constant = places[i], ins.nums[i]
            self.items.append(number(d, constant) if constant is not None
                              else enc.move(d, place))
            if i == first:
                self._jump_if(ins.op[3:], cond, ins, done)
        self.items.append(done)

    # ----------------------------------------------------------------------------------- division

    def divide(self, ins: Ins) -> None:
        """Rounded to zero; x / 0 is 0, x % 0 is x, for which the core has an exception."""
        d, (x, y) = ins.dests[0], ins.srcs
        done = self._new_label()
        if not ins.nums[0]:
            self.items += [
                enc.MOV(d, x) if ins.op in ("srem", "urem") else enc.MOVI_N(d, 0),
                Branch(("bz", "eq"), (y,), done),
            ]
        self.items += [enc.DIVISIONS[ins.op](d, x, y), done]

    def floor_modulo(self, ins: Ins) -> None:
        d, (x, y) = ins.dests[0], ins.srcs
        scratch, done = self.abi.scratch, self._new_label()
        if not ins.nums[0]:
            self.items += [enc.MOV(d, x), Branch(("bz", "eq"), (y,), done)]
        self.items += [
            enc.DIVISIONS["srem"](d, x, y),
            Branch(("bz", "eq"), (d,), done),
            enc.XOR(scratch, x, y),
            Branch(("bz", "ge"), (scratch,), done),  # the same signs
            enc.ADD(d, d, y),
            done,
        ]

    def floor_divide(self, ins: Ins) -> None:
        d, (x, y) = ins.dests[0], ins.srcs
        scratch, done = self.abi.scratch, self._new_label()
        if not ins.nums[0]:
            self.items += [enc.MOVI_N(d, 0), Branch(("bz", "eq"), (y,), done)]
        self.items += [
            enc.DIVISIONS["sdiv"](d, x, y),
            enc.XOR(scratch, x, y),
            Branch(("bz", "ge"), (scratch,), done),
            enc.DIVISIONS["srem"](scratch, x, y),
            Branch(("bz", "eq"), (scratch,), done),
            enc.ADDI_N(d, d, -1),
            done,
        ]

    def multiply_high(self, ins: Ins) -> None:
        """The upper word of the product of a2 and a3, from products of halves, in a2."""
        self.items += [
            enc.EXTUI(A4, A2, 16, 16),
            enc.EXTUI(A5, A3, 16, 16),
            enc.MUL16U(A6, A2, A3),
            enc.EXTUI(A6, A6, 16, 16),
            enc.MUL16U(A7, A2, A5),
            enc.ADD(A6, A6, A7),
            enc.MUL16U(A7, A4, A3),
            enc.MUL16U(A4, A4, A5),
            enc.EXTUI(A5, A6, 0, 16),
            enc.ADD(A7, A7, A5),
            enc.EXTUI(A6, A6, 16, 16),
            enc.EXTUI(A7, A7, 16, 16),
            enc.ADD(A4, A4, A6),
            enc.ADD(A4, A4, A7),
        ]
        if ins.op == "smulh0":
            for factor, other in ((A2, A3), (A3, A2)):
                natural = self._new_label()
                self.items += [Branch(("bz", "ge"), (factor,), natural),
                               enc.SUB(A4, A4, other), natural]
        self.items.append(enc.MOV(A2, A4))

    def divide_by_steps(self, ins: Ins) -> None:
        """a2 and a3 without a sign, bit by bit: the quotient or the remainder in a2."""
        again, less, even, wide, done = (self._new_label() for _ in range(5))
        self.items += [
            enc.MOVI_N(A4, 0),  # the remainder
            Branch(("bz", "lt"), (A3,), wide),
            enc.MOVI_N(A5, 32),
            again,
            enc.ADD(A4, A4, A4),
            Branch(("bz", "ge"), (A2,), even),
            enc.ADDI_N(A4, A4, 1),
            even,
            enc.ADD(A2, A2, A2),
            Branch(("b", "lo"), (A4, A3), less),
            enc.SUB(A4, A4, A3),
            enc.ADDI_N(A2, A2, 1),
            less,
            enc.ADDI_N(A5, A5, -1),
            Branch(("bz", "ne"), (A5,), again),
            Branch(ALWAYS, (), done),
            wide,  # the quotient is 0 or 1
            enc.MOV(A4, A2),
            enc.MOVI_N(A2, 0),
            Branch(("b", "lo"), (A4, A3), done),
            enc.SUB(A4, A4, A3),
            enc.MOVI_N(A2, 1),
            done,
        ]
        if ins.op == "urem0":
            self.items.append(enc.MOV(A2, A4))
        else:  # x // 0 is 0
            end = self._new_label()
            self.items += [Branch(("bz", "ne"), (A3,), end), enc.MOVI_N(A2, 0), end]


HANDLERS: Final = {
    COPY: Xtensa.copy,
    CONST: Xtensa.const,
    RELOAD: Xtensa.reload,
    SPILL: Xtensa.spill,
    "call": Xtensa.call,
    "item": Xtensa.item,
    "direct": Xtensa.direct,
    "ret": Xtensa.ret,
    "loop": Xtensa.loop,
    "add": Xtensa.add,
    "addi": Xtensa.add_number,
    "neg": Xtensa.negate,
    "lsli": Xtensa.shift_number,
    "lsri": Xtensa.shift_number,
    "asri": Xtensa.shift_number,
    "lsl": Xtensa.shift,
    "lsr": Xtensa.shift,
    "asr": Xtensa.shift,
    "extui": Xtensa.field,
    "sext": Xtensa.extend,
    "nsau": Xtensa.leading_zeros,
    "ror": Xtensa.rotate,
    "addsp": Xtensa.frame_address,
    "strsp": Xtensa.frame_store,
    "ldrsp": Xtensa.frame_load,
    "qstr": Xtensa.qstr,
    "qstrobj": Xtensa.qstr,
    "prelude": Xtensa.prelude,
    "cmov": Xtensa.move_if,
    "selb": Xtensa.select,
    "selbi": Xtensa.select,
    "selbz": Xtensa.select,
    "selbbit": Xtensa.select,
    "selbmask": Xtensa.select,
    **dict.fromkeys(enc.DIVISIONS, Xtensa.divide),
    "floormod": Xtensa.floor_modulo,
    "floordiv": Xtensa.floor_divide,
    "udiv0": Xtensa.divide_by_steps,
    "urem0": Xtensa.divide_by_steps,
    "smulh0": Xtensa.multiply_high,
    "umulh0": Xtensa.multiply_high,
    **dict.fromkeys(enc.MEMORY, Xtensa.memory),
}
