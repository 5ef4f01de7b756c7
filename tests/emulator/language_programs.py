"""Small programs that run under CPython and on the run-time and print the same."""

from __future__ import annotations

import builtins
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.loader.release import get

FOLDER = Path(__file__).resolve().parent / "language"
RELEASES = ("1.17", "1.29")
"""The first writes .mpy version 5, the second version 6."""
_HEAD = re.compile(r"^\[case ([^\]\n]+)\]\n", re.MULTILINE)


@dataclass(frozen=True)
class Program:
    """A program and where it comes from."""

    name: str
    source: str


def programs() -> list[Program]:
    """All programs of the folder `language`: heads `[case name]`, each followed by its source."""
    found: list[Program] = []
    for path in sorted(FOLDER.glob("*.test")):
        parts = _HEAD.split(path.read_text(encoding="utf-8"))
        for name, source in zip(parts[1::2], parts[2::2], strict=True):
            found.append(Program(f"{path.stem}: {name}", source))
    return found


def host_output(source: str) -> str:
    """What the program prints under CPython, with the type of an exception that leaves it."""
    out = io.StringIO()

    def write(*args: Any, sep: str = " ", end: str = "\n") -> None:
        out.write(sep.join(str(arg) for arg in args) + end)

    names: dict[str, Any] = {"__name__": "__main__", "print": write}
    names["__builtins__"] = builtins
    try:
        exec(compile(source, "program", "exec", dont_inherit=True), names)
    except Exception as error:
        out.write(f"left by {type(error).__name__}\n")
    return out.getvalue()


class Player:
    """Runs programs on the run-time of one release."""

    def __init__(self, release: str) -> None:
        self.text: list[str] = []
        chosen = get(release)
        self.runtime = Runtime(chosen, compiler_for(chosen), self.text.append)

    def output(self, source: str) -> str:
        """What the program prints, with the type of an exception that leaves it."""
        self.text.clear()
        try:
            self.runtime.main(self.runtime.compile(source.encode(), "program"))
        except Exception as error:
            self.text.append(f"left by {type(error).__name__}\n")
        return "".join(self.text)

    def console(self, source: str) -> str:
        """What the program prints, with MicroPython's traceback."""
        self.text.clear()
        try:
            self.runtime.main(self.runtime.compile(source.encode(), "program"))
        except Exception as error:
            self.text.append(self.runtime.report(error))
        return "".join(self.text)
