"""`id`, `hash` and the addresses that are printed: the same on every run, unlike the host's."""

from __future__ import annotations

from typing import Any, Final, final
from weakref import ref

FIRST: Final = 0x2000_8000
"""An address in the RAM of boards."""
STEP: Final = 16
"""Bytes of a block of the heap."""
SMALL_INT: Final = 1 << 30
START: Final = 5381
HASH_BITS: Final = 0xFFFF
"""Strings are hashed to two bytes (MICROPY_QSTR_BYTES_IN_HASH)."""


@final
class Identities:
    """Numbers of the objects that were asked for, in the order of the questions."""

    __slots__ = ("_count", "_known")

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Any]] = {}
        self._count = 0

    def address(self, value: Any) -> int:
        """A number like an address; another one for every object that lives."""
        key = id(value)
        known = self._known.get(key)
        if known is None:
            forget = self._known.pop
            try:
                watcher = ref(value, lambda _: forget(key, None))
            except TypeError:  # such an object does not tell when it goes
                watcher = None
            known = self._known[key] = FIRST + STEP * self._count, watcher
            self._count += 1
        return known[0]


_current = Identities()


def use(identities: Identities) -> None:
    """From now on `address` is about this program's objects."""
    global _current
    _current = identities


def address(value: Any) -> int:
    """Where the running program sees an object."""
    return _current.address(value)


def text_hash(data: bytes) -> int:
    """MicroPython's hash of a string or bytes object."""
    value = START
    for byte in data:
        value = value * 33 ^ byte
        if value > 1 << 64:
            value &= HASH_BITS
    return value & HASH_BITS or 1


def stable_hash(value: Any) -> int:
    """The hash of an object in which there may be strings.  Raises TypeError."""
    if isinstance(value, str):
        return text_hash(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, bytes):
        return text_hash(value)
    if isinstance(value, tuple):
        return hash(tuple(stable_hash(item) for item in value))
    if isinstance(value, frozenset):
        return hash(frozenset(stable_hash(item) for item in value))
    if isinstance(value, int) and -SMALL_INT <= value < SMALL_INT:
        return int(value)  # the host has another hash for -1
    own: Any = type(value).__hash__
    if own is object.__hash__:
        return address(value)
    return hash(value)
