"""Floats to text and back, with the precision of a board and the digits of MicroPython.

The text is MicroPython's to the last digit, so its arithmetic is repeated (py/formatfloat.c and
py/parsenum.c): a value is scaled into 1..10 by a table of powers of ten, and then gives its digits
one after the other, each step rounded to the board's precision.  The generations of the printer
after the first are repeated for `repr` of doubles only; else they give the host's digits.
"""

from __future__ import annotations

import math
import re
from ctypes import c_float
from typing import Final, final

from mpy_cross.emulator.runtime.facts import READER
from mpy_cross.emulator.runtime.single_text import REPR, format_single, read
from mpy_cross.loader.floatfmt import format_complex, format_float
from mpy_cross.loader.floatread import read_float
from mpy_cross.loader.release import FloatPrinter, FloatReader

FORMAT_BUFFER: Final = 32
"""Bytes of the buffer that a formatted number has to fit, with its end mark."""
SEARCH_BUFFER: Final = 33
"""The same of single precision from 1.26 on, of `repr` too."""


def to_single(value: float) -> float:
    """The nearest float of single precision; an infinity if there is none."""
    return c_float(value).value


@final
class _Numbers:
    """What the algorithms need to know of a precision."""

    __slots__ = (
        "digits_max",
        "exact_power",
        "exponent_bytes",
        "least_exponent",
        "round_to_one",
        "single",
        "steps",
    )

    def __init__(self, single: bool) -> None:
        self.single = single
        self.round_to_one = to_single(0.9999995) if single else 0.999999999995
        """A scaled value this close below 1 counts as 1."""
        self.exponent_bytes = 6 if single else 7
        """Bytes that one digit with sign, exponent and end mark take."""
        self.digits_max = 1e20 if single else 1e200
        """A value read from text takes no more digits from here on."""
        self.least_exponent = -37 if single else -307
        self.exact_power = 9 if single else 22
        """Powers of ten up to this one are exact."""
        steps: list[tuple[int, float, float]] = []
        step = 32 if single else 256
        while step:
            up, down = float(f"1e{step}"), float(f"1e-{step}")
            steps.append((step, to_single(up), to_single(down)) if single else (step, up, down))
            step >>= 1
        self.steps = tuple(steps)


_DOUBLE: Final = _Numbers(False)
_SINGLE: Final = _Numbers(True)


@final
class _Layout:
    """Where the digits of a number go; filled by the step that scales it."""

    __slots__ = ("chars", "count", "exponent", "point", "precision", "shown")

    def __init__(self, precision: int) -> None:
        self.chars: list[str] = []
        self.precision = precision
        self.exponent = 0
        """Power of ten, without its sign."""
        self.shown = ""
        """Sign of the exponent; empty if none is printed."""
        self.count = 0
        """Digits to produce."""
        self.point = 0
        """Digits before the decimal point, less one; -1 if the point is there already."""


def _scale_down(
    value: float, kind: str, room: int, out: _Layout, num: _Numbers
) -> tuple[float, str]:
    """Scale a value of at least 1; the value and the kind of layout it gets."""
    for step, up, down in num.steps:
        if up <= value:
            out.exponent += step
            value = to_single(value * down) if num.single else value * down
    if int(value) >= 10:
        out.exponent += 1
        value = to_single(value * to_single(0.1)) if num.single else value * 0.1
    exponent = out.exponent
    if kind == "f":
        if exponent >= room:
            kind = "e"
        elif exponent + out.precision + 2 > room:
            out.precision = room - exponent - 2
            if out.precision < 0:
                out.precision += 1
    if kind == "e":
        out.precision = min(out.precision, room - num.exponent_bytes)
    elif kind == "g":
        out.precision = min(out.precision, room - (num.exponent_bytes - 1))
        if exponent < out.precision:
            kind = "f"
            out.precision -= exponent + 1
    if kind == "f":
        out.point = exponent
        out.count = out.precision + exponent + 1
    else:
        out.shown = "+"
    return value, kind


def _scale_up(value: float, kind: str, room: int, out: _Layout, num: _Numbers) -> tuple[float, str]:
    """Scale a value between 0 and 1; the value and the kind of layout it gets."""
    lead = "1" if value >= num.round_to_one else "0"
    for step, up, down in num.steps:
        if down > value:
            out.exponent += step
            value = to_single(value * up) if num.single else value * up
    sign = "-"
    if value < 1.0:
        if value >= num.round_to_one:
            value = 1.0
            if out.exponent == 0:
                sign = "+"
        else:
            out.exponent += 1
            value = to_single(value * 10.0) if num.single else value * 10.0
    if kind == "f" or (kind == "g" and out.exponent <= 4):
        if kind == "g":
            out.precision += out.exponent - 1
        out.precision = min(out.precision, room - 2)
        out.chars.append(lead)
        out.point = -1
        out.count = out.precision
        if out.count:
            out.chars.append(".")
            out.exponent -= 1
            while out.exponent and out.count:
                out.chars.append("0")
                out.count -= 1
                out.exponent -= 1
        return value, "f"
    out.shown = sign
    limit = room - num.exponent_bytes
    if out.precision > limit:
        out.precision = limit + (kind == "g")
    return value, kind


def _carry(out: _Layout, kind: str) -> None:
    """Add one to the last digit."""
    chars = out.chars
    at = len(chars) - 1
    while at >= 0:
        if chars[at] != ".":
            if chars[at] != "9":
                chars[at] = chr(ord(chars[at]) + 1)
                return
            chars[at] = "0"
        at -= 1
    if chars[1:2] == ["."] and kind != "f":
        # 9.99 becomes 1.00 with the next exponent
        chars[:2] = ["1", ".", "0"]
        chars.pop()
        if out.shown == "-":
            out.exponent -= 1
            if out.exponent == 0:
                out.shown = "+"
        else:
            out.exponent += 1
    else:
        chars.insert(0, "1")


def _positive(value: float, kind: str, precision: int, room: int, num: _Numbers) -> str:
    """Text of a finite number that is not negative; `kind` is one of e, f, g."""
    if kind == "g" and precision == 0:
        precision = 1
    out = _Layout(precision)
    wanted = kind
    if value == 0.0:
        if kind == "f":
            out.precision = min(precision, room - 2)
            out.count = out.precision + 1
        else:
            out.precision = min(precision, room - 6)
            if kind == "e":
                out.shown = "+"
    elif value < 1.0:
        value, kind = _scale_up(value, kind, room, out, num)
    else:
        value, kind = _scale_down(value, kind, room, out, num)
    out.precision = max(out.precision, 0)
    if kind == "e":
        out.count = out.precision + 1
    elif kind == "g":
        out.precision = max(out.precision, 1)
        out.count = out.precision
    chars = out.chars
    point = out.point
    for _ in range(out.count):
        digit = int(value)
        chars.append(chr(48 + max(digit, 0)))
        if point == 0 and out.precision > 0:
            chars.append(".")
        point -= 1
        value = (value - digit) * 10.0
        if num.single:
            value = to_single(value)
    if value >= 5.0 and (wanted != "f" or out.exponent <= out.count):
        _carry(out, kind)
    text = "".join(chars)
    if wanted == "g" and out.precision > 0:
        text = text.rstrip("0").removesuffix(".")
    if out.shown:
        exponent = out.exponent if out.exponent >= 100 and not num.single else out.exponent % 100
        text += f"e{out.shown}{exponent:02d}"
    return text


@final
class FloatStyle:
    """How a board and a release print floats."""

    __slots__ = ("digits", "generation", "single")

    def __init__(self, digits: int = 16, generation: FloatPrinter = FloatPrinter.SCALE) -> None:
        self.digits = digits
        """Significant digits of `repr`: 16 of a double, 7 of single precision, 6 of 30 bits."""
        self.single = digits < 16
        self.generation = generation

    def formatted(
        self,
        value: float,
        kind: str,
        precision: int = -1,
        sign: str = "",
        buffer: int = FORMAT_BUFFER,
    ) -> str:
        """A number as `%` and `format` print it, not padded.

        `kind` is one of e, E, f, F, g, G; a negative `precision` means 6; `sign` goes before
        numbers that are not negative.  The text is cut to what fits the `buffer`.
        """
        upper = kind.isupper()
        if math.copysign(1.0, value) < 0 and value == value:
            sign = "-"
            value = -value
        if value != value or value == math.inf:
            text = "nan" if value != value else "inf"
        else:
            if precision < 0:
                precision = 6
            kind = kind.lower()
            room = buffer - 1 - len(sign)
            if self.single and self.generation == FloatPrinter.SHORTEST:
                text = format_single(value, kind, precision, SEARCH_BUFFER - len(sign))
            elif self.generation == FloatPrinter.SCALE:
                text = _positive(value, kind, precision, room, _SINGLE if self.single else _DOUBLE)
            else:
                text = f"{value:.{precision}{kind}}"
                if len(text) > room:
                    text = f"{value:.{min(precision, room - 7)}e}"
        return sign + (text.upper() if upper else text)

    def hundredfold(self, value: float) -> float:
        """The value that the kind `%` prints."""
        return _rounded(value * 100.0, self.single)

    def text(self, value: float) -> str:
        """`repr` of a float."""
        if not self.single:
            return format_float(value, self.generation)
        text = self._shown(value)
        return text if "." in text or "e" in text or "n" in text else text + ".0"

    def complex_text(self, value: complex) -> str:
        """`repr` of a complex number; a real part of zero is left out."""
        if not self.single:
            return format_complex(value, self.generation)
        imaginary = self._shown(value.imag)
        if value.real == 0:
            return imaginary + "j"
        plus = "+" if value.imag >= 0 or value.imag != value.imag else ""
        return f"({self._shown(value.real)}{plus}{imaginary}j)"

    def _shown(self, value: float) -> str:
        """`repr` of a single-precision number, perhaps without a decimal point."""
        digits = REPR if self.generation == FloatPrinter.SHORTEST else self.digits
        return self.formatted(value, "g", digits, "", 16)


_NUMBER: Final = re.compile(
    r"[ \t\n\r\v\f]*([+-]?)(?:(inf(?:inity)?)|(nan)|"
    r"([0-9_]*)(\.[0-9_]*)?(?:[eE]([+-]?)([0-9_]*))?([jJ]?))[ \t\n\r\v\f]*",
    re.IGNORECASE | re.ASCII,
)


def parse_decimal(text: str, single: bool, imaginary: bool = False) -> tuple[float, bool]:
    """The value of a number's text and whether it ends in `j`, which `imaginary` allows.

    In single precision digits are taken one by one and scaled by one power of ten.
    Raises ValueError.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError("invalid syntax for number")
    sign, inf, nan, whole, fraction, exponent_sign, exponent, j = match.groups()
    if inf or nan:
        value = math.inf if inf else math.nan
        return (-value if sign == "-" else value), False
    if (not whole and not fraction and exponent is None and not j) or (j and not imaginary):
        raise ValueError("invalid syntax for number")
    if exponent is not None and not exponent and not j:
        raise ValueError("invalid syntax for number")
    power = int(exponent.replace("_", "")[:9] or "0") if exponent else 0
    if exponent_sign == "-":
        power = -power
    num = _SINGLE if single else _DOUBLE
    if not single:
        digits = whole.replace("_", "").encode(), (fraction or "")[1:].replace("_", "").encode()
        value = read_float(*digits, power, READER[0])
        return (-value if sign == "-" else value), bool(j)
    if READER[0] == FloatReader.EXTENDED:
        value = read(whole.replace("_", ""), (fraction or "")[1:].replace("_", ""), power)
        return (-value if sign == "-" else value), bool(j)
    value = 0.0
    for digit in whole.replace("_", ""):
        if value < num.digits_max:
            value = _rounded(_rounded(10 * value, single) + (ord(digit) - 48), single)
        else:
            power += 1
    if fraction:
        for digit in fraction[1:].replace("_", ""):
            if value < num.digits_max:
                value = _rounded(_rounded(10 * value, single) + (ord(digit) - 48), single)
                power -= 1
    value = _scaled(value, power, num)
    return (-value if sign == "-" else value), bool(j)


def _rounded(value: float, single: bool) -> float:
    return to_single(value) if single else value


def _scaled(value: float, power: int, num: _Numbers) -> float:
    if power < num.least_exponent:
        power -= num.least_exponent
        value = _rounded(value * _power(num.least_exponent, num), num.single)
    if -num.exact_power <= power < 0:
        return _rounded(value / _power(-power, num), num.single)
    return _rounded(value * _power(power, num), num.single)


def _power(exponent: int, num: _Numbers) -> float:
    return _rounded(float(f"1e{max(min(exponent, 400), -400)}"), num.single)
