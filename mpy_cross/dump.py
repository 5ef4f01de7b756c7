"""`--dump=STAGE`: the text form of what each stage of the compiler hands to the next."""

from __future__ import annotations

import os
from collections.abc import Callable

from mpy_cross.driver import compile_source, compile_to_mpy, compile_to_ops
from mpy_cross.loader.dump import dump_file, dump_machine_code
from mpy_cross.lower.module import find_scopes
from mpy_cross.ops_text import module_text
from mpy_cross.options import CompileOptions
from mpy_cross.parser import parse
from mpy_cross.scope_text import scopes_text
from mpy_cross.tree_text import tokens_text, tree_text


def _tokens(source: bytes, filename: str, options: CompileOptions) -> str:
    return tokens_text(source, filename, options)


def _tree(source: bytes, filename: str, options: CompileOptions) -> str:
    return tree_text(parse(source, filename, options))


def _scope(source: bytes, filename: str, options: CompileOptions) -> str:
    tree = parse(source, filename, options)
    return scopes_text(find_scopes(tree, os.fsencode(filename), options))


def _ops(source: bytes, filename: str, options: CompileOptions) -> str:
    return module_text(compile_to_ops(source, filename, options))


def _bytecode(source: bytes, filename: str, options: CompileOptions) -> str:
    return dump_file(compile_source(source, filename, options))


def _asm(source: bytes, filename: str, options: CompileOptions) -> str:
    # Not read back from a file, which would not have the source lines.
    return dump_machine_code(compile_to_mpy(source, filename, options))


def _mpy(source: bytes, filename: str, options: CompileOptions) -> str:
    return dump_file(compile_source(source, filename, options), hex_dump=True)


def _optimised(stage: str, source: bytes, filename: str, options: CompileOptions) -> str:
    """What the optimising back end records on its way."""
    record: list[tuple[str, str, str]] = []
    notes: list[str] = []
    settings = options.optimise
    if settings.level == "0":
        settings = settings._replace(level="2")
    settings = settings._replace(record=record, notes=notes)
    compile_to_mpy(source, filename, options._replace(optimise=settings))
    texts = [text for name, _, text in record if name == stage]
    return "\n".join([*texts, *(f"; {note}\n" for note in notes)])


def _ssa(source: bytes, filename: str, options: CompileOptions) -> str:
    return _optimised("ssa", source, filename, options)


def _regalloc(source: bytes, filename: str, options: CompileOptions) -> str:
    return _optimised("regalloc", source, filename, options)


STAGES: dict[str, Callable[[bytes, str, CompileOptions], str]] = {
    "tokens": _tokens,
    "tree": _tree,
    "scope": _scope,
    "ops": _ops,
    "bytecode": _bytecode,
    "ssa": _ssa,
    "regalloc": _regalloc,
    "asm": _asm,
    "mpy": _mpy,
}


def dump(stage: str, source: bytes, filename: str, options: CompileOptions) -> str:
    """The text form of one stage.  Raises CompileError."""
    return STAGES[stage](source, filename, options)
