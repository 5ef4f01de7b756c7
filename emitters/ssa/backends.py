"""The back ends, and the architectures that each is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, final

from mpy_cross.emitters.ssa import (
    thumb1,
    thumb1_lower,
    thumb1_select,
    xtensa,
    xtensa_lower,
    xtensa_select,
)
from mpy_cross.emitters.ssa.ir import THUMB2_ACCESS, Access, Function
from mpy_cross.emitters.ssa.machine import MFunction, Second
from mpy_cross.emitters.ssa.passes import dead, gvn, merge, phis
from mpy_cross.emitters.ssa.passes import select as choices
from mpy_cross.emitters.ssa.thumb2 import Thumb2, registers
from mpy_cross.emitters.ssa.thumb2_float import FLOAT_REGISTERS
from mpy_cross.emitters.ssa.thumb2_select import Selector


class Assembler(Protocol):
    """Machine instructions with registers to bytes."""

    links: list[tuple[int, int]]
    """Place and name, as in `RawCode.qstr_links`."""

    def assemble(self) -> bytes:
        """The bytes of the function.  Raises AllocationError for a frame that is too big."""


Pass = Callable[[Function], bool | None]
"""True if it has changed something, of those that say so."""


@final
class Lowering(NamedTuple):
    """Passes for what there are no instructions for."""

    passes: tuple[Pass, ...]
    clean: tuple[Pass, ...]
    """What then makes it good: not needed if those have made nothing of a plain function."""


@final
class BackEnd(NamedTuple):
    """What there is for one architecture."""

    select: Callable[[Function], MFunction]
    """Machine instructions for the values of a function."""
    registers: Callable[[int], tuple[int, ...]]
    """Registers that values may be in, the best first; all for 0, else only so many, for tests."""
    assembler: Callable[[list[MFunction]], Assembler]
    """For a function and its parts."""
    second: Callable[[MFunction, int], Second] | None = None
    """Registers for some operands only, for a function and the same limit."""
    access: Access = THUMB2_ACCESS
    divides: bool = True
    """Division by a number is made a multiplication: there is one of 64 bits."""
    lower: tuple[Lowering, ...] = ()
    """Passes after all others."""
    items: bool = False
    """Calls that read or write an item may be marked with `ir.ITEMS`."""
    floats: tuple[int, ...] = ()
    """Registers that floats of single precision may be in."""


def _thumb2(dsp: bool, floats: tuple[int, ...] = ()) -> BackEnd:
    def select(function: Function) -> MFunction:
        return Selector(function, dsp).run()

    def assembler(functions: list[MFunction]) -> Assembler:
        return Thumb2(functions[0], functions[1:])

    return BackEnd(select, registers, assembler, items=True, floats=floats)


def _thumb1() -> BackEnd:
    def select(function: Function) -> MFunction:
        return thumb1_select.Selector(function).run()

    def assembler(functions: list[MFunction]) -> Assembler:
        return thumb1.Thumb1(functions[0], functions[1:])

    return BackEnd(select, thumb1.registers, assembler, thumb1.second_registers,
                   Access(-7, 31, True, (4,)), False,
                   (Lowering((thumb1_lower.run,), (gvn.run, dead.run)),), True)


def _xtensa(abi: xtensa_select.Abi) -> BackEnd:
    def select(function: Function) -> MFunction:
        return xtensa_select.Selector(function, abi).run()

    def registers(limit: int) -> tuple[int, ...]:
        return abi.few[-limit:] if limit else abi.registers

    def assembler(functions: list[MFunction]) -> Assembler:
        return xtensa.Xtensa(functions[0], abi, functions[1:])

    # An index takes an instruction of its own, as the step of a pointer does.
    last = xtensa_lower.counted if abi.windowed else thumb1_lower.run
    choose = choices.run if abi.windowed else choices.without_extremes
    return BackEnd(select, registers, assembler, None, Access(-128, 255, True, (1, 2, 4)),
                   abi.windowed,
                   (Lowering((choose,), (phis.run, merge.run, gvn.run, dead.run)),
                    Lowering((xtensa_lower.indices, xtensa_lower.displacements, last),
                             (gvn.run, dead.run))), True)


BACK_ENDS: Final = {
    "armv6m": _thumb1(),
    "armv7m": _thumb2(False),
    "armv7em": _thumb2(True),
    "armv7emsp": _thumb2(True, FLOAT_REGISTERS),
    "armv7emdp": _thumb2(True, FLOAT_REGISTERS),
    "xtensa": _xtensa(xtensa_select.CALL0),
    "xtensawin": _xtensa(xtensa_select.WINDOWED),
}
"""By architecture; the others have the baseline only."""
