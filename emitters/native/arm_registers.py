"""What ARM and Thumb code of the native emitters share: registers, frame facts, conditions."""

from __future__ import annotations

from typing import Final

from mpy_cross.emitters.native.machine import Registers, Traits

R0, R1, R2, R3, R4, R5, R6, R7 = range(8)
LR, PC = 14, 15

EQ, NE = 0, 1
# Conditions of LESS, MORE, EQUAL, LESS_EQUAL, MORE_EQUAL, NOT_EQUAL: lo hi eq ls hs ne, and signed.
UNSIGNED: Final = (3, 8, EQ, 9, 2, NE)
SIGNED: Final = (11, 12, EQ, 13, 10, NE)

REGISTERS: Final = Registers(
    ret=R0, arg_1=R0, arg_2=R1, arg_3=R2, arg_4=R3, temp_0=R0, temp_1=R1, temp_2=R2,
    local_1=R4, local_2=R5, local_3=R6, fun_table=R7,
    parent_ret=R0, parent_arg_1=R0, parent_arg_2=R1, parent_arg_3=R2, parent_arg_4=R3,
)  # fmt: skip

# nlr_buf_t: three words, then ten registers and six of the floating-point unit; r4 comes first.
TRAITS: Final = Traits(
    word_size=4, nlr_buf_words=3 + 10 + 6, nlr_local_1=3, nlr_local_2=4, nlr_local_3=5,
    setup_call_keeps_arg_4=True,
)  # fmt: skip
