"""`str % x`, `str.format` and their counterparts of bytes.

MicroPython formats bytes, so widths count the bytes of the UTF-8 form (py/objstr.c, py/mpprint.c).
Here that form is a string with a character for each byte.
"""

from __future__ import annotations

import re
from typing import Any, Final, final

from mpy_cross.emulator.runtime.arguments import (
    as_float,
    as_word,
    cooked,
    no_implicit,
    raw,
)
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.fields import (
    DIGITS,
    STAR,
    Field,
    Piece,
    format_integer,
    parse_number,
    parse_spec,
    parse_template,
)
from mpy_cross.emulator.runtime.floats import FORMAT_BUFFER
from mpy_cross.emulator.runtime.integers import int_from_float
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.types import MpClass, type_name

_BRACE: Final = re.compile("[{}]")
_FLOAT_KINDS: Final = "eEfFgG"
_TEMPLATES_KEPT: Final = 500
_templates: dict[str, list[Piece]] = {}
_number_specs: dict[str, Field] = {}
_text_specs: dict[str, Field] = {}


@final
class Formatter:
    """Formats the way a board with this printer does."""

    __slots__ = ("printer",)

    def __init__(self, printer: Printer) -> None:
        self.printer = printer

    # ------------------------------------------------------------------------------------- %

    def percent(self, template: Any, values: Any) -> Any:
        """`template % values`, for a str or bytes template."""
        items: tuple[Any, ...] = (values,)
        if type(values) is tuple:
            items = values
        elif isinstance(values, tuple) and LANGUAGE[0].named_percent:
            items = tuple(values)
        named = values if type(values) is dict else None
        if isinstance(template, str):
            return cooked(self._percent(raw(template), items, named, False))
        return self._percent(template.decode("latin-1"), items, named, True).encode("latin-1")

    def _percent(
        self, text: str, items: tuple[Any, ...], named: dict[Any, Any] | None, is_bytes: bool
    ) -> str:
        template = _templates.get(text)
        if template is None:
            if len(_templates) >= _TEMPLATES_KEPT:
                _templates.clear()
            template = _templates[text] = parse_template(text)
        out: list[str] = []
        used = 0
        count = len(items)
        for piece in template:
            out.append(piece.before)
            field = piece.field
            if piece.key is not None:
                if named is None:
                    raise TypeError("format needs a dict")
                used = 1
                if field is not None and piece.key not in named:
                    raise KeyError(piece.key)
            width, precision = piece.width, piece.precision
            if width == STAR:
                if used >= count:
                    raise TypeError("format string needs more arguments")
                width = as_word(items[used])
                used += 1
            if precision == STAR:
                if used >= count:
                    raise TypeError("format string needs more arguments")
                precision = as_word(items[used])
                used += 1
            if field is None:
                if piece.error:
                    raise ValueError(piece.error)
                continue
            if piece.key is not None:
                assert named is not None
                arg = named[piece.key]
            elif used >= count:
                raise TypeError("format string needs more arguments")
            else:
                arg = items[used]
                used += 1
            if piece.width == STAR:
                field = field.of_width(width)
            out.append(self._percent_value(arg, field, precision, is_bytes, piece.at))
        if used != count and (named is None or not LANGUAGE[0].dict_is_used):
            raise TypeError("format string didn't convert all arguments")
        return "".join(out)

    def _percent_value(
        self, arg: Any, field: Field, precision: int, is_bytes: bool, at: int
    ) -> str:
        kind = field.kind
        if kind == "d" and type(arg) is int:
            return format_integer(arg, 10, field, False, precision)
        if kind in "sr":
            if kind == "s" and is_bytes and type(arg) is bytes:
                text = arg.decode("latin-1")
            elif kind == "s":
                text = raw(self.printer.text(arg))
            else:
                text = raw(self.printer.representation(arg))
            return field.pad(text if precision < 0 else text[:precision])
        if kind == "c":
            if type(arg) is str:
                text = raw(arg)
                if len(text) != 1:
                    raise TypeError("%c needs int or char")
            elif type(arg) is int or type(arg) is bool:
                text = chr(as_word(arg) & 0xFF)
            else:
                raise TypeError("integer needed")
            return field.pad(text)
        if kind in "diu":
            if isinstance(arg, float) and type(type(arg)) is not MpClass:
                arg = int_from_float(arg)
            return format_integer(arg, 10, field, False, precision)
        if kind in "oxX":
            return format_integer(arg, 8 if kind == "o" else 16, field, kind == "X", precision)
        if kind in _FLOAT_KINDS:
            text = self.printer.floats.formatted(as_float(arg), kind, precision, field.sign)
            return _float(text, field)
        raise ValueError(f"unsupported format character '{kind}' (0x{ord(kind):x}) at index {at}")

    # -------------------------------------------------------------------------------- format

    def format(self, template: Any, /, *args: Any, **kwargs: Any) -> Any:
        """`template.format(...)`, for a str or bytes template."""
        if isinstance(template, str):
            return cooked(self._format(raw(template), args, kwargs, [0]))
        return self._format(template.decode("latin-1"), args, kwargs, [0]).encode("latin-1")

    def _format(
        self, text: str, args: tuple[Any, ...], kwargs: dict[str, Any], place: list[int]
    ) -> str:
        """`place` holds the number of the next field; -1 if fields are numbered by hand."""
        out: list[str] = []
        at = 0
        size = len(text)
        while True:
            brace = _BRACE.search(text, at)
            if brace is None:
                out.append(text[at:])
                return "".join(out)
            out.append(text[at : brace.start()])
            at = brace.end()
            if brace[0] == "}":
                if text[at : at + 1] != "}":
                    raise ValueError("single '}' encountered in format string")
                out.append("}")
                at += 1
                continue
            if text[at : at + 1] == "{":
                out.append("{")
                at += 1
                continue
            start = at
            while at < size and text[at] not in "}!:":
                at += 1
            name = text[start:at]
            conversion = ""
            if text[at : at + 1] == "!":
                at += 1
                conversion = text[at : at + 1]
                if not conversion:
                    raise ValueError("end of format while looking for conversion specifier")
                if conversion not in "rs":
                    raise ValueError(f"unknown conversion specifier {conversion}")
                at += 1
            spec = ""
            if text[at : at + 1] == ":":
                at += 1
                start = at
                depth = 1
                while at < size:
                    if text[at] == "{":
                        depth += 1
                    elif text[at] == "}":
                        depth -= 1
                        if not depth:
                            break
                    at += 1
                spec = text[start:at]
            if at >= size:
                raise ValueError("unmatched '{' in format")
            if text[at] != "}":
                raise ValueError("expected ':' after format specifier")
            at += 1
            value = self._lookup(name, args, kwargs, place)
            if conversion == "r":
                value = self.printer.representation(value)
            elif conversion == "s" or not spec:
                value = self.printer.text(value)
            if not spec:
                out.append(raw(value))
            else:
                if "{" in spec or "}" in spec:
                    spec = self._format(spec, args, kwargs, place)
                out.append(self.with_spec(value, spec))

    def _lookup(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], place: list[int]
    ) -> Any:
        if not name:
            index = place[0]
            if index < 0:
                raise ValueError(
                    "can't switch from manual field specification to automatic field numbering"
                )
            if index >= len(args):
                raise IndexError("tuple index out of range")
            place[0] += 1
            return args[index]
        if name[0] in DIGITS:
            if place[0] > 0:
                raise ValueError(
                    "can't switch from automatic field numbering to manual field specification"
                )
            index, end = parse_number(name, 0, 0)
            if index >= len(args):
                raise IndexError("tuple index out of range")
            place[0] = -1
            value = args[index]
        else:
            end = 0
            while end < len(name) and name[end] not in ".[":
                end += 1
            key = cooked(name[:end])
            if key not in kwargs:
                raise KeyError(key)
            value = kwargs[key]
        if end < len(name):
            raise NotImplementedError("attributes not supported yet")
        return value

    def with_spec(self, value: Any, spec: str) -> str:
        """A value formatted by what follows the colon of a field."""
        cls = type(value)
        is_integer = cls is int or cls is bool
        is_number = is_integer or (isinstance(value, float) and type(cls) is not MpClass)
        field = (_number_specs if is_number else _text_specs).get(spec)
        if field is None:
            field = _keep_spec(spec, is_number)
        kind = field.kind
        if field.sign:
            if kind == "s":
                raise ValueError("sign not allowed in string format specifier")
            if kind == "c":
                raise ValueError("sign not allowed with integer format specifier 'c'")
        if is_integer:
            if kind in ("", "d", "n"):
                return format_integer(int(value), 10, field)
            if kind == "b":
                return format_integer(int(value), 2, field)
            if kind == "o":
                return format_integer(int(value), 8, field)
            if kind in ("x", "X"):
                return format_integer(int(value), 16, field, kind == "X")
            if kind == "c":
                return field.pad(chr(as_word(value) & 0xFF))
        if is_number and kind in "eEfFgGn%":
            number = as_float(value)
            printed = "g" if kind in ("", "n") else kind
            if kind == "%":
                printed = "f"
                number = self.printer.floats.hundredfold(number)
            text = self.printer.floats.formatted(number, printed, field.precision, field.sign)
            if kind == "%" and len(text) + 1 < FORMAT_BUFFER:
                text += "%"
            return _float(text, field)
        if not is_number:
            if field.between and field.fill == "0" and LANGUAGE[0].zero_fills_text:
                field = field.of_width(field.width)
                field.between, field.align = False, "<"
            if field.between:
                raise ValueError("'=' alignment not allowed in string format specifier")
            if kind in ("", "s"):
                if type(value) is bytes:
                    text = value.decode("latin-1")
                elif type(value) is str:
                    text = raw(value)
                else:
                    raise no_implicit(value)
                return field.pad(text if field.precision < 0 else text[: field.precision])
        raise ValueError(f"unknown format code '{kind}' for object of type '{type_name(value)}'")


def _keep_spec(spec: str, is_number: bool) -> Field:
    """The field of a format specifier, for numbers or for other values."""
    field, align = parse_spec(spec)
    field.between = align == "="
    field.align = ">" if field.between else align or (">" if is_number else "<")
    kept = _number_specs if is_number else _text_specs
    if len(kept) >= _TEMPLATES_KEPT:
        kept.clear()
    kept[spec] = field
    return field


def _float(text: str, field: Field) -> str:
    if field.between and text[0] < "0":
        return text[0] + field.pad(text[1:], field.width - 1)
    return field.pad(text)


_current = Formatter(Printer(16))


def use(printer: Printer) -> None:
    """Make a board's printer the one that `percent` and `format_` use."""
    global _current
    _current = Formatter(printer)
    # What a specifier means depends on the release.
    _number_specs.clear()
    _text_specs.clear()


def percent(template: Any, values: Any) -> Any:
    """`template % values`."""
    return _current.percent(template, values)


def format_(template: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`template.format(...)`."""
    return _current.format(template, *args, **kwargs)
