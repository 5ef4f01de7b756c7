"""What the native emitters need of a machine: registers, a few facts, and some sixty verbs.

The emitters know no target.  A machine is a `CodeBuffer` that turns each verb into instructions
just as the reference of the given release does; one module per family implements it.  Registers
are plain integers, in the machine's own numbering.  Word offsets count machine words.

Locals are the words of the stack frame that `entry` makes, counted from its low end.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple, final

from mpy_cross.emitters.native.buffer import CodeBuffer
from mpy_cross.loader.ops import BinaryOp
from mpy_cross.loader.release import Release


@final
class Registers(NamedTuple):
    """The roles that registers play."""

    ret: int
    arg_1: int
    arg_2: int
    arg_3: int
    arg_4: int
    temp_0: int
    temp_1: int
    temp_2: int
    local_1: int
    local_2: int
    local_3: int
    fun_table: int
    parent_ret: int
    """Where a function returns its result and finds its arguments; with windowed registers they
    differ from those of a call that it makes, otherwise they are the same."""
    parent_arg_1: int
    parent_arg_2: int
    parent_arg_3: int
    parent_arg_4: int
    zero: int | None = None
    """A register that is always zero, if there is one and the release makes use of it."""


@final
class Traits(NamedTuple):
    """Facts about a machine that shape the code of the shared emitter."""

    word_size: int
    nlr_buf_words: int
    """Size of nlr_buf_t in words as the emitter assumes it: registers saved, plus three."""
    nlr_local_1: int
    """Word index in nlr_buf_t of the saved registers local_1, local_2 and local_3."""
    nlr_local_2: int
    nlr_local_3: int
    nlr_setjmp: bool = False
    """nlr needs a call to setjmp (windowed Xtensa)."""
    prelude_as_bytes: bool = False
    """Version 5: the prelude is a bytes object of the constant table, not part of the code."""
    shift_by_cl: bool = False
    """Shifts take their count from one register (x86): `shift_count` holds it."""
    shift_count: int = -1
    byte_stores_low: bool = False
    """Only some registers can be stored as a byte (x86), so values go to arg_3."""
    args_on_stack: bool = False
    """Incoming arguments are on the stack (x86): `load_argument` fetches them."""
    named: bool = False
    """The machine wants to know the name of each function: `name_function`."""
    closure_from_ret: bool = False
    """The function that becomes a closure is left in ret, though it is an argument; a mistake of
    the reference's debug machine."""
    setup_call_keeps_arg_4: bool = False
    """The call of setup_code_state has a fourth argument in arg_4, which a normal call may
    clobber, so it goes through `call_keeping_arg_4` (Thumb, ARM)."""


class Machine(CodeBuffer):
    """The verbs.  `label` arguments are label numbers; `reg` and the like are registers."""

    __slots__ = ("registers", "release", "traits")

    registers: Registers
    traits: Traits
    release: Release

    @property
    def emits_at_once(self) -> bool:
        """Whether a single pass can do, if it begins with what passes before it would find out."""
        return not self.traits.named

    @property
    def carried(self) -> int:
        """What one pass leaves to the next, besides labels, be it over another function."""
        return 0

    @carried.setter
    def carried(self, value: int) -> None:
        pass

    def expect(self, n_table: int) -> None:
        """The next pass will probably put so many constants into a table."""

    def name_function(self, name: bytes) -> None:
        """The qualified name of the function that comes next (Traits.named)."""
        raise NotImplementedError

    @abstractmethod
    def entry(self, n_locals: int) -> None:
        """Function prologue with a frame of `n_locals` words."""

    @abstractmethod
    def exit(self) -> None:
        """Function epilogue: return to the caller."""

    @abstractmethod
    def end_pass(self) -> None:
        """After the last verb of a pass."""

    # --- control

    @abstractmethod
    def jump(self, label: int) -> None: ...

    @abstractmethod
    def jump_if_zero(self, reg: int, label: int, bool_test: bool) -> None:
        """`bool_test`: only the low byte of `reg` counts."""

    @abstractmethod
    def jump_if_nonzero(self, reg: int, label: int, bool_test: bool) -> None: ...

    @abstractmethod
    def jump_if_equal(self, reg_1: int, reg_2: int, label: int) -> None: ...

    @abstractmethod
    def jump_reg(self, reg: int) -> None: ...

    @abstractmethod
    def call(self, index: int) -> None:
        """Call entry `index` of mp_fun_table."""

    def call_keeping_arg_4(self, index: int) -> None:
        """`call` through another register, where arg_4 matters (Traits.setup_call_keeps_arg_4)."""
        self.call(index)

    # --- moves

    @abstractmethod
    def move_local_reg(self, local: int, reg: int) -> None:
        """local = reg"""

    @abstractmethod
    def move_reg_local(self, reg: int, local: int) -> None:
        """reg = local"""

    @abstractmethod
    def move_reg_local_address(self, reg: int, local: int) -> None:
        """reg = &local"""

    @abstractmethod
    def move_reg_imm(self, reg: int, value: int) -> None:
        """reg = value, in the shortest form (a signed or unsigned machine word)."""

    def move_reg_imm_fix_u16(self, reg: int, value: int) -> int:
        """reg = value in a form of fixed size; the position that a linker patches (version 5)."""
        raise NotImplementedError

    def link_place(self, place: int) -> int:
        """A place for the linker as the file stores it; the reference keeps 16 bits (version 5)."""
        return place & 0xFFFF

    def move_reg_imm_fix_word(self, reg: int, value: int) -> int:
        """As `move_reg_imm_fix_u16`, for any word (version 5)."""
        raise NotImplementedError

    @abstractmethod
    def move_reg_reg(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def move_reg_label(self, reg: int, label: int) -> None:
        """reg = address of label (relative to the program counter)."""

    def load_argument(self, index: int, reg: int) -> None:
        """reg = incoming argument (Traits.args_on_stack)."""
        raise NotImplementedError

    # --- arithmetic: dest = dest op src

    @abstractmethod
    def shift_left(self, dest: int, src: int) -> None:
        """With Traits.shift_by_cl, `src` is `shift_count`."""

    @abstractmethod
    def shift_right_logical(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def shift_right_arithmetic(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def or_(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def xor(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def and_(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def add(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def sub(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def mul(self, dest: int, src: int) -> None: ...

    @abstractmethod
    def neg(self, reg: int) -> None:
        """reg = -reg (version 6)"""

    def invert(self, reg: int) -> bool:
        """reg = ~reg (version 6); False if the machine has no instruction for it."""
        return False

    @abstractmethod
    def clear(self, reg: int) -> None:
        """reg = 0, as the release does it (`xor reg, reg` up to version 5)."""

    @abstractmethod
    def compare(self, op: BinaryOp, unsigned: bool, lhs: int, rhs: int) -> None:
        """ret = lhs op rhs, 0 or 1; `op` is one of LESS ... NOT_EQUAL."""

    # --- memory

    @abstractmethod
    def load_word(self, dest: int, base: int, word_offset: int) -> None:
        """dest = base[word_offset]"""

    @abstractmethod
    def store_word(self, src: int, base: int, word_offset: int) -> None:
        """base[word_offset] = src"""

    def load_half(self, dest: int, base: int, half_offset: int) -> None:
        """dest = (uint16_t *)base[half_offset] (version 6: qstr table look-up)."""
        raise NotImplementedError

    @abstractmethod
    def load(self, width: int, dest: int, base: int) -> None:
        """dest = *base, `width` bytes (1, 2, 4), zero-extended."""

    @abstractmethod
    def store(self, width: int, src: int, base: int) -> None:
        """*base = src, `width` bytes."""

    def load_at(self, width: int, dest: int, base: int, index: int) -> bool:
        """dest = base[index] in one go; False (and no code) if this release has no such form for
        this index."""
        return False

    def store_at(self, width: int, src: int, base: int, index: int, temp: int) -> bool:
        """base[index] = src; False (and no code) as in `load_at`.  `temp` may be clobbered."""
        return False

    def load_at_reg(self, width: int, dest: int, base: int, index: int) -> bool:
        """dest = base[index register]; False (and no code) as in `load_at`.  May clobber `base`
        as the reference does."""
        return False

    def store_at_reg(self, width: int, src: int, base: int, index: int) -> bool:
        """base[index register] = src; False (and no code) as in `load_at`."""
        return False
