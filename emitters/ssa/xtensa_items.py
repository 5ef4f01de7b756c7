"""The function in Xtensa code of a native function that reads and writes items of lists and bytes.

As `thumb2_items` has it for Thumb-2.  Its arguments are the object, the index, where it may write
the value or SENTINEL, the table of functions, and where it reads bytes their type.  With windows it
is a function of its own, else part of the one around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.emitters.ssa import xtensa_encode as enc
from mpy_cross.emitters.ssa.machine import NONE
from mpy_cross.emitters.ssa.thumb2_items import ADDRESS, LENGTH, Stub
from mpy_cross.emitters.ssa.xtensa_link import Align, Branch
from mpy_cross.loader.fun_table import SENTINEL, Fun

A1, A2, A3, A4 = range(1, 5)
A8, A9, A10, A11, A12 = range(8, 13)
FRAME: Final = 32
IS_BIT_SET, IS_BIT_CLEAR = ("bbit", "ne"), ("bbit", "eq")

Items = list[bytes | Branch | Align | int]

# a2 = the byte at a8.  An ESP8266 reads its flash, where frozen bytes are, by words only.
_BYTE: Final[Items] = [enc.memory("ldrb", A2, A8, 0)]
_BYTE_BY_WORD: Final[Items] = [
    enc.MOVI_N(A9, -4),
    enc.THREE["and"](A9, A9, A8),
    enc.memory("ldr", A9, A9, 0),
    enc.SSA8L(A8),
    enc.SHIFTS["lsr"][1](A9, A9),
    enc.EXTUI(A2, A9, 0, 8),
]


def access(stub: Stub, label: int, windowed: bool, new_label: Callable[[], int]) -> Items:
    """The function, whose label is given.  It does not write if it reads bytes."""
    writes = stub.table > A4
    slow, other = new_label(), new_label()
    back = enc.RETW if windowed else enc.RET
    place = _place(slow)
    items: Items = [Align(), label]
    if windowed:
        items.append(enc.ENTRY(A1, FRAME))
    items += [
        Branch(IS_BIT_SET, (A2, 0), slow),
        Branch(IS_BIT_SET, (A2, 1), slow),  # no pointer
        Branch(IS_BIT_CLEAR, (A3, 0), slow),  # no small int
        enc.memory("ldr", A8, stub.table, 4 * stub.kind),
        enc.memory("ldr", A9, A2, 0),
        Branch(("b", "ne"), (A9, A8), slow if stub.of_bytes == NONE else other),
        *place,
        enc.THREE["addx4"](A8, A9, A8),
    ]
    if writes:
        write = new_label()
        items += [
            Branch(("bi", "ne"), (A4, SENTINEL), write),
            enc.memory("ldr", A2, A8, 0),
            back,
            write,
            enc.memory("str", A4, A8, 0),
            back,
        ]
    else:
        items += [enc.memory("ldr", A2, A8, 0), back]
    if stub.of_bytes != NONE:
        items += [
            other,
            Branch(("b", "ne"), (A9, stub.of_bytes), slow),
            *place,
            enc.ADD(A8, A8, A9),
            *(_BYTE if windowed else _BYTE_BY_WORD),
            enc.ADD(A2, A2, A2),
            enc.ADDI_N(A2, A2, 1),
            back,
        ]
    items += [slow, *_by_run_time(stub, writes, windowed)]
    return items


def _place(slow: int) -> Items:
    """a8 = the address of what an object holds, a9 = the index."""
    return [
        enc.memory("ldr", A8, A2, LENGTH),
        enc.shift_right(A9, A3, 1),
        Branch(("b", "hs"), (A9, A8), slow),  # negative numbers are high ones here
        enc.memory("ldr", A8, A2, ADDRESS),
    ]


def _by_run_time(stub: Stub, writes: bool, windowed: bool) -> Items:
    load = enc.memory("ldr", A8, stub.table, 4 * Fun.OBJ_SUBSCR)
    if not windowed:
        return [load, b"" if writes else enc.MOVI_N(A4, SENTINEL), enc.JX(A8)]
    return [
        enc.MOV(A10, A2),
        enc.MOV(A11, A3),
        enc.MOV(A12, A4) if writes else enc.MOVI_N(A12, SENTINEL),
        load,
        enc.CALLX8(A8),
        enc.MOV(A2, A10),
        enc.RETW,
    ]
