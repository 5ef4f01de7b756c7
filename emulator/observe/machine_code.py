"""The machine code of the virtual machine: where it reads bytes, and where it returns.

Only forms of instructions that compilers use for that are looked for (ARMv7-M manual, A7.7), at all
halfwords: what is no instruction is never executed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PC: Final = 15


class ByteRead(NamedTuple):
    """Reads the byte at register `base`, plus register `more` if that is not -1, plus `offset`."""

    base: int
    more: int
    offset: int


def byte_read(first: int, second: int) -> ByteRead | None:
    """What an LDRB reads, given its halfwords; None for any other instruction."""
    if first & 0xF800 == 0x7800:
        return ByteRead(first >> 3 & 7, -1, first >> 6 & 31)
    if first & 0xFE00 == 0x5C00:
        return ByteRead(first >> 3 & 7, first >> 6 & 7, 0)
    base = first & 15
    if base == PC:
        return None
    if first & 0xFFF0 == 0xF890:
        return ByteRead(base, -1, second & 0xFFF)
    if first & 0xFFF0 == 0xF810:
        if second & 0x0800:
            before = bool(second & 0x0400)  # is the offset added before the access?
            offset = second & 0xFF if second & 0x0200 else -(second & 0xFF)
            return ByteRead(base, -1, offset if before else 0)
        if not second & 0x0FF0:
            return ByteRead(base, second & 15, 0)
    return None


def returns(first: int, second: int) -> bool:
    """Does this instruction leave a function?"""
    if first & 0xFF00 == 0xBD00 or first == 0x4770:
        return True  # pop {..., pc}; bx lr
    if first == 0xE8BD:
        return bool(second & 0x8000)  # ldm sp!, {..., pc}
    return first == 0xF85D and second & 0xF000 == 0xF000  # ldr pc, [sp], #n


def reads_and_returns(code: bytes, address: int) -> tuple[dict[ByteRead, list[int]], list[int]]:
    """Of the code at an address: the addresses of reads, by what they read, and of returns."""
    reads: dict[ByteRead, list[int]] = {}
    leaves: list[int] = []
    for at in range(0, len(code) - 1, 2):
        first = code[at] | code[at + 1] << 8
        second = int.from_bytes(code[at + 2 : at + 4], "little")
        read = byte_read(first, second)
        if read is not None and read.offset >= 0:  # behind the pointer is what was read before
            reads.setdefault(read, []).append(address + at)
        elif returns(first, second):
            leaves.append(address + at)
    return reads, leaves
