"""The processor under the harness that runs compiled Thumb functions, and Unicorn in its place.

A run ends whenever the program comes to an address of `TRAPS`; the harness does there in Python
what the firmware would do, and lets the program go on.  So a core needs no hooks and no nesting.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, Protocol, final

TRAPS: Final = 0x1000_0000
TRAP_SIZE: Final = 4
"""Bytes between one trap and the next."""
N_TRAPS: Final = 256
RAM: Final = 0x2000_0000
RAM_SIZE: Final = 0x8_0000

SP, LR, PC = 13, 14, 15

MODELS: Final = {"armv6m": "M0", "armv7m": "M3", "armv7em": "M4", "armv7emsp": "M4"}
"""The smallest Cortex-M that each of these architectures is for."""


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
    """Unicorn 2 as one of "M0", "M3", "M4"."""

    __slots__ = ("_error", "_numbers", "_pc", "_uc")

    def __init__(self, model: str) -> None:
        unicorn: Any = import_module("unicorn")  # half of it has no types
        arm_const: Any = import_module("unicorn.arm_const")
        # Not UC_MODE_MCLASS, which makes every model a Cortex-M33.
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        uc.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_CORTEX_{model}"))
        uc.ctl_set_tcg_buffer_size(16 << 20)  # the default reserves 1 GiB of addresses
        uc.mem_map(RAM, RAM_SIZE)
        uc.mem_map(TRAPS, TRAP_SIZE * N_TRAPS)
        # wfi: emu_start returns there, with the pc behind it.
        uc.mem_write(TRAPS, b"\x30\xbf\x00\xbf" * N_TRAPS)
        names = [*(f"R{i}" for i in range(13)), "SP", "LR"]
        self._numbers: list[int] = [getattr(arm_const, f"UC_ARM_REG_{name}") for name in names]
        self._pc: int = arm_const.UC_ARM_REG_PC
        self._uc = uc
        self._error: type[Exception] = unicorn.UcError

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._uc.mem_read(address, size))

    def write(self, address: int, data: bytes) -> None:
        self._uc.mem_write(address, data)

    def load(self, address: int, data: bytes) -> None:
        self._uc.mem_write(address, data)
        self._uc.ctl_flush_tb()  # mem_write leaves translated instructions as they were

    def registers(self) -> list[int]:
        return [int(value) for value in self._uc.reg_read_batch(self._numbers)]

    def set_registers(self, values: Mapping[int, int]) -> None:
        numbers = self._numbers
        self._uc.reg_write_batch([(numbers[n], value) for n, value in values.items()])

    def run(self, pc: int, limit: int) -> int:
        try:
            # No end address (it would be translated anew each time); always with a count, as code
            # that was translated without one would not be counted.
            self._uc.emu_start(pc | 1, 0, count=limit)
        except self._error as error:
            raise Fault(self._uc.reg_read(self._pc), str(error)) from None
        stopped: int = self._uc.reg_read(self._pc)
        number, rest = divmod(stopped - 2 - TRAPS, TRAP_SIZE)
        if rest or not 0 <= number < N_TRAPS:
            raise Fault(stopped, f"no end after {limit} instructions")
        return number

