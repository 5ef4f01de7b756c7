"""MicroPython releases as records: every behaviour that changed between them is one named field.

No other module compares versions; it asks a field of the `Release` it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Release:
    """One MicroPython release.  A comment at each field names the release that changed it."""

    version: str
    """Such as "1.17"."""
    mpy_version: int
    """.mpy format: 5 for 1.12 to 1.18, 6 from 1.19."""
    mpy_sub_version: int
    """Sub-version of native code: 0 for 1.19, 1 for 1.20-1.21, 2 for 1.22, 3 from 1.23."""
    # --- container
    # --- lexer and parser
    # --- lowering and emitters


RELEASES: dict[str, Release] = {}
DEFAULT_RELEASE = "1.17"
