"""Functions of the run-time itself: how many arguments they take, and what they convert.

A function marked by `native` costs nothing extra when it is called.  If the host refuses a call,
the text it gives has the mark, which holds the numbers that MicroPython's text needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, TypeVar

from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.types import MARK, MpClass, type_name

_F = TypeVar("_F", bound=Callable[..., Any])

NATIVE_MARK: Final = MARK + "native"
WORD_BITS: Final = 32
"""Bits of a machine word of the boards."""
KEYWORDS: Final = "keyword argument(s) not yet implemented - use normal args instead"

_REFUSED: Final = re.compile(
    NATIVE_MARK + r"(\d+):(\d+)\S*\(\) (?:takes .* but (\d+) .*|missing (\d+) required pos.*|(.*))"
)


def native(function: _F) -> _F:
    """Mark a function of the run-time that takes arguments by position only."""
    assert isinstance(function, FunctionType)
    most = function.__code__.co_argcount
    least = most - len(function.__defaults__ or ())
    function.__qualname__ = f"{NATIVE_MARK}{least}:{most}:{function.__name__}"
    return function


PROGRAM_MARK: Final = MARK + "program"

_PROGRAM_REFUSED: Final = re.compile(
    PROGRAM_MARK + r"(\d+):([01]):([^:]*):\(\) (?:takes .* but (\d+) .*|"
    r"missing \d+ required positional arguments?: (.*)|"
    r"missing \d+ required keyword-only arguments?: '([^']*)'.*|"
    r"got an unexpected keyword argument '(.*)'|got multiple values for argument '(.*)'|(.*))",
    re.DOTALL,
)
_QUOTED: Final = re.compile(r"'([^']*)'")


def program_mark(required: int, keyword_defaults: bool, args: list[str]) -> str:
    """The name by which the host's texts call a function of the program."""
    return f"{PROGRAM_MARK}{required}:{int(keyword_defaults)}:{','.join(args)}:"


def refused_program(text: str) -> str | None:
    """MicroPython's text for a call of a function of the program that the host refused."""
    match = _PROGRAM_REFUSED.fullmatch(text)
    if match is None:
        return None
    args = match[3].split(",") if match[3] else []
    if match[4]:
        return f"function takes {len(args)} positional arguments but {match[4]} were given"
    if match[5]:
        missing = _QUOTED.findall(match[5])
        required = int(match[1])
        given = required - len(missing)
        if missing == args[given:required] and match[2] == "0":
            return f"function takes {required} positional arguments but {given} were given"
        at = args.index(missing[-1]) if missing and missing[-1] in args else 0
        return f"function missing required positional argument #{at}"
    if match[6]:
        return f"function missing required keyword argument '{match[6]}'"
    if match[7]:
        return f"unexpected keyword argument '{match[7]}'"
    if match[8]:
        return f"function got multiple values for argument '{match[8]}'"
    return match[9]


def refused(text: str) -> str | None:
    """MicroPython's text for a call of a marked function that the host refused."""
    match = _REFUSED.fullmatch(text)
    if match is None:
        return None
    least, most = int(match[1]), int(match[2])
    if match[5]:
        return "function doesn't take keyword arguments"
    given = int(match[3]) if match[3] else least - int(match[4])
    if least == most:
        return f"function takes {least} positional arguments but {given} were given"
    if given < least:
        return f"function missing {least - given} required positional arguments"
    return f"function expected at most {most} arguments, got {given}"


def check_count(args: tuple[Any, ...], least: int, most: int, kwargs: object = None) -> None:
    """Raise the TypeError of a constructor that takes `least` to `most` arguments."""
    given = len(args)
    if kwargs:
        raise TypeError("function doesn't take keyword arguments")
    if least <= given <= most:
        return
    if least == most:
        raise TypeError(f"function takes {least} positional arguments but {given} were given")
    if given < least:
        raise TypeError(f"function missing {least - given} required positional arguments")
    raise TypeError(f"function expected at most {most} arguments, got {given}")


def as_int(value: Any) -> int:
    """A value where an integer is needed: int, bool, an object with `__int__`; not a float."""
    cls = type(value)
    if cls is int:
        return value  # type: ignore[no-any-return]
    if cls is bool:
        return int(value)
    if type(cls) is MpClass and hasattr(cls, "__int__") and not isinstance(value, float):
        return int(value)
    raise TypeError(f"can't convert {type_name(value)} to int")


def as_word(value: Any) -> int:
    """The same where a machine word is needed.  Raises OverflowError."""
    number = as_int(value)
    if not -(1 << (WORD_BITS - 1)) <= number < 1 << (WORD_BITS - 1):
        raise OverflowError("overflow converting long int to machine word")
    return number


def as_float(value: Any) -> float:
    """A value where a float is needed: float, int or bool."""
    if isinstance(value, (float, int)) and type(type(value)) is not MpClass:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    if LANGUAGE[0].float_method and type(type(value)) is MpClass:
        method = getattr(type(value), "__float__", None)
        if method is not None and not isinstance(value, (float, int)):
            made = method(value)
            if isinstance(made, float):
                return made
    raise TypeError(f"can't convert {type_name(value)} to float")


def raw(text: str) -> str:
    """The UTF-8 form of a string, one character for each byte."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("latin-1")


def cooked(text: str) -> str:
    """The string whose UTF-8 form has these bytes."""
    if text.isascii():
        return text
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def to_utf8(text: str) -> bytes:
    """The UTF-8 form of a string."""
    return raw(text).encode("latin-1")


def buffer_of(value: Any) -> bytes | None:
    """The bytes of an object with the buffer protocol, strings included; None without it."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return to_utf8(value)
    own = getattr(type(value), "__memory__", None)
    return own(value, False).tobytes() if own is not None else None


def buffer(value: Any) -> bytes:
    """The bytes of an object that has to have the buffer protocol."""
    found = buffer_of(value)
    if found is None:
        raise TypeError("object with buffer protocol required")
    return found


def no_implicit(value: Any) -> TypeError:
    """The error for an object where a string is needed."""
    name = type_name(value)
    return TypeError(
        f"can't convert '{name}' object to {'bytes' if name == 'str' else 'str'} implicitly"
    )


SHORT_NAME: Final = 63
"""So many characters are never more bytes than a name may have."""
LONGEST_NAME: Final = 255
"""Bytes: the length of a name is kept in one."""


def check_name(name: Any) -> None:
    """Raises TypeError for what is no string, RuntimeError for one that is too long for a name."""
    if not isinstance(name, str):
        raise no_implicit(name)
    if len(name) > SHORT_NAME and len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        raise RuntimeError("name too long")
