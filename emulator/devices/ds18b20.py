"""DS18B20: a thermometer on the 1-Wire bus. Source: Maxim 19-7487 (DS18B20), pages 4 to 16."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.clock import Clock
from mpy_cross.emulator.crc8 import crc8
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.wiring import Wiring

_US: Final = 1000  # ns
_RESET: Final = 475 * _US  # shortest low pulse of a reset: 480, counted by a clock of 1 us
_PRESENCE_AFTER, _PRESENCE = 30 * _US, 120 * _US
_SAMPLE: Final = 30 * _US  # after the falling edge: a written bit is looked at
_HOLD: Final = 30 * _US  # after the falling edge: a 0 that is read ends
_POWER_ON: Final = 0x0550  # 85 degrees
_CONVERSION: Final = 750_000 * _US  # at 12 bits
_FAMILY: Final = 0x28

_SEARCH, _ALARM_SEARCH, _READ_ROM, _MATCH, _SKIP = 0xF0, 0xEC, 0x33, 0x55, 0xCC
_CONVERT, _READ, _WRITE, _COPY, _RECALL, _SUPPLY = 0x44, 0xBE, 0x4E, 0x48, 0xB8, 0xB4


@final
class DS18B20:
    """A thermometer. temperature in degrees Celsius; serial: 48 bits, each device its own.

    Several may share one pad.
    """

    def __init__(self, temperature: float = 21.0, serial: int = 1) -> None:
        self.temperature = temperature
        code = bytes([_FAMILY]) + serial.to_bytes(6, "little")
        self.code = code + bytes([crc8(code)])
        self._scratch = bytearray(_POWER_ON.to_bytes(2, "little") + b"\x4b\x46\x7f\xff\x0c\x10")
        self._eeprom = bytes(self._scratch[2:5])
        self._pad: Pin | None = None
        self._clock: Clock | None = None
        self._fall = 0
        self._deaf = 0  # ns until which presence pulses are on the line
        self._ready = 0  # ns when the conversion under way ends
        self._state = "idle"
        self._in: list[int] = []
        self._wanted = 0  # bits to take before `_took`
        self._out: list[int] = []
        self._triplet = 0

    def connect(self, wiring: Wiring, *, pin: str | int) -> None:
        """Its data line, with a pull-up resistor."""
        self._pad, self._clock = wiring.pad(pin), wiring.clock
        self._pad.tie(1)
        self._pad.watch(self._edge)

    # ------------------------------------------------------------------------------------ wire

    def _edge(self, level: int) -> None:
        assert self._clock is not None
        now = self._clock.now
        if level:
            if now >= self._deaf and now - self._fall >= _RESET:
                self._begin("rom", 8)
                self._deaf = now + _PRESENCE_AFTER + _PRESENCE + 1
                self._clock.at(now + _PRESENCE_AFTER, self._pull)
                self._clock.at(now + _PRESENCE_AFTER + _PRESENCE, self._let_go)
            return
        if now < self._deaf:
            return
        self._fall = now
        if self._out:
            if not self._out.pop(0):
                self._pull()
                self._clock.at(now + _HOLD, self._let_go)
            if not self._out:
                self._sent()
        elif self._state == "wait":
            # While it is busy it answers read slots with 0.
            if now < self._ready:
                self._pull()
                self._clock.at(now + _HOLD, self._let_go)
        elif self._wanted:
            self._clock.at(now + _SAMPLE, self._sample)

    def _name(self) -> str:
        return f"DS18B20 {self.code.hex()}"

    def _pull(self) -> None:
        assert self._pad is not None
        self._pad.force(0, source=self._name())

    def _let_go(self) -> None:
        assert self._pad is not None
        self._pad.force(None, source=self._name())

    def _sample(self) -> None:
        assert self._pad is not None
        self._in.append(self._pad.level)
        if len(self._in) == self._wanted:
            self._took()

    # -------------------------------------------------------------------------------- commands

    def _begin(self, state: str, bits: int) -> None:
        self._state, self._wanted, self._in, self._out = state, bits, [], []

    def _value(self) -> int:
        return sum(bit << index for index, bit in enumerate(self._in))

    def _bits(self, data: bytes) -> list[int]:
        return [byte >> bit & 1 for byte in data for bit in range(8)]

    def _answer(self, data: bytes, state: str = "idle") -> None:
        self._begin(state, 0)
        self._out = self._bits(data)

    def _took(self) -> None:
        """All wanted bits have come."""
        value, state = self._value(), self._state
        if state == "rom":
            self._rom_command(value)
        elif state == "match":
            self._begin(*(("function", 8) if value == int.from_bytes(self.code, "little")
                          else ("idle", 0)))
        elif state == "search":
            if value != self._bits(self.code)[self._triplet]:
                self._begin("idle", 0)
            else:
                self._triplet += 1
                self._search()
        elif state == "write":
            self._scratch[2:5] = value.to_bytes(3, "little")
            self._scratch[4] = self._scratch[4] & 0x60 | 0x1F
            self._begin("idle", 0)
        elif state == "function":
            self._function_command(value)

    def _rom_command(self, command: int) -> None:
        if command == _SKIP:
            self._begin("function", 8)
        elif command == _MATCH:
            self._begin("match", 64)
        elif command == _READ_ROM:
            self._answer(self.code, "function")
        elif command == _SEARCH or (command == _ALARM_SEARCH and self._alarmed()):
            self._triplet = 0
            self._search()
        else:
            self._begin("idle", 0)

    def _search(self) -> None:
        """Sends the next bit of its code and the complement; then the board says which goes on."""
        if self._triplet == 64:
            self._begin("function", 8)
            return
        bit = self._bits(self.code)[self._triplet]
        self._begin("search", 0)
        self._out = [bit, 1 - bit]

    def _sent(self) -> None:
        if self._state == "search":
            self._wanted, self._in = 1, []
        elif self._state == "function":
            self._begin("function", 8)

    def _alarmed(self) -> bool:
        degrees = int.from_bytes(self._scratch[:2], "little", signed=True) >> 4
        high, low = (byte - 256 if byte > 127 else byte for byte in self._scratch[2:4])
        return degrees >= high or degrees <= low

    def _function_command(self, command: int) -> None:
        assert self._clock is not None
        if command == _CONVERT:
            dropped = 3 - (self._scratch[4] >> 5 & 3)  # bits less than 12
            self._ready = self._clock.now + (_CONVERSION >> dropped)
            self._clock.at(self._ready, self._measure)
            self._begin("wait", 0)
        elif command == _READ:
            self._answer(bytes(self._scratch) + bytes([crc8(bytes(self._scratch))]))
        elif command == _WRITE:
            self._begin("write", 24)
        elif command == _COPY:
            self._eeprom = bytes(self._scratch[2:5])
            self._ready = self._clock.now + 10_000 * _US
            self._begin("wait", 0)
        elif command == _RECALL:
            self._scratch[2:5] = self._eeprom
            self._begin("wait", 0)
        elif command == _SUPPLY:
            self._begin("idle", 0)  # an external supply: read slots give 1
        else:
            self._begin("idle", 0)

    def _measure(self) -> None:
        dropped = 3 - (self._scratch[4] >> 5 & 3)
        steps = min(max(round(self.temperature * 16), -55 * 16), 125 * 16)
        steps = steps >> dropped << dropped
        self._scratch[:2] = steps.to_bytes(2, "little", signed=True)
