"""Xtensa instructions as bytes, in the shortest form that does the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from mpy_cross.assembler.xtensa import B4CONST, B4CONSTU, TABLE
from mpy_cross.emitters.native.buffer import encoder
from mpy_cross.emitters.ssa.ir import signed

SP: Final = 1
A0: Final = 0

Encoder = Callable[..., bytes]
_often: Final = lru_cache(maxsize=1 << 12)
"""For what is asked again and again with the same operands."""


def _row(name: str) -> Encoder:
    return encoder(TABLE[name])


ADD: Final = _row("add.n")
ADDI: Final = _row("addi")
ADDI_N: Final = _row("addi.n")
ADDMI: Final = _row("addmi")
MOV: Final = _row("mov.n")
MOVI: Final = _row("movi")
MOVI_N: Final = _row("movi.n")
SLLI: Final = _row("slli")
SRLI: Final = _row("srli")
SRAI: Final = _row("srai")
EXTUI: Final = _row("extui")
SEXT: Final = _row("sext")
NEG: Final = _row("neg")
NSAU: Final = _row("nsau")
SSAI: Final = _row("ssai")
SRC: Final = _row("src")
SSA8L: Final = _row("ssa8l")
SSL: Final = _row("ssl")
SSR: Final = _row("ssr")
SUB: Final = _row("sub")
XOR: Final = _row("xor")
MUL16U: Final = _row("mul16u")
L32I: Final = _row("l32i")
L32I_N: Final = _row("l32i.n")
S32I: Final = _row("s32i")
S32I_N: Final = _row("s32i.n")
CALLX0: Final = _row("callx0")
CALLX8: Final = _row("callx8")
CALL0: Final = TABLE["call0"].encode
CALL8: Final = TABLE["call8"].encode
JX: Final = _row("jx")
ENTRY: Final = _row("entry")
RET: Final = TABLE["ret.n"].encode()
RETW: Final = TABLE["retw.n"].encode()
NOP: Final = TABLE["nop.n"].encode()
J: Final = _row("j")
L32R: Final = _row("l32r")
LOOP: Final = _row("loop")

THREE: Final = {name: _row(row) for name, row in (
    ("sub", "sub"), ("and", "and"), ("orr", "or"), ("eor", "xor"), ("mul", "mull"),
    ("addx2", "addx2"), ("addx4", "addx4"), ("addx8", "addx8"),
    ("subx2", "subx2"), ("subx4", "subx4"), ("subx8", "subx8"),
    ("smulh", "mulsh"), ("umulh", "muluh"),
    ("min", "min"), ("max", "max"), ("minu", "minu"), ("maxu", "maxu"))}
"""Instructions of three registers."""
DIVISIONS: Final = {"sdiv": _row("quos"), "udiv": _row("quou"), "srem": _row("rems"),
                    "urem": _row("remu")}
SHIFTS: Final = {"lsl": (SSL, _row("sll")), "lsr": (SSR, _row("srl")), "asr": (SSR, _row("sra"))}
"""What prepares a shift by a register, and what shifts."""
MOVE_IF: Final = {"eq": _row("moveqz"), "ne": _row("movnez"), "lt": _row("movltz"),
                  "ge": _row("movgez")}
MEMORY: Final = {"ldrb": (_row("l8ui"), 1), "ldrh": (_row("l16ui"), 2),
                 "ldrsh": (_row("l16si"), 2), "ldr": (L32I, 4), "strb": (_row("s8i"), 1),
                 "strh": (_row("s16i"), 2), "str": (S32I, 4)}
"""Accesses, and the unit of their displacement."""
NARROW_MEMORY: Final = {"ldr": L32I_N, "str": S32I_N}

BRANCHES: Final = {
    ("b", "eq"): "beq", ("b", "ne"): "bne", ("b", "lt"): "blt", ("b", "ge"): "bge",
    ("b", "lo"): "bltu", ("b", "hs"): "bgeu",
    ("bi", "eq"): "beqi", ("bi", "ne"): "bnei", ("bi", "lt"): "blti", ("bi", "ge"): "bgei",
    ("bi", "lo"): "bltui", ("bi", "hs"): "bgeui",
    ("bz", "eq"): "beqz", ("bz", "ne"): "bnez", ("bz", "lt"): "bltz", ("bz", "ge"): "bgez",
    ("bbit", "eq"): "bbci", ("bbit", "ne"): "bbsi",
    ("bmask", "eq"): "bnone", ("bmask", "ne"): "bany",
}
"""Branches by what they test, and the condition."""
BRANCH: Final = {key: _row(name) for key, name in BRANCHES.items()}
ZERO_NARROW: Final = {"eq": _row("beqz.n"), "ne": _row("bnez.n")}


def has_immediate(cond: str, number: int) -> bool:
    """Whether a branch compares with a number (signed, or a word for lo and hs)."""
    return number in (B4CONSTU if cond in ("lo", "hs") else B4CONST)


def move(d: int, s: int) -> bytes:
    return MOV(d, s) if d != s else b""


def add(d: int, x: int, y: int) -> bytes:
    return ADD(d, x, y)


@_often
def add_number(d: int, s: int, number: int) -> bytes:
    """d = s + number: up to 32 KiB off, in one or two instructions."""
    if not number:
        return move(d, s)
    if number == -1 or 1 <= number <= 15:
        return ADDI_N(d, s, number)
    if -128 <= number <= 127:
        return ADDI(d, s, number)
    low = (number + 128 & 0xFF) - 128
    code = ADDMI(d, s, number - low)
    return code + add_number(d, d, low) if low else code


@_often
def constant(d: int, number: int) -> bytes:
    """A word in one or two instructions; nothing if it takes more."""
    number = signed(number)
    if -32 <= number <= 95:
        return MOVI_N(d, number)
    if -2048 <= number <= 2047:
        return MOVI(d, number)
    zeros = (number & -number).bit_length() - 1
    if -2048 <= number >> zeros <= 2047:
        return constant(d, number >> zeros) + SLLI(d, d, zeros)
    if -32768 <= number <= 32639:
        low = (number + 128 & 0xFF) - 128
        return constant(d, low) + ADDMI(d, d, number - low)
    if number > 0 and not number & (number + 1):
        return MOVI_N(d, -1) + shift_right(d, d, 32 - number.bit_length())
    return b""


def long_constant(d: int, number: int) -> bytes:
    """A word in three instructions; nothing if it takes more."""
    number = signed(number)
    low = (number + 128 & 0xFF) - 128
    code = constant(d, number - low)
    return code + add_number(d, d, low) if code and low else code


def shift_right(d: int, s: int, amount: int) -> bytes:
    """Without a sign."""
    if amount <= 15:
        return SRLI(d, s, amount)
    return EXTUI(d, s, amount, 32 - amount)


@_often
def memory(op: str, t: int, base: int, offset: int) -> bytes:
    """An access; a load may be out of reach of one instruction."""
    encode, unit = MEMORY[op]
    narrow = NARROW_MEMORY.get(op)
    if narrow is not None and offset < 64:
        return narrow(t, base, offset)
    if offset <= 255 * unit:
        return encode(t, base, offset)
    high = offset & -256
    return ADDMI(t, base, high) + memory(op, t, t, offset - high)
