"""The reference's own instructions of Thumb.

A row says how many arguments an instruction takes, what they are, and where their bits go:

    "lo@8 imm0xff@0"         a register up to r7 at bit 8, an integer within a mask at bit 0
    "reg@0,16"               any register, at two places
    "[lo@3 imm0x7c>>2@6]"    an address: base register and offset in words
"""

from __future__ import annotations

from typing import NamedTuple

ALWAYS = 0
ARMV7M = 1  # instructions of ARMv7-M
FLOAT = 2  # needs the floating-point unit


class Field(NamedTuple):
    """One value of an instruction."""

    kind: str
    """lo, reg, reg12, special, vfp, imm"""
    places: tuple[int, ...]
    mask: int = 0
    shift: int = 0


class Form(NamedTuple):
    """An instruction with its arguments; a tuple of fields stands for an address."""

    word: int
    fields: tuple[Field | tuple[Field, Field], ...]
    needs: int


def _field(text: str) -> Field:
    what, _, at = text.partition("@")
    places = tuple(int(place) for place in at.split(","))
    if not what.startswith("imm"):
        return Field(what, places)
    mask, _, shift = what[3:].partition(">>")
    return Field("imm", places, int(mask, 16), int(shift or "0"))


def _form(word: int, text: str, needs: int = ALWAYS) -> Form:
    fields: list[Field | tuple[Field, Field]] = []
    words = text.split()
    while words:
        first = words.pop(0)
        if first.startswith("["):
            fields.append((_field(first[1:]), _field(words.pop(0)[:-1])))
        else:
            fields.append(_field(first))
    return Form(word, tuple(fields), needs)


# Second argument a name.
TWO_NAMES = {
    "mov": _form(0x4600, "split@0 reg@3"),
    "and_": _form(0x4000, "lo@0 lo@3"),
    "clz": _form(0xFAB0F080, "reg@8 reg@0,16", ARMV7M),
    "rbit": _form(0xFA90F0A0, "reg@8 reg@0,16", ARMV7M),
    "mrs": _form(0xF3EF8000, "reg12@8 special@0", ARMV7M),
} | {
    name: _form(0x4000 | op << 6, "lo@0 lo@3")
    for op, name in enumerate(
        (
            *("eor", "lsl", "lsr", "asr", "adc", "sbc", "ror", "tst"),
            *("neg", "cmp", "cmn", "orr", "mul", "bic", "mvn"),
        ),
        1,
    )
}
# Second argument something else.
TWO = {
    "mov": _form(0x2000, "lo@8 imm0xff@0"),
    "cmp": _form(0x2800, "lo@8 imm0xff@0"),
    "add": _form(0x3000, "lo@8 imm0xff@0"),
    "sub": _form(0x3800, "lo@8 imm0xff@0"),
    "movw": Form(0xF2400000, (Field("reg", (8,)), Field("imm16", (0,), 0xFFFF)), ARMV7M),
    "movt": Form(0xF2C00000, (Field("reg", (8,)), Field("imm16", (0,), 0xFFFF)), ARMV7M),
    "ldrex": _form(0xE8500F00, "reg@12 [reg@16 imm0xff>>2@0]", ARMV7M),
    "ldr": _form(0x6800, "lo@0 [lo@3 imm0x7c>>2@6]"),
    "ldrb": _form(0x7800, "lo@0 [lo@3 imm0x1f@6]"),
    "ldrh": _form(0x8800, "lo@0 [lo@3 imm0x3e>>1@6]"),
    "str": _form(0x6000, "lo@0 [lo@3 imm0x7c>>2@6]"),
    "strb": _form(0x7000, "lo@0 [lo@3 imm0x1f@6]"),
    "strh": _form(0x8000, "lo@0 [lo@3 imm0x3e>>1@6]"),
}
# These forget what was wrong with an address and call themselves unsupported.
FORGETFUL = ("ldr", "ldrb", "ldrh", "str", "strb", "strh")
THREE = {
    "lsl": _form(0x0000, "lo@0 lo@3 imm0x1f@6"),
    "lsr": _form(0x0800, "lo@0 lo@3 imm0x1f@6"),
    "asr": _form(0x1000, "lo@0 lo@3 imm0x1f@6"),
    "add": _form(0x1C00, "lo@0 lo@3 imm0x7@6"),
    "sub": _form(0x1E00, "lo@0 lo@3 imm0x7@6"),
    "sdiv": _form(0xFB90F0F0, "reg@8 reg@16 reg@0", ARMV7M),
    "udiv": _form(0xFBB0F0F0, "reg@8 reg@16 reg@0", ARMV7M),
    "strex": _form(0xE8400000, "reg@8 reg@12 [reg@16 imm0xff>>2@0]", ARMV7M),
}
THREE_NAMES = {
    "add": _form(0x1800, "lo@0 lo@3 lo@6"),
    "sub": _form(0x1A00, "lo@0 lo@3 lo@6"),
}
FLOAT_TWO = {
    "vcmp": _form(0xEEB40AC0, "vd@0 vm@0", FLOAT),
    "vsqrt": _form(0xEEB10AC0, "vd@0 vm@0", FLOAT),
    "vneg": _form(0xEEB10A40, "vd@0 vm@0", FLOAT),
    "vcvt_f32_s32": _form(0xEEB80AC0, "vd@0 vm@0", FLOAT),
    "vcvt_s32_f32": _form(0xEEBD0AC0, "vd@0 vm@0", FLOAT),
    "vldr": _form(0xED900A00, "vd@0 [lo@16 imm0x3fc>>2@0]", FLOAT),
    "vstr": _form(0xED800A00, "vd@0 [lo@16 imm0x3fc>>2@0]", FLOAT),
}
FLOAT_THREE = {
    "vadd": _form(0xEE300A00, "vd@0 vn@0 vm@0", FLOAT),
    "vsub": _form(0xEE300A40, "vd@0 vn@0 vm@0", FLOAT),
    "vmul": _form(0xEE200A00, "vd@0 vn@0 vm@0", FLOAT),
    "vdiv": _form(0xEE800A00, "vd@0 vn@0 vm@0", FLOAT),
}
