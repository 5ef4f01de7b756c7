"""Bytes of machine code per function: of a .mpy file, and of a source at several opt levels."""

from __future__ import annotations

from typing import NamedTuple, final

from mpy_cross.errors import CompileError
from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.decode import child_index
from mpy_cross.loader.listing import CodeItem, code_items, item_instructions, name_text
from mpy_cross.loader.mpyfile import CodeKind, MpyFile
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import Release
from mpy_cross.target import OPTIMISED_LEVEL

KINDS = {CodeKind.BYTECODE: "bytecode", CodeKind.NATIVE: "native", CodeKind.VIPER: "viper",
         CodeKind.ASM: "asm"}
_MAKE = (bc.MAKE_FUNCTION, bc.MAKE_FUNCTION_DEFARGS, bc.MAKE_CLOSURE, bc.MAKE_CLOSURE_DEFARGS)
_STORE = (bc.STORE_NAME, bc.STORE_GLOBAL)


@final
class FunctionSize(NamedTuple):
    """path: such as "0.2"; name: what the function is stored as, if the file tells; kind:
    "bytecode", "native", "viper" or "asm"; size: bytes of its code, constants not counted."""

    path: str
    name: str
    kind: str
    size: int


def function_sizes(mpy: MpyFile) -> list[FunctionSize]:
    """All functions of a file, the module first.  Raises MpyError."""
    names: dict[int, str] = {}
    found = []
    for item in code_items(mpy):
        _name_children(mpy, item, names)
        title = item.title if item.info is not None else names.get(id(item.raw), item.title)
        found.append(FunctionSize(item.path, title, KINDS[item.raw.kind], len(item.raw.code)))
    return found


def _name_children(mpy: MpyFile, item: CodeItem, names: dict[int, str]) -> None:
    """Viper and assembler functions do not know their names; the code that makes them does."""
    made = -1
    for _, opcode, operand, _ in item_instructions(mpy, item):
        if opcode in _MAKE:
            made = child_index(mpy, item.raw, operand)
        elif opcode in _STORE and made >= 0:
            if made < len(item.raw.children):
                names[id(item.raw.children[made])] = name_text(mpy.qstrs[operand])
            made = -1


@final
class Comparison(NamedTuple):
    """One function: its size without optimisation, None if the reference refuses it, and at the
    levels asked for."""

    name: str
    kind: str
    baseline: int | None
    optimised: tuple[int, ...]


def compare_levels(
    source: bytes, name: str, release: Release, arch: str, levels: tuple[str, ...],
    emit: str = "bytecode",
) -> list[Comparison]:
    """The functions with machine code of a source text.  Raises CompileError, UnknownTarget."""
    import mpy_cross

    def sizes(level: str, only: tuple[str, ...] = (), comments: bool | None = None
              ) -> list[FunctionSize]:
        return function_sizes(read(mpy_cross.compile(
            source, name, release=release, arch=arch, opt=level, emit=emit, opt_only=only,
            comments=comments), release))

    # Functions that the reference refuses are optimised, one by one, so that no other is.
    refused: tuple[str, ...] = ()
    first: CompileError | None = None
    while True:
        try:
            baseline = sizes(OPTIMISED_LEVEL if refused else "0", refused, False)
            break
        except CompileError as error:
            first = first or error
            if "0" in levels or not error.block or error.block in refused:
                raise first from None
            refused += (error.block,)
    if first is not None and not {row.name for row in baseline}.issuperset(refused):
        raise first  # the file does not tell which function it is
    versions = [baseline, *(sizes(level) for level in levels)]
    return [
        Comparison(rows[0].name, rows[0].kind, None if rows[0].name in refused else rows[0].size,
                   tuple(row.size for row in rows[1:]))
        for rows in zip(*versions, strict=True) if rows[0].kind in ("native", "viper")
    ]


def size_lines(rows: list[Comparison], levels: tuple[str, ...]) -> list[str]:
    """A table, with the change at the last level, and a line for all together."""
    width = max(16, *(len(row.name) for row in rows))
    heads = ["opt=0", *(f"opt={level}" for level in levels)] if levels else ["bytes"]
    lines = [f"{'function':<{width}}  {'kind':<8}" + "".join(f"{head:>8}" for head in heads)]
    if len(rows) > 1:
        known = [row.baseline for row in rows if row.baseline is not None]
        sums = zip(*(row.optimised for row in rows), strict=True)
        rows = [*rows, Comparison("all", "", sum(known) if len(known) == len(rows) else None,
                                  tuple(map(sum, sums)))]
    for row in rows:
        before = "-" if row.baseline is None else row.baseline
        line = f"{row.name:<{width}}  {row.kind:<8}{before:>8}"
        line += "".join(f"{size:>8}" for size in row.optimised)
        if levels and row.baseline:
            line += f"{100 * (row.optimised[-1] - row.baseline) / row.baseline:>+7.0f} %"
        lines.append(line)
    return lines
