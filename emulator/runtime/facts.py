"""What the active run-time's release does, for functions that know no run-time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpy_cross.loader.language import LANGUAGE_1_12, LanguageFacts
from mpy_cross.loader.release import FloatReader

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.heap import Heap

LANGUAGE: Final[list[LanguageFacts]] = [LANGUAGE_1_12]
"""Of the active run-time's release."""
READER: Final[list[FloatReader]] = [FloatReader.DIGITS]
"""How it reads numbers."""
HEAP: Final[list[Heap | None]] = [None]
"""The heap of the active run-time."""
