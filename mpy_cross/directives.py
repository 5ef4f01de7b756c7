"""Comments behind the decorators of machine code: `@micropython.viper  # mpy: opt=2, checks`."""

from __future__ import annotations

import re
from typing import Final

from mpy_cross.emitters.ssa.settings import CHECKS, DIRECT, INLINE, LEVELS, OPT
from mpy_cross.errors import CompileError
from mpy_cross.lexer import Lexer
from mpy_cross.tokens import AT, DEF

_COMMENT: Final = re.compile(
    rb"^[ \t\f]*@[ \t]*micropython[ \t]*\.[ \t]*(?:viper|native)[ \t]*#[ \t]*mpy:([^\r\n]*)", re.M)
_KNOWN: Final = (CHECKS, INLINE, DIRECT, *(OPT + level for level in LEVELS))


def directives(source: bytes, tokens: Lexer) -> dict[int, tuple[str, ...]]:
    """The words of each such comment, by the line of the function.

    Raises CompileError for a word that means nothing.
    """
    found: dict[int, tuple[str, ...]] = {}
    for match in _COMMENT.finditer(source):
        line = source.count(b"\n", 0, match.start()) + 1
        kinds, lines = tokens.kinds, tokens.lines
        at = next((i for i, kind in enumerate(kinds) if kind == AT and lines[i] == line), None)
        if at is None:
            continue  # inside of a string
        words = tuple(word.strip() for word in match[1].decode("utf-8", "replace").split(","))
        for word in words:
            if word not in _KNOWN:
                raise CompileError(
                    "SyntaxError", f"'# mpy: {word}' is unknown: write {', '.join(_KNOWN)}",
                    line=line)
        function = next((i for i in range(at, len(kinds)) if kinds[i] == DEF), None)
        if function is not None:
            found[lines[function]] = words
    return found
