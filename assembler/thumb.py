"""The Thumb instruction set: ARMv6-M, ARMv7-M, ARMv7E-M, and the VFP of these cores.

Features: v6m, v7m (Thumb-2), v7em (DSP), fpsp (single-precision VFPv4), fpv5 (the additions of
FPv5), fpdp (double precision).  Labels count from the address of the instruction plus 4, rounded
down to a multiple of 4 for literals.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.arm_kinds import (
    FIXED_REGISTERS,
    SHARED_KINDS,
    make_bare,
    make_condition,
    make_label,
    make_names,
    make_offset,
    make_signed,
    make_unsigned,
    register_list,
)
from mpy_cross.assembler.isa import MakeKind
from mpy_cross.assembler.kinds import Coded, Kind
from mpy_cross.assembler.table import Table
from mpy_cross.assembler.thumb_it import it_block, it_get, it_put, it_text
from mpy_cross.assembler.thumb_narrow import ROWS as NARROW
from mpy_cross.assembler.thumb_wide import ROWS as WIDE
from mpy_cross.assembler.vfp import THUMB_ROWS as VFP

__all__ = ["TABLE", "it_block", "modified_immediate"]


def expand_immediate(code: int) -> int | None:
    """The constant of a 12-bit code (ThumbExpandImm); None where it is unpredictable."""
    low = code & 255
    if code >> 10:
        rotation = code >> 7
        number = low | 0x80
        return (number >> rotation | number << (32 - rotation)) & 0xFFFFFFFF
    pattern = code >> 8
    if pattern and not low:
        return None
    return low * (1, 0x00010001, 0x01000100, 0x01010101)[pattern]


def modified_immediate(value: int) -> int:
    """The 12-bit code of a constant 0..0xFFFFFFFF, -1 when it has none."""
    if not 0 <= value <= 0xFFFFFFFF:
        return -1
    if value < 256:
        return value
    low = value & 255
    if value == low * 0x00010001:
        return 0x100 | low
    if value == low * 0x01010101:
        return 0x300 | low
    if value == (value >> 8 & 255) * 0x01000100:
        return 0x200 | value >> 8 & 255
    rotation = 40 - value.bit_length()  # brings the highest bit to bit 7
    if value & ((1 << (value.bit_length() - 8)) - 1):
        return -1
    return rotation << 7 | value >> (value.bit_length() - 8) & 127


def _modified(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    samples = [0, 1, 255, 0x10001, 0xFF00FF, 0x1000100, 0xFF00FF00, 0x1010101, 0xFFFFFFFF]
    samples += [number << place for number in (0x80, 0xFF, 0xA5) for place in range(1, 25)]
    return Coded("imm", "8 bits at any place, or 0x00XY00XY, 0xXY00XY00, 0xXYXYXYXY",
                 modified_immediate, expand_immediate, lambda value: f"#{value:#x}", samples,
                 excluded=excluded)


def _branch24(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """The offset of b.w and bl: sign, 10 bits, two bits xor-ed with the sign, 11 bits."""
    limit = 1 << 24

    def flip(field: int) -> int:
        return field ^ (0 if field >> 23 else 3 << 21)

    def unpack(field: int) -> int:  # sign I10 J1 J2 I11 -> sign J1 J2 I10 I11
        return (field & 1 << 23) | (field >> 11 & 3) << 21 | (field >> 13 & 0x3FF) << 11 \
            | field & 0x7FF

    def put(value: int) -> int:
        if value & 1 or not -limit <= value < limit:
            return -1
        plain = flip(value >> 1 & 0xFFFFFF)
        return (plain & 1 << 23) | (plain >> 11 & 0x3FF) << 13 | (plain >> 21 & 3) << 11 \
            | plain & 0x7FF

    def get(field: int) -> int:
        plain = flip(unpack(field)) << 1
        return plain - 2 * limit if plain & limit else plain

    samples = [0, 2, 4, -2, -4, limit - 2, -limit, 0x123456, -0x123456]
    samples += [sign << bit for bit in range(1, 24) for sign in (1, -1)]
    return Coded("label", f"a multiple of 2 in {-limit}..{limit - 2}", put, get, str, samples)


def _stack_list(extra: int) -> MakeKind:
    """The list of push and pop: eight low registers, and lr or pc as the ninth bit."""

    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        allowed = 0xFF | 1 << extra

        def put(value: int) -> int:
            if value <= 0 or value & ~allowed:
                return -1
            return value & 0xFF | (value >> extra & 1) << 8

        def get(field: int) -> int | None:
            return (field & 0xFF | (field >> 8) << extra) or None

        samples = [value for value in (get(field) for field in range(1, 512)) if value]
        return Coded("list:r", f"a list of r0..r7 and {('lr', 'pc')[extra - 14]}", put, get,
                     register_list, samples)

    return make


def _it(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    samples = [value for value in range(256) if it_put(value) >= 0]
    return Coded("it", "a condition and a mask (it_block)", it_put, it_get, it_text, samples)


_XPSR: Final = {0: "apsr", 1: "iapsr", 2: "eapsr", 3: "xpsr"}
_OTHER_REGISTERS: Final = {5: "ipsr", 6: "epsr", 7: "iepsr", 8: "msp", 9: "psp", 16: "primask",
                           17: "basepri", 18: "basepri_max", 19: "faultmask", 20: "control"}
_MRS: Final = {**_XPSR, **_OTHER_REGISTERS}
# msr: the two mask bits above the register's number.
_MSR: Final = {0x200 | number: f"{name}_nzcvq" for number, name in _XPSR.items()} \
    | {0x200 | number: name for number, name in _OTHER_REGISTERS.items()}
_MSR_DSP: Final = {mask << 8 | number: f"{name}_{suffix}" for number, name in _XPSR.items()
                   for mask, suffix in ((1, "g"), (3, "nzcvqg"))}

KINDS: Final[dict[str, MakeKind]] = {
    **SHARED_KINDS,
    "cond": make_condition,
    "branch": make_label(make_signed, 4),
    "forward": make_label(make_unsigned, 4),
    "branch24": make_label(_branch24, 4),
    "literal": make_label(make_unsigned, 4, 4),
    "literal12": make_label(make_offset, 4, 4),
    "mod": _modified,
    "plist": _stack_list(14),
    "poplist": _stack_list(15),
    "it": _it,
    "code": make_bare,
    "iflags": make_names("iflags", {1: "f", 2: "i", 3: "if"}),
    "sysreg": make_names("special register", _MRS),
    "msr": make_names("special register", _MSR),
    "msrdsp": make_names("special register", _MSR_DSP),
}

DEFAULTS: Final = {
    "d": "g", "n": "g", "m": "g", "t": "g", "a": "g", "dlo": "g", "dhi": "g", "t2": "g",
    "i": "u", "w": "u", "sh": "sh", "rot": "rot", "o": "u", "q": "u",
}


def size_of(first: int) -> int:
    """Bytes of the instruction with this first halfword."""
    return 4 if first >> 11 >= 0b11101 else 2


TABLE: Final = Table("thumb", (*NARROW, *WIDE, *VFP), kinds=KINDS, defaults=DEFAULTS,
                     size_of=size_of, select={2: 0xFF00, 4: 0xFFF00000 | 0x8000},
                     swapped=True, registers=FIXED_REGISTERS)
