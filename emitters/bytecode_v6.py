"""Version 6 bytecode (from release 1.19): tables for the whole file, jumps of two or three bytes.

The choice of one jump can bring others into reach, and the line table depends on the outcome: jumps
are shortened until nothing changes.  Once short a jump stays short, so this ends where the
reference's repeated passes end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpy_cross.emitters.body import LONG_JUMP, Body, record
from mpy_cross.emitters.encoding import Encoder
from mpy_cross.emitters.native_functions import NativeCompiler
from mpy_cross.emitters.source_info import line_table, signature
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.emitters.tables import Tables
from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.ops import Emit, FunctionOps, ModuleOps
from mpy_cross.loader.prelude import encode_sizes
from mpy_cross.loader.release import Release
from mpy_cross.loader.varint import encode_uint

if TYPE_CHECKING:
    from mpy_cross.emitters.native.baseline import NativeCode

# Signed distances are stored in excess, one or two bytes long.
SHORT_EXCESS = 0x40
LONG_EXCESS = 0x4000


def emit_v6(
    module: ModuleOps,
    release: Release,
    small_int_bits: int,
    unicode: bool,
    lines: bool,
    arch: str,
    arch_flags: int,
    optimise: Optimise,
) -> MpyFile:
    """A whole file.  Raises NativeError for a function that cannot become machine code."""
    tables = Tables(module)
    compiled: dict[int, NativeCode] = {}
    compiler = NativeCompiler(module, release, tables, arch, arch_flags, optimise)
    for function in module.functions:
        if function.emit == Emit.BYTECODE:
            tables.use_identifiers(function)
        else:
            compiled[id(function)] = compiler.compile(function)
    operands = [b"" if index < 0 else encode_uint(index) for index in tables.name_index]
    const_operands = [encode_uint(index) for index in tables.const_index]
    ellipsis_operand = encode_uint(max(tables.ellipsis, 0))
    encoder = Encoder(operands, False, release.star_args_bitmap)
    raw_codes: dict[int, RawCode] = {}
    for function in reversed(module.functions):  # children first
        native = compiled.get(id(function))
        if native is not None:
            made = native.made
            raw_code = native.raw_code
        else:
            body = record(
                function,
                encoder,
                const_operands,
                ellipsis_operand,
                0,
                release.suppress_dead_code,
                0,
                False,
            )
            made = body.made
            raw_code = _function_v6(function, body, encoder, lines)
        raw_code.children = [raw_codes[id(function.children[child])] for child in made]
        raw_codes[id(function)] = raw_code
    return MpyFile(
        release=release,
        qstrs=[module.names[index] for index in tables.names],
        objects=tables.objects,
        root=raw_codes[id(module.functions[0])],
        small_int_bits=small_int_bits,
        unicode=unicode,
        arch=release.archs.index(arch) if compiled else 0,
        arch_flags=arch_flags,
    )


def _function_v6(
    function: FunctionOps,
    body: Body,
    encoder: Encoder,
    lines: bool,
) -> RawCode:
    code, marks = _shorten_jumps(body)
    info = encoder.names[function.name]
    for name in function.arg_names:
        info += encoder.names[name]
    if lines:
        info += line_table(marks)
    cells = bytes(cell & 0xFF for cell in function.cells)
    prelude = signature(function, body) + encode_sizes(len(info), len(cells))
    return RawCode(
        kind=CodeKind.BYTECODE,
        code=prelude + info + cells + code,
    )


def _shorten_jumps(body: Body) -> tuple[bytes, list[tuple[int, int]]]:
    """The final code and line marks, every jump as short as it can be."""
    jumps = body.jumps
    if not jumps:
        return bytes(body.code), body.lines
    n = len(jumps)
    positions = [jump[0] for jump in jumps]
    before = _jumps_before(positions, body.labels)
    short = bytearray(n)
    saved = [0] * (n + 1)  # bytes saved by the jumps before jump i
    changed = True
    while changed:
        changed = False
        total = 0
        for i in range(n):
            saved[i] = total
            total += short[i]
        saved[n] = total
        for i in range(n):
            if short[i]:
                continue
            position, opcode, label = jumps[i]
            target = body.labels[label] - saved[before[label]]
            distance = target - (position - saved[i]) - 2
            if opcode <= bc.POP_JUMP_IF_FALSE:
                fits = -SHORT_EXCESS <= distance < SHORT_EXCESS
            else:
                fits = 0 <= distance <= 0x7F
            if fits:
                short[i] = 1
                changed = True
    return _assemble_v6(body, before, short, saved)


def _jumps_before(positions: list[int], labels: list[int]) -> list[int]:
    """For each label, how many jumps start before it."""
    order = sorted(range(len(labels)), key=labels.__getitem__)
    counts = [0] * len(labels)
    i = 0
    for label in order:
        place = labels[label]
        while i < len(positions) and positions[i] < place:
            i += 1
        counts[label] = i
    return counts


def _assemble_v6(
    body: Body, before: list[int], short: bytearray, saved: list[int]
) -> tuple[bytes, list[tuple[int, int]]]:
    code = body.code
    out = bytearray()
    start = 0
    for i, (position, opcode, label) in enumerate(body.jumps):
        out += code[start : position + 1]
        target = body.labels[label] - saved[before[label]]
        distance = target - (position - saved[i]) - 2
        signed = opcode <= bc.POP_JUMP_IF_FALSE
        if short[i]:
            out.append(distance + SHORT_EXCESS if signed else distance)
        else:
            distance -= 1
            if signed:
                distance += LONG_EXCESS
            if not 0 <= distance <= 0x7FFF:
                raise OverflowError("bytecode overflow")
            out.append(0x80 | distance & 0x7F)
            out.append(distance >> 7)
        start = position + LONG_JUMP
    out += code[start:]
    marks: list[tuple[int, int]] = []
    i = 0
    n = len(body.jumps)
    for position, line in body.lines:
        while i < n and body.jumps[i][0] < position:
            i += 1
        marks.append((position - saved[i], line))
    return bytes(out), marks
