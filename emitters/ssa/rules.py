"""Simpler forms of operations."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emitters.ssa.fold import bits_of, compute, is_natural
from mpy_cross.emitters.ssa.ir import (
    CONDITIONS,
    INT,
    NEGATED,
    OPS,
    SWAPPED,
    WORD,
    Block,
    Function,
    Value,
    signed,
)

COMMUTATIVE: Final = frozenset(op for op, info in OPS.items() if info.commutative)
ASSOCIATIVE: Final = ("add", "and", "or", "xor", "mul")
NARROW_STORES: Final = frozenset(("store8", "store16", "storex8", "storex16"))
SHIFTS: Final = ("shl", "lsr", "asr")
SIGN_EXTENSIONS: Final = {WORD - 0x7F: 8, WORD - 0x7FFF: 16}
"""(x ^ 0x80) - 0x80 and (x ^ 0x8000) - 0x8000: the number of bits that x has."""


@final
class Maker:
    """Makes values at the end of a block, of which each stands once."""

    __slots__ = ("block", "function", "out", "table", "undo")

    def __init__(self, function: Function, table: dict[tuple[object, ...], Value]) -> None:
        self.function = function
        self.table = table
        self.out: list[Value] = []
        self.undo: list[tuple[object, ...]] = []
        self.block = function.entry

    def enter(self, block: Block, undo: list[tuple[object, ...]]) -> None:
        """Begin a block; `undo` takes what is then new in the table."""
        self.block = block
        self.out = []
        self.undo = undo

    def keep(self, value: Value) -> None:
        """A value that has to stay as it is."""
        if value.op in NARROW_STORES:
            self._narrow(value)
        self.out.append(value)

    def const(self, number: int) -> Value:
        return self.make("const", [], number & WORD, INT)

    def make(
        self, op: str, args: list[Value], imm: int, vtype: str, old: Value | None = None
    ) -> Value:
        """A value for the operation; `old` is put here if none is there and no form is simpler."""
        key: tuple[object, ...]
        if len(args) == 2:
            if args[0].op == "const" and args[1].op != "const":
                if op in COMMUTATIVE:
                    args = [args[1], args[0]]
                elif op in SWAPPED:
                    args = [args[1], args[0]]
                    op = SWAPPED[op]
            simpler = self._binary(op, args[0], args[1], vtype)
            if simpler is not None:
                return simpler
            x, y = args[0].id, args[1].id
            key = (op, imm, y, x) if x > y and op in COMMUTATIVE else (op, imm, x, y)
        elif len(args) == 1:
            key = (op, imm, args[0].id)
        elif op == "const":
            key = (op, imm, vtype == "obj")
        else:
            if op == "select":
                simpler = self._select(args, imm)
                if simpler is not None:
                    return simpler
            key = (op, imm, *[arg.id for arg in args])
        known = self.table.get(key)
        if known is not None:
            return known
        if old is None:
            old = self.function.new_value(op, vtype, args, imm, self.block)
        else:
            old.op = op
            old.args = args
        self.table[key] = old
        self.undo.append(key)
        self.out.append(old)
        return old

    # -------------------------------------------------------------------------------------- forms

    def _binary(self, op: str, x: Value, y: Value, vtype: str) -> Value | None:
        if y.is_const:
            if x.is_const:
                number = compute(op, x.imm, y.imm)
                if number is not None:
                    return self.const(number)
            return self._with_number(op, x, y.imm, vtype)
        if x is y:
            if op in ("sub", "xor"):
                return self.const(0)
            if op in ("and", "or"):
                return x
            if op in CONDITIONS:
                return self.const(int(op in ("eq", "le", "ge", "ls", "hs")))
        if op in SHIFTS and y.op == "and" and y.args[1].is_const and y.args[1].imm & 0xFF == 0xFF:
            return self.make(op, [x, y.args[0]], 0, vtype)
        if op == "or":
            return self._rotation(x, y, vtype)
        return None

    def _with_number(self, op: str, x: Value, k: int, vtype: str) -> Value | None:
        """Forms of an operation whose second operand is a number."""
        if k == 0 and op in ("add", "sub", "or", "xor"):
            return x
        if op == "sub":
            return self.make("add", [x, self.const(-k)], 0, vtype)
        if op in ("mul", "and"):
            simpler = self._multiply(x, k, vtype) if op == "mul" else self._mask(x, k, vtype)
            if simpler is not None:
                return simpler
        if op in SHIFTS:
            return self._shift(op, x, k & 0xFF, k, vtype)
        if op in CONDITIONS:
            return self._compare(op, x, k)
        if op in ("floordiv", "floormod") and not k & (k - 1) and 0 < k < 1 << 31:
            if op == "floordiv":
                return self.make("asr", [x, self.const(k.bit_length() - 1)], 0, vtype)
            return self.make("and", [x, self.const(k - 1)], 0, vtype)
        if op in ("udiv", "urem") and k and not k & (k - 1):
            if op == "udiv":
                return self.make("lsr", [x, self.const(k.bit_length() - 1)], 0, vtype)
            return self.make("and", [x, self.const(k - 1)], 0, vtype)
        if op == "add" and k in SIGN_EXTENSIONS and x.op == "xor" and x.args[1].is_const \
                and x.args[1].imm == -k & WORD and bits_of(x.args[0]) <= SIGN_EXTENSIONS[k]:
            amount = self.const(32 - SIGN_EXTENSIONS[k])
            return self.make("asr", [self.make("shl", [x.args[0], amount], 0, vtype), amount], 0,
                             vtype)
        if op in ASSOCIATIVE and x.op == op and x.args[1].is_const:
            number = compute(op, x.args[1].imm, k)
            assert number is not None
            return self.make(op, [x.args[0], self.const(number)], 0, vtype)
        if op == "or" and k == WORD:
            return self.const(WORD)
        return None

    def _multiply(self, x: Value, k: int, vtype: str) -> Value | None:
        if k == 0:
            return self.const(0)
        if k == 1:
            return x
        if not k & (k - 1):
            return self.make("shl", [x, self.const(k.bit_length() - 1)], 0, vtype)
        if not (k - 1) & (k - 2):
            high = self.make("shl", [x, self.const((k - 1).bit_length() - 1)], 0, vtype)
            return self.make("add", [x, high], 0, vtype)
        if not k & (k + 1) and k != WORD:
            high = self.make("shl", [x, self.const(k.bit_length())], 0, vtype)
            return self.make("sub", [high, x], 0, vtype)
        if k == WORD:
            return self.make("sub", [self.const(0), x], 0, vtype)
        return None

    def _mask(self, x: Value, k: int, vtype: str) -> Value | None:
        if k == 0:
            return self.const(0)
        if not k & (k + 1) and bits_of(x) <= k.bit_length():
            return x  # no other bits are set
        if x.op == "and" and x.args[1].is_const:
            return self.make("and", [x.args[0], self.const(x.args[1].imm & k)], 0, vtype)
        if x.op == "asr" and x.args[1].is_const and x.args[1].imm + k.bit_length() <= 32:
            shifted = self.make("lsr", list(x.args), 0, vtype)
            return self.make("and", [shifted, self.const(k)], 0, vtype)
        return None

    def _shift(self, op: str, x: Value, count: int, k: int, vtype: str) -> Value | None:
        if count == 0:
            return x
        if count > 31:
            if op != "asr":
                return self.const(0)
            count = 31
        if op == "asr" and bits_of(x) < 32:
            return self.make("lsr", [x, self.const(count)], 0, vtype)
        if op == "lsr" and bits_of(x) <= count:
            return self.const(0)
        if x.op == op and x.args[1].is_const:
            total = x.args[1].imm + count
            if total > 31 and op != "asr":
                return self.const(0)
            return self.make(op, [x.args[0], self.const(min(total, 31))], 0, vtype)
        if x.op == "shl" and op == "lsr" and x.args[1].is_const and x.args[1].imm == count:
            return self.make("and", [x.args[0], self.const(WORD >> count)], 0, vtype)
        return None if count == k else self.make(op, [x, self.const(count)], 0, vtype)

    def _compare(self, op: str, x: Value, k: int) -> Value | None:
        if k == 0 and x.op in CONDITIONS and op in ("eq", "ne"):
            if op == "ne":
                return x
            return self.make(NEGATED[x.op], list(x.args), 0, x.type)
        number = signed(k)
        if number <= 0 and op in ("lt", "ge") and is_natural(x):
            return self.const(int(op == "ge"))
        if op == "lo" and k == 0:
            return self.const(0)
        if op == "hs" and k == 0:
            return self.const(1)
        return None

    def _rotation(self, x: Value, y: Value, vtype: str) -> Value | None:
        """x << n | x >> 32 - n"""
        if x.op == "lsr":
            x, y = y, x
        if x.op != "shl" or y.op != "lsr" or x.args[0] is not y.args[0]:
            return None
        if not x.args[1].is_const or not y.args[1].is_const:
            return None
        if x.args[1].imm + y.args[1].imm != 32:
            return None
        return self.make("ror", [x.args[0]], y.args[1].imm, vtype)

    def _select(self, args: list[Value], imm: int) -> Value | None:
        x, y, a, b = args
        if a is b:
            return a
        if x.is_const and y.is_const:
            return a if compute(CONDITIONS[imm], x.imm, y.imm) else b
        return None

    def _narrow(self, store: Value) -> None:
        """Drop what a store of a byte or a halfword does not store of its value anyway."""
        width = 8 if store.op.endswith("8") else 16
        value = store.args[-1]
        mask = (1 << width) - 1
        while value.op == "and" and value.args[1].is_const and value.args[1].imm & mask == mask:
            value = value.args[0]
        if width == 16 and value.op in ("or", "add", "xor"):
            x, y = value.args
            if x.op == "lsr":
                x, y = y, x
            if (
                x.op == "shl" and y.op == "lsr" and x.args[0] is y.args[0]
                and x.args[1].is_const and x.args[1].imm == 8
                and y.args[1].is_const and y.args[1].imm == 8
                and bits_of(x.args[0]) <= 16
            ):
                value = self.make("rev16", [x.args[0]], 0, INT)
        store.args[-1] = value
