"""A USB host with one device: enumeration, control transfers, and bulk pipes for the drivers.

The host does one transaction at a time, which takes its time on a full-speed bus (12 Mbit/s).  A
pipe that was answered with NAK rests until the device says that something has changed: a real host
asks again and again, which nobody can see.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Sequence
from typing import Final, Protocol, final

from mpy_cross.emulator.clock import Alarm, Clock
from mpy_cross.emulator.trace import Trace
from mpy_cross.emulator.usb.peripheral import Handshake, Peripheral

BYTE: Final = 667  # ns of eight bits at 12 Mbit/s
OVERHEAD: Final = 20  # bytes of tokens, handshakes and gaps around a packet
DEBOUNCE: Final = 100_000_000  # ns from the pull-up to the reset (USB 2.0, 7.1.7.3)
RESET: Final = 20_000_000  # ns
RECOVERY: Final = 10_000_000  # ns after a reset, and after an address was set

DEVICE, CONFIGURATION, STRING, INTERFACE, ENDPOINT = 1, 2, 3, 4, 5  # kinds of descriptors
GET_DESCRIPTOR, SET_ADDRESS, SET_CONFIGURATION = 6, 5, 9
CLEAR_FEATURE: Final = 1
LANGUAGE: Final = 0x0409  # English


@final
class Control:
    """A control transfer: the fields of its SETUP packet; data: what goes out; length: of what
    comes in."""

    __slots__ = ("data", "index", "kind", "length", "request", "value")

    def __init__(self, kind: int, request: int, value: int = 0, index: int = 0,
                 data: bytes = b"", length: int = 0) -> None:
        self.kind, self.request, self.value, self.index = kind, request, value, index
        self.data, self.length = data, length or len(data)

    def packet(self) -> bytes:
        return struct.pack("<BBHHH", self.kind, self.request, self.value, self.index, self.length)


Script = Generator["Control | int", "bytes | None", None]
"""Control transfers one after the other, and pauses in ns; the answer to each is what came in, None
for STALL."""


@final
class Interface:
    """One interface of the active configuration, with its endpoints: (address, kind, size)."""

    __slots__ = ("alternate", "endpoints", "kind", "number", "protocol", "subclass")

    def __init__(self, data: bytes) -> None:
        self.number, self.alternate = data[2], data[3]
        self.kind, self.subclass, self.protocol = data[5], data[6], data[7]
        self.endpoints: list[tuple[int, int, int]] = []

    def endpoint(self, incoming: bool, kind: int = 2) -> tuple[int, int] | None:
        """Number and packet size of the first endpoint of that direction; kind: 2 is bulk."""
        for address, attributes, size in self.endpoints:
            if bool(address & 0x80) == incoming and attributes & 3 == kind:
                return address & 15, size
        return None


class Driver(Protocol):
    """What uses a device once it is configured."""

    def configure(self, host: Host, interfaces: Sequence[Interface]) -> Script | None:
        """Control transfers that begin the work; None if the device is none of its kind."""

    def gone(self) -> None:
        """The device is gone or was reset."""


class Pipe:
    """One direction of an endpoint. ready: worth a try."""

    __slots__ = ("endpoint", "host", "ready", "size")

    def __init__(self, host: Host, endpoint: int, size: int) -> None:
        self.host, self.endpoint, self.size = host, endpoint, size
        self.ready = True

    def transact(self) -> int:
        """One transaction: the number of bytes that it moved, -1 if nothing happened."""
        raise NotImplementedError


@final
class Incoming(Pipe):
    """Bulk and interrupt packets from the device, as long as somebody wants them.

    received: called with each packet; stalled: called when the endpoint is halted; wanted: while
    False the host does not ask.
    """

    __slots__ = ("received", "stalled", "wanted")

    def __init__(self, host: Host, endpoint: int, size: int, received: Callable[[bytes], None],
                 stalled: Callable[[], None] = lambda: None) -> None:
        super().__init__(host, endpoint, size)
        self.received, self.stalled, self.wanted = received, stalled, True

    def transact(self) -> int:
        if not self.wanted:
            return -1
        answer = self.host.peripheral.give(self.endpoint)
        if isinstance(answer, Handshake):
            if answer is Handshake.STALL:
                self.wanted = False
                self.stalled()
            return -1
        self.received(answer)
        return len(answer)


@final
class Outgoing(Pipe):
    """Bulk packets to the device. sent: called when the queue is empty.

    ends: after a full packet at the end of the queue comes an empty one, which tells the device
    that it was the last.
    """

    __slots__ = ("_full", "ends", "queue", "sent", "stalled")

    def __init__(self, host: Host, endpoint: int, size: int,
                 sent: Callable[[], None] = lambda: None,
                 stalled: Callable[[], None] = lambda: None) -> None:
        super().__init__(host, endpoint, size)
        self.sent, self.stalled = sent, stalled
        self.queue = bytearray()
        self.ends = self._full = False

    def feed(self, data: bytes) -> None:
        self.queue += data
        self.ready = True
        self.host.wake()

    def transact(self) -> int:
        if not self.queue and not (self.ends and self._full):
            return -1
        packet = bytes(self.queue[: self.size])
        answer = self.host.peripheral.take(self.endpoint, packet)
        if answer is Handshake.ACK:
            del self.queue[: len(packet)]
            self._full = len(packet) == self.size
            if not self.queue:
                self.sent()
            return len(packet)
        if answer is Handshake.STALL:
            self.queue.clear()
            self.stalled()
        return -1


@final
class ControlPipe(Pipe):
    """Endpoint 0: one transfer at a time, `finished` gets what came in or None for STALL."""

    __slots__ = ("_coming", "_left", "_stage", "finished", "transfer")

    def __init__(self, host: Host, finished: Callable[[bytes | None], None]) -> None:
        super().__init__(host, 0, 8)
        self.finished = finished
        self.transfer: Control | None = None
        self._stage = ""
        self._coming = bytearray()
        self._left = b""

    def begin(self, transfer: Control) -> None:
        self.transfer, self._stage, self.ready = transfer, "setup", True
        self._coming.clear()
        self._left = transfer.data

    def transact(self) -> int:
        transfer, peripheral = self.transfer, self.host.peripheral
        if transfer is None:
            return -1
        incoming = bool(transfer.kind & 0x80)
        if self._stage == "setup":
            if peripheral.setup(0, transfer.packet()) is not Handshake.ACK:
                return -1
            self._stage = "data" if transfer.length else "status"
            return 8
        if (self._stage == "data") == incoming:
            answer = peripheral.give(0)
            if isinstance(answer, bytes):
                if self._stage == "status":
                    self._end(bytes(self._coming))
                else:
                    self._coming += answer
                    if len(answer) < self.size or len(self._coming) >= transfer.length:
                        self._stage = "status"
                return len(answer)
        else:
            packet = self._left[: self.size] if self._stage == "data" else b""
            answer = peripheral.take(0, packet)
            if answer is Handshake.ACK:
                self._left = self._left[len(packet) :]
                if self._stage == "status":
                    self._end(bytes(self._coming))
                elif not self._left:
                    self._stage = "status"
                return len(packet)
        if answer is Handshake.STALL:
            self._end(None)
            return 0
        return -1

    def _end(self, result: bytes | None) -> None:
        self.transfer = None
        self.finished(result)


@final
class Host:
    """A computer with one USB port.

    drivers: those that take to the interfaces they know; device, configuration: the descriptors,
    empty before they are known; strings: by number; configured: the drivers are at work.
    """

    def __init__(self, clock: Clock, trace: Trace, peripheral: Peripheral,
                 drivers: Sequence[Driver]) -> None:
        self.clock, self.trace, self.peripheral = clock, trace, peripheral
        self.drivers = list(drivers)
        self.plugged = self.configured = False
        self.device = self.configuration = b""
        self.strings: dict[int, str] = {}
        self.control = ControlPipe(self, self._answered)
        self.pipes: list[Pipe] = [self.control]
        self._turn = 0
        self._alarm: Alarm | None = None
        self._script: Script | None = None
        self._pending: list[tuple[Script, Callable[[], None]]] = []
        peripheral.host = self

    # The cable.

    def plug(self) -> None:
        """Puts the cable in. The device is seen when it switches its pull-up on."""
        if not self.plugged:
            self.plugged = True
            self.peripheral.plug(True)
            self.pulled(self.peripheral.pulled_up)

    def unplug(self) -> None:
        if self.plugged:
            self.plugged = False
            self._lost()
            self.peripheral.plug(False)

    def pulled(self, up: bool) -> None:
        if not self.plugged:
            return
        self._lost()
        if up:
            self._later(DEBOUNCE, self._reset)

    def _lost(self) -> None:
        """There is no device any more."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self.configured = False
        self.device = self.configuration = b""
        self.strings.clear()
        self._script = self.control.transfer = None
        self._pending.clear()
        self.pipes = [self.control]
        for driver in self.drivers:
            driver.gone()

    def _later(self, delay: int, call: Callable[[], None]) -> None:
        def due() -> None:
            self._alarm = None
            call()

        self._alarm = self.clock.after(delay, due)

    def _reset(self) -> None:
        self.trace.note("usb", "the host resets the bus")
        self.peripheral.reset(True)
        self._later(RESET, self._enumerate)

    # Enumeration.

    def _enumerate(self) -> None:
        self.peripheral.reset(False)
        self.control.size = 8
        self._script = self._enumeration()
        self._later(RECOVERY, lambda: self._go_on(None))

    def _enumeration(self) -> Script:
        first = yield Control(0x80, GET_DESCRIPTOR, DEVICE << 8, length=8)
        if first is None or len(first) < 8:
            return
        self.control.size = first[7]
        yield Control(0, SET_ADDRESS, 1)
        yield RECOVERY
        device = yield Control(0x80, GET_DESCRIPTOR, DEVICE << 8, length=18)
        head = yield Control(0x80, GET_DESCRIPTOR, CONFIGURATION << 8, length=9)
        if device is None or head is None or len(head) < 9:
            return
        total = head[2] | head[3] << 8
        whole = yield Control(0x80, GET_DESCRIPTOR, CONFIGURATION << 8, length=total)
        if whole is None:
            return
        for number in sorted({0, *device[14:17]}):
            text = yield Control(0x80, GET_DESCRIPTOR, STRING << 8 | number,
                                 LANGUAGE if number else 0, length=255)
            if text and number:
                self.strings[number] = text[2 : text[0]].decode("utf-16-le", "replace")
        yield Control(0, SET_CONFIGURATION, whole[5])
        self.device, self.configuration = device, whole
        interfaces = parse_interfaces(whole)
        self.trace.note("usb", "configured " + " ".join(
            f"{device[9] << 8 | device[8]:04x}:{device[11] << 8 | device[10]:04x}"
            f"/{each.kind:02x}" for each in interfaces))
        for driver in self.drivers:
            begin = driver.configure(self, interfaces)
            if begin is not None:
                yield from begin
        self.configured = True

    def do(self, script: Script, finished: Callable[[], None] = lambda: None) -> None:
        """Control transfers of a driver, when endpoint 0 is free."""
        self._pending.append((script, finished))
        if self._script is None:
            self._next_script()

    def _next_script(self) -> None:
        if self._pending:
            script, finished = self._pending.pop(0)

            def both() -> Script:
                yield from script
                finished()

            self._script = both()
            self._go_on(None)

    def _go_on(self, result: bytes | None) -> None:
        """The next step of the script, given the answer to the one before."""
        script = self._script
        if script is None:
            return
        try:
            # A generator that has not begun takes None only, which is what it gets then.
            step = script.send(result)
        except StopIteration:
            self._script = None
            self._next_script()
            return
        if isinstance(step, Control):
            self.control.begin(step)
            self._schedule(0)
        else:
            def over() -> None:
                if self._script is script:
                    self._go_on(None)

            self.clock.after(step, over)

    def _answered(self, result: bytes | None) -> None:
        self._go_on(result)

    # Transactions.

    def wake(self) -> None:
        for pipe in self.pipes:
            pipe.ready = True
        if self.plugged:
            self._schedule(0)

    def _schedule(self, moved: int) -> None:
        if self._alarm is None:
            self._later((moved + OVERHEAD) * BYTE, self._step)

    def _step(self) -> None:
        """One transaction of the next pipe that has one."""
        pipes = self.pipes
        for _ in range(len(pipes)):
            self._turn = (self._turn + 1) % len(pipes)
            pipe = pipes[self._turn]
            if pipe.ready:
                pipe.ready = False
                moved = pipe.transact()
                if moved >= 0:
                    pipe.ready = True
                    self._schedule(moved)
                    return
                if pipes is not self.pipes:
                    return
        if any(pipe.ready for pipe in self.pipes):
            self._schedule(0)


def parse_interfaces(configuration: bytes) -> list[Interface]:
    """The interfaces of a configuration descriptor."""
    found: list[Interface] = []
    at = 0
    while at + 2 <= len(configuration) and configuration[at]:
        data = configuration[at : at + configuration[at]]
        if data[1] == INTERFACE and len(data) >= 9:
            found.append(Interface(data))
        elif data[1] == ENDPOINT and len(data) >= 7 and found:
            found[-1].endpoints.append((data[2], data[3], data[4] | data[5] << 8))
        at += configuration[at]
    return found
