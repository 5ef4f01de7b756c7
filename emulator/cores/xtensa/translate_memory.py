"""Loads and stores in A64, of all kinds of registers.

A core that does not allow unaligned accesses gets its exception by way of an address outside of
everything: the low bits of the address are put at the top of the 64 bits, which changes nothing
where they are 0.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa import numbers as n
from mpy_cross.emulator.cores.xtensa.a64 import (
    ADD,
    EQ,
    LDR,
    LDRSH,
    NE,
    ORR,
    STR,
    X,
    access,
    add_i,
    branch_if,
    cmp,
    constant,
    lsr_i,
    mov,
    three,
    unscaled,
)
from mpy_cross.emulator.cores.xtensa.block import Block, Make
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.layout import (
    REGISTER_AT,
    SIGNED,
    STATE,
    STORES,
    T0,
    T1,
    T2,
    special,
)
from mpy_cross.emulator.cores.xtensa.translate_integer import add_constant

MEMORY: Final[dict[str, Make]] = {}

_MOST_PAGES: Final = 4  # that are compared with; further ones take the slower way


def is_device(b: Block, base: int, offset: int) -> list[int]:
    """If this instruction has met devices: places of branches that are taken for their pages."""
    pages = b.pages.get(b.address)
    if not pages:
        return []
    add_constant(b, T1, base, offset)
    b.out.append(lsr_i(T1, T1, b.page_bits))
    places = []
    for page in sorted(pages)[:_MOST_PAGES]:
        b.out += constant(T0, page)
        b.out += (cmp(T1, T0), branch_if(EQ, 0))
        places.append(len(b.out) - 1)
    return places


def look_for_devices(b: Block, base: int, offset: int) -> None:
    """The same; the interpreter executes the instruction."""
    for place in is_device(b, base, offset):
        b.exits.append((place, b.rest, b.address, "step"))


def _address(b: Block, base: int, size: int, always: bool) -> int:
    """The register with the address: the base, or one that faults if that is not aligned."""
    if size > 1 and (always or not b.model.unaligned):
        b.out.append(three(ORR | X, T0, base, base, 62 if size == 4 else 63))
        return T0
    return base


def _plain(op: tuple[int, int], aligned: bool = False) -> Make:
    size = 1 << op[1]
    kind = size | (STORES if not op[0] & 0x00C0_0000 else 0) | (SIGNED if op == LDRSH else 0)

    def make(b: Block, i: Instruction) -> None:
        t, s, offset = i.operands
        places = is_device(b, s, offset) if b.pages else None
        base = _address(b, s, size, aligned)
        b.out.append(access(op, t, base, offset))
        if places:
            b.accesses.append((places, b.rest, b.address, s, offset, kind | t << REGISTER_AT,
                               len(b.out)))

    return make


def _plain_float(op: tuple[int, int]) -> Make:
    def make(b: Block, i: Instruction) -> None:
        t, s, offset = i.operands
        if b.pages:
            look_for_devices(b, s, offset)
        base = _address(b, s, 4, False)
        b.out.append(access(op, t, base, offset))

    return make


MEMORY.update({
    "l8ui": _plain(a64.LDRB), "l16ui": _plain(a64.LDRH), "l16si": _plain(LDRSH),
    "l32i": _plain(LDR), "s8i": _plain(a64.STRB), "s16i": _plain(a64.STRH), "s32i": _plain(STR),
    "s32nb": _plain(STR), "l32ai": _plain(LDR, True), "s32ri": _plain(STR, True),
    "lsi": _plain_float(a64.LDR_S), "ssi": _plain_float(a64.STR_S)})


def _below(op: tuple[int, int]) -> Make:
    """L32E and S32E: the offset is negative."""
    def make(b: Block, i: Instruction) -> None:
        t, s, offset = i.operands
        base = _address(b, s, 4, False)
        b.out.append(unscaled(op, t, base, offset))

    return make


MEMORY["l32e"] = _below(LDR)
MEMORY["s32e"] = _below(STR)


def l32r(b: Block, i: Instruction) -> None:
    t, address = i.operands
    if b.state.sr[n.LITBASE] & 1:
        b.step()
        return
    b.out += constant(T0, address)
    b.out.append(access(LDR, t, T0))


def s32c1i(b: Block, i: Instruction) -> None:
    t, s, offset = i.operands
    if b.pages:
        look_for_devices(b, s, offset)
    base = _address(b, s, 4, True)
    b.out += (
        access(LDR, T2, base, offset), access(LDR, T1, STATE, special(n.SCOMPARE1)), cmp(T2, T1),
        branch_if(NE, 8), access(STR, t, base, offset), mov(t, T2))


def _indexed(op: tuple[int, int]) -> Make:
    def make(b: Block, i: Instruction) -> None:
        r, s, t = i.operands
        b.out.append(three(ADD, T2, s, t))
        if b.pages:
            look_for_devices(b, T2, 0)
        base = _address(b, T2, 4, False)
        b.out.append(access(op, r, base))

    return make


def _moving(op: tuple[int, int], indexed: bool) -> Make:
    """The base moves behind the access."""
    def make(b: Block, i: Instruction) -> None:
        r, s, step = i.operands
        if b.pages:
            look_for_devices(b, s, 0)
        base = _address(b, s, 4, False)
        b.out.append(access(op, r, base))
        b.out.append(three(ADD, s, s, step) if indexed else add_i(s, s, step))

    return make


MEMORY.update({
    "l32r": l32r, "s32c1i": s32c1i, "lsx": _indexed(a64.LDR_S), "ssx": _indexed(a64.STR_S),
    "lsxp": _moving(a64.LDR_S, True), "ssxp": _moving(a64.STR_S, True),
    "lsip": _moving(a64.LDR_S, False), "ssip": _moving(a64.STR_S, False)})
