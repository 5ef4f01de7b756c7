"""The heap of the emulated board: memory that native code of the program can point into.

Only what has an address lives here: the contents of bytearrays, arrays and of strings whose address
was asked for.  Blocks are 16 bytes, as in MicroPython on a 32-bit machine (manual 4.4.2), and the
allocation table has one byte for each: free, head or tail.
"""

from __future__ import annotations

import gc
import mmap
import re
from collections.abc import Callable
from typing import Final, NamedTuple, final

BLOCK: Final = 16
"""Bytes of the smallest allocation: four machine words."""
DEFAULT_BASE: Final = 0x20004000
DEFAULT_SIZE: Final = 1 << 20
LOCKED: Final = "memory allocation failed, heap is locked"

FREE: Final = 0
HEAD: Final = 1
TAIL: Final = 2
_CHAIN: Final = re.compile(rb"\x01\x02*")
_GAP: Final = re.compile(rb"\x00+")


class HeapStatistics(NamedTuple):
    """What `micropython.mem_info` prints; `total`, `used` and `free` in bytes, the rest in blocks.

    one_blocks, two_blocks: how many allocations have this size; max_block, max_free: the longest
    allocation and the longest gap.
    """

    total: int
    used: int
    free: int
    one_blocks: int
    two_blocks: int
    max_block: int
    max_free: int


@final
class Block:
    """An allocation, freed when nothing refers to this object any more."""

    __slots__ = ("address", "count", "heap", "size")

    def __init__(self, heap: Heap, address: int, count: int, size: int) -> None:
        self.heap = heap
        self.address = address
        """Where the emulated machine sees it."""
        self.count = count
        """Blocks of the heap that it takes."""
        self.size = size
        """Bytes that were asked for."""

    def view(self, size: int) -> memoryview:
        """Its first bytes, shared with the machine; `size` may use all of its blocks."""
        start = self.address - self.heap.base
        return self.heap.arena[start : start + size]

    def __del__(self) -> None:
        if self.count:
            self.heap.release(self)


@final
class Heap:
    """An arena of memory with first-fit allocation.

    base: address of the arena; size: its bytes; arena: the memory itself, if the board has it.
    """

    __slots__ = ("_lowest", "_table", "arena", "base", "locked", "reclaim", "size")

    def __init__(
        self,
        base: int = DEFAULT_BASE,
        size: int = DEFAULT_SIZE,
        arena: memoryview | None = None,
    ) -> None:
        if base % BLOCK or size < BLOCK or (arena is not None and len(arena) < size):
            raise ValueError(f"heap of {size} bytes at 0x{base:x} does not fit")
        size -= size % BLOCK
        self.base = base
        self.size = size
        self.arena: memoryview = memoryview(mmap.mmap(-1, size)) if arena is None else arena[:size]
        self._table = bytearray(size // BLOCK)
        self._lowest = 0
        """No block below this one is free."""
        self.locked = 0
        """How often `micropython.heap_lock` was called; nothing can be allocated if not 0."""
        self.reclaim: Callable[[], object] | None = None
        """Called when the heap is full: lets go of what can be made anew."""

    def alloc(self, size: int) -> Block:
        """`size` bytes; what they hold is left from before.  Raises MemoryError."""
        if size == 0:
            return Block(self, 0, 0, 0)
        if self.locked:
            raise MemoryError(LOCKED)
        count = (size + BLOCK - 1) // BLOCK
        table = self._table
        first = self._find(count) if 0 < count <= len(table) else -1
        if first < 0:
            first = self._find_after_collecting(count, size)
        table[first] = HEAD
        if count > 1:
            table[first + 1 : first + count] = b"\x02" * (count - 1)
        if first == self._lowest:
            self._lowest = first + count
        return Block(self, self.base + first * BLOCK, count, size)

    def _find(self, count: int) -> int:
        table = self._table
        low = table.find(FREE, self._lowest)
        if low < 0:
            self._lowest = len(table)
            return -1
        self._lowest = low
        return low if count == 1 else table.find(bytes(count), low)

    def _find_after_collecting(self, count: int, size: int) -> int:
        if 0 < count <= len(self._table):
            gc.collect()
            first = self._find(count)
            if first < 0 and self.reclaim is not None:
                self.reclaim()
                first = self._find(count)
            if first >= 0:
                return first
        raise MemoryError(f"memory allocation failed, allocating {size & 0xFFFFFFFF} bytes")

    def grow(self, block: Block, size: int) -> bool:
        """Let an allocation have `size` bytes where it is; False if the blocks behind are used."""
        if self.locked and size > block.size:
            return False
        count = (size + BLOCK - 1) // BLOCK
        if count > block.count:
            end = (block.address - self.base) // BLOCK + block.count
            more = count - block.count
            if not block.count or self.locked or self._table[end : end + more] != bytes(more):
                return False
            self._table[end : end + more] = b"\x02" * more
            block.count = count
        block.size = size
        return True

    def release(self, block: Block) -> None:
        """Give the blocks of an allocation back."""
        first = (block.address - self.base) // BLOCK
        count = block.count
        if count == 1:
            self._table[first] = FREE
        else:
            self._table[first : first + count] = bytes(count)
        block.count = 0
        if first < self._lowest:
            self._lowest = first

    def holds(self, address: int, size: int) -> bool:
        """Whether all these bytes are in the arena."""
        return self.base <= address and address + size <= self.base + self.size

    def view(self, address: int, size: int) -> memoryview:
        """Bytes of the arena.  Raises ValueError if they are not all in it."""
        if not self.holds(address, size):
            raise ValueError(f"{size} bytes at 0x{address:x} are not in the heap")
        return self.arena[address - self.base : address - self.base + size]

    def table(self) -> bytes:
        """The allocation table: FREE, HEAD or TAIL for each block."""
        return bytes(self._table)

    def used(self) -> int:
        """Bytes of the blocks that are in use."""
        return self.size - self._table.count(FREE) * BLOCK

    def statistics(self) -> HeapStatistics:
        """The state of the heap."""
        chains = [match.end() - match.start() for match in _CHAIN.finditer(self._table)]
        gaps = [match.end() - match.start() for match in _GAP.finditer(self._table)]
        used = sum(chains) * BLOCK
        return HeapStatistics(
            self.size,
            used,
            self.size - used,
            chains.count(1),
            chains.count(2),
            max(chains, default=0),
            max(gaps, default=0),
        )
