"""The interrupt masks of a core, in place, and a stop at the block of code after a change of them.

While an interrupt is pending but masked the host has to know exactly when the program lets it in.
The masks change only at the end of a block of translated code; so a few instructions of the host's
machine code (x86-64 and AArch64) look at them at the start of each block, and end the run there.
Where there is no such code, the core runs in short straight pieces instead.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from array import array
from typing import Any, Final, final

from mpy_cross.emulator.cores.unicorn_arm import CopiedRegisters, Registers, numbers
from mpy_cross.emulator.cores.unicorn_common import HOOK_BLOCK, Engine

# void block(void *uc, uint64_t address, uint32_t size, struct gate *g) {
#   if (g->armed && (*g->primask != g->p || *g->basepri != g->b || *g->faultmask != g->f)) {
#     *g->limit = *g->begun;
#     g->armed = 0;
#   }
# }
X86_64: Final = bytes.fromhex(
    "488339007434488b41188b713039307516488b41208b79343938750b488b41288b513839107413488b4110488b10"
    "488b410848891031c0488901c3")
AARCH64: Final = bytes.fromhex(
    "680040f9880200b4680c40f9693040b9080140b91f01096b61010054681040f9693440b9080140b91f01096bc100"
    "0054681440f9693840b9080140b91f01096ba000005469a040a9080140f9280100f97f0000f9c0035fd6")
CODE: Final = {"x86_64": X86_64, "AMD64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}

STEPS: Final = 300  # short pieces in a row after which the hook is worth it
LINGER: Final = 20_000_000  # instructions for which it stays

_SPAN: Final = 0x4000  # bytes after the registers in which the masks are looked for
_NAMES: Final = ("primask", "basepri", "faultmask")
_TRIES: Final = {"primask": (0, 1, 0, 1, 0), "basepri": (0, 0x50, 0xA0, 0x30, 0),
                 "faultmask": (0, 1, 0, 1, 0)}
_places: dict[bool, tuple[int, ...]] = {}  # offsets from r0, by whether all three are there


def _search(engine: Engine, start: int, v7: bool) -> tuple[int, ...]:
    """Offsets of the masks from the registers, () if they are not found."""
    found = []
    for name in _NAMES if v7 else _NAMES[:1]:
        candidates = range(_SPAN // 4)
        kept: list[int] = list(candidates)
        for value in _TRIES[name]:
            engine.write(numbers().by_name[name], value)
            words = array("I", ctypes.string_at(start, _SPAN))
            kept = [at for at in kept if words[at] == value]
        if len(kept) != 1:
            return ()
        found.append(4 * kept[0])
    return tuple(found)


class Gate(ctypes.Structure):
    """What the machine code works with: pointers and the masks when it was armed."""

    _fields_ = [("armed", ctypes.c_uint64)] + [
        (name, ctypes.c_void_p) for name in ("limit", "begun", *_NAMES)] + [
        (name, ctypes.c_uint32) for name in ("p", "b", "f")]

    armed: int


@final
class Masks:
    """primask, basepri, faultmask: as sequences of one number each; code: the machine code."""

    __slots__ = ("_engine", "_kept", "_steps", "_until", "basepri", "code", "faultmask",
                 "gate", "primask")

    def __init__(self, engine: Engine, start: int, places: tuple[int, ...]) -> None:
        zero = (ctypes.c_uint32 * 1)()
        cells = [(ctypes.c_uint32 * 1).from_address(start + at) for at in places]
        cells += [zero] * (3 - len(cells))
        self.primask, self.basepri, self.faultmask = (
            memoryview(cell).cast("B").cast("I") for cell in cells)
        self._kept = [zero, cells]
        self.gate = Gate()
        self.gate.limit = ctypes.addressof(engine.count)
        self.gate.begun = ctypes.addressof(engine.counter)
        for name, cell in zip(_NAMES, cells, strict=True):
            setattr(self.gate, name, ctypes.addressof(cell))
        self.code: Any = None
        self._engine = engine
        self._steps = 0  # short pieces in a row
        self._until = 0  # count of instructions at which the hook may go

    def arm(self, done: int) -> bool:
        """The run ends at the block after a change of the masks; False if short pieces are to be
        run instead: where there is no machine code, and in the beginning, as most interrupts are
        held back for a few instructions only and the hook makes all code slower.

        done: count of instructions.
        """
        if self.code is None:
            return False
        engine = self._engine
        if engine.handle not in _hooked:
            self._steps += 1
            if self._steps < STEPS:
                return False
            _hooked[engine.handle] = engine.hook(HOOK_BLOCK, self.code,
                                                 data=ctypes.addressof(self.gate))
            engine.forget_all_code()
        self._until = done + LINGER
        gate = self.gate
        gate.p, gate.b, gate.f = self.primask[0], self.basepri[0], self.faultmask[0]
        gate.armed = 1
        return True

    def rest(self, done: int) -> None:
        """Nothing is held back now."""
        self._steps = 0
        self.gate.armed = 0
        engine = self._engine
        if done > self._until and engine.handle in _hooked:
            handle = _hooked.pop(engine.handle)
            engine.check(engine.lib.calls["uc_hook_del"](engine.handle, handle), "uc_hook_del")
            engine.hooks.pop(handle, None)
            engine.forget_all_code()


def _memory() -> mmap.mmap | None:
    if sys.platform == "win32":
        return None
    code = CODE.get(os.uname().machine)
    if code is None:
        return None
    try:
        memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return None
    memory[: len(code)] = code
    return memory


_code: list[mmap.mmap | None] = []
# Hooks that are there now, by the handle of the engine.  They are state of the engines, which goes
# on when a snapshot of a board is put back: so they are noted here, and not in any object of it.
_hooked: dict[int, int] = {}


def find_masks(engine: Engine, registers: Registers, v7: bool) -> Masks | None:
    """The masks of an engine that has not run yet; None where they are not found."""
    if isinstance(registers, CopiedRegisters) or not engine.counts_itself:
        return None
    start = ctypes.addressof(registers)  # type: ignore[arg-type]
    places = _places.get(v7)
    if places is None:
        places = _places[v7] = _search(engine, start, v7)
    _hooked.pop(engine.handle, None)
    if not places:
        return None
    masks = Masks(engine, start, places)
    for name, view in zip(_NAMES if v7 else _NAMES[:1],
                          (masks.primask, masks.basepri, masks.faultmask), strict=False):
        for value in (_TRIES[name][1], 0):
            engine.write(numbers().by_name[name], value)
            if view[0] != value:
                return None
    if not _code:
        _code.append(_memory())
    if _code[0] is not None:
        masks.code = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(_code[0])))
    return masks
