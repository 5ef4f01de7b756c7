"""The object that `irq()` methods return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from mpy_cross.emulator.runtime.arguments import as_int
from mpy_cross.emulator.runtime.types import HostObject


@final
class Irq(HostObject):
    """An interrupt source with a handler of the program.

    parent: what the handler gets; enable: called with the trigger when that changes.
    """

    type_name = "irq"

    def __init__(self, parent: Any, enable: Callable[[int], None]) -> None:
        self._parent = parent
        self._enable = enable
        self._handler: Any = None
        self._hard = False
        self._trigger = 0
        self._flags = 0

    def __call__(self) -> None:
        """Call the handler, as the interrupt does."""
        if self._handler is not None:
            self._handler(self._parent)

    def flags(self) -> int:
        """The triggers of the interrupt that is being handled."""
        return self._flags

    def trigger(self, *value: Any) -> int:
        """The triggers; with an argument, sets them."""
        before = self._trigger
        if value:
            self._set(self._handler, as_int(value[0]), self._hard)
        return before

    def init(self, handler: Any = None, trigger: Any = None, hard: Any = False) -> None:
        """Set handler and trigger anew."""
        self._set(handler, self._trigger if trigger is None else as_int(trigger), bool(hard))

    def enable(self) -> None:
        """Let the interrupt come."""
        self._enable(self._trigger)

    def disable(self) -> None:
        """Keep the interrupt from coming."""
        self._enable(0)

    def _set(self, handler: Any, trigger: int, hard: bool) -> None:
        self._handler, self._trigger, self._hard = handler, trigger, hard
        self._enable(trigger if handler is not None else 0)
