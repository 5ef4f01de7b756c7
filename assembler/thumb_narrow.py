"""The 16-bit Thumb instructions of ARMv6-M and ARMv7-M (ARMv7-M manual, A5.2 and A7)."""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.isa import Row, row

# Two-register data processing: opcode, mnemonic, operands.
_DATA: Final = (
    ("0000", "ands", "d=rw, m"), ("0001", "eors", "d=rw, m"), ("0010", "lsls", "d=rw, m"),
    ("0011", "lsrs", "d=rw, m"), ("0100", "asrs", "d=rw, m"), ("0101", "adcs", "d=rw, m"),
    ("0110", "sbcs", "d=rw, m"), ("0111", "rors", "d=rw, m"), ("1000", "tst", "d, m"),
    ("1001", "rsbs", "d=w, m, #0"), ("1010", "cmp", "d, m"), ("1011", "cmn", "d, m"),
    ("1100", "orrs", "d=rw, m"), ("1101", "muls", "d=rw, m"), ("1110", "bics", "d=rw, m"),
    ("1111", "mvns", "d=w, m"),
)

ROWS: Final[tuple[Row, ...]] = (
    # Shift by a constant, add, subtract, move, compare
    row("movs_reg", "00000 00000 m:3 d:3", "d=w, m", "v6m"),
    row("lsls_imm", "00000 i:5 m:3 d:3", "d=w, m, i!0", "v6m"),
    row("lsrs_imm", "00001 i:5 m:3 d:3", "d=w, m, i:n32", "v6m"),
    row("asrs_imm", "00010 i:5 m:3 d:3", "d=w, m, i:n32", "v6m"),
    row("adds_reg", "0001100 m:3 n:3 d:3", "d=w, n, m", "v6m"),
    row("subs_reg", "0001101 m:3 n:3 d:3", "d=w, n, m", "v6m"),
    row("adds_imm3", "0001110 i:3 n:3 d:3", "d=w, n, i", "v6m"),
    row("subs_imm3", "0001111 i:3 n:3 d:3", "d=w, n, i", "v6m"),
    row("movs_imm8", "00100 d:3 i:8", "d=w, i", "v6m"),
    row("cmp_imm8", "00101 n:3 i:8", "n, i", "v6m"),
    row("adds_imm8", "00110 d:3 i:8", "d=rw, i", "v6m"),
    row("subs_imm8", "00111 d:3 i:8", "d=rw, i", "v6m"),
    *(row(f"{name}_reg2", f"010000 {opcode} m:3 d:3", operands, "v6m")
      for opcode, name, operands in _DATA),

    # Any register
    row("add_any", "01000100 d[3] m:4 d[2:0]", "d:r=rw, m:r", "v6m", where="d != 15 or m != 15"),
    row("cmp_any", "01000101 n[3] m:4 n[2:0]", "n:rn, m:rn", "v6m", where="n > 7 or m > 7"),
    row("mov_any", "01000110 d[3] m:4 d[2:0]", "d:r=w, m:r", "v6m"),
    row("bx", "01000111 0 m:4 (000)", "m:r", "v6m"),
    row("blx", "01000111 1 m:4 (000)", "m:rn", "v6m"),

    # Load and store
    row("ldr_lit", "01001 t:3 i:8", "t=w, i:literal*4", "v6m"),
    row("str_reg", "0101000 m:3 n:3 t:3", "t, [n, m]", "v6m"),
    row("strh_reg", "0101001 m:3 n:3 t:3", "t, [n, m]", "v6m"),
    row("strb_reg", "0101010 m:3 n:3 t:3", "t, [n, m]", "v6m"),
    row("ldrsb_reg", "0101011 m:3 n:3 t:3", "t=w, [n, m]", "v6m"),
    row("ldr_reg", "0101100 m:3 n:3 t:3", "t=w, [n, m]", "v6m"),
    row("ldrh_reg", "0101101 m:3 n:3 t:3", "t=w, [n, m]", "v6m"),
    row("ldrb_reg", "0101110 m:3 n:3 t:3", "t=w, [n, m]", "v6m"),
    row("ldrsh_reg", "0101111 m:3 n:3 t:3", "t=w, [n, m]", "v6m"),
    row("str_imm5", "01100 i:5 n:3 t:3", "t, [n, i*4]", "v6m"),
    row("ldr_imm5", "01101 i:5 n:3 t:3", "t=w, [n, i*4]", "v6m"),
    row("strb_imm5", "01110 i:5 n:3 t:3", "t, [n, i]", "v6m"),
    row("ldrb_imm5", "01111 i:5 n:3 t:3", "t=w, [n, i]", "v6m"),
    row("strh_imm5", "10000 i:5 n:3 t:3", "t, [n, i*2]", "v6m"),
    row("ldrh_imm5", "10001 i:5 n:3 t:3", "t=w, [n, i*2]", "v6m"),
    row("str_sp", "10010 t:3 i:8", "t, ['sp', i*4]", "v6m"),
    row("ldr_sp", "10011 t:3 i:8", "t=w, ['sp', i*4]", "v6m"),
    row("stmia", "11000 n:3 l:8", "n=rw!, l:list", "v6m"),
    row("ldmia_wb", "11001 n:3 l:8", "n=rw!, l:list=w", "v6m", where="not l >> n & 1"),
    row("ldmia_in", "11001 n:3 l:8", "n=rw, l:list=w", "v6m", where="l >> n & 1"),
    row("push", "1011 010 l:1 l:8", "l:plist", "v6m"),
    row("pop", "1011 110 l:1 l:8", "l:poplist=w", "v6m"),

    # Addresses
    row("adr", "10100 d:3 i:8", "d=w, i:literal*4", "v6m"),
    row("add_sp", "10101 d:3 i:8", "d=w, 'sp', i*4", "v6m"),
    row("add_spsp", "10110000 0 i:7", "'sp', 'sp', i*4", "v6m"),
    row("sub_spsp", "10110000 1 i:7", "'sp', 'sp', i*4", "v6m"),

    # Extend, reverse
    row("sxth", "10110010 00 m:3 d:3", "d=w, m", "v6m"),
    row("sxtb", "10110010 01 m:3 d:3", "d=w, m", "v6m"),
    row("uxth", "10110010 10 m:3 d:3", "d=w, m", "v6m"),
    row("uxtb", "10110010 11 m:3 d:3", "d=w, m", "v6m"),
    row("rev", "10111010 00 m:3 d:3", "d=w, m", "v6m"),
    row("rev16", "10111010 01 m:3 d:3", "d=w, m", "v6m"),
    row("revsh", "10111010 11 m:3 d:3", "d=w, m", "v6m"),

    # Branches
    row("cbz", "1011 0 0 i[6] 1 i[5:1] n:3", "n, i:forward", "v7m"),
    row("cbnz", "1011 1 0 i[6] 1 i[5:1] n:3", "n, i:forward", "v7m"),
    row("b_cond", "1101 c:4 i:8", "i:branch*2", "v6m", "b{c:cond!14}"),
    row("b", "11100 i:11", "i:branch*2", "v6m"),

    # If-then, hints, exceptions
    row("it", "10111111 x:8", "", "v7m", "it{x:it}"),
    row("nop", "10111111 0000 0000", "", "v6m"),
    row("yield", "10111111 0001 0000", "", "v6m"),
    row("wfe", "10111111 0010 0000", "", "v6m"),
    row("wfi", "10111111 0011 0000", "", "v6m"),
    row("sev", "10111111 0100 0000", "", "v6m"),
    row("nop_hint", "10111111 i:4 0000", "{i:bare!0!1!2!3!4}", "v7m"),
    row("bkpt", "10111110 i:8", "i:code", "v6m"),
    row("udf", "11011110 i:8", "i", "v6m"),
    row("svc", "11011111 i:8", "i:code", "v6m"),
    row("cpsie", "10110110 011 0 (0) (0) f:2", "f:iflags", "v6m"),
    row("cpsid", "10110110 011 1 (0) (0) f:2", "f:iflags", "v6m"),
)
