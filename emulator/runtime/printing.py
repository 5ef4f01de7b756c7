"""How values are shown: `str()`, `repr()` and exceptions."""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType
from typing import Any

from mpy_cross.emulator.runtime.types import (
    BuiltinType,
    Instance,
    Module,
    MpClass,
    builtin_of,
    class_name,
    type_name,
)


def quoted(text: str) -> str:
    """`repr()` of a string."""
    quote = '"' if "'" in text and '"' not in text else "'"
    out = [quote]
    for char in text:
        code = ord(char)
        if char == quote or char == "\\":
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif char == "\r":
            out.append("\\r")
        elif char == "\t":
            out.append("\\t")
        elif code < 32 or code == 127:
            out.append(f"\\x{code:02x}")
        elif 128 <= code < 0xA0 or 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code & 0xFF:02x}")
        else:
            out.append(char)
    out.append(quote)
    return "".join(out)


def float_text(value: float, digits: int = 16) -> str:
    """A float as MicroPython prints it, with as many significant digits as the board has."""
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    text = f"{value:.{digits}g}"
    if "e" not in text and "." not in text:
        text += ".0"
    return text


def complex_text(value: complex, digits: int = 16) -> str:
    """A complex number; a real part of zero is left out."""
    imaginary = f"{value.imag:.{digits}g}"
    if value.real == 0:
        return f"{imaginary}j"
    sign = "" if imaginary[0] in "-" else "+"
    return f"({value.real:.{digits}g}{sign}{imaginary}j)"


class Printer:
    """Shows values the way a board with this precision of floats does."""

    def __init__(self, float_digits: int) -> None:
        self.float_digits = float_digits

    def text(self, value: Any) -> str:
        """`str(value)`."""
        cls = type(value)
        if cls is str:
            return str(value)
        if type(cls) is MpClass and not isinstance(value, BaseException):
            return self._instance(value, "__str__")
        if isinstance(value, BaseException):
            return self.exception_text(value)
        return self.representation(value)

    def exception_text(self, error: BaseException) -> str:
        """`str()` of an exception: its argument, or its arguments."""
        own = type(error).__dict__.get("__str__") if type(type(error)) is MpClass else None
        if own is not None:
            return str(own(error))
        for base in type(error).__mro__:
            if isinstance(base, MpClass) and "__str__" in base.__dict__:
                return str(base.__dict__["__str__"](error))
        args = error.args
        if not args:
            return ""
        if len(args) == 1:
            if isinstance(error, KeyError):
                return self.representation(args[0])
            if isinstance(error, OSError) and type(args[0]) is int:
                from mpy_cross.emulator.runtime.modules.errno import NAMES

                name = NAMES.get(args[0])
                if name is not None:
                    return f"[Errno {args[0]}] {name}"
            return self.text(args[0])
        return self.representation(args)

    def uncaught(self, error: BaseException) -> str:
        """The last line of a traceback."""
        text = self.exception_text(error)
        name = class_name(type(error))
        return f"{name}: {text}"

    def representation(self, value: Any) -> str:
        """`repr(value)`."""
        cls = type(value)
        if cls is str:
            return quoted(value)
        if cls is int or cls is bool or value is None:
            return repr(value) if cls is not int else format_int(value)
        if isinstance(value, float) and type(cls) is not MpClass:
            return float_text(value, self.float_digits)
        if cls is list:
            return "[" + ", ".join([self.representation(item) for item in value]) + "]"
        if cls is tuple:
            inner = ", ".join([self.representation(item) for item in value])
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if cls is dict:
            return (
                "{"
                + ", ".join(
                    [
                        f"{self.representation(key)}: {self.representation(item)}"
                        for key, item in value.items()
                    ]
                )
                + "}"
            )
        return self._rarer(value, cls)

    def _rarer(self, value: Any, cls: type) -> str:
        if type(cls) is MpClass and not isinstance(value, BaseException):
            return self._instance(value, "__repr__")
        if isinstance(value, BaseException):
            for base in cls.__mro__:
                if isinstance(base, MpClass) and "__repr__" in base.__dict__:
                    return str(base.__dict__["__repr__"](value))
            inner = ", ".join([self.representation(item) for item in value.args])
            comma = "," if len(value.args) == 1 else ""
            return f"{class_name(cls)}({inner}{comma})"
        if cls is bytes:
            return bytes_text(value)
        if cls is set:
            if not value:
                return "set()"
            return "{" + ", ".join([self.representation(item) for item in value]) + "}"
        if cls is frozenset:
            if not value:
                return "frozenset()"
            return "frozenset({" + ", ".join([self.representation(i) for i in value]) + "})"
        if cls is complex:
            return complex_text(value, self.float_digits)
        if isinstance(value, (MpClass, BuiltinType)) or isinstance(value, type):
            return f"<class '{class_name(value)}'>"
        if cls is Module:
            return f"<module '{value.__dict__.get('__name__', '')}'>"
        if cls is range:
            step = f", {value.step}" if value.step != 1 else ""
            return f"range({value.start}, {value.stop}{step})"
        if cls is FunctionType:
            return f"<function {value.__name__} at 0x{id(value) & 0xFFFFFFFF:x}>"
        if cls is MethodType or cls is BuiltinFunctionType:
            return "<bound_method>"
        if cls is GeneratorType:
            return f"<generator object '{value.__name__}' at 0x{id(value) & 0xFFFFFFFF:x}>"
        if cls is slice:
            parts = ", ".join(
                [self.representation(part) for part in (value.start, value.stop, value.step)]
            )
            return f"slice({parts})"
        if value is ...:
            return "Ellipsis"
        if value is NotImplemented:
            return "NotImplemented"
        if cls.__name__ in ("dict_keys", "dict_values", "dict_items"):
            inner = ", ".join([self.representation(item) for item in value])
            return f"{cls.__name__}([{inner}])"
        known = builtin_of(value)
        if known is not None and known.host is not object:
            for base in cls.__mro__:
                if base in (list, tuple, dict, set, frozenset, int, str, bytes):
                    return self.representation(base(value))
        return f"<{type_name(value)}>"

    def _instance(self, value: Any, special: str) -> str:
        cls = type(value)
        wanted = ("__str__", "__repr__") if special == "__str__" else ("__repr__",)
        for name in wanted:
            for base in cls.__mro__:
                if isinstance(base, MpClass) and name in base.__dict__:
                    text = base.__dict__[name](value)
                    if not isinstance(text, str):
                        raise TypeError("can't convert '%s' object to str" % type_name(text))
                    return text
                if not isinstance(base, MpClass) and base is not object:
                    return (self.text if special == "__str__" else self.representation)(base(value))
        return f"<{class_name(cls)} object at 0x{id(value) & 0xFFFFFFFF:x}>"


def format_int(value: int) -> str:
    """Decimal digits of any int; the host's limit on their number does not apply."""
    try:
        return str(value)
    except ValueError:
        sign = "-" if value < 0 else ""
        digits: list[str] = []
        value = abs(value)
        base = 10**4000
        while value:
            value, rest = divmod(value, base)
            digits.append(f"{rest:04000d}")
        return sign + "".join(reversed(digits)).lstrip("0")


def bytes_text(value: bytes) -> str:
    """`repr()` of bytes."""
    text = "".join(chr(byte) for byte in value)
    quote = '"' if "'" in text and '"' not in text else "'"
    out = [quote]
    for char in text:
        code = ord(char)
        if char == quote or char == "\\":
            out.append("\\" + char)
        elif char in "\n\r\t":
            out.append({"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char])
        elif 32 <= code < 127:
            out.append(char)
        else:
            out.append(f"\\x{code:02x}")
    return "b" + "".join(out) + quote


__all__ = ["Instance", "Printer", "bytes_text", "complex_text", "float_text", "quoted"]
