"""One board with stock firmware that runs test programs, each as after its first start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

from mpy_cross import compile
from mpy_cross.emulator.firmware.files import load
from mpy_cross.emulator.raw_repl import BANNER, ENTER, INTERRUPT, RUN
from mpy_cross.emulator.stock import StockError
from mpy_cross.emulator.stock_session import StockSession

MS: Final = 1_000_000  # ns
TIMEOUT: Final = b"TIMEOUT"
TOO_LARGE: Final = b"SKIP-TOO-LARGE\n"
SLICE: Final = 100 * MS
WRITTEN: Final = 10_000 * MS
"""After that files are in flash."""
VIRTUAL: Final = 120_000 * MS
INSTRUCTIONS: Final = 8_000_000_000
"""Of one test: a board that needs more hangs."""


def shown(output: bytes, error: bytes) -> bytes:
    """What a test printed, as `run-tests.py` of MicroPython has it."""
    output, error = output.replace(b"\r\n", b"\n"), error.replace(b"\r\n", b"\n")
    if not error:
        return output
    if not output and b"MemoryError" in error:
        return TOO_LARGE
    return output + error + b"CRASH"


@final
class TestBoard:
    """A board in raw mode.

    files: what is put on its filesystem first, by names; wires: pads that are joined, as "GP0-GP1".
    """

    def __init__(self, board: str, image: Path, files: dict[str, bytes],
                 wires: Sequence[str] = ()) -> None:
        session = StockSession(board, load(image).segments)
        session.boot()
        for name, data in files.items():
            put(session, name, data)
        stock = session.stock
        stock.type(b"\r" + INTERRUPT + ENTER)
        stock.wait(BANNER)
        for wire in wires:
            one, _, other = wire.partition("-")
            session.machine.pin(one).wire(session.machine.pin(other))
            session.machine.pin(one).tie(1)
        session.keep()
        self.session = session
        self.instructions = 0

    def run(self, source: bytes) -> bytes:
        """What a program prints, from the state after the start."""
        session = self.session
        session.again()
        stock, core = session.stock, session.stock.core
        began = core.cycles
        data = b""
        try:
            stock.type(source + RUN)
            stock.wait(b"OK", 60_000 * MS)
            end, limit = session.now + VIRTUAL, core.cycles + INSTRUCTIONS
            while data.count(RUN) < 2:
                if session.now >= end or core.cycles >= limit:
                    return shown(data, b"") + TIMEOUT
                stock.run_until(session.now + SLICE)
                data += stock.take()
        except StockError as error:
            return shown(data, b"") + f"\n{error}".encode()
        finally:
            self.instructions = core.cycles - began
        output, error_text, _ = data.split(RUN, 2)
        return shown(output, error_text)


def put(session: StockSession, name: str, data: bytes) -> None:
    """Writes a file on the board's filesystem, through the prompt.

    It goes there at once: while flash is erased a board does not hear its console.
    """
    run = session.repl.exec
    for at, _ in enumerate(name):
        if name[at] == "/":
            run(f"import os\ntry:\n os.mkdir({name[:at]!r})\nexcept OSError:\n pass")
    run("_data = bytearray()")
    for at in range(0, len(data), 512):
        run(f"_data += {data[at : at + 512]!r}")
    run(f"f = open({name!r}, 'wb')\nf.write(_data)\nf.close()\ndel f, _data")
    session.advance(WRITTEN)


def library(folder: Path, release: str) -> dict[str, bytes]:
    """Modules of a folder as .mpy files for a board."""
    return {
        path.relative_to(folder).with_suffix(".mpy").as_posix():
            compile(path.read_bytes(), path.name, release=release)
        for path in sorted(folder.rglob("*.py"))
    }
