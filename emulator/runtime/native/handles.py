"""Objects as the words that machine code knows them by.

Small ints, qstrs and the immediate constants are as on a board (py/obj.h, representation A).  All
else is a handle, the number of an object in a table here: no memory is there, as machine code only
passes such words on.  Cells of closures it reads and writes itself: those are in memory, see
`cells`.

Handles last until the outermost call into machine code ends.  Should the table become full before
that, those are freed that are found neither on the stack nor in the registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, final

from mpy_cross.emulator.runtime.scheduler import HardFault
from mpy_cross.loader.static_qstrs import FIRST_STATIC, STATIC_QSTRS

NULL: Final = 0
SENTINEL: Final = 4
NONE, FALSE, TRUE = 6, 14, 30
HANDLES: Final = 0xA100_0000
PINNED: Final = 0xC000_0000
"""Handles of what a file holds: they last as long as it."""
STEP: Final = 16
"""Bytes from one handle to the next: machine code reads the words of some objects itself (`lists`).
"""
SHIFT: Final = 4
ODD: Final = STEP - 1
SMALL: Final = 1 << 30
WORD: Final = 0xFFFF_FFFF
FIRST_SIZE: Final = 4096
RECENT: Final = 256
"""So many of the last handles may not have come to the machine yet."""
MOST_NAMES: Final = 1 << 16
STATIC_NAMES: Final = tuple([name.decode() for name in STATIC_QSTRS])

_IMMEDIATE: Final[dict[int, Any]] = {NONE: None, FALSE: False, TRUE: True}


class BadWord(HardFault):
    """Machine code passed a word that is no object."""


@final
class Handles:
    """The table of objects.

    roots: the words in which handles may be; placed, place_value: words of objects that are in
    memory, by their type, and objects by the address where they are.
    """

    __slots__ = ("_kept", "_numbers", "_partial", "_pinned_free", "_refuse", "collected", "free",
                 "made", "names", "objects", "order", "pinned", "place_value", "placed", "roots")

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self.order: list[int] = []
        self.free: list[int] = []
        self._kept: list[int] = []
        """Those that are free while somebody watches."""
        self._refuse: Callable[[Any], None] | None = None
        self._partial = False
        self._start()
        self.pinned: list[Any] = []
        self._pinned_free: list[int] = []
        self.names: list[str] = ["", *STATIC_NAMES]
        """qstrs, by number; modules written in C know those that are the same everywhere."""
        self._numbers = {name: number for number, name in enumerate(STATIC_NAMES, FIRST_STATIC)}
        self.roots: Callable[[], Iterable[int]] = tuple
        self.placed: dict[type, Callable[[Any], int]] = {}
        self.place_value: Callable[[int], Any] = _nothing
        self.collected: Callable[[], None] = _ignore
        self.made: Callable[[int], None] = _ignore_count
        """Called with how many objects had come since the last call, 0 for none because all are
        gone.  May raise MemoryError."""

    def _start(self) -> None:
        self.objects[:] = [None] * FIRST_SIZE
        self.order = list(range(FIRST_SIZE - 1, -1, -1))
        self.free = self.order[:]
        self._partial = False

    # ---------------------------------------------------------------------------------- words

    def word(self, value: Any) -> int:
        """The word for an object."""
        kind = type(value)
        if kind is int:
            if -SMALL <= value < SMALL:
                small: int = value << 1 & WORD | 1
                return small
        elif value is None:
            return NONE
        elif kind is bool:
            return TRUE if value else FALSE
        elif kind in self.placed:
            return self.placed[kind](value)
        free = self.free
        index = free.pop() if free else self._more(value)
        self.objects[index] = value
        return HANDLES + index * STEP

    def new(self, value: Any) -> int:
        """A handle, whatever the object is."""
        free = self.free
        index = free.pop() if free else self._more(value)
        self.objects[index] = value
        return HANDLES + index * STEP

    def value(self, word: int) -> Any:
        """The object for a word."""
        if word & 1:
            return word >> 1 if word < 0x8000_0000 else (word >> 1) - 0x8000_0000
        if word >= HANDLES:
            if not word & ODD:
                if word < PINNED:
                    return self.objects[word - HANDLES >> SHIFT]
                if word - PINNED >> SHIFT < len(self.pinned):
                    return self.pinned[word - PINNED >> SHIFT]
        elif word & 7 == 2:
            return self.names[word >> 3]
        elif word in _IMMEDIATE:
            return _IMMEDIATE[word]
        elif word == NULL:
            raise NameError("local variable referenced before assignment")
        return self.place_value(word)

    def number(self, name: str) -> int:
        """The number of a qstr.  Raises MemoryError beyond 16 bits."""
        number = self._numbers.get(name)
        if number is None:
            number = len(self.names)
            if number >= MOST_NAMES:
                raise MemoryError("memory allocation failed")
            self.names.append(name)
            self._numbers[name] = number
        return number

    def name_word(self, name: str) -> int:
        """The word of a qstr as an object."""
        return self.number(name) << 3 | 2

    # ----------------------------------------------------------------------------- long-lived

    def pin(self, value: Any) -> int:
        """A word for an object that stays until `unpin`."""
        if value is None or type(value) is bool:
            return self.word(value)
        if type(value) is int and -SMALL <= value < SMALL:
            return self.word(value)
        if self._pinned_free:
            index = self._pinned_free.pop()
            self.pinned[index] = value
        else:
            index = len(self.pinned)
            self.pinned.append(value)
        return PINNED + index * STEP

    def unpin(self, word: int) -> None:
        if word >= PINNED and not word & ODD:
            index = word - PINNED >> SHIFT
            self.pinned[index] = None
            self._pinned_free.append(index)

    # -------------------------------------------------------------------------------- freeing

    def reset(self) -> None:
        """No machine code is running: all handles are free."""
        refuse = self._refuse
        if refuse is not None:
            self.watch(None)
            self._reset()
            self.watch(refuse)
        else:
            self._reset()

    def _reset(self) -> None:
        if self._partial:
            self._start()
            self.made(0)
            return
        free = len(self.free)
        if free != len(self.order):
            used = self.order[free:]
            objects = self.objects
            for index in used:
                objects[index] = None
            self.free += used

    def marked(self) -> bytearray:
        """Which handles are found where machine code keeps words."""
        end = HANDLES + STEP * len(self.objects)
        found = bytearray(len(self.objects))
        for word in self.roots():
            if HANDLES <= word < end and not word & ODD:
                found[word - HANDLES >> SHIFT] = 1
        return found

    def watch(self, refuse: Callable[[Any], None] | None) -> None:
        """From now on ask about each object that gets a handle, by leaving none free; None: no
        more."""
        self._refuse = refuse
        if refuse is None:
            self.free += self._kept
            self._kept = []
        elif not self._kept:
            self._kept, self.free[:] = self.free[:], []

    def held(self) -> list[Any]:
        """The objects that running machine code knows."""
        found = self.marked()
        for index in self.order[len(self.free) :][-RECENT:]:
            found[index] = 1
        return [each for each, is_found in zip(self.objects, found, strict=True) if is_found]

    def _more(self, value: Any) -> int:
        """No handle is free: a free index.  Frees those that are not found, or makes the table
        larger, unless there are some after all, and somebody wants to see the object first."""
        if self._refuse is not None:
            self._refuse(value)
            if self._kept:
                return self._kept.pop()
        self.collected()
        objects = self.objects
        found = self.marked()
        for each in self.order[:RECENT]:
            found[each] = 1
        size = len(objects)
        free = [each for each in range(size - 1, -1, -1) if not found[each]]
        dropped = [objects[each] for each in free]
        for each in free:
            objects[each] = None
        if len(free) < size // 2:
            objects += [None] * size
            free = [*range(2 * size - 1, size - 1, -1), *free]
        self.order, self.free, self._partial = free[:], free, True
        del dropped
        self.made(len(free))
        index = self.free.pop()
        if self._refuse is not None:
            self.watch(self._refuse)
        return index


def _nothing(word: int) -> Any:
    raise BadWord(f"0x{word:08x} is no object")


def _ignore() -> None:
    """Nobody wants to know."""


def _ignore_count(count: int) -> None:
    """Nobody counts."""
