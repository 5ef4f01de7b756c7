"""The code buffer under a machine: bytes, labels, and the passes that settle sizes.

The reference walks a function three times: twice to compute label offsets, once to emit.  In a
computing pass a label that is not placed yet is unknown, so a jump to it takes the long form; the
forms that the second computing pass chooses are those of the emitting pass.
"""

from __future__ import annotations

UNKNOWN = -1


class CodeBuffer:
    """Bytes of one function.  Machines extend it with instructions."""

    __slots__ = ("code", "emitting", "labels", "prelude_offset", "suppressed")

    def __init__(self) -> None:
        self.code = bytearray()
        self.labels: list[int] = []
        self.emitting = False
        self.suppressed = False
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
        self.suppressed = False
        self.code = bytearray()

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
        if not self.emitting:
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
