"""Names of functions in the ROM of chips of Espressif.

The ROM itself is not here: its place holds illegal instructions, so that whoever calls one of these
gets a fault that names it.
"""

from __future__ import annotations

from typing import Final

BASE: Final = 0x40000000


def functions(rows: str) -> dict[int, str]:
    """Names by address, from words such as "strcmp:1274": a name and its offset, hexadecimal."""
    pairs = (row.partition(":") for row in rows.split())
    return {BASE + int(offset, 16): name for name, _, offset in pairs}
