"""Source text to syntax tree."""

from __future__ import annotations

from mpy_cross.columns import column_of
from mpy_cross.deep import TooDeep, run_deep
from mpy_cross.errors import CompileError
from mpy_cross.lexer import Lexer
from mpy_cross.options import CompileOptions, Form
from mpy_cross.statements import Parser
from mpy_cross.tree import Stmt


def parse(
    source: bytes,
    filename: str,
    options: CompileOptions,
    source_name: str | None = None,
    tokens: Lexer | None = None,
) -> Stmt:
    """The tree of a source file.

    `filename` is the name that the file is read under and `source_name` the one that is written
    into the .mpy file, if it differs: both are qstrs before the first token is, which decides
    whether an equal string literal is one.  `tokens` are those of the source, if they are at hand.

    Raises CompileError.
    """
    name = filename.encode("utf-8", "surrogateescape")
    other = name if source_name is None else source_name.encode("utf-8", "surrogateescape")
    if tokens is None:
        tokens = Lexer(source, options)
    parser = Parser(tokens, name, other, options)
    try:
        try:
            return parser.single() if options.form == Form.SINGLE else parser.file()
        except RecursionError:
            parser = Parser(tokens, name, other, options)
        return run_deep(parser.single if options.form == Form.SINGLE else parser.file)
    except TooDeep:
        raise CompileError(
            "RuntimeError", "maximum recursion depth exceeded", file=filename
        ) from None
    except CompileError as error:
        if error.line == tokens.lines[parser.pos]:
            error.column = column_of(source, options.release, tokens, parser.pos)
        raise
