"""str and bytes: constructors and methods (py/objstr.c, py/objstrunicode.c).

The two types share their methods.  Characters are classified by ASCII alone, and a method that
counts columns counts the bytes of the UTF-8 form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from mpy_cross.emulator.runtime import memory, pacing
from mpy_cross.emulator.runtime.arguments import (
    KEYWORDS,
    as_int,
    as_word,
    buffer,
    buffer_of,
    check_count,
    native,
    no_implicit,
    raw,
    to_utf8,
)
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.formatting import Formatter, use
from mpy_cross.emulator.runtime.types import Attributes, type_name

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.runtime import Runtime

_SPACE: Final = " \t\n\r\v\f"
_WORD: Final = re.compile(r"[^ \t\n\r\v\f]+")
_ODD_SPACE: Final = re.compile(r"[\x1c-\x1f]|[^\x00-\x7f]")
"""Characters that the host may take for spaces, but MicroPython does not."""
_LINE: Final = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")
_NOTHING: Final = object()
_LOWER: Final = {code: code + 32 for code in range(65, 91)}
_UPPER: Final = {code: code - 32 for code in range(97, 123)}


def _place(kind: type, size: int, index: Any, otherwise: int) -> int:
    """A start or an end, moved into an object of this size."""
    if index is None:
        return otherwise
    if type(index) is not int and type(index) is not bool:
        name = "string" if kind is str else "bytes"
        raise TypeError(f"{name} indices must be integers, not {type_name(index)}")
    return min(max(index + size if index < 0 else index, 0), size)


def _converted(kind: type, other: Any) -> Any:
    """An argument that may be str or bytes, as the type of the object."""
    if type(other) is kind:
        return other
    if type(other) is str:
        return to_utf8(other)
    if type(other) is bytes:
        return other.decode("utf-8", "surrogateescape")
    raise no_implicit(other)


def _searching(kind: Any) -> Attributes:
    """Methods that look for something; `kind` is str or bytes."""
    host_find, host_rfind, host_count = kind.find, kind.rfind, kind.count
    host_startswith, host_endswith = kind.startswith, kind.endswith

    @native
    def find(self: Any, sub: Any, start: Any = None, end: Any = None, /) -> int:
        if type(sub) is not kind:
            raise no_implicit(sub)
        if start is None and end is None:
            return host_find(self, sub)  # type: ignore[no-any-return]
        size = len(self)
        return host_find(  # type: ignore[no-any-return]
            self, sub, _place(kind, size, start, 0), _place(kind, size, end, size)
        )

    @native
    def rfind(self: Any, sub: Any, start: Any = None, end: Any = None, /) -> int:
        if type(sub) is not kind:
            raise no_implicit(sub)
        size = len(self)
        return host_rfind(  # type: ignore[no-any-return]
            self, sub, _place(kind, size, start, 0), _place(kind, size, end, size)
        )

    @native
    def index(self: Any, sub: Any, start: Any = None, end: Any = None, /) -> int:
        found = find(self, sub, start, end)
        if found < 0:
            raise ValueError("substring not found")
        return found

    @native
    def rindex(self: Any, sub: Any, start: Any = None, end: Any = None, /) -> int:
        found = rfind(self, sub, start, end)
        if found < 0:
            raise ValueError("substring not found")
        return found

    @native
    def count(self: Any, sub: Any, start: Any = None, end: Any = None, /) -> int:
        if type(sub) is not kind:
            raise no_implicit(sub)
        size = len(self)
        first, last = _place(kind, size, start, 0), _place(kind, size, end, size)
        if not sub:
            return max(last - first, 0) + 1
        return host_count(self, sub, first, last)  # type: ignore[no-any-return]

    def affix(self: Any, test: Any, wanted: Any, start: Any, end: Any) -> bool:
        """Of releases that take tuples, and places of both ends."""
        size = len(self)
        first, last = _place(kind, size, start, 0), _place(kind, size, end, size)
        for one in wanted if isinstance(wanted, tuple) else (wanted,):
            if type(one) is not kind:
                one = _converted(kind, one)
            if test(self, one, first, last):
                return True
        return False

    @native
    def startswith(self: Any, prefix: Any, start: Any = 0, end: Any = None, /) -> bool:
        if LANGUAGE[0].affix_tuples:
            return affix(self, host_startswith, prefix, start, end)
        if end is not None:
            raise TypeError("function expected at most 3 arguments, got 4")
        if type(prefix) is not kind:
            prefix = _converted(kind, prefix)
        if start == 0:
            return host_startswith(self, prefix)  # type: ignore[no-any-return]
        place = _place(kind, len(self), start, 0)
        return host_startswith(self, prefix, place)  # type: ignore[no-any-return]

    @native
    def endswith(self: Any, suffix: Any, start: Any = _NOTHING, end: Any = None, /) -> bool:
        if LANGUAGE[0].affix_tuples:
            return affix(self, host_endswith, suffix, None if start is _NOTHING else start, end)
        if type(suffix) is not kind:
            suffix = _converted(kind, suffix)
        if start is not _NOTHING:
            raise NotImplementedError("start/end indices")
        return host_endswith(self, suffix)  # type: ignore[no-any-return]

    return {
        "find": find,
        "rfind": rfind,
        "index": index,
        "rindex": rindex,
        "startswith": startswith,
        "endswith": endswith,
        "count": count,
    }


def _split_space(self: Any, limit: int) -> list[Any]:
    if not isinstance(self, str):
        return bytes.split(self, None, limit)
    if _ODD_SPACE.search(self) is None:
        return str.split(self, None, limit)
    out: list[str] = []
    at = 0
    while True:
        match = _WORD.search(self, at)
        if match is None:
            return out
        if len(out) == limit:
            return [*out, str.__getitem__(self, slice(match.start(), None))]
        out.append(match[0])
        at = match.end()


def splitlines(self: Any, keepends: Any = False) -> list[Any]:
    """`s.splitlines(keepends=False)`: lines end with `\\n`, `\\r` or both."""
    text = self if isinstance(self, str) else bytes.decode(self, "latin-1")
    group = 0 if keepends else 1
    lines = [match[group] for match in _LINE.finditer(text) if match[0]]
    return lines if isinstance(self, str) else [line.encode("latin-1") for line in lines]


def _cutting(kind: Any) -> Attributes:
    """Methods that split and join; `kind` is str or bytes."""
    host_join, host_split, host_rsplit = kind.join, kind.split, kind.rsplit
    host_partition, host_rpartition, host_replace = kind.partition, kind.rpartition, kind.replace
    space: Any = " " if kind is str else b" "

    @native
    def join(self: Any, items: Any, /) -> Any:
        if type(items) is not list and type(items) is not tuple:
            items = list(pacing.gathered(items))
        for item in items:
            if type(item) is not kind:
                raise TypeError(
                    "join expects a list of str/bytes objects consistent with self object"
                )
        if len(items) > 1:
            memory.text(len(self) * (len(items) - 1) + sum(map(len, items)))
        return host_join(self, items)

    @native
    def split(self: Any, separator: Any = None, limit: Any = -1, /) -> list[Any]:
        times = as_word(limit)
        if separator is None:
            return _split_space(self, times)
        if type(separator) is not kind:
            raise no_implicit(separator)
        if not separator:
            raise ValueError("empty separator")
        return host_split(self, separator, times)  # type: ignore[no-any-return]

    @native
    def rsplit(self: Any, separator: Any = None, limit: Any = -1, /) -> list[Any]:
        times = as_word(limit)
        if times < 0:
            return split(self, separator)
        if separator is None:
            raise NotImplementedError("rsplit(None,n)")
        separator = _converted(kind, separator)
        if not separator:
            raise ValueError("empty separator")
        return host_rsplit(self, separator, times)  # type: ignore[no-any-return]

    @native
    def partition(self: Any, separator: Any, /) -> tuple[Any, Any, Any]:
        if type(separator) is not kind:
            raise no_implicit(separator)
        if not separator:
            raise ValueError("empty separator")
        return host_partition(self, separator)  # type: ignore[no-any-return]

    @native
    def rpartition(self: Any, separator: Any, /) -> tuple[Any, Any, Any]:
        if type(separator) is not kind:
            raise no_implicit(separator)
        if not separator:
            raise ValueError("empty separator")
        return host_rpartition(self, separator)  # type: ignore[no-any-return]

    @native
    def replace(self: Any, old: Any, new: Any, limit: Any = -1, /) -> Any:
        times = max(as_word(limit), -1)
        if times == 0:
            return self
        for argument in (old, new):
            if type(argument) is not kind:
                raise no_implicit(argument)
        if len(new) > len(old) and len(self) > 1:
            found = self.count(old) if times < 0 else min(self.count(old), times)
            memory.text(len(self) + found * (len(new) - len(old)))
        return host_replace(self, old, new, times)

    @native
    def center(self: Any, width: Any, /) -> Any:
        room = as_word(width) - (len(raw(self)) if kind is str else len(self))
        if room <= 0:
            return self
        memory.text(len(self) + room)
        return space * (room // 2) + self + space * (room - room // 2)

    return {
        "join": join,
        "split": split,
        "splitlines": splitlines,
        "rsplit": rsplit,
        "partition": partition,
        "rpartition": rpartition,
        "replace": replace,
        "center": center,
    }


def _characters(kind: Any) -> Attributes:
    """Methods about kinds of characters; `kind` is str or bytes."""
    spaces = _SPACE if kind is str else _SPACE.encode()
    host_strip, host_lstrip, host_rstrip = kind.strip, kind.lstrip, kind.rstrip
    host_lower, host_upper = kind.lower, kind.upper

    @native
    def strip(self: Any, chars: Any = spaces, /) -> Any:
        if type(chars) is not kind:
            raise no_implicit(chars)
        return host_strip(self, chars)

    @native
    def lstrip(self: Any, chars: Any = spaces, /) -> Any:
        if type(chars) is not kind:
            raise no_implicit(chars)
        return host_lstrip(self, chars)

    @native
    def rstrip(self: Any, chars: Any = spaces, /) -> Any:
        if type(chars) is not kind:
            raise no_implicit(chars)
        return host_rstrip(self, chars)

    @native
    def lower(self: Any, /) -> Any:
        if kind is bytes or self.isascii():
            return host_lower(self)
        return self.translate(_LOWER)

    @native
    def upper(self: Any, /) -> Any:
        if kind is bytes or self.isascii():
            return host_upper(self)
        return self.translate(_UPPER)

    def octets(self: Any) -> bytes:
        return to_utf8(self) if kind is str else self

    @native
    def isspace(self: Any, /) -> bool:
        return bytes.isspace(octets(self))

    @native
    def isalpha(self: Any, /) -> bool:
        return bytes.isalpha(octets(self))

    @native
    def isdigit(self: Any, /) -> bool:
        return bytes.isdigit(octets(self))

    @native
    def isupper(self: Any, /) -> bool:
        return bytes.isupper(octets(self))

    @native
    def islower(self: Any, /) -> bool:
        return bytes.islower(octets(self))

    return {
        "strip": strip,
        "lstrip": lstrip,
        "rstrip": rstrip,
        "lower": lower,
        "upper": upper,
        "isspace": isspace,
        "isalpha": isalpha,
        "isdigit": isdigit,
        "isupper": isupper,
        "islower": islower,
    }


# ----------------------------------------------------------------------- coding and constructors


def decode_utf8(data: bytes) -> str:
    """The string with this UTF-8 form.  Raises UnicodeError, without a text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise UnicodeError() from None


@native
def decode(self: Any, encoding: Any = None, errors: Any = None, /) -> str:
    """`data.decode(...)` of anything with the buffer protocol; all encodings mean UTF-8."""
    return decode_utf8(buffer(self))


@native
def _encode(self: Any, encoding: Any = None, errors: Any = None, /) -> bytes:
    return to_utf8(self)


def make_bytes(*args: Any, **kwargs: Any) -> bytes:
    """`bytes(...)`."""
    if kwargs:
        raise NotImplementedError(KEYWORDS)
    if not args:
        return b""
    value = args[0]
    if type(value) is bytes:
        return value
    if type(value) is str:
        if not 2 <= len(args) <= 3:
            raise TypeError("wrong number of arguments")
        return to_utf8(value)
    if len(args) > 1:
        raise TypeError("wrong number of arguments")
    if type(value) is int:
        if value < 0:
            raise ValueError()
        memory.reserve(value + 1)
        return bytes(value)
    found = buffer_of(value)
    if found is not None:
        return found
    out = bytearray()
    for item in pacing.paced(value):
        number = as_int(item)
        if not 0 <= number <= 255:
            raise ValueError("bytes value out of range")
        out.append(number)
    return bytes(out)


def str_constructor(runtime: Runtime) -> Callable[..., str]:
    """`str(...)` of a run-time."""
    show = runtime.printer.text

    def make_str(*args: Any, **kwargs: Any) -> str:
        if kwargs:
            raise NotImplementedError(KEYWORDS)
        if len(args) == 1:
            return show(args[0])
        check_count(args, 0, 3)
        return decode_utf8(buffer(args[0])) if args else ""

    return make_str


def _attributes(kind: type, runtime: Runtime) -> Attributes:
    formatter = Formatter(runtime.printer)
    use(runtime.printer)

    def format_(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return formatter.format(self, *args, **kwargs)

    return {"format": format_, **_searching(kind), **_cutting(kind), **_characters(kind)}


def str_attributes(runtime: Runtime) -> Attributes:
    """Attributes of str."""
    return {"encode": _encode, **_attributes(str, runtime)}


def bytes_attributes(runtime: Runtime) -> Attributes:
    """Attributes of bytes."""
    return {"decode": decode, **_attributes(bytes, runtime)}
