"""RISC-V: RV32I and RV64I with M, C, Zicsr, Zifencei, Zba and Zcmp.

(RISC-V unprivileged ISA manual, volume I; patterns are its bit diagrams.)  Features: rv32 or rv64,
and i, machine (mret, wfi), m, c, zicsr, zifencei, zba, zcmp.  Labels count from the address of the
instruction.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.isa import MakeKind, Row, row
from mpy_cross.assembler.kinds import Choice, Coded, Kind, Label, Number, Register
from mpy_cross.assembler.riscv_csr import CSRS
from mpy_cross.assembler.table import Table

__all__ = ["TABLE", "stack_list"]

REGISTERS: Final = ("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2",
                    "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9",
                    "s10", "s11", "t3", "t4", "t5", "t6")


def _register(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """x0 to x31; a field of three bits means x8 to x15."""
    return Register("x", REGISTERS, bits, first=8 if bits == 3 else 0, excluded=excluded)


def _saved(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """s0 to s7 in three bits, the value being the number x8, x9, x18 to x23."""
    numbers = (8, 9, *range(18, 24))
    return Coded("reg:x", "s0..s7 (8, 9, 18..23)",
                 lambda value: numbers.index(value) if value in numbers else -1,
                 lambda field: numbers[field], lambda value: REGISTERS[value], list(numbers))


def _unsigned(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Number(bits, scale=scale, bias=bias, excluded=excluded)


def _signed(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Number(bits, signed=True, scale=scale, bias=bias, excluded=excluded)


def _upper(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """The upper 20 bits, as an unsigned number."""
    return Number(bits, hexadecimal=True)


def _compressed_upper(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """c.lui: six bits, sign-extended, as an unsigned number of 20 bits; not zero."""
    samples = [*range(1, 32), *range(0xFFFE0, 0x100000)]
    return Coded("imm", "1..31, 0xfffe0..0xfffff",
                 lambda value: value & 63 if 0 < value < 32 or 0xFFFE0 <= value < 1 << 20 else -1,
                 lambda field: (field if field < 32 else field | 0xFFFC0) or None, hex, samples)


def _label(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Label(Number(bits, signed=True, scale=scale), lambda address: address)


def _csr(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Coded("imm", "0..4095", lambda value: value if 0 <= value < 4096 else -1,
                 lambda field: field, lambda value: CSRS.get(value, f"{value:#x}"),
                 [*CSRS, 0x7C0, 0xBC0, 0x5A8])


_FENCES: Final = {mask: "".join(letter for bit, letter in ((8, "i"), (4, "o"), (2, "r"), (1, "w"))
                                if mask & bit) or "unknown" for mask in range(1, 16)}


def _fence(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Choice("fence", _FENCES, excluded=excluded)


def _stack_base(saved: int, word: int) -> int:
    """Bytes that cm.push needs for ra and `saved` saved registers, rounded up to 16."""
    return (word * (saved + 1) + 15) & -16


def stack_list(saved: int, adjustment: int, word: int) -> int:
    """The operand of cm.push and cm.pop.

    saved: how many of s0, s1, ... go with ra: 0..10 or 12.  adjustment: bytes of stack, a
    multiple of 16.  word: 4 or 8.  Raises ValueError when there is no such instruction.
    """
    if not 0 <= saved <= 12 or saved == 11:
        raise ValueError(f"{saved} saved registers: not in 0..10 or 12")
    extra, rest = divmod(adjustment - _stack_base(saved, word), 16)
    if rest or not 0 <= extra <= 3:
        base = _stack_base(saved, word)
        limits = f"{base}..{base + 48}"
        raise ValueError(f"stack adjustment {adjustment}: not a multiple of 16 in {limits}")
    return (15 if saved == 12 else saved + 4) << 2 | extra


def _stack(word: int, sign: str) -> MakeKind:
    def text(value: int) -> str:
        saved = 12 if value >> 2 == 15 else (value >> 2) - 4
        names = "ra" + (f", s0-s{saved - 1}" if saved > 1 else ", s0" if saved else "")
        return f"{{{names}}}, {sign}{_stack_base(saved, word) + (value & 3) * 16}"

    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        return Coded("stack", "a list of ra and s0.. with a stack adjustment (stack_list)",
                     lambda value: value if 16 <= value < 64 else -1,
                     lambda field: field if field >= 16 else None, text, list(range(16, 64)))

    return make


KINDS: Final[dict[str, MakeKind]] = {
    "x": _register, "sreg": _saved, "u": _unsigned, "s": _signed, "upper": _upper,
    "cupper": _compressed_upper, "label": _label, "csr": _csr, "fence": _fence,
    "push32": _stack(4, "-"), "push64": _stack(8, "-"), "pop32": _stack(4, ""),
    "pop64": _stack(8, ""),
}
DEFAULTS: Final = {"rd": "x", "rs1": "x", "rs2": "x", "i": "s", "csr": "csr"}

_BRANCH: Final = (("000", "beq"), ("001", "bne"), ("100", "blt"), ("101", "bge"), ("110", "bltu"),
                  ("111", "bgeu"))
_LOAD: Final = (("000", "lb", "i"), ("001", "lh", "i"), ("010", "lw", "i"), ("100", "lbu", "i"),
                ("101", "lhu", "i"), ("011", "ld", "i rv64"), ("110", "lwu", "i rv64"))
_STORE: Final = (("000", "sb", "i"), ("001", "sh", "i"), ("010", "sw", "i"),
                 ("011", "sd", "i rv64"))
_IMMEDIATE: Final = (("000", "addi"), ("010", "slti"), ("011", "sltiu"), ("100", "xori"),
                     ("110", "ori"), ("111", "andi"))
_THREE: Final = (  # funct7, funct3, opcode, mnemonic, features
    ("0000000", "000", "0110011", "add", "i"), ("0100000", "000", "0110011", "sub", "i"),
    ("0000000", "001", "0110011", "sll", "i"), ("0000000", "010", "0110011", "slt", "i"),
    ("0000000", "011", "0110011", "sltu", "i"), ("0000000", "100", "0110011", "xor", "i"),
    ("0000000", "101", "0110011", "srl", "i"), ("0100000", "101", "0110011", "sra", "i"),
    ("0000000", "110", "0110011", "or", "i"), ("0000000", "111", "0110011", "and", "i"),
    ("0000000", "000", "0111011", "addw", "i rv64"),
    ("0100000", "000", "0111011", "subw", "i rv64"),
    ("0000000", "001", "0111011", "sllw", "i rv64"),
    ("0000000", "101", "0111011", "srlw", "i rv64"),
    ("0100000", "101", "0111011", "sraw", "i rv64"),
    ("0000001", "000", "0110011", "mul", "m"), ("0000001", "001", "0110011", "mulh", "m"),
    ("0000001", "010", "0110011", "mulhsu", "m"), ("0000001", "011", "0110011", "mulhu", "m"),
    ("0000001", "100", "0110011", "div", "m"), ("0000001", "101", "0110011", "divu", "m"),
    ("0000001", "110", "0110011", "rem", "m"), ("0000001", "111", "0110011", "remu", "m"),
    ("0000001", "000", "0111011", "mulw", "m rv64"),
    ("0000001", "100", "0111011", "divw", "m rv64"),
    ("0000001", "101", "0111011", "divuw", "m rv64"),
    ("0000001", "110", "0111011", "remw", "m rv64"),
    ("0000001", "111", "0111011", "remuw", "m rv64"),
    ("0010000", "010", "0110011", "sh1add", "zba"), ("0010000", "100", "0110011", "sh2add", "zba"),
    ("0010000", "110", "0110011", "sh3add", "zba"),
    ("0000100", "000", "0111011", "add.uw", "zba rv64"),
    ("0010000", "010", "0111011", "sh1add.uw", "zba rv64"),
    ("0010000", "100", "0111011", "sh2add.uw", "zba rv64"),
    ("0010000", "110", "0111011", "sh3add.uw", "zba rv64"),
)
_SHIFT: Final = (("00", "001", "slli"), ("00", "101", "srli"), ("01", "101", "srai"))
_CSR: Final = (("01", "csrrw"), ("10", "csrrs"), ("11", "csrrc"))

_BASE_ROWS: Final[tuple[Row, ...]] = (
    row("lui", "i:20 rd:5 0110111", "rd=w, i:upper", "i"),
    row("auipc", "i:20 rd:5 0010111", "rd=w, i:upper", "i"),
    row("jal", "i[20|10:1|11|19:12] rd:5 1101111", "rd=w, i:label", "i"),
    row("jalr", "i:12 rs1:5 000 rd:5 1100111", "rd=w, i(rs1)", "i"),
    *(row(name, f"i[12|10:5] rs2:5 rs1:5 {f3} i[4:1|11] 1100011", "rs1, rs2, i:label", "i")
      for f3, name in _BRANCH),
    *(row(name, f"i:12 rs1:5 {f3} rd:5 0000011", "rd=w, i(rs1)", features)
      for f3, name, features in _LOAD),
    *(row(name, f"i[11:5] rs2:5 rs1:5 {f3} i[4:0] 0100011", "rs2, i(rs1)", features)
      for f3, name, features in _STORE),
    *(row(name, f"i:12 rs1:5 {f3} rd:5 0010011", "rd=w, rs1, i", "i") for f3, name in _IMMEDIATE),
    row("addiw", "i:12 rs1:5 000 rd:5 0011011", "rd=w, rs1, i", "i rv64"),
    *(one for f7, f3, name in _SHIFT for one in (
        row(name, f"{f7}00000 i:5 rs1:5 {f3} rd:5 0010011", "rd=w, rs1, i:u", "i rv32"),
        row(f"{name}_64", f"{f7}0000 i:6 rs1:5 {f3} rd:5 0010011", "rd=w, rs1, i:u", "i rv64"),
        row(f"{name}w", f"{f7}00000 i:5 rs1:5 {f3} rd:5 0011011", "rd=w, rs1, i:u", "i rv64"))),
    *(row(name, f"{f7} rs2:5 rs1:5 {f3} rd:5 {opcode}", "rd=w, rs1, rs2", features)
      for f7, f3, opcode, name, features in _THREE),
    row("slli.uw", "000010 i:6 rs1:5 001 rd:5 0011011", "rd=w, rs1, i:u", "zba rv64"),
    row("fence", "0000 p:4 s:4 (00000) 000 (00000) 0001111", "p:fence, s:fence", "i"),
    row("fence.tso", "1000 0011 0011 (00000) 000 (00000) 0001111", "", "i"),
    row("fence.i", "(000000000000) (00000) 001 (00000) 0001111", "", "zifencei"),
    row("ecall", "000000000000 00000 000 00000 1110011", "", "i"),
    row("ebreak", "000000000001 00000 000 00000 1110011", "", "i"),
    row("mret", "0011000 00010 00000 000 00000 1110011", "", "machine"),
    row("wfi", "0001000 00101 00000 000 00000 1110011", "", "machine"),
    *(row(name, f"csr:12 rs1:5 0{code} rd:5 1110011", "rd=w, csr, rs1", "zicsr")
      for code, name in _CSR),
    *(row(f"{name}i", f"csr:12 i:5 1{code} rd:5 1110011", "rd=w, csr, i:u", "zicsr")
      for code, name in _CSR),
)

_JUMP: Final = "i[11|4|9:8|10|6|7|3:1|5]"
_COMPRESSED_ROWS: Final[tuple[Row, ...]] = (
    row("c.unimp", "0000000000000000", "", "c"),
    row("c.addi4spn", "000 i[5:4|9:6|2|3] rd:3 00", "rd=w, 'sp', i:u!0", "c"),
    row("c.lw", "010 i[5:3] rs1:3 i[2|6] rd:3 00", "rd=w, i:u(rs1)", "c"),
    row("c.ld", "011 i[5:3] rs1:3 i[7:6] rd:3 00", "rd=w, i:u(rs1)", "c rv64"),
    row("c.sw", "110 i[5:3] rs1:3 i[2|6] rs2:3 00", "rs2, i:u(rs1)", "c"),
    row("c.sd", "111 i[5:3] rs1:3 i[7:6] rs2:3 00", "rs2, i:u(rs1)", "c rv64"),
    row("c.nop", "000 0 00000 00000 01", "", "c"),
    row("c.addi", "000 i[5] rd:5 i[4:0] 01", "rd!0=rw, i!0", "c"),
    row("c.jal", f"001 {_JUMP} 01", "i:label", "c rv32"),
    row("c.addiw", "001 i[5] rd:5 i[4:0] 01", "rd!0=rw, i", "c rv64"),
    row("c.li", "010 i[5] rd:5 i[4:0] 01", "rd!0=w, i", "c"),
    row("c.addi16sp", "011 i[9] 00010 i[4|6|8:7|5] 01", "'sp', i!0", "c"),
    row("c.lui", "011 i[5] rd:5 i[4:0] 01", "rd!0!2=w, i:cupper", "c"),
    *(row(f"c.{name}", f"100 0 {code} rd:3 i:5 01", "rd=rw, i:u!0", "c rv32")
      for code, name in (("00", "srli"), ("01", "srai"))),
    *(row(f"c.{name}_64", f"100 i[5] {code} rd:3 i[4:0] 01", "rd=rw, i:u!0", "c rv64")
      for code, name in (("00", "srli"), ("01", "srai"))),
    row("c.andi", "100 i[5] 10 rd:3 i[4:0] 01", "rd=rw, i", "c"),
    *(row(f"c.{name}", f"100 {bit} 11 rd:3 {code} rs2:3 01", "rd=rw, rs2", features)
      for bit, code, name, features in (
          ("0", "00", "sub", "c"), ("0", "01", "xor", "c"), ("0", "10", "or", "c"),
          ("0", "11", "and", "c"), ("1", "00", "subw", "c rv64"), ("1", "01", "addw", "c rv64"))),
    row("c.j", f"101 {_JUMP} 01", "i:label", "c"),
    row("c.beqz", "110 i[8|4:3] rs1:3 i[7:6|2:1|5] 01", "rs1, i:label", "c"),
    row("c.bnez", "111 i[8|4:3] rs1:3 i[7:6|2:1|5] 01", "rs1, i:label", "c"),
    row("c.slli", "000 0 rd:5 i:5 10", "rd!0=rw, i:u!0", "c rv32"),
    row("c.slli_64", "000 i[5] rd:5 i[4:0] 10", "rd!0=rw, i:u!0", "c rv64"),
    row("c.lwsp", "010 i[5] rd:5 i[4:2|7:6] 10", "rd!0=w, i:u('sp')", "c"),
    row("c.ldsp", "011 i[5] rd:5 i[4:3|8:6] 10", "rd!0=w, i:u('sp')", "c rv64"),
    row("c.jr", "100 0 rs1:5 00000 10", "rs1!0", "c"),
    row("c.mv", "100 0 rd:5 rs2:5 10", "rd!0=w, rs2!0", "c"),
    row("c.ebreak", "100 1 00000 00000 10", "", "c"),
    row("c.jalr", "100 1 rs1:5 00000 10", "rs1!0", "c"),
    row("c.add", "100 1 rd:5 rs2:5 10", "rd!0=rw, rs2!0", "c"),
    row("c.swsp", "110 i[5:2|7:6] rs2:5 10", "rs2, i:u('sp')", "c"),
    row("c.sdsp", "111 i[5:3|8:6] rs2:5 10", "rs2, i:u('sp')", "c rv64"),
    *(row(f"cm.{name}{'_64' if word == 64 else ''}", f"101 {code} l:6 10", f"l:{kind}{word}",
          f"zcmp rv{word}") for word in (32, 64)
      for code, name, kind in (("11000", "push", "push"), ("11010", "pop", "pop"),
                               ("11100", "popretz", "pop"), ("11110", "popret", "pop"))),
    row("cm.mvsa01", "101 011 r:3 01 s:3 10", "r:sreg=w, s:sreg=w", "zcmp", where="r != s"),
    row("cm.mva01s", "101 011 r:3 11 s:3 10", "r:sreg, s:sreg", "zcmp"),
)


def size_of(first: int) -> int:
    """Bytes of the instruction that starts with this halfword."""
    return 4 if first & 3 == 3 else 2


TABLE: Final = Table("riscv", (*_BASE_ROWS, *_COMPRESSED_ROWS), kinds=KINDS, defaults=DEFAULTS,
                     size_of=size_of, select={2: 0xE003, 4: 0x0000707F},
                     registers={name: ("reg:x", number) for number, name in enumerate(REGISTERS)})
