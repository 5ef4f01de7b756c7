"""Module `pyb` (manual 1.3.1): the hardware of the pyboard."""

from __future__ import annotations

from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.modules.machine import prepared
from mpy_cross.emulator.runtime.modules.machine_.audio import Unmodelled, unmodelled
from mpy_cross.emulator.runtime.modules.machine_.flash import PybFlash
from mpy_cross.emulator.runtime.modules.machine_.hardware import MS, US, Hardware
from mpy_cross.emulator.runtime.modules.machine_.rtc import StmRTC
from mpy_cross.emulator.runtime.modules.machine_.sdcard import SDCard
from mpy_cross.emulator.runtime.modules.machine_.stm_timer import TimerChannel, build_timer
from mpy_cross.emulator.runtime.modules.pyb_.buses import I2C, SPI
from mpy_cross.emulator.runtime.modules.pyb_.converters import ADC, DAC, ADCAll
from mpy_cross.emulator.runtime.modules.pyb_.parts import build_parts
from mpy_cross.emulator.runtime.modules.pyb_.usb import KEYBOARD, MOUSE, USB_HID, USB_VCP, Usb
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("pyb",)
TICKS: Final = 0x3FFFFFFF
"""The largest number of milliseconds or microseconds: a small int that is not negative."""


@unmodelled("init deinit initfilterbanks restart state info setfilter clearfilter any recv send "
            "rxcallback")
class CAN(Unmodelled):
    """`pyb.CAN`."""

    NORMAL, LOOPBACK, SILENT, SILENT_LOOPBACK = 0, 1 << 30, 1 << 31, 3 << 30
    STOPPED, ERROR_ACTIVE, ERROR_WARNING, ERROR_PASSIVE, BUS_OFF = range(5)
    MASK16, LIST16, MASK32, LIST32 = range(4)


@unmodelled("command contrast fill get light pixel show text write")
class LCD(Unmodelled):
    """`pyb.LCD`."""


class Functions:
    """The functions that module `machine` does not have."""

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw
        self.repl: Any = None

    def _now(self, unit: int) -> int:
        self.hw.busy()
        return self.hw.clock.now // unit & TICKS

    def delay(self, ms: Any, /) -> None:
        """Wait for so many ms."""
        self.hw.scheduler.sleep(max(as_int(ms), 0) * MS)

    def udelay(self, us: Any, /) -> None:
        """Wait for so many us."""
        self.hw.scheduler.sleep(max(as_int(us), 0) * US)

    def millis(self) -> int:
        """Milliseconds since the start; wraps."""
        return self._now(MS)

    def micros(self) -> int:
        """Microseconds since the start; wraps."""
        return self._now(US)

    def elapsed_millis(self, start: Any, /) -> int:
        """Milliseconds since `start`, a value of `millis`."""
        return self._now(MS) - as_int(start) & TICKS

    def elapsed_micros(self, start: Any, /) -> int:
        """Microseconds since `start`, a value of `micros`."""
        return self._now(US) - as_int(start) & TICKS

    def fault_debug(self, value: Any, /) -> None:
        """What to do at a hard fault: the emulator reports it in any case."""

    def rng(self) -> int:
        """30 random bits."""
        control = self.hw.types["control"]
        control.rng()  # switches the generator on
        return self.hw.read("RNG", "DR") >> 2

    def repl_uart(self, *uart: Any) -> Any:
        """Get or set the UART that repeats the console."""
        if not uart:
            return self.repl
        self.repl = uart[0]
        self.hw.types["repl_uart"] = self.repl
        return None

    def main(self, filename: Any, /) -> None:
        """Set the name of the main script."""
        if isinstance(filename, str):
            self.hw.runtime.main_script = filename

    def sync(self) -> None:
        """Write everything to the filesystems: here that has happened."""

    def mount(self, device: Any, mountpoint: Any, *, readonly: Any = False,
              mkfs: Any = False) -> None:
        """Mount a block device (deprecated)."""
        mounter = self.hw.runtime.modules.get("uos") or self.hw.runtime.modules.get("os")
        function = getattr(mounter, "mount", None)
        if function is None:
            raise OSError(19)
        function(device, mountpoint)


FUNCTIONS: Final = (
    "delay", "udelay", "millis", "micros", "elapsed_millis", "elapsed_micros", "fault_debug", "rng",
    "repl_uart", "main", "sync", "mount",
)
SHARED: Final = {
    "hard_reset": "reset", "bootloader": "bootloader", "disable_irq": "disable_irq",
    "enable_irq": "enable_irq", "freq": "freq", "wfi": "idle", "stop": "lightsleep",
    "standby": "deepsleep", "info": "info", "unique_id": "unique_id",
}

NEEDS: Final = {"rng": "RNG", "DAC": "DAC", "CAN": "CAN1"}
"""Names that firmware has only for chips with these blocks."""
SOLDERED: Final = {"Accel": "MMA_AVDD", "SDCard": "SD", "LCD": "X1"}
"""Names that firmware has only for boards with these pads."""
BY_USB: Final = ("USB_HID", "USB_VCP", "usb_mode", "have_cdc", "hid", "hid_mouse", "hid_keyboard")


def fitting(hw: Hardware, values: dict[str, Any]) -> dict[str, Any]:
    """Without the names of what chip and board have not."""
    board, blocks = hw.machine.board, hw.machine.chip.blocks
    missing = {name for name, block in NEEDS.items() if block not in blocks}
    missing |= {name for name, pad in SOLDERED.items() if pad not in board.pins}
    if "USB_DP" not in board.pins:
        missing.update(BY_USB)
    return {name: value for name, value in values.items() if name not in missing}


def build(runtime: Runtime) -> Module:
    """Raises ImportError where there is no pyboard."""
    hw = prepared(runtime)
    if not hw.stm:
        raise ImportError("no module named 'pyb'")
    functions, usb = Functions(hw), Usb(hw)
    hw.types["usb"] = usb
    build_parts(hw)
    values: dict[str, Any] = {name: getattr(functions, name) for name in FUNCTIONS}
    control = hw.types["control"]
    values.update((name, getattr(control, own)) for name, own in SHARED.items())
    values.update({"usb_mode": usb.usb_mode, "have_cdc": usb.have_cdc, "hid": usb.hid,
                   "hid_mouse": MOUSE, "hid_keyboard": KEYBOARD})
    values.update((name, hw.types[name])
                  for name in ("Pin", "ExtInt", "UART", "LED", "Switch", "Servo", "Accel"))
    values["PinAF"], values["Timer"] = hw.types["PinAF"], build_timer(hw)
    values["TimerChannel"] = hw.bind(TimerChannel)
    values["RTC"] = hw.bind(StmRTC)
    for cls in (ADC, ADCAll, DAC, I2C, SPI, USB_HID, USB_VCP, CAN, LCD):
        values[cls.__name__] = hw.bind(cls, f"pyb.{cls.__name__}")
    values["Flash"] = hw.bind(PybFlash, "pyb.Flash")
    values["ADCall"] = values["ADCAll"]  # the manual has both spellings
    values["SDCard"] = hw.bind(SDCard)
    return Module(NAMES[0], fitting(hw, values))
