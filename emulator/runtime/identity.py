"""`id`, `hash` and the addresses that are printed: the same on every run, unlike the host's."""

from __future__ import annotations

from functools import lru_cache
from types import MethodType, WrapperDescriptorType
from typing import Any, Final, final
from weakref import ref

FIRST: Final = 0x2000_8000
"""An address in the RAM of boards."""
STEP: Final = 16
"""Bytes of a block of the heap."""
SMALL_INT: Final = 1 << 30
START: Final = 5381
HASH_BYTES: Final = 2
NONE: Final = 6
"""The word of None (py/obj.h, representation A)."""
EMPTY_TUPLE: Final = 0x0804_0000
"""Tuples begin with the address of the empty one, which each build of a firmware has elsewhere."""
LARGEST: Final = 0x7FFF_FFFF
WORD: Final = 0xFFFF_FFFF
KNOWN_TEXTS: Final = 4096


@final
class Identities:
    """Numbers of the objects that were asked for, in the order of the questions.

    text_bits: ones for each bit of the hash of a string.
    """

    __slots__ = ("_count", "_known", "text_bits")

    def __init__(self, hash_bytes: int = HASH_BYTES) -> None:
        self.text_bits = (1 << 8 * hash_bytes) - 1
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


@lru_cache(KNOWN_TEXTS)
def _text_hash(data: bytes) -> int:
    value = START
    for byte in data:
        value = (value * 33 ^ byte) & WORD
    return value


def text_hash(data: bytes) -> int:
    """MicroPython's hash of a string or bytes object."""
    return _text_hash(data) & _current.text_bits or 1


def _small(value: int) -> int:
    """What a small int keeps of a machine word."""
    return ((value + SMALL_INT) & LARGEST) - SMALL_INT


def _float_hash(value: float) -> int:
    """The number without its fraction, as the instruction VCVT makes it (boards are built without
    MICROPY_FLOAT_HIGH_QUALITY_HASH)."""
    if value != value:
        return 0
    return int(max(min(value, LARGEST), -LARGEST - 1))


def stable_hash(value: Any) -> int:
    """`hash(value)` of a board (py/runtime.c, MP_UNARY_OP_HASH).  Raises TypeError."""
    if isinstance(value, str):
        return text_hash(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, int):
        if -SMALL_INT <= value < SMALL_INT:
            return int(value)
        return _small(value)
    own: Any = type(value).__hash__
    if type(own) is not WrapperDescriptorType:  # of the program, or None
        return _small(hash(value))
    if isinstance(value, bytes):
        return text_hash(value)
    if isinstance(value, tuple):
        return _small(EMPTY_TUPLE + sum([stable_hash(item) for item in value]))
    if value is None:
        return NONE
    if isinstance(value, frozenset):
        return _small(sum([stable_hash(item) for item in value]))
    if isinstance(value, float):
        return _small(_float_hash(value))
    if isinstance(value, complex):
        return _small(_float_hash(value.real) ^ _float_hash(value.imag))
    if own is object.__hash__:
        return address(value)
    if isinstance(value, MethodType):
        return _small(address(value.__self__) ^ address(value.__func__))
    hash(value)  # it may have none
    if isinstance(value, range):
        raise TypeError("unsupported type for __hash__: 'range'")
    return address(value)
