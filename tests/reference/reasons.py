"""Why single tests of MicroPython print something else than what is expected."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {}
"""By file, as seen from the folder `tests`."""
