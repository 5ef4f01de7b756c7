"""The memory that translated code is written to."""

from __future__ import annotations

from array import array
from typing import Final, final

from mpy_cross.emulator.cores.xtensa import a64
from mpy_cross.emulator.cores.xtensa.layout import CODE_AT, CODE_SIZE

ROOM: Final = 1 << 20  # bytes that are kept for one block, and for what is put in place of old ones


@final
class CodeBuffer:
    """Host code, from `CODE_AT` on.

    words: its memory; at: host address where the next block goes.
    """

    __slots__ = ("at", "words")

    def __init__(self, memory: memoryview) -> None:
        self.words = memory.cast("I")
        self.at = CODE_AT

    @property
    def full(self) -> bool:
        return self.at + ROOM > CODE_AT + CODE_SIZE

    def append(self, code: list[int]) -> int:
        """Adds code; its host address."""
        start = self.at
        first = start - CODE_AT >> 2
        self.words[first : first + len(code)] = memoryview(array("I", code))
        self.at = start + 4 * len(code)
        return start

    def read(self, address: int) -> int:
        return self.words[address - CODE_AT >> 2]

    def write(self, address: int, word: int) -> None:
        self.words[address - CODE_AT >> 2] = word


@final
class Piece:
    """Code that is being made, with labels.

    at: its host address; code: the words so far.
    """

    __slots__ = ("at", "code", "fixes", "labels")

    def __init__(self, at: int) -> None:
        self.at = at
        self.code: list[int] = []
        self.labels: dict[str, int] = {}
        self.fixes: list[tuple[int, str]] = []

    @property
    def here(self) -> int:
        return self.at + 4 * len(self.code)

    def emit(self, *parts: int | list[int]) -> None:
        for part in parts:
            if isinstance(part, int):
                self.code.append(part)
            else:
                self.code += part

    def label(self, name: str) -> None:
        self.labels[name] = self.here

    def to(self, word: int, name: str) -> None:
        """A branch (with any offset) to a label, which may come later."""
        self.fixes.append((len(self.code), name))
        self.code.append(word)

    def finish(self) -> list[int]:
        for place, name in self.fixes:
            offset = self.labels[name] - self.at - 4 * place
            if not a64.reaches(self.code[place], offset):
                raise ValueError(f"a branch to {name} does not reach it")
            self.code[place] = a64.redirect(self.code[place], offset)
        return self.code
