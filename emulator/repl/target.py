"""What a server of consoles needs of a board: bytes in, bytes out, and time."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol


class Condition(Enum):
    """What a board does after it was let run."""

    RUNNING = auto()
    """It has more to do: let it run again, after `delay`."""
    WAITING = auto()
    """It waits for input; without any it goes on after `delay`."""
    RESET = auto()
    """It was reset: whoever is connected is cut off.  It starts again when it is let run."""


class Target(Protocol):
    """A board with a console, hosted or with firmware.  All calls come from one thread.

    patience: set by the server; to be called now and then while `advance` takes long.
    """

    patience: Callable[[], object] | None

    def feed(self, data: bytes) -> None:
        """Bytes that somebody types; Ctrl-C interrupts as on the board."""

    def take(self) -> bytes:
        """What the board has sent since the last time."""

    def advance(self, idle: int) -> Condition:
        """Let the board run for some milliseconds of the host's time, or until it waits.

        idle: nanoseconds by which virtual time may move while the board waits for input.
        """

    @property
    def delay(self) -> int | None:
        """Nanoseconds until `advance` has something to do, input aside; None for never."""

    def close(self) -> None:
        """Switch off."""
