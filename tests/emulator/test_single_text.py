"""Floats of single precision as text and back, from 1.26 on; the texts are stock firmware's."""

from __future__ import annotations

import math
import random
import struct

import pytest

from mpy_cross.emulator.runtime.floats import FloatStyle
from mpy_cross.emulator.runtime.single_text import REPR, format_single, read
from mpy_cross.loader.release import FloatPrinter

# As stock firmware of RPI_PICO 1.28 prints them: '%f', '%.3f', '%g', '%e'.
SHOWN = [
    (0.1, "0.1", "0.100000", "0.100", "0.1", "1.000000e-01"),
    (1 / 3, "0.33333334", "0.333333", "0.333", "0.333333", "3.333333e-01"),
    (2 / 3, "0.6666667", "0.666667", "0.667", "0.666667", "6.666667e-01"),
    (1e10, "10000000000.0", "10000000000.000000", "10000000000.000", "1e+10", "1.000000e+10"),
    (3.14159265, "3.1415928", "3.141593", "3.142", "3.14159", "3.141593e+00"),
    (100.0, "100.0", "100.000000", "100.000", "100", "1.000000e+02"),
    (1e-5, "1e-05", "0.000010", "0.000", "1e-05", "1.000000e-05"),
    (123456789.0, "123456790.0", "123456790.000000", "123456790.000", "1.23457e+08",
     "1.234568e+08"),
    (1.0000001, "1.0000001", "1.000000", "1.000", "1", "1.000000e+00"),
    (1e16, "1e+16", "10000000000000000.000000", "10000000000000000.000", "1e+16", "1.000000e+16"),
    (0.00012345678, "0.00012345678", "0.000123", "0.000", "0.000123457", "1.234568e-04"),
    (1e38, "1e+38", "1e+38", "1e+38", "1e+38", "1.000000e+38"),
    (0.0, "0.0", "0.000000", "0.000", "0", "0.000000e+00"),
]
BITS = [
    (b"\x9aj\xad}", "2.8813744e+37"),
    (b"Q`\xa8\x02", "2.4740664e-37"), (b"\xfdx\xefH", "490439.9"),
    (b"\x00\x9a\x987", "1.8191524e-05"), (b"\xa3\xef\xd0K", "27385670.0"),
    (b"7k\xd9F", "27829.608"),
    (b"&\x8b\x8f\n", "1.3822741e-32"), (b"\x8a\xd7\xbc9", "0.00036018744"),
]  # fmt: skip
STYLE = FloatStyle(7, FloatPrinter.SHORTEST)


def single(value: float) -> float:
    found: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return found


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: row[1])
def test_shown(row: tuple[float, str, str, str, str, str]) -> None:
    value = single(row[0])
    found = (
        STYLE.text(value),
        STYLE.formatted(value, "f"),
        STYLE.formatted(value, "f", 3),
        STYLE.formatted(value, "g"),
        STYLE.formatted(value, "e"),
    )
    assert found == row[1:]
    assert STYLE.text(-value) == "-" + row[1]


@pytest.mark.parametrize(("data", "text"), BITS)
def test_bits(data: bytes, text: str) -> None:
    assert STYLE.text(struct.unpack("<f", data)[0]) == text


def test_all_kinds_of_numbers_fit_and_are_near() -> None:
    chosen = random.Random(7)
    exact = 0
    for _ in range(3000):
        value: float = struct.unpack("<f", struct.pack("<I", chosen.randrange(1 << 31)))[0]
        if not 1e-36 < value < math.inf:
            continue
        text = format_single(value, "g", REPR, 33)
        exact += single(float(text)) == value
        assert math.isclose(float(text), value, rel_tol=2e-7), text
        for kind in "efg":
            precision = chosen.randrange(12)
            text = format_single(value, kind, precision, 33)
            assert len(text) < 33
            if kind == "f" and value > 1e18:
                continue  # in place of too many digits there is an exponent
            wanted = float(f"{value:.{precision}{kind}}")
            assert math.isclose(float(text), wanted, rel_tol=4e-6, abs_tol=1.01 * 10**-precision)
    assert exact > 2200


def test_read() -> None:
    assert read("0", "1", 0) == single(0.1)
    assert read("", "00012300", 2) == single(0.0123)
    assert read("16777217", "", 0) == 16777216.0
    assert math.isclose(read("123456789012345", "5", 0), 123456789012345.5, rel_tol=1.2e-7)
    assert read("1", "", 39) == math.inf
    assert read("1", "", -50) == 0.0
