"""USB of the pyboard: its modes, `USB_VCP` on the console's side, `USB_HID` as a log.

The USB controller is not modelled.  What the host would get is kept: reports of `USB_HID` and
`hid` in the trace, bytes of `USB_VCP` on the console.
"""

from __future__ import annotations

import errno
from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime import streams
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.buffers import buffer_of
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.irq import Irq
from mpy_cross.emulator.runtime.modules.machine_.uart import POLL_READ, POLL_WRITE
from mpy_cross.emulator.runtime.types import HostObject

MODES: Final = ("VCP", "MSC", "HID", "VCP+MSC", "VCP+HID", "VCP+MSC+HID", "MSC+HID")
ALIASES: Final = {"CDC": "VCP", "CDC+MSC": "VCP+MSC", "CDC+HID": "VCP+HID",
                  "CDC+MSC+HID": "VCP+MSC+HID", "VCP+CDC": "VCP"}
# (subclass, protocol, largest packet, interval in ms, report descriptor) of HID devices.
MOUSE: Final = (1, 2, 4, 8, bytes.fromhex(
    "05010902a1010901a1000509190129031500250195037501810295017505810105010930093109381581257f"
    "750895038106c0093c05ff09011500250175019502b12275069501b101c0"))
KEYBOARD: Final = (1, 1, 8, 8, bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503"
    "910195067508150025650507190029658100c0"))


class Usb:
    """The mode that is set, and the functions of module `pyb`."""

    def __init__(self, hw: Hardware) -> None:
        self.hw = hw
        self.mode: str | None = "VCP+MSC"
        self.kbd_intr = 3

    def usb_mode(self, *args: Any, **kwargs: Any) -> Any:
        """Get or set the mode: None, or one of MODES."""
        if not args and "modestr" not in kwargs:
            return self.mode
        wanted = args[0] if args else kwargs["modestr"]
        if wanted is None:
            self.mode = None
            return None
        name = ALIASES.get(wanted, wanted)
        if name not in MODES:
            raise ValueError("bad USB mode")
        self.mode = name
        return None

    def have_cdc(self) -> bool:
        """Is the console connected by USB?"""
        return self.mode is not None and "VCP" in self.mode

    def hid(self, report: Any, /) -> None:
        """Send a mouse event (buttons, x, y, z)."""
        self.send(report)

    def send(self, report: Any) -> int:
        data = (bytes(as_int(each) & 0xFF for each in report)
                if isinstance(report, tuple | list) else buffer_of(report).tobytes())
        self.hw.machine.trace.note("hid", data.hex())
        return len(data)


class USB_HID(HostObject):
    """`USB_HID()`: reports go to the trace."""

    _hw: ClassVar[Hardware]

    def send(self, data: Any, /) -> int:
        """Send a report."""
        usb: Usb = self._hw.types["usb"]
        return usb.send(data)

    def recv(self, data: Any, *, timeout: Any = 5000) -> Any:
        """Receive a report: nobody sends one, so the time runs out."""
        self._hw.spend(as_int(timeout) * 1_000_000)
        return b"" if isinstance(data, int) else 0


class USB_VCP(HostObject):
    """`USB_VCP(id=0)`: the serial port over USB, which is the console."""

    RTS, CTS, IRQ_RX = 1, 2, 1
    __stream_typed__ = True

    _hw: ClassVar[Hardware]

    def __init__(self, id: Any = 0) -> None:
        if as_int(id) != 0:
            raise ValueError(f"USB_VCP({as_int(id)}) doesn't exist")
        self._irq: Irq | None = None

    def init(self, *, flow: Any = -1) -> None:
        """Set flow control."""
        self._flow = as_int(flow)

    def setinterrupt(self, chr: Any, /) -> None:
        """Set the character that interrupts the program, -1 for none."""
        self._hw.scheduler.keyboard_interrupt = as_int(chr) >= 0
        self._hw.runtime.console.interrupt_character = as_int(chr)

    def isconnected(self) -> bool:
        """Is a host there?"""
        usb: Usb = self._hw.types["usb"]
        return usb.have_cdc()

    def close(self) -> None:
        """Does nothing: so that it can serve as a file."""

    def _input(self, size: int) -> bytes:
        """What the console has received, `size` bytes at most, all if that is negative."""
        return self._hw.runtime.console.take(size)

    def any(self) -> bool:
        """Do characters wait?"""
        return bool(self._hw.runtime.console.waiting)

    def read(self, nbytes: Any = -1, /) -> bytes | None:
        """Read what is there; None if nothing is."""
        return self._input(as_int(nbytes)) or None

    def __stream_ioctl__(self, request: int, argument: Any) -> int:
        if request != streams.POLL:
            raise OSError(errno.EINVAL)
        readable = POLL_READ if argument & POLL_READ and self.any() else 0
        return readable | int(argument) & POLL_WRITE

    def readinto(self, buf: Any, maxlen: Any = -1, /) -> int | None:
        """Read into a buffer; None if nothing is there."""
        view = buffer_of(buf, True)
        size = len(view) if as_int(maxlen) < 0 else min(as_int(maxlen), len(view))
        data = self._input(size)
        view[: len(data)] = data
        return len(data) or None

    def readline(self) -> bytes | None:
        """Read a line; None if nothing is there."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self._input(1)
            if not byte:
                break
            line += byte
        return line or None

    def readlines(self) -> list[bytes]:
        """Read all lines."""
        lines = []
        while (line := self.readline()) is not None:
            lines.append(line)
        return lines

    def write(self, buf: Any, /) -> int:
        """Write; the number of bytes."""
        data = buffer_of(buf).tobytes()
        self._hw.runtime.console.write_raw(data)
        return len(data)

    def send(self, data: Any, *, timeout: Any = 5000) -> int:
        """Send a number or a buffer; the number of bytes."""
        return self.write(bytes([data & 0xFF]) if isinstance(data, int) else data)

    def recv(self, data: Any, *, timeout: Any = 5000) -> Any:
        """Receive so many bytes, or into a buffer."""
        size = data if isinstance(data, int) else len(buffer_of(data))
        console, clock = self._hw.runtime.console, self._hw.clock
        console.wait(lambda: len(console.waiting) >= size, clock.now + as_int(timeout) * 1_000_000)
        got = self._input(size)
        if isinstance(data, int):
            return got
        buffer_of(data, True)[: len(got)] = got
        return len(got)

    def irq(self, handler: Any = None, trigger: Any = IRQ_RX, hard: Any = False) -> Irq:
        """Call `handler(port)` when data comes."""
        if self._irq is None:
            self._irq = Irq(self, lambda trigger: None)
        self._irq._set(handler, as_int(trigger), bool(hard))
        return self._irq

    def __repr__(self) -> str:
        return "USB_VCP(0)"
