"""Entries of mp_fun_table in Xtensa code: what they mostly do needs no object of the host.

As in `guest` for Arm: small ints and constants are calculated with here, and native functions are
called; all else jumps on to the entry's trap, with the arguments as they came.

With windows an entry has no ENTRY of its own: it uses the registers of its caller's call, a8 to
a15, and returns by the address in a8, whose upper bits are the size of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

from mpy_cross.assembler.code import Code
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.runtime.native.guest import ENTRY, KIND, STATE_ARGS, STATE_SIZE
from mpy_cross.emulator.runtime.native.handles import FALSE, NONE, TRUE
from mpy_cross.loader.ops import BinaryOp

SIZE: Final = 2048
"""Bytes that are enough for all of it."""
SP: Final = 1
GIGABYTE: Final = 0x4000_0000
"""The part of the address space that code is in, which an address to return to does not have."""
INPLACE: Final = BinaryOp.OR - BinaryOp.INPLACE_OR
_COMPARISONS: Final = {
    BinaryOp.LESS: ("blt", False), BinaryOp.MORE: ("blt", True), BinaryOp.EQUAL: ("beq", False),
    BinaryOp.LESS_EQUAL: ("bge", True), BinaryOp.MORE_EQUAL: ("bge", False),
    BinaryOp.NOT_EQUAL: ("bne", False), BinaryOp.IS: ("beq", False)}
"""Branches, and whether their operands are the other way round."""


@final
class XtensaGuest:
    """The code at `origin`, with the addresses of entries by name in `entries` after `finish`.

    traps: of the entries that are here; magic: what a native function has as its type;
    limit: where the stack must not come; windows: how functions are called.
    """

    def __init__(self, origin: int, traps: Mapping[str, int], magic: int, limit: int,
                 windows: bool) -> None:
        self.code = Code(origin)
        self.entries: dict[str, int] = {}
        self._traps, self._windows = traps, windows
        first = 10 if windows else 2
        self._args = first, first + 1, first + 2, first + 3
        self._temps = (14, 15, 9) if windows else (6, 7, 8)
        self._starts: dict[str, int] = {}
        self._slow = self._true = self._false = 0
        self._literals: dict[int, int] = {}
        values = [magic, limit, GIGABYTE, *(traps[name] for name in self._parts()),
                  traps["native_call_function_n_kw"]]
        for value in dict.fromkeys(values):
            label = self._literals[value] = self.code.label()
            self.code.bind(label)
            self.code.data(value, 4)
        self._magic, self._limit = magic, limit

    def _parts(self) -> dict[str, Callable[[], None]]:
        return {
            "binary_op": self._binary_op, "obj_is_true": self._is_true,
            "convert_obj_to_native": self._to_native, "convert_native_to_obj": self._to_object,
            "arg_check_num_sig": self._check_count, "setup_code_state": self._setup_state}

    def finish(self) -> bytes:
        """The bytes of the code."""
        for name, part in self._parts().items():
            self._begin(name)
            part()
            self.code.bind(self._true)
            self._return(TRUE)
            self.code.bind(self._false)
            self._return(FALSE)
            self.code.bind(self._slow)
            self._go_to_trap(name)
        self._calls()
        done = self.code.finish()
        assert len(done) <= SIZE
        self.entries = {name: self.code.address(at) for name, at in self._starts.items()}
        return done

    # ------------------------------------------------------------------------------- pieces

    def _p(self, row: str, *values: int) -> None:
        self.code.emit(TABLE[row], *values)

    def _if(self, row: str, label: int, *values: int) -> None:
        self.code.branch([TABLE[row]], label, *values)

    def _go(self, label: int) -> None:
        self.code.branch([TABLE["j"]], label)

    def _constant(self, register: int, value: int) -> None:
        self.code.branch([TABLE["l32r"]], self._literals[value], register)

    def _begin(self, name: str) -> None:
        self.code.align(4)
        label = self._starts[name] = self.code.label()
        self.code.bind(label)
        self._slow, self._true, self._false = (self.code.label() for _ in range(3))

    def _go_to_trap(self, name: str) -> None:
        self._constant(self._temps[0], self._traps[name])
        self._p("jx", self._temps[0])

    def _return(self, value: int | None = None) -> None:
        """Returns, with a constant as the result."""
        if value is not None:
            self._p("movi", self._args[0], value)
        if not self._windows:
            self._p("ret")
            return
        self._constant(9, GIGABYTE)
        self._p("slli", 8, 8, 2)
        self._p("srli", 8, 8, 2)
        self._p("or", 8, 8, 9)
        self._p("jx", 8)

    # ------------------------------------------------------------------------------- operators

    def _binary_op(self) -> None:
        """The operator, and its two operands."""
        op, left, right, _ = self._args
        t, s, u = self._temps
        others = self.code.label()
        self._p("and", t, left, right)
        self._p("extui", t, t, 0, 1)
        self._if("beqz", others, t)
        labels: dict[int, int] = {}
        arithmetic = (BinaryOp.ADD, BinaryOp.SUBTRACT, BinaryOp.MULTIPLY, BinaryOp.AND,
                      BinaryOp.OR, BinaryOp.XOR)
        order = [*_COMPARISONS, *(each - INPLACE for each in arithmetic), *arithmetic]
        for each in order:
            plain = each + INPLACE if BinaryOp.INPLACE_OR <= each < BinaryOp.OR else each
            label = labels.setdefault(plain, self.code.label())
            self._p("addi", t, op, -each)
            self._if("beqz", label, t)
        self._go(self._slow)
        for comparison, (row, swapped) in _COMPARISONS.items():
            self.code.bind(labels[comparison])
            yes = self.code.label()
            self._if(row, yes, *((right, left) if swapped else (left, right)))
            self._go(self._false)
            self.code.bind(yes)
            self._go(self._true)
        self.code.bind(labels[BinaryOp.ADD])
        self._p("addi", t, right, -1)
        self._p("add", s, left, t)
        self._p("xor", t, s, t)
        self._p("xor", u, s, left)
        self._p("and", u, u, t)
        self._if("bltz", self._slow, u)
        self._p("or", op, s, s)
        self._return()
        self.code.bind(labels[BinaryOp.SUBTRACT])
        self._p("sub", s, left, right)
        self._p("xor", t, left, right)
        self._p("xor", u, s, left)
        self._p("and", u, u, t)
        self._if("bltz", self._slow, u)
        self._p("addi", op, s, 1)
        self._return()
        self.code.bind(labels[BinaryOp.MULTIPLY])
        for register in (left, right):  # half words, of which only one product does not fit
            fits = self.code.label()
            self._p("srai", t, register, 16)
            self._p("srai", s, register, 31)
            self._if("beq", fits, t, s)
            self._go(self._slow)
            self.code.bind(fits)
        self._p("srai", t, left, 1)
        self._p("addi", s, right, -1)
        self._p("mull", t, t, s)
        self._p("abs", s, t)
        self._if("bltz", self._slow, s)
        self._p("addi", op, t, 1)
        self._return()
        for each, row in ((BinaryOp.AND, "and"), (BinaryOp.OR, "or"), (BinaryOp.XOR, "xor")):
            self.code.bind(labels[each])
            self._p(row, op, left, right)
            if each == BinaryOp.XOR:
                self._p("addi", op, op, 1)
            self._return()
        self.code.bind(others)  # `is` with None
        self._p("addi", t, op, -BinaryOp.IS)
        self._if("bnez", self._slow, t)
        self._if("beqz", self._slow, left)
        self._p("addi", t, right, -NONE)
        self._if("bnez", self._slow, t)
        self._p("addi", t, left, -NONE)
        self._if("beqz", self._true, t)
        self._go(self._false)

    # ----------------------------------------------------------------------------- conversions

    def _truth(self) -> None:
        """1 or 0 for a small int or a constant; other objects go to the trap."""
        obj, t = self._args[0], self._temps[0]
        one, zero, others = (self.code.label() for _ in range(3))
        self._if("bbci", others, obj, 0)
        self._if("beqi", zero, obj, 1)
        self._go(one)
        self.code.bind(others)
        for constant, label in ((TRUE, one), (FALSE, zero), (NONE, zero)):
            self._p("addi", t, obj, -constant)
            self._if("beqz", label, t)
        self._go(self._slow)
        self.code.bind(one)
        self._return(1)
        self.code.bind(zero)
        self._return(0)

    def _is_true(self) -> None:
        self._truth()

    def _to_native(self) -> None:
        """An object, and the native type in four bits: 0 object, 1 bool."""
        obj, kind = self._args[:2]
        t = self._temps[0]
        done, truth, number = (self.code.label() for _ in range(3))
        self._p("extui", t, kind, 0, 4)
        self._if("beqz", done, t)
        self._if("beqi", truth, t, 1)
        self._if("bbsi", number, obj, 0)
        self._go(self._slow)
        self.code.bind(number)
        self._p("srai", obj, obj, 1)
        self.code.bind(done)
        self._return()
        self.code.bind(truth)
        self._truth()

    def _to_object(self) -> None:
        """A number, and its type: 0 object, 1 bool, 2 int, else without sign."""
        number, kind = self._args[:2]
        t, s, _ = self._temps
        done, truth, signed = (self.code.label() for _ in range(3))
        self._p("extui", t, kind, 0, 4)
        self._if("beqz", done, t)
        self._if("beqi", truth, t, 1)
        self._if("beqi", signed, t, 2)
        self._p("extui", t, number, 30, 2)
        self._if("bnez", self._slow, t)
        self.code.bind(signed)
        self._p("add", t, number, number)
        self._p("xor", s, t, number)
        self._if("bltz", self._slow, s)
        self._p("addi", number, t, 1)
        self.code.bind(done)
        self._return()
        self.code.bind(truth)
        self._if("beqz", self._false, number)
        self._go(self._true)

    # ----------------------------------------------------------------------------------- calls

    def _check_count(self) -> None:
        """The numbers of positional and keyword arguments, and what the function takes."""
        count, keywords, signature, _ = self._args
        t = self._temps[0]
        self._if("bnez", self._slow, keywords)
        for start in (17, 1):  # the least and the most
            fits = self.code.label()
            if start == 17:
                self._p("extui", t, signature, 17, 15)
            else:
                self._p("slli", t, signature, 15)
                self._p("extui", t, t, 16, 16)
            self._if("beq", fits, t, count)
            self._go(self._slow)
            self.code.bind(fits)
        self._return()

    def _setup_state(self) -> None:
        """The state (mp_code_state_t), numbers of arguments, and the arguments."""
        state, count, keywords, given = self._args
        t, s, u = self._temps
        fits, again, clear, more, done = (self.code.label() for _ in range(5))
        self._if("bnez", self._slow, keywords)
        self._p("l32i", t, state, 0)
        self._p("l32i", s, t, 4 * STATE_ARGS)
        self._if("beq", fits, s, count)
        self._go(self._slow)
        self.code.bind(fits)
        self._p("l32i", s, t, 4 * STATE_SIZE)
        self._p("s32i", s, state, 12)
        self._p("addi", t, state, 16)
        self._p("s32i", t, state, 8)
        self._p("addx4", s, s, t)  # the last word of the state, where the first argument goes
        self.code.bind(again)
        self._if("beqz", clear, count)
        self._p("l32i", u, given, 0)
        self._p("s32i", u, s, 0)
        self._p("addi", s, s, -4)
        self._p("addi", given, given, 4)
        self._p("addi", count, count, -1)
        self._go(again)
        self.code.bind(clear)
        self._p("movi", u, 0)
        self.code.bind(more)
        self._if("bgeu", done, t, s)
        self._p("s32i", u, s, 0)
        self._p("addi", s, s, -4)
        self._go(more)
        self.code.bind(done)
        self._return()

    def _calls(self) -> None:
        """native_call_function_n_kw (function, numbers of arguments, the arguments) and
        call_method_n_kw (the numbers; function, self or NULL, and arguments)."""
        one, two, three, four = self._args
        t, s, _ = self._temps
        bound, host, method, room = (self.code.label() for _ in range(4))
        self.code.align(4)
        label = self._starts["call_method_n_kw"] = self.code.label()
        self.code.bind(label)
        self._p("slli", two, two, 8)
        self._p("or", two, two, one)
        self._p("l32i", one, three, 0)
        self._p("l32i", t, three, 4)
        self._p("addi", three, three, 4)
        self._if("bnez", method, t)
        self._p("addi", three, three, 4)
        self._go(bound)
        self.code.bind(method)
        self._p("addi", two, two, 1)
        self._go(bound)
        self.code.align(4)
        label = self._starts["native_call_function_n_kw"] = self.code.label()
        self.code.bind(label)
        self.code.bind(bound)
        self._p("extui", t, one, 0, 3)
        self._if("bnez", host, t)
        self._constant(s, self._magic)
        self._p("xor", t, one, s)  # structs are in the same 4 MiB as the word they begin with
        self._p("extui", t, t, 22, 10)
        self._if("bnez", host, t)
        self._p("l32i", t, one, 4 * KIND)
        self._p("xor", t, t, s)
        self._if("bnez", host, t)
        self._constant(t, self._limit)
        self._if("bgeu", room, SP, t)
        self.code.bind(host)
        self._go_to_trap("native_call_function_n_kw")
        self.code.bind(room)
        self._p("l32i", t, one, 4 * ENTRY)
        self._p("or", four, three, three)
        self._p("srli", three, two, 8)
        self._p("extui", two, two, 0, 8)
        self._p("jx", t)
