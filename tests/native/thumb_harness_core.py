"""The processor under the harness that runs compiled Thumb functions: the emulator's.

A run ends whenever the program comes to an address of `TRAPS`; the harness does there in Python
what the firmware would do, and lets the program go on.  So a core needs no hooks and no nesting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, final

from mpy_cross.emulator.bus import Bus
from mpy_cross.emulator.cores.arm import CortexM
from mpy_cross.emulator.cores.arm_base import EXITS
from mpy_cross.emulator.cores.core import StopReason

TRAPS: Final = EXITS
TRAP_SIZE: Final = 4
"""Bytes between one trap and the next."""
N_TRAPS: Final = 128
RAM: Final = 0x2000_0000
RAM_SIZE: Final = 0x8_0000

SP, LR = 13, 14

MODELS: Final = {"armv6m": "cortex-m0+", "armv7m": "cortex-m3", "armv7em": "cortex-m4f",
                 "armv7emsp": "cortex-m4f", "armv7emdp": "cortex-m7"}
"""The smallest core that each of these architectures is for."""


class Fault(Exception):
    """The program did what a processor answers with a fault, or did not end."""

    def __init__(self, pc: int, what: str) -> None:
        super().__init__(f"{what} at {pc:#010x}")
        self.pc = pc


class Core(Protocol):
    """A Cortex-M with `RAM_SIZE` bytes of memory at `RAM`, all of it executable, and the traps."""

    def read(self, address: int, size: int) -> bytes:
        """The bytes of memory from `address` on."""

    def write(self, address: int, data: bytes) -> None:
        """Change memory that holds no instructions."""

    def load(self, address: int, data: bytes) -> None:
        """Change memory; instructions written so are those that run next."""

    def registers(self) -> list[int]:
        """r0 to r12, sp and lr."""

    def set_registers(self, values: Mapping[int, int]) -> None:
        """Change some of r0 to r12, sp (13) and lr (14)."""

    def run(self, pc: int, limit: int) -> int:
        """Run from `pc` to the next trap; its number.  Raises Fault, also after `limit`
        instructions."""


@final
class UnicornCore:
    """The emulator's core of that name."""

    __slots__ = ("_bus", "_core")

    def __init__(self, name: str) -> None:
        self._bus = Bus()
        self._bus.memory("ram", RAM, RAM_SIZE)
        self._core = CortexM(name, self._bus)
        exits = [self._core.add_exit() for _ in range(N_TRAPS)]
        assert exits == [(TRAPS + TRAP_SIZE * number) | 1 for number in range(N_TRAPS)]

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._bus.view(address, size))

    def write(self, address: int, data: bytes) -> None:
        if data:
            self._bus.load(address, data)

    def load(self, address: int, data: bytes) -> None:
        self.write(address, data)
        self._core.code_changed(address, len(data))

    def registers(self) -> list[int]:
        return self._core.registers[0:15]

    def set_registers(self, values: Mapping[int, int]) -> None:
        for number, value in values.items():
            self._core.registers[number] = value

    def run(self, pc: int, limit: int) -> int:
        self._core.write("pc", pc)
        stop = self._core.run(limit)
        if stop.reason is StopReason.EXIT:
            return stop.number
        if stop.reason is StopReason.BUDGET:
            raise Fault(stop.pc, f"no end after {limit} instructions")
        raise Fault(stop.pc, str(stop.fault or stop.reason.value))
