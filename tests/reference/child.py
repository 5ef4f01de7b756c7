"""One test program on the run-time: file, release, board, kind of code."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import mpy_cross
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.errors import CompileError
from mpy_cross.loader.release import get


def compiled(source: bytes, name: str, release: str) -> bytes:
    """Our compiler, with its errors as the run-time's."""
    try:
        return mpy_cross.compile(source, name, release=release)
    except CompileError as error:
        kind = {"SyntaxError": SyntaxError, "IndentationError": IndentationError}.get(
            error.kind, NotImplementedError if error.kind == "NotImplementedError" else ValueError
        )
        raise kind(error.message) from None


def run(path: Path, release: str) -> None:
    def write(text: str) -> None:
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))

    runtime = Runtime(get(release), lambda s, n: compiled(s, n, release), write)
    try:
        runtime.main(runtime.compile(path.read_bytes(), path.name))
    except SystemExit:
        pass
    except BaseException as error:
        write(runtime.report(error))
    sys.stdout.flush()


def main() -> None:
    path, release, _board, _emit = sys.argv[1:5]
    sys.setrecursionlimit(2000)
    threading.stack_size(512 << 20)
    thread = threading.Thread(target=run, args=(Path(path), release))
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
