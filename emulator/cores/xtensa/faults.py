"""What exceptions of an Xtensa core are called where the host has to deal with them."""

from __future__ import annotations

from typing import Final

from mpy_cross.assembler.xtensa import TABLE, size_of
from mpy_cross.emulator.bus import Bus, Memory
from mpy_cross.emulator.cores.core import Fault, FaultKind
from mpy_cross.emulator.cores.xtensa.exceptions import Raised
from mpy_cross.emulator.cores.xtensa.numbers import (
    COPROCESSOR0_DISABLED,
    DIVIDE_BY_ZERO,
    EXCCAUSE,
    EXCVADDR,
    FETCH_ERROR,
    FETCH_PROHIBITED,
    ILLEGAL,
    LCOUNT,
    LOAD_PROHIBITED,
    LOAD_STORE_ERROR,
    PS,
    SAR,
    STORE_PROHIBITED,
    SYSCALL,
    UNALIGNED,
    WINDOWBASE,
    WINDOWSTART,
)
from mpy_cross.emulator.cores.xtensa.state import State

_KINDS: Final = {
    ILLEGAL: FaultKind.UNDEFINED, SYSCALL: FaultKind.UNDEFINED, FETCH_ERROR: FaultKind.FETCH,
    FETCH_PROHIBITED: FaultKind.FETCH, LOAD_STORE_ERROR: FaultKind.READ,
    LOAD_PROHIBITED: FaultKind.READ, STORE_PROHIBITED: FaultKind.WRITE,
    UNALIGNED: FaultKind.UNALIGNED, DIVIDE_BY_ZERO: FaultKind.DIVISION,
    COPROCESSOR0_DISABLED: FaultKind.NO_COPROCESSOR}
_FORBIDDEN: Final = {  # where there is memory: what it would need
    FaultKind.READ: ("r", FaultKind.NO_READ), FaultKind.WRITE: ("w", FaultKind.NO_WRITE),
    FaultKind.FETCH: ("x", FaultKind.NO_EXECUTE)}


def disassemble(bus: Bus, state: State) -> str:
    """The instruction at the pc, "" where there is no memory."""
    found = bus.find(state.pc)
    if not isinstance(found, Memory):
        return ""
    at = state.pc - found.base
    data = bytes(found.buffer[at : at + 3])
    if len(data) < 2:
        return ""
    decoded = TABLE.decode(data, 0, state.pc, state.model.features)
    if decoded is None:
        return ".byte " + ", ".join(f"{byte:#04x}" for byte in data[: size_of(data[0])])
    return TABLE.text(decoded, lambda target: f"0x{target:x}")


def registers(state: State) -> dict[str, int]:
    """Those that a report shows."""
    found = {f"a{number}": value for number, value in enumerate(state.window())}
    found["pc"] = state.pc
    shown = {"ps": PS, "sar": SAR, "exccause": EXCCAUSE, "excvaddr": EXCVADDR}
    if state.model.windows:
        shown |= {"windowbase": WINDOWBASE, "windowstart": WINDOWSTART, "lcount": LCOUNT}
    return found | {name: state.sr[number] for name, number in shown.items()}


def make_fault(bus: Bus, state: State, kind: FaultKind, address: int | None = None,
               text: str = "") -> Fault:
    """A fault of the instruction at the pc, with the registers as they are now."""
    return Fault(kind, state.pc, address, disassemble(bus, state), registers(state), text)


def raised_fault(bus: Bus, state: State, error: Raised) -> Fault:
    """The fault that an exception is."""
    kind = _KINDS.get(error.cause, FaultKind.UNDEFINED)
    text = error.text
    if error.address is not None and kind in _FORBIDDEN:
        found = bus.find(error.address)
        needed, forbidden = _FORBIDDEN[kind]
        if isinstance(found, Memory) and needed not in found.perms:
            kind, text = forbidden, ""
    if error.cause == SYSCALL:
        text = "a system call that nobody serves"
    return make_fault(bus, state, kind, error.address, text)
