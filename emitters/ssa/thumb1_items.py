"""The function in Thumb-1 code of a native function that reads and writes items of lists and bytes.

As `thumb2_items` has it for Thumb-2: the object is in r0, the index in r1, and where it may write
the value or SENTINEL in r2.  The table of functions and the type of bytes are in registers that
calls keep, high ones as well, or in the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from mpy_cross.emitters.ssa import thumb1_encode as enc
from mpy_cross.emitters.ssa.machine import NONE, SLOT
from mpy_cross.emitters.ssa.thumb2_items import ADDRESS, LENGTH, Stub
from mpy_cross.emitters.ssa.thumb_code import Jump
from mpy_cross.loader.fun_table import SENTINEL, Fun

IP, LR = 12, 14
R0, R1, R2, R3 = range(4)
RETURN: Final = enc.BX(LR)
LDR: Final = enc.MEMORY["ldr"]
LDRX: Final = enc.MEMORY_REGISTER["ldrx"]
LSL, LSR = enc.SHIFT["lsli"], enc.SHIFT["lsri"]
HIGH: Final = 8  # the first register of those that most instructions do not know
REACH: Final = 124  # bytes of a displacement

Items = list[bytes | Jump | int]


def access(stub: Stub, labels: Sequence[int], new_label: Callable[[], int]) -> Items:
    """The function.

    labels: where it only reads, and where it also writes, NONE if that is not needed; it does not
    write if it reads bytes.
    """
    reads, writes = labels
    slow = new_label()
    sentinel = enc.MOVS_IMM(R2, SENTINEL)
    items: Items = []
    if reads != NONE:
        items = [reads, *([] if writes == NONE else [sentinel])]
    if writes != NONE:
        items.append(writes)
    items += [
        LSL(R3, R0, 30),
        Jump("ne", slow),  # no pointer
    ]
    if writes != NONE:
        items += [*_moving(stub, slow, new_label()), slow]
    else:
        items += [*_reading(stub, slow, new_label()), slow, sentinel]
    to_low, table = _low(stub.table)
    return [*items, *to_low, LDR(R3, table, 4 * Fun.OBJ_SUBSCR), enc.BX(R3)]


def _low(register: int) -> tuple[Items, int]:
    """What puts a high register or a word of the frame into r3, and the register it is in then."""
    if register < HIGH:
        return [], register
    return [enc.MOV(R3, register) if register < SLOT else enc.LDR_SP(R3, register - SLOT)], R3


def _list_type(stub: Stub) -> Items:
    """r3 = the type of lists."""
    if stub.table < HIGH:
        return [enc.MOVS_IMM(R3, stub.kind), LSL(R3, R3, 2), LDRX(R3, stub.table, R3)]
    offset = 4 * stub.kind
    step = max(0, offset - REACH)
    return [*_low(stub.table)[0], enc.ADD_IMM8[0](R3, step), LDR(R3, R3, offset - step)]


def _index(slow: int) -> Items:
    """r3 = the index; changes r2."""
    return [
        LSR(R3, R1, 1),
        Jump("lo", slow),  # no small int
        LDR(R2, R0, LENGTH),
        enc.CMP_LOW(R3, R2),
        Jump("hs", slow),  # negative numbers are high ones here
        LDR(R0, R0, ADDRESS),
    ]


def _reading(stub: Stub, slow: int, other: int) -> Items:
    items: Items = [
        *_list_type(stub),
        LDR(R2, R0, 0),
        enc.CMP_LOW(R2, R3),
        Jump("ne", slow if stub.of_bytes == NONE else other),
        *_index(slow),
        LSL(R3, R3, 2),
        LDRX(R0, R0, R3),
        RETURN,
    ]
    if stub.of_bytes == NONE:
        return items
    if HIGH <= stub.of_bytes < SLOT:
        test: Items = [enc.CMP_ANY(R2, stub.of_bytes)]
    else:
        to_low, of_bytes = _low(stub.of_bytes)
        test = [*to_low, enc.CMP_LOW(R2, of_bytes)]
    return [
        *items,
        other,
        *test,
        Jump("ne", slow),
        *_index(slow),
        enc.MEMORY_REGISTER["ldrbx"](R0, R0, R3),
        LSL(R0, R0, 1),
        enc.ADD_IMM3[0](R0, R0, 1),
        RETURN,
    ]


def _moving(stub: Stub, slow: int, write: int) -> Items:
    """Read or write, as r2 says.  There is no register for the length beside the index, so it is
    doubled and compared with the object of the index, 2n + 1."""
    return [
        *_list_type(stub),
        enc.MOV(IP, R3),
        LDR(R3, R0, 0),
        enc.CMP_ANY(R3, IP),
        Jump("ne", slow),
        LSL(R3, R1, 31),
        Jump("eq", slow),  # no small int
        LDR(R3, R0, LENGTH),
        LSL(R3, R3, 1),
        enc.CMP_LOW(R1, R3),
        Jump("hs", slow),
        LDR(R0, R0, ADDRESS),
        LSR(R3, R1, 1),
        LSL(R3, R3, 2),
        enc.CMP_IMM(R2, SENTINEL),
        Jump("ne", write),
        LDRX(R0, R0, R3),
        RETURN,
        write,
        enc.MEMORY_REGISTER["strx"](R2, R0, R3),
        RETURN,
    ]
