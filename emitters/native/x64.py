"""The x86-64 machine, for the calling convention of System V."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.assembler.x86 import RIP
from mpy_cross.emitters.native.machine import Registers, Traits
from mpy_cross.emitters.native.x86 import (
    AX,
    BP,
    BX,
    CX,
    DI,
    DX,
    SI,
    IntelMachine,
    code_of,
    code_of_load,
    instructions,
)
from mpy_cross.loader.release import Release

R12: Final = 12
R13: Final = 13


@final
class X64Machine(IntelMachine):
    """x86-64."""

    __slots__ = ()

    saved = (BP, BX, R12, R13)

    def __init__(self, arch: str, release: Release, arch_flags: int = 0) -> None:
        super().__init__(release, instructions(64))
        self.registers = Registers(
            ret=AX, arg_1=DI, arg_2=SI, arg_3=DX, arg_4=CX, temp_0=AX, temp_1=DI, temp_2=SI,
            local_1=BX, local_2=R12, local_3=R13, fun_table=BP,
            parent_ret=AX, parent_arg_1=DI, parent_arg_2=SI, parent_arg_3=DX, parent_arg_4=CX,
        )  # fmt: skip
        self.traits = Traits(
            word_size=8,
            # Code must run on Windows too, where two more registers are saved.
            nlr_buf_words=10 + 3,
            nlr_local_1=5,
            nlr_local_2=6,
            nlr_local_3=7,
            shift_by_cl=True,
            shift_count=CX,
            byte_stores_low=release.x64_byte_stores_low,
        )

    def frame_words(self, n_locals: int) -> int:
        return n_locals | 1

    def move_reg_imm(self, reg: int, value: int) -> None:
        value &= (1 << 64) - 1
        if value >> 32:
            self.put(code_of(self.rows.mov_long, reg, value))
        else:  # clears the upper half
            super().move_reg_imm(reg, value)

    def move_reg_label(self, reg: int, label: int) -> None:
        distance = self.labels[label] - (len(self.code) + 7)
        self.put(code_of_load(self.rows.lea, reg, RIP, distance))
