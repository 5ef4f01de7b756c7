"""Functions of module `machine` that differ on the ESP32 and the ESP8266: clocks, resets, sleep."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

from mpy_cross.emulator.blocks.esp32.system import DEEP_SLEEP, SOFTWARE
from mpy_cross.emulator.blocks.esp8266.gpio import DEEP_SLEEP as AWAKE
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine_.control import Control
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, Hardware
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase
from mpy_cross.emulator.runtime.types import HostObject

PWRON, HARD, WDT, DEEPSLEEP, SOFT = 1, 2, 3, 4, 5
"""Causes of a reset of the ESP32."""
SLEEP_KIND, DEEPSLEEP_KIND = 2, 4
# What woke the ESP32.
EXT0, EXT1, TIMER, TOUCH, ULP = 2, 3, 4, 5, 6
RATES: Final = (20, 40, 80, 160, 240)
ALL_LOW, ANY_HIGH = False, True
TOUCHED: Final = 400
"""Readings of a touch pad below its threshold are touches; this is the usual threshold."""


@final
class Wake:
    """What wakes the ESP32 besides its timer.

    ext0, level0, kinds0: a pin, the level, and the kinds of sleep; ext1, any1: pins of which any
    high or all low ones do; touch: whether touch pads do; touched: asked for one that is.
    """

    def __init__(self) -> None:
        self.ext0: PinBase | None = None
        self.level0 = False
        self.kinds0 = 0
        self.ext1: tuple[PinBase, ...] = ()
        self.any1 = False
        self.touch = False
        self.thresholds: dict[str, int] = {}

    def reason(self, hw: Hardware, kind: int) -> int:
        """What wakes the chip now, 0 for nothing."""
        if self.ext0 is not None and self.kinds0 & kind and (
                bool(self.ext0._pad.level) == self.level0):
            return EXT0
        if self.ext1:
            levels = [pin._pad.level for pin in self.ext1]
            if (any(levels) if self.any1 else not any(levels)):
                return EXT1
        if self.touch and any(touch_value(hw, name) < limit
                              for name, limit in self.thresholds.items()):
            return TOUCH
        return 0


def touch_value(hw: Hardware, name: str) -> int:
    """What a touch pad reads: wiring.parts["touch GPIO14"], or a pad that nobody touches."""
    return int(hw.wiring.parts.get(f"touch {name}", 1200))


class EspControl(Control):
    """What the two have in common."""

    def __init__(self, hw: Hardware) -> None:
        super().__init__(hw)
        # Pads have pull-ups at first: lights on one need a pause before the first stream.
        self.stream_end = hw.clock.now

    def reset(self) -> None:
        """Reset the chip."""
        self.hw.machine.reset("software")
        self._end("software")

    def disable_irq(self) -> Any:
        """Disable interrupts; the state before, for `enable_irq`."""
        return int(self.hw.scheduler.mask(True))

    def enable_irq(self, state: Any, /) -> None:
        """Restore the state."""
        self.hw.scheduler.mask(bool(as_int(state)))

    def _sleep_until_reset(self) -> None:
        hw = self.hw
        hw.close()
        hw.machine.reset("deepsleep")
        self._end("deepsleep")


@final
class Esp32Control(EspControl):
    """ESP32."""

    def _cause(self) -> int:
        cause = self.hw.read("RTC_CNTL", "RESET_STATE") & 0x3F
        return {1: PWRON, SOFTWARE: HARD, DEEP_SLEEP: DEEPSLEEP}.get(cause, WDT)

    def freq(self, *values: Any) -> Any:
        """Get or set the frequency of the core."""
        if not values:
            return self.hw.chip.rate.hz
        mhz = as_int(values[0]) // 1_000_000
        if mhz not in RATES:
            raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
        if mhz < 80:
            # From the crystal; the register of its divider is not modelled.
            self.hw.chip.rate.change(mhz * 1_000_000)
        else:
            self.hw.write("DPORT", "CPU_PER_CONF", mhz // 80 - 1)
            self.hw.chip.rate.change(mhz * 1_000_000)
        return None

    def _asleep(self, kind: int, time_ms: Any) -> int:
        """Sleeps; what woke the chip."""
        hw = self.hw
        wake: Wake = hw.types["wake"]
        limit = as_int(time_ms)
        until = hw.clock.now + limit * MS if limit else None
        hw.scheduler.wait(lambda: bool(wake.reason(hw, kind)), until)
        return wake.reason(hw, kind) or TIMER

    def lightsleep(self, sleep_ms: Any = 0) -> None:
        """Sleep for a time, or until a pin or a touch pad wakes the chip."""
        self.hw.chip.rtc.woken = self._asleep(  # type: ignore[attr-defined]
            SLEEP_KIND, sleep_ms)

    def deepsleep(self, sleep_ms: Any = 0) -> None:
        """Sleep, and start from the beginning."""
        self.hw.chip.rtc.woken = self._asleep(  # type: ignore[attr-defined]
            DEEPSLEEP_KIND, sleep_ms)
        self._sleep_until_reset()

    def wake_reason(self) -> int:
        """What woke the chip, 0 if nothing did."""
        return int(self.hw.chip.rtc.woken)  # type: ignore[attr-defined]


@final
class Esp8266Control(EspControl):
    """ESP8266."""

    def _cause(self) -> int:
        return self.hw.read("RTC", "STORE0")

    def freq(self, *values: Any) -> Any:
        """Get or set the frequency of the core: 80 or 160 MHz."""
        hw = self.hw
        if not values:
            return hw.chip.rate.hz
        mhz = as_int(values[0]) // 1_000_000
        if mhz not in (80, 160):
            raise ValueError("frequency can only be either 80Mhz or 160MHz")
        hw.write("DPORT", "CPU_CLK", int(mhz == 160))
        return None

    def idle(self) -> int:  # type: ignore[override]
        """Wait for an interrupt; how many cycles that took."""
        hw = self.hw
        before = hw.clock.now
        hw.idle()
        return hw.chip.rate.cycles(hw.clock.now - before)

    def deepsleep(self, *time_ms: Any) -> None:
        """Sleep, and start from the beginning; an alarm of the RTC wakes the chip, too."""
        hw = self.hw
        limits = [max(as_int(time_ms[0]), 1) * MS] if time_ms else []
        rtc = hw.types.get("RTC")
        if rtc is not None and rtc._wake & DEEPSLEEP_KIND:
            limits.append(max(rtc._expiry - hw.clock.now, 0))
        hw.scheduler.wait(lambda: False, hw.clock.now + min(limits) if limits else None)
        self._sleep_until_reset()


CAUSES_8266: Final = {"PWRON_RESET": 0, "WDT_RESET": 1, "SOFT_RESET": 4, "DEEPSLEEP_RESET": AWAKE,
                      "HARD_RESET": 6}
CAUSES_32: Final = {"PWRON_RESET": PWRON, "HARD_RESET": HARD, "WDT_RESET": WDT,
                    "DEEPSLEEP_RESET": DEEPSLEEP, "SOFT_RESET": SOFT}
WAKES_32: Final = {"PIN_WAKE": EXT0, "EXT0_WAKE": EXT0, "EXT1_WAKE": EXT1, "TIMER_WAKE": TIMER,
                   "TOUCHPAD_WAKE": TOUCH, "ULP_WAKE": ULP}


class TouchPad(HostObject):
    """`TouchPad(pin)`: one of the ten pads that feel a touch."""

    _hw: ClassVar[Hardware]
    PADS: ClassVar[tuple[int, ...]] = (4, 0, 2, 15, 13, 12, 14, 27, 33, 32)

    def __init__(self, pin: Any, /) -> None:
        if not isinstance(pin, PinBase):
            raise ValueError("expecting a pin")
        number: int = pin._number  # type: ignore[attr-defined]
        if number not in self.PADS:
            raise ValueError("invalid pin for touchpad")
        self._name = f"GPIO{number}"

    def config(self, value: Any, /) -> None:
        """Set the threshold below which the pad is touched."""
        self._hw.types["wake"].thresholds[self._name] = as_int(value) & 0xFFFF

    def read(self) -> int:
        """A value that is smaller when the pad is touched."""
        self._hw.busy()
        return touch_value(self._hw, self._name)
