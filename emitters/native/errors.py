"""Why a function cannot become machine code."""

from __future__ import annotations

from typing import final


@final
class NativeError(Exception):
    """The function cannot be compiled: MicroPython's exception type and message.

    `line` is 0 if no line is known, `block` the function's name.  With `bare` the reference prints
    neither.  A `limit` is one of the reference's code, which other code may not have.  `note` is
    our own addition, or "".
    """

    def __init__(self, kind: str, message: str, bare: bool = False,
                 limit: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.bare = bare
        self.limit = limit
        self.line = 0
        self.block: str | None = None
        self.note = ""
