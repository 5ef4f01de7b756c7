"""Unicorn as what executes translated code: its memory, which is that of the program's bus.

A page of the engine is handed to it only if memory of the bus fills it; accesses to all others come
back as refused, at their instruction, and the interpreter does them.  Pages from which code was
translated are handed out for reading only, so that the first store to them is refused as well.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterable
from typing import Any, Final, final

from mpy_cross.emulator.bus import Memory, Range
from mpy_cross.emulator.cores.unicorn_common import (
    PROT_ALL,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    SIZES,
    WORDS,
    ZERO,
    Engine,
)
from mpy_cross.emulator.cores.unicorn_library import A72, ARCH_ARM64, ARM64_REGISTERS, MODE_ARM
from mpy_cross.emulator.cores.unicorn_memory import MEM_WRITE, Pages, virtual_works
from mpy_cross.emulator.cores.xtensa import layout as at

_PAGE_BITS: Final = (16, 14, 12)  # of pages of the engine, the best first
_LEFT_OVER: Final = 8  # the part of memory (one in so many bytes) that need not fill pages


def whole_pages(one: Memory, bits: int) -> range:
    """The numbers of the pages that a memory fills."""
    return range(-(-one.base >> bits), one.base + one.size >> bits)


def best_page(memories: Iterable[Memory]) -> int:
    """log2 of the size of the largest pages that most of the memory fills."""
    for bits in _PAGE_BITS:
        total = filled = 0
        for one in memories:
            total += one.size
            filled += len(whole_pages(one, bits)) << bits
        if (total - filled) * _LEFT_OVER <= total:
            return bits
    return _PAGE_BITS[-1]


def _buffer(size: int) -> memoryview:
    return memoryview(mmap.mmap(-1, size))


@final
class XtensaEngine:
    """The engine of one core.

    page_bits: log2 of the size of its pages.  state: memory of the state (see `layout`), as words
    and as double words; code: of translated code; table: of the tables of indirect jumps.
    run, ref: what runs it with prepared arguments, see `start`.
    refused: address (of the page, or in it) and kind of the access that was last refused; -1 if the
    engine did not say.
    """

    __slots__ = ("_allowed", "_engine", "_fpcr", "_fpsr", "_gone", "_pages", "_pc",
                 "_twins", "_virtual", "_watched", "code", "double", "page_bits", "ref",
                 "refused", "run", "state", "table", "words")

    def __init__(self, memories: list[Memory], private: tuple[Range, ...]) -> None:
        self._virtual = virtual_works()
        self.page_bits = best_page(memories) if self._virtual else _PAGE_BITS[-1]
        engine = self._engine = Engine(
            ARCH_ARM64, MODE_ARM, A72, False, virtual=self._virtual,
            page=1 << self.page_bits if self._virtual else 0)
        self._pc, self._fpcr, self._fpsr = (
            ARM64_REGISTERS[name] for name in ("pc", "fpcr", "fpsr"))
        self.state, self.code = _buffer(at.STATE_SIZE), _buffer(at.CODE_SIZE)
        self.table = _buffer(at.TABLE_SIZE * at.MODES)
        self.words, self.double = self.state.cast("I"), self.state.cast("Q")
        self.refused = (-1, 0)
        self._allowed: dict[int, int] = {}  # by page: what the program may do
        self._watched: set[int] = set()
        self._gone: dict[int, int] = {}  # by watched page: what it does not allow because of that
        self._twins: dict[int, list[int]] = {}  # pages with the same bytes
        read_write = PROT_READ | PROT_WRITE
        self._map(at.STATE_AT, self.state, read_write)
        self._map(at.TABLES_AT, self.table, read_write)
        self._map(at.CODE_AT, self.code, PROT_ALL if self._virtual else PROT_READ | PROT_EXEC)
        self._map_memories(memories, private)
        self._pages = Pages(engine, self._filler()) if self._virtual else None
        engine.write(ARM64_REGISTERS["cpacr_el1"], 3 << 20)  # floating point is on
        engine.write(ARM64_REGISTERS["x28"], at.STATE_AT)
        self.run: Any = engine.lib.start_held
        self.ref: Any = engine.ref

    def start(self, host: int) -> int:
        """Runs from a host address until a WFI; the uc_err, with the host's pc in `pc`."""
        error: int = self.run(self.ref, WORDS[host], ZERO, ZERO, SIZES[0])
        return error

    def close(self) -> None:
        self._engine.close()

    # Memory.

    def _map(self, base: int, buffer: memoryview, perms: int) -> None:
        size = len(buffer)
        place = (ctypes.c_char * size).from_buffer(buffer)
        self._engine.check(self._engine.lib.calls["uc_mem_map_ptr"](
            self._engine.handle, base, size, perms, ctypes.addressof(place)),
            f"mapping {size} bytes at 0x{base:x}")
        page = 1 << self.page_bits
        for number in range(base >> self.page_bits, base + size + page - 1 >> self.page_bits):
            self._allowed[number] = (
                PROT_READ | PROT_EXEC if base == at.CODE_AT else perms & ~PROT_EXEC)

    def _map_memories(self, memories: list[Memory], private: tuple[Range, ...]) -> None:
        bits = self.page_bits
        by_bytes: dict[int, list[int]] = {}
        for one in memories:
            pages = [page for page in whole_pages(one, bits) if not any(
                page << bits < other.base + other.size and other.base < page + 1 << bits
                for other in private)]
            perms = (PROT_READ if "r" in one.perms else 0) | (
                PROT_WRITE if "w" in one.perms else 0)
            for first, count in _runs(pages):
                offset = (first << bits) - one.base
                self._map(first << bits, one.buffer[offset : offset + (count << bits)], perms)
            start = ctypes.addressof(ctypes.c_char.from_buffer(one.buffer)) if pages else 0
            for page in pages:
                same = by_bytes.setdefault(start + (page << bits) - one.base, [])
                same.append(page)
                self._twins[page] = same

    def _filler(self) -> Callable[[int, int], int]:
        allowed, bits = self._allowed, self.page_bits

        def fill(address: int, access: int) -> int:
            perms = allowed.get(address >> bits, 0)
            if perms and (access != MEM_WRITE or perms & PROT_WRITE):
                return perms
            self.refused = address, access
            return 0

        return fill

    def is_memory(self, page: int) -> bool:
        """Was this page handed to the engine?"""
        return page in self._twins

    def watch(self, pages: Iterable[int]) -> None:
        """From now on stores to these pages are refused."""
        changed = False
        for page in pages:
            for twin in self._twins.get(page, ()):
                if twin not in self._watched:
                    self._watched.add(twin)
                    changed = self._allow(twin, self._allowed[twin] & ~PROT_WRITE) or changed
        if changed and self._pages is not None:
            self._pages.flush()

    def unwatch(self, page: int) -> list[int]:
        """No longer; the pages that this is true of, none if it was not watched."""
        if page not in self._watched:
            return []
        pages = self._twins[page]
        for twin in pages:
            self._watched.discard(twin)
            self._allow(twin, self._allowed[twin] | self._gone.pop(twin, 0))
        if self._pages is not None:
            self._pages.flush()
        return pages

    def watched(self, address: int) -> bool:
        return address >> self.page_bits in self._watched

    def twins(self, address: int) -> list[int]:
        """All addresses of the same byte."""
        bits = self.page_bits
        rest = address & (1 << bits) - 1
        return [page << bits | rest for page in self._twins.get(address >> bits, ())] or [address]

    def _allow(self, page: int, perms: int) -> bool:
        old = self._allowed[page]
        if old == perms:
            return False
        if old & ~perms:
            self._gone[page] = old & ~perms
        self._allowed[page] = perms
        if not self._virtual:
            self._engine.protect(page << self.page_bits, 1 << self.page_bits, perms)
        return True

    # Code.

    def changed(self, host: int) -> None:
        """A word of translated code has changed."""
        if self._pages is not None:
            self._pages.forget_code(host, 4)
        else:
            self._engine.forget_code(host, 4)

    def forgotten(self) -> None:
        """All of it has."""
        self._engine.forget_all_code()

    # Registers.

    @property
    def pc(self) -> int:
        return self._engine.read(self._pc)

    def set_rounding(self, mode: int) -> None:
        """mode: FCR's, 0 to 3."""
        self._engine.write(self._fpcr, _ROUNDING[mode] << 22)

    def take_flags(self) -> int:
        """The flags of floating-point operations since last time, as in FSR; but for underflow
        where rounding makes a normal number, which A64 looks for before it rounds."""
        flags = self._engine.read(self._fpsr)
        if not flags & 0x1F:
            return 0
        self._engine.write(self._fpsr, 0)
        return sum(1 << theirs for ours, theirs in enumerate(_FLAGS) if flags >> ours & 1)


_ROUNDING: Final = (0, 3, 1, 2)  # FPCR.RMode: to nearest, to zero, up, down
_FLAGS: Final = (11, 10, 9, 8, 7)  # invalid, division, overflow, underflow, inexact


def _runs(pages: list[int]) -> list[tuple[int, int]]:
    """Pages in a row: (first, count)."""
    found: list[tuple[int, int]] = []
    for page in pages:
        if found and sum(found[-1]) == page:
            found[-1] = found[-1][0], found[-1][1] + 1
        else:
            found.append((page, 1))
    return found
