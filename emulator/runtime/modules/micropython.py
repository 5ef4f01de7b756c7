"""Module `micropython` (manual 1.2.6)."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Final

from mpy_cross.emulator.runtime.arguments import as_word, native
from mpy_cross.emulator.runtime.heap import BLOCK, FREE, HEAD
from mpy_cross.emulator.runtime.modules.gc import used_bytes
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import MARK, Module

NAMES: Final[tuple[str, ...]] = ("micropython",)
STACK: Final = 15 << 10
"""Bytes of the stack that firmware for small boards lets a program use."""
FRAME: Final = 96
"""Estimate: bytes of stack for a function of the program without its variables."""
PER_LINE: Final = 64
"""Blocks in a line of the map of the heap."""


def stack_bytes(frame: FrameType | None) -> int:
    """An estimate of the stack in use, from the functions of the program that run."""
    total = FRAME
    while frame is not None:
        if frame.f_code.co_filename.startswith(MARK):
            total += FRAME + 4 * (frame.f_code.co_nlocals + frame.f_code.co_stacksize)
        frame = frame.f_back
    return total


def build(runtime: Runtime) -> Module:
    storage, scheduler = runtime.storage, runtime.scheduler
    heap = storage.heap

    @native
    def const(value: Any, /) -> Any:
        return value

    @native
    def opt_level(level: Any = None, /) -> int | None:
        if level is None:
            return runtime.optimise
        runtime.optimise = as_word(level)
        return None

    @native
    def alloc_emergency_exception_buf(size: Any, /) -> None:
        runtime.locked_heap.emergency = as_word(size)

    @native
    def mem_info(verbose: Any = None, /) -> None:
        used = used_bytes(runtime)
        found = heap.statistics()
        free = heap.size - used
        lines = [
            f"stack: {stack_bytes(sys._getframe(1))} out of {STACK}",
            f"GC: total: {heap.size}, used: {used}, free: {free}",
            f" No. of 1-blocks: {found.one_blocks}, 2-blocks: {found.two_blocks}, "
            f"max blk sz: {found.max_block}, "
            f"max free sz: {min(found.max_free, free // BLOCK)}",
        ]
        if verbose is not None:
            lines += _map(heap.table(), heap.base)
        runtime.write("\n".join(lines) + "\n")

    @native
    def qstr_info(verbose: Any = None, /) -> None:
        known = runtime.release.builtin_qstrs
        names = sorted(
            {
                name
                for module in runtime.modules.values()
                for name in module.__dict__
                if name.encode() not in known
            }
        )
        data = sum(len(name) + 3 for name in names)
        pools = 1 if names else 0
        runtime.write(
            f"qstr pool: n_pool={pools}, n_qstr={len(names)}, n_str_data_bytes={data}, "
            f"n_total_bytes={data + 4 * len(names) + 16 * pools}\n"
        )
        if verbose is not None:
            runtime.write("".join([f"Q({name})\n" for name in names]))

    @native
    def stack_use() -> int:
        return stack_bytes(sys._getframe(1))

    @native
    def heap_lock() -> None:
        runtime.locked_heap.lock()

    @native
    def heap_unlock() -> int:
        return runtime.locked_heap.unlock()

    @native
    def heap_locked() -> int:
        return heap.locked

    @native
    def kbd_intr(character: Any, /) -> None:
        scheduler.keyboard_interrupt = as_word(character) >= 0
        runtime.console.interrupt_character = as_word(character)

    @native
    def schedule(function: Any, argument: Any, /) -> None:
        scheduler.schedule(function, argument)

    return Module(
        NAMES[0],
        {
            "const": const,
            "opt_level": opt_level,
            "alloc_emergency_exception_buf": alloc_emergency_exception_buf,
            "mem_info": mem_info,
            "qstr_info": qstr_info,
            "stack_use": stack_use,
            "heap_lock": heap_lock,
            "heap_unlock": heap_unlock,
            "heap_locked": heap_locked,
            "kbd_intr": kbd_intr,
            "schedule": schedule,
        },
    )


def _map(table: bytes, base: int) -> list[str]:
    """The map of the heap, 64 blocks to the line: `.` free, `h` first of several, `=` others."""
    lines = [f"GC memory layout; from {base:x}:"]
    skipped = 0
    for start in range(0, len(table), PER_LINE):
        row = table[start : start + PER_LINE]
        if row.count(FREE) == len(row):
            skipped += 1
            continue
        if skipped:
            lines.append(f"       ({skipped} lines all free)")
            skipped = 0
        shown = "".join(["." if b == FREE else "h" if b == HEAD else "=" for b in row])
        lines.append(f"{(start * BLOCK) & 0xFFFFF:05x}: {shown}")
    if skipped:
        lines.append(f"       ({skipped} lines all free)")
    return lines
