"""The driver of a CDC serial port: the console of a board that is plugged into a computer."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final, final

from mpy_cross.emulator.usb.host import Control, Host, Incoming, Interface, Outgoing, Script

COMMUNICATION, DATA = 0x02, 0x0A  # classes of the two interfaces
SET_LINE_CODING, SET_CONTROL_LINE_STATE, SEND_BREAK = 0x20, 0x22, 0x23
DTR, RTS = 1, 2
TO_INTERFACE: Final = 0x21

# Programs are sent in parts of so many bytes, with a rest of so many ns after each: the firmware
# has a buffer of about a kilobyte and drops what does not fit (so does `pyboard.py`).
PART: Final = 256
REST: Final = 10_000_000


@final
class CdcPort:
    """A serial port over USB, as a terminal program that has opened it.

    sent: what the board has sent so far; listeners: called with each byte of it; opened: called
    when the port is there.  What is typed ends with a short packet: firmware of 1.17 for the RP2040
    waits for one, or for 256 bytes.
    """

    def __init__(self, baud: int = 115200) -> None:
        self.baud = baud
        self.sent = bytearray()
        self.listeners: list[Callable[[int], None]] = []
        self.opened: list[Callable[[], None]] = []
        self._host: Host | None = None
        self._control = 0
        self._out: Outgoing | None = None
        self._waiting = bytearray()
        self._resting = False

    @property
    def open(self) -> bool:
        return self._out is not None

    def feed(self, data: bytes) -> None:
        """Sends bytes to the board, at the latest when it is there."""
        self._waiting += data
        self._send()

    def _send(self) -> None:
        """Sends the next part of what waits, unless one was just sent."""
        if self._out is None or self._resting or not self._waiting:
            return
        assert self._host is not None
        part = bytes(self._waiting[:PART])
        del self._waiting[:PART]
        self._out.ends = not self._waiting
        self._out.feed(part)
        if self._waiting:
            self._resting = True
            self._host.clock.after(REST, self._rested)

    def _rested(self) -> None:
        self._resting = False
        self._send()

    @property
    def pending(self) -> int:
        """Number of fed bytes that the board has not taken yet."""
        return len(self._waiting) + (len(self._out.queue) if self._out is not None else 0)

    def lines(self, state: int) -> None:
        """Sets the control lines: DTR, RTS or both."""
        if self._host is not None:
            self._host.do(self._set_lines(state))

    def _set_lines(self, state: int) -> Script:
        yield Control(TO_INTERFACE, SET_CONTROL_LINE_STATE, state, self._control)

    def configure(self, host: Host, interfaces: Sequence[Interface]) -> Script | None:
        control = next((each for each in interfaces if each.kind == COMMUNICATION), None)
        data = next((each for each in interfaces
                     if each.kind == DATA and each.endpoint(True)), None)
        if control is None or data is None:
            return None
        return self._begin(host, control, data)

    def _begin(self, host: Host, control: Interface, data: Interface) -> Script:
        coming, going = data.endpoint(True), data.endpoint(False)
        if coming is None or going is None:
            return
        self._host, self._control = host, control.number
        coding = struct.pack("<IBBB", self.baud, 0, 0, 8)
        yield Control(TO_INTERFACE, SET_LINE_CODING, 0, control.number, coding)
        yield Control(TO_INTERFACE, SET_CONTROL_LINE_STATE, DTR | RTS, control.number)
        notes = control.endpoint(True, 3)
        if notes is not None:
            host.pipes.append(Incoming(host, *notes, lambda note: None))
        host.pipes.append(Incoming(host, *coming, self._received))
        self._out = Outgoing(host, *going)
        host.pipes.append(self._out)
        self._send()
        for call in self.opened:
            call()

    def _received(self, data: bytes) -> None:
        host = self._host
        assert host is not None
        for byte in data:
            host.trace.byte("USB.tx", byte)
            self.sent.append(byte)
            for listener in self.listeners:
                listener(byte)

    def gone(self) -> None:
        self._host = self._out = None
        self._resting = False
