"""Small programs for RP2040 without an operating system, put together with our own assembler."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.machine import Machine, machine
from mpy_cross.emulator.soc.rp2040_boot import boot
from mpy_cross.emulator.soc.rp2040_rom import crc
from tests.emulator.core_programs import NE, Program

FLASH, RAM = 0x10000000, 0x20000000
VECTORS, CODE = FLASH + 0x100, FLASH + 0x200
RESULT: Final = RAM + 0x1000  # where the programs leave what they found
STACK, STACK_1 = RAM + 0x8000, RAM + 0x9000
INTERRUPTS: Final = 26
VTOR, ISER = 0xE000ED08, 0xE000E100
SIO: Final = 0xD0000000
CPUID, FIFO_ST, FIFO_WR, FIFO_RD = 0x00, 0x50, 0x54, 0x58
MS: Final = 1_000_000  # ns


def second_stage() -> bytes:
    """256 bytes that go on to the vector table, with their checksum."""
    p = Program(0)
    p.const(0, VECTORS)
    p.const(1, VTOR)
    p("str_imm5", 0, 1, 0)
    p("ldr_imm5", 1, 0, 0)
    p("mov_any", 13, 1)
    p("ldr_imm5", 1, 0, 4)
    p("bx", 1)
    code = p.finish().ljust(252, b"\0")
    return code + struct.pack("<I", crc(code))


@final
class Bare:
    """A program on a Pico that was started: clocks on, nothing in reset.

    handlers: labels by number of the interrupt; what is not there stops in a loop.
    """

    def __init__(self, write: Callable[[Program], None], handlers: dict[int, str] | None = None,
                 *, record: bool = False) -> None:
        p = Program(CODE)
        write(p)
        p.here("stop")
        p("wfi")
        p.to("b", "stop")
        code = p.finish()
        stop = p.address("stop")
        vectors = [STACK, CODE | 1, *[stop] * (14 + INTERRUPTS)]
        for number, label in (handlers or {}).items():
            vectors[16 + number] = p.address(label)
        self.machine: Machine = machine("pico", record=record)
        self.machine.start()
        image = second_stage() + struct.pack(f"<{len(vectors)}I", *vectors).ljust(256, b"\0") + code
        self.machine.bus.load(FLASH, image)
        self.crew = boot(self.machine)
        self.crew.core.reset()

    def run(self, ns: int = 10 * MS) -> None:
        """Runs for so long; a fault is an error."""
        stop = self.crew.run_until(self.machine.clock.now + ns)
        assert stop is None, stop and stop.fault and stop.fault.report()

    def word(self, at: int = 0, base: int = RESULT) -> int:
        return self.machine.bus.read(base + 4 * at, 4)

    def words(self, count: int, base: int = RESULT) -> list[int]:
        return [self.word(at, base) for at in range(count)]


def rom_function(p: Program, name: str) -> None:
    """Leaves the address of a function of the boot ROM in r0; changes r1 to r3 and lr."""
    p("movs_imm8", 3, 0x14)
    p("ldrh_imm5", 0, 3, 0)
    p("ldrh_imm5", 2, 3, 4)
    p.const(1, ord(name[0]) | ord(name[1]) << 8)
    p("blx", 2)


def launch(p: Program, entry: int) -> None:
    """Starts core 1 at an address as the datasheet says (2.8.2)."""
    p.const(7, SIO)
    for n, word in enumerate((0, 0, 1, VECTORS, STACK_1, entry | 1)):
        if word == 0:
            p.here(f"drain {n}")
            p("ldr_imm5", 1, 7, FIFO_RD)
            p("ldr_imm5", 1, 7, FIFO_ST)
            p("movs_imm8", 2, 1)
            p("tst_reg2", 1, 2)
            p.if_(NE, f"drain {n}")
            p("sev")
        p.const(0, word)
        p("str_imm5", 0, 7, FIFO_WR)
        p("sev")
        receive(p, f"answer {n}")
        p("cmp_reg2", 1, 0)
        p.if_(NE, "stop")


def receive(p: Program, label: str) -> None:
    """Waits for a word in the mailbox of this core and takes it to r1; r7 is SIO, r2 changes."""
    p.here(label)
    p("ldr_imm5", 1, 7, FIFO_ST)
    p("movs_imm8", 2, 1)
    p("tst_reg2", 1, 2)
    p.if_(NE, f"{label} is there")
    p("wfe")
    p.to("b", label)
    p.here(f"{label} is there")
    p("ldr_imm5", 1, 7, FIFO_RD)
