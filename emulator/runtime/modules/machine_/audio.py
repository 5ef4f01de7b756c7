"""Classes that exist but have no model yet: their constructors say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from mpy_cross.emulator.runtime.modules.machine_.hardware import Hardware
from mpy_cross.emulator.runtime.types import HostObject


def not_modelled(hw: Hardware, what: str) -> NotImplementedError:
    """The error for something that the emulated chip has only in name; it shows in the trace."""
    hw.machine.context.unmodelled(what, "use")
    return NotImplementedError(f"{what} is not modelled on the emulated board")


class Unmodelled(HostObject):
    """Base of these classes."""

    _hw: ClassVar[Hardware]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise not_modelled(self._hw, type(self).__name__)


def unmodelled(names: str) -> Callable[[type[Unmodelled]], type[Unmodelled]]:
    """Gives a class its documented methods, which nothing can call without an object."""

    def decorate(cls: type[Unmodelled]) -> type[Unmodelled]:
        for name in names.split():
            setattr(cls, name, Unmodelled.__init__)
        return cls

    return decorate


@unmodelled("init deinit readinto write irq shift")
class I2S(Unmodelled):
    """`machine.I2S`."""

    RX, TX = 0, 1
    MONO, STEREO = 0, 1


class SDCard(Unmodelled):
    """`machine.SDCard` of the ESP32."""
