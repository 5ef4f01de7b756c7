"""Module `select` (manual 1.1.17): wait for streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, final

from mpy_cross.emulator.runtime import streams
from mpy_cross.emulator.runtime.arguments import as_float, as_word, native
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.scheduler import Scheduler
from mpy_cross.emulator.runtime.types import HostObject, Instance, Module, type_name

NAMES: Final[tuple[str, ...]] = ("uselect", "select")
POLLIN: Final = 1
POLLOUT: Final = 4
POLLERR: Final = 8
POLLHUP: Final = 16
ONE_SHOT: Final = 1
ENOENT: Final = 2
_MS: Final = 1_000_000
"""Nanoseconds: a stream of the program is asked again after this time."""


@final
class _Entry:
    __slots__ = ("mask", "ready", "stream")

    def __init__(self, stream: Any, mask: int) -> None:
        self.stream = streams.stream_of(stream, "__stream_ioctl__")
        self.mask = mask
        self.ready = 0

    def ask(self) -> int:
        """The events that are there now."""
        self.ready = self.stream.__stream_ioctl__(streams.POLL, self.mask)
        return self.ready


def wait(scheduler: Scheduler, entries: Iterable[_Entry], timeout: int | None) -> None:
    """Wait until one is ready, `timeout` ms at most; without an end if it is None."""
    watched = list(entries)

    def ready() -> bool:
        count = 0
        for entry in watched:
            if entry.ask():
                count += 1
        return count > 0

    def pause(until: int | None) -> bool:
        if any(getattr(type(entry.stream), "__stream_typed__", False) for entry in watched):
            return scheduler.runtime.console.wait(ready, until)
        return scheduler.wait(ready, until)

    scheduler.events()
    until = None if timeout is None else scheduler.clock.now + timeout * _MS
    # Of the emulator's own streams, events tell when they change; others have to be asked.
    if not any(isinstance(entry.stream, Instance) for entry in watched):
        pause(until)
        return
    while True:
        step = scheduler.clock.now + _MS
        if pause(step if until is None else min(step, until)):
            return
        if until is not None and scheduler.clock.now >= until:
            return


@final
class Poll(HostObject):
    """Streams, and the events that are waited for."""

    type_name = "poll"

    def __init__(self, scheduler: Any = None) -> None:
        if not isinstance(scheduler, Scheduler):
            raise TypeError("cannot create 'poll' instances")
        self.__scheduler = scheduler
        self.__entries: dict[int, _Entry] = {}
        self.__found: list[_Entry] = []
        self.__flags = 0

    @native
    def register(self, stream: Any, mask: Any = POLLIN | POLLOUT, /) -> None:
        """Add a stream, or set its mask."""
        known = self.__entries.get(id(stream))
        if known is not None:
            known.mask = as_word(mask)
        else:
            self.__entries[id(stream)] = _Entry(stream, as_word(mask))

    @native
    def unregister(self, stream: Any, /) -> None:
        """Remove a stream."""
        self.__entries.pop(id(stream), None)

    @native
    def modify(self, stream: Any, mask: Any, /) -> None:
        """Set the mask of a stream."""
        known = self.__entries.get(id(stream))
        if known is None:
            raise OSError(ENOENT)
        known.mask = as_word(mask)

    def __wait(self, timeout: Any, flags: Any) -> None:
        limit = -1 if timeout is None else as_word(timeout)
        self.__flags = as_word(flags)
        wait(self.__scheduler, self.__entries.values(), limit if limit >= 0 else None)
        self.__found = [entry for entry in self.__entries.values() if entry.ready]

    def __take(self, entry: _Entry) -> tuple[Any, int]:
        if self.__flags & ONE_SHOT:
            entry.mask = 0
        return entry.stream, entry.ready

    @native
    def poll(self, timeout: Any = -1, flags: Any = 0, /) -> list[tuple[Any, int]]:
        """Wait up to `timeout` ms; the streams that are ready, with their events."""
        self.__wait(timeout, flags)
        return [self.__take(entry) for entry in self.__found]

    @native
    def ipoll(self, timeout: Any = -1, flags: Any = 0, /) -> Poll:
        """The same as an iterator."""
        self.__wait(timeout, flags)
        return self

    def __iter__(self) -> Poll:
        return self

    def __next__(self) -> tuple[Any, int]:
        if not self.__found:
            raise StopIteration
        return self.__take(self.__found.pop(0))


def _items(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"object '{type_name(value)}' isn't a tuple or list")
    return list(value)


def _select(scheduler: Scheduler) -> Callable[..., Any]:
    @native
    def select(
        readers: Any, writers: Any, others: Any, timeout: Any = None, /
    ) -> tuple[list[Any], list[Any], list[Any]]:
        entries: dict[int, _Entry] = {}
        masks = (POLLIN, POLLOUT, POLLERR | POLLHUP)
        for group, mask in zip((readers, writers, others), masks, strict=True):
            for stream in _items(group):
                known = entries.get(id(stream))
                if known is None:
                    entries[id(stream)] = _Entry(stream, mask)
                else:
                    known.mask |= mask
        limit = None
        if timeout is not None and as_float(timeout) >= 0:
            limit = int(as_float(timeout) * 1000)
        wait(scheduler, entries.values(), limit)
        found = list(entries.values())
        return (
            [entry.stream for entry in found if entry.ready & POLLIN],
            [entry.stream for entry in found if entry.ready & POLLOUT],
            [entry.stream for entry in found if entry.ready & ~(POLLIN | POLLOUT)],
        )

    return select


def build(runtime: Runtime) -> Module:
    scheduler = runtime.scheduler
    return Module(
        NAMES[0],
        {
            "poll": native(lambda: Poll(scheduler)),
            "select": _select(scheduler),
            "POLLIN": POLLIN,
            "POLLOUT": POLLOUT,
            "POLLERR": POLLERR,
            "POLLHUP": POLLHUP,
        },
    )
