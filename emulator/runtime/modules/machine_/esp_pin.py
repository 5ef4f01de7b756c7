"""`machine.Pin` of the ESP32 and the ESP8266, by the registers of GPIO and IO_MUX."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.blocks.esp32 import gpio as esp32_gpio
from mpy_cross.emulator.blocks.esp8266 import gpio as esp8266_gpio
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase

RISING, FALLING = 1, 2
LOW_LEVEL, HIGH_LEVEL = 4, 5
INPUT, OUTPUT, DRAIN = 1, 2, 4
"""Bits of the modes of the ESP32."""
GPIO_SOURCE, GPIO_INTERRUPT = 22, 4
OPEN_DRAIN_BIT: Final = 1 << 2
PULL_DOWN, PULL_UP, PULL_HOLD = 1, 2, 4
EXT_PINS: Final = frozenset((0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39))
"""Pads that belong to the RTC, and can wake the chip."""
WAKES: Final = range(2, 8)
FLASH_PINS: Final = (6, 7, 8, 11)
"""Pads of the ESP8266 that its flash needs."""


class EspPin(PinBase):
    """What pins of both have: `Pin(id, mode, pull, *, value)`; there is one object for each."""

    IRQ_RISING, IRQ_FALLING = RISING, FALLING

    _all: ClassVar[dict[int, EspPin]]
    _number: int

    def __new__(cls, id: Any, *args: Any, **kwargs: Any) -> EspPin:
        return cls._find(id)

    def __init__(self, id: Any, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            self.init(*args, **kwargs)

    @classmethod
    def _find(cls, id: Any) -> EspPin:
        if isinstance(id, EspPin):
            return id
        number = as_int(id)
        if number not in cls._all:
            raise ValueError("invalid pin")
        return cls._all[number]

    def init(self, *args: Any, **kwargs: Any) -> None:
        """Configure the pin."""
        raise NotImplementedError

    def _trigger(self, trigger: int) -> None:
        """Sets the type of the interrupt."""
        raise NotImplementedError

    def _listen(self, handler: Any, trigger: int) -> Irq:
        if self._irq is None:
            self._irq = Irq(self, self._trigger)
        self._irq._set(handler, trigger, False)
        return self._irq

    def __repr__(self) -> str:
        return f"Pin({self._number})"


@final
class Esp32Pin(EspPin):
    """ESP32.  IN, OUT and OPEN_DRAIN are combinations of input, output and open drain."""

    type_name = "Pin"

    IN, OUT, OPEN_DRAIN = INPUT, INPUT | OUTPUT, INPUT | OUTPUT | DRAIN
    PULL_DOWN, PULL_UP, PULL_HOLD = PULL_DOWN, PULL_UP, PULL_HOLD
    WAKE_LOW, WAKE_HIGH = LOW_LEVEL, HIGH_LEVEL

    def init(self, mode: Any = None, pull: Any = -1, *, value: Any = None) -> None:
        """Set mode, pull and level."""
        hw = self._hw
        hw.busy()
        self._gpio()
        if value is not None:
            self._put(bool(value))
        if mode is not None:
            self._mode(as_int(mode))
        if pull is None or as_int(pull) != -1:
            pulls = 0 if pull is None else as_int(pull)
            bits = ((esp32_gpio.PULL_UP if pulls & PULL_UP else 0)
                    | (esp32_gpio.PULL_DOWN if pulls & PULL_DOWN else 0))
            hw.change("IO_MUX", self._mux, esp32_gpio.PULL_UP | esp32_gpio.PULL_DOWN, bits)

    @property
    def _mux(self) -> str:
        return f"IO_MUX_{esp32_gpio.ORDER.index(self._number)}"

    def _gpio(self) -> None:
        """The pad is GPIO, driven by no peripheral."""
        hw = self._hw
        hw.change("IO_MUX", self._mux, 7 << 12, esp32_gpio.GPIO_FUNCTION << 12)
        hw.write("GPIO", f"FUNC{self._number}_OUT_SEL_CFG", esp32_gpio.SIMPLE)

    def _connect(self, signal: int, inverted: bool = False) -> None:
        """A signal of the matrix drives the pad, which is an output."""
        hw = self._hw
        hw.change("IO_MUX", self._mux, 7 << 12, esp32_gpio.GPIO_FUNCTION << 12)
        self._enable(True)
        hw.write("GPIO", f"FUNC{self._number}_OUT_SEL_CFG", signal | inverted << 9)

    def _feed(self, signal: int, inverted: bool = False) -> None:
        """A signal of the matrix looks at the pad."""
        hw = self._hw
        hw.change("IO_MUX", self._mux, 7 << 12,
                  esp32_gpio.GPIO_FUNCTION << 12 | esp32_gpio.INPUT_ENABLE)
        hw.write("GPIO", f"FUNC{signal}_IN_SEL_CFG", 1 << 7 | inverted << 6 | self._number)

    def _enable(self, enabled: bool) -> None:
        self._bit("ENABLE", enabled)

    def _bit(self, register: str, on: bool) -> None:
        name = f"{register}{'1' if self._number >= 32 else ''}_W1T{'S' if on else 'C'}"
        self._hw.write("GPIO", name, 1 << (self._number & 31))

    def _mode(self, mode: int) -> None:
        hw = self._hw
        if mode & OUTPUT and self._number >= esp32_gpio.FIRST_INPUT:
            raise ValueError("pin can only be input")
        enable = esp32_gpio.INPUT_ENABLE
        hw.change("IO_MUX", self._mux, enable, enable if mode & INPUT else 0)
        hw.change("GPIO", f"PIN{self._number}", OPEN_DRAIN_BIT,
                  OPEN_DRAIN_BIT if mode & DRAIN else 0)
        self._enable(bool(mode & OUTPUT))

    def _read(self) -> int:
        high = self._number >= 32
        return self._hw.read("GPIO", "IN1" if high else "IN") >> (self._number & 31) & 1

    def _put(self, level: bool) -> None:
        self._bit("OUT", level)

    def _write(self, level: bool) -> None:
        self._bit("OUT", level)

    def irq(self, handler: Any = None, trigger: Any = RISING | FALLING, wake: Any = None) -> Irq:
        """Call `handler(pin)` at these edges; with a level and `wake`, wake the chip."""
        wanted = as_int(trigger)
        if wanted in (LOW_LEVEL, HIGH_LEVEL) and wake is not None:
            waking = self._hw.types["wake"]
            if not isinstance(wake, int) or wake not in WAKES:
                raise ValueError("bad wake value")
            if waking.touch:
                raise ValueError("no resources")
            if self._number not in EXT_PINS:
                raise ValueError("invalid pin for wake")
            if waking.ext0 not in (None, self):
                raise ValueError("no resources")
            waking.ext0, waking.level0 = self, wanted == HIGH_LEVEL
            waking.kinds0 = wake
            return self._listen(None, 0)
        return self._listen(handler, wanted)

    def _trigger(self, trigger: int) -> None:
        enabled = esp32_gpio.TO_PRO_CPU if trigger else 0
        self._hw.change("GPIO", f"PIN{self._number}", 7 << 7 | esp32_gpio.TO_PRO_CPU,
                        (trigger & 7) << 7 | enabled)


@final
class Esp8266Pin(EspPin):
    """ESP8266.  GPIO16 belongs to the RTC: no pull, no open drain, no interrupt."""

    type_name = "Pin"

    IN, OUT, OPEN_DRAIN = 0, 1, 2
    PULL_UP = 1

    _chosen: int

    def init(self, mode: Any, pull: Any = None, *, value: Any = None) -> None:
        """Set mode, pull and level."""
        hw = self._hw
        hw.busy()
        pulls = 0 if pull is None else as_int(pull)
        self._chosen = as_int(mode)
        if self._number == esp8266_gpio.RTC_PIN:
            if pulls:
                raise ValueError("Pin(16) doesn't support pull")
            if self._chosen != self.OUT:
                hw.write("RTC", "GPIO_ENABLE", 0)
                return
        else:
            function = esp8266_gpio.gpio_function(self._number)
            hw.change("IO_MUX", self._mux, 0x130, function << 4)
            hw.change("IO_MUX", self._mux, esp8266_gpio.PULL_UP,
                      esp8266_gpio.PULL_UP if pulls & self.PULL_UP else 0)
        self._set(None if value is None else bool(value))

    @property
    def _mux(self) -> str:
        return f"PIN_{esp8266_gpio.ORDER.index(self._number)}"

    def _gives(self, function: int) -> None:
        """The pad belongs to a peripheral."""
        self._hw.change("IO_MUX", self._mux, 0x130, (function & 3) << 4 | (function & 4) << 6)

    def _read(self) -> int:
        if self._number == esp8266_gpio.RTC_PIN:
            return self._hw.read("RTC", "GPIO_IN_DATA") & 1
        return self._hw.read("GPIO", "IN") >> self._number & 1

    def _set(self, level: bool | None) -> None:
        """What a write does depends on the mode; None sets the direction only."""
        hw, bit = self._hw, 1 << self._number
        if self._number == esp8266_gpio.RTC_PIN:
            if level is not None:
                hw.write("RTC", "GPIO_OUT", int(level))
            hw.write("RTC", "GPIO_ENABLE", int(self._chosen == self.OUT))
        elif self._chosen == self.IN:
            hw.write("GPIO", "ENABLE_W1TC", bit)
        elif self._chosen == self.OUT:
            if level is not None:
                hw.write("GPIO", "OUT_W1TS" if level else "OUT_W1TC", bit)
            hw.write("GPIO", "ENABLE_W1TS", bit)
        elif level is not None:
            if not level:
                hw.write("GPIO", "OUT_W1TC", bit)
            hw.write("GPIO", "ENABLE_W1TC" if level else "ENABLE_W1TS", bit)

    def _write(self, level: bool) -> None:
        self._set(level)

    def irq(self, handler: Any = None, trigger: Any = RISING | FALLING, hard: Any = False) -> Irq:
        """Call `handler(pin)` at these edges."""
        if self._number == esp8266_gpio.RTC_PIN:
            raise OSError("pin does not have IRQ capabilities")
        if hard:
            raise ValueError("hard IRQ not supported")
        return self._listen(handler, as_int(trigger))

    def _trigger(self, trigger: int) -> None:
        self._hw.change("GPIO", f"PIN{self._number}", 7 << 7, (trigger & 7) << 7)
        self._hw.write("GPIO", "STATUS_W1TC", 1 << self._number)


def _call(hw: Hardware, pin: EspPin) -> None:
    irq = pin._irq
    if irq is None or irq._handler is None:
        return
    irq._flags = irq._trigger
    if irq._trigger in (LOW_LEVEL, HIGH_LEVEL):
        # A level lasts: this interrupt is off until the next look at it.
        irq.disable()
        hw.alarm(1000, irq.enable)
    hw.callback(irq, irq._handler, (pin,), hard=False)


def _dispatch(hw: Hardware, pins: dict[int, EspPin], two: bool) -> None:
    """The interrupt of the pads: acknowledges it and calls the handlers."""
    pending = hw.read("GPIO", "STATUS")
    hw.write("GPIO", "STATUS_W1TC", pending)
    if two:
        high = hw.read("GPIO", "STATUS1")
        hw.write("GPIO", "STATUS1_W1TC", high)
        pending |= high << 32
    number = 0
    while pending >> number:
        if pending >> number & 1 and number in pins:
            _call(hw, pins[number])
        number += 1


def build_esp(hw: Hardware) -> type[EspPin]:
    """`Pin` for the chip of this board."""
    two = hw.board.platform == "esp32"
    made: type[EspPin] = hw.bind(Esp32Pin) if two else hw.bind(Esp8266Pin)
    made._all = {}
    for name, pad in hw.chip.pins.items():
        if not name.startswith("GPIO"):
            continue
        number = int(name[4:])
        if not two and number in FLASH_PINS:
            continue  # the flash
        pin = object.__new__(made)
        pin._pad, pin._number, pin._irq = pad, number, None
        if isinstance(pin, Esp8266Pin):
            pin._chosen = 0
        made._all[number] = pin
    hw.interrupt(GPIO_SOURCE if two else GPIO_INTERRUPT, lambda: _dispatch(hw, made._all, two))

    def close() -> None:
        for pin in made._all.values():
            if pin._irq is not None:
                pin._trigger(0)

    hw.closers.append(close)
    return made
