"""What the hardware modules share: registers by name, interrupts, callbacks, waiting.

A `Hardware` belongs to one run-time.  It reads and writes registers through the bus, as firmware
does, so that everything a program does to the chip shows in the registers and on the pads.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, final
from weakref import WeakKeyDictionary

from mpy_cross.emulator.clock import Alarm
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.parts import fit
from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS
from mpy_cross.emulator.runtime.scheduler import Scheduler, Stop
from mpy_cross.emulator.runtime.types import HostObject, MpClass

if TYPE_CHECKING:
    from mpy_cross.emulator.machine import Machine
    from mpy_cross.emulator.runtime.runtime import Runtime

CALL_CYCLES: Final = 120
"""Estimate: core cycles that a call such as `pin.on()` takes."""
MS: Final = 1_000_000
US: Final = 1_000
ENODEV: Final = 19
EIO: Final = 5
ETIMEDOUT: Final = 110

_T = TypeVar("_T", bound=HostObject)


@final
class Reset(Stop):
    """The program has reset the chip, or a watchdog has. cause: as in `Machine.reset`."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"reset: {cause}")
        self.cause = cause


@final
class Hardware:
    """The machine as the modules of one run-time use it.

    types: the classes bound to this machine, by their names.  interrupts: handlers called so far.
    """

    def __init__(self, runtime: Runtime, machine: Machine) -> None:
        self.runtime = runtime
        self.machine = machine
        self.scheduler: Scheduler = runtime.scheduler
        self.clock = machine.clock
        self.bus = machine.bus
        self.chip = machine.chip
        self.board = machine.board
        self.wiring = machine.wiring
        self.stm = machine.board.platform == "pyboard"
        """STM32 with its module `pyb`."""
        self.esp = machine.board.platform in ("esp32", "esp8266")
        """ESP32 or ESP8266; a board that is neither has an RP2040."""
        self.types: dict[str, Any] = {}
        self.interrupts = 0
        self.closed = False
        self.closers: list[Callable[[], None]] = []
        self.stopping: Alarm | None = None
        self._bases = {window.name: window.base for window in machine.bus.windows
                       if not window.alias}
        self._addresses: dict[tuple[str, str], int] = {}
        machine.reset_watchers.append(self._was_reset)
        fit(machine)

    # ------------------------------------------------------------------------------ registers

    def base(self, block: str) -> int:
        """The address of a block."""
        return self._bases[block]

    def address(self, block: str, register: str) -> int:
        """The address of a register, by the chip's names."""
        key = block, register
        found = self._addresses.get(key)
        if found is None:
            found = self._bases[block] + self.chip.blocks[block].names()[register]
            self._addresses[key] = found
        return found

    def read(self, block: str, register: str) -> int:
        return self.bus.read(self.address(block, register), 4)

    def write(self, block: str, register: str, value: int) -> None:
        self.bus.write(self.address(block, register), 4, value)

    def change(self, block: str, register: str, clear: int, set: int) -> None:
        """Reads a register, clears some bits, sets others, writes it."""
        address = self.address(block, register)
        self.bus.write(address, 4, self.bus.read(address, 4) & ~clear | set)

    # ---------------------------------------------------------------------------------- time

    def busy(self) -> None:
        """A call takes its time."""
        self.scheduler.advance(CALL_CYCLES * 1_000_000_000 // (self.chip.rate.hz or 1_000_000))

    def spend(self, ns: int) -> None:
        """The program is busy for so long."""
        self.scheduler.advance(ns)

    def wait(self, ready: Callable[[], bool], ns: int) -> bool:
        """Waits until `ready()`, at most so long."""
        return self.scheduler.wait(ready, self.clock.now + ns)

    def idle(self, limit: int = MS) -> None:
        """Waits for an interrupt, at most `limit` ns."""
        until = self.clock.now + limit
        following = self.clock.next_alarm()
        if following is not None:
            until = min(until, max(following, self.clock.now))
        self.scheduler.sleep(max(until - self.clock.now, 1))

    def sleep(self, milliseconds: int | None) -> None:
        """Sleeps for a time, or until an interrupt comes."""
        if milliseconds is not None:
            self.scheduler.sleep(milliseconds * MS)
            return
        before = self.interrupts
        self.scheduler.wait(lambda: self.interrupts != before)

    # ---------------------------------------------------------------------------- interrupts

    def interrupt(self, number: int, handler: Callable[[], None]) -> None:
        """Calls `handler` when the interrupt line of that number rises."""
        self.listen(self.chip.interrupts[0][number], handler)

    def listen(self, line: Line, handler: Callable[[], None]) -> None:
        """Calls `handler` when a line rises.

        It runs as an alarm of this moment: the line may have risen because of something outside,
        while the program does not run.
        """
        waiting = False

        def run() -> None:
            nonlocal waiting
            waiting = False
            if not self.closed:
                self.interrupts += 1
                handler()

        def rose(level: bool) -> None:
            nonlocal waiting
            if level and not waiting and not self.closed:
                waiting = True
                self.clock.after(0, run)

        line.watch(rose)

    def alarm(self, ns: int, call: Callable[[], None]) -> Alarm:
        """Calls `call` in so many ns, unless this run-time is over by then."""

        def ring() -> None:
            if not self.closed:
                call()

        return self.clock.after(ns, ring)

    def callback(
        self, source: Any, function: Any, args: tuple[Any, ...], *, hard: bool,
        failed: Callable[[], str] | None = None,
    ) -> None:
        """Runs a callback of the program: at once if `hard`, else when the program polls.

        failed: called if a hard callback raises; disables it, and gives the line to print.
        """
        if not hard:
            # If the queue is full the event is lost, as in the firmware.
            with suppress(RuntimeError):
                self.scheduler.schedule(function, *args)
            return

        def guarded() -> None:
            try:
                function(*args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except PROGRAM_ERRORS as error:
                if failed is not None:
                    self.runtime.write(failed() + "\n")
                self.runtime.write(self.runtime.report(error))

        self.scheduler.interrupt(source, guarded)

    # -------------------------------------------------------------------------- life of a chip

    def _was_reset(self, cause: str) -> None:
        if not self.closed:
            self.close()

            def stop() -> None:
                raise Reset(cause)

            # The program ends as soon as it goes on.
            self.stopping = self.clock.after(0, stop)

    def close(self) -> None:
        """The run-time is over (soft reset): no more callbacks, peripherals off."""
        self.closed = True
        for closer in self.closers:
            closer()
        if self._was_reset in self.machine.reset_watchers:
            self.machine.reset_watchers.remove(self._was_reset)

    # --------------------------------------------------------------------------------- types

    def bind(self, cls: type[_T], key: str = "") -> type[_T]:
        """A class of the program that uses this hardware; the same for the same key."""
        shown = getattr(cls, "type_name", cls.__name__)
        if (key or shown) not in self.types:
            self.types[key or shown] = MpClass(shown, (cls,), {"_hw": self})
        return cast("type[_T]", self.types[key or shown])

    def float(self, value: float) -> float:
        """A float of the board."""
        return self.runtime.float_type(value)


_known: WeakKeyDictionary[Machine, Hardware] = WeakKeyDictionary()


def hardware(runtime: Runtime) -> Hardware:
    """The hardware of a run-time.  Raises ImportError if it runs on no machine.

    A machine has one at a time: that of a run-time before is closed.
    """
    machine = runtime.machine
    if machine is None:
        raise ImportError("no module named 'machine'")
    found = _known.get(machine)
    if found is None or found.runtime is not runtime or found.closed:
        if found is not None and not found.closed:
            found.close()
        found = _known[machine] = Hardware(runtime, machine)
    return found


def close_hardware(machine: Machine) -> None:
    """Ends callbacks of the run-time on this machine, if it has used the hardware."""
    found = _known.get(machine)
    if found is not None and not found.closed:
        found.close()


def integer(value: Any, low: int, high: int, what: str) -> int:
    """An argument within limits.  Raises ValueError."""
    number = as_int(value)
    if not low <= number <= high:
        raise ValueError(f"{what} out of range")
    return number


def name_of(value: Any) -> str | None:
    """A string argument, None for anything else."""
    return value if isinstance(value, str) else None
