"""Tuples of the run-time whose items have names, such as `os.uname()`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.types import HostObject


@final
class AttributeTuple(tuple[Any, ...], HostObject):
    """A tuple with `names` for its items."""

    type_name = "attrtuple"
    __names: tuple[str, ...]

    def __new__(cls, names: Sequence[str], values: Sequence[Any]) -> AttributeTuple:
        made: AttributeTuple = tuple.__new__(cls, values)
        object.__setattr__(made, "_AttributeTuple__names", tuple(names))
        for name, value in zip(names, values, strict=True):
            object.__setattr__(made, name, value)
        return made

    def __init__(self, names: Sequence[str], values: Sequence[Any]) -> None:
        """`__new__` has done it all."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError

    def _show(self, printer: Printer) -> str:
        show = printer.representation
        pairs = zip(self.__names, self, strict=True)
        return f"({', '.join([f'{name}={show(value)}' for name, value in pairs])})"
