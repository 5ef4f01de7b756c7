"""The Xtensa instruction set: the call0 core of the LX106 and the windowed LX6 with its options.

(Xtensa ISA reference manual, chapters 4, 6 and 7; fields in the order of its diagrams for
little-endian cores, op2 op1 r s t op0.)

Features: core, density, exception, debug, interrupt, mul16, mul32, mulhigh, div, nsa, sext,
minmax, clamps, loop, window, bool, mac16, float, sync (l32ai, s32ri), s32c1i, tlb,
extern (rer, wer), user (rur, wur), double (the LX6's steps of double-precision arithmetic), ocd
(the on-chip debugger's own), state (the LX6's external wires), buffered (s32nb).
The LX6's list is that of the ESP32's configuration of GNU binutils; neither core has the
instructions for a cache.
Labels count from the address plus 4, but for l32r (address plus 3, rounded down to a multiple of
4) and the calls (address rounded down, plus 4).
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.isa import MakeKind, Row, row
from mpy_cross.assembler.kinds import Choice, Coded, Kind, Label, Number, Register
from mpy_cross.assembler.table import Table
from mpy_cross.assembler.xtensa_registers import (
    SPECIAL_EXCHANGE,
    SPECIAL_READ,
    SPECIAL_WRITE,
    USER,
)

B4CONST: Final = (-1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256)
B4CONSTU: Final = (32768, 65536, *B4CONST[2:])

_ADDRESS: Final = tuple(f"a{number}" for number in range(16))
_FLOAT: Final = tuple(f"f{number}" for number in range(16))
_BOOL: Final = tuple(f"b{number}" for number in range(16))
_MAC: Final = tuple(f"m{number}" for number in range(4))


def _file(file: str, names: tuple[str, ...], first: int = 0) -> MakeKind:
    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        return Register(file, names, bits, first=first, excluded=excluded)

    return make


def _unsigned(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Number(bits, scale=scale, bias=bias, excluded=excluded)


def _signed(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Number(bits, signed=True, scale=scale, bias=bias, excluded=excluded)


def _constants(values: tuple[int, ...]) -> MakeKind:
    """One of sixteen constants, stored as its place in the list."""
    places = {value: place for place, value in enumerate(values)}

    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        return Coded("imm", "one of " + ", ".join(map(str, values)),
                     lambda value: places.get(value, -1), lambda field: values[field], str,
                     list(values))

    return make


def _slli(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A shift to the left by 1 to 31, stored as 32 minus it."""
    return Coded("imm", "1..31", lambda value: 32 - value if 1 <= value <= 31 else -1,
                 lambda field: 32 - field if field else None, str, list(range(1, 32)))


def _movi_n(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """-32 to 95 in seven bits."""
    return Coded("imm", "-32..95", lambda value: value & 127 if -32 <= value <= 95 else -1,
                 lambda field: field - 128 if field >= 96 else field, str, list(range(-32, 96)))


def _addi_n(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """-1 or 1 to 15; -1 is stored as 0."""
    return Coded("imm", "-1, 1..15",
                 lambda value: 0 if value == -1 else value if 1 <= value <= 15 else -1,
                 lambda field: field or -1, str, [-1, *range(1, 16)])


def _label(signed: bool, base: int = 4) -> MakeKind:
    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        return Label(Number(bits, signed=signed, scale=scale), lambda address: address + base)

    return make


def _call_label(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Label(Number(bits, signed=True, scale=4), lambda address: (address & -4) + 4)


def _literal_label(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Label(Number(bits, scale=4, bias=-4 << bits), lambda address: (address + 3) & -4)


def _names(form: str, names: dict[int, str]) -> MakeKind:
    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        return Choice(form, names, excluded=excluded)

    return make


KINDS: Final[dict[str, MakeKind]] = {
    "ar": _file("a", _ADDRESS),
    "fr": _file("f", _FLOAT),
    "br": _file("b", _BOOL),
    "mr": _file("m", _MAC),
    "mhigh": _file("m", _MAC, 2),
    "b4": _names("reg:b", {0: "b0", 4: "b4", 8: "b8", 12: "b12"}),
    "b8": _names("reg:b", {0: "b0", 8: "b8"}),
    "u": _unsigned,
    "s": _signed,
    "b4const": _constants(B4CONST),
    "b4constu": _constants(B4CONSTU),
    "slli": _slli,
    "movi_n": _movi_n,
    "addi_n": _addi_n,
    "label": _label(True),
    "forward": _label(False),
    "call": _call_label,
    "literal": _literal_label,
    "special": _names("special register", SPECIAL_READ),
    "specialw": _names("special register", SPECIAL_WRITE),
    "specialx": _names("special register", SPECIAL_EXCHANGE),
    "user": _names("user register", USER),
}

DEFAULTS: Final = {"r": "ar", "s": "ar", "t": "ar", "i": "u", "w": "u"}


def _rrr(op2: str, op1: str, name: str, operands: str, feature: str) -> Row:
    """A row of the commonest format."""
    return row(name, f"{op2} {op1} r:4 s:4 t:4 0000", operands, feature)


_THREE: Final = (  # op2, op1, mnemonic, feature: r = s op t
    ("0001", "0000", "and", "core"), ("0010", "0000", "or", "core"),
    ("0011", "0000", "xor", "core"), ("1000", "0000", "add", "core"),
    ("1001", "0000", "addx2", "core"), ("1010", "0000", "addx4", "core"),
    ("1011", "0000", "addx8", "core"), ("1100", "0000", "sub", "core"),
    ("1101", "0000", "subx2", "core"), ("1110", "0000", "subx4", "core"),
    ("1111", "0000", "subx8", "core"), ("1000", "0001", "src", "core"),
    ("1100", "0001", "mul16u", "mul16"), ("1101", "0001", "mul16s", "mul16"),
    ("1000", "0010", "mull", "mul32"), ("1010", "0010", "muluh", "mulhigh"),
    ("1011", "0010", "mulsh", "mulhigh"), ("1100", "0010", "quou", "div"),
    ("1101", "0010", "quos", "div"), ("1110", "0010", "remu", "div"),
    ("1111", "0010", "rems", "div"), ("0100", "0011", "min", "minmax"),
    ("0101", "0011", "max", "minmax"), ("0110", "0011", "minu", "minmax"),
    ("0111", "0011", "maxu", "minmax"),
)
_MOVE_IF: Final = (("1000", "moveqz"), ("1001", "movnez"), ("1010", "movltz"), ("1011", "movgez"))
_BOOLEAN: Final = (("0000", "andb"), ("0001", "andbc"), ("0010", "orb"), ("0011", "orbc"),
                   ("0100", "xorb"))
_SYNC: Final = (("0000", "isync"), ("0001", "rsync"), ("0010", "esync"), ("0011", "dsync"),
                ("1000", "excw"), ("1100", "memw"), ("1101", "extw"), ("1111", "nop"))
_RETURNS: Final = (("0000", "rfe", "exception"), ("0010", "rfde", "exception"),
                   ("0100", "rfwo", "window"), ("0101", "rfwu", "window"))
_TLB: Final = (("0011", "ritlb0", "t=w, s"), ("0101", "pitlb", "t=w, s"),
               ("0110", "witlb", "t, s"), ("0111", "ritlb1", "t=w, s"),
               ("1011", "rdtlb0", "t=w, s"), ("1101", "pdtlb", "t=w, s"),
               ("1110", "wdtlb", "t, s"), ("1111", "rdtlb1", "t=w, s"))

_ARITHMETIC_ROWS: Final = (
    *(_rrr(op2, op1, name, "r=w, s, t", feature) for op2, op1, name, feature in _THREE),
    *(_rrr(op2, "0011", name, "r=rw, s, t", "core") for op2, name in _MOVE_IF),
    row("neg", "0110 0000 r:4 0000 t:4 0000", "r=w, t", "core"),
    row("abs", "0110 0000 r:4 0001 t:4 0000", "r=w, t", "core"),
    row("slli", "000 i[4] 0001 r:4 s:4 i[3:0] 0000", "r=w, s, i:slli", "core"),
    row("srai", "001 i[4] 0001 r:4 i[3:0] t:4 0000", "r=w, t, i", "core"),
    row("srli", "0100 0001 r:4 i:4 t:4 0000", "r=w, t, i", "core"),
    row("srl", "1001 0001 r:4 0000 t:4 0000", "r=w, t", "core"),
    row("sll", "1010 0001 r:4 s:4 0000 0000", "r=w, s", "core"),
    row("sra", "1011 0001 r:4 0000 t:4 0000", "r=w, t", "core"),
    row("extui", "w:4 010 i[4] r:4 i[3:0] t:4 0000", "r=w, t, i, w+1", "core",
        where="i + w <= 32"),
    row("sext", "0010 0011 r:4 s:4 i:4 0000", "r=w, s, i+7", "sext"),
    row("clamps", "0011 0011 r:4 s:4 i:4 0000", "r=w, s, i+7", "clamps"),
    row("nsa", "0100 0000 1110 s:4 t:4 0000", "t=w, s", "nsa"),
    row("nsau", "0100 0000 1111 s:4 t:4 0000", "t=w, s", "nsa"),
    row("ssr", "0100 0000 0000 s:4 0000 0000", "s", "core"),
    row("ssl", "0100 0000 0001 s:4 0000 0000", "s", "core"),
    row("ssa8l", "0100 0000 0010 s:4 0000 0000", "s", "core"),
    row("ssa8b", "0100 0000 0011 s:4 0000 0000", "s", "core"),
    row("ssai", "0100 0000 0100 i[3:0] 000 i[4] 0000", "i", "core"),
    row("movi", "i[7:0] 1010 i[11:8] t:4 0010", "t=w, i:s", "core"),
    row("addi", "i:8 1100 s:4 t:4 0010", "t=w, s, i:s", "core"),
    row("addmi", "i:8 1101 s:4 t:4 0010", "t=w, s, i:s*256", "core"),
)

_DENSITY_ROWS: Final = (
    row("l32i.n", "i:4 s:4 t:4 1000", "t=w, s, i*4", "density"),
    row("s32i.n", "i:4 s:4 t:4 1001", "t, s, i*4", "density"),
    row("add.n", "r:4 s:4 t:4 1010", "r=w, s, t", "density"),
    row("addi.n", "r:4 s:4 i:4 1011", "r=w, s, i:addi_n", "density"),
    row("movi.n", "i[3:0] s:4 0 i[6:4] 1100", "s=w, i:movi_n", "density"),
    row("beqz.n", "i[3:0] s:4 10 i[5:4] 1100", "s, i:forward", "density"),
    row("bnez.n", "i[3:0] s:4 11 i[5:4] 1100", "s, i:forward", "density"),
    row("mov.n", "0000 s:4 t:4 1101", "t=w, s", "density"),
    row("ret.n", "1111 0000 0000 1101", "", "density"),
    row("retw.n", "1111 0000 0001 1101", "", "density window"),
    row("break.n", "1111 i:4 0010 1101", "i", "density debug"),
    row("nop.n", "1111 0000 0011 1101", "", "density"),
    row("ill.n", "1111 0000 0110 1101", "", "density exception"),
)

_MEMORY_ROWS: Final = (
    row("l32r", "i:16 t:4 0001", "t=w, i:literal", "core"),
    *(row(name, f"i:8 {r} s:4 t:4 0010", f"t={access}, s, i*{scale}", feature)
      for r, name, access, scale, feature in (
          ("0000", "l8ui", "w", 1, "core"), ("0001", "l16ui", "w", 2, "core"),
          ("0010", "l32i", "w", 4, "core"), ("0100", "s8i", "r", 1, "core"),
          ("0101", "s16i", "r", 2, "core"), ("0110", "s32i", "r", 4, "core"),
          ("1001", "l16si", "w", 2, "core"), ("1011", "l32ai", "w", 4, "sync"),
          ("1110", "s32c1i", "rw", 4, "s32c1i"), ("1111", "s32ri", "r", 4, "sync"))),
    row("l32e", "0000 1001 i:4 s:4 t:4 0000", "t=w, s, i*4-64", "window"),
    row("s32e", "0100 1001 i:4 s:4 t:4 0000", "t, s, i*4-64", "window"),
    row("s32nb", "0101 1001 i:4 s:4 t:4 0000", "t, s, i*4", "buffered"),
)

_BRANCH: Final = (("0000", "bnone"), ("0001", "beq"), ("0010", "blt"), ("0011", "bltu"),
                  ("0100", "ball"), ("0101", "bbc"), ("1000", "bany"), ("1001", "bne"),
                  ("1010", "bge"), ("1011", "bgeu"), ("1100", "bnall"), ("1101", "bbs"))

_BRANCH_ROWS: Final = (
    *(row(name, f"i:8 {r} s:4 t:4 0111", "s, t, i:label", "core") for r, name in _BRANCH),
    row("bbci", "i:8 011 b[4] s:4 b[3:0] 0111", "s, b:u, i:label", "core"),
    row("bbsi", "i:8 111 b[4] s:4 b[3:0] 0111", "s, b:u, i:label", "core"),
    *(row(name, f"i:12 s:4 {m} 01 0110", "s, i:label", "core")
      for m, name in (("00", "beqz"), ("01", "bnez"), ("10", "bltz"), ("11", "bgez"))),
    *(row(name, f"i:8 k:4 s:4 {m} 10 0110", "s, k:b4const, i:label", "core")
      for m, name in (("00", "beqi"), ("01", "bnei"), ("10", "blti"), ("11", "bgei"))),
    *(row(name, f"i:8 k:4 s:4 {m} 11 0110", "s, k:b4constu, i:label", "core")
      for m, name in (("10", "bltui"), ("11", "bgeui"))),
    row("bf", "i:8 0000 b:4 01 11 0110", "b:br, i:label", "bool"),
    row("bt", "i:8 0001 b:4 01 11 0110", "b:br, i:label", "bool"),
    row("loop", "i:8 1000 s:4 01 11 0110", "s, i:forward", "loop"),
    row("loopnez", "i:8 1001 s:4 01 11 0110", "s, i:forward", "loop"),
    row("loopgtz", "i:8 1010 s:4 01 11 0110", "s, i:forward", "loop"),
    row("j", "i:18 00 0110", "i:label", "core"),
    row("jx", "0000 0000 0000 s:4 10 10 0000", "s", "core"),
    row("ret", "0000 0000 0000 0000 10 00 0000", "", "core"),
    row("retw", "0000 0000 0000 0000 10 01 0000", "", "window"),
    *(row(f"call{count}", f"i:18 {n} 0101", "i:call", feature)
      for n, count, feature in (("00", 0, "core"), ("01", 4, "window"), ("10", 8, "window"),
                                ("11", 12, "window"))),
    *(row(f"callx{count}", f"0000 0000 0000 s:4 11 {n} 0000", "s", feature)
      for n, count, feature in (("00", 0, "core"), ("01", 4, "window"), ("10", 8, "window"),
                                ("11", 12, "window"))),
    row("entry", "i:12 s:4 00 11 0110", "s, i*8", "window"),
    row("movsp", "0000 0000 0001 s:4 t:4 0000", "t=w, s", "window"),
    row("rotw", "0100 0000 1000 0000 i:4 0000", "i:s", "window"),
)

_SYSTEM_ROWS: Final = (
    row("ill", "0000 0000 0000 0000 0000 0000", "", "exception"),
    *(row(name, f"0000 0000 0010 0000 {t} 0000", "", "core") for t, name in _SYNC),
    *(row(name, f"0000 0000 0011 {s} 0000 0000", "", feature) for s, name, feature in _RETURNS),
    row("rfi", "0000 0000 0011 i:4 0001 0000", "i", "interrupt"),
    row("rfdo", "1111 0001 1110 i:4 0000 0000", "i", "debug"),
    row("rfdd", "1111 0001 1110 0000 0001 0000", "", "debug"),
    row("lddr32.p", "0000 0000 0111 s:4 1110 0000", "s=rw", "ocd"),
    row("sddr32.p", "0000 0000 0111 s:4 1111 0000", "s=rw", "ocd"),
    row("break", "0000 0000 0100 i:4 k:4 0000", "i, k:u", "debug"),
    row("syscall", "0000 0000 0101 0000 0000 0000", "", "exception"),
    row("simcall", "0000 0000 0101 0001 0000 0000", "", "core"),
    row("rsil", "0000 0000 0110 i:4 t:4 0000", "t=w, i", "interrupt"),
    row("waiti", "0000 0000 0111 i:4 0000 0000", "i", "interrupt"),
    row("rsr", "0000 0011 x:8 t:4 0000", "t=w", "core", "rsr.{x:special}"),
    row("wsr", "0001 0011 x:8 t:4 0000", "t", "core", "wsr.{x:specialw}"),
    row("xsr", "0110 0001 x:8 t:4 0000", "t=rw", "core", "xsr.{x:specialx}"),
    row("rur", "1110 0011 r:4 x:8 0000", "r=w", "user", "rur.{x:user}"),
    row("wur", "1111 0011 x:8 t:4 0000", "t", "user", "wur.{x:user}"),
    row("rer", "0100 0000 0110 s:4 t:4 0000", "t=w, s", "extern"),
    row("wer", "0100 0000 0111 s:4 t:4 0000", "t, s", "extern"),
    *(row(name, f"0101 0000 {r} s:4 t:4 0000", operands, "tlb") for r, name, operands in _TLB),
    row("iitlb", "0101 0000 0100 s:4 0000 0000", "s", "tlb"),
    row("idtlb", "0101 0000 1100 s:4 0000 0000", "s", "tlb"),
)

_BOOLEAN_ROWS: Final = (
    *(row(name, f"{op2} 0010 r:4 s:4 t:4 0000", "r:br=w, s:br, t:br", "bool")
      for op2, name in _BOOLEAN),
    row("any4", "0000 0000 1000 s:4 t:4 0000", "t:br=w, s:b4", "bool"),
    row("all4", "0000 0000 1001 s:4 t:4 0000", "t:br=w, s:b4", "bool"),
    row("any8", "0000 0000 1010 s:4 t:4 0000", "t:br=w, s:b8", "bool"),
    row("all8", "0000 0000 1011 s:4 t:4 0000", "t:br=w, s:b8", "bool"),
    row("movf", "1100 0011 r:4 s:4 t:4 0000", "r=rw, s, t:br", "bool"),
    row("movt", "1101 0011 r:4 s:4 t:4 0000", "r=rw, s, t:br", "bool"),
)

_FLOAT_ROWS: Final = (
    *(row(f"{name}.s", f"{op2} 1010 r:4 s:4 t:4 0000", f"r:fr={access}, s:fr, t:fr", "float")
      for op2, name, access in (("0000", "add", "w"), ("0001", "sub", "w"), ("0010", "mul", "w"),
                                ("0100", "madd", "rw"), ("0101", "msub", "rw"),
                                ("0110", "maddn", "rw"), ("0111", "divn", "rw"))),
    *(row(f"{name}.s", f"{op2} 1010 r:4 s:4 i:4 0000", "r=w, s:fr, i", "float")
      for op2, name in (("1000", "round"), ("1001", "trunc"), ("1010", "floor"),
                        ("1011", "ceil"), ("1110", "utrunc"))),
    row("float.s", "1100 1010 r:4 s:4 i:4 0000", "r:fr=w, s, i", "float"),
    row("ufloat.s", "1101 1010 r:4 s:4 i:4 0000", "r:fr=w, s, i", "float"),
    *(row(f"{name}.s", f"1111 1010 r:4 s:4 {t} 0000", f"r:fr={access}, s:fr", "float")
      for t, name, access in (("0000", "mov", "w"), ("0001", "abs", "w"), ("0110", "neg", "w"),
                              ("0111", "div0", "w"), ("1000", "recip0", "w"),
                              ("1001", "sqrt0", "w"), ("1010", "rsqrt0", "w"),
                              ("1011", "nexp01", "w"), ("1100", "mksadj", "w"),
                              ("1101", "mkdadj", "rw"), ("1110", "addexp", "rw"),
                              ("1111", "addexpm", "rw"))),
    row("const.s", "1111 1010 r:4 i:4 0011 0000", "r:fr=w, i", "float"),
    row("rfr", "1111 1010 r:4 s:4 0100 0000", "r=w, s:fr", "float"),
    row("wfr", "1111 1010 r:4 s:4 0101 0000", "r:fr=w, s", "float"),
    *(row(f"{name}.s", f"{op2} 1011 r:4 s:4 t:4 0000", "r:br=w, s:fr, t:fr", "float")
      for op2, name in (("0001", "un"), ("0010", "oeq"), ("0011", "ueq"), ("0100", "olt"),
                        ("0101", "ult"), ("0110", "ole"), ("0111", "ule"))),
    *(row(f"{name}.s", f"{op2} 1011 r:4 s:4 t:4 0000", "r:fr=rw, s:fr, t", "float")
      for op2, name in _MOVE_IF),
    row("movf.s", "1100 1011 r:4 s:4 t:4 0000", "r:fr=rw, s:fr, t:br", "float"),
    row("movt.s", "1101 1011 r:4 s:4 t:4 0000", "r:fr=rw, s:fr, t:br", "float"),
    row("lsi", "i:8 0000 s:4 t:4 0011", "t:fr=w, s, i*4", "float"),
    row("ssi", "i:8 0100 s:4 t:4 0011", "t:fr, s, i*4", "float"),
    row("lsip", "i:8 1000 s:4 t:4 0011", "t:fr=w, s=rw, i*4", "float"),
    row("ssip", "i:8 1100 s:4 t:4 0011", "t:fr, s=rw, i*4", "float"),
    row("lsx", "0000 1000 r:4 s:4 t:4 0000", "r:fr=w, s, t", "float"),
    row("lsxp", "0001 1000 r:4 s:4 t:4 0000", "r:fr=w, s=rw, t", "float"),
    row("ssx", "0100 1000 r:4 s:4 t:4 0000", "r:fr, s, t", "float"),
    row("ssxp", "0101 1000 r:4 s:4 t:4 0000", "r:fr, s=rw, t", "float"),
)

# The steps from which the LX6's library builds double-precision arithmetic, and its wires.
_DOUBLE_ROWS: Final = (
    row("f64iter", "1 j:1 i:2 1110 r:4 s:4 t:4 0000", "r=rw, s, t, i, j:u", "double"),
    row("f64rnd", "01 i:2 1110 r:4 s:4 t:4 0000", "r=w, s, t, i", "double"),
    row("f64norm", "001 i:1 1110 r:4 s:4 t:4 0000", "r=w, s, t, i", "double"),
    row("f64sexp", "0001 1110 r:4 s:4 t:4 0000", "r=w, s, t", "double"),
    row("f64cmpl", "1110 1011 r:4 s:4 t:4 0000", "r=w, s, t", "double"),
    row("f64cmph", "i:4 1111 r:4 s:4 t:4 0000", "r=w, s, t, i", "double"),
    row("f64addc", "1111 1011 0 i:2 j:1 s:4 t:4 0000", "t=rw, s, i, j:u", "double"),
    row("f64subc", "1111 1011 1 i:2 j:1 s:4 t:4 0000", "t=rw, s, i, j:u", "double"),
    row("f64sig", "0000 1110 1101 s:4 t:4 0000", "t=w, s", "double"),
    row("rf64r", "0000 1011 1100 111 i:1 t:4 0000", "t=w, i", "double"),
    row("wf64r", "0000 1011 111 i:1 s:4 t:4 0000", "s, t, i", "double"),
    row("read_impwire", "0000 1110 0000 0000 t:4 0000", "t=w", "state", "read_impwire"),
    row("setb_expstate", "0000 1110 0001 000 i:5 0000", "i", "state", "setb_expstate"),
    row("clrb_expstate", "0000 1110 0001 001 i:5 0000", "i", "state", "clrb_expstate"),
    row("wrmsk_expstate", "0000 1110 0010 s:4 t:4 0000", "t, s", "state", "wrmsk_expstate"),
)

_HALVES: Final = (("00", "ll"), ("01", "hl"), ("10", "lh"), ("11", "hh"))
_MAC_OPS: Final = (("01", "mul"), ("10", "mula"), ("11", "muls"))
_MAC_ROWS: Final = (
    *(row(f"umul.aa.{half}", f"0111 00{bits} 0000 s:4 t:4 0100", "s, t", "mac16")
      for bits, half in _HALVES),
    *(one for op, name in _MAC_OPS for bits, half in _HALVES for one in (
        row(f"{name}.aa.{half}", f"0111 {op}{bits} 0000 s:4 t:4 0100", "s, t", "mac16"),
        row(f"{name}.ad.{half}", f"0011 {op}{bits} 0000 s:4 0 y:1 00 0100", "s, y:mhigh", "mac16"),
        row(f"{name}.da.{half}", f"0110 {op}{bits} 0 x:1 00 0000 t:4 0100", "x:mr, t", "mac16"),
        row(f"{name}.dd.{half}", f"0010 {op}{bits} 0 x:1 00 0000 0 y:1 00 0100", "x:mr, y:mhigh",
            "mac16"))),
    *(one for bits, half in _HALVES for way, da, dd in (("ldinc", "0100", "0000"),
                                                        ("lddec", "0101", "0001")) for one in (
        row(f"mula.da.{half}.{way}", f"{da} 10{bits} 0 x:1 w:2 s:4 t:4 0100",
            "w:mr=w, s=rw, x:mr, t", "mac16"),
        row(f"mula.dd.{half}.{way}", f"{dd} 10{bits} 0 x:1 w:2 s:4 0 y:1 00 0100",
            "w:mr=w, s=rw, x:mr, y:mhigh", "mac16"))),
    row("ldinc", "1000 0000 00 w:2 s:4 0000 0100", "w:mr=w, s=rw", "mac16"),
    row("lddec", "1001 0000 00 w:2 s:4 0000 0100", "w:mr=w, s=rw", "mac16"),
)


def size_of(first: int) -> int:
    """Bytes of the instruction that starts with these bytes."""
    return 2 if first & 8 else 3


TABLE: Final = Table(
    "xtensa", (*_ARITHMETIC_ROWS, *_DENSITY_ROWS, *_MEMORY_ROWS, *_BRANCH_ROWS, *_SYSTEM_ROWS,
               *_BOOLEAN_ROWS, *_FLOAT_ROWS, *_DOUBLE_ROWS, *_MAC_ROWS),
    kinds=KINDS, defaults=DEFAULTS, size_of=size_of, select={2: 0xF00F, 3: 0xFF000F})
