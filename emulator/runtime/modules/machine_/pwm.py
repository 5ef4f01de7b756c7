"""`machine.PWM` of RP2040, by the registers of its slices."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.pin import ALT, RpPin, pin_of
from mpy_cross.emulator.runtime.modules.machine_.stm_pin import StmPin, alternates
from mpy_cross.emulator.runtime.modules.machine_.stm_timer import PWM as PULSES
from mpy_cross.emulator.runtime.modules.machine_.stm_timer import Timer, build_timer
from mpy_cross.emulator.runtime.types import HostObject

FUNCTION: Final = 4
TOP_MAX: Final = 65534  # one less than the largest, so that a duty of 65535 is always high


def set_pulses(self: Any, *, freq: Any = None, duty_u16: Any = None, duty_ns: Any = None) -> None:
    """`PWM.init` of all boards: change frequency and duty."""
    if duty_u16 is not None and duty_ns is not None:
        raise ValueError("only one of duty_u16 and duty_ns may be given")
    if freq is not None:
        self.freq(freq)
    if duty_u16 is not None:
        self.duty_u16(duty_u16)
    if duty_ns is not None:
        self.duty_ns(duty_ns)


class PWM(HostObject):
    """`PWM(pin, *, freq, duty_u16, duty_ns)`: one output of a slice."""

    _hw: ClassVar[Hardware]

    def __init__(self, dest: Any, *, freq: Any = None, duty_u16: Any = None,
                 duty_ns: Any = None) -> None:
        pin = pin_of(self._hw, dest)
        assert isinstance(pin, RpPin)
        self._slice, self._side = pin._number >> 1 & 7, pin._number & 1
        pin._mode(ALT, FUNCTION)
        self.init(freq=freq, duty_u16=duty_u16, duty_ns=duty_ns)

    init = set_pulses

    def _read(self, register: str) -> int:
        return self._hw.read("PWM", f"CH{self._slice}_{register}")

    def _write(self, register: str, value: int) -> None:
        self._hw.write("PWM", f"CH{self._slice}_{register}", value)

    def _level(self) -> int:
        return self._read("CC") >> 16 * self._side & 0xFFFF

    def _set_level(self, value: int) -> None:
        shift = 16 * self._side
        self._write("CC", self._read("CC") & ~(0xFFFF << shift) | (value & 0xFFFF) << shift)
        self._write("CSR", self._read("CSR") | 1)

    def deinit(self) -> None:
        """Stop the slice, with both of its outputs."""
        self._write("CSR", self._read("CSR") & ~1)

    def freq(self, *value: Any) -> Any:
        """Get or set the frequency of the slice.  ValueError for one out of range."""
        source = self._hw.chip.rate.hz
        if not value:
            return 16 * source // self._read("DIV") // max(self._read("TOP"), 1)
        hertz = as_int(value[0])
        if hertz <= 0:
            raise ValueError("freq too small")
        sixteenths, top = 16 * source // hertz, 1
        # A long count has the finest steps of the duty; the divider takes what is left.
        while True:
            for factor in (5, 3):
                if (sixteenths >= 16 * factor and sixteenths % factor == 0
                        and top * factor <= TOP_MAX):
                    sixteenths, top = sixteenths // factor, top * factor
                    break
            else:
                if sixteenths < 32 or top * 2 > TOP_MAX:
                    break
                sixteenths, top = sixteenths // 2, top * 2
        if sixteenths < 16:
            raise ValueError("freq too large")
        if sixteenths >= 256 * 16:
            raise ValueError("freq too small")
        self._write("DIV", sixteenths)
        self._write("TOP", top)
        return None

    def duty_u16(self, *value: Any) -> Any:
        """Get or set the duty, 0 to 65535."""
        whole = self._read("TOP") + 1
        if not value:
            return self._level() * 65535 // whole
        self._set_level(as_int(value[0]) * whole // 65535)
        return None

    def duty_ns(self, *value: Any) -> Any:
        """Get or set the width of the pulse in ns."""
        hertz = 16 * self._hw.chip.rate.hz // self._read("DIV")
        if not value:
            return self._level() * 1_000_000_000 // hertz
        level = as_int(value[0]) * hertz // 1_000_000_000
        if level > 65535:
            raise ValueError("duty larger than period")
        self._set_level(level)
        return None

    def __repr__(self) -> str:
        return f"<PWM slice={self._slice} channel={self._side}>"


class StmPWM(HostObject):
    """`PWM` on the first timer that has a channel at the pin."""

    type_name = "PWM"

    _hw: ClassVar[Hardware]

    def __init__(self, dest: Any, *, freq: Any = None, duty_u16: Any = None,
                 duty_ns: Any = None) -> None:
        pin = pin_of(self._hw, dest)
        assert isinstance(pin, StmPin)
        found = None
        for _, signal in alternates(pin._pad.name):
            match = re.match(r"TIM(\d+)_CH(\d)$", signal)
            if match is not None:
                found = int(match[1]), int(match[2])
                break
        if found is None:
            raise ValueError(f"Pin({pin.name()}) doesn't have a timer")
        self._timer: Timer = build_timer(self._hw)(found[0])
        if not self._timer._ready or freq is not None:
            self._timer.init(freq=1000 if freq is None else freq)
        self._channel = self._timer.channel(found[1], PULSES, pin=pin)
        self.init(duty_u16=duty_u16, duty_ns=duty_ns)

    init = set_pulses

    def deinit(self) -> None:
        """Turn the output off."""
        self._channel._mode_bits(0)

    def freq(self, *value: Any) -> Any:
        """Get or set the frequency of the timer; the share of the pulse stays."""
        if not value:
            return int(self._timer.freq())
        duty = self.duty_u16()
        self._timer.freq(value[0])
        self.duty_u16(duty)
        return None

    def duty_u16(self, *value: Any) -> Any:
        """Get or set the duty, 0 to 65535."""
        whole = self._timer.period() + 1
        if not value:
            return min((self._channel.capture() * 65535 + whole - 1) // whole, 65535)
        self._channel.capture(as_int(value[0]) * whole // 65535)
        return None

    def duty_ns(self, *value: Any) -> Any:
        """Get or set the width of the pulse in ns."""
        hertz = self._timer.source_freq() // (self._timer.prescaler() + 1)
        if not value:
            return self._channel.capture() * 1_000_000_000 // hertz
        width = as_int(value[0]) * hertz // 1_000_000_000
        if width > self._timer.period() + 1:
            raise ValueError("duty larger than period")
        self._channel.capture(width)
        return None


def build_pwm(hw: Hardware) -> type[PWM]:
    """`PWM`; the slices stop with the run-time."""
    hw.closers.append(lambda: hw.write("PWM", "EN", 0))
    return hw.bind(PWM)
