"""RV32IMC code of the native emitters, with Zba and Zcmp where -march-flags allows them.

Instructions and the choice between their forms are those of the reference of each release
(MicroPython: py/asmrv32.c, py/asmrv32.h), its mistakes included.  The reference has no emitter for
RV64: it refuses native code there.

The registers that a function saves are those that the passes before found to need it, be they
passes over another function: one machine serves all functions of a file.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.assembler.riscv import TABLE
from mpy_cross.emitters.native.buffer import UNKNOWN
from mpy_cross.emitters.native.machine import Machine, Registers, Traits
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import Release, RiscvIndex

ZERO, RA, SP, S0, S1, A0, A1, A2, A3 = 0, 1, 2, 8, 9, 10, 11, 12, 13

# nlr_buf_t: two words, then ra, s0 to s11 and sp (py/nlrrv32.c); s3 is the fifth of them.
TRAITS: Final = Traits(
    word_size=4, nlr_buf_words=3 + 14, nlr_local_1=6, nlr_local_2=7, nlr_local_3=8,
)

# Extensions, by bit of -march-flags.
ZBA: Final = 1
ZCMP: Final = 2

ADD: Final = TABLE["add"].word
ADDI: Final = TABLE["addi"].word
AND: Final = TABLE["and"].word
AUIPC: Final = TABLE["auipc"].word
BEQ: Final = TABLE["beq"].word
BNE: Final = TABLE["bne"].word
C_ADD: Final = TABLE["c.add"].word
C_ADDI: Final = TABLE["c.addi"].word
C_ADDI4SPN: Final = TABLE["c.addi4spn"].word
C_BEQZ: Final = TABLE["c.beqz"].word
C_BNEZ: Final = TABLE["c.bnez"].word
C_J: Final = TABLE["c.j"].word
C_JALR: Final = TABLE["c.jalr"].word
C_JR: Final = TABLE["c.jr"].word
C_LI: Final = TABLE["c.li"].word
C_LUI: Final = TABLE["c.lui"].word
C_LW: Final = TABLE["c.lw"].word
C_LWSP: Final = TABLE["c.lwsp"].word
C_MV: Final = TABLE["c.mv"].word
C_SLLI: Final = TABLE["c.slli"].word
C_SW: Final = TABLE["c.sw"].word
C_SWSP: Final = TABLE["c.swsp"].word
CM_POPRET: Final = TABLE["cm.popret"].word
CM_PUSH: Final = TABLE["cm.push"].word
JALR: Final = TABLE["jalr"].word
LUI: Final = TABLE["lui"].word
LW: Final = TABLE["lw"].word
MUL: Final = TABLE["mul"].word
OR: Final = TABLE["or"].word
SLL: Final = TABLE["sll"].word
SLLI: Final = TABLE["slli"].word
SLT: Final = TABLE["slt"].word
SLTIU: Final = TABLE["sltiu"].word
SLTU: Final = TABLE["sltu"].word
SRA: Final = TABLE["sra"].word
SRL: Final = TABLE["srl"].word
SUB: Final = TABLE["sub"].word
SW: Final = TABLE["sw"].word
XOR: Final = TABLE["xor"].word
XORI: Final = TABLE["xori"].word
# By log2 of the width.
LOAD: Final = (TABLE["lbu"].word, TABLE["lhu"].word, LW)
STORE: Final = (TABLE["sb"].word, TABLE["sh"].word, SW)
SHIFT_ADD: Final = (ADD, TABLE["sh1add"].word, TABLE["sh2add"].word)
SIZE: Final = {1: 0, 2: 1, 4: 2}

LONG_BRANCH: Final = 12
"""Bytes of a branch over a pair of auipc and jalr."""
SHORT_LONG_BRANCH: Final = 10
"""The same with a compressed branch."""


def wrap(value: int, bits: int) -> int:
    """The low bits as a signed number."""
    half = 1 << (bits - 1)
    return (value + half & (1 << bits) - 1) - half


def fits(value: int, bits: int) -> bool:
    """Is the 32-bit word a signed number of so many bits?"""
    value = wrap(value, 32)
    return -(1 << (bits - 1)) <= value < 1 << (bits - 1)


def split(value: int) -> tuple[int, int]:
    """The upper 20 bits and the signed lower 12 that make up a word."""
    return (value + 0x800) >> 12 & 0xFFFFF, wrap(value, 12)


def compressible(reg: int) -> bool:
    """Has the register a number of three bits in compressed instructions?"""
    return S0 <= reg <= 15


@final
class Rv32Machine(Machine):
    """RV32IMC.  `arch_flags` are those of -march-flags."""

    __slots__ = ("extra_chunks", "first_local", "flags", "frame_size", "saved", "temp_0", "temp_2")

    def __init__(self, arch: str, release: Release, arch_flags: int = 0) -> None:
        super().__init__()
        self.release = release
        self.flags = arch_flags
        locals_, temps = release.rv32_locals, release.rv32_temporaries
        self.registers = Registers(
            ret=A0, arg_1=A0, arg_2=A1, arg_3=A2, arg_4=A3,
            temp_0=temps[0], temp_1=temps[1], temp_2=temps[2],
            local_1=locals_[0], local_2=locals_[1], local_3=locals_[2], fun_table=S1,
            parent_ret=A0, parent_arg_1=A0, parent_arg_2=A1, parent_arg_3=A2, parent_arg_4=A3,
            zero=ZERO if release.rv32_zero_register else None,
        )
        self.traits = TRAITS
        self.temp_0, self.temp_2 = temps[0], temps[2]
        # Bit mask of the registers to save; calls add to it.
        self.saved = 0
        self.frame_size = 0
        self.first_local = 0
        self.extra_chunks = 0

    @property
    def carried(self) -> int:
        return self.saved

    @carried.setter
    def carried(self, value: int) -> None:
        self.saved = value

    def _put2(self, word: int) -> None:
        if not self.suppressed:
            self.code += word.to_bytes(2, "little")

    def _put4(self, word: int) -> None:
        if not self.suppressed:
            self.code += word.to_bytes(4, "little")

    # --- constants

    def _load_upper(self, reg: int, upper: int) -> None:
        if upper and fits(upper << 12, 17):
            self._put2(C_LUI(reg, upper))
        else:
            self._put4(LUI(reg, upper))

    def _load_split(self, reg: int, value: int) -> None:
        upper, lower = split(value)
        self._load_upper(reg, upper)
        if lower == 0:
            return
        # A lower part taken as unsigned is small only if it is positive.
        if fits(lower, 6) and (lower > 0 or self.release.rv32_signed_low_part):
            self._put2(C_ADDI(reg, lower))
        else:
            self._put4(ADDI(reg, reg, lower))

    def move_reg_imm(self, reg: int, value: int) -> None:
        if fits(value, 6):
            self._put2(C_LI(reg, wrap(value, 6)))
        elif fits(value, 12):
            self._put4(ADDI(reg, ZERO, wrap(value, 12)))
        else:
            self._load_split(reg, value)

    # --- entry, exit, calls

    def _adjust_stack(self, size: int) -> None:
        if size == 0:
            return
        if fits(size, 6):
            self._put2(C_ADDI(SP, size))
        elif fits(size, 12):
            self._put4(ADDI(SP, SP, size))
        else:
            self._load_split(self.temp_0, size)
            self._put2(C_ADD(SP, self.temp_0))

    def entry(self, n_locals: int) -> None:
        registers = self.registers
        for reg in (registers.fun_table, registers.local_1, registers.local_2, registers.local_3):
            self.saved |= 1 << reg
        if self.release.rv32_saves_s0:
            self.saved |= 1 << S0
        if self.flags & ZCMP:
            self._push(n_locals)
            return
        saved = self._saved_registers()
        self.frame_size = (len(saved) + n_locals) * 4
        self._adjust_stack(-self.frame_size)
        for place, reg in enumerate(saved):
            self._put2(C_SWSP(reg, place * 4))
        self.first_local = len(saved) * 4

    def exit(self) -> None:
        if self.flags & ZCMP:
            self._adjust_stack(self.frame_size)
            registers = self._pushed()
            self._put2(CM_POPRET(min(3 + registers, 15) << 2 | self.extra_chunks))
            return
        for place, reg in enumerate(self._saved_registers()):
            self._put2(C_LWSP(reg, place * 4))
        self._adjust_stack(self.frame_size)
        self._put2(C_JR(RA))

    def _saved_registers(self) -> list[int]:
        return [reg for reg in range(32) if self.saved >> reg & 1]

    def _pushed(self) -> int:
        """How many registers cm.push saves: all of ra, s0, s1, ... up to the last one needed."""
        saved = self.saved
        order = saved >> 1 & 1 | (saved >> 8 & 3) << 1 | (saved >> 18 & 0x3FF) << 3
        count = order.bit_length()
        return 13 if count == 12 else count  # s10 does not go without s11

    def _push(self, n_locals: int) -> None:
        registers = self._pushed()
        # What is left of a multiple of four words takes locals, and so do up to three more.
        slack = -registers % 4
        left = max(0, n_locals - slack)
        self.extra_chunks = min(3, left // 4)
        self.frame_size = (left - self.extra_chunks * 4) * 4
        self._put2(CM_PUSH(min(3 + registers, 15) << 2 | self.extra_chunks))
        self._adjust_stack(-self.frame_size)

    def end_pass(self) -> None:
        pass

    def call(self, index: int) -> None:
        offset = index * 4
        table = self.registers.fun_table
        self.saved |= 1 << RA
        if offset < 64:
            self.saved |= 1 << S0
            self._put2(C_LW(S0, offset, table))
            self._put2(C_JALR(S0))
            return
        temp = self.temp_2
        if offset < 2048:
            self._put4(LW(temp, offset, table))
        else:
            upper, lower = split(offset)
            self._load_upper(temp, upper)
            self._put2(C_ADD(temp, table))
            self._put4(LW(temp, lower, temp))
        self._put2(C_JALR(temp))

    # --- control

    def _distance(self, label: int) -> int:
        """Bytes back to a label that is known, as a negative number; 0 or more for others."""
        at = self.labels[label]
        return 0 if at == UNKNOWN else at - len(self.code)

    def _jump_far(self, distance: int) -> None:
        upper, lower = split(distance)
        self._put4(AUIPC(self.temp_2, upper))
        self._put4(JALR(ZERO, lower, self.temp_2))

    def jump(self, label: int) -> None:
        distance = self._distance(label)
        if -2048 <= distance < 0:
            self._put2(C_J(distance))
        else:
            self._jump_far(distance)

    def jump_if_zero(self, reg: int, label: int, bool_test: bool) -> None:
        self.jump_if_equal(reg, ZERO, label)

    def jump_if_nonzero(self, reg: int, label: int, bool_test: bool) -> None:
        distance = self._distance(label)
        if -128 <= distance < 0 and compressible(reg):
            self._put2(C_BNEZ(reg, distance))
        elif -4096 <= distance < 0:
            self._put4(BNE(reg, ZERO, distance))
        elif distance < 0 and compressible(reg):
            self._put2(C_BEQZ(reg, SHORT_LONG_BRANCH))
            self._jump_far(distance - 2)
        else:
            self._put4(BEQ(reg, ZERO, LONG_BRANCH))
            self._jump_far(distance - 4)

    def jump_if_equal(self, reg_1: int, reg_2: int, label: int) -> None:
        distance = self._distance(label)
        if -4096 <= distance < 0:
            self._put4(BEQ(reg_1, reg_2, distance))
        else:
            self._put4(BNE(reg_1, reg_2, LONG_BRANCH))
            self._jump_far(distance - 4)

    def jump_reg(self, reg: int) -> None:
        self._put2(C_JR(reg))

    # --- moves

    def move_local_reg(self, local: int, reg: int) -> None:
        offset = self.first_local + local * 4
        if offset < 256:
            self._put2(C_SWSP(reg, offset))
        elif offset < 2048:
            self._put4(SW(reg, offset, SP))
        else:
            temp = self.temp_2
            upper, lower = split(offset)
            self._load_upper(temp, upper)
            self._put2(C_ADD(temp, SP))
            self._put4(SW(reg, lower, temp))

    def move_reg_local(self, reg: int, local: int) -> None:
        offset = self.first_local + local * 4
        if offset < 256:
            self._put2(C_LWSP(reg, offset))
        elif offset < 2048:
            self._put4(LW(reg, offset, SP))
        else:
            upper, lower = split(offset)
            self._load_upper(reg, upper)
            self._put2(C_ADD(reg, SP))
            self._put4(LW(reg, lower, reg))

    def move_reg_local_address(self, reg: int, local: int) -> None:
        offset = self.first_local + local * 4
        if 0 < offset < 1024 and compressible(reg):
            self._put2(C_ADDI4SPN(reg, offset))
        elif offset < 2048:
            self._put4(ADDI(reg, SP, offset))
        else:
            self._load_split(reg, offset)
            self._put2(C_ADD(reg, SP))

    def move_reg_reg(self, dest: int, src: int) -> None:
        self._put2(C_MV(dest, src))

    def move_reg_label(self, reg: int, label: int) -> None:
        upper, lower = split(self.labels[label] - len(self.code))
        self._put4(AUIPC(reg, upper))
        self._put4(ADDI(reg, reg, lower))

    # --- arithmetic

    def shift_left(self, dest: int, src: int) -> None:
        self._put4(SLL(dest, dest, src))

    def shift_right_logical(self, dest: int, src: int) -> None:
        self._put4(SRL(dest, dest, src))

    def shift_right_arithmetic(self, dest: int, src: int) -> None:
        self._put4(SRA(dest, dest, src))

    def or_(self, dest: int, src: int) -> None:
        self._put4(OR(dest, dest, src))

    def xor(self, dest: int, src: int) -> None:
        if dest == src:
            self._put2(C_LI(dest, 0))
        else:
            self._put4(XOR(dest, dest, src))

    def and_(self, dest: int, src: int) -> None:
        self._put4(AND(dest, src, dest))

    def add(self, dest: int, src: int) -> None:
        self._put2(C_ADD(dest, src))

    def sub(self, dest: int, src: int) -> None:
        self._put4(SUB(dest, dest, src))

    def mul(self, dest: int, src: int) -> None:
        self._put4(MUL(dest, dest, src))

    def neg(self, reg: int) -> None:
        self._put4(SUB(reg, ZERO, reg))

    def invert(self, reg: int) -> bool:
        self._put4(XORI(reg, reg, -1))
        return True

    def clear(self, reg: int) -> None:
        self._put2(C_LI(reg, 0))

    def compare(self, op: BinaryOp, unsigned: bool, lhs: int, rhs: int) -> None:
        ret = self.registers.ret
        less = SLTU if unsigned else SLT
        if op in (BinaryOp.MORE, BinaryOp.MORE_EQUAL):
            lhs, rhs = rhs, lhs
        if op in (BinaryOp.LESS, BinaryOp.MORE):
            self._put4(less(ret, lhs, rhs))
        elif op == BinaryOp.NOT_EQUAL:
            self._put4(SUB(ret, rhs, lhs))
            self._put4(SLTU(ret, ZERO, ret))
        elif op == BinaryOp.EQUAL:
            if self.release.rv32_short_compare:
                self._put4(SUB(ret, lhs, rhs))
                self._put4(SLTIU(ret, ret, 1))
            else:
                self._put2(C_LI(ret, 1))
                self._put4(BEQ(lhs, rhs, 6))
                self._put2(C_LI(ret, 0))
        elif self.release.rv32_short_compare:
            self._put4(less(ret, rhs, lhs))
            self._put4(XORI(ret, ret, 1))
        else:
            self._put2(C_LI(ret, 1))
            self._put4(BEQ(lhs, rhs, 8))
            self._put4(less(ret, lhs, rhs))

    # --- memory

    def _load(self, size: int, dest: int, base: int, index: int) -> None:
        """dest = base[index], of any reach; `size` is log2 of the width."""
        offset = wrap(index << size, 32)
        if 0 <= offset < 64 and size == 2 and compressible(dest) and compressible(base):
            self._put2(C_LW(dest, offset, base))
        elif fits(offset, 12):
            self._put4(LOAD[size](dest, offset, base))
        else:
            upper, lower = split(offset)
            self._load_upper(dest, upper)
            self._put2(C_ADD(dest, base))
            self._put4(LOAD[size](dest, lower, dest))

    def _store(self, size: int, src: int, base: int, index: int) -> None:
        offset = wrap(index << size, 32)
        if (self.release.rv32_any_offset and 0 <= offset < 64 and size == 2
                and compressible(src) and compressible(base)):
            self._put2(C_SW(src, offset, base))
        elif fits(offset, 12):
            self._put4(STORE[size](src, offset, base))
        else:
            temp = self.temp_2
            upper, lower = split(offset)
            self._load_upper(temp, upper)
            self._put2(C_ADD(temp, base))
            self._put4(STORE[size](src, lower, temp))

    def load_word(self, dest: int, base: int, word_offset: int) -> None:
        self._load(2, dest, base, word_offset)

    def store_word(self, src: int, base: int, word_offset: int) -> None:
        self._store(2, src, base, word_offset)

    def load_half(self, dest: int, base: int, half_offset: int) -> None:
        self._load(1, dest, base, half_offset)

    def load(self, width: int, dest: int, base: int) -> None:
        self._load(SIZE[width], dest, base, 0)

    def store(self, width: int, src: int, base: int) -> None:
        self._store(SIZE[width], src, base, 0)

    def load_at(self, width: int, dest: int, base: int, index: int) -> bool:
        size = SIZE[width]
        if self.release.rv32_any_offset:
            self._load(size, dest, base, index)
        elif index and fits(index, 12 - size):
            self._put4(LOAD[size](dest, wrap(index, 32) << size, base))
        else:
            return False
        return True

    def store_at(self, width: int, src: int, base: int, index: int, temp: int) -> bool:
        size = SIZE[width]
        if self.release.rv32_any_offset:
            self._store(size, src, base, index)
        elif index and fits(index, 12 - size):
            self._put4(STORE[size](src, wrap(index, 32) << size, base))
        else:
            return False
        return True

    def load_at_reg(self, width: int, dest: int, base: int, index: int) -> bool:
        size = SIZE[width]
        at = self._add_index(size, base, index)
        if at < 0:
            return False
        if self.release.rv32_index >= RiscvIndex.SHORT:
            self._load(size, dest, at, 0)
        else:
            self._put4(LOAD[size](dest, 0, at))
        return True

    def store_at_reg(self, width: int, src: int, base: int, index: int) -> bool:
        size = SIZE[width]
        at = self._add_index(size, base, index)
        if at < 0:
            return False
        if self.release.rv32_index >= RiscvIndex.SHORT:
            self._store(size, src, at, 0)
        else:
            self._put4(STORE[size](src, 0, at))
        return True

    def _add_index(self, size: int, base: int, index: int) -> int:
        """The register that then holds base + (index << size), or -1 without code."""
        how = self.release.rv32_index
        if how == RiscvIndex.WORDS:
            if size != 2:
                return -1
            self._put4(SLLI(self.temp_2, index, size))
            self._put2(C_ADD(base, self.temp_2))
            return base
        target = self.temp_2 if how == RiscvIndex.TEMPORARY else base
        if size and self.flags & ZBA:
            self._put4(SHIFT_ADD[size](target, index, base))
        elif how == RiscvIndex.TEMPORARY:
            if size:
                self._put4(SLLI(target, index, size))
                self._put2(C_ADD(target, base))
            else:
                self._put4(ADD(target, base, index))
        else:
            if size and how == RiscvIndex.SHORT:
                self._put2(C_SLLI(index, size))
            elif size:
                self._put4(SLLI(index, index, size))
            self._put2(C_ADD(base, index))
        return target
