"""BME280: temperature, humidity and pressure over I2C.

Source: Bosch BST-BME280-DS002, chapters 4.2 (compensation), 5.3 and 5.4 (registers), 9.1 (times).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.devices.registers import RegisterDevice
from mpy_cross.emulator.wiring import Wiring

_T: Final = (27504, 26435, -1000)
_P: Final = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
_H: Final = (75, 361, 0, 324, 50, 30)
"""Trimming values of one chip: dig_T1.., dig_P1.., dig_H1.. in the data sheet's terms."""
_ID, _RESET, _CTRL_HUM, _STATUS, _CTRL_MEAS, _DATA = 0xD0, 0xE0, 0xF2, 0xF3, 0xF4, 0xF7
_MEASURING: Final = 8
_SKIPPED: Final = (0x80000, 0x80000, 0x8000)  # pressure, temperature, humidity not measured


def _fine(raw: int) -> int:
    """`t_fine` of a raw temperature (4.2.3)."""
    first = ((raw >> 3) - (_T[0] << 1)) * _T[1] >> 11
    second = (((raw >> 4) - _T[0]) * ((raw >> 4) - _T[0]) >> 12) * _T[2] >> 14
    return first + second


def _celsius(raw: int) -> float:
    return (_fine(raw) * 5 + 128 >> 8) / 100


def _pascal(raw: int, fine: int) -> float:
    a = fine - 128000
    b = a * a * _P[5] + (a * _P[4] << 17) + (_P[3] << 35)
    a = (a * a * _P[2] >> 8) + (a * _P[1] << 12)
    a = ((1 << 47) + a) * _P[0] >> 33
    p = (((1048576 - raw) << 31) - b) * 3125 // a
    c = _P[8] * (p >> 13) * (p >> 13) >> 25
    d = _P[7] * p >> 19
    return ((p + c + d >> 8) + (_P[6] << 4)) / 256


def _percent(raw: int, fine: int) -> float:
    v = fine - 76800
    left = ((raw << 14) - (_H[3] << 20) - _H[4] * v + 16384) >> 15
    right = ((v * _H[5] >> 10) * ((v * _H[2] >> 11) + 32768) >> 10) + 2097152
    v = left * (right * _H[1] + 8192 >> 14)
    v -= ((v >> 15) * (v >> 15) >> 7) * _H[0] >> 4
    return (min(max(v, 0), 419430400) >> 12) / 1024


def _raw(wanted: float, bits: int, reading: Callable[[int], float]) -> int:
    """The raw value whose compensated reading comes nearest; readings are monotonic."""
    low, high = 0, (1 << bits) - 1
    rising = reading(high) > reading(low)
    while low < high:
        middle = (low + high) // 2
        if (reading(middle) < wanted) == rising:
            low = middle + 1
        else:
            high = middle
    return min((raw for raw in (low - 1, low) if raw >= 0),
               key=lambda raw: abs(reading(raw) - wanted))


@final
class BME280(RegisterDevice):
    """A BME280. temperature in degrees Celsius, humidity in percent, pressure in hPa."""

    def __init__(self, temperature: float = 21.0, humidity: float = 45.0,
                 pressure: float = 1013.25, address: int = 0x76) -> None:
        super().__init__(address)
        self.temperature, self.humidity, self.pressure = temperature, humidity, pressure
        self._clock: Clock | None = None
        self._ready = 0
        self._power_on()

    def _power_on(self) -> None:
        self.data[:] = bytes(256)
        self.data[_ID] = 0x60
        struct.pack_into("<Hhh", self.data, 0x88, *_T)
        struct.pack_into("<H8h", self.data, 0x8E, *_P)
        self.data[0xA1] = _H[0]
        struct.pack_into("<hB", self.data, 0xE1, _H[1], _H[2])
        self.data[0xE4] = _H[3] >> 4 & 0xFF
        self.data[0xE5] = _H[3] & 0xF | (_H[4] & 0xF) << 4
        self.data[0xE6] = _H[4] >> 4 & 0xFF
        self.data[0xE7] = _H[5] & 0xFF
        self._show(*_SKIPPED)
        self._humidity_samples = 0

    def connect(self, wiring: Wiring, *, scl: str | int, sda: str | int) -> None:
        super().connect(wiring, scl=scl, sda=sda)
        self._clock = wiring.clock

    def store(self, register: int, byte: int) -> None:
        if register == _RESET:
            if byte == 0xB6:
                self._power_on()
        elif register in (_CTRL_HUM, _CTRL_MEAS, 0xF5):
            self.data[register] = byte
            if register == _CTRL_MEAS:
                # 5.4.3: a change of ctrl_hum is effective after a write of ctrl_meas.
                self._humidity_samples = self.data[_CTRL_HUM] & 7
                if byte & 3 and self._clock is not None:
                    self._ready = self._clock.now + self._duration()

    def _duration(self) -> int:
        """Typical time of one measurement in ns (9.1)."""
        control = self.data[_CTRL_MEAS]
        counts = [min(1 << field - 1, 16) if field else 0 for field in
                  (control >> 5, control >> 2 & 7, self._humidity_samples)]
        temperature, pressure, humidity = counts
        microseconds = 1000 + 2000 * temperature
        microseconds += 2000 * pressure + 500 if pressure else 0
        microseconds += 2000 * humidity + 500 if humidity else 0
        return microseconds * 1000

    def latch(self) -> None:
        control = self.data[_CTRL_MEAS]
        if not control & 3:
            return
        if self._clock is not None and self._clock.now < self._ready:
            self.data[_STATUS] = _MEASURING
            return
        self.data[_STATUS] = 0
        if control & 3 != 3:
            self.data[_CTRL_MEAS] &= ~3 & 0xFF  # forced: once, then asleep
        pressure, temperature, humidity = _SKIPPED
        exact = _raw(self.temperature, 20, _celsius)
        fine = _fine(exact)
        if control >> 5:
            temperature = exact
        if control >> 2 & 7:
            pressure = _raw(self.pressure * 100, 20, lambda raw: _pascal(raw, fine))
        if self._humidity_samples:
            humidity = _raw(self.humidity, 16, lambda raw: _percent(raw, fine))
        self._show(pressure, temperature, humidity)

    def _show(self, pressure: int, temperature: int, humidity: int) -> None:
        self.put(_DATA, pressure << 4, 3)
        self.put(_DATA + 3, temperature << 4, 3)
        self.put(_DATA + 6, humidity, 2)
