"""A generic development board with an ESP32 module: 4 MiB of flash, pins by their GPIO numbers."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.board import Board, FourWire, Serial, TwoWire
from mpy_cross.emulator.chip import Chip

NUMBERS: Final = (*range(20), 21, 22, 23, 25, 26, 27, *range(32, 40))
PINS: Final[dict[str, str]] = {**{str(n): f"GPIO{n}" for n in NUMBERS}, "BOOT": "GPIO0"}


def build(context: Context, crystal: int) -> Chip:
    # Imported when it is needed: a run has one board, and chips are large.
    from mpy_cross.emulator.soc import esp32

    return esp32.build(context, crystal)


def setup(chip: Chip) -> None:
    """The console has its pads at 115,200 baud after a reset of the chip."""
    chip.poke("UART0", {"CLKDIV": 80_000_000 // 115_200 | (80_000_000 * 16 // 115_200 & 15) << 20})


ESP32: Final = Board(
    name="esp32",
    title="ESP32 DevKit",
    firmware=("GENERIC", "ESP32_GENERIC"),
    machine="ESP32 module with ESP32",
    platform="esp32",
    build=build,
    setup=setup,
    crystal=40_000_000,
    frequency=160_000_000,
    heap=111_168,
    arch="xtensawin",
    files=0x200000,
    file_size=2 << 20,
    block=4096,
    pins=PINS,
    leds=(),
    switches={"BOOT": 0},
    console="UART0",
    uarts={0: Serial("UART0", "1", "3"), 1: Serial("UART1", "10", "9"),
           2: Serial("UART2", "17", "16")},
    i2cs={0: TwoWire("I2C0", "18", "19"), 1: TwoWire("I2C1", "25", "26")},
    spis={1: FourWire("SPI2", "14", "12", "13"), 2: FourWire("SPI3", "18", "19", "23")},
    timers=(0, 1, 2, 3),
)
