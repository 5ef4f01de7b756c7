"""How values are shown: `str()`, `repr()` and exceptions."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType
from typing import Any, Final

from mpy_cross.emulator.runtime.floats import FloatStyle
from mpy_cross.emulator.runtime.identity import address
from mpy_cross.emulator.runtime.sets import FrozenSet, Set
from mpy_cross.emulator.runtime.types import (
    MARK,
    BuiltinType,
    FixedDict,
    Instance,
    Module,
    MpClass,
    builtin_of,
    class_name,
    exception_args,
    type_name,
)
from mpy_cross.loader.release import FloatPrinter

_PLAIN: Final = re.compile(r"[ !#-&(-\[\]-~]*")
"""Strings that need no escapes."""
_ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_GENERATOR_FLAG: Final = 0x20
_NATIVE: Final[dict[type, Callable[[Any], Any]]] = {
    str: str.__str__,
    bytes: lambda value: bytes(memoryview(value)),
    int: int.__int__,
    float: float.__float__,
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    dict: lambda value: {key: dict.__getitem__(value, key) for key in dict.__iter__(value)},
    Set: lambda value: Set(Set.in_order(value)),
    FrozenSet: lambda value: FrozenSet(FrozenSet.thawed(value)),
}
"""The core object within an instance of a class that derives from its type."""


def quoted(text: str) -> str:
    """`repr()` of a string."""
    if _PLAIN.fullmatch(text) is not None:
        return f"'{text}'"
    quote = '"' if "'" in text and '"' not in text else "'"
    out = [quote]
    for char in text:
        code = ord(char)
        if char == quote:
            out.append("\\" + char)
        elif char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif 32 <= code <= 126:
            out.append(char)
        elif code < 0x100 or 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code & 0xFF:02x}")
        elif code < 0x10000:
            out.append(f"\\u{code:04x}")
        else:
            out.append(f"\\U{code:08x}")
    out.append(quote)
    return "".join(out)


def bytes_text(value: bytes) -> str:
    """`repr()` of bytes."""
    return "b" + quoted(value.decode("latin-1"))


class Printer:
    """Shows values the way a board with this precision of floats does.

    A class of the run-time may show itself: by `_show(self, printer)`, which gives the text of
    `repr()`.
    """

    def __init__(self, float_digits: int, generation: FloatPrinter = FloatPrinter.SCALE) -> None:
        self.float_digits = float_digits
        self.floats = FloatStyle(float_digits, generation)

    def text(self, value: Any) -> str:
        """`str(value)`."""
        cls = type(value)
        if cls is str:
            return value  # type: ignore[no-any-return]
        if cls is int:
            return format_int(value)
        if isinstance(value, BaseException):
            return self.exception_text(value)
        if type(cls) is MpClass:
            return self._instance(value, cls, ("__str__", "__repr__"))
        return self.representation(value)

    # -------------------------------------------------------------------------- exceptions

    def exception_text(self, error: BaseException) -> str:
        """`str()` of an exception: its argument, or its arguments."""
        own = _own_method(type(error), "__str__")
        return self.text(own(error)) if own is not None else self._arguments(error)

    def uncaught(self, error: BaseException) -> str:
        """The last line of a traceback; a `__str__` of the program is not asked."""
        own = _own_method(type(error), "__repr__")
        if own is not None:
            return self.text(own(error))
        return f"{_exception_name(type(error))}: {self._arguments(error)}"

    def _arguments(self, error: BaseException) -> str:
        args = exception_args(error)
        if not args:
            return ""
        if isinstance(error, OSError) and len(args) < 3 and type(args[0]) is int:
            from mpy_cross.emulator.runtime.modules.errno import NAMES

            name = NAMES.get(args[0])
            if name is not None:
                more = f": {self.text(args[1])}" if len(args) > 1 else ""
                return f"[Errno {args[0]}] {name}{more}"
        return self.text(args[0]) if len(args) == 1 else self.representation(args)

    # ----------------------------------------------------------------------- representation

    def representation(self, value: Any) -> str:
        """`repr(value)`."""
        cls = type(value)
        if cls is str:
            return quoted(value)
        if cls is int:
            return format_int(value)
        if cls is bool or value is None:
            return repr(value)
        if cls is list:
            return f"[{self._items(value)}]"
        if cls is tuple:
            return f"({self._items(value)}{',' if len(value) == 1 else ''})"
        if cls is dict or cls is FixedDict:
            return "{" + self._pairs(value) + "}"
        if type(cls) is MpClass and not isinstance(value, BaseException):
            return self._instance(value, cls, ("__repr__",))
        if isinstance(value, float):
            return self.floats.text(value)
        return self._rarer(value, cls)

    def _items(self, values: Any) -> str:
        show = self.representation
        return ", ".join([show(item) for item in values])

    def _pairs(self, values: dict[Any, Any]) -> str:
        show = self.representation
        return ", ".join([f"{show(key)}: {show(item)}" for key, item in values.items()])

    def _rarer(self, value: Any, cls: type) -> str:
        if isinstance(value, BaseException):
            own = _own_method(cls, "__repr__")
            if own is not None:
                return self.text(own(value))
            return f"{_exception_name(cls)}{self.representation(exception_args(value))}"
        if cls is bytes:
            return bytes_text(value)
        if hasattr(cls, "_show"):
            return str(value._show(self))
        if cls is Set or cls is FrozenSet:
            name = "frozenset" if cls is FrozenSet else ""
            if not value:
                return (name or "set") + "()"
            inner = "{" + self._items(value) + "}"
            return f"{name}({inner})" if name else inner
        if cls is complex:
            return self.floats.complex_text(value)
        if isinstance(value, (type, BuiltinType)):
            return f"<class '{class_name(value)}'>"
        if cls is Module:
            names = value.__dict__
            origin = f" from '{names['__file__']}'" if "__file__" in names else ""
            return f"<module '{names.get('__name__', '')}'{origin}>"
        if cls is range:
            step = f", {value.step}" if value.step != 1 else ""
            return f"range({value.start}, {value.stop}{step})"
        if cls is FunctionType:
            code = value.__code__
            if not code.co_filename.startswith(MARK):
                return "<function>"
            if code.co_flags & _GENERATOR_FLAG:
                return "<generator>"
            return f"<function {value.__name__} at 0x{_address(value)}>"
        if cls is MethodType:
            return "<bound_method>"
        if cls is BuiltinFunctionType:
            return "<function>"
        if cls is GeneratorType:
            return f"<generator object '{value.__name__}' at {_address(value)}>"
        if cls is slice:
            return f"slice({self._items((value.start, value.stop, value.step))})"
        if value is ...:
            return "Ellipsis"
        if value is NotImplemented:
            return "NotImplemented"
        if cls.__name__ == "DictView":
            value = value.view
            cls = type(value)
        if cls.__name__ in ("dict_keys", "dict_values", "dict_items"):
            return f"{cls.__name__}([{self._items(value)}])"
        known = builtin_of(value)
        if known is not None and known.host in _NATIVE:
            return self.representation(_NATIVE[known.host](value))
        return f"<{type_name(value)}>"

    def _instance(self, value: Any, cls: type, names: tuple[str, ...]) -> str:
        """An object of a class; `names` are the methods to ask, in this order.

        The first class in the order that has the method, or is a core type, decides: an instance
        of a list with `__repr__` is shown as a list by `str`.
        """
        for name in names:
            for base in cls.__mro__:
                if isinstance(base, MpClass):
                    method = base.__dict__.get(name)
                    if method is not None:
                        return self.text(method(value))
                if "_show" in base.__dict__ and not issubclass(base, Instance):
                    return str(value._show(self))
                if base in _NATIVE:
                    native = _NATIVE[base](value)
                    return (
                        self.text(native) if names[0] == "__str__" else self.representation(native)
                    )
        if isinstance(value, Instance):
            return f"<{class_name(cls)} object at {_address(value)}>"
        return f"<{class_name(cls)}>"


def _exception_name(cls: type) -> str:
    """The name of a class of exceptions; the host has its own classes for some error numbers."""
    if issubclass(cls, OSError) and not isinstance(cls, MpClass):
        return "OSError"
    return class_name(cls)


def _own_method(cls: type, name: str) -> Callable[[Any], Any] | None:
    """A special method that a class of the program or one of its bases has."""
    for base in cls.__mro__:
        if isinstance(base, MpClass) and name in base.__dict__:
            return base.__dict__[name]  # type: ignore[no-any-return]
    return None


def _address(value: Any) -> str:
    return f"{address(value):x}"


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
