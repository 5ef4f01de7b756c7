"""The memory of a board as the firmware's structures are read: words, halfwords, bytes.

Only memories are read, never registers of devices, so reading changes nothing.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.bus import Bus, BusFault, Memory


class ObserveError(Exception):
    """A program cannot be observed: what is missing."""


@final
class Words:
    """What the bus has at an address.  All methods raise BusFault where there is no memory."""

    __slots__ = ("bus",)

    def __init__(self, bus: Bus) -> None:
        self.bus: Final = bus

    def word(self, address: int) -> int:
        return int.from_bytes(self.bus.view(address, 4), "little")

    def half(self, address: int) -> int:
        return int.from_bytes(self.bus.view(address, 2), "little")

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.bus.view(address, size))

    def upto(self, address: int, most: int) -> bytes:
        """At most so many bytes: fewer where the memory ends."""
        found = self.bus.find(address)
        if not isinstance(found, Memory):
            raise BusFault(address, 1, "read", "is no memory")
        return bytes(self.bus.view(address, min(most, found.base + found.size - address)))

    def writable(self, address: int) -> bool:
        """Is it RAM?"""
        found = self.bus.find(address)
        return isinstance(found, Memory) and "w" in found.perms
