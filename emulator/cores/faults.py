"""What faults of a Cortex-M are called: by Unicorn, by the architecture, and in a report."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.bus import Bus, Memory
from mpy_cross.emulator.cores.core import Fault, FaultKind
from mpy_cross.emulator.cores.models import Model
from mpy_cross.emulator.cores.nvic import BUS_FAULT, USAGE_FAULT
from mpy_cross.emulator.cores.unicorn_arm import THUMB_STATE, numbers
from mpy_cross.emulator.cores.unicorn_common import (
    FAULTS,
    FETCH_UNMAPPED,
    INVALID_INSTRUCTION,
    Engine,
)

# Unicorn's numbers of exceptions: what they are here.
SVC, PREFETCH, DATA, BKPT, EXCEPTION_RETURN, NO_COPROCESSOR, STATE = 2, 3, 4, 7, 8, 17, 18
KINDS: Final = {1: FaultKind.UNDEFINED, PREFETCH: FaultKind.FETCH, DATA: FaultKind.UNALIGNED,
                 NO_COPROCESSOR: FaultKind.NO_COPROCESSOR, STATE: FaultKind.STATE}
# The exception that a fault is, and its bit of CFSR.
AS_EXCEPTION: Final = {
    FaultKind.READ: (BUS_FAULT, 1 << 9), FaultKind.WRITE: (BUS_FAULT, 1 << 10),
    FaultKind.FETCH: (BUS_FAULT, 1 << 8), FaultKind.NO_WRITE: (BUS_FAULT, 1 << 10),
    FaultKind.NO_READ: (BUS_FAULT, 1 << 9), FaultKind.NO_EXECUTE: (BUS_FAULT, 1 << 8),
    FaultKind.UNALIGNED: (USAGE_FAULT, 1 << 24), FaultKind.UNDEFINED: (USAGE_FAULT, 1 << 16),
    FaultKind.NO_COPROCESSOR: (USAGE_FAULT, 1 << 19), FaultKind.STATE: (USAGE_FAULT, 1 << 17),
    FaultKind.RETURN: (USAGE_FAULT, 1 << 18),
}

GENERAL: Final = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")
REGISTERS: Final = (*GENERAL, "xpsr")


def disassemble(bus: Bus, model: Model, pc: int) -> str:
    """The instruction at `pc`, "" where there is no memory."""
    from mpy_cross.assembler.thumb import TABLE  # large, and most runs have no fault

    found = bus.find(pc)
    if not isinstance(found, Memory):
        return ""
    at = pc - found.base
    data = bytes(found.buffer[at : at + 4])
    decoded = TABLE.decode(data, 0, pc, model.features) if len(data) > 1 else None
    if decoded is None:
        return f".inst 0x{data[:2][::-1].hex()}"
    return TABLE.text(decoded, lambda target: f"0x{target:x}")


def make_fault(engine: Engine, bus: Bus, model: Model, kind: FaultKind, pc: int,
               address: int | None = None, text: str = "") -> Fault:
    """A fault at `pc` with the registers as they are now."""
    names = numbers().by_name
    registers = {name: engine.read(names[name]) & 0xFFFF_FFFF for name in REGISTERS}
    registers["pc"] = pc
    return Fault(kind, pc, address, disassemble(bus, model, pc), registers, text)


def engine_fault(engine: Engine, bus: Bus, model: Model, error: int,
                 address: int | None) -> Fault:
    """The fault for a uc_err that a run ended with; address: of the access that was refused."""
    names = numbers().by_name
    pc = engine.read(names["pc"]) & 0xFFFF_FFFE
    kind = FAULTS.get(error, FaultKind.ENGINE)
    if error == FETCH_UNMAPPED:
        address = pc
    if error == INVALID_INSTRUCTION and not engine.read(names["xpsr"]) & THUMB_STATE:
        kind = FaultKind.STATE
    text = "" if kind is not FaultKind.ENGINE else f"error {error} of the engine"
    return make_fault(engine, bus, model, kind, pc, address, text)
