"""The analog side of the STM32F4 parts: what converters see and drive, and what triggers them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.blocks.stm32.adc import REFERENCE, Adc, AdcCommon, raw, sensor
from mpy_cross.emulator.blocks.stm32.dac import Dac
from mpy_cross.emulator.blocks.stm32.tim import Tim
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.wiring import SUPPLY

if TYPE_CHECKING:
    from mpy_cross.emulator.soc.stm32f4 import Stm32f4

# Factory calibration (datasheet DS8626, tables 70 and 73): VREFINT at 30 degrees, the temperature
# sensor at 30 and at 110 degrees, all at 3.3 V.
CALIBRATION: Final = 0x1FFF7A2A
DAC_PADS: Final = ("PA4", "PA5")
_UPDATE: Final = 2  # CR2.MMS: the update event goes out


@final
class Analog:
    """Builds the converters of a chip and connects them."""

    def __init__(self, chip: Stm32f4) -> None:
        self.chip = chip
        self.common = AdcCommon("ADC", chip.context)
        # What listens to the updates of a timer now.
        self.listeners: dict[object, tuple[Tim, Callable[[], None]]] = {}

    def build(self) -> None:
        chip = self.chip
        context = chip.context
        words = (raw(REFERENCE), raw(sensor(30)), raw(sensor(110)))
        chip.bus.load(CALIBRATION, b"".join(word.to_bytes(2, "little") for word in words))
        for number in (1, 2, 3):
            name = f"ADC{number}"
            if name not in chip.has:
                continue
            adc = Adc(name, context, chip.rcc.pclk2, self.common,
                      partial(self.volts, number, self.channels(number)), chip.request(name))
            adc.listen = partial(self.listen, name, adc.triggered)
            chip.add(adc, adc.irq)
        chip.add(self.common)
        if "DAC" in chip.has:
            dac = Dac("DAC", context, (chip.request("DAC1"), chip.request("DAC2")))
            dac.output = self.drive
            dac.listen = lambda channel, timer: self.listen(
                ("DAC", channel), partial(dac.triggered, channel), timer)
            chip.add(dac, dac.irq)

    def channels(self, number: int) -> dict[int, Pin]:
        """The pads of a converter by channel."""
        found = {}
        for pad, text in self.chip.part.pads.items():
            converters, _, channel = text.partition("|")[2].strip().partition("_IN")
            if channel and str(number) in converters[3:]:
                found[int(channel)] = self.chip.pins[pad]
        return found

    def volts(self, number: int, channels: dict[int, Pin], channel: int) -> float:
        """The voltage at a channel of a converter."""
        wiring, part, switches = self.chip.wiring, self.chip.part, self.common.CCR
        pad = channels.get(channel)
        if pad is not None:
            return wiring.volts(pad)
        battery = switches & AdcCommon.CCR["VBATE"]
        if number == 1 and channel == 18 and battery:
            return SUPPLY / part.battery_divider
        if number == 1 and switches & AdcCommon.CCR["TSVREFE"]:
            if channel == 17:
                return REFERENCE
            if channel == part.temperature_channel:
                return sensor(wiring.temperature)
        return 0.0

    def drive(self, channel: int, code: int | None) -> None:
        """The output of the DAC."""
        outputs = self.chip.wiring.outputs
        label = self.chip.pins[DAC_PADS[channel]].label
        if code is None:
            outputs.pop(label, None)
        else:
            outputs.setdefault(label, []).append((self.chip.context.clock.now,
                                                  code / 4095 * SUPPLY))

    def listen(self, key: object, call: Callable[[], None], timer: str | None) -> None:
        """Calls `call` at each update of a timer that goes out of it; None ends that."""
        known = self.listeners.get(key)
        if known is not None and known[0].name == timer:
            return
        if known is not None:
            del self.listeners[key]
            known[0].updated.remove(known[1])
            known[0].refresh()
        block = self.chip.blocks.get(timer) if timer is not None else None
        if isinstance(block, Tim):
            found = block

            def updated() -> None:
                if found.CR2 >> 4 & 7 == _UPDATE:
                    call()

            found.settle()
            found.updated.append(updated)
            found.refresh()
            self.listeners[key] = found, updated
