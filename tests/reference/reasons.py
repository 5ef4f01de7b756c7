"""Why single tests of MicroPython print something else than what is expected."""

from __future__ import annotations

from typing import Final

_WARNINGS = "boards are built without warnings; the unix port has them"
_HOST = "CPython 3.10 and later print something else than CPython did then"
REASONS: Final[dict[str, str]] = {
    "basics/builtin_compile.py": "compile(..., 'single') shows the values of expressions, but not of"
    " those inside of compound statements",
    "basics/bytes_compare3.py": _WARNINGS,
    "basics/exception_chain.py": _WARNINGS,
    "basics/string_format_error.py": _HOST + ": '{:0}' takes strings",
}
"""By file, as seen from the folder `tests`."""
