"""A board: a chip, the names of its pads, and the facts that a run-time for it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, final

from mpy_cross.emulator.block import Context
from mpy_cross.emulator.chip import Chip

NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
"""No switches, buses and so on."""


@final
class Serial(NamedTuple):
    """A UART of a board: its block, and the pads by their board names; "" for none."""

    block: str
    tx: str
    rx: str
    cts: str = ""
    rts: str = ""


@final
class TwoWire(NamedTuple):
    """An I2C bus of a board."""

    block: str
    scl: str
    sda: str


@final
class FourWire(NamedTuple):
    """An SPI bus of a board."""

    block: str
    sck: str
    miso: str
    mosi: str
    nss: str = ""


def _bare(chip: Chip) -> None:
    """Nothing is soldered to the pads."""


@final
class Board(NamedTuple):
    """Facts about one board.

    name: ours; title: MicroPython's name of the board; firmware: the names under which its images
    are published; machine, platform: os.uname().machine and sys.platform.
    build: makes the chip, given its context and `crystal` in Hz; setup: does to the pads what the
    board's start-up code does.  frequency: Hz of the cores after it.
    heap: bytes; float_bits: of a Python float; small_int_bits: of an int that is no object;
    hash_bytes: of the hash of a string (MICROPY_QSTR_BYTES_IN_HASH);
    callbacks: how many `micropython.schedule` keeps (MICROPY_SCHEDULER_DEPTH);
    arch: the native architecture for .mpy files; files, file_size: offset in flash and size of the
    filesystem in bytes, block: its erase size.
    pins: pad of the chip by the board's name, the preferred name of a pad first; leds: names of
    pins, lit at `led_on`; switches: name and level when pressed.
    uarts, i2cs, spis: by every identifier that MicroPython accepts.
    wire: puts on what is soldered to the pads, such as resistors; console: the block of the UART
    where stock firmware has its prompt, "" where that is USB.
    """

    name: str
    title: str
    firmware: tuple[str, ...]
    machine: str
    platform: str
    build: Callable[[Context, int], Chip]
    setup: Callable[[Chip], None]
    crystal: int
    frequency: int
    heap: int
    arch: str
    files: int
    file_size: int
    block: int
    pins: Mapping[str, str]
    leds: tuple[str, ...]
    led_on: int = 1
    float_bits: int = 32
    small_int_bits: int = 31
    hash_bytes: int = 2
    callbacks: int = 8
    switches: Mapping[str, int] = NOTHING
    uarts: Mapping[int | str, Serial] = NOTHING
    i2cs: Mapping[int | str, TwoWire] = NOTHING
    spis: Mapping[int | str, FourWire] = NOTHING
    timers: tuple[int, ...] = ()
    wire: Callable[[Chip], None] = _bare
    console: str = ""
