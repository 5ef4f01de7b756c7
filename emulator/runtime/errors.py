"""Exceptions: the host's become MicroPython's, and tracebacks in MicroPython's form.

The host raises where translated code goes wrong, with its own texts; `caught` gives the exception
that the program is to see.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import (
    NATIVE_MARK,
    PROGRAM_MARK,
    refused,
    refused_program,
)
from mpy_cross.emulator.runtime.types import MARK, Cell, class_name, type_name


class GeneratorClosed(BaseException):
    """The program's GeneratorExit; the host's own would run `finally` when it frees a generator."""

    type_name = "GeneratorExit"


class ViperTypeError(TypeError):
    """A type error of viper code."""


GeneratorClosed.__name__ = GeneratorClosed.__qualname__ = "GeneratorExit"


class ProgramException(BaseException):
    """The program's BaseException: the host's has subclasses that programs must not see."""

    type_name = "BaseException"


ProgramException.__name__ = ProgramException.__qualname__ = "BaseException"

PROGRAM_ERRORS: Final = (
    Exception,
    KeyboardInterrupt,
    SystemExit,
    GeneratorClosed,
    ProgramException,
)
"""What handlers of the program see; all else is the emulator's own."""

_OPERATORS: Final = {
    "+": "__add__",
    "-": "__sub__",
    "*": "__mul__",
    "/": "__truediv__",
    "//": "__floordiv__",
    "%": "__mod__",
    "@": "__matmul__",
    "** or pow()": "__pow__",
    "**": "__pow__",
    "<<": "__lshift__",
    ">>": "__rshift__",
    "&": "__and__",
    "|": "__or__",
    "^": "__xor__",
    "<": "__lt__",
    ">": "__gt__",
    "<=": "__le__",
    ">=": "__ge__",
    "divmod()": "__divmod__",
}
for _sign in ("+", "-", "*", "/", "//", "%", "@", "<<", ">>", "&", "|", "^", "**"):
    _OPERATORS[_sign + "="] = "__i" + _OPERATORS[_sign][2:]

STR_CONVERTS: Final[list[bool]] = [True]
"""Of the active run-time's release: see `Release.str_converts_operand`."""

_TYPE_NAMES: Final = {
    "ByteArray": "bytearray",
    "Float32": "float",
    "builtin_function_or_method": "function",
    "method": "bound_method",
    "DictView": "dict_view",
    "dict_keys": "dict_view",
    "dict_values": "dict_view",
    "dict_items": "dict_view",
}


def _type(name: str) -> str:
    return _TYPE_NAMES.get(name, name.rsplit(".", 1)[-1])


def _binary(match: re.Match[str]) -> str:
    name = _OPERATORS.get(match[1], match[1])
    left, right = _number(match[2]), _number(match[3])
    if left == "str" and STR_CONVERTS[0] and name not in ("__mul__", "__mod__"):
        return f"can't convert '{right}' object to str implicitly"
    return f"unsupported types for {name}: '{left}', '{right}'"


def _number(name: str) -> str:
    """The type that an operator names: it takes a bool as an int."""
    return "int" if name == "bool" else _type(name)


def _unary(match: re.Match[str]) -> str:
    name = {"-": "__neg__", "+": "__pos__", "~": "__invert__"}.get(match[1].strip(), match[1])
    return f"unsupported type for {name}: '{_type(match[2])}'"


def _takes(match: re.Match[str]) -> str:
    wanted = match[1]
    return f"function takes {wanted} positional arguments but {match[2]} were given"


def _count(given: int, least: int, most: int) -> str:
    """The text for a wrong number of arguments, the object of a method among them."""
    if least == most:
        return f"function takes {least} positional arguments but {given} were given"
    if given < least:
        return f"function missing {least - given} required positional arguments"
    return f"function expected at most {most} arguments, got {given}"


def _at_most(match: re.Match[str]) -> str:
    return _count(int(match[2]) + 1, 0, int(match[1]) + 1)


def _at_least(match: re.Match[str]) -> str:
    return f"function missing {int(match[1]) - int(match[2])} required positional arguments"


def _exactly(match: re.Match[str]) -> str:
    wanted = 2 if match[1] == "one" else 1 if match[1] == "no" else int(match[1]) + 1
    return _count(int(match[2]) + 1, wanted, wanted)


def _named(text: str) -> Callable[[re.Match[str]], str]:
    def make(match: re.Match[str]) -> str:
        return text.format(*(_type(group) for group in match.groups()))

    return make


_PATTERNS: Final[list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]] = [
    (re.compile(pattern), make)
    for pattern, make in (
        (r"unsupported operand type\(s\) for (.+): '(.+)' and '(.+)'", _binary),
        (r"'(.+)' not supported between instances of '(.+)' and '(.+)'", _binary),
        (
            r'can only concatenate (\w+) \(not "(.+)"\) to \w+',
            lambda m: (
                f"can't convert '{_number(m[2])}' object to str implicitly"
                if m[1] == "str" and STR_CONVERTS[0]
                else f"unsupported types for __add__: '{m[1]}', '{_number(m[2])}'"
            ),
        ),
        (
            r"can't concat (\w+) to (\w+)",
            lambda m: f"unsupported types for __add__: '{m[2]}', '{_number(m[1])}'",
        ),
        (
            r"'in <string>' requires string as left operand, not (.+)",
            _named("can't convert '{0}' object to str implicitly"),
        ),
        (r"index out of range", lambda m: "bytes index out of range"),
        (r"range object index out of range", lambda m: "range index out of range"),
        (r"bad operand type for unary (.+): '(.+)'", _unary),
        (r"'(.+)' object is not subscriptable", _named("'{0}' object isn't subscriptable")),
        (
            r"'(.+)' object does not support item assignment",
            _named("'{0}' object doesn't support item assignment"),
        ),
        (
            r"'(.+)' object doesn't support item deletion",
            _named("'{0}' object doesn't support item deletion"),
        ),
        (r"'(.+)' object is not iterable", _named("'{0}' object isn't iterable")),
        (r"cannot unpack non-iterable (.+) object", _named("'{0}' object isn't iterable")),
        (
            r"argument of type '(.+)' is not iterable",
            lambda m: f"'{_number(m[1])}' object isn't iterable",
        ),
        (r"'(.+)' object is not callable", _named("'{0}' object isn't callable")),
        (r"'(.+)' object is not an iterator", _named("'{0}' object isn't an iterator")),
        (r"object of type '(.+)' has no len\(\)", _named("object of type '{0}' has no len()")),
        (r"unhashable type: '(.+)'", _named("unsupported type for __hash__: '{0}'")),
        (r".+\(\) takes no keyword arguments", lambda m: "function doesn't take keyword arguments"),
        (r"(?!function ).+ takes (?:exactly )?(one|no) arguments? \((\d+) given\)", _exactly),
        (r"(?!function ).+ expected (\d+) arguments?, got (\d+)", _exactly),
        (r"(?!function ).+ expected at most (\d+) arguments?, got (\d+)", _at_most),
        (r"(?!function ).+ expected at least (\d+) arguments?, got (\d+)", _at_least),
        (
            r".+\(\) takes (\d+) positional arguments? but (\d+) (?:was|were) given",
            _takes,
        ),
        (r".+\(\) takes from \d+ to (\d+) positional arguments? but (\d+) .*", _takes),
        (
            r".+\(\) missing (\d+) required positional arguments?: .+",
            _named("function missing {0} required positional arguments"),
        ),
        (
            r".+\(\) missing \d+ required keyword-only arguments?: '(.+?)'.*",
            _named("function missing required keyword argument '{0}'"),
        ),
        (
            r".+\(\) got an unexpected keyword argument '(.+)'",
            _named("unexpected keyword argument '{0}'"),
        ),
        (
            r".+\(\) got multiple values for (?:keyword )?argument '(.+)'",
            _named("function got multiple values for argument '{0}'"),
        ),
        (
            r"not enough values to unpack \(expected (?:at least )?\d+, got (\d+)\)",
            _named("need more than {0} values to unpack"),
        ),
        (
            r"(\w+) indices must be integers or slices, not (.+)",
            _named("{0} indices must be integers, not {1}"),
        ),
        (
            r"(string) indices must be integers(?:, not '(.+)')?",
            lambda m: f"string indices must be integers, not {_type(m[2] or 'object')}",
        ),
        (r"name '(.+)' is not defined", lambda m: f"name '{m[1]}' isn't defined"),
        (
            r"(?:cannot access )?(?:local|free) variable .*|.*referenced before assignment.*",
            lambda m: "local variable referenced before assignment",
        ),
        (
            r"(?:integer |float )?(?:division|modulo|divmod\(\)|floor division)(?: or modulo)?"
            r" by zero",
            lambda m: "divide by zero",
        ),
        (r"(?:integer|float) (?:division|modulo|divmod).*", lambda m: "divide by zero"),
        (r"(\w+) assignment index out of range", _named("{0} index out of range")),
        (r"pop from empty list", lambda m: "pop from empty list"),
        (r"pop index out of range", lambda m: "pop index out of range"),
        (r"generator already executing", lambda m: "generator already executing"),
        (
            r"catching classes that do not inherit .*",
            lambda m: "exceptions must derive from BaseException",
        ),
    )
]

_TRANSLATED: Final = (
    TypeError,
    NameError,
    ValueError,
    ZeroDivisionError,
    IndexError,
    AttributeError,
    RuntimeError,
)


def message(text: str) -> str:
    """MicroPython's wording of a message of the host."""
    if text.startswith(NATIVE_MARK):
        return refused(text) or text
    if text.startswith(PROGRAM_MARK):
        return refused_program(text) or text
    for pattern, make in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is not None:
            return make(match)
    return text


def caught(error: BaseException) -> BaseException:
    """The exception that the program is to see in place of what the host raised."""
    kind = type(error)
    if kind is RecursionError:
        return _instead(RuntimeError("maximum recursion depth exceeded"), error)
    if kind is UnboundLocalError:
        return _instead(NameError("local variable referenced before assignment"), error)
    if kind is AttributeError and (
        isinstance(getattr(error, "obj", None), Cell) or error.args == ("value",)
    ):
        return _instead(NameError("local variable referenced before assignment"), error)
    if kind is MemoryError and not error.args and not hasattr(error, "mpy"):
        error.args = ("memory allocation failed",)  # the host's own, which says nothing
    if kind is UnicodeDecodeError or kind is UnicodeEncodeError:
        return _instead(UnicodeError(), error)
    if kind in _TRANSLATED and len(error.args) == 1 and not hasattr(error, "mpy"):
        text = error.args[0]
        if type(text) is str:
            error.args = (message(text),)
    return error


def _instead(made: BaseException, error: BaseException) -> BaseException:
    made.__traceback__ = error.__traceback__
    return made


def raised(value: Any) -> BaseException:
    """The exception for `raise value`."""
    if isinstance(value, type) and issubclass(value, BaseException):
        value = value()
    if not isinstance(value, BaseException):
        return TypeError("exceptions must derive from BaseException")
    value.mpy = True  # type: ignore[attr-defined]
    return value


def reraised(value: BaseException | None) -> BaseException:
    """The exception for a bare `raise`."""
    if value is None:
        return RuntimeError("no active exception to reraise")
    return value


def matches(error: Any, wanted: Any) -> bool:
    """Whether `except wanted` takes the exception."""
    if not isinstance(error, BaseException):
        return False
    if type(wanted) is tuple:
        return any(matches(error, one) for one in wanted)
    if wanted is ProgramException:
        return True
    if isinstance(wanted, type):
        return isinstance(error, wanted)
    raise TypeError(f"unsupported types for : '{class_name(type(error))}', '{type_name(wanted)}'")


def frames(trace: TracebackType | None) -> list[tuple[str, int, str]]:
    """(file, line, function) of the program's frames of a traceback, outermost first."""
    out: list[tuple[str, int, str]] = []
    last: object = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(MARK):
            if trace.tb_frame is last:
                out.pop()
            last = trace.tb_frame
            out.append((code.co_filename[1:], trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return out


def format_traceback(error: BaseException, show: Callable[[BaseException], str]) -> str:
    """What MicroPython prints for an exception that nobody caught."""
    lines: list[str] = []
    entries = frames(error.__traceback__)
    place = getattr(error, "place", None)  # of an error of the compiler
    if place is not None:
        entries.append(place)
    if entries:
        lines.append("Traceback (most recent call last):\n")
        for file, line, name in entries:
            lines.append(f'  File "{file}", line {line}{", in " + name if name else ""}\n')
    lines.append(show(error) + "\n")
    return "".join(lines)
