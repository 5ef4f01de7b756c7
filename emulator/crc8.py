"""The check byte of 1-Wire (Maxim application note 27), which ESP32s also have in their fuses."""

from __future__ import annotations

from typing import Final

POLYNOMIAL: Final = 0x8C
"""x^8 + x^5 + x^4 + 1, low bit first."""


def crc8(data: bytes) -> int:
    """The check byte of some bytes; 0 for bytes that end in their check byte."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc
