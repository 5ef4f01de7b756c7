"""Entries of mp_fun_table that are machine code themselves: what they mostly do needs no object of
the host.

Small ints and the immediate constants are calculated with here, native functions are called and
their arguments put into place; all else goes on to the entry's trap, with the arguments as they
came.  The code is for every Cortex-M, but for multiplication and division.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, final

from mpy_cross.assembler.code import Code
from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emulator.runtime.native.handles import FALSE, NONE, TRUE
from mpy_cross.loader.ops import BinaryOp, UnaryOp

SIZE: Final = 2048
"""Bytes that are enough for all of it."""
IP, SP, LR, PC = 12, 13, 14, 15
EQ, NE, CS, CC, MI, PL, VS, _VC, HI, LS, GE, LT, GT, LE = range(14)

# Words of a native function's struct, from its start; from STATE_ARGS on they are our own.
KIND, STATE_ARGS, STATE_SIZE, ENTRY = 0, 4, 5, 6
STRUCT_WORDS: Final = 7
NO_ARGS: Final = 0xFFFF_FFFF
"""In place of a number of arguments: they have to be bound by the host."""

CALL_ON_STACK: Final = "call on the stack"
"""Begins here: r12 is called, then the stack is as r5 says and holds r5 and the way back."""

_FIRST_PLAIN: Final = BinaryOp.OR
_INPLACE: Final = BinaryOp.OR - BinaryOp.INPLACE_OR


@final
class Guest:
    """The code at `origin`, with the addresses of entries by name in `entries` after `finish`.

    traps: of the entries that are here; magic: what a native function has as its type;
    limit: where the stack must not come; divides: whether the core can divide.
    """

    def __init__(self, origin: int, traps: Mapping[str, int], magic: int, limit: int,
                 divides: bool) -> None:
        self.code = Code(origin)
        self.entries: dict[str, int] = {}
        self._traps, self._magic, self._limit, self._divides = traps, magic, limit, divides
        self._starts: dict[str, int] = {}
        self._true = self._false = self._slow = 0
        self._far: set[int] = set()

    def finish(self) -> bytes:
        """The bytes of the code."""
        parts: dict[str, Callable[[], None]] = {
            "binary_op": self._binary_op, "unary_op": self._unary_op,
            "obj_is_true": self._is_true,
            "convert_obj_to_native": self._to_native, "convert_native_to_obj": self._to_object,
            "arg_check_num_sig": self._check_count, "setup_code_state": self._setup_state,
        }
        if self._divides:
            parts["small_int_floor_divide"] = self._floor_divide
            parts["small_int_modulo"] = self._modulo
        for name, part in parts.items():
            self._begin(name)
            part()
            self._end(name)
        self._calls()
        done = self.code.finish()
        assert len(done) <= SIZE
        self.entries = {name: self.code.address(at) | 1 for name, at in self._starts.items()}
        return done

    # ------------------------------------------------------------------------------- pieces

    def _p(self, row: str, *values: int) -> None:
        self.code.emit(TABLE[row], *values)

    def _if(self, condition: int, label: int) -> None:
        if label in self._far:
            over = self.code.label()
            self.code.branch([TABLE["b_cond"]], over, condition ^ 1)
            self._go(label)
            self.code.bind(over)
        else:
            self.code.branch([TABLE["b_cond"]], label, condition)

    def _go(self, label: int) -> None:
        self.code.branch([TABLE["b"]], label)

    def _constant(self, register: int, value: int) -> None:
        self.code.branch([TABLE["ldr_lit"]], self.code.literal(value), register)

    def _here(self) -> int:
        label = self.code.label()
        self.code.bind(label)
        return label

    def _begin(self, name: str) -> None:
        self.code.align(4)
        self._starts[name] = self._here()
        self._true, self._false, self._slow = (self.code.label() for _ in range(3))

    def _end(self, name: str) -> None:
        """What the parts of an entry go to: a result, or its trap with r0 to r3 as they are."""
        for label, value in ((self._true, TRUE), (self._false, FALSE)):
            self.code.bind(label)
            self._p("movs_imm8", 0, value)
            self._p("bx", LR)
        self.code.bind(self._slow)
        self._p("push", 1 << 4)
        self._constant(4, self._traps[name])
        self._p("mov_any", IP, 4)
        self._p("pop", 1 << 4)
        self._p("bx", IP)
        self.code.pool()

    def _result(self, value: int | None = None) -> None:
        """Return r3, or a constant."""
        if value is None:
            self._p("movs_reg", 0, 3)
        else:
            self._p("movs_imm8", 0, value)
        self._p("bx", LR)

    # ------------------------------------------------------------------------------- operators

    def _binary_op(self) -> None:
        """r0: the operator, r1 and r2: the operands."""
        others = self.code.label()
        self._far = {others, self._true, self._false, self._slow}
        self._p("movs_reg", 3, 1)
        self._p("ands_reg2", 3, 2)
        self._p("lsls_imm", 3, 3, 31)
        self._if(EQ, others)
        self._p("cmp_imm8", 0, BinaryOp.POWER + 1)
        self._if(CS, self._slow)
        self._p("lsls_imm", 3, 0, 1)
        self._p("add_any", PC, 3)
        self._p("nop")
        parts = self._binary_parts()
        labels = {op: self.code.label() for op in parts}
        for op in range(BinaryOp.POWER + 1):
            plain = op + _INPLACE if BinaryOp.INPLACE_OR <= op < _FIRST_PLAIN else op
            self._go(labels.get(plain, self._slow))
        for op, part in parts.items():
            self.code.bind(labels[op])
            part()
        self.code.bind(others)  # `is` with a constant
        self._p("cmp_imm8", 0, BinaryOp.IS)
        self._if(NE, self._slow)
        self._p("cmp_imm8", 1, 0)
        self._if(EQ, self._slow)
        self._p("cmp_imm8", 2, NONE)
        self._if(NE, self._slow)
        self._p("cmp_imm8", 1, NONE)
        self._if(EQ, self._true)
        self._go(self._false)

    def _binary_parts(self) -> dict[int, Callable[[], None]]:
        conditions = {BinaryOp.LESS: LT, BinaryOp.MORE: GT, BinaryOp.EQUAL: EQ,
                      BinaryOp.LESS_EQUAL: LE, BinaryOp.MORE_EQUAL: GE, BinaryOp.NOT_EQUAL: NE,
                      BinaryOp.IS: EQ}
        parts: dict[int, Callable[[], None]] = {
            op: partial(self._compare, condition) for op, condition in conditions.items()}
        parts[BinaryOp.OR] = partial(self._bits, "orrs_reg2", 0)
        parts[BinaryOp.AND] = partial(self._bits, "ands_reg2", 0)
        parts[BinaryOp.XOR] = partial(self._bits, "eors_reg2", 1)
        parts[BinaryOp.ADD] = self._add
        parts[BinaryOp.SUBTRACT] = self._subtract
        parts[BinaryOp.MULTIPLY] = self._multiply
        parts[BinaryOp.LSHIFT] = self._left_shift
        parts[BinaryOp.RSHIFT] = self._right_shift
        if self._divides:
            parts[BinaryOp.FLOOR_DIVIDE] = partial(self._divide, BinaryOp.FLOOR_DIVIDE)
            parts[BinaryOp.MODULO] = partial(self._divide, BinaryOp.MODULO)
        return parts

    def _compare(self, condition: int) -> None:
        self._p("cmp_reg2", 1, 2)
        self._if(condition, self._true)
        self._go(self._false)

    def _bits(self, row: str, more: int) -> None:
        self._p(row, 1, 2)
        self._p("adds_imm3", 3, 1, more)
        self._result()

    def _add(self) -> None:
        self._p("subs_imm3", 3, 2, 1)
        self._p("adds_reg", 3, 1, 3)
        self._if(VS, self._slow)
        self._result()

    def _subtract(self) -> None:
        self._p("subs_reg", 3, 1, 2)
        self._if(VS, self._slow)
        self._p("adds_imm8", 3, 1)
        self._result()

    def _again(self, op: int, condition: int) -> None:
        """The operation is left to the trap after all, where r0 is used up already."""
        over = self.code.label()
        self._if(condition ^ 1, over)
        self._p("movs_imm8", 0, op)
        self._go(self._slow)
        self.code.bind(over)

    def _multiply(self) -> None:
        if self._divides:
            positive = self.code.label()
            self._p("asrs_imm", 3, 1, 1)
            self._p("subs_imm3", 0, 2, 1)
            self._p("smull", 3, 0, 3, 0)
            self._p("cmp_imm8", 3, 0)
            self._if(GE, positive)
            self._p("adds_imm8", 0, 1)
            self.code.bind(positive)
            self._p("cmp_imm8", 0, 0)
            self._again(BinaryOp.MULTIPLY, NE)
            self._p("adds_imm8", 3, 1)
            self._result()
            return
        for register in (1, 2):  # half words, whose product always fits
            self._p("sxth", 3, register)
            self._p("cmp_reg2", 3, register)
            self._if(NE, self._slow)
        self._p("asrs_imm", 3, 1, 1)
        self._p("subs_imm3", 0, 2, 1)
        self._p("muls_reg2", 3, 0)
        self._p("adds_imm8", 3, 1)
        self._result()

    def _left_shift(self) -> None:
        self._p("cmp_imm8", 2, 2 * 29 + 1)  # also those below 0
        self._if(HI, self._slow)
        self._p("asrs_imm", 3, 2, 1)
        self._p("subs_imm3", 0, 1, 1)
        self._p("lsls_reg2", 0, 3)
        self._p("mov_any", IP, 0)
        self._p("asrs_reg2", 0, 3)
        self._p("adds_imm8", 0, 1)
        self._p("cmp_reg2", 0, 1)
        self._again(BinaryOp.LSHIFT, NE)
        self._p("mov_any", 3, IP)
        self._p("adds_imm8", 3, 1)
        self._result()

    def _right_shift(self) -> None:
        fits = self.code.label()
        self._p("cmp_imm8", 2, 0)
        self._if(LT, self._slow)
        self._p("asrs_imm", 3, 2, 1)
        self._p("cmp_imm8", 3, 31)
        self._if(LS, fits)
        self._p("movs_imm8", 3, 31)
        self.code.bind(fits)
        self._p("asrs_reg2", 1, 3)
        self._p("movs_imm8", 3, 1)
        self._p("orrs_reg2", 3, 1)
        self._result()

    def _divide(self, op: int) -> None:
        """Quotient and remainder go with the sign of the divisor."""
        self._p("cmp_imm8", 2, 1)
        self._if(EQ, self._slow)
        self._p("asrs_imm", 0, 1, 1)
        self._p("asrs_imm", 3, 2, 1)
        if op == BinaryOp.MODULO:
            self._remainder()
            self._p("lsls_imm", 3, 0, 1)
        else:
            self._quotient()
            self._p("adds_reg", 3, 0, 0)
            self._again(op, VS)
        self._p("adds_imm8", 3, 1)
        self._result()

    def _quotient(self) -> None:
        """r0 = r0 // r3."""
        exact = self.code.label()
        self._p("sdiv", IP, 0, 3)
        self._p("mls", 0, IP, 3, 0)
        self._p("cmp_imm8", 0, 0)
        self._if(EQ, exact)
        self._p("eors_reg2", 0, 3)
        self._if(PL, exact)
        self._p("sub.w_imm", IP, IP, 1)
        self.code.bind(exact)
        self._p("mov_any", 0, IP)

    def _remainder(self) -> None:
        """r0 = r0 % r3."""
        done = self.code.label()
        self._p("sdiv", IP, 0, 3)
        self._p("mls", 0, IP, 3, 0)
        self._p("cmp_imm8", 0, 0)
        self._if(EQ, done)
        self._p("mov_any", IP, 0)
        self._p("eors_reg2", 0, 3)
        self._p("mov_any", 0, IP)
        self._if(PL, done)
        self._p("adds_reg", 0, 0, 3)
        self.code.bind(done)

    def _floor_divide(self) -> None:
        """r0 // r1, no objects."""
        self._p("cmp_imm8", 1, 0)
        self._if(EQ, self._slow)
        self._p("movs_reg", 3, 1)
        self._quotient()
        self._p("bx", LR)

    def _modulo(self) -> None:
        self._p("cmp_imm8", 1, 0)
        self._if(EQ, self._slow)
        self._p("movs_reg", 3, 1)
        self._remainder()
        self._p("bx", LR)

    def _unary_op(self) -> None:
        """r0: the operator, r1: the operand."""
        constants, inverted = self.code.label(), self.code.label()
        self._p("lsls_imm", 3, 1, 31)
        self._if(EQ, constants)
        self._p("rsbs_reg2", 3, 1)  # the word of ~x
        self._p("cmp_imm8", 0, UnaryOp.INVERT)
        self._if(EQ, inverted)
        self._p("cmp_imm8", 0, UnaryOp.NEGATIVE)
        positive, negated = self.code.label(), self.code.label()
        self._if(NE, positive)
        self._p("adds_imm8", 3, 2)
        self._if(VS, self._slow)
        self.code.bind(inverted)
        self._result()
        self.code.bind(positive)
        self._p("cmp_imm8", 0, UnaryOp.NOT)
        self._if(EQ, negated)
        self._if(GT, self._slow)
        self._p("movs_reg", 0, 1)
        self._p("bx", LR)
        self.code.bind(negated)
        self._p("cmp_imm8", 1, 1)
        self._if(EQ, self._true)
        self._go(self._false)
        self.code.bind(constants)
        self._p("cmp_imm8", 0, UnaryOp.NOT)
        self._if(NE, self._slow)
        for constant, label in ((TRUE, self._false), (FALSE, self._true), (NONE, self._true)):
            self._p("cmp_imm8", 1, constant)
            self._if(EQ, label)
        self._go(self._slow)

    # ----------------------------------------------------------------------------- conversions

    def _constants_as_bool(self) -> None:
        """r0 = 1 or 0 for a constant; other objects go to the trap."""
        one, zero = self.code.label(), self.code.label()
        self._p("cmp_imm8", 0, TRUE)
        self._if(EQ, one)
        self._p("cmp_imm8", 0, FALSE)
        self._if(EQ, zero)
        self._p("cmp_imm8", 0, NONE)
        self._if(NE, self._slow)
        self.code.bind(zero)
        self._result(0)
        self.code.bind(one)
        self._result(1)

    def _small_as_bool(self) -> None:
        self._p("lsrs_imm", 3, 0, 1)
        zero = self.code.label()
        self._if(EQ, zero)
        self._p("movs_imm8", 3, 1)
        self.code.bind(zero)
        self._result()

    def _is_true(self) -> None:
        others = self.code.label()
        self._p("lsls_imm", 3, 0, 31)
        self._if(EQ, others)
        self._small_as_bool()
        self.code.bind(others)
        self._constants_as_bool()

    def _to_native(self) -> None:
        """r0: an object, r1: the native type in its low four bits: 0 object, 1 bool."""
        others, truth, done = (self.code.label() for _ in range(3))
        self._p("lsls_imm", 3, 1, 28)
        self._if(EQ, done)
        self._p("lsrs_imm", 3, 3, 28)
        self._p("cmp_imm8", 3, 1)
        self._if(EQ, truth)
        self._p("lsls_imm", 3, 0, 31)
        self._if(EQ, self._slow)
        self._p("asrs_imm", 0, 0, 1)
        self.code.bind(done)
        self._p("bx", LR)
        self.code.bind(truth)
        self._p("lsls_imm", 3, 0, 31)
        self._if(EQ, others)
        self._small_as_bool()
        self.code.bind(others)
        self._constants_as_bool()

    def _to_object(self) -> None:
        """r0: a number, r1: its type: 0 object, 1 bool, 2 int, else without sign."""
        done, truth, unsigned = (self.code.label() for _ in range(3))
        self._p("lsls_imm", 3, 1, 28)
        self._if(EQ, done)
        self._p("lsrs_imm", 3, 3, 28)
        self._p("cmp_imm8", 3, 2)
        self._if(CC, truth)
        self._if(NE, unsigned)
        self._p("adds_reg", 3, 0, 0)
        self._if(VS, self._slow)
        self._p("adds_imm8", 3, 1)
        self._result()
        self.code.bind(truth)
        self._p("cmp_imm8", 0, 0)
        self._if(EQ, self._false)
        self._go(self._true)
        self.code.bind(unsigned)
        self._p("lsrs_imm", 3, 0, 30)
        self._if(NE, self._slow)
        self._p("lsls_imm", 0, 0, 1)
        self._p("adds_imm8", 0, 1)
        self.code.bind(done)
        self._p("bx", LR)

    # ----------------------------------------------------------------------------------- calls

    def _check_count(self) -> None:
        """r0, r1: the numbers of positional and keyword arguments, r2: what the function takes."""
        self._p("cmp_imm8", 1, 0)
        self._if(NE, self._slow)
        self._p("lsrs_imm", 3, 2, 17)
        self._p("cmp_reg2", 3, 0)
        self._if(NE, self._slow)
        self._p("lsls_imm", 3, 2, 15)
        self._p("lsrs_imm", 3, 3, 16)
        self._p("cmp_reg2", 3, 0)
        self._if(NE, self._slow)
        self._p("bx", LR)

    def _setup_state(self) -> None:
        """r0: the state (mp_code_state_t), r1, r2: numbers of arguments, r3: the arguments."""
        other, clear, more, done = (self.code.label() for _ in range(4))
        self._p("cmp_imm8", 2, 0)
        self._if(NE, self._slow)
        self._p("push", 1 << 4 | 1 << 5)
        self._p("ldr_imm5", 4, 0, 0)
        self._p("ldr_imm5", 5, 4, 4 * STATE_ARGS)
        self._p("cmp_reg2", 5, 1)
        self._if(NE, other)
        self._p("ldr_imm5", 5, 4, 4 * STATE_SIZE)
        self._p("str_imm5", 5, 0, 12)
        self._p("movs_reg", 4, 0)
        self._p("adds_imm8", 4, 16)
        self._p("str_imm5", 4, 0, 8)
        self._p("adds_imm8", 0, 16)
        self._p("lsls_imm", 5, 5, 2)
        self._p("adds_reg", 4, 4, 5)  # the last word of the state, where the first argument goes
        self._p("cmp_imm8", 1, 0)
        self._if(EQ, clear)
        again = self._here()
        self._p("ldmia_wb", 3, 1 << 2)
        self._p("str_imm5", 2, 4, 0)
        self._p("subs_imm8", 4, 4)
        self._p("subs_imm8", 1, 1)
        self._if(NE, again)
        self.code.bind(clear)
        self._p("movs_imm8", 2, 0)
        self.code.bind(more)
        self._p("cmp_reg2", 4, 0)
        self._if(LS, done)
        self._p("str_imm5", 2, 4, 0)
        self._p("subs_imm8", 4, 4)
        self._go(more)
        self.code.bind(done)
        self._p("pop", 1 << 4 | 1 << 5)
        self._p("bx", LR)
        self.code.bind(other)
        self._p("pop", 1 << 4 | 1 << 5)
        self._go(self._slow)

    def _calls(self) -> None:
        """native_call_function_n_kw (r0: function, r1: numbers of arguments, r2: the arguments)
        and call_method_n_kw (r0, r1: the numbers, r2: function, self or NULL, and arguments)."""
        bound, other, host = (self.code.label() for _ in range(3))
        self.code.align(4)
        self._starts["call_method_n_kw"] = self._here()
        self._p("lsls_imm", 1, 1, 8)
        self._p("orrs_reg2", 1, 0)
        self._p("ldmia_wb", 2, 1 << 0 | 1 << 3)
        self._p("cmp_imm8", 3, 0)
        function = self.code.label()
        self._if(EQ, function)
        self._p("subs_imm8", 2, 4)
        self._p("adds_imm8", 1, 1)
        self.code.bind(function)
        self._go(bound)
        self.code.align(4)
        self._starts["native_call_function_n_kw"] = self._here()
        self.code.bind(bound)
        self._p("cmp_imm8", 0, 0)
        self._if(MI, host)  # no address
        self._p("push", 1 << 4 | 1 << 5)
        self._p("lsls_imm", 4, 0, 29)
        self._if(NE, other)
        self._p("lsrs_imm", 4, 0, 22)
        self._constant(3, self._magic)
        self._p("lsrs_imm", 5, 3, 22)  # structs are in the same 4 MiB as the word they begin with
        self._p("cmp_reg2", 4, 5)
        self._if(NE, other)
        self._p("ldr_imm5", 4, 0, 4 * KIND)
        self._p("cmp_reg2", 4, 3)
        self._if(NE, other)
        self._constant(4, self._limit)
        self._p("cmp_any", SP, 4)
        self._if(CC, other)
        self._p("ldr_imm5", 4, 0, 4 * ENTRY)
        self._p("mov_any", IP, 4)
        self._p("pop", 1 << 4 | 1 << 5)
        self._p("movs_reg", 3, 2)
        self._p("lsrs_imm", 2, 1, 8)
        self._p("uxtb", 1, 1)
        self._p("bx", IP)
        self.code.bind(other)
        self._p("pop", 1 << 4 | 1 << 5)
        self.code.bind(host)
        self._constant(3, self._traps["native_call_function_n_kw"])
        self._p("bx", 3)
        # Where that trap returns to if it put arguments on the stack: calls r12 with them.
        self._starts[CALL_ON_STACK] = self._here()
        self._p("blx", IP)
        self._p("mov_any", SP, 5)
        self._p("pop", 1 << 5 | 1 << PC)
        self.code.pool()
