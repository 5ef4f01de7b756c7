"""Handlers of window exceptions for programs that the host calls, as the ISA manual has them.

A frame's a0 to a3 go below the stack pointer of the frame that it called; its other registers below
that of the frame that called it, whose stack pointer stands there too.
"""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.code import Code
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.cores.xtensa.numbers import OVERFLOW, UNDERFLOW

_SP: Final = 1


def window_vectors() -> bytes:
    """The code for the beginning of a vector base: 64 bytes each."""
    found = bytearray(0x180)
    for quads in (1, 2, 3):
        for place, code in ((OVERFLOW[quads], _overflow(quads)),
                            (UNDERFLOW[quads], _underflow(quads))):
            found[place : place + len(code)] = code
    return bytes(found)


def _overflow(quads: int) -> bytes:
    code, store, load = Code(), TABLE["s32e"], TABLE["l32e"]
    callee = 4 * quads + _SP  # holds the stack pointer of the next frame
    code.emit(store, 0, callee, -16)
    if quads > 1:
        code.emit(load, 0, _SP, -12)
    for register in (1, 2, 3):
        code.emit(store, register, callee, 4 * register - 16)
    for register in range(4, 4 * quads):
        code.emit(store, register, 0, 4 * register - 16 * quads - 16)
    code.emit(TABLE["rfwo"])
    return code.finish()


def _underflow(quads: int) -> bytes:
    code, load = Code(), TABLE["l32e"]
    callee, last = 4 * quads + _SP, 4 * quads - 1
    for register in (0, 1, 2):
        code.emit(load, register, callee, 4 * register - 16)
    if quads > 1:
        code.emit(load, last, _SP, -12)
    code.emit(load, 3, callee, -4)
    for register in range(4, 4 * quads):
        code.emit(load, register, last, 4 * register - 16 * quads - 16)
    code.emit(TABLE["rfwu"])
    return code.finish()
