"""What single instructions do to registers, as far as that tells what compiled code refers to.

A family of machines has a form per row of its table: a verb, then its operands in the order of the
fields of `Effect`, each the name of an operand, perhaps shifted, or `=` and a register number.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final, NamedTuple, final

from mpy_cross.assembler.arch import Arch
from mpy_cross.assembler.x86_isa import NO_REGISTER, Memory


class Verb(IntEnum):
    """What an instruction does."""

    SET = 0  # dest = offset
    MOVE = 1  # dest = base + offset
    ADD = 2  # dest = base + other
    SHIFT = 3  # dest = base << offset
    SIGN = 4  # dest = low 16 bits of base, sign-extended
    NOT = 5  # dest = ~offset
    LOAD = 6  # dest = memory at base + offset
    LOAD_AT = 7  # dest = memory at base + other
    STORE = 8  # memory at base + offset = dest
    LITERAL = 9  # dest = the word of the code at the instruction's label
    HERE = 10  # dest = the address of the instruction + offset
    NEXT = 11  # dest = the address behind the instruction
    JUMP = 12  # to base + offset
    CALL = 13
    PUSH = 14  # the registers in the mask `offset`
    POP = 15


@final
class Effect(NamedTuple):
    """An instruction's verb with register numbers and an offset in bytes; -1 for no register."""

    verb: Verb
    dest: int = -1
    base: int = -1
    offset: int = 0
    other: int = -1


@final
class Convention(NamedTuple):
    """How compiled code of an architecture uses registers."""

    forms: dict[str, tuple[Verb, tuple[str, ...]]]
    sp: int
    argument: int
    """Has a function's first argument; -1: it is on the stack."""
    kept: frozenset[int]
    """What a call leaves alone."""
    pc: int = -1
    """A register that reads as the address of the instruction plus `pc_ahead`."""
    pc_ahead: int = 0
    zero: int = -1
    """A register that is always zero."""


def _forms(*rows: str) -> dict[str, tuple[Verb, tuple[str, ...]]]:
    """`names: verb operands` each; a dot stands for a field that is not used."""
    made = {}
    for text in rows:
        names, _, form = text.partition(": ")
        verb, *operands = form.split()
        for name in names.split():
            made[name] = (Verb[verb.upper()], tuple(operands))
    return made


_THUMB: Final = Convention(
    _forms(
        "movs_imm8 movw: set d . i",
        "movs_reg mov_any: move d m",
        "adds_imm8: move d d i",
        "adds_imm3 addw: move d n i",
        "add_sp: move d =13 i",
        "adds_reg: add d n . m",
        "add_any: add d d . m",
        "lsls_imm: shift d m i",
        "sxth: sign d m",
        "ldr_imm5 ldr.w_imm12 ldrh_imm5 ldrh.w_imm12: load t n i",
        "ldr_sp: load t =13 i",
        "str_sp: store t =13 i",
        "str_imm5 str.w_imm12: store t n i",
        "ldr_lit: literal t",
        "blx: call",
        "push: push . . l",
        "pop: pop . . l",
    ),
    sp=13, argument=0, kept=frozenset(range(4, 12)), pc=15, pc_ahead=4,
)  # fmt: skip
_ARM: Final = Convention(
    _forms(
        "mov_imm: set d . i",
        "mvn_imm: not d . i",
        "mov_reg: move d m",
        "add_imm: move d n i",
        "add_reg: add d n . m",
        # `ldrh_pre` (1.19 to 1.24) also moves its base, the table of qstrs, and so spoils it for
        # the loads after it.  What counts here is the qstr that was meant.
        "ldr_imm ldrh_imm ldrh_pre: load t n i",
        "ldr_reg ldrh_reg: load_at t n . m",
        "str_imm: store t n i",
        "ldr_lit: literal t",
    ),
    sp=13, argument=0, kept=frozenset(range(4, 12)), pc=15, pc_ahead=8,
)  # fmt: skip
_XTENSA_FORMS: Final = _forms(
    "movi: set t . i",
    "movi.n: set s . i",
    "mov.n: move t s",
    "addi addmi: move t s i",
    "add.n: add r s . t",
    "l32i l32i.n l16ui: load t s i",
    "s32i s32i.n: store t s i",
    "l32r: literal t",
    "call0: next =0",
    "callx0 callx8: call",
)
_XTENSA: Final = Convention(_XTENSA_FORMS, sp=1, argument=2, kept=frozenset(range(12, 16)))
_WINDOWED: Final = Convention(_XTENSA_FORMS, sp=1, argument=2, kept=frozenset(range(8)))
_RISCV: Final = Convention(
    _forms(
        "c.li: set rd . i",
        "lui c.lui: set rd . i<<12",
        "c.mv: move rd rs2",
        "addi: move rd rs1 i",
        "c.addi: move rd rd i",
        "c.addi4spn: move rd =2 i",
        "add: add rd rs1 . rs2",
        "c.add: add rd rd . rs2",
        "lw c.lw ld c.ld lhu: load rd rs1 i",
        "c.lwsp c.ldsp: load rd =2 i",
        "sw c.sw sd c.sd: store rs2 rs1 i",
        "c.swsp c.sdsp: store rs2 =2 i",
        "auipc: here rd . i<<12",
        "jalr: jump . rs1 i",
        "c.jalr: call",
    ),
    sp=2, argument=10, kept=frozenset((8, 9, *range(18, 28))), zero=0,
)  # fmt: skip
_X86: Final = Convention({}, sp=4, argument=-1, kept=frozenset((3, 5, 6, 7)))
_X64: Final = Convention({}, sp=4, argument=7, kept=frozenset((3, 5, 12, 13, 14, 15)))

_FAMILIES: Final = {
    "thumb": _THUMB, "arm": _ARM, "xtensa": _XTENSA, "riscv": _RISCV, "x86": _X86, "x64": _X64,
}  # fmt: skip


def convention_of(arch: Arch) -> Convention:
    return _WINDOWED if "window" in arch.features else _FAMILIES[arch.family]


_ARM_ALWAYS: Final = 14
# Operands that must have this value for a form to hold: no condition, no shift, upwards.
_PLAIN: Final = (("c", _ARM_ALWAYS), ("sh", 0))


def effect_of(step: Any, convention: Convention) -> Effect | None:
    """The effect of a decoded instruction, None if it has none that is known."""
    if not convention.forms:
        return _intel(step)
    form = convention.forms.get(step.row.name)
    if form is None:
        return None
    values = {
        operand.name: value
        for operand, value in zip(step.row.operands, step.operands, strict=True)
    }
    for name, wanted in _PLAIN:
        if values.get(name, wanted) != wanted and convention is _ARM:
            return None
    verb, operands = form
    fields = [-1, -1, 0, -1]
    for place, name in enumerate(operands):
        if name[0] == "=":
            fields[place] = int(name[1:])
        elif name != ".":
            operand, _, shift = name.partition("<<")
            fields[place] = values[operand] << int(shift or 0)
    if verb == Verb.JUMP and values["rd"] != convention.zero:
        return Effect(Verb.CALL)
    return Effect(verb, *fields)


def written(step: Any) -> Iterator[int]:
    """The general registers that an instruction writes, and perhaps some more."""
    written_names = step.row.writes
    for operand, value in zip(step.row.operands, step.operands, strict=True):
        if operand.name not in written_names or not isinstance(value, int):
            continue
        if operand.name == "l":  # a list
            yield from (reg for reg in range(16) if value >> reg & 1)
        else:
            yield value


def _intel(step: Any) -> Effect | None:
    row, operands = step.row, step.operands
    if row.mnemonic == "call":
        if step.target == step.address + step.size:  # pushes the address behind it
            return Effect(Verb.PUSH)
        return Effect(Verb.CALL)
    if len(operands) == 1:
        return Effect(Verb.POP, operands[0]) if row.mnemonic == "pop" else None
    if len(operands) != 2 or row.operands[0].bits < 32:
        return None
    to, what = operands
    if row.mnemonic in ("mov", "movzx", "lea"):
        if isinstance(to, Memory):
            if isinstance(what, int) and row.operands[1].name == "r":
                return _memory(Verb.STORE, what, to)
            return None
        if isinstance(what, Memory):
            return _memory(Verb.MOVE if row.mnemonic == "lea" else Verb.LOAD, to, what)
        if row.operands[1].name == "imm":
            return Effect(Verb.SET, to, offset=what)
        return Effect(Verb.MOVE, to, what) if row.mnemonic == "mov" else None
    if row.mnemonic == "add" and isinstance(to, int) and row.operands[1].name == "imm":
        return Effect(Verb.MOVE, to, to, what)
    return None


def _memory(verb: Verb, reg: int, memory: Memory) -> Effect | None:
    if memory.index_reg != NO_REGISTER or memory.base not in range(16):
        return None
    return Effect(verb, reg, memory.base, memory.disp)
