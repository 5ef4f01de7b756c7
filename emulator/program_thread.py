"""The program in a thread of its own, by turns with the host: one of the two runs, never both.

So a test can let a program with an endless loop run for some virtual time, look, and let it go on.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, final

from mpy_cross.emulator.runtime.scheduler import Stop

STACK: Final = 256 << 20
"""Bytes of address space for the host's stack; only what is used takes memory."""
HOST_MEMORY: Final = 3 << 29
"""Bytes by which the host's process may grow while a program runs: a backstop behind the account
of the board's heap, for objects that double in size within a few operations.  Unicorn takes 1 GiB
of address space for a core."""

PATIENCE: Final = 0.3


@final
class ProgramThread:
    """Runs `call` in a thread, from `go` to `pause` and on.

    depth: how many functions of the host may be nested, which bounds the program's recursion.
    """

    def __init__(self, call: Callable[[], None], depth: int) -> None:
        self.call = call
        self.depth = depth
        self.ended = False
        self.error: BaseException | None = None
        """What went wrong in the emulator itself."""
        self.patience: Callable[[], None] | None = None
        """Called again and again while a program does not pause for PATIENCE seconds."""
        self._stopping = False
        self._mine = threading.Semaphore(0)
        self._hosts = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name="program", daemon=True)

    def go(self) -> bool:
        """Let the program run until it pauses or ends; True if it has ended."""
        if self.ended:
            return True
        with host_limits(self.depth):
            if self._thread.ident is None:
                before = threading.stack_size(STACK)
                try:
                    self._thread.start()
                finally:
                    threading.stack_size(before)
            else:
                self._mine.release()
            if self.patience is None:
                self._hosts.acquire()
            else:
                while not self._hosts.acquire(timeout=PATIENCE):
                    self.patience()
        if self.ended:
            self._thread.join()
        if self.error is not None:
            raise self.error
        return self.ended

    def pause(self) -> None:
        """In the program's thread: the host's turn.  Raises Stop if the program is to end."""
        self._hosts.release()
        self._mine.acquire()
        if self._stopping:
            raise Stop

    @property
    def inside(self) -> bool:
        """Is this the program's thread?"""
        return threading.current_thread() is self._thread

    def stop(self) -> None:
        """End a program that has paused."""
        if self._thread.ident is not None and not self.ended:
            self._stopping = True
            self.go()

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt wherever the program is: it has not looked for it itself."""
        if self._thread.ident is not None and not self.ended:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident), ctypes.py_object(KeyboardInterrupt)
            )

    def _run(self) -> None:
        try:
            self.call()
        except Stop:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.ended = True
            self._hosts.release()


@contextmanager
def host_limits(depth: int) -> Iterator[None]:
    """Bounds of the host while a program runs: nested calls, growth of the process."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth)
    try:
        with _memory_limit():
            yield
    finally:
        sys.setrecursionlimit(before)


@contextmanager
def _memory_limit() -> Iterator[None]:
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as stream:
            size = int(stream.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError):  # no such thing on this host
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = size + STACK + HOST_MEMORY
    if soft != resource.RLIM_INFINITY and soft <= wanted:
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
