"""What the active run-time's release does, for functions that know no run-time."""

from __future__ import annotations

from typing import Final

from mpy_cross.loader.language import LANGUAGE_1_12, LanguageFacts
from mpy_cross.loader.release import FloatReader

LANGUAGE: Final[list[LanguageFacts]] = [LANGUAGE_1_12]
"""Of the active run-time's release."""
READER: Final[list[FloatReader]] = [FloatReader.DIGITS]
"""How it reads numbers."""
