"""Names of the firmware: the pools of interned strings, read from its memory.

A pool is a structure with the pool before it, the number of strings in all pools before it, its
capacity, its length, and a pointer for each string (py/qstr.h).  What a pointer leads to changed:
first a hash, a length and the characters; from 1.19 on the characters alone, with hashes and
lengths in arrays that two more pointers of the pool lead to.  How many bytes a hash and a length
have is a matter of configuration.  The form is found by reading the first pool, whose strings are
the same in every build.
"""

from __future__ import annotations

from typing import Final, NamedTuple, final

from mpy_cross.emulator.bus import BusFault
from mpy_cross.emulator.firmware.image import Image
from mpy_cross.emulator.observe.words import ObserveError, Words
from mpy_cross.loader.static_qstrs import STATIC_QSTRS

STATE: Final = "mp_state_ctx"
POOLS: Final = ("mp_qstr_frozen_const_pool", "mp_qstr_const_pool")
_TRIED: Final = 60  # strings by which a form is recognized
_LONGEST_CHAIN: Final = 64
_COUNT: Final = 0x7FFF_FFFF  # the top bit of the number says that a pool is sorted


class Form(NamedTuple):
    """arrays: pointers to arrays before the strings' pointers, the last to the lengths; 0: hash and
    length stand before the characters.  hash_bytes, length_bytes: their sizes (hash only then)."""

    arrays: int
    hash_bytes: int
    length_bytes: int


FORMS: Final = (
    *(Form(0, hashes, lengths) for lengths in (1, 2) for hashes in (2, 1, 0, 4)),
    *(Form(arrays, 0, lengths) for lengths in (1, 2) for arrays in (2, 1)),
)


class _Pool(NamedTuple):
    address: int
    first: int
    length: int


@final
class Qstrs:
    """Strings by number.  ObserveError if the image lacks a symbol or its pools cannot be read."""

    def __init__(self, words: Words, image: Image) -> None:
        self._words = words
        state = image.symbol(STATE)
        self._known = [symbol.address for name in POOLS
                       if (symbol := image.symbol(name)) is not None]
        if state is None or not self._known:
            raise ObserveError(f"the image has no symbol {STATE if state is None else POOLS[1]}")
        self._state, self._size = state.address, state.size
        bottom = self._known[0]
        try:
            while before := words.word(bottom):
                bottom = before
            self._bottom = bottom
            self.form = next(form for form in FORMS if self._fits(form))
        except (BusFault, StopIteration):
            raise ObserveError(f"the strings at 0x{self._known[0]:08x} have an unknown form; the "
                               "image may not be the one that runs") from None

    def _fits(self, form: Form) -> bool:
        """Does the first pool, read in this form, begin with the strings that it has to have?"""
        try:
            return all(self._string(self._bottom, form, number) == STATIC_QSTRS[number - 1]
                       for number in range(1, _TRIED))
        except BusFault:
            return False

    def _string(self, pool: int, form: Form, at: int) -> bytes:
        words = self._words
        address = words.word(pool + 16 + 4 * (form.arrays + at))
        if form.arrays:
            lengths = words.word(pool + 12 + 4 * form.arrays)
            place = lengths + form.length_bytes * at
        else:
            place = address + form.hash_bytes
            address = place + form.length_bytes
        length = int.from_bytes(words.read(place, form.length_bytes), "little")
        return words.read(address, length)

    def _chain(self, pool: int) -> list[_Pool]:
        """The pools from this one down; empty if it is none."""
        words, chain = self._words, list[_Pool]()
        try:
            while pool and len(chain) < _LONGEST_CHAIN and not pool & 3:
                found = _Pool(pool, words.word(pool + 4) & _COUNT, words.word(pool + 12))
                if chain and found.first + found.length != chain[-1].first:
                    return []
                chain.append(found)
                if pool == self._bottom:
                    return chain if not found.first else []
                pool = words.word(pool)
        except BusFault:
            pass
        return []

    def _pools(self) -> list[_Pool]:
        """All pools, the newest first: the longest chain that the firmware's state leads to."""
        words = self._words
        best: list[_Pool] = []
        candidates = {words.word(self._state + at) for at in range(0, self._size - 3, 4)}
        for pool in [*self._known, *candidates]:
            if pool > _COUNT >> 8:  # not a small number
                chain = self._chain(pool)
                if chain and (not best or chain[0].first + chain[0].length
                              > best[0].first + best[0].length):
                    best = chain
        return best

    def text(self, number: int) -> str:
        """The string of that number, "?" if there is none."""
        for pool in self._pools():
            if pool.first <= number < pool.first + pool.length:
                try:
                    data = self._string(pool.address, self.form, number - pool.first)
                except BusFault:
                    break
                return data.decode("utf-8", "replace")
        return "?"
