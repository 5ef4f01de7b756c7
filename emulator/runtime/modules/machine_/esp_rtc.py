"""`machine.RTC` and `machine.WDT` of the ESP32 and the ESP8266."""

from __future__ import annotations

from calendar import timegm
from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, US, Hardware
from mpy_cross.emulator.runtime.modules.machine_.rtc import items
from mpy_cross.emulator.runtime.modules.time import EPOCH, broken_down
from mpy_cross.emulator.runtime.types import HostObject

SECOND: Final = 1_000_000_000
KEY: Final = 0x50D83AA1
PRESCALER: Final = 40_000
"""Of 80 MHz: the watchdog counts half milliseconds."""
SHORTEST: Final = 1000


class EspRTC(HostObject):
    """The clock of the system, which `time` shows, and memory that survives a deep sleep."""

    type_name = "RTC"

    _hw: ClassVar[Hardware]
    _unit: ClassVar[int] = US
    """ns of the last number of `datetime`."""

    def __init__(self) -> None:
        pass

    def _now(self) -> int:
        hw = self._hw
        return hw.runtime.start_time * SECOND + hw.runtime.start_part + hw.clock.now

    def datetime(self, *value: Any) -> Any:
        """Get or set (year, month, day, weekday, hours, minutes, seconds, subseconds)."""
        if not value:
            now = self._now()
            year, month, day, hour, minute, second, week, _ = broken_down(now // SECOND)
            return year, month, day, week, hour, minute, second, now % SECOND // self._unit
        if not isinstance(value[0], tuple | list):
            items(value[0], 8, 8)
        given = [as_int(each) for each in value[0]]
        if len(given) != 8:
            raise ValueError(f"requested length 8 but object has length {len(given)}")
        year, month, day, _, hour, minute, second, part = given
        wanted = (timegm((year, month, day, hour, minute, second)) - EPOCH) * SECOND
        ahead = wanted + part * self._unit - self._hw.clock.now
        runtime = self._hw.runtime
        runtime.start_time, runtime.start_part = divmod(ahead, SECOND)
        return None

    def _memory(self) -> tuple[memoryview, int, int]:
        """The memory, where the length of the program's bytes is, and how many there may be."""
        raise NotImplementedError

    def memory(self, *data: Any) -> Any:
        """Get or set bytes that survive a deep sleep."""
        view, at, most = self._memory()
        if not data:
            length = int.from_bytes(view[at : at + 4], "little")
            return bytes(view[at + 4 : at + 4 + length])
        given = buffer_of(data[0]).tobytes()
        if len(given) > most:
            raise ValueError("buffer too long")
        view[at : at + 4] = len(given).to_bytes(4, "little")
        view[at + 4 : at + 4 + len(given)] = given
        return None


@final
class Esp32RTC(EspRTC):
    """ESP32."""

    type_name = "RTC"

    def init(self, datetime: Any, /) -> None:
        """Set date and time."""
        self.datetime(datetime)

    def _memory(self) -> tuple[memoryview, int, int]:
        return self._hw.chip.rtc_slow.buffer, 0x1000, 2048  # type: ignore[attr-defined]


@final
class Esp8266RTC(EspRTC):
    """ESP8266, with one alarm that can end a deep sleep."""

    type_name = "RTC"
    ALARM0 = 0
    _unit = MS
    _wake: ClassVar[int] = 0
    _expiry: ClassVar[int] = 0
    """ns of the clock."""

    def _memory(self) -> tuple[memoryview, int, int]:
        return self._hw.chip.rtc_memory.buffer, 0x100, 492  # type: ignore[attr-defined]

    def alarm(self, id: Any, time: Any, /) -> None:
        """Set the alarm, in so many ms."""
        if as_int(id) != 0:
            raise ValueError("invalid alarm")
        type(self)._expiry = self._hw.clock.now + as_int(time) * MS

    def alarm_left(self, id: Any = 0, /) -> int:
        """Milliseconds until the alarm."""
        if as_int(id) != 0:
            raise ValueError("invalid alarm")
        return max((type(self)._expiry - self._hw.clock.now) // MS, 0)

    def irq(self, *, trigger: Any = 0, wake: Any = 0) -> None:
        """Say what the alarm does: `wake` is machine.DEEPSLEEP."""
        if as_int(trigger) != 0:
            raise ValueError("invalid alarm")
        type(self)._wake = as_int(wake)


@final
class Esp32WDT(HostObject):
    """`WDT(id=0, timeout=5000)`: resets the chip unless it is fed in time; at least a second."""

    type_name = "WDT"

    _hw: ClassVar[Hardware]

    def __init__(self, id: Any = 0, timeout: Any = 5000) -> None:
        if as_int(id) != 0:
            raise ValueError(f"WDT({as_int(id)}) doesn't exist")
        if as_int(timeout) < SHORTEST:
            raise ValueError("WDT timeout too short")
        hw = self._hw
        hw.write("TIMG0", "WDTWPROTECT", KEY)
        hw.write("TIMG0", "WDTCONFIG1", PRESCALER << 16)
        hw.write("TIMG0", "WDTCONFIG2", 2 * as_int(timeout))
        hw.write("TIMG0", "WDTCONFIG0", 1 << 31 | 3 << 29)
        self.feed()

    def feed(self) -> None:
        """Start the time anew."""
        self._hw.write("TIMG0", "WDTWPROTECT", KEY)
        self._hw.write("TIMG0", "WDTFEED", 1)
        self._hw.write("TIMG0", "WDTWPROTECT", 0)


@final
class Esp8266WDT(HostObject):
    """`WDT()`: the watchdog of the chip; how long it waits cannot be chosen."""

    type_name = "WDT"

    _hw: ClassVar[Hardware]

    def __init__(self, id: Any = 0) -> None:
        if as_int(id) != 0:
            raise ValueError(f"WDT({as_int(id)}) doesn't exist")
        self._hw.write("WDT", "CTL", 1)

    def feed(self) -> None:
        """Start the time anew."""
        self._hw.write("WDT", "FEED", 0x73)
