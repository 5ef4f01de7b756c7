"""The Thumb-2 back end: machine instructions with registers to the bytes of a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from mpy_cross.assembler.thumb import TABLE, it_block
from mpy_cross.emitters.ssa import thumb2_conditional
from mpy_cross.emitters.ssa import thumb2_encode as enc
from mpy_cross.emitters.ssa.ir import BRANCH
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
from mpy_cross.emitters.ssa.thumb2_conditional import IT
from mpy_cross.emitters.ssa.thumb2_float_encode import FLOAT_CODE, load, move, store
from mpy_cross.emitters.ssa.thumb2_items import LINK, RETURN, Stub, access
from mpy_cross.emitters.ssa.thumb2_link import Item, Link, link
from mpy_cross.emitters.ssa.thumb2_peephole import CAN_SET_FLAGS, peephole
from mpy_cross.emitters.ssa.thumb2_select import ALLOCATABLE, IP, LR, R3, is_modified
from mpy_cross.emitters.ssa.thumb_code import (
    BY_RESULT,
    CONDITION,
    NOT_PART,
    Jump,
    ThumbCode,
    uses_memory,
    written_registers,
)
from mpy_cross.loader.fun_table import SENTINEL, Fun

KEPT_REGISTERS: Final = 0x0FF0  # r4 to r11
MAX_FRAME: Final = 4000  # bytes
SETS_FLAGS: Final = frozenset(("cmp", "cmpi", "cmni", "tst", "tsti", "addv", "addvi", "subv",
                               "rsbvi", "vcmp", "vcmpz"))
READS_FLAGS: Final = frozenset(("set", "sel"))
FLAGS: Final = SETS_FLAGS | READS_FLAGS


def registers(limit: int) -> tuple[int, ...]:
    """Registers that values may be in; `limit` leaves only so many, for tests."""
    return ALLOCATABLE if not limit else (0, 1, 2, 3, 4, 5, 6, 7)[-limit:]


@final
class Thumb2(ThumbCode):
    """The code of one function."""

    __slots__ = ("_access", "_padding", "_saved", "_total", "items")

    def __init__(
        self, function: MFunction, parts: Sequence[MFunction] = (), first_label: int = NOT_PART
    ) -> None:
        super().__init__(function, parts, first_label)
        self.items: list[Item] = []
        self._access: dict[Stub, list[int]] = {}
        """Functions for items: labels of those that read, and of those that also write."""

    def put_jump(self, jump: Jump) -> None:
        self.items.append(jump)

    def put_label(self, label: int) -> None:
        self.items.append(label)

    def assemble(self) -> bytes:
        """The bytes of the function.  Raises AllocationError for a frame that is too big."""
        self._put_all()
        for label, part in enumerate(self.parts):
            code = Thumb2(part, (), self._n_labels)
            code._put_all()
            self.items += [label, *code.items]
            self._n_labels = code._n_labels
        return link(self.items, self.links)

    def _put_all(self) -> None:
        """The items of one function.  Raises AllocationError."""
        peephole(self.function)
        thumb2_conditional.run(self.function, self._length, _is_zero_test)
        self.put_blocks()
        for stub, labels in self._access.items():
            self.items += access(stub, labels, self.new_label)

    # -------------------------------------------------------------------------------------- frame

    def enter(self) -> None:
        function = self.function
        self._padding = self._saved = 0
        written = written_registers(function)
        if self.is_plain_leaf(written):
            return
        saved = written & KEPT_REGISTERS | 1 << LR
        words = function.n_frame + function.n_slots
        words += (words + saved.bit_count()) & 1  # sp is a multiple of 8
        self._total = words * 4
        if self._total > MAX_FRAME:
            raise AllocationError(f"a frame of {self._total} bytes")
        self._padding = words
        if words <= 3:  # saved for nothing but the space
            saved |= (0, 8, 12, 14)[words]
            self._padding = 0
        self._saved = saved
        self.items.append(enc.push(saved))
        if self._padding:
            size = self._total
            self.items.append(enc.DECREASE_SP(size) if size < 512 else enc.SUBW(13, 13, size))

    def _leave(self) -> None:
        if not self._saved:
            self.items.append(RETURN)
            return
        if self._padding:
            size = self._total
            self.items.append(enc.INCREASE_SP(size) if size < 512 else enc.ADDW(13, 13, size))
        self.items.append(enc.pop(self._saved & ~(1 << LR) | 1 << enc.PC))

    # ------------------------------------------------------------------------------------- blocks

    def put_block(self, block: MBlock, following: MBlock | None) -> None:
        code = block.code
        cond, zero = block.cond, -1
        at = -1
        if not cond and block.block.term == BRANCH:  # ways out of it may be in the block by now
            at = next((i for i, ins in enumerate(code) if ins.op == IT), -1)
        if at < 0:
            cond, zero = self._put_code(code, cond, True)
        else:
            mark = code[at]
            end = at - mark.imm
            found, _ = self._put_code(code[:end], mark.cond, False)
            for ins in code[end:at]:
                self._ins(ins, False, False)
            self._put_arms(code[at + 1 :], mark.nums[0] or 0, CONDITION[found])
        if block.succs:
            self.put_branch(block, cond, zero, following)

    def _put_code(self, code: list[Ins], cond: str, branches: bool) -> tuple[str, int]:
        """Instructions, the last of which sets flags if there is a condition.

        `branches`: the flags are for a branch.  The condition that then holds; the register that
        the branch compares with 0, or -1.
        """
        zero = -1
        last = code[-1] if code else None
        flags_from: Ins | None = None
        if cond and last is not None:
            if last.op == "cmpi" and last.imm == 0:
                flags_from, cond = _flag_setter(code, cond)
                if flags_from is not None:
                    code = code[:-1]
                elif branches and cond in ("eq", "ne") and last.srcs[0] < 8:
                    zero = last.srcs[0]
            elif last.op in CAN_SET_FLAGS:
                flags_from = last
        free = not cond or zero >= 0
        # Places before which the flags may change, or may not.
        changes: list[tuple[int, bool]] = []
        for i, ins in enumerate(code):
            if ins.op in FLAGS or ins is flags_from:
                changes.append((i, ins.op not in READS_FLAGS))
        changes.append((len(code), free))
        if zero >= 0:
            code = code[:-1]
        begin = 0
        for end, is_free in changes:
            for ins in code[begin:end]:
                self._ins(ins, is_free, ins is flags_from)
            begin = end
        return cond, zero

    def _put_arms(self, code: list[Ins], n_then: int, cond: int) -> None:
        """Instructions under a condition, where the short forms set no flags."""
        sizes = [self._length(ins) for ins in code]
        first = sum(sizes[:n_then])
        rest = sum(sizes) - first
        if first:
            pattern = "t" * (first - 1) + "e" * rest
        else:
            pattern = "t" * (rest - 1)
            cond ^= 1
        self.items.append(enc.IT(it_block(pattern, cond)))
        for ins in code:
            self._ins(ins, True, False)

    def _length(self, ins: Ins) -> int:
        """How many instructions it becomes under a condition."""
        items = self.items
        self.items = []
        self._ins(ins, True, False)
        code = b"".join(item for item in self.items if isinstance(item, bytes))
        self.items = items
        return enc.n_instructions(code)

    # ------------------------------------------------------------------------------- instructions

    def _ins(self, ins: Ins, free: bool, flags: bool) -> None:
        op = ins.op
        items = self.items
        if op == COPY:
            if len(ins.dests) == 1 and ins.dests[0] < SLOT and ins.srcs[0] < SLOT:
                items.append(move(ins.dests[0], ins.srcs[0]))
            else:
                self._copy(ins)
            return
        if op == CONST:
            items.append(enc.constant(ins.dests[0], ins.imm, free))
            return
        handler = HANDLERS.get(op)
        if handler is not None:
            handler(self, ins)
            return
        d = ins.dests[0] if ins.dests else -1
        s = ins.srcs
        if op == "addi":
            items.append(enc.add_number(d, s[0], ins.imm, free, flags))
        elif op in ("andi", "orri", "eori", "bici", "rsbi", "orni"):
            if op == "rsbi" and not ins.imm and free and enc.low(d, s[0]):
                items.append(enc.RSBS(d, s[0]))
            else:
                items.append(enc.with_number(op[:-1], d, s[0], ins.imm, flags))
        elif op in ("lsli", "lsri", "asri", "rori"):
            items.append(enc.shift_number(op[:-1], d, s[0], ins.imm, free, flags))
        elif op in ("lsl", "lsr", "asr"):
            items.append(enc.shift_register(op, d, s[0], s[1], free, flags))
        elif op == "mul":
            items.append(enc.multiply(d, s[0], s[1], free))
        elif op == "mvn":
            if free and not ins.shift and enc.low(d, s[0]):
                items.append(enc.MVNS(d, s[0]))
            else:
                row = TABLE["mvn.w_reg"]
                items.append(row.to_bytes(row.word(d, s[0], sh=ins.shift)))
        else:
            items.append(enc.arithmetic(op, d, s[0], s[1], ins.shift, free, flags))

    def _copy(self, ins: Ins) -> None:
        for d, s in sequence(ins.dests, ins.srcs, self._spare if uses_memory(ins) else IP):
            if d >= SLOT and s >= SLOT:
                self.items.append(enc.frame_load(IP, self.slot(s - SLOT)))
                self.items.append(enc.frame_store(IP, self.slot(d - SLOT)))
            elif d >= SLOT:
                self.items.append(store(s, self.slot(d - SLOT)))
            elif s >= SLOT:
                self.items.append(load(d, self.slot(s - SLOT)))
            else:
                self.items.append(move(d, s))

    def reload(self, ins: Ins) -> None:
        self.items.append(load(ins.dests[0], self.slot(ins.imm)))

    def spill(self, ins: Ins) -> None:
        self.items.append(store(ins.srcs[0], self.slot(ins.imm)))

    def call(self, ins: Ins) -> None:
        to = R3 if len(ins.srcs) < 5 else IP
        self.items.append(enc.call(to, ins.srcs[0], ins.imm * 4))

    def floating(self, ins: Ins) -> None:
        self.items.append(FLOAT_CODE[ins.op](ins))

    def item(self, ins: Ins) -> None:
        table, writes = ins.srcs[0], len(ins.srcs) - ins.shift > 2
        if not KEPT_REGISTERS >> table & 1:  # it has been spilled, and is not kept for the function
            self.items.append(enc.memory("ldr", R3, table, Fun.OBJ_SUBSCR * 4))
            if not writes:
                self.items.append(enc.constant(2, SENTINEL, True))
            self.items.append(enc.BLX(R3))
            return
        of_bytes = ins.srcs[1] if ins.shift > 1 and KEPT_REGISTERS >> ins.srcs[1] & 1 else NONE
        labels = self._access.setdefault(Stub(table, ins.imm, of_bytes), [NONE, NONE])
        if labels[writes] == NONE:
            labels[writes] = self.new_label()
        self.items.append(Jump(LINK, labels[writes]))

    def direct(self, ins: Ins) -> None:
        self.items.append(Jump(LINK, ins.imm))

    def ret(self, ins: Ins) -> None:
        self._leave()

    def compare(self, ins: Ins) -> None:
        self.items.append(enc.compare(ins.op, ins.srcs[0], ins.srcs[1], ins.shift))

    def compare_number(self, ins: Ins) -> None:
        self.items.append(enc.compare_number(ins.op, ins.srcs[0], ins.imm))

    def set_(self, ins: Ins) -> None:
        d = ins.dests[0]
        self.items.append(enc.IT(it_block("e", CONDITION[ins.cond])))
        self._move_in_block(d, -1, 1)
        self._move_in_block(d, -1, 0)

    def select_(self, ins: Ins) -> None:
        d = ins.dests[0]
        srcs = list(ins.srcs)
        places = [srcs.pop(0) if number is None else -1 for number in ins.nums]
        numbers = [number or 0 for number in ins.nums]
        cond = CONDITION[ins.cond]
        if places[1] == d:
            self.items.append(enc.IT(it_block("", cond)))
            self._move_in_block(d, places[0], numbers[0])
        elif places[0] == d:
            self.items.append(enc.IT(it_block("", cond ^ 1)))
            self._move_in_block(d, places[1], numbers[1])
        else:
            self.items.append(enc.IT(it_block("e", cond)))
            self._move_in_block(d, places[0], numbers[0])
            self._move_in_block(d, places[1], numbers[1])

    def _move_in_block(self, d: int, register: int, number: int) -> None:
        """Under `it`, where the short form does not set the flags."""
        if register >= 0:
            self.items.append(enc.MOV(d, register))
        else:
            self.items.append(enc.constant(d, number, True))

    def extend(self, ins: Ins) -> None:
        self.items.append(enc.extend(ins.op, ins.dests[0], ins.srcs[0]))

    def field(self, ins: Ins) -> None:
        encode = enc.UBFX if ins.op == "ubfx" else enc.SBFX
        self.items.append(encode(ins.dests[0], ins.srcs[0], ins.imm, ins.shift))

    def three(self, ins: Ins) -> None:
        self.items.append(THREE[ins.op](ins.dests[0], *ins.srcs))

    def multiply_high(self, ins: Ins) -> None:
        encode = enc.SMULL if ins.op == "smull" else enc.UMULL
        self.items.append(encode(IP, ins.dests[0], *ins.srcs))

    def rev16(self, ins: Ins) -> None:
        d, s = ins.dests[0], ins.srcs[0]
        self.items.append(enc.REV16(d, s) if enc.low(d, s) else enc.REV16_WIDE(d, s))

    def memory(self, ins: Ins) -> None:
        t, rest = (ins.dests[0], ins.srcs) if ins.dests else (ins.srcs[-1], ins.srcs[:-1])
        self.items.append(enc.memory(ins.op, t, rest[0], ins.imm))

    def memory_register(self, ins: Ins) -> None:
        t, rest = (ins.dests[0], ins.srcs) if ins.dests else (ins.srcs[-1], ins.srcs[:-1])
        self.items.append(enc.memory_register(ins.op[:-1], t, rest[0], rest[1], ins.shift))

    def memory_post(self, ins: Ins) -> None:
        t = ins.srcs[-1] if ins.op.startswith("str") else ins.dests[0]
        self.items.append(enc.MEM_POST[ins.op[:-1]](t, ins.srcs[0], ins.imm))

    def frame_address(self, ins: Ins) -> None:
        self.items.append(enc.frame_address(ins.dests[0], ins.imm * 4))

    def frame_store(self, ins: Ins) -> None:
        self.items.append(enc.frame_store(ins.srcs[0], ins.imm * 4))

    def frame_load(self, ins: Ins) -> None:
        self.items.append(enc.frame_load(ins.dests[0], ins.imm * 4))

    def qstr(self, ins: Ins) -> None:
        self.items.append(Link(1, ins.imm))
        self.items.append(enc.MOVW(ins.dests[0], 0))

    def qstr_object(self, ins: Ins) -> None:
        self.items.append(Link(2, ins.imm))
        self.items.append(enc.MOVW(ins.dests[0], 0) + enc.MOVT(ins.dests[0], 0))

    def prelude(self, ins: Ins) -> None:
        self.items.append(Link(0, ins.dests[0]))
        self.items.append(enc.MOVW(ins.dests[0], 0))

    def overflow(self, ins: Ins) -> None:
        d, s = ins.dests[0], ins.srcs
        if ins.op == "addvi":
            code = enc.add_number(d, s[0], ins.imm, True, True)
        elif ins.op == "rsbvi":
            code = enc.with_number("rsb", d, s[0], ins.imm, True)
        else:
            code = enc.arithmetic(ins.op[:-1], d, s[0], s[1], 0, True, True)
        self.items.append(code)

    def floor_modulo(self, ins: Ins) -> None:
        d, (x, y) = ins.dests[0], ins.srcs
        done = self.new_label()
        self.items += [
            enc.SDIV(d, x, y),
            enc.MLS(d, d, y, x),
            TEQ.to_bytes(TEQ.word(x, y)),
            Jump("pl", done),  # the same signs
            *self._test_zero(d, done),
            enc.arithmetic("add", d, d, y, 0, True, False),
            done,
        ]


    def _test_zero(self, register: int, label: int) -> list[Item]:
        """Jump if the register is zero."""
        if register < 8:
            return [Jump("eq", label, register)]
        return [enc.compare_number("cmpi", register, 0), Jump("eq", label)]

    def floor_divide(self, ins: Ins) -> None:
        d, (x, y) = ins.dests[0], ins.srcs
        done = self.new_label()
        self.items += [
            enc.SDIV(d, x, y),
            TEQ.to_bytes(TEQ.word(x, y)),
            Jump("pl", done),
            enc.MLS(IP, d, y, x),
            enc.compare_number("cmpi", IP, 0),
            Jump("eq", done),
            *self._test_zero(y, done),
            enc.add_number(d, d, -1, True, False),
            done,
        ]

TEQ: Final = TABLE["teq_reg"]
THREE: Final = {"mla": enc.MLA, "mls": enc.MLS, "sdiv": enc.SDIV, "udiv": enc.UDIV,
                "smmul": enc.SMMUL}
HANDLERS: Final = {
    RELOAD: Thumb2.reload,
    SPILL: Thumb2.spill,
    "call": Thumb2.call,
    "box": Thumb2.call,
    "item": Thumb2.item,
    "direct": Thumb2.direct,
    "ret": Thumb2.ret,
    "cmp": Thumb2.compare,
    "tst": Thumb2.compare,
    "cmpi": Thumb2.compare_number,
    "cmni": Thumb2.compare_number,
    "tsti": Thumb2.compare_number,
    "set": Thumb2.set_,
    "sel": Thumb2.select_,
    "uxtb": Thumb2.extend,
    "uxth": Thumb2.extend,
    "ubfx": Thumb2.field,
    "sbfx": Thumb2.field,
    "mla": Thumb2.three,
    "mls": Thumb2.three,
    "sdiv": Thumb2.three,
    "udiv": Thumb2.three,
    "smmul": Thumb2.three,
    "smull": Thumb2.multiply_high,
    "umull": Thumb2.multiply_high,
    "rev16": Thumb2.rev16,
    "addsp": Thumb2.frame_address,
    "strsp": Thumb2.frame_store,
    "ldrsp": Thumb2.frame_load,
    "qstr": Thumb2.qstr,
    "qstrobj": Thumb2.qstr_object,
    "prelude": Thumb2.prelude,
    "addv": Thumb2.overflow,
    "addvi": Thumb2.overflow,
    "subv": Thumb2.overflow,
    "rsbvi": Thumb2.overflow,
    "floormod": Thumb2.floor_modulo,
    "floordiv": Thumb2.floor_divide,
    **dict.fromkeys(enc.MEM_NARROW, Thumb2.memory),
    **{name + "x": Thumb2.memory_register for name in enc.MEM_NARROW},
    **{name + "p": Thumb2.memory_post for name in enc.MEM_NARROW},
    **dict.fromkeys(FLOAT_CODE, Thumb2.floating),
}


def _flag_setter(code: list[Ins], cond: str) -> tuple[Ins | None, str]:
    """The instruction before a comparison with 0 that can set the flags itself, and the condition
    then."""
    if len(code) < 2:
        return None, cond
    before, test = code[-2], code[-1]
    if before.op == COPY and len(before.dests) == 1 and before.dests[0] < 8 \
            and before.srcs[0] < 8 and test.srcs[0] in (before.dests[0], before.srcs[0]) \
            and cond in BY_RESULT:
        code[-2] = before = Ins("lsli", before.dests, before.srcs)  # movs
        return before, BY_RESULT[cond]
    if before.dests != test.srcs or (before.op not in CAN_SET_FLAGS and before.op != "addi"):
        return None, cond
    if before.op == "addi" and not (is_modified(before.imm) or is_modified(-before.imm)):
        return None, cond
    by_result = BY_RESULT.get(cond)
    return (before, by_result) if by_result else (None, cond)


def _is_zero_test(block: MBlock) -> bool:
    """Whether the branch of a block would be cbz or cbnz."""
    test = block.code[-1]
    return test.op == "cmpi" and not test.imm and block.cond in ("eq", "ne") \
        and test.srcs[0] < 8 and _flag_setter(block.code[:], block.cond)[0] is None
