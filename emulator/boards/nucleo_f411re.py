"""The NUCLEO-F411RE: STM32F411RE with 8 MHz from the debugger's chip."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.board import Board, FourWire, Serial, TwoWire
from mpy_cross.emulator.chip import Chip

PINS: Final[dict[str, str]] = {
    "D0": "PA3", "D1": "PA2", "D2": "PA10", "D3": "PB3", "D4": "PB5", "D5": "PB4", "D6": "PB10",
    "D7": "PA8", "D8": "PA9", "D9": "PC7", "D10": "PB6", "D11": "PA7", "D12": "PA6", "D13": "PA5",
    "D14": "PB9", "D15": "PB8", "A0": "PA0", "A1": "PA1", "A2": "PA4", "A3": "PB0", "A4": "PC1",
    "A5": "PC0", "SW": "PC13", "LED_GREEN": "PA5", "PA11": "PA11", "PA12": "PA12", "PA15": "PA15",
    "PB1": "PB1", "PB12": "PB12", "PB13": "PB13", "PB14": "PB14", "PB15": "PB15", "PC6": "PC6",
    "PC9": "PC9",
}

I2C1, I2C2, I2C3 = TwoWire("I2C1", "D15", "D14"), TwoWire("I2C2", "D6", "D3"), \
    TwoWire("I2C3", "D7", "PC9")


def build(context: Context, crystal: int) -> Chip:
    # Imported when it is needed: a run has one board, and chips are large.
    from mpy_cross.emulator.soc import stm32f411

    return stm32f411.build(context, crystal)


def setup(chip: Chip) -> None:
    """The LED is an output, the pads of the console belong to USART2."""
    chip.poke("GPIOA", {"MODER": 0xA80004A0, "AFRL": 0x7700})


def wire(chip: Chip) -> None:
    """The button of the board has a pull-up resistor."""
    chip.pins["PC13"].tie(1)


NUCLEO_F411RE: Final = Board(
    name="nucleo_f411re",
    title="NUCLEO-F411RE",
    firmware=("NUCLEO_F411RE",),
    machine="NUCLEO-F411RE with STM32F411xE",
    platform="pyboard",
    build=build,
    setup=setup,
    wire=wire,
    crystal=8_000_000,
    frequency=96_000_000,
    heap=102_400,
    arch="armv7emsp",
    files=0x4000,  # sectors 1 to 4
    file_size=64 << 10,
    block=512,
    pins=PINS,
    leds=("LED_GREEN",),
    switches={"SW": 0},
    console="USART2",
    uarts={2: Serial("USART2", "D1", "D0"), 6: Serial("USART6", "PC6", "D9")},
    i2cs={1: I2C1, 2: I2C2, 3: I2C3},
    spis={1: FourWire("SPI1", "D13", "D12", "D11", "PA15"),
          2: FourWire("SPI2", "PB13", "PB14", "PB15", "PB12"),
          3: FourWire("SPI3", "D3", "D5", "D4", "A2"),
          4: FourWire("SPI4", "PB13", "A1", "PA11", "PB12"),
          5: FourWire("SPI5", "D2", "PA12", "A3", "PB1")},
    timers=(1, 2, 3, 4, 5, 9, 10, 11),
)
