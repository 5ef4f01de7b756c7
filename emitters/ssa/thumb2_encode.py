"""Thumb-2 instructions as bytes, in the shortest form that does the same.

`free`: the flags may change.  `flags`: the instruction has to set them by its result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.native.buffer import encoder
from mpy_cross.emitters.ssa.ir import WORD
from mpy_cross.emitters.ssa.thumb2_select import is_modified

SP: Final = 13
PC: Final = 15
LOG: Final = {"b": 0, "h": 1, "": 2}

Encoder = Callable[..., bytes]
_often: Final = lru_cache(maxsize=1 << 12)
"""For what is asked again and again with the same operands."""


def _row(name: str) -> Encoder:
    return encoder(TABLE[name])


def _shifted(name: str) -> Callable[[int, int, int, int], bytes]:
    word, to_bytes = TABLE[name].word, TABLE[name].to_bytes
    return lambda d, n, m, shift: to_bytes(word(d, n, m, sh=shift))


def _compare(name: str) -> Callable[[int, int, int], bytes]:
    word, to_bytes = TABLE[name].word, TABLE[name].to_bytes
    return lambda n, m, shift: to_bytes(word(n, m, sh=shift))


MOV: Final = _row("mov_any")
MOVS_IMM: Final = _row("movs_imm8")
MOV_IMM: Final = _row("mov.w_imm")
MVN_IMM: Final = _row("mvn.w_imm")
MOVW: Final = _row("movw")
MOVT: Final = _row("movt")
ADD_ANY: Final = _row("add_any")
ADDW: Final = _row("addw")
SUBW: Final = _row("subw")
MOVS: Final = _row("movs_reg")
RSBS: Final = _row("rsbs_reg2")
MVNS: Final = _row("mvns_reg2")
BLX: Final = _row("blx")
B: Final = _row("b")
B_IF: Final = _row("b_cond")
B_WIDE: Final = _row("b.w")
B_WIDE_IF: Final = _row("b.w_cond")
CBZ: Final = (_row("cbz"), _row("cbnz"))
PUSH: Final = _row("push")
POP: Final = _row("pop")
PUSH_WIDE: Final = _row("stmdb_wb")
POP_WIDE: Final = _row("ldmia.w_wb")
INCREASE_SP: Final = _row("add_spsp")
DECREASE_SP: Final = _row("sub_spsp")
ADD_SP: Final = _row("add_sp")
LDR_SP: Final = _row("ldr_sp")
STR_SP: Final = _row("str_sp")
CMP_IMM8: Final = _row("cmp_imm8")
CMP_LOW: Final = _row("cmp_reg2")
CMP_ANY: Final = _row("cmp_any")
TST_LOW: Final = _row("tst_reg2")
IT: Final = _row("it")
MUL: Final = _row("mul.w")
MULS: Final = _row("muls_reg2")
MLS: Final = _row("mls")
MLA: Final = _row("mla")
SDIV: Final = _row("sdiv")
UDIV: Final = _row("udiv")
SMULL: Final = _row("smull")
UMULL: Final = _row("umull")
SMMUL: Final = _row("smmul")
UBFX: Final = _row("ubfx")
SBFX: Final = _row("sbfx")
REV16: Final = _row("rev16")
REV16_WIDE: Final = _row("rev16.w")

WIDE: Final = {(name, flags): _shifted(f"{name}{'s' if flags else ''}.w_reg")
               for name in ("add", "sub", "and", "orr", "eor", "bic", "rsb")
               for flags in (False, True)}
WIDE[("orn", False)] = _shifted("orn_reg")
WIDE[("orn", True)] = _shifted("orns_reg")
WIDE_IMM: Final = {(name, flags): _row(f"{name}{'s' if flags else ''}.w_imm")
                   for name in ("add", "sub", "and", "orr", "eor", "bic", "rsb")
                   for flags in (False, True)}
WIDE_IMM[("orn", False)] = _row("orn_imm")
WIDE_IMM[("orn", True)] = _row("orns_imm")
NARROW_TWO: Final = {"and": _row("ands_reg2"), "orr": _row("orrs_reg2"), "eor": _row("eors_reg2"),
                     "bic": _row("bics_reg2")}
NARROW_THREE: Final = {"add": _row("adds_reg"), "sub": _row("subs_reg")}
COMPARE_WIDE: Final = {"cmp": _compare("cmp.w_reg"), "tst": _compare("tst.w_reg")}
COMPARE_IMM: Final = {"cmpi": _row("cmp.w_imm"), "cmni": _row("cmn.w_imm"),
                      "tsti": _row("tst.w_imm")}
ADD_IMM3: Final = (_row("adds_imm3"), _row("subs_imm3"))
ADD_IMM8: Final = (_row("adds_imm8"), _row("subs_imm8"))
SHIFT_NARROW: Final = {name: _row(f"{name}s_imm") for name in ("lsl", "lsr", "asr")}
SHIFT_WIDE: Final = {(name, flags): _row(f"{name}{'s' if flags else ''}.w_imm")
                     for name in ("lsl", "lsr", "asr", "ror") for flags in (False, True)}
SHIFT_REG_NARROW: Final = {name: _row(f"{name}s_reg2") for name in ("lsl", "lsr", "asr")}
SHIFT_REG_WIDE: Final = {(name, flags): _row(f"{name}{'s' if flags else ''}.w_reg")
                         for name in ("lsl", "lsr", "asr") for flags in (False, True)}
EXTEND: Final = {name: _row(name) for name in ("uxtb", "uxth")}
EXTEND_WIDE: Final = {name: TABLE[f"{name}.w_rot"] for name in ("uxtb", "uxth")}
_ACCESSES: Final = tuple(kind + size for kind in ("ldr", "str") for size in LOG)
MEM_NARROW: Final = {name: _row(f"{name}_imm5") for name in _ACCESSES}
MEM_WIDE: Final = {name: _row(f"{name}.w_imm12") for name in _ACCESSES}
MEM_NEGATIVE: Final = {name: _row(f"{name}.w_neg8") for name in _ACCESSES}
MEM_POST: Final = {name: _row(f"{name}.w_post") for name in _ACCESSES}
MEM_REG: Final = {name: _row(f"{name}_reg") for name in _ACCESSES}
MEM_REG_WIDE: Final = {name: TABLE[f"{name}.w_reg"] for name in _ACCESSES}


def low(*registers: int) -> bool:
    return max(registers) < 8


def n_instructions(code: bytes) -> int:
    """How many instructions stand there, of two or four bytes each."""
    n = at = 0
    while at < len(code):
        at += 4 if code[at + 1] >> 3 >= 0b11101 else 2
        n += 1
    return n


@_often
def constant(d: int, number: int, free: bool) -> bytes:
    """d = number"""
    number &= WORD
    if number < 256 and free and d < 8:
        return MOVS_IMM(d, number)
    if is_modified(number):
        return MOV_IMM(d, number)
    if is_modified(~number):
        return MVN_IMM(d, ~number & WORD)
    if number < 0x10000:
        return MOVW(d, number)
    return MOVW(d, number & 0xFFFF) + MOVT(d, number >> 16)


@_often
def add_number(d: int, n: int, k: int, free: bool, flags: bool) -> bytes:
    """d = n + k; `flags` only with a k that is a modified immediate, or -k is."""
    if k == 0 and not flags:
        return b"" if d == n else MOV(d, n)
    minus = int(k < 0)
    size = abs(k)
    if (free or flags) and low(d, n):
        if size < 8:
            return ADD_IMM3[minus](d, n, size)
        if d == n and size < 256:
            return ADD_IMM8[minus](d, size)
    if is_modified(k):
        return WIDE_IMM["add", flags](d, n, k & WORD)
    if is_modified(-k):
        return WIDE_IMM["sub", flags](d, n, -k & WORD)
    if not flags and size < 4096:
        return SUBW(d, n, size) if minus else ADDW(d, n, size)
    raise AssertionError(f"add {k}")


@_often
def with_number(name: str, d: int, n: int, k: int, flags: bool) -> bytes:
    """d = n op k, with k a modified immediate."""
    return WIDE_IMM[name, flags](d, n, k & WORD)


@_often
def arithmetic(name: str, d: int, n: int, m: int, shift: int, free: bool, flags: bool) -> bytes:
    """d = n op (m shifted)"""
    if not shift:
        if (free or flags) and low(d, n, m):
            three = NARROW_THREE.get(name)
            if three is not None:
                return three(d, n, m)
            two = NARROW_TWO.get(name)
            if two is not None:
                if d == n:
                    return two(d, m)
                if d == m and name != "bic":
                    return two(d, n)
        if name == "add" and not flags:
            if d == n:
                return ADD_ANY(d, m)
            if d == m:
                return ADD_ANY(d, n)
    return WIDE[name, flags](d, n, m, shift)


@_often
def shift_number(name: str, d: int, n: int, amount: int, free: bool, flags: bool) -> bytes:
    if not amount:
        return MOVS(d, n)  # sets the flags
    narrow = SHIFT_NARROW.get(name)
    if narrow is not None and (free or flags) and low(d, n):
        return narrow(d, n, amount)
    return SHIFT_WIDE[name, flags](d, n, amount)


@_often
def shift_register(name: str, d: int, n: int, m: int, free: bool, flags: bool) -> bytes:
    if d == n and (free or flags) and low(d, m):
        return SHIFT_REG_NARROW[name](d, m)
    return SHIFT_REG_WIDE[name, flags](d, n, m)


@_often
def multiply(d: int, n: int, m: int, free: bool) -> bytes:
    if free and low(d, n, m):
        if d == n:
            return MULS(d, m)
        if d == m:
            return MULS(d, n)
    return MUL(d, n, m)


@_often
def compare(name: str, n: int, m: int, shift: int) -> bytes:
    if not shift:
        if low(n, m):
            return (CMP_LOW if name == "cmp" else TST_LOW)(n, m)
        if name == "cmp":
            return CMP_ANY(n, m)
    return COMPARE_WIDE[name](n, m, shift)


@_often
def compare_number(name: str, n: int, k: int) -> bytes:
    if name == "cmpi" and n < 8 and 0 <= k < 256:
        return CMP_IMM8(n, k)
    return COMPARE_IMM[name](n, k & WORD)


@_often
def extend(name: str, d: int, m: int) -> bytes:
    if low(d, m):
        return EXTEND[name](d, m)
    row = EXTEND_WIDE[name]
    return row.to_bytes(row.word(d, m))


@_often
def memory(name: str, t: int, n: int, offset: int) -> bytes:
    """A load or store at a displacement of -255..4095."""
    log = LOG[name[3:]]
    if offset < 0:
        return MEM_NEGATIVE[name](t, n, offset)
    if low(t, n) and not offset & ((1 << log) - 1) and offset >> log < 32:
        return MEM_NARROW[name](t, n, offset)
    return MEM_WIDE[name](t, n, offset)


@_often
def call(to: int, n: int, offset: int) -> bytes:
    """A call of the address at a displacement, by way of a register."""
    return memory("ldr", to, n, offset) + BLX(to)


@_often
def memory_register(name: str, t: int, n: int, m: int, shift: int) -> bytes:
    if not shift and low(t, n, m):
        return MEM_REG[name](t, n, m)
    row = MEM_REG_WIDE[name]
    return row.to_bytes(row.word(t, n, m, i=shift))


@_often
def frame_load(t: int, offset: int) -> bytes:
    if t < 8 and offset < 1024:
        return LDR_SP(t, offset)
    return MEM_WIDE["ldr"](t, SP, offset)


@_often
def frame_store(t: int, offset: int) -> bytes:
    if t < 8 and offset < 1024:
        return STR_SP(t, offset)
    return MEM_WIDE["str"](t, SP, offset)


@_often
def frame_address(d: int, offset: int) -> bytes:
    if d < 8 and offset < 1024:
        return ADD_SP(d, offset)
    return ADDW(d, SP, offset)


def push(registers: int) -> bytes:
    """push {...}; a mask of registers that has bit 14 (lr)."""
    return PUSH_WIDE(SP, registers) if registers & 0x1F00 else PUSH(registers)


def pop(registers: int) -> bytes:
    """pop {...}; a mask of registers that has bit 15 (pc)."""
    return POP_WIDE(SP, registers) if registers & 0x1F00 else POP(registers)
