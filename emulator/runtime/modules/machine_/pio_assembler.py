"""Assembler of RP2040's programmable I/O (datasheet, 3.4), as `rp2.asm_pio` gives it to programs.

A program is a function whose calls are instructions.  It runs once: every call notes an
instruction, whose modifiers and label are filled in at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.types import HostObject

NAMES: Final[dict[str, int]] = {
    # What instructions take from and put into; `exec` depends on the instruction.
    "pins": 0, "x": 1, "y": 2, "null": 3, "pindirs": 4, "pc": 5, "status": 5, "isr": 6, "osr": 7,
    "exec": 8, "gpio": 0,
    # Conditions of jumps; `pin` is one of `wait`, too.
    "not_x": 1, "x_dec": 2, "not_y": 3, "y_dec": 4, "x_not_y": 5, "pin": 6, "not_osre": 7,
    # Modifiers of push, pull and irq.
    "noblock": 0x01, "block": 0x21, "iffull": 0x40, "ifempty": 0x40, "clear": 0x40,
}
PIN: Final = 6
EXEC: Final = 8
BLOCK, CONDITIONAL = 0x20, 0x40
EXECCTRL_SIDE_ENABLE: Final = 1 << 30
EXECCTRL_SIDE_DIRECTIONS: Final = 1 << 29
WRAP_TOP, WRAP_BOTTOM = 12, 7
WHOLE_PROGRAM: Final = 0x1F << WRAP_TOP


class PIOASMError(Exception):
    """A mistake in a PIO program."""


class Instruction(HostObject):
    """One instruction; what follows its call modifies it."""

    def __init__(self, bits: int, label: Any = None) -> None:
        self._bits, self._label = bits, label
        self._delay = 0
        self._side: int | None = None

    def delay(self, value: Any) -> Instruction:
        """So many cycles after the instruction."""
        self._delay = as_int(value)
        return self

    def __getitem__(self, value: Any) -> Instruction:
        """The same as `delay`."""
        return self.delay(value)

    def side(self, value: Any) -> Instruction:
        """Levels of the side-set pins."""
        self._side = as_int(value)
        return self


class Assembler:
    """Collects the instructions of one program.  checks_side: refuses values that do not fit."""

    def __init__(self, checks_side: bool = True) -> None:
        self.checks_side = checks_side
        self.instructions: list[Instruction] = []
        self.labels: dict[Any, int] = {}
        self.target = 0
        self.end: int | None = None

    def names(self) -> dict[str, Any]:
        """What the program sees: constants and functions."""
        own: Iterable[Callable[..., Any]] = (
            self.wrap_target, self.wrap, self.label, self.word, self.nop, self.jmp, self.wait,
            self.in_, self.out, self.push, self.pull, self.mov, self.irq, self.set)
        return {**NAMES, "invert": lambda x: x | 0x08, "reverse": lambda x: x | 0x10,
                "rel": lambda x: x | 0x10, **{each.__name__: each for each in own}}

    # Directives.

    def wrap_target(self) -> None:
        self.target = len(self.instructions)

    def wrap(self) -> None:
        if not self.instructions:
            raise PIOASMError("wrap before the first instruction")
        self.end = len(self.instructions) - 1

    def label(self, label: Any) -> None:
        if label in self.labels:
            raise PIOASMError(f"duplicate label {label}")
        self.labels[label] = len(self.instructions)

    # Instructions.

    def word(self, instr: Any, label: Any = None) -> Instruction:
        made = Instruction(as_int(instr), label)
        self.instructions.append(made)
        return made

    def nop(self) -> Instruction:
        return self.word(0xA042)

    def jmp(self, cond: Any, label: Any = None) -> Instruction:
        if label is None:
            return self.word(0x0000, cond)
        return self.word(as_int(cond) << 5, label)

    def wait(self, polarity: Any, src: Any, index: Any) -> Instruction:
        # The name `irq` is the function.
        source = 2 if callable(src) else {0: 0, PIN: 1}.get(as_int(src), 2)
        return self.word(0x2000 | as_int(polarity) << 7 | source << 5 | as_int(index))

    def _count(self, value: Any) -> int:
        number = as_int(value)
        if not 0 < number <= 32:
            raise PIOASMError(f"invalid bit count {number}")
        return number & 31

    def in_(self, src: Any, data: Any) -> Instruction:
        return self.word(0x4000 | as_int(src) << 5 | self._count(data))

    def out(self, dest: Any, data: Any) -> Instruction:
        number = as_int(dest)
        return self.word(0x6000 | (7 if number == EXEC else number) << 5 | self._count(data))

    def push(self, value: Any = 0, value2: Any = 0) -> Instruction:
        return self.word(0x8000 | self._fifo(as_int(value) | as_int(value2)))

    def pull(self, value: Any = 0, value2: Any = 0) -> Instruction:
        return self.word(0x8080 | self._fifo(as_int(value) | as_int(value2)))

    def _fifo(self, flags: int) -> int:
        """Bit 0 says that blocking was asked for or not; without it the instruction blocks."""
        return flags & CONDITIONAL | (flags & BLOCK if flags & 1 else BLOCK)

    def mov(self, dest: Any, src: Any) -> Instruction:
        number = as_int(dest)
        return self.word(0xA000 | (4 if number == EXEC else number) << 5 | as_int(src))

    def irq(self, mod: Any, index: Any = None) -> Instruction:
        if index is None:
            return self.word(0xC000 | as_int(mod))
        return self.word(0xC000 | as_int(mod) & 0x60 | as_int(index))

    def set(self, dest: Any, data: Any) -> Instruction:
        return self.word(0xE000 | as_int(dest) << 5 | as_int(data))

    # The result.

    def words(self, pins: int, optional: bool | None = None) -> tuple[list[int], bool]:
        """The program, and whether side-setting is optional.

        pins: of the side-set; optional: None to find out, as it is if some instruction has none.
        """
        sides = [each._side is not None for each in self.instructions]
        if optional is None:
            optional = pins > 0 and not all(sides)
        bits = pins + optional
        most = 31 >> bits
        found = []
        for each in self.instructions:
            value = each._bits
            if each._label is not None:
                if each._label not in self.labels:
                    raise PIOASMError(f"unknown label {each._label}")
                value |= self.labels[each._label]
            if each._delay > most:
                raise PIOASMError("delay too large")
            value |= each._delay << 8
            if each._side is not None:
                if not bits:
                    raise PIOASMError("no sideset")
                if self.checks_side and each._side >= 1 << bits:
                    raise PIOASMError("sideset too large")
                value |= optional << 12 | each._side << 13 - bits
            found.append(value & 0xFFFF)
        return found, optional

    def wraps(self) -> int:
        """The fields of EXECCTRL for the wrap."""
        end = len(self.instructions) - 1 if self.end is None else self.end
        return self.target << WRAP_BOTTOM | max(end, 0) << WRAP_TOP
