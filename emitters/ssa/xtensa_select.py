"""Xtensa instructions for values: branches that compare, fields of bits, scaled sums.

There are no flags: a branch, a selection and a condition compare themselves.  The instruction that
ends a block with a condition is `b` (two registers), `bi` (a number), `bz` (zero), `bbit` (one bit)
or `bmask` (any bit of a mask); a selection is the same with `sel` before the name.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from mpy_cross.emitters.ssa import xtensa_loops
from mpy_cross.emitters.ssa.fold import bits_of, compare
from mpy_cross.emitters.ssa.ir import (
    BRANCH,
    CONDITIONS,
    ITEMS,
    NEGATED,
    OVERFLOW,
    SWAPPED,
    WIDTHS,
    WORD,
    Block,
    Function,
    Value,
    signed,
)
from mpy_cross.emitters.ssa.machine import ALL, CONST, COPY, Convention, Ins, MFunction
from mpy_cross.emitters.ssa.selector import BaseSelector, item_operands, reg
from mpy_cross.emitters.ssa.settings import Unsupported
from mpy_cross.emitters.ssa.xtensa_encode import MEMORY, THREE, has_immediate
from mpy_cross.loader.fun_table import Fun

A2: Final = 2
A3: Final = 3
SECOND: Final = 2  # the second source, as a bit of `Ins.early`
SETJMP_BUFFER: Final = 2
"""Words of nlr_buf_t before what setjmp fills."""


@final
class Abi(NamedTuple):
    """How functions call each other, and what the core of that ABI has."""

    windowed: bool
    argument: int
    """The register of the first argument of a call, and of its result."""
    clobbers: tuple[int, ...]
    """What a call does not keep."""
    scratch: int
    """Never has a value."""
    registers: tuple[int, ...]
    few: tuple[int, ...]
    """For tests."""
    parts: Convention


WINDOWED: Final = Abi(True, 10, tuple(range(8, 16)), 8, (*range(9, 16), *range(7, 1, -1)),
                      (10, 2, 11, 5, 6, 7), Convention((10, 11, 12, 13, 14), 15, 10, 8))
CALL0: Final = Abi(False, 2, (0, *range(2, 12)), 0, (*range(2, 12), *range(12, 16)),
                   (2, 3, 11, 13, 14, 15), Convention((2, 3, 4, 5, 6), 12, 2))

ARITHMETIC: Final = {"and": "and", "or": "orr", "xor": "eor", "mul": "mul",
                     "smulh": "smulh", "umulh": "umulh"}
SHIFTS: Final = {"shl": "lsl", "lsr": "lsr", "asr": "asr"}
SUFFIXES: Final = {1: "b", 2: "h", 4: ""}
DIVISIONS: Final = ("sdiv", "udiv", "urem")
SUBROUTINES: Final = ("udiv", "urem", "smulh", "umulh")
BASIC: Final = ("eq", "ne", "lt", "ge", "lo", "hs")
"""Conditions that there are branches for; the others exchange the operands."""
ABOVE: Final = {"le": "lt", "gt": "ge", "ls": "lo", "hi": "hs"}
"""Conditions that say the same of the next number."""
EXTREMES: Final = {("lt", False): "min", ("lt", True): "max", ("lo", False): "minu",
                   ("lo", True): "maxu"}


@final
class Selector(BaseSelector):
    """Selects for one function."""

    __slots__ = ("abi", "clobbers", "convention", "signed_loads", "writes_items")

    result = A2

    def __init__(self, function: Function, abi: Abi) -> None:
        super().__init__(function)
        self.abi = abi
        self.convention = abi.parts
        self.clobbers = abi.clobbers
        self.writes_items = any(
            value.op == "call" and value.imm >> ITEMS and len(item_operands(value)[1]) > 2
            for block in function.blocks for value in block.values)
        self.signed_loads: dict[Value, Value] = {}
        """Halfwords of which only the number with a sign is read."""

    def run(self) -> MFunction:
        machine = super().run()
        if self.abi.windowed and self.function.hardware_loops:
            xtensa_loops.run(machine)
        return machine

    def put(self, op: str, dest: int, srcs: list[int], imm: int = 0, shift: int = 0) -> Ins:
        """An instruction with registers, before those that the block has so far."""
        ins = Ins(op, [dest], srcs, imm, shift)
        self.out.append(ins)
        return ins

    # -------------------------------------------------------------------------------- comparisons

    def compare(self, cond: str, x: Value, y: Value, block: Block) -> str:
        """The instruction that tests; the condition of it."""
        if cond in OVERFLOW:
            return self._overflow(cond, x)
        if x.is_const and not y.is_const:
            x, y = y, x
            cond = SWAPPED[cond]
        if y.is_const:
            found = self._compare_number(cond, x, signed(y.imm))
            if found:
                return found
        if cond not in BASIC:
            x, y = y, x
            cond = SWAPPED[cond]
        self.emit("b", None, [x, y])
        return cond

    def _overflow(self, cond: str, value: Value) -> str:
        """Whether a sum or a difference had no room: by the signs of operands and result."""
        x, y = value.args
        with_room = cond == "vc"
        if y.is_const and y.imm:
            # A positive number makes it greater.
            grows = (signed(y.imm) > 0) == (value.op == "addv")
            self.emit("b", None, [value, x] if grows else [x, value])
            return "ge" if with_room else "lt"
        first, second, both = (self.machine.new_register() for _ in range(3))
        self.out.append(Ins("bz", [], [both]))
        self.put("and", both, [first, second])
        self.put("eor", second, [reg(value), reg(x)])
        self.put("eor", first, [reg(value if value.op == "addv" else x), reg(y)])
        return "ge" if with_room else "lt"

    def _compare_number(self, cond: str, x: Value, number: int) -> str:
        """A test against a number; "" if that needs a register."""
        unsigned = cond in ("lo", "ls", "hi", "hs")
        if unsigned:
            number &= WORD
        if cond in ABOVE and number != (WORD if unsigned else WORD >> 1):
            near, found = number + 1, ABOVE[cond]
        else:
            near, found = number, cond
        if found in ("lo", "hs") and near == 1:
            near, found = 0, "eq" if found == "lo" else "ne"
        if not near and found in ("eq", "ne", "lt", "ge"):
            return self._compare_zero(found, x)
        if found in BASIC and has_immediate(found, near):
            self.emit("bi", None, [x], near)
            return found
        return ""

    def _compare_zero(self, cond: str, x: Value) -> str:
        single = self.single(x)
        if cond in ("eq", "ne"):
            if x.op == "and" and single:
                return self._test(cond, x)
            if x.op == "xor" and single and not x.args[1].is_const:
                self.fold(x)
                self.emit("b", None, x.args)
                return cond
        elif x.op == "tag" and single:
            self.fold(x)
            self.emit("bbit", None, x.args)
            return "ne" if cond == "lt" else "eq"
        elif x.op == "shl" and single and x.args[1].is_const and x.args[1].imm < 32:
            self.fold(x)
            self.emit("bbit", None, x.args[:1], 31 - x.args[1].imm)
            return "ne" if cond == "lt" else "eq"
        self.emit("bz", None, [x])
        return cond

    def _test(self, cond: str, value: Value) -> str:
        """Whether some bits of a value are zero."""
        self.fold(value)
        x, y = value.args
        if y.is_const and not y.imm & (y.imm - 1):
            bit = y.imm.bit_length() - 1
            if x.op in ("lsr", "asr") and x.args[1].is_const and self.single(x) \
                    and x.args[1].imm + bit < 32:
                self.fold(x)
                bit += x.args[1].imm
                x = x.args[0]
            self.emit("bbit", None, [x], bit)
        else:
            self.emit("bmask", None, [x, y])
        return cond

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
            self.emit("ldr", value, args, value.imm)
        elif op in ("add", "addv"):
            self._add(value)
        elif op in ("sub", "subv"):
            self._subtract(value)
        elif op in SUBROUTINES and not self.abi.windowed:
            self._subroutine(value)
        elif op in ARITHMETIC:
            self._arithmetic(value)
        elif op in SHIFTS:
            self._shift(value)
        elif op in WIDTHS:
            self._memory(value, op.startswith("load"), WIDTHS[op])
        elif op == "field16":
            self.emit("ldrh", value, args, value.imm)
        elif op in CONDITIONS:
            self._condition(value)
        elif op == "select":
            self._select(value)
        elif op == "direct":
            self.direct(value)
        elif op == "livein":
            self.livein(value)
        elif op == "cast":
            self.out.append(Ins(COPY, [reg(value)], [reg(args[0])]))
        elif op == "tag":
            self.emit("lsli", value, args, 31)
        elif op == "rev16":
            # Of a number of 16 bits, and only the lower half of it is stored.
            high, low = self.machine.new_register(), self.machine.new_register()
            self.put("orr", reg(value), [high, low])
            self.put("lsli", high, [reg(args[0])], 8)
            self.put("lsri", low, [reg(args[0])], 8)
        elif op in DIVISIONS or op in ("floordiv", "floormod"):
            self._divide(op, value, args[0], args[1])
        else:
            raise Unsupported(f"{op} on Xtensa")

    def _subroutine(self, value: Value) -> None:
        """What the LX106 has no instruction for: a2 and a3 to a2."""
        self.out.append(Ins(COPY, [reg(value)], [A2]))
        ins = Ins(value.op + "0", [A2], [A2, A3])
        ins.clobbers = (2, 3, 4, 5, 6, 7)
        self.out.append(ins)
        self.fixed([(A2, value.args[0]), (A3, value.args[1])])

    def _divide(self, op: str, value: Value, x: Value, y: Value) -> None:
        ins = self.emit(op, value, [x, y])
        ins.early = ALL
        ins.nums = (int(is_not_zero(y, self.block)),)

    def _add(self, value: Value) -> None:
        x, y = value.args
        if y.is_const:
            number = signed(y.imm)
            if -128 <= number <= 127 or (not number & 0xFF and -32768 <= number <= 32512):
                self.emit("addi", value, [x], number)
                return
        for high, low in ((x, y), (y, x)):
            amount = self._scale(high)
            if amount:
                self.fold(high)
                self.emit(f"addx{amount}", value, [high.args[0], low])
                return
        self.emit("add", value, [x, y])

    def _scale(self, value: Value) -> int:
        """2, 4 or 8 if a value is a product that can be part of a sum."""
        if value.op == "shl" and value.args[1].is_const and value.args[1].imm in (1, 2, 3) \
                and self.single(value):
            return 1 << value.args[1].imm
        return 0

    def _subtract(self, value: Value) -> None:
        x, y = value.args
        if x.is_const and not x.imm:
            self.emit("neg", value, [y])
            return
        if y.op == "mul" and self.abi.windowed and y.args[0].op in ("sdiv", "udiv"):
            quotient = y.args[0]
            if quotient.args == [x, y.args[1]] and self.single(y):
                # x - x / z * z
                self.fold(y)
                if self.single(quotient):
                    self.fold(quotient)
                self._divide("srem" if quotient.op == "sdiv" else "urem", value, *quotient.args)
                return
        amount = self._scale(x)
        if amount:
            self.fold(x)
            self.emit(f"subx{amount}", value, [x.args[0], y])
            return
        self.emit("sub", value, [x, y])

    def _arithmetic(self, value: Value) -> None:
        x, y = value.args
        if value.op == "and" and y.is_const and not y.imm & (y.imm + 1):
            size = y.imm.bit_length()
            if x.op in ("lsr", "asr") and x.args[1].is_const and self.single(x) \
                    and x.args[1].imm + size <= 32 and self._field(value, x, x.args[1].imm, size):
                return
            if size <= 16:
                self.emit("extui", value, [x], 0, size)
                return
        self.emit(ARITHMETIC[value.op], value, [x, y])

    def _field(self, value: Value, shifted: Value, low: int, size: int) -> bool:
        """Bits `low` to `low + size - 1` of what is shifted, if one instruction does it."""
        if size > 16 and (low + size != 32 or low > 15):
            return False
        self.fold(shifted)
        if low + size == 32:
            self.emit("lsri", value, shifted.args[:1], low)
        else:
            self.emit("extui", value, shifted.args[:1], low, size)
        return True

    def _shift(self, value: Value) -> None:
        op = value.op
        x, y = value.args
        if y.is_const and 1 <= y.imm <= 31:
            amount = y.imm
            if x.args and x.args[-1].is_const and self.single(x):
                inner = x.args[-1].imm
                if op == "lsr" and x.op == "and":
                    mask = inner >> amount
                    if mask and not mask & (mask + 1) \
                            and self._field(value, x, amount, mask.bit_length()):
                        return
                if op == "lsr" and x.op == "shl" and 1 <= inner <= amount \
                        and self._field(value, x, amount - inner, 32 - amount):
                    return
                if op == "asr" and x.op == "shl" and inner == amount \
                        and self._extend(value, x, 31 - amount):
                    return
            self.emit(SHIFTS[op] + "i", value, [x], amount)
            return
        ins = self.emit(SHIFTS[op], value, [x, y])
        if bits_of(y) > 5:
            ins.early = SECOND
            ins.nums = (1,)

    def _extend(self, value: Value, shifted: Value, sign: int) -> bool:
        """A number whose sign is that bit."""
        load = shifted.args[0]
        if load.op == "load16" and sign == 15 and self.single(load):
            self.fold(shifted)
            self.signed_loads[load] = value
            return True
        if not self.abi.windowed or not 7 <= sign <= 22:
            return False
        self.fold(shifted)
        self.emit("sext", value, [load], sign)
        return True

    def _memory(self, value: Value, is_load: bool, width: int) -> None:
        name = ("ldr" if is_load else "str") + SUFFIXES[width]
        ins = self.emit(name, value if is_load else None, value.args, value.imm)
        if value in self.signed_loads:
            ins.op = "ldrsh"
            ins.dests = [reg(self.signed_loads[value])]
        offset = value.imm
        if 0 <= offset <= 255 * width and not offset % width:
            return
        place, number = self.machine.new_register(), self.machine.new_register()
        base, ins.srcs[0], ins.imm = ins.srcs[0], place, 0
        self.put("add", place, [base, number])
        self.put(CONST, number, [], offset & WORD)

    # --------------------------------------------------------------------------------- conditions

    def _condition(self, value: Value) -> None:
        """0 or 1"""
        x, y = value.args
        op = value.op
        if y.is_const and not y.imm:
            if op == "lt":
                self.emit("lsri", value, [x], 31)
                return
            if op == "eq":
                count = self.machine.new_register()
                self.put("lsri", reg(value), [count], 5)
                self.put("nsau", count, [reg(x)])
                return
            if op == "ne":
                one = self.machine.new_register()
                ins = self.put("cmov", reg(value), [reg(x), reg(x), one])
                ins.cond = "eq"
                ins.early = 3
                self.put(CONST, one, [], 1)
                return
        self._choose(value, op, x, y, (None, 1), (None, 0))

    def _select(self, value: Value) -> None:
        x, y, a, b = value.args
        cond = CONDITIONS[value.imm]
        if self.abi.windowed:
            if cond in ("gt", "ge", "hi", "hs"):
                base, swapped = NEGATED[cond], True
            else:
                base, swapped = cond, False
            base = {"le": "lt", "ls": "lo"}.get(base, base)
            for first, second, largest in ((a, b, swapped), (b, a, not swapped)):
                if base in ("lt", "lo") and first is x and second is y:
                    self.emit(EXTREMES[base, largest], value, [x, y])
                    return
        first_place, second_place = ((None, v.imm) if v.is_const else (reg(v), 0) for v in (a, b))
        self._choose(value, cond, x, y, first_place, second_place)

    def _choose(
        self, value: Value, cond: str, x: Value, y: Value,
        a: tuple[int | None, int], b: tuple[int | None, int],
    ) -> None:
        """One of two, each a register or else a number."""
        at = len(self.out)
        if cond in ("eq", "ne") and x.op == "and" and y.is_const and not y.imm:
            self.emit("bz", None, [x])  # a move under a condition tests no bits
        else:
            cond = self.compare(cond, x, y, self.block)
        test = self.out[at]
        if test.op == "bz" and (a[0] is not None or b[0] is not None):
            if a[0] is None:
                a, b, cond = b, a, NEGATED[cond]
            assert a[0] is not None
            other = b[0]
            if other is None:
                other = self.machine.new_register()
            ins = Ins("cmov", [reg(value)], [*test.srcs, a[0], other], 0, 0, cond)
            ins.early = 3
            self.out[at] = ins
            if b[0] is None:
                self.out.insert(at + 1, Ins(CONST, [other], [], b[1]))
            return
        ins = Ins("sel" + test.op, [reg(value)], list(test.srcs), test.imm, len(test.srcs), cond)
        ins.early = (1 << len(test.srcs)) - 1
        nums: list[int | None] = []
        for register, constant in (a, b):
            nums.append(constant if register is None else None)
            if register is not None:
                ins.srcs.append(register)
        ins.nums = tuple(nums)
        self.out[at] = ins

    def _call(self, value: Value) -> None:
        table, *args = value.args
        first = self.abi.argument
        if self.uses.get(value):
            self.out.append(Ins(COPY, [reg(value)], [first]))
        if value.imm >> ITEMS:
            self._item(value)
            return
        if value.imm == Fun.NLR_PUSH and self.abi.windowed:
            if args[0].op != "frame":
                raise Unsupported("a handler that is not in the frame")
            # It returns once; setjmp returns a second time.
            self._one_call(table, 1, Fun.SETJMP)
            self.put("addsp", first, [], args[0].imm + SETJMP_BUFFER)
        self._one_call(table, len(args), value.imm)
        self.fixed([(first + i, arg) for i, arg in enumerate(args)])

    def _item(self, value: Value) -> None:
        types, args = item_operands(value)
        if self.writes_items and len(args) < 3:
            args.append(value.args[3])
        args += [value.args[0], *value.args[4:]]
        first = self.abi.argument
        ins = Ins("item", [first], list(range(first, first + len(args))), value.imm >> ITEMS,
                  len(types))
        ins.clobbers = self.abi.clobbers
        self.out.append(ins)
        self.fixed([(first + i, arg) for i, arg in enumerate(args)])

    def _one_call(self, table: Value, n_args: int, entry: int) -> None:
        first = self.abi.argument
        ins = Ins("call", [first], [reg(table), *range(first, first + n_args)], int(entry))
        ins.clobbers = self.abi.clobbers
        self.out.append(ins)


NAMES: Final = {
    "frame": "addsp",
    "putframe": "strsp",
    "getframe": "ldrsp",
    "qstr": "qstr",
    "qstrobj": "qstrobj",
    "prelude": "prelude",
    "ror": "ror",
}
"""Operations that are one instruction with the same operands."""
assert set(ARITHMETIC.values()) <= set(THREE) and "ldrsh" in MEMORY


def is_not_zero(value: Value, block: Block, depth: int = 2) -> bool:
    """Whether control is in a block only if a value is not 0."""
    if value.is_const:
        return value.imm != 0
    while True:
        if value.op == "phi" and value.block is block:
            return depth > 0 and all(
                _excludes_zero(arg, pred, block) or is_not_zero(arg, pred, depth - 1)
                for arg, pred in zip(value.args, block.preds, strict=True))
        if len(block.preds) != 1:
            return False
        pred = block.preds[0]
        if _excludes_zero(value, pred, block):
            return True
        block = pred


def _excludes_zero(value: Value, pred: Block, block: Block) -> bool:
    """Whether the way from one block to the other is for what is not 0."""
    if pred.term != BRANCH or pred.succs[0] is pred.succs[1] or pred.targs[0] is not value \
            or not pred.targs[1].is_const or pred.cond not in NEGATED:
        return False
    cond = pred.cond if pred.succs[0] is block else NEGATED[pred.cond]
    return not compare(cond, 0, pred.targs[1].imm)
