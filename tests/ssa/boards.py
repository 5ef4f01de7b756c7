"""Machine code of a module on the core that its architecture is for.

Of a Cortex-M on the bare core of `tests.native.thumb_harness`, which watches registers and memory;
of an Xtensa on the run-time of an emulated ESP32 or ESP8266, which links it and calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Protocol, final

import mpy_cross
from mpy_cross.emulator.session import Session
from mpy_cross.loader.reader import read
from mpy_cross.loader.release import get
from tests.native.thumb_harness import ThumbModule
from tests.native.thumb_harness_core import MODELS, UnicornCore

BOARDS: Final = {"xtensawin": "esp32", "xtensa": "esp8266"}
"""The board that runs the code of an architecture."""
HELPERS: Final = "def make(b): return bytearray(b)\ndef back(b): return bytes(b)\n"


class CompiledModule(Protocol):
    """The functions of a module in memory."""

    globals: dict[str, Any]

    def call(self, name: str, *args: Any) -> Any:
        """Call one; a `bytearray` is in memory meanwhile, and changed afterwards."""


@final
class Board:
    """A board with a run-time of a release."""

    def __init__(self, arch: str, release: str) -> None:
        self.session = Session(BOARDS[arch], get(release))
        self.runtime = self.session.runtime
        self.runtime.activate()
        self.runtime.arch = arch
        helpers = self.load(mpy_cross.compile(HELPERS, "helpers.py", release=release), {})
        self.make: Callable[[bytes], Any] = helpers["make"]
        self.back: Callable[[Any], bytes] = helpers["back"]

    def load(self, mpy: bytes, names: dict[str, Any]) -> dict[str, Any]:
        """Run a .mpy file in these names."""
        names["__name__"] = "case"
        self.runtime.execute(self.runtime.load(mpy), names, names)
        return names


@cache
def board(arch: str, release: str) -> Board:
    return Board(arch, release)


@final
class BoardModule:
    """A module on a board."""

    def __init__(self, mpy: bytes, board: Board, builtins: dict[str, Any] | None = None) -> None:
        self._board = board
        board.runtime.activate()
        self.globals = board.load(mpy, dict(builtins or {}))

    def call(self, name: str, *args: Any) -> Any:
        board = self._board
        board.runtime.activate()
        given = [board.make(bytes(arg)) if isinstance(arg, bytearray) else arg for arg in args]
        result = self.globals[name](*given)
        for arg, mine in zip(args, given, strict=True):
            if isinstance(arg, bytearray):
                arg[:] = board.back(mine)
        return result


@cache
def core(arch: str) -> UnicornCore:
    return UnicornCore(MODELS[arch])


def placed(
    mpy: bytes, release: str, arch: str, builtins: dict[str, Any] | None = None
) -> CompiledModule:
    """The functions of a .mpy file, ready to be called.  Raises what is wrong with the file."""
    if arch in BOARDS:
        return BoardModule(mpy, board(arch, release), builtins)
    return ThumbModule(read(mpy, get(release)), core(arch), builtins)


def load(
    source: str, release: str, arch: str, builtins: dict[str, Any] | None = None, opt: str = "0"
) -> CompiledModule:
    """Compile a module and place it.  Raises CompileError."""
    code = mpy_cross.compile(source, "case.py", release=release, arch=arch, opt=opt)
    return placed(code, release, arch, builtins)
