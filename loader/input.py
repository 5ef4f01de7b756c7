"""The bytes of a .mpy file, taken one field after the other, every bound checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, final

from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, NativeFlag, RawCode
from mpy_cross.loader.numtext import parse_complex, parse_float, parse_int
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.static_qstrs import FIRST_STATIC, STATIC_QSTRS
from mpy_cross.loader.writer import TAG_FLOAT, TAG_INT

UINT_BYTES_MAX = 10
"""Longest variable-length integer: 64 bits."""


@final
class Span(NamedTuple):
    """Which bytes of a file belong to which field, for the annotated dump."""

    start: int
    end: int
    field: str
    code: RawCode | None = None
    """Set for function data: the code object it belongs to,"""
    code_offset: int = 0
    """and where in `RawCode.code` it lands."""


@final
class Input:
    """A file being read: `pos` is the offset of the next field.

    With `spans` every field that is taken is noted there.
    """

    __slots__ = ("data", "pos", "spans")

    def __init__(self, data: bytes, spans: list[Span] | None) -> None:
        self.data = data
        self.pos = 0
        self.spans = spans

    def mark(self, start: int, field: str) -> None:
        if self.spans is not None:
            self.spans.append(Span(start, self.pos, field))

    def byte(self, field: str) -> int:
        pos = self.pos
        if pos >= len(self.data):
            raise MpyError(pos, field, "the file ends here")
        self.pos = pos + 1
        self.mark(pos, field)
        return self.data[pos]

    def raw_uint(self, field: str) -> int:
        data = self.data
        start = pos = self.pos
        value = 0
        while True:
            if pos >= len(data):
                raise MpyError(start, field, "the file ends inside this number")
            byte = data[pos]
            pos += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                break
            if pos - start >= UINT_BYTES_MAX:
                raise MpyError(start, field, f"a number of more than {UINT_BYTES_MAX} bytes")
        self.pos = pos
        return value

    def uint(self, field: str) -> int:
        start = self.pos
        value = self.raw_uint(field)
        self.mark(start, field)
        return value

    def count(self, field: str) -> int:
        """A number of things that take at least one byte each."""
        start = self.pos
        value = self.uint(field)
        left = len(self.data) - self.pos
        if value > left:
            raise MpyError(start, field, f"{value} entries wanted, {left} bytes left")
        return value

    def length(self, value: int, start: int, field: str) -> int:
        left = len(self.data) - self.pos
        if value > left:
            raise MpyError(start, field, f"{value} bytes wanted, {left} left")
        return value

    def take(self, length: int, field: str) -> bytes:
        pos = self.pos
        self.length(length, pos, field)
        self.pos = pos + length
        if length:
            self.mark(pos, field)
        return self.data[pos : pos + length]

    def scope(self, raw: RawCode, field: str) -> None:
        raw.scope_flags = self.uint(f"{field}, scope flags")
        if raw.kind == CodeKind.ASM:
            raw.n_pos_args = self.uint(f"{field}, number of arguments")
            raw.type_sig = self.uint(f"{field}, type signature")

    def relocations(self, raw: RawCode, field: str) -> None:
        """The relocation program: an opcode, its operands, and so on until 0xff."""
        if raw.kind < CodeKind.VIPER or not raw.scope_flags & NativeFlag.RELOC:
            return
        start = self.pos
        field = f"{field}, relocations"
        data = self.data
        while True:
            pos = self.pos
            if pos >= len(data):
                raise MpyError(pos, field, "the file ends here")
            op = data[pos]
            self.pos = pos + 1
            if op == 0xFF:
                break
            if op & 1:
                self.raw_uint(field)
            if op >> 1 <= 5 and op >> 1 & 1:
                self.raw_uint(field)
        raw.relocations = data[start : self.pos - 1]
        self.mark(start, field)

    def codes(self, read: Callable[[str], tuple[RawCode, int]]) -> RawCode:
        """A code object with all below it; `read` takes one, and says how many are in it."""
        # No recursion: a hostile file nests its code as deep as it likes.  An entry of `todo`: the
        # code object whose children are being read, how many are missing, its path.
        root = read("module")
        todo: list[tuple[RawCode, int, str]] = [(root[0], root[1], "")]
        while todo:
            raw, missing, path = todo.pop()
            if missing == 0:
                self.relocations(raw, path or "module")
                continue
            child_path = f"{path}{len(raw.children)}"
            child, n_children = read(f"code {child_path}")
            raw.children.append(child)
            todo.append((raw, missing - 1, path))
            todo.append((child, n_children, below(child_path)))
        return root[0]


def static_name(number: int, offset: int, field: str) -> bytes:
    if not FIRST_STATIC <= number < FIRST_STATIC + len(STATIC_QSTRS):
        raise MpyError(offset, field, f"there is no static qstr {number}")
    return STATIC_QSTRS[number - FIRST_STATIC]


def parse_number(tag: int, text: bytes, offset: int, field: str) -> ConstValue:
    try:
        if tag == TAG_INT:
            return parse_int(text)
        return parse_float(text) if tag == TAG_FLOAT else parse_complex(text)
    except ValueError as error:
        shown = text[:40].decode("ascii", "backslashreplace")
        raise MpyError(offset, field, f"{error}: {shown!r}") from None


def below(path: str) -> str:
    """The path of a code object as the start of its children's, kept short when very deep."""
    return f"{path}." if len(path) < 40 else f"...{path[-30:]}."
