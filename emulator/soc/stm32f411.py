"""STM32F411RE (RM0383 and datasheet DS10314)."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.chip import Chip
from mpy_cross.emulator.soc.stm32f4 import Part, Stm32f4
from mpy_cross.emulator.soc.stm32f411_pads import PADS

BLOCKS: Final = (
    "TIM1 TIM2 TIM3 TIM4 TIM5 TIM9 TIM10 TIM11 USART1 USART2 USART6 SPI1 SPI2 SPI3 SPI4 SPI5 "
    "I2S2ext I2S3ext I2C1 I2C2 I2C3 ADC1 ADC SDIO CRC DMA1 DMA2 WWDG")

PART: Final = Part(
    name="STM32F411RE",
    blocks=BLOCKS,
    ports="ABCDEH",
    pads=PADS,
    flash=512 << 10,
    sram=128 << 10,
    idcode=0x10006431,  # revision A
    unique=bytes.fromhex("2e0040000851363039313235"),
    # 96 MHz from the VCO at 192 MHz, USB at 48; APB at 24 and 48 MHz; three wait states.
    pll=4 << 24 | 1 << 22 | 192 << 6,
    latency=0x703,
    prescalers=0x9402,
    temperature_channel=18,
    battery_divider=4,
)


def build(context: Context, crystal: int) -> Chip:
    return Stm32f4(PART, context, crystal)
