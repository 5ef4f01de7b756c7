"""CRC unit of STM32F4 (RM0090, chapter 4): CRC-32 of whole words, as in Ethernet, unreflected."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.block import Block
from mpy_cross.emulator.register import Register

POLYNOMIAL: Final = 0x04C11DB7


def step(crc: int, word: int) -> int:
    """The CRC after one more word, its highest bit first."""
    crc ^= word
    for _ in range(32):
        crc = (crc << 1 ^ (POLYNOMIAL if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


@final
class Crc(Block):
    """The unit: writing a word to DR adds it."""

    DR = Register(0x00, reset=0xFFFFFFFF)
    IDR = Register(0x04, "IDR[7:0]")
    CR = Register(0x08, "RESET[0]=sc")

    def write_DR(self, written: int, before: int) -> None:
        self.DR = step(before, written)

    def write_CR(self, written: int, before: int) -> None:
        if written & 1:
            self.DR = 0xFFFFFFFF
