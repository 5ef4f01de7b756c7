"""Our machine code on stock firmware:

    python -m tests.reference.stock_native --image ELF --board pyboard --release 1.28 [PROGRAM ...]

Each program is compiled to bytecode and to machine code, both files are put on the board's
filesystem, and the board imports one after the other, each after a start of its own.  They must
print the same.  Programs whose functions are viper or assembler in any case are also imported as
source, which the board compiles itself.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final, final

from mpy_cross import CompileError, compile
from mpy_cross.emulator.boards import BOARDS
from mpy_cross.emulator.filesystems.device import ImageDevice
from mpy_cross.emulator.filesystems.image import identify, open_filesystem, write_file
from mpy_cross.emulator.firmware.files import load
from mpy_cross.emulator.raw_repl import RemoteError
from mpy_cross.emulator.stock_session import StockSession

TESTS: Final = Path(__file__).resolve().parents[1]
FOLDERS: Final = ("programs", "native/programs", "native/programs/board")
WRITTEN: Final = 10_000_000_000
"""ns after which a new filesystem is in flash."""
OWN: Final = ("@micropython.viper", "@micropython.asm_thumb")
_UNBOUND: Final = "machine code does not check for unbound locals"
_RAISE: Final = "the reference refuses a bare raise in machine code"
_FINALLY: Final = "the reference's machine code is wrong about finally when an exception crosses it"
_DEEP: Final = "recursion is too deep for the stack of boards, with bytecode or always"
DIFFERENT: Final = {
    "async_await": _FINALLY,
    "delete": _UNBOUND,
    "except_names": _UNBOUND,
    "exceptions": _RAISE,
    "finally_loops": _FINALLY,
    "fstrings": "1.17 has none",
    "generators": "the reference's machine code returns the wrong value from a generator's finally",
    "interpreter": _DEEP,
    "iterators": "1.17 has no next() with two arguments; machine code has no lines in tracebacks",
    "nested_functions": _DEEP,
    "recursion": _DEEP,
    "yield_expressions": _RAISE,
}
"""Programs that the reference's machine code, whose bytes ours has, does not run as bytecode."""


def programs() -> list[Path]:
    """Those of the tests."""
    return [path for folder in FOLDERS for path in sorted((TESTS / folder).glob("*.py"))]


@final
class NativeBoard:
    """A board with a formatted flash.

    image: its firmware; release: of MicroPython.
    """

    def __init__(self, board: str, image: Path, release: str) -> None:
        self._board = board
        self._segments = load(image).segments
        self._release = release
        self._arch = BOARDS[board].arch
        first = StockSession(board, self._segments)
        first.boot()
        first.advance(WRITTEN)
        self._flash = bytes(first.machine.chip.flash.buffer)

    def imported(self, files: dict[str, bytes], module: str) -> str:
        """What a module prints that a board with these files imports; with the traceback."""
        facts = BOARDS[self._board]
        flash = bytearray(self._flash)
        view = memoryview(flash)[facts.files : facts.files + facts.file_size]
        found = identify(view)
        assert found is not None, "the board has no filesystem"
        filesystem = open_filesystem(ImageDevice(view, found.block_size), found, lambda: 0)
        for name, data in files.items():
            write_file(filesystem, f"/{name}", data)
        session = StockSession(self._board, self._segments, flash=bytes(flash))
        session.boot()
        try:
            return session.repl.exec(f"import {module}", timeout=30)
        except RemoteError as error:
            return f"{error.output}{error}"

    def compiled(self, path: Path, emit: str) -> bytes:
        """Our .mpy file."""
        return compile(path.read_bytes(), "app.py", release=self._release, emit=emit,
                       arch=self._arch)

    def compared(self, path: Path) -> tuple[str, str]:
        """The same as `outputs`; why it does not compile, if it does not."""
        try:
            return self.outputs(path)
        except CompileError as error:
            return "", f"does not compile: {error}"

    def outputs(self, path: Path) -> tuple[str, str]:
        """What a program prints: as the board has it, and as our machine code does."""
        source = path.read_bytes()
        if any(word.encode() in source for word in OWN):
            wanted = self.imported({"app.py": source}, "app")
            plain = self.imported({"app.mpy": self.compiled(path, "bytecode")}, "app")
            if plain != wanted:
                return wanted, plain
        else:
            wanted = self.imported({"app.mpy": self.compiled(path, "bytecode")}, "app")
        return wanted, self.imported({"app.mpy": self.compiled(path, "native")}, "app")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reference.stock_native",
                                     description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", type=Path)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--board", default="pyboard")
    parser.add_argument("--release", default="1.28")
    options = parser.parse_args()
    board = NativeBoard(options.board, options.image, options.release)
    good = known = 0
    failed: list[str] = []
    for path in options.programs or programs():
        wanted, found = board.compared(path)
        if wanted == found and wanted.strip():
            good += 1
        elif path.stem in DIFFERENT:
            known += 1
            print(f"differs {path.stem}: {DIFFERENT[path.stem]}")
        else:
            failed.append(path.stem)
            print(f"FAIL {path.stem}: wanted {wanted[-300:]!r}, found {found[-300:]!r}", flush=True)
    print(f"{options.image}: {good} programs print the same, {known} differ for a known reason, "
          f"{len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
