"""A hosted board with a console: its run-time in a thread, bytes in and out from the host.

Time: what a program does and how long it sleeps takes virtual time only.  While the board waits for
something that typing may bring about, virtual time is what the host allows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.repl import completion
from mpy_cross.emulator.repl.lines import CTRL_C, CTRL_D, Completion
from mpy_cross.emulator.repl.prompt import END as MARK
from mpy_cross.emulator.repl.prompt import End, Prompt
from mpy_cross.emulator.repl.target import Condition
from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS
from mpy_cross.emulator.runtime.scheduler import HardFault
from mpy_cross.emulator.session import Session

SLICE: Final = 0.01
"""Seconds of the host's time after which a program that computes is interrupted for the console."""
REBOOT: Final = {
    "pyboard": "MPY: sync filesystems\nMPY: soft reboot\n",
    "rp2": "MPY: soft reboot\n",
    "esp32": "MPY: soft reboot\n",
    "esp8266": "MPY: soft reboot\n",
}
"""What a soft reset prints, by `sys.platform`."""
START: Final = {"rp2": b"import machine, rp2"}
"""What the frozen start file of boards leaves in `__main__`, by `sys.platform`."""
PARSE_ERRORS: Final = ("invalid syntax", "unexpected indent",
                       "unindent doesn't match any outer indent level")
TAILS: Final = (b"", b'\n"""\n', b"\n'''\n")
"""What may follow a beginning: an error that stays does not depend on a string that is open."""


class _SoftReset(Exception):
    """The prompt or a program wants a soft reset."""


@final
class HostedBoard:
    """A `Target` made of a session.

    realtime: programs run no faster than on a board.  The session belongs to this object from now
    on, with its `listeners` and its scheduler's `pace`.
    """

    def __init__(self, session: Session, *, realtime: bool = False) -> None:
        self.session = session
        self.realtime = realtime
        self._typed = bytearray()
        self._sent = bytearray()
        self._condition = Condition.RUNNING
        self._until: int | None = 0
        """Virtual time at which a wait ends; None for never."""
        self._allowed = 0
        self._slice_end = 0.0
        self._ahead = 0
        self._start: tuple[float, int] | None = None
        """Host's and virtual time from which real time counts."""
        self._raw = False
        session.listeners.append(self._printed)
        self.patience: Callable[[], object] | None = None
        """Called now and then while a program does not pause: it may feed."""
        session.patience = self._look
        self._prompt = self._made()

    # ---------------------------------------------------------------------------- for the host

    def feed(self, data: bytes) -> None:
        """Bytes that somebody types; the interrupt character interrupts, and is no input."""
        stop = self.session.runtime.console.interrupt_character
        if stop >= 0 and stop in data:
            self.session.interrupt()
            data = data.replace(bytes((stop & 0xFF,)), b"")
        self._typed += data

    def take(self) -> bytes:
        """What the board has sent since the last time."""
        data = bytes(self._sent)
        self._sent.clear()
        return data

    def advance(self, idle: int) -> Condition:
        """As `Target.advance`."""
        session = self.session
        if not session.running:
            self._begin()
        self._allowed = session.now + max(idle, 0)
        self._slice_end = time.monotonic() + SLICE
        outcome = session.go()
        if outcome is None:
            return self._condition
        self._end(outcome.error)
        return self._condition

    @property
    def delay(self) -> int | None:
        """As `Target.delay`."""
        if self._condition is not Condition.WAITING:
            return self._ahead
        if self._typed or self.session.scheduler.interrupted:
            return 0
        times = [self.session.machine.clock.next_alarm(), self._until]
        found = [when for when in times if when is not None]
        return max(min(found) - self.session.now, 0) if found else None

    def close(self) -> None:
        """Switch off."""
        self.session.close()

    def _look(self) -> None:
        """A program does not pause by itself: on Ctrl-C, interrupt it wherever it is."""
        if self.patience is not None:
            self.patience()
        self.session.interrupt_now()

    # ------------------------------------------------------------------------------ life cycle

    def _made(self) -> Prompt:
        session = self.session
        release, board = session.release, session.board
        title = session.runtime.board_title
        banner = f"MicroPython {release.tag} on {release.date}; {title}\r\n"
        emacs = release.prompt.emacs_keys_on_all or board.platform == "pyboard"
        prompt = Prompt(self, release.prompt, banner.encode(), emacs=emacs)
        prompt.raw = self._raw
        return prompt

    def _begin(self) -> None:
        """Start the interpreter: at first, and after resets."""
        session = self.session
        console = session.runtime.console
        console.waiting = self._typed
        console.open = True
        console.terminal = self
        console.interrupt_character = -1
        session.scheduler.pace = self._pace
        session.scheduler.on_stuck = self._stuck
        self._prompt = self._made()
        self._condition = Condition.RUNNING
        self._start = None
        session.start(self._life)

    def _life(self) -> None:
        """In the program's thread: from boot.py to a soft reset."""
        runtime = self.session.runtime
        try:
            if runtime.platform in START:
                self._execute(START[runtime.platform], "_boot.py", "exec")
            boot = self._file("boot.py")
            if not self._prompt.raw and self._starts_main(boot):
                self._file(self._main_file())
            self._prompt.serve()
        except _SoftReset:
            pass
        runtime.write(REBOOT.get(runtime.platform, "MPY: soft reboot\n"))

    def _starts_main(self, boot: End) -> bool:
        if boot is End.DONE:
            return True
        strict = self.session.board.platform == "pyboard"
        return not strict and not self.session.release.prompt.boot_error_skips_main

    def _main_file(self) -> str:
        """`pyb.main` may have named another file."""
        named = getattr(self.session.runtime, "main_script", None)
        return named if isinstance(named, str) else "main.py"

    def _file(self, name: str) -> End:
        """Run a file of the board, if it is there."""
        runtime = self.session.runtime
        if not runtime.files.kind(name):
            return End.DONE
        try:
            source = runtime.files.read(name)
        except OSError as error:
            runtime.write(runtime.report(error))
            return End.FAILED
        end = self._execute(source, name, "exec")
        if end is End.EXIT:
            raise _SoftReset
        return end

    def _end(self, error: BaseException | None) -> None:
        """The thread has ended: a soft reset, a hard one, or a fault."""
        session = self.session
        self._raw = self._prompt.raw
        hard = error is not None
        if isinstance(error, (HardFault, BusFault)):
            self._printed(f"fault: {error}\n")
            session.machine.reset("watchdog")
        if hard:
            self._raw = False
            self._typed.clear()
        session.restart(hard=hard)
        self._condition = Condition.RESET if hard else Condition.RUNNING

    # ------------------------------------------------------------------- in the program's thread

    def _yield(self, condition: Condition) -> None:
        self._condition = condition
        self.session.pause()
        self.session.runtime.activate()

    def _pace(self, now: int) -> None:
        """Whenever virtual time has moved."""
        if self.realtime:
            start = self._start
            if start is None:
                start = self._start = time.monotonic(), now
            while True:
                passed = int((time.monotonic() - start[0]) * 1e9)
                self._ahead = max(now - start[1] - passed, 0)
                if not self._ahead or self.session.scheduler.interrupted:
                    break
                self._yield(Condition.RUNNING)
            self._ahead = 0
        if time.monotonic() >= self._slice_end:
            self._yield(Condition.RUNNING)

    def _stuck(self) -> None:
        """A program waits for what only the host can bring about."""
        clock = self.session.machine.clock
        self._until = None
        self._yield(Condition.WAITING)
        self._start = None
        clock.advance_to(max(self._allowed, clock.now))

    def wait(self, until: int | None) -> int:
        """As `Terminal.wait`."""
        self._until = until
        self._yield(Condition.WAITING)
        self._start = None
        return self._allowed

    def read(self) -> int:
        """The next byte that was typed."""
        return self.session.runtime.console.read(1)[0]

    def write(self, data: bytes) -> None:
        """Bytes to the terminal, and to streams of `os.dupterm`."""
        self._sent += data
        copies = self.session.runtime.console.copies
        if copies is not None:
            copies.send(data)

    def _printed(self, text: str) -> None:
        self.session.output.clear()  # a server may run for long
        self._sent += text.replace("\n", "\r\n").encode("utf-8", "surrogateescape")

    def input(self, prompt: str) -> str:
        """`input()`: a line of the same editor that statements have."""
        self._printed(prompt)
        found, line = self._prompt.input()
        if found == CTRL_C:
            raise KeyboardInterrupt
        if found == CTRL_D and not line:
            raise EOFError
        return line.decode("utf-8", "surrogateescape")

    # ------------------------------------------------------------------------- what prompts need

    def ready(self) -> None:
        """Unlocks the heap: a prompt cannot be without."""
        self.session.runtime.storage.heap.locked = 0

    def text(self, name: str, usual: bytes) -> bytes:
        """As `Interpreter.text`."""
        runtime = self.session.runtime
        module = runtime.importer.loaded("usys") if runtime.release.version_in_sys else None
        if module is None:
            return usual
        value = module.__dict__[name]
        return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else b""

    def complete(self, before: bytes) -> Completion:
        """As `Interpreter.complete`."""
        return completion.complete(self.session.runtime, self.session.main_module(), before)

    def run(self, source: bytes, form: str, marks: bool) -> End:
        """As `Interpreter.run`."""
        facts = self.session.release.prompt
        if facts.sets_file and form != "single":
            self.session.main_module().__dict__["__file__"] = "<stdin>"
        return self._execute(source, "<stdin>", form, marks)

    def _execute(self, source: bytes, name: str, form: str, marks: bool = False) -> End:
        runtime, scheduler = self.session.runtime, self.session.scheduler
        module = self.session.main_module()
        error: BaseException | None = None
        try:
            code = runtime.compile(source, name, form)
            runtime.console.interrupt_character = CTRL_C
            runtime.run(code, module)
            runtime.console.interrupt_character = -1
            scheduler.events()  # Ctrl-C came as it ended
        except (HardFault, BusFault):
            raise  # the processor stops
        except PROGRAM_ERRORS as raised:
            error = raised
        finally:
            runtime.console.interrupt_character = -1
            scheduler.interrupted = False
            scheduler.keyboard_interrupt = True
        return self._report(error, marks)

    def _report(self, error: BaseException | None, marks: bool) -> End:
        end = End.DONE
        if marks:
            self.write(MARK)
        if isinstance(error, SystemExit):
            facts = self.session.release.prompt
            wanted = facts.exit_resets or getattr(error, "soft_reset", False)
            end = End.EXIT if wanted else End.FAILED
        elif error is not None:
            self.session.runtime.write(self.session.runtime.report(error))
            end = End.FAILED
        if marks:
            self.write(MARK)
        return end

    def interrupted(self) -> None:
        """As `Interpreter.interrupted`."""
        self._report(KeyboardInterrupt(), True)

    def broken(self, source: bytes) -> bool:
        """As `Interpreter.broken`: it is, if a line has the same error whatever is appended."""
        whole = source[: source.rfind(b"\n") + 1]
        found = {self._syntax_error(whole + tail) for tail in TAILS}
        first = found.pop()
        return not found and first is not None and first[0] <= whole.count(b"\n")

    def _syntax_error(self, source: bytes) -> tuple[int, str] | None:
        """Line and text of the error that stops the parser."""
        try:
            self.session.runtime.compile(source, "<stdin>")
        except SyntaxError as error:
            text = str(error.args[0]) if error.args else ""
            place = getattr(error, "place", ("", 0, ""))
            return (place[1], text) if text in PARSE_ERRORS else None
        except PROGRAM_ERRORS:
            return None
        return None
