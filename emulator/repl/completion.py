"""TAB at a prompt: the names that the text before the cursor may become.

Candidates come in the order in which MicroPython keeps names: those that every build has by
number, special methods, the build's others sorted, then the program's as it brought them up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from mpy_cross.emulator.repl.lines import INDENT, Completion
from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.builtins import directory
from mpy_cross.emulator.runtime.errors import PROGRAM_ERRORS
from mpy_cross.emulator.runtime.help_ import module_names
from mpy_cross.emulator.runtime.modules import PLATFORMS, TABLE
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module
from mpy_cross.loader.static_qstrs import STATIC_QSTRS

SLOT: Final = 16
"""Characters of a column."""
WIDTH: Final = 4 * SLOT
IMPORT: Final = "import "
_DOTTED: Final = re.compile(r"[A-Za-z0-9_.]*\Z")
_STATIC: Final = {text.decode(): number for number, text in enumerate(STATIC_QSTRS)}


def complete(runtime: Runtime, main: Module, before: bytes) -> Completion:
    """What TAB does after the text `before`, in the program whose main module is `main`."""
    text = before.decode("latin-1")
    facts = runtime.release.prompt
    found = _DOTTED.search(text)
    assert found is not None  # it fits at the end at least
    *path, start = found[0].split(".")
    names: list[str]
    if text.startswith(IMPORT) and facts.completes_modules and not path:
        names = built_in_modules(runtime)
    else:
        obj: Any = main
        for name in path:
            try:
                obj = attribute(obj, name)
            except PROGRAM_ERRORS:
                return Completion()
        names = directory(obj)
        if isinstance(obj, Module):
            names += ["__class__", "__dict__"] if facts.completes_dict else ["__class__"]
    fitting = [name for name in _ordered(runtime, names) if name.startswith(start)]
    wanted = fitting
    if facts.completes_modules and not start:
        wanted = [name for name in fitting if not name.startswith("_")]
    if not wanted:
        first = not path and found.start() == 0
        if first and IMPORT.startswith(start) and (start or not facts.completes_modules):
            return Completion(IMPORT[len(start) :].encode())
        return Completion(INDENT if facts.indents_unmatched and not start else b"")
    common = wanted[0]
    while not all(name.startswith(common) for name in wanted):
        common = common[:-1]
    if len(wanted) == 1 or len(common) > len(start):
        return Completion(common[len(start) :].encode())
    # Lists go from the first to the last candidate and until 1.26 show what is hidden between.
    if not facts.lists_hide_private:
        wanted = fitting[fitting.index(wanted[0]) : fitting.index(wanted[-1]) + 1]
    return Completion(listing=columns(wanted).encode())


def built_in_modules(runtime: Runtime) -> list[str]:
    """What `import` may be followed by: the modules that are not files."""
    platform = runtime.platform
    if not runtime.release.prompt.plain_module_names:
        names = {name for name in module_names(platform) if name in TABLE or name == "builtins"}
        if platform == "rp2":  # its port has its own `machine`, and `rp2` is a frozen file
            names = names - {"rp2", "umachine"} | {"machine"}
        return sorted(names)
    return [
        "builtins",
        *(
            name
            for name in TABLE
            if not (name.startswith("u") and name[1:] in TABLE)
            and platform in PLATFORMS.get(name, PLATFORMS.get("u" + name, (platform,)))
        ),
    ]


def _ordered(runtime: Runtime, names: Iterable[str]) -> list[str]:
    known = runtime.release.builtin_qstrs
    last = len(_STATIC)

    def place(name: str) -> tuple[int, int, str]:
        number = _STATIC.get(name)
        if number is not None:
            return 0, number, ""
        if name.startswith("__"):
            return 1, 0, name
        if name.encode() in known or name not in own:
            return 2, 0, name
        return 3, own[name], ""

    main = runtime.modules.get("__main__")
    own = {} if main is None else {name: last + at for at, name in enumerate(main.__dict__)}
    return sorted((name for name in names if "\u00b7" not in name), key=place)


def columns(names: list[str]) -> str:
    """Names in columns of 16, at least two spaces apart; each line begins with its newline."""
    out: list[str] = []
    used = WIDTH  # the first name begins a line
    for name in names:
        gap = -used % SLOT
        if gap < 2:
            gap += SLOT
        if used + gap + len(name) <= WIDTH:
            out.append(" " * gap + name)
            used += gap + len(name)
        else:
            out.append("\n" + name)
            used = len(name)
    return "".join(out) + "\n"
