"""The memory that machine code of programs has besides the board's: code, tables, states, stack."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.runtime.heap import Block, Heap

BASE: Final = 0x6800_0000
"""No board has anything here, and a core may execute it."""
SIZE: Final = 4 << 20
UNDEFINED: Final = 0xDE
"""Two such bytes are an instruction that no processor has: code that is left by its end faults at
once, and the engine need not translate megabytes of zeros."""
STACK: Final = 512 << 10
"""Bytes at the end for the stack."""
RESERVE: Final = 4096
"""Bytes of the stack that are kept free for the function that is called."""


@final
class Region:
    """A memory on the board's bus.

    words: all of it, as words; heap: the part for code and data.
    """

    __slots__ = ("end", "heap", "limit", "memory", "words")

    def __init__(self, bus: Bus) -> None:
        self.memory = bus.memory("native", BASE, SIZE, fill=UNDEFINED)
        self.words = self.memory.buffer.cast("I")
        self.heap = Heap(BASE, SIZE - STACK, self.memory.buffer)
        self.end = BASE + SIZE
        self.limit = self.end - STACK + RESERVE
        """Where the stack must not come."""

    def put(self, data: bytes | bytearray) -> Block:
        """A copy of some bytes."""
        block = self.heap.alloc(max(len(data), 4))
        block.view(len(data))[:] = data
        return block

    def put_words(self, words: list[int]) -> Block:
        """A copy of some words."""
        return self.put(b"".join([word.to_bytes(4, "little") for word in words]))
