"""Read version 6 of the .mpy format (releases 1.19 and later)."""

from __future__ import annotations

from typing import final

from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.input import Input, Span, parse_number, static_name
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.objects import ConstValue, FunTable, Str
from mpy_cross.loader.release import RELEASES, Release
from mpy_cross.loader.writer import (
    ARCH_FLAGS_BIT,
    TAG_BYTES,
    TAG_ELLIPSIS,
    TAG_FALSE,
    TAG_FUN_TABLE,
    TAG_NONE,
    TAG_STR,
    TAG_TRUE,
    TAG_TUPLE,
)

TUPLE_DEPTH_MAX = 200
"""Deepest nesting of constant tuples."""


def newest(sub_version: int | None, arch_flags: bool) -> Release | None:
    """The newest release of version 6 with that sub-version (None: any) and, if wanted, flags of
    the architecture."""
    for release in reversed(RELEASES.values()):
        if (
            release.mpy_version == 6
            and (sub_version is None or release.mpy_sub_version == sub_version)
            and (release.arch_flags or not arch_flags)
        ):
            return release
    return None


@final
class Reader6:
    """Reads what follows the header's first four bytes."""

    __slots__ = ("_in", "_release")

    def __init__(self, source: Input, release: Release | None) -> None:
        self._in = source
        self._release = release

    def read(self, feature: int) -> MpyFile:
        flagged = bool(feature & ARCH_FLAGS_BIT)
        arch = feature >> 2 & 0x2F
        release = self._release
        if release is None:
            release = newest(feature & 3 if arch else None, flagged)
            if release is None:
                raise MpyError(2, "feature flags", f"0x{feature:02x}: no release writes this")
        elif arch and feature & 3 != release.mpy_sub_version:
            raise MpyError(
                2,
                "feature flags",
                f"machine code of .mpy version 6.{feature & 3}, but release {release.version} has "
                f"6.{release.mpy_sub_version}",
            )
        arch_flags = self._in.uint("architecture flags") if flagged else 0
        n_qstrs = self._in.count("number of qstrs")
        n_objects = self._in.count("number of objects")
        qstrs = [self._qstr6(i) for i in range(n_qstrs)]
        objects = [self._object6(f"object {i}") for i in range(n_objects)]
        root = self._in.codes(self._code6)
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
        start = self._in.pos
        word = self._in.raw_uint(field)
        if word & 1:
            self._in.mark(start, f"{field}, static")
            return static_name(word >> 1, start, field)
        self._in.mark(start, f"{field} length")
        length = self._in.length(word >> 1, start, f"{field} length")
        name = self._in.take(length, field)
        self._terminator(field)
        return name

    def _terminator(self, field: str) -> None:
        pos = self._in.pos
        if self._in.byte(f"{field} terminator") != 0:
            raise MpyError(pos, field, f"ends with 0x{self._in.data[pos]:02x} instead of 0")

    def _object6(self, field: str, depth: int = 0) -> ConstValue:
        start = self._in.pos
        tag = self._in.byte(f"{field} type")
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
            count = self._in.count(f"{field} length")
            return tuple([self._object6(f"{field}[{i}]", depth + 1) for i in range(count)])
        if tag > TAG_TUPLE:
            raise MpyError(start, field, f"type {tag} is not known")
        length_start = self._in.pos
        length = self._in.uint(f"{field} length")
        self._in.length(length, length_start, f"{field} length")
        text = self._in.take(length, field)
        if tag == TAG_STR:
            self._terminator(field)
            return Str(text)
        if tag == TAG_BYTES:
            self._terminator(field)
            return text
        return parse_number(tag, text, length_start, field)

    def _code6(self, field: str) -> tuple[RawCode, int]:
        """A code object without its children, and how many it has."""
        start = self._in.pos
        word = self._in.uint(f"{field}, kind and length")
        kind = word & 3
        length = self._in.length(word >> 3, start, f"{field} length")
        code_start = self._in.pos
        self._in.pos += length
        raw = RawCode(CodeKind(kind), self._in.data[code_start : self._in.pos])
        if self._in.spans is not None and length:
            self._in.spans.append(Span(code_start, self._in.pos, f"{field}, function data", raw, 0))
        if kind == CodeKind.NATIVE:
            raw.prelude_offset = self._in.uint(f"{field}, prelude offset")
        elif kind != CodeKind.BYTECODE:
            self._in.scope(raw, field)
            if kind == CodeKind.VIPER:
                rodata = 0
                rodata_start = self._in.pos
                if raw.scope_flags & NativeFlag.RODATA:
                    rodata = self._in.uint(f"{field}, rodata length")
                if raw.scope_flags & NativeFlag.BSS:
                    raw.bss_size = self._in.uint(f"{field}, bss length")
                self._in.length(rodata, rodata_start, f"{field}, rodata length")
                raw.rodata = self._in.take(rodata, f"{field}, rodata")
        n_children = self._in.count(f"{field}, number of children") if word & 4 else 0
        return raw, n_children
