"""Why tests print something else on stock boards than what is expected."""

from __future__ import annotations

import re
from typing import Final

_NETWORK: Final = "boards without a network interface say that there is none"
_POWERS: Final = "pico-sdk's powf multiplies in 24 bits, and 1.17 reads numbers with it"
REASONS: Final[dict[str, str]] = {
    "basics/exception_chain.py": "boards are built without warnings",
    "extmod/socket_badconstructor.py": _NETWORK,
    "extmod/uselect_poll_udp.py": _NETWORK,
    "extmod/usocket_udp_nonblock.py": _NETWORK,
    "NUCLEO_F411RE:extmod/deflate_decompress.py": "its heap has no 32 KiB in one piece by then",
    "PICO:extmod/utime_time_ns.py": "time_ns of 1.17 counts whole seconds",
    "PICO:float/cmath_fun.py": "sin and cos beyond 128 begin with a remainder by 2 pi in 24 bits",
    "PICO:float/float_parse.py": _POWERS,
    "PICO:float/float_parse_doubleprec.py": _POWERS,
    "PICO:float/math_domain_special.py": "pico-sdk's acosh knows no negative numbers",
    "PICO:float/math_fun_special.py": "pico-sdk's asinh(0) is -0",
    "PICO:micropython/import_mpy_native_gc.py":
        "1.17 takes files for armv7m on any Thumb core, and the RP2040 fails in them",
    "micropython/meminfo.py": "boards have no line of peaks, and other sizes",
}
"""By file, as seen from the folder `tests`."""
_UNSUPPORTED: Final = re.compile(
    rb"unsupported Thumb instruction '[^']*' with \d arguments\nCRASH\Z")
_MISSING: Final = re.compile(rb"ImportError: no module named '([^']*)'\nCRASH\Z")


def reason(name: str, image: str, found: bytes) -> str:
    """Why a test differs, "" if that is not known."""
    known = REASONS.get(f"{image}:{name}") or REASONS.get(name, "")
    if known:
        return known
    if "PICO" in image and _UNSUPPORTED.search(found):
        return "the Cortex-M0+ has not this instruction"
    missing = _MISSING.search(found)
    if missing is not None:
        return f"the port has no module {missing[1].decode()}"
    return ""
