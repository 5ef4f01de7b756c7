"""What is soldered to a board beside its chip, and is seen through buses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mpy_cross.emulator.wiring import Accelerometer

if TYPE_CHECKING:
    from mpy_cross.emulator.machine import Machine

ACCELEROMETER: Final = 76
"""I2C address of the pyboard's accelerometer."""


def fit(machine: Machine) -> None:
    """Puts the parts on the buses of a board, unless they are there."""
    wiring = machine.wiring
    if "MMA_AVDD" in machine.board.pins and "accelerometer" not in wiring.parts:
        power = machine.pin("MMA_AVDD")
        sensor = Accelerometer(ACCELEROMETER, lambda: bool(power.level))
        wiring.parts["accelerometer"] = sensor
        wiring.i2c(sensor.device, "X9", "X10")
