"""How each release prints numbers: .mpy files store float and complex constants as text.

The text is MicroPython's own `repr`, digit errors included, so every step of its arithmetic is
repeated here in IEEE doubles (py/formatfloat.c; see `FloatPrinter` for the three generations).
"""

from __future__ import annotations

import math

from mpy_cross.loader import extended
from mpy_cross.loader.release import FloatPrinter

_PRECISION = 16
"""Significant digits of the first two generations."""
_FIXED_LIMIT = 16
"""Values from 10**16 on are printed with an exponent."""
_LOG10_2 = 0.3010299956639812
_ROUND_TO_ONE = 0.999999999995
"""A scaled value this close below 1 counts as 1 (first generation)."""

_SCALE_STEPS: tuple[tuple[int, float, float], ...] = (
    (256, 1e256, 1e-256),
    (128, 1e128, 1e-128),
    (64, 1e64, 1e-64),
    (32, 1e32, 1e-32),
    (16, 1e16, 1e-16),
    (8, 1e8, 1e-8),
    (4, 1e4, 1e-4),
    (2, 1e2, 1e-2),
    (1, 1e1, 1e-1),
)


def _powers_of_ten() -> list[float]:
    table = [float(f"1e{power}") for power in range(-330, 311)]
    # The two powers that glibc's pow(10, n) rounds the wrong way (2.28 and later).
    table[23 + 330] = float.fromhex("0x1.52d02c7e14af7p+76")
    table[210 + 330] = float.fromhex("0x1.8557f31326bbcp+697")
    return table


_POWERS = _powers_of_ten()


def _power(exponent: int) -> float:
    """10**`exponent` as the C library's `pow` gives it, from -330 to 310."""
    return _POWERS[exponent + 330]


def _binary_exponent(value: float) -> int:
    """The exponent field of a double, unbiased: -1023 for zero and subnormals."""
    exponent = math.frexp(value)[1] - 1
    return exponent if value != 0.0 and exponent >= -1022 else -1023


def _round_up(digits: list[int]) -> bool:
    """Add one to the last digit; True if it carried out of the first, which is left 0."""
    for i in range(len(digits) - 1, -1, -1):
        if digits[i] < 9:
            digits[i] += 1
            return False
        digits[i] = 0
    return True


def _assemble(digits: list[int], point: int, exponent: int | None) -> str:
    """The digits, a decimal point after the first `point`, no trailing zeros, the exponent."""
    text = "".join(map(str, digits))
    if point < len(text):
        fraction = text[point:].rstrip("0")
        text = f"{text[:point]}.{fraction}" if fraction else text[:point]
    if exponent is None:
        return text
    return f"{text}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def _finish(digits: list[int], point: int, exponent: int | None, round_up: bool) -> str:
    if round_up and _round_up(digits):
        digits.insert(0, 1)
        if exponent is None:
            point += 1
        else:
            exponent += 1
    return _assemble(digits, point, exponent)


def _scale(value: float) -> str:
    """First generation (1.12 to 1.19), for a positive finite value."""
    exponent = 0
    shown: int | None = None
    digits: list[int] = []
    if value < 1.0:
        lead = 1 if value >= _ROUND_TO_ONE else 0
        for step, up, down in _SCALE_STEPS:
            if down > value:
                exponent += step
                value *= up
        if value < 1.0:
            if value >= _ROUND_TO_ONE:
                value = 1.0
            else:
                exponent += 1
                value *= 10.0
        count = _PRECISION
        point = 1
        if exponent <= 4:
            digits.append(lead)
            if exponent == 0:
                # Nothing but zeros may follow: the count of leading zeros ran below zero.
                digits.extend([0] * (_PRECISION - 1))
                count = 0
            else:
                digits.extend([0] * (exponent - 1))
        else:
            shown = -exponent
    else:
        for step, up, down in _SCALE_STEPS:
            if up <= value:
                exponent += step
                value *= down
        if int(value) >= 10:
            exponent += 1
            value *= 0.1
        count = _PRECISION
        point = 1
        if exponent < _FIXED_LIMIT:
            point = exponent + 1
        else:
            shown = exponent
    for _ in range(count):
        digit = int(value)
        digits.append(digit)
        value -= digit
        value *= 10.0
    return _finish(digits, point, shown, value >= 5.0)


def _subtract(value: float) -> str:
    """Second generation (1.20 to 1.25), for a positive finite value."""
    guess = int(_binary_exponent(value) * _LOG10_2)
    shown: int | None = None
    if value < 1.0:
        exponent = -guess
        while _power(-exponent) > value:
            exponent += 1
        point = 1
        place = 0
        if exponent <= 4:
            count = _PRECISION + exponent
        else:
            base = _power(-exponent)
            value = value / base if base else math.inf  # as IEEE: the base may underflow
            count = _PRECISION
            place = -exponent
            shown = -exponent
    else:
        exponent = guess
        while value >= (_power(exponent + 1) if exponent < 308 else math.inf):
            exponent += 1
        count = _PRECISION
        place = exponent
        if exponent < _FIXED_LIMIT:
            point = exponent + 1
        else:
            point = 1
            shown = exponent
    digits: list[int] = []
    while True:
        base = _power(place) if place > 0 else 1.0
        digit = 0
        while digit < 9 and value >= base:
            value -= base
            digit += 1
        if len(digits) == count:
            return _finish(digits, point, shown, digit >= 5)
        digits.append(digit)
        if place <= 0:
            value *= 10.0
        place -= 1


def _shortest(value: float) -> str:
    """Third generation (from 1.26), for a positive finite value."""
    exponent = int(_binary_exponent(value) * _LOG10_2)
    one = extended.from_int(1)
    if value >= 1.0:
        while value >= extended.to_float(extended.scale_by_ten(one, exponent + 1)):
            exponent += 1
    else:
        while value < extended.to_float(extended.scale_by_ten(one, exponent)):
            exponent -= 1
    exact = extended.from_float(value)
    width = _PRECISION
    while True:
        mantissa = extended.add_half_truncate(extended.scale_by_ten(exact, width - exponent - 1))
        place = exponent
        if mantissa >= 10**width:
            mantissa //= 10
            place += 1
        short = mantissa
        last = place - width + 1
        while short and short % 10 == 0:
            short //= 10
            last += 1
        back = extended.to_float(extended.scale_by_ten(extended.from_int(short), last))
        if back == value or width == 19:
            break
        width += 1
    digits = [int(c) for c in str(mantissa).rjust(width, "0")]
    if 0 <= place < _FIXED_LIMIT:
        return _assemble(digits, place + 1, None)
    if -4 <= place < 0:
        return _assemble([0] * -place + digits, 1, None)
    return _assemble(digits, 1, place)


def _magnitude(value: float, printer: FloatPrinter) -> str:
    if math.isnan(value):
        return "nan"
    value = abs(value)
    if value == math.inf:
        return "inf"
    if value == 0.0:
        return "0"
    if printer == FloatPrinter.SHORTEST:
        return _shortest(value)
    if printer == FloatPrinter.SUBTRACT:
        return _subtract(value)
    return _scale(value)


def _signed(value: float, printer: FloatPrinter) -> str:
    negative = math.copysign(1.0, value) < 0 and not math.isnan(value)
    return ("-" if negative else "") + _magnitude(value, printer)


def format_float(value: float, printer: FloatPrinter) -> str:
    """`repr` of a float: with a decimal point, an exponent, or as `inf` or `nan`."""
    text = _signed(value, printer)
    return text if any(c in ".en" for c in text) else text + ".0"


def format_complex(value: complex, printer: FloatPrinter) -> str:
    """`repr` of a complex number; without a real part that is zero."""
    imag = _signed(value.imag, printer)
    if value.real == 0:
        return imag + "j"
    if printer == FloatPrinter.SHORTEST:
        plus = not imag.startswith("-")
    else:
        plus = value.imag >= 0 or math.isnan(value.imag)  # so -0.0 prints as "+-0"
    return f"({_signed(value.real, printer)}{'+' if plus else ''}{imag}j)"
