"""Thumb code of the native emitters: ARMv7-M and its kin, and ARMv6-M without Thumb-2.

Instructions and the choice between their forms are those of the reference of each release
(MicroPython: py/asmthumb.c, py/asmthumb.h), its mistakes included: what it does with operands too
big for an instruction is done here too, by the same masks.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.assembler.thumb import TABLE, it_block
from mpy_cross.emitters.native.arm_registers import (
    EQ,
    LR,
    NE,
    PC,
    R0,
    R1,
    R2,
    R3,
    R4,
    R7,
    REGISTERS,
    SIGNED,
    TRAITS,
    UNSIGNED,
)
from mpy_cross.emitters.native.armv6m_links import (
    IP,
    READ_FIRST,
    READ_SECOND,
    READER,
    linked_word,
)
from mpy_cross.emitters.native.buffer import UNKNOWN, encoder
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.machine import Machine
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import Release

NEGATIONS: Final = (BinaryOp.LESS, BinaryOp.LESS_EQUAL, BinaryOp.NOT_EQUAL)

MOVS_IMM: Final = encoder(TABLE["movs_imm8"])
MOVS_REG: Final = encoder(TABLE["movs_reg"])
MOV: Final = encoder(TABLE["mov_any"])
MOVW: Final = encoder(TABLE["movw"])
MOVT: Final = encoder(TABLE["movt"])
ADDS_IMM: Final = encoder(TABLE["adds_imm8"])
ADDS: Final = encoder(TABLE["adds_reg"])
SUBS: Final = encoder(TABLE["subs_reg"])
ADD: Final = encoder(TABLE["add_any"])
ADD_SP: Final = encoder(TABLE["add_sp"])
INCREASE_SP: Final = encoder(TABLE["add_spsp"])
DECREASE_SP: Final = encoder(TABLE["sub_spsp"])
ADDW: Final = encoder(TABLE["addw"])
SUBW: Final = encoder(TABLE["subw"])
LSLS_IMM: Final = encoder(TABLE["lsls_imm"])
LSLS: Final = encoder(TABLE["lsls_reg2"])
LSRS: Final = encoder(TABLE["lsrs_reg2"])
ASRS: Final = encoder(TABLE["asrs_reg2"])
ORRS: Final = encoder(TABLE["orrs_reg2"])
EORS: Final = encoder(TABLE["eors_reg2"])
ANDS: Final = encoder(TABLE["ands_reg2"])
MULS: Final = encoder(TABLE["muls_reg2"])
NEGS: Final = encoder(TABLE["rsbs_reg2"])
MVNS: Final = encoder(TABLE["mvns_reg2"])
CMP: Final = encoder(TABLE["cmp_reg2"])
CMP_IMM: Final = encoder(TABLE["cmp_imm8"])
SXTH: Final = encoder(TABLE["sxth"])
B: Final = TABLE["b"].word
B_IF: Final = TABLE["b_cond"].word
BL: Final = TABLE["bl"].word
B_WIDE: Final = TABLE["b.w"].word
B_WIDE_IF: Final = TABLE["b.w_cond"].word
BX: Final = encoder(TABLE["bx"])
BLX: Final = encoder(TABLE["blx"])
IT: Final = TABLE["it"].word
NOP: Final = encoder(TABLE["nop"])()
PUSH: Final = encoder(TABLE["push"])
POP: Final = encoder(TABLE["pop"])
LDR_LITERAL: Final = encoder(TABLE["ldr_lit"])
LDR_SP: Final = encoder(TABLE["ldr_sp"])
STR_SP: Final = encoder(TABLE["str_sp"])
# By log2 of the width: with an offset of 0..31 units, with one of 12 bits, with a register.
LOAD: Final = tuple(encoder(TABLE[f"ldr{size}_imm5"]) for size in ("b", "h", ""))
STORE: Final = tuple(encoder(TABLE[f"str{size}_imm5"]) for size in ("b", "h", ""))
LOAD_WIDE: Final = tuple(TABLE[f"ldr{size}.w_imm12"].word for size in ("b", "h", ""))
STORE_WIDE: Final = tuple(encoder(TABLE[f"str{size}.w_imm12"]) for size in ("b", "h", ""))
LOAD_REG: Final = tuple(encoder(TABLE[f"ldr{size}_reg"]) for size in ("b", "h", ""))
STORE_REG: Final = tuple(encoder(TABLE[f"str{size}_reg"]) for size in ("b", "h", ""))

WORD: Final = 0xFFFFFFFF
LOG: Final = (0, 0, 1, 0, 2)  # of a width of 1, 2 or 4 bytes


def _wrap(value: int, bits: int) -> int:
    """The signed number that the lowest `bits` bits of value are."""
    half = 1 << (bits - 1)
    return ((value + half) & (2 * half - 1)) - half


@final
class ThumbMachine(Machine):
    """One of armv6m, armv7m, armv7em, armv7emsp, armv7emdp.

    No mpy-cross that writes version 5 files generates code for ARMv6-M, so there is nothing to be
    equal to; what later releases have put right is right there too.
    """

    __slots__ = ("_extra_words", "_free", "_indexed", "_long_jumps", "_reader", "_saved", "_sized",
                 "_wide")

    def __init__(self, arch: str, release: Release, arch_flags: int = 0) -> None:
        super().__init__()
        self.registers = REGISTERS
        self.traits = TRAITS
        self.release = release
        self._wide = arch != "armv6m"  # has the 32-bit instructions of Thumb-2
        self._free = not self._wide and not release.native_tables
        self._indexed = release.arm_indexed_memory or self._free
        self._long_jumps = release.armv6m_long_jumps
        self._sized = False  # the first pass is over
        self._saved = 0
        self._extra_words = 0
        self._reader = UNKNOWN  # where READER is

    @property
    def emits_at_once(self) -> bool:
        return not self._free  # its jumps depend on the size of the function

    def link_place(self, place: int) -> int:
        return place if self._free else super().link_place(place)

    def start_function(self, n_labels: int) -> None:
        super().start_function(n_labels)
        self._long_jumps = self.release.armv6m_long_jumps
        self._sized = False

    def start_pass(self, emitting: bool) -> None:
        super().start_pass(emitting)
        self._reader = UNKNOWN

    def _put(self, word: int) -> None:
        """A 16-bit instruction."""
        if not self.suppressed:
            self.code += word.to_bytes(2, "little")

    def _put_wide(self, word: int) -> None:
        """A 32-bit instruction: upper half first."""
        if not self.suppressed:
            self.code += (word >> 16).to_bytes(2, "little") + (word & 0xFFFF).to_bytes(2, "little")

    # --- frame

    def entry(self, n_locals: int) -> None:
        # r1, and r2 and r3, are saved to make room for locals; r0 is not, it has the result.
        self._saved = 0b1111_0010 if n_locals < 2 else 0b1111_1110
        self._extra_words = (n_locals - 2) & ~1 if n_locals > 3 else 0
        self.put(PUSH(self._saved | 1 << LR))
        words = self._extra_words
        if not words:
            return
        if self._wide and words > 127:
            self.put(SUBW(13, 13, words * 4 & 0x7FF))
            return
        while words > 127:
            self.put(DECREASE_SP(127 * 4))
            words -= 127
        self.put(DECREASE_SP(words * 4))

    def exit(self) -> None:
        words = self._extra_words
        if words and self._wide and words > 127:
            self.put(ADDW(13, 13, words * 4 & 0x7FF))
        elif words:
            while words > 127:
                self.put(INCREASE_SP(127 * 4))
                words -= 127
            self.put(INCREASE_SP(words * 4))
        self.put(POP(self._saved | 1 << PC))

    def end_pass(self) -> None:
        if self._free and not self._sized:
            self._long_jumps = len(self.code) >= 2048  # from the next pass on
        self._sized = True

    # --- control

    def _distance(self, label: int) -> int:
        """From the pc that a branch here sees; 0 if unknown, which makes it a long one."""
        dest = self.labels[label]
        return 0 if dest == UNKNOWN else dest - len(self.code) - 4

    def jump(self, label: int) -> None:
        distance = self._distance(label)
        if -2048 <= distance <= -4:
            self._put(B(distance))
        elif self._wide:
            # This form reaches 16 MiB; the reference knows of 4 MiB.
            self._put_wide(B_WIDE(_wrap(distance, 23)))
        elif self._long_jumps:
            self._long_jump(distance)
        elif -2048 <= distance < 2048:
            self._put(B(distance))
        elif self._free and not self._sized:
            self.put(NOP)  # the next pass has long jumps
        else:
            raise NativeError("NotImplementedError", "native method too big", bare=True,
                              limit=True)

    def _long_jump(self, distance: int) -> None:
        """A forward or far jump of ARMv6-M: always of the same size.  The far one clobbers r1."""
        align = len(self.code) & 2
        if -2048 <= distance < 2048:
            self._put(B(distance))
            for _ in range(4 if align else 3):
                self.put(NOP)
            return
        if align:
            self.put(NOP)
            distance -= 2
        distance -= 2
        self.put(LDR_LITERAL(R1, 0))
        self.put(ADD(PC, R1))
        self.data(4, distance)

    def _jump_if(self, condition: int, label: int) -> None:
        start = len(self.code)
        distance = self._distance(label)
        if -256 <= distance <= -4:
            self._put(B_IF(condition, distance))
        elif self._wide:
            if not self.release.thumb_far_branches:
                # Two fields of the distance are off by some bits, which shows beyond 4 KiB.
                distance = (distance & 0x100FFF | distance >> 2 & 0x3F000
                            | (distance & 0x2000) << 5 | (distance & 0x1000) << 7)
            self._put_wide(B_WIDE_IF(condition, _wrap(distance, 21)))
        else:
            # Skip a jump by the opposite condition.
            self._put(B_IF(condition ^ 1, 0))
            self.jump(label)
            if self._long_jumps and not self.suppressed:
                skip = B_IF(condition ^ 1, len(self.code) - start - 4)
                self.code[start:start + 2] = skip.to_bytes(2, "little")

    def jump_if_zero(self, reg: int, label: int, bool_test: bool) -> None:
        self.put(CMP_IMM(reg, 0))
        self._jump_if(EQ, label)

    def jump_if_nonzero(self, reg: int, label: int, bool_test: bool) -> None:
        self.put(CMP_IMM(reg, 0))
        self._jump_if(NE, label)

    def jump_if_equal(self, reg_1: int, reg_2: int, label: int) -> None:
        self.put(CMP(reg_1, reg_2))
        self._jump_if(EQ, label)

    def jump_reg(self, reg: int) -> None:
        self.put(BX(reg))

    def call(self, index: int) -> None:
        self._load(2, R3, R7, index)
        self.put(BLX(R3))

    def call_keeping_arg_4(self, index: int) -> None:
        self._load(2, R4, R7, index)
        self.put(BLX(R4))

    # --- moves

    def _check_local(self, local: int) -> None:
        if local > 255 and self.emitting and self.release.native_checks_locals:
            raise NativeError("NotImplementedError", "too many locals for native method", bare=True,
                              limit=True)

    def move_local_reg(self, local: int, reg: int) -> None:
        self._check_local(local)
        self.put(STR_SP(reg, (local & 255) * 4))

    def move_reg_local(self, reg: int, local: int) -> None:
        self._check_local(local)
        self.put(LDR_SP(reg, (local & 255) * 4))

    def move_reg_local_address(self, reg: int, local: int) -> None:
        self.put(ADD_SP(reg, (local & 255) * 4))

    def move_reg_imm(self, reg: int, value: int) -> None:
        value &= WORD
        if value < 256:
            self.put(MOVS_IMM(reg, value))
        elif not self._wide:
            self._narrow_imm(reg, value)
        elif value < 0x10000:
            self.put(MOVW(reg, value))
        else:
            self.put(MOVW(reg, value & 0xFFFF))
            self.put(MOVT(reg, value >> 16))

    def _narrow_imm(self, reg: int, value: int) -> None:
        """reg = value (256..0xFFFFFFFF) on ARMv6-M."""
        negative = value >= 0x80000000
        size = (1 << 32) - value if negative else value
        zeros = (size & -size).bit_length() - 1
        if size >> zeros < 256:
            # The sign of 0x80000000 is drawn in by the shift.
            self.put(MOVS_IMM(reg, 0xFF if size == 0x80000000 else size >> zeros))
            self.put(LSLS_IMM(reg, reg, zeros) if zeros else MOVS_REG(reg, reg))
        elif size < 0x10000:
            self._narrow_imm16(reg, size)
        else:
            if len(self.code) & 2:
                self.put(NOP)
            self.put(LDR_LITERAL(reg, 0))
            self._put(B(2))
            self.data(4, value)
            return
        if negative:
            self.put(NEGS(reg, reg))

    def _narrow_imm16(self, reg: int, value: int) -> None:
        """reg = the low 16 bits of value, in six bytes of ARMv6-M."""
        self.put(MOVS_IMM(reg, value >> 8 & 255))
        self.put(LSLS_IMM(reg, reg, 8))
        self.put(ADDS_IMM(reg, value & 255))

    def move_reg_imm_fix_u16(self, reg: int, value: int) -> int:
        if not self._wide:
            self._call_reader(READ_FIRST)
            self._put(B(4 - 2))
            at = len(self.code)
            self.data(4, linked_word(value))
            self.put(MOV(reg, IP))
            return at
        at = len(self.code)
        self.put(MOVW(reg, value & 0xFFFF))
        return at

    def move_reg_imm_fix_word(self, reg: int, value: int) -> int:
        if not self._wide:
            self._call_reader(READ_SECOND)
            self.put(MOV(reg, IP))
            self.put(LSLS_IMM(reg, reg, 16))
            self._call_reader(READ_FIRST)
            self._put(B(8 - 2))
            at = len(self.code)
            self.data(4, linked_word(value))
            self.data(4, linked_word(value >> 16))
            self.put(ADD(reg, IP))
            return at
        at = len(self.code)
        self.put(MOVW(reg, value & 0xFFFF))
        self.put(MOVT(reg, value >> 16 & 0xFFFF))
        return at

    def _call_reader(self, entry: int) -> None:
        """Call the subroutine that reads a linked word; put it here if this is the first use."""
        if self._reader == UNKNOWN and not self.suppressed:
            self._put(B(len(READER) - 2))
            self._reader = len(self.code)
            self.put(READER)
        self._put_wide(BL(max(self._reader, 0) + entry - len(self.code) - 4))

    def move_reg_reg(self, dest: int, src: int) -> None:
        self.put(MOV(dest, src))

    def move_reg_label(self, reg: int, label: int) -> None:
        # Odd, so that a jump to it stays in Thumb state; less what comes before the addition.
        distance = (self.labels[label] - len(self.code) | 1) - 4
        if not self._wide:
            self._narrow_imm16(reg, distance - 8)
            self.put(SXTH(reg, reg))
        elif self.release.thumb_signed_label:
            self.put(MOVW(reg, distance - 6 & 0xFFFF))
            self.put(SXTH(reg, reg))
        else:
            self.put(MOVW(reg, distance - 4 & 0xFFFF))
        self.put(ADD(reg, PC))

    # --- arithmetic

    def shift_left(self, dest: int, src: int) -> None:
        self.put(LSLS(dest, src))

    def shift_right_logical(self, dest: int, src: int) -> None:
        self.put(LSRS(dest, src))

    def shift_right_arithmetic(self, dest: int, src: int) -> None:
        self.put(ASRS(dest, src))

    def or_(self, dest: int, src: int) -> None:
        self.put(ORRS(dest, src))

    def xor(self, dest: int, src: int) -> None:
        self.put(EORS(dest, src))

    def and_(self, dest: int, src: int) -> None:
        self.put(ANDS(dest, src))

    def add(self, dest: int, src: int) -> None:
        self.put(ADDS(dest, dest, src))

    def sub(self, dest: int, src: int) -> None:
        self.put(SUBS(dest, dest, src))

    def mul(self, dest: int, src: int) -> None:
        self.put(MULS(dest, src))

    def neg(self, reg: int) -> None:
        self.put(NEGS(reg, reg))

    def invert(self, reg: int) -> bool:
        self.put(MVNS(reg, reg))
        return True

    def clear(self, reg: int) -> None:
        self.put(MOVS_IMM(reg, 0) if self.release.native_clear_instruction else EORS(reg, reg))

    def compare(self, op: BinaryOp, unsigned: bool, lhs: int, rhs: int) -> None:
        condition = (UNSIGNED if unsigned else SIGNED)[op - BinaryOp.LESS]
        self.put(CMP(lhs, rhs))
        if self._wide:
            result = 1
            if not self.release.thumb_all_conditions and op in NEGATIONS:
                condition ^= 1
                result = 0
            self._put(IT(it_block("e", condition)))
            self.put(MOVS_IMM(R0, result))
            self.put(MOVS_IMM(R0, result ^ 1))
        else:
            self._put(B_IF(condition, 2))
            self.put(MOVS_IMM(R0, 0))
            self._put(B(0))
            self.put(MOVS_IMM(R0, 1))

    # --- memory; `log` is log2 of the width, and offsets count units of it

    def _load(self, log: int, dest: int, base: int, offset: int) -> None:
        offset &= WORD
        if offset < 32:
            self.put(LOAD[log](dest, base, offset << log))
        elif self._wide and (offset << log & WORD < 4096 or not self._indexed):
            # The earlier releases trust that the offset fits.
            self._put_wide(LOAD_WIDE[log](dest, base, 0) | offset << log & 0xFFFF)
        else:
            self._add_offset(dest, base, offset - 31, log)
            self.put(LOAD[log](dest, dest, 31 << log))

    def _store(self, log: int, src: int, base: int, offset: int) -> None:
        offset &= WORD
        if offset < 32:
            self.put(STORE[log](src, base, offset << log))
        elif self._wide and offset << log & WORD < 4096:
            self.put(STORE_WIDE[log](src, base, offset << log))
        else:
            self.put(PUSH(1 << base))
            self._add_offset(base, base, offset - 31, log)
            self.put(STORE[log](src, base, 31 << log))
            self.put(POP(1 << base))

    def _add_offset(self, dest: int, base: int, offset: int, log: int) -> None:
        """dest = base + offset units."""
        size = offset << log & WORD
        if size < 256:
            if dest != base:
                self.put(MOV(dest, base))
            self.put(ADDS_IMM(dest, size))
        elif dest != base and offset < 256:
            self.put(MOVS_IMM(dest, offset))
            self.put(LSLS_IMM(dest, dest, log))
            self.put(ADDS(dest, dest, base))
        elif dest != base:
            if self._indexed:
                self.move_reg_imm(dest, size)
                self.put(ADDS(dest, dest, base))
            else:
                self._narrow_imm16(dest, size)
                self.put(ADDS(dest, dest, dest))
        else:
            other = dest ^ 7
            self.put(PUSH(1 << other))
            if self._indexed:
                self.move_reg_imm(other, size)
            else:
                self._narrow_imm16(other, size)
            self.put(ADDS(dest, dest, other))
            self.put(POP(1 << other))

    def load_word(self, dest: int, base: int, word_offset: int) -> None:
        self._load(2, dest, base, word_offset)

    def load_half(self, dest: int, base: int, half_offset: int) -> None:
        self._load(1, dest, base, half_offset)

    def store_word(self, src: int, base: int, word_offset: int) -> None:
        if self._indexed:
            self._store(2, src, base, word_offset)
        else:
            self.put(STORE[2](src, base, (word_offset & 31) * 4))

    def load(self, width: int, dest: int, base: int) -> None:
        self.put(LOAD[LOG[width]](dest, base, 0))

    def store(self, width: int, src: int, base: int) -> None:
        self.put(STORE[LOG[width]](src, base, 0))

    def load_at(self, width: int, dest: int, base: int, index: int) -> bool:
        if not self._indexed and not 0 < index < 32:
            return False
        self._load(LOG[width], dest, base, index)
        return True

    def store_at(self, width: int, src: int, base: int, index: int, temp: int) -> bool:
        if not self._indexed and not 0 < index < 32:
            return False
        self._store(LOG[width], src, base, index)
        return True

    def load_at_reg(self, width: int, dest: int, base: int, index: int) -> bool:
        if not self.release.arm_indexed_memory:
            return False
        log = LOG[width]
        if log:
            scaled = R2 if self.release.thumb_keeps_index else index
            self.put(LSLS_IMM(scaled, index, log))
            index = scaled
        self.put(LOAD_REG[log](dest, base, index))
        return True

    def store_at_reg(self, width: int, src: int, base: int, index: int) -> bool:
        if not self.release.arm_indexed_memory:
            return False
        log = LOG[width]
        keep = log > 0 and self.release.thumb_keeps_index
        if keep:
            self.put(PUSH(1 << index))
        if log:
            self.put(LSLS_IMM(index, index, log))
        self.put(STORE_REG[log](src, base, index))
        if keep:
            self.put(POP(1 << index))
        return True
