"""The built-in function `help` (py/builtinhelp.c)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from mpy_cross.emulator.runtime.attributes import visible_type
from mpy_cross.emulator.runtime.printing import Printer
from mpy_cross.emulator.runtime.types import (
    BuiltinType,
    ClassMethod,
    Getter,
    HostObject,
    Instance,
    Module,
    MpClass,
    Static,
    class_name,
)

COLUMNS: Final = 4
WIDTH: Final = 18
TEXT: Final = """Welcome to MicroPython on an emulated board!

For a list of the modules, type help('modules'); for help on an object, help(obj).
What a board has is in the quick references: https://docs.micropython.org/
"""


def help_function(
    write: Callable[[str], object], printer: Printer, modules: Callable[[], Iterable[str]]
) -> Callable[..., None]:
    """`help()`; `modules` gives the names of the built-in modules."""

    def help_(*args: Any) -> None:
        if not args:
            write(TEXT)
        elif args[0] == "modules":
            write(columns(sorted(modules())))
            write("Plus any modules on the filesystem\n")
        else:
            obj = args[0]
            kind = class_name(visible_type(obj))
            lines = [f"object {printer.text(obj)} is of type {kind}\n"]
            for name, value in contents(obj).items():
                lines.append(f"  {name} -- {_shown(value, printer)}\n")
            write("".join(lines))

    return help_


def columns(names: list[str]) -> str:
    """Names in four columns, sorted downwards."""
    rows = -(-len(names) // COLUMNS)
    out: list[str] = []
    for row in range(rows):
        line = ""
        for name in names[row::rows]:
            gap = -len(line) % WIDTH
            line += " " * (gap or (WIDTH if line else 0)) + name
        out.append(line + "\n")
    return "".join(out)


def contents(obj: Any) -> dict[str, Any]:
    """The attributes that `help(obj)` shows: those of a module, of a type, or of an object's type."""
    if isinstance(obj, Module):
        return dict(obj.__dict__)
    kind = obj if isinstance(obj, (BuiltinType, MpClass)) else visible_type(obj)
    if isinstance(kind, BuiltinType):
        return dict(kind.attributes)
    if isinstance(kind, MpClass) and kind not in (Instance, HostObject):
        own = kind.__dict__.items()
        return {name: value for name, value in own if not name.startswith("_")}
    return {}


def _shown(value: Any, printer: Printer) -> str:
    if isinstance(value, ClassMethod):
        return "<classmethod>"
    if isinstance(value, Static):
        return printer.text(value.value)
    if isinstance(value, (Getter, property)):
        return "<property>"
    return printer.text(value)
