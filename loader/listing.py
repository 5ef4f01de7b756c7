"""Code objects in words: paths, constants, instructions.  Shared by dump and diff."""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType
from typing import final

from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.decode import (
    FunctionInfo,
    Instruction,
    child_index,
    const_index,
    function_info,
    instructions,
)
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.numtext import int_text
from mpy_cross.loader.objects import ConstValue, FileComplex, FileFloat, FunTable, Str
from mpy_cross.loader.opcodes import Operand
from mpy_cross.loader.ops import ScopeFlag

TEXT_MAX = 200
"""Longest text of a constant that is shown whole."""

_FLAG_NAMES: tuple[tuple[int, str], ...] = (
    (ScopeFlag.GENERATOR, "generator"),
    (ScopeFlag.VARKEYWORDS, "takes **"),
    (ScopeFlag.VARARGS, "takes *"),
    (ScopeFlag.DEFKWARGS, "keyword defaults"),
)


def name_text(name: bytes) -> str:
    """A name as it would stand in source; what is not printable is escaped."""
    text = name.decode("utf-8", "backslashreplace")
    return text if text.isprintable() and text else repr(text)


def string_text(data: bytes) -> str:
    """A string literal, shortened if long."""
    try:
        text = repr(data.decode("utf-8"))
    except UnicodeDecodeError:
        text = repr(data)
    return _shorten(text, f"{len(data)} bytes")


def _shorten(text: str, size: str) -> str:
    return text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX - 20]}... ({size})"


def const_text(value: ConstValue) -> str:
    """A constant as its literal, shortened if long."""
    if isinstance(value, Str):
        return string_text(value.data)
    if isinstance(value, bytes):
        return _shorten(repr(value), f"{len(value)} bytes")
    if isinstance(value, EllipsisType):
        return "..."
    if isinstance(value, FunTable):
        return "<function table>"
    if isinstance(value, (FileFloat, FileComplex)):
        return value.text.decode("ascii")
    if isinstance(value, tuple):
        items = ", ".join(const_text(item) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, int) and not isinstance(value, bool):
        text = int_text(value).decode("ascii")
        return _shorten(text, f"{len(text)} characters")
    return repr(value)


def const_type(value: ConstValue) -> str:
    """The type of a constant, in MicroPython's words."""
    if isinstance(value, float):
        return "float"
    if isinstance(value, complex):
        return "complex"
    if isinstance(value, Str):
        return "str"
    if isinstance(value, FunTable):
        return "table"
    if value is None:
        return "None"
    return "ellipsis" if isinstance(value, EllipsisType) else type(value).__name__


@final
@dataclass(slots=True, eq=False)
class CodeItem:
    """One code object of a file, with its place."""

    raw: RawCode
    path: str
    """Such as "0.2": the third child of the module's first child; "" for the module."""
    title: str
    """Such as "A.f"; without a name "code 0.2"."""
    depth: int
    info: FunctionInfo | None


def code_items(mpy: MpyFile) -> list[CodeItem]:
    """All code objects, each before its children.  Raises MpyError."""
    items: list[CodeItem] = []
    todo: list[tuple[RawCode, str, str, int]] = [(mpy.root, "", "", 0)]
    while todo:
        raw, path, prefix, depth = todo.pop()
        info = function_info(mpy, raw)
        name = f"code {path}" if info is None else name_text(mpy.qstrs[info.name])
        title = name if depth <= 1 else f"{prefix}.{name}"
        if len(title) > 120:
            title = f"...{title[-100:]}"
        items.append(CodeItem(raw, path, title, depth, info))
        stem = f"{path}." if path and len(path) < 60 else f"...{path[-40:]}." if path else ""
        for i in range(len(raw.children) - 1, -1, -1):
            todo.append((raw.children[i], f"{stem}{i}", title, depth + 1))
    return items


def item_instructions(mpy: MpyFile, item: CodeItem) -> list[Instruction]:
    """The instructions of a bytecode item; empty for machine code.  Raises MpyError."""
    if item.raw.kind != CodeKind.BYTECODE or item.info is None:
        return []
    return instructions(mpy, item.raw.code, item.info.prelude.code_start)


def line_of(item: CodeItem, offset: int) -> int:
    """Source line of the instruction at `offset` of the function data; 0 without line table."""
    if item.info is None or not item.info.lines:
        return 0
    offset -= item.info.prelude.code_start
    line = 1
    for start, here in item.info.lines:
        if start > offset:
            break
        line = here
    return line


def _qstr(mpy: MpyFile, index: int) -> str:
    return name_text(mpy.qstrs[index]) if index < len(mpy.qstrs) else f"<no qstr {index}>"


def child_text(mpy: MpyFile, raw: RawCode, index: int) -> str:
    """The number of a child, and its name if the file has one."""
    if not 0 <= index < len(raw.children):
        return f"<no code {index}>"
    try:
        info = function_info(mpy, raw.children[index])
    except MpyError:
        info = None
    return f"{index}" if info is None else f"{index} ({_qstr(mpy, info.name)})"


def instruction_text(mpy: MpyFile, item: CodeItem, step: Instruction) -> str:
    """An instruction with its operands in words; jump targets count from the first instruction."""
    _, opcode, operand, extra = step
    row = bc.OPCODES[opcode]
    if row is None or item.info is None:
        return f"<0x{opcode:02x}>"
    base = item.info.prelude.code_start
    kind = row.operand
    if kind == Operand.NONE:
        local = -1
        if bc.LOAD_FAST_MULTI <= opcode < bc.STORE_FAST_MULTI + bc.FAST_MULTI_COUNT:
            local = opcode & 0x0F
        return row.name + _local_name(mpy, item, local)
    if kind == Operand.QSTR:
        if opcode == bc.LOAD_CONST_STRING:
            known = operand < len(mpy.qstrs)
            return f"{row.name} {string_text(mpy.qstrs[operand]) if known else operand}"
        return f"{row.name} {_qstr(mpy, operand)}"
    if kind == Operand.OBJ:
        index = const_index(mpy, item.raw, operand)
        table = item.raw.constants if mpy.release.mpy_version == 5 else mpy.objects
        known = 0 <= index < len(table)
        return f"{row.name} {const_text(table[index]) if known else f'<no constant {index}>'}"
    if kind in (Operand.CHILD, Operand.CHILD_BYTE):
        closed = f", {extra} closed over" if kind == Operand.CHILD_BYTE else ""
        index = child_index(mpy, item.raw, operand)
        return f"{row.name} {child_text(mpy, item.raw, index)}{closed}"
    if kind >= Operand.JUMP:
        text = f"{row.name} to {operand - base}"
        if kind == Operand.JUMP_BYTE:
            text += f", leaving {extra & 0x7F} blocks"
            if extra & 0x80:
                text += " and a for loop"
        return text
    if opcode in _CALLS:
        text = f"{row.name} {operand & 0xFF} positional"
        return f"{text}, {operand >> 8} keyword" if operand >> 8 else text
    if opcode == bc.UNPACK_EX:
        return f"{row.name} {operand & 0xFF} before, {operand >> 8} after"
    if opcode == bc.STORE_COMP:
        return f"{row.name} {('list', 'dict', 'set', '?')[operand & 3]} at depth {operand >> 2}"
    if opcode in _LOCALS:
        return f"{row.name} {operand}{_local_name(mpy, item, operand)}"
    return f"{row.name} {operand}"


_CALLS = frozenset(
    (bc.CALL_FUNCTION, bc.CALL_FUNCTION_VAR_KW, bc.CALL_METHOD, bc.CALL_METHOD_VAR_KW)
)
_LOCALS = frozenset(
    (
        bc.LOAD_FAST_N,
        bc.LOAD_DEREF,
        bc.STORE_FAST_N,
        bc.STORE_DEREF,
        bc.DELETE_FAST,
        bc.DELETE_DEREF,
    )
)


def _local_name(mpy: MpyFile, item: CodeItem, local: int) -> str:
    """ " (name)" of a local that is an argument, else ""."""
    if item.info is None or not 0 <= local < len(item.info.arg_names):
        return ""
    name = _qstr(mpy, item.info.arg_names[local])
    return "" if name == "*" else f" ({name})"  # a closed-over variable has no name


def flags_text(flags: int) -> str:
    """The flags of a prelude in words."""
    names = [name for bit, name in _FLAG_NAMES if flags & bit]
    return ", ".join(names) if names else "none"
