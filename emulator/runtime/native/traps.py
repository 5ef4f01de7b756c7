"""What is common to all traps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.bridge import Bridge

Trap = Callable[[int, int, int, int], "int | None"]


def guarded(bridge: Bridge, function: Trap) -> Trap:
    """A trap whose exceptions go to handlers of machine code."""
    landing = bridge.landing

    def trap(a: int, b: int, c: int, d: int) -> int | None:
        try:
            return function(a, b, c, d)
        except PROGRAM_ERRORS as error:
            raise landing(error) from None

    return trap
