"""The function in the code of a native function that reads and writes items of lists.

It is called with the list in r0, the index in r1, and where it may write with the value or SENTINEL
in r2; what is no list, or no index within it, goes on to the run-time.  A list has its type, its
length and the address of its items in words 0, 2 and 3 (py/objlist.h, the same in all releases).
Lists of other types, `class L(list)`, have another type.  The type of bytes is not in the table.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.thumb import TABLE
from mpy_cross.emitters.ssa import thumb2_encode as enc
from mpy_cross.emitters.ssa.thumb_code import Jump
from mpy_cross.loader.fun_table import SENTINEL, Fun

LENGTH, ADDRESS = 8, 12
BX: Final = TABLE["bx"]
IP, LR = 12, 14
R0, R1, R2, R3 = range(4)
LINK: Final = "link"
"""In place of the condition of a `Jump`: a call."""


def access(
    table: int, kind: int, writes: bool, labels: tuple[int, int]
) -> list[bytes | Jump | int]:
    """The function, without its label.

    table: register of the function table; kind: index of `mp_type_list` there; labels: two that
    are free.
    """
    slow, write = labels
    length = IP if writes else R2
    items: list[bytes | Jump | int] = [
        enc.shift_number("lsl", R3, R0, 30, True, True),
        Jump("ne", slow),  # no pointer
        enc.memory("ldr", R3, R0, 0),
        enc.memory("ldr", IP, table, 4 * kind),
        enc.compare("cmp", R3, IP, 0),
        Jump("ne", slow),
        enc.shift_number("lsr", R3, R1, 1, True, True),
        Jump("lo", slow),  # no small int
        enc.memory("ldr", length, R0, LENGTH),
        enc.compare("cmp", R3, length, 0),
        Jump("hs", slow),  # negative numbers are high ones here
    ]
    if writes:
        items += [
            enc.memory("ldr", IP, R0, ADDRESS),
            enc.compare_number("cmpi", R2, SENTINEL),
            Jump("ne", write),
            enc.memory_register("ldr", R0, IP, R3, 2),
            BX.to_bytes(BX.word(LR)),
            write,
            enc.memory_register("str", R2, IP, R3, 2),
            BX.to_bytes(BX.word(LR)),
            slow,
        ]
    else:
        items += [
            enc.memory("ldr", R0, R0, ADDRESS),
            enc.memory_register("ldr", R0, R0, R3, 2),
            BX.to_bytes(BX.word(LR)),
            slow,
            enc.constant(R2, SENTINEL, True),
        ]
    return [*items, enc.memory("ldr", R3, table, 4 * Fun.OBJ_SUBSCR), BX.to_bytes(BX.word(R3))]
