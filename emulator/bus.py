"""The address map: memories that share their bytes with the host, and windows to device registers.

`Bus.memories` and `Bus.windows` are plain data.  A core maps the first as its own memory (the host
and the core then see the same bytes) and the second as callbacks; the host's own accesses, such as
machine.mem32, go through `Bus.read` and `Bus.write`.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Final, NamedTuple, final

PAGE: Final = 4096


@final
class BusFault(Exception):
    """No memory and no device answers this access.

    address: where; size: bytes; kind: "read", "write", or "fetch" by a core.
    """

    def __init__(self, address: int, size: int, kind: str, text: str = "is not mapped") -> None:
        super().__init__(address, size, kind, text)  # so that it can be pickled
        self.address, self.size, self.kind, self.text = address, size, kind, text

    def __str__(self) -> str:
        return f"{self.kind} of {self.size} bytes at 0x{self.address:08x}: {self.text}"


@final
class Memory(NamedTuple):
    """A range of RAM, ROM or flash.

    base, size: in bytes; buffer: `size` bytes shared by host, core and aliases; perms: what the
    program may do, of "rwx"; alias: these bytes also stand, or first stand, at another address.
    store: what becomes of a store to a memory that is not writable, flash for instance: called with
    offset, size and value before the bytes change, True if it was taken.
    """

    name: str
    base: int
    size: int
    buffer: memoryview
    perms: str
    alias: bool = False
    store: Callable[[int, int, int], bool] | None = None


@final
class Window(NamedTuple):
    """A range of device registers.

    read(offset, size) gives the value, write(offset, size, value) stores one; size is 1, 2 or 4.
    alias: another view of registers (atomic access, bit-band) rather than the registers themselves.
    steady: offsets of words that read the same until an alarm goes off or something else in this
    window is accessed, and whose reading twice is as good as once.
    timeless: what it reads does not depend on the time.
    faster: for a window that shares its page with no other: puts something faster before the two
    callbacks of an engine, see `cores.devices.Devices`; None where it cannot.
    """

    name: str
    base: int
    size: int
    read: Callable[[int, int], int]
    write: Callable[[int, int, int], None]
    alias: bool = False
    steady: frozenset[int] = frozenset()
    timeless: bool = False
    faster: Callable[[Any, Any], tuple[Any, Any, int] | None] | None = None


Range = Memory | Window


@final
class Bus:
    """The address map of one machine. Ranges do not overlap; ValueError for one that would."""

    def __init__(self) -> None:
        self.memories: list[Memory] = []
        self.windows: list[Window] = []
        self._bases: list[int] = []
        self._ranges: list[Range] = []

    def memory(self, name: str, base: int, size: int, perms: str = "rwx", fill: int = 0,
               store: Callable[[int, int, int], bool] | None = None) -> Memory:
        """Adds a memory whose bytes are all `fill`; its buffer begins on a page of the host."""
        buffer = memoryview(mmap.mmap(-1, -(-size // PAGE) * PAGE))[:size]
        if fill:
            buffer[:] = bytes([fill]) * size
        return self._add_memory(Memory(name, base, size, buffer, perms, store=store))

    def alias(self, memory: Memory, base: int) -> Memory:
        """Lets the bytes of `memory` stand at `base` as well."""
        name = f"{memory.name}@0x{base:08x}"
        return self._add_memory(
            Memory(name, base, memory.size, memory.buffer, memory.perms, True, memory.store))

    def window(self, window: Window) -> Window:
        """Adds a range of device registers."""
        self._insert(window)
        self.windows.append(window)
        return window

    def _add_memory(self, memory: Memory) -> Memory:
        self._insert(memory)
        self.memories.append(memory)
        return memory

    def _insert(self, new: Range) -> None:
        at = bisect_right(self._bases, new.base)
        for other in self._ranges[max(at - 1, 0) : at + 1]:
            if new.base < other.base + other.size and other.base < new.base + new.size:
                raise ValueError(f"{new.name} at 0x{new.base:08x} overlaps {other.name}")
        self._bases.insert(at, new.base)
        self._ranges.insert(at, new)

    def find(self, address: int) -> Range | None:
        """The memory or window that holds the byte at `address`, None for a hole."""
        at = bisect_right(self._bases, address) - 1
        if at < 0:
            return None
        found = self._ranges[at]
        return found if address - found.base < found.size else None

    def read(self, address: int, size: int) -> int:
        """The little-endian value of 1, 2 or 4 bytes. BusFault where nothing answers."""
        found = self._find(address, size, "read")
        offset = address - found.base
        if isinstance(found, Window):
            return found.read(offset, size)
        return int.from_bytes(found.buffer[offset : offset + size], "little")

    def write(self, address: int, size: int, value: int) -> None:
        """Stores 1, 2 or 4 bytes; bits of `value` above them are dropped, as on a bus.

        BusFault where nothing answers, and for a memory that a program cannot write.
        """
        found = self._find(address, size, "write")
        offset = address - found.base
        value &= (1 << size * 8) - 1
        if isinstance(found, Window):
            found.write(offset, size, value)
        elif "w" in found.perms or (found.store is not None and found.store(offset, size, value)):
            found.buffer[offset : offset + size] = value.to_bytes(size, "little")
        else:
            raise BusFault(address, size, "write", f"{found.name} is not writable")

    def spans(self, page: int) -> list[tuple[int, int]]:
        """(base, size) of the ranges that hold device windows, in whole pages of `page` bytes.

        For a core that can only map pages: windows may be smaller, and several share one.  It maps
        a span and hands accesses in it to `read` and `write`.
        """
        spans: list[tuple[int, int]] = []
        for window in sorted(self.windows, key=lambda each: each.base):
            base = window.base // page * page
            end = -(-(window.base + window.size) // page) * page
            if spans and base <= sum(spans[-1]):
                start, size = spans.pop()
                base, end = start, max(end, start + size)
            spans.append((base, end - base))
        return spans

    def view(self, address: int, size: int) -> memoryview:
        """The bytes of a memory, shared. BusFault unless one memory holds all of them."""
        found = self.find(address)
        if found is None or isinstance(found, Window) or address + size > found.base + found.size:
            raise BusFault(address, size, "read", "is no memory")
        offset = address - found.base
        return found.buffer[offset : offset + size]

    def load(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Puts bytes into a memory, a ROM or flash too: what a programmer or the host does."""
        self.view(address, len(data))[:] = data

    def _find(self, address: int, size: int, kind: str) -> Range:
        at = bisect_right(self._bases, address) - 1
        if at >= 0:
            found = self._ranges[at]
            if address - found.base <= found.size - size:
                if address % size and isinstance(found, Window):
                    raise BusFault(address, size, kind, "is unaligned in device registers")
                return found
        raise BusFault(address, size, kind)


def bitband(name: str, base: int, bus: Bus, target: int, size: int) -> Window:
    """The bit-band alias at `base` of `size` bytes at `target` (ARMv7-M manual, B3.2).

    Word n of the alias is bit n%8 of byte n//8; a write changes that bit by reading and writing its
    byte, so registers whose read has an effect feel it, as on the chip.
    """
    def read(offset: int, size: int) -> int:
        return bus.read(target + (offset >> 5), 1) >> (offset >> 2 & 7) & 1

    def write(offset: int, size: int, value: int) -> None:
        address, bit = target + (offset >> 5), 1 << (offset >> 2 & 7)
        old = bus.read(address, 1)
        bus.write(address, 1, old | bit if value & 1 else old & ~bit)

    return bus.window(Window(name, base, size * 32, read, write, alias=True))
