"""The instruction sets that have a table of bit patterns, with all their features."""

from __future__ import annotations

from dataclasses import dataclass

from mpy_cross.assembler import arm, riscv, thumb, xtensa
from mpy_cross.assembler.arch import ARCHES
from mpy_cross.assembler.table import Table


@dataclass(frozen=True)
class Set:
    """name: of the recorded file.  features: those that one core can have together."""

    name: str
    table: Table
    features: frozenset[str]


_RISCV = "i machine m c zicsr zifencei zba zcmp"

SETS = {one.name: one for one in (
    Set("thumb", thumb.TABLE, ARCHES["armv7emdp"].features),
    Set("arm", arm.TABLE, frozenset(("v6", "v6k", "vfp2"))),
    Set("xtensa", xtensa.TABLE, ARCHES["xtensa"].features),
    Set("xtensawin", xtensa.TABLE, ARCHES["xtensawin"].features),
    Set("rv32", riscv.TABLE, frozenset(f"rv32 {_RISCV}".split())),
    Set("rv64", riscv.TABLE, frozenset(f"rv64 {_RISCV}".split())),
)}
