"""The inline assembler of RV32 (MicroPython: py/emitinlinerv32.c).

A row names the kinds of its arguments, in the order of the source:

    "r r s:fff"      registers, a signed integer that fits the mask
    "n r12 u:1f"     a register but zero; a register of the three-bit kind
    "r o:fff"        `offset(register)`
    "r l:1ffe"       a label within the reach of the mask
    "r s:fffff000<<12"   an integer that is shifted before the mask is asked

The first complaint about an instruction is the one reported.
"""

from __future__ import annotations

from typing import NamedTuple, final

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.riscv import TABLE
from mpy_cross.emitters.inline.assembler import WORD_MASK, InlineAssembler
from mpy_cross.emitters.inline.extension import Extension
from mpy_cross.emitters.inline.rows import Rows
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.riscv import (
    ADDI,
    AUIPC,
    RA,
    ZBA,
    ZCMP,
    Rv32Machine,
    fits,
    split,
    wrap,
)
from mpy_cross.loader.inline import ArgKind, InlineArg
from mpy_cross.loader.release import Release

ABI_NAMES = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"),
    *(f"a{number}" for number in range(8)),
    *(f"s{number}" for number in range(2, 12)),
    *("t3", "t4", "t5", "t6"),
)
REGISTERS = {name: number for number, name in enumerate(ABI_NAMES)} | {
    f"x{number}": number for number in range(32)
}
TABLE_REGISTERS = {name: ("reg:x", number) for name, number in REGISTERS.items()} | {
    "fp": ("reg:x", REGISTERS["s0"])
}
"""Register names as the instruction table needs them."""
ROWS = Rows(TABLE)
FIRST_PARAMETER = REGISTERS["a0"]
S0, S1, S2, S10, S11 = (REGISTERS[name] for name in ("s0", "s1", "s2", "s10", "s11"))
# Registers that an argument may be, as bits.
REGISTER_SETS = {"r": WORD_MASK, "n": 0xFFFF_FFFE, "n2": 0xFFFF_FFFA, "c": 0xFF00}
SAVED = 0x00FC_0300  # s0 to s7, what cm.mva01s and cm.mvsa01 take
TOO_BIG = "overflow converting long int to machine word"
INT_BITS = 0xFFFF_FFFF_FFFF_FFFF


class Kind(NamedTuple):
    """What one argument is."""

    what: str
    """r: register; s, u: integer, signed or not; l: label; o: offset(register)."""
    mask: int
    """Allowed bits of an integer or distance, or allowed registers."""
    base_mask: int = 0
    """Registers allowed in the parentheses of an offset."""
    shift: int = 0
    unit: int = 0
    """Low bits that the instruction does not store."""
    not_zero: bool = False


class Form(NamedTuple):
    """A row of the instruction table and its arguments."""

    row: str
    kinds: tuple[Kind, ...]
    needs: int = 0
    """Bits of -march-flags."""


def _kind(text: str) -> Kind:
    if text in REGISTER_SETS:
        return Kind("r", REGISTER_SETS[text])
    what, _, rest = text.partition(":")
    digits, _, shift = rest.partition("<<")
    mask = int(digits, 16)
    unit = int(shift) if shift else (mask & -mask).bit_length() - 1
    base = REGISTER_SETS["c" if what[0] == "O" else "r"]
    return Kind(what[0].lower(), mask, base, int(shift or 0), unit, what.endswith("z"))


def _forms(names: str, kinds: str, needs: int = 0) -> dict[str, Form]:
    """Forms of one shape, by inline name; `name=row` where the row is called otherwise."""
    made = {}
    for text in names.split():
        name, _, row = text.partition("=")
        row = row or name.rstrip("_")
        row = row.replace("c_", "c.", 1) if row.startswith("c_") else row
        made[name] = Form(row, tuple(_kind(kind) for kind in kinds.split()), needs)
    return made


FORMS = (
    _forms("c_ebreak c_nop ebreak ecall", "")
    | _forms("add and_ div divu mul mulh mulhsu mulhu or_ rem remu", "r r r")
    | _forms("sll slt sltu sra srl sub xor", "r r r")
    | _forms("sh1add sh2add sh3add", "r r r", ZBA)
    | _forms("addi andi jalr ori slti sltiu xori", "r r s:fff")
    | _forms("slli srai srli", "r r u:1f")
    | _forms("csrrc csrrs csrrw", "r r u:fff")
    | _forms("csrrci csrrsi csrrwi", "r u:fff u:1f")
    | _forms("auipc lui", "r s:fffff000<<12")
    | _forms("beq bge bgeu blt bltu bne", "r r l:1ffe")
    | _forms("jal", "r l:1ffffe")
    | _forms("la", "r l:ffffffff")
    | _forms("li", "r s:ffffffff")
    | _forms("lb lbu lh lhu lw sb sh sw", "r o:fff")
    | _forms("mv=c.mv", "r r")
    | _forms("c_add c_mv", "n n")
    | _forms("c_addi", "n sz:3f")
    | _forms("c_li", "n s:3f")
    | _forms("c_addi4spn", "c uz:3fc")
    | _forms("c_and c_or c_sub c_xor", "c c")
    | _forms("c_andi", "c s:3f")
    | _forms("c_srai c_srli", "c u:1f")
    | _forms("c_slli", "n u:1f")
    | _forms("c_beqz c_bnez", "c l:1fe")
    | _forms("c_j c_jal", "l:ffe")
    | _forms("c_jalr c_jr", "n")
    | _forms("c_lui", "n2 uz:1f800<<12")
    | _forms("c_lw c_sw", "c O:7c")
    | _forms("c_lwsp", "n s:fc")
    | _forms("c_swsp", "r s:fc")
)
# Instructions whose registers have three bits, of which the reference stores two.
TWO_BITS = ("c_and", "c_or", "c_sub", "c_xor")
# The arguments by place in the row of the table, where the order differs.
ORDER = dict.fromkeys(("csrrc", "csrrs", "csrrw", "jalr"), (0, 2, 1))
STACK = {"cm_push": "cm.push", "cm_pop": "cm.pop", "cm_popret": "cm.popret",
         "cm_popretz": "cm.popretz"}
MOVES = {"cm_mva01s": "cm.mva01s", "cm_mvsa01": "cm.mvsa01"}


@final
class InlineRv32(InlineAssembler):
    """`@micropython.asm_rv32`."""

    __slots__ = ("flags", "rv32")

    def __init__(self, machine: Rv32Machine, release: Release) -> None:
        super().__init__(machine, release)
        self.rv32 = machine
        self.flags = 0
        if release.rv32_inline_zba:
            self.flags |= machine.flags & ZBA
        if release.rv32_inline_zcmp:
            self.flags |= machine.flags & ZCMP

    def make_extension(self) -> Extension | None:
        arch = ARCHES["rv32imc"]
        flags = enumerate(self.release.march_flags)
        extra = {name for bit, name in flags if self.rv32.flags >> bit & 1}
        return Extension(ROWS, TABLE_REGISTERS, arch.name, arch.features | extra)

    def enter(self) -> None:
        pass

    def leave(self) -> None:
        self._put("c.jr", [RA])

    def check_params(self, params: tuple[InlineArg, ...]) -> None:
        if len(params) > 4:
            self.fail("can only have up to 4 parameters for RV32 assembly")
        elif any(REGISTERS.get(param.text) != i for i, param in enumerate(params, FIRST_PARAMETER)):
            self.fail("parameters must be registers in sequence a0 to a3")

    def instruction(self, name: str, args: tuple[InlineArg, ...]) -> None:
        form = FORMS.get(name)
        if form is None or form.needs & ~self.flags:
            if not (self.flags & ZCMP and len(args) == 2 and self._zcmp(name, args)):
                self.unsupported = True
                self.fail(f"{self.release.rv32_not_known} RV32 instruction '{name}'")
            return
        if len(args) != len(form.kinds):
            self.unsupported = True
            self.fail(f"opcode '{name}': expecting {len(form.kinds)} arguments")
            return
        fields: list[int] = []
        for number, (kind, arg) in enumerate(zip(form.kinds, args, strict=True), 1):
            self.operand = number
            if kind.what == "o":
                fields += self._offset(name, number, kind, arg)
            else:
                fields.append(self._argument(name, number, kind, arg))
            if self.error is not None:
                return
        self._emit(name, form, fields)

    def _emit(self, name: str, form: Form, values: list[int]) -> None:
        if name == "li":
            self._load(values[0], values[1])
            return
        if name == "la":
            upper, lower = split(values[1])
            self.machine.data(4, AUIPC(values[0], upper))
            self.machine.data(4, ADDI(values[0], values[0], lower))
            return
        fields = [value >> (form.kinds[at].unit if at < len(form.kinds) else 0)
                  for at, value in enumerate(values)]
        if name in TWO_BITS:
            fields = [field & 3 for field in fields]
        if name in ORDER:
            fields = [fields[at] for at in ORDER[name]]
        self._put(form.row, fields)

    def _load(self, register: int, value: int) -> None:
        """As Rv32Machine.move_reg_imm, but the reference takes any register here."""
        if fits(value, 6):
            self._put("c.li", [register, value])
            return
        if fits(value, 12):
            self._put("addi", [register, 0, value])
            return
        upper, lower = split(value)
        short = upper and fits(upper << 12, 17)
        self._put("c.lui" if short else "lui", [register, upper])
        if lower and fits(lower, 6) and (lower > 0 or self.release.rv32_signed_low_part):
            self._put("c.addi", [register, lower])
        elif lower:
            self._put("addi", [register, register, lower])

    def _put(self, row_name: str, fields: list[int]) -> None:
        row = TABLE[row_name]
        self.machine.data(row.size, self.encoded(row, fields))

    # --- arguments

    def _argument(self, name: str, number: int, kind: Kind, arg: InlineArg) -> int:
        if kind.what == "r":
            return self._register(name, number, kind.mask, arg)
        if kind.what == "l":
            return self._distance(name, number, kind, arg)
        return self._integer(name, number, kind, arg, 1)

    def _refuse(self, name: str, number: int, arg: InlineArg, message: str, allowed: str) -> int:
        return self.refuse(name, arg, f"opcode '{name}' argument {number}: {message}", allowed)

    def _register(self, name: str, number: int, allowed: int, arg: InlineArg) -> int:
        register = REGISTERS.get(arg.text) if arg.kind == ArgKind.NAME else None
        if register is None:
            return self._refuse(name, number, arg, "expecting register", _names(allowed))
        if not allowed >> register & 1:
            return self._refuse(name, number, arg, "unknown register", _names(allowed))
        return register

    def _integer(self, name: str, number: int, kind: Kind, arg: InlineArg, sign: int) -> int:
        if arg.kind != ArgKind.INT:
            return self._refuse(name, number, arg, "expecting integer", _range(kind))
        value = sign * arg.value << kind.shift & INT_BITS
        if value & ~kind.mask if kind.what == "u" else not _fits(kind.mask, value):
            shown = arg._replace(value=sign * arg.value)
            return self._refuse(name, number, shown, "out of range", _range(kind))
        if kind.not_zero and value == 0:
            return self._refuse(name, number, arg, "must not be zero", _range(kind))
        return value

    def _distance(self, name: str, number: int, kind: Kind, arg: InlineArg) -> int:
        if arg.kind != ArgKind.NAME:
            return self._refuse(name, number, arg, "expecting label", "a label")
        target = 0  # what the reference finds in place of a label that it has not met yet
        if arg.text in self.label_names:
            target = self.distance(self.label_names.index(arg.text), 0)
        elif self.final:
            message = f"opcode '{name}' argument {number}: undefined label '{arg.text}'"
            return self.fail_label(message, self.known_labels())
        distance = target - self.machine.position
        if not _fits(kind.mask, distance):
            note = f"label '{arg.text}' is {distance} bytes away from {name}, "
            note += f"allowed {_range(kind)}"
            return self.fail_label(f"opcode '{name}' argument {number}: out of range", note)
        return distance

    def _offset(self, name: str, number: int, kind: Kind, arg: InlineArg) -> list[int]:
        """`offset(register)`, the sign of the offset standing apart: the two values."""
        if arg.kind != ArgKind.INDEXED:
            return [self._refuse(name, number, arg, "expecting offset", "offset(register)")]
        offset = self._integer(name, number, kind, arg.parts[0], -1 if arg.text == "-" else 1)
        if self.error is not None:
            return []
        base = arg.parts[1] if len(arg.parts) == 2 else InlineArg(ArgKind.OTHER)
        return [offset, self._register(name, number + 1, kind.base_mask, base)]

    # --- Zcmp

    def _zcmp(self, name: str, args: tuple[InlineArg, ...]) -> bool:
        """False if there is something wrong; the reference then says just that."""
        if name in MOVES:
            first, second = (REGISTERS.get(arg.text, 0) for arg in args)
            if first == second or not SAVED >> first & SAVED >> second & 1:
                return False
            self._put(MOVES[name], [number - S0 if number <= S1 else number - S2 + 2
                                    for number in (first, second)])
            return True
        if name not in STACK or args[1].kind != ArgKind.INT:
            return False
        registers = _register_list(args[0])
        if not registers:
            return False
        adjustment = -args[1].value if name == "cm_push" else args[1].value
        if not -1 << 63 <= args[1].value < 1 << 63:
            raise NativeError("OverflowError", TOO_BIG, bare=True)
        # The reference looks at 32 bits, but for the sign.
        if adjustment < 0 or abs(wrap(adjustment, 32)) not in (0, 16, 32, 48):
            return False
        # The reference stores the low bits of the adjustment in bytes, which are none.
        self._put(STACK[name], [registers << 2])
        return True


def _register_list(arg: InlineArg) -> int:
    """The number of `{ra}`, `{ra, s0}`, `{ra, s0-s1}` ...; 0 if there is none."""
    if arg.kind != ArgKind.BRACE or arg.text or not 1 <= len(arg.parts) <= 2:
        return 0
    if REGISTERS.get(arg.parts[0].text) != RA:
        return 0
    if len(arg.parts) == 1:
        return 4
    saved = arg.parts[1]
    if saved.kind == ArgKind.NAME:
        return 5 if REGISTERS.get(saved.text) == S0 else 0
    if saved.kind != ArgKind.RANGE or REGISTERS.get(saved.parts[0].text) != S0:
        return 0
    last = REGISTERS.get(saved.parts[1].text, 0)
    if last == S1:
        return 6
    return 7 + min(last, S10) - S2 if S2 <= last <= S11 and last != S10 else 0


def _fits(mask: int, value: int) -> bool:
    """Is the 32-bit word a signed number within the mask, whose top bit is the sign?"""
    value &= WORD_MASK
    if mask >> 31:
        return True
    low = (mask & -mask) - 1
    positive = mask >> 1 & ~low
    negative = WORD_MASK & ~(mask >> 1) & ~low
    return not value & ~positive or (not value & low and value & negative == negative)


def _names(allowed: int) -> str:
    """A set of registers in words."""
    if allowed.bit_count() < len(ABI_NAMES) // 2:
        return ", ".join(name for number, name in enumerate(ABI_NAMES) if allowed >> number & 1)
    barred = [name for number, name in enumerate(ABI_NAMES) if not allowed >> number & 1]
    return "x0..x31" + (f" but {', '.join(barred)}" if barred else "")


def _range(kind: Kind) -> str:
    """The integers, or distances, of a kind."""
    low, high = 0, kind.mask
    if kind.what != "u":
        high = kind.mask >> 1 & -(1 << kind.unit)
        low = -(high + (1 << kind.unit))
    low, high, unit = low >> kind.shift, high >> kind.shift, 1 << kind.unit >> kind.shift
    span = f"{low}..{high}" if unit == 1 else f"a multiple of {unit} in {low}..{high}"
    return f"{span}, not 0" if kind.not_zero else span
