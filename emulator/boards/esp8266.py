"""The NodeMCU with an ESP8266: 4 MiB of flash, pins by their GPIO numbers and by those printed."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.board import Board, FourWire, Serial
from mpy_cross.emulator.chip import Chip

PINS: Final[dict[str, str]] = {
    **{str(n): f"GPIO{n}" for n in (0, 1, 2, 3, 4, 5, 9, 10, 12, 13, 14, 15, 16)},
    "D0": "GPIO16", "D1": "GPIO5", "D2": "GPIO4", "D3": "GPIO0", "D4": "GPIO2", "D5": "GPIO14",
    "D6": "GPIO12", "D7": "GPIO13", "D8": "GPIO15", "RX": "GPIO3", "TX": "GPIO1", "LED": "GPIO2",
    "FLASH": "GPIO0", "A0": "TOUT",
}


def build(context: Context, crystal: int) -> Chip:
    # Imported when it is needed: a run has one board, and chips are large.
    from mpy_cross.emulator.soc import esp8266

    return esp8266.build(context, crystal)


def setup(chip: Chip) -> None:
    """The console has its pads at 115,200 baud."""
    chip.poke("UART0", {"CLKDIV": 80_000_000 // 115_200})


def wire(chip: Chip) -> None:
    """Resistors that choose what the chip boots from."""
    for number, level in ((0, 1), (2, 1), (15, 0)):
        chip.pins[f"GPIO{number}"].tie(level)


ESP8266: Final = Board(
    name="esp8266",
    title="NodeMCU ESP8266",
    firmware=("ESP8266_GENERIC",),
    machine="ESP module with ESP8266",
    platform="esp8266",
    build=build,
    setup=setup,
    wire=wire,
    crystal=26_000_000,
    frequency=80_000_000,
    heap=38 << 10,
    arch="xtensa",
    files=1 << 20,
    file_size=(3 << 20) - 20480,
    block=4096,
    pins=PINS,
    leds=("LED",),
    led_on=0,
    callbacks=4,
    switches={"FLASH": 0},
    console="UART0",
    uarts={0: Serial("UART0", "1", "3"), 1: Serial("UART1", "2", "")},
    spis={1: FourWire("SPI1", "14", "12", "13", "15")},
)
