"""The inline assembler of Xtensa (MicroPython: py/emitinlinextensa.c).

Instructions go by the rows of the instruction table; where the reference has a name of its own, or
no check that an operand fits, that is said here.
"""

from __future__ import annotations

from typing import NamedTuple, final

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emitters.inline.assembler import InlineAssembler
from mpy_cross.emitters.inline.extension import Extension
from mpy_cross.emitters.inline.rows import Rows
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.xtensa import OUT_OF_RANGE, XtensaMachine, fits, wrap
from mpy_cross.loader.inline import ArgKind, InlineArg
from mpy_cross.loader.release import Release

REGISTERS = {f"a{number}": number for number in range(16)}
TABLE_REGISTERS = {"sp": ("reg:a", 1)} | {
    f"{file}{number}": (f"reg:{file}", number)
    for file, count in (("a", 16), ("f", 16), ("b", 16), ("m", 4))
    for number in range(count)
}
"""Register names as the instruction table needs them."""
ROWS = Rows(TABLE)
PARAMETERS = ("a2", "a3", "a4", "a5")
NOT_ALIGNED = "ERROR: {} {} not word-aligned"
LITERAL_BITS = CALL_BITS = 18


class Integer(NamedTuple):
    """An integer argument."""

    low: int
    high: int
    shift: int = 0
    """Low bits that are dropped."""
    multiple: int = 1
    """Must be a multiple of it."""


INTEGERS = {
    "byte": Integer(-128, 127),
    "x1": Integer(0, 0xFF),
    "x2": Integer(0, 0xFF << 1, 1),
    "x4": Integer(0, 0xFF << 2, 2),
    "addi_n": Integer(-1, 15),
    "addmi": Integer(-128 * 256, 127 * 256, 8, 256),
    "movi_n": Integer(-32, 95),
    "word": Integer(0, 60, 2, 4),
    "u4": Integer(0, 15),
    "u5": Integer(0, 31),
    "slli": Integer(1, 31),
}


class Form(NamedTuple):
    """A row of the instruction table and what its arguments are: `r` or a key of INTEGERS."""

    row: str
    kinds: tuple[str, ...]
    in_first_set: bool = False
    """All releases have it, not just those with Release.xtensa_inline_full."""


def _forms(names: str, kinds: str, in_first_set: bool = False) -> dict[str, Form]:
    """Forms of one shape, by inline name; `name=row` where the row is called otherwise."""
    made = {}
    for text in names.split():
        name, _, row = text.partition("=")
        row = row or name.rstrip("_").replace("_n", ".n")
        made[name] = Form(row, tuple(kinds.split()), in_first_set)
    return made


FORMS = (
    _forms("ret_n", "", True)
    | _forms("nop nop_n ret=ret.n", "")
    | _forms("callx0 jx", "r", True)
    | _forms("ssa8b ssa8l ssl ssr", "r")
    | _forms("ssai", "u5")
    | _forms("mov=mov.n mov_n", "r r", True)
    | _forms("abs_ neg nsa nsau sll sra srl", "r r")
    | _forms("movi_n", "r movi_n")
    | _forms("add and_ mull or_ sub xor", "r r r", True)
    | _forms("add_n addx2 addx4 addx8 src subx2 subx4 subx8", "r r r")
    | _forms("addi", "r r byte", True)
    | _forms("l8ui s8i", "r r x1", True)
    | _forms("l16si l16ui s16i", "r r x2", True)
    | _forms("l32i s32i", "r r x4", True)
    | _forms("addi_n", "r r addi_n")
    | _forms("addmi", "r r addmi")
    | _forms("l32i_n s32i_n", "r r word")
    | _forms("slli", "r r slli")
    | _forms("srai", "r r u5")
    | _forms("srli", "r r u4")
)
# These read their integer before their registers from Release.xtensa_inline_table on, so that a
# complaint about a register is the last.
INTEGER_FIRST = frozenset(["addi", "l8ui", "s8i", "l16si", "l16ui", "s16i", "l32i", "s32i"])


class Branch(NamedTuple):
    """A conditional branch of `n_registers` registers."""

    row: str
    inverse: str
    n_registers: int
    in_first_set: bool = False


def _branches(pairs: str, n_registers: int) -> dict[str, Branch]:
    made = {}
    for pair in pairs.split():
        one, two = pair.split("/")
        made[one] = Branch(one, two, n_registers, one not in LATER_BRANCHES)
        made[two] = Branch(two, one, n_registers, two not in LATER_BRANCHES)
    return made


LATER_BRANCHES = ("bltz", "bgez", "bltu")
BRANCHES = (
    _branches("beqz/bnez bltz/bgez", 1)
    | {"beqz_n": Branch("beqz", "bnez", 1), "bnez_n": Branch("bnez", "beqz", 1)}
    | _branches("bnone/bany beq/bne blt/bge bltu/bgeu ball/bnall bbc/bbs", 2)
)
BIT_BRANCHES = ("bbci", "bbsi")


@final
class InlineXtensa(InlineAssembler):
    """`@micropython.asm_xtensa`."""

    __slots__ = ("arch", "xtensa")

    n_passes = 3  # the first two find the size of the table of constants

    def __init__(self, machine: XtensaMachine, arch: str, release: Release) -> None:
        super().__init__(machine, release)
        self.arch = ARCHES[arch]
        self.xtensa = machine

    def make_extension(self) -> Extension | None:
        return Extension(ROWS, TABLE_REGISTERS, self.arch.name, self.arch.features)

    def enter(self) -> None:
        self.machine.entry(0)

    def leave(self) -> None:
        self.machine.exit()

    def check_params(self, params: tuple[InlineArg, ...]) -> None:
        if len(params) > 4:
            self.fail("can only have up to 4 parameters to Xtensa assembly")
        elif any(param.text != name for param, name in zip(params, PARAMETERS, strict=False)):
            self.fail("parameters must be registers in sequence a2 to a5")

    def instruction(self, name: str, args: tuple[InlineArg, ...]) -> None:
        if not self._assemble(name, args):
            self.unsupported = True
            self.fail(f"unsupported Xtensa instruction '{name}' with {len(args)} arguments")

    def _assemble(self, name: str, args: tuple[InlineArg, ...]) -> bool:
        """False if there is no such instruction with so many arguments."""
        full = self.release.xtensa_inline_full
        form = FORMS.get(name)
        if form is not None:
            if len(args) != len(form.kinds) or not (full or form.in_first_set):
                return False
            self._emit(name, form, args)
            return True
        branch = BRANCHES.get(name)
        if branch is not None:
            if len(args) != branch.n_registers + 1 or not (full or branch.in_first_set):
                return False
            registers = tuple(self._register(name, arg, at) for at, arg in enumerate(args[:-1], 1))
            self.operand = len(args)
            self.xtensa.branch(branch.row, branch.inverse, registers, self.label(name, args[-1]))
            return True
        self.operand = len(args)  # a label is the last
        if name == "j" and len(args) == 1:
            self.machine.jump(self.label(name, args[0]))
        elif name == "movi" and len(args) == 2:
            register = self._register(name, args[0], 1)
            self.machine.move_reg_imm_fix_word(register, self._integer(name, args[1], None, 2))
        elif not full:
            return False
        elif name == "call0" and len(args) == 1:
            self._call(self.label(name, args[0]))
        elif name == "l32r" and len(args) == 2:
            register = self._register(name, args[0], 1)
            self.operand = 2
            self._load_literal(register, self.label(name, args[1]))
        elif name in BIT_BRANCHES and len(args) == 3:
            register = self._register(name, args[0], 1)
            bit = self._integer(name, args[1], INTEGERS["u5"], 2)
            self.operand = 3
            self._branch_bit(name, register, bit, self.label(name, args[2]))
        else:
            return False
        return True

    def _emit(self, name: str, form: Form, args: tuple[InlineArg, ...]) -> None:
        order = list(range(len(args)))
        if name in INTEGER_FIRST and self.release.xtensa_inline_table:
            order.insert(0, order.pop())
        fields = [0] * len(args)
        for at in order:
            kind = form.kinds[at]
            if kind == "r":
                fields[at] = self._register(name, args[at], at + 1)
                continue
            integer = INTEGERS[kind]
            value = self._integer(name, args[at], integer, at + 1)
            if value % integer.multiple:
                message = f"{value} is not a multiple of {integer.multiple}"
                self.refuse(name, args[at], message, _span(integer))
            if kind == "slli":
                value = 32 - value
            fields[at] = value >> integer.shift
        row = TABLE[form.row]
        word = self.encoded(row, fields)
        if name == "addi_n" and fields[2] <= 0:
            word |= 0xFFF0  # a minus one, of which no bit is cut off
        self.machine.data(row.size, word)

    # --- instructions of their own kind

    def _place(self, label: int) -> int:
        return self.distance(label, 0)

    def _check_aligned(self, name: str, target: int, distance: int) -> None:
        for what, value in (("target", target), ("location", distance)):
            if value & 3:
                raise NativeError("RuntimeError", NOT_ALIGNED.format(name, what), bare=True)

    def _call(self, label: int) -> None:
        target = self._place(label)
        distance = target - self.machine.position - 3
        if self.final:
            self._check_aligned("call0", target, distance)
            if not fits(distance, CALL_BITS):
                raise NativeError("RuntimeError", OUT_OF_RANGE.format("call0"), bare=True)
        # The reference stores bytes where the instruction has words.
        self.machine.data(3, self.encoded(TABLE["call0"], [distance]))

    def _load_literal(self, register: int, label: int) -> None:
        target = self._place(label)
        position = self.machine.position
        distance = target - position
        if self.final:
            self._check_aligned("l32r", target, distance)
            if distance >= 0 or not fits(distance, LITERAL_BITS):
                raise NativeError("RuntimeError", OUT_OF_RANGE.format("l32r"), bare=True)
        words = target - (position + 3 & ~3) >> 2
        self.machine.data(3, self.encoded(TABLE["l32r"], [register, words]))

    def _branch_bit(self, name: str, register: int, bit: int, label: int) -> None:
        distance = self.distance(label, self.machine.position + 4)
        if self.final and not fits(distance, 8):
            raise NativeError("RuntimeError", OUT_OF_RANGE.format("bit_branch"), bare=True)
        self.machine.data(3, self.encoded(TABLE[name], [register, bit, distance]))

    # --- arguments

    def _register(self, name: str, arg: InlineArg, operand: int) -> int:
        self.operand = operand
        number = REGISTERS.get(arg.text) if arg.kind == ArgKind.NAME else None
        if number is None:
            return self.refuse(name, arg, f"'{name}' expects a register", "a0..a15")
        return number

    def _integer(self, name: str, arg: InlineArg, limits: Integer | None, operand: int) -> int:
        """The low 32 bits, signed."""
        self.operand = operand
        if arg.kind != ArgKind.INT:
            allowed = "an integer" if limits is None else _span(limits)
            return self.refuse(name, arg, f"'{name}' expects an integer", allowed)
        value = wrap(arg.value, 32)
        if limits is not None and not limits.low <= value <= limits.high:
            span = f"{limits.low}..{limits.high}"
            message = f"'{name}' integer {value} isn't within range {span}"
            return self.refuse(name, arg, message, _span(limits))
        return value


def _span(limits: Integer) -> str:
    span = f"{limits.low}..{limits.high}"
    return f"a multiple of {limits.multiple} in {span}" if limits.multiple > 1 else span
