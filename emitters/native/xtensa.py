"""Xtensa code of the native emitters: the call0 ABI (ESP8266) and windowed registers (ESP32).

Instructions and the choice between their forms are those of the reference of each release
(MicroPython: py/asmxtensa.c, py/asmxtensa.h), its mistakes included: what it does with operands too
big for an instruction is done here too, by the same masks.

A function starts with a table of the constants that no instruction holds; code jumps over it and
reaches it by l32r.  Its size is what the pass before needed, be it a pass over another function:
one machine serves all functions of a file.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emitters.native.buffer import UNKNOWN, encoder
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.emitters.native.machine import Machine, Registers, Traits
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import Release

A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15 = range(16)

REGISTERS: Final = Registers(
    ret=A2, arg_1=A2, arg_2=A3, arg_3=A4, arg_4=A5, temp_0=A2, temp_1=A3, temp_2=A4,
    local_1=A12, local_2=A13, local_3=A14, fun_table=A15,
    parent_ret=A2, parent_arg_1=A2, parent_arg_2=A3, parent_arg_3=A4, parent_arg_4=A5,
)
# A call moves the window by eight registers: what a callee has as a2 is a10 here.
WINDOW_REGISTERS: Final = Registers(
    ret=A10, arg_1=A10, arg_2=A11, arg_3=A12, arg_4=A13, temp_0=A10, temp_1=A11, temp_2=A12,
    local_1=A4, local_2=A5, local_3=A6, fun_table=A7,
    parent_ret=A2, parent_arg_1=A2, parent_arg_2=A3, parent_arg_3=A4, parent_arg_4=A5,
)

# nlr_buf_t: two words, then the saved registers, the stack pointer and local_1 to local_3 among
# them (py/nlrxtensa.c); with windowed registers, a jmp_buf of 17 words (py/nlrsetjmp.c).
TRAITS: Final = Traits(
    word_size=4, nlr_buf_words=3 + 10, nlr_local_1=8, nlr_local_2=9, nlr_local_3=10,
)
WINDOW_TRAITS: Final = Traits(
    word_size=4, nlr_buf_words=3 + 17, nlr_local_1=6, nlr_local_2=7, nlr_local_3=8,
    nlr_setjmp=True, prelude_as_bytes=True,
)

SAVED: Final = (A12, A13, A14, A15)
"""Registers that a function keeps for its caller, beside the return address in a0."""
STORE_TEMP: Final = A6
"""Holds the address of a store that is out of reach, whatever it holds otherwise: local_3, with
windowed registers."""

ADD_N: Final = encoder(TABLE["add.n"])
ADDI: Final = encoder(TABLE["addi"])
ADDX2: Final = encoder(TABLE["addx2"])
ADDX4: Final = encoder(TABLE["addx4"])
AND: Final = encoder(TABLE["and"])
BEQ: Final = TABLE["beq"].word
BNE: Final = TABLE["bne"].word
BEQZ: Final = TABLE["beqz"].word
BNEZ: Final = TABLE["bnez"].word
CALL0: Final = TABLE["call0"].word
CALLX0: Final = encoder(TABLE["callx0"])
CALLX8: Final = encoder(TABLE["callx8"])
ENTRY: Final = TABLE["entry"].word
J: Final = TABLE["j"].word
JX: Final = encoder(TABLE["jx"])
L32I: Final = encoder(TABLE["l32i"])
L32I_N: Final = encoder(TABLE["l32i.n"])
L32R: Final = TABLE["l32r"].word
MOV_N: Final = encoder(TABLE["mov.n"])
MOVI: Final = encoder(TABLE["movi"])
MOVI_N: Final = encoder(TABLE["movi.n"])
MULL: Final = encoder(TABLE["mull"])
NEG: Final = encoder(TABLE["neg"])
OR: Final = encoder(TABLE["or"])
RET_N: Final = encoder(TABLE["ret.n"])()
RETW_N: Final = encoder(TABLE["retw.n"])()
S32I: Final = encoder(TABLE["s32i"])
S32I_N: Final = encoder(TABLE["s32i.n"])
SLL: Final = encoder(TABLE["sll"])
SRA: Final = encoder(TABLE["sra"])
SRL: Final = encoder(TABLE["srl"])
SSL: Final = encoder(TABLE["ssl"])
SSR: Final = encoder(TABLE["ssr"])
SUB: Final = encoder(TABLE["sub"])
XOR: Final = encoder(TABLE["xor"])
# By log2 of the width.
LOAD: Final = (encoder(TABLE["l8ui"]), encoder(TABLE["l16ui"]), L32I)
STORE: Final = (encoder(TABLE["s8i"]), encoder(TABLE["s16i"]), S32I)
SIZE: Final = {1: 0, 2: 1, 4: 2}

# Branches of LESS, MORE, EQUAL, LESS_EQUAL, MORE_EQUAL, NOT_EQUAL, and whether operands change
# places.
SWAPPED: Final = (False, True, False, True, False, False)
UNSIGNED: Final = tuple(
    TABLE[name].word for name in ("bltu", "bltu", "beq", "bgeu", "bgeu", "bne"))
SIGNED: Final = tuple(TABLE[name].word for name in ("blt", "blt", "beq", "bge", "bge", "bne"))

OVERFLOW: Final = "asm overflow"
OUT_OF_RANGE: Final = "ERROR: xtensa {} out of range"

# Labels count from the address of an instruction plus 4; a long branch is one of three bytes over
# a jump of three bytes.
LABEL_BASE: Final = 4
BRANCH_SIZE: Final = 3
OVER_JUMP: Final = 2 * BRANCH_SIZE - LABEL_BASE


def wrap(value: int, bits: int) -> int:
    """The low bits as a signed number."""
    half = 1 << (bits - 1)
    return (value + half & (1 << bits) - 1) - half


def fits(value: int, bits: int) -> bool:
    """Is the 32-bit word a signed number of so many bits?"""
    value = wrap(value, 32)
    return -(1 << (bits - 1)) <= value < 1 << (bits - 1)


class XtensaMachine(Machine):
    """The call0 ABI."""

    __slots__ = ("frame_size", "n_constants", "saved", "table_at")

    def __init__(self, arch: str, release: Release, arch_flags: int = 0) -> None:
        super().__init__()
        self.release = release
        self.registers = REGISTERS
        self.traits = TRAITS
        self.saved = 1 + len(SAVED)
        self.frame_size = 0
        self.n_constants = 0  # that the pass before has used
        self.table_at = 0

    @property
    def carried(self) -> int:
        return self.n_constants

    @carried.setter
    def carried(self, value: int) -> None:
        self.n_constants = value

    def expect(self, n_table: int) -> None:
        self.n_constants = n_table

    def _put2(self, word: int) -> None:
        if not self.suppressed:
            self.code += word.to_bytes(2, "little")

    def _put3(self, word: int) -> None:
        if not self.suppressed:
            self.code += word.to_bytes(3, "little")

    # --- entry, exit, calls

    def _start_table(self, skip_empty: bool) -> None:
        if self.n_constants or not skip_empty:
            self._put3(J(self.n_constants * 4))
            self.put(b"\0")
            self.table_at = len(self.code)
            self.put(bytes(self.n_constants * 4))

    def entry(self, n_locals: int) -> None:
        self._start_table(self.release.xtensa_no_empty_table)
        self.frame_size = (self.saved + n_locals) * 4 + 15 & ~15
        if fits(-self.frame_size, 8):
            self.put(ADDI(A1, A1, -self.frame_size))
        else:
            self.put(MOVI(A9, wrap(self.frame_size, 12)))
            self.put(SUB(A1, A1, A9))
        self.put(S32I_N(A0, A1, 0))
        for place, reg in enumerate(SAVED, 1):
            self.put(S32I_N(reg, A1, place * 4))

    def exit(self) -> None:
        for place in range(len(SAVED), 0, -1):
            self.put(L32I_N(SAVED[place - 1], A1, place * 4))
        self.put(L32I_N(A0, A1, 0))
        if fits(self.frame_size, 8):
            self.put(ADDI(A1, A1, self.frame_size))
        else:
            self.put(MOVI(A9, wrap(self.frame_size, 12)))
            self.put(ADD_N(A1, A1, A9))
        self.put(RET_N)

    def end_pass(self) -> None:
        self.n_constants = self.constants
        self.constants = 0

    def call(self, index: int) -> None:
        self._load_entry(A0, index)
        self.put(CALLX0(A0))

    def _load_entry(self, reg: int, index: int) -> None:
        if index < 16:
            self.put(L32I_N(reg, self.registers.fun_table, index * 4))
        else:
            self.put(L32I(reg, self.registers.fun_table, index * 4))

    # --- control

    def _distance(self, label: int) -> int:
        return self.labels[label] - len(self.code) - LABEL_BASE

    def jump(self, label: int) -> None:
        self._put3(J(wrap(self._distance(label), 18)))

    def _reaches(self, label: int, distance: int, bits: int, name: str) -> bool:
        """Whether a branch has its short form; the long one is a branch over a jump."""
        if not self.release.xtensa_long_branches:
            placed = self.labels[label] != UNKNOWN
            if self.emitting and placed and not fits(distance, bits):
                self.warnings.append(OUT_OF_RANGE.format(name))
            return True
        if self.labels[label] != UNKNOWN and distance < 0 and fits(distance, bits):
            return True
        if self.emitting and not fits(distance - 6, 18):
            raise NativeError("RuntimeError", OUT_OF_RANGE.format(name), bare=True, limit=True)
        return False

    def jump_if_zero(self, reg: int, label: int, bool_test: bool) -> None:
        distance = self._distance(label)
        if self._reaches(label, distance, 12, "bccz"):
            self._put3(BEQZ(reg, wrap(distance, 12)))
        else:
            self._put3(BNEZ(reg, OVER_JUMP))
            self._put3(J(wrap(distance - BRANCH_SIZE, 18)))

    def jump_if_nonzero(self, reg: int, label: int, bool_test: bool) -> None:
        distance = self._distance(label)
        if self._reaches(label, distance, 12, "bccz"):
            self._put3(BNEZ(reg, wrap(distance, 12)))
        else:
            self._put3(BEQZ(reg, OVER_JUMP))
            self._put3(J(wrap(distance - BRANCH_SIZE, 18)))

    def jump_if_equal(self, reg_1: int, reg_2: int, label: int) -> None:
        distance = self._distance(label)
        if self._reaches(label, distance, 8, "bcc"):
            self._put3(BEQ(reg_1, reg_2, wrap(distance, 8)))
        else:
            self._put3(BNE(reg_1, reg_2, OVER_JUMP))
            self._put3(J(wrap(distance - BRANCH_SIZE, 18)))

    def branch(self, name: str, inverse: str, registers: tuple[int, ...], label: int) -> None:
        """A conditional branch by its mnemonic and that of the opposite one (inline assembler)."""
        distance = self._distance(label)
        bits, kind = (12, "bccz") if len(registers) == 1 else (8, "bcc")
        if self._reaches(label, distance, bits, kind):
            self._put3(TABLE[name].word(*registers, wrap(distance, bits)))
        else:
            self._put3(TABLE[inverse].word(*registers, OVER_JUMP))
            self._put3(J(wrap(distance - BRANCH_SIZE, 18)))

    def jump_reg(self, reg: int) -> None:
        self.put(JX(reg))

    # --- moves

    def move_local_reg(self, local: int, reg: int) -> None:
        self.put(S32I(reg, A1, (self.saved + local & 0xFF) * 4))

    def move_reg_local(self, reg: int, local: int) -> None:
        self.put(L32I(reg, A1, (self.saved + local & 0xFF) * 4))

    def move_reg_local_address(self, reg: int, local: int) -> None:
        offset = (self.saved + local) * 4
        if fits(offset, 8):
            self.put(ADDI(reg, A1, offset))
        else:
            self.put(MOVI(reg, wrap(offset, 12)))
            self.put(ADD_N(reg, reg, A1))

    def move_reg_imm(self, reg: int, value: int) -> None:
        value = wrap(value, 32)
        if self.release.xtensa_narrow_constants and -32 <= value <= 95:
            self.put(MOVI_N(reg, value))
        elif fits(value, 12):
            self.put(MOVI(reg, value))
        else:
            self._move_reg_table(reg, value)

    def _move_reg_table(self, reg: int, value: int) -> int:
        """reg = a new constant of the table; its offset.  Dead code takes its place there too."""
        at = self.table_at + self.constants * 4
        distance = wrap(at - (len(self.code) + 3 & ~3) >> 2, 16)
        self._put3(L32R(reg, (distance if distance < 0 else distance - 0x10000) * 4))
        if self.emitting:
            self.code[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")
        self.constants += 1
        return at

    def move_reg_imm_fix_u16(self, reg: int, value: int) -> int:
        return self._move_reg_table(reg, value)

    def move_reg_imm_fix_word(self, reg: int, value: int) -> int:
        return self._move_reg_table(reg, value)

    def move_reg_reg(self, dest: int, src: int) -> None:
        self.put(MOV_N(dest, src))

    def move_reg_label(self, reg: int, label: int) -> None:
        # call0 leaves the address of what follows it in a0; its target must be aligned, and so
        # lies up to three bytes further on.
        self.put(MOVI(reg, wrap(self.labels[label] - len(self.code) - 2 * BRANCH_SIZE, 12)))
        at = len(self.code)
        self._put3(CALL0((at >> 1 & 1) * 4))
        self.put(bytes(5 - at & 3))
        self.put(ADD_N(reg, reg, A0))

    # --- arithmetic

    def shift_left(self, dest: int, src: int) -> None:
        self.put(SSL(src))
        self.put(SLL(dest, dest))

    def shift_right_logical(self, dest: int, src: int) -> None:
        self.put(SSR(src))
        self.put(SRL(dest, dest))

    def shift_right_arithmetic(self, dest: int, src: int) -> None:
        self.put(SSR(src))
        self.put(SRA(dest, dest))

    def or_(self, dest: int, src: int) -> None:
        self.put(OR(dest, dest, src))

    def xor(self, dest: int, src: int) -> None:
        self.put(XOR(dest, dest, src))

    def and_(self, dest: int, src: int) -> None:
        self.put(AND(dest, dest, src))

    def add(self, dest: int, src: int) -> None:
        self.put(ADD_N(dest, dest, src))

    def sub(self, dest: int, src: int) -> None:
        self.put(SUB(dest, dest, src))

    def mul(self, dest: int, src: int) -> None:
        self.put(MULL(dest, dest, src))

    def neg(self, reg: int) -> None:
        self.put(NEG(reg, reg))

    def clear(self, reg: int) -> None:
        if self.release.native_clear_instruction:
            self.put(MOVI_N(reg, 0))
        else:
            self.put(XOR(reg, reg, reg))

    def compare(self, op: BinaryOp, unsigned: bool, lhs: int, rhs: int) -> None:
        if SWAPPED[op]:
            lhs, rhs = rhs, lhs
        branch = UNSIGNED[op] if unsigned else SIGNED[op]
        ret = self.registers.ret
        self.put(MOVI_N(ret, 1))
        self._put3(branch(lhs, rhs, 1))
        self.put(MOVI_N(ret, 0))

    # --- memory

    def _load(self, size: int, dest: int, base: int, index: int) -> None:
        """dest = base[index], of any reach; `size` is log2 of the width."""
        index &= 0xFFFFFFFF
        if index < 16 and size == 2:
            self.put(L32I_N(dest, base, index * 4))
        elif index < 256:
            self.put(LOAD[size](dest, base, index << size))
        else:
            self.move_reg_imm(dest, index << size)
            self.put(ADD_N(dest, base, dest))
            if size == 2:
                self.put(L32I_N(dest, dest, 0))
            else:
                self.put(LOAD[size](dest, dest, 0))

    def _store(self, size: int, src: int, base: int, index: int) -> None:
        index &= 0xFFFFFFFF
        if index < 16 and size == 2:
            self.put(S32I_N(src, base, index * 4))
        elif index < 256:
            self.put(STORE[size](src, base, index << size))
        else:
            self.move_reg_imm(STORE_TEMP, index << size)
            self.put(ADD_N(STORE_TEMP, base, STORE_TEMP))
            if size == 2:
                self.put(S32I_N(src, STORE_TEMP, 0))
            else:
                self.put(STORE[size](src, STORE_TEMP, 0))

    def _checked(self, word_offset: int) -> int:
        """The offset as releases without loads and stores of any reach take it."""
        if not self.release.xtensa_checked_offsets:
            return word_offset & 15
        if word_offset >= 256:
            raise NativeError("RuntimeError", OVERFLOW, bare=True, limit=True)
        return word_offset

    def load_word(self, dest: int, base: int, word_offset: int) -> None:
        if not self.release.xtensa_any_offset:
            word_offset = self._checked(word_offset)
        self._load(2, dest, base, word_offset)

    def store_word(self, src: int, base: int, word_offset: int) -> None:
        if not self.release.xtensa_any_offset:
            word_offset = self._checked(word_offset)
        self._store(2, src, base, word_offset)

    def load_half(self, dest: int, base: int, half_offset: int) -> None:
        if not self.release.xtensa_any_offset:
            half_offset &= 0xFF
        self._load(1, dest, base, half_offset)

    def load(self, width: int, dest: int, base: int) -> None:
        self._load(SIZE[width], dest, base, 0)

    def store(self, width: int, src: int, base: int) -> None:
        self._store(SIZE[width], src, base, 0)

    def load_at(self, width: int, dest: int, base: int, index: int) -> bool:
        if not self._index_fits(index):
            return False
        self._load(SIZE[width], dest, base, index)
        return True

    def store_at(self, width: int, src: int, base: int, index: int, temp: int) -> bool:
        if not self._index_fits(index):
            return False
        if self.release.xtensa_store_at_stores_ret:
            src = self.registers.ret
        self._store(SIZE[width], src, base, index)
        return True

    def _index_fits(self, index: int) -> bool:
        release = self.release
        return release.xtensa_any_offset or (release.xtensa_indexed and 0 < index < 256)

    def load_at_reg(self, width: int, dest: int, base: int, index: int) -> bool:
        if not self._add_index(width, base, index):
            return False
        self._load(SIZE[width], dest, base, 0)
        return True

    def store_at_reg(self, width: int, src: int, base: int, index: int) -> bool:
        if not self._add_index(width, base, index):
            return False
        self._store(SIZE[width], src, base, 0)
        return True

    def _add_index(self, width: int, base: int, index: int) -> bool:
        """base += index * width; False (and no code) if the release has no form for it."""
        if not self.release.xtensa_indexed:
            return False
        if width == 4:
            self.put(ADDX4(base, index, base))
        elif width == 2:
            self.put(ADDX2(base, index, base))
        elif self.release.xtensa_any_offset:
            self.put(ADD_N(base, index, base))
        else:
            return False
        return True


@final
class XtensaWinMachine(XtensaMachine):
    """Windowed registers: a call rotates them, so that none has to be saved here."""

    __slots__ = ()

    def __init__(self, arch: str, release: Release, arch_flags: int = 0) -> None:
        super().__init__(arch, release)
        self.registers = WINDOW_REGISTERS
        self.traits = WINDOW_TRAITS
        self.saved = 1

    def entry(self, n_locals: int) -> None:
        self._start_table(self.release.xtensawin_no_empty_table)
        self.frame_size = 32 + ((self.saved + n_locals) * 4 + 15 & ~15)
        self._put3(ENTRY(A1, self.frame_size & 0x7FF8))
        self.put(S32I_N(A0, A1, 0))

    def exit(self) -> None:
        self.put(L32I_N(A0, A1, 0))
        self.put(RETW_N)

    def call(self, index: int) -> None:
        self._load_entry(A8, index)
        self.put(CALLX8(A8))
