"""Floats of single precision to text and back, as releases from 1.26 on do it.

A decimal mantissa of six digits is tried first; while it does not read back as the value, a search
among its neighbours, and then more digits, up to nine (py/formatfloat.c and py/parsenum.c with
MICROPY_FLOAT_FORMAT_IMPL_APPROX).  Every step is rounded to single precision, as on a board.
Powers of five are exact to the last bit here; those of a board's library, and so the ninth digit of
numbers far from 1, need not be.
"""

from __future__ import annotations

import math
from ctypes import c_float
from struct import Struct
from typing import Final, final

REPR: Final = 99
"""The precision that means: as many digits as it takes."""
MOST, SAFE = 9, 6
"""Digits of a mantissa at most, and digits that are right whatever the value."""
FIXED_LIMIT: Final = 16
"""`repr` has an exponent from here on."""
EXPONENT_BYTES: Final = 6
MOST_TAKEN: Final = 0x1999_9998
"""A mantissa that is being read takes no more digits from here on."""
EXACT_POWER: Final = 10
"""Powers of five up to this one are exact."""
LOG10_2: Final = c_float(0.3010299956639812).value
HUGE: Final = 400
_float, _word = Struct("<f"), Struct("<I")


def _fives(power: int) -> float:
    return c_float(5.0 ** max(min(power, HUGE), -HUGE)).value


def scaled(value: float, power: int) -> float:
    """`value` times ten to the `power`: by the exponent's bits, then by a power of five."""
    if power == 0 or value == 0.0:
        return value
    bits: int = _word.unpack(_float.pack(value))[0]
    bits = bits & ~0x7F80_0000 | (bits + (power << 23)) & 0x7F80_0000
    value = _float.unpack(_word.pack(bits))[0]
    if -EXACT_POWER <= power < 0:
        return c_float(value / _fives(-power)).value
    return c_float(value * _fives(power)).value


def read(whole: str, fraction: str, power: int) -> float:
    """The value of the digits before and after a decimal point, times ten to the `power`."""
    mantissa = 0
    zeros = 0
    for digits, step in ((whole, 1), (fraction, 0)):
        for digit in digits:
            power -= 1 - step
            if digit == "0" or mantissa >= MOST_TAKEN:
                zeros += 1
                continue
            while zeros:
                zeros -= 1
                if mantissa < MOST_TAKEN:
                    mantissa *= 10
                else:
                    power += 1
            if mantissa < MOST_TAKEN:
                mantissa = mantissa * 10 + ord(digit) - 48
            else:
                power += 1
    return scaled(c_float(mantissa).value, power + zeros)


def _read_back(mantissa: int, power: int) -> float:
    """The value of a mantissa's text."""
    while mantissa and mantissa % 10 == 0:
        mantissa //= 10
        power += 1
    return scaled(c_float(mantissa).value, power)


def _exponent(value: float) -> int:
    """The power of ten of a positive value."""
    bits: int = _word.unpack(_float.pack(value))[0]
    exponent = int(c_float(((bits >> 23) - 127) * LOG10_2).value)
    large = value >= 1.0
    while (value >= scaled(1.0, exponent + large)) is large:
        exponent += 1 if large else -1
    return exponent


@final
class _Plan:
    """How a number is laid out.  kind: e, f or g; digits: of the mantissa; point: digits before
    the decimal point less one, -1 if `lead` has it; zeros: to append; power: of ten, of the last
    digit of the mantissa."""

    __slots__ = ("digits", "exponent", "kind", "lead", "plain", "point", "power", "zeros")

    def __init__(self, kind: str, exponent: int, plain: int) -> None:
        self.kind = kind
        self.exponent = exponent
        self.plain = plain
        """The kind g needs no exponent below this one."""
        self.digits = self.point = self.zeros = self.power = 0
        self.lead = ""

    def value(self, mantissa: int) -> float:
        """What the text of a mantissa reads back as."""
        if mantissa >= 10**self.digits and self.kind != "f":
            return _read_back(mantissa // 10, self.power + 1)
        return _read_back(mantissa, self.power)

    def text(self, mantissa: int) -> str:
        """The number with this mantissa."""
        digits, exponent, point, zeros = self.digits, self.exponent, self.point, self.zeros
        lead, pointed = self.lead, point < 0
        if mantissa >= 10**digits:
            if self.kind == "f":
                digits += 1
                point += 1
            else:
                mantissa //= 10
                exponent += 1
        if self.kind == "g" and 0 < exponent < self.plain:
            point += exponent
            if point >= digits:
                zeros = point - (digits - 1)
            exponent = 0
        elif self.kind == "g" and -4 <= exponent < 0:
            dropped = 0
            while exponent < 0 and mantissa % 10 == 0:
                mantissa //= 10
                dropped += 1
                exponent += 1
            digits -= dropped
            lead = "0." + "0" * (dropped - exponent - 1)
            exponent, pointed = 0, True
        text = str(mantissa).rjust(digits, "0")[-digits:] if digits > 0 else ""
        if not pointed and point + 1 < digits:
            text = f"{text[: point + 1]}.{text[point + 1 :]}"
            pointed = True
        elif zeros and not pointed:
            before = point - (digits - 1)
            if before < zeros:
                text += "0" * before + "."
                pointed = True
                zeros -= before
        text = lead + text + "0" * zeros
        if self.kind == "g" and pointed:
            text = text.rstrip("0").removesuffix(".")
        if (exponent or self.kind == "e") and self.kind != "f":
            text += f"e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
        return text


def format_single(value: float, kind: str, precision: int, room: int) -> str:
    """Text of a finite number that is not negative.

    kind: e, f or g; precision: REPR for the shortest text that reads back; room: bytes of the
    buffer, the end mark included.
    """
    value = c_float(value).value
    plain = min(precision, room - 3)
    if precision == REPR:
        precision, plain = MOST, FIXED_LIMIT
    exponent = _exponent(value) if value else 0
    if kind == "f" and exponent > 0 and exponent + precision + 2 > room:
        kind = "g"
        precision += 1
    most, leading = precision, 0
    if kind == "f":
        most = min(most, room - 3)
        if exponent >= 0:
            most += exponent + 1
        elif most > 2 and exponent < -2:
            leading = min(-exponent, most) - 2
            most -= leading
        else:
            most += 1
    elif kind == "e" or most == 0:
        most += 1
    trailing = max(most - MOST, 0)
    most -= trailing
    trailing = min(trailing, room - most - (3 if kind == "f" else EXPONENT_BYTES + 1))
    digits = min(SAFE, most)
    while True:
        plan = _Plan(kind, exponent, plain)
        plan.digits = digits
        plan.zeros = trailing + most - digits
        if value == 0.0:
            if kind == "f":
                plan.point = -exponent
            return plan.text(0)
        if kind != "f":
            plan.power = exponent + 1 - digits
        elif exponent >= 0:
            plan.point = exponent
            plan.power = exponent + 1 - digits
        elif leading:
            plan.lead = "0." + "0" * leading
            plan.point = -1
            plan.power = -digits - leading
        else:
            plan.power = 1 - digits
        found = _searched(value, plan, digits < most)
        if found is not None:
            return plan.text(found)
        digits += 1


def _searched(value: float, plan: _Plan, more: bool) -> int | None:
    """The mantissa, the best one if none reads back as the value; None if there was none and there
    may be `more` digits."""
    power = -plan.power
    factor = 1
    if plan.digits > SAFE and power > 1:
        # The last digits come from a multiplication of integers.
        if plan.digits > SAFE + 1 and power > 2:
            factor, power = 100, power - 2
        else:
            factor, power = 10, power - 1
    rounded = c_float(scaled(value, power) + 0.5).value
    mantissa = factor * int(min(rounded, 0xFFFF_FFFF)) & 0xFFFF_FFFF
    difference = least = c_float(plan.value(mantissa) - value).value
    best = mantissa
    if difference == 0.0:
        return mantissa
    step = 1 << 3 * max(plan.digits - SAFE, 0)
    for _ in range(3 + 3 * (MOST - SAFE)):
        mantissa += step if math.copysign(1.0, difference) < 0 else -step
        difference = c_float(plan.value(mantissa) - value).value
        if difference == 0.0:
            return mantissa
        delta = c_float(abs(difference) - abs(least)).value
        if delta < 0.0 or (delta == 0.0 and mantissa % 10 == 0):
            least, best = difference, mantissa
        if step > 1:
            step >>= 1
        else:
            return None if more else best
    return mantissa
