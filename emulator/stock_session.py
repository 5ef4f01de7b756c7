"""A board with stock firmware, from the image to its prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.machine import Machine
from mpy_cross.emulator.raw_repl import PROMPT, START, RawRepl
from mpy_cross.emulator.serial import SerialPort
from mpy_cross.emulator.stock import Console, Segment, Stock, StockError, plug_in
from mpy_cross.emulator.stock_flash import put_flash
from mpy_cross.emulator.usb.cdc import CdcPort
from mpy_cross.emulator.usb.storage import StorageDriver

if TYPE_CHECKING:
    from mpy_cross.emulator.snapshot import Snapshot

KNOCK: Final = 200_000_000
"""ns without output after which Enter is pressed: a USB console opens when the banner is gone."""


@final
class FirstConsole:
    """Several consoles of which one is in use: the one that the board prints on first.

    chosen: which one, None until then.
    """

    def __init__(self, consoles: Sequence[Console]) -> None:
        self._consoles = consoles
        self.chosen: Console | None = None
        self.sent = bytearray()
        self.listeners: list[Callable[[int], None]] = []
        for console in consoles:
            console.listeners.append(_Ear(self, console).hear)

    def feed(self, data: bytes) -> None:
        for console in self._consoles if self.chosen is None else (self.chosen,):
            console.feed(data)

    def printed(self, console: Console, byte: int) -> None:
        """For the consoles: one of them got a byte."""
        if self.chosen is None:
            self.chosen = console
        if self.chosen is console:
            self.sent.append(byte)
            for listener in self.listeners:
                listener(byte)


@final
class _Ear:
    """Hears one console."""

    __slots__ = ("_all", "_console")

    def __init__(self, consoles: FirstConsole, console: Console) -> None:
        self._all, self._console = consoles, console

    def hear(self, byte: int) -> None:
        self._all.printed(self._console, byte)


@final
class StockSession:
    """A board that runs the firmware of an image.

    board: its name.  console: "usb", the name of a UART such as "USART1", or "auto" for the one on
    which the firmware prints first.  record: keep a trace.  storage: the driver of its disk, None
    without USB.  flash: what the flash holds before the firmware is put there, all of it or the
    part for files; None for a blank one, which firmware formats when it starts.  Raises
    UnknownBoardError, StockError.
    """

    def __init__(self, board: str, segments: Sequence[Segment], *, console: str = "auto",
                 record: bool = False, flash: bytes | None = None) -> None:
        self.machine = Machine(find_board(board), record=record)
        if flash is not None:
            put_flash(self.machine, flash)
        chip = self.machine.chip
        if not chip.systicks:
            raise StockError(f"{board} runs programs only, no stock firmware: "
                             f"the {chip.name} has no boot ROM here")
        runner = None
        if chip.name == "RP2040":
            # Imported when they are needed: a start takes a fifth of a second.
            from mpy_cross.emulator.soc.rp2040_boot import boot

            runner = boot(self.machine)
        self.stock = Stock(self.machine, segments, runner=runner)
        self._usb: CdcPort | None = None
        self.storage: StorageDriver | None = None
        self.stock.console = self._console(console)
        self.repl = RawRepl(self.stock)
        self._booted: Snapshot | None = None

    def _console(self, name: str) -> Console:
        if name not in ("auto", "usb"):
            return self.machine.uart(name)
        if name == "usb" or self.machine.chip.usb is not None:
            self._usb, self.storage = CdcPort(), StorageDriver()
            plug_in(self.machine, self._usb, self.storage)
            if name == "usb":
                return self._usb
        consoles: list[Console] = list(self.machine.chip.ports.values())
        if self._usb is not None:
            consoles.append(self._usb)
        return FirstConsole(consoles)

    @property
    def by_usb(self) -> bool:
        """Is the console the serial port over USB?"""
        console = self.stock.console
        if isinstance(console, FirstConsole):
            return console.chosen is not None and console.chosen is self._usb
        return console is self._usb

    @property
    def pending(self) -> int:
        """Number of bytes for the board that it has not taken yet."""
        console = self.stock.console
        chosen = console.chosen if isinstance(console, FirstConsole) else console
        return chosen.pending if isinstance(chosen, SerialPort | CdcPort) else 0

    @property
    def now(self) -> int:
        """Virtual time in ns since the board was switched on."""
        return self.machine.clock.now

    @property
    def console(self) -> str:
        """All that was printed, with plain line ends."""
        return self.stock.output.decode("utf-8", "replace").replace("\r\n", "\n")

    def boot(self, limit: int = START) -> str:
        """Runs to the prompt; what was printed on the way.  StockError if it does not come in
        `limit` ns of virtual time."""
        stock, end = self.stock, self.now + limit
        start = len(stock.output)
        while stock.output.find(PROMPT, start) < 0 and self.now < end:
            before = len(stock.output)
            stock.run_until(self.now + KNOCK)
            usb = self._usb
            if usb is not None and usb.open and not usb.pending and len(stock.output) == before:
                usb.feed(b"\r")
        return stock.wait(PROMPT, 1).decode("utf-8", "replace")

    def keep(self) -> None:
        """Keeps the state as it is now, for `again`."""
        from mpy_cross.emulator.snapshot import Snapshot

        self._booted = Snapshot(self)

    def again(self) -> None:
        """Goes back to where `keep` was called."""
        if self._booted is None:
            raise RuntimeError("no state was kept")
        booted = self._booted
        booted.restore()
        self._booted = booted  # which was not there yet when the state was kept

    def advance(self, ns: int) -> None:
        """Lets the board run for so long.  StockError for a fault."""
        self.stock.run(ns)
