"""The pipeline, from source text to the bytes of a .mpy file."""

from __future__ import annotations

import os

from mpy_cross.deep import TooDeep, run_deep
from mpy_cross.directives import directives
from mpy_cross.emitters.bytecode import emit_bytecode
from mpy_cross.emitters.native.errors import NativeError
from mpy_cross.errors import CompileError
from mpy_cross.interning import qstrs_met
from mpy_cross.lexer import Lexer
from mpy_cross.loader.mpyfile import MpyFile
from mpy_cross.loader.ops import Emit, ModuleOps
from mpy_cross.loader.writer import write
from mpy_cross.lower.module import lower
from mpy_cross.options import CompileOptions
from mpy_cross.parser import parse

SOURCE_LINES_BELOW = 3
"""From this optimisation level on, no line numbers are stored (manual 1.2.6)."""


def compile_to_ops(
    source: bytes, filename: str, options: CompileOptions, path: str | None = None
) -> ModuleOps:
    """Source text to stack operations.  Raises CompileError.

    `filename` is what the .mpy file names as its source; `path` is the name that the source was
    read under, if it differs.
    """
    path = filename if path is None else path
    try:
        tokens = Lexer(source, options)
        tree = parse(source, path, options, filename, tokens)
        name = os.fsencode(filename)
        # Without a decorator no function differs from the others.
        may_be_native = options.emit != Emit.BYTECODE or b"@" in source
        met: list[bytes] = []
        if may_be_native and not options.release.native_tables:
            met = [os.fsencode(path), name, *qstrs_met(tokens)]
        found: dict[int, tuple[str, ...]] = {}
        if may_be_native and b"mpy:" in source and options.optimise.directives:
            found = directives(source, tokens)
        del tokens  # room for what follows
        try:
            module = lower(tree, name, options)
        except RecursionError:
            module = run_deep(lambda: lower(tree, name, options))
        module.qstrs_met = met
        module.directives = found
        return module
    except TooDeep:
        raise CompileError(
            "RuntimeError", "maximum recursion depth exceeded", file=filename
        ) from None
    except CompileError as error:
        error.file = filename
        raise


def emit(module: ModuleOps, options: CompileOptions) -> MpyFile:
    """Stack operations to a .mpy file as data."""
    return emit_bytecode(
        module,
        options.release,
        small_int_bits=options.small_int_bits,
        unicode=options.unicode,
        cache_lookup_bc=options.cache_lookup_bc,
        lines=options.source_lines and options.opt_level < SOURCE_LINES_BELOW,
        arch=options.native_arch,
        arch_flags=options.arch_flags,
        optimise=options.optimise,
    )


def compile_to_mpy(
    source: bytes, filename: str, options: CompileOptions, path: str | None = None
) -> MpyFile:
    """Source text to a .mpy file as data; `filename` and `path` as in `compile_to_ops`.

    Machine code that the reference writes although it knows it to be wrong is logged as a warning
    of the logger "mpy_cross".  Raises CompileError, with the file's name, if the program is
    rejected.
    """
    module = compile_to_ops(source, filename, options, path)
    try:
        return emit(module, options)
    except NativeError as error:
        raise CompileError(
            error.kind,
            error.message,
            file=filename,
            line=error.line,
            block=error.block,
            note=error.note,
        ) from error
    except OverflowError as error:
        raise CompileError("RuntimeError", str(error), file=filename) from error
    finally:
        if module.warnings:
            _warn(module.warnings)


def _warn(lines: list[str]) -> None:
    """Log the lines, which unless the program has set up logging go to stderr as they are."""
    import logging

    for line in lines:
        logging.getLogger("mpy_cross").warning("%s", line)


def compile_source(
    source: bytes, filename: str, options: CompileOptions, path: str | None = None
) -> bytes:
    """Source text to the bytes of a .mpy file; arguments and errors as of `compile_to_mpy`."""
    mpy = compile_to_mpy(source, filename, options, path)
    try:
        return write(mpy)
    except OverflowError as error:
        raise CompileError("RuntimeError", str(error), file=filename) from error
