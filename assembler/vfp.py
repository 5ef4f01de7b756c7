"""The floating-point instructions of VFPv4 and FPv5, with 16 double registers, in Thumb encoding.

(ARMv7-M manual, A6.)  The same words with a condition in their upper four bits are the ARM ones.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.isa import Row, row

# A precision: size bit, suffix, register kind, feature.
_SINGLE: Final = ("0", "f32", "sreg", "fpsp")
_DOUBLE: Final = ("1", "f64", "dreg", "fpdp")


def _bits(name: str, size: str) -> tuple[str, str]:
    """The register's lone bit and its four others."""
    return (f"{name}[0]", f"{name}[4:1]") if size == "0" else ("(0)", f"{name}:4")


# d, n, m: bit 23, bits 21:20, bit 6, mnemonic, access of d.
_THREE: Final = (
    ("0", "00", "0", "vmla", "rw"), ("0", "00", "1", "vmls", "rw"),
    ("0", "01", "0", "vnmls", "rw"), ("0", "01", "1", "vnmla", "rw"),
    ("0", "10", "0", "vmul", "w"), ("0", "10", "1", "vnmul", "w"),
    ("0", "11", "0", "vadd", "w"), ("0", "11", "1", "vsub", "w"),
    ("1", "00", "0", "vdiv", "w"), ("1", "01", "0", "vfnms", "rw"),
    ("1", "01", "1", "vfnma", "rw"), ("1", "10", "0", "vfma", "rw"),
    ("1", "10", "1", "vfms", "rw"),
)
# d, m: bits 19:16, bits 7:6, mnemonic, further feature.
_TWO: Final = (
    ("0000", "01", "vmov", ""), ("0000", "11", "vabs", ""), ("0001", "01", "vneg", ""),
    ("0001", "11", "vsqrt", ""), ("0100", "01", "vcmp", ""), ("0100", "11", "vcmpe", ""),
    ("0110", "01", "vrintr", "fpv5"), ("0110", "11", "vrintz", "fpv5"),
    ("0111", "01", "vrintx", "fpv5"),
)


def arithmetic(size: str, suffix: str, kind: str, feature: str) -> tuple[Row, ...]:
    (d1, d4), (n1, n4), (m1, m4) = _bits("d", size), _bits("n", size), _bits("m", size)
    s1, s4 = "s[0]", "s[4:1]"  # an operand that is a single in either precision
    tail = f"101 {size}"
    rows = [row(f"{name}.{suffix}", f"11101110 {a} {d1} {b} {n4} {d4} {tail} {n1} {c} {m1} 0 {m4}",
                f"d:{kind}={access}, n:{kind}, m:{kind}", feature)
            for a, b, c, name, access in _THREE]
    rows += [row(f"{name}.{suffix}", f"11101110 1 {d1} 11 {a} {d4} {tail} {b} {m1} 0 {m4}",
                 f"d:{kind}{'' if name.startswith('vcmp') else '=w'}, m:{kind}",
                 f"{feature} {extra}")
             for a, b, name, extra in _TWO]
    rows += [row(f"{name}.{suffix}_zero", f"11101110 1 {d1} 11 0101 {d4} {tail} {b} (0) 0 (0000)",
                 f"d:{kind}, #0.0", feature) for b, name in (("01", "vcmp"), ("11", "vcmpe"))]
    rows.append(row(f"vmov.{suffix}_imm", f"11101110 1 {d1} 11 i:4 {d4} {tail} (0) 0 (0) 0 i:4",
                    f"d:{kind}=w, i:fpimm", feature))
    # Conversions from and to integers in single registers
    rows += [row(f"vcvt.{suffix}.{kind2}32", f"11101110 1 {d1} 11 1000 {d4} {tail} {bit} 1 {s1} 0"
                 f" {s4}", f"d:{kind}=w, s:sreg", feature)
             for bit, kind2 in (("0", "u"), ("1", "s"))]
    rows += [row(f"{name}.{kind2}32.{suffix}", f"11101110 1 {s1} 11 110 {sign} {s4} {tail} {way} 1"
                 f" {m1} 0 {m4}", f"s:sreg=w, m:{kind}", feature)
             for sign, kind2 in (("0", "u"), ("1", "s"))
             for way, name in (("0", "vcvtr"), ("1", "vcvt"))]
    # Fixed point: the number of fraction bits is the size minus the field
    rows += [row(f"{name}_fixed", f"11101110 1 {d1} 11 1 {way} 1 {sign} {d4} {tail} {wide} 1 i[0] 0"
                 " i[4:1]", f"d:{kind}=rw, d, i:fbits{bits}", feature)
             for sign, letter in (("0", "s"), ("1", "u"))
             for wide, bits in (("0", "16"), ("1", "32"))
             for way, name in (("0", f"vcvt.{suffix}.{letter}{bits}"),
                               ("1", f"vcvt.{letter}{bits}.{suffix}"))]
    # FPv5
    rows += [row(f"vsel{name}.{suffix}", f"11111110 0 {d1} {code} {n4} {d4} {tail} {n1} 0 {m1} 0"
                 f" {m4}", f"d:{kind}=w, n:{kind}, m:{kind}", f"{feature} fpv5")
             for code, name in (("00", "eq"), ("01", "vs"), ("10", "ge"), ("11", "gt"))]
    rows += [row(f"{name}.{suffix}", f"11111110 1 {d1} 00 {n4} {d4} {tail} {n1} {bit} {m1} 0 {m4}",
                 f"d:{kind}=w, n:{kind}, m:{kind}", f"{feature} fpv5")
             for bit, name in (("0", "vmaxnm"), ("1", "vminnm"))]
    rounding = (("00", "a"), ("01", "n"), ("10", "p"), ("11", "m"))
    rows += [row(f"vrint{letter}.{suffix}", f"11111110 1 {d1} 1110 {code} {d4} {tail} 01 {m1} 0"
                 f" {m4}", f"d:{kind}=w, m:{kind}", f"{feature} fpv5") for code, letter in rounding]
    rows += [row(f"vcvt{letter}.{sign}32.{suffix}", f"11111110 1 {s1} 1111 {code} {s4} {tail}"
                 f" {bit} 1 {m1} 0 {m4}", f"s:sreg=w, m:{kind}", f"{feature} fpv5")
             for code, letter in rounding for bit, sign in (("0", "u"), ("1", "s"))]
    # Half precision: in the bottom or top half of a single register
    half = feature if size == "0" else f"{feature} fpv5"
    rows += [row(f"vcvt{letter}.{suffix}.f16", f"11101110 1 {d1} 11 0010 {d4} {tail} {bit} 1 {s1} 0"
                 f" {s4}", f"d:{kind}=w, s:sreg", half) for bit, letter in (("0", "b"), ("1", "t"))]
    rows += [row(f"vcvt{letter}.f16.{suffix}", f"11101110 1 {s1} 11 0011 {s4} {tail} {bit} 1 {m1} 0"
                 f" {m4}", f"s:sreg=rw, m:{kind}", half)
             for bit, letter in (("0", "b"), ("1", "t"))]
    return tuple(rows)


_MOVES: Final = (
    row("vcvt.f64.f32", "11101110 1 (0) 11 0111 d:4 101 0 11 m[0] 0 m[4:1]", "d:dreg=w, m:sreg",
        "fpdp"),
    row("vcvt.f32.f64", "11101110 1 d[0] 11 0111 d[4:1] 101 1 11 (0) 0 m:4", "d:sreg=w, m:dreg",
        "fpdp"),
    row("vmov_to_s", "11101110 000 0 n[4:1] t:4 1010 n[0] (00) 1 (0000)", "n:sreg=w, t", "fpsp"),
    row("vmov_from_s", "11101110 000 1 n[4:1] t:4 1010 n[0] (00) 1 (0000)", "t=w, n:sreg", "fpsp"),
    row("vmov_to_ss", "11101100 010 0 t2:4 t:4 1010 00 m[0] 1 m[4:1]", "m:spair=w, t, t2", "fpsp"),
    row("vmov_from_ss", "11101100 010 1 t2:4 t:4 1010 00 m[0] 1 m[4:1]", "t=w, t2=w, m:spair",
        "fpsp", where="t != t2"),
    row("vmov_to_d", "11101100 010 0 t2:4 t:4 1011 00 (0) 1 m:4", "m:dreg=w, t, t2", "fpsp"),
    row("vmov_from_d", "11101100 010 1 t2:4 t:4 1011 00 (0) 1 m:4", "t=w, t2=w, m:dreg", "fpsp",
        where="t != t2"),
    row("vmov.32_to_half", "11101110 00 x:1 0 d:4 t:4 1011 (0) 00 1 (0000)", "d:dreg=rw[x:bare], t",
        "fpsp"),
    row("vmov.32_from_half", "11101110 00 x:1 1 n:4 t:4 1011 (0) 00 1 (0000)",
        "t=w, n:dreg[x:bare]", "fpsp"),
    row("vmsr", "11101110 111 0 0001 t:4 1010 (0) (00) 1 (0000)", "'fpscr', t", "fpsp"),
    row("vmrs", "11101110 111 1 0001 t:4 1010 (0) (00) 1 (0000)", "t:flags=w, 'fpscr'", "fpsp"),
)


def memory(size: str, suffix: str, kind: str, feature: str) -> tuple[Row, ...]:
    d1, d4 = _bits("d", size)
    l1, l4 = ("l[8]", "l[12:9]") if size == "0" else ("(0)", "l[11:8]")
    group = "slist" if size == "0" else "dlist"
    bits = "32" if size == "0" else "64"
    rows = [
        row(f"vstr_{bits}", f"11101101 i:1 {d1} 00 n:4 {d4} 101 {size} i:8",
            f"d:{kind}, [n:rn, i:off*4]", "fpsp"),
        row(f"vldr_{bits}", f"11101101 i:1 {d1} 01 n:4 {d4} 101 {size} i:8",
            f"d:{kind}=w, [n:rn, i:off*4]", "fpsp"),
        row(f"vldr_{bits}lit", f"11101101 i:1 {d1} 01 1111 {d4} 101 {size} i:8",
            f"d:{kind}=w, i:literal12*4", "fpsp"),
    ]
    for load, name, access in (("0", "vstm", ""), ("1", "vldm", "=w")):
        rows += [
            row(f"{name}ia_{bits}", f"1110110 01 {l1} 0 {load} n:4 {l4} 101 {size} l[7:0]",
                f"n:rn, l:{group}{access}", "fpsp"),
            row(f"{name}ia_{bits}wb", f"1110110 01 {l1} 1 {load} n:4 {l4} 101 {size} l[7:0]",
                f"n:rn=rw!, l:{group}{access}", "fpsp"),
            row(f"{name}db_{bits}wb", f"1110110 10 {l1} 1 {load} n:4 {l4} 101 {size} l[7:0]",
                f"n:rn=rw!, l:{group}{access}", "fpsp"),
        ]
    return tuple(rows)


THUMB_ROWS: Final = (*arithmetic(*_SINGLE), *arithmetic(*_DOUBLE), *_MOVES, *memory(*_SINGLE),
                     *memory(*_DOUBLE))
