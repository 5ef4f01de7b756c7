"""`machine.Signal`: a pin whose active level may be low."""

from __future__ import annotations

from typing import Any, ClassVar

from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.modules.machine_.pin import PinBase
from mpy_cross.emulator.runtime.types import HostObject


class Signal(HostObject):
    """`Signal(pin, invert=False)` or `Signal(arguments of Pin, invert=False)`."""

    _hw: ClassVar[Hardware]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        invert = bool(kwargs.pop("invert", False))
        if args and not isinstance(args[0], PinBase) and not isinstance(args[0], (int, str)):
            # An object of the program with a method `value` serves as well.
            self._pin = args[0]
            if len(args) > 1:
                invert = bool(args[1])
        elif args and isinstance(args[0], PinBase) and len(args) <= 2 and not kwargs:
            self._pin = args[0]
            if len(args) > 1:
                invert = bool(args[1])
        else:
            self._pin = self._hw.types["Pin"](*args, **kwargs)
        self._invert = invert

    def value(self, *asserted: Any) -> Any:
        """Get or set whether the signal is active."""
        method = attribute(self._pin, "value")
        if not asserted:
            return int(bool(method()) != self._invert)
        method(int(bool(asserted[0]) != self._invert))
        return None

    def __call__(self, *asserted: Any) -> Any:
        """The same as `value`."""
        return self.value(*asserted)

    def on(self) -> None:
        """Make it active."""
        self.value(1)

    def off(self) -> None:
        """Make it inactive."""
        self.value(0)
