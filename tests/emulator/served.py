"""`mpy-emu serve` in a process of its own, and the real mpremote as its client."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

START: Final = 20.0
"""Seconds for a server to start, and for what is awaited."""


@final
class Served:
    """A server that runs; `name` is what a tool is told to connect to."""

    def __init__(self, process: subprocess.Popen[str], name: str) -> None:
        self.process = process
        self.name = name
        self.release = ""

    def connect(self) -> Client:
        host, port = self.name.removeprefix("socket://").split(":")
        return Client(socket.create_connection((host, int(port)), START))

    def mpremote(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run mpremote with this connection."""
        return subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", self.name, *words],
            capture_output=True, text=True, timeout=60, cwd=folder, stdin=subprocess.DEVNULL,
        )

    def told(self, *words: str, folder: Path | None = None) -> str:
        """The same; what it printed.  It has to succeed."""
        done = self.mpremote(*words, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.replace("\r\n", "\n")


@final
class Client:
    """A connection without any tool."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def until(self, end: bytes) -> bytes:
        """Read until this has come."""
        seen = b""
        while not seen.endswith(end):
            data = self.connection.recv(4096)
            assert data, f"cut off after {seen!r}"
            seen += data
        return seen

    def ask(self, keys: bytes, end: bytes = b">>> ") -> bytes:
        self.connection.sendall(keys)
        return self.until(end)

    def closed(self) -> bool:
        """Waits until the server has closed the connection."""
        try:
            while self.connection.recv(4096):
                pass
        except ConnectionError:
            pass
        return True


@contextmanager
def serve(*words: str) -> Iterator[Served]:
    """A server with these options; it is ended by SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mpy_cross.emulator.cli", "serve", *words],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield Served(process, line.strip().rpartition(": ")[2])
    finally:
        process.terminate()
        process.wait(START)
