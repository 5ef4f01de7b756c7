"""How much of the board's heap a program uses: an account of its objects.

Objects are the host's, so their sizes in MicroPython are computed: the account walks over all that
the program can reach, as the collector of a board does, and adds up blocks of 16 bytes (manual
4.4.2).  When to walk depends on virtual time and on the sizes of large allocations only, never on
the host, so that a program runs out of memory at the same place every time.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from types import FrameType, FunctionType, GeneratorType, MethodType
from typing import Any, Final, final

from mpy_cross.emulator.runtime.sets import FrozenSet, Set
from mpy_cross.emulator.runtime.types import MARK, Cell, HostObject, Instance, Module, MpClass

BLOCK: Final = 16
"""Bytes of a block of the heap where a machine word has four."""
WORD: Final = 4
SMALL: Final = 1 << 30
"""Integers up to here are no objects."""
CLASS: Final = 64
"""Bytes of a class without its names."""
GENERATOR: Final = 48
"""Bytes of a suspended function without its state."""

FIRST_CHECK: Final = 20_000
"""Operations from one walk to the next, at least."""
SLACK: Final = 1024
"""Bytes that a program may make after it was told that the heap is full: errors, mostly."""
LEAST_CHECK: Final = 1000
"""The same where the heap is nearly full."""
PER_OBJECT: Final = 200
"""Operations between walks for each object found, at most: walks then cost a few per cent."""
LARGE: Final = 256
"""Bytes from which on an allocation is announced by `reserve`."""

# Variables of translated code that hold no value of the program.
_HIDDEN: Final = frozenset(("G\u00b7", "children\u00b7", "k\u00b7"))
_BASES: Final[tuple[type, ...]] = (list, tuple, dict, Set, str, bytes)
_HOLDERS: Final = (staticmethod, classmethod, property, map, filter, zip, enumerate, reversed)


def blocks(size: int) -> int:
    """Bytes that an allocation takes from the heap."""
    return (size + BLOCK - 1) // BLOCK * BLOCK


@final
class Memory:
    """The account of one program.

    limit: bytes of the heap; buffers: the bytes in use of what has an address; roots: where the
    walk begins, besides the variables of the functions that run.
    """

    __slots__ = (
        "_checked",
        "_full",
        "_left",
        "_pending",
        "_used",
        "buffers",
        "growing",
        "limit",
        "objects",
        "roots",
    )

    def __init__(
        self, limit: int, buffers: Callable[[], int], roots: Callable[[], Iterable[Any]]
    ) -> None:
        self.limit = limit
        self.buffers = buffers
        self.roots = roots
        self.growing: list[list[Any]] = []
        """Lists that are being made, which no variable holds yet."""
        self.objects = 0
        """Objects found by the last walk."""
        self._used = 0
        self._full = 0
        """Bytes in use when the heap was last found full; 0 if they became less since."""
        self._checked = FIRST_CHECK
        self._pending = 0
        self._left = FIRST_CHECK

    def passed(self, operations: int) -> None:
        """So many operations were executed; walks if it is time to.  Raises MemoryError."""
        self._left -= operations
        if self._left < 0:
            self.check(0)

    def reserve(self, size: int) -> None:
        """A large object of `size` bytes is going to be made.  Raises MemoryError."""
        if size > self.limit:
            raise _exhausted(size)
        self._pending += size
        if self._used + self._pending > self.limit:
            self.check(size)

    def check(self, size: int) -> None:
        """Walk; raises MemoryError if the heap would be full with `size` bytes more."""
        before = self._used
        used = self.used()
        if used + size > self.limit:
            self._left = 0  # look again soon: the program may go on as before
            # A full heap refuses what is new; a program that makes nothing more may go on.
            if size or used > self._full + SLACK:
                self._full = used
                raise _exhausted(size or blocks(used - self.limit))
        else:
            self._full = 0
        self._pending = size
        # While the heap fills, walk again when half of what is free may be used up.
        left = max(FIRST_CHECK, PER_OBJECT * self.objects)
        growth = used - before
        if growth > 0:
            left = min(left, (self.limit - used) * self._checked // (2 * growth))
        self._left = self._checked = max(left, LEAST_CHECK)

    def forget(self) -> None:
        """Much may have been freed since the last walk: a heap found full is a new one."""
        self._full = 0

    def used(self) -> int:
        """Bytes in use, found by a walk."""
        roots = [*self.roots(), *self.growing, *variables(sys._getframe(1))]
        total, self.objects = measure(roots)
        self._used = total + self.buffers()
        self._pending = 0
        return self._used


def _exhausted(size: int) -> MemoryError:
    return MemoryError(f"memory allocation failed, allocating {size & 0xFFFFFFFF} bytes")


_current: Memory | None = None


def use(memory: Memory | None) -> None:
    """From now on `reserve` is about this program's memory."""
    global _current
    _current = memory


def reserve(size: int) -> None:
    """Announce a large allocation of the running program.  Raises MemoryError."""
    if _current is not None:
        _current.reserve(size)
    elif size > 1 << 28:
        raise _exhausted(size)


def repeated(sequence: str | bytes | list[Any] | tuple[Any, ...], count: int) -> None:
    """Announce `sequence * count`.  Raises MemoryError."""
    size = len(sequence) * count
    if isinstance(sequence, (list, tuple)):
        size *= WORD
    if size >= LARGE:
        reserve(BLOCK + blocks(size))


def text(size: int) -> None:
    """Announce a string of so many bytes.  Raises MemoryError."""
    if size >= LARGE:
        reserve(BLOCK + blocks(size + 1))


def integer(bits: int) -> None:
    """Announce an int of so many bits.  Raises MemoryError."""
    if bits >= LARGE * 8:
        reserve(BLOCK + blocks(bits // 8 + 2))


def collected(iterable: Any) -> None:
    """Announce a sequence of all items, where their number is known.  Raises MemoryError."""
    if type(iterable) is range:
        count = -((iterable.start - iterable.stop) // iterable.step)
        if count * WORD >= LARGE:
            reserve(blocks(count * WORD))


_LAZY: Final = (GeneratorType, map, filter, zip, enumerate)
_CHUNK: Final = 256


def gathered(iterable: Any, endless: bool = False) -> Any:
    """The items of an iterator whose end is not known, as a list that is accounted as it grows."""
    if _current is None or not (endless or isinstance(iterable, _LAZY)):
        return iterable
    made: list[Any] = []
    _current.growing.append(made)
    try:
        while True:
            size = len(made)
            made.extend(islice(iterable, _CHUNK))
            if len(made) - size < _CHUNK:
                return made
            _current.reserve(_CHUNK * WORD)
    finally:
        _current.growing.pop()


# ------------------------------------------------------------------------------------- the walk


def variables(frame: FrameType | None) -> Iterable[Any]:
    """The values of the variables of all functions of the program that run."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(MARK):
            for name, value in frame.f_locals.items():
                if name not in _HIDDEN:
                    yield value
        frame = frame.f_back


def measure(roots: list[Any]) -> tuple[int, int]:
    """Bytes and number of the objects that can be reached from the roots."""
    total = count = 0
    seen: set[int] = set()
    stack = roots
    while stack:
        obj = stack.pop()
        kind = type(obj)
        if kind is int:
            if -SMALL <= obj < SMALL:
                continue
        elif obj is None or kind is bool:
            continue
        key = id(obj)
        if key in seen:
            continue
        seen.add(key)
        sizer = _SIZES.get(kind)
        size = sizer(obj, stack) if sizer is not None else _other(obj, kind, stack)
        if size:
            total += size
            count += 1
    return total, count


def _int(obj: int, stack: list[Any]) -> int:
    return BLOCK + blocks((obj.bit_length() + 15) // 16 * 2)


def _one_block(obj: object, stack: list[Any]) -> int:
    return BLOCK


def _text(obj: str, stack: list[Any]) -> int:
    size = len(obj)
    if size < 2:
        return 0  # interned in the firmware
    if not obj.isascii():
        size = len(obj.encode("utf-8", "surrogatepass"))
    return BLOCK + blocks(size + 1)


def _bytes(obj: bytes, stack: list[Any]) -> int:
    return BLOCK + blocks(len(obj) + 1) if obj else 0


def _tuple(obj: tuple[Any, ...], stack: list[Any]) -> int:
    stack.extend(obj)
    return blocks(8 + WORD * len(obj)) if obj else 0


def _list(obj: list[Any], stack: list[Any]) -> int:
    stack.extend(obj)
    return BLOCK + blocks(WORD * max(4, len(obj)))


def table(entries: int, words: int) -> int:
    """Bytes of a hash table, which keeps about a fifth of its places free."""
    return blocks((entries + (entries >> 2) + 1) * words * WORD) if entries else 0


def _dict(obj: dict[Any, Any], stack: list[Any]) -> int:
    stack.extend(dict.keys(obj))
    stack.extend(dict.values(obj))
    return BLOCK + table(len(obj), 2)


def _set(obj: set[Any], stack: list[Any]) -> int:
    stack.extend(set.__iter__(obj))  # in any order: asking for MicroPython's calls the program
    return BLOCK + table(len(obj), 1)


def _frozen_set(obj: frozenset[Any], stack: list[Any]) -> int:
    stack.extend(frozenset.__iter__(obj))
    return BLOCK + table(len(obj), 1)


def _module(obj: Module, stack: list[Any]) -> int:
    names = obj.__dict__
    if names.get("__file__") is None and names.get("__name__") != "__main__":
        return 0  # a module of the firmware
    stack.extend(names.values())
    return BLOCK + table(len(names), 2)


def _function(obj: FunctionType, stack: list[Any]) -> int:
    if not obj.__code__.co_filename.startswith(MARK):
        return 0
    cells = 0
    for cell in obj.__closure__ or ():
        if type(cell.cell_contents) is Cell:
            stack.append(cell.cell_contents)
            cells += 1
    stack.extend(obj.__defaults__ or ())
    stack.extend((obj.__kwdefaults__ or {}).values())
    size = blocks(16 + WORD * len(obj.__defaults__ or ()))
    return size + (blocks(12 + WORD * cells) if cells else 0)


def _cell(obj: Cell, stack: list[Any]) -> int:
    stack.append(getattr(obj, "value", None))
    return BLOCK


def _generator(obj: GeneratorType[Any, Any, Any], stack: list[Any]) -> int:
    if obj.gi_frame is None:
        return GENERATOR
    values = obj.gi_frame.f_locals
    if not obj.gi_code.co_filename.startswith(MARK):
        stack.append(values.get("self"))  # of an iterator of the run-time
        return BLOCK
    stack.extend(value for name, value in values.items() if name not in _HIDDEN)
    stack.append(obj.gi_yieldfrom)
    return blocks(GENERATOR + WORD * len(values))


def _method(obj: MethodType, stack: list[Any]) -> int:
    stack.append(obj.__self__)
    stack.append(obj.__func__)
    return BLOCK


def _class(obj: MpClass, stack: list[Any]) -> int:
    if obj is Instance or not issubclass(obj, Instance):
        return 0  # of the firmware
    names = [*obj.__dict__.values(), *obj.hidden_.values()]
    stack.extend(names)
    stack.extend(obj.__bases__)
    return CLASS + BLOCK + table(len(names), 2)


_SIZES: Final[dict[type, Callable[[Any, list[Any]], int]]] = {
    int: _int,
    float: _one_block,
    complex: _one_block,
    str: _text,
    bytes: _bytes,
    tuple: _tuple,
    list: _list,
    dict: _dict,
    Set: _set,
    FrozenSet: _frozen_set,
    range: _one_block,
    slice: _one_block,
    Module: _module,
    FunctionType: _function,
    Cell: _cell,
    GeneratorType: _generator,
    MethodType: _method,
    MpClass: _class,
}


def _other(obj: Any, kind: type, stack: list[Any]) -> int:
    """Objects of classes; iterators and other objects that hold a few more."""
    if type(kind) is MpClass:
        size = BLOCK
        if issubclass(kind, HostObject):
            # What it holds of the emulator itself is of types that count for nothing.
            stack.extend(gc.get_referents(obj))
        else:
            names = vars(obj)
            size += table(len(names), 2)
            stack.extend(names.values())
            stack.append(kind)
        if isinstance(obj, BaseException):
            stack.append(obj.args)
        for host in _BASES:
            if isinstance(obj, host):
                size += _SIZES[host](obj, stack)
        return size
    if isinstance(obj, BaseException):
        stack.append(obj.args)
        return 2 * BLOCK
    if isinstance(obj, float):
        return BLOCK
    if isinstance(obj, _HOLDERS) or kind.__name__.endswith("_iterator"):
        stack.extend(gc.get_referents(obj))
        return BLOCK
    return 0
