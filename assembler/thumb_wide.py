"""The 32-bit Thumb instructions of ARMv7-M and its DSP extension (ARMv7-M manual, A5.3 and A7).

Registers that the manual calls unpredictable are excluded: an operand d, n, m, t or a is neither
sp nor pc unless its row says otherwise.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler import coprocessor
from mpy_cross.assembler.isa import Row, row

# Data processing with d, n and a second operand: opcode, mnemonic, kind of d, kind of n, condition.
_DATA: Final = (
    ("0000", "and{}.w", "g", "g", ""), ("0001", "bic{}.w", "g", "g", ""),
    ("0010", "orr{}.w", "g", "g", ""), ("0011", "orn{}", "g", "g", ""),
    ("0100", "eor{}.w", "g", "g", ""), ("1000", "add{}.w", "rn", "rn", "d != 13 or n == 13"),
    ("1010", "adc{}.w", "g", "g", ""), ("1011", "sbc{}.w", "g", "g", ""),
    ("1101", "sub{}.w", "rn", "rn", "d != 13 or n == 13"), ("1110", "rsb{}.w", "g", "g", ""),
)
# With d, n and m shifted, to sp only by lsl #0..3.
_SHIFTED_SP: Final = "d != 13 or n == 13 and (sh & 3) == 0 and sh < 16"
_COMPARE: Final = (("0000", "tst.w", "g"), ("0100", "teq", "g"), ("1000", "cmn.w", "rn"),
                   ("1101", "cmp.w", "rn"))
_MOVE: Final = (("0010", "mov{}.w"), ("0011", "mvn{}.w"))
_FLAGS: Final = (("0", ""), ("1", "s"))
_SHIFTS: Final = (("00", "lsl{}.w", "i!0"), ("01", "lsr{}.w", "i:n32"), ("10", "asr{}.w", "i:n32"),
                  ("11", "ror{}.w", "i!0"))

_DATA_ROWS: Final = (
    *(row(f"{name.format(flag)}_imm", f"11110 i:1 0 {opcode} {bit} n:4 0 i:3 d:4 i:8",
          f"d:{d}=w, n:{n}, i:mod", "v7m", where=where)
      for opcode, name, d, n, where in _DATA for bit, flag in _FLAGS),
    *(row(f"{name}_imm", f"11110 i:1 0 {opcode} 1 n:4 0 i:3 1111 i:8", f"n:{n}, i:mod", "v7m")
      for opcode, name, n in _COMPARE),
    *(row(f"{name.format(flag)}_imm", f"11110 i:1 0 {opcode} {bit} 1111 0 i:3 d:4 i:8",
          "d=w, i:mod", "v7m") for opcode, name in _MOVE for bit, flag in _FLAGS),

    *(row(f"{name.format(flag)}_reg", f"1110101 {opcode} {bit} n:4 (0) sh:3 d:4 sh:2 sh:2 m:4",
          f"d:{d}=w, n:{n}, m''sh", "v7m", where=where and _SHIFTED_SP)
      for opcode, name, d, n, where in _DATA for bit, flag in _FLAGS),
    *(row(f"{name}_reg", f"1110101 {opcode} 1 n:4 (0) sh:3 1111 sh:2 sh:2 m:4", f"n:{n}, m''sh",
          "v7m") for opcode, name, n in _COMPARE),
    *(row(f"mvn{flag}.w_reg", f"1110101 0011 {bit} 1111 (0) sh:3 d:4 sh:2 sh:2 m:4",
          "d=w, m''sh", "v7m") for bit, flag in _FLAGS),
    row("mov.w_reg", "1110101 0010 0 1111 (0) 000 d:4 00 00 m:4", "d:rn=w, m:rn", "v7m",
        where="d != 13 or m != 13"),
    row("movs.w_reg", "1110101 0010 1 1111 (0) 000 d:4 00 00 m:4", "d=w, m", "v7m"),
    *(row(f"{name.format(flag)}_imm", f"1110101 0010 {bit} 1111 (0) i:3 d:4 i:2 {code} m:4",
          f"d=w, m, {amount}", "v7m")
      for code, name, amount in _SHIFTS for bit, flag in _FLAGS),
    *(row(f"rrx{flag}", f"1110101 0010 {bit} 1111 (0) 000 d:4 00 11 m:4", "d=w, m", "v7m")
      for bit, flag in _FLAGS),
    *(row(f"{name.format(flag)}_reg", f"11111010 0 {code} {bit} n:4 1111 d:4 0000 m:4",
          "d=w, n, m", "v7m")
      for code, name, _ in _SHIFTS for bit, flag in _FLAGS),

    # Plain 12- and 16-bit constants
    row("addw", "11110 i:1 1 0000 0 n:4 0 i:3 d:4 i:8", "d:rn=w, n:rn, i", "v7m",
        where="d != 13 or n == 13"),
    row("subw", "11110 i:1 1 0101 0 n:4 0 i:3 d:4 i:8", "d:rn=w, n:rn, i", "v7m",
        where="d != 13 or n == 13"),
    row("adr.w", "11110 i:1 1 0000 0 1111 0 i:3 d:4 i:8", "d=w, i:literal", "v7m"),
    row("subw_pc", "11110 i:1 1 0101 0 1111 0 i:3 d:4 i:8", "d=w, 'pc', i", "v7m"),
    row("movw", "11110 i[11] 1 0010 0 i[15:12] 0 i[10:8] d:4 i[7:0]", "d=w, i", "v7m"),
    row("movt", "11110 i[11] 1 0110 0 i[15:12] 0 i[10:8] d:4 i[7:0]", "d=rw, i", "v7m"),

    # Saturate, bit fields
    row("ssat", "11110 (0) 1 100 sh:1 0 n:4 0 sh:3 d:4 sh:2 (0) w:5", "d=w, w+1, n''sh:sat!32",
        "v7m"),
    row("usat", "11110 (0) 1 110 sh:1 0 n:4 0 sh:3 d:4 sh:2 (0) w:5", "d=w, w, n''sh:sat!32",
        "v7m"),
    row("ssat16", "11110 (0) 1 1001 0 n:4 0 000 d:4 00 (00) w:4", "d=w, w+1, n", "v7em"),
    row("usat16", "11110 (0) 1 1101 0 n:4 0 000 d:4 00 (00) w:4", "d=w, w, n", "v7em"),
    row("sbfx", "11110 (0) 1 1010 0 n:4 0 i:3 d:4 i:2 (0) w:5", "d=w, n, i, w+1", "v7m",
        where="i + w <= 32"),
    row("ubfx", "11110 (0) 1 1110 0 n:4 0 i:3 d:4 i:2 (0) w:5", "d=w, n, i, w+1", "v7m",
        where="i + w <= 32"),
    row("bfi", "11110 (0) 1 1011 0 n:4 0 f:3 d:4 f:2 (0) f:5", "d=rw, n, f:bf", "v7m"),
    row("bfc", "11110 (0) 1 1011 0 1111 0 f:3 d:4 f:2 (0) f:5", "d=rw, f:bf", "v7m"),

    # Extend, reverse, count
    *(row(f"{name}_rot", f"11111010 0 {code} 1111 1111 d:4 1 (0) rot:2 m:4", "d=w, m''rot", feature)
      for code, name, feature in (
          ("000", "sxth.w", "v7m"), ("001", "uxth.w", "v7m"), ("010", "sxtb16", "v7em"),
          ("011", "uxtb16", "v7em"), ("100", "sxtb.w", "v7m"), ("101", "uxtb.w", "v7m"))),
    *(row(name, f"11111010 0 {code} n:4 1111 d:4 1 (0) rot:2 m:4", "d=w, n, m''rot", "v7em")
      for code, name in (("000", "sxtah"), ("001", "uxtah"), ("010", "sxtab16"),
                         ("011", "uxtab16"), ("100", "sxtab"), ("101", "uxtab"))),
    *(row(name, f"11111010 10 {high} m[3:0] 1111 d:4 10 {low} m[3:0]", "d=w, m", "v7m")
      for high, low, name in (("01", "00", "rev.w"), ("01", "01", "rev16.w"),
                              ("01", "10", "rbit"), ("01", "11", "revsh.w"), ("11", "00", "clz"))),
)

# Multiplies: opcode, last nibble, mnemonic, feature; three operands, and four with an addend.
_MULTIPLY: Final = (
    ("000", "0000", "mul", "v7m"), ("111", "0000", "usad8", "v7em"),
    ("001", "0000", "smulbb", "v7em"), ("001", "0001", "smulbt", "v7em"),
    ("001", "0010", "smultb", "v7em"), ("001", "0011", "smultt", "v7em"),
    ("010", "0000", "smuad", "v7em"), ("010", "0001", "smuadx", "v7em"),
    ("011", "0000", "smulwb", "v7em"), ("011", "0001", "smulwt", "v7em"),
    ("100", "0000", "smusd", "v7em"), ("100", "0001", "smusdx", "v7em"),
    ("101", "0000", "smmul", "v7em"), ("101", "0001", "smmulr", "v7em"),
)
_MULTIPLY_ADD: Final = (
    ("000", "0000", "mla", "v7m"), ("000", "0001", "mls", "v7m"),
    ("111", "0000", "usada8", "v7em"),
    ("001", "0000", "smlabb", "v7em"), ("001", "0001", "smlabt", "v7em"),
    ("001", "0010", "smlatb", "v7em"), ("001", "0011", "smlatt", "v7em"),
    ("010", "0000", "smlad", "v7em"), ("010", "0001", "smladx", "v7em"),
    ("011", "0000", "smlawb", "v7em"), ("011", "0001", "smlawt", "v7em"),
    ("100", "0000", "smlsd", "v7em"), ("100", "0001", "smlsdx", "v7em"),
    ("101", "0000", "smmla", "v7em"), ("101", "0001", "smmlar", "v7em"),
    ("110", "0000", "smmls", "v7em"), ("110", "0001", "smmlsr", "v7em"),
)
_LONG: Final = (
    ("000", "0000", "smull", "w", "v7m"), ("010", "0000", "umull", "w", "v7m"),
    ("100", "0000", "smlal", "rw", "v7m"), ("110", "0000", "umlal", "rw", "v7m"),
    ("110", "0110", "umaal", "rw", "v7em"),
    ("100", "1000", "smlalbb", "rw", "v7em"), ("100", "1001", "smlalbt", "rw", "v7em"),
    ("100", "1010", "smlaltb", "rw", "v7em"), ("100", "1011", "smlaltt", "rw", "v7em"),
    ("100", "1100", "smlald", "rw", "v7em"), ("100", "1101", "smlaldx", "rw", "v7em"),
    ("101", "1100", "smlsld", "rw", "v7em"), ("101", "1101", "smlsldx", "rw", "v7em"),
)
_PARALLEL: Final = (("000", "add8"), ("001", "add16"), ("010", "asx"), ("100", "sub8"),
                    ("101", "sub16"), ("110", "sax"))
_PREFIXES: Final = (("000", "s"), ("001", "q"), ("010", "sh"), ("100", "u"), ("101", "uq"),
                    ("110", "uh"))

_ARITHMETIC_ROWS: Final = (
    *(row(name + (".w" if name == "mul" else ""), f"11111011 0 {code} n:4 1111 d:4 {low} m:4",
          "d=w, n, m", feature) for code, low, name, feature in _MULTIPLY),
    *(row(name, f"11111011 0 {code} n:4 a:4 d:4 {low} m:4", "d=w, n, m, a", feature)
      for code, low, name, feature in _MULTIPLY_ADD),
    *(row(name, f"11111011 1 {code} n:4 dlo:4 dhi:4 {low} m:4",
          f"dlo={access}, dhi={access}, n, m", feature, where="dlo != dhi")
      for code, low, name, access, feature in _LONG),
    row("sdiv", "11111011 1001 n:4 1111 d:4 1111 m:4", "d=w, n, m", "v7m"),
    row("udiv", "11111011 1011 n:4 1111 d:4 1111 m:4", "d=w, n, m", "v7m"),
    *(row(prefix + name, f"11111010 1 {code} n:4 1111 d:4 0 {first} m:4", "d=w, n, m", "v7em")
      for code, name in _PARALLEL for first, prefix in _PREFIXES),
    *(row(name, f"11111010 1000 n:4 1111 d:4 10 {code} m:4", "d=w, m, n", "v7em")
      for code, name in (("00", "qadd"), ("01", "qdadd"), ("10", "qsub"), ("11", "qdsub"))),
    row("sel", "11111010 1010 n:4 1111 d:4 10 00 m:4", "d=w, n, m", "v7em"),
    row("pkhbt", "1110101 0110 0 n:4 (0) i:3 d:4 i:2 00 m:4", "d=w, n, m''i:lsl", "v7em"),
    row("pkhtb", "1110101 0110 0 n:4 (0) i:3 d:4 i:2 10 m:4", "d=w, n, m, 'asr' i:n32", "v7em"),
)

# Loads and stores: code, mnemonic, kind of t, access of t.
_SINGLE: Final = (
    ("0 00 0", "strb", "g", "r"), ("0 01 0", "strh", "g", "r"), ("0 10 0", "str", "rn", "r"),
    ("0 00 1", "ldrb", "g", "w"), ("0 01 1", "ldrh", "g", "w"), ("0 10 1", "ldr", "r", "w"),
    ("1 00 1", "ldrsb", "g", "w"), ("1 01 1", "ldrsh", "g", "w"),
)

def _single(code: str, name: str, kind: str, access: str) -> tuple[Row, ...]:
    sign, size = code[0], code[1:]
    head = f"1111100 {sign}"
    rows = [
        row(f"{name}.w_imm12", f"{head} 1{size} n:4 t:4 i:12", f"t:{kind}={access}, [n:rn, i]",
            "v7m"),
        row(f"{name}.w_neg8", f"{head} 0{size} n:4 t:4 1100 i:8",
            f"t:{kind}={access}, [n:rn, i:neg]", "v7m"),
        row(f"{name}.w_pre", f"{head} 0{size} n:4 t:4 1 1 i:1 1 i:8",
            f"t:{kind}={access}, [n:rn=rw, i:off]!", "v7m", where="n != t"),
        row(f"{name}.w_post", f"{head} 0{size} n:4 t:4 1 0 i:1 1 i:8",
            f"t:{kind}={access}, [n:rn=rw], i:off", "v7m", where="n != t"),
        row(f"{name}.w_reg", f"{head} 0{size} n:4 t:4 0 00000 i:2 m:4",
            f"t:{kind}={access}, [n:rn, m''i:lsl]", "v7m"),
        row(f"{name}t", f"{head} 0{size} n:4 t:4 1110 i:8", f"t={access}, [n:rn, i]", "v7m"),
    ]
    if access == "w":
        rows.append(row(f"{name}.w_lit", f"{head} i:1{size} 1111 t:4 i:12",
                        f"t:{kind}=w, i:literal12", "v7m"))
    return tuple(rows)


_MEMORY_ROWS: Final = (
    *(one for entry in _SINGLE for one in _single(*entry)),
    *(one for sign, name in (("0", "pld"), ("1", "pli")) for one in (
        row(f"{name}_imm12", f"1111100 {sign} 1 00 1 n:4 1111 i:12", "[n:rn, i]", "v7m"),
        row(f"{name}_neg8", f"1111100 {sign} 0 00 1 n:4 1111 1100 i:8", "[n:rn, i:neg]", "v7m"),
        row(f"{name}_reg", f"1111100 {sign} 0 00 1 n:4 1111 0 00000 i:2 m:4",
            "[n:rn, m''i:lsl]", "v7m"),
        row(f"{name}_lit", f"1111100 {sign} i:1 00 1 1111 1111 i:12", "i:literal12", "v7m"))),

    row("strd", "1110100 1 i:1 1 0 0 n:4 t:4 t2:4 i:8", "t, t2, [n:rn, i:off*4]", "v7m"),
    row("strd_pre", "1110100 1 i:1 1 1 0 n:4 t:4 t2:4 i:8", "t, t2, [n:rn=rw, i:off*4]!", "v7m",
        where="n != t and n != t2"),
    row("strd_post", "1110100 0 i:1 1 1 0 n:4 t:4 t2:4 i:8", "t, t2, [n:rn=rw], i:off*4", "v7m",
        where="n != t and n != t2"),
    row("ldrd", "1110100 1 i:1 1 0 1 n:4 t:4 t2:4 i:8", "t=w, t2=w, [n:rn, i:off*4]", "v7m",
        where="t != t2"),
    row("ldrd_pre", "1110100 1 i:1 1 1 1 n:4 t:4 t2:4 i:8", "t=w, t2=w, [n:rn=rw, i:off*4]!",
        "v7m", where="t != t2 and n != t and n != t2"),
    row("ldrd_post", "1110100 0 i:1 1 1 1 n:4 t:4 t2:4 i:8", "t=w, t2=w, [n:rn=rw], i:off*4",
        "v7m", where="t != t2 and n != t and n != t2"),
    row("ldrd_lit", "1110100 1 i:1 1 0 1 1111 t:4 t2:4 i:8", "t=w, t2=w, i:literal12*4", "v7m",
        where="t != t2"),

    row("stmia.w", "1110100 01 0 0 0 n:4 l:16", "n:rn, l:list!13!15", "v7m",
        where="l & (l - 1)"),
    row("stmia.w_wb", "1110100 01 0 1 0 n:4 l:16", "n:rn=rw!, l:list!13!15", "v7m",
        where="l & (l - 1) and not l >> n & 1"),
    row("stmdb", "1110100 10 0 0 0 n:4 l:16", "n:rn, l:list!13!15", "v7m", where="l & (l - 1)"),
    row("stmdb_wb", "1110100 10 0 1 0 n:4 l:16", "n:rn=rw!, l:list!13!15", "v7m",
        where="l & (l - 1) and not l >> n & 1"),
    row("ldmia.w", "1110100 01 0 0 1 n:4 l:16", "n:rn, l:list!13=w", "v7m",
        where="l & (l - 1) and l < 0xC000"),
    row("ldmia.w_wb", "1110100 01 0 1 1 n:4 l:16", "n:rn=rw!, l:list!13=w", "v7m",
        where="l & (l - 1) and l < 0xC000 and not l >> n & 1"),
    row("ldmdb", "1110100 10 0 0 1 n:4 l:16", "n:rn, l:list!13=w", "v7m",
        where="l & (l - 1) and l < 0xC000"),
    row("ldmdb_wb", "1110100 10 0 1 1 n:4 l:16", "n:rn=rw!, l:list!13=w", "v7m",
        where="l & (l - 1) and l < 0xC000 and not l >> n & 1"),

    row("strex", "1110100 0010 0 n:4 t:4 d:4 i:8", "d=w, t, [n:rn, i*4]", "v7m",
        where="d != n and d != t"),
    row("ldrex", "1110100 0010 1 n:4 t:4 (1111) i:8", "t=w, [n:rn, i*4]", "v7m"),
    row("strexb", "1110100 0110 0 n:4 t:4 (1111) 0100 d:4", "d=w, t, [n:rn]", "v7m",
        where="d != n and d != t"),
    row("strexh", "1110100 0110 0 n:4 t:4 (1111) 0101 d:4", "d=w, t, [n:rn]", "v7m",
        where="d != n and d != t"),
    row("ldrexb", "1110100 0110 1 n:4 t:4 (1111) 0100 (1111)", "t=w, [n:rn]", "v7m"),
    row("ldrexh", "1110100 0110 1 n:4 t:4 (1111) 0101 (1111)", "t=w, [n:rn]", "v7m"),
    row("tbb", "1110100 0110 1 n:4 (1111) (0000) 0000 m:4", "[n:r!13, m]", "v7m"),
    row("tbh", "1110100 0110 1 n:4 (1111) (0000) 0001 m:4", "[n:r!13, m, 'lsl' #1]", "v7m"),
)

_CONTROL_ROWS: Final = (
    row("b.w_cond", "11110 i[20] c:4 i[17:12] 10 i[18] 0 i[19] i[11:1]", "i:branch", "v7m",
        "b{c:cond!14}.w"),
    row("b.w", "11110 i:11 10 i:1 1 i:1 i:11", "i:branch24", "v7m"),
    row("bl", "11110 i:11 11 i:1 1 i:1 i:11", "i:branch24", "v6m"),
    row("msr", "11110 0 1110 0 (0) n:4 10 (0) 0 s:2 (00) s:8", "s:msr, n", "v6m"),
    row("msr_dsp", "11110 0 1110 0 (0) n:4 10 (0) 0 s:2 (00) s:8", "s:msrdsp, n", "v7em"),
    row("mrs", "11110 0 1111 1 (0) (1111) 10 (0) 0 d:4 s:8", "d=w, s:sysreg", "v6m"),
    *(row(f"{name}.w", f"11110 0 1110 10 (1111) 10 (0) 0 (0) 000 {code}", "", "v7m")
      for code, name in (("0000 0000", "nop"), ("0000 0001", "yield"), ("0000 0010", "wfe"),
                         ("0000 0011", "wfi"), ("0000 0100", "sev"))),
    row("dbg", "11110 0 1110 10 (1111) 10 (0) 0 (0) 000 1111 i:4", "i", "v7m"),
    row("clrex", "11110 0 1110 11 (1111) 10 (0) 0 (1111) 0010 (1111)", "", "v7m"),
    row("dsb", "11110 0 1110 11 (1111) 10 (0) 0 (1111) 0100 o:4", "o:barrier", "v6m"),
    row("dmb", "11110 0 1110 11 (1111) 10 (0) 0 (1111) 0101 o:4", "o:barrier", "v6m"),
    row("isb", "11110 0 1110 11 (1111) 10 (0) 0 (1111) 0110 o:4", "o:isb", "v6m"),
    row("udf.w", "11110 1111111 i:4 1010 i:12", "i", "v6m"),
)

ROWS: Final[tuple[Row, ...]] = (*_DATA_ROWS, *_ARITHMETIC_ROWS, *_MEMORY_ROWS, *_CONTROL_ROWS,
                                *coprocessor.rows("1110", "", "v7m"),
                                *coprocessor.rows("1111", "2", "v7m"))
