"""DHT11 and DHT22 (AM2302): temperature and humidity over one wire.

Source: Aosong AM2302 and DHT11 product manuals. The board pulls the line low for at least 1 ms
(DHT11: 18 ms) and lets go; the sensor answers with 40 bits, whose high pulses tell 0 from 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.wiring import Wiring

_US = 1000  # ns
_WAIT, _ANSWER, _LOW, _ZERO, _ONE = 30 * _US, 80 * _US, 50 * _US, 26 * _US, 70 * _US


class _Sensor(ABC):
    """What both have in common. shortest: ns of low level that make it answer."""

    shortest = 0

    def __init__(self, temperature: float = 21.0, humidity: float = 45.0) -> None:
        self.temperature, self.humidity = temperature, humidity
        self.readings = 0
        self.spoil_checksum = False
        self._pad: Pin | None = None
        self._clock: Clock | None = None
        self._low = self._busy = 0

    def connect(self, wiring: Wiring, *, pin: str | int) -> None:
        """Its data line, with a pull-up resistor."""
        self._pad, self._clock = wiring.pad(pin), wiring.clock
        self._pad.tie(1)
        self._pad.watch(self._edge)

    @abstractmethod
    def payload(self) -> bytes:
        """The four bytes of a measurement."""

    def _edge(self, level: int) -> None:
        assert self._clock is not None
        now = self._clock.now
        if now < self._busy:
            return
        if not level:
            self._low = now
        elif now - self._low >= self.shortest and self._low:
            self._answer(now)

    def _answer(self, now: int) -> None:
        assert self._clock is not None
        data = self.payload()
        check = sum(data) + self.spoil_checksum & 0xFF
        when = now + _WAIT
        self._drive(when, 0)
        self._drive(when + _ANSWER, 1)
        when += 2 * _ANSWER
        for byte in (*data, check):
            for bit in range(7, -1, -1):
                self._drive(when, 0)
                self._drive(when + _LOW, 1)
                when += _LOW + (_ONE if byte >> bit & 1 else _ZERO)
        self._drive(when, 0)
        self._drive(when + _LOW, None)
        self._busy = when + _LOW + 1
        self.readings += 1

    def _drive(self, when: int, level: int | None) -> None:
        assert self._clock is not None
        self._clock.at(when, _Edge(self, level).happen)


@final
class _Edge:
    """A level that a sensor drives at a time."""

    __slots__ = ("_level", "_sensor")

    def __init__(self, sensor: _Sensor, level: int | None) -> None:
        self._sensor, self._level = sensor, level

    def happen(self) -> None:
        pad = self._sensor._pad
        assert pad is not None
        pad.force(self._level, source="DHT")


@final
class DHT22(_Sensor):
    """Steps of 0.1 percent and 0.1 degrees Celsius. spoil_checksum: answer with a wrong one."""

    shortest = 800 * _US

    def payload(self) -> bytes:
        tenths = round(abs(self.temperature) * 10) | (0x8000 if self.temperature < 0 else 0)
        return round(self.humidity * 10).to_bytes(2, "big") + tenths.to_bytes(2, "big")


@final
class DHT11(_Sensor):
    """Steps of 1 percent and 1 degree Celsius, from 0 degrees up."""

    shortest = 17_000 * _US

    def payload(self) -> bytes:
        return bytes([round(self.humidity) & 0xFF, 0, round(max(self.temperature, 0)) & 0xFF, 0])
