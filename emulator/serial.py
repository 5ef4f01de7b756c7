"""The host's end of a serial line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import final

from mpy_cross.emulator.clock import Alarm, Clock
from mpy_cross.emulator.trace import Trace


@final
class SerialPort:
    """What is wired to the TX and RX pads of a UART.

    sent: all bytes that the board has sent so far; listeners: called with each of them when its
    stop bit is over.  Bytes that are fed arrive one by one, each after the time that it takes at
    the receiver's speed; they wait while the receiver is off, and with `flow` while it is full.
    """

    def __init__(self, name: str, clock: Clock, trace: Trace) -> None:
        self.name, self.clock, self.trace = name, clock, trace
        self.sent = bytearray()
        self.listeners: list[Callable[[int], None]] = []
        self.flow = False
        # Set by the UART: time of one frame in ns or None while the receiver is off; takes a byte;
        # is there room for one more.
        self.frame: Callable[[], int | None] = lambda: None
        self.receive: Callable[[int], None] = lambda byte: None
        self.room: Callable[[], bool] = lambda: True
        self._waiting: deque[int] = deque()
        self._alarm: Alarm | None = None

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

    def _arrive(self) -> None:
        self._alarm = None
        if self.frame() is None or not self._waiting:
            return  # switched off in the middle of a frame: it comes again
        byte = self._waiting.popleft()
        self.trace.byte(f"{self.name}.rx", byte)
        self.receive(byte)
        self.wake()
