"""Version 5 bytecode (releases 1.12 to 1.18): inline qstrs, a constant table per function,
jumps of fixed size.
"""

from __future__ import annotations

from mpy_cross.emitters.body import LONG_JUMP, Body, record
from mpy_cross.emitters.encoding import Encoder
from mpy_cross.emitters.source_info import line_table, signature
from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import ConstToken, FunctionOps, ModuleOps, Verb
from mpy_cross.loader.prelude import encode_sizes
from mpy_cross.loader.release import Release

LOAD_CONST_OBJ = int(Verb.LOAD_CONST_OBJ)
LOAD_CONST_TOK = int(Verb.LOAD_CONST_TOK)
ELLIPSIS = int(ConstToken.ELLIPSIS)
# Signed distances are stored in excess.
V5_EXCESS = 0x8000


def emit_v5(
    module: ModuleOps,
    release: Release,
    small_int_bits: int,
    unicode: bool,
    cache_lookup_bc: bool,
    lines: bool,
) -> MpyFile:
    if len(module.names) > 0xFFFF:
        raise MpyError(0, "qstr count", f"{len(module.names)} names, at most 65535 fit")
    operands = [index.to_bytes(2, "little") for index in range(len(module.names))]
    encoder = Encoder(operands, cache_lookup_bc, release.star_args_bitmap)
    raw_codes: dict[int, RawCode] = {}
    for function in reversed(module.functions):  # children first
        raw_codes[id(function)] = _function_v5(module, function, encoder, lines, raw_codes)
    return MpyFile(
        release=release,
        qstrs=module.names,
        objects=[],
        root=raw_codes[id(module.functions[0])],
        small_int_bits=small_int_bits,
        unicode=unicode,
        cache_lookup_bc=cache_lookup_bc,
    )


def _function_v5(
    module: ModuleOps,
    function: FunctionOps,
    encoder: Encoder,
    lines: bool,
    raw_codes: dict[int, RawCode],
) -> RawCode:
    n_args = function.n_pos_args + function.n_kwonly_args
    n_consts = 0
    for verb, a, _ in function.ops:
        if verb == LOAD_CONST_OBJ or (verb == LOAD_CONST_TOK and a == ELLIPSIS):
            n_consts += 1
    body = _record_v5(function, encoder, n_args, n_consts)
    code = body.code
    for position, opcode, label in body.jumps:
        distance = body.labels[label] - position - LONG_JUMP
        if opcode <= bc.JUMP_IF_FALSE_OR_POP:
            distance += V5_EXCESS
        code[position + 1] = distance & 0xFF
        code[position + 2] = distance >> 8 & 0xFF
    info = encoder.names[function.name] + encoder.names[module.source_file]
    if lines:
        info += line_table(body.lines)
    info += b"\0"
    cells = bytes(cell & 0xFF for cell in function.cells)
    prelude = signature(function, body) + encode_sizes(len(info), len(cells))
    constants: list[ConstValue] = [
        Ellipsis if index < 0 else module.consts[index] for index in body.consts
    ]
    return RawCode(
        kind=CodeKind.BYTECODE,
        code=prelude + info + cells + bytes(code),
        arg_names=function.arg_names,
        constants=constants,
        children=[raw_codes[id(function.children[child])] for child in body.made],
    )


def _record_v5(function: FunctionOps, encoder: Encoder, n_args: int, n_consts: int) -> Body:
    """Constants are numbered after the arguments, children after the constants."""
    return record(function, encoder, [], b"", n_args, False, n_args + n_consts, True)
