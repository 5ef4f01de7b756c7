"""Thumb-1 instructions for values: numbers that fit, tests of bits, conditions without IT blocks.

Most instructions know r0 to r7 only, take their first operand's register for the result, and set
the flags.  Divisions are calls of the run-time by now, indices are scaled (`thumb1_lower`).
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emitters.ssa.ir import (
    CONDITIONS,
    ITEMS,
    NEGATED,
    OVERFLOW,
    SWAPPED,
    WIDTHS,
    WORD,
    Block,
    Value,
    signed,
)
from mpy_cross.emitters.ssa.machine import CONST, COPY, Ins
from mpy_cross.emitters.ssa.selector import BaseSelector, item_operands, reg
from mpy_cross.emitters.ssa.settings import Unsupported
from mpy_cross.emitters.ssa.thumb_code import THUMB

R0: Final = 0
R1: Final = 1
R3: Final = 3
IP: Final = 12
LR: Final = 14
CALL_CLOBBERS: Final = (0, 1, 2, 3, IP, LR)
ROUTINE_CLOBBERS: Final = (0, 1, 2, 3, LR)
LOW: Final = (0, 1, 2, 3, 4, 5, 6, 7)
HIGH: Final = (LR, 8, 9, 10, 11)
"""Registers of few instructions; the first one is saved in any case."""
SECOND: Final = 2  # the second source, as a bit of `Ins.early`

HIGH_RESULTS: Final = frozenset((COPY, "add"))
HIGH_SOURCES: Final = HIGH_RESULTS | {"cmp", "sel", "item"}
"""Instructions that know all registers."""

ARITHMETIC: Final = {"and": "and", "or": "orr", "xor": "eor", "mul": "mul"}
SHIFTS: Final = {"shl": "lsl", "lsr": "lsr", "asr": "asr"}
SUFFIXES: Final = {1: "b", 2: "h", 4: ""}
ROUTINES: Final = {"udiv": R0, "urem": R1, "smulh": R0}
"""Operations that are subroutines, and where these leave the result."""
NEXT: Final = {"le": "lt", "gt": "ge", "ls": "lo", "hi": "hs"}
BEFORE: Final = {"lt": "le", "ge": "gt", "lo": "ls", "hs": "hi"}
"""Conditions that say the same of a number's neighbour."""


@final
class Selector(BaseSelector):
    """Selects for one function."""

    __slots__ = ()

    convention = THUMB
    clobbers = CALL_CLOBBERS

    def number(self, number: int) -> int:
        """A register with a number, made before what the block has so far."""
        register = self.machine.new_register()
        self.out.append(Ins(CONST, [register], [], number & WORD))
        return register

    # -------------------------------------------------------------------------------- comparisons

    def compare(self, cond: str, x: Value, y: Value, block: Block) -> str:
        if cond in OVERFLOW:
            self._overflow(x)
            return cond
        if x.is_const and not y.is_const:
            x, y = y, x
            cond = SWAPPED[cond]
        if y.is_const:
            return self._compare_number(cond, x, y)
        self.emit("cmp", None, [x, y])
        return cond

    def _compare_number(self, cond: str, x: Value, y: Value) -> str:
        number = signed(y.imm)
        if number == 0 and cond in ("eq", "ne") and self.single(x):
            if x.op == "and":
                return self._test(cond, x)
            if x.op == "xor" and not x.args[1].is_const:
                self.fold(x)
                self.emit("cmp", None, x.args)
                return cond
        is_signed = cond not in ("lo", "ls", "hi", "hs")
        if not 0 <= number < 256:
            if cond in NEXT and (0 < number + 1 < 256 or (number == -1 and is_signed)):
                number, cond = number + 1, NEXT[cond]
            elif cond in BEFORE and 0 < number - 1 < 256:
                number, cond = number - 1, BEFORE[cond]
        if 0 <= number < 256:
            self.emit("cmpi", None, [x], number)
        elif -256 < number < 0:
            # As `cmn`: its flags are those of a comparison with the number.
            self.out.append(Ins("addi", [self.machine.new_register()], [reg(x)], -number))
        else:
            self.emit("cmp", None, [x, y])
        return cond

    def _test(self, cond: str, value: Value) -> str:
        """Whether some bits of a value are zero."""
        self.fold(value)
        x, y = value.args
        if y.is_const:
            mask = y.imm
            if not mask & (mask - 1) or not mask & (mask + 1):
                # One bit becomes the sign, or the lowest bits are all that is left.
                single = not mask & (mask - 1)
                amount = 32 - mask.bit_length()
                if single and not amount:
                    self.emit("cmpi", None, [x])
                    return "ge" if cond == "eq" else "lt"
                self.out.append(Ins("lsli", [self.machine.new_register()], [reg(x)], amount))
                return {"eq": "pl", "ne": "mi"}[cond] if single else cond
            low = (mask & -mask).bit_length() - 1
            if mask + (1 << low) == 1 << 32:
                self.out.append(Ins("lsri", [self.machine.new_register()], [reg(x)], low))
                return cond
        self.emit("tst", None, [x, y])
        return cond

    def _overflow(self, value: Value) -> None:
        """A sum or a difference whose flags a branch asks for; done once more if it was elsewhere.
        """
        if value.block is self.block and value not in self.folded:
            self.fold(value)
            dest = reg(value)
        else:
            dest = self.machine.new_register()
        x, y = value.args
        if value.op == "addv" and y.is_const and -256 < signed(y.imm) < 256:
            self.out.append(Ins("addi", [dest], [reg(x)], signed(y.imm)))
        elif value.op == "subv" and x.is_const and not x.imm:
            self.out.append(Ins("neg", [dest], [reg(y)]))
        else:
            # Not "add", which with high registers leaves the flags alone.
            self.out.append(Ins(value.op, [dest], [reg(x), reg(y)]))

    # ------------------------------------------------------------------------------------- values

    def value(self, value: Value) -> None:
        op, args = value.op, value.args
        if op == "call":
            self._call(value)
        elif op == "const":
            self.constant(value)
        elif op in NAMES:
            self.emit(NAMES[op], value if op != "putframe" else None, args, value.imm)
        elif op == "field":
            self._memory(value, True, 4, False)
        elif op in ("addv", "subv"):
            self._overflow(value)
        elif op == "add":
            self._add(value)
        elif op == "sub":
            if args[0].is_const and not args[0].imm:
                self.emit("neg", value, args[1:])
            else:
                self.emit("sub", value, args)
        elif op in ARITHMETIC:
            self._arithmetic(value)
        elif op in SHIFTS:
            self._shift(value)
        elif op in WIDTHS:
            self._memory(value, op.startswith("load"), WIDTHS[op], "x" in op)
        elif op == "field16":
            self._memory(value, True, 2, False)
        elif op in CONDITIONS:
            self._condition(value)
        elif op == "select":
            self._select(value)
        elif op in ROUTINES:
            self.out.append(Ins(COPY, [reg(value)], [ROUTINES[op]]))
            ins = Ins("routine", [ROUTINES[op]], [R0, R1], 0, 0, op)
            ins.clobbers = ROUTINE_CLOBBERS
            self.out.append(ins)
            self.fixed([(R0, args[0]), (R1, args[1])])
        elif op == "direct":
            self.direct(value)
        elif op == "livein":
            self.livein(value)
        elif op == "cast":
            self.out.append(Ins(COPY, [reg(value)], [reg(args[0])]))
        elif op == "tag":
            self.emit("lsli", value, args, 31)
        elif op == "ror":
            ins = Ins("ror", [reg(value)], [reg(args[0])])
            ins.early = SECOND
            self.out.append(ins)
            ins.srcs.append(self.number(value.imm))
        else:
            raise Unsupported(f"{op} with Thumb-1")

    def _add(self, value: Value) -> None:
        x, y = value.args
        if y.is_const and -256 < signed(y.imm) < 256:
            self.emit("addi", value, [x], signed(y.imm))
        else:
            self.emit("add", value, [x, y])

    def _arithmetic(self, value: Value) -> None:
        op = value.op
        x, y = value.args
        if y.is_const:
            if op == "xor" and y.imm == WORD:
                self.emit("mvn", value, [x])
                return
            if op == "and" and self._mask(value, x, y):
                return
        elif op == "and" and y.op == "xor" and y.args[1].is_const \
                and y.args[1].imm == WORD and self.single(y):
            self.fold(y)
            self.emit("bic", value, [x, y.args[0]]).early = SECOND
            return
        self.emit(ARITHMETIC[op], value, [x, y])

    def _field(self, value: Value, x: Value, low: int, size: int) -> None:
        """Bits `low` to `low + size - 1`."""
        if not low and size in (8, 16):
            self.emit("uxtb" if size == 8 else "uxth", value, [x])
        elif low + size == 32:
            self.emit("lsri", value, [x], low)
        else:
            middle = self.machine.new_register()
            self.out.append(Ins("lsri", [reg(value)], [middle], 32 - size))
            self.out.append(Ins("lsli", [middle], [reg(x)], 32 - low - size))

    def _is_outside(self, value: Value) -> bool:
        """Whether a number is made outside of the current loop."""
        return self.depth.get(value.block, 0) < self.depth.get(self.block, 0)

    def _mask(self, value: Value, x: Value, y: Value) -> bool:
        k = y.imm
        size = k.bit_length()
        if not k & (k + 1):
            if x.op in ("lsr", "asr") and x.args[1].is_const and self.single(x) \
                    and x.args[1].imm + size <= 32:
                self.fold(x)
                self._field(value, x.args[0], x.args[1].imm, size)
                return True
            if size in (8, 16) or not self._is_outside(y):
                self._field(value, x, 0, size)
                return True
        low = (k & -k).bit_length() - 1
        if self._is_outside(y):
            return False
        if k + (1 << low) == 1 << 32 and low >= 8:
            middle = self.machine.new_register()
            self.out.append(Ins("lsli", [reg(value)], [middle], low))
            self.out.append(Ins("lsri", [middle], [reg(x)], low))
            return True
        if ~k & WORD < 256:
            ins = Ins("bic", [reg(value)], [reg(x)])
            ins.early = SECOND
            self.out.append(ins)
            ins.srcs.append(self.number(~k))
            return True
        return False

    def _shift(self, value: Value) -> None:
        op = value.op
        x, y = value.args
        if not (y.is_const and 1 <= y.imm <= 31):
            self.emit(SHIFTS[op], value, [x, y]).early = SECOND
            return
        amount = y.imm
        if op == "lsr" and x.op == "and" and x.args[1].is_const and self.single(x):
            mask = x.args[1].imm >> amount
            if mask and not mask & (mask + 1):
                self.fold(x)
                self._field(value, x.args[0], amount, mask.bit_length())
                return
        if op != "shl" and amount in (16, 24) and x.op == "shl" and x.args[1].is_const \
                and x.args[1].imm == amount and self.single(x):
            self.fold(x)
            name = {"lsr": "ux", "asr": "sx"}[op] + ("th" if amount == 16 else "tb")
            self.emit(name, value, [x.args[0]])
            return
        self.emit(SHIFTS[op] + "i", value, [x], amount)

    def _memory(self, value: Value, is_load: bool, width: int, indexed: bool) -> None:
        name = ("ldr" if is_load else "str") + SUFFIXES[width]
        args = [reg(arg) for arg in value.args]
        ins = Ins(name, [reg(value)] if is_load else [], args)
        self.out.append(ins)
        offset = value.imm
        if indexed:
            ins.op += "x"
            if offset:
                index, args[1] = args[1], self.machine.new_register()
                self.out.append(Ins("lsli", [args[1]], [index], offset))
        elif 0 <= offset < 32 * width and not offset % width:
            ins.imm = offset
        elif -256 < offset < 8:
            base, args[0] = args[0], self.machine.new_register()
            self.out.append(Ins("addi", [args[0]], [base], offset))
        else:
            ins.op += "x"
            args.insert(1, self.number(offset))

    # --------------------------------------------------------------------------------- conditions

    def _condition(self, value: Value) -> None:
        """0 or 1"""
        x, y = value.args
        op = value.op
        if y.is_const and not y.imm and op == "lt":
            self.emit("lsri", value, [x], 31)
            return
        if op == "eq":
            # 0 - d and the carry, which is set if there is no borrow
            difference = reg(x)
            if not (y.is_const and not y.imm):
                difference = self.machine.new_register()
            ins = Ins("iszero", [reg(value)], [difference])
            ins.early = 1
            self.out.append(ins)
            if difference != reg(x):
                if y.is_const and -256 < signed(y.imm) < 256:
                    self.out.append(Ins("addi", [difference], [reg(x)], -signed(y.imm)))
                else:
                    self.out.append(Ins("sub", [difference], [reg(x), reg(y)]))
            return
        if op in ("lo", "hs") and not y.is_const:
            self.out.append(Ins("carry" if op == "hs" else "borrow", [reg(value)], []))
            self.emit("cmp", None, [x, y])
            return
        self._choose(value, op, x, y, (None, 1), (None, 0))

    def _select(self, value: Value) -> None:
        x, y, a, b = value.args
        first, second = ((None, v.imm) if v.is_const else (reg(v), 0) for v in (a, b))
        self._choose(value, CONDITIONS[value.imm], x, y, first, second)

    def _choose(
        self, value: Value, cond: str, x: Value, y: Value,
        a: tuple[int | None, int], b: tuple[int | None, int],
    ) -> None:
        """One of two, each a register or else a number."""
        if a[0] is None and b[0] is not None:
            a, b, cond = b, a, NEGATED[cond]
        first = a[0]
        if first is None:
            first = self.machine.new_register()
        ins = Ins("sel", [reg(value)], [first])
        if b[0] is not None:
            ins.srcs.append(b[0])
        ins.nums = (None, None if b[0] is not None else b[1])
        self.out.append(ins)
        ins.cond = self.compare(cond, x, y, self.block)
        if a[0] is None:
            self.out.append(Ins(CONST, [first], [], a[1]))

    def _call(self, value: Value) -> None:
        table, *args = value.args
        if self.uses.get(value):
            self.out.append(Ins(COPY, [reg(value)], [R0]))
        arguments = list(range(len(args)))
        if value.imm >> ITEMS:
            types, args = item_operands(value)
            ins = Ins("item", [R0], [*types, *range(len(args))], value.imm >> ITEMS, len(types))
            self.out.append(ins)
            self.fixed(enumerate(args))
        elif len(args) < 4:  # r3 takes the address
            ins = Ins("call", [R0], [reg(table), *arguments], value.imm * 4)
            self.out.append(ins)
            self.fixed(enumerate(args))
        else:
            entry = self.machine.new_register()
            ins = Ins("callto", [R0], [entry, *arguments])
            self.out.append(ins)
            self.fixed(enumerate(args))
            self.out.append(Ins("entry", [entry], [reg(table)], value.imm * 4))
        ins.clobbers = CALL_CLOBBERS


NAMES: Final = {
    "rev16": "rev16",
    "frame": "addsp",
    "putframe": "strsp",
    "getframe": "ldrsp",
    "prelude": "prelude",
}
"""Operations that are one instruction with the same operands."""
