"""The programs of the contract for Cortex-M cores."""

from __future__ import annotations

from typing import Final

from mpy_cross.emulator.cores.arm import CortexM
from tests.emulator.core_contract import CODE_IN_RAM, Bench, Counts
from tests.emulator.core_programs import CC, LR, NE, PC, RAM, Program

FLASH: Final = 0x0800_0000
DEVICE: Final = 0x4000_0000
HOLE: Final = 0x3000_0000


class ArmBench(Bench):
    """it32: whether the core has IT blocks and wide instructions."""

    flash, ram, device_base, hole = FLASH, RAM, DEVICE, HOLE
    counts = Counts(before=1, after=2, recursive=6, at_exit=1)
    names = ("r0", "r1", "r2", "r3")
    kept = (*(f"r{n}" for n in range(13)), "sp")
    result, mark = "r0", 1
    spelling = {"load": "ldr", "store": "str", "store byte": "strb"}  # noqa: RUF012
    core: CortexM

    def make(self, name: str, exact: bool) -> CortexM:
        self.it32 = name != "cortex-m0+"
        return CortexM(name, self.bus, exact=exact)

    def new(self) -> Program:
        return Program(self.free)

    def place(self, program: Program) -> int:
        """Puts code where it was made for; its address as a function."""
        self.put(program.code.origin, program.finish())
        return program.code.origin | 1

    def start(self, address: int, *args: int) -> None:
        for number, value in enumerate(args):
            self.core.write(f"r{number}", value)
        self.core.write("lr", self.exit)
        self.core.write("pc", address)

    def where(self, function: int) -> int:
        return function & ~1

    def wake(self) -> None:
        self.core.nvic.write_controller(0, 4, 1 << 5)
        self.core.raise_interrupt(5)

    def make_vectors(self, address: int) -> int:
        start = self.summing()
        self.bus.load(address, (RAM + 0x800).to_bytes(4, "little") + start.to_bytes(4, "little"))
        return start & ~1

    # Programs.

    def summing(self) -> int:
        p = self.new()
        p("movs_imm8", 1, 0)
        p.here("loop")
        p("adds_reg", 1, 1, 0)
        p("subs_imm8", 0, 1)
        p.if_(NE, "loop")
        p("mov_any", 0, 1)
        p("bx", 14)
        return self.place(p)

    def recursive(self) -> int:
        p = self.new()
        p("push", LR | 0x10)
        p("mov_any", 4, 1)
        p("blx", 1)
        p("adds_imm8", 0, 1)
        p("pop", PC | 0x10)
        return self.place(p)

    def deciding(self) -> int:
        p = self.new()
        p("movs_imm8", 1, 0)
        p("movs_imm8", 3, 0x7F)
        p.here("loop")
        p("mov_any", 2, 0)
        p("ands_reg2", 2, 3)
        p("cmp_imm8", 2, 50)
        if self.it32:
            p.it("e", CC)
            p("adds_imm8", 1, 1)
            p("adds_imm8", 1, 3)
        else:
            p.if_(CC, "less")
            p("adds_imm8", 1, 2)
            p.here("less")
            p("adds_imm8", 1, 1)
        p("subs_imm8", 0, 1)
        p.if_(NE, "loop")
        p("mov_any", 0, 1)
        p("bx", 14)
        return self.place(p)

    def waiting(self) -> int:
        p = self.new()
        p("cpsid", 2)
        p("wfi")
        p("movs_imm8", 0, 7)
        p("bx", 14)
        return self.place(p)

    def counting(self) -> int:
        p = self.new()
        p("ldr_imm5", 1, 0, 0)
        p("adds_imm8", 1, 1)
        p("str_imm5", 1, 0, 4)
        p("bx", 14)
        return self.place(p)

    def accessing(self) -> int:
        p = self.new()
        p("ldr_imm5", 1, 0, 8)
        p("strb_imm5", 1, 0, 1)
        p("strh_imm5", 1, 0, 2)
        p("str_imm5", 1, 0, 4)
        p("ldrb_imm5", 2, 0, 3)
        p("ldrh_imm5", 3, 0, 6)
        p("adds_reg", 0, 2, 3)
        p("bx", 14)
        return self.place(p)

    def constant(self, value: int, origin: int = -1) -> int:
        p = Program(self.free if origin < 0 else origin)
        p("movs_imm8", 0, value)
        p("bx", 14)
        return self.place(p)

    def changing(self) -> int:
        target = RAM + CODE_IN_RAM + 0x40
        self.constant(1, target)
        p = Program(RAM + CODE_IN_RAM)
        p.const(1, target)
        p.const(2, 0x2002)  # movs r0, #2
        p("push", LR)
        p("adds_imm3", 3, 1, 1)
        p("blx", 3)
        p("lsls_imm", 4, 0, 4)
        p("strh_imm5", 2, 1, 0)
        p("dsb", 15)
        p("isb", 15)
        p("blx", 3)
        p("adds_reg", 0, 0, 4)
        p("pop", PC)
        return self.place(p)

    def accessing_at(self, kind: str, offset: int) -> tuple[int, int]:
        p = self.new()
        p("nop")
        p("movs_imm8", 1, 5)
        if kind == "load":
            p("ldr_imm5", 2, 0, offset)
        else:
            p("str_imm5" if kind == "store" else "strb_imm5", 1, 0, offset)
        p("bx", 14)
        address = self.place(p)
        return address, (address & ~1) + 4

    def jumping(self) -> int:
        p = self.new()
        p("bx", 0)
        return self.place(p)

    def undefined(self) -> tuple[int, int, str]:
        p = self.new()
        p("nop")
        p("udf", 3)
        address = self.place(p)
        return address, (address & ~1) + 2, "udf #3"

    def difference(self) -> int:
        p = self.new()
        p("ldr_sp", 0, 12)
        p("ldr_sp", 1, 8)
        p("subs_reg", 0, 0, 1)
        p("bx", 14)
        return self.place(p)

    def calling(self) -> int:
        p = self.new()
        p("push", LR)
        p("mov_any", 12, 3)
        p("blx", 3)
        p("pop", PC)
        return self.place(p)

    def guarded(self) -> int:
        p = self.new()
        p("push", LR | 0x70)
        for number, register in ((1, 4), (2, 5)):
            p("mov_any", register, number)
        p("mov_any", 6, 0)
        p("mov_any", 0, 6)
        p("blx", 4)  # push a handler: 0, and again the value that was raised
        p("cmp_imm8", 0, 0)
        p.if_(NE, "caught")
        p("mov_any", 0, 6)
        p("blx", 5)
        p.here("caught")
        p("mov_any", 1, 6)
        p("pop", PC | 0x70)
        return self.place(p)

    def endless(self) -> int:
        p = self.new()
        p.here("for ever")
        p.to("b", "for ever")
        return self.place(p)
