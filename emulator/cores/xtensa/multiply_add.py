"""The MAC16 option: 16-bit products, added up in 40 bits."""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.cores.xtensa.context import Context, Operation
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.numbers import ACCHI, ACCLO, M0, MASK


def _half(value: int, which: str, sign: bool) -> int:
    half = value >> 16 if which == "h" else value & 0xFFFF
    return (half ^ 0x8000) - 0x8000 if sign else half


def _multiply(name: str) -> Operation:
    """name: of the row, such as "mula.da.lh.ldinc": operation, where the factors are (a: address
    registers, d: m0 to m3), which halves, and whether the next factor is loaded."""
    operation, files, halves, *load = name.split(".")

    def run(core: Context, i: Instruction) -> None:
        sr = core.state.sr
        loads, factors = i.operands[:-2], i.operands[-2:]
        x, y = (_half(core.get(number) if file == "a" else sr[M0 + number], half,
                      operation != "umul")
                for number, file, half in zip(factors, files, halves, strict=True))
        product = x * y
        if operation == "mula":
            product = (sr[ACCHI] << 32 | sr[ACCLO]) + product
        elif operation == "muls":
            product = (sr[ACCHI] << 32 | sr[ACCLO]) - product
        if load:
            _load(core, loads, load[0])
        sr[ACCLO] = product & MASK
        sr[ACCHI] = ((product >> 32 & 0xFF) ^ 0x80) - 0x80 & MASK

    return run


def _load(core: Context, operands: tuple[int, ...], way: str) -> None:
    w, s = operands
    address = core.get(s) + (4 if way == "ldinc" else -4) & MASK
    core.state.sr[M0 + w] = core.load(address, 4)
    core.set(s, address)


def _only_load(core: Context, i: Instruction) -> None:
    _load(core, i.operands, i.name)


MULTIPLY_ADD: Final[dict[str, Operation]] = {
    **{row.name: _multiply(row.name) for row in TABLE.rows
       if "mac16" in row.features and "." in row.name},
    "ldinc": _only_load, "lddec": _only_load,
}
