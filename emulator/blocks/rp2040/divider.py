"""The registers of RP2040's SIO that compiled code uses all the time, in machine code of the host.

Every division of a Cortex-M0+ program is five accesses to the divider, and interrupts are locked
out with spinlocks: in Python these would be most of the time of a run.  So the engine calls a few
hundred bytes of machine code (x86-64 and AArch64) for them, which goes on to Python for all other
registers.  Elsewhere Python does everything, with the same results.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from typing import Any, Final, final

ALL: Final = 0xFFFFFFFF

# What the machine code does; `c` is a `Divider`, `read` and `write` are Python's:
#
#   uint64_t read(void *uc, uint64_t at, unsigned size, struct divider *c) {
#     if (size == 4) {
#       if (at >= 0x60 && at <= 0x78) {
#         if (at == 0x70) { c->dirty = 0; return c->quotient; }
#         if (at == 0x74) return c->remainder;
#         if (at == 0x78) return 1 | c->dirty << 1;
#         return at & 4 ? c->divisor : c->dividend;
#       }
#       if (at >= 0x100 && at < 0x180) {
#         uint32_t bit = 1u << (at >> 2 & 31), free = ~*c->locks & bit;
#         *c->locks |= bit;
#         return free;
#       }
#       if (at == 0) return c->core;
#     }
#     return c->read(uc, at, size, 0);
#   }
#   void write(void *uc, uint64_t at, unsigned size, uint64_t value, struct divider *c) {
#     if (size == 4) {
#       if (at >= 0x60 && at < 0x78) {
#         uint32_t v = value;
#         c->dirty = 1;
#         if (at == 0x70) { c->quotient = v; return; }
#         if (at == 0x74) { c->remainder = v; return; }
#         if (at & 4) c->divisor = v; else c->dividend = v;
#         uint32_t a = c->dividend, b = c->divisor;
#         if (at & 8) {
#           int64_t x = (int32_t)a, y = (int32_t)b;
#           if (!y) { c->quotient = x < 0 ? 1 : 0xffffffffu; c->remainder = a; }
#           else { c->quotient = x / y; c->remainder = x % y; }
#         } else if (!b) { c->quotient = 0xffffffffu; c->remainder = a; }
#         else { c->quotient = a / b; c->remainder = a % b; }
#         return;
#       }
#       if (at >= 0x100 && at < 0x180) { *c->locks &= ~(1u << (at >> 2 & 31)); return; }
#     }
#     c->write(uc, at, size, value, 0);
#   }
X86_64: Final = bytes.fromhex(
    "4889c883fa047572488d4ea04883f91877344883fe70750931d28950108b4008c34883fe7475048b"
    "400cc34883fe7875088b40108d440001c34080e60474048b4004c38b00c3488d8e00ffffff4883f9"
    "7f771e48c1ee02ba0100000089f1d3e2488b48188b0189c6f7d009d621d08931c34885f675048b40"
    "14c3488b402031c9ffe083fa040f85a7000000488d46a04883f817777941c74010010000004883fe"
    "70750541894808c34883fe7475054189480cc340f6c604740641894804eb034189084080e608418b"
    "004963480474214863d04885c9750f48c1fa3f83e202ffca41895008eb164889d0489948f7f9eb15"
    "85c9750d41c74008ffffffff4189400cc331d2f7f1418940084189500cc3488d8600ffffff4883f8"
    "7f771748c1ee02498b5018b8010000004889f1d3e0f7d02102c3498b40284531c0ffe0")
AARCH64: Final = bytes.fromhex(
    "5f10007141030054288001d11f6100f1480100543fe001f1400300543fd001f1c00200543fc001f1"
    "41030054600840b97f1000b9c0035fd628e079921f0104f141010054287c0253690c40f92a008052"
    "4821c81a2a0140b94b01082a00012a0a2b0100b9c0035fd6a10100b4641040f9e3031faa80001fd6"
    "600c40b9c0035fd6681040b9290080522005082ac0035fd628007e92606868b8c0035fd6601440b9"
    "c0035fd65f100071e1020054288001d11f5d00f128010054280080523fd001f1881000b900060054"
    "3fc001f121020054830800b9c0035fd628e079921f0104f121010054287c0253890c40f92a008052"
    "4821c81a2a0140b94801280a280100b9c0035fd6851440f9e4031faaa0001fd681011037880440b9"
    "830000b9c101183668020034e903032a0a7d4093297d4093290dca9a288d081b890800b90a000014"
    "890040b9830400b9e803032ae303092a81fe1f37480100346908c81a288d081b890800b9880c00b9"
    "c0035fd67f0400310800801208c5885a0200001408008012880800b9830c00b9c0035fd6")
# By machine: the code, and where the writing function begins in it.
CODE: Final = {"x86_64": (X86_64, 0x82), "AMD64": (X86_64, 0x82), "aarch64": (AARCH64, 164),
               "arm64": (AARCH64, 164)}


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


class Divider(ctypes.Structure):
    """One core's hardware divider, whose results are ready at once, and what the machine code
    needs beside it: the number of the core, the spinlocks, and Python's callbacks."""

    _fields_ = [(name, ctypes.c_uint32) for name in
                ("dividend", "divisor", "quotient", "remainder", "dirty", "core")] + [
                (name, ctypes.c_void_p) for name in ("locks", "read", "write")]

    dividend: int
    divisor: int
    quotient: int
    remainder: int
    dirty: int
    core: int
    locks: int | None
    read: int | None
    write: int | None

    def divide(self, with_sign: bool) -> None:
        """By zero: the remainder is the dividend, the quotient all ones, or 1 for a negative."""
        self.dirty = 1
        a, b = self.dividend, self.divisor
        if with_sign:
            a, b = signed(a), signed(b)
        if not b:
            self.quotient, self.remainder = (1 if a < 0 else ALL), self.dividend
            return
        quotient = abs(a) // abs(b)
        if (a < 0) != (b < 0):
            quotient = -quotient
        self.quotient, self.remainder = quotient & ALL, (a - quotient * b) & ALL

    def clear(self) -> None:
        self.dividend = self.divisor = self.quotient = self.remainder = self.dirty = 0


@final
class MachineCode:
    """The code in memory that may be executed. ValueError for a machine that there is none for,
    OSError where the system forbids such memory."""

    def __init__(self) -> None:
        found = None if sys.platform == "win32" else CODE.get(os.uname().machine)
        if found is None:
            raise ValueError("no machine code for this system")
        code, write = found
        self.memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.memory[: len(code)] = code
        self.read = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.write = self.read + write


_code: list[MachineCode | None] = []


def machine_code() -> MachineCode | None:
    """The machine code, None where there is none."""
    if not _code:
        try:
            _code.append(MachineCode())
        except (ValueError, OSError):
            _code.append(None)
    return _code[0]


def connect(divider: Divider, read: Any, write: Any) -> tuple[Any, Any, int] | None:
    """Puts the machine code before two callbacks of an engine: functions for reading and writing,
    and the argument that they want; None where there is none.

    read, write: `ReadCall` and `WriteCall`, which have to live as long as the engine.
    """
    code = machine_code()
    if code is None:
        return None
    divider.read = ctypes.cast(read, ctypes.c_void_p).value
    divider.write = ctypes.cast(write, ctypes.c_void_p).value
    return ctypes.c_void_p(code.read), ctypes.c_void_p(code.write), ctypes.addressof(divider)
