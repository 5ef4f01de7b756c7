"""The text of translated functions: what the host executes for the program."""

from __future__ import annotations

from collections.abc import Iterator

from mpy_cross.emulator.runtime.function_text import text_of
from mpy_cross.emulator.runtime.program import Code, Proto
from mpy_cross.loader.ops import Emit, Verb


def python_text(code: Code) -> str:
    """All functions of a file, outer ones first; machine code is named only."""
    return "\n".join(_texts(code.root, "<module>", 0, named_locals=False))


def _texts(proto: Proto, title: str, n_closed: int, named_locals: bool) -> Iterator[str]:
    if proto.function.emit != Emit.BYTECODE:
        yield f"# {title}: machine code\n"
        return
    translation, constants = proto.translation(n_closed, named_locals)
    yield f"# {title}\n{translation.text}"
    for number, value in enumerate(constants):
        yield f"# k\u00b7[{number}] = {value!r}\n"
    cells = {
        a: b & 0xFFFF for verb, a, b in proto.function.ops if verb == Verb.MAKE_CLOSURE
    }
    for number, child in enumerate(proto.children):
        name = child.function.name
        shown = text_of(proto.code.names[name]) if name >= 0 else f"function {number}"
        closed = cells.get(number, 0)
        inner = f"{title}.{shown}" if title != "<module>" else shown
        yield from _texts(child, inner, closed, child.uses_names(closed))
