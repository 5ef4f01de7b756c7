"""How engines see memory: pages that a callback fills in, which stores need to be fast.

In Unicorn's own mode ("plain") every store takes 40 to 60 ns; with the virtual TLB, where a
callback says once what a page allows, it takes 2 to 3.  Whether that works as it did in the version
that this was made for is tried once, at the first engine; if it does not the plain mode is used.
"""

from __future__ import annotations

import ctypes
import mmap
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Final, final

from mpy_cross.emulator.cores.unicorn_common import (
    HOOK_TLB_FILL,
    PROT_ALL,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    ZERO,
    Engine,
    FillCall,
)
from mpy_cross.emulator.cores.unicorn_library import (
    A72,
    ARCH_ARM64,
    ARM64_REGISTERS,
    CTL_FLUSH_TLB,
    CTL_REMOVE_CODE,
    MODE_ARM,
)

# uc_mem_type of accesses that a page is filled for.
MEM_READ, MEM_WRITE, MEM_FETCH = 16, 17, 18
REFUSED: Final = 21  # uc_err of a run that ends at an access that was refused

Fill = Callable[[int, int], int]
"""What a page allows, given an address in it and the kind of access (uc_mem_type); 0 to refuse."""


@final
class Pages:
    """The pages of an engine that fills them by a callback.

    A page that allows reading, writing and executing at once would have slow stores.
    """

    __slots__ = ("_control", "_handle", "_pairs", "engine")

    def __init__(self, engine: Engine, fill: Fill) -> None:
        self.engine = engine

        def call(handle: int, address: int, access: int, entry: Any, user: int) -> bool:
            perms = fill(address, access)
            found = entry.contents
            found.address, found.perms = address, perms
            return perms != 0

        engine.hook(HOOK_TLB_FILL, FillCall(call))
        self._control: Any = engine.lib.control
        self._handle = ctypes.c_void_p(engine.handle)

    def flush(self) -> None:
        """All pages are filled anew."""
        self._control(self._handle, ctypes.c_int(CTL_FLUSH_TLB))

    def forget_code(self, address: int, size: int) -> None:
        """Code that was translated from these bytes is translated anew."""
        self._control(self._handle, ctypes.c_int(CTL_REMOVE_CODE), ctypes.c_uint64(address),
                      ctypes.c_uint64(address + size))


@cache
def virtual_works() -> bool:
    """Does filling pages by a callback work here? A warning says so if not."""
    try:
        works = _try_virtual()
    except Exception:
        works = False
    if not works:
        warnings.warn("this version of Unicorn does not fill pages as expected: native code runs "
                      "with its plain memory, several times slower", RuntimeWarning, stacklevel=2)
    return works


_CODE, _RAM, _PAGE = 0x2_0030_0000, 0x3FFE_0000, 0x1_0000


def _try_virtual() -> bool:
    """Stores and loads in an engine with large pages; refused accesses; pages that may be only
    read at first; code that is changed."""
    engine = Engine(ARCH_ARM64, MODE_ARM, A72, False, page=_PAGE)
    buffers = []
    for base, perms in ((_CODE, PROT_ALL), (_RAM, PROT_READ | PROT_WRITE)):
        buffer = mmap.mmap(-1, _PAGE)
        place = (ctypes.c_char * _PAGE).from_buffer(buffer)
        engine.check(engine.lib.calls["uc_mem_map_ptr"](
            engine.handle, base, _PAGE, perms, ctypes.addressof(place)), "mapping")
        buffers.append(memoryview(buffer).cast("I"))
    code, ram = buffers
    allowed = {_CODE: PROT_READ | PROT_EXEC, _RAM: PROT_READ | PROT_WRITE}
    filled: list[tuple[int, int]] = []

    def fill(address: int, access: int) -> int:
        filled.append((address & -_PAGE, access))
        perms = allowed.get(address & -_PAGE, 0)
        return perms if access != MEM_WRITE or perms & PROT_WRITE else 0

    pages = Pages(engine, fill)
    x0, pc = ARM64_REGISTERS["x0"], ARM64_REGISTERS["pc"]
    # str w0, [x0]; ldr w1, [x0]; str w1, [x0, #4]; wfi
    code[0:4] = memoryview(b"".join(word.to_bytes(4, "little") for word in (
        0xB900_0000, 0xB940_0001, 0xB900_0401, 0xD503_207F))).cast("I")

    def run(address: int) -> tuple[int, int]:
        engine.write(x0, address)
        return engine.start(engine.ref, ctypes.c_uint64(_CODE), ZERO, ZERO,
                            ctypes.c_size_t(0)), engine.read(pc)

    ended = 0, _CODE + 16
    works = run(_RAM) == ended and list(ram[0:2]) == [_RAM, _RAM]
    works = works and filled == [(_CODE, MEM_FETCH), (_RAM, MEM_WRITE)]
    works = works and run(_RAM - 4) == (REFUSED, _CODE)
    allowed[_RAM] = PROT_READ
    pages.flush()
    works = works and run(_RAM + 8) == (REFUSED, _CODE) and ram[2] == 0
    allowed[_RAM] = PROT_READ | PROT_WRITE
    works = works and run(_RAM + 8) == ended and ram[2] == _RAM + 8
    code[0] = 0xD503_201F  # nop
    pages.forget_code(_CODE, 4)
    return works and run(_RAM + 16) == ended and ram[4] == 0
