"""Instruction tables of x86 and x86-64: one row per instruction, written like the manual's line.

    row("add", "01 /r", "rm=rw, r", "v")

The mnemonic, the opcode, the operands as the assembler prints them, and the widths.  The opcode:

    0F AF       opcode bytes; 66, F2, F3 or 67 in front are a prefix that belongs to the opcode
                (with an SSE or MMX register no other prefix may be there)
    /r          a ModRM byte with a register operand;  /5: with these bits instead;  =F0: all fixed
    50+r        the last byte has a register in its low bits
    70+cc       sixteen rows, one per condition; {cc} in the mnemonic
    VEX.66.0F38 F7 /r    with VEX prefix: the implied prefix (or NP), the map

Operands, each with =r, =w or =rw when registers are involved (=r is the default), and a name in
front when two would have the same (`name:form`):

    rm r o a    register or memory, register of ModRM, register in the opcode, accumulator
    g           register where rm has register or memory
    v           register in the VEX prefix
    x xm xd     SSE register of ModRM; SSE register or memory; SSE register where xm has either
    q qm qd     the same with an MMX register
    f           floating-point register st(0)..st(7) where rm has register or memory
    m           memory; mem: of no particular size (lea)
    i8 u8 u16   immediate: signed byte, extended to the width; unsigned
    iz iv       immediate of the width, but 32 bits, extended, for 64; of the full width
    rel8 rel32  distance from the end of the instruction
    moffs       memory at an address of full width: a number, or a Memory to give the segment
    sreg        segment register
    cl one 'x'  fixed

Registers and memory may carry a width of their own in bits (rm8, m128).  Others have the row's, and
the row stands for one instruction per width: v: 16, 32, 64 bits; y: 32, 64; d: 32; w: 16; q: 64
(with REX.W); p: 16 or a whole word, as the stack has it; n: a whole word; none: the row is one
instruction without any width.  An instruction's name is its mnemonic and operands: add_rm32_r32,
mov_r64_imm64, shl_rm32_cl.

From the row come encoder, decoder, printer and what is read and written.  Register operands are
numbers; byte registers 4..7 are spl..dil and 16..19 ah..bh.  Memory operands are `Memory` values.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple, final

from mpy_cross.assembler.isa import EncodeError

RIP: Final = 16
NO_REGISTER: Final = -1


@final
class Memory(NamedTuple):
    """[base + index_reg * scale + disp]; registers are numbers, RIP or NO_REGISTER."""

    base: int = NO_REGISTER
    disp: int = 0
    index_reg: int = NO_REGISTER
    scale: int = 1
    segment: int = NO_REGISTER


Value = int | Memory

CONDITIONS: Final = ("o", "no", "b", "ae", "e", "ne", "be", "a",
                     "s", "ns", "p", "np", "l", "ge", "le", "g")
SEGMENTS: Final = ("es", "cs", "ss", "ds", "fs", "gs")
SEGMENT_PREFIXES: Final = (0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65)
_LEGACY: Final = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
_NUMBERED: Final = tuple(f"r{number}" for number in range(8, 16))
NAMES: Final[dict[int, tuple[str, ...]]] = {
    8: ("al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", *(f"{name}b" for name in _NUMBERED),
        "ah", "ch", "dh", "bh"),
    16: (*_LEGACY, *(f"{name}w" for name in _NUMBERED)),
    32: (*(f"e{name}" for name in _LEGACY), *(f"{name}d" for name in _NUMBERED)),
    64: (*(f"r{name}" for name in _LEGACY), *_NUMBERED),
}
SSE_NAMES: Final = tuple(f"xmm{number}" for number in range(16))
MMX_NAMES: Final = tuple(f"mm{number}" for number in range(8))
FLOAT_NAMES: Final = tuple(f"st({number})" for number in range(8))
_POINTERS: Final = {0: "", 8: "byte ptr ", 16: "word ptr ", 32: "dword ptr ", 48: "fword ptr ",
                    64: "qword ptr ", 80: "tbyte ptr ", 128: "xmmword ptr "}


class Form(IntEnum):
    """What an operand is, and where it stands."""

    REG = 0
    RM = 1
    OPCODE = 2
    VEX = 3
    MEMORY = 4
    SIGNED = 5
    UNSIGNED = 6
    RELATIVE = 7
    ADDRESS = 8
    SEGMENT = 9
    DIRECT = 10


_REGISTERS: Final = (Form.REG, Form.RM, Form.DIRECT, Form.OPCODE, Form.VEX)

@final
class Operand:
    """An operand that encode() takes.

    bits: width of the register, memory or immediate value.  stored: bits of an immediate in the
    code.  access: "r", "w", "rw", or "" for an immediate.  not_zero: register 0 is excluded.
    names: of the registers that it can be, none for other operands.
    """

    __slots__ = ("access", "bits", "form", "name", "names", "not_zero", "stored")

    def __init__(self, name: str, form: Form, bits: int, stored: int, access: str,
                 not_zero: bool, names: tuple[str, ...] = ()) -> None:
        self.name, self.form, self.bits, self.stored = name, form, bits, stored
        self.access, self.not_zero = access, not_zero
        self.names = names

    @property
    def byte(self) -> bool:
        """Is it a general register of eight bits, with al to bh among them?"""
        return self.names is NAMES[8]


@final
class Spec(NamedTuple):
    """A line of the table."""

    mnemonic: str
    opcode: str
    operands: str
    widths: str
    features: str
    also: str


def row(mnemonic: str, opcode: str, operands: str = "", widths: str = "", features: str = "",
        also: str = "") -> Spec:
    """A line of the table; also: registers used beyond the operands, such as "a=rw d=w"."""
    return Spec(mnemonic, opcode, operands, widths, features, also)


@final
class Row:
    """One instruction in one mode (32 or 64 bits).

    mode: 32 or 64.  prefix: mandatory prefix bytes.  vex: the prefix that VEX implies, -1 without
    VEX.  space: 0 for one-byte opcodes, 0x0F, 0x0F38, 0x0F3A.
    wide: 1 with REX.W, 0 without, -1 when it does not matter.  digit: ModRM's middle bits, -1 when
    they are an operand or there is no ModRM.  fixed: the whole ModRM byte or -1.  low: the opcode's
    low bits are a register.  sse: it has an SSE or MMX register, and takes
    no prefix beyond its own.
    """

    __slots__ = ("also", "digit", "features", "fixed", "low", "mnemonic", "mode", "modrm", "name",
                 "opcode", "operands", "parts", "prefix", "space", "sse", "vex", "wide")

    def __init__(self, name: str, mnemonic: str, mode: int) -> None:
        self.name, self.mnemonic, self.mode = name, mnemonic, mode
        self.features: frozenset[str] = frozenset()
        self.prefix = b""
        self.space = self.opcode = 0
        self.modrm = self.low = self.sse = False
        self.wide = 0
        self.vex = self.digit = self.fixed = -1
        self.operands: tuple[Operand, ...] = ()
        self.parts: tuple[str | int, ...] = ()
        self.also = ""

    def __repr__(self) -> str:
        return f"<row {self.name}>"

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the operands that the instruction reads, and of fixed registers."""
        return self._accessed("r")

    @property
    def writes(self) -> tuple[str, ...]:
        """Names of the operands that the instruction writes, and of fixed registers."""
        return self._accessed("w")

    def _accessed(self, letter: str) -> tuple[str, ...]:
        found = [one.name for one in self.operands if letter in one.access]
        for item in self.also.split():
            name, _, access = item.partition("=")
            if letter in access:
                found.append(name)
        return tuple(found)

    def encode(self, *values: Value) -> bytes:
        """The instruction's bytes; raises EncodeError, TypeError for a wrong number of operands.

        Displacements and the like take their shortest form.
        """
        if len(values) != len(self.operands):
            names = ", ".join(one.name for one in self.operands)
            raise TypeError(f"{self.name} takes ({names})")
        reg = max(self.digit, 0)
        rex = (self.wide == 1) << 3
        rm: Value | None = None
        vvvv = low = 0
        force = forbid = False
        tail = b""
        segment = NO_REGISTER
        for operand, value in zip(self.operands, values, strict=True):
            form = operand.form
            if isinstance(value, Memory):
                if form is Form.ADDRESS and value.base < 0 and value.index_reg < 0:
                    tail += self._immediate(operand, value.disp)
                    segment = value.segment
                    continue
                if form is not Form.RM and form is not Form.MEMORY:
                    raise self._refuse(operand, value.base, "no memory here")
                rm = value
            elif form in _REGISTERS:
                number = self._register(operand, value)
                if operand.byte:
                    force |= 4 <= value < 8
                    forbid |= value >= 16
                if form is Form.REG:
                    reg = number
                elif form is Form.RM or form is Form.DIRECT:
                    rm = number
                elif form is Form.OPCODE:
                    low, rex = number & 7, rex | number >> 3
                else:
                    vvvv = number
            elif form is Form.SEGMENT:
                if not 0 <= value < 6:
                    raise self._refuse(operand, value, "es..gs (0..5)")
                reg = value
            elif form is Form.MEMORY:
                raise self._refuse(operand, value, "memory")
            else:
                tail += self._immediate(operand, value)
        code = b""
        prefix = self.prefix
        rex |= reg >> 3 << 2
        if self.fixed >= 0:
            code = bytes((self.fixed,))
        elif isinstance(rm, Memory):
            code, extra = self._memory(reg & 7, rm)
            rex |= extra
            segment = rm.segment
        elif rm is not None:
            code, rex = bytes((0xC0 | (reg & 7) << 3 | rm & 7,)), rex | rm >> 3
        if segment >= 0:
            prefix = bytes((SEGMENT_PREFIXES[segment],)) + prefix
        if self.vex >= 0:
            return prefix + self._vex(rex, vvvv) + bytes((self.opcode,)) + code + tail
        if rex or force:
            if forbid:
                raise EncodeError(self.name, "ah..bh", 16, "an instruction with a REX prefix")
            prefix += bytes((0x40 | rex,))
        space = self.space.to_bytes(2, "big") if self.space > 255 else bytes((self.space,))
        return prefix + (space if self.space else b"") + bytes((self.opcode | low,)) + code + tail

    def _refuse(self, operand: Operand, value: int, allowed: str) -> EncodeError:
        return EncodeError(self.name, operand.name, value, allowed)

    def _register(self, operand: Operand, value: int) -> int:
        """The number that stands in the code, 0..15."""
        names = operand.names
        count = min(self.mode // 4, len(names))
        if operand.byte:
            if 16 <= value < 20:
                return value - 12
            if self.mode == 32 and 4 <= value < 8:
                raise self._refuse(operand, value, "al..bl (0..3), ah..bh (16..19)")
        if not 0 <= value < count or (operand.not_zero and not value):
            first = int(operand.not_zero)
            raise self._refuse(operand, value,
                               f"{names[first]}..{names[count - 1]} ({first}..{count - 1})")
        return value

    def _immediate(self, operand: Operand, value: int) -> bytes:
        stored = operand.stored
        low = 0 if operand.form is Form.UNSIGNED else -1 << stored - 1
        high = 1 << stored
        if operand.form is Form.ADDRESS:
            low = 0
        elif operand.form is Form.RELATIVE or operand.bits > stored:  # sign-extended
            high >>= 1
        if not low <= value < high:
            raise self._refuse(operand, value, f"{low}..{high - 1}")
        return (value & (1 << stored) - 1).to_bytes(stored // 8, "little")

    def _memory(self, reg: int, memory: Memory) -> tuple[bytes, int]:
        """ModRM, SIB and displacement, and the bits of REX."""
        base, disp, index, scale, _ = memory
        count = self.mode // 4
        if not -1 << 31 <= disp < 1 << (31 if self.mode == 64 else 32):
            raise EncodeError(self.name, "disp", disp, "32 bits")
        offset = (disp & 0xFFFFFFFF).to_bytes(4, "little")
        if base == RIP and self.mode == 64 and index == NO_REGISTER:
            return bytes((reg << 3 | 5,)) + offset, 0
        if not -1 <= base < count:
            raise EncodeError(self.name, "base", base, f"a register 0..{count - 1}")
        if index == 4 or not -1 <= index < count:
            raise EncodeError(self.name, "index", index, f"a register 0..{count - 1}, not 4")
        if scale not in (1, 2, 4, 8):
            raise EncodeError(self.name, "scale", scale, "1, 2, 4 or 8")
        shift = scale.bit_length() - 1
        rex = (index >> 3 << 1 if index > 0 else 0) | (base >> 3 if base > 0 else 0)
        if base < 0:
            if index < 0 and self.mode == 32:
                return bytes((reg << 3 | 5,)) + offset, 0
            sib = shift << 6 | (index & 7 if index >= 0 else 4) << 3 | 5
            return bytes((reg << 3 | 4, sib)) + offset, rex
        if self.mode == 32 and disp >= 1 << 31:
            disp -= 1 << 32
        if disp == 0 and base & 7 != 5:
            mod, offset = 0, b""
        elif -128 <= disp < 128:
            mod, offset = 0x40, offset[:1]
        else:
            mod = 0x80
        if index >= 0:
            sib = shift << 6 | (index & 7) << 3 | base & 7
            return bytes((mod | reg << 3 | 4, sib)) + offset, rex
        if base & 7 == 4:
            return bytes((mod | reg << 3 | 4, 0x24)) + offset, rex
        return bytes((mod | reg << 3 | base & 7,)) + offset, rex

    def _vex(self, rex: int, vvvv: int) -> bytes:
        last = (~vvvv & 15) << 3 | self.vex
        if self.space == 0x0F and not rex & 11:
            return bytes((0xC5, (~rex & 4) << 5 | last))
        where = {0x0F: 1, 0x0F38: 2, 0x0F3A: 3}[self.space]
        return bytes((0xC4, (~rex & 7) << 5 | where, rex >> 3 << 7 | last))

    def text(self, values: Sequence[Value], end: str) -> str:
        """The instruction as the assembler reads it; end: the label of a relative operand."""
        return "".join(part if isinstance(part, str)
                       else _show(self.operands[part], values[part], end, self.mode)
                       for part in self.parts)


def _number(value: int) -> str:
    return str(value) if -10 < value < 10 else f"{value:#x}"


def _show(operand: Operand, value: Value, end: str, mode: int) -> str:
    form = operand.form
    if isinstance(value, Memory):
        return _POINTERS[operand.bits] + _show_memory(value, NAMES[mode])
    if form in _REGISTERS:
        return operand.names[value]
    if form is Form.SEGMENT:
        return SEGMENTS[value]
    if form is Form.RELATIVE:
        return end
    if form is Form.ADDRESS:
        return f"{_POINTERS[operand.bits]}ds:{_number(value)}"
    return _number(value)


def _show_memory(memory: Memory, names: Sequence[str]) -> str:
    base, disp, index, scale, segment = memory
    if base < 0 and index < 0:
        return f"{SEGMENTS[segment if segment >= 0 else 3]}:{_number(disp)}"
    text = "" if base < 0 else "rip" if base == RIP else names[base]
    if index >= 0:
        text += f" + {names[index]}" if text else names[index]
        text += f"*{scale}" if scale > 1 or base < 0 else ""
    if disp:
        text += f" {'-' if disp < 0 else '+'} {_number(abs(disp))}"
    return (f"{SEGMENTS[segment]}:" if segment >= 0 else "") + f"[{text}]"
