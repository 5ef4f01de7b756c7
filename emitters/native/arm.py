"""ARM code of the native emitters: armv6.

Instructions and the choice between their forms are those of the reference of each release
(MicroPython: py/asmarm.c, py/asmarm.h), its mistakes included: what it does with operands too big
for an instruction is done here too.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.assembler.arm import TABLE
from mpy_cross.assembler.arm_kinds import shift
from mpy_cross.emitters.native.arm_registers import (
    EQ,
    LR,
    NE,
    PC,
    R0,
    R7,
    REGISTERS,
    SIGNED,
    TRAITS,
    UNSIGNED,
)
from mpy_cross.emitters.native.buffer import UNKNOWN
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import Release

TEMP, SP = 8, 13
# r1 to r3 are saved to make room for locals.
SAVED: Final = 0b1_1111_1110

ALWAYS = 14

PUSH: Final = TABLE["stmdb_wb"].word
POP: Final = TABLE["ldmia_wb"].word
MOV: Final = TABLE["mov_reg"].word
MOV_IMM: Final = TABLE["mov_imm"].word
MOV_SHIFT: Final = TABLE["mov_rsr"].word
MVN: Final = TABLE["mvn_reg"].word
MVN_IMM: Final = TABLE["mvn_imm"].word
ADD: Final = TABLE["add_reg"].word
ADD_IMM: Final = TABLE["add_imm"].word
SUB: Final = TABLE["sub_reg"].word
SUB_IMM: Final = TABLE["sub_imm"].word
RSB_IMM: Final = TABLE["rsb_imm"].word
MUL: Final = TABLE["mul"].word
AND: Final = TABLE["and_reg"].word
EOR: Final = TABLE["eor_reg"].word
ORR: Final = TABLE["orr_reg"].word
CMP: Final = TABLE["cmp_reg"].word
CMP_IMM: Final = TABLE["cmp_imm"].word
B: Final = TABLE["b"].word
BX: Final = TABLE["bx"].word
LDR_LITERAL: Final = TABLE["ldr_lit"].word
LDRH_PRE: Final = TABLE["ldrh_pre"].word
# By log2 of the width: with an offset in bytes, with a register.
LOAD: Final = tuple(TABLE[f"ldr{size}_imm"].word for size in ("b", "h", ""))
STORE: Final = tuple(TABLE[f"str{size}_imm"].word for size in ("b", "h", ""))
LOAD_REG: Final = tuple(TABLE[f"ldr{size}_reg"].word for size in ("b", "h", ""))
STORE_REG: Final = tuple(TABLE[f"str{size}_reg"].word for size in ("b", "h", ""))
LIMIT: Final = (0x1000, 0x100, 0x1000)  # of an offset in bytes
LSL_1: Final = shift("lsl", 1)
LSL_2: Final = shift("lsl", 2)
LSL, LSR, ASR = 0, 1, 2

WORD: Final = 0xFFFFFFFF
LOG: Final = (0, 0, 1, 0, 2)  # of a width of 1, 2 or 4 bytes


@final
class ArmMachine(Machine):
    """armv6."""

    __slots__ = ("_frame",)

    def __init__(self, arch: str, release: Release, arch_flags: int = 0) -> None:
        super().__init__()
        self.registers = REGISTERS
        self.traits = TRAITS
        self.release = release
        self._frame = 0  # bytes below the saved registers

    def _put(self, word: int) -> None:
        if not self.suppressed:
            self.code += word.to_bytes(4, "little")

    # --- frame

    def entry(self, n_locals: int) -> None:
        self._frame = (n_locals + 1 & ~1) * 4 if n_locals > 3 else 0
        self._put(PUSH(SP, SAVED | 1 << LR))
        if self._frame < 256 or not self.release.arm_wide_frame:
            if self._frame:
                self._put(SUB_IMM(SP, SP, self._frame & 255))
        else:
            self.move_reg_imm(TEMP, self._frame)
            self._put(SUB(SP, SP, TEMP))

    def exit(self) -> None:
        if self._frame < 256 or not self.release.arm_wide_frame:
            if self._frame:
                self._put(ADD_IMM(SP, SP, self._frame & 255))
        else:
            self.move_reg_imm(TEMP, self._frame)
            self._put(ADD(SP, SP, TEMP))
        self._put(POP(SP, SAVED | 1 << PC))

    def end_pass(self) -> None:
        pass

    # --- control

    def _branch(self, condition: int, label: int) -> None:
        dest = self.labels[label]
        distance = 0 if dest == UNKNOWN else dest - len(self.code) - 8
        self._put(B(distance, c=condition))

    def jump(self, label: int) -> None:
        self._branch(ALWAYS, label)

    def jump_if_zero(self, reg: int, label: int, bool_test: bool) -> None:
        self._put(CMP_IMM(reg, 0))
        self._branch(EQ, label)

    def jump_if_nonzero(self, reg: int, label: int, bool_test: bool) -> None:
        self._put(CMP_IMM(reg, 0))
        self._branch(NE, label)

    def jump_if_equal(self, reg_1: int, reg_2: int, label: int) -> None:
        self._put(CMP(reg_1, reg_2))
        self._branch(EQ, label)

    def jump_reg(self, reg: int) -> None:
        self._put(BX(reg))

    def call(self, index: int) -> None:
        self._put(MOV(LR, PC))
        self._put(LOAD[2](PC, R7, index * 4))

    # --- moves

    def move_local_reg(self, local: int, reg: int) -> None:
        # An offset beyond 4 KiB spoils the register fields.
        self._put(STORE[2](reg, SP, 0) | local << 2)

    def move_reg_local(self, reg: int, local: int) -> None:
        self._put(LOAD[2](reg, SP, 0) | local << 2)

    def move_reg_local_address(self, reg: int, local: int) -> None:
        if local < 64 or not self.release.arm_wide_frame:
            self._put(ADD_IMM(reg, SP, local * 4 & 255))
        else:
            self.move_reg_imm(TEMP, local * 4)
            self._put(ADD(reg, SP, TEMP))

    def move_reg_imm(self, reg: int, value: int) -> None:
        value &= WORD
        if value < 256:
            self._put(MOV_IMM(reg, value))
        elif value >= WORD - 255:
            self._put(MVN_IMM(reg, WORD - value))
        else:
            self._move_literal(reg, value)

    def _move_literal(self, reg: int, value: int) -> int:
        """reg = a word that stands in the code; its position."""
        self._put(LDR_LITERAL(reg, 0))
        self._put(B(0))
        at = len(self.code)
        self.data(4, value)
        return at

    def move_reg_imm_fix_u16(self, reg: int, value: int) -> int:
        return self._move_literal(reg, value)

    def move_reg_imm_fix_word(self, reg: int, value: int) -> int:
        return self._move_literal(reg, value)

    def move_reg_reg(self, dest: int, src: int) -> None:
        self._put(MOV(dest, src))

    def move_reg_label(self, reg: int, label: int) -> None:
        # The addition is the fourth word, and the pc is two words ahead of it.
        self._move_literal(reg, self.labels[label] - len(self.code) - 12 - 8)
        self._put(ADD(reg, reg, PC))

    # --- arithmetic

    def shift_left(self, dest: int, src: int) -> None:
        self._put(MOV_SHIFT(dest, dest, LSL, src))

    def shift_right_logical(self, dest: int, src: int) -> None:
        self._put(MOV_SHIFT(dest, dest, LSR, src))

    def shift_right_arithmetic(self, dest: int, src: int) -> None:
        self._put(MOV_SHIFT(dest, dest, ASR, src))

    def or_(self, dest: int, src: int) -> None:
        self._put(ORR(dest, dest, src))

    def xor(self, dest: int, src: int) -> None:
        self._put(EOR(dest, dest, src))

    def and_(self, dest: int, src: int) -> None:
        self._put(AND(dest, dest, src))

    def add(self, dest: int, src: int) -> None:
        self._put(ADD(dest, dest, src))

    def sub(self, dest: int, src: int) -> None:
        self._put(SUB(dest, dest, src))

    def mul(self, dest: int, src: int) -> None:
        # Before ARMv6 the first factor must not be the result, so the operands are swapped.
        self._put(MUL(dest, src, dest))

    def neg(self, reg: int) -> None:
        self._put(RSB_IMM(reg, reg, 0))

    def invert(self, reg: int) -> bool:
        self._put(MVN(reg, reg))
        return True

    def clear(self, reg: int) -> None:
        self._put(EOR(reg, reg, reg))

    def compare(self, op: BinaryOp, unsigned: bool, lhs: int, rhs: int) -> None:
        condition = (UNSIGNED if unsigned else SIGNED)[op - BinaryOp.LESS]
        self._put(CMP(lhs, rhs))
        self._put(MOV_IMM(R0, 1, c=condition))
        self._put(MOV_IMM(R0, 0, c=condition ^ 1))

    # --- memory; `log` is log2 of the width

    def _load(self, log: int, dest: int, base: int, offset: int) -> None:
        """dest = the value `offset` bytes after base."""
        offset &= WORD
        if offset < LIMIT[log]:
            self._put(LOAD[log](dest, base, offset))
        else:
            self.move_reg_imm(TEMP, offset)
            self._put(LOAD_REG[log](dest, base, TEMP))

    def _store(self, log: int, src: int, base: int, offset: int) -> None:
        offset &= WORD
        if offset < LIMIT[log]:
            self._put(STORE[log](src, base, offset))
        else:
            self.move_reg_imm(TEMP, offset)
            self._put(STORE_REG[log](src, base, TEMP))

    def load_word(self, dest: int, base: int, word_offset: int) -> None:
        if self.release.arm_indexed_memory:
            self._load(2, dest, base, word_offset * 4)
        else:
            self._put(LOAD[2](dest, base, 0) | word_offset << 2)

    def store_word(self, src: int, base: int, word_offset: int) -> None:
        if self.release.arm_indexed_memory:
            self._store(2, src, base, word_offset * 4)
        else:
            self._put(STORE[2](src, base, 0) | word_offset << 2)

    def load_half(self, dest: int, base: int, half_offset: int) -> None:
        if self.release.arm_wide_frame:
            self._load(1, dest, base, half_offset * 2)
        else:
            # The form that also advances `base`.
            self._put(LDRH_PRE(dest, base, half_offset * 2 & 255))

    def load(self, width: int, dest: int, base: int) -> None:
        self._put(LOAD[LOG[width]](dest, base, 0))

    def store(self, width: int, src: int, base: int) -> None:
        self._put(STORE[LOG[width]](src, base, 0))

    def load_at(self, width: int, dest: int, base: int, index: int) -> bool:
        if not self.release.arm_indexed_memory:
            return False
        self._load(LOG[width], dest, base, index * width)
        return True

    def store_at(self, width: int, src: int, base: int, index: int, temp: int) -> bool:
        if self.release.arm_indexed_memory:
            self._store(LOG[width], src, base, index * width)
        elif index == 0 or width == 2:
            return False
        else:
            self.move_reg_imm(temp, index)
            self._store_scaled(width, src, base, temp)
        return True

    def load_at_reg(self, width: int, dest: int, base: int, index: int) -> bool:
        if not self.release.arm_indexed_memory:
            return False
        if width == 1:
            self._put(LOAD_REG[0](dest, base, index))
        elif width == 2:
            self._put(MOV(TEMP, index, sh=LSL_1))
            self._put(LOAD_REG[1](dest, base, TEMP))
        else:
            self._put(LOAD_REG[2](dest, base, index, sh=LSL_2))
        return True

    def store_at_reg(self, width: int, src: int, base: int, index: int) -> bool:
        self._store_scaled(width, src, base, index)
        return True

    def _store_scaled(self, width: int, src: int, base: int, index: int) -> None:
        """base[index register] = src"""
        if width == 1:
            self._put(STORE_REG[0](src, base, index))
        elif width == 2:
            self._put(MOV(TEMP, index, sh=LSL_1))
            self._put(STORE_REG[1](src, base, TEMP))
        else:
            self._put(STORE_REG[2](src, base, index, sh=LSL_2))
