"""Special registers, exceptions and interrupts, barriers, and what else is for system software."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mpy_cross.emulator.cores.xtensa import special
from mpy_cross.emulator.cores.xtensa.context import Context, Operation
from mpy_cross.emulator.cores.xtensa.decode import Instruction
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.numbers import (
    DEBUG_BREAK,
    DEBUG_BREAK_N,
    DEPC,
    EPC,
    EPC1,
    EPS,
    EXPSTATE,
    ILLEGAL,
    MASK,
    PS,
    PS_EXCM,
    PS_INTLEVEL,
    PS_OWB,
    PS_OWB_SHIFT,
    SYSCALL,
    WINDOWBASE,
    WINDOWSTART,
)

SYSTEM: Final[dict[str, Operation]] = {}

_REGION_SHIFT: Final = 29  # memory protection is by eighths of the address space
_HIT: Final = 1  # how PITLB and PDTLB say that they found something


def op(*names: str) -> Callable[[Operation], Operation]:
    """Registers a function for the instructions of these names."""
    def register(function: Operation) -> Operation:
        for name in names:
            SYSTEM[name] = function
        return function

    return register


@op("nop", "isync", "rsync", "esync", "dsync", "excw", "memw", "extw")
def nop(core: Context, i: Instruction) -> None:
    """Barriers: everything is in order here."""


@op("ill", "simcall", "rfdo", "rfdd", "lddr32.p", "sddr32.p")
def ill(core: Context, i: Instruction) -> None:
    """Those of the debugger are illegal but in the mode that it has stopped the core in."""
    raise Raised(ILLEGAL)


@op("syscall")
def syscall(core: Context, i: Instruction) -> None:
    raise Raised(SYSCALL)


@op("break")
def break_(core: Context, i: Instruction) -> int | None:
    return core.on_break(DEBUG_BREAK)


@op("break.n")
def break_n(core: Context, i: Instruction) -> int | None:
    return core.on_break(DEBUG_BREAK_N)


# Special and user registers.

@op("rsr")
def rsr(core: Context, i: Instruction) -> None:
    number, t = i.operands
    core.set(t, special.read(core.state, number))


@op("wsr")
def wsr(core: Context, i: Instruction) -> None:
    number, t = i.operands
    special.write(core.state, number, core.get(t))


@op("xsr")
def xsr(core: Context, i: Instruction) -> None:
    number, t = i.operands
    value, old = core.get(t), special.read(core.state, number)
    core.set(t, old)
    special.write(core.state, number, value)


@op("rur")
def rur(core: Context, i: Instruction) -> None:
    number, r = i.operands
    core.set(r, core.state.ur[number])


@op("wur")
def wur(core: Context, i: Instruction) -> None:
    number, t = i.operands
    special.write_user(core.state, number, core.get(t))


@op("rer")
def rer(core: Context, i: Instruction) -> None:
    t, s = i.operands
    core.set(t, core.external.get(core.get(s), 0))


@op("wer")
def wer(core: Context, i: Instruction) -> None:
    t, s = i.operands
    core.external[core.get(s)] = core.get(t)


# Interrupt levels, and returns from exceptions.

def _set_ps(core: Context, value: int) -> None:
    core.state.sr[PS] = value
    core.state.attention = True


@op("rsil")
def rsil(core: Context, i: Instruction) -> None:
    t, level = i.operands
    old = core.state.sr[PS]
    core.set(t, old)
    _set_ps(core, old & ~PS_INTLEVEL | level)


@op("waiti")
def waiti(core: Context, i: Instruction) -> None:
    _set_ps(core, core.state.sr[PS] & ~PS_INTLEVEL | i.operands[0])
    core.state.sleeping = True


@op("rfe")
def rfe(core: Context, i: Instruction) -> int:
    _set_ps(core, core.state.sr[PS] & ~PS_EXCM)
    return core.state.sr[EPC1]


@op("rfde")
def rfde(core: Context, i: Instruction) -> int:
    return core.state.sr[DEPC]


@op("rfi")
def rfi(core: Context, i: Instruction) -> int:
    level = i.operands[0]
    if not 2 <= level <= core.state.model.interrupts.top_level:
        raise Raised(ILLEGAL)
    _set_ps(core, core.state.sr[EPS + level])
    return core.state.sr[EPC + level]


@op("rfwo", "rfwu")
def rfw(core: Context, i: Instruction) -> int:
    sr, bit = core.state.sr, 1 << core.state.sr[WINDOWBASE]
    if i.name == "rfwo":
        sr[WINDOWSTART] &= ~bit & MASK
    else:
        sr[WINDOWSTART] |= bit
    sr[WINDOWBASE] = (sr[PS] & PS_OWB) >> PS_OWB_SHIFT
    _set_ps(core, sr[PS] & ~PS_EXCM)
    return sr[EPC1]


# Region protection: attributes can be set and read; all accesses are allowed.

@op("witlb", "wdtlb")
def write_region(core: Context, i: Instruction) -> None:
    t, s = i.operands
    core.regions[i.name[1]][core.get(s) >> _REGION_SHIFT] = core.get(t) & 0xF


@op("ritlb0", "rdtlb0")
def read_region(core: Context, i: Instruction) -> None:
    t, s = i.operands
    core.set(t, core.get(s) >> _REGION_SHIFT << _REGION_SHIFT)


@op("ritlb1", "rdtlb1")
def read_attribute(core: Context, i: Instruction) -> None:
    t, s = i.operands
    region = core.get(s) >> _REGION_SHIFT
    core.set(t, region << _REGION_SHIFT | core.regions[i.name[1]][region])


@op("pitlb", "pdtlb")
def probe_region(core: Context, i: Instruction) -> None:
    t, s = i.operands
    core.set(t, core.get(s) >> _REGION_SHIFT << _REGION_SHIFT | _HIT)


@op("iitlb", "idtlb")
def invalidate_region(core: Context, i: Instruction) -> None:
    """Regions are there always."""


# The wires of the LX6 that a chip may connect; none does.

@op("read_impwire")
def read_wires(core: Context, i: Instruction) -> None:
    core.set(i.operands[0], 0)


@op("setb_expstate")
def set_wire(core: Context, i: Instruction) -> None:
    core.state.ur[EXPSTATE] |= 1 << i.operands[0]


@op("clrb_expstate")
def clear_wire(core: Context, i: Instruction) -> None:
    core.state.ur[EXPSTATE] &= ~(1 << i.operands[0]) & MASK


@op("wrmsk_expstate")
def write_wires(core: Context, i: Instruction) -> None:
    t, s = i.operands
    mask = core.get(s)
    core.state.ur[EXPSTATE] = core.state.ur[EXPSTATE] & ~mask & MASK | core.get(t) & mask
