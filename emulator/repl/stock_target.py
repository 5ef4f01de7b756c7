"""A board with stock firmware, as a server of consoles sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.repl.target import Condition
from mpy_cross.emulator.stock_session import StockSession

SLICE: Final = 2_000_000
"""ns of virtual time between two looks at the host's clock."""
PATIENCE: Final = 0.02
"""Seconds of the host's time after which it is somebody else's turn."""
QUIET: Final = 20_000_000
"""ns of virtual time after the last byte, in which the board still runs as fast as it can."""
LOOK: Final = 5_000_000
"""ns of the host's time between two looks at a board that is quiet."""


@final
class StockTarget:
    """A board at its prompt.

    Virtual time follows the host's, since firmware that sleeps and firmware that waits for input
    look the same; while bytes are on their way it runs as fast as it can.
    """

    def __init__(self, session: StockSession) -> None:
        self.session = session
        self.patience: Callable[[], object] | None = None
        self._taken = len(session.stock.output)
        self._heard = session.now
        self._reset = False
        session.machine.reset_watchers.append(self._was_reset)

    def _was_reset(self, cause: str) -> None:
        self._reset = self.session.by_usb

    def feed(self, data: bytes) -> None:
        self.session.stock.type(data)
        self._heard = self.session.now

    def take(self) -> bytes:
        sent = self.session.stock.console.sent
        data = bytes(sent[self._taken :])
        self._taken = len(sent)
        return data

    def advance(self, idle: int) -> Condition:
        session, stock = self.session, self.session.stock
        end = time.perf_counter() + PATIENCE
        until = session.now + idle
        while True:
            before = len(stock.console.sent)
            stock.run_until(session.now + SLICE)
            now = session.now
            if len(stock.console.sent) > before or session.pending:
                self._heard = now
            if self._reset:
                self._reset = False
                return Condition.RESET
            quiet = now - self._heard > QUIET
            if (quiet and now >= until) or time.perf_counter() > end:
                return Condition.WAITING if quiet else Condition.RUNNING

    @property
    def delay(self) -> int | None:
        return LOOK if self.session.now - self._heard > QUIET else 0

    def close(self) -> None:
        """Nothing of the host's is held."""
