"""The Xtensa cores: what each is configured with.

LX106 and LX6 are those of the chips (core-isa.h of the two, published by their maker); DE212 and
DE233_FPU are sample configurations that QEMU has too, which makes it a judge of the interpreter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, final

from mpy_cross.assembler.arch import ARCHES
from mpy_cross.emulator.cores.core import CoreError

WINDOW_VECTORS: Final = 0x180  # bytes of the six vectors of windows, 64 each, at the vector base


@final
class Interrupts(NamedTuple):
    """The interrupts of a configuration.

    levels: of interrupts 0 and on; timers: the interrupt of each CCOMPARE register; nmi: the
    interrupt that nothing masks.  Masks: software, edge: interrupts that a program sets, or an
    edge, and that stay until they are cleared; outer: those with a wire from outside.
    exception_level: what PS.EXCM holds back; debug_level: of BREAK and the debug registers.
    """

    levels: tuple[int, ...]
    timers: tuple[int, ...]
    nmi: int
    software: int
    edge: int
    exception_level: int
    debug_level: int

    @property
    def nmi_level(self) -> int:
        return self.levels[self.nmi]

    @property
    def top_level(self) -> int:
        """The highest level that has registers EPC, EPS and EXCSAVE."""
        return max(self.nmi_level, self.debug_level)

    def mask(self, level: int) -> int:
        """The interrupts of one level."""
        return sum(1 << number for number, one in enumerate(self.levels) if one == level)

    @property
    def all(self) -> int:
        return (1 << len(self.levels)) - 1

    @property
    def outer(self) -> int:
        return self.all & ~self.software & ~sum(1 << number for number in self.timers)


@final
class Model(NamedTuple):
    """One configuration.

    features: of the instruction table, which also say whether there are windows ("window"), loops
        ("loop"), floating point ("float") and so on.
    registers: in the file of address registers: 16 without windows, else 32 or 64.
    specials: numbers of the special registers that there are.
    vector_base: VECBASE after a reset; reset: where execution begins.
    kernel, user, double: offsets of the vectors of general exceptions; levels: of interrupt levels
        2 and on; those of windows are 64 bytes apart at offset 0 (overflow 4, underflow 4,
        overflow 8, ...).
    unaligned: whether the core does loads and stores that are not aligned; else they raise
        LoadStoreAlignment.
    processor: the PRID register; config: CONFIGID0 and CONFIGID1.
    cycles: average clock cycles for 100 instructions.
    """

    name: str
    features: frozenset[str]
    registers: int
    specials: frozenset[int]
    interrupts: Interrupts
    vector_base: int
    reset: int
    kernel: int
    user: int
    double: int
    levels: tuple[int, ...]
    unaligned: bool
    processor: int
    config: tuple[int, int]
    cycles: int

    @property
    def windows(self) -> bool:
        return "window" in self.features

    @property
    def quads(self) -> int:
        """Groups of four registers in the file, which windows begin at."""
        return self.registers // 4

    @property
    def abi(self) -> str:
        """How compiled code calls: "windowed" or "call0"."""
        return "windowed" if self.windows else "call0"

    def level_vector(self, level: int) -> int:
        """The offset of the vector of an interrupt level from 2 on."""
        return self.levels[level - 2]


def _levels(count: int, **numbers: int) -> tuple[int, ...]:
    """Levels of `count` interrupts from masks such as level3=0x200; the others have level 1."""
    found = [1] * count
    for name, mask in numbers.items():
        for number in range(count):
            if mask >> number & 1:
                found[number] = int(name.removeprefix("level"))
    return tuple(found)


def _specials(features: frozenset[str], interrupts: Interrupts, more: Iterable[int],
              breaks: int) -> frozenset[int]:
    """The special registers of a configuration (ISA manual, table of special registers).

    breaks: registers for the address of an instruction, and of data, to stop at.
    """
    found = {3, 89, 104, 176, 192, 208, 226, 227, 228, 230, 231, 232, 233, 234, 235, 236, 237, 238,
             96, *more}
    for feature, numbers in (("loop", (0, 1, 2)), ("bool", (4,)), ("s32c1i", (12, 99)),
                             ("mac16", (16, 17, 32, 33, 34, 35)), ("window", (72, 73)),
                             ("float", (224,))):
        if feature in features:
            found |= set(numbers)
    for number in range(breaks):
        found |= {128 + number, 144 + number, 160 + number}
    top = interrupts.top_level
    found |= {176 + level for level in range(1, top + 1)}  # EPC
    found |= {192 + level for level in range(2, top + 1)}  # EPS
    found |= {208 + level for level in range(1, top + 1)}  # EXCSAVE
    found |= {240 + number for number in range(len(interrupts.timers))}
    return frozenset(found)


_LX6: Final = ARCHES["xtensawin"].features
_LX106: Final = ARCHES["xtensa"].features | {"extern"}
_DE212: Final = _LX6 - {"mulhigh", "bool", "float", "user", "double", "state", "buffered"}
_DE233: Final = _LX6 - {"mulhigh", "double", "state", "buffered"}

_INTERRUPTS_LX106: Final = Interrupts(
    _levels(15, level3=0x4000), (6,), 14, 0x80, 0x3F00, 1, 2)
_INTERRUPTS_LX6: Final = Interrupts(
    _levels(32, level2=0x380000, level3=0x28C0_8800, level4=0x5300_0000, level5=0x8401_0000,
            level7=0x4000),
    (6, 15, 16), 14, 0x2000_0080, 0x5040_0400, 3, 6)
_INTERRUPTS_DE: Final = Interrupts(
    _levels(22, level2=0x100, level3=0x20_0E00, level4=0x1000, level5=0x2000, level7=0x4000),
    (6, 10, 13), 14, 0x880, 0x3F_8000, 3, 6)

_LEVELS: Final = (0x180, 0x1C0, 0x200, 0x240, 0x280, 0x2C0)

# Cycle estimate: one number per core, as for the other cores, with the mix of compiled code: about
# 25 % loads and stores, 12 % branches that are taken, 5 % calls and returns (assumed, not
# measured).  A taken branch costs 3 on the five stages of the LX106 and 4 on the seven of the LX6;
# a load that is used at once costs 2 and 3.
_CYCLES_LX106: Final = 145
_CYCLES_LX6: Final = 160

_MODELS: Final = (
    Model("lx106", _LX106, 16, _specials(_LX106, _INTERRUPTS_LX106, (5,), 1), _INTERRUPTS_LX106,
          0x4000_0000, 0x4000_0080, 0x30, 0x50, 0x70, (0x10, 0x20), False, 0,
          (0xC28C_DAFA, 0x1082_B6F6), _CYCLES_LX106),
    Model("lx6", _LX6, 64, _specials(_LX6, _INTERRUPTS_LX6, (97, 244, 245, 246, 247), 2),
          _INTERRUPTS_LX6, 0x4000_0000, 0x4000_0400, 0x300, 0x340, 0x3C0, _LEVELS, True, 0xCDCD,
          (0xC2BC_FFFE, 0x1CC5_FE96), _CYCLES_LX6),
    Model("de212", _DE212, 32, _specials(_DE212, _INTERRUPTS_DE, (97, 244, 245), 2),
          _INTERRUPTS_DE, 0x6000_0000, 0x5000_0000, 0x300, 0x340, 0x3C0, _LEVELS, False, 0,
          (0xC283_DFFE, 0x1C85_A985), 100),
    Model("de233_fpu", _DE233, 32, _specials(_DE233, _INTERRUPTS_DE, (97, 244, 245), 2),
          _INTERRUPTS_DE, 0x2000, 0xFE00_0000, 0x300, 0x340, 0x3C0, _LEVELS, False, 0,
          (0xC103_9286, 0x28C8_72E0), 100),
)

MODELS: Final[dict[str, Model]] = {model.name: model for model in _MODELS}


def model(name: str) -> Model:
    """The configuration of that name. CoreError with all names if there is none."""
    if name not in MODELS:
        raise CoreError(f"there is no core {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name]
