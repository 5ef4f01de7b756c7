"""The first difference of two .mpy files, in words."""

from __future__ import annotations

from mpy_cross.loader.decode import FunctionInfo
from mpy_cross.loader.dump import arch_name
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
from mpy_cross.loader.mpyfile import CodeKind, MpyFile
from mpy_cross.loader.objects import ConstValue, FileComplex, FileFloat, strict_key
from mpy_cross.loader.reader import read, read_annotated


def first_difference(a: bytes, b: bytes) -> str | None:
    """What differs first, or None if the files are equal byte for byte.

    Header and tables come first, then code; for version 6 the first instruction that differs is
    named as well where a table differs, names and constants compared by what they are and not by
    their number.  Raises MpyError if either is no .mpy file.
    """
    if a == b:
        return None
    mpy_a = read(a)
    mpy_b = read(b)
    tables = _header(mpy_a, mpy_b) or _tables(mpy_a, mpy_b)
    if tables is not None and mpy_a.release.mpy_version != mpy_b.release.mpy_version:
        return tables
    code = _code(mpy_a, mpy_b)
    if tables is None:
        return code or _bytes(a, b)
    return tables if code is None else f"{tables}; {code}"


def _differ(field: str, in_a: object, in_b: object) -> str:
    return f"{field}: {in_a} in A, {in_b} in B"


def _header(a: MpyFile, b: MpyFile) -> str | None:
    if a.release.mpy_version != b.release.mpy_version:
        return _differ("version", a.release.mpy_version, b.release.mpy_version)
    yes_no = ("no", "yes")
    for field, in_a, in_b in (
        ("unicode", yes_no[a.unicode], yes_no[b.unicode]),
        ("cached lookups", yes_no[a.cache_lookup_bc], yes_no[b.cache_lookup_bc]),
        ("native code", arch_name(a), arch_name(b)),
        ("native code sub-version", a.release.mpy_sub_version, b.release.mpy_sub_version),
        ("architecture flags", f"0x{a.arch_flags:x}", f"0x{b.arch_flags:x}"),
        ("small int bits", a.small_int_bits, b.small_int_bits),
        ("qstr window", a.qstr_window, b.qstr_window),
    ):
        if in_a != in_b:
            return _differ(field, in_a, in_b)
    return None


def _tables(a: MpyFile, b: MpyFile) -> str | None:
    if a.release.mpy_version != 6:
        return None  # version 5 has names where they are used
    for i in range(max(len(a.qstrs), len(b.qstrs))):
        name_a = string_text(a.qstrs[i]) if i < len(a.qstrs) else "none"
        name_b = string_text(b.qstrs[i]) if i < len(b.qstrs) else "none"
        if i >= len(a.qstrs) or i >= len(b.qstrs) or a.qstrs[i] != b.qstrs[i]:
            return _differ(f"qstr {i}", name_a, name_b)
    return _constants("object", a.objects, b.objects)


def _same(a: ConstValue, b: ConstValue) -> bool:
    if isinstance(a, (FileFloat, FileComplex)) and isinstance(b, (FileFloat, FileComplex)):
        return type(a) is type(b) and a.text == b.text
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return strict_key(a) == strict_key(b)


def _constants(field: str, a: list[ConstValue], b: list[ConstValue]) -> str | None:
    for i, (in_a, in_b) in enumerate(zip(a, b, strict=False)):
        if not _same(in_a, in_b):
            return _differ(f"{field} {i}", _typed(in_a), _typed(in_b))
    if len(a) != len(b):
        i = min(len(a), len(b))
        text_a = _typed(a[i]) if i < len(a) else "none"
        text_b = _typed(b[i]) if i < len(b) else "none"
        return _differ(f"{field} {i}", text_a, text_b)
    return None


def _typed(value: ConstValue) -> str:
    return f"{const_type(value)} {const_text(value)}"


def _code(a: MpyFile, b: MpyFile) -> str | None:
    items_a = code_items(a)
    items_b = code_items(b)
    for item_a, item_b in zip(items_a, items_b, strict=False):
        difference = _item(a, item_a, b, item_b)
        if difference is not None:
            return f"{_place(item_a)}, {difference}"
    if len(items_a) != len(items_b):
        return _differ("number of code objects", len(items_a), len(items_b))
    return None


def _place(item: CodeItem) -> str:
    if not item.path:
        return "module"
    return item.title if item.info is None else f"function {item.title}"


def _item(a: MpyFile, item_a: CodeItem, b: MpyFile, item_b: CodeItem) -> str | None:
    raw_a = item_a.raw
    raw_b = item_b.raw
    if raw_a.kind != raw_b.kind:
        return _differ("kind of code", raw_a.kind.name.lower(), raw_b.kind.name.lower())
    difference = None
    if item_a.info is not None and item_b.info is not None:
        difference = _facts(a, item_a.info, b, item_b.info)
    difference = (
        difference
        or _instructions(a, item_a, b, item_b)
        or _lines(item_a.info, item_b.info)
        or _constants("constant", raw_a.constants, raw_b.constants)
        or _native(item_a, item_b)
    )
    if difference is None and len(raw_a.children) != len(raw_b.children):
        difference = _differ("number of children", len(raw_a.children), len(raw_b.children))
    return difference


def _facts(a: MpyFile, info_a: FunctionInfo, b: MpyFile, info_b: FunctionInfo) -> str | None:
    """Name, source file and arguments; then the numbers of the prelude."""
    one = info_a.prelude
    two = info_b.prelude
    for field, in_a, in_b in (
        ("name", _name(a, info_a.name), _name(b, info_b.name)),
        ("source file", _name(a, info_a.source_file), _name(b, info_b.source_file)),
        ("positional arguments", one.n_pos_args, two.n_pos_args),
        ("keyword-only arguments", one.n_kwonly_args, two.n_kwonly_args),
        ("default arguments", one.n_def_pos_args, two.n_def_pos_args),
        ("argument names", _names(a, info_a), _names(b, info_b)),
        ("flags", flags_text(one.flags), flags_text(two.flags)),
        ("state slots", one.n_state, two.n_state),
        ("exception handlers", one.n_exc_stack, two.n_exc_stack),
        ("cells", info_a.cells, info_b.cells),
    ):
        if in_a != in_b:
            return _differ(field, in_a, in_b)
    return None


def _name(mpy: MpyFile, index: int) -> str:
    return name_text(mpy.qstrs[index])


def _names(mpy: MpyFile, info: FunctionInfo) -> str:
    return "(" + ", ".join(_name(mpy, index) for index in info.arg_names) + ")"


def _instructions(a: MpyFile, item_a: CodeItem, b: MpyFile, item_b: CodeItem) -> str | None:
    steps_a = item_instructions(a, item_a)
    steps_b = item_instructions(b, item_b)
    for i in range(max(len(steps_a), len(steps_b))):
        text_a = instruction_text(a, item_a, steps_a[i]) if i < len(steps_a) else "the end"
        text_b = instruction_text(b, item_b, steps_b[i]) if i < len(steps_b) else "the end"
        if text_a != text_b:
            line = line_of(item_a, steps_a[i][0]) if i < len(steps_a) else 0
            where = f" (line {line})" if line else ""
            return _differ(f"instruction {i}{where}", text_a, text_b)
    return None


def _lines(info_a: FunctionInfo | None, info_b: FunctionInfo | None) -> str | None:
    if info_a is None or info_b is None or info_a.line_table == info_b.line_table:
        return None
    ends = (-1, 0)
    size = max(len(info_a.lines), len(info_b.lines))
    for i in range(size):
        in_a = info_a.lines[i] if i < len(info_a.lines) else ends
        in_b = info_b.lines[i] if i < len(info_b.lines) else ends
        if in_a != in_b:
            return _differ(f"line table, entry {i}", _line(in_a), _line(in_b))
    return _differ("line table", info_a.line_table.hex(" "), info_b.line_table.hex(" "))


def _line(entry: tuple[int, int]) -> str:
    return "none" if entry[0] < 0 else f"line {entry[1]} at {entry[0]}"


def _native(item_a: CodeItem, item_b: CodeItem) -> str | None:
    """The fields of machine code, then the bytes of the function data."""
    a = item_a.raw
    b = item_b.raw
    for field, in_a, in_b in (
        ("prelude offset", a.prelude_offset, b.prelude_offset),
        ("scope flags", a.scope_flags, b.scope_flags),
        ("assembler arguments", a.n_pos_args, b.n_pos_args),
        ("assembler types", a.type_sig, b.type_sig),
        ("bss size", a.bss_size, b.bss_size),
        ("rodata", a.rodata.hex(), b.rodata.hex()),
        ("relocations", a.relocations.hex(), b.relocations.hex()),
    ):
        if in_a != in_b:
            return _differ(field, in_a, in_b)
    if a.kind == CodeKind.BYTECODE or a.code == b.code:
        return None
    for i, (in_a, in_b) in enumerate(zip(a.code, b.code, strict=False)):
        if in_a != in_b:
            return _differ(f"machine code byte {i}", f"0x{in_a:02x}", f"0x{in_b:02x}")
    return _differ("length of machine code", len(a.code), len(b.code))


def _bytes(a: bytes, b: bytes) -> str:
    """The same in every field that was compared: name the first byte and its field."""
    offset = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    field = "end of file"
    for span in read_annotated(a)[1]:
        if span.start <= offset < span.end:
            field = span.field
    in_a = f"0x{a[offset]:02x}" if offset < len(a) else "the end"
    in_b = f"0x{b[offset]:02x}" if offset < len(b) else "the end"
    return _differ(f"byte 0x{offset:x} ({field})", in_a, in_b)
