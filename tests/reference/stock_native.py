"""Our machine code on stock firmware:

    python -m tests.reference.stock_native --image ELF --board pyboard --release 1.28
        [--record] [PROGRAM ...]

Each program is compiled to bytecode and to machine code, both files are put on the board's
filesystem, and the board imports one after the other, each after a start of its own.  They must
print the same.  Programs whose functions are viper or assembler in any case are also imported as
source, which the board compiles itself.

Where they do not print the same, as the firmware itself has it so (`DIFFERENT` says why), our file
must be the reference compiler's to the byte, and print what is recorded in
`native/recorded/stock.txt`; `--record` writes that.
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
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.stock_session import StockSession
from tests.oracle.reference import Settings, Unavailable, Verdict, answer

TESTS: Final = Path(__file__).resolve().parents[1]
FOLDERS: Final = ("programs", "native/programs", "native/programs/board")
WRITTEN: Final = 10_000_000_000
"""ns after which a new filesystem is in flash."""
OWN: Final = ("@micropython.viper", "@micropython.asm_thumb")
TIMEOUT: Final = 5.0
"""Virtual seconds that a program may take."""
RECORDED: Final = TESTS / "native/recorded/stock.txt"
ENDLESS: Final = "does not end"
_UNBOUND: Final = "machine code does not check for unbound locals"
_RAISE: Final = "the reference compiler has no machine code for a raise without an exception"
_FINALLY: Final = ("the machine code of a finally block, when an exception crosses it or a loop is "
                   "left through it, goes wrong, or round for ever")
_DEEP: Final = ("too deep for the stack of boards, of which bytecode and machine code need "
                "different amounts for a call")
DIFFERENT: Final = {
    "async_await": _FINALLY,
    "delete": _UNBOUND,
    "except_names": _UNBOUND,
    "exceptions": _RAISE,
    "finally_loops": _FINALLY,
    "fstrings": "1.17 has none",
    "generators": "a return in finally of a generator gives the value of the first return",
    "interpreter": _DEEP,
    "iterators": "1.17 has no next() with two arguments; machine code has no lines in tracebacks",
    "nested_functions": _DEEP,
    "recursion": _DEEP,
    "try_in_loops": _FINALLY,
    "yield_expressions": _RAISE,
}
"""Programs whose machine code, the reference's too, does not do what bytecode does on boards."""


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
            return session.repl.exec(f"import {module}", timeout=TIMEOUT)
        except RemoteError as error:
            return f"{error.output}{error}"
        except StockError:
            return ENDLESS

    def compiled(self, path: Path, emit: str) -> bytes:
        """Our .mpy file, with machine code as the reference makes it."""
        return compile(path.read_bytes(), "app.py", release=self._release, emit=emit,
                       arch=self._arch, opt="0")

    def as_theirs(self, path: Path) -> bool:
        """Is our machine code the reference's?  Also True where that crashes, as 1.17's does for
        some finally blocks and a raise without an exception.  Raises Unavailable."""
        theirs = answer(self._release, path.read_bytes(), "app.py",
                        Settings(arch=self._arch, emit="native"))
        try:
            ours = self.compiled(path, "native")
        except CompileError:
            return theirs.verdict is not Verdict.ACCEPTED
        return theirs.verdict is Verdict.CRASHED or ours == theirs.code

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


def recorded() -> dict[str, str]:
    """What machine code of the programs in `DIFFERENT` prints, by "IMAGE program"."""
    parts = RECORDED.read_text().split("== ")[1:] if RECORDED.exists() else []
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}


def record(found: dict[str, str]) -> None:
    """Changes what is recorded."""
    RECORDED.write_text("".join(
        f"== {name}\n{text}" for name, text in sorted({**recorded(), **found}.items())))


def name_of(image: Path, path: Path) -> str:
    """Of a program on an image, in what is recorded."""
    return f"{image.parents[1].name} {image.parent.name} {path.stem}"


def lines(text: str) -> str:
    """With a line end at its end."""
    return text if text.endswith("\n") else text + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reference.stock_native",
                                     description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", type=Path)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--board", default="pyboard")
    parser.add_argument("--release", default="1.28")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    board = NativeBoard(options.board, options.image, options.release)
    good = 0
    known: dict[str, str] = {}
    failed: list[str] = []
    before = recorded()
    for path in options.programs or programs():
        wanted, found = board.compared(path)
        name = name_of(options.image, path)
        if wanted == found and wanted.strip():
            good += 1
            continue
        why = DIFFERENT.get(path.stem, "")
        try:
            same = board.as_theirs(path)
        except Unavailable as error:
            same = False
            why = f"{why} ({error})"
        if path.stem in DIFFERENT and same and (options.record or before.get(name) == lines(found)):
            known[name] = lines(found)
            print(f"differs {path.stem}: {why}", flush=True)
        else:
            failed.append(path.stem)
            print(f"FAIL {path.stem}: wanted {wanted[-300:]!r}, found {found[-300:]!r}, "
                  f"{'' if same else 'not '}the reference's code; {why}", flush=True)
    if options.record:
        record(known)
    print(f"{options.image}: {good} programs print the same, {len(known)} differ for a known "
          f"reason, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
