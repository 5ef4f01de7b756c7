"""Errors of reading .mpy files."""

from __future__ import annotations

from typing import final


@final
class MpyError(Exception):
    """The bytes are no .mpy file that we can read.

    `offset` is where in the file (or, for bytecode, in the function data), `field` what should
    stand there, `text` what is wrong with it.
    """

    def __init__(self, offset: int, field: str, text: str) -> None:
        super().__init__(f"offset 0x{offset:x}: {field}: {text}")
        self.offset = offset
        self.field = field
        self.text = text
