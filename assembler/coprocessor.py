"""The coprocessor instructions, which ARM and Thumb share but for the uppermost four bits."""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.isa import Row, row

# Mnemonic, bits 27:20 with L the load bit, then the operands.
_LONG: Final = (("0", ""), ("1", "l"))


def rows(top: str, suffix: str, feature: str, condition: str = "") -> tuple[Row, ...]:
    """top: bits 31:28; suffix: "2" for the second space; condition: an operand in the mnemonic."""

    def one(name: str, pattern: str, operands: str, where: str = "") -> Row:
        base, _, form = name.partition("_")
        full = f"{base}_{form}" if form else base
        return row(full, f"{top} {pattern}", operands, feature, base + condition, where)

    found = [
        one(f"cdp{suffix}", "1110 o:4 n:4 d:4 p:4 q:3 0 m:4",
            "p:core, o, d:cr, n:cr, m:cr, q"),
        one(f"mcr{suffix}", "1110 o:3 0 n:4 t:4 p:4 q:3 1 m:4", "p:core, o, t, n:cr, m:cr, q"),
        one(f"mrc{suffix}", "1110 o:3 1 n:4 t:4 p:4 q:3 1 m:4",
            "p:core, o, t:flags=w, n:cr, m:cr, q"),
        one(f"mcrr{suffix}", "1100 0100 t2:4 t:4 p:4 o:4 m:4", "p:core, o, t, t2, m:cr"),
        one(f"mrrc{suffix}", "1100 0101 t2:4 t:4 p:4 o:4 m:4", "p:core, o, t=w, t2=w, m:cr",
            "t != t2"),
    ]
    for load, name in (("0", "stc"), ("1", "ldc")):
        for long, letter in _LONG:
            stem = f"{name}{suffix}{letter}"
            found += [
                one(stem, f"110 1 i:1 {long} 0 {load} n:4 d:4 p:4 i:8",
                    "p:core, d:cr, [n:rn, i:off*4]"),
                one(f"{stem}_pre", f"110 1 i:1 {long} 1 {load} n:4 d:4 p:4 i:8",
                    "p:core, d:cr, [n:rn=rw, i:off*4]!"),
                one(f"{stem}_post", f"110 0 i:1 {long} 1 {load} n:4 d:4 p:4 i:8",
                    "p:core, d:cr, [n:rn=rw], i:off*4"),
                one(f"{stem}_option", f"110 0 1 {long} 0 {load} n:4 d:4 p:4 i:8",
                    "p:core, d:cr, [n:rn], '{'i:bare'}'"),
            ]
    found += [one(f"ldc{suffix}{letter}_lit", f"110 1 i:1 {long} 0 1 1111 d:4 p:4 i:8",
                  "p:core, d:cr, i:literal12*4") for long, letter in _LONG]
    return tuple(found)
