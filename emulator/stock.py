"""Stock firmware on a machine: loads an image, runs it in virtual time, and is its console.

Nothing here knows a chip.  The firmware runs from its vector table on the machine's own core; what
it prints comes from a console (a serial port, or the host's side of USB).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol, final

from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.cores.attach import attach
from mpy_cross.emulator.cores.core import Core, CoreError, Stop, StopReason
from mpy_cross.emulator.machine import Machine
from mpy_cross.emulator.parts import fit
from mpy_cross.emulator.usb.cdc import CdcPort
from mpy_cross.emulator.usb.host import Driver, Host

SECOND: Final = 1_000_000_000  # ns
SHOWN: Final = 2000
"""Bytes of what was printed last that an error shows."""


class Segment(Protocol):
    """Bytes of an image, and the address where they belong."""

    @property
    def address(self) -> int: ...

    @property
    def data(self) -> bytes: ...


class Console(Protocol):
    """What a person at the prompt has: `SerialPort` is one."""

    sent: bytearray
    listeners: list[Callable[[int], None]]

    def feed(self, data: bytes) -> None:
        """Types these bytes."""


class Runner(Protocol):
    """What moves cores and clock together; `Pace` is one. core: the one that starts first."""

    @property
    def core(self) -> Core: ...

    def run_until(self, when: int) -> Stop | None:
        """Runs until the clock is at `when` ns; None, or the Stop that came before that."""


class StockError(Exception):
    """The firmware did what cannot go on: a fault, or no answer in time."""


def plug_in(machine: Machine, *drivers: Driver) -> Host:
    """Plugs the board into a computer with these drivers. StockError for a chip without USB."""
    peripheral = machine.chip.usb
    if peripheral is None:
        raise StockError(f"{machine.board.name} has no USB controller for devices")
    host = Host(machine.clock, machine.trace, peripheral, drivers)
    if "USB_VBUS" in machine.board.pins:
        machine.pin("USB_VBUS").force(1, source="USB")
    host.plug()
    return host


def usb_console(machine: Machine) -> CdcPort:
    """Plugs the board into a computer; its serial port there."""
    port = CdcPort()
    plug_in(machine, port)
    return port


@final
class Stock:
    """A machine with firmware.

    console: None until it is set; what was printed is in `output`.  runner: moves the cores and the
    clock, by default the machine's first core alone.  Raises StockError for an image that does not
    fit into the chip's memory.
    """

    def __init__(self, machine: Machine, segments: Iterable[Segment], *,
                 console: Console | None = None, runner: Runner | None = None) -> None:
        self.machine = machine
        fit(machine)
        for segment in segments:
            try:
                machine.bus.load(segment.address, segment.data)
            except BusFault:
                flash = machine.chip.flash
                raise StockError(
                    f"the image has {len(segment.data):,} bytes at 0x{segment.address:08x}, where "
                    f"the {machine.chip.name} has no memory for them: its flash is "
                    f"0x{flash.base:08x} to 0x{flash.base + flash.size - 1:08x}; is it for "
                    f"another board?") from None
        self.runner: Runner = attach(machine) if runner is None else runner
        self.core = self.runner.core
        self._awaited = b""
        self._from = 0
        self._console: Console | None = None
        if console is not None:
            self.console = console
        self.core.reset()

    @property
    def console(self) -> Console:
        """Where the prompt is. StockError before it was set."""
        if self._console is None:
            raise StockError(f"{self.machine.board.name} has no console yet")
        return self._console

    @console.setter
    def console(self, console: Console) -> None:
        if self._console is not None:
            self._console.listeners.remove(self._printed)
        self._console, self._from = console, len(console.sent)
        console.listeners.append(self._printed)

    @property
    def output(self) -> bytes:
        """All that the firmware has printed on this console."""
        return bytes(self.console.sent)

    def _printed(self, byte: int) -> None:
        awaited = self._awaited
        if awaited and byte == awaited[-1] and self.console.sent.endswith(awaited):
            self._awaited = b""
            self.core.halt()

    def run(self, ns: int) -> None:
        """Runs for so long. StockError for a fault."""
        self.run_until(self.machine.clock.now + ns)

    def run_until(self, when: int) -> bool:
        """Runs until the clock is at `when` ns, or a halt (True). StockError for a fault."""
        try:
            stop = self.runner.run_until(when)
        except CoreError as error:  # the boot loader of a chip, for instance
            raise StockError(str(error)) from None
        if stop is None:
            return False
        if stop.reason is StopReason.HALTED:
            return True
        raise StockError(str(stop.fault) if stop.fault is not None else
                         f"{stop.reason.value} at 0x{stop.pc:08x}")

    def type(self, data: bytes) -> None:
        """Sends bytes to the console."""
        self.console.feed(data)

    def take(self) -> bytes:
        """What was printed since the last `take` or `wait`."""
        sent = self.console.sent
        start, self._from = self._from, len(sent)
        return bytes(sent[start:])

    def wait(self, text: bytes, ns: int = 10 * SECOND) -> bytes:
        """Runs until `text` was printed; all that was printed since the last `wait`, with it.

        ns: of virtual time; StockError when they are over.
        """
        console = self.console
        deadline = self.machine.clock.now + ns
        while True:
            at = console.sent.find(text, self._from)
            if at >= 0:
                start, self._from = self._from, at + len(text)
                return bytes(console.sent[start : self._from])
            if self.machine.clock.now >= deadline:
                left = bytes(console.sent[max(self._from, len(console.sent) - SHOWN) :])
                raise StockError(f"no {text!r} within {ns / SECOND:g} s; there came {left!r}")
            self._awaited = text
            try:
                self.run_until(deadline)
            finally:
                self._awaited = b""
