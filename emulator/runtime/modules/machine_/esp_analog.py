"""`machine.ADC` and `machine.DAC` of the ESP chips: voltages come from the wiring of the board."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.esp_pin import Esp32Pin
from mpy_cross.emulator.runtime.modules.machine_.hardware import US, Hardware
from mpy_cross.emulator.runtime.types import HostObject
from mpy_cross.emulator.wiring import SUPPLY

RANGES: Final = (1.0, 1.34, 2.0, 3.6)
"""Volts that the largest value stands for, by attenuation."""
INPUT_PAD: Final = "TOUT"
"""The pad of the ESP8266's converter, which takes 0 to 1 V."""


@final
class Esp32ADC(HostObject):
    """`ADC(pin)` of pins 32 to 39; `width` is common to all of them."""

    type_name = "ADC"
    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = range(4)
    WIDTH_9BIT, WIDTH_10BIT, WIDTH_11BIT, WIDTH_12BIT = range(4)

    _hw: ClassVar[Hardware]
    _bits: ClassVar[int] = 12

    def __init__(self, pin: Any, /) -> None:
        if not isinstance(pin, Esp32Pin):
            raise ValueError("expecting a pin")
        if not 32 <= pin._number <= 39:
            raise ValueError("invalid Pin for ADC")
        self._pin = pin
        self._range = RANGES[0]

    def read(self) -> int:
        """The voltage, in so many steps as the width says."""
        self._hw.spend(20 * US)
        top = (1 << type(self)._bits) - 1
        volts = self._hw.wiring.volts(self._pin._pad)
        return round(min(max(volts / self._range, 0.0), 1.0) * top)

    def read_u16(self) -> int:
        """The voltage, 0 to 65535."""
        bits = type(self)._bits
        raw = self.read()
        return raw << 16 - bits | raw >> 2 * bits - 16

    def atten(self, attenuation: Any, /) -> None:
        """Set the attenuation, and so the largest voltage."""
        if not 0 <= as_int(attenuation) < len(RANGES):
            raise ValueError("parameter error")
        self._range = RANGES[as_int(attenuation)]

    @classmethod
    def width(cls, bits: Any, /) -> None:
        """Set how many bits readings have."""
        if not 0 <= as_int(bits) <= 3:
            raise ValueError("parameter error")
        cls._bits = 9 + as_int(bits)

    def __repr__(self) -> str:
        return f"ADC(Pin({self._pin._number}))"


@final
class Esp32DAC(HostObject):
    """`DAC(pin)` of pins 25 and 26: what it puts out, `wiring.parts["dac GPIO25"]` has in volts."""

    type_name = "DAC"

    _hw: ClassVar[Hardware]

    def __init__(self, pin: Any, /) -> None:
        if not isinstance(pin, Esp32Pin):
            raise ValueError("expecting a pin")
        if pin._number not in (25, 26):
            raise ValueError("invalid Pin for DAC")
        self._pin = pin
        self.write(0)

    def write(self, value: Any, /) -> None:
        """Put out a voltage, 0 to 255."""
        number = as_int(value)
        if not 0 <= number <= 255:
            raise ValueError("value out of range")
        self._hw.wiring.parts[f"dac GPIO{self._pin._number}"] = number * SUPPLY / 255

    def __repr__(self) -> str:
        return f"DAC(Pin({self._pin._number}))"


@final
class Esp8266ADC(HostObject):
    """`ADC(0)`: the pad TOUT; `ADC(1)`: the supply."""

    type_name = "ADC"

    _hw: ClassVar[Hardware]

    def __init__(self, id: Any, /) -> None:
        self._channel = as_int(id)
        if self._channel not in (0, 1):
            raise ValueError(f"ADC({self._channel}) doesn't exist")

    def read(self) -> int:
        """The voltage, 0 to 1024 for 0 to 1 V; the supply in units of 1/1024 V."""
        hw = self._hw
        hw.spend(100 * US)
        if self._channel == 1:
            return round(SUPPLY * 1024)
        volts = hw.wiring.volts(hw.chip.pins[INPUT_PAD])
        return round(min(max(volts, 0.0), 1.0) * 1024)

    def read_u16(self) -> int:
        """The voltage, 0 to 65535."""
        return min(self.read() * 65535 // 1024, 65535)

    def __repr__(self) -> str:
        return f"ADC({self._channel})"
