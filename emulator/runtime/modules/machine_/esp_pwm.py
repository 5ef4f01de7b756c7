"""`machine.PWM` of the ESP32 (LED PWM controller) and the ESP8266 (by a timer, in software)."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.esp_pin import Esp32Pin, Esp8266Pin
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject

APB: Final = 80_000_000
REFERENCE: Final = 1_000_000
MOST_BITS: Final = 10
CHANNELS: Final = 16
FIRST_FREQUENCY: Final = 5000
FIRST_SIGNAL: Final = 71
TICK, RESET = 1 << 25, 1 << 24
FULL: Final = 1023


class Ledc:
    """Who has which channel and timer of the controller."""

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw
        self.pins: list[int | None] = [None] * CHANNELS
        self.timers: list[int | None] = [None] * CHANNELS
        self.rates: list[int | None] = [None] * 8
        self.bits = [MOST_BITS] * 8

    def channel(self, pin: int) -> int:
        if pin in self.pins:
            return self.pins.index(pin)
        if None not in self.pins:
            raise ValueError(f"out of PWM channels:{CHANNELS}")
        return self.pins.index(None)

    def timer(self, channel: int, hertz: int) -> int:
        """A timer of the channel's group with this frequency, or one that is free."""
        first = channel // 8 * 4
        group = range(first, first + 4)
        for number in group:
            if self.rates[number] == hertz:
                return number
        for number in group:
            if all(timer != number for at, timer in enumerate(self.timers) if at != channel):
                return number
        raise ValueError("out of PWM timers:8")

    def set_rate(self, timer: int, hertz: int) -> None:
        """Divider and width of a timer: as many bits as there is time for."""
        if not 1 <= hertz <= 40_000_000:
            raise ValueError("frequency must be from 1Hz to 40MHz")
        if hertz < 8:  # the divider has ten bits before its point
            source, tick = REFERENCE, 0
        else:
            source, tick = APB, TICK
        bits = 0
        while bits < MOST_BITS and source // hertz >> bits + 1:
            bits += 1
        bits = max(bits, 1)
        divider = (source * 256 + (hertz << bits) // 2) // (hertz << bits)
        self.bits[timer], self.rates[timer] = bits, hertz
        if timer >= 4:
            self.hw.write("LEDC", "CONF", 1)
        register = f"TIMER{timer}_CONF"
        self.hw.write("LEDC", register, tick | divider << 5 | bits)

    def release(self, channel: int) -> None:
        timer, self.pins[channel], self.timers[channel] = self.timers[channel], None, None
        if timer is not None and timer not in self.timers:
            self.rates[timer] = None
            self.hw.write("LEDC", f"TIMER{timer}_CONF", RESET)


@final
class Esp32PWM(HostObject):
    """`PWM(pin, freq=5000, *, duty=512, duty_u16, duty_ns)`."""

    type_name = "PWM"

    _hw: ClassVar[Hardware]

    def __init__(self, dest: Any, freq: Any = -1, *, duty: Any = -1, duty_u16: Any = -1,
                 duty_ns: Any = -1) -> None:
        if not isinstance(dest, Esp32Pin):
            raise ValueError("expecting a pin")
        self._pin = dest
        self._active = False
        self._channel = self._timer = 0
        self._unit = "duty"
        self.init(freq, duty=duty, duty_u16=duty_u16, duty_ns=duty_ns)

    def init(self, freq: Any = -1, *, duty: Any = -1, duty_u16: Any = -1,
             duty_ns: Any = -1) -> None:
        """Change frequency and duty."""
        given = [name for name, value in (("duty", duty), ("duty_u16", duty_u16),
                                          ("duty_ns", duty_ns)) if as_int(value) != -1]
        if len(given) > 1:
            raise ValueError(
                "only one of parameters 'duty', 'duty_u16' or 'duty_ns' is allowed")
        ledc: Ledc = self._hw.types["ledc"]
        new = not self._active
        if self._pin._number >= 34:
            raise ValueError(f"PWM not supported on pin {self._pin._number}")
        self._channel = ledc.channel(self._pin._number)
        ledc.pins[self._channel] = self._pin._number
        self._active = True
        try:
            if as_int(freq) != -1 or new:
                self._rate(as_int(freq) if as_int(freq) != -1 else FIRST_FREQUENCY)
        except ValueError:
            if new:
                ledc.release(self._channel)
                self._active = False
            raise
        if given:
            getattr(self, given[0])(max(duty, duty_u16, duty_ns))
        elif new:
            self._set(1 << 15)
        self._pin._connect(FIRST_SIGNAL + self._channel)

    def _rate(self, hertz: int) -> None:
        ledc: Ledc = self._hw.types["ledc"]
        duty = self.duty_u16() if ledc.timers[self._channel] is not None else None
        timer = ledc.timer(self._channel, hertz)
        if ledc.rates[timer] != hertz:
            ledc.set_rate(timer, hertz)
        old, ledc.timers[self._channel] = ledc.timers[self._channel], timer
        if old is not None and old not in ledc.timers:
            ledc.rates[old] = None
        self._timer = timer
        self._write("CONF0", 4 | timer & 3)
        if duty is not None:
            self._set(duty)

    def _write(self, register: str, value: int) -> None:
        self._hw.write("LEDC", f"CH{self._channel}_{register}", value)

    def _bits(self) -> int:
        ledc: Ledc = self._hw.types["ledc"]
        return ledc.bits[self._timer]

    def _set(self, duty: int) -> None:
        """The duty, of 65536."""
        bits = self._bits()
        level = duty >> 16 - bits
        self._write("DUTY", ((1 << bits) if duty >= 65535 else level) << 4)
        self._write("CONF1", 1 << 31 | 1 << 30)

    def _get(self) -> int:
        return self._hw.read("LEDC", f"CH{self._channel}_DUTY_R") >> 4

    def deinit(self) -> None:
        """Stop; the pin is low."""
        if self._active:
            ledc: Ledc = self._hw.types["ledc"]
            self._write("CONF0", 0)
            ledc.release(self._channel)
            self._active = False
            self._pin._gpio()

    def _check(self) -> None:
        if not self._active:
            raise RuntimeError("PWM is inactive")

    def freq(self, *value: Any) -> Any:
        """Get or set the frequency, 1 Hz to 40 MHz."""
        self._check()
        if not value:
            ledc: Ledc = self._hw.types["ledc"]
            return ledc.rates[self._timer]
        self._rate(as_int(value[0]))
        return None

    def duty(self, *value: Any) -> Any:
        """Get or set the duty, 0 to 1023."""
        self._check()
        if not value:
            return min(self._get() << 10 >> self._bits(), FULL)
        number = as_int(value[0])
        if not 0 <= number <= FULL:
            raise ValueError(f"duty must be from 0 to {FULL}")
        self._unit = "duty"
        self._set(65535 if number == FULL else number << 6)
        return None

    def duty_u16(self, *value: Any) -> Any:
        """Get or set the duty, 0 to 65535."""
        self._check()
        if not value:
            return min(self._get() << 16 - self._bits(), 65535)
        number = as_int(value[0])
        if not 0 <= number <= 65535:
            raise ValueError("duty_u16 must be from 0 to 65535")
        self._unit = "duty_u16"
        self._set(number)
        return None

    def duty_ns(self, *value: Any) -> Any:
        """Get or set the width of the pulse in ns."""
        self._check()
        hertz = self.freq()
        if not value:
            whole = 1 << self._bits()
            return (self._get() * 1_000_000_000 + hertz * whole // 2) // (hertz * whole)
        width = as_int(value[0])
        if not 0 <= width * hertz <= 1_000_000_000:
            raise ValueError(f"duty_ns must be from 0 to {1_000_000_000 // hertz} ns")
        self._unit = "duty_ns"
        self._set(width * hertz * 65536 // 1_000_000_000)
        return None

    def __repr__(self) -> str:
        if not self._active:
            return f"PWM(Pin({self._pin._number}))"
        return (f"PWM(Pin({self._pin._number}), freq={self.freq()}, "
                f"{self._unit}={getattr(self, self._unit)()}, resolution={self._bits()}, "
                f"mode={self._channel // 8}, channel={self._channel % 8}, "
                f"timer={self._timer % 4})")


class SoftPwm:
    """The pulses of the ESP8266: all pins rise together, with one frequency."""

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw
        self.frequency = 500
        self.duties: dict[int, int] = {}
        self.alarms: list[Alarm] = []
        hw.closers.append(self.stop)

    def stop(self) -> None:
        for alarm in self.alarms:
            alarm.cancel()
        self.alarms.clear()

    def start(self) -> None:
        """Begins a period now."""
        self.stop()
        hw = self.hw
        period = 1_000_000_000 // self.frequency
        rising = falling = 0
        for number, duty in self.duties.items():
            if duty:
                rising |= 1 << number
            else:
                falling |= 1 << number
        if rising:
            hw.write("GPIO", "OUT_W1TS", rising)
        if falling:
            hw.write("GPIO", "OUT_W1TC", falling)
        by_width: dict[int, int] = {}
        for number, duty in self.duties.items():
            if 0 < duty < FULL:
                width = period * duty // FULL
                by_width[width] = by_width.get(width, 0) | 1 << number
        for width, bits in sorted(by_width.items()):
            self.alarms.append(hw.alarm(width, Write(hw, bits)))
        if by_width:
            self.alarms.append(hw.alarm(period, self.start))


@final
class Write:
    """Takes some pins low, when it is called."""

    __slots__ = ("bits", "hw")

    def __init__(self, hw: Hardware, bits: int) -> None:
        self.hw, self.bits = hw, bits

    def __call__(self) -> None:
        self.hw.write("GPIO", "OUT_W1TC", self.bits)


@final
class Esp8266PWM(HostObject):
    """`PWM(pin, freq, duty)`: one frequency for all, 1 to 1000 Hz."""

    type_name = "PWM"

    _hw: ClassVar[Hardware]

    def __init__(self, pin: Any, freq: Any = -1, duty: Any = -1) -> None:
        if not isinstance(pin, Esp8266Pin):
            raise ValueError("expecting a pin")
        self._pin = pin
        self._active = False
        self.init(freq, duty)

    def init(self, freq: Any = -1, duty: Any = -1) -> None:
        """Change frequency and duty."""
        pwm: SoftPwm = self._hw.types["pwm"]
        number = self._pin._number
        if number == 16:
            raise ValueError(f"PWM not supported on pin {number}")
        if not self._active:
            self._active = True
            pwm.duties.setdefault(number, 0)
            self._pin.init(Esp8266Pin.OUT)
        if as_int(freq) != -1:
            self._set_rate(as_int(freq))
        if as_int(duty) != -1:
            pwm.duties[number] = min(max(as_int(duty), 0), FULL)
        pwm.start()

    def _set_rate(self, hertz: int) -> None:
        pwm: SoftPwm = self._hw.types["pwm"]
        pwm.frequency = min(max(hertz, 1), 1000)

    def deinit(self) -> None:
        """Stop; the pin is low."""
        pwm: SoftPwm = self._hw.types["pwm"]
        if self._active:
            pwm.duties.pop(self._pin._number, None)
            self._active = False
            self._pin._set(False)
            pwm.start()

    def freq(self, *value: Any) -> Any:
        """Get or set the frequency."""
        pwm: SoftPwm = self._hw.types["pwm"]
        if not value:
            return pwm.frequency
        self._set_rate(as_int(value[0]))
        pwm.start()
        return None

    def duty(self, *value: Any) -> Any:
        """Get or set the duty, 0 to 1023."""
        pwm: SoftPwm = self._hw.types["pwm"]
        if not self._active:
            self.init()
        if not value:
            return pwm.duties[self._pin._number]
        pwm.duties[self._pin._number] = min(max(as_int(value[0]), 0), FULL)
        pwm.start()
        return None

    def __repr__(self) -> str:
        if not self._active:
            return f"PWM({self._pin._number})"
        return f"PWM({self._pin._number}, freq={self.freq()}, duty={self.duty()})"
