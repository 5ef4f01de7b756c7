"""The command `mpy-emu run`: what is run, what it reads, how it is interrupted, how it ends."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, final

import click

if TYPE_CHECKING:
    from pathlib import Path

    from mpy_cross.emulator.runtime.program import Code
    from mpy_cross.emulator.session import Outcome, Session
    from mpy_cross.errors import CompileError

EXIT_ERROR: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPT: Final = 130
NOTICE_SECONDS: Final = 0.3
"""After Ctrl-C a program that has not looked by then is interrupted wherever it is."""
LOOK_SECONDS: Final = 0.1
"""How often a program that waits for standard input looks for Ctrl-C."""


def fail(message: str, status: int = EXIT_ERROR) -> NoReturn:
    say(message)
    sys.exit(status)


def say(message: str) -> None:
    """A line of ours on standard error; in red on a terminal."""
    sys.stdout.flush()
    name = "mpy-emu:"
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        name = click.style(name, fg="red", bold=True)
    data = f"{name} {message}\n".encode("utf-8", "surrogateescape")
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


@final
class Program(NamedTuple):
    """What is to be run. kind: "file" (or folder), "text" or "module"; name: path or module, or
    what stands for the text; text: of the program."""

    kind: str
    name: str
    argv: list[str]
    text: str = ""

    @classmethod
    def chosen(cls, path: str | None, arguments: tuple[str, ...], command: str | None,
               module: str | None) -> Program:
        """By the command line.  Raises UsageError."""
        if command is not None and module is not None:
            raise click.UsageError("-c and -m exclude each other")
        given = [*([path] if path is not None else []), *arguments]
        if command is not None:
            return cls("text", "-c", ["-c", *given], command)
        if module is not None:
            return cls("module", module, [module, *given])
        if path is None:
            raise click.UsageError("say what to run: FILE, DIR, -, -c COMMAND or -m MODULE")
        if path == "-":
            source = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
            return cls("text", "-", given, source)
        return cls("file", path, given)


def connect(session: Session, program: Program, files: str | None, typed: str | None) -> None:
    """Give the board its files, and its console the input."""
    from pathlib import Path

    from mpy_cross.emulator.session import SessionError

    if files is not None:
        if not Path(files).is_dir():
            fail(f"{files}: no such folder", EXIT_USAGE)
        try:
            session.put(Path(files))
        except SessionError as error:
            fail(str(error), EXIT_USAGE)
    console = session.runtime.console
    if typed is not None and typed != "-":
        try:
            console.type(Path(typed).read_bytes())
        except OSError as error:
            fail(f"{typed}: {error.strerror or error}", EXIT_USAGE)
    elif program.name != "-" and sys.stdin is not None:
        console.source = lambda wait: _standard_input(session, wait)


def _standard_input(session: Session, wait: bool) -> bytes | None:
    """What standard input has; None if that is nothing yet, or the program was interrupted."""
    import select

    number = sys.stdin.fileno()
    sys.stdout.buffer.flush()
    try:
        while not select.select([number], [], [], LOOK_SECONDS if wait else 0)[0]:
            if not wait or session.scheduler.interrupted:
                return None
    except OSError:  # a host where only sockets can be asked
        if not wait:
            return None
    return os.read(number, 4096)


def run(session: Session, program: Program) -> Outcome:
    """Run to the end, with Ctrl-C for the program."""
    import threading
    from contextlib import suppress
    from pathlib import Path

    from mpy_cross.emulator.session import SessionError

    def interrupt(number: int, frame: object) -> None:
        if session.scheduler.interrupted:  # the program did not take the one before
            with suppress(OSError, RuntimeError):
                sys.stdout.buffer.flush()
            os._exit(EXIT_INTERRUPT)
        session.interrupt()
        if not session.scheduler.keyboard_interrupt:
            say("the program takes no Ctrl-C (micropython.kbd_intr); once more ends it")
            return
        timer = threading.Timer(NOTICE_SECONDS, session.interrupt_now)
        timer.daemon = True
        timer.start()

    place = Path(program.name)
    if program.kind == "file":
        _readable(place)
    progress = Progress(session)
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        if program.kind == "text":
            outcome = session.run_source(program.text)
        elif program.kind == "module":
            outcome = session.run_module(program.name)
        else:
            outcome = session.run(place)
    except SessionError as error:
        fail(str(error), EXIT_USAGE)
    finally:
        signal.signal(signal.SIGINT, before)
        progress.end()
        sys.stdout.buffer.flush()
    assert outcome is not None  # nothing has asked for a pause
    return outcome


@final
class Progress:
    """A line with the virtual time, while a program runs whose output goes elsewhere: on standard
    error if that is a terminal, and standard output is none."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._width = 0
        if sys.stderr.isatty() and not sys.stdout.isatty():
            session.patience = self._show

    def _show(self) -> None:
        text = f"{self._session.now / 1e9:.1f} s of virtual time"
        sys.stderr.write(f"\r{text:{self._width}}")
        sys.stderr.flush()
        self._width = len(text)

    def end(self) -> None:
        """Take the line away."""
        if self._width:
            sys.stderr.write(f"\r{'':{self._width}}\r")
            sys.stderr.flush()


def _readable(path: Path) -> None:
    """Ends with a message if there is no such file, or it is no .mpy file that can be read."""
    from mpy_cross.loader.errors import MpyError
    from mpy_cross.loader.reader import read

    try:
        if path.is_dir():
            return
        data = path.read_bytes()
    except OSError as error:
        fail(f"{path}: {error.strerror or error}", EXIT_USAGE)
    except ValueError as error:  # a NUL in the name
        fail(f"{str(path)!r}: {error}", EXIT_USAGE)
    if path.suffix == ".mpy":
        try:
            read(data)
        except MpyError as error:
            fail(f"{path}: {error}")


def end(outcome: Outcome, program: Program) -> int:
    """What there is to say about the end of the program; its status."""
    from mpy_cross.emulator.session import EXIT_FAULT, EXIT_RESET, EXIT_STUCK, EXIT_TIME
    from mpy_cross.errors import CompileError

    ours = (EXIT_RESET, EXIT_TIME, EXIT_STUCK, EXIT_FAULT)
    if outcome.status in ours and outcome.error is not None:
        say(outcome.text)
    elif outcome.error is not None and isinstance(outcome.error.__cause__, CompileError):
        _explain(outcome.error.__cause__, program)
    return outcome.status


def _explain(error: CompileError, program: Program) -> None:
    """Our lines about an error of the compiler: the source line, a hint."""
    from pathlib import Path

    from mpy_cross.report import reference_text, render

    place = Path(program.name)
    if place.name != error.file:
        place = place / error.file
    source = place.read_bytes() if place.is_file() else program.text.encode("utf-8", "replace")
    text = render(error, source, False).removeprefix(reference_text(error)).rstrip()
    if text:
        say(f"in {error.file if program.text else place}:\n{text}")


def pace(session: Session) -> None:
    """Hold virtual time back to that of the host."""
    import time

    start = time.monotonic()
    scheduler = session.scheduler

    def pace(now: int) -> None:
        while True:
            ahead = now / 1e9 - (time.monotonic() - start)
            if ahead < 0.002 or scheduler.interrupted:
                return
            sys.stdout.buffer.flush()
            time.sleep(min(ahead, 0.05))

    scheduler.pace = pace


def write_trace(session: Session, form: str, file: str) -> None:
    from mpy_cross.emulator.trace import write_json, write_vcd

    try:
        with open(file, "w", encoding="utf-8", newline="\n") as stream:
            (write_vcd if form == "vcd" else write_json)(session.machine.trace.events, stream)
    except OSError as error:
        fail(f"{file}: {error.strerror or error}")


def dump_python(session: Session, path: str) -> int:
    from pathlib import Path

    from mpy_cross.emulator.runtime.dump import python_text
    from mpy_cross.errors import CompileError

    place = Path(path)
    if place.is_dir():
        fail(f"{path}: --dump takes a file", EXIT_USAGE)
    _readable(place)
    try:
        code: Code = session.load(place)
    except Exception as error:
        if not isinstance(error.__cause__, CompileError):
            raise
        fail(session.runtime.report(error).rstrip())
    sys.stdout.buffer.write(python_text(code).encode("utf-8", "surrogateescape"))
    return 0
