"""The Cortex-M cores: what each has, and how long its instructions take."""

from __future__ import annotations

from typing import Final, NamedTuple, final

from mpy_cross.emulator.cores.core import CoreError


@final
class Model(NamedTuple):
    """One kind of core.

    name: as chips give it; unicorn: of Unicorn's constant; features: of the instruction table.
    registers: of floating point, "" for none, "s" single, "d" double precision.
    v7: has BASEPRI, FAULTMASK and the configurable faults; priority_bits: of the NVIC of the usual
    chip; interrupts: the architecture's limit; cpuid: its identification register.
    cycles: average clock cycles for 100 instructions, see below.
    """

    name: str
    unicorn: str
    features: frozenset[str]
    floats: str
    v7: bool
    priority_bits: int
    interrupts: int
    cpuid: int
    cycles: int


def _features(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Cycle estimate.  One number per core, weighted with the mix of compiled code: about 25 % loads and
# stores, 12 % branches that are taken, 5 % calls and returns (assumed, not measured).  From
# zero-wait-state memory, by the technical reference manuals:
#   Cortex-M0+  load, store 2; taken branch 2; pop with pc 3 + n; the rest 1        -> 1.45
#   Cortex-M3   load 2 (1 when pipelined), store 1; taken branch 2 to 4             -> 1.30
#   Cortex-M4   as M3                                                               -> 1.30
#   Cortex-M7   two instructions at once; predicted branches 1                      -> 0.75
#   Cortex-M33  load 1 to 2; taken branch 2 to 3; some pairs of 16-bit at once      -> 1.20
_M0, _M3, _M4, _M7, _M33 = 145, 130, 130, 75, 120

_MODELS: Final = (
    Model("cortex-m0+", "M0", _features("v6m"), "", False, 2, 32, 0x410CC601, _M0),
    Model("cortex-m3", "M3", _features("v6m v7m"), "", True, 4, 240, 0x412FC231, _M3),
    Model("cortex-m4f", "M4", _features("v6m v7m v7em fpsp"), "s", True, 4, 240, 0x410FC241, _M4),
    Model("cortex-m7", "M7", _features("v6m v7m v7em fpsp fpv5 fpdp"), "d", True, 4, 240,
          0x411FC272, _M7),
    Model("cortex-m33", "M33", _features("v6m v7m v7em fpsp fpv5"), "s", True, 4, 480,
          0x410FD213, _M33),
)

MODELS: Final[dict[str, Model]] = {model.name: model for model in _MODELS}


def model(name: str) -> Model:
    """The model of that name. CoreError with all names if there is none."""
    if name not in MODELS:
        raise CoreError(f"there is no core {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name]
