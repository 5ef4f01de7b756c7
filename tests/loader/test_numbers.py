"""Texts of float constants, recorded from the reference compilers.

Each row: a literal, and for 1.17, 1.20 and 1.29 the double that the release makes of it with the
text that `mpy-cross` of that release writes into the .mpy file for `x=(LITERAL)`.
"""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpy_cross.loader import extended, release
from mpy_cross.loader.floatfmt import format_complex, format_float
from mpy_cross.loader.numtext import int_text, parse_complex, parse_float, parse_int
from mpy_cross.loader.release import FloatPrinter

RELEASES = ("1.17", "1.20", "1.29")
RECORDED: list[tuple[str, tuple[str, str], tuple[str, str], tuple[str, str]]] = [
    (
        "1e0",
        ("0x1.0000000000000p+0", "1.0"),
        ("0x1.0000000000000p+0", "1.0"),
        ("0x1.0000000000000p+0", "1.0"),
    ),
    (
        "1e-1",
        ("0x1.999999999999ap-4", "0.1"),
        ("0x1.999999999999ap-4", "0.1"),
        ("0x1.999999999999ap-4", "0.1"),
    ),
    (
        "3e-1",
        ("0x1.3333333333333p-2", "0.3"),
        ("0x1.3333333333333p-2", "0.3"),
        ("0x1.3333333333333p-2", "0.3"),
    ),
    (
        "1e-5",
        ("0x1.4f8b588e368f1p-17", "1e-05"),
        ("0x1.4f8b588e368f1p-17", "1e-05"),
        ("0x1.4f8b588e368f1p-17", "1e-05"),
    ),
    (
        "123456e-10",
        ("0x1.9e3fe580f5494p-17", "1.23456e-05"),
        ("0x1.9e3fe580f5494p-17", "1.23456e-05"),
        ("0x1.9e3fe580f5494p-17", "1.23456e-05"),
    ),
    (
        "9999999999999e-13",
        ("0x1.ffffffffffc7bp-1", "1.0"),
        ("0x1.ffffffffffc7bp-1", "0.9999999999999"),
        ("0x1.ffffffffffc7bp-1", "0.9999999999999"),
    ),
    (
        "999999999999999e-20",
        ("0x1.4f8b588e368ebp-17", "1e-05"),
        ("0x1.4f8b588e368ebp-17", "9.999999999999991e-06"),
        ("0x1.4f8b588e368ebp-17", "9.999999999999991e-06"),
    ),
    (
        "1e15",
        ("0x1.c6bf526340000p+49", "1000000000000000.0"),
        ("0x1.c6bf526340000p+49", "1000000000000000.0"),
        ("0x1.c6bf526340000p+49", "1000000000000000.0"),
    ),
    (
        "1e16",
        ("0x1.1c37937e08000p+53", "1e+16"),
        ("0x1.1c37937e08000p+53", "1e+16"),
        ("0x1.1c37937e08000p+53", "1e+16"),
    ),
    (
        "1e22",
        ("0x1.0f0cf064dd592p+73", "1e+22"),
        ("0x1.0f0cf064dd592p+73", "1e+22"),
        ("0x1.0f0cf064dd592p+73", "1e+22"),
    ),
    (
        "1e23",
        ("0x1.52d02c7e14af7p+76", "1e+23"),
        ("0x1.52d02c7e14af7p+76", "1e+23"),
        ("0x1.52d02c7e14af6p+76", "1e+23"),
    ),
    (
        "1e300",
        ("0x1.7e43c8800759cp+996", "1e+300"),
        ("0x1.7e43c8800759cp+996", "1e+300"),
        ("0x1.7e43c8800759cp+996", "1e+300"),
    ),
    (
        "17976931348623157e292",
        ("0x1.fffffffffffffp+1023", "1.797693134862316e+308"),
        ("0x1.fffffffffffffp+1023", "1.797693134862316e+308"),
        ("0x1.fffffffffffffp+1023", "1.7976931348623157e+308"),
    ),
    (
        "5e-324",
        ("0x0.0000000000001p-1022", "4.940656458412466e-324"),
        ("0x0.0000000000001p-1022", "1e-323"),
        ("0x0.0000000000001p-1022", "4.940656458412465e-324"),
    ),
    (
        "22250738585072014e-324",
        ("0x0.fffffffffffffp-1022", "2.225073858507201e-308"),
        ("0x0.fffffffffffffp-1022", "2.225073858507201e-308"),
        ("0x1.0000000000000p-1022", "2.2250738585072014e-308"),
    ),
    (
        "2675e-3",
        ("0x1.5666666666666p+1", "2.675"),
        ("0x1.5666666666666p+1", "2.675"),
        ("0x1.5666666666666p+1", "2.675"),
    ),
    (
        "314159265358979e-14",
        ("0x1.921fb54442d11p+1", "3.14159265358979"),
        ("0x1.921fb54442d11p+1", "3.14159265358979"),
        ("0x1.921fb54442d11p+1", "3.14159265358979"),
    ),
    (
        "31415926535897932e-16",
        ("0x1.921fb54442d17p+1", "3.141592653589793"),
        ("0x1.921fb54442d17p+1", "3.141592653589793"),
        ("0x1.921fb54442d18p+1", "3.141592653589793"),
    ),
    (
        "27182818284590452e-16",
        ("0x1.5bf0a8b145768p+1", "2.718281828459045"),
        ("0x1.5bf0a8b145768p+1", "2.718281828459045"),
        ("0x1.5bf0a8b145769p+1", "2.718281828459045"),
    ),
    (
        "12345678901234567e-8",
        ("0x1.d6f34540ca459p+26", "123456789.0123457"),
        ("0x1.d6f34540ca459p+26", "123456789.0123457"),
        ("0x1.d6f34540ca458p+26", "123456789.01234567"),
    ),
    (
        "6e-7",
        ("0x1.421f5f40d8376p-21", "6e-07"),
        ("0x1.421f5f40d8376p-21", "6e-07"),
        ("0x1.421f5f40d8376p-21", "6e-07"),
    ),
    ("1e400", ("inf", "inf"), ("inf", "inf"), ("inf", "inf")),
    (
        "9999999999999999e0",
        ("0x1.1c37937e08000p+53", "1e+16"),
        ("0x1.1c37937e08000p+53", "1e+16"),
        ("0x1.1c37937e08000p+53", "1e+16"),
    ),
    (
        "4e5",
        ("0x1.86a0000000000p+18", "400000.0"),
        ("0x1.86a0000000000p+18", "400000.0"),
        ("0x1.86a0000000000p+18", "400000.0"),
    ),
    (
        "7123e-3",
        ("0x1.c7df3b645a1cbp+2", "7.123"),
        ("0x1.c7df3b645a1cbp+2", "7.123"),
        ("0x1.c7df3b645a1cbp+2", "7.123"),
    ),
    (
        "49407e-328",
        ("0x0.0000000000001p-1022", "4.940656458412466e-324"),
        ("0x0.0000000000001p-1022", "1e-323"),
        ("0x0.0000000000001p-1022", "4.940656458412465e-324"),
    ),
]


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row[0])
def test_recorded_texts(row: tuple[str, tuple[str, str], tuple[str, str], tuple[str, str]]) -> None:
    for name, pair in zip(RELEASES, row[1:], strict=True):
        value, text = pair[0], pair[1]
        printer = release.get(name).float_printer
        assert format_float(float.fromhex(value), printer) == text
        assert format_float(-float.fromhex(value), printer) == f"-{text}"


def test_which_release_prints_how() -> None:
    names = {
        FloatPrinter.SCALE: ["1.12", "1.17", "1.19.1"],
        FloatPrinter.SUBTRACT: ["1.20", "1.22.2", "1.25"],
        FloatPrinter.SHORTEST: ["1.26", "1.29"],
    }
    for printer, versions in names.items():
        assert {release.get(name).float_printer for name in versions} == {printer}


@pytest.mark.parametrize("printer", FloatPrinter)
def test_special_values(printer: FloatPrinter) -> None:
    assert format_float(0.0, printer) == "0.0"
    assert format_float(-0.0, printer) == "-0.0"
    assert format_float(math.inf, printer) == "inf"
    assert format_float(-math.inf, printer) == "-inf"
    assert format_float(math.nan, printer) == "nan"
    assert format_complex(2.5j, printer) == "2.5j"
    assert format_complex(1 + 2j, printer) == "(1+2j)"
    assert format_complex(1 - 2j, printer) == "(1-2j)"
    assert format_complex(0j, printer) == "0j"


def test_negative_zero_as_imaginary_part() -> None:
    assert format_complex(complex(1, -0.0), FloatPrinter.SCALE) == "(1+-0j)"
    assert format_complex(complex(1, -0.0), FloatPrinter.SHORTEST) == "(1-0j)"


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_newest_text_reads_back(value: float) -> None:
    # The release's own reader is not exactly rounded, so its text may be a bit beside the value.
    back = float(format_float(value, FloatPrinter.SHORTEST))
    assert back == value or math.isclose(back, value, rel_tol=1e-15)


@given(st.floats(min_value=1e-300, max_value=1e300), st.sampled_from(FloatPrinter))
def test_text_is_close_to_the_value(value: float, printer: FloatPrinter) -> None:
    text = format_float(value, printer)
    assert math.isclose(float(text), value, rel_tol=1e-11)
    mantissa = text.split("e")[0]
    assert len(mantissa.replace(".", "").lstrip("0")) <= 19


@given(st.floats(min_value=5e-324))
def test_extended_holds_doubles_exactly(value: float) -> None:
    if math.isfinite(value):
        assert extended.to_float(extended.from_float(value)) == value


@given(st.integers(0, 1 << 200), st.integers(1, 1 << 200))
def test_extended_rounds_to_64_bits(a: int, b: int) -> None:
    one = extended.from_int(a)
    two = extended.from_int(b)
    for result, high, low in (
        (extended.multiply(one, two), one[0] * two[0], 1),
        (extended.divide(one, two), one[0], two[0]),
    ):
        exponent = one[1] + two[1] if low == 1 else one[1] - two[1]
        # |result - exact| <= half a unit of the last place
        shift = result[1] - exponent
        scaled = result[0] * low << shift if shift >= 0 else result[0] * low
        exact = high if shift >= 0 else high << -shift
        unit = low << shift if shift >= 0 else low
        assert 2 * abs(scaled - exact) <= unit
        assert result[0] == 0 or result[0].bit_length() == 64


def test_integers_of_any_size() -> None:
    rng = random.Random(1)
    for digits in (1, 1999, 2000, 2001, 4300, 9999, 30_000):
        text = b"1" + bytes(rng.choices(b"0123456789", k=digits - 1))
        assert int_text(parse_int(text)) == text
        assert int_text(parse_int(b"-" + text)) == b"-" + text


@pytest.mark.parametrize("text", [b"", b"-", b"+1", b"1_0", b"0x1", b"1 ", b"9" * 1_000_001])
def test_no_integers(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"not an integer|more than"):
        parse_int(text)


@pytest.mark.parametrize("text", [b"", b"1.2.3", b"e5", b"1e", b"infinity", b"--1", b"1j"])
def test_no_floats(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a float"):
        parse_float(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"2.5j", 2.5j),
        (b"-1e-05j", -1e-05j),
        (b"(1+2j)", 1 + 2j),
        (b"(1-2j)", 1 - 2j),
        (b"(1e+16+-0j)", complex(1e16, -0.0)),
        (b"infj", complex(0, math.inf)),
    ],
)
def test_complex_texts(text: bytes, value: complex) -> None:
    parsed = parse_complex(text)
    assert parsed == value
    assert parsed.text == text


@pytest.mark.parametrize("text", [b"", b"1", b"(1)", b"(1 2j)", b"1+2j", b"(12j)"])
def test_no_complex(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a complex number"):
        parse_complex(text)
