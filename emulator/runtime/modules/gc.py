"""Module `gc` (manual 1.1.2): the account of the board's heap."""

from __future__ import annotations

from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_word, native
from mpy_cross.emulator.runtime.heap import BLOCK
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import Module

NAMES: Final[tuple[str, ...]] = ("gc",)


def used_bytes(runtime: Runtime) -> int:
    """Bytes of the heap in use."""
    memory = runtime.scheduler.memory
    return memory.used() if memory is not None else runtime.storage.heap.used()


def build(runtime: Runtime) -> Module:
    heap = runtime.storage.heap
    enabled = True
    limit = -1

    def switch(on: bool) -> None:
        nonlocal enabled
        enabled = on

    @native
    def collect() -> int | None:
        used_bytes(runtime)
        runtime.files.close_abandoned()
        return None if runtime.machine is not None else 0

    @native
    def threshold(amount: Any = None, /) -> int | None:
        nonlocal limit
        if amount is None:
            return limit
        wanted = as_word(amount)
        limit = wanted // BLOCK * BLOCK if wanted >= 0 else -1
        return None

    return Module(
        NAMES[0],
        {
            "collect": collect,
            "disable": native(lambda: switch(False)),
            "enable": native(lambda: switch(True)),
            "isenabled": native(lambda: enabled),
            "mem_alloc": native(lambda: used_bytes(runtime)),
            "mem_free": native(lambda: heap.size - used_bytes(runtime)),
            "threshold": threshold,
        },
    )
