"""The machine that prints its verbs: what `-march=debug` writes to standard output.

It shows what the native emitters ask of a machine, as the reference of each release prints it
(MicroPython: py/emitndebug.c).  No instructions are made: the file holds the preludes only, and no
board runs it.  Registers are numbered by their roles.
"""

from __future__ import annotations

import sys
from typing import Final, final

from mpy_cross.emitters.native.machine import Machine, Registers, Traits
from mpy_cross.loader.fun_table import Fun
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import Release

REGISTER_NAMES: Final = (
    "r_ret", "r_arg1", "r_arg2", "r_arg3", "r_arg4", "r_temp0", "r_temp1", "r_temp2",
    "r_local1", "r_local2", "r_local3", "r_fun_table",
)  # fmt: skip

REGISTERS: Final = Registers(
    ret=0, arg_1=1, arg_2=2, arg_3=3, arg_4=4, temp_0=5, temp_1=6, temp_2=7,
    local_1=8, local_2=9, local_3=10, fun_table=11,
    parent_ret=0, parent_arg_1=1, parent_arg_2=2, parent_arg_3=3, parent_arg_4=4,
)  # fmt: skip

TRAITS: Final = Traits(
    word_size=8, nlr_buf_words=3, nlr_local_1=5, nlr_local_2=6, nlr_local_3=7, named=True,
    closure_from_ret=True,
)  # fmt: skip

FUNCTION_NAMES: Final = {
    Fun.MAKE_FUNCTION: "make_function_from_proto_fun",
    Fun.MAKE_CLOSURE: "new_closure",
}
"""Entries of the function table that are printed under another name than ours."""

LOADS: Final = {1: "load8", 2: "load16", 4: "load32"}
STORES: Final = {1: "store8", 2: "store16", 4: "store32"}


@final
class DebugMachine(Machine):
    """Prints each function when its last pass ends."""

    __slots__ = ("_lines", "_name")

    def __init__(self, arch: str, release: Release, arch_flags: int = 0) -> None:
        super().__init__()
        self.registers = REGISTERS
        self.traits = TRAITS
        self.release = release
        self._name = b"?"
        self._lines: list[bytes] = []

    def name_function(self, name: bytes) -> None:
        self._name = name

    def start_pass(self, emitting: bool) -> None:
        super().start_pass(emitting)
        self._lines.clear()

    def end_pass(self) -> None:
        if self.emitting:
            text = b"".join(self._lines)
            sys.stdout.flush()
            binary = getattr(sys.stdout, "buffer", None)
            if binary is None:
                sys.stdout.write(text.decode("utf-8", "replace"))
            else:  # names need not be UTF-8
                binary.write(text)
                binary.flush()

    def _print(self, text: bytes, indent: bytes = b"    ") -> None:
        if self.emitting:
            self._lines.append(indent + (b"dead_code " if self.suppressed else b"") + text + b"\n")

    def _verb(self, name: str, *registers: int) -> None:
        """A line whose operands are registers."""
        if self.emitting:
            operands = ", ".join([REGISTER_NAMES[reg] for reg in registers])
            self._print(f"{name}({operands})".encode())

    def _mixed(self, name: str, *operands: int | str) -> None:
        """A line whose operands are register numbers or texts."""
        if self.emitting:
            texts = [REGISTER_NAMES[o] if isinstance(o, int) else o for o in operands]
            self._print(f"{name}({', '.join(texts)})".encode())

    def place_label(self, label: int) -> None:
        super().place_label(label)
        self._print(b"label(label_%d)" % label, b"")

    def entry(self, n_locals: int) -> None:
        name = self._name + b", " if self.release.debug_names_functions else b""
        self._print(b"ENTRY(%snum_locals=%d)" % (name, n_locals), b"")

    def exit(self) -> None:
        self._print(b"EXIT(0)", b"")

    # --- control

    def jump(self, label: int) -> None:
        self._mixed("jump", f"label_{label}")

    def jump_if_zero(self, reg: int, label: int, bool_test: bool) -> None:
        self._mixed("jump_if_reg_zero", reg, f"label_{label}", "true" if bool_test else "false")

    def jump_if_nonzero(self, reg: int, label: int, bool_test: bool) -> None:
        self._mixed("jump_if_reg_nonzero", reg, f"label_{label}", "true" if bool_test else "false")

    def jump_if_equal(self, reg_1: int, reg_2: int, label: int) -> None:
        self._mixed("jump_if_reg_eq", reg_1, reg_2, f"label_{label}")

    def jump_reg(self, reg: int) -> None:
        self._verb("jump_reg", reg)

    def call(self, index: int) -> None:
        fun = Fun(index)
        self._mixed("call_ind", FUNCTION_NAMES.get(fun, fun.name.lower()))

    # --- moves

    def move_local_reg(self, local: int, reg: int) -> None:
        self._mixed("mov_local_reg", f"local_{local}", reg)

    def move_reg_local(self, reg: int, local: int) -> None:
        self._mixed("mov_reg_local", reg, f"local_{local}")

    def move_reg_local_address(self, reg: int, local: int) -> None:
        self._mixed("mov_reg_local_addr", reg, f"local_{local}")

    def move_reg_imm(self, reg: int, value: int) -> None:
        word = value & 0xFFFFFFFF  # a C int
        signed = word - (word >> 31 << 32)
        self._mixed("mov_reg_imm", reg, f"{signed}=0x{word:x}")

    def move_reg_reg(self, dest: int, src: int) -> None:
        self._verb("mov_reg_reg", dest, src)

    def move_reg_label(self, reg: int, label: int) -> None:
        self._mixed("mov_reg_pcrel", reg, f"label_{label}")

    # --- arithmetic

    def shift_left(self, dest: int, src: int) -> None:
        self._verb("lsl", dest, src)

    def shift_right_logical(self, dest: int, src: int) -> None:
        self._verb("lsr", dest, src)

    def shift_right_arithmetic(self, dest: int, src: int) -> None:
        self._verb("asr", dest, src)

    def or_(self, dest: int, src: int) -> None:
        self._verb("or", dest, src)

    def xor(self, dest: int, src: int) -> None:
        self._verb("xor", dest, src)

    def and_(self, dest: int, src: int) -> None:
        self._verb("and", dest, src)

    def add(self, dest: int, src: int) -> None:
        self._verb("add", dest, src)

    def sub(self, dest: int, src: int) -> None:
        self._verb("sub", dest, src)

    def mul(self, dest: int, src: int) -> None:
        self._verb("mul", dest, src)

    def neg(self, reg: int) -> None:
        self._verb("neg", reg)

    def invert(self, reg: int) -> bool:
        self._verb("not", reg)
        return True

    def clear(self, reg: int) -> None:
        if self.release.native_clear_instruction:
            self._verb("clr", reg)
        else:
            self.xor(reg, reg)

    def compare(self, op: BinaryOp, unsigned: bool, lhs: int, rhs: int) -> None:
        # Six conditions for unsigned numbers, then six for signed ones.
        condition = op - BinaryOp.LESS + (0 if unsigned else 6)
        self._mixed("setcc", str(condition), self.registers.ret, lhs, rhs)

    # --- memory

    def load_word(self, dest: int, base: int, word_offset: int) -> None:
        self._mixed("load", dest, base, str(word_offset))

    def store_word(self, src: int, base: int, word_offset: int) -> None:
        self._mixed("store", src, base, str(word_offset))

    def load_half(self, dest: int, base: int, half_offset: int) -> None:
        self._mixed("load16", dest, base, str(half_offset))

    def load(self, width: int, dest: int, base: int) -> None:
        self._verb(LOADS[width], dest, base)

    def store(self, width: int, src: int, base: int) -> None:
        self._verb(STORES[width], src, base)

    def load_at(self, width: int, dest: int, base: int, index: int) -> bool:
        if width != 2 or not self.release.debug_indexed_half:
            return False
        self.load_half(dest, base, index)
        return True
