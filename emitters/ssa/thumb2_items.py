"""The function in the code of a native function that reads and writes items of lists and bytes.

It is called with the object in r0, the index in r1, and where it may write with the value or
SENTINEL in r2; what is neither, or no index within it, goes on to the run-time.  Both have their
type, their length and the address of what they hold in words 0, 2 and 3 (py/objlist.h,
py/objstr.h, the same in all releases).  Objects of other types, `class L(list)`, have another type.
The one of lists is in the table of functions, the one of bytes comes from a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, final

from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.ssa import thumb2_encode as enc
from mpy_cross.emitters.ssa.machine import NONE
from mpy_cross.emitters.ssa.thumb_code import Jump
from mpy_cross.loader.fun_table import SENTINEL, Fun

LENGTH, ADDRESS = 8, 12
BX: Final = TABLE["bx"]
ADCS: Final = TABLE["adcs_reg2"]
IP, LR = 12, 14
R0, R1, R2, R3 = range(4)
RETURN: Final = BX.to_bytes(BX.word(LR))
LINK: Final = "link"
"""In place of the condition of a `Jump`: a call."""

Items = list[bytes | Jump | int]


@final
class Stub(NamedTuple):
    """What such a function depends on: registers of the function table and of `mp_type_bytes`, or
    NONE, and the index of `mp_type_list` in the table."""

    table: int
    kind: int
    of_bytes: int


def access(stub: Stub, labels: Sequence[int], new_label: Callable[[], int]) -> Items:
    """The function.

    labels: where it only reads, and where it also writes, NONE if that is not needed; it does not
    write if it reads bytes.
    """
    reads, writes = labels
    slow = new_label()
    sentinel = enc.constant(R2, SENTINEL, True)
    items: Items = []
    if reads != NONE:
        items = [reads, *([] if writes == NONE else [sentinel])]
    if writes != NONE:
        items.append(writes)
    items += [
        enc.shift_number("lsl", R3, R0, 30, True, True),
        Jump("ne", slow),  # no pointer
    ]
    if writes != NONE:
        items += [*_of_list(stub, IP, slow), *_move(new_label()), slow]
    elif stub.of_bytes != NONE:
        items += [*_of_both(stub, slow, new_label), slow, sentinel]
    else:
        items += [*_of_list(stub, R2, slow), *_LOAD, slow, sentinel]
    to_function = enc.memory("ldr", R3, stub.table, 4 * Fun.OBJ_SUBSCR)
    return [*items, to_function, BX.to_bytes(BX.word(R3))]


def _of_list(stub: Stub, length: int, slow: int) -> Items:
    """r3 = the index; `length`: a register."""
    return [
        enc.memory("ldr", R3, R0, 0),
        enc.memory("ldr", IP, stub.table, 4 * stub.kind),
        enc.compare("cmp", R3, IP, 0),
        Jump("ne", slow),
        enc.shift_number("lsr", R3, R1, 1, True, True),
        Jump("lo", slow),  # no small int
        enc.memory("ldr", length, R0, LENGTH),
        enc.compare("cmp", R3, length, 0),
        Jump("hs", slow),  # negative numbers are high ones here
    ]


_LOAD: Final[Items] = [
    enc.memory("ldr", R0, R0, ADDRESS),
    enc.memory_register("ldr", R0, R0, R3, 2),
    RETURN,
]


def _move(write: int) -> Items:
    """Read or write, as r2 says."""
    return [
        enc.memory("ldr", IP, R0, ADDRESS),
        enc.compare_number("cmpi", R2, SENTINEL),
        Jump("ne", write),
        enc.memory_register("ldr", R0, IP, R3, 2),
        RETURN,
        write,
        enc.memory_register("str", R2, IP, R3, 2),
        RETURN,
    ]


def _of_both(stub: Stub, slow: int, new_label: Callable[[], int]) -> Items:
    """Read from a list or from bytes."""
    known, byte = new_label(), new_label()
    return [
        enc.shift_number("lsr", R3, R1, 1, True, True),
        Jump("lo", slow),
        enc.memory("ldr", R2, R0, 0),
        enc.memory("ldr", IP, stub.table, 4 * stub.kind),
        enc.compare("cmp", R2, IP, 0),
        Jump("eq", known),
        enc.arithmetic("sub", R2, R2, stub.of_bytes, 0, True, True),
        Jump("ne", slow),
        known,  # r2 is 0 for bytes
        enc.memory("ldr", IP, R0, LENGTH),
        enc.compare("cmp", IP, R3, 0),
        Jump("ls", slow),
        enc.memory("ldr", R0, R0, ADDRESS),
        Jump("eq", byte, R2),
        enc.memory_register("ldr", R0, R0, R3, 2),
        RETURN,
        byte,
        enc.memory_register("ldrb", R0, R0, R3, 0),
        ADCS.to_bytes(ADCS.word(R0, R0)),  # 2n + 1: the comparison has left the carry set
        RETURN,
    ]
