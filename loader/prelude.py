"""The prelude: what stands before the bytecode of a function (py/bc.h; the same since 1.12).

Two variable-length words whose bits are interleaved so that common functions need one byte each.

* signature: first byte `xSSSSEAA`, further ones `xFSSKAED`: S = n_state - 1, E = n_exc_stack,
  F = scope flags, A = positional, K = keyword-only, D = default positional arguments.
* sizes: bytes `xIIIIIIC`: I = bytes of source info, C = bytes of the cell list.

Bits go from the least significant up; `x` says that another byte follows.
"""

from __future__ import annotations

from typing import NamedTuple, final


@final
class Prelude(NamedTuple):
    """The two words, decoded.  Offsets count from the start of the function data."""

    n_state: int
    n_exc_stack: int
    flags: int
    n_pos_args: int
    n_kwonly_args: int
    n_def_pos_args: int
    n_info: int
    """Bytes of the source info: names, then the line table."""
    n_cell: int
    """Bytes of the list of locals that become cells."""
    info_start: int
    """Offset of the source info."""

    @property
    def n_args(self) -> int:
        return self.n_pos_args + self.n_kwonly_args

    @property
    def cells_start(self) -> int:
        return self.info_start + self.n_info

    @property
    def code_start(self) -> int:
        """Offset of the first instruction."""
        return self.info_start + self.n_info + self.n_cell


def encode_signature(
    n_state: int, n_exc_stack: int, flags: int, n_pos: int, n_kwonly: int, n_def_pos: int
) -> bytes:
    """The signature word.  `n_state` is at least 1; only the low four bits of `flags` are kept."""
    if n_state < 1 or min(n_exc_stack, n_pos, n_kwonly, n_def_pos) < 0:
        raise ValueError("a function needs one state slot and no count below zero")
    s = n_state - 1
    e = n_exc_stack
    f = flags & 0x0F
    a = n_pos
    k = n_kwonly
    d = n_def_pos
    byte = (s & 0x0F) << 3 | (e & 1) << 2 | a & 3
    s >>= 4
    e >>= 1
    a >>= 2
    if not (s | e | f | a | k | d):
        return bytes((byte,))
    out = bytearray()
    while s | e | f | a | k | d:
        out.append(byte | 0x80)
        byte = (f & 1) << 6 | (s & 3) << 4 | (k & 1) << 3 | (a & 1) << 2 | (e & 1) << 1 | d & 1
        s >>= 2
        e >>= 1
        f >>= 1
        a >>= 1
        k >>= 1
        d >>= 1
    out.append(byte)
    return bytes(out)


def encode_sizes(n_info: int, n_cell: int) -> bytes:
    """The size word: bytes of source info, number of cells."""
    if n_info < 0 or n_cell < 0:
        raise ValueError("sizes in a prelude cannot be negative")
    out = bytearray()
    while True:
        byte = (n_info & 0x3F) << 1 | n_cell & 1
        n_info >>= 6
        n_cell >>= 1
        if not (n_info | n_cell):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


_WORD_MAX = 40
"""Longest word that is decoded; two bytes for each bit of a 16-bit count and some more."""


def decode_prelude(data: bytes, pos: int = 0) -> Prelude:
    """The prelude that starts at `pos`.

    Raises IndexError where `data` ends inside it, or where a word is absurdly long.
    """
    byte = data[pos]
    pos += 1
    s = byte >> 3 & 0x0F
    e = byte >> 2 & 1
    f = 0
    a = byte & 3
    k = 0
    d = 0
    n = 0
    while byte & 0x80:
        byte = data[pos]
        pos += 1
        s |= (byte & 0x30) >> 4 << 4 + 2 * n
        e |= (byte & 0x02) << n
        f |= (byte >> 6 & 1) << n
        a |= (byte & 0x04) << n
        k |= (byte >> 3 & 1) << n
        d |= (byte & 1) << n
        n += 1
        if n > _WORD_MAX:
            raise IndexError
    n_info = 0
    n_cell = 0
    n = 0
    while True:
        byte = data[pos]
        pos += 1
        n_cell |= (byte & 1) << n
        n_info |= (byte >> 1 & 0x3F) << 6 * n
        n += 1
        if n > _WORD_MAX:
            raise IndexError
        if not byte & 0x80:
            return Prelude(s + 1, e, f, a, k, d, n_info, n_cell, pos)
