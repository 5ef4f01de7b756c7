"""Snapshots: the state of a running board, to go back to.

    booted = Snapshot(stock)
    ...
    booted.restore()

A snapshot finds all state itself: it walks from an object to all that it refers to and keeps a
shallow copy of each thing that can change, and it has the engine keep its registers.  `restore`
puts the copies back into the very same objects, so whoever refers to one of them still does.
Blocks, devices and consoles need no code for this.  What cannot be put back, a generator or a
thread that is under way, is an error that names the way to it.
"""

from __future__ import annotations

import array
import ctypes
import enum
import mmap
import random
import threading
import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, final

from mpy_cross.emulator.cores.unicorn_common import Engine

OURS: Final = "mpy_cross."
_VIEWED: Final = (ctypes.Array, ctypes._SimpleCData, ctypes.Structure)
_FIXED: Final = (
    int, float, complex, str, bytes, type(None), type, range, slice, type(...), enum.Enum,
    types.ModuleType, types.BuiltinFunctionType, types.CodeType, types.MethodWrapperType,
    types.WrapperDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType, mmap.mmap,
    types.GenericAlias, types.MappingProxyType, property, classmethod, staticmethod,
)
"""Types whose objects do not change, or whose content belongs to something else."""
_UNABLE: Final = (types.GeneratorType, types.CoroutineType, threading.Thread)
Undo = Callable[[], None]


class SnapshotError(Exception):
    """The state cannot be kept: it holds something that cannot be put back."""


@final
class Snapshot:
    """The state of `root` and of all that it refers to, as it is now."""

    def __init__(self, root: Any) -> None:
        self._undo: list[Undo] = []
        self._engines: list[tuple[Engine, Any]] = []
        self._memories: set[tuple[int, int]] = set()
        seen: dict[int, Any] = {}
        # Things that are still to look at, with the way to them.
        todo: list[tuple[Any, str]] = [(root, type(root).__name__)]
        while todo:
            thing, way = todo.pop()
            if isinstance(thing, _FIXED) or id(thing) in seen:
                continue
            seen[id(thing)] = thing
            for name, part in self._keep(thing, way):
                if not isinstance(part, _FIXED) and id(part) not in seen:
                    todo.append((part, f"{way}{name}"))
        self._things = seen  # or their identities could be those of others
        self.size = len(seen)

    def restore(self) -> None:
        """Makes everything what it was."""
        for undo in self._undo:
            undo()
        for engine, context in self._engines:
            engine.restore(context)
            engine.forget_all_code()

    def _keep(self, thing: Any, way: str) -> Iterator[tuple[str, Any]]:
        """Keeps one thing; gives what it refers to, with the names of it."""
        kind = type(thing)
        if isinstance(thing, Snapshot):
            return
        if isinstance(thing, Engine):
            self._engines.append((thing, thing.save()))
            return
        if isinstance(thing, dict):
            yield from self._keep_dict(thing)
        elif isinstance(thing, list | set | deque | bytearray | array.array):
            yield from self._keep_row(thing)
        elif isinstance(thing, tuple | frozenset):
            yield from ((f"[{at}]", part) for at, part in enumerate(thing))
        elif isinstance(thing, memoryview):
            self._keep_memory(thing)
        elif isinstance(thing, _VIEWED):
            self._keep_memory(memoryview(thing))
        elif isinstance(thing, types.MethodType):
            yield ".__self__", thing.__self__
            yield ".__func__", thing.__func__
        elif isinstance(thing, types.FunctionType):
            yield from self._keep_function(thing)
        elif isinstance(thing, types.CellType):
            yield from self._keep_cell(thing)
        elif isinstance(thing, random.Random):
            self._undo.append(_Again(thing.setstate, thing.getstate()))
        elif isinstance(thing, _UNABLE) and not _over(thing):
            raise SnapshotError(f"{way} is a {kind.__name__} that is under way")
        elif hasattr(thing, "func") and kind.__module__ == "functools":
            yield from ((".func", thing.func), (".args", thing.args), (".kw", thing.keywords))
        elif kind.__module__.startswith(OURS):
            yield from self._keep_object(thing)

    def _keep_dict(self, thing: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
        self._undo.append(_Dict(thing))
        for key, value in thing.items():
            yield " key", key
            yield f"[{key!r}]" if isinstance(key, str | int) else "[...]", value

    def _keep_row(self, thing: Any) -> Iterator[tuple[str, Any]]:
        self._undo.append(_Row(thing))
        if not isinstance(thing, bytearray | array.array):
            for at, part in enumerate(thing):
                yield f"[{at}]", part

    def _keep_memory(self, view: memoryview) -> None:
        if view.readonly or not view.nbytes:
            return
        flat = view.cast("B") if view.contiguous else view
        place = ctypes.addressof(ctypes.c_char.from_buffer(flat)), flat.nbytes
        if place not in self._memories:
            self._memories.add(place)
            self._undo.append(_Row(flat))

    def _keep_function(self, thing: types.FunctionType) -> Iterator[tuple[str, Any]]:
        for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            yield f"<{name}>", cell
        yield ".__defaults__", thing.__defaults__
        yield ".__kwdefaults__", thing.__kwdefaults__

    def _keep_cell(self, thing: types.CellType) -> Iterator[tuple[str, Any]]:
        try:
            content = thing.cell_contents
        except ValueError:  # not bound yet
            return
        self._undo.append(_Attributes(thing, {"cell_contents": content}))
        yield "", content

    def _keep_object(self, thing: Any) -> Iterator[tuple[str, Any]]:
        values = {}
        for kind in type(thing).__mro__:
            for name in _slots(kind):
                try:
                    values[name] = getattr(thing, name)
                except AttributeError:  # not set
                    continue
        if values:
            self._undo.append(_Attributes(thing, values))
        own = getattr(thing, "__dict__", None)
        if own:
            self._undo.append(_Dict(own))
            values.update(own)
        for name, part in values.items():
            yield f".{name}", part


def _over(thing: Any) -> bool:
    """Has a generator ended, or a thread?"""
    if isinstance(thing, threading.Thread):
        return not thing.is_alive()
    return getattr(thing, "gi_frame", None) is None and getattr(thing, "cr_frame", None) is None


def _slots(kind: type) -> tuple[str, ...]:
    """The slots that a class adds, by the names under which they are found."""
    slots = kind.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(
        f"_{kind.__name__.lstrip('_')}{name}"
        if name.startswith("__") and not name.endswith("__") else name
        for name in names if name not in ("__dict__", "__weakref__"))


@final
class _Again:
    """A call with what was kept."""

    __slots__ = ("_call", "_kept")

    def __init__(self, call: Callable[[Any], Any], kept: Any) -> None:
        self._call, self._kept = call, kept

    def __call__(self) -> None:
        self._call(self._kept)


@final
class _Dict:
    """A dictionary, or the attributes of an object."""

    __slots__ = ("_kept", "_thing")

    def __init__(self, thing: dict[Any, Any]) -> None:
        self._thing, self._kept = thing, dict(thing)

    def __call__(self) -> None:
        self._thing.clear()
        self._thing.update(self._kept)


@final
class _Row:
    """A sequence or set, of whatever kind."""

    __slots__ = ("_kept", "_thing")

    def __init__(self, thing: Any) -> None:
        self._thing = thing
        self._kept: Any = (
            bytes(thing) if isinstance(thing, memoryview | bytearray) else list(thing))

    def __call__(self) -> None:
        thing = self._thing
        if isinstance(thing, memoryview | list | bytearray):
            thing[:] = self._kept
        elif isinstance(thing, array.array):
            thing[:] = array.array(thing.typecode, self._kept)
        else:
            thing.clear()
            if isinstance(thing, set):
                thing.update(self._kept)
            else:
                thing.extend(self._kept)


@final
class _Attributes:
    """Attributes that are no entries of a `__dict__`."""

    __slots__ = ("_kept", "_thing")

    def __init__(self, thing: Any, kept: dict[str, Any]) -> None:
        self._thing, self._kept = thing, tuple(kept.items())

    def __call__(self) -> None:
        thing = self._thing
        for name, value in self._kept:
            object.__setattr__(thing, name, value)
