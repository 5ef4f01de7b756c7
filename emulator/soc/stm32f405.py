"""STM32F405RG (RM0090 and datasheet DS8626)."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.chip import Chip
from mpy_cross.emulator.soc.stm32f4 import Part, Stm32f4
from mpy_cross.emulator.soc.stm32f405_pads import PADS

BLOCKS: Final = (
    "TIM1 TIM2 TIM3 TIM4 TIM5 TIM6 TIM7 TIM8 TIM9 TIM10 TIM11 TIM12 TIM13 TIM14 "
    "USART1 USART2 USART3 UART4 UART5 USART6 SPI1 SPI2 SPI3 I2S2ext I2S3ext I2C1 I2C2 I2C3 "
    "CAN1 CAN2 DAC ADC1 ADC2 ADC3 ADC SDIO CRC DMA1 DMA2 ETH OTG_HS DCMI FSMC RNG WWDG")

PART: Final = Part(
    name="STM32F405RG",
    blocks=BLOCKS,
    ports="ABCDEFGHI",
    pads=PADS,
    flash=1 << 20,
    sram=128 << 10,
    ccm=64 << 10,
    backup_ram=True,
    idcode=0x10076413,  # revision Z
    unique=bytes.fromhex("3a0035000f51333138373437"),
    # 168 MHz from the VCO at 336 MHz, USB at 48; APB at 42 and 84 MHz; five wait states.
    pll=7 << 24 | 1 << 22 | 336 << 6,
    latency=0x705,
    prescalers=0x9402,
)


def build(context: Context, crystal: int) -> Chip:
    return Stm32f4(PART, context, crystal)
