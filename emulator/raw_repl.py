"""The host's side of MicroPython's raw REPL: programs sent to a board through its console.

Source: manual 2.2.7.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, final

from mpy_cross.emulator.stock import StockError

SECOND: Final = 1_000_000_000  # ns
ENTER, LEAVE, INTERRUPT, RUN = b"\x01", b"\x02", b"\x03", b"\x04"
BANNER: Final = b"raw REPL; CTRL-B to exit\r\n>"
PROMPT: Final = b">>> "
START: Final = 60 * SECOND
"""Time in which a board reaches its prompt; a flash that is formatted first takes a while."""


class Line(Protocol):
    """A console; `Stock` is one."""

    def type(self, data: bytes) -> None:
        """Sends bytes to the board."""

    def wait(self, text: bytes, ns: int = ...) -> bytes:
        """Lets the board go on until `text` has come; all that came before it, and it."""

    def take(self) -> bytes:
        """What has come since then; the board does not go on."""


class RemoteError(Exception):
    """The program on the board ended by an exception; the text is the board's traceback."""

    def __init__(self, output: str, traceback: str) -> None:
        super().__init__(traceback.rstrip())
        self.output = output


@final
class Running:
    """A program that runs on a board, for who wants its output while it comes."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._rest = b""
        self.ended = False

    def take(self) -> bytes:
        """What it has printed since the last time; lets nothing go on."""
        if self.ended:
            return b""
        output, mark, self._rest = self._line.take().partition(RUN)
        self.ended = bool(mark)
        return output

    def finish(self) -> bytes:
        """After its end: back to the friendly prompt.  The traceback, b"" if there is none."""
        line, error = self._line, self._rest
        if RUN not in error:
            error += line.wait(RUN, 10 * SECOND)
        error, _, rest = error.partition(RUN)
        if not rest:
            line.wait(b">", SECOND)
        line.type(LEAVE)
        line.wait(PROMPT, 5 * SECOND)
        return error


@final
class RawRepl:
    """Programs on a board whose prompt is at `line`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def exec(self, source: str, timeout: float = 60) -> str:
        """Run statements; what they print.  Names stay, as at the prompt.

        timeout: in virtual seconds.  Raises RemoteError, and what the line raises when it is over.
        """
        running = self.start(source)
        try:
            output = self._line.wait(RUN, round(timeout * SECOND))[:-1]
        except StockError:
            self._line.type(INTERRUPT + INTERRUPT + LEAVE)  # it may not have ended
            raise
        error = running.finish()
        text = _text(output)
        if error:
            raise RemoteError(text, _text(error))
        return text

    def start(self, source: str) -> Running:
        """Begin to run statements.  Raises what the line raises if the board does not answer."""
        line = self._line
        line.type(b"\r" + INTERRUPT + ENTER)
        line.wait(BANNER, 5 * SECOND)
        line.type(source.encode() + RUN)
        line.wait(b"OK", 10 * SECOND)
        return Running(line)

    def eval(self, expression: str, timeout: float = 60) -> Any:
        """The value of an expression, if its repr is a literal; else that repr, as str."""
        text = self.exec(f"print(repr(({expression.strip()}\n)))", timeout).rstrip("\n")
        try:
            from ast import literal_eval

            return literal_eval(text)
        except (SyntaxError, ValueError):
            return text


def _text(data: bytes) -> str:
    """Console bytes as text with plain line ends."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
