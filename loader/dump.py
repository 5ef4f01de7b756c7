"""A .mpy file as text: header, tables, code with source lines, and the file byte by byte."""

from __future__ import annotations

from itertools import pairwise

from mpy_cross.loader.decode import Instruction
from mpy_cross.loader.input import Span
from mpy_cross.loader.listing import (
    CodeItem,
    code_items,
    const_text,
    const_type,
    flags_text,
    instruction_text,
    item_instructions,
    line_of,
    name_text,
    string_text,
)
from mpy_cross.loader.machine_code import machine_lines
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, NativeFlag, RawCode
from mpy_cross.loader.reader import read_annotated
from mpy_cross.loader.release import RELEASES, Release
from mpy_cross.loader.static_qstrs import STATIC_NUMBERS

_ROW = 16
"""Bytes of one row of a hex dump."""

_KINDS = {
    CodeKind.BYTECODE: "bytecode",
    CodeKind.NATIVE: "native",
    CodeKind.VIPER: "viper",
    CodeKind.ASM: "assembler",
}


def dump_file(data: bytes, release: Release | None = None, *, hex_dump: bool = False) -> str:
    """The file in words, ending with a newline; with `hex_dump` followed by all its bytes.

    Raises MpyError.
    """
    mpy, spans = read_annotated(data, release)
    items = code_items(mpy)
    lines = [f"{len(data)} bytes"]
    lines += header_lines(mpy)
    lines += _table_lines(mpy)
    for item in items:
        lines.append("")
        lines += _item_lines(mpy, item)
    if hex_dump:
        lines.append("")
        lines += hex_lines(data, mpy, spans, items)
    return "\n".join(lines) + "\n"


def dump_machine_code(mpy: MpyFile) -> str:
    """The functions that are machine code, with source lines if the compiler has told them.

    Raises MpyError.
    """
    parts = [
        "\n".join(_item_lines(mpy, item)) + "\n"
        for item in code_items(mpy)
        if item.raw.kind != CodeKind.BYTECODE
    ]
    return "\n".join(parts) if parts else "no machine code\n"


def writers(mpy: MpyFile) -> str:
    """The releases that write files with this header, as a range."""
    names = [
        release.version
        for release in RELEASES.values()
        if release.mpy_version == mpy.release.mpy_version
        and (not mpy.arch or release.mpy_sub_version == mpy.release.mpy_sub_version)
        and (not mpy.arch_flags or release.arch_flags)
    ]
    if not names:
        return "no release"
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def arch_name(mpy: MpyFile) -> str:
    """The architecture of the file, or its number if the release knows no such."""
    archs = mpy.release.archs
    return archs[mpy.arch] if mpy.arch < len(archs) else f"number {mpy.arch}"


def header_lines(mpy: MpyFile) -> list[str]:
    version = str(mpy.release.mpy_version)
    if mpy.release.mpy_version == 6 and mpy.arch:
        version += f".{mpy.release.mpy_sub_version}"
    lines = [
        "header",
        f"  version         {version} (MicroPython {writers(mpy)})",
    ]
    if mpy.release.mpy_version == 5:
        features = [
            name
            for name, on in (("unicode", mpy.unicode), ("cached lookups", mpy.cache_lookup_bc))
            if on
        ]
        lines.append(f"  features        {', '.join(features) or 'none'}")
        lines.append(f"  qstr window     {mpy.qstr_window}")
    arch = arch_name(mpy)
    if mpy.arch_flags:
        arch += f", flags 0x{mpy.arch_flags:x}"
    lines.append(f"  native code     {arch}")
    lines.append(f"  small int bits  {mpy.small_int_bits}")
    return lines


def _table_lines(mpy: MpyFile) -> list[str]:
    title = "qstr table" if mpy.release.mpy_version == 6 else "names, in order of first use"
    lines = [f"{title} ({len(mpy.qstrs)})"]
    for i, name in enumerate(mpy.qstrs):
        number = STATIC_NUMBERS.get(name)
        static = f"  (static {number})" if number is not None else ""
        lines.append(f"  {i:4}  {string_text(name)}{static}")
    if mpy.release.mpy_version == 6:
        lines.append(f"object table ({len(mpy.objects)})")
        for i, value in enumerate(mpy.objects):
            lines.append(f"  {i:4}  {const_type(value):8} {const_text(value)}")
    return lines


def _item_lines(mpy: MpyFile, item: CodeItem) -> list[str]:
    raw = item.raw
    where = f", code {item.path}" if item.path else ""
    lines = [f"{item.title} ({_KINDS[raw.kind]}{where}, {len(raw.code)} bytes)"]
    info = item.info
    if info is not None:
        prelude = info.prelude
        lines.append(f"  source file     {name_text(mpy.qstrs[info.source_file])}")
        lines.append(
            f"  state slots     {prelude.n_state}, exception handlers {prelude.n_exc_stack}"
        )
        lines.append(f"  flags           {flags_text(prelude.flags)}")
        lines.append(
            f"  arguments       {prelude.n_pos_args} positional ({prelude.n_def_pos_args} with "
            f"default), {prelude.n_kwonly_args} keyword-only"
        )
        if info.arg_names:
            names = ", ".join(name_text(mpy.qstrs[name]) for name in info.arg_names)
            lines.append(f"  argument names  {names}")
        if info.cells:
            lines.append(f"  cells           {', '.join(map(str, info.cells))}")
    lines += _native_lines(mpy, raw)
    if raw.constants:
        lines.append("  constants")
        for i, value in enumerate(raw.constants):
            lines.append(f"    {i:4}  {const_type(value):8} {const_text(value)}")
    if raw.kind == CodeKind.BYTECODE:
        lines += _code_lines(mpy, item)
    else:
        lines.append("  machine code")
        lines += [f"    {row}" for row in machine_lines(mpy, raw)]
    return lines


def _native_lines(mpy: MpyFile, raw: RawCode) -> list[str]:
    lines = []
    if raw.kind == CodeKind.NATIVE:
        lines.append(f"  prelude at      {raw.prelude_offset}")
    elif raw.kind != CodeKind.BYTECODE:
        lines.append(f"  scope flags     0x{raw.scope_flags:x}")
    if raw.kind == CodeKind.ASM:
        lines.append(f"  arguments       {raw.n_pos_args}, types 0x{raw.type_sig:x}")
    if raw.scope_flags & NativeFlag.RODATA:
        lines.append(f"  rodata          {len(raw.rodata)} bytes")
    if raw.scope_flags & NativeFlag.BSS:
        lines.append(f"  bss             {raw.bss_size} bytes")
    if raw.scope_flags & NativeFlag.RELOC:
        lines.append(f"  relocations     {len(raw.relocations)} bytes")
    for link, name in raw.qstr_links:
        lines.append(
            f"  qstr link       {link >> 2} (kind {link & 3}): {name_text(mpy.qstrs[name])}"
        )
    return lines


def _code_lines(mpy: MpyFile, item: CodeItem) -> list[str]:
    if item.info is None:
        return []
    base = item.info.prelude.code_start
    lines = ["  code"]
    starts = {offset + base: line for offset, line in item.info.lines}
    line = 1 if starts else 0
    shown = 0
    for step in item_instructions(mpy, item):
        line = starts.get(step[0], line)
        margin = f"{line:6}" if line != shown else " " * 6
        shown = line
        lines.append(f"  {margin} {step[0] - base:5}  {instruction_text(mpy, item, step)}")
    return lines


# -------------------------------------------------------------------------------------- hex dump


def _plain_hex(data: bytes, offset: int) -> list[str]:
    return [f"{offset + i:06x}  {data[i : i + _ROW].hex(' ')}" for i in range(0, len(data), _ROW)]


def hex_lines(data: bytes, mpy: MpyFile, spans: list[Span], items: list[CodeItem]) -> list[str]:
    """Every byte of the file, with the field that it belongs to.  Raises MpyError."""
    by_code = {id(item.raw): item for item in items}
    steps: dict[int, dict[int, Instruction]] = {}
    lines = ["bytes"]
    for span in spans:
        if span.code is None:
            lines += _hex_rows(data, span.start, span.end, span.field)
            continue
        item = by_code[id(span.code)]
        known = steps.get(id(span.code))
        if known is None:
            known = {step[0]: step for step in item_instructions(mpy, item)}
            steps[id(span.code)] = known
        if mpy.release.mpy_version == 5:
            step = known.get(span.code_offset)
            text = span.field if step is None else _step_text(mpy, item, step)
            lines += _hex_rows(data, span.start, span.end, text)
        else:
            for start, end, text in _data_parts(mpy, item, span, known):
                lines += _hex_rows(data, start, end, text)
    return lines


def _step_text(mpy: MpyFile, item: CodeItem, step: Instruction) -> str:
    line = line_of(item, step[0])
    where = f"  (line {line})" if line else ""
    return f"{item.title}: {instruction_text(mpy, item, step)}{where}"


def _data_parts(
    mpy: MpyFile, item: CodeItem, span: Span, known: dict[int, Instruction]
) -> list[tuple[int, int, str]]:
    """The function data of version 6, cut into (start, end, field) of the file."""
    base = span.start
    info = item.info
    if info is None or item.raw.kind != CodeKind.BYTECODE:
        return [(span.start, span.end, f"{item.title}: machine code")]
    prelude = info.prelude
    lines_start = prelude.cells_start - len(info.line_table)
    cuts = [
        (0, prelude.info_start, "prelude"),
        (prelude.info_start, lines_start, "name and arguments"),
        (lines_start, prelude.cells_start, "line table"),
        (prelude.cells_start, prelude.code_start, "cells"),
    ]
    parts = [
        (base + start, base + end, f"{item.title}: {text}")
        for start, end, text in cuts
        if end > start
    ]
    offsets = [*sorted(known), span.end - base]
    for start, end in pairwise(offsets):
        parts.append((base + start, base + end, _step_text(mpy, item, known[start])))
    return parts


def _hex_rows(data: bytes, start: int, end: int, text: str) -> list[str]:
    width = 3 * _ROW
    lines = []
    for pos in range(start, end, _ROW):
        row = data[pos : min(pos + _ROW, end)].hex(" ")
        lines.append(f"  {pos:06x}  {row:{width}}{text}".rstrip())
        text = ""
    return lines
