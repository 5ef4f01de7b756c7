"""Thumb-2 instructions for values: which operations join, which operands are immediate.

An operation with a single reader can become part of it: a shift of the second operand, a product
that something is added to, a mask, a comparison.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.assembler.thumb import modified_immediate
from mpy_cross.emitters.ssa.ir import (
    CONDITIONS,
    FLOAT_CONDITIONS,
    ITEMS,
    OVERFLOW,
    SWAPPED,
    WIDTHS,
    WORD,
    Block,
    Function,
    Value,
    signed,
)
from mpy_cross.emitters.ssa.machine import ALL, CONST, COPY, Ins
from mpy_cross.emitters.ssa.selector import BaseSelector, item_operands, reg
from mpy_cross.emitters.ssa.settings import Unsupported
from mpy_cross.emitters.ssa.thumb2_float import (
    CALL_LOSES,
    FLOAT_SELECTORS,
    compare_floats,
)
from mpy_cross.emitters.ssa.thumb_code import THUMB

R0: Final = 0
R3: Final = 3
IP: Final = 12
LR: Final = 14
CALL_CLOBBERS: Final = (0, 1, 2, 3, IP, LR)
ALLOCATABLE: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, LR)

LSL, LSR, ASR, ROR = range(4)
SHIFT_TYPES: Final = {"shl": LSL, "lsr": LSR, "asr": ASR}
ARITHMETIC: Final = {"add": "add", "sub": "sub", "and": "and", "or": "orr", "xor": "eor"}
FARTHEST: Final = 4095  # bytes of a displacement
SUFFIXES: Final = {1: "b", 2: "h", 4: ""}


def is_modified(number: int) -> bool:
    """Whether a word is an immediate operand of Thumb-2."""
    return modified_immediate(number & WORD) >= 0


def shift_operand(kind: int, amount: int) -> int:
    """The field for a shifted second operand."""
    return amount << 2 | kind


@final
class Selector(BaseSelector):
    """Selects for one function."""

    __slots__ = ("dsp",)

    convention = THUMB
    clobbers = CALL_CLOBBERS

    def __init__(self, function: Function, dsp: bool) -> None:
        super().__init__(function)
        self.dsp = dsp

    def second(self, value: Value) -> tuple[Value, int]:
        """A second operand: a register, perhaps shifted by a number."""
        if value.op in SHIFT_TYPES and value.args[1].is_const and self.single(value):
            amount = value.args[1].imm
            if 1 <= amount <= 31:
                self.fold(value)
                return value.args[0], shift_operand(SHIFT_TYPES[value.op], amount)
        if value.op == "ror" and self.single(value):
            self.fold(value)
            return value.args[0], shift_operand(ROR, value.imm)
        return value, 0

    # -------------------------------------------------------------------------------- comparisons

    def compare(self, cond: str, x: Value, y: Value, block: Block) -> str:
        """Set the flags; the condition that then holds."""
        if cond in OVERFLOW:
            self._overflow(x)
            return cond
        if x.op in FLOAT_CONDITIONS and y.is_const and not y.imm and cond in ("eq", "ne") \
                and self.single(x):
            self.fold(x)
            return compare_floats(self, x, cond == "eq")
        if x.is_const and not y.is_const:
            x, y = y, x
            cond = SWAPPED[cond]
        if y.is_const:
            number = y.imm
            if number == 0 and cond in ("eq", "ne") and self.single(x):
                if x.op == "and":
                    self._test("tst", x)
                    return cond
                if x.op == "xor" and not x.args[1].is_const:
                    self.fold(x)
                    self.emit("cmp", None, x.args)
                    return cond
            number = signed(number)
            # The neighbour of a number may be an immediate where the number is none.
            if not (is_modified(number) or is_modified(-number)):
                for change, other in ((1, {"le": "lt", "gt": "ge", "ls": "lo", "hi": "hs"}),
                                      (-1, {"lt": "le", "ge": "gt", "lo": "ls", "hs": "hi"})):
                    near = number + change
                    if cond in other and is_modified(near) and near not in (0, 1 << 31, -1 << 31):
                        self.emit("cmpi", None, [x], near)
                        return other[cond]
            elif is_modified(number):
                self.emit("cmpi", None, [x], number)
                return cond
            elif number != -1 << 31:
                self.emit("cmni", None, [x], -number)
                return cond
        y, shift = self.second(y)
        if not shift and not y.is_const:
            x, shift = self.second(x)
            if shift:
                x, y = y, x
                cond = SWAPPED[cond]
        self.emit("cmp", None, [x, y], 0, shift)
        return cond

    def _overflow(self, value: Value) -> None:
        """A sum or a difference whose flags a branch asks for; done once more if it was elsewhere.
        """
        if value.block is self.block and value not in self.folded:
            self.fold(value)
            dest = reg(value)
        else:
            dest = IP
        x, y = value.args
        if value.op == "addv" and y.is_const and (is_modified(y.imm) or is_modified(-y.imm)):
            ins = Ins("addvi", [dest], [reg(x)], signed(y.imm))
        elif value.op == "subv" and x.is_const and is_modified(x.imm):
            ins = Ins("rsbvi", [dest], [reg(y)], signed(x.imm))
        else:
            ins = Ins(value.op, [dest], [reg(x), reg(y)])
        self.out.append(ins)

    def _test(self, op: str, value: Value) -> None:
        self.fold(value)
        x, y = value.args
        if y.is_const and is_modified(y.imm):
            self.emit(op + "i", None, [x], y.imm)
            return
        y, shift = self.second(y)
        self.emit(op, None, [x, y], 0, shift)

    # ------------------------------------------------------------------------------------- values

    def value(self, value: Value) -> None:
        op, args = value.op, value.args
        if op == "call":
            self._call(value)
        elif op == "const":
            self.constant(value)
        elif op in NAMES:
            self.emit(NAMES[op], value if op != "putframe" else None, args, value.imm)
        elif op == "field" or op == "field16":
            self._field(value, "ldr" if op == "field" else "ldrh")
        elif op in ("addv", "subv"):
            self._overflow(value)
        elif op in ARITHMETIC:
            self._arithmetic(value)
        elif op in SHIFT_TYPES:
            self._shift(value)
        elif op in WIDTHS:
            self._memory(value)
        elif op in CONDITIONS:
            ins = Ins("set", [reg(value)], [])
            self.out.append(ins)
            ins.cond = self.compare(op, args[0], args[1], self.block)
        elif op == "select":
            self._select(value)
        elif op == "direct":
            self.direct(value)
        elif op == "livein":
            self.livein(value)
        elif op == "cast":
            self.out.append(Ins(COPY, [reg(value)], [reg(args[0])]))
        elif op in ("smulh", "umulh"):
            ins = self.emit("smmul" if op == "smulh" and self.dsp else
                            "smull" if op == "smulh" else "umull", value, args)
            ins.clobbers = (IP,)
        elif op in FLOAT_SELECTORS:
            FLOAT_SELECTORS[op](self, value)
        elif op in ("floordiv", "floormod"):
            ins = self.emit(op, value, args)
            ins.early = ALL
            ins.clobbers = (IP,)
        elif op == "tag":
            self.emit("lsli", value, args, 31)
        elif op == "ror":
            self.emit("rori", value, args, value.imm)
        else:
            raise Unsupported(f"{op} with Thumb-2")

    def _arithmetic(self, value: Value) -> None:
        op = value.op
        x, y = value.args
        if y.is_const:
            if self._with_number(value, op, x, y.imm):
                return
        elif op in ("add", "sub"):
            for product, other in ((y, x), (x, y)):
                if product.op == "mul" and self.single(product) and (op == "add" or other is x):
                    self.fold(product)
                    self.emit("mla" if op == "add" else "mls", value, [*product.args, other])
                    return
        if op == "sub" and x.is_const and is_modified(x.imm):
            self.emit("rsbi", value, [y], x.imm)
            return
        if op in ("and", "or") and y.op == "xor" and y.args[1].is_const \
                and y.args[1].imm == WORD and self.single(y):
            self.fold(y)
            self.emit("bic" if op == "and" else "orn", value, [x, y.args[0]])
            return
        name = ARITHMETIC[op]
        y, shift = self.second(y)
        if not shift and not y.is_const:
            x, shift = self.second(x)
            if shift:
                x, y = y, x
                if op == "sub":
                    name = "rsb"
        self.emit(name, value, [x, y], 0, shift)

    def _with_number(self, value: Value, op: str, x: Value, k: int) -> bool:
        if op == "add":
            if is_modified(k) or is_modified(-k) or k < 4096 or -k & WORD < 4096:
                self.emit("addi", value, [x], signed(k))
                return True
        elif op == "and":
            if self._bit_field(value, x, k):
                return True
            if k in (0xFF, 0xFFFF):
                self.emit("uxtb" if k == 0xFF else "uxth", value, [x])
                return True
            if is_modified(k):
                self.emit("andi", value, [x], k)
                return True
            if is_modified(~k):
                self.emit("bici", value, [x], ~k & WORD)
                return True
            if not k & (k + 1):
                self.emit("ubfx", value, [x], 0, k.bit_length())
                return True
        elif op in ("or", "xor"):
            if op == "xor" and k == WORD:
                x, shift = self.second(x)
                self.emit("mvn", value, [x], 0, shift)
                return True
            if is_modified(k):
                self.emit("orri" if op == "or" else "eori", value, [x], k)
                return True
            if op == "or" and is_modified(~k):
                self.emit("orni", value, [x], ~k & WORD)
                return True
        return False

    def _bit_field(self, value: Value, x: Value, k: int) -> bool:
        """(x >> n) & (2**m - 1)"""
        if k & (k + 1) or x.op not in ("lsr", "asr") or not x.args[1].is_const:
            return False
        low, size = x.args[1].imm, k.bit_length()
        if low + size > 32 or not self.single(x):
            return False
        self.fold(x)
        self.emit("ubfx", value, [x.args[0]], low, size)
        return True

    def _shift(self, value: Value) -> None:
        op = value.op
        x, y = value.args
        name = {"shl": "lsl", "lsr": "lsr", "asr": "asr"}[op]
        if y.is_const and 1 <= y.imm <= 31:
            if op == "lsr" and x.op == "and" and x.args[1].is_const and self.single(x):
                mask = x.args[1].imm >> y.imm
                if mask and not mask & (mask + 1):
                    self.fold(x)
                    self.emit("ubfx", value, [x.args[0]], y.imm, mask.bit_length())
                    return
            if op in ("asr", "lsr") and x.op == "shl" and x.args[1].is_const and self.single(x) \
                    and 1 <= x.args[1].imm <= y.imm:
                self.fold(x)
                self.emit("sbfx" if op == "asr" else "ubfx", value, [x.args[0]],
                          y.imm - x.args[1].imm, 32 - y.imm)
                return
            self.emit(name + "i", value, [x], y.imm)
            return
        self.emit(name, value, [x, y])

    def _memory(self, value: Value) -> None:
        width = WIDTHS[value.op]
        suffix = SUFFIXES[width]
        args = list(value.args)
        is_load = value.op.startswith("load")
        name = ("ldr" if is_load else "str") + suffix
        indexed = "x" in value.op
        if indexed:
            # Both a shifted index and a shift of its own: base + ((i << 1) << 2)
            self.emit(name + "x", value if is_load else None, args, 0, value.imm)
        else:
            self.emit(name, value if is_load else None, args, value.imm)

    def _field(self, value: Value, name: str) -> None:
        ins = self.emit(name, value, value.args, value.imm)
        if value.imm > FARTHEST:
            ins.op += "x"
            ins.imm = 0
            ins.srcs.append(self.machine.new_register())
            self.out.append(Ins(CONST, [ins.srcs[1]], [], value.imm))

    def _select(self, value: Value) -> None:
        x, y, a, b = value.args
        cond = CONDITIONS[value.imm]
        ins = Ins("sel", [reg(value)], [])
        nums: list[int | None] = []
        for operand in (a, b):
            if operand.is_const and operand.imm < 256:
                nums.append(operand.imm)
            else:
                nums.append(None)
                ins.srcs.append(reg(operand))
        ins.nums = tuple(nums)
        self.out.append(ins)
        ins.cond = self.compare(cond, x, y, self.block)

    def _call(self, value: Value) -> None:
        table, *args = value.args
        if self.uses.get(value):
            self.out.append(Ins(COPY, [reg(value)], [R0]))
        if value.imm >> ITEMS:
            types, args = item_operands(value)
            ins = Ins("item", [R0], [*types, *range(len(args))], value.imm >> ITEMS, len(types))
        else:
            ins = Ins("call", [R0], [reg(table), *range(len(args))], value.imm)
        ins.clobbers = CALL_LOSES if self.machine.floats else CALL_CLOBBERS
        self.out.append(ins)
        self.fixed(enumerate(args))


NAMES: Final = {
    "mul": "mul",
    "sdiv": "sdiv",
    "udiv": "udiv",
    "rev16": "rev16",
    "frame": "addsp",
    "putframe": "strsp",
    "getframe": "ldrsp",
    "qstr": "qstr",
    "qstrobj": "qstrobj",
    "prelude": "prelude",
}
"""Operations that are one instruction with the same operands."""
