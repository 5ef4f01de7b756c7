"""The friendly REPL, the raw REPL and raw-paste mode of a board.

The bytes are those of MicroPython (shared/runtime/pyexec.c, manual 2.2).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, Protocol, final

from mpy_cross.emulator.repl.continuation import wants_more
from mpy_cross.emulator.repl.lines import (
    CTRL_A,
    CTRL_B,
    CTRL_C,
    CTRL_D,
    CTRL_E,
    ENTER,
    Completion,
    History,
    LineEditor,
)
from mpy_cross.loader.prompt import PromptFacts

HISTORY: Final = 8
"""Lines that boards remember."""
WINDOW: Final = 128
"""Bytes of a window of raw-paste mode: half of the buffer for input."""
PROMPT, MORE, PASTE = b">>> ", b"... ", b"=== "
NEWLINE: Final = b"\r\n"
END: Final = b"\x04"
RAW_BANNER: Final = b"raw REPL; CTRL-B to exit\r\n"
PASTE_BANNER: Final = b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== "
HELP_HINT: Final = b'Type "help()" for more information.\r\n'


class End(Enum):
    """How a program ended."""

    DONE = auto()
    FAILED = auto()
    """With an exception."""
    EXIT = auto()
    """With a wish for a soft reset."""


class Interpreter(Protocol):
    """What the prompt needs of a board."""

    def read(self) -> int:
        """The next byte of input; waits for it."""

    def write(self, data: bytes) -> None:
        """Bytes to the terminal, as they are."""

    def run(self, source: bytes, form: str, marks: bool) -> End:
        """Compile and run a source text in `__main__`; what it raises is reported.

        form: as of the compiler.  marks: END after the output, and END after the report.
        """

    def interrupted(self) -> None:
        """Report a KeyboardInterrupt that came before the program began, with END around it."""

    def broken(self, source: bytes) -> bool:
        """Is this beginning of a source text wrong, whatever follows?"""

    def complete(self, before: bytes) -> Completion:
        """What TAB finds."""

    def ready(self) -> None:
        """Called before each prompt for a statement."""

    def text(self, name: str, usual: bytes) -> bytes:
        """The text of a prompt, which the program may have set: `sys.ps1`, `sys.ps2`."""


@final
class Prompt:
    """One board's prompt, from one soft reset to the next.

    raw: which of the two REPLs is on; a soft reset does not change that.
    """

    def __init__(
        self, board: Interpreter, facts: PromptFacts, banner: bytes, *, emacs: bool = True
    ) -> None:
        self.board = board
        self.facts = facts
        self.banner = banner
        self.raw = False
        self._emacs = emacs
        self._history = History(HISTORY)
        self._editor = self._made()

    def _made(self) -> LineEditor:
        board = self.board
        return LineEditor(
            self.facts, board.write, board.complete, self._history, emacs=self._emacs
        )

    def input(self) -> tuple[int, bytes]:
        """A line for a program, and the key that ended it; with the history of the prompt."""
        editor = self._made()
        editor.begin(b"")
        while True:
            found = editor.key(self.board.read())
            if found is not None:
                return found, bytes(editor.line)

    def serve(self) -> None:
        """Until somebody wants a soft reset."""
        while not (self._raw() if self.raw else self._friendly()):
            pass

    # --------------------------------------------------------------------------------- friendly

    def _line(self, prompt: bytes, before: list[bytes]) -> int:
        self._editor.begin(prompt, before)
        while True:
            found = self._editor.key(self.board.read())
            if found is not None:
                return found

    def _friendly(self) -> bool:
        """Until the mode changes (False) or a soft reset is wanted (True)."""
        board, editor = self.board, self._editor
        board.write(self.banner + HELP_HINT)
        while True:
            board.ready()
            found = self._line(board.text("ps1", PROMPT), [])
            form, source = "single", bytes(editor.line)
            if found == CTRL_E:
                pasted = self._paste()
                if pasted is None:
                    continue
                form, source = "paste", pasted
            elif found != ENTER:
                board.write(NEWLINE)
                if found == CTRL_A:
                    self.raw = True
                    return False
                if found == CTRL_B:
                    board.write(self.banner + HELP_HINT)
                if found == CTRL_D:
                    return True
                continue
            elif not source:
                continue
            else:
                statement = self._statement(source)
                if statement is None:
                    continue
                source = statement
            if board.run(source, form, False) is End.EXIT:
                return True

    def _statement(self, source: bytes) -> bytes | None:
        """The rest of a statement that began with this line; None if Ctrl-C cancels it."""
        lines = [source]
        while wants_more(b"\n".join(lines)):
            found = self._line(self.board.text("ps2", MORE), lines)
            if found == CTRL_C:
                self.board.write(NEWLINE)
                return None
            if found == CTRL_D:  # ends the statement as it is
                return b"\n".join(lines) + b"\n"
            lines.append(bytes(self._editor.line))
        return b"\n".join(lines)

    def _paste(self) -> bytes | None:
        """The text of paste mode; None if Ctrl-C cancels it."""
        board = self.board
        board.write(PASTE_BANNER)
        text = bytearray()
        while True:
            byte = board.read()
            if byte in (CTRL_C, CTRL_D):
                board.write(NEWLINE)
                return None if byte == CTRL_C else bytes(text)
            text.append(byte)
            board.write(NEWLINE + PASTE if byte == 13 else bytes((byte,)))

    # -------------------------------------------------------------------------------------- raw

    def _raw(self) -> bool:
        """Until Ctrl-B (False) or a soft reset (True)."""
        board = self.board
        board.write(RAW_BANNER)
        while True:
            board.write(b">")
            text = bytearray()
            while (byte := board.read()) != CTRL_D:
                if byte == CTRL_A:
                    break
                if byte == CTRL_B:
                    board.write(NEWLINE)
                    self.raw = False
                    return False
                if byte == CTRL_C:
                    text.clear()
                else:
                    text.append(byte)
            if byte == CTRL_A:
                if self.facts.raw_paste and len(text) == 2 and text[0] == CTRL_E:
                    if self._raw_paste(text[1]) is End.EXIT:
                        return True
                else:
                    board.write(RAW_BANNER)
                continue
            board.write(b"OK")
            if not text:
                board.write(NEWLINE)
                return True
            if board.run(bytes(text), "exec", True) is End.EXIT:
                return True

    def _raw_paste(self, command: int) -> End:
        board = self.board
        if command != ord("A"):
            board.write(b"R\x00")
            return End.DONE
        # The size of a window stands for one that is free, and the 1 for another.
        board.write(b"R\x01" + WINDOW.to_bytes(2, "little") + b"\x01")
        text = bytearray()
        room, checked = WINDOW, WINDOW
        while (byte := board.read()) not in (CTRL_C, CTRL_D):
            text.append(byte)
            room -= 1
            if room:
                continue
            room = WINDOW
            if len(text) >= checked:
                # Firmware compiles while it reads, and stops at the first error.  How early
                # differs: here it is looked for whenever the text has doubled.
                checked = 2 * len(text)
                if board.broken(bytes(text)):
                    board.write(END)
                    while board.read() not in (CTRL_C, CTRL_D):
                        pass
                    return board.run(bytes(text), "exec", True)
            board.write(b"\x01")
        board.write(END)
        if byte == CTRL_C:
            board.interrupted()
            return End.FAILED
        return board.run(bytes(text), "exec", True)
