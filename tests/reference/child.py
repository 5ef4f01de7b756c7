"""One test program on the run-time, in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from mpy_cross.emulator.compiler import compiler_for
from mpy_cross.emulator.runtime import memory
from mpy_cross.emulator.runtime.imports import FROZEN
from mpy_cross.emulator.runtime.memory import Memory
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.volumes import MemoryVolume
from mpy_cross.loader.release import get
from tests.reference.reasons import STRICT

HOST = "host"
"""In place of a board: floats of 64 bits and no machine around, like MicroPython's unix port."""
HOST_ARCH = "armv7emsp"
"""What machine code is for that runs without a board."""
HEAP = 1 << 20
"""Bytes of the heap that runs without a board."""
START = 662_774_400
"""Seconds since 2000 at which programs begin: any time that is not 0."""
STACK = 512 << 20
WITH_FILES = ("import", "io", "extmod", "micropython", "unicode")
"""Folders of tests that open or import files of theirs."""


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def run(path: Path, release: str, board: str, emit: str, inside: bool,
        mended: tuple[str, ...] = (), opt: str = "0") -> None:
    """Run the program; its output goes to standard output.

    `mended`: fields of the release that the compiler takes as set, though they are not; `opt`: how
    much machine code is optimised.  Tests of what viper refuses get a strict compiler.
    """
    strict = f"{path.parent.name}/{path.name}" in STRICT
    if board != HOST:
        from mpy_cross.emulator.boards import board as facts
        from mpy_cross.emulator.session import Session

        chosen = get(release)
        fields: dict[str, Any] = dict.fromkeys(mended, True)
        compiler = compiler_for(chosen._replace(**fields), facts(board).arch, emit,
                                opt, strict)
        session = Session(board, chosen, compiler, write=_write)
        mount(session.runtime, path, inside)
        session.run(path)
        session.close()
        return
    compiler = compiler_for(get(release), HOST_ARCH, emit, opt, strict)
    runtime = Runtime(get(release), compiler, _write)
    runtime.arch = HOST_ARCH
    runtime.start_time = START
    mount(runtime, path, inside)
    limit = Memory(HEAP, runtime.storage.heap.used, lambda: list(runtime.modules.values()))
    runtime.scheduler.memory = limit
    memory.use(limit)
    try:
        runtime.main(runtime.compile(path.read_bytes(), path.name))
    except SystemExit:
        pass
    except BaseException as error:
        _write(runtime.report(error))


def mount(runtime: Runtime, path: Path, inside: bool) -> None:
    """Give the program a copy of its folder, seen from there (`inside`) or from above."""
    volume = MemoryVolume()
    folder = path.parent.resolve()
    if folder.name in WITH_FILES:
        for file in sorted(folder.rglob("*")):
            names = file.relative_to(folder if inside else folder.parent).parts
            if file.is_file() and file.stat().st_size < volume.size:
                volume.add(names, file.read_bytes())
    runtime.files.clear()
    runtime.files.add_volume(volume, "/")
    runtime.importer.path[:] = ["" if inside else folder.name, FROZEN]
    runtime.argv[:] = [path.name if inside else f"{folder.name}/{path.name}"]


def forked(
    path: Path, release: str, board: str, emit: str, inside: bool, seconds: float,
    mended: tuple[str, ...] = (), opt: str = "0"
) -> tuple[bytes, str]:
    """Output and standard error of the program, run in a fork of this process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            _in_child(path, release, board, emit, inside, mended, opt)
        end = time.monotonic() + seconds
        ended, status = 0, 0
        while not ended:
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended and time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                break
            if not ended:
                time.sleep(0.002)
        out.seek(0)
        errors.seek(0)
        data = out.read()
        if not ended:
            data += b"TIMEOUT"
        elif os.WIFSIGNALED(status):
            data += f"died: {signal.Signals(os.WTERMSIG(status)).name}".encode()
        return data, errors.read().decode("utf-8", "replace")


def _in_child(path: Path, release: str, board: str, emit: str, inside: bool,
              mended: tuple[str, ...], opt: str) -> None:
    sys.setrecursionlimit(2000)
    threading.stack_size(STACK)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115

    def guarded() -> None:
        try:
            run(path, release, board, emit, inside, mended, opt)
        except BaseException:
            traceback.print_exc()

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
