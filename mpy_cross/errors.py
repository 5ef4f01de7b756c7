"""Errors that a user of the compiler can meet."""

from __future__ import annotations

from typing import final


@final
class CompileError(Exception):
    """The source is rejected.

    `kind` is MicroPython's exception type ("SyntaxError", "IndentationError", ...), `message` its
    text word for word; `line` is 1-based, 0 when the reference names no line; `column` is 1-based,
    0 when unknown.  `block` is the name of the enclosing function where the reference prints one
    ("in f"), else None.  `note` (what exactly is wrong) and `hint` (what to do) are our own
    additions, or "".
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        file: str = "<stdin>",
        line: int = 0,
        column: int = 0,
        block: str | None = None,
        hint: str = "",
        note: str = "",
    ) -> None:
        super().__init__(f"{file}:{line}: {kind}: {message}")
        self.kind = kind
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.block = block
        self.hint = hint
        self.note = note
