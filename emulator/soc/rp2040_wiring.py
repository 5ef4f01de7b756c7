"""What is wired to a board with RP2040, as its SPI, I2C and ADC blocks reach it."""

from __future__ import annotations

from functools import partial

from mpy_cross.emulator.blocks.rp2040.adc import SENSOR
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.soc.rp2040 import Rp2040
from mpy_cross.emulator.wiring import I2CBus, Wiring, quantized

FIRST_ANALOG = 26


def sensor(celsius: float) -> float:
    """Volts of the temperature sensor (RP2040 datasheet, 4.9.5)."""
    return 0.706 - (celsius - 27.0) * 0.001721


def connect(chip: Rp2040, wiring: Wiring) -> None:
    """Lets the blocks of a chip reach what is wired to its pads."""
    for n in (0, 1):
        chip.spis[n].exchange = partial(exchange, chip, wiring, n)
        chip.i2cs[n].bus = partial(i2c_bus, chip, wiring, n)
    chip.adc.sample = partial(sample, chip, wiring)


def pad(chip: Rp2040, signal: str) -> Pin | None:
    """The pad that is switched to this signal."""
    return chip.bank.pad_of(chip.signal(signal))


def exchange(chip: Rp2040, wiring: Wiring, number: int, value: int, bits: int) -> int:
    """A frame on an SPI bus; without a device, what the receiving pad sees."""
    clock = pad(chip, f"SPI{number}_SCK")
    bus = wiring.spi_bus(clock) if clock is not None else None
    if bus is None:
        receiver, sender = pad(chip, f"SPI{number}_RX"), pad(chip, f"SPI{number}_TX")
        if receiver is None:
            return 0
        if sender is not None and sender.net is receiver.net:
            return value
        return (1 << bits) - 1 if receiver.level else 0
    if bits <= 8:
        return bus.exchange(value)
    return bus.exchange(value >> 8) << 8 | bus.exchange(value & 0xFF)


def i2c_bus(chip: Rp2040, wiring: Wiring, number: int) -> I2CBus:
    clock, data = pad(chip, f"I2C{number}_SCL"), pad(chip, f"I2C{number}_SDA")
    return wiring.i2c_bus(clock, data) if clock is not None and data is not None else I2CBus()


def sample(chip: Rp2040, wiring: Wiring, channel: int) -> int:
    if channel == SENSOR:
        return quantized(sensor(wiring.temperature), 12)
    return wiring.sample(chip.pins[f"GPIO{FIRST_ANALOG + channel}"])

