"""Module `json` (manual 1.1.11).

What cannot be said in JSON is written as `repr()` shows it, without an error (manual 3.9.4), and
the parser takes commas and colons for white space.
"""

from __future__ import annotations

import re
from typing import Any, Final

from mpy_cross.emulator.runtime import streams
from mpy_cross.emulator.runtime.arguments import buffer, cooked, raw, to_utf8
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.strings import decode_utf8
from mpy_cross.emulator.runtime.types import Instance, Module, type_name

NAMES: Final[tuple[str, ...]] = ("ujson", "json")

_ESCAPED: Final = re.compile(r'["\\\x00-\x1f]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

_SPACE: Final = re.compile(rb"[,: \t\n\r]*")
_TRAILING: Final = re.compile(rb"[ \t\n\r\v\f]*")
_PLAIN: Final = re.compile(rb'[^"\\\0]*')
_NUMBER: Final = re.compile(rb"[-0-9][-+0-9.eE]*")
_WORDS: Final = {b"n": (b"null", None), b"f": (b"false", False), b"t": (b"true", True)}
_LETTERS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_MISSING: Final = object()
_READ_SIZE: Final = 256


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def to_json(value: Any, printer: Printer, item: str = ", ", key: str = ": ") -> str:
    """A value as JSON; `item` and `key` are the separators."""
    cls = type(value)
    if cls is str:
        return _quoted(value)
    if value is None:
        return "null"
    if cls is bool:
        return "true" if value else "false"
    if cls is list or cls is tuple:
        return "[" + item.join([to_json(one, printer, item, key) for one in value]) + "]"
    if isinstance(value, dict) and not isinstance(value, Instance):
        pairs: list[str] = []
        for name, one in value.items():
            text = to_json(name, printer, item, key)
            if not isinstance(name, (str, bytes)):
                text = f'"{text}"'
            pairs.append(text + key + to_json(one, printer, item, key))
        return "{" + item.join(pairs) + "}"
    if cls is bytes:
        return cooked(_quoted(value.decode("latin-1")))
    return printer.representation(value)


class _Parser:
    """Reads one value from bytes."""

    def __init__(self, data: bytes, float_type: type[float]) -> None:
        self._data = data
        self._at = 0
        self._float_type = float_type

    def _fail(self) -> ValueError:
        return ValueError("syntax error in JSON")

    def value(self) -> Any:
        """The value.  Raises ValueError."""
        data = self._data
        top: Any = _MISSING
        stack: list[Any] = []
        key: Any = _MISSING
        while True:
            match = _SPACE.match(data, self._at)
            assert match is not None
            self._at = match.end()
            sign = data[self._at : self._at + 1]
            if not sign or sign == b"\0":
                raise self._fail()
            if sign in (b"]", b"}"):
                self._at += 1
                if top is _MISSING:
                    raise self._fail()
                if not stack:
                    break
                top = stack.pop()
                continue
            found: Any = [] if sign == b"[" else {} if sign == b"{" else self._scalar(sign)
            enters = sign in (b"[", b"{")
            if enters:
                self._at += 1
            if top is _MISSING:
                top = found
                if not enters:
                    break
                continue
            if type(top) is list:
                top.append(found)
            elif key is _MISSING:
                key = found
                if enters:
                    raise self._fail()
            else:
                top[key] = found
                key = _MISSING
            if enters:
                stack.append(top)
                top = found
        match = _TRAILING.match(data, self._at)
        assert match is not None
        rest = data[match.end() : match.end() + 1]
        if rest not in (b"", b"\0") or top is _MISSING or stack:
            raise self._fail()
        return top

    def _scalar(self, sign: bytes) -> Any:
        if sign == b'"':
            return self._string()
        word = _WORDS.get(sign)
        if word is not None:
            if not self._data.startswith(word[0], self._at):
                raise self._fail()
            self._at += len(word[0])
            return word[1]
        match = _NUMBER.match(self._data, self._at)
        if match is None:
            raise self._fail()
        self._at = match.end()
        text = match[0].decode("ascii")
        if "." in text or "e" in text or "E" in text:
            try:
                return self._float_type(float(text))
            except ValueError:
                raise ValueError("invalid syntax for number") from None
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"invalid syntax for integer with base 10: '{text}'") from None

    def _string(self) -> str:
        data = self._data
        out: list[str] = []
        at = self._at + 1
        while True:
            match = _PLAIN.match(data, at)
            assert match is not None
            out.append(match[0].decode("latin-1"))
            at = match.end()
            sign = data[at : at + 1]
            if sign == b'"':
                break
            if sign != b"\\":
                raise self._fail()
            letter = data[at + 1 : at + 2].decode("latin-1")
            at += 2
            if letter == "u":
                number = 0
                for byte in data[at : at + 4].ljust(4, b"\0"):
                    digit = ((byte | 0x20) - 0x30) & 0xFF
                    number = number << 4 | ((digit - 0x27) & 0xFF if digit > 9 else digit)
                out.append(raw(chr(number & 0xFFFF)))
                at += 4
            elif letter in ("", "\0"):
                raise self._fail()
            else:
                out.append(_LETTERS.get(letter, letter))
        self._at = at + 1
        data = "".join(out).encode("latin-1")
        if LANGUAGE[0].json_checks_text:
            return decode_utf8(data)
        return data.decode("utf-8", "surrogateescape")


def build(runtime: Runtime) -> Module:
    def written(value: Any, separators: Any) -> str:
        if separators is None:
            return to_json(value, runtime.printer)
        if not isinstance(separators, (list, tuple)):
            raise TypeError(f"object '{type_name(separators)}' isn't a tuple or list")
        if len(separators) != 2:
            raise ValueError(f"requested length 2 but object has length {len(separators)}")
        texts = [one if isinstance(one, str) else buffer(one).decode() for one in separators]
        return to_json(value, runtime.printer, texts[0], texts[1])

    def dumps(value: Any, /, *, separators: Any = None) -> str:
        """A value as a JSON string."""
        return written(value, separators)

    def dump(value: Any, stream: Any, /, *, separators: Any = None) -> None:
        """Write a value as JSON to a stream."""
        streams.stream_of(stream, "__stream_write__")
        streams.write_all(stream, to_utf8(written(value, separators)))

    def loads(text: Any, /) -> Any:
        """The value of a JSON string or of bytes."""
        return _Parser(buffer(text), runtime.float_type).value()

    def load(stream: Any, /) -> Any:
        """The value that a stream holds, to its end."""
        streams.stream_of(stream, "__stream_read__")
        size = 1 if isinstance(stream, streams.IOBase) else _READ_SIZE
        data = bytearray()
        while True:
            more = stream.__stream_read__(size)
            if not more:
                return _Parser(bytes(data), runtime.float_type).value()
            data += more

    return Module(NAMES[0], {"dump": dump, "dumps": dumps, "load": load, "loads": loads})
