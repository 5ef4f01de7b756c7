"""Module `esp32` (manual 1.3.3): what only the ESP32 has."""

from __future__ import annotations

from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_int, native
from mpy_cross.emulator.runtime.modules.esp32_.partition import Partition
from mpy_cross.emulator.runtime.modules.esp32_.pulses import RMT
from mpy_cross.emulator.runtime.modules.esp32_.storage import NVS
from mpy_cross.emulator.runtime.modules.esp32_.ulp import ULP
from mpy_cross.emulator.runtime.modules.machine import prepared
from mpy_cross.emulator.runtime.modules.machine_.esp_control import (
    ALL_LOW,
    ANY_HIGH,
    DEEPSLEEP_KIND,
    SLEEP_KIND,
    Wake,
)
from mpy_cross.emulator.runtime.modules.machine_.esp_pin import EXT_PINS, EspPin
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("esp32",)
HEAP_DATA, HEAP_EXEC = 1 << 2, 1 << 0
# Heaps of the system after its start: the manual's example for data, an estimate for code.
DATA_HEAPS: Final = ((240, 0, 0, 0), (7288, 0, 0, 0), (16648, 4, 4, 4),
                     (79912, 35712, 35512, 35108), (15072, 15036, 15036, 15036),
                     (113840, 0, 0, 0))
CODE_HEAPS: Final = ((15072, 15036, 15036, 15036), (43040, 42000, 42000, 42000),
                     (94848, 93800, 93800, 93800))
HALL: Final = 40
"""A reading of the Hall sensor without a magnet: an estimate."""


def fahrenheit(celsius: float) -> int:
    return round(celsius * 1.8 + 32)


def build(runtime: Runtime) -> Module:
    """Raises ImportError where there is no ESP32."""
    hw = prepared(runtime)
    if hw.board.platform != "esp32":
        raise ImportError("no module named 'esp32'")
    wake: Wake = hw.types["wake"]

    def pin_to_wake(pin: Any) -> EspPin:
        if not isinstance(pin, EspPin):
            raise ValueError("expecting a pin")
        if pin._number not in EXT_PINS:
            raise ValueError("invalid pin")
        return pin

    @native
    def wake_on_touch(wake_: Any, /) -> None:
        """Say whether a touch wakes the chip."""
        if wake.ext0 is not None:
            raise ValueError("no resources")
        wake.touch = bool(wake_)

    def wake_on_ext0(pin: Any = None, level: Any = None) -> None:
        """Say which pin wakes the chip, and at which level."""
        if wake.touch:
            raise ValueError("no resources")
        wake.ext0 = None if pin is None else pin_to_wake(pin)
        if level is not None:
            wake.level0 = bool(level)
        wake.kinds0 = SLEEP_KIND | DEEPSLEEP_KIND

    def wake_on_ext1(pins: Any = None, level: Any = None) -> None:
        """Say which pins wake the chip: any that is high, or all that are low."""
        wake.ext1 = () if pins is None else tuple(pin_to_wake(pin) for pin in pins)
        if level is not None:
            wake.any1 = bool(level)

    @native
    def raw_temperature() -> int:
        """The temperature of the chip in degrees Fahrenheit."""
        hw.busy()
        return fahrenheit(hw.wiring.temperature)

    @native
    def hall_sensor() -> int:
        """The reading of the Hall sensor; `wiring.parts["hall"]` if there is one."""
        hw.busy()
        return int(hw.wiring.parts.get("hall", HALL))

    @native
    def idf_heap_info(capabilities: Any, /) -> list[tuple[int, ...]]:
        """Total, free, largest free and least free bytes of each heap of the system."""
        wanted = as_int(capabilities)
        return list({HEAP_DATA: DATA_HEAPS, HEAP_EXEC: CODE_HEAPS}.get(wanted, ()))

    values: dict[str, Any] = {
        "wake_on_touch": wake_on_touch, "wake_on_ext0": wake_on_ext0, "wake_on_ext1": wake_on_ext1,
        "raw_temperature": raw_temperature, "hall_sensor": hall_sensor,
        "idf_heap_info": idf_heap_info, "WAKEUP_ALL_LOW": ALL_LOW, "WAKEUP_ANY_HIGH": ANY_HIGH,
        "HEAP_DATA": HEAP_DATA, "HEAP_EXEC": HEAP_EXEC,
    }
    for cls in (NVS, Partition, RMT, ULP):
        values[cls.__name__] = hw.bind(cls)
    return Module(NAMES[0], values)
