"""The pyboard, version 1.1: STM32F405RG with a crystal of 12 MHz."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.board import Board, FourWire, Serial, TwoWire
from mpy_cross.emulator.chip import Chip

PINS: Final[dict[str, str]] = {
    "X1": "PA0", "X2": "PA1", "X3": "PA2", "X4": "PA3", "X5": "PA4", "X6": "PA5", "X7": "PA6",
    "X8": "PA7", "X9": "PB6", "X10": "PB7", "X11": "PC4", "X12": "PC5", "X17": "PB3",
    "X18": "PC13", "X19": "PC0", "X20": "PC1", "X21": "PC2", "X22": "PC3",
    "Y1": "PC6", "Y2": "PC7", "Y3": "PB8", "Y4": "PB9", "Y5": "PB12", "Y6": "PB13", "Y7": "PB14",
    "Y8": "PB15", "Y9": "PB10", "Y10": "PB11", "Y11": "PB0", "Y12": "PB1",
    "SW": "PB3", "LED_RED": "PA13", "LED_GREEN": "PA14", "LED_YELLOW": "PA15", "LED_BLUE": "PB4",
    "MMA_INT": "PB2", "MMA_AVDD": "PB5", "SD_D0": "PC8", "SD_D1": "PC9", "SD_D2": "PC10",
    "SD_D3": "PC11", "SD_CMD": "PD2", "SD_CK": "PC12", "SD": "PA8", "SD_SW": "PA8",
    "USB_VBUS": "PA9", "USB_ID": "PA10", "USB_DM": "PA11", "USB_DP": "PA12",
}

XA, XB = Serial("UART4", "X1", "X2"), Serial("USART1", "X9", "X10")
YA, YB = Serial("USART6", "Y1", "Y2"), Serial("USART3", "Y9", "Y10", cts="Y6", rts="Y7")
X_I2C, Y_I2C = TwoWire("I2C1", "X9", "X10"), TwoWire("I2C2", "Y9", "Y10")
X_SPI = FourWire("SPI1", "X6", "X7", "X8", "X5")
Y_SPI = FourWire("SPI2", "Y6", "Y7", "Y8", "Y5")


def build(context: Context, crystal: int) -> Chip:
    # Imported when it is needed: a run has one board, and chips are large.
    from mpy_cross.emulator.soc import stm32f405

    return stm32f405.build(context, crystal)


def setup(chip: Chip) -> None:
    """LEDs are outputs, switch and card detect have pull-ups, USB has its pads."""
    chip.poke("GPIOA", {"MODER": 0x56A00000, "PUPDR": 0x00010000, "AFRH": 0x000AAA00})
    chip.poke("GPIOB", {"MODER": 0x00000100, "PUPDR": 0x00000040})


PYBOARD: Final = Board(
    name="pyboard",
    title="PYBv1.1",
    firmware=("PYBV11",),
    machine="PYBv1.1 with STM32F405RG",
    platform="pyboard",
    build=build,
    setup=setup,
    crystal=12_000_000,
    frequency=168_000_000,
    heap=102_400,
    arch="armv7emsp",
    files=0x4000,  # sectors 1 to 4, cached by the firmware in blocks of 512 bytes
    file_size=112 << 10,
    block=512,
    pins=PINS,
    leds=("LED_RED", "LED_GREEN", "LED_YELLOW", "LED_BLUE"),
    switches={"SW": 0},
    uarts={1: XB, "XB": XB, 2: Serial("USART2", "X3", "X4", cts="X1", rts="X2"), 3: YB, "YB": YB,
           4: XA, "XA": XA, 6: YA, "YA": YA},
    i2cs={1: X_I2C, "X": X_I2C, 2: Y_I2C, "Y": Y_I2C},
    spis={1: X_SPI, "X": X_SPI, 2: Y_SPI, "Y": Y_SPI},
    timers=tuple(range(1, 15)),
)
