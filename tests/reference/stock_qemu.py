"""The judge of stock firmware: the same release of MicroPython in `qemu-system-arm`."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Final, final

from mpy_cross.emulator.raw_repl import BANNER, ENTER, INTERRUPT, LEAVE, PROMPT, RUN
from tests.reference.stock_board import TIMEOUT, shown

COMMAND: Final = ("qemu-system-arm", "-machine", "mps2-an386", "-display", "none", "-monitor",
                  "none", "-semihosting", "-serial", "stdio", "-kernel")
SECONDS: Final = 40
"""Of the host's time: a test that takes longer hangs."""
CHUNK: Final = 512


class Hangs(Exception):
    """No answer."""


@final
class Judge:
    """Runs tests in one QEMU, with a soft reset before each.

    image: an ELF file for MPS2_AN386.  cache: a folder for what tests print.
    """

    def __init__(self, image: Path, cache: Path) -> None:
        self._image = image
        self._cache = cache / f"qemu-{image.parents[1].name}-{image.parent.name}"
        self._process: subprocess.Popen[bytes] | None = None
        self._data = b""

    def output(self, path: Path) -> bytes:
        """What a test prints."""
        known = self._cache / f"{path.parent.name}-{path.name}.out"
        if known.exists():
            return known.read_bytes()
        try:
            data = self._run(path.read_bytes())
        except (Hangs, BrokenPipeError):
            self.close()
            data = TIMEOUT
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)  # the prompt waits by looking all the time
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_bytes(data)
        return data

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _run(self, source: bytes) -> bytes:
        if self._process is None:
            self._process = subprocess.Popen(
                [*COMMAND, str(self._image)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                bufsize=0)
            self._data = b""
            self._wait(PROMPT)
        else:
            self._process.send_signal(signal.SIGCONT)
            self._type(RUN)
            self._wait(PROMPT)
        self._type(b"\r" + INTERRUPT + ENTER)
        self._wait(BANNER)
        self._type(source + RUN)
        self._wait(b"OK")
        output, error = self._wait(RUN)[:-1], self._wait(RUN)[:-1]
        self._type(LEAVE)
        self._wait(PROMPT)
        return shown(output, error)

    def _type(self, data: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        for at in range(0, len(data), CHUNK):
            self._process.stdin.write(data[at : at + CHUNK])

    def _wait(self, text: bytes) -> bytes:
        assert self._process is not None and self._process.stdout is not None
        handle, end = self._process.stdout.fileno(), time.monotonic() + SECONDS
        while text not in self._data:
            if time.monotonic() > end:
                raise Hangs
            if select.select([handle], [], [], 0.5)[0]:
                data = os.read(handle, 1 << 16)
                if not data:
                    raise Hangs
                self._data += data
        before, found, self._data = self._data.partition(text)
        return before + found
