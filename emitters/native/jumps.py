"""Code that depends on what stands behind it: jumps forward, addresses of labels.

While a function is generated in a single pass, such code is put down in its final size with any
operand, and noted; at the end it is put down again, now that all labels are placed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, final

from mpy_cross.emitters.native.buffer import UNKNOWN
from mpy_cross.emitters.native.machine import Machine


@final
class Noted(NamedTuple):
    """Code to be put down again, and what the buffer was like before it."""

    start: int
    end: int
    suppressed: bool
    constants: int
    verb: Callable[..., object]
    operands: tuple[object, ...]


@final
class Jumps:
    """The machine's verbs that take labels, for the labels of one function."""

    __slots__ = ("machine", "noted")

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.noted: list[Noted] = []

    def to(self, label: int) -> None:
        self._put(label, self.machine.jump, (label,))

    def if_zero(self, reg: int, label: int, bool_test: bool) -> None:
        self._put(label, self.machine.jump_if_zero, (reg, label, bool_test))

    def if_nonzero(self, reg: int, label: int, bool_test: bool) -> None:
        self._put(label, self.machine.jump_if_nonzero, (reg, label, bool_test))

    def if_equal(self, reg_1: int, reg_2: int, label: int) -> None:
        self._put(label, self.machine.jump_if_equal, (reg_1, reg_2, label))

    def address(self, reg: int, label: int) -> None:
        """reg = address of label"""
        self._put(label, self.machine.move_reg_label, (reg, label))

    def _put(self, label: int, verb: Callable[..., object], operands: tuple[int, ...]) -> None:
        if self.machine.labels[label] == UNKNOWN:
            self.late(verb, *operands)
        else:
            verb(*operands)

    def late(self, verb: Callable[..., object], *operands: object) -> None:
        """Code that only the end of the pass decides, by a verb of the machine or a function."""
        machine = self.machine
        start = len(machine.code)
        suppressed, constants = machine.suppressed, machine.constants
        verb(*operands)
        self.noted.append(Noted(start, len(machine.code), suppressed, constants, verb, operands))

    def finish(self) -> bool:
        """Put down again what was noted; False if it now differs in size, which spoils the code."""
        machine = self.machine
        first = machine.code
        machine.code = code = bytearray()
        at = 0  # equals len(code)
        for start, end, suppressed, constants, verb, operands in self.noted:
            code += first[at:start]
            machine.suppressed, machine.constants = suppressed, constants
            verb(*operands)
            if len(code) != end:
                return False
            at = end
        code += first[at:]
        return True
