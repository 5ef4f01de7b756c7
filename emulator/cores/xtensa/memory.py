"""What an interpreter needs of memory, and that of a machine's bus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, final

from mpy_cross.emulator.bus import Bus, BusFault, Memory, Range, Window
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.numbers import (
    FETCH_PROHIBITED,
    LOAD_PROHIBITED,
    STORE_PROHIBITED,
)


class DataMemory(Protocol):
    """Memory as an instruction sees it; `Raised` where nothing answers.

    Sizes are 1, 2 and 4 bytes, little-endian; addresses need not be aligned.
    """

    def load(self, address: int, size: int) -> int: ...

    def store(self, address: int, size: int, value: int) -> None:
        """`value` may have more bits than fit; these are dropped."""

    def fetch(self, address: int) -> int:
        """Three bytes, as a number; at the end of memory the last ones may be 0."""


@final
class BusMemory:
    """The memories and devices of a bus.

    private: ranges that this core sees in place of the bus's.
    before: called ahead of each access to device registers.
    """

    __slots__ = ("_begin", "_code", "_end", "_read", "_read_base", "_read_size", "_written",
                 "_written_base", "_written_size", "before", "bus", "private")

    def __init__(self, bus: Bus, private: Sequence[Range] = ()) -> None:
        self.bus, self.private = bus, tuple(private)
        self.before: Callable[[], None] | None = None
        self._begin = self._end = 0  # of the memory that code was fetched from last
        self._code = memoryview(b"")
        # The memories that were read and written last.
        self._read = self._written = memoryview(b"")
        self._read_base = self._read_size = self._written_base = self._written_size = 0

    def find(self, address: int) -> Range | None:
        """The memory or window that holds the byte at `address`, None for a hole."""
        for one in self.private:
            if 0 <= address - one.base < one.size:
                return one
        return self.bus.find(address)

    def load(self, address: int, size: int) -> int:
        at = address - self._read_base
        if 0 <= at <= self._read_size - size:
            return int.from_bytes(self._read[at : at + size], "little")
        found = self.find(address)
        if type(found) is Memory:
            at = address - found.base
            if at + size <= found.size:
                if "r" not in found.perms:
                    raise Raised(LOAD_PROHIBITED, address, f"{found.name} is not readable")
                self._read, self._read_base, self._read_size = found.buffer, found.base, found.size
                return int.from_bytes(found.buffer[at : at + size], "little")
        try:
            if type(found) is Window:
                if self.before is not None:
                    self.before()
                if found in self.private:
                    return found.read(address - found.base, size) & ((1 << size * 8) - 1)
            return self.bus.read(address, size) & ((1 << size * 8) - 1)
        except BusFault as error:
            raise Raised(LOAD_PROHIBITED, error.address, str(error)) from None

    def store(self, address: int, size: int, value: int) -> None:
        at = address - self._written_base
        if 0 <= at <= self._written_size - size:
            self._written[at : at + size] = (value & ((1 << size * 8) - 1)).to_bytes(size, "little")
            return
        found = self.find(address)
        if type(found) is Memory:
            at = address - found.base
            if at + size <= found.size and "w" in found.perms:
                self._written, self._written_base = found.buffer, found.base
                self._written_size = found.size
                found.buffer[at : at + size] = (value & ((1 << size * 8) - 1)).to_bytes(
                    size, "little")
                return
        if self.before is not None and (type(found) is Window or (
                type(found) is Memory and found.store is not None)):
            self.before()
        try:
            if type(found) is Window and found in self.private:
                found.write(address - found.base, size, value & ((1 << size * 8) - 1))
                return
            self.bus.write(address, size, value)
        except BusFault as error:
            raise Raised(STORE_PROHIBITED, error.address, str(error)) from None

    def fetch(self, address: int) -> int:
        if not self._begin <= address < self._end:
            found = self.find(address)
            if type(found) is not Memory or "x" not in found.perms:
                raise Raised(FETCH_PROHIBITED, address,
                             "" if found is None else f"{found.name} is not executable")
            self._begin, self._end = found.base, found.base + found.size
            self._code = found.buffer
        at = address - self._begin
        return int.from_bytes(self._code[at : at + 3], "little")
