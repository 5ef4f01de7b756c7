"""Virtual time while a program runs, and what happens at its points in time.

Loops of the program call `poll` after about a thousand operations, and what waits calls `sleep` or
`wait`.  Both move the clock of the machine, so alarms run: timers, serial lines, pins.  A callback
of the program that belongs to an alarm (`Timer`, `Pin.irq`) goes through `interrupt`, one that was
given to `micropython.schedule` through `schedule`.

How long an operation takes is an estimate: a number of cycles for each kind of core, the same for
all operations.  Nothing depends on the host, so two runs of a program are the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.clock import Clock, Rate
from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS
from mpy_cross.emulator.runtime.memory import Memory

if TYPE_CHECKING:
    from mpy_cross.emulator.machine import Machine
    from mpy_cross.emulator.runtime.runtime import Runtime

CYCLES_PER_OPERATION: Final = {"cortex-m0+": 60, "cortex-m4f": 40}
"""Estimate: core cycles that the real virtual machine takes for one operation of bytecode."""
DEFAULT_CYCLES: Final = 50
DEFAULT_HZ: Final = 100_000_000
"""Frequency where there is no machine, and while the clock of the core stands still."""
FULL: Final = 1 << 30
"""A count of operations that says: the heap is full."""
QUEUE: Final = 4
"""Callbacks that `micropython.schedule` keeps where there is no board: as in the unix port."""
NEVER: Final = 1 << 100
"""A time in ns that never comes."""


class Stop(BaseException):
    """Ends the program from outside; its handlers do not see this."""


class TimeUp(Stop):
    """Virtual time is over."""


class HardFault(Stop):
    """Machine code of the program did what the processor cannot do; the text is the report."""


class Stuck(Stop):
    """The program waits for something that nothing can bring about."""


@final
class Scheduler:
    """Moves the clock of one machine while a program runs on it.

    stop_at: time in ns at which `on_stop` is called, which returns the next such time or raises
    Stop.  interrupted: Ctrl-C was pressed; set from anywhere, the next poll raises
    KeyboardInterrupt in the program unless `keyboard_interrupt` is off (`micropython.kbd_intr`).
    pace: called with the time in ns after it moved, to run no faster than a real board.
    on_stuck: called when nothing can end a wait any more; raises Stuck unless somebody can type.
    """

    __slots__ = (
        "_masked",
        "_pending",
        "_queue",
        "_refusal",
        "_running",
        "_task",
        "clock",
        "cycles",
        "interrupted",
        "keyboard_interrupt",
        "locked",
        "memory",
        "on_stop",
        "on_stuck",
        "pace",
        "queue_size",
        "rate",
        "runtime",
        "stop_at",
    )

    def __init__(self, runtime: Runtime, machine: Machine | None = None) -> None:
        self.runtime = runtime
        if machine is not None:
            self.clock = machine.clock
            self.rate = machine.chip.rate
            self.cycles = CYCLES_PER_OPERATION.get(machine.chip.core, DEFAULT_CYCLES)
        else:
            self.clock = Clock()
            self.rate = Rate("core", DEFAULT_HZ)
            self.cycles = DEFAULT_CYCLES
        self.memory: Memory | None = None
        self.stop_at = NEVER
        self.on_stop: Callable[[], int] = _time_up
        self.on_stuck: Callable[[], None] = _stuck
        self.interrupted = False
        self.keyboard_interrupt = True
        self.pace: Callable[[int], None] | None = None
        self.queue_size = QUEUE if machine is None else machine.board.callbacks
        self.locked = 0
        """How often scheduled callbacks were locked out."""
        self._queue: deque[tuple[Any, Any]] = deque()
        self._refusal: MemoryError | None = None
        self._task = False
        self._running = False
        self._masked = 0
        self._pending: dict[Any, tuple[Any, tuple[Any, ...]]] = {}

    # ----------------------------------------------------------------------------------- time

    def poll(self, count: int) -> int:
        """The program executed `count` operations; the count starts again, at what is returned."""
        self.runtime.elapsed += count
        hz = self.rate.hz or DEFAULT_HZ
        self.advance(count * self.cycles * 1_000_000_000 // hz)
        memory = self.memory
        if memory is not None:
            memory.passed(count)
        return 0

    def poll_later(self, count: int) -> int:
        """The same in a loop that handles errors: `refuse`, in there, raises the MemoryError.

        Until then the count stays above what makes the loop call this.
        """
        if self._refusal is not None:
            count -= FULL
        try:
            return self.poll(count)
        except MemoryError as error:
            if self._refusal is not None:
                self._refusal = None
                raise
            self._refusal = error.with_traceback(None)
            return FULL

    def refuse(self) -> int:
        """Raise what `poll_later` has kept; the count starts again."""
        error, self._refusal = self._refusal, None
        if error is not None:
            raise error
        return 0

    def advance(self, duration: int) -> None:
        """The program is busy for `duration` ns."""
        clock = self.clock
        when = clock.now + duration
        while when >= self.stop_at:
            clock.advance_to(self.stop_at)
            self.stop_at = self.on_stop()
        clock.advance_to(when)
        self.events()

    def sleep(self, duration: int) -> None:
        """The program waits for `duration` ns; callbacks run meanwhile."""
        if duration > 0:
            self.wait(_never, self.clock.now + duration)
        self.events()

    def wait(self, ready: Callable[[], bool], until: int | None = None) -> bool:
        """Wait until `ready()`, or until the time `until` in ns; False if that came first.

        Raises Stuck if there is no such time, and nothing more to happen.
        """
        clock = self.clock
        while not ready():
            if until is not None and clock.now >= until:
                return False
            limit = self.stop_at if until is None else min(until, self.stop_at)
            if not clock.idle(limit if limit < NEVER else None):
                if limit == NEVER:
                    self.on_stuck()
                while clock.now >= self.stop_at:
                    self.stop_at = self.on_stop()
            self.events()
        return True

    def events(self) -> None:
        """Between two operations: Ctrl-C, pending interrupts, scheduled callbacks."""
        if self.pace is not None:
            self.pace(self.clock.now)
        if self.interrupted and self.keyboard_interrupt:
            self.interrupted = False
            raise KeyboardInterrupt
        if self._pending and not self._running and not self._masked:
            self._run_pending()
        if self._queue and not (self._task or self._running or self.locked):
            self._run_queue()

    # ------------------------------------------------------------------------------ callbacks

    def schedule(self, function: Any, argument: Any) -> None:
        """`micropython.schedule`.  Raises RuntimeError if the queue is full."""
        if len(self._queue) >= self.queue_size:
            raise RuntimeError("schedule queue full")
        self._queue.append((function, argument))

    def interrupt(self, source: Any, function: Any, *args: Any) -> None:
        """An interrupt whose handler is a function of the program.

        It runs at once, or when the handler that is running returns and interrupts are enabled; an
        interrupt of the same source that is still pending then is lost, as on the chip.
        """
        self._pending[source] = function, args
        if not self._running and not self._masked:
            self._run_pending()

    def mask(self, masked: bool) -> bool:
        """`machine.disable_irq` and `enable_irq`; whether interrupts were disabled before."""
        before = bool(self._masked)
        self._masked = int(masked)
        if not masked and self._pending and not self._running:
            self._run_pending()
        return before

    @property
    def in_interrupt(self) -> bool:
        """Is a handler of an interrupt running?"""
        return self._running

    def roots(self) -> list[Any]:
        """The objects of the program that are kept here."""
        return [*self._queue, *(call for call in self._pending.values())]

    def _run_pending(self) -> None:
        self._running = True
        try:
            while self._pending and not self._masked:
                function, args = self._pending.pop(next(iter(self._pending)))
                self.callback(function, *args)
        finally:
            self._running = False

    def _run_queue(self) -> None:
        self._task = True
        try:
            # What these put into the queue has to wait for the next time.
            for _ in range(len(self._queue)):
                function, argument = self._queue.popleft()
                self.callback(function, argument)
        finally:
            self._task = False

    def callback(self, function: Any, *args: Any) -> bool:
        """Call a function of the program; False if it raised, which prints the traceback.

        SystemExit and KeyboardInterrupt go on to the program that was interrupted.
        """
        try:
            function(*args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except PROGRAM_ERRORS as error:
            self.runtime.write(self.runtime.report(error))
            return False
        return True


def _never() -> bool:
    return False


def _time_up() -> int:
    raise TimeUp


def _stuck() -> None:
    raise Stuck("the program waits for something that nothing can bring about")
