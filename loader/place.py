"""Placing machine code: qstr links and relocations of a .mpy file, for 32-bit little-endian cores.

The kinds of links and the relocation program are those of MicroPython's py/persistentcode.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.loader.errors import MpyError

WORD_BYTES: Final = 4
FIRST_TABLE: Final = 6
"""Operands of relocations from here on have no count."""


def link_qstr(code: bytearray, link: int, number: int, in_words: bool = False) -> None:
    """Put the number of a qstr where the link (offset << 2 | kind) of a version 5 file says.

    in_words: the architecture has numbers as words rather than in instructions of Thumb.
    Raises MpyError for a place that is not in the code.
    """
    place, kind = link >> 2, link & 3
    size = 2 if kind == 0 else 8 if kind == 2 and not in_words else WORD_BYTES
    if place + size > len(code):
        raise MpyError(place, "qstr link", f"the code has {len(code)} bytes")
    word = number << 3 | 2
    if kind == 0:
        code[place : place + 2] = number.to_bytes(2, "little")
    elif kind == 3:
        code[place : place + WORD_BYTES] = word.to_bytes(WORD_BYTES, "little")
    elif in_words:
        value = word if kind == 2 else number
        code[place : place + WORD_BYTES] = value.to_bytes(WORD_BYTES, "little")
    elif kind == 1:
        _link_thumb(code, place, number)
    else:
        _link_thumb(code, place, word & 0xFFFF)
        _link_thumb(code, place + WORD_BYTES, word >> 16)


def _link_thumb(code: bytearray, place: int, half: int) -> None:
    """Put 16 bits into a MOVW or MOVT."""
    upper = int.from_bytes(code[place : place + 2], "little") & 0xFBF0
    lower = int.from_bytes(code[place + 2 : place + WORD_BYTES], "little") & 0x0F00
    upper |= half >> 12 | half >> 1 & 0x0400
    lower |= half << 4 & 0x7000 | half & 0xFF
    code[place : place + WORD_BYTES] = upper.to_bytes(2, "little") + lower.to_bytes(2, "little")


def relocate(
    program: bytes,
    text: bytearray,
    rodata: bytearray,
    destination: Callable[[int], int],
) -> None:
    """Run the relocation program of a native module, without its final 0xff.

    destination: the address that is added for an operand: 0 the code, 1 and 2 the data, 6 and up
    tables and entries of mp_fun_table.  Raises MpyError.
    """
    pos = 0
    target, at = text, 0

    def number() -> int:
        nonlocal pos
        value = 0
        while True:
            if pos >= len(program):
                raise MpyError(pos, "relocations", "they end inside a number")
            byte = program[pos]
            pos += 1
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value

    while pos < len(program):
        start = pos
        op = program[pos]
        pos += 1
        if op & 1:
            place = number()
            target, at = (rodata if place & 1 else text), (place >> 1) * WORD_BYTES
        op >>= 1
        count = 1
        if op < FIRST_TABLE:
            if op & 1:
                count = number()
            op >>= 1
        base = destination(op)
        if at + count * WORD_BYTES > len(target):
            raise MpyError(start, "relocations", f"{count} words at {at} are not in the module")
        for _ in range(count):
            word = int.from_bytes(target[at : at + WORD_BYTES], "little") + base & 0xFFFFFFFF
            target[at : at + WORD_BYTES] = word.to_bytes(WORD_BYTES, "little")
            at += WORD_BYTES
