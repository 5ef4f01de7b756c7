"""What a program may not do while it has locked the heap (`micropython.heap_lock`): make objects.

Objects are the host's, which knows no lock.  Files that name `heap_lock` are therefore translated
so that what an operation makes goes through `made`, which refuses objects that nobody had before.
"""

from __future__ import annotations

import sys
from types import FunctionType, GeneratorType, MethodType
from typing import TYPE_CHECKING, Any, Final, final

from mpy_cross.emulator.runtime.attributes import attribute
from mpy_cross.emulator.runtime.buffers import Buffer
from mpy_cross.emulator.runtime.collections_ import DictView
from mpy_cross.emulator.runtime.facts import LANGUAGE
from mpy_cross.emulator.runtime.heap import LOCKED, Heap
from mpy_cross.emulator.runtime.memory import SMALL
from mpy_cross.emulator.runtime.sets import SIZES, FrozenSet, Set
from mpy_cross.emulator.runtime.support import set_slice
from mpy_cross.emulator.runtime.types import MpClass

if TYPE_CHECKING:
    from mpy_cross.emulator.runtime.native.handles import Handles

NAME: Final = b"heap_lock"
"""A file that has this name may lock the heap."""
TRACEBACK: Final = 24
"""Bytes of the emergency buffer before the arguments of an exception: a traceback of two."""
TUPLE: Final = 8
"""Bytes of a tuple besides its items."""
WORD: Final = 4

_KINDS: Final = frozenset(
    (
        list, dict, Set, FrozenSet, float, complex, str, bytes, slice, range,
        DictView, type({}.values()),
        FunctionType, GeneratorType, MethodType, map, filter, zip, enumerate, reversed,
    )
)
"""Types whose objects are always on the heap, classes of the run-time and the program aside."""


def _references(value: Any) -> int:
    return sys.getrefcount(value)


FRESH: Final = _references([])
"""References to an object that was made for a call only, counted in the function that gets it."""


def _second(value: Any) -> int:
    return _references(value)


def _first(value: Any) -> int:
    return _second(value)


MAKE_NOTHING: Final = frozenset(
    ("getiter", "iternext", "load_global", "load_name", "put_method")
)
"""Entries of machine code, by function, whose objects a board has elsewhere or on the stack."""
FRESH_HANDLE: Final = _first([])
"""The same of an object for which a handle is made, two functions further on."""


@final
class LockedHeap:
    """Refuses objects while the heap is locked.

    emergency: bytes of `micropython.alloc_emergency_exception_buf`.
    """

    __slots__ = ("_handles", "emergency", "heap")

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self.emergency = 0
        self._handles: Handles | None = None

    def look_at(self, handles: Handles) -> None:
        """These are the handles of objects that machine code gets."""
        self._handles = handles
        self._watch()

    def lock(self) -> None:
        """No objects from now on."""
        self.heap.locked += 1
        self._watch()

    def unlock(self) -> int:
        """Objects again, after as many calls as of `lock`; how many are left."""
        self.heap.locked -= 1
        self._watch()
        return self.heap.locked

    def _watch(self) -> None:
        if self._handles is not None:
            self._handles.watch(self._refuse if self.heap.locked else None)

    def _refuse(self, value: Any) -> None:
        """Machine code gets an object by a handle; it may be in a variable of what made it."""
        references = sys.getrefcount(value) - FRESH_HANDLE
        if references > 1:
            return
        frame = sys._getframe(3)
        maker = frame.f_code.co_name
        if maker in MAKE_NOTHING or (maker == "load_attr" and type(value) is not MethodType):
            return
        if references == sum(1 for other in frame.f_locals.values() if other is value):
            self._check(value)

    def made(self, value: Any) -> Any:
        """The value of an operation.  Raises MemoryError if it is new and the heap is locked."""
        if not self.heap.locked or sys.getrefcount(value) > FRESH:
            return value
        return self._check(value)

    def _check(self, value: Any) -> Any:
        """A value that is new.  Raises MemoryError if it is on the heap."""
        kind = type(value)
        if kind is slice and LANGUAGE[0].slice_on_stack:
            return value
        if isinstance(value, BaseException):
            # Exceptions have a place of their own; their arguments have to fit behind it.
            if self.emergency < TRACEBACK + TUPLE + WORD * len(value.args):
                value.args = ()
            return value
        if (
            kind in _KINDS
            or type(kind) is MpClass
            or isinstance(value, (Buffer, float))
            or (kind is tuple and value)
            or (kind is int and not -SMALL <= value < SMALL)
        ):
            raise MemoryError(LOCKED)
        return value

    def bound(self, obj: Any, name: str) -> Any:
        """`obj.name`; of what attributes give, only bound methods are new."""
        value = attribute(obj, name)
        if self.heap.locked and type(value) is MethodType and sys.getrefcount(value) < FRESH + 1:
            raise MemoryError(LOCKED)
        return value

    def set_item(self, obj: Any, index: Any, value: Any) -> None:
        """`obj[index] = value`, which may make a list longer."""
        if self.heap.locked and isinstance(obj, dict):
            self._check_room(obj, index)
        if type(index) is slice:
            locked = self.heap.locked and isinstance(obj, list)
            if locked and len(value) > len(range(*index.indices(len(obj)))):
                raise MemoryError(LOCKED)
            set_slice(obj, index, value)
        else:
            obj[index] = value

    def _check_room(self, entries: dict[Any, Any], key: Any) -> None:
        """A table has to grow for a new key when it is full, as it is with these numbers."""
        if key not in entries and (len(entries) in SIZES or len(entries) == 1):
            raise MemoryError(LOCKED)

    def grow(self, value: Any) -> None:
        """The object is about to get more items, or another value in its place."""
        if self.heap.locked and isinstance(value, (list, str, bytes, tuple, float)):
            raise MemoryError(LOCKED)
