"""Machine code of a .mpy file as text: instructions, labels, and what compiled code refers to."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final, final

from mpy_cross.assembler.arch import ARCHES, Arch
from mpy_cross.assembler.text import Data, Line, code_lines, disassemble, label_names
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.listing import child_text, const_text, name_text
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.native_notes import Notes, Role
from mpy_cross.loader.objects import FunTable
from mpy_cross.loader.ops import ScopeFlag
from mpy_cross.loader.prelude import Prelude, decode_prelude

_BYTES_SHOWN: Final = 8
_TEXT_WIDTH: Final = 60
_DATA_ROW: Final = 8
_WORD: Final = 4
_LINK_KIND: Final = 3
_LINK_OBJECT: Final = 2


def machine_lines(mpy: MpyFile, raw: RawCode) -> list[str]:
    """One line per instruction of a code object that is no bytecode.

    Where the compiler has said which source line begins at an instruction (`RawCode.lines`), a line
    of its own says so.
    """
    names = mpy.release.archs
    arch = ARCHES.get(names[mpy.arch]) if mpy.arch < len(names) else None
    code = raw.code
    if arch is None:
        return [_row(line) for line in _data(code, 0, len(code))]
    if raw.kind == CodeKind.ASM:
        return _inline(raw, arch)
    prelude = _prelude_of(raw)
    start, end = _code_range(mpy, raw, arch, prelude)
    # A module written in C finds the tables in ways of its own.
    notes = None
    if not raw.scope_flags & (NativeFlag.RELOC | NativeFlag.RODATA | NativeFlag.BSS):
        is_generator = prelude is not None and bool(prelude.flags & ScopeFlag.GENERATOR)
        notes = Notes(
            arch, code, mpy.release.native_tables, is_generator, _Tables(mpy, raw, prelude)
        )
    links = {link >> 2: f"qstr {name_text(mpy.qstrs[entry])}" for link, entry in raw.qstr_links}
    return [
        *(_row(line) for line in _data(code, 0, start)),
        *_instructions(raw, start, end, arch, _linked_words(raw, arch), links, notes),
        *(_row(line) for line in _data(code, end, len(code))),
    ]


@final
class _Tables:
    """`Names` of one code object."""

    __slots__ = ("_first", "_mpy", "_raw")

    def __init__(self, mpy: MpyFile, raw: RawCode, prelude: Prelude | None) -> None:
        self._mpy, self._raw = mpy, raw
        # The constant table of version 5: names of arguments, function table, constants, children.
        self._first = 0 if prelude is None else prelude.n_args

    def function(self, index: int) -> str:
        names = self._mpy.release.fun_table
        return f"mp_fun_table[{index}]: {names[index]}" if index < len(names) else ""

    def qstr(self, index: int) -> str:
        qstrs = self._mpy.qstrs
        return f"qstr {name_text(qstrs[index])}" if 0 <= index < len(qstrs) else ""

    def object(self, index: int) -> str:
        objects = self._mpy.objects
        return f"object {index}: {const_text(objects[index])}" if index < len(objects) else ""

    def child(self, index: int) -> str:
        if index == len(self._raw.children):  # behind them is a pointer to the prelude
            return "prelude" if self._raw.kind == CodeKind.NATIVE else ""
        return f"code {child_text(self._mpy, self._raw, index)}"

    def constant(self, index: int) -> str:
        index -= self._first + 1
        constants = self._raw.constants
        if index < 0:
            return ""
        if index < len(constants):
            return f"constant {index}: {const_text(constants[index])}"
        return self.child(index - len(constants))

    def has_function_table(self, role: Role, index: int) -> bool:
        if role == Role.CONSTANTS:
            return index == self._first
        objects = self._mpy.objects
        return index < len(objects) and isinstance(objects[index], FunTable)


def _prelude_of(raw: RawCode) -> Prelude | None:
    if raw.kind != CodeKind.NATIVE or not 0 < raw.prelude_offset < len(raw.code):
        return None
    try:
        return decode_prelude(raw.code, raw.prelude_offset)
    except (IndexError, MpyError):
        return None


def _code_range(
    mpy: MpyFile, raw: RawCode, arch: Arch, prelude: Prelude | None
) -> tuple[int, int]:
    """Where the instructions are; data words stand before them, the prelude behind them."""
    if prelude is None:
        return 0, len(raw.code)
    end = raw.prelude_offset
    is_generator = prelude.flags & ScopeFlag.GENERATOR
    words = 2 if is_generator else int(mpy.release.native_prelude_word)
    return min(words * arch.word, end), end


def _linked_words(raw: RawCode, arch: Arch) -> dict[int, int]:
    """Words of data that a loader puts names into; elsewhere it changes instructions.

    ARMv6-M, which has no instruction with room for a name's number, reads it from such words.
    """
    if arch.family != "thumb" or "v7m" in arch.features:
        return {}
    words = {}
    for link, _ in raw.qstr_links:
        words[link >> 2] = _WORD
        if link & _LINK_KIND == _LINK_OBJECT:
            words[(link >> 2) + _WORD] = _WORD
    return words


def _constants(code: bytes, start: int, end: int, arch: Arch, table: Any) -> dict[int, int]:
    """Xtensa code begins with a jump over its table of constants."""
    if arch.family != "xtensa":
        return {}
    first = table.decode(code[:end], start, start, arch.features)
    if first is None or first.row.name != "j" or not start < first.target <= end:
        return {}
    data = dict.fromkeys(range(start + _WORD, first.target - _WORD + 1, _WORD), _WORD)
    data[start + first.size] = _WORD - first.size
    return data


def _instructions(
    raw: RawCode,
    start: int,
    end: int,
    arch: Arch,
    data: dict[int, int],
    links: dict[int, str],
    notes: Notes | None,
) -> Iterator[str]:
    # The tables of the architectures differ in type and agree in what is used here.
    table: Any = import_module(f"mpy_cross.assembler.{arch.table}").TABLE
    code = raw.code[start:end]
    data = data | _constants(raw.code, start, end, arch, table)
    found = list(disassemble(table, code, arch.features, start, data))
    said: dict[int, str] = {}
    places: dict[int, tuple[str, int]] = {}
    if notes is not None:
        notes.walk(found)
        said = notes.said
        for what, computed in (("to", notes.jumps), ("address of", notes.addresses)):
            places |= {at: (what, place) for at, place in computed.items()}
    labels = label_names(found, [place for _, place in places.values()])
    lines = dict(raw.lines)
    for line, _ in code_lines(table, found, code, start, labels):
        at = line.address
        if not line.data:
            yield line.text
            continue
        source = [lines.pop(place) for place in range(at, at + len(line.data)) if place in lines]
        if source:
            yield f"line {source[-1]}"
        remarks = [links[place] for place in range(at, at + len(line.data)) if place in links]
        if at in said:
            remarks.append(said[at])
        if at in places:
            what, place = places[at]
            remarks.append(f"{what} {labels.get(place, hex(place))}")
        yield _row(line, ", ".join(remarks))


# Behind its first five words of ARM code, which call it, an inline function for ARMv6 is Thumb.
_FROM_ARM: Final = 20
_THUMB: Final = ARCHES["armv6m"]


def _inline(raw: RawCode, arch: Arch) -> list[str]:
    """A function of the inline assembler."""
    if arch.family != "arm":
        return list(_instructions(raw, 0, len(raw.code), arch, {}, {}, None))
    start = min(_FROM_ARM, len(raw.code))
    return [
        *_instructions(raw, 0, start, arch, {}, {}, None),
        *_instructions(raw, start, len(raw.code), _THUMB, {}, {}, None),
    ]


def _row(line: Line, remark: str = "") -> str:
    text = f"{line.address:6}  {line.data.hex():<{2 * _BYTES_SHOWN}}  {line.text}"
    return f"{text:<{_TEXT_WIDTH}}  # {remark}" if remark else text


def _data(code: bytes, start: int, end: int) -> Iterator[Line]:
    """Bytes that are no code, a few in a line."""
    for offset in range(start, end, _DATA_ROW):
        data = code[offset : min(offset + _DATA_ROW, end)]
        yield Line(offset, data, Data(offset, data).text())
