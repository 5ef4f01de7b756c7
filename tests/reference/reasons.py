"""Why single tests of MicroPython print something else than what is expected."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    "import/import_file.py": "__file__ is the path as sys.path has it; CPython makes it absolute",
    "io/file_stdio.py": "the standard streams of boards have no fileno()",
    "micropython/meminfo.py": "mem_info of boards has no line of totals and peaks",
    "micropython/heap_lock.py": "a locked heap refuses buffers, not objects of the host",
}
"""By file, as seen from the folder `tests`."""
