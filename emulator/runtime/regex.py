"""Regular expressions as MicroPython has them (manual 1.1.16).

A pattern becomes instructions of a small matcher, as in the reference: their sizes decide which
patterns are too large, and `re.DEBUG` prints them.  The matching itself is the host's `re` with an
equivalent pattern over bytes; where that may take for ever, `regex_steps` executes the
instructions.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, final

from mpy_cross.emulator.runtime.regex_steps import Found, Instruction, executed

ERROR: Final = "error in regex"
_NAMED: Final = {
    b"d": b"[0-9]",
    b"D": b"[^0-9]",
    b"s": b"[\t-\r ]",
    b"S": b"[^\t-\r ]",
    b"w": b"[A-Za-z0-9_]",
    b"W": b"[^A-Za-z0-9_]",
}
SHORT: Final = 12
"""Bytes up to which no pattern takes long."""
STEPS: Final = 10**7
"""Steps, at most, that the host may take without a poll."""
_PREFIX: Final = 5
"""Bytes of the instructions that let a search begin anywhere."""


class Part(NamedTuple):
    """A part of a pattern: its instructions, the host's pattern, and what it may match.

    empty: it may match nothing; loops: repetitions without a limit; nested: one of them repeats
    what can match in several ways; endless: it has a loop that goes round without consuming
    anything, which overflows the stack of the reference.
    """

    code: list[Instruction]
    host: bytes
    empty: bool
    endless: bool = False
    loops: int = 0
    nested: bool = False


def _size(code: list[Instruction]) -> int:
    return sum(one.size for one in code)


def _jump(name: str, offset: int) -> Instruction:
    return Instruction(name, _checked(offset), 2)


def _checked(number: int) -> int:
    if not -128 <= number < 128:
        raise ValueError(ERROR)
    return number


def _nothing() -> Part:
    return Part([], b"", True)


def _joined(a: Part, b: Part) -> Part:
    return Part(
        a.code + b.code,
        a.host + b.host,
        a.empty and b.empty,
        a.endless or b.endless,
        a.loops + b.loops,
        a.nested or b.nested,
    )


@final
class _Parser:
    __slots__ = ("groups", "place", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.place = 0
        self.groups = 0

    def peek(self, ahead: int = 0) -> bytes:
        return self.text[self.place + ahead : self.place + ahead + 1]

    def take(self) -> bytes:
        byte = self.peek()
        if not byte:
            raise ValueError(ERROR)
        self.place += 1
        return byte

    def alternatives(self) -> Part:
        whole = self.sequence()
        while self.peek() == b"|":
            self.place += 1
            other = self.sequence()
            code = [
                _jump("split", _size(whole.code) + 2),
                *whole.code,
                _jump("jmp", _size(other.code)),
                *other.code,
            ]
            whole = Part(
                code,
                b"(?:" + whole.host + b"|" + other.host + b")",
                whole.empty or other.empty,
                whole.endless or other.endless,
                whole.loops + other.loops,
                whole.nested or other.nested,
            )
        return whole

    def sequence(self) -> Part:
        """Parts up to `|`, `)` or the end."""
        done = _nothing()
        term = _nothing()
        """What a repetition would be of; without instructions if there is nothing to repeat."""
        while (byte := self.peek()) and byte not in (b"|", b")"):
            if byte in b"?*+":
                if not term.code:
                    raise ValueError(ERROR)
                done, term = _joined(done, self.repeated(term)), _nothing()
                continue
            done = _joined(done, term)
            term = _nothing()
            if byte in b"^$":
                self.place += 1
                name, host = ("bol", rb"\A") if byte == b"^" else ("eol", rb"\Z")
                done = _joined(done, Part([Instruction(f"assert {name}")], host, True))
            else:
                term = self.atom()
        return _joined(done, term)

    def repeated(self, term: Part) -> Part:
        kind = self.take()
        lazy = self.peek() == b"?"
        if lazy:
            self.place += 1
        size = _size(term.code)
        first, second = ("rsplit", "split") if lazy else ("split", "rsplit")
        if kind == b"?":
            code = [_jump(first, size), *term.code]
        elif kind == b"*":
            code = [_jump(first, size + 2), *term.code, _jump("jmp", -size - 4)]
        else:
            code = [*term.code, _jump(second, -size - 2)]
        host = b"(?:" + term.host + b")" + kind + (b"?" if lazy else b"")
        endless = term.endless or (kind != b"?" and term.empty and not lazy)
        once = kind == b"?"
        ways = any(one.name in ("split", "rsplit") for one in term.code)
        return Part(
            code,
            host,
            term.empty or kind != b"+",
            endless,
            term.loops + (not once),
            term.nested or (ways and not once),
        )

    def atom(self) -> Part:
        byte = self.take()
        if byte == b".":
            return Part([Instruction("any")], rb"[\x00-\xff]", False)
        if byte == b"[":
            return self.set()
        if byte == b"(":
            return self.group()
        if byte == b"\\":
            byte = self.take()
            if byte in _NAMED:
                return Part([Instruction("namedclass", byte, 2)], _NAMED[byte], False)
        return Part([Instruction("char", byte, 2)], re.escape(byte), False)

    def set(self) -> Part:
        name = "class"
        if self.peek() == b"^":
            self.place += 1
            name = "classnot"
        pairs = bytearray()
        while (byte := self.take()) != b"]":
            if byte == b"\\":
                byte = self.take()
            last = byte
            if self.peek() == b"-" and self.peek(1) != b"]":
                self.place += 1
                last = self.take()
            pairs += byte + last
        _checked(len(pairs) // 2)
        inner = b"".join(
            b"\\x%02x-\\x%02x" % (pairs[i], pairs[i + 1])
            for i in range(0, len(pairs), 2)
            if pairs[i] <= pairs[i + 1]
        )
        if name == "classnot":
            host = b"[^" + inner + b"]" if inner else rb"[\x00-\xff]"
        else:
            host = b"[" + inner + b"]" if inner else b"(?!)"
        return Part([Instruction(name, bytes(pairs), 2 + len(pairs))], host, False)

    def group(self) -> Part:
        number = 0
        if self.peek() == b"?" and self.peek(1) == b":":
            self.place += 2
        else:
            self.groups += 1
            number = self.groups
        inner = self.alternatives()
        if self.take() != b")":
            raise ValueError(ERROR)
        if not number:
            return inner._replace(host=b"(?:" + inner.host + b")")
        code = [
            Instruction("save", _checked(2 * number), 2),
            *inner.code,
            Instruction("save", _checked(2 * number + 1), 2),
        ]
        return inner._replace(code=code, host=b"(" + inner.host + b")")


@final
class Pattern:
    """A compiled pattern.  groups: their number; others: see `Part`.  Raises ValueError."""

    __slots__ = ("code", "endless", "groups", "host", "loops", "nested")

    def __init__(self, text: bytes) -> None:
        parser = _Parser(text.partition(b"\0")[0])
        whole = parser.alternatives()
        if parser.peek():
            raise ValueError(ERROR)
        self.groups = parser.groups
        self.endless = whole.endless
        self.loops = whole.loops
        self.nested = whole.nested
        self.code = [
            _jump("rsplit", 3),
            Instruction("any"),
            _jump("jmp", -_PREFIX),
            Instruction("save", 0, 2),
            *whole.code,
            Instruction("save", 1, 2),
            Instruction("match"),
        ]
        self.host = re.compile(whole.host)

    def run(self, data: bytes, anchored: bool) -> re.Match[bytes] | Found | None:
        """The first match.  Raises RuntimeError where the reference has too little stack."""
        if self.endless:
            raise RuntimeError("maximum recursion depth exceeded")
        size = len(data)
        if (self.nested and size > SHORT) or size**self.loops > STEPS:
            return executed(self.code, self.groups, data, anchored)
        return self.host.match(data) if anchored else self.host.search(data)

    def listing(self) -> str:
        """The instructions, as `re.DEBUG` prints them."""
        lines: list[str] = []
        place = 0
        for name, operand, size in self.code:
            if name in ("split", "rsplit", "jmp"):
                assert isinstance(operand, int)
                text = f"{name} {place + 2 + operand} ({operand})"
            elif isinstance(operand, bytes) and name.startswith("class"):
                pairs = [
                    f" 0x{operand[i]:02x}-0x{operand[i + 1]:02x}"
                    for i in range(0, len(operand), 2)
                ]
                text = f"{name} {len(pairs)}{''.join(pairs)}"
            elif isinstance(operand, bytes):
                text = f"{name} {operand.decode('latin-1')}"
            else:
                text = f"{name} {operand}" if size > 1 else name
            lines.append(f"{place:2d}: {text}\n")
            place += size
        lines.append(f"Bytes: {place}, insts: {len(self.code)}\n")
        return "".join(lines)
