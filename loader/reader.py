"""Read a .mpy file: bytes to `MpyFile`, every bound checked.

Whatever the bytes, the only exception is `MpyError`; time and memory stay in proportion to the
length of the file (a count is never believed before the bytes for it are there).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from mpy_cross.loader import release as releases
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.numtext import parse_complex, parse_float, parse_int
from mpy_cross.loader.objects import ConstValue, FunTable, Str
from mpy_cross.loader.prelude import Prelude, decode_prelude
from mpy_cross.loader.release import RELEASES, Release
from mpy_cross.loader.static_qstrs import FIRST_STATIC, STATIC_QSTRS
from mpy_cross.loader.writer import (
    ARCH_FLAGS_BIT,
    STEPS_CACHED,
    STEPS_PLAIN,
    TAG_BYTES,
    TAG_COMPLEX,
    TAG_ELLIPSIS,
    TAG_FALSE,
    TAG_FLOAT,
    TAG_FUN_TABLE,
    TAG_INT,
    TAG_NONE,
    TAG_STR,
    TAG_TRUE,
    TAG_TUPLE,
)

OLD_WRITERS: dict[int, str] = {
    0: "1.5.1 to 1.8.7",
    1: "development versions between 1.8.7 and 1.9",
    2: "1.9 to 1.9.2",
    3: "1.9.3 to 1.10",
    4: "1.11",
}
"""Which releases wrote the older versions of the format (manual 2.4.1)."""

TUPLE_DEPTH_MAX = 200
"""Deepest nesting of constant tuples."""

QSTR_WINDOW_MAX = 0xFFFF

_UINT_BYTES_MAX = 10
"""Longest variable-length integer: 64 bits."""

_PRELUDE_BYTES_MAX = 64

_BYTECODE = int(CodeKind.BYTECODE)
_NATIVE = int(CodeKind.NATIVE)
_VIPER = int(CodeKind.VIPER)
_ASM = int(CodeKind.ASM)


@final
@dataclass(frozen=True, slots=True)
class Span:
    """Which bytes of a file belong to which field, for the annotated dump."""

    start: int
    end: int
    field: str
    code: RawCode | None = None
    """Set for function data: the code object it belongs to,"""
    code_offset: int = 0
    """and where in `RawCode.code` it lands."""


def read(data: bytes, release: Release | None = None) -> MpyFile:
    """The file that `data` is.

    `release` is the one to believe where several write the same format; without it, it is the
    newest one that can have written the file.  Raises MpyError.
    """
    return _Reader(data, release, None).read()


def read_annotated(data: bytes, release: Release | None = None) -> tuple[MpyFile, list[Span]]:
    """As `read`, with the field of each byte; the spans are in order and leave no gap."""
    spans: list[Span] = []
    return _Reader(data, release, spans).read(), spans


def _newest(version: int, sub_version: int | None, arch_flags: bool) -> Release | None:
    for release in reversed(RELEASES.values()):
        if (
            release.mpy_version == version
            and (sub_version is None or release.mpy_sub_version == sub_version)
            and (release.arch_flags or not arch_flags)
        ):
            return release
    return None


@final
class _Reader:
    __slots__ = (
        "_data",
        "_names",
        "_pos",
        "_qstrs",
        "_release",
        "_spans",
        "_window",
        "_window_max",
    )

    def __init__(self, data: bytes, release: Release | None, spans: list[Span] | None) -> None:
        self._data = bytes(data)
        self._pos = 0
        self._release = release
        self._spans = spans
        self._qstrs: list[bytes] = []
        self._names: dict[bytes, int] = {}
        self._window: list[int] = []
        self._window_max = 0

    # ------------------------------------------------------------------------------- primitives

    def _mark(self, start: int, field: str) -> None:
        if self._spans is not None:
            self._spans.append(Span(start, self._pos, field))

    def _byte(self, field: str) -> int:
        pos = self._pos
        if pos >= len(self._data):
            raise MpyError(pos, field, "the file ends here")
        self._pos = pos + 1
        self._mark(pos, field)
        return self._data[pos]

    def _raw_uint(self, field: str) -> int:
        data = self._data
        start = pos = self._pos
        value = 0
        while True:
            if pos >= len(data):
                raise MpyError(start, field, "the file ends inside this number")
            byte = data[pos]
            pos += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                break
            if pos - start >= _UINT_BYTES_MAX:
                raise MpyError(start, field, f"a number of more than {_UINT_BYTES_MAX} bytes")
        self._pos = pos
        return value

    def _uint(self, field: str) -> int:
        start = self._pos
        value = self._raw_uint(field)
        self._mark(start, field)
        return value

    def _count(self, field: str) -> int:
        """A number of things that take at least one byte each."""
        start = self._pos
        value = self._uint(field)
        left = len(self._data) - self._pos
        if value > left:
            raise MpyError(start, field, f"{value} entries wanted, {left} bytes left")
        return value

    def _length(self, value: int, start: int, field: str) -> int:
        left = len(self._data) - self._pos
        if value > left:
            raise MpyError(start, field, f"{value} bytes wanted, {left} left")
        return value

    def _take(self, length: int, field: str) -> bytes:
        pos = self._pos
        self._length(length, pos, field)
        self._pos = pos + length
        if length:
            self._mark(pos, field)
        return self._data[pos : pos + length]

    # ----------------------------------------------------------------------------------- header

    def read(self) -> MpyFile:
        data = self._data
        if data[:1] != b"M":
            what = "the file is empty" if not data else f"0x{data[0]:02x} instead of 'M' (0x4d)"
            raise MpyError(0, "magic", what)
        self._byte("magic")
        version = self._byte("version")
        if version in OLD_WRITERS:
            raise MpyError(
                1,
                "version",
                f".mpy version {version}, written by MicroPython {OLD_WRITERS[version]}; "
                "only versions 5 and 6 (1.12 and later) can be read",
            )
        if version not in (5, 6):
            raise MpyError(1, "version", f".mpy version {version} is not known; 5 and 6 are")
        if self._release is not None and self._release.mpy_version != version:
            raise MpyError(
                1,
                "version",
                f".mpy version {version}, but release {self._release.version} has "
                f"{self._release.mpy_version}",
            )
        feature = self._byte("feature flags")
        small_int_bits = self._byte("small int bits")
        mpy = self._read5(feature) if version == 5 else self._read6(feature)
        mpy.small_int_bits = small_int_bits
        if self._pos != len(data):
            left = len(data) - self._pos
            raise MpyError(self._pos, "end of file", f"{left} bytes too many")
        return mpy

    # -------------------------------------------------------------------------------- version 6

    def _read6(self, feature: int) -> MpyFile:
        flagged = bool(feature & ARCH_FLAGS_BIT)
        arch = feature >> 2 & 0x2F
        release = self._release
        if release is None:
            release = _newest(6, feature & 3 if arch else None, flagged)
            if release is None:
                raise MpyError(2, "feature flags", f"0x{feature:02x}: no release writes this")
        arch_flags = self._uint("architecture flags") if flagged else 0
        n_qstrs = self._count("number of qstrs")
        n_objects = self._count("number of objects")
        qstrs = [self._qstr6(i) for i in range(n_qstrs)]
        objects = [self._object6(f"object {i}") for i in range(n_objects)]
        root = self._codes6()
        return MpyFile(
            release=release,
            qstrs=qstrs,
            objects=objects,
            root=root,
            arch=arch,
            arch_flags=arch_flags,
            qstr_window=0,
        )

    def _qstr6(self, index: int) -> bytes:
        field = f"qstr {index}"
        start = self._pos
        word = self._raw_uint(field)
        if word & 1:
            self._mark(start, f"{field}, static")
            return _static(word >> 1, start, field)
        self._mark(start, f"{field} length")
        length = self._length(word >> 1, start, f"{field} length")
        name = self._take(length, field)
        self._terminator(field)
        return name

    def _terminator(self, field: str) -> None:
        pos = self._pos
        if self._byte(f"{field} terminator") != 0:
            raise MpyError(pos, field, f"ends with 0x{self._data[pos]:02x} instead of 0")

    def _object6(self, field: str, depth: int = 0) -> ConstValue:
        start = self._pos
        tag = self._byte(f"{field} type")
        if tag == TAG_NONE:
            return None
        if tag == TAG_FALSE:
            return False
        if tag == TAG_TRUE:
            return True
        if tag == TAG_ELLIPSIS:
            return ...
        if tag == TAG_FUN_TABLE:
            return FunTable()
        if tag == TAG_TUPLE:
            if depth >= TUPLE_DEPTH_MAX:
                raise MpyError(start, field, f"tuples nested deeper than {TUPLE_DEPTH_MAX}")
            count = self._count(f"{field} length")
            return tuple([self._object6(f"{field}[{i}]", depth + 1) for i in range(count)])
        if tag > TAG_TUPLE:
            raise MpyError(start, field, f"type {tag} is not known")
        length_start = self._pos
        length = self._uint(f"{field} length")
        self._length(length, length_start, f"{field} length")
        text = self._take(length, field)
        if tag == TAG_STR:
            self._terminator(field)
            return Str(text)
        if tag == TAG_BYTES:
            self._terminator(field)
            return text
        return _number(tag, text, length_start, field)

    def _codes6(self) -> RawCode:
        # No recursion: a hostile file nests its code as deep as it likes.  An entry of `todo`: the
        # code object whose children are being read, how many are missing, its path.
        root = self._code6("module")
        todo: list[tuple[RawCode, int, str]] = [(root[0], root[1], "")]
        while todo:
            raw, missing, path = todo.pop()
            if missing == 0:
                self._relocations(raw, path or "module")
                continue
            child_path = f"{path}{len(raw.children)}"
            child, n_children = self._code6(f"code {child_path}")
            raw.children.append(child)
            todo.append((raw, missing - 1, path))
            todo.append((child, n_children, _below(child_path)))
        return root[0]

    def _code6(self, field: str) -> tuple[RawCode, int]:
        """A code object without its children, and how many it has."""
        start = self._pos
        word = self._uint(f"{field}, kind and length")
        kind = word & 3
        length = self._length(word >> 3, start, f"{field} length")
        code_start = self._pos
        self._pos += length
        raw = RawCode(CodeKind(kind), self._data[code_start : self._pos])
        if self._spans is not None and length:
            self._spans.append(Span(code_start, self._pos, f"{field}, function data", raw, 0))
        if kind == _NATIVE:
            raw.prelude_offset = self._uint(f"{field}, prelude offset")
        elif kind != _BYTECODE:
            self._scope(raw, field)
            if kind == _VIPER:
                rodata = 0
                rodata_start = self._pos
                if raw.scope_flags & NativeFlag.RODATA:
                    rodata = self._uint(f"{field}, rodata length")
                if raw.scope_flags & NativeFlag.BSS:
                    raw.bss_size = self._uint(f"{field}, bss length")
                self._length(rodata, rodata_start, f"{field}, rodata length")
                raw.rodata = self._take(rodata, f"{field}, rodata")
        n_children = self._count(f"{field}, number of children") if word & 4 else 0
        return raw, n_children

    def _scope(self, raw: RawCode, field: str) -> None:
        raw.scope_flags = self._uint(f"{field}, scope flags")
        if raw.kind == _ASM:
            raw.n_pos_args = self._uint(f"{field}, number of arguments")
            raw.type_sig = self._uint(f"{field}, type signature")

    def _relocations(self, raw: RawCode, field: str) -> None:
        """The relocation program: an opcode, its operands, and so on until 0xff."""
        if raw.kind < _VIPER or not raw.scope_flags & NativeFlag.RELOC:
            return
        start = self._pos
        field = f"{field}, relocations"
        data = self._data
        while True:
            pos = self._pos
            if pos >= len(data):
                raise MpyError(pos, field, "the file ends here")
            op = data[pos]
            self._pos = pos + 1
            if op == 0xFF:
                break
            if op & 1:
                self._raw_uint(field)
            if op >> 1 <= 5 and op >> 1 & 1:
                self._raw_uint(field)
        raw.relocations = data[start : self._pos - 1]
        self._mark(start, field)

    # -------------------------------------------------------------------------------- version 5

    def _read5(self, feature: int) -> MpyFile:
        release = self._release or _newest(5, None, False) or releases.get("1.17")
        start = self._pos
        self._window_max = self._uint("qstr window size")
        if self._window_max > QSTR_WINDOW_MAX:
            raise MpyError(start, "qstr window size", f"{self._window_max} is absurd")
        steps = STEPS_CACHED if feature & 1 else STEPS_PLAIN
        root = self._codes5(steps)
        return MpyFile(
            release=release,
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
        start = self._pos
        word = self._raw_uint(f"{field} length")
        if word == 0:
            number_pos = self._pos
            if number_pos >= len(self._data):
                raise MpyError(number_pos, field, "the file ends here")
            self._pos += 1
            self._mark(start, f"{field}, static")
            name = _static(self._data[number_pos], number_pos, field)
            return self._name(name, start, field)
        window = self._window
        if word & 1:
            depth = word >> 1
            if depth >= len(window):
                raise MpyError(
                    start, field, f"name {depth} of the window wanted, it holds {len(window)}"
                )
            index = window.pop(depth)
            self._mark(start, f"{field}, from the window")
        else:
            length = self._length(word >> 1, start, f"{field} length")
            pos = self._pos
            self._pos = pos + length
            index = self._name(self._data[pos : pos + length], start, field)
            if len(window) == self._window_max:
                if not window:
                    raise MpyError(start, field, "a new name, but the qstr window has size 0")
                window.pop()
            self._mark(start, field)
        window.insert(0, index)
        return index

    def _codes5(self, steps: tuple[int, ...]) -> RawCode:
        root = self._code5("module", steps)
        todo: list[tuple[RawCode, int, str]] = [(root[0], root[1], "")]
        while todo:
            raw, missing, path = todo.pop()
            if missing == 0:
                self._relocations(raw, path or "module")
                continue
            child_path = f"{path}{len(raw.children)}"
            child, n_children = self._code5(f"code {child_path}", steps)
            raw.children.append(child)
            todo.append((raw, missing - 1, path))
            todo.append((child, n_children, _below(child_path)))
        return root[0]

    def _code5(self, field: str, steps: tuple[int, ...]) -> tuple[RawCode, int]:
        start = self._pos
        word = self._uint(f"{field}, kind and length")
        kind = word & 3
        raw = RawCode(CodeKind(kind), b"")
        n_args = 0
        if kind == _BYTECODE:
            n_args = self._bytecode5(raw, word >> 2, start, field, steps)
        else:
            length = self._length(word >> 2, start, f"{field} length")
            raw.code = self._take(length, f"{field}, machine code")
            if kind != _ASM:
                for i in range(self._count(f"{field}, number of qstr links")):
                    link = self._uint(f"{field}, qstr link {i} offset")
                    raw.qstr_links.append((link, self._qstr5(f"{field}, qstr link {i}")))
            if kind == _NATIVE:
                offset_pos = self._pos
                raw.prelude_offset = self._uint(f"{field}, prelude offset")
                raw.name = self._qstr5(f"{field}, name")
                raw.source_file = self._qstr5(f"{field}, source file")
                n_args = self._prelude(
                    raw.code[raw.prelude_offset :][:_PRELUDE_BYTES_MAX], offset_pos, field
                ).n_args
            else:
                self._scope(raw, field)
        if kind == _ASM:
            return raw, 0
        n_constants = self._count(f"{field}, number of constants")
        n_children = self._count(f"{field}, number of children")
        left = len(self._data) - self._pos
        if n_args > left:
            raise MpyError(start, field, f"{n_args} argument names wanted, {left} bytes left")
        raw.arg_names = [self._qstr5(f"{field}, argument {i}") for i in range(n_args)]
        if kind == _VIPER:
            if raw.scope_flags & NativeFlag.RODATA:
                length_start = self._pos
                length = self._uint(f"{field}, rodata length")
                self._length(length, length_start, f"{field}, rodata length")
                raw.rodata = self._take(length, f"{field}, rodata")
            if raw.scope_flags & NativeFlag.BSS:
                raw.bss_size = self._uint(f"{field}, bss length")
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
        data = self._data
        # A name of three bytes in memory takes at least one in the file (cache bytes included).
        if length > 4 * (len(data) - self._pos):
            self._length(length, start, f"{field} length")
        pos = self._pos
        prelude = self._prelude(data[pos : pos + _PRELUDE_BYTES_MAX], pos, field)
        if prelude.code_start > length:
            raise MpyError(
                pos,
                f"{field}, prelude",
                f"{prelude.code_start} bytes of prelude in {length} bytes of function data",
            )
        if prelude.n_info < 4:
            raise MpyError(pos, f"{field}, prelude", "no room for the name and the source file")
        out = bytearray(self._take(prelude.info_start, f"{field}, prelude"))
        name = self._qstr5(f"{field}, name")
        out += name.to_bytes(2, "little")
        source_file = self._qstr5(f"{field}, source file")
        out += source_file.to_bytes(2, "little")
        out += self._take(prelude.n_info - 4, f"{field}, line table")
        out += self._take(prelude.n_cell, f"{field}, cells")
        spans = self._spans
        size = len(data)
        pos = self._pos
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
                self._pos = pos + 1
                self._spans = None
                index = self._qstr5(f"{field}, name in bytecode")
                self._spans = spans
                out.append(index & 0xFF)
                out.append(index >> 8)
                run = pos = self._pos
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
        self._pos = pos
        raw.code = bytes(out)
        return prelude.n_args

    def _object5(self, field: str) -> ConstValue:
        start = self._pos
        tag = self._byte(f"{field} type")
        if tag == 0x65:
            return ...
        if tag not in b"sbifc":
            raise MpyError(start, field, f"type 0x{tag:02x} is not known")
        length_start = self._pos
        length = self._uint(f"{field} length")
        self._length(length, length_start, f"{field} length")
        text = self._take(length, field)
        if tag == 0x73:
            return Str(text)
        if tag == 0x62:
            return text
        number = TAG_INT if tag == 0x69 else TAG_FLOAT if tag == 0x66 else TAG_COMPLEX
        return _number(number, text, length_start, field)


def _below(path: str) -> str:
    """The path of a code object as the start of its children's, kept short when very deep."""
    return f"{path}." if len(path) < 40 else f"...{path[-30:]}."


def _static(number: int, offset: int, field: str) -> bytes:
    if not FIRST_STATIC <= number < FIRST_STATIC + len(STATIC_QSTRS):
        raise MpyError(offset, field, f"there is no static qstr {number}")
    return STATIC_QSTRS[number - FIRST_STATIC]


def _number(tag: int, text: bytes, offset: int, field: str) -> ConstValue:
    try:
        if tag == TAG_INT:
            return parse_int(text)
        return parse_float(text) if tag == TAG_FLOAT else parse_complex(text)
    except ValueError as error:
        shown = text[:40].decode("ascii", "backslashreplace")
        raise MpyError(offset, field, f"{error}: {shown!r}") from None
