"""Somebody at the prompt of a hosted board: types, and sees what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mpy_cross.emulator.boards import board as find_board
from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.repl.hosted import HostedBoard
from mpy_cross.emulator.repl.target import Condition
from mpy_cross.emulator.session import Session
from mpy_cross.loader.release import get

RESET: Final = b"<reset>"
"""In what is seen, where the board was reset."""
MS: Final = 1_000_000


class Console:
    """A board that was switched on; `start` is what was seen until the first wait for input."""

    def __init__(
        self,
        board: str = "pico",
        release: str = "1.17",
        files: Mapping[str, str] | None = None,
        *,
        slices: int = 2000,
    ) -> None:
        chosen = get(release)
        self.session = Session(board, chosen, compiler_for(chosen, find_board(board).arch))
        for path, text in (files or {}).items():
            self.session.volume.add(tuple(path.split("/")), text.encode())
        self.board = HostedBoard(self.session)
        self.start = self.type(b"", slices)

    def type(self, keys: bytes | str, slices: int = 2000) -> bytes:
        """Type something; what is seen until the board waits again, or after so many slices."""
        self.board.feed(keys.encode() if isinstance(keys, str) else keys)
        return self.settle(slices)

    def settle(self, slices: int = 2000) -> bytes:
        seen = b""
        for _ in range(slices):
            condition = self.board.advance(0)
            seen += self.board.take()
            if condition is Condition.RESET:
                seen += RESET
            elif condition is Condition.WAITING and self.board.delay != 0:
                break
        return seen

    def pass_time(self, ms: int) -> bytes:
        """Let virtual time pass while the board waits for input; what is seen."""
        seen = b""
        for _ in range(ms):
            self.board.advance(MS)
            seen += self.board.take()
        return seen

    def run(self, source: str) -> bytes:
        """Run a program in the raw REPL, which has to be on; what it printed, END, its error."""
        seen = self.type(source.encode() + b"\x04")
        assert seen.startswith(b"OK")
        assert seen.endswith(b"\x04>")
        return seen[2:-2]
