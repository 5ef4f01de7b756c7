"""Short programs with what the real MicroPython prints for them, kept in `recorded/*.txt`.

A file starts with what each program may use; the cases follow.  `p(...)` in a case prints `repr`
of each argument; an exception prints its name and text.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.storage import Storage
from mpy_cross.loader.release import get

FOLDER = Path(__file__).parent / "recorded"
RUNNER = """
def p(*args):
    print(*[repr(arg) for arg in args])

def run(source):
    try:
        exec(source, dict(globals()))
    except Exception as error:
        print(type(error).__name__ + ":", error)
"""


class Case(NamedTuple):
    source: str
    printed: str


def read(name: str) -> tuple[str, list[Case]]:
    """The start of all programs of a file, and its cases."""
    head, *rest = (FOLDER / f"{name}.txt").read_text("utf-8").split("--- case\n")
    cases = []
    for text in rest:
        source, printed = text.split("--- prints\n")
        cases.append(Case(source.rstrip("\n"), printed.rstrip("\n")))
    return head, cases


def program(head: str, sources: list[str]) -> str:
    """One program that runs the sources, with a line `--` before each."""
    lines = [head + RUNNER]
    for source in sources:
        lines += ["print('--')", f"run({source!r})"]
    return "\n".join(lines) + "\n"


def new_runtime(written: list[str], storage: Storage | None = None) -> Runtime:
    """A run-time that writes to a list."""
    release = get("1.17")
    return Runtime(release, compiler_for(release), written.append, storage=storage)


def printed(source: str, storage: Storage | None = None) -> str:
    """What a program prints on the run-time; a traceback if it ends with an exception."""
    written: list[str] = []
    runtime = new_runtime(written, storage)
    try:
        runtime.main(runtime.compile(source.encode(), "case.py"))
    except Exception as error:
        written.append(runtime.report(error))
    return "".join(written)
