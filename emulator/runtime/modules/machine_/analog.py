"""`machine.ADC`: voltages come from the wiring of the board."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.modules.machine_.hardware import US, Hardware
from mpy_cross.emulator.runtime.modules.machine_.pin import ANALOG, PinBase, RpPin
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import ANALOG as STM_ANALOG
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import StmPin, converters
from mpy_cross.emulator.runtime.types import HostObject
from mpy_cross.emulator.wiring import SUPPLY, quantized

RP_TEMPERATURE: Final = 4
STM_TEMPERATURE, STM_REFERENCE, STM_BATTERY = 16, 17, 18
REFERENCE: Final = 1.21  # volts of the internal reference of STM32


def rp_temperature(celsius: float) -> float:
    """Volts of RP2040's sensor (datasheet, 4.9.4)."""
    return 0.706 - (celsius - 27.0) * 0.001721


def stm_temperature(celsius: float) -> float:
    """Volts of STM32F4's sensor (datasheet DS8626, 5.3.22)."""
    return 0.76 + (celsius - 25.0) * 0.0025


class AdcBase(HostObject):
    """A channel of a converter with 12 bits."""

    type_name = "ADC"

    _hw: ClassVar[Hardware]

    _channel: int
    _pin: PinBase | None

    def _internal(self) -> float:
        """Volts of a channel without a pad."""
        raise NotImplementedError

    def _sample(self) -> int:
        if self._pin is not None:
            return self._hw.wiring.sample(self._pin._pad)
        return quantized(self._internal(), 12)

    def read_u16(self) -> int:
        """The voltage, 0 to 65535."""
        self._hw.spend(2 * US)
        value = self._sample()
        return value << 4 | value >> 8


class RpADC(AdcBase):
    """ADC of RP2040."""

    CORE_TEMP = RP_TEMPERATURE

    def __init__(self, source: Any, /) -> None:
        self._pin = None
        if isinstance(source, int) and 0 <= source <= RP_TEMPERATURE:
            self._channel = source
            if source == RP_TEMPERATURE:
                return
            pin = self._hw.types["Pin"]._find(26 + source)
        elif isinstance(source, int) and not 26 <= source <= 29:
            raise ValueError("invalid channel")
        else:
            pin = self._hw.types["Pin"]._find(source)
        assert isinstance(pin, RpPin)
        if not 26 <= pin._number <= 29:
            raise ValueError("Pin doesn't have ADC capabilities")
        self._channel, self._pin = pin._number - 26, pin
        pin.init(ANALOG)

    def _internal(self) -> float:
        return rp_temperature(self._hw.wiring.temperature)

    def __repr__(self) -> str:
        return f"<ADC channel={self._channel}>"


def stm_volts(hw: Hardware, channel: int) -> float:
    """Volts of the internal channels of STM32."""
    if channel == STM_TEMPERATURE:
        return stm_temperature(hw.wiring.temperature)
    if channel == STM_REFERENCE:
        return REFERENCE
    return SUPPLY / 2  # the battery pin, divided by two


class StmADC(AdcBase):
    """ADC of STM32 in module `machine`."""

    CORE_TEMP, CORE_VREF, CORE_VBAT, VREF = STM_TEMPERATURE, STM_REFERENCE, STM_BATTERY, 65535

    def __init__(self, source: Any, /) -> None:
        self._pin = None
        if isinstance(source, int):
            self._channel = source
            if source in (STM_TEMPERATURE, STM_REFERENCE, STM_BATTERY, self.VREF):
                return
            self._pin = channel_pin(self._hw, source)
            if self._pin is None:
                raise ValueError(f"not a valid ADC Channel: {source}")
            return
        pin: StmPin = self._hw.types["Pin"]._find(source)
        found = converters(pin._pad.name)
        if found is None:
            raise ValueError(f"Pin({pin.name()}) does not have ADC capabilities")
        self._channel, self._pin = found[1], pin
        pin._configure(STM_ANALOG, 0)

    def _internal(self) -> float:
        return SUPPLY if self._channel == self.VREF else stm_volts(self._hw, self._channel)

    def __repr__(self) -> str:
        return f"<ADC1 channel={self._channel}>"


def channel_pin(hw: Hardware, channel: int) -> StmPin | None:
    """The pin of a channel of the first converter."""
    pins: dict[str, StmPin] = hw.types["Pin"]._all
    for name, pin in pins.items():
        found = converters(name)
        if found is not None and found[1] == channel and "1" in found[0]:
            return pin
    return None
