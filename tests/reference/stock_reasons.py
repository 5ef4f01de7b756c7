"""Why tests print something else on stock boards than what is expected."""

from __future__ import annotations

import re
from typing import Final

_NETWORK: Final = "boards without a network interface say that there is none"
REASONS: Final[dict[str, str]] = {
    "basics/exception_chain.py": "boards are built without warnings",
    "extmod/socket_badconstructor.py": _NETWORK,
    "extmod/uselect_poll_udp.py": _NETWORK,
    "extmod/usocket_udp_nonblock.py": _NETWORK,
    "NUCLEO_F411RE:extmod/deflate_decompress.py": "its heap has no 32 KiB in one piece by then",
    "micropython/meminfo.py": "boards have no line of peaks, and other sizes",
}
"""By file, as seen from the folder `tests`."""
_MISSING: Final = re.compile(rb"ImportError: no module named '([^']*)'\nCRASH\Z")


def reason(name: str, image: str, found: bytes) -> str:
    """Why a test differs, "" if that is not known."""
    known = REASONS.get(f"{image}:{name}") or REASONS.get(name, "")
    if known:
        return known
    missing = _MISSING.search(found)
    if missing is not None:
        return f"the port has no module {missing[1].decode()}"
    return ""
