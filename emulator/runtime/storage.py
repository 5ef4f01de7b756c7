"""Memory as the program's buffers, pointers and structures see it.

The heap, the rest of the machine's memory where there is a board, and the words that stand for
objects in memory (typecode `O`).
"""

from __future__ import annotations

from typing import Any, Final, Protocol, final

from mpy_cross.emulator.runtime.heap import Block, Heap

WORD: Final = 4
"""Bytes of a machine word of the boards."""
SMALL_INT: Final = 1 << 30
_FIRST_OBJECT: Final = 0xE0000000
"""Words of objects start where no board has memory."""


class Bus(Protocol):
    """The memory and the registers of a board."""

    def read(self, address: int, size: int) -> int:
        """The value of 1, 2 or 4 bytes."""

    def write(self, address: int, size: int, value: int) -> None:
        """Store 1, 2 or 4 bytes."""

    def view(self, address: int, size: int) -> memoryview:
        """The bytes of a memory, shared; an error for registers."""


class Words(Protocol):
    """What machine words mean as objects."""

    def word(self, value: Any) -> int:
        """The word for an object."""

    def value(self, word: int) -> Any:
        """The object for a word; None for a word that stands for none."""


@final
class ObjectWords:
    """Words for objects where no native code defines them: small ints, and numbers of objects."""

    __slots__ = ("_numbers", "_objects")

    def __init__(self) -> None:
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}

    def word(self, value: Any) -> int:
        """The word for an object, which then lives as long as the run-time."""
        if type(value) is int and -SMALL_INT <= value < SMALL_INT:
            return (value << 1 | 1) & 0xFFFFFFFF
        number = self._numbers.get(id(value))
        if number is None:
            number = len(self._objects)
            self._objects.append(value)
            self._numbers[id(value)] = number
        return _FIRST_OBJECT + number * WORD

    def value(self, word: int) -> Any:
        """The object for a word."""
        if word & 1:
            return (word >> 1) - (1 << 31 if word >> 31 else 0)
        number = (word - _FIRST_OBJECT) // WORD
        return self._objects[number] if 0 <= number < len(self._objects) else None


@final
class Storage:
    """The memory of a run-time.

    heap: where buffers are; bus: the memory of the board, if there is one; float_type: what the
    program's floats are.
    """

    __slots__ = ("_kept", "bus", "float_type", "heap", "words")

    def __init__(self, heap: Heap | None = None, float_type: type[float] = float) -> None:
        self.heap = heap or Heap()
        self.bus: Bus | None = None
        self.float_type = float_type
        self.words: Words = ObjectWords()
        self._kept: dict[bytes, Block] = {}
        self.heap.reclaim = self._let_go

    def keep(self, data: bytes) -> int:
        """The address of constant bytes: they are copied to the heap once, with a zero behind."""
        block = self._kept.get(data)
        if block is None:
            block = self.heap.alloc(len(data) + 1)
            block.view(len(data) + 1)[:] = data + b"\0"
            self._kept[data] = block
        return block.address

    def _let_go(self) -> None:
        """Drop the older half of the constants: the heap is full."""
        for data in list(self._kept)[: (len(self._kept) + 1) // 2]:
            del self._kept[data]

    def view(self, address: int, size: int) -> memoryview:
        """Memory of the machine, shared.  Raises the error of the bus if there is none there."""
        if self.bus is not None and not self.heap.holds(address, size):
            return self.bus.view(address, size)
        return self.heap.view(address, size)

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the machine; 1, 2 or 4 of them are one access where registers are."""
        if self.heap.holds(address, size):
            return self.heap.view(address, size).tobytes()
        if self.bus is None:
            raise ValueError(f"no memory at 0x{address:x}")
        if size in (1, 2, 4):
            return self.bus.read(address, size).to_bytes(size, "little")
        return self.bus.view(address, size).tobytes()

    def write(self, address: int, data: bytes) -> None:
        """Store bytes; 1, 2 or 4 of them are one access where registers are."""
        size = len(data)
        if self.heap.holds(address, size):
            self.heap.view(address, size)[:] = data
        elif self.bus is None:
            raise ValueError(f"no memory at 0x{address:x}")
        elif size in (1, 2, 4):
            self.bus.write(address, size, int.from_bytes(data, "little"))
        else:
            self.bus.view(address, size)[:] = data

    def text_at(self, address: int) -> bytes:
        """The bytes at an address up to a zero."""
        out = bytearray()
        while True:
            byte = self.read(address + len(out), 1)
            if byte == b"\0":
                return bytes(out)
            out += byte
