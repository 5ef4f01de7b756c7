"""A board as a test sees it: the program on one side, pins and serial lines on the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, final

from mpy_cross.emulator.faults import Faults
from mpy_cross.emulator.machine import Machine
from mpy_cross.emulator.observe.words import ObserveError
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.runtime import attributes
from mpy_cross.emulator.runtime.runtime import Compiler
from mpy_cross.emulator.serial import SerialPort
from mpy_cross.emulator.session import Outcome, Session
from mpy_cross.emulator.wiring import PartT

MS: Final = 1_000_000
"""Nanoseconds of a millisecond."""
STEP: Final = MS
"""Virtual time between two looks at what is expected, in ns."""
_RESULT: Final = "result\u00b7"
_ON_FIRMWARE: Final = (
    'on boards with stock firmware: @pytest.mark.board("pico", firmware="firmware.elf")')


class ProgramError(AssertionError):
    """The program ended by an exception; the text is what MicroPython prints.

    error: the exception as the run-time has it; status: what `mpy-emu run` would give.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text.rstrip())
        self.error = outcome.error
        self.status = outcome.status


class ExpectError(AssertionError):
    """What was expected did not come."""


class NativeError(AssertionError):
    """A function gives different results as bytecode and as machine code."""


class NoNativeCode(RuntimeError):
    """Machine code cannot run here."""


class HardwareUnderTest(ABC):
    """What a test sees of any board: pins, serial lines, devices and time.

    machine: what it is made of; faults: what can go wrong, on request.  marks: for each serial line
    how much of it was expected already.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.console = Console(self)
        self.faults = Faults(machine)
        self.marks: dict[str, int] = {}

    @property
    @abstractmethod
    def printed(self) -> str:
        """All that was printed on the console, with plain line ends."""

    @property
    def now(self) -> int:
        """Virtual time in ns since the board was switched on."""
        return self.machine.clock.now

    @property
    def ms(self) -> float:
        """Virtual time in milliseconds since the board was switched on."""
        return self.now / MS

    def advance(self, *, ms: float = 0, us: float = 0, s: float = 0) -> None:
        """Let virtual time pass; the program goes on, its timers and interrupts too.

        Raises ProgramError if it ends by an exception meanwhile.
        """
        __tracebackhide__ = True
        duration = round(ms * MS + us * 1000 + s * 1000 * MS)
        if duration <= 0:
            raise ValueError("give a time: advance(ms=10)")
        self.pass_time(duration)

    @abstractmethod
    def pass_time(self, ns: int) -> None:
        """Let the board go on for so long."""

    def pin(self, name: str | int) -> PinUnderTest:
        """A pin by the board's name or the chip's.  Raises UnknownNameError."""
        return PinUnderTest(self.machine, self.machine.pin(name))

    def led(self, number: int = 1) -> bool:
        """Is the LED lit?"""
        return self.machine.led(number)

    def press(self, switch: str) -> None:
        """Press a switch, until `release`."""
        self.machine.press(switch)

    def release(self, switch: str) -> None:
        self.machine.release(switch)

    def wire(self, device: PartT, **pads: str | int) -> PartT:
        """Wire a device to pads of the board, see `mpy_cross.emulator.devices`; gives the device.

            display = board.wire(SSD1306(), scl="GP5", sda="GP4")
        """
        return self.machine.wiring.wire(device, **pads)

    def uart(self, name: int | str) -> UartUnderTest:
        """The other end of a serial line.  Raises UnknownNameError."""
        return UartUnderTest(self, self.machine.uart(name))

    def wait_for(self, ready: Callable[[], bool], timeout: float) -> bool:
        """Let the program go on until `ready()`, at most `timeout` virtual seconds."""
        __tracebackhide__ = True
        end = self.now + round(timeout * 1000 * MS)
        while not ready():
            left = end - self.now
            if left <= 0:
                return False
            self.advance(us=min(left, STEP) / 1000)
        return True


@final
class BoardUnderTest(HardwareUnderTest):
    """The fixture `board`.

    session: what it is made of; folder: where relative paths begin, that of the test;
    compiler_for: gives the compiler for a kind of code and a level; opt: see `check_native`.
    """

    def __init__(
        self, session: Session, folder: Path, compiler_for: Callable[[str, str], Compiler],
        opt: str = "2",
    ) -> None:
        super().__init__(session.machine)
        self.session = session
        self.folder = folder
        self._compiler_for, self._opt = compiler_for, opt

    @property
    def printed(self) -> str:
        return self.session.console

    # ------------------------------------------------------------------------------- programs

    def run(self, program: str | Path, ms: float | None = None) -> int:
        """Run a .py or .mpy file, a folder with main.py, or a source text of several lines.

        With `ms` it is interrupted at that virtual time and goes on in `advance`.  Gives the exit
        status: that of sys.exit, 0 at the end and while it goes on.  Raises ProgramError.
        """
        __tracebackhide__ = True
        until = None if ms is None else self.session.now + round(ms * MS)
        if isinstance(program, str) and ("\n" in program or not program.strip()):
            source = program
            self.session.start(lambda: self._source(source))
            return self._end(self.session.go(until))
        path = self.folder / program
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: no such file; a source text has more than one line, or use exec"
            )
        return self._end(self.session.run(path, until))

    def _source(self, source: str) -> None:
        self.session.runtime.main(self.session.compile(source, "<test>"))

    def exec(self, source: str) -> None:
        """Run statements in `__main__`, whose names stay.  Raises ProgramError."""
        self._end(self.session.execute(source, "<test>"))

    def eval(self, expression: str) -> Any:
        """The value of an expression in `__main__`.  Raises ProgramError."""
        names = self.session.main_module().__dict__
        self.exec(f"{_RESULT} = ({expression.strip()}\n)")
        return names.pop(_RESULT)

    def call(self, function: str, *args: Any) -> Any:
        """Call a function of the program by its name, dotted names too.  Raises ProgramError."""
        __tracebackhide__ = True
        first, *rest = function.split(".")
        names = self.session.main_module().__dict__
        if first not in names:
            known = ", ".join(sorted(name for name in names if not name.startswith("__")))
            raise LookupError(f"the program has no {first!r}; it has {known or 'no names yet'}")
        target = names[first]
        for name in rest:
            target = attributes.attribute(target, name)
        self._end(self.session.call(target, *args))
        return self.session.result

    def coverage(self, **options: bool) -> NoReturn:
        """Raises ObserveError: lines are counted on boards with firmware."""
        raise ObserveError(f"lines are counted {_ON_FIRMWARE}")

    def profile(self, **options: bool) -> NoReturn:
        """Raises ObserveError: functions are measured on boards with firmware."""
        raise ObserveError(f"functions are measured {_ON_FIRMWARE}")

    def _end(self, outcome: Outcome | None) -> int:
        __tracebackhide__ = True
        if outcome is None:
            return 0
        if outcome.error is not None:
            raise ProgramError(outcome)
        return outcome.status

    def pass_time(self, ns: int) -> None:
        __tracebackhide__ = True
        running = self.session.running
        self.session.advance(ns)
        if running and not self.session.running:
            self._end(self.session.outcome)

    @property
    def running(self) -> bool:
        """Is a program under way, which `advance` lets go on?"""
        return self.session.running

    def stop(self) -> None:
        """End the program that is under way."""
        self.session.close()

    # ---------------------------------------------------------------------------- native code

    def check_native(self, function: str, *cases: Any) -> None:
        """Compare a function as bytecode, native and viper code on the same arguments.

        Machine code is that of the reference, and what is optimised, as the marker's `opt` says or
        at level 2.

        function: its source, or the name of one that the program has run by `exec` or `run`.
        cases: tuples of arguments, or single arguments.  Raises NativeError where results or
        exceptions differ, NoNativeCode where machine code cannot run.
        """
        __tracebackhide__ = True
        from mpy_cross.emulator.native_check import compare

        compare(self.session, function, cases, self._compiler_for, self._opt)


@final
class Console:
    """What the program has printed."""

    def __init__(self, board: HardwareUnderTest) -> None:
        self._board = board
        self._seen = 0

    @property
    def text(self) -> str:
        """All of it."""
        return self._board.printed

    @property
    def lines(self) -> list[str]:
        """All of it, by lines."""
        return self.text.splitlines()

    def expect(self, text: str, timeout: float = 10) -> str:
        """Wait, at most `timeout` virtual seconds, until `text` is printed.

        Looks behind what was expected before; gives what is before it.  Raises ExpectError.
        """
        __tracebackhide__ = True
        start = self._seen
        if not self._board.wait_for(lambda: text in self.text[start:], timeout):
            raise ExpectError(
                f"expected {text!r} on the console within {timeout:g} s, got {self.text[start:]!r}"
            )
        at = self.text.index(text, start)
        self._seen = at + len(text)
        return self.text[start:at]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<console {self.text!r}>"

    def __contains__(self, text: str) -> bool:
        return text in self.text

    def __eq__(self, other: object) -> bool:
        return self.text == (other.text if isinstance(other, Console) else other)

    __hash__ = None  # type: ignore[assignment]


@final
class PinUnderTest:
    """A pin as seen from outside the board."""

    def __init__(self, machine: Machine, pin: Pin) -> None:
        self._machine = machine
        self._pin = pin

    @property
    def value(self) -> int:
        """Its level, 0 or 1."""
        return self._pin.level

    def drive(self, level: int | None) -> None:
        """Drive it from outside with 0 or 1; None lets go."""
        if level not in (0, 1, None):
            raise ValueError(f"a pin is driven with 0, 1 or None, not {level!r}")
        self._pin.force(level)

    def edges(self) -> list[tuple[float, int]]:
        """(ms, level) of every change since the board was switched on."""
        trace = self._machine.trace
        return [(time / MS, level) for time, level in trace.edges(self._pin.label)]

    def __repr__(self) -> str:
        return f"<pin {self._pin.label}: {self.value}>"


@final
class UartUnderTest:
    """The other end of a serial line."""

    def __init__(self, board: HardwareUnderTest, port: SerialPort) -> None:
        self._board = board
        self._port = port

    @property
    def sent(self) -> bytes:
        """All that the board has sent."""
        return bytes(self._port.sent)

    def write(self, data: bytes) -> None:
        """Send bytes to the board; they arrive as virtual time passes."""
        self._port.feed(data)

    def expect(self, data: bytes, timeout: float = 10) -> bytes:
        """Wait, at most `timeout` virtual seconds, until the board has sent `data`.

        Looks behind what was expected before; gives what is before it.  Raises ExpectError.
        """
        __tracebackhide__ = True
        marks = self._board.marks
        start = marks.get(self._port.name, 0)
        if not self._board.wait_for(lambda: self._port.sent.find(data, start) >= 0, timeout):
            raise ExpectError(
                f"expected {data!r} on {self._port.name} within {timeout:g} s, "
                f"got {self.sent[start:]!r}"
            )
        at = self._port.sent.index(data, start)
        marks[self._port.name] = at + len(data)
        return self.sent[start:at]
