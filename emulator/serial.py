"""The host's end of a serial line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import final

from mpy_cross.emulator.clock import Alarm, Clock
from mpy_cross.emulator.line import Signal
from mpy_cross.emulator.trace import Trace


@final
class SerialPort:
    """What is wired to the TX and RX pads of a UART.

    sent: all bytes that the board has sent so far; listeners: called with each of them when its
    stop bit is over.  Bytes that are fed arrive one by one, each after the time that it takes at
    the receiver's speed; they wait while the receiver is off, and with `flow` while it is full.
    breaks: how many breaks the board has sent.
    """

    def __init__(self, name: str, clock: Clock, trace: Trace) -> None:
        self.name, self.clock, self.trace = name, clock, trace
        self.sent = bytearray()
        self.listeners: list[Callable[[int], None]] = []
        self.breaks = 0
        self.flow = False
        # Set by the UART: time of one frame in ns or None while the receiver is off; takes a byte;
        # is there room for one more.
        self.frame: Callable[[], int | None] = lambda: None
        self.receive: Callable[[int], None] = lambda byte: None
        self.room: Callable[[], bool] = lambda: True
        self.broken: Callable[[], None] = lambda: None  # takes a break
        # Set by the chip: other ports whose pads are wired to this one's TX.
        self.wired: Callable[[], Iterable[SerialPort]] = lambda: ()
        self._waiting: deque[int] = deque()
        self._alarm: Alarm | None = None

    def feed_break(self) -> None:
        """The other side holds the line low for longer than a frame."""
        frame = self.frame()
        if frame is not None:
            self.trace.note(self.name, "break for the board")
            self.clock.after(frame, self.broken)

    def feed(self, data: bytes) -> None:
        """The other side sends these bytes to the board."""
        self._waiting.extend(data)
        self.wake()

    @property
    def pending(self) -> int:
        """Number of fed bytes that have not arrived yet."""
        return len(self._waiting)

    def wake(self) -> None:
        """For the UART: the receiver may be ready now."""
        if self._alarm is not None or not self._waiting or (self.flow and not self.room()):
            return
        frame = self.frame()
        if frame is not None:
            self._alarm = self.clock.after(frame, self._arrive)

    def transmitted(self, byte: int) -> None:
        """For the UART: a byte is out, stop bit included."""
        self.trace.byte(f"{self.name}.tx", byte)
        self.sent.append(byte)
        for listener in self.listeners:
            listener(byte)
        for other in self.wired():
            if other.frame() is not None:
                other.arrived(byte)

    def arrived(self, byte: int) -> None:
        """A frame has come in."""
        self.trace.byte(f"{self.name}.rx", byte)
        self.receive(byte)

    def transmitted_break(self) -> None:
        """For the UART: the line was low for a whole frame."""
        self.trace.note(self.name, "break")
        self.breaks += 1

    def _arrive(self) -> None:
        self._alarm = None
        if self.frame() is None or not self._waiting:
            return  # switched off in the middle of a frame: it comes again
        self.arrived(self._waiting.popleft())
        self.wake()


@final
class BreakWatch:
    """Sees breaks at the pad of a receiver: low for as long as a frame takes.

    Frames are not shown at pads, so nothing else pulls the pad low.
    """

    def __init__(self, port: SerialPort, rx: Signal) -> None:
        self._port = port
        self._alarm: Alarm | None = None
        rx.sensors.append(self._sense)

    def _sense(self, level: int) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        frame = self._port.frame() if not level else None
        if frame is not None:
            self._alarm = self._port.clock.after(frame, self._over)

    def _over(self) -> None:
        self._alarm = None
        self._port.broken()
