"""x86 machines: what x86 and x86-64 share, and the 32-bit machine.

Registers are numbered as in the instruction encoding.  The frame is addressed from the stack
pointer: local 0 is the word at its top, above the locals are the saved registers, the return
address and, on x86, the arguments.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Final, final

from mpy_cross.assembler.x86 import CONDITIONS, TABLE, InstructionSet, Memory, Row, Value
from mpy_cross.emitters.native.buffer import UNKNOWN
from mpy_cross.emitters.native.machine import Machine, Registers, Traits
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import Release

AX: Final = 0
CX: Final = 1
DX: Final = 2
BX: Final = 3
SP: Final = 4
BP: Final = 5
SI: Final = 6
DI: Final = 7

_UNSIGNED: Final = ("b", "a", "e", "be", "ae", "ne")
_SIGNED: Final = ("l", "g", "e", "le", "ge", "ne")

# Arguments of each function of mp_fun_table (py/emitnx86.c); entries that are no function have 0.
_ARGUMENTS: Final = (
    0, 0, 0, 2, 2, 1, 1, 1, 0, 2, 3, 2, 2, 2, 3, 3, 1, 2, 3, 2, 2, 1, 2, 2, 2,
    3, 3, 3, 3, 3, 2, 1, 1, 0, 1, 3, 2, 1, 3, 3, 3, 1, 1, 3, 3, 4, 2, 2, 3, 1,
)  # fmt: skip


@lru_cache(maxsize=1 << 14)
def code_of(item: Row, *values: Value) -> bytes:
    return item.encode(*values)


@lru_cache(maxsize=1 << 14)
def code_of_load(item: Row, reg: int, base: int, disp: int) -> bytes:
    return item.encode(reg, Memory(base, disp))


@lru_cache(maxsize=1 << 14)
def code_of_store(item: Row, reg: int, base: int, disp: int) -> bytes:
    return item.encode(Memory(base, disp), reg)


def _wrapped(value: int) -> int:
    """The value as a C int."""
    return (value + (1 << 31) & 0xFFFFFFFF) - (1 << 31)


@final
class Instructions:
    """The rows that the machines use, of one word size (`word` bytes)."""

    __slots__ = ("add", "add_byte", "add_long", "and_", "branches", "call", "call_reg", "cmp",
                 "imul", "jump", "jump_long", "jump_reg", "lea", "load", "loads", "long_branches",
                 "mov", "mov_imm", "mov_long", "neg", "not_", "or_", "pop", "push", "ret", "sar",
                 "set_", "shl", "shr", "store", "stores", "sub", "sub_byte", "sub_long", "test",
                 "test_byte", "word", "xor")

    def __init__(self, isa: InstructionSet) -> None:
        word = isa.mode
        self.word = word // 8
        self.add, self.sub, self.and_, self.or_, self.xor, self.cmp, self.test, self.mov = (
            isa[f"{name}_rm{word}_r{word}"]
            for name in ("add", "sub", "and", "or", "xor", "cmp", "test", "mov")
        )
        self.add_byte, self.sub_byte = isa[f"add_rm{word}_imm8"], isa[f"sub_rm{word}_imm8"]
        self.add_long, self.sub_long = isa[f"add_rm{word}_imm32"], isa[f"sub_rm{word}_imm32"]
        self.test_byte = isa["test_rm8_r8"]
        self.not_, self.neg = isa[f"not_rm{word}"], isa[f"neg_rm{word}"]
        self.shl, self.shr, self.sar = (isa[f"{name}_rm{word}_cl"]
                                        for name in ("shl", "shr", "sar"))
        self.imul = isa[f"imul_r{word}_rm{word}"]
        self.push, self.pop = isa[f"push_r{word}"], isa[f"pop_r{word}"]
        self.call, self.call_reg = isa["call_rel32"], isa[f"call_rm{word}"]
        self.jump_reg, self.ret = isa[f"jmp_rm{word}"], isa["ret"]
        self.jump, self.jump_long = isa["jmp_rel8"], isa["jmp_rel32"]
        self.branches = {name: isa[f"j{name}_rel8"] for name in CONDITIONS}
        self.long_branches = {name: isa[f"j{name}_rel32"] for name in CONDITIONS}
        self.set_ = {name: isa[f"set{name}_rm8"] for name in CONDITIONS}
        self.mov_imm, self.mov_long = isa["mov_r32_imm32"], isa[f"mov_r{word}_imm{word}"]
        self.lea = isa[f"lea_r{word}_m"]
        self.load, self.store = isa[f"mov_r{word}_rm{word}"], self.mov
        self.loads = {1: isa["movzx_r32_rm8"], 2: isa["movzx_r32_rm16"], 4: isa["mov_r32_rm32"]}
        self.stores = {1: isa["mov_rm8_r8"], 2: isa["mov_rm16_r16"], 4: isa["mov_rm32_r32"]}


class IntelMachine(Machine):
    """The verbs that differ only in the word size."""

    __slots__ = ("frame", "rows", "word")

    saved: tuple[int, ...]
    """Registers that a function saves, in the order of the pushes."""

    def __init__(self, release: Release, rows: Instructions) -> None:
        super().__init__()
        self.release = release
        self.rows = rows
        self.word = rows.word
        self.frame = 0

    # --- frame

    @abstractmethod
    def frame_words(self, n_locals: int) -> int:
        """The size of a frame that keeps the stack aligned."""

    def entry(self, n_locals: int) -> None:
        rows = self.rows
        for reg in self.saved:
            self.put(code_of(rows.push, reg))
        self.frame = self.frame_words(n_locals)
        self.move_stack(self.frame * self.word)

    def exit(self) -> None:
        rows = self.rows
        self.move_stack(-self.frame * self.word)
        for reg in reversed(self.saved):
            self.put(code_of(rows.pop, reg))
        self.put(code_of(rows.ret))

    def move_stack(self, size: int) -> None:
        """sp -= size"""
        rows = self.rows
        self.put(code_of(rows.sub_byte if -128 <= size < 128 else rows.sub_long, SP, size))

    def end_pass(self) -> None:
        pass

    # --- control

    def _branch(self, short: Row, long: Row, label: int) -> None:
        target = self.labels[label]
        distance = target - len(self.code)
        if target != UNKNOWN and -126 <= distance < 0:
            self.put(code_of(short, distance - 2))
        else:  # a jump forward is long in every pass, so that its size never changes
            self.put(code_of(long, distance - (5 if long is self.rows.jump_long else 6)))

    def jump(self, label: int) -> None:
        self._branch(self.rows.jump, self.rows.jump_long, label)

    def _jump_if(self, condition: str, label: int) -> None:
        self._branch(self.rows.branches[condition], self.rows.long_branches[condition], label)

    def _test(self, reg: int, bool_test: bool) -> None:
        if bool_test:
            byte = self._byte_register(reg, 0)
            self.put(code_of(self.rows.test_byte, byte, byte))
        else:
            self.put(code_of(self.rows.test, reg, reg))

    def jump_if_zero(self, reg: int, label: int, bool_test: bool) -> None:
        self._test(reg, bool_test)
        self._jump_if("e", label)

    def jump_if_nonzero(self, reg: int, label: int, bool_test: bool) -> None:
        self._test(reg, bool_test)
        self._jump_if("ne", label)

    def jump_if_equal(self, reg_1: int, reg_2: int, label: int) -> None:
        self.put(code_of(self.rows.cmp, reg_2, reg_1))
        self._jump_if("e", label)

    def jump_reg(self, reg: int) -> None:
        self.put(code_of(self.rows.jump_reg, reg))

    def call(self, index: int) -> None:
        self.load_word(AX, self.registers.fun_table, index)
        self.put(code_of(self.rows.call_reg, AX))

    # --- moves

    def move_local_reg(self, local: int, reg: int) -> None:
        self.store_word(reg, SP, local)

    def move_reg_local(self, reg: int, local: int) -> None:
        self.load_word(reg, SP, local)

    def move_reg_local_address(self, reg: int, local: int) -> None:
        if local:
            self.put(code_of_load(self.rows.lea, reg, SP, _wrapped(local * self.word)))
        else:
            self.move_reg_reg(reg, SP)

    def move_reg_imm(self, reg: int, value: int) -> None:
        self.put(code_of(self.rows.mov_imm, reg, value & 0xFFFFFFFF))

    def move_reg_imm_fix_u16(self, reg: int, value: int) -> int:
        return self.move_reg_imm_fix_word(reg, value)

    def move_reg_imm_fix_word(self, reg: int, value: int) -> int:
        self.put(code_of(self.rows.mov_imm, reg, value & 0xFFFFFFFF))
        return len(self.code) - 4

    def move_reg_reg(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.mov, dest, src))

    # --- arithmetic

    def shift_left(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.shl, dest))

    def shift_right_logical(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.shr, dest))

    def shift_right_arithmetic(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.sar, dest))

    def or_(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.or_, dest, src))

    def xor(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.xor, dest, src))

    def and_(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.and_, dest, src))

    def add(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.add, dest, src))

    def sub(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.sub, dest, src))

    def mul(self, dest: int, src: int) -> None:
        self.put(code_of(self.rows.imul, dest, src))

    def neg(self, reg: int) -> None:
        self.put(code_of(self.rows.neg, reg))

    def invert(self, reg: int) -> bool:
        self.put(code_of(self.rows.not_, reg))
        return True

    def clear(self, reg: int) -> None:
        self.xor(reg, reg)

    def compare(self, op: BinaryOp, unsigned: bool, lhs: int, rhs: int) -> None:
        rows = self.rows
        ret = self.registers.ret
        self.xor(ret, ret)  # setcc writes one byte only
        self.put(code_of(rows.cmp, lhs, rhs))
        self.put(code_of(rows.set_[(_UNSIGNED if unsigned else _SIGNED)[op]], ret))

    # --- memory

    def load_word(self, dest: int, base: int, word_offset: int) -> None:
        self.put(code_of_load(self.rows.load, dest, base, _wrapped(word_offset * self.word)))

    def store_word(self, src: int, base: int, word_offset: int) -> None:
        self.put(code_of_store(self.rows.store, src, base, _wrapped(word_offset * self.word)))

    def load_half(self, dest: int, base: int, half_offset: int) -> None:
        self._load(2, dest, base, half_offset)

    def load(self, width: int, dest: int, base: int) -> None:
        self._load(width, dest, base, 0)

    def _load(self, width: int, dest: int, base: int, index: int) -> None:
        self.put(code_of_load(self.rows.loads[width], dest, base, _wrapped(index * width)))

    def store(self, width: int, src: int, base: int) -> None:
        self._store(width, src, base, 0)

    def _store(self, width: int, src: int, base: int, index: int) -> None:
        if width == 1:
            src = self._byte_register(src, base)
        self.put(code_of_store(self.rows.stores[width], src, base, _wrapped(index * width)))

    def _byte_register(self, reg: int, other: int) -> int:
        """The byte register that the reference's code for `reg` means.

        It sets no REX prefix for registers 4 to 7, so unless `other` needs one they are ah to bh.
        """
        return reg + 12 if 4 <= reg < 8 and other < 8 else reg

    def load_at(self, width: int, dest: int, base: int, index: int) -> bool:
        if not self.release.x86_indexed_memory:
            return False
        self._load(width, dest, base, index)
        return True

    def store_at(self, width: int, src: int, base: int, index: int, temp: int) -> bool:
        if not self.release.x86_indexed_memory:
            return False
        self._store(width, src, base, index)
        return True


@lru_cache(maxsize=2)
def instructions(mode: int) -> Instructions:
    """The instructions of a mode, 32 or 64."""
    return Instructions(TABLE.of_mode(mode))


@final
class X86Machine(IntelMachine):
    """32-bit x86."""

    __slots__ = ()

    saved = (BP, BX, SI, DI)

    def __init__(self, arch: str, release: Release, arch_flags: int = 0) -> None:
        super().__init__(release, instructions(32))
        self.registers = Registers(
            ret=AX, arg_1=AX, arg_2=CX, arg_3=DX, arg_4=BX, temp_0=AX, temp_1=CX, temp_2=DX,
            local_1=BX, local_2=SI, local_3=DI, fun_table=BP,
            parent_ret=AX, parent_arg_1=AX, parent_arg_2=CX, parent_arg_3=DX, parent_arg_4=BX,
        )  # fmt: skip
        self.traits = Traits(
            word_size=4,
            nlr_buf_words=6 + 3,
            nlr_local_1=5,
            nlr_local_2=7,
            nlr_local_3=6,
            shift_by_cl=True,
            shift_count=CX,
            byte_stores_low=True,
            args_on_stack=True,
        )

    def frame_words(self, n_locals: int) -> int:
        return n_locals | (3 if self.release.x86_aligned_stack else 1)

    def load_argument(self, index: int, reg: int) -> None:
        # Above the locals are the saved registers and the return address.
        self.load_word(reg, SP, self.frame + len(self.saved) + 1 + index)

    def call(self, index: int) -> None:
        rows = self.rows
        registers = self.registers
        count = _ARGUMENTS[index]
        padding = -count % 4 if self.release.x86_aligned_stack else 0
        if padding:
            self.move_stack(padding * 4)
        for reg in (registers.arg_4, registers.arg_3, registers.arg_2, registers.arg_1)[4 - count:]:
            self.put(code_of(rows.push, reg))
        super().call(index)
        if count:
            self.put(code_of(rows.add_byte, SP, (count + padding) * 4))

    def move_reg_label(self, reg: int, label: int) -> None:
        # The call only serves to push the program counter.
        self.put(code_of(self.rows.call, 0))
        distance = self.labels[label] - len(self.code)
        self.put(code_of(self.rows.pop, reg))
        self.put(code_of(self.rows.add_long, reg, distance))


