"""Read version 5 of the .mpy format (releases 1.12 to 1.18): names stand where they are used."""

from __future__ import annotations

from typing import final

from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.input import Input, Span, parse_number, static_name
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.objects import ConstValue, Str
from mpy_cross.loader.prelude import Prelude, decode_prelude
from mpy_cross.loader.release import Release
from mpy_cross.loader.writer import (
    STEPS_CACHED,
    STEPS_PLAIN,
    TAG_COMPLEX,
    TAG_FLOAT,
    TAG_INT,
)

QSTR_WINDOW_MAX = 0xFFFF

_PRELUDE_BYTES_MAX = 64


@final
class Reader5:
    """Reads what follows the header's first four bytes."""

    __slots__ = ("_in", "_names", "_qstrs", "_release", "_window", "_window_max")

    def __init__(self, source: Input, release: Release) -> None:
        self._in = source
        self._release = release
        self._qstrs: list[bytes] = []
        self._names: dict[bytes, int] = {}
        """Index in `_qstrs` by name."""
        self._window: list[int] = []
        """Names that can be referred to again, the most recently used one first."""
        self._window_max = 0

    def read(self, feature: int) -> MpyFile:
        start = self._in.pos
        self._window_max = self._in.uint("qstr window size")
        if self._window_max > QSTR_WINDOW_MAX:
            raise MpyError(start, "qstr window size", f"{self._window_max} is absurd")
        steps = STEPS_CACHED if feature & 1 else STEPS_PLAIN
        root = self._in.codes(lambda field: self._code5(field, steps))
        return MpyFile(
            release=self._release,
            qstrs=self._qstrs,
            objects=[],
            root=root,
            unicode=bool(feature & 2),
            cache_lookup_bc=bool(feature & 1),
            arch=feature >> 2,
            qstr_window=self._window_max,
        )

    def _name(self, name: bytes, start: int, field: str) -> int:
        index = self._names.get(name)
        if index is None:
            index = self._names[name] = len(self._qstrs)
            if index > 0xFFFF:
                raise MpyError(start, field, "more than 65536 different names")
            self._qstrs.append(name)
        return index

    def _qstr5(self, field: str) -> int:
        start = self._in.pos
        word = self._in.raw_uint(f"{field} length")
        if word == 0:
            number_pos = self._in.pos
            if number_pos >= len(self._in.data):
                raise MpyError(number_pos, field, "the file ends here")
            self._in.pos += 1
            self._in.mark(start, f"{field}, static")
            name = static_name(self._in.data[number_pos], number_pos, field)
            return self._name(name, start, field)
        window = self._window
        if word & 1:
            depth = word >> 1
            if depth >= len(window):
                raise MpyError(
                    start, field, f"name {depth} of the window wanted, it holds {len(window)}"
                )
            index = window.pop(depth)
            self._in.mark(start, f"{field}, from the window")
        else:
            length = self._in.length(word >> 1, start, f"{field} length")
            pos = self._in.pos
            self._in.pos = pos + length
            index = self._name(self._in.data[pos : pos + length], start, field)
            if len(window) == self._window_max:
                if not window:
                    raise MpyError(start, field, "a new name, but the qstr window has size 0")
                window.pop()
            self._in.mark(start, field)
        window.insert(0, index)
        return index

    def _code5(self, field: str, steps: tuple[int, ...]) -> tuple[RawCode, int]:
        start = self._in.pos
        word = self._in.uint(f"{field}, kind and length")
        kind = word & 3
        raw = RawCode(CodeKind(kind), b"")
        n_args = 0
        if kind == CodeKind.BYTECODE:
            n_args = self._bytecode5(raw, word >> 2, start, field, steps)
        else:
            length = self._in.length(word >> 2, start, f"{field} length")
            raw.code = self._in.take(length, f"{field}, machine code")
            if kind != CodeKind.ASM:
                for i in range(self._in.count(f"{field}, number of qstr links")):
                    link = self._in.uint(f"{field}, qstr link {i} offset")
                    raw.qstr_links.append((link, self._qstr5(f"{field}, qstr link {i}")))
            if kind == CodeKind.NATIVE:
                offset_pos = self._in.pos
                raw.prelude_offset = self._in.uint(f"{field}, prelude offset")
                raw.name = self._qstr5(f"{field}, name")
                raw.source_file = self._qstr5(f"{field}, source file")
                n_args = self._prelude(
                    raw.code[raw.prelude_offset :][:_PRELUDE_BYTES_MAX], offset_pos, field
                ).n_args
            else:
                self._in.scope(raw, field)
        if kind == CodeKind.ASM:
            return raw, 0
        n_constants = self._in.count(f"{field}, number of constants")
        n_children = self._in.count(f"{field}, number of children")
        left = len(self._in.data) - self._in.pos
        if n_args > left:
            raise MpyError(start, field, f"{n_args} argument names wanted, {left} bytes left")
        raw.arg_names = [self._qstr5(f"{field}, argument {i}") for i in range(n_args)]
        if kind == CodeKind.VIPER:
            if raw.scope_flags & NativeFlag.RODATA:
                length_start = self._in.pos
                length = self._in.uint(f"{field}, rodata length")
                self._in.length(length, length_start, f"{field}, rodata length")
                raw.rodata = self._in.take(length, f"{field}, rodata")
            if raw.scope_flags & NativeFlag.BSS:
                raw.bss_size = self._in.uint(f"{field}, bss length")
        raw.constants = [self._object5(f"{field}, constant {i}") for i in range(n_constants)]
        return raw, n_children

    def _prelude(self, head: bytes, offset: int, field: str) -> Prelude:
        try:
            return decode_prelude(head)
        except IndexError:
            raise MpyError(offset, f"{field}, prelude", "does not end") from None

    def _bytecode5(
        self, raw: RawCode, length: int, start: int, field: str, steps: tuple[int, ...]
    ) -> int:
        """Function data: names become two-byte indices; the result is the number of arguments."""
        data = self._in.data
        # A name of three bytes in memory takes at least one in the file (cache bytes included).
        if length > 4 * (len(data) - self._in.pos):
            self._in.length(length, start, f"{field} length")
        pos = self._in.pos
        prelude = self._prelude(data[pos : pos + _PRELUDE_BYTES_MAX], pos, field)
        if prelude.code_start > length:
            raise MpyError(
                pos,
                f"{field}, prelude",
                f"{prelude.code_start} bytes of prelude in {length} bytes of function data",
            )
        if prelude.n_info < 4:
            raise MpyError(pos, f"{field}, prelude", "no room for the name and the source file")
        out = bytearray(self._in.take(prelude.info_start, f"{field}, prelude"))
        name = self._qstr5(f"{field}, name")
        out += name.to_bytes(2, "little")
        source_file = self._qstr5(f"{field}, source file")
        out += source_file.to_bytes(2, "little")
        out += self._in.take(prelude.n_info - 4, f"{field}, line table")
        out += self._in.take(prelude.n_cell, f"{field}, cells")
        spans = self._in.spans
        size = len(data)
        pos = self._in.pos
        run = pos  # first byte that is not copied yet
        base = len(out) - pos  # position in memory less position in the file
        while base + pos < length:
            if pos >= size:
                break
            here = pos
            memory = base + pos
            op = data[pos]
            step = steps[op]
            if step > 0:
                if step == 255:
                    raise MpyError(pos, f"{field}, bytecode", f"0x{op:02x} is no opcode")
                pos += step
            elif step <= -2:
                out += data[run : pos + 1]
                self._in.pos = pos + 1
                self._in.spans = None
                index = self._qstr5(f"{field}, name in bytecode")
                self._in.spans = spans
                out.append(index & 0xFF)
                out.append(index >> 8)
                run = pos = self._in.pos
                base = len(out) - pos
                if step == -3:
                    pos += 1
            else:
                pos += 1
                while pos < size and data[pos] & 0x80:
                    pos += 1
                pos += 1 - step
            if spans is not None:
                spans.append(Span(here, pos, f"{field}, bytecode", raw, memory))
        if pos > size or base + pos < length:
            raise MpyError(size, f"{field}, bytecode", "the file ends inside it")
        if base + pos > length:
            raise MpyError(here, f"{field}, bytecode", "its last instruction is longer than it")
        out += data[run:pos]
        self._in.pos = pos
        raw.code = bytes(out)
        return prelude.n_args

    def _object5(self, field: str) -> ConstValue:
        start = self._in.pos
        tag = self._in.byte(f"{field} type")
        if tag == 0x65:
            return ...
        if tag not in b"sbifc":
            raise MpyError(start, field, f"type 0x{tag:02x} is not known")
        length_start = self._in.pos
        length = self._in.uint(f"{field} length")
        self._in.length(length, length_start, f"{field} length")
        text = self._in.take(length, field)
        if tag == 0x73:
            return Str(text)
        if tag == 0x62:
            return text
        kind = TAG_INT if tag == 0x69 else TAG_FLOAT if tag == 0x66 else TAG_COMPLEX
        return parse_number(kind, text, length_start, field)
