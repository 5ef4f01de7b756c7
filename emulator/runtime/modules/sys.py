"""Module `sys` (manual 1.1.20)."""

from __future__ import annotations

import sys
from typing import Any, Final

from mpy_cross.emulator.runtime import errors
from mpy_cross.emulator.runtime.arguments import native
from mpy_cross.emulator.runtime.attribute_tuple import AttributeTuple
from mpy_cross.emulator.runtime.attributes import attribute, visible_type
from mpy_cross.emulator.runtime.console import StandardText
from mpy_cross.emulator.runtime.imports import UNICODE
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.streams import stream_of
from mpy_cross.emulator.runtime.types import Module
from mpy_cross.loader.release import Release

NAMES: Final[tuple[str, ...]] = ("sys", "usys")
THREADS: Final = ("rp2", "linux")
"""Boards with threads, by `sys.platform`."""
ARCH_SHIFT: Final = 10
"""Place of the architecture in `sys.implementation.mpy`."""


def mpy_word(release: Release, arch: str) -> int:
    """`sys.implementation.mpy` of a board with this native architecture."""
    flags = UNICODE if release.mpy_version < 6 else release.mpy_sub_version
    arch = release.small_thumb_arch if arch == "armv6m" else arch
    number = release.archs.index(arch) if arch in release.archs else 0
    return release.mpy_version | flags << 8 | number << ARCH_SHIFT


def implementation(runtime: Runtime) -> AttributeTuple:
    """`sys.implementation`."""
    release = runtime.release
    board = runtime.machine.board if runtime.machine is not None else None
    numbers = tuple(int(part) for part in release.version.split("."))
    known: dict[str, Any] = {
        "mpy": mpy_word(release, runtime.arch),
        "_mpy": mpy_word(release, runtime.arch),
        "_machine": runtime.board_title,
        "_build": board.firmware[-1] if board is not None else "standard",
    }
    if runtime.platform in THREADS:
        known["_thread"] = "unsafe"
    names = [name for name in release.implementation if name in known]
    version = (*numbers, 0)[:3] + (("",) if release.version_has_level else ())
    return AttributeTuple(
        ("name", "version", *names), ("micropython", version, *(known[name] for name in names))
    )


def build(runtime: Runtime) -> Module:
    release = runtime.release
    stdout = runtime.stdout
    board = runtime.machine.board if runtime.machine is not None else None

    @native
    def exit_(status: Any = None, /) -> None:
        raise SystemExit() if status is None else SystemExit(status)

    @native
    def print_exception(error: Any, file: Any = stdout, /) -> None:
        text = runtime.report(error) if isinstance(error, BaseException) else f"{error}\n"
        if file is stdout:
            runtime.write(text)
        else:
            stream_of(file, "__stream_write__")
            attribute(file, "write")(text)

    @native
    def exc_info() -> tuple[Any, Any, Any]:
        error = sys.exc_info()[1]
        if error is None or not isinstance(error, errors.PROGRAM_ERRORS):
            return None, None, None
        seen = errors.caught(error)
        return visible_type(seen), seen, None

    @native
    def atexit(function: Any, /) -> Any:
        before, runtime.at_exit = runtime.at_exit, function
        return before

    names: dict[str, Any] = {
        "argv": runtime.argv,
        "atexit": atexit,
        "byteorder": "little",
        "exit": exit_,
        "implementation": implementation(runtime),
        "maxsize": 0x7FFFFFFF,
        "modules": runtime.modules,
        "path": runtime.importer.path,
        "platform": runtime.platform,
        "print_exception": print_exception,
        "stdin": StandardText(runtime.console, 0),
        "stdout": stdout,
        "stderr": StandardText(runtime.console, 2),
        "version": "3.4.0",
        "version_info": (3, 4, 0),
    }
    if release.version_in_sys:
        names["version"] = f"3.4.0; MicroPython {release.tag} on {release.date}"
        names.update({"ps1": ">>> ", "ps2": "... "})
    if board is None:
        names["exc_info"] = exc_info  # boards do without
    return Module(NAMES[0], names)
