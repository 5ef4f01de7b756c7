"""The real MicroPython (its unix port, from PyPI), which runs what the compiler made.

The package holds MicroPython as an extension module; each program runs in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.oracle.reference import UNIX_PORT, Unavailable, installed

RELEASE = "1.28"  # of the unix port; it loads .mpy files of version 6.3

_PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import micropython_run
sys.exit(micropython_run.run_main(["micropython", *sys.argv[2:]]))
"""


@cache
def folder() -> Path:
    """Where the package is; raises Unavailable if it cannot be had for this interpreter."""
    where = installed(UNIX_PORT)
    done = subprocess.run([*_command(where), "-c", "print('alive')"], capture_output=True)
    if done.stdout.strip() != b"alive":
        raise Unavailable(f"{UNIX_PORT} does not run here: {done.stderr.decode()}")
    return where


def _command(where: Path) -> list[str]:
    return [sys.executable, "-c", _PROGRAM, str(where)]


def command() -> list[str]:
    """The start of a command line that runs it.  Raises Unavailable."""
    return _command(folder())


def import_module(name: str, from_folder: Path, emit: str = "bytecode") -> tuple[int, str]:
    """Import a module (.py or .mpy) in `from_folder`; the exit status and everything printed.

    `emit` is the kind of code that the port itself makes of source.
    """
    done = subprocess.run(
        [*command(), "-X", f"emit={emit}", "-c", f"import {name}"],
        cwd=from_folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")
