"""The target architectures as records, one per value of mpy-cross's -march option."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Arch:
    """What the other modules need to know of a target; they ask the record, never its name.

    name: as -march spells it.
    number: in the feature byte of a .mpy file.
    family: the instruction set whose emitter serves it: thumb, arm, xtensa, x86, x64, riscv.
    table: the instruction table: the module of mpy_cross.assembler that has it.
    word: bytes in a machine word and in a pointer.
    features: the features of the instruction table that the target's code may use.
    nlr_buf_registers: words that the runtime's non-local-return buffer keeps for registers; the
        largest of all ports with this architecture, so that code runs on each of them.
    code_alignment: alignment of a function's first instruction, in bytes.
    """

    name: str
    number: int
    family: str
    table: str
    word: int
    features: frozenset[str]
    nlr_buf_registers: int
    code_alignment: int = 4
    little_endian: bool = True


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_V6M = "v6m"
_V7M = f"{_V6M} v7m"
_V7EM = f"{_V7M} v7em"
_LX106 = "core density exception debug interrupt mul16 mul32 nsa tlb"
_LX6 = (f"{_LX106} mulhigh div sext minmax clamps loop window bool mac16 float sync s32c1i extern "
        "user double ocd state buffered")

# What compilers use for these machines unless told more.
_X86: Final = "x87 mmx sse sse2 cet"

_ARCHES: Final = (
    Arch("x86", 1, "x86", "x86", 4, _set(f"x86 {_X86}"), 6, 1),
    Arch("x64", 2, "x64", "x86", 8, _set(f"x64 {_X86}"), 10, 1),
    Arch("armv6", 3, "arm", "arm", 4, _set("v6"), 16),
    Arch("armv6m", 4, "thumb", "thumb", 4, _set(_V6M), 16),
    Arch("armv7m", 5, "thumb", "thumb", 4, _set(_V7M), 16),
    Arch("armv7em", 6, "thumb", "thumb", 4, _set(_V7EM), 16),
    Arch("armv7emsp", 7, "thumb", "thumb", 4, _set(f"{_V7EM} fpsp"), 16),
    Arch("armv7emdp", 8, "thumb", "thumb", 4, _set(f"{_V7EM} fpsp fpv5 fpdp"), 16),
    Arch("xtensa", 9, "xtensa", "xtensa", 4, _set(_LX106), 10),
    Arch("xtensawin", 10, "xtensa", "xtensa", 4, _set(_LX6), 17),
    Arch("rv32imc", 11, "riscv", "riscv", 4, _set("rv32 i machine m c zicsr zifencei"), 14),
    Arch("rv64imc", 12, "riscv", "riscv", 8, _set("rv64 i machine m c zicsr zifencei"), 14),
)

ARCHES: Final[dict[str, Arch]] = {arch.name: arch for arch in _ARCHES}
BY_NUMBER: Final[dict[int, Arch]] = {arch.number: arch for arch in _ARCHES}
