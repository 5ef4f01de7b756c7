"""A board with a program: machine, run-time and console together.

    session = Session("pico", "1.17", compiler)
    outcome = session.run(Path("main.py"))

The command line, the pytest plugin and the tests drive programs through this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from mpy_cross.emulator.board import Board
from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.filesystems.device import ENOSPC
from mpy_cross.emulator.machine import Machine, machine
from mpy_cross.emulator.program_thread import ProgramThread
from mpy_cross.emulator.runtime import board_files, memory
from mpy_cross.emulator.runtime.board_flash import FlashError
from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS
from mpy_cross.emulator.runtime.heap import Heap
from mpy_cross.emulator.runtime.memory import Memory
from mpy_cross.emulator.runtime.modules.machine_.hardware import Reset, close_hardware
from mpy_cross.emulator.runtime.program import Code
from mpy_cross.emulator.runtime.runtime import Compiler, Runtime
from mpy_cross.emulator.runtime.scheduler import NEVER, HardFault, Stop, Stuck, TimeUp
from mpy_cross.emulator.runtime.storage import Storage
from mpy_cross.emulator.runtime.types import Module
from mpy_cross.emulator.runtime.vfs import FILE
from mpy_cross.loader.release import DEFAULT_RELEASE, Release, get

EXIT_ERROR: Final = 1
EXIT_RESET: Final = 122
EXIT_STUCK: Final = 123
EXIT_TIME: Final = 124
EXIT_FAULT: Final = 125
EXIT_INTERRUPT: Final = 130

STACK: Final = 8 << 10
"""Bytes at the end of RAM that are no heap: stock firmware has its stack there."""
DEPTH: Final = 1000
"""Functions of the host that may be nested: some hundred calls of the program, more than the stack
of a small board allows."""
SCRIPTS: Final = ("boot", "main")
"""What a board starts, one after the other."""
START_UP: Final = 20_000_000
"""Estimate: ns from a reset to the first operation of boot.py."""


class SessionError(Exception):
    """What was asked for cannot be; the text says why."""


@final
class Outcome(NamedTuple):
    """How a program ended.

    status: for the caller's shell; error: what nobody caught, None after a good end or sys.exit;
    text: MicroPython's traceback of it, or a sentence of ours; reset: "hard" if the chip was reset,
    "soft" if only the interpreter is to start anew.
    """

    status: int
    error: BaseException | None = None
    text: str = ""
    reset: str = ""


@final
class Session:
    """One board, switched on, with its run-time.

    write: gets the console's output as it comes, besides `output`; heap: bytes, None for the
    board's; record: the trace keeps edges and bytes.  Raises SessionError, UnknownBoardError and
    UnknownRelease.
    """

    def __init__(
        self,
        board: str = "pyboard",
        release: str | Release = DEFAULT_RELEASE,
        compiler: Compiler | None = None,
        *,
        heap: int | None = None,
        record: bool = False,
        write: Callable[[str], object] | None = None,
        argv: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        self.release = get(release) if isinstance(release, str) else release
        self.machine: Machine = machine(board, record=record)
        self.machine.start()
        self.board: Board = self.machine.board
        self.sources: list[str] = []
        """The source texts that were run."""
        self.output: list[str] = []
        self._echo = write
        self.listeners: list[Callable[[str], object]] = []
        """Called with every piece of console output."""
        self._heap = heap
        self._compiler = compiler
        self._argv = list(argv)
        self._seed = seed
        self._make_runtime()
        self.volume = board_files.install(self.runtime)
        """The board's files."""
        self._flash_file: Path | None = None
        self._around: bytes | None = None
        self.outcome: Outcome | None = None
        """How the last program ended; None while it runs."""
        self.result: Any = None
        """What the last call gave."""
        self.trace_code: Callable[[Code], object] | None = None
        """Called with the code of every file that is run."""
        self._thread: ProgramThread | None = None
        self.patience: Callable[[], None] | None = None
        """Called in the host's thread now and then while a program does not pause."""
        self._limit = NEVER
        self._boots = False

    def _make_runtime(self) -> None:
        storage = self._storage(self._heap)
        self.runtime = Runtime(
            self.release,
            self._compiler,
            self._write,
            single_floats=self.board.float_bits == 32,
            storage=storage,
            machine=self.machine,
        )
        self.runtime.argv[:] = self._argv
        self.runtime.seed = self._seed
        self.scheduler = self.runtime.scheduler
        self.memory = Memory(storage.heap.size, storage.heap.used, self._roots)
        self.scheduler.memory = self.memory

    # ---------------------------------------------------------------------------- the machine

    def restart(self, *, hard: bool = False) -> None:
        """The interpreter starts anew on the same machine, after the program has ended.

        Names, callbacks and what is mounted are gone; files stay, and what the chip does.  After a
        reset of the chip (`hard`), its clocks are set up as at first.
        """
        if hard:
            self.machine.start()
        else:
            close_hardware(self.machine)
        self._make_runtime()
        self.start_files()

    def _storage(self, heap: int | None) -> Storage:
        ram = self.machine.chip.ram
        most = ram.size - STACK
        size = self.board.heap if heap is None else heap
        if not 1024 <= size <= most:
            raise SessionError(
                f"a heap of {size} bytes does not fit: {self.board.name} has "
                f"{ram.size} bytes of RAM, so 1024 to {most} are possible"
            )
        base = (ram.base + most - size) & ~15
        start = base - ram.base
        storage = Storage(Heap(base, size, ram.buffer[start : start + size]))
        storage.bus = self.machine.bus
        if self.board.float_bits == 32:
            from mpy_cross.emulator.runtime.float32 import Float32

            storage.float_type = Float32
        return storage

    @property
    def now(self) -> int:
        """Virtual time in ns."""
        return self.machine.clock.now

    @property
    def console(self) -> str:
        """All that the program has printed."""
        if len(self.output) > 1:
            self.output[:] = ["".join(self.output)]
        return self.output[0] if self.output else ""

    def _write(self, text: str) -> None:
        self.output.append(text)
        if self._echo is not None:
            self._echo(text)
        for listener in self.listeners:
            listener(text)

    def _roots(self) -> list[Any]:
        return [*self.runtime.modules.values(), *self.scheduler.roots(),
                *self.runtime.native_objects()]

    # ------------------------------------------------------------------------------- programs

    def load(self, path: Path) -> Code:
        """The code of a .py or .mpy file.  Raises OSError, MpyError, and the compiler's errors."""
        return self._code(path.read_bytes(), path.name)

    def _code(self, data: bytes, name: str) -> Code:
        if name.endswith(".mpy"):
            code = self.runtime.load(data)
        else:
            self.sources.append(data.decode("utf-8", "replace"))
            code = self.runtime.compile(data, name)
        if self.trace_code is not None:
            self.trace_code(code)
        return code

    def run(self, path: Path, until: int | None = None) -> Outcome | None:
        """Run a file as `__main__`, or put a folder on the board and run its boot.py and main.py.

        After a reset the board starts boot.py and main.py that are among its files, if any are.

        until: virtual time in ns at which to pause; the result then is None, and `go` goes on.
        """
        if path.is_dir():
            self.put(path)
            if not any(map(self._script, SCRIPTS)):
                raise SessionError(f"{path}: has neither main.py nor boot.py")
            self.start(self._boot, boots=True)
        else:
            self.start(lambda: self.runtime.main(self.load(path)), boots=True)
        return self.go(until)

    def run_source(self, source: str) -> Outcome | None:
        """Run a source text as `__main__`."""
        self.start(lambda: self.runtime.main(self.compile(source, "<stdin>")), boots=True)
        return self.go()

    def run_module(self, name: str) -> Outcome | None:
        """Run a module as `__main__`, found as `import` does; of a package its `__main__`."""
        self.start(lambda: self.runtime.main(*self.runtime.importer.main(name)), boots=True)
        return self.go()

    def put(self, folder: Path) -> None:
        """Copy a folder of the host to the board's files.  Raises SessionError."""
        try:
            board_files.copy(self.volume, folder)
        except OSError as error:
            raise SessionError(
                f"{folder}: does not fit into the {self.volume.size >> 10} KiB for files of "
                f"{self.board.name}"
                if error.args == (ENOSPC,)
                else f"{folder}: {error}"
            ) from None

    def use_flash(self, path: Path) -> None:
        """The board's files are those of a flash image, or a new flash where there is no such file.

        The image is the board's part for files, or its whole flash.  Raises SessionError.
        """
        try:
            self._around = self.volume.load(path)
            self.start_files()
        except (FlashError, ImportError) as error:
            raise SessionError(str(error)) from None
        except OSError as error:
            raise SessionError(f"{path}: {error.strerror or 'the image is damaged'}") from None
        self._flash_file = path

    def start_files(self) -> None:
        """Mount anew what the board mounts at its start: its flash, and a card in its slot."""
        board_files.install(self.runtime, self.volume)

    def save_flash(self) -> None:
        """Write the flash back to the file of `use_flash`, all of it or nothing.

        Raises SessionError.
        """
        if self._flash_file is None:
            return
        try:
            self.volume.save(self._flash_file, self._around)
        except OSError as error:
            raise SessionError(f"{self._flash_file}: {error.strerror or error}") from None

    def _script(self, name: str) -> str:
        """The board's file for "boot" or "main", "" if there is none."""
        files = self.runtime.files
        card = self.machine.wiring.has_slot and files.kind("/sd")
        for path in (f"{name}.py", f"{name}.mpy"):
            if card:
                if files.kind(f"/sd/{path}") == FILE:
                    return path
                continue
            try:
                if not self.volume.status((path,)).folder:
                    return path
            except OSError:
                continue
        return ""

    def _boot(self) -> None:
        """In the program's thread: what the board does when it starts."""
        boot = self._script("boot")
        if boot:
            try:
                self._run_script(boot)
            except PROGRAM_ERRORS as error:
                prompt = self.release.prompt
                strict = self.board.platform == "pyboard" or prompt.boot_error_skips_main
                if strict or isinstance(error, (SystemExit, KeyboardInterrupt)):
                    raise
                self._write(self.runtime.report(error))
        named = self.runtime.main_script
        main = named if self.runtime.files.kind(named) else self._script("main")
        if main:
            self._run_script(main)

    def _run_script(self, path: str) -> None:
        """boot.py and main.py have the same `__main__`."""
        runtime = self.runtime
        runtime.main(self._code(runtime.files.read(path), path), self.main_module())

    def _start_again(self, outcome: Outcome) -> bool:
        """After a reset: begin what the board starts with; False if it has nothing."""
        if not any(map(self._script, SCRIPTS)):
            return False
        before, console = self.scheduler, self.runtime.console
        self.restart(hard=outcome.reset == "hard")
        self.scheduler.pace, self.scheduler.interrupted = before.pace, before.interrupted
        self.runtime.console.source = console.source
        self.runtime.console.waiting = console.waiting

        def boot() -> None:
            self.scheduler.advance(START_UP)
            self._boot()

        self.start(boot, boots=True)
        return True

    def execute(self, source: str, name: str = "<stdin>") -> Outcome | None:
        """Run a source text in `__main__`, whose names stay from one call to the next."""
        self.start(lambda: self._execute(source, name))
        return self.go()

    def _execute(self, source: str, name: str) -> None:
        self.runtime.run(self.compile(source, name), self.main_module())

    def compile(self, source: str, name: str) -> Code:
        """The code of a source text.  Raises the exceptions of the program."""
        self.sources.append(source)
        return self.runtime.compile(source.encode("utf-8", "surrogateescape"), name)

    def main_module(self) -> Module:
        """The module `__main__`."""
        module = self.runtime.modules.get("__main__")
        if module is None:
            module = self.runtime.modules["__main__"] = Module("__main__")
        return module

    def call(self, function: Callable[..., Any], *args: Any) -> Outcome | None:
        """Call a function of the program; what it gives is in `result`."""

        def run() -> None:
            self.result = function(*args)

        self.start(run)
        return self.go()

    # -------------------------------------------------------------------------------- running

    def start(self, call: Callable[[], object], *, boots: bool = False) -> None:
        """Prepare a run of `call` in the program's thread; `go` begins it.

        boots: after a reset the board starts its boot.py and main.py.
        """
        if self._thread is not None and not self._thread.ended:
            raise SessionError("a program is running still: stop it first")
        self.outcome = None
        self.result = None
        self._boots = boots

        def run() -> None:
            self.outcome = self._guarded(call)

        self._thread = ProgramThread(run, DEPTH)
        self._thread.patience = self.patience

    def _guarded(self, call: Callable[[], object]) -> Outcome:
        try:
            call()
        except TimeUp:
            ms = self._limit / 1e6
            return Outcome(EXIT_TIME, TimeUp(), f"stopped: {ms:g} ms of virtual time are over")
        except Stuck as error:
            return Outcome(EXIT_STUCK, error, str(error))
        except (HardFault, BusFault) as error:
            return Outcome(EXIT_FAULT, error, f"fault: {error}")
        except Reset as error:
            text = f"the board was reset ({error.cause}), and has no main.py to start"
            return Outcome(EXIT_RESET, error, text, "hard")
        except Stop:
            raise
        except SystemExit as error:
            status = exit_status(error.args[0] if error.args else None)
            return Outcome(status, reset="soft" if getattr(error, "soft_reset", False) else "")
        except BaseException as error:
            status = EXIT_INTERRUPT if isinstance(error, KeyboardInterrupt) else EXIT_ERROR
            text = self.runtime.report(error)
            self._write(text)  # on a board the traceback is console output like any other
            return Outcome(status, error, text)
        return Outcome(0)

    def limit(self, when: int) -> None:
        """The program ends at `when` ns of virtual time."""
        self._limit = when

    def go(self, until: int | None = None) -> Outcome | None:
        """Let the program run to its end, or to `until` ns of virtual time: then None."""
        while True:
            outcome = self._go(until)
            if outcome is None or not (outcome.reset and self._boots):
                return outcome
            if not self._start_again(outcome):
                return outcome

    def _go(self, until: int | None) -> Outcome | None:
        thread = self._thread
        if thread is None:
            raise SessionError("no program was started")
        scheduler = self.scheduler
        pause = NEVER if until is None else until
        scheduler.on_stop = lambda: self._stopped(thread)
        self._pause = pause
        scheduler.stop_at = min(pause, self._limit)
        self.runtime.activate()
        memory.use(self.memory)
        thread.go()
        return self.outcome

    def pause(self) -> None:
        """In the program's thread: the host's turn, until it calls `go`."""
        assert self._thread is not None  # which calls this
        self._thread.pause()

    def _stopped(self, thread: ProgramThread) -> int:
        """In the program's thread, at a time to stop: the next such time."""
        if self.now >= self._limit:
            raise TimeUp
        thread.pause()
        return min(self._pause, self._limit)

    def advance(self, duration: int) -> None:
        """Let `duration` ns of virtual time pass, for the program or, after its end, without it."""
        until = self.now + duration
        if self._thread is not None and not self._thread.ended:
            self.go(until)
        before = self.outcome
        while self.now < until:
            # The program has ended; its timers and interrupts go on.
            self.start(lambda: self.scheduler.sleep(until - self.now))
            ended = self.go(until + 1)
            if ended is not None and ended.error is not None:
                return
        self.outcome = before

    @property
    def running(self) -> bool:
        """Has a program paused that can go on?"""
        return self._thread is not None and not self._thread.ended

    def interrupt(self) -> None:
        """Ctrl-C: KeyboardInterrupt in the program; from any thread, also in a signal handler."""
        self.scheduler.interrupted = True

    def interrupt_now(self) -> None:
        """The same for a program that does not look: it runs without any loop."""
        if self.scheduler.interrupted and self._thread is not None:
            self.scheduler.interrupted = False
            self._thread.interrupt()

    def close(self) -> None:
        """End a program that has paused."""
        if self._thread is not None:
            self._thread.stop()
        memory.use(None)


def exit_status(value: Any) -> int:
    """The status for sys.exit(value)."""
    if value is None:
        return 0
    return value & 255 if isinstance(value, int) else EXIT_ERROR


_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|min|h)?")
_SECOND: Final = 10**9
_UNITS: Final = {
    "ns": 1, "us": 10**3, "ms": 10**6, "s": _SECOND, "min": 60 * _SECOND, "h": 3600 * _SECOND,
}


def parse_time(text: str) -> int:
    """Nanoseconds from "10s", "500ms", "2min"; seconds without a unit.  Raises ValueError."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time; write for example 10s, 500ms, 2min")
    return round(float(match[1]) * _UNITS[match[2] or "s"])


_SIZE: Final = re.compile(r"(\d+)([kKmM]?)")


def parse_size(text: str) -> int:
    """Bytes from "100k", "1M", "65536".  Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no size; write for example 65536, 100k")
    return int(match[1]) << {"": 0, "k": 10, "m": 20}[match[2].lower()]
