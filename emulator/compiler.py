"""Our compiler as run-times use it: its errors become exceptions of the program."""

from __future__ import annotations

from typing import Any

from mpy_cross.emulator.runtime.runtime import Compiler, active
from mpy_cross.errors import CompileError
from mpy_cross.loader.release import Release

OPT_LEVELS = 3
"""The highest level that makes a difference."""
_KINDS: dict[str, type[Exception]] = {
    "SyntaxError": SyntaxError,
    "IndentationError": IndentationError,
    "NotImplementedError": NotImplementedError,
    "MemoryError": MemoryError,
    "RuntimeError": RuntimeError,
    "OverflowError": OverflowError,
    "TypeError": TypeError,
}


def compiler_for(
    release: Release, arch: str = "", emit: str = "bytecode", opt: str | None = None,
    strict: bool = False,
) -> Compiler:
    """The compiler for boards of one architecture; `opt`: how much machine code is optimised, None
    for what a board's own compiler makes, but where a comment asks for more; `strict`: it takes
    only what the reference takes.

    Its exceptions carry `place`: file, line and the function ("" outside of functions).
    """
    # The compiler is loaded when a program needs it: .mpy files do not.
    import mpy_cross

    def compiled(
        source: bytes, name: str, optimise: int = 0, form: str = "exec", /
    ) -> bytes:
        level = min(max(optimise, 0), OPT_LEVELS)
        try:
            return mpy_cross.compile(
                source, name, release=release, arch=arch, emit=emit, opt=opt or "0",
                opt_level=level, comments=opt != "0",
                constants=_constants() if b"stm." in source else None, form=form, strict=strict,
            )
        except CompileError as error:
            raise program_error(error) from error

    return compiled


def _constants() -> dict[bytes, dict[bytes, int]]:
    """The numbers of module `stm`, which the compiler of a board that has it knows by heart."""
    runtime = active()
    if runtime is None:
        return {}
    try:
        module = runtime.importer.loaded("stm")
    except ImportError:
        return {}
    names = {} if module is None else module.__dict__
    return {b"stm": {key.encode(): value for key, value in names.items() if type(value) is int}}


def program_error(error: CompileError) -> Exception:
    """The exception that a program sees for an error of the compiler."""
    made: Any
    if error.kind == "ViperTypeError":
        from mpy_cross.emulator.runtime.errors import ViperTypeError

        # The note is what the compiler of a board says where mpy-cross has no name for something.
        made = ViperTypeError(error.note or error.message)
    else:
        made = _KINDS.get(error.kind, ValueError)(error.message)
    made.place = error.file, error.line, error.block or ""
    return made  # type: ignore[no-any-return]
