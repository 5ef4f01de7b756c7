"""qstr numbers that the loader of version 5 files writes into ARMv6-M code.

That loader treats all Thumb code as ARMv7-M: where a file says that a name's number goes, it
patches the fields of a movw instruction (MicroPython 1.12 to 1.18: py/persistentcode.c,
asm_thumb_rewrite_mov), which ARMv6-M does not have.  So these fields stand in a word of data, which
is never executed, and a small subroutine at the first use in a function puts them together.  It
changes nothing but r12, lr and the flags.  The reference has no such code: it cannot write native
code for ARMv6-M into a version 5 file.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.thumb import TABLE

R0, R1, R2 = range(3)
IP, LR = 12, 14

_SAVED: Final = 1 << R0 | 1 << R1 | 1 << R2


def linked_word(value: int) -> int:
    """The data word (upper half at the lower address) that means the 16-bit number `value`."""
    upper = value >> 1 & 0x400 | value >> 12 & 15
    lower = value << 4 & 0x7000 | value & 255
    return upper | lower << 16


def _encode(*instructions: tuple[str, tuple[int, ...]]) -> bytes:
    return b"".join(TABLE[name].encode(*operands) for name, operands in instructions)


READ_FIRST: Final = 0
"""Offset in READER of the entry that reads the word 2 bytes after the return address."""

_FIRST: Final = _encode(
    ("push", (_SAVED,)),
    ("movs_imm8", (R2, 2 - 1)),  # lr is odd
    ("b", (4 - 2,)),  # past the second entry
)

READ_SECOND: Final = len(_FIRST)
"""Offset in READER of the entry that reads the word 14 bytes after the return address."""

READER: Final = _FIRST + _encode(
    ("push", (_SAVED,)),
    ("movs_imm8", (R2, 14 - 1)),
    ("add_any", (R2, LR)),
    ("ldrh_imm5", (R0, R2, 0)),
    ("ldrh_imm5", (R1, R2, 2)),
    # Bits 7:0, 10:8, 15:12 and 11 of the number.
    ("uxtb", (R2, R1)),
    ("lsrs_imm", (R1, R1, 12)),
    ("lsls_imm", (R1, R1, 8)),
    ("adds_reg", (R2, R2, R1)),
    ("lsls_imm", (R1, R0, 28)),
    ("lsrs_imm", (R1, R1, 16)),
    ("adds_reg", (R2, R2, R1)),
    ("lsrs_imm", (R0, R0, 10)),
    ("lsls_imm", (R0, R0, 11)),
    ("adds_reg", (R2, R2, R0)),
    ("mov_any", (IP, R2)),
    ("pop", (_SAVED,)),
    ("bx", (LR,)),
)
"""The subroutine: r12 = the number that a word near the call means."""
