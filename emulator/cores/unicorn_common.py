"""Unicorn 2 as an engine, for whatever architecture: library, memory, device accesses, counting.

Unicorn is driven through ctypes with prepared prototypes: its own Python wrapper costs several
microseconds for each register and callback.  Where it matters even the arguments are prepared, as
the conversion of each costs as much as the call of the function itself.

Facts about Unicorn 2.1.4 that the shape of this follows:

* Stopping it at an arbitrary moment (from a thread, with a time-out, with emu_stop in a device
  access) repeats the memory instruction at which it stops.  So runs have a number of instructions,
  and `stop_after` lowers that number.
* The number of instructions and its count are fields of the engine that a nested run overwrites;
  they are reached in place, and put back.  Where they cannot be found a callback per instruction
  counts instead, which is slower by a factor of 50.
* Hooks on accesses to mapped memory make every access slow, so hooks for faults cover only the gaps
  and those memories that lack a permission.
* Neither a change of memory by the host nor one by another engine removes translated code.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, final

from mpy_cross.emulator.bus import Bus, Memory, Window
from mpy_cross.emulator.cores.core import CoreError, FaultKind
from mpy_cross.emulator.cores.unicorn_library import (
    ARCH_ARM,
    CORTEX,
    CTL_BUFFER_SIZE,
    CTL_CPU_MODEL,
    CTL_FLUSH_CODE,
    CTL_PAGE_SIZE,
    CTL_REMOVE_CODE,
    CTL_TLB_MODE,
    MODE_THUMB,
    POINTER,
    library,
)

TOP: Final = 1 << 32
TRANSLATIONS: Final = 64 << 20  # bytes of address space for them; the default is 1 GiB
MOST_PREPARED: Final = 1 << 14
LEVELS: Final = 56  # nested runs of one engine; the 64th would crash it

# uc_err
OK: Final = 0
READ_UNMAPPED, WRITE_UNMAPPED, FETCH_UNMAPPED = 6, 7, 8
INVALID_INSTRUCTION: Final = 10
FAULTS: Final[dict[int, FaultKind]] = {
    6: FaultKind.READ, 7: FaultKind.WRITE, 8: FaultKind.FETCH, 10: FaultKind.UNDEFINED,
    12: FaultKind.NO_WRITE, 13: FaultKind.NO_READ, 14: FaultKind.NO_EXECUTE,
    16: FaultKind.UNALIGNED, 17: FaultKind.UNALIGNED, 18: FaultKind.UNALIGNED,
}

# uc_hook_type
HOOK_INTR: Final = 1 << 0
HOOK_CODE: Final = 1 << 2
HOOK_BLOCK: Final = 1 << 3
HOOK_UNMAPPED: Final = 7 << 4  # reads, writes, fetches
HOOK_WRITE_PROT: Final = 1 << 8
HOOK_READ_PROT: Final = 1 << 7
HOOK_FETCH_PROT: Final = 1 << 9
HOOK_INVALID_INSTRUCTION: Final = 1 << 14
HOOK_TLB_FILL: Final = 1 << 17

PROT_READ, PROT_WRITE, PROT_EXEC, PROT_ALL = 1, 2, 4, 7
_PERMS: Final = {"r": PROT_READ, "w": PROT_WRITE, "x": PROT_EXEC}
_TLB_VIRTUAL: Final = 1

_U64: Final = ctypes.c_uint64


class TlbEntry(ctypes.Structure):
    _fields_ = [("address", ctypes.c_uint64), ("perms", ctypes.c_int)]


InterruptCall = ctypes.CFUNCTYPE(None, POINTER, ctypes.c_uint32, POINTER)
CodeCall = ctypes.CFUNCTYPE(None, POINTER, _U64, ctypes.c_uint32, POINTER)
PlaceCall = ctypes.CFUNCTYPE(None, POINTER, _U64)  # the same without size and data: these may be
BareCall = ctypes.CFUNCTYPE(None)  # left out in C's calling conventions, which is faster
InvalidCall = ctypes.CFUNCTYPE(ctypes.c_bool, POINTER, POINTER)
MemoryCall = ctypes.CFUNCTYPE(
    ctypes.c_bool, POINTER, ctypes.c_int, _U64, ctypes.c_int, ctypes.c_int64, POINTER)
FillCall = ctypes.CFUNCTYPE(
    ctypes.c_bool, POINTER, _U64, ctypes.c_int, ctypes.POINTER(TlbEntry), POINTER)
ReadCall = ctypes.CFUNCTYPE(_U64, POINTER, _U64, ctypes.c_uint, POINTER)
WriteCall = ctypes.CFUNCTYPE(None, POINTER, _U64, ctypes.c_uint, _U64, POINTER)

@final
class Prepared(dict[int, Any]):
    """Arguments for functions without prototypes, by value; made when first asked for."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self._kind = kind

    def __missing__(self, value: int) -> Any:
        if len(self) >= MOST_PREPARED:
            self.clear()
        made = self[value] = self._kind.from_param(value)
        return made


WORDS: Final = Prepared(_U64)
SIZES: Final = Prepared(ctypes.c_size_t)
NUMBERS: Final = Prepared(ctypes.c_int)
ZERO: Final = WORDS[0]


def gaps(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What of the 32-bit address space none of the (first, last + 1) covers, likewise."""
    at = 0
    for first, end in sorted(ranges):
        if first > at:
            yield at, first
        at = max(at, end)
    if at < TOP:
        yield at, TOP


@final
class Regions:
    """Device windows of a bus, joined to runs of whole pages, which Unicorn can map."""

    __slots__ = ("page", "runs")

    def __init__(self, windows: list[Window], page: int) -> None:
        self.page = page
        self.runs: list[tuple[int, int, list[Window]]] = []  # first, last + 1, windows
        for window in sorted(windows, key=lambda window: window.base):
            first = window.base // page * page
            end = -(-(window.base + window.size) // page) * page
            if self.runs and first < self.runs[-1][1]:
                before, until, inside = self.runs[-1]
                self.runs[-1] = before, max(until, end), [*inside, window]
            else:
                self.runs.append((first, end, [window]))


@final
class Engine:
    """One Unicorn instance.

    page: bytes of its pages, 0 for those of the architecture; virtual: a callback fills pages, see
    `unicorn_memory`.
    exact: instructions are counted, which halves the speed.  count: after how many instructions
    the current run stops; counter: how many it has begun.  They are kept only if `exact`.
    counts_itself: nobody else has to count, so `start` runs it; ref: what it takes as the engine.
    limit, begun: `count` and `counter` as sequences of one number, which is faster.
    """

    __slots__ = ("_kept", "begun", "count", "counter", "counts_itself", "exact", "handle", "hooks",
                 "lib", "limit", "ref", "run", "start", "stop", "word", "word_ref")

    def __init__(self, arch: int, mode: int, model: int, exact: bool, *, page: int = 0,
                 virtual: bool = True, translations: int = TRANSLATIONS) -> None:
        self.handle = 0
        self.lib = library()
        made = POINTER()
        self.check(self.lib.calls["uc_open"](arch, mode, ctypes.byref(made)), "uc_open")
        assert made.value is not None
        self.handle = made.value
        self.control(CTL_CPU_MODEL, ctypes.c_int(model))
        if page:
            self.control(CTL_PAGE_SIZE, ctypes.c_uint32(page))
        self.control(CTL_BUFFER_SIZE, ctypes.c_uint32(translations))
        if virtual:
            self.control(CTL_TLB_MODE, ctypes.c_int(_TLB_VIRTUAL))
        self.exact = exact
        self.ref: Any = POINTER.from_param(self.handle)
        self.start: Callable[[Any, Any, Any, Any, Any], int] = self.lib.start
        self.run: Callable[[int, int], int] = self._run
        self.counts_itself = True
        self.stop: Callable[[int], int] = self.lib.calls["uc_emu_stop"]
        self.word = ctypes.c_uint64()  # for single registers
        self.word_ref: Any = ctypes.byref(self.word)
        self._kept: list[object] = []  # callbacks and buffers, as long as the engine lives
        self.hooks: dict[int, object] = {}  # those that can be removed, by handle
        self.count, self.counter = ctypes.c_uint64((1 << 64) - 1), ctypes.c_uint64()
        if exact:
            places = count_places()
            if places is None:
                self.counter = ctypes.c_uint64()
                self.hook(HOOK_CODE, CodeCall(self._count_one))
                self.run = self._run_counting
                self.counts_itself = False
            else:
                self.count = ctypes.c_uint64.from_address(self.handle + places[0])
                self.counter = ctypes.c_uint64.from_address(self.handle + places[1])
        self.limit = memoryview(self.count).cast("B").cast("Q")
        self.begun = memoryview(self.counter).cast("B").cast("Q")

    def close(self) -> None:
        """Frees the engine's memory."""
        if self.handle:
            self.lib.calls["uc_close"](self.handle)
            self.handle = 0
            self._kept.clear()

    def __del__(self) -> None:
        if self.handle:
            self.lib.calls["uc_close"](self.handle)

    def control(self, what: int, *arguments: Any) -> None:
        """Calls uc_ctl with arguments of ctypes' types."""
        self.check(self.lib.control(POINTER(self.handle), ctypes.c_int(what), *arguments),
                   "uc_ctl")

    def _count_one(self, handle: int, address: int, size: int, user: int) -> None:
        """Counts where the engine's own count cannot be reached; works as that does."""
        self.counter.value += 1
        if self.counter.value > self.count.value:
            self.stop(self.handle)

    def _run(self, address: int, count: int) -> int:
        """Runs from `address` for `count` instructions, 0 for no limit; the uc_err."""
        return self.start(self.ref, WORDS[address], ZERO, ZERO, SIZES[count])

    def _run_counting(self, address: int, count: int) -> int:
        self.counter.value, self.count.value = 0, count or (1 << 64) - 1
        return self.start(self.ref, WORDS[address], ZERO, ZERO, SIZES[0])

    def executed(self) -> int:
        """How many instructions the run that just ended executed."""
        begun = self.counter.value
        return begun - 1 if begun > self.count.value else begun

    def stop_after(self, more: int = 0) -> None:
        """From a device access: the run ends after this instruction, and `more` beyond it."""
        wanted = self.counter.value + more
        if wanted < self.count.value:
            self.count.value = wanted

    # Registers, by Unicorn's numbers.

    def read(self, number: int) -> int:
        self.word.value = 0
        self.lib.read(self.ref, NUMBERS[number], self.word_ref)
        return self.word.value

    def write(self, number: int, value: int) -> None:
        self.word.value = value
        self.lib.write(self.ref, NUMBERS[number], self.word_ref)

    # Hooks.

    def hook(self, kind: int, call: Any, begin: int = 1, end: int = 0, data: int = 0) -> int:
        """Calls `call` for addresses begin to end, by default for all; a handle of the hook.

        data: the last argument of the calls.
        """
        handle = ctypes.c_size_t()
        error = self.lib.hook_add(
            ctypes.c_void_p(self.handle), ctypes.byref(handle), ctypes.c_int(kind),
            ctypes.cast(call, ctypes.c_void_p), ctypes.c_void_p(data),
            ctypes.c_uint64(begin), ctypes.c_uint64(end))
        self.check(error, "uc_hook_add")
        self.hooks[handle.value] = call
        return handle.value

    def unhook(self, handle: int) -> None:
        self.check(self.lib.calls["uc_hook_del"](self.handle, handle), "uc_hook_del")
        self._kept.append(self.hooks.pop(handle))  # it may be running

    def forget_code(self, address: int, size: int) -> None:
        """Code that was translated from these bytes is translated anew."""
        if size > 0:  # an empty range is an error to Unicorn
            self.control(CTL_REMOVE_CODE, ctypes.c_uint64(address),
                         ctypes.c_uint64(address + size))

    def forget_all_code(self) -> None:
        self.control(CTL_FLUSH_CODE)

    def check(self, error: int, what: str) -> None:
        if error:
            raise CoreError(f"{what}: {self.lib.message(error).decode()}")

    # The state of the processor.

    def save(self) -> Context:
        """Registers and all else but memory."""
        return Context(self)

    def restore(self, context: Context) -> None:
        """Makes the state what it was."""
        self.check(self.lib.calls["uc_context_restore"](self.handle, context.handle),
                   "uc_context_restore")


    # Memory.

    def protect(self, address: int, size: int, perms: int) -> None:
        """What mapped memory allows from now on."""
        self.check(self.lib.calls["uc_mem_protect"](self.handle, address, size, perms),
                   "uc_mem_protect")

    def map_memory(self, memory: Memory) -> None:
        """Shares the bytes of a memory with the engine."""
        perms = 0
        for letter in memory.perms:
            perms |= _PERMS[letter]
        place = (ctypes.c_char * memory.size).from_buffer(memory.buffer)
        self._kept.append(place)
        error = self.lib.calls["uc_mem_map_ptr"](
            self.handle, memory.base, memory.size, perms, ctypes.addressof(place))
        self.check(error, f"mapping {memory.name} at 0x{memory.base:08x}, {memory.size} bytes")

    def map_windows(self, first: int, end: int, read: Any, write: Any,
                    faster: Callable[[Any, Any], tuple[Any, Any, int] | None] | None) -> None:
        """Calls `read` (a ReadCall) and `write` (a WriteCall) for accesses from `first` on, or what
        `faster` makes of them."""
        self._kept.append((read, write))
        user = None
        found = faster(read, write) if faster is not None else None
        if found is not None:
            read, write, user = found
        error = self.lib.calls["uc_mmio_map"](
            self.handle, first, end - first, ctypes.cast(read, POINTER), user,
            ctypes.cast(write, POINTER), user)
        self.check(error, f"mapping device registers at 0x{first:08x}")

    def map_bus(self, bus: Bus, private: list[Window], page: int,
                devices: Callable[[int, list[Window]], tuple[Any, Any]],
                fault: Callable[[int, int, int], None],
                store: Callable[[Memory, int, int, int], bool]) -> None:
        """Maps everything on the bus, with `private` windows in place of the bus's.

        devices: callbacks for a run of pages, given its address and windows; fault: called with
        kind (uc_mem_type), address and size of an access that nothing allows; store: called with
        offset, size and value of one to a memory that takes stores without being writable.
        """
        own = [(window.base, window.base + window.size) for window in private]
        windows = private + [
            window for window in bus.windows
            if not any(first < window.base + window.size and window.base < end
                       for first, end in own)]
        regions = Regions(windows, page)
        covered = [(first, end) for first, end, _ in regions.runs]
        for memory in bus.memories:
            if memory.base % page or memory.size % page:
                raise CoreError(f"{memory.name} at 0x{memory.base:08x} of {memory.size} bytes: "
                                f"memories of this core stand on multiples of {page} bytes")
            self.map_memory(memory)
            covered.append((memory.base, memory.base + memory.size))
        for first, end, inside in regions.runs:
            faster = inside[0].faster if len(inside) == 1 and inside[0].base == first else None
            self.map_windows(first, end, *devices(first, inside), faster)

        def missing(handle: int, kind: int, address: int, size: int, value: int,
                    user: int) -> bool:
            fault(kind, address, size)
            return False

        call = MemoryCall(missing)
        for first, end in gaps(covered):
            self.hook(HOOK_UNMAPPED, call, first, end - 1)
        for memory in bus.memories:
            end = memory.base + memory.size
            for letter, kind in (("w", HOOK_WRITE_PROT), ("x", HOOK_FETCH_PROT),
                                 ("r", HOOK_READ_PROT)):
                if letter not in memory.perms:
                    taken = letter == "w" and memory.store is not None
                    self.hook(kind, taker(memory, fault, store) if taken else call,
                              memory.base, end - 1)


@final
class Context:
    """The state of an engine's processor at one moment."""

    __slots__ = ("_lib", "handle")

    def __init__(self, engine: Engine) -> None:
        self.handle = 0
        self._lib = engine.lib
        calls = engine.lib.calls
        made = POINTER()
        engine.check(calls["uc_context_alloc"](engine.handle, ctypes.byref(made)),
                     "uc_context_alloc")
        assert made.value is not None
        self.handle = made.value
        engine.check(calls["uc_context_save"](engine.handle, self.handle), "uc_context_save")

    def __del__(self) -> None:
        if self.handle:
            self._lib.calls["uc_context_free"](self.handle)


def taker(memory: Memory, fault: Callable[[int, int, int], None],
          store: Callable[[Memory, int, int, int], bool]) -> Any:
    """The callback for stores to a memory that takes them; the engine does them afterwards."""
    base = memory.base

    def stored(handle: int, kind: int, address: int, size: int, value: int, user: int) -> bool:
        if store(memory, address - base, size, value & (1 << size * 8) - 1):
            return True
        fault(kind, address, size)
        return False

    return MemoryCall(stored)


_MARK: Final = 0x5A5A_1235_0001  # a count that stands nowhere else in the engine
_FIELDS: Final = 4096  # bytes of the engine's structure that are searched


@cache
def count_places() -> tuple[int, int] | None:
    """Offsets in the engine's structure of the limit and of the count of instructions.

    They are found by running some instructions; None if they cannot be told with certainty.
    """
    engine = Engine(ARCH_ARM, MODE_THUMB, CORTEX["M4"], False, virtual=False,
                    translations=1 << 20)
    code = memoryview(mmap.mmap(-1, 0x1000))
    code[:16] = b"\x00\xbf" * 8  # nop
    engine.map_memory(Memory("code", 0x1000, 0x1000, code, "rwx"))
    seen: list[bytes] = []
    handle = engine.handle
    engine.hook(HOOK_CODE, CodeCall(lambda *_: seen.append(ctypes.string_at(handle, _FIELDS))))
    if engine.lib.calls["uc_emu_start"](handle, 0x1001, 0x100A, 0, _MARK) or len(seen) != 5:
        return None

    rows = list(zip(*(struct.unpack(f"<{_FIELDS // 8}Q", fields) for fields in seen), strict=True))
    limits = [8 * at for at, row in enumerate(rows) if row == (_MARK,) * 5]
    counts = [8 * at for at, row in enumerate(rows) if row == (1, 2, 3, 4, 5)]
    if len(limits) != 1 or len(counts) != 1:
        return None
    return limits[0], counts[0]
