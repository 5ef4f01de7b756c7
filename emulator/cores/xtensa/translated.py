"""What is known of a block that was translated, and how it looks whether it is still true."""

from __future__ import annotations

from typing import final

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa.a64 import (
    EOR,
    LDR,
    ORR,
    access,
    cbnz,
    constant,
    logical,
    three,
)
from mpy_cross.emulator.cores.xtensa.block import Block
from mpy_cross.emulator.cores.xtensa.layout import T0, T1, T2, T3


@final
class Translated:
    """A block that was translated.

    key: of `Translator.blocks`; host: its address; address, end: in the program; places: host
    addresses of its instructions, less `host`; addresses: of its instructions; parts: see `Block`.
    open: it ends with a branch behind which it could go on; back: host address of the branch to its
    own body, 0 for none.
    differs: host address of the branch that is taken if the program is not what this was made from,
    which is `code`; 0 if nobody looks.  newer: blocks for what was found there instead, to which
    that leads, one after the other; `end` is that of the longest.
    """

    __slots__ = ("address", "addresses", "back", "code", "differs", "end", "host", "key", "newer",
                 "open", "parts", "places")

    def __init__(self, key: int, host: int, addresses: list[int], end: int,
                 places: list[int], parts: list[int]) -> None:
        self.key, self.host, self.addresses, self.end = key, host, addresses, end
        self.address = addresses[0] if addresses else end - 1
        self.places, self.parts = places, parts
        self.open, self.back, self.differs = False, 0, 0
        self.newer: list[Translated] = []
        self.code = b""


def compare(b: Block, code: bytes) -> None:
    """Is the program still what this was made from?  Nothing else of its words counts."""
    out, first, end = b.out, b.start, b.start + len(code)
    start = first & ~3
    out += constant(T2, start)
    for place in range(start, end, 4):
        low, high = max(first - place, 0), min(end - place, 4)
        wanted = int.from_bytes(code[place + low - first : place + high - first], "little")
        into = T0 if place > start else T1
        out.append(access(LDR, into, T2, place - start))
        if high - low < 4:
            out.append(logical(a64.AND_I, into, into, (1 << 8 * high) - (1 << 8 * low)))
        out += constant(T3, wanted << 8 * low)
        out.append(three(EOR, into, into, T3))
        if place > start:
            out.append(three(ORR, T1, T1, T0))
    b.differs = len(out)
    out.append(cbnz(T1, 0))
