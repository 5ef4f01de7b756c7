"""Fields of formats: what `%` templates and format specifiers say, and ints in fields.

A template is the UTF-8 form of the program's, with a character for each byte.
"""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.runtime import memory
from mpy_cross.emulator.runtime.arguments import as_word, cooked
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.printing import format_int

DIGITS: Final = "0123456789"
_SPEC_TYPES: Final = "bcdeEfFgGnosxX%"
_PREFIXES: Final = {2: "0b", 8: "0o", 10: "", 16: "0x"}
_HOST_KINDS: Final = {2: "b", 8: "o", 16: "x"}
"""Kinds of the host's `format`; it has the digits of these bases."""


@final
class Field:
    """How one value is to be shown."""

    __slots__ = (
        "align",
        "between",
        "comma",
        "fill",
        "kind",
        "precision",
        "prefix",
        "separator",
        "sign",
        "width",
    )

    def __init__(self) -> None:
        self.fill = " "
        self.align = ">"
        """<, > or ^"""
        self.between = False
        """The padding goes between the sign and the digits."""
        self.sign = ""
        """What goes before a number that is not negative."""
        self.prefix = False
        self.comma = False
        self.separator = ","
        self.width = 0
        self.precision = -1
        self.kind = ""

    def of_width(self, width: int) -> Field:
        """The same with another width."""
        made = Field()
        for name in self.__slots__:
            setattr(made, name, getattr(self, name))
        made.width = width
        return made

    def pad(self, text: str, width: int | None = None) -> str:
        """Text in the field's width."""
        room = (self.width if width is None else width) - len(text)
        if room <= 0:
            return text
        memory.text(len(text) + room)
        if self.align == "<":
            return text + self.fill * room
        if self.align == "^":
            left = room // 2
            return self.fill * left + text + self.fill * (room - left)
        return self.fill * room + text


def format_digits(value: int, base: int, comma: bool) -> str:
    """The digits of a non-negative int; commas between groups of three in every base."""
    text = format_int(value) if base == 10 else format(value, _HOST_KINDS[base])
    if not comma:
        return text
    head = len(text) % 3 or 3
    return ",".join([text[:head], *(text[i : i + 3] for i in range(head, len(text), 3))])


def format_integer(
    value: Any, base: int, field: Field, upper: bool = False, precision: int = 0
) -> str:
    """An int in a field, with at least `precision` digits."""
    number = value if type(value) is int else as_word(value)
    width = field.width
    if field.align == ">" and field.fill == "0":
        width = max(width, precision)
        precision = 0
    if field.comma and LANGUAGE[0].separators:
        return _separated(number, base, field, upper)
    digits = format_digits(abs(number), base, field.comma)
    head = "-" if number < 0 else field.sign
    if field.prefix:
        head += _PREFIXES[base]
    if upper:
        digits, head = digits.upper(), head.upper()
    if precision > 1:
        text = head + digits.rjust(precision, "0")
        return text.ljust(width) if field.align == "<" else text.rjust(width)
    if field.between:
        return head + field.pad(digits, width - len(head))
    return field.pad(head + digits, width)


def _separated(number: int, base: int, field: Field, upper: bool) -> str:
    """An int with separators, which the zeros before it have, too."""
    kind = _HOST_KINDS.get(base, "d")
    fill = field.fill if field.fill not in "{}" else " "
    spec = f"{fill}{'=' if field.between else field.align}{field.sign}"
    width = "" if field.width < 0 else str(field.width)
    if field.width > 0:
        memory.text(field.width)
    separator = field.separator if base == 10 else "_"
    text = format(number, f"{spec}{'#' if field.prefix else ''}{width}{separator}{kind}")
    return text.upper() if upper else text


def parse_number(text: str, at: int, otherwise: int) -> tuple[int, int]:
    """The number at a place of a template, and the place behind it."""
    end = at
    while end < len(text) and text[end] in DIGITS:
        end += 1
    return (int(text[at:end]) if end > at else otherwise), end


STAR: Final = -2
"""A width or a precision that is an argument."""


@final
class Piece:
    """Part of a `%` template: some text, then a value; without a field, nothing or an error."""

    __slots__ = ("at", "before", "error", "field", "key", "precision", "width")

    def __init__(self, before: str, at: int) -> None:
        self.before = before
        self.at = at
        """Where the kind is."""
        self.key: str | None = None
        self.width = 0
        self.precision = -1
        self.field: Field | None = None
        self.error = ""


def parse_template(text: str) -> list[Piece]:
    """The pieces of a `%` template; an error in it is the last one, for those before come first."""
    out: list[Piece] = []
    before = ""
    at = 0
    while True:
        mark = text.find("%", at)
        if mark < 0:
            out.append(Piece(before + text[at:], at))
            return out
        before += text[at:mark]
        if text[mark + 1 : mark + 2] == "%":
            before += "%"
            at = mark + 2
            continue
        piece = Piece(before, mark + 1)
        out.append(piece)
        before = ""
        at = _parse_field(text, piece)
        if piece.error:
            return out


def _parse_field(text: str, piece: Piece) -> int:
    """Fill a piece from what is behind its `%`; the place behind it."""
    at = piece.at
    if text[at : at + 1] == "(":
        end = text.find(")", at)
        piece.key = cooked(text[at + 1 : end])
        if end < 0:
            piece.error = "incomplete format key"
            return at
        at = end + 1
    field = Field()
    flags = set()
    while text[at : at + 1] and text[at] in "-+ #0":
        flags.add(text[at])
        at += 1
    field.align = "<" if "-" in flags else ">"
    field.sign = "+" if "+" in flags else " " if " " in flags else ""
    field.prefix = "#" in flags
    field.between = "0" in flags
    if text[at : at + 1] == "*":
        piece.width = STAR
        at += 1
    else:
        field.width, at = parse_number(text, at, 0)
    if text[at : at + 1] == ".":
        at += 1
        if text[at : at + 1] == "*":
            piece.precision = STAR
            at += 1
        else:
            piece.precision, at = parse_number(text, at, 0)
    if at >= len(text):
        piece.error = "incomplete format"
        return at
    field.kind = text[at]
    if field.kind in "diu":
        field.prefix = False
    if field.between and field.kind not in "src":
        field.fill = "0"
    piece.field = field
    piece.at = at
    return at + 1


def parse_spec(spec: str) -> tuple[Field, str]:
    """The field that a format specifier describes, and its alignment, empty if there is none.

    Raises ValueError.
    """
    field = Field()
    align = fill = ""
    at = 0
    if spec[:1] and spec[0] in "<>=^":
        align = spec[0]
        at = 1
    elif spec[1:2] and spec[1] in "<>=^":
        fill, align = spec[0], spec[1]
        at = 2
    if spec[at : at + 1] in ("+", "-", " "):
        field.sign = "" if spec[at] == "-" else spec[at]
        at += 1
    if spec[at : at + 1] == "#":
        field.prefix = True
        at += 1
    if spec[at : at + 1] == "0":
        align = align or "="
        fill = fill or "0"
    field.width, at = parse_number(spec, at, -1)
    if spec[at : at + 1] == "," or (spec[at : at + 1] == "_" and LANGUAGE[0].separators):
        field.comma = True
        field.separator = spec[at]
        at += 1
    if spec[at : at + 1] == ".":
        field.precision, at = parse_number(spec, at + 1, -1)
    if spec[at : at + 1] and spec[at] in _SPEC_TYPES:
        field.kind = spec[at]
        at += 1
    if at < len(spec):
        raise ValueError("invalid format specifier")
    field.fill = fill or " "
    return field, align
