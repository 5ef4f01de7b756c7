"""Operand kinds that the ARM and the Thumb instruction sets share (ARMv7-M and ARMv7-A manuals)."""

from __future__ import annotations

import struct
from typing import Final

from mpy_cross.assembler.isa import MakeKind
from mpy_cross.assembler.kinds import MINUS_ZERO, Choice, Coded, Kind, Label, Number, Register

REGISTERS: Final = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc")
SP, LR, PC = 13, 14, 15
SINGLES: Final = tuple(f"s{number}" for number in range(32))
DOUBLES: Final = tuple(f"d{number}" for number in range(16))
CONDITIONS: Final = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt",
                     "le", "al")
SHIFTS: Final = ("lsl", "lsr", "asr", "ror")

# Register names as inline assemblers pass them, and as fixed text in operand lists.
FIXED_REGISTERS: Final = {"sp": ("reg:r", SP), "lr": ("reg:r", LR), "pc": ("reg:r", PC)}


def register_list(mask: int) -> str:
    return "{" + ", ".join(REGISTERS[bit] for bit in range(16) if mask >> bit & 1) + "}"


def make_register(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Register("r", REGISTERS, bits, excluded=excluded)


def make_general(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A register that is neither sp nor pc; a field of three bits has neither anyway."""
    return Register("r", REGISTERS, bits, excluded=excluded | {SP, PC} if bits > 3 else excluded)


def make_not_pc(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Register("r", REGISTERS, bits, excluded=excluded | {PC})


def make_single(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Register("s", SINGLES, bits, excluded=excluded)


def make_double(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Register("d", DOUBLES, bits, excluded=excluded)


def make_unsigned(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Number(bits, scale=scale, bias=bias, prefix="#", excluded=excluded)


def make_bare(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A number without the # sign."""
    return Number(bits, scale=scale, bias=bias, excluded=excluded)


def make_condition(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A condition that must be given; "al" only where it is not excluded."""
    return Choice("cond", dict(enumerate(CONDITIONS)), excluded=excluded)


def make_32(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A shift by 1 to 32: 32 is stored as 0."""
    return Coded("imm", "1..32", lambda value: value & 31 if 1 <= value <= 32 else -1,
                 lambda field: field or 32, lambda value: f"#{value}", list(range(1, 33)),
                 excluded=excluded)


def make_offset(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """An offset as a sign bit (1: add) above its size; MINUS_ZERO is #-0."""
    top = 1 << (bits - 1)
    limit = (top - 1) * scale

    def put(value: int) -> int:
        if value == MINUS_ZERO:
            return 0
        if value % scale or not -limit <= value <= limit:
            return -1
        return -value // scale if value < 0 else value // scale | top

    def get(field: int) -> int:
        size = (field & (top - 1)) * scale
        return size if field & top else -size or MINUS_ZERO

    def text(value: int) -> str:
        return "#-0" if value == MINUS_ZERO else f"#{value}"

    unit = f"a multiple of {scale} in " if scale > 1 else ""
    sizes = {0, 1, 2, top // 2, top - 2, top - 1} | {1 << bit for bit in range(bits - 1)}
    samples = [sign * size * scale for size in sorted(sizes) for sign in (1, -1) if size]
    return Coded("imm", f"{unit}{-limit}..{limit}", put, get, text, [0, MINUS_ZERO, *samples],
                 excluded=excluded)


def shift(name: str, amount: int) -> int:
    """The value of a shift operand: "lsl" 0..31, "lsr" and "asr" 1..32, "ror" 1..31, "rrx" 0.

    Raises ValueError for a shift that does not exist.
    """
    if name == "rrx":
        return 3
    kind = SHIFTS.index(name)
    low, high = ((0, 31), (1, 32), (1, 32), (1, 31))[kind]
    if not low <= amount <= high:
        raise ValueError(f"{name} by {amount}: not in {low}..{high}")
    return (amount & 31) << 2 | kind


def shift_text(value: int) -> str:
    amount, kind = value >> 2, value & 3
    if not amount and kind in (0, 3):
        return ", rrx" if kind else ""
    return f", {SHIFTS[kind]} #{amount or 32}"


def make_shift(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A constant shift of a register: amount above type; printed with its comma, or not at all."""
    return Coded("shift", "lsl 0..31, lsr 1..32, asr 1..32, ror 1..31 or rrx",
                 lambda value: value if 0 <= value < 128 else -1, lambda field: field, shift_text,
                 list(range(128)), excluded=excluded, default=0)


def make_lsl_or_asr(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """The shift of the saturating instructions: one bit (asr) above five of amount."""

    def text(value: int) -> str:
        if not value:
            return ""
        return f", asr #{value & 31 or 32}" if value & 32 else f", lsl #{value}"

    return Coded("shift", "lsl 0..31 or asr (32 and the amount)",
                 lambda value: value if 0 <= value < 64 else -1, lambda field: field, text,
                 list(range(64)), excluded=excluded, default=0)


def make_rotation(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """ror #0, #8, #16 or #24, the value being the amount; zero is not printed."""
    return Coded("ror", "0, 8, 16 or 24",
                 lambda value: value >> 3 if value in (0, 8, 16, 24) else -1,
                 lambda field: field << 3, lambda value: f", ror #{value}" if value else "",
                 [0, 8, 16, 24], default=0)


def bit_field(lsb: int, width: int) -> int:
    """The value of bfi's and bfc's operand; raises ValueError when it leaves the word."""
    if lsb < 0 or width < 1 or lsb + width > 32:
        raise ValueError(f"bits {lsb} to {lsb + width - 1}: not within 0..31")
    return lsb << 5 | (lsb + width - 1)


def make_bit_field(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """Lowest bit above highest bit, five each; printed as lowest bit and width."""

    def valid(value: int) -> bool:
        return 0 <= value < 1024 and value >> 5 <= value & 31

    return Coded("bitfield", "a field within bits 0..31",
                 lambda value: value if valid(value) else -1,
                 lambda field: field if valid(field) else None,
                 lambda value: f"#{value >> 5}, #{(value & 31) - (value >> 5) + 1}",
                 [value for value in range(1024) if valid(value)])


def make_register_list(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A mask of registers, not empty; excluded: the registers that cannot be in it."""
    barred = sum(1 << number for number in excluded)

    def put(value: int) -> int:
        return value if 0 < value < 1 << bits and not value & barred else -1

    def get(field: int) -> int | None:
        return field if put(field) >= 0 else None

    samples = {1 << bit for bit in range(bits)} | {3, 0x55, 0xF0, 0x4010, 0x8010, (1 << bits) - 1,
                                                   0x1FF0, 0x5FF6, 0x9FF6, (1 << bits) - 1 - barred}
    return Coded("list:r", "a list of registers"
                 + "".join(f", not {REGISTERS[number]}" for number in sorted(excluded)),
                 put, get, register_list, [value for value in sorted(samples) if put(value) >= 0])


def _vfp_list(file: str, count: int, unit: int) -> MakeKind:
    """The list of vldm and its like: first register above the number of words, as a mask.

    unit: words in a register.
    """
    most = 32 // unit  # more doubles are unpredictable

    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        def put(value: int) -> int:
            if not 0 < value < 1 << count:
                return -1
            first = (value & -value).bit_length() - 1
            run = value >> first
            size = run.bit_length()
            if run & (run + 1) or size > most:
                return -1
            return first << 8 | size * unit

        def get(field: int) -> int | None:
            first, words = field >> 8, field & 255
            size = words // unit
            if words % unit or not 1 <= size <= most or first + size > count:
                return None
            return ((1 << size) - 1) << first

        def text(value: int) -> str:
            first = (value & -value).bit_length() - 1
            last = value.bit_length() - 1
            return f"{{{file}{first}}}" if first == last else f"{{{file}{first}-{file}{last}}}"

        samples = [((1 << size) - 1) << first for first in range(count)
                   for size in (1, 2, 3, 8, 16, most) if first + size <= count]
        return Coded(f"list:{file}", f"1 to {most} consecutive {file} registers", put, get, text,
                     samples)

    return make


make_single_list: Final = _vfp_list("s", 32, 1)
make_double_list: Final = _vfp_list("d", 16, 2)


def vfp_float(code: int) -> float:
    """The number that an 8-bit VFP constant stands for: +-(16..31)/16 * 2**(-3..4)."""
    exponent = (code >> 4 & 7 ^ 4) - 3
    number = (16 + (code & 15)) / 16 * 2.0**exponent
    return -number if code & 0x80 else number


def vfp_code(number: float) -> int:
    """The 8-bit code of a VFP constant; raises ValueError when there is none."""
    for code in range(256):
        if struct.pack("<d", vfp_float(code)) == struct.pack("<d", number):
            return code
    raise ValueError(f"{number} is no 8-bit floating-point constant")


def make_vfp_constant(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Coded("float", "the code 0..255 of a constant (vfp_code)",
                 lambda value: value if 0 <= value < 256 else -1, lambda field: field,
                 lambda value: f"#{vfp_float(value):.9g}", list(range(256)))


def make_single_pair(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """Two consecutive single registers by the first."""
    return Coded("reg:s", "s0..s30 (0..30)", lambda value: value if 0 <= value < 31 else -1,
                 lambda field: field if field < 31 else None,
                 lambda value: f"s{value}, s{value + 1}", list(range(31)))


def _fraction_bits(size: int) -> MakeKind:
    """Fraction bits of a fixed-point number: stored as the integer bits that are left."""
    low = 0 if size == 16 else 1

    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        return Coded("imm", f"{low}..{size}",
                     lambda value: size - value if low <= value <= size else -1,
                     lambda field: size - field if low <= size - field else None,
                     lambda value: f"#{value}", list(range(low, size + 1)))

    return make


def make_negative(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """An offset that is subtracted; MINUS_ZERO is #-0."""
    limit = (1 << bits) - 1

    def put(value: int) -> int:
        if value == MINUS_ZERO:
            return 0
        return -value if -limit <= value < 0 else -1

    samples = [MINUS_ZERO, -1, -2, -limit, *(-1 << bit for bit in range(bits))]
    return Coded("imm", f"{-limit}..-1", put, lambda field: -field or MINUS_ZERO,
                 lambda value: "#-0" if value == MINUS_ZERO else f"#{value}", samples)


def make_lsl(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A shift to the left, the value being its amount; zero is not printed."""
    limit = 1 << bits
    return Coded("shift", f"0..{limit - 1}", lambda value: value if 0 <= value < limit else -1,
                 lambda field: field, lambda value: f", lsl #{value}" if value else "",
                 list(range(limit)), default=0)


def make_register_or_flags(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A register, or the condition flags (15)."""
    names = {number: name for number, name in enumerate(REGISTERS) if number != SP}
    return Choice("reg:r", {**names, PC: "APSR_nzcv"})


def make_barrier(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Choice("barrier", {code: BARRIERS.get(code, f"#{code}") for code in range(16)})


def make_isb(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Choice("barrier", {code: "sy" if code == 15 else f"#{code}" for code in range(16)})


def make_core(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """A coprocessor that is not the floating-point unit."""
    return Choice("coprocessor", COPROCESSORS, excluded=frozenset({10, 11}))


def make_names(form: str, names: dict[int, str]) -> MakeKind:
    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        return Choice(form, names, excluded=excluded)

    return make


def make_sign(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    """1: a register is added; 0: subtracted."""
    return Choice("sign", {1: "", 0: "-"}, default=1)


BARRIERS: Final = {15: "sy", 14: "st", 11: "ish", 10: "ishst", 7: "un", 6: "unst", 3: "osh",
                   2: "oshst"}
COPROCESSORS: Final = {number: f"p{number}" for number in range(16)}
COPROCESSOR_REGISTERS: Final = {number: f"c{number}" for number in range(16)}

SHARED_KINDS: Final[dict[str, MakeKind]] = {
    "r": make_register,
    "g": make_general,
    "rn": make_not_pc,
    "sreg": make_single,
    "dreg": make_double,
    "u": make_unsigned,
    "bare": make_bare,
    "n32": make_32,
    "off": make_offset,
    "sh": make_shift,
    "sat": make_lsl_or_asr,
    "rot": make_rotation,
    "bf": make_bit_field,
    "list": make_register_list,
    "slist": make_single_list,
    "dlist": make_double_list,
    "fpimm": make_vfp_constant,
    "sign": make_sign,
    "spair": make_single_pair,
    "fbits16": _fraction_bits(16),
    "fbits32": _fraction_bits(32),
    "neg": make_negative,
    "lsl": make_lsl,
    "flags": make_register_or_flags,
    "barrier": make_barrier,
    "isb": make_isb,
    "core": make_core,
    "cp": make_names("coprocessor", COPROCESSORS),
    "cr": make_names("coprocessor register", COPROCESSOR_REGISTERS),
}


def make_label(number: MakeKind, ahead: int, align: int = 1) -> MakeKind:
    """A distance from the program counter, which is `ahead` bytes on, rounded down to `align`."""

    def base(address: int) -> int:
        return (address + ahead) & -align

    def make(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
        return Label(number(bits, scale, bias, excluded), base)

    return make


def make_signed(bits: int, scale: int, bias: int, excluded: frozenset[int]) -> Kind:
    return Number(bits, signed=True, scale=scale, bias=bias, prefix="#", excluded=excluded)
