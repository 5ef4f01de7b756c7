"""The code buffer under a machine: bytes, labels, and the passes that settle sizes.

The reference walks a function three times: twice to compute label offsets, once to emit.  In a
computing pass a label that is not placed yet is unknown, so a jump to it takes the long form; the
forms that the second computing pass chooses are those of the emitting pass.

A single pass does the work of all three where what the first two would find out is known before:
it emits and places labels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

UNKNOWN = -1


class Encodable(Protocol):
    """A row of an instruction table."""

    def encode(self, *values: int) -> bytes:
        """The instruction's bytes."""


def encoder(row: Encodable) -> Callable[..., bytes]:
    """Operands to bytes for an instruction that comes again and again with the same ones."""
    return lru_cache(maxsize=1 << 12)(row.encode)


class CodeBuffer:
    """Bytes of one function.  Machines extend it with instructions."""

    __slots__ = ("code", "constants", "emitting", "labels", "moved", "placing", "prelude_offset",
                 "suppressed", "warnings")

    def __init__(self) -> None:
        self.code = bytearray()
        self.labels: list[int] = []
        self.emitting = False
        self.placing = True
        self.moved = False
        """A label was placed again by this pass, so that jumps to it have met two positions."""
        self.suppressed = False
        self.constants = 0
        """Constants that this pass has put into a table before the code (Xtensa)."""
        self.warnings: list[str] = []
        """What the reference prints while it goes on, as lines."""
        self.prelude_offset = 0
        """Where the prelude of the last function with one is; the first pass of the next function
        assumes the same, which shows where the size of an instruction depends on it (1.12)."""

    def start_function(self, n_labels: int) -> None:
        """Forget everything; `n_labels` labels will be used."""
        self.labels = [UNKNOWN] * n_labels

    def start_pass(self, emitting: bool) -> None:
        """Begin a computing or the emitting pass."""
        if not emitting:
            self.labels = [UNKNOWN] * len(self.labels)
        self.emitting = emitting
        self.placing = not emitting
        self.moved = False
        self.suppressed = False
        self.constants = 0
        self.code = bytearray()

    def start_single_pass(self) -> None:
        """Begin a pass that emits and places labels."""
        self.start_pass(True)
        self.labels = [UNKNOWN] * len(self.labels)
        self.placing = True

    @property
    def position(self) -> int:
        """Offset of the next byte."""
        return len(self.code)

    def put(self, data: bytes) -> None:
        """Append bytes, unless this is dead code."""
        if not self.suppressed:
            self.code += data

    def place_label(self, label: int) -> None:
        """`label` is here; what follows is no dead code."""
        self.suppressed = False
        if self.placing:
            self.moved = self.moved or self.labels[label] != UNKNOWN
            self.labels[label] = len(self.code)

    def suppress(self) -> None:
        """What follows is dead until the next label (releases that drop dead code)."""
        self.suppressed = True

    def data(self, size: int, value: int) -> None:
        """A little-endian integer of `size` bytes; higher bits are dropped, as in the reference."""
        self.put((value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def align(self, n: int) -> None:
        """Pad with zeros to a multiple of `n`."""
        missing = -len(self.code) % n
        self.code += bytes(missing)
