"""Accesses of a core to device registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from mpy_cross.emulator.bus import Bus, BusFault, Window
from mpy_cross.emulator.cores.polls import Polls
from mpy_cross.emulator.cores.unicorn_common import ReadCall, WriteCall


@final
class Devices:
    """Accesses of a core to device registers.

    before: called ahead of each, to bring the clock up to date; failed: given an exception that
    a device raised; polls: told of reads of steady registers, None for nobody.
    """

    __slots__ = ("before", "bus", "failed", "polls")

    def __init__(self, bus: Bus, failed: Callable[[BaseException], None]) -> None:
        self.bus, self.failed = bus, failed
        self.before: Callable[[], None] | None = None
        self.polls: Polls | None = None

    def callbacks(self, first: int, windows: list[Window]) -> tuple[Any, Any]:
        """The pair of callbacks for the pages from `first` on."""
        # By offset * 8 + size: the function of the window, the offset there; is it steady, does
        # it depend on the time.
        reads: dict[int, tuple[Callable[[int, int], int], int, bool, bool]] = {}
        writes: dict[int, tuple[Callable[[int, int, int], None], int, int]] = {}

        def find(offset: int, size: int, kind: str) -> Window:
            address = first + offset
            for window in windows:
                if window.base <= address and address + size <= window.base + window.size:
                    return window
            raise BusFault(address, size, kind)

        def read(handle: int, offset: int, size: int, user: int) -> int:
            try:
                known = reads.get(offset << 3 | size)
                if known is None:
                    window = find(offset, size, "read")
                    local = first + offset - window.base
                    known = reads[offset << 3 | size] = (
                        window.read, local, local & ~3 in window.steady, not window.timeless)
                read_it, at, steady, timed = known
                if timed and self.before is not None:
                    self.before()
                value = read_it(at, size)
                polls = self.polls
                if polls is not None:
                    if steady:
                        polls.read(first + offset, value)
                    else:
                        polls.broken = True
                return value
            except BaseException as error:  # must not go through the engine
                self.failed(error)
                return 0

        def write(handle: int, offset: int, size: int, value: int, user: int) -> None:
            try:
                before, polls = self.before, self.polls
                if before is not None:
                    before()
                if polls is not None:
                    polls.broken = True
                known = writes.get(offset << 3 | size)
                if known is None:
                    window = find(offset, size, "write")
                    known = writes[offset << 3 | size] = (
                        window.write, first + offset - window.base, (1 << size * 8) - 1)
                known[0](known[1], size, value & known[2])
            except BaseException as error:  # must not go through the engine
                self.failed(error)

        return ReadCall(read), WriteCall(write)
