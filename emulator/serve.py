"""A board's console for tools on the host: a TCP port or a pseudo-terminal.

One client at a time; the next is served when it leaves.  The board goes on in between.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, Protocol, final

from mpy_cross.emulator.repl.hosted import HostedBoard
from mpy_cross.emulator.repl.target import Condition, Target
from mpy_cross.emulator.runtime import board_files
from mpy_cross.emulator.session import Session

if TYPE_CHECKING:
    from mpy_cross.emulator.stock_session import StockSession

CHUNK: Final = 65536
FULL: Final = 1 << 18
"""Bytes that wait for a client who does not read: then the board stands still."""
KEPT: Final = 4096
"""Bytes of the start that are kept for the first client."""
PATIENCE: Final = 1.0
"""Seconds for which a full pseudo-terminal holds the board up: maybe nobody is there to read."""
LONGEST: Final = 60.0
"""Seconds that the server sleeps at most."""


class ServeError(Exception):
    """The console cannot be offered; the text says why."""


class Endpoint(Protocol):
    """Where clients connect."""

    name: str
    """What a tool is to be told."""

    def send(self, data: bytes) -> None:
        """Send to the client, as far as it reads; keep the rest."""

    def receive(self, seconds: float, wake: socket.socket) -> bytes:
        """What the client has sent; waits for it, or until `wake` can be read."""

    @property
    def full(self) -> bool:
        """Does too much wait to be read?"""

    def drop(self) -> None:
        """The board was reset: forget the client."""

    def close(self) -> None:
        """Offer the console no longer."""


@final
class TcpEndpoint:
    """A TCP port of the host's own interface.  Port 0: any that is free.  Raises ServeError."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        try:
            self._listener = socket.create_server((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ServeError(f"port {port} of {host}: {reason}") from None
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.name = f"socket://{host}:{self.port}"
        self._client: socket.socket | None = None
        self._waiting = bytearray()
        self._fresh = True
        """Nobody has connected since the board was started."""

    @property
    def full(self) -> bool:
        return self._client is not None and len(self._waiting) >= FULL

    def send(self, data: bytes) -> None:
        if self._client is None and not self._fresh:
            return
        self._waiting += data
        if self._client is None:
            del self._waiting[:-KEPT]
        else:
            self._flush(self._client)

    def _flush(self, client: socket.socket) -> None:
        try:
            while self._waiting:
                del self._waiting[: client.send(self._waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._leave()

    def receive(self, seconds: float, wake: socket.socket) -> bytes:
        client = self._client
        source = self._listener if client is None else client
        writers = [client] if client is not None and self._waiting else []
        readable, writable, _ = select.select([source, wake], writers, [], seconds)
        if writable and client is not None:
            self._flush(client)
        if source not in readable:
            return b""
        if client is None:
            self._accept()
            return b""
        try:
            data = client.recv(CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._leave()
        return data

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # has left already
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client, self._fresh = client, False
        self._flush(client)

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None
        self._waiting.clear()

    def drop(self) -> None:
        if self._client is not None:
            self._flush(self._client)
        self._leave()
        self._fresh = True

    def close(self) -> None:
        self._leave()
        self._listener.close()


@final
class PtyEndpoint:
    """A pseudo-terminal.  link: a name for it in the file system.  Raises ServeError."""

    def __init__(self, link: str | None = None) -> None:
        try:
            import pty
            import tty
        except ImportError:
            raise ServeError("this host has no pseudo-terminals; use --tcp") from None
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self.name = self.path
        self._waiting = bytearray()
        self._stalled = 0.0
        self._link: Path | None = None
        if link is not None:
            self.name = link
            self._link = Path(link)
            try:
                if self._link.is_symlink():
                    self._link.unlink()
                self._link.symlink_to(self.path)
            except OSError as error:
                raise ServeError(f"{link}: {error.strerror}") from None

    @property
    def full(self) -> bool:
        if len(self._waiting) < FULL:
            return False
        if time.monotonic() - self._stalled > PATIENCE:
            del self._waiting[:-KEPT]
        return True

    def send(self, data: bytes) -> None:
        if not self._waiting:
            self._stalled = time.monotonic()
        self._waiting += data
        self._flush()

    def _flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._waiting:
                del self._waiting[: os.write(self._master, self._waiting)]
                self._stalled = time.monotonic()

    def receive(self, seconds: float, wake: socket.socket) -> bytes:
        writers = [self._master] if self._waiting else []
        readable, writable, _ = select.select([self._master, wake.fileno()], writers, [], seconds)
        if writable:
            self._flush()
        if self._master not in readable:
            return b""
        with contextlib.suppress(BlockingIOError):
            return os.read(self._master, CHUNK)
        return b""

    def drop(self) -> None:
        """A terminal stays; what nobody has read is gone."""
        self._waiting.clear()

    def close(self) -> None:
        if self._link is not None:
            with contextlib.suppress(OSError):
                self._link.unlink()
        os.close(self._master)
        os.close(self._slave)


@final
class Server:
    """Connects a board with an endpoint, until `stop`."""

    def __init__(self, target: Target, endpoint: Endpoint) -> None:
        self.target = target
        self.endpoint = endpoint
        target.patience = self.look
        self._stopping = False
        self._wake, self._waker = socket.socketpair()  # Windows cannot wait for pipes
        self._waker.setblocking(False)
        self._condition = Condition.RUNNING
        self._last = time.monotonic_ns()

    def serve(self) -> None:
        """Until somebody calls `stop`."""
        try:
            while not self._stopping:
                self.step()
        finally:
            self.endpoint.close()
            self.target.close()
            self._wake.close()
            self._waker.close()

    def step(self) -> None:
        """Let the board run, and carry bytes both ways."""
        endpoint = self.endpoint
        if not endpoint.full:
            now = time.monotonic_ns()
            idle = now - self._last if self._condition is Condition.WAITING else 0
            self._last = now
            self._condition = self.target.advance(idle)
            sent = self.target.take()
            if sent:
                endpoint.send(sent)
            if self._condition is Condition.RESET:
                endpoint.drop()
        data = endpoint.receive(self._pause(), self._wake)
        if data:
            self.target.feed(data)

    def _pause(self) -> float:
        if self.endpoint.full:
            return LONGEST if self._condition is Condition.WAITING else PATIENCE / 4
        delay = self.target.delay
        return LONGEST if delay is None else min(delay / 1e9, LONGEST)

    def look(self) -> None:
        """While the board does not come back from `advance`: has somebody typed Ctrl-C?"""
        if self._stopping:
            os._exit(0)  # a program that nothing else ends
        data = self.endpoint.receive(0, self._wake)
        if data:
            self.target.feed(data)

    def stop(self) -> None:
        """End `serve`; from any thread or signal handler."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._waker.send(b"!")

    def stop_on_signals(self) -> None:
        """SIGINT and SIGTERM end the server."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)


def offer(
    target: Target, title: str, *, tcp: str | None, link: str | None, say: Callable[[str], object]
) -> None:
    """Serve a board until a signal comes: on `tcp` ("PORT" or "HOST:PORT"), else a pty.

    title: what the board is; say: gets a line for the user.  Raises ServeError.
    """
    endpoint = PtyEndpoint(link) if tcp is None else _listener(tcp)
    server = Server(target, endpoint)
    server.stop_on_signals()
    say(f"{title}: {endpoint.name}")
    server.serve()


def serve_hosted(
    session: Session,
    *,
    folder: str | None,
    tcp: str | None,
    link: str | None,
    realtime: bool,
    say: Callable[[str], object],
) -> None:
    """Serve a hosted board; its files are copied from `folder` first.  Raises ServeError."""
    if folder is not None:
        if not Path(folder).is_dir():
            raise ServeError(f"{folder}: there is no such folder")
        try:
            board_files.copy(session.volume, Path(folder))
        except OSError as error:
            raise ServeError(f"{folder}: {error.strerror or 'does not fit the board'}") from None
    title = f"{session.board.title}, MicroPython {session.release.tag}"
    offer(HostedBoard(session, realtime=realtime), title, tcp=tcp, link=link, say=say)


def serve_firmware(
    session: StockSession, *, tcp: str | None, link: str | None, say: Callable[[str], object]
) -> None:
    """Serve a board with stock firmware, which is at its prompt.  Raises ServeError, StockError."""
    from mpy_cross.emulator.repl.stock_target import StockTarget  # hosted boards do without

    title = f"{session.machine.board.title}, stock firmware"
    offer(StockTarget(session), title, tcp=tcp, link=link, say=say)


def _listener(address: str) -> TcpEndpoint:
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not port.isascii():
        raise ServeError(f"{address!r} is no port; write for example 3333 or 127.0.0.1:3333")
    return TcpEndpoint(int(port), host or "127.0.0.1")
