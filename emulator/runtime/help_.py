"""`help()` (manual 1): about an object, or the modules that can be imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from mpy_cross.emulator.runtime.attributes import is_host_name
from mpy_cross.emulator.runtime.help_texts import help_text
from mpy_cross.emulator.runtime.imports import SOURCES, is_weak
from mpy_cross.emulator.runtime.modules import PLATFORMS, TABLE
from mpy_cross.emulator.runtime.types import (
    BY_HOST,
    BuiltinType,
    ClassMethod,
    HostObject,
    Instance,
    Module,
    MpClass,
    type_name,
)

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.runtime import Runtime

COLUMNS: Final = 4
WIDTH: Final = 18
GENERAL: Final = """Welcome to MicroPython!

For online docs please visit http://docs.micropython.org/

For further help on a specific object, type help(obj)
For a list of available modules, type help('modules')
"""


def module_names(platform: str, vfs: bool = False) -> list[str]:
    """Built-in and frozen modules, sorted; modules with two names by the one with "u".

    vfs: the release has a module of that name.
    """
    names = ["__main__", "builtins"]
    for name in TABLE:
        if name == "vfs" and not vfs:
            continue
        if not is_weak(name) and platform in PLATFORMS.get(name, (platform,)):
            names.append(name)
    for path in SOURCES.rglob("*.py"):
        names.append(path.relative_to(SOURCES).with_suffix("").as_posix())
    return sorted(names)


def columns(names: list[str]) -> str:
    """Names in columns, down and then across."""
    rows = (len(names) + COLUMNS - 1) // COLUMNS
    lines = []
    for row in range(rows):
        inner = names[row::rows]
        # A name that is too long takes the places of two.
        padded = [name + " " * (-(len(name) + 1) % WIDTH + 1) for name in inner[:-1]]
        lines.append("".join([*padded, inner[-1]]) + "\n")
    return "".join(lines)


def members(obj: Any) -> Iterator[tuple[str, Any]]:
    """The names of a module, of a type, or of the type of an object."""
    if isinstance(obj, Module):
        names = dict(obj.__dict__)
        yield "__name__", names.pop("__name__", "")
        yield from names.items()
        return
    cls = obj if isinstance(obj, (type, BuiltinType)) else BY_HOST.get(type(obj), type(obj))
    if isinstance(cls, BuiltinType):
        yield from cls.attributes.items()
    elif isinstance(cls, MpClass) and cls not in (Instance, HostObject):
        own = issubclass(cls, Instance)  # a class of the program
        for name, value in cls.__dict__.items():
            if not is_host_name(name) and (own or not name.startswith("_")):
                yield name, value


def make_help(runtime: Runtime) -> Callable[..., None]:
    """The built-in function."""
    text = runtime.printer.text

    def help_(*args: Any) -> None:
        if not args:
            runtime.write(help_text(runtime.release, runtime.platform, GENERAL))
            return
        obj = args[0]
        if obj == "modules" and isinstance(obj, str):
            names = module_names(runtime.platform, runtime.release.filesystems.vfs_module)
            runtime.write(columns(names) + "Plus any modules on the filesystem\n")
            return
        runtime.write(f"object {text(obj)} is of type {type_name(obj)}\n")
        for name, value in members(obj):
            shown = "<classmethod>" if isinstance(value, ClassMethod) else text(value)
            runtime.write(f"  {name} -- {shown}\n")

    return help_
