"""The A64 instructions that Xtensa code is translated to: each function gives one word.

Registers are numbers, 0 to 31, where 31 is the zero register (the stack pointer is never used).
Without a suffix operations are of 32 bits; `X` added to a word makes it the 64-bit form of those
that differ in this bit only, which is said where it is not so.  Offsets of branches are bytes from
the branch.  Nothing here checks ranges but where a caller can come to them.
(Arm Architecture Reference Manual for A-profile, chapter C6.)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_MASKS: Final = 4096  # that are kept; there are not many more

X: Final = 1 << 31  # the 64-bit form
ZR: Final = 31

# Conditions.
EQ, NE, CS, CC, MI, PL, VS, VC, HI, LS, GE, LT, GT, LE = range(14)

# Data processing with two registers, for `three`; m may be shifted.
AND: Final = 0x0A00_0000
BIC: Final = 0x0A20_0000
ORR: Final = 0x2A00_0000
ORN: Final = 0x2A20_0000
EOR: Final = 0x4A00_0000
ANDS: Final = 0x6A00_0000
BICS: Final = 0x6A20_0000
ADD: Final = 0x0B00_0000
SUB: Final = 0x4B00_0000
SUBS: Final = 0x6B00_0000
# The same without shifts.
LSLV: Final = 0x1AC0_2000
LSRV: Final = 0x1AC0_2400
ASRV: Final = 0x1AC0_2800
RORV: Final = 0x1AC0_2C00
UDIV: Final = 0x1AC0_0800
SDIV: Final = 0x1AC0_0C00

# Logical operations with a constant, for `logical`.
AND_I: Final = 0x1200_0000
ORR_I: Final = 0x3200_0000
EOR_I: Final = 0x5200_0000
ANDS_I: Final = 0x7200_0000

NOP: Final = 0xD503_201F
WFI: Final = 0xD503_207F
RET: Final = 0xD65F_03C0

# Loads and stores of a register at base + unsigned offset, for `access`, with log2 of the size.
LDR, STR = (0xB940_0000, 2), (0xB900_0000, 2)
LDR_X, STR_X = (0xF940_0000, 3), (0xF900_0000, 3)
LDRB, STRB = (0x3940_0000, 0), (0x3900_0000, 0)
LDRH, STRH = (0x7940_0000, 1), (0x7900_0000, 1)
LDRSH = (0x79C0_0000, 1)
LDR_S, STR_S = (0xBD40_0000, 2), (0xBD00_0000, 2)
LDR_Q, STR_Q = (0x3DC0_0000, 4), (0x3D80_0000, 4)

# Floating point in single precision, for `three` (without shifts) or `two`.
FADD: Final = 0x1E20_2800
FSUB: Final = 0x1E20_3800
FMUL: Final = 0x1E20_0800
FMOV: Final = 0x1E20_4000
FABS: Final = 0x1E20_C000
FNEG: Final = 0x1E21_4000
FMOV_TO: Final = 0x1E27_0000  # s = w
FMOV_FROM: Final = 0x1E26_0000  # w = s
SCVTF: Final = 0x1E22_0000
UCVTF: Final = 0x1E23_0000
FCVTNS: Final = 0x1E20_0000
FCVTZS: Final = 0x1E38_0000
FCVTMS: Final = 0x1E30_0000
FCVTPS: Final = 0x1E28_0000
FCVTZU: Final = 0x1E39_0000


def three(op: int, d: int, n: int, m: int, shift: int = 0) -> int:
    """d = n op (m << shift)."""
    return op | m << 16 | shift << 10 | n << 5 | d


def two(op: int, d: int, n: int) -> int:
    return op | n << 5 | d


def mov(d: int, n: int) -> int:
    return ORR | n << 16 | ZR << 5 | d


def neg(d: int, n: int) -> int:
    return SUB | n << 16 | ZR << 5 | d


def cmp(n: int, m: int) -> int:
    return SUBS | m << 16 | n << 5 | ZR


def tst(n: int, m: int) -> int:
    return ANDS | m << 16 | n << 5 | ZR


def fits_add(value: int) -> bool:
    """Can this be added in one instruction?"""
    value = abs(value)
    return value < 1 << 12 or (value < 1 << 24 and not value & 0xFFF)


def add_i(d: int, n: int, value: int) -> int:
    """d = n + a constant for which `fits_add`. Register 31 would be the stack pointer."""
    op = 0x1100_0000 if value >= 0 else 0x5100_0000
    value = abs(value)
    if value >= 1 << 12:
        return op | 1 << 22 | value >> 12 << 10 | n << 5 | d
    return op | value << 10 | n << 5 | d


def cmp_i(n: int, value: int) -> int:
    """Compares with a constant for which `fits_add`."""
    op = 0x7100_0000 if value >= 0 else 0x3100_0000
    value = abs(value)
    if value >= 1 << 12:
        return op | 1 << 22 | value >> 12 << 10 | n << 5 | ZR
    return op | value << 10 | n << 5 | ZR


def movz(d: int, value: int, half: int = 0) -> int:
    """d = value << 16 * half."""
    return 0x5280_0000 | half << 21 | value << 5 | d


def movk(d: int, value: int, half: int = 0) -> int:
    return 0x7280_0000 | half << 21 | value << 5 | d


def movn(d: int, value: int, half: int = 0) -> int:
    return 0x1280_0000 | half << 21 | value << 5 | d


def constant(d: int, value: int) -> list[int]:
    """d = a 32-bit constant, in one or two instructions."""
    value &= 0xFFFF_FFFF
    if value < 1 << 16:
        return [0x5280_0000 | value << 5 | d]
    if not value & 0xFFFF:
        return [movz(d, value >> 16, 1)]
    if value >= 0xFFFF_0000:
        return [movn(d, ~value & 0xFFFF)]
    if value & 0xFFFF == 0xFFFF:
        return [movn(d, ~value >> 16 & 0xFFFF, 1)]
    return [0x5280_0000 | (value & 0xFFFF) << 5 | d, 0x72A0_0000 | value >> 16 << 5 | d]


def constant_x(d: int, value: int) -> list[int]:
    """d = a 64-bit constant, in up to four."""
    halves = [value >> 16 * half & 0xFFFF for half in range(4)]
    used = [half for half in range(4) if halves[half]] or [0]
    found = [X | movz(d, halves[used[0]], used[0])]
    return found + [X | movk(d, halves[half], half) for half in used[1:]]


@lru_cache(_MASKS)
def mask(value: int) -> tuple[int, int] | None:
    """immr and imms of a 32-bit constant of logical operations, None for others."""
    value &= 0xFFFF_FFFF
    for size, prefix in ((32, 0), (16, 0x20), (8, 0x30), (4, 0x38), (2, 0x3C)):
        ones = (1 << size) - 1
        element = value & ones
        if element * (0xFFFF_FFFF // ones) != value:
            continue
        for turn in range(size):
            turned = (element << turn | element >> size - turn) & ones
            if turned and turned != ones and not turned & turned + 1:
                return turn, prefix | turned.bit_length() - 1
    return None


def logical(op: int, d: int, n: int, value: int) -> int:
    """d = n op constant. ValueError unless it is one of `mask`."""
    found = mask(value)
    if found is None:
        raise ValueError(f"0x{value:x} is no constant of logical instructions")
    return op | found[0] << 16 | found[1] << 10 | n << 5 | d


def ubfm(d: int, n: int, immr: int, imms: int) -> int:
    return 0x5300_0000 | immr << 16 | imms << 10 | n << 5 | d


def sbfm(d: int, n: int, immr: int, imms: int) -> int:
    return 0x1300_0000 | immr << 16 | imms << 10 | n << 5 | d


def lsl_i(d: int, n: int, shift: int) -> int:
    return ubfm(d, n, -shift & 31, 31 - shift)


def lsr_i(d: int, n: int, shift: int) -> int:
    return ubfm(d, n, shift, 31)


def asr_i(d: int, n: int, shift: int) -> int:
    return sbfm(d, n, shift, 31)


def ror_i(d: int, n: int, shift: int) -> int:
    return 0x1380_0000 | n << 16 | shift << 10 | n << 5 | d


def ubfx(d: int, n: int, at: int, width: int) -> int:
    return ubfm(d, n, at, at + width - 1)


def sbfx(d: int, n: int, at: int, width: int) -> int:
    return sbfm(d, n, at, at + width - 1)


def bfi(d: int, n: int, at: int, width: int) -> int:
    """Puts the low bits of n into d."""
    return 0x3300_0000 | (-at & 31) << 16 | width - 1 << 10 | n << 5 | d


def bfxil(d: int, n: int, at: int, width: int) -> int:
    """Puts bits of n into the low bits of d."""
    return 0x3300_0000 | at << 16 | at + width - 1 << 10 | n << 5 | d


def sub_sxtw(d: int, n: int, m: int) -> int:
    """d = n - 64 bits from 32 of m, with sign."""
    return 0xCB20_C000 | m << 16 | n << 5 | d


def sxtw(d: int, n: int) -> int:
    """64 bits from 32, with sign."""
    return 0x9340_7C00 | n << 5 | d


def lsr_x(d: int, n: int, shift: int) -> int:
    """A shift of 64 bits."""
    return 0xD340_FC00 | shift << 16 | n << 5 | d


def clz(d: int, n: int) -> int:
    return 0x5AC0_1000 | n << 5 | d


def cls(d: int, n: int) -> int:
    return 0x5AC0_1400 | n << 5 | d


def madd(d: int, n: int, m: int, a: int = ZR) -> int:
    """d = a + n * m."""
    return 0x1B00_0000 | m << 16 | a << 10 | n << 5 | d


def msub(d: int, n: int, m: int, a: int) -> int:
    """d = a - n * m."""
    return 0x1B00_8000 | m << 16 | a << 10 | n << 5 | d


def umull(d: int, n: int, m: int) -> int:
    """64 bits from twice 32."""
    return 0x9BA0_7C00 | m << 16 | n << 5 | d


def smull(d: int, n: int, m: int) -> int:
    return 0x9B20_7C00 | m << 16 | n << 5 | d


def csel(d: int, n: int, m: int, condition: int) -> int:
    """d = n if condition else m."""
    return 0x1A80_0000 | m << 16 | condition << 12 | n << 5 | d


def csneg(d: int, n: int, m: int, condition: int) -> int:
    """d = n if condition else -m."""
    return 0x5A80_0400 | m << 16 | condition << 12 | n << 5 | d


def cset(d: int, condition: int) -> int:
    return 0x1A80_0400 | ZR << 16 | (condition ^ 1) << 12 | ZR << 5 | d


def fcsel(d: int, n: int, m: int, condition: int) -> int:
    return 0x1E20_0C00 | m << 16 | condition << 12 | n << 5 | d


def fcmp(n: int, m: int) -> int:
    return 0x1E20_2000 | m << 16 | n << 5


def fmadd(d: int, n: int, m: int, a: int) -> int:
    """d = a + n * m, rounded once."""
    return 0x1F00_0000 | m << 16 | a << 10 | n << 5 | d


def fmsub(d: int, n: int, m: int, a: int) -> int:
    """d = a - n * m, rounded once."""
    return 0x1F00_8000 | m << 16 | a << 10 | n << 5 | d


def mov_v(d: int, n: int) -> int:
    """All 128 bits of a vector register."""
    return 0x4EA0_1C00 | n << 16 | n << 5 | d


def element(d: int, n: int, k: int) -> int:
    """d = word k of vector register n."""
    return 0x0E04_3C00 | k << 19 | n << 5 | d


def put_element(d: int, k: int, n: int) -> int:
    """Word k of vector register d = n; its others stay."""
    return 0x4E04_1C00 | k << 19 | n << 5 | d


def access(op: tuple[int, int], t: int, n: int, offset: int = 0) -> int:
    """A load or store; the offset is a multiple of the size, and below 4096 of it."""
    return op[0] | offset >> op[1] << 10 | n << 5 | t


def unscaled(op: tuple[int, int], t: int, n: int, offset: int) -> int:
    """The same with an offset from -256 to 255."""
    return op[0] ^ 1 << 24 | (offset & 0x1FF) << 12 | n << 5 | t


def ldp_x(t: int, t2: int, n: int, offset: int = 0) -> int:
    """Two registers of 64 bits."""
    return 0xA940_0000 | (offset >> 3 & 0x7F) << 15 | t2 << 10 | n << 5 | t


def branch(offset: int) -> int:
    return 0x1400_0000 | offset >> 2 & 0x3FF_FFFF


def branch_link(offset: int) -> int:
    return 0x9400_0000 | offset >> 2 & 0x3FF_FFFF


def branch_if(condition: int, offset: int) -> int:
    return 0x5400_0000 | (offset >> 2 & 0x7_FFFF) << 5 | condition


def cbz(t: int, offset: int) -> int:
    return 0x3400_0000 | (offset >> 2 & 0x7_FFFF) << 5 | t


def cbnz(t: int, offset: int) -> int:
    return 0x3500_0000 | (offset >> 2 & 0x7_FFFF) << 5 | t


def tbz(t: int, bit: int, offset: int) -> int:
    """Branches if a bit, up to 63, is 0."""
    return 0x3600_0000 | bit >> 5 << 31 | (bit & 31) << 19 | (offset >> 2 & 0x3FFF) << 5 | t


def tbnz(t: int, bit: int, offset: int) -> int:
    return tbz(t, bit, offset) | 1 << 24


def br(n: int) -> int:
    return 0xD61F_0000 | n << 5


# How a branch is changed to go elsewhere: the bits of its offset, and how far it reaches.
_FIELDS: Final = {0x14: (0, 26), 0x54: (5, 19), 0x34: (5, 19), 0x36: (5, 14)}


def _field(word: int) -> tuple[int, int]:
    top = word >> 24
    if top & 0x7C == 0x14:
        return _FIELDS[0x14]
    if top == 0x54:
        return _FIELDS[0x54]
    return _FIELDS[top & 0x7E]


def reaches(word: int, offset: int) -> bool:
    """Can this branch (of whatever kind) have that offset?"""
    limit = 1 << _field(word)[1] + 1
    return -limit <= offset < limit


def offset(word: int) -> int:
    """The offset of this branch."""
    at, width = _field(word)
    half = 1 << width - 1
    return ((word >> at & (1 << width) - 1 ^ half) - half) << 2


def redirect(word: int, offset: int) -> int:
    """The same branch with another offset, for which `reaches`."""
    at, width = _field(word)
    ones = (1 << width) - 1
    return word & ~(ones << at) | (offset >> 2 & ones) << at
