"""Module `re` (manual 1.1.16)."""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.emulator.runtime.arguments import as_int, native, no_implicit, to_utf8
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.regex import Pattern
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import HostObject, Module

NAMES: Final[tuple[str, ...]] = ("ure", "re")
DEBUG: Final = 0x1000
_Spans = tuple[tuple[int, int], ...]


def _data(text: Any) -> bytes:
    if isinstance(text, str):
        return to_utf8(text)
    if isinstance(text, bytes):
        return bytes(text)
    raise no_implicit(text)


def _like(text: Any, data: bytes) -> Any:
    """Bytes as an object of the same type."""
    return data.decode("utf-8", "surrogateescape") if isinstance(text, str) else data


@final
class Match(HostObject):
    """A match: places are in bytes, of UTF-8 where the text is a string."""

    type_name = "match"

    def __init__(self, *args: Any) -> None:
        if len(args) != 3:
            raise TypeError("cannot create 'match' instances")
        self.__text: Any = args[0]
        self.__data: bytes = args[1]
        self.__spans: _Spans = args[2]

    def __span(self, number: Any) -> tuple[int, int]:
        index = as_int(number)
        if not 0 <= index < len(self.__spans):
            raise IndexError(number)
        return self.__spans[index]

    @native
    def group(self, number: Any, /) -> Any:
        """What a group matched; None if it did not."""
        start, end = self.__span(number)
        return None if start < 0 else _like(self.__text, self.__data[start:end])

    @native
    def groups(self, /) -> tuple[Any, ...]:
        """What all groups matched."""
        return tuple(self.group(number) for number in range(1, len(self.__spans)))

    @native
    def span(self, number: Any = 0, /) -> tuple[int, int]:
        """Start and end of a group."""
        return self.__span(number)

    @native
    def start(self, number: Any = 0, /) -> int:
        """Start of a group."""
        return self.__span(number)[0]

    @native
    def end(self, number: Any = 0, /) -> int:
        """End of a group."""
        return self.__span(number)[1]

    def _show(self, printer: Printer) -> str:
        return f"<match num={len(self.__spans)}>"


def _find(pattern: Pattern, text: Any, data: bytes, start: int, anchored: bool) -> Any:
    """A match in the text from `start` on, where `^` matches; and where it is."""
    found = pattern.run(data[start:] if start else data, anchored)
    if found is None:
        return None
    spans = tuple(
        (a + start, b + start) if a >= 0 else (-1, -1)
        for a, b in (found.span(number) for number in range(pattern.groups + 1))
    )
    return Match(text, data, spans)


def _replacement(template: bytes, match: Match) -> bytes:
    """The text for a match, with what `\\1` and `\\g<1>` stand for."""
    out = bytearray()
    at, size = 0, len(template)
    while at < size:
        byte = template[at]
        at += 1
        if byte != 0x5C:
            out.append(byte)
            continue
        named = template[at : at + 2] == b"g<"
        if named:
            at += 2
        first = at
        while at < size and 0x30 <= template[at] <= 0x39:
            at += 1
        if at > first:
            number = int(template[first:at])
            if named and template[at : at + 1] == b">":
                at += 1
            found = match.group(number)
            if found is not None:
                out += _data(found)
        elif template[at : at + 1] == b"\\":
            out.append(0x5C)
            at += 1
    return bytes(out)


@final
class Regex(HostObject):
    """A compiled pattern."""

    type_name = "ure"

    def __init__(self, *args: Any) -> None:
        if len(args) != 1 or not isinstance(args[0], Pattern):
            raise TypeError("cannot create 'ure' instances")
        self.__pattern = args[0]

    @native
    def match(self, text: Any, start: Any = 0, end: Any = 0, /) -> Any:
        """A match at the start of a text; the other arguments mean nothing."""
        return _find(self.__pattern, text, _data(text), 0, True)

    @native
    def search(self, text: Any, start: Any = 0, end: Any = 0, /) -> Any:
        """The first match in a text; the other arguments mean nothing."""
        return _find(self.__pattern, text, _data(text), 0, False)

    @native
    def split(self, text: Any, most: Any = 0, /) -> list[Any]:
        """The pieces of a text between matches, up to the first empty match."""
        data, left = _data(text), as_int(most)
        out: list[Any] = []
        place = 0
        while True:
            found = _find(self.__pattern, text, data, place, False)
            if found is None or found.start() == found.end():
                break
            out.append(_like(text, data[place : found.start()]))
            if self.__pattern.groups:
                raise NotImplementedError("splitting with sub-captures")
            place = found.end()
            left -= 1
            if left == 0:
                break
        out.append(_like(text, data[place:]))
        return out

    @native
    def sub(self, replace: Any, text: Any, count: Any = 0, flags: Any = 0, /) -> Any:
        """The text with matches replaced, up to the first empty match."""
        data, left = _data(text), as_int(count)
        out = bytearray()
        place = 0
        while True:
            found = _find(self.__pattern, text, data, place, False)
            if found is None or found.start() == found.end():
                break
            out += data[place : found.start()]
            out += _replacement(_data(replace(found) if callable(replace) else replace), found)
            place = found.end()
            left -= 1
            if left == 0:
                break
        if not place:
            return text
        return _like(text, bytes(out + data[place:]))

    def _show(self, printer: Printer) -> str:
        return f"<re {id(self) & 0xFFFFFFFF:x}>"


_SUB: Final[Any] = Regex.sub
_MATCH: Final[Any] = Regex.match
_SEARCH: Final[Any] = Regex.search


def build(runtime: Runtime) -> Module:
    @native
    def compile_(pattern: Any, flags: Any = 0, /) -> Regex:
        made = Pattern(_data(pattern))
        if as_int(flags) & DEBUG:
            runtime.write(made.listing())
        return Regex(made)

    def regex(pattern: Any) -> Regex:
        return pattern if isinstance(pattern, Regex) else Regex(Pattern(_data(pattern)))

    @native
    def match(pattern: Any, text: Any, start: Any = 0, end: Any = 0, /) -> Any:
        return _MATCH(regex(pattern), text)

    @native
    def search(pattern: Any, text: Any, start: Any = 0, end: Any = 0, /) -> Any:
        return _SEARCH(regex(pattern), text)

    @native
    def sub(
        pattern: Any, replace: Any, text: Any, count: Any = 0, flags: Any = 0, /
    ) -> Any:
        return _SUB(regex(pattern), replace, text, count)

    return Module(
        NAMES[0],
        {"compile": compile_, "match": match, "search": search, "sub": sub, "DEBUG": DEBUG},
    )
