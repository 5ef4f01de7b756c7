"""Rows of the instruction tables as calls in source text, and what became of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from mpy_cross.assembler import riscv, thumb, xtensa
from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.isa import Row
from mpy_cross.assembler.kinds import MINUS_ZERO, Coded, Label, Number
from mpy_cross.assembler.table import Table
from mpy_cross.driver import compile_source
from mpy_cross.emitters.inline.rows import KEYWORDS
from mpy_cross.errors import CompileError
from mpy_cross.loader.mpyfile import CodeKind, RawCode
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import get
from mpy_cross.options import CompileOptions
from tests.assembler.sampling import operand_tuples

RELEASE: Final = "1.29"
LABEL: Final = "here"
MARK: Final = 0x5AA55AA5


class Target(NamedTuple):
    """An architecture with an inline assembler."""

    arch: str
    table: Table
    decorator: str
    parameter: str
    features: frozenset[str]
    flags: int = 0

    @property
    def rows(self) -> list[Row]:
        return [item for item in self.table.rows if item.features <= self.features]


TARGETS: Final = {one.arch: one for one in (
    *(Target(arch, thumb.TABLE, "asm_thumb", "r0", ARCHES[arch].features)
      for arch in ("armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp")),
    *(Target(arch, xtensa.TABLE, "asm_xtensa", "a2", ARCHES[arch].features)
      for arch in ("xtensa", "xtensawin")),
    Target("rv32imc", riscv.TABLE, "asm_rv32", "a0",
           ARCHES["rv32imc"].features | {"zba", "zcmp"}, 3),
)}


def call_of(item: Row, values: tuple[int, ...]) -> str:
    """The printed instruction, rewritten as a call."""
    text = item.text(values, 0, lambda address: LABEL)
    mnemonic, _, operands = text.partition(" ")
    name = mnemonic.replace(".", "_")
    if "!" in operands:
        name += "_pre" if operands.endswith("]!") else "_wb"
    if name in KEYWORDS:
        name += "_"
    operands = re.sub(r"\b(lsl|lsr|asr|ror) (#?\d+)", r"\1(\2)", operands)
    operands = re.sub(r"\b(or|if)\b", r"\1_", operands)
    return f"{name}({operands.replace('!', '').replace('#', '')})"


def samples(item: Row, count: int) -> Iterator[tuple[int, ...]]:
    """Operand values that can be written in the source."""
    for values in operand_tuples(item, count):
        if MINUS_ZERO not in values:  # "#-0"
            yield values


def has_label(item: Row) -> bool:
    return any(isinstance(operand.kind, Label) for operand in item.operands)


def source_of(target: Target, lines: list[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"@micropython.{target.decorator}\ndef f({target.parameter}):\n{body}"


def options_of(target: Target, strict: bool) -> CompileOptions:
    return CompileOptions(release=get(RELEASE), arch=target.arch, arch_flags=target.flags,
                          strict=strict)


def compiled(target: Target, lines: list[str], strict: bool = False) -> bytes:
    """The machine code of a function with these lines.  Raises CompileError."""
    source = source_of(target, lines).encode()
    mpy = read(compile_source(source, "inline.py", options_of(target, strict)))
    codes = [raw for raw in _walk(mpy.root) if raw.kind is CodeKind.ASM]
    assert len(codes) == 1
    return codes[0].code


def _walk(raw: RawCode) -> Iterator[RawCode]:
    yield raw
    for child in raw.children:
        yield from _walk(child)


def between(target: Target, lines: list[str], strict: bool = False) -> bytes:
    """The bytes of these lines alone."""
    mark = f"data(4, {MARK:#x})"
    code = compiled(target, [mark, *lines, mark], strict)
    data = MARK.to_bytes(4, "little")
    first, last = code.index(data), code.rindex(data)
    assert first < last
    return code[first + 4:last]


def error_of(target: Target, lines: list[str], strict: bool = False) -> CompileError | None:
    try:
        compiled(target, lines, strict)
    except CompileError as error:
        return error
    return None


def beyond(item: Row, number: int) -> list[int]:
    """The integers next to the range of an operand, that do not fit; none for other operands."""
    kind = item.operands[number].kind
    if isinstance(kind, Number) and item.operands[number].shown:
        return [kind.low - kind.scale, kind.high + kind.scale, *kind.excluded,
                *([kind.low + 1] if kind.scale > 1 else [])]
    if isinstance(kind, Coded) and kind.form == "imm":
        values = [value for value in kind.samples() if value != MINUS_ZERO]
        near = (min(values) - 1, max(values) + 1)
        return [value for value in near if kind.put(value) < 0]
    return []
