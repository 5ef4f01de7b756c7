"""Machine code of a .mpy file as text: instructions, labels of jumps, and the data around them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from mpy_cross.assembler.arch import ARCHES, Arch
from mpy_cross.loader.errors import MpyError
from mpy_cross.loader.mpyfile import CodeKind, MpyFile, RawCode
from mpy_cross.loader.prelude import decode_prelude

GENERATOR = 1  # scope flag in a prelude
_BYTES_SHOWN = 8
_DATA_ROW = 8


def machine_lines(mpy: MpyFile, raw: RawCode, name: Callable[[int], str]) -> list[str]:
    """One line per instruction of a code object that is no bytecode.

    `name` gives the text of an entry of the file's name table, for the places where a loader puts
    names into the code.
    """
    names = mpy.release.archs
    arch = ARCHES.get(names[mpy.arch]) if mpy.arch < len(names) else None
    # For ARMv6 the inline assembler makes Thumb code, behind a few ARM instructions.
    if arch is None or (raw.kind == CodeKind.ASM and arch.name == "armv6"):
        return _data_lines(raw.code, 0, len(raw.code))
    start, end = _code_range(mpy, raw, arch)
    links = {link >> 2: name(entry) for link, entry in raw.qstr_links}
    lines = _data_lines(raw.code, 0, start)
    lines += _instruction_lines(raw.code, start, end, arch, links)
    return lines + _data_lines(raw.code, end, len(raw.code))


def _code_range(mpy: MpyFile, raw: RawCode, arch: Arch) -> tuple[int, int]:
    """Where the instructions are; data words stand before them, the prelude behind them."""
    size = len(raw.code)
    if raw.kind != CodeKind.NATIVE:
        return 0, size
    end = raw.prelude_offset if 0 < raw.prelude_offset < size else size
    try:
        is_generator = decode_prelude(raw.code, end).flags & GENERATOR
    except MpyError:
        return 0, end
    words = 2 if is_generator else int(mpy.release.native_prelude_word)
    return min(words * arch.word, end), end


def _instruction_lines(
    code: bytes, start: int, end: int, arch: Arch, links: dict[int, str]
) -> list[str]:
    # The tables of the architectures differ in type and agree in what is used here.
    module: Any = import_module(f"mpy_cross.assembler.{arch.table}")
    table = module.TABLE
    is_x86 = arch.table == "x86"
    decoded: list[tuple[int, Any]] = []
    offset = start
    view = code[:end]
    while offset < end:
        step = table.decode(view, offset, offset, arch.features)
        size = step.size if step is not None else 1 if is_x86 else min(2, end - offset)
        decoded.append((offset, step if step is not None else size))
        offset += size
    target = _x86_target if is_x86 else import_module("mpy_cross.assembler.table").target
    starts = {offset for offset, _ in decoded}
    targets = {target(step) for _, step in decoded if not isinstance(step, int)}
    labels = {
        place: f"L{number}"
        for number, place in enumerate(sorted(place for place in targets if place in starts), 1)
    }

    def label(place: int) -> str:
        return labels.get(place, f"{place:#x}")

    lines = []
    for offset, step in decoded:
        if offset in labels:
            lines.append(f"{labels[offset]}:")
        if isinstance(step, int):
            lines += _data_lines(code, offset, offset + step)
            continue
        data = code[offset : offset + step.size]
        line = f"{offset:6}  {data.hex():<{2 * _BYTES_SHOWN}}  {table.text(step, label)}"
        names = [links[place] for place in range(offset, offset + step.size) if place in links]
        lines.append(f"{line:<60}  # {', '.join(names)}" if names else line)
    return lines


def _x86_target(step: Any) -> int | None:
    found: int | None = step.target
    return found


def _data_lines(code: bytes, start: int, end: int) -> list[str]:
    lines = []
    for offset in range(start, end, _DATA_ROW):
        row = code[offset : min(offset + _DATA_ROW, end)]
        lines.append(
            f"{offset:6}  {row.hex():<{2 * _BYTES_SHOWN}}  .byte "
            + ", ".join(f"0x{byte:02x}" for byte in row)
        )
    return lines
