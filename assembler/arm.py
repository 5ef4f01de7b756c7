"""The ARM instruction set of ARMv6 in user mode, with VFPv2 (ARMv7-A/R manual, A5 and A8).

Features: v6; v6k (exclusive loads and stores of bytes and such, hints); vfp2.  Nearly every
instruction takes a condition, operand c, "always" unless given by name; s=1 sets the flags.
Labels count from the address of the instruction plus 8.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler import coprocessor
from mpy_cross.assembler.arm_kinds import (
    CONDITIONS,
    FIXED_REGISTERS,
    REGISTERS,
    SHARED_KINDS,
    SHIFTS,
    make_bare,
    make_label,
    make_names,
    make_offset,
    make_signed,
)
from mpy_cross.assembler.isa import MakeKind, Row, row
from mpy_cross.assembler.kinds import Choice, Coded, Kind
from mpy_cross.assembler.table import Table
from mpy_cross.assembler.vfp import THUMB_ROWS as VFP_ROWS

__all__ = ["TABLE", "rotated_immediate"]


def rotated_immediate(value: int) -> int:
    """The 12-bit code of a constant: eight bits rotated by an even number; -1 if there is none.

    The smallest rotation is taken.  A value with the rotation above bit 32, as decoding gives when
    the code has another rotation than that, keeps it.
    """
    rotation = value >> 32
    if value < 0 or rotation > 16:
        return -1
    low = value & 0xFFFFFFFF
    for turn in (rotation - 1,) if rotation else range(16):
        number = (low << 2 * turn | low >> (32 - 2 * turn)) & 0xFFFFFFFF
        if number < 256:
            return turn << 8 | number
    return -1


def _expand(code: int) -> int:
    turn, low = code >> 8, code & 255
    value = (low >> 2 * turn | low << (32 - 2 * turn)) & 0xFFFFFFFF
    return value if rotated_immediate(value) == code else value | (turn + 1) << 32


def _immediate_text(value: int) -> str:
    if value >> 32:
        code = rotated_immediate(value)
        return f"#{code & 255}, #{(code >> 8) * 2}"
    return f"#{value:#x}"


def _immediate(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    samples = [0, 1, 255, 256, 0x3FC, 0xFF000000, 0xF000000F, 0xC000003F, 4 | 3 << 32, 9 << 32]
    samples += [number << place for number in (1, 0xFF, 0xA5) for place in range(2, 25, 2)]
    return Coded("imm", "8 bits rotated by an even number", rotated_immediate, _expand,
                 _immediate_text, samples)


def _condition(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    names = dict(enumerate((*CONDITIONS[:14], "")))
    return Choice("cond", names, default=14)


def _flag(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Choice("flag", {0: "", 1: "s"}, default=0)


def _pair(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """An even register and the next one, by the even one."""
    names = {number: f"{REGISTERS[number]}, {REGISTERS[number + 1]}" for number in range(0, 14, 2)}
    return Choice("reg:r", names, excluded=excluded)


def _register_or_flags(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A register, or the condition flags (15)."""
    return Choice("reg:r", dict(enumerate((*REGISTERS[:15], "APSR_nzcv"))))


# The status registers of msr with the fields to write: register above mask.
_STATUS: Final = {which << 4 | mask: f"{name}_" + "".join(
    letter for bit, letter in ((8, "f"), (4, "s"), (2, "x"), (1, "c")) if mask & bit)
    for which, name in ((0, "CPSR"), (1, "SPSR")) for mask in range(1, 16)}

KINDS: Final[dict[str, MakeKind]] = {
    **SHARED_KINDS,
    "acond": _condition,
    "sflag": _flag,
    "armimm": _immediate,
    "pair": _pair,
    "flags": _register_or_flags,
    "sname": make_names("shift name", dict(enumerate(SHIFTS))),
    "branch": make_label(make_signed, 8),
    "literal12": make_label(make_offset, 8),
    "status": make_names("status register", {0: "CPSR", 1: "SPSR"}),
    "fields": make_names("status register", _STATUS),
    "endian": make_names("byte order", {0: "le", 1: "be"}),
    "code": make_bare,
}

DEFAULTS: Final = {
    "c": "acond", "s": "sflag", "d": "rn", "n": "rn", "m": "rn", "t": "rn", "a": "rn", "t2": "rn",
    "dlo": "rn", "dhi": "rn", "i": "u", "w": "u", "o": "u", "q": "u", "sh": "sh", "rot": "rot",
    "u": "sign",
}


def _arm(name: str, pattern: str, syntax: str, features: str = "v6", where: str = "") -> Row:
    """A row with a condition, and with the flag s when the pattern has it."""
    base, dot, suffix = name.partition("_")[0].partition(".")
    flag = "{s}" if "s:1" in pattern.split() else ""
    return row(name, f"c:4 {pattern}", syntax, features, f"{base}{flag}{{c}}{dot}{suffix}", where)


_DATA: Final = (("0000", "and"), ("0001", "eor"), ("0010", "sub"), ("0011", "rsb"),
                ("0100", "add"), ("0101", "adc"), ("0110", "sbc"), ("0111", "rsc"),
                ("1100", "orr"), ("1110", "bic"))
_COMPARE: Final = (("1000", "tst"), ("1001", "teq"), ("1010", "cmp"), ("1011", "cmn"))
_MOVE: Final = (("1101", "mov"), ("1111", "mvn"))

_DATA_ROWS: Final = (
    *(one for code, name in _DATA for one in (
        _arm(f"{name}_imm", f"001 {code} s:1 n:4 d:4 i:12", "d:r=w, n:r, i:armimm"),
        _arm(f"{name}_reg", f"000 {code} s:1 n:4 d:4 sh:7 0 m:4", "d:r=w, n:r, m:r''sh"),
        _arm(f"{name}_rsr", f"000 {code} s:1 n:4 d:4 r:4 0 k:2 1 m:4",
             "d=w, n, m, k:sname r:rn"))),
    *(one for code, name in _COMPARE for one in (
        _arm(f"{name}_imm", f"001 {code} 1 n:4 (0000) i:12", "n:r, i:armimm"),
        _arm(f"{name}_reg", f"000 {code} 1 n:4 (0000) sh:7 0 m:4", "n:r, m:r''sh"),
        _arm(f"{name}_rsr", f"000 {code} 1 n:4 (0000) r:4 0 k:2 1 m:4", "n, m, k:sname r:rn"))),
    *(one for code, name in _MOVE for one in (
        _arm(f"{name}_imm", f"001 {code} s:1 (0000) d:4 i:12", "d:r=w, i:armimm"),
        _arm(f"{name}_reg", f"000 {code} s:1 (0000) d:4 sh:7 0 m:4", "d:r=w, m:r''sh"),
        _arm(f"{name}_rsr", f"000 {code} s:1 (0000) d:4 r:4 0 k:2 1 m:4",
             "d=w, m, k:sname r:rn"))),
)

_HALVES: Final = (("0", "b"), ("1", "t"))
_MULTIPLY_ROWS: Final = (
    _arm("mul", "000 0000 s:1 d:4 (0000) m:4 1001 n:4", "d=w, n, m"),
    _arm("mla", "000 0001 s:1 d:4 a:4 m:4 1001 n:4", "d=w, n, m, a"),
    _arm("umaal", "000 0010 0 dhi:4 dlo:4 m:4 1001 n:4", "dlo=rw, dhi=rw, n, m",
         where="dlo != dhi"),
    *(_arm(name, f"000 {code} s:1 dhi:4 dlo:4 m:4 1001 n:4", f"dlo={how}, dhi={how}, n, m",
           where="dlo != dhi")
      for code, name, how in (("0100", "umull", "w"), ("0101", "umlal", "rw"),
                              ("0110", "smull", "w"), ("0111", "smlal", "rw"))),
    *(one for y, second in _HALVES for one in (
        _arm(f"smlaw{second}", f"000 1001 0 d:4 a:4 m:4 1 {y} 0 0 n:4", "d=w, n, m, a"),
        _arm(f"smulw{second}", f"000 1001 0 d:4 (0000) m:4 1 {y} 1 0 n:4", "d=w, n, m"))),
    *(one for x, first in _HALVES for y, second in _HALVES for one in (
        _arm(f"smla{first}{second}", f"000 1000 0 d:4 a:4 m:4 1 {y} {x} 0 n:4", "d=w, n, m, a"),
        _arm(f"smlal{first}{second}", f"000 1010 0 dhi:4 dlo:4 m:4 1 {y} {x} 0 n:4",
             "dlo=rw, dhi=rw, n, m", where="dlo != dhi"),
        _arm(f"smul{first}{second}", f"000 1011 0 d:4 (0000) m:4 1 {y} {x} 0 n:4",
             "d=w, n, m"))),
    *(_arm(name, f"000 {code} 0 n:4 d:4 (0000) 0101 m:4", "d=w, m, n")
      for code, name in (("1000", "qadd"), ("1001", "qsub"), ("1010", "qdadd"),
                         ("1011", "qdsub"))),
    *(one for x, letter in (("0", ""), ("1", "x")) for one in (
        _arm(f"smlad{letter}", f"011 10000 d:4 a:4 m:4 00{x}1 n:4", "d=w, n, m, a"),
        _arm(f"smuad{letter}", f"011 10000 d:4 1111 m:4 00{x}1 n:4", "d=w, n, m"),
        _arm(f"smlsd{letter}", f"011 10000 d:4 a:4 m:4 01{x}1 n:4", "d=w, n, m, a"),
        _arm(f"smusd{letter}", f"011 10000 d:4 1111 m:4 01{x}1 n:4", "d=w, n, m"),
        _arm(f"smlald{letter}", f"011 10100 dhi:4 dlo:4 m:4 00{x}1 n:4", "dlo=rw, dhi=rw, n, m",
             where="dlo != dhi"),
        _arm(f"smlsld{letter}", f"011 10100 dhi:4 dlo:4 m:4 01{x}1 n:4", "dlo=rw, dhi=rw, n, m",
             where="dlo != dhi"))),
    *(one for r, letter in (("0", ""), ("1", "r")) for one in (
        _arm(f"smmla{letter}", f"011 10101 d:4 a:4 m:4 00{r}1 n:4", "d=w, n, m, a"),
        _arm(f"smmul{letter}", f"011 10101 d:4 1111 m:4 00{r}1 n:4", "d=w, n, m"),
        _arm(f"smmls{letter}", f"011 10101 d:4 a:4 m:4 11{r}1 n:4", "d=w, n, m, a"))),
    _arm("usad8", "011 11000 d:4 1111 m:4 0001 n:4", "d=w, n, m"),
    _arm("usada8", "011 11000 d:4 a:4 m:4 0001 n:4", "d=w, n, m, a"),
)

_PREFIXES: Final = (("001", "s"), ("010", "q"), ("011", "sh"), ("101", "u"), ("110", "uq"),
                    ("111", "uh"))
_PARALLEL: Final = (("000", "add16"), ("001", "asx"), ("010", "sax"), ("011", "sub16"),
                    ("100", "add8"), ("111", "sub8"))
_EXTEND: Final = (("000", "sxtb16", "sxtab16"), ("010", "sxtb", "sxtab"), ("011", "sxth", "sxtah"),
                  ("100", "uxtb16", "uxtab16"), ("110", "uxtb", "uxtab"), ("111", "uxth", "uxtah"))

_MEDIA_ROWS: Final = (
    *(_arm(prefix + name, f"011 00{first} n:4 d:4 (1111) {code} 1 m:4", "d=w, n, m")
      for first, prefix in _PREFIXES for code, name in _PARALLEL),
    _arm("pkhbt", "011 01000 n:4 d:4 i:5 001 m:4", "d=w, n, m''i:lsl"),
    _arm("pkhtb", "011 01000 n:4 d:4 i:5 101 m:4", "d=w, n, m, 'asr' i:n32"),
    _arm("sel", "011 01000 n:4 d:4 (1111) 1011 m:4", "d=w, n, m"),
    _arm("ssat", "011 0101 w:5 d:4 sh[4:0] sh[5] 01 n:4", "d=w, w+1, n''sh:sat"),
    _arm("usat", "011 0111 w:5 d:4 sh[4:0] sh[5] 01 n:4", "d=w, w, n''sh:sat"),
    _arm("ssat16", "011 01010 w:4 d:4 (1111) 0011 n:4", "d=w, w+1, n"),
    _arm("usat16", "011 01110 w:4 d:4 (1111) 0011 n:4", "d=w, w, n"),
    _arm("rev", "011 01011 (1111) d:4 (1111) 0011 m:4", "d=w, m"),
    _arm("rev16", "011 01011 (1111) d:4 (1111) 1011 m:4", "d=w, m"),
    _arm("revsh", "011 01111 (1111) d:4 (1111) 1011 m:4", "d=w, m"),
    *(one for code, plain, add in _EXTEND for one in (
        _arm(plain, f"011 01{code} 1111 d:4 rot:2 (00) 0111 m:4", "d=w, m''rot"),
        _arm(add, f"011 01{code} n:4 d:4 rot:2 (00) 0111 m:4", "d=w, n, m''rot"))),
    _arm("clz", "000 10110 (1111) d:4 (1111) 0001 m:4", "d=w, m"),
)

_WORDS: Final = (("0 0", "str", "r", "r"), ("0 1", "ldr", "r", "w"), ("1 0", "strb", "rn", "r"),
                 ("1 1", "ldrb", "rn", "w"))
# Bit 20, bits 6:5, mnemonic, kind of t, its access.
_HALFWORDS: Final = (("0", "01", "strh", "rn", "r"), ("1", "01", "ldrh", "rn", "w"),
                     ("1", "10", "ldrsb", "rn", "w"), ("1", "11", "ldrsh", "rn", "w"),
                     ("0", "10", "ldrd", "pair", "w"), ("0", "11", "strd", "pair", "r"))


def _word(code: str, name: str, kind: str, access: str) -> tuple[Row, ...]:
    byte, load = code.split()
    t = f"t:{kind}={access}"
    user = f"t:{'r' if name == 'str' else 'rn'}={access}"
    base = "rn" if load == "1" else "r"
    tail = f"{load} n:4 t:4"
    found = [
        _arm(f"{name}_imm", f"010 1 i:1 {byte} 0 {tail} i:12", f"{t}, [n:{base}, i:off]"),
        _arm(f"{name}_pre", f"010 1 i:1 {byte} 1 {tail} i:12", f"{t}, [n=rw, i:off]!",
             where="n != t"),
        _arm(f"{name}_post", f"010 0 i:1 {byte} 0 {tail} i:12", f"{t}, [n=rw], i:off",
             where="n != t"),
        _arm(f"{name}t_imm", f"010 0 i:1 {byte} 1 {tail} i:12", f"{user}, [n=rw], i:off",
             where="n != t"),
        _arm(f"{name}_reg", f"011 1 u:1 {byte} 0 {tail} sh:7 0 m:4", f"{t}, [n:r, u''m''sh]"),
        _arm(f"{name}_regpre", f"011 1 u:1 {byte} 1 {tail} sh:7 0 m:4", f"{t}, [n=rw, u''m''sh]!",
             where="n != t"),
        _arm(f"{name}_regpost", f"011 0 u:1 {byte} 0 {tail} sh:7 0 m:4",
             f"{t}, [n=rw], u''m''sh", where="n != t"),
        _arm(f"{name}t_reg", f"011 0 u:1 {byte} 1 {tail} sh:7 0 m:4",
             f"{user}, [n=rw], u''m''sh", where="n != t"),
    ]
    if load == "1":
        found.append(_arm(f"{name}_lit", f"010 1 i:1 {byte} 0 1 1111 t:4 i:12",
                          f"{t}, i:literal12"))
    return tuple(found)


def _halfword(load: str, code: str, name: str, kind: str, access: str) -> tuple[Row, ...]:
    t = f"t:{kind}={access}"
    base = "rn" if access == "w" else "r"
    wide = " and n != t + 1" if kind == "pair" else ""
    index = " and m != t and m != t + 1" if name == "ldrd" else ""
    found = [
        _arm(f"{name}_imm", f"000 1 i:1 1 0 {load} n:4 t:4 i:4 1 {code} 1 i:4",
             f"{t}, [n:{base}, i:off]"),
        _arm(f"{name}_pre", f"000 1 i:1 1 1 {load} n:4 t:4 i:4 1 {code} 1 i:4",
             f"{t}, [n=rw, i:off]!", where=f"n != t{wide}"),
        _arm(f"{name}_post", f"000 0 i:1 1 0 {load} n:4 t:4 i:4 1 {code} 1 i:4",
             f"{t}, [n=rw], i:off", where=f"n != t{wide}"),
        _arm(f"{name}_reg", f"000 1 u:1 0 0 {load} n:4 t:4 (0000) 1 {code} 1 m:4",
             f"{t}, [n:r, u''m]", where=index[5:]),
        _arm(f"{name}_regpre", f"000 1 u:1 0 1 {load} n:4 t:4 (0000) 1 {code} 1 m:4",
             f"{t}, [n=rw, u''m]!", where=f"n != t{wide}{index}"),
        _arm(f"{name}_regpost", f"000 0 u:1 0 0 {load} n:4 t:4 (0000) 1 {code} 1 m:4",
             f"{t}, [n=rw], u''m", where=f"n != t{wide}{index}"),
    ]
    if access == "w":
        found.append(_arm(f"{name}_lit", f"000 1 i:1 1 0 {load} 1111 t:4 i:4 1 {code} 1 i:4",
                          f"{t}, i:literal12"))
    return tuple(found)


_MEMORY_ROWS: Final = (
    *(one for entry in _WORDS for one in _word(*entry)),
    *(one for entry in _HALFWORDS for one in _halfword(*entry)),
    *(_arm(f"{name}{order}{'_wb' if back == '1' else ''}",
           f"100 {code} 0 {back} {load} n:4 l:16",
           f"n{'=rw!' if back == '1' else ''}, l:list{access}")
      for load, name, access in (("0", "stm", ""), ("1", "ldm", "=w"))
      for code, order in (("00", "da"), ("01", "ia"), ("10", "db"), ("11", "ib"))
      for back in "01"),
    _arm("swp", "000 10000 n:4 t:4 (0000) 1001 t2:4", "t=w, t2, [n]", where="n != t and n != t2"),
    _arm("swpb", "000 10100 n:4 t:4 (0000) 1001 t2:4", "t=w, t2, [n]", where="n != t and n != t2"),
    _arm("ldrex", "000 11001 n:4 t:4 (1111) 1001 (1111)", "t=w, [n]"),
    _arm("strex", "000 11000 n:4 d:4 (1111) 1001 t:4", "d=w, t, [n]", where="d != n and d != t"),
    _arm("ldrexd", "000 11011 n:4 t:4 (1111) 1001 (1111)", "t:pair=w, [n]", "v6 v6k"),
    _arm("strexd", "000 11010 n:4 d:4 (1111) 1001 t:4", "d=w, t:pair, [n]", "v6 v6k",
         where="d != n and d != t and d != t + 1"),
    *(one for code, letter in (("10", "b"), ("11", "h")) for one in (
        _arm(f"ldrex{letter}", f"000 11{code}1 n:4 t:4 (1111) 1001 (1111)", "t=w, [n]", "v6 v6k"),
        _arm(f"strex{letter}", f"000 11{code}0 n:4 d:4 (1111) 1001 t:4", "d=w, t, [n]", "v6 v6k",
             where="d != n and d != t"))),
    row("pld_imm", "1111 0101 i:1 101 n:4 (1111) i:12", "[n:r, i:off]", "v6"),
    row("pld_reg", "1111 0111 u:1 101 n:4 (1111) sh:7 0 m:4", "[n:r, u''m''sh]", "v6"),
    row("clrex", "1111 0101 0111 (1111) (1111) (0000) 0001 (1111)", "", "v6 v6k"),
)

_CONTROL_ROWS: Final = (
    _arm("b", "101 0 i:24", "i:branch*4"),
    _arm("bl", "101 1 i:24", "i:branch*4"),
    row("blx_imm", "1111 101 i[1] i[25:2]", "i:branch", "v6"),
    _arm("bx", "000 10010 (1111) (1111) (1111) 0001 m:4", "m:r"),
    _arm("bxj", "000 10010 (1111) (1111) (1111) 0010 m:4", "m"),
    _arm("blx_reg", "000 10010 (1111) (1111) (1111) 0011 m:4", "m"),
    _arm("svc", "1111 i:24", "i:code"),
    row("bkpt", "1110 00010010 i:12 0111 i:4", "i:code", "v6"),
    row("udf", "1110 01111111 i:12 1111 i:4", "i", "v6"),
    _arm("mrs", "000 10 p:1 00 (1111) d:4 (0000) (0000) (0000)",
         "d=w, p:status"),
    _arm("msr_reg", "000 10 p:1 10 p:4 (1111) (0000) (0000) n:4", "p:fields, n"),
    _arm("msr_imm", "001 10 p:1 10 p:4 (1111) i:12", "p:fields, i:armimm"),
    *(_arm(name, f"001 10010 0000 (1111) (0000) 0000 {code}", "", "v6 v6k")
      for code, name in (("0000", "nop"), ("0001", "yield"), ("0010", "wfe"), ("0011", "wfi"),
                         ("0100", "sev"))),
    row("setend", "1111 00010000 0001 (000000) e:1 (0) 0000 (0000)",
        "e:endian", "v6"),
)

# VFPv2 has these of the Thumb rows: the name before its first dot or underscore.
_VFP2: Final = frozenset((
    "vmla", "vmls", "vnmls", "vnmla", "vmul", "vnmul", "vadd", "vsub", "vdiv", "vmov", "vabs",
    "vneg", "vsqrt", "vcmp", "vcmpe", "vcvt", "vcvtr", "vmsr", "vmrs", "vstr", "vldr", "vstmia",
    "vldmia", "vstmdb", "vldmdb"))


def _vfp2(item: Row) -> bool:
    name = item.name.replace("_", ".").partition(".")[0]
    return name in _VFP2 and not item.name.endswith(("_imm", "_fixed"))


_VFP_ROWS: Final = tuple(
    _arm(item.name, item.pattern[4:], item.syntax, "v6 vfp2", item.where)
    for item in VFP_ROWS if _vfp2(item))

TABLE: Final = Table(
    "arm", (*_DATA_ROWS, *_MULTIPLY_ROWS, *_MEDIA_ROWS, *_MEMORY_ROWS, *_CONTROL_ROWS,
            *_VFP_ROWS, *coprocessor.rows("c:4", "", "v6", "{c}"),
            *coprocessor.rows("1111", "2", "v6")),
    kinds=KINDS, defaults=DEFAULTS, size_of=lambda first: 4, select={4: 0x0FF00090},
    registers=FIXED_REGISTERS)
