"""The built-in names (manual 1.1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from mpy_cross.emulator.runtime import support
from mpy_cross.emulator.runtime.errors import GeneratorClosed
from mpy_cross.emulator.runtime.types import builtin_type

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.runtime import Runtime


@final
class Super:
    """`super(cls, obj)` that is kept in a variable; calls through `super()` do not make one."""

    __slots__ = ("cls", "obj")

    def __init__(self, cls: Any, obj: Any) -> None:
        self.cls = cls
        self.obj = obj


EXCEPTIONS: tuple[type[BaseException], ...] = (
    BaseException,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    Exception,
    ImportError,
    IndentationError,
    IndexError,
    KeyError,
    KeyboardInterrupt,
    LookupError,
    MemoryError,
    NameError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    StopAsyncIteration,
    StopIteration,
    SyntaxError,
    SystemExit,
    TypeError,
    UnicodeError,
    ValueError,
    ZeroDivisionError,
)


def install(runtime: Runtime) -> None:
    """Give the run-time its built-in names."""
    names = runtime.builtins
    for error in EXCEPTIONS:
        names[error.__name__] = error
    names["GeneratorExit"] = GeneratorClosed
    printer = runtime.printer

    def print_(*args: Any, sep: str = " ", end: str = "\n", file: Any = None) -> None:
        runtime.write(sep.join([printer.text(arg) for arg in args]) + end)

    names["print"] = print_
    names["range"] = builtin_type("range", range, range)
    names["list"] = builtin_type(
        "list", list, list, {"append": list.append, "pop": list.pop, "sort": list.sort}
    )
    names["len"] = len
    names["object"] = builtin_type("object", object, object)
    builtin_type("type", type, type)
    names["int"] = builtin_type("int", int, int)
    names["str"] = builtin_type("str", str, printer.text)
    names["sum"] = sum
    names["super"] = builtin_type("super", Super, Super)
    support.BUILTINS = names
