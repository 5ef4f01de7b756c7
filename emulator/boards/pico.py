"""The Raspberry Pi Pico: RP2040 with 2 MiB of flash and a crystal of 12 MHz."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.board import Board, FourWire, Serial, TwoWire
from mpy_cross.emulator.chip import Chip

PINS: Final[dict[str, str]] = {
    **{f"GP{n}": f"GPIO{n}" for n in range(29)}, "LED": "GPIO25", "VBUS": "GPIO24",
    "SMPS": "GPIO23", "VSYS": "GPIO29",
}


def build(context: Context, crystal: int) -> Chip:
    # Imported when it is needed: a run has one board, and chips are large.
    from mpy_cross.emulator.soc import rp2040

    return rp2040.build(context, crystal)


def setup(chip: Chip) -> None:
    """The start-up code leaves all pads as they are after a reset."""


PICO: Final = Board(
    name="pico",
    title="Raspberry Pi Pico",
    firmware=("PICO", "RPI_PICO"),
    machine="Raspberry Pi Pico with RP2040",
    platform="rp2",
    build=build,
    setup=setup,
    crystal=12_000_000,
    frequency=125_000_000,
    heap=192 << 10,
    hash_bytes=1,
    arch="armv6m",
    files=0xA0000,
    file_size=1408 << 10,
    block=4096,
    pins=PINS,
    leds=("LED",),
    uarts={0: Serial("UART0", "GP0", "GP1", "GP2", "GP3"),
           1: Serial("UART1", "GP4", "GP5", "GP6", "GP7")},
    i2cs={0: TwoWire("I2C0", "GP9", "GP8"), 1: TwoWire("I2C1", "GP7", "GP6")},
    spis={0: FourWire("SPI0", "GP18", "GP16", "GP19"), 1: FourWire("SPI1", "GP10", "GP8", "GP11")},
)
