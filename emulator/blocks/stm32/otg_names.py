"""Registers of OTG FS in host mode, which is not modelled (RM0090, 34.16.3)."""

from __future__ import annotations

from typing import Final

_CHANNEL: Final = (("CHAR", 0x00), ("INT", 0x08), ("INTMSK", 0x0C), ("TSIZ", 0x10))

HOST_REGISTERS: Final[tuple[tuple[str, int], ...]] = (
    ("HCFG", 0x400), ("HFIR", 0x404), ("HFNUM", 0x408), ("HPTXSTS", 0x410), ("HAINT", 0x414),
    ("HAINTMSK", 0x418), ("HPRT", 0x440),
    *((f"HC{name}{n}", 0x500 + 0x20 * n + at) for n in range(8) for name, at in _CHANNEL),
)
