"""Module `machine` of the ESP32 and the ESP8266."""

from __future__ import annotations

from typing import Any, Final

from mpy_cross.emulator.runtime.modules.machine_ import esp_control
from mpy_cross.emulator.runtime.modules.machine_.audio import I2S, SDCard
from mpy_cross.emulator.runtime.modules.machine_.esp_analog import Esp32ADC, Esp32DAC, Esp8266ADC
from mpy_cross.emulator.runtime.modules.machine_.esp_buses import Esp32I2C, Esp32SPI, Esp8266SPI
from mpy_cross.emulator.runtime.modules.machine_.esp_control import (
    Esp32Control,
    Esp8266Control,
    TouchPad,
    Wake,
)
from mpy_cross.emulator.runtime.modules.machine_.esp_pin import build_esp
from mpy_cross.emulator.runtime.modules.machine_.esp_pwm import Esp32PWM, Esp8266PWM, Ledc, SoftPwm
from mpy_cross.emulator.runtime.modules.machine_.esp_rtc import (
    Esp32RTC,
    Esp32WDT,
    Esp8266RTC,
    Esp8266WDT,
)
from mpy_cross.emulator.runtime.modules.machine_.esp_timer import Esp32Timer, Esp8266Timer
from mpy_cross.emulator.runtime.modules.machine_.esp_uart import Esp32Uart, Esp8266Uart
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.i2c import SoftI2C
from mpy_cross.emulator.runtime.modules.machine_.memory import memories
from mpy_cross.emulator.runtime.modules.machine_.signal import Signal
from mpy_cross.emulator.runtime.modules.machine_.spi import SoftSPI

PLATFORMS: Final = ("esp32", "esp8266")
FUNCTIONS: Final = (
    "reset", "soft_reset", "reset_cause", "disable_irq", "enable_irq", "freq", "idle",
    "lightsleep", "deepsleep", "unique_id", "time_pulse_us", "bitstream",
)
_ESP32: Final = (Esp32Uart, Esp32Timer, Esp32PWM, Esp32ADC, Esp32DAC, Esp32I2C, Esp32SPI, Esp32RTC,
                 Esp32WDT, TouchPad, I2S, SDCard)
_ESP8266: Final = (Esp8266Uart, Esp8266Timer, Esp8266PWM, Esp8266ADC, Esp8266SPI, Esp8266RTC,
                   Esp8266WDT)


def prepare_esp(hw: Hardware) -> None:
    """Makes the classes of these chips."""
    build_esp(hw)
    for cls in (Signal, SoftI2C, SoftSPI):
        hw.bind(cls)
    if hw.board.platform == "esp32":
        hw.types["wake"] = Wake()
        hw.types["control"] = Esp32Control(hw)
        hw.types["ledc"] = Ledc(hw)
    else:
        hw.types["control"] = Esp8266Control(hw)
        hw.types["pwm"] = SoftPwm(hw)
    for own in _ESP32 if hw.board.platform == "esp32" else _ESP8266:
        bound: Any = hw.bind(own)
        if own in (Esp32Uart, Esp8266Uart, Esp32Timer):
            bound._known = {}


def esp_values(hw: Hardware) -> dict[str, Any]:
    """What the module has."""
    functions = hw.types["control"]
    values: dict[str, Any] = {name: getattr(functions, name) for name in FUNCTIONS}
    values["sleep"] = functions.lightsleep
    values.update(memories(hw))
    values.update((name, hw.types[name]) for name in (
        "Pin", "Signal", "UART", "SoftI2C", "SoftSPI", "Timer", "PWM", "ADC", "SPI", "RTC", "WDT"))
    values["DEEPSLEEP"] = esp_control.DEEPSLEEP_KIND
    if hw.board.platform == "esp32":
        values.update((name, hw.types[name])
                      for name in ("TouchPad", "DAC", "I2C", "I2S", "SDCard"))
        values.update(esp_control.CAUSES_32)
        values.update(esp_control.WAKES_32)
        values["wake_reason"] = functions.wake_reason
        values["SLEEP"] = esp_control.SLEEP_KIND
    else:
        values["I2C"] = hw.types["SoftI2C"]
        values.update(esp_control.CAUSES_8266)
    return values
