"""Editing of one line at a prompt: keys come in, characters and cursor movements go out.

What a key does is MicroPython's, and so are the bytes that redraw the line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, final

from mpy_cross.loader.prompt import PromptFacts

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = range(1, 6)
ENTER: Final = 0
"""What `LineEditor.key` returns when the line is finished; else a control character, or None."""
TAB: Final = 9
ESCAPE: Final = 27
INDENT: Final = b"    "
ERASE: Final = b"\x1b[K"
_NEAR: Final = 4
"""Up to so many steps back are backspaces."""

KEYS: Final = {1: "home", 5: "end", 8: "backspace", 127: "backspace", 9: "tab"}
EMACS_KEYS: Final = {2: "left", 4: "delete", 6: "right", 11: "kill", 14: "down", 16: "up",
                     21: "kill_back"}
LETTERS: Final = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}
"""After ESC [; home and end also after ESC O."""
DIGITS: Final = {"1": "home", "7": "home", "4": "end", "8": "end", "3": "delete"}
"""After ESC [, before ~."""


class Completion(NamedTuple):
    """What TAB found: text to insert, or lines to show."""

    insert: bytes = b""
    listing: bytes = b""


class _Change(NamedTuple):
    """What a key does to the display: steps back, whether the rest is drawn, steps forward."""

    back: int = 0
    redraw: bool = False
    forward: int = 0


@final
class History:
    """Lines that were entered, the newest first."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.lines: list[bytes] = []

    def add(self, line: bytes) -> None:
        """Keep a line, unless it is empty or that of last time."""
        if line and self.lines[:1] != [line]:
            self.lines.insert(0, line)
            del self.lines[self.size :]


@final
class LineEditor:
    """The line that is being edited.

    write: gets what goes to the terminal.  complete: candidates for the text before the cursor.
    """

    def __init__(
        self,
        facts: PromptFacts,
        write: Callable[[bytes], object],
        complete: Callable[[bytes], Completion],
        history: History,
        *,
        emacs: bool = True,
    ) -> None:
        self.facts = facts
        self.write = write
        self.complete = complete
        self.history = history
        self.line = bytearray()
        self.cursor = 0
        self._prompt = b""
        self._first = True
        self._recalled = -1
        self._escape = ""
        self._indents = True
        """Are new lines of the statement indented?"""
        self._indented = False
        """Has this line just been?"""
        self._newline = 0
        """The byte that ended the last line, until another key comes."""
        self._keys = {**KEYS, **(EMACS_KEYS if emacs else {})}

    # ------------------------------------------------------------------------------- a new line

    def begin(self, prompt: bytes, before: Sequence[bytes] = ()) -> None:
        """Start a line; `before`: the lines of the statement so far."""
        self.line.clear()
        self.cursor = 0
        self._prompt = prompt
        self._first = not before
        self._recalled = -1
        self._escape = ""
        self.write(prompt)
        if not before:
            self._indents, self._indented = True, False
        elif self._indents or not self.facts.indents_after_space:
            self._indent(before)

    def _indent(self, before: Sequence[bytes]) -> None:
        """The automatic indent: that of the line before, and more after a colon."""
        if len(before) > 2 and not before[-1].strip(b" ") and not before[-2].strip(b" "):
            return
        last = before[-1]
        steps = (len(last) - len(last.lstrip(b" "))) // len(INDENT) + last.endswith(b":")
        if steps:
            self._indented = True
            self.line += INDENT * steps
            self.cursor = len(self.line)
            self.write(INDENT * steps)

    # ------------------------------------------------------------------------------------- keys

    def key(self, byte: int) -> int | None:
        """One byte from the terminal.  ENTER or a control character ends the line."""
        before = len(self.line)
        indented, self._indented = self._indented, False
        if self._escape:
            change = self._sequence(byte)
        elif (CTRL_A <= byte <= CTRL_E and not self.line) or byte == CTRL_C:
            self._indented = indented
            return byte
        elif self._enters(byte):
            self._indented = indented
            self.write(b"\r\n")
            self.history.add(bytes(self.line))
            return ENTER
        elif indented and byte in b"\t " and self.facts.indents_after_space:
            self._indents = False
            change = _Change()
            if byte != TAB:
                del self.line[-3:]
                change = _Change(back=min(before, 3))
        elif byte in self._keys:
            change = self._act(self._keys[byte])
        elif byte == ESCAPE:
            self._escape = "\x1b"
            change = _Change()
        elif 32 <= byte <= 126:
            self.line.insert(self.cursor, byte)
            change = _Change(0, True, 1)
        else:
            change = _Change()
        self._show(change, before)
        return None

    def _enters(self, byte: int) -> bool:
        if not self.facts.linefeed_enters:
            return byte == 13
        if byte in b"\r\n" and self._newline in (0, byte):
            self._newline = byte
            return True
        if byte not in self._keys or byte in (8, 9, 127):
            self._newline = 0
        return False

    def _sequence(self, byte: int) -> _Change:
        """A further byte of an escape sequence."""
        text = self._escape + chr(byte)
        self._escape = ""
        if text in ("\x1b[", "\x1bO") or (len(text) == 3 and text[1] == "[" and text[2].isdigit()):
            self._escape = text
            return _Change()
        if text.startswith("\x1b[") and len(text) == 3:
            return self._act(LETTERS.get(text[2], ""))
        if text.startswith("\x1b[") and text.endswith("~"):
            return self._act(DIGITS.get(text[2], ""))
        if text in ("\x1bOH", "\x1bOF"):
            return self._act(LETTERS[text[2]])
        return _Change()

    def _act(self, action: str) -> _Change:
        line, cursor = self.line, self.cursor
        if action == "home":
            return _Change(back=cursor)
        if action == "end":
            return _Change(forward=len(line) - cursor)
        if action == "left":
            return _Change(back=min(cursor, 1))
        if action == "right":
            return _Change(forward=min(len(line) - cursor, 1))
        if action in ("up", "down"):
            return self._recall(1 if action == "up" else -1)
        if action == "backspace" and cursor:
            blank = cursor >= len(INDENT) and not line[:cursor].strip(b" ")
            count = len(INDENT) if blank else 1
            del line[cursor - count : cursor]
            return _Change(count, True)
        if action == "delete" and cursor < len(line):
            del line[cursor]
            return _Change(0, True)
        if action == "kill":
            del line[cursor:]
            return _Change(0, True)
        if action == "kill_back":
            del line[:cursor]
            return _Change(cursor, True)
        if action == "tab":
            return self._tab()
        return _Change()

    def _recall(self, step: int) -> _Change:
        """The next older line of the history (1), or the next newer one (-1)."""
        wanted = self._recalled + step
        if wanted < -1 or wanted >= len(self.history.lines):
            return _Change()
        self._recalled = wanted
        self.line[:] = self.history.lines[wanted] if wanted >= 0 else b""
        return _Change(self.cursor, True, len(self.line))

    def _tab(self) -> _Change:
        before = bytes(self.line[: self.cursor])
        space = before[-1:].isspace() if before else not self._first
        if space and self.facts.indents_after_space:
            found = Completion(INDENT)
        else:
            found = self.complete(before)
        if found.listing:
            self.write(found.listing.replace(b"\n", b"\r\n") + self._prompt + before)
            return _Change(0, True)
        if found.insert:
            self.line[self.cursor : self.cursor] = found.insert
            return _Change(0, True, len(found.insert))
        return _Change()

    # ---------------------------------------------------------------------------------- display

    def _back(self, steps: int) -> None:
        if steps <= _NEAR:
            self.write(b"\b" * steps)
        else:
            self.write(b"\x1b[%dD" % steps)

    def _show(self, change: _Change, before: int) -> None:
        """Bring the display up to date; `before` is how long the line was."""
        if change.back:
            self._back(change.back)
            self.cursor -= change.back
        end = self.cursor + change.forward
        if change.redraw:
            if len(self.line) < before:
                self.write(ERASE)
            self.write(bytes(self.line[self.cursor :]))
            self._back(len(self.line) - end)
        elif change.forward:
            self.write(bytes(self.line[self.cursor : end]))
        self.cursor = end
