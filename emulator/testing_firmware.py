"""A board with stock firmware as a test sees it: the prompt on one side, pins on the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.observe.files import Sender
from mpy_cross.emulator.observe.words import ObserveError
from mpy_cross.emulator.raw_repl import RemoteError
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.stock_session import StockSession
from mpy_cross.emulator.testing import HardwareUnderTest
from mpy_cross.emulator.usb_files import UsbFiles

if TYPE_CHECKING:
    from mpy_cross.emulator.firmware.image import Image
    from mpy_cross.emulator.observe.coverage import Coverage
    from mpy_cross.emulator.observe.profile import Profile


class RemoteProgramError(AssertionError):
    """The program ended by an exception; the text is what the firmware printed.

    output: what it had printed before.
    """

    def __init__(self, error: RemoteError) -> None:
        super().__init__(str(error))
        self.output = error.output


@final
class Prompt:
    """`board.repl`: the firmware's prompt, in raw mode."""

    def __init__(self, session: StockSession) -> None:
        self._session = session

    def exec(self, source: str, timeout: float = 60) -> str:
        """Run statements; what they print.  Raises RemoteProgramError.

        timeout: in virtual seconds; StockError when it is over.
        """
        __tracebackhide__ = True
        try:
            return self._session.repl.exec(source, timeout)
        except RemoteError as error:
            failure = RemoteProgramError(error)
        raise failure

    def eval(self, expression: str, timeout: float = 60) -> Any:
        """The value of an expression, if its repr is a literal; else that repr.

        Raises RemoteProgramError.
        """
        __tracebackhide__ = True
        try:
            return self._session.repl.eval(expression, timeout)
        except RemoteError as error:
            failure = RemoteProgramError(error)
        raise failure

    def type(self, text: str | bytes) -> None:
        """Press keys: text for the friendly prompt, control characters too."""
        self._session.stock.type(text.encode() if isinstance(text, str) else text)


@final
class FirmwareUnderTest(HardwareUnderTest):
    """The fixture `board` of a test whose marker names a firmware image: it is at its prompt.

    session: what it is made of; folder: where relative paths begin, that of the test; image: the
    file with the firmware.
    """

    def __init__(self, session: StockSession, folder: Path, image: Path | None = None) -> None:
        super().__init__(session.machine)
        self.session = session
        self.folder = folder
        self.image = image
        self.repl = Prompt(session)
        self._sender = Sender()

    @property
    def printed(self) -> str:
        return self.session.console

    def pass_time(self, ns: int) -> None:
        self.session.advance(ns)

    def exec(self, source: str, timeout: float = 60) -> str:
        """The same as `repl.exec`."""
        __tracebackhide__ = True
        return self.repl.exec(source, timeout)

    def eval(self, expression: str, timeout: float = 60) -> Any:
        """The same as `repl.eval`."""
        __tracebackhide__ = True
        return self.repl.eval(expression, timeout)

    def run(self, program: str | Path, timeout: float = 60) -> str:
        """Run a .py file, or a source text of several lines; what it prints.

        Raises RemoteProgramError, FileNotFoundError.
        """
        __tracebackhide__ = True
        if isinstance(program, str) and ("\n" in program or not program.strip()):
            return self.repl.exec(program, timeout)
        source = (self.folder / program).read_text("utf-8")
        self._sender.file = Path(program).as_posix()
        try:
            return self.repl.exec(source, timeout)
        finally:
            self._sender.file = None

    @property
    def disk(self) -> UsbFiles:
        """The board's USB disk: `files`, `read`, `write`, `get` and `put` of whole folders.

        Raises DiskError if the firmware offers none.
        """
        return UsbFiles(self.session)

    def coverage(self, *, frozen: bool = False) -> Coverage:
        """Counts the lines that are run in a `with` block, see `Coverage`.

        frozen: those of modules in the firmware, too.  The image has to be the firmware's .elf
        file, else ObserveError.
        """
        from mpy_cross.emulator.observe.coverage import Coverage

        return Coverage(self.session.stock, self._symbols(), self._sender, frozen=frozen)

    def profile(self, *, by_line: bool = False, frozen: bool = False) -> Profile:
        """Measures functions, and lines with `by_line`, in a `with` block, see `Profile`.

        ObserveError as `coverage`.
        """
        from mpy_cross.emulator.observe.profile import Profile

        return Profile(self.session.stock, self._symbols(), self._sender,
                       by_line=by_line, frozen=frozen)

    def _symbols(self) -> Image:
        from mpy_cross.emulator.firmware.files import load

        if self.image is None:
            raise ObserveError("the file of the firmware's image is not known here")
        return load(self.image)

    def reset(self) -> None:
        """Press the reset button, and wait for the prompt.  Files stay, names do not."""
        self.machine.reset("pin")
        self.session.boot()


    def power_on(self) -> None:
        """Switch the power off and on again, and wait for the prompt.  Only the flash stays."""
        self.machine.reset("power")
        self.session.boot()


_booted: Final[dict[tuple[str, Path, int, str], StockSession]] = {}


def booted(board: str, image: Path, console: str = "auto") -> StockSession:
    """A board at its prompt, as after its first start.

    It is booted once in a process and then put back to that state, so it belongs to one test at a
    time.  Raises ImageError, UnknownBoardError and StockError.
    """
    key = board, image.resolve(), image.stat().st_mtime_ns, console
    session = _booted.get(key)
    if session is None:
        from mpy_cross.emulator.firmware.files import load

        session = StockSession(board, load(image).segments, console=console, record=True)
        session.boot()
        session.keep()
        _booted[key] = session
    else:
        session.again()
    return session


__all__ = [
    "FirmwareUnderTest", "ObserveError", "Prompt", "RemoteProgramError", "StockError", "booted",
]
