"""How errors are shown: first what the reference prints, word for word, then our own lines.

    Traceback (most recent call last):
      File "x.py", line 3
    SyntaxError: invalid syntax
          return = 3
                 ^
      hint: ...
"""

from __future__ import annotations

from mpy_cross.errors import CompileError

# Kinds that the parser and compiler raise at a place in the source.  Anything else (MemoryError,
# RuntimeError, ...) comes from deeper down, and the reference then knows neither file nor line.
_WITH_PLACE = frozenset({"SyntaxError", "IndentationError", "ViperTypeError"})

# (kind, start of the message, how the source line must look, hint).  The first that fits is shown.
_RED = "\x1b[31m"
_BOLD = "\x1b[1m"
_CYAN = "\x1b[36m"
_PLAIN = "\x1b[0m"


def reference_text(error: CompileError) -> str:
    """What the reference prints on stderr for this error; ends with a newline.

    Bytes that are not UTF-8 in names appear as surrogate escapes.
    """
    lines = []
    if error.line or error.kind in _WITH_PLACE:
        block = "" if error.block is None else f", in {error.block}"
        lines.append("Traceback (most recent call last):")
        lines.append(f'  File "{error.file}", line {error.line}{block}')
    lines.append(f"{error.kind}: {error.message}" if error.message else error.kind)
    return "\n".join(lines) + "\n"
