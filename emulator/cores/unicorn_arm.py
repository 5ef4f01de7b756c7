"""Unicorn as a Cortex-M: set-up of one engine, and access to its registers.

Facts about Unicorn 2.1.4 that the shape of this follows:

* UC_MODE_MCLASS makes every model a Cortex-M33; UC_MODE_THUMB alone honours the model.
* With its own memory map every store to executable memory is slow; with the virtual TLB, where a
  callback says what a page allows, a store takes a tenth of that.
* That callback, for a data access inside an IT block, leaves a stale IT state behind, with which
  the next block would be translated as conditional.  Writing EPSR there clears it.
* env->regs, where the general registers are, can be read and written in place during callbacks;
  the pc there can only be read.  A register through the interface costs 0.4 us, so this matters for
  calls; the place is looked for and tested in each engine, and done without if it is not found.
* A write to IPSR or XPSR alone does not change how code is translated (which is what makes an
  exception return be seen); a write to APSR does.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any, Final, Protocol, final, overload

from mpy_cross.emulator.cores.models import Model
from mpy_cross.emulator.cores.unicorn_common import (
    PROT_ALL,
    PROT_READ,
    PROT_WRITE,
    Engine,
)
from mpy_cross.emulator.cores.unicorn_library import (
    ARCH_ARM,
    ARM_REGISTERS,
    CORTEX,
    MODE_THUMB,
    library,
)
from mpy_cross.emulator.cores.unicorn_memory import MEM_FETCH, Pages, virtual_works

PAGE: Final = 1024
SP, LR, PC = 13, 14, 15
MASK: Final = 0xFFFF_FFFF
THUMB_STATE: Final = 1 << 24  # EPSR.T


class Registers(Protocol):
    """r0 to r12, sp, lr and pc, by number. The pc is only read here."""

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> list[int]: ...
    @overload
    def __setitem__(self, at: int, value: int) -> None: ...
    @overload
    def __setitem__(self, at: slice, value: Iterable[int]) -> None: ...


@final
class Numbers:
    """Unicorn's numbers of the registers, by name."""

    __slots__ = ("by_name", "doubles", "general")

    def __init__(self) -> None:
        self.by_name = ARM_REGISTERS
        self.general = [ARM_REGISTERS[name] for name in
                        (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")]
        self.doubles = [ARM_REGISTERS[f"d{n}"] for n in range(16)]


@cache
def numbers() -> Numbers:
    return Numbers()


@final
class Batch:
    """Several registers at once, through the interface, with everything prepared."""

    __slots__ = ("_call", "_ids", "_places", "n", "values")

    def __init__(self, ids: list[int]) -> None:
        self.n = len(ids)
        self.values = (ctypes.c_uint64 * self.n)()
        base = ctypes.addressof(self.values)
        self._ids = (ctypes.c_int * self.n)(*ids)
        self._places = (ctypes.c_void_p * self.n)(*(base + 8 * at for at in range(self.n)))
        self._call = library().calls

    def read(self, handle: int) -> list[int]:
        ctypes.memset(self.values, 0, 8 * self.n)
        self._call["uc_reg_read_batch"](handle, self._ids, self._places, self.n)
        return list(self.values)

    def write(self, handle: int, values: Iterable[int]) -> None:
        self.values[:] = list(values)
        self._call["uc_reg_write_batch"](handle, self._ids, self._places, self.n)


@final
class CopiedRegisters:
    """The general registers through the interface, for where they cannot be reached in place."""

    __slots__ = ("_batch", "_engine", "_first", "_ids", "_most")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ids = numbers().general
        self._batch = Batch(self._ids)
        self._most = Batch(self._ids[:15])
        self._first = Batch(self._ids[:4])

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> list[int]: ...
    def __getitem__(self, at: int | slice) -> int | list[int]:
        if isinstance(at, int):
            return self._engine.read(self._ids[at])
        if at.start in (None, 0) and at.stop == 4:
            return self._first.read(self._engine.handle)
        return self._batch.read(self._engine.handle)[at]

    @overload
    def __setitem__(self, at: int, value: int) -> None: ...
    @overload
    def __setitem__(self, at: slice, value: Iterable[int]) -> None: ...
    def __setitem__(self, at: int | slice, value: int | Iterable[int]) -> None:
        if isinstance(value, int):
            assert isinstance(at, int)
            if at != PC:
                self._engine.write(self._ids[at], value)
            return
        assert isinstance(at, slice)
        all_of_them = self._batch.read(self._engine.handle)
        all_of_them[at] = list(value)
        self._most.write(self._engine.handle, all_of_them[:15])


def readable_ranges() -> list[tuple[int, int]]:
    """(first, last + 1) of what this process may read; empty where the system does not tell."""
    found = []
    try:
        with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
            for line in maps:
                place, perms = line.split()[:2]
                if perms[0] == "r" and "[v" not in line:
                    first, end = place.split("-")
                    found.append((int(first, 16), int(end, 16)))
    except OSError:
        pass
    return found


_PATTERN: Final = [0x5A3C_0000 + 0x1357 * (n + 1) for n in range(13)]
_NEEDLE: Final = b"".join(value.to_bytes(4, "little") for value in _PATTERN)
_ENGINE_SIZE: Final = 2048  # bytes of Unicorn's structure in which the pointer is looked for
_CPU_SIZE: Final = 0x2_0000  # bytes of the CPU's structure
# Offsets of pointer and registers that worked so far; at first those of 2.1.4 on 64-bit Linux.
_known: list[tuple[int, int]] = [(440, 41712)]


def _in_place(engine: Engine, pointer_at: int, at: int) -> ctypes.Array[ctypes.c_uint32] | None:
    """The registers at these offsets, if they are there: both sides have to see a change."""
    pointer = int.from_bytes(ctypes.string_at(engine.handle + pointer_at, 8), "little")
    if ctypes.string_at(pointer + at, len(_NEEDLE)) != _NEEDLE:
        return None
    view = (ctypes.c_uint32 * 16).from_address(pointer + at)
    ids = numbers().general
    for n, value in ((0, 0x1234_5678), (12, 0x9ABC_DEF0), (SP, 0x2000_1230), (LR, 0x0800_4321)):
        engine.write(ids[n], value)
        if view[n] != value:
            return None
        view[n] = value ^ 0x0F0F_0F00
        if engine.read(ids[n]) != value ^ 0x0F0F_0F00:
            return None
    return view


def _candidates(engine: Engine, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """All offsets of a pointer in the engine, and from there to the pattern."""
    found = []
    block = ctypes.string_at(engine.handle, _ENGINE_SIZE)
    for pointer_at in range(0, _ENGINE_SIZE, 8):
        pointer = int.from_bytes(block[pointer_at : pointer_at + 8], "little")
        end = next((end for first, end in ranges if first <= pointer < end), 0)
        if pointer % 8 == 0 and end:
            data = ctypes.string_at(pointer, min(_CPU_SIZE, end - pointer))
            at = data.find(_NEEDLE)
            while at >= 0:
                found.append((pointer_at, at))
                at = data.find(_NEEDLE, at + 1)
    return sorted(found, key=lambda offsets: offsets[1])


def _readable(engine: Engine, offsets: tuple[int, int], ranges: list[tuple[int, int]]) -> bool:
    pointer = int.from_bytes(ctypes.string_at(engine.handle + offsets[0], 8), "little")
    place = pointer + offsets[1]
    return any(first <= pointer and place + 64 <= end for first, end in ranges)


def live_registers(engine: Engine) -> Registers:
    """The engine's registers in place, or through the interface if their place is not found."""
    ids = numbers().general
    ranges = readable_ranges()
    working: dict[tuple[int, int], ctypes.Array[ctypes.c_uint32]] = {}
    for search in (False, True):
        for number, value in zip(ids, _PATTERN, strict=False):
            engine.write(number, value)
        for offsets in _candidates(engine, ranges) if search else list(_known):
            for number, value in zip(ids, _PATTERN, strict=False):
                engine.write(number, value)
            if _readable(engine, offsets, ranges):
                view = _in_place(engine, *offsets)
                if view is not None:
                    working[offsets] = view
        if working:
            break
    # Pointers may lead there by accident; those that do so in every engine are left over.
    _known[:] = working
    for number in ids[:15]:
        engine.write(number, 0)
    for view in working.values():
        return view
    return CopiedRegisters(engine)


_FLOATS: Final = [0x5A3C_7E11_0000_0000 + 0x0001_1357 * (n + 1) for n in range(16)]
_FLOATS_NEEDLE: Final = b"".join(value.to_bytes(8, "little") for value in _FLOATS)
_floats_at: list[int] = []  # offset of d0 from r0 in the CPU's structure


def live_doubles(engine: Engine, registers: Registers) -> memoryview | None:
    """The bytes of d8 to d15 in place, None if that is not found."""
    if isinstance(registers, CopiedRegisters):
        return None
    doubles = numbers().doubles
    start = ctypes.addressof(registers)  # type: ignore[arg-type]
    end = next((end for first, end in readable_ranges() if first <= start < end), start)
    for number, value in zip(doubles, _FLOATS, strict=True):
        engine.write(number, value)
    if not _floats_at:
        at = ctypes.string_at(start, min(_CPU_SIZE, end - start)).find(_FLOATS_NEEDLE)
        if at >= 0:
            _floats_at.append(at)
    view = None
    if _floats_at and start + _floats_at[0] + 128 <= end:
        place = start + _floats_at[0]
        cells = (ctypes.c_uint64 * 16).from_address(place)
        works = ctypes.string_at(place, 128) == _FLOATS_NEEDLE
        for n in (8, 15):
            if works:
                cells[n] ^= 0xFF00_FF00
                works = engine.read(doubles[n]) == _FLOATS[n] ^ 0xFF00_FF00
        if works:
            view = memoryview(cells).cast("B")[64:]
    for number in doubles:
        engine.write(number, 0)
    return view


class Saved(Protocol):
    """Registers as bytes: all of them are read by `tobytes` and written by `[:] =`."""

    def tobytes(self) -> bytes: ...

    def __setitem__(self, everything: slice, saved: bytes) -> None: ...


@final
class CopiedBytes:
    """The same through the interface. size: bytes of each register."""

    __slots__ = ("_batch", "_engine", "_struct")

    def __init__(self, engine: Engine, ids: list[int], size: int) -> None:
        self._engine, self._batch = engine, Batch(ids)
        self._struct = struct.Struct(f"<{len(ids)}{'I' if size == 4 else 'Q'}")

    def tobytes(self) -> bytes:
        return self._struct.pack(*self._batch.read(self._engine.handle))

    def __setitem__(self, everything: slice, saved: bytes) -> None:
        self._batch.write(self._engine.handle, self._struct.unpack(saved))


def saved_registers(engine: Engine, registers: Registers) -> Saved:
    """The general registers of an engine, as bytes."""
    if isinstance(registers, CopiedRegisters):
        return CopiedBytes(engine, numbers().general[:15], 4)
    return memoryview(registers).cast("B")  # type: ignore[arg-type]


_FOUR: Final = struct.Struct("<4I")
_CALL: Final = struct.Struct("<4I36x2I")

SetCall = Callable[[int, int, int, int, int, int], object]
"""Writes r0 to r3, sp and lr; what is in r4 to r12 is lost."""


def fast_registers(
    registers: Registers, general: Saved
) -> tuple[Any, Callable[[], Sequence[int]], SetCall]:
    """The general registers by number, and functions that read r0 to r3 and prepare a call."""
    if isinstance(registers, CopiedRegisters):
        copied = registers

        def read() -> list[int]:
            return copied[0:4]

        def write(a: int, b: int, c: int, d: int, sp: int, lr: int) -> None:
            copied[0:4] = (a, b, c, d)
            copied[SP], copied[LR] = sp, lr

        return registers, read, write
    assert isinstance(general, memoryview)
    return (general.cast("I"), partial(_FOUR.unpack_from, general),
            partial(_CALL.pack_into, general, 0))


def saved_floats(engine: Engine, registers: Registers) -> Saved:
    """Those floating-point registers that a called function has to keep, as bytes."""
    return live_doubles(engine, registers) or CopiedBytes(engine, numbers().doubles[8:], 8)


def arm_engine(model: Model, exact: bool) -> Engine:
    """An engine for that core, without memory."""
    virtual = virtual_works()
    engine = Engine(ARCH_ARM, MODE_THUMB, CORTEX[model.unicorn], exact, virtual=virtual)
    epsr = numbers().by_name["epsr"]

    def fill(address: int, access: int) -> int:
        if access == MEM_FETCH:
            return PROT_ALL
        engine.write(epsr, THUMB_STATE)
        return PROT_READ | PROT_WRITE  # what is not executable is stored fast

    if virtual:
        Pages(engine, fill)
    return engine
