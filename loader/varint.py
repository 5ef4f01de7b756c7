"""Variable-length integers of .mpy files and bytecode: 7-bit groups, most significant first.

Every byte but the last has its top bit set (manual 2.4.2).
"""

from __future__ import annotations


def encode_uint(value: int) -> bytes:
    """The unsigned form of `value`, shortest.  Raises ValueError if `value` is negative."""
    if 0 <= value < 0x80:
        return bytes((value,))
    if value < 0:
        raise ValueError(f"a variable-length unsigned integer cannot hold {value}")
    out = bytearray((value & 0x7F,))
    value >>= 7
    while value:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.reverse()
    return bytes(out)


def encode_int(value: int) -> bytes:
    """The signed form (operand of LOAD_CONST_SMALL_INT): bit 6 of the first byte is the sign."""
    if -0x40 <= value < 0x40:
        return bytes((value & 0x7F,))
    out = bytearray((value & 0x7F,))
    last = value & 0x40
    value >>= 7
    while not (value == 0 and not last) and not (value == -1 and last):
        last = value & 0x40
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.reverse()
    return bytes(out)


_LENGTH_MAX = 20
"""Longest form that is decoded: hostile ones would cost time in proportion to their square."""


def decode_uint(data: bytes, pos: int) -> tuple[int, int]:
    """(value, position after it).

    Raises IndexError where `data` ends too early, or where the number is absurdly long.
    """
    byte = data[pos]
    pos += 1
    value = byte & 0x7F
    last = pos + _LENGTH_MAX
    while byte & 0x80:
        if pos >= last:
            raise IndexError
        byte = data[pos]
        pos += 1
        value = value << 7 | byte & 0x7F
    return value, pos


def decode_int(data: bytes, pos: int) -> tuple[int, int]:
    """(value, position after it) of the signed form.  Raises IndexError as `decode_uint`."""
    byte = data[pos]
    pos += 1
    value = byte & 0x7F
    if byte & 0x40:
        value -= 0x80
    last = pos + _LENGTH_MAX
    while byte & 0x80:
        if pos >= last:
            raise IndexError
        byte = data[pos]
        pos += 1
        value = value << 7 | byte & 0x7F
    return value, pos
