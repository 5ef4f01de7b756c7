"""Number literals and the arithmetic on them."""

from __future__ import annotations

import math
import sys

import pytest

from mpy_cross.fold import FoldError, binary, unary
from mpy_cross.loader.ops import BinaryOp, UnaryOp
from mpy_cross.loader.release import get
from mpy_cross.numbers import NumberError, decimal_to_int, parse_decimal, parse_integer

OLD = get("1.17")
NEW = get("1.29")


@pytest.mark.spec("K55")
@pytest.mark.parametrize(
    ("text", "value"),
    [(b"0", 0), (b"00", 0), (b"10000", 10000), (b"0xFf", 255), (b"0o17", 15), (b"0B101", 5)],
)
def test_integers(text: bytes, value: int) -> None:
    assert parse_integer(text, OLD) == parse_integer(text, NEW) == value


def test_integer_of_any_length() -> None:
    limit = sys.get_int_max_str_digits() if hasattr(sys, "get_int_max_str_digits") else None
    value = decimal_to_int(b"123456789" * 20_000)
    if limit is not None:
        assert sys.get_int_max_str_digits() == limit
    assert value % 10**9 == 123456789
    assert value.bit_length() == math.floor(math.log2(1.23456789) + 179_999 * math.log2(10)) + 1


# Each value was in the file that the reference compiler of the release wrote.
@pytest.mark.parametrize(
    ("text", "releases", "value"),
    [
        (b"1.5", "1.12 1.17 1.20 1.25 1.29", 1.5),
        (b".5", "1.12 1.17 1.20 1.25 1.29", 0.5),
        (b"1e400", "1.12 1.17 1.20 1.25 1.29", math.inf),
        (b"1e-400", "1.12 1.17 1.20 1.25 1.29", 0.0),
        (b"0.1", "1.12 1.17 1.20 1.25 1.29", 0.1),
        (b"1.7976931348623157e308", "1.29", 1.7976931348623157e308),
    ],
)
def test_decimals(text: bytes, releases: str, value: float) -> None:
    for name in releases.split():
        assert parse_decimal(text, get(name)) == value, name


# 1.25 has no compiler to ask here; the others wrote these doubles.
@pytest.mark.parametrize(
    ("text", "at_1_17", "at_1_20", "at_1_29"),
    [
        (b"760.e-30", "1.e1b50ce65f4e6p-91", "1.e1b50ce65f4e4p-91", "1.e1b50ce65f4e5p-91"),
        (b"166.e25", "1.5747ab143e354p+90", "1.5747ab143e354p+90", "1.5747ab143e354p+90"),
        (
            b"923.13265469056150860e25",
            "1.dd3f96eda99c6p+92",
            "1.dd3f96eda99c7p+92",
            "1.dd3f96eda99c6p+92",
        ),
        (
            b"184.2307494524632082008090e200",
            "1.e15d93cc7ea2fp+671",
            "1.e15d93cc7ea2ep+671",
            "1.e15d93cc7ea2dp+671",
        ),
    ],
)
def test_last_bits(text: bytes, at_1_17: str, at_1_20: str, at_1_29: str) -> None:
    for release, digits in (("1.17", at_1_17), ("1.20", at_1_20), ("1.29", at_1_29)):
        value = parse_decimal(text, get(release))
        assert isinstance(value, float)
        assert value == float.fromhex("0x" + digits), release


def test_imaginary() -> None:
    assert parse_decimal(b"2.5j", OLD) == 2.5j
    assert parse_decimal(b"1ej", OLD) == 1j


@pytest.mark.parametrize("text", [b"1e", b"1e+", b"1.5.5", b"0x1.5", b"1e5e5", b"1else"])
def test_malformed_decimals(text: bytes) -> None:
    for release in (OLD, NEW):
        with pytest.raises(NumberError, match=r"^invalid syntax for number$"):
            parse_decimal(text, release)


@pytest.mark.spec("B05")
@pytest.mark.parametrize(
    ("op", "left", "right", "value"),
    [
        (BinaryOp.ADD, 2, 3, 5),
        (BinaryOp.FLOOR_DIVIDE, -7, 2, -4),
        (BinaryOp.MODULO, -7, 2, 1),
        (BinaryOp.LSHIFT, 1, 70, 1 << 70),
        (BinaryOp.RSHIFT, -5, 200, -1),
        (BinaryOp.POWER, 3, 100, 3**100),
        (BinaryOp.XOR, -1, 255, -256),
    ],
)
def test_integer_arithmetic(op: BinaryOp, left: int, right: int, value: int) -> None:
    for release in (OLD, NEW):
        found = binary(op, (left, False), (right, False), release)
        assert found is not None
        assert found[0] == value


def test_big_ints_stay_big_before_1_24() -> None:
    big = (1 << 70, True)
    assert binary(BinaryOp.RSHIFT, big, (69, False), OLD) == (2, True)
    assert binary(BinaryOp.RSHIFT, big, (69, False), NEW) == (2, False)
    assert unary(UnaryOp.NEGATIVE, (-(1 << 62), False), OLD) == (1 << 62, True)


def test_what_is_left_to_the_program() -> None:
    one, zero, minus = (1, False), (0, False), (-1, False)
    for op, right in (
        (BinaryOp.FLOOR_DIVIDE, zero),
        (BinaryOp.MODULO, zero),
        (BinaryOp.LSHIFT, minus),
        (BinaryOp.POWER, minus),
        (BinaryOp.TRUE_DIVIDE, one),
        (BinaryOp.MAT_MULTIPLY, one),
    ):
        assert binary(op, one, right, OLD) is None


@pytest.mark.parametrize(
    ("op", "left", "right", "value"),
    [
        (BinaryOp.TRUE_DIVIDE, 1, 4, 0.25),
        (BinaryOp.FLOOR_DIVIDE, -7.0, 2, -4.0),
        (BinaryOp.MODULO, 7.5, -2.0, -0.5),
        (BinaryOp.POWER, 2, -1, 0.5),
        (BinaryOp.POWER, -8.0, 3.0, -512.0),
        (BinaryOp.MULTIPLY, 1e308, 10, math.inf),
    ],
)
def test_float_arithmetic(op: BinaryOp, left: float, right: float, value: float) -> None:
    assert binary(op, (left, False), (right, False), NEW) == (value, False)


def test_complex_results_are_not_folded() -> None:
    assert binary(BinaryOp.POWER, (-8.0, False), (0.5, False), NEW) is None


@pytest.mark.parametrize(
    ("op", "left", "right", "kind", "message"),
    [
        (
            BinaryOp.LSHIFT,
            1,
            1 << 70,
            "OverflowError",
            "overflow converting long int to machine word",
        ),
        (
            BinaryOp.LSHIFT,
            1,
            100_000_000,
            "MemoryError",
            "memory allocation failed, allocating 12500004 bytes",
        ),
        (
            BinaryOp.POWER,
            255,
            1 << 63,
            "MemoryError",
            "memory allocation failed, allocating 1047840 bytes",
        ),
    ],
)
def test_errors(op: BinaryOp, left: int, right: int, kind: str, message: str) -> None:
    with pytest.raises(FoldError) as error:
        binary(op, (left, False), (right, right >= 1 << 62), OLD)
    assert (error.value.kind, error.value.message) == (kind, message)
