"""Variable-length integers and the words of the prelude."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpy_cross.loader.prelude import Prelude, decode_prelude, encode_signature, encode_sizes
from mpy_cross.loader.varint import decode_int, decode_uint, encode_int, encode_uint


@pytest.mark.spec("A18")
@pytest.mark.parametrize(
    ("value", "data"),
    [(0, "00"), (127, "7f"), (128, "8100"), (300, "822c"), (16383, "ff7f"), (16384, "818000")],
)
def test_unsigned_by_hand(value: int, data: str) -> None:
    assert encode_uint(value).hex() == data


@pytest.mark.spec("A18")
@given(st.integers(0, 1 << 80), st.binary(max_size=3))
def test_unsigned_round_trip(value: int, rest: bytes) -> None:
    data = encode_uint(value)
    assert decode_uint(rest + data + rest, len(rest)) == (value, len(rest) + len(data))
    assert all(byte & 0x80 for byte in data[:-1])
    assert not data[-1] & 0x80


@pytest.mark.parametrize(
    ("value", "data"),
    [(0, "00"), (63, "3f"), (64, "8040"), (-1, "7f"), (-64, "40"), (-65, "ff3f"), (1000, "8768")],
)
def test_signed_by_hand(value: int, data: str) -> None:
    assert encode_int(value).hex() == data


@given(st.integers(-(1 << 80), 1 << 80))
def test_signed_round_trip(value: int) -> None:
    data = encode_int(value)
    assert decode_int(data, 0) == (value, len(data))
    if len(data) > 1:  # no shorter form gives the same value
        assert decode_int(bytes((data[1],)) + data[2:], 0)[0] != value


def test_negative_is_not_unsigned() -> None:
    with pytest.raises(ValueError, match="-1"):
        encode_uint(-1)


counts = st.integers(0, 5000)


@given(st.integers(1, 5000), counts, st.integers(0, 15), counts, counts, counts, counts, counts)
def test_prelude_round_trip(
    n_state: int,
    n_exc: int,
    flags: int,
    n_pos: int,
    n_kw: int,
    n_def: int,
    n_info: int,
    n_cell: int,
) -> None:
    data = encode_signature(n_state, n_exc, flags, n_pos, n_kw, n_def)
    data += encode_sizes(n_info, n_cell)
    prelude = decode_prelude(b"??" + data + b"rest", 2)
    assert prelude == Prelude(
        n_state, n_exc, flags, n_pos, n_kw, n_def, n_info, n_cell, 2 + len(data)
    )
    for length in range(len(data)):
        with pytest.raises(IndexError):
            decode_prelude(data[:length])


def test_prelude_by_hand() -> None:
    assert encode_signature(1, 0, 0, 0, 0, 0) == b"\x00"
    assert encode_signature(16, 1, 0, 3, 0, 0) == b"\x7f"
    # 17 slots: S = 16 needs bit 0 of the second byte's two S bits
    assert encode_signature(17, 0, 0, 0, 0, 0) == b"\x80\x10"
    assert encode_signature(1, 0, 1, 4, 1, 1) == b"\x80\x4d"
    assert encode_sizes(5, 0) == b"\x0a"
    assert encode_sizes(64, 1) == b"\x81\x02"


def test_flags_beyond_the_signature_are_dropped() -> None:
    assert encode_signature(1, 0, 0xF1, 0, 0, 0) == encode_signature(1, 0, 0x01, 0, 0, 0)
