"""Version 5 bytecode (releases 1.12 to 1.18): inline qstrs, a constant table per function,
jumps of fixed size.
"""

from __future__ import annotations

from typing import final

from mpy_cross.emitters.body import LONG_JUMP, Body, record
from mpy_cross.emitters.encoding import Encoder
from mpy_cross.emitters.native_functions import NativeCompiler
from mpy_cross.emitters.source_info import line_table, signature
from mpy_cross.emitters.ssa.settings import Optimise
from mpy_cross.loader import opcodes as bc
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.objects import ConstValue
from mpy_cross.loader.ops import ConstToken, Emit, FunctionOps, ModuleOps, Verb
from mpy_cross.loader.prelude import encode_sizes
from mpy_cross.loader.qstr_numbers import number_qstrs
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
    arch: str,
    arch_flags: int,
    optimise: Optimise,
) -> MpyFile:
    """A whole file.  Raises NativeError for a function that cannot become machine code."""
    if len(module.names) > 0xFFFF:
        raise MpyError(0, "qstr count", f"{len(module.names)} names, at most 65535 fit")
    compiler = NativeCompiler(
        module, release, NumberedNames(module, release), arch, arch_flags, optimise
    )
    compiled = {
        id(function): compiler.compile(function)
        for function in module.functions
        if function.emit != Emit.BYTECODE
    }
    operands = [index.to_bytes(2, "little") for index in range(len(module.names))]
    encoder = Encoder(operands, cache_lookup_bc, release.star_args_bitmap)
    raw_codes: dict[int, RawCode] = {}
    for function in reversed(module.functions):  # children first
        native = compiled.get(id(function))
        if native is not None:
            made, raw_code = native.made, native.raw_code
        else:
            made, raw_code = _function_v5(module, function, encoder, lines)
        raw_code.children = [raw_codes[id(function.children[child])] for child in made]
        raw_codes[id(function)] = raw_code
    return MpyFile(
        release=release,
        qstrs=module.names,
        objects=[],
        root=raw_codes[id(module.functions[0])],
        small_int_bits=small_int_bits,
        unicode=unicode,
        cache_lookup_bc=cache_lookup_bc,
        arch=release.archs.index(arch) if compiled else 0,
    )


@final
class NumberedNames:
    """The qstr numbers that the reference's machine code holds (a `Linker`)."""

    __slots__ = ("module", "numbers", "release")

    def __init__(self, module: ModuleOps, release: Release) -> None:
        self.module = module
        self.release = release
        self.numbers: dict[bytes, int] = {}

    def use_name(self, name: int) -> int:
        if not self.numbers:
            met = self.module.qstrs_met + self.module.names
            self.numbers = number_qstrs(met, self.release)
        return self.numbers[self.module.names[name]]

    def use_const(self, value: ConstValue) -> int:
        raise AssertionError("version 5 has no object table")

    def const(self, index: int) -> ConstValue:
        return self.module.consts[index]

    def name_text(self, name: int) -> bytes:
        return self.module.names[name]

    def name_index_of(self, text: bytes) -> int:
        names = self.module.names
        if text not in names:
            names.append(text)
        return names.index(text)


def _function_v5(
    module: ModuleOps,
    function: FunctionOps,
    encoder: Encoder,
    lines: bool,
) -> tuple[list[int], RawCode]:
    """The children in order of creation, and the code object without them."""
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
    raw_code = RawCode(
        kind=CodeKind.BYTECODE,
        code=prelude + info + cells + bytes(code),
        arg_names=function.arg_names,
        constants=constants,
    )
    return body.made, raw_code


def _record_v5(function: FunctionOps, encoder: Encoder, n_args: int, n_consts: int) -> Body:
    """Constants are numbered after the arguments, children after the constants."""
    return record(function, encoder, [], b"", n_args, False, n_args + n_consts, True)
