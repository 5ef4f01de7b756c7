"""The one codec of .mpy files: `write` and `read` are inverses of each other."""

from __future__ import annotations

from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.input import Span
from mpy_cross.loader.reader import read, read_annotated
from mpy_cross.loader.writer import write

__all__ = ["MpyError", "Span", "read", "read_annotated", "write"]
