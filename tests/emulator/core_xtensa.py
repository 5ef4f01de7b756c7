"""The programs of the contract for Xtensa cores, in both ways to call."""

from __future__ import annotations

from typing import Any, Final, final

from mpy_cross.assembler.code import Code
from mpy_cross.assembler.xtensa import TABLE
from mpy_cross.emulator.cores.xtensa.interpreted_core import InterpretedXtensa
from tests.emulator.core_contract import CODE_IN_RAM, Bench, Counts

FLASH: Final = 0x4008_0000
RAM: Final = 0x4010_0000
DEVICE: Final = 0x6000_0000
HOLE: Final = 0x5000_0000
_FRAME: Final = 32
_USER_VECTOR: Final = {"lx106": 0x50}
_RESET: Final = {"lx106": 0x80}


@final
class Program:
    """Code from an address on; `p("addi", 2, 2, 1)` adds one instruction."""

    def __init__(self, origin: int) -> None:
        self.code = Code(origin)
        self._labels: dict[str, int] = {}

    def __call__(self, row: str, *values: int) -> None:
        self.code.emit(TABLE[row], *values)

    def label(self, name: str) -> int:
        if name not in self._labels:
            self._labels[name] = self.code.label(name)
        return self._labels[name]

    def here(self, name: str) -> None:
        self.code.bind(self.label(name))

    def to(self, row: str, name: str, *values: int) -> None:
        """An instruction with a label."""
        self.code.branch([TABLE[row]], self.label(name), *values)

    def const(self, register: int, value: int) -> None:
        """Two instructions, as the word stands between them."""
        over, word = self.code.label(), self.code.label()
        self.code.branch([TABLE["j"]], over)
        self.code.align(4)
        self.code.bind(word)
        self.code.data(value, 4)
        self.code.bind(over)
        self.code.branch([TABLE["l32r"]], word, register)

    def finish(self) -> bytes:
        return self.code.finish()

    def address(self, name: str) -> int:
        return self.code.address(self.label(name))


class XtensaBench(Bench):
    """With the calls of a core's usual code: windows where it has them."""

    flash, ram, device_base, hole = FLASH, RAM, DEVICE, HOLE
    names = ("a2", "a3", "a4", "a5")
    kept = (*(f"a{n}" for n in range(16)), "sp")
    spelling = {"load": "l32i", "store": "s32i", "store byte": "s8i"}  # noqa: RUF012

    def make(self, name: str, exact: bool) -> Any:
        core = self.core_of(name, exact)
        self.windows = core.model.windows
        self.result = "a10" if self.windows else "a2"
        self.counts = Counts(2, 2, 7, 0) if self.windows else Counts(1, 2, 8, 0)
        return core

    def core_of(self, name: str, exact: bool) -> Any:
        return InterpretedXtensa(name, self.bus, exact=exact)

    def new(self) -> Program:
        return Program(self.free)

    def place(self, program: Program) -> int:
        """Puts code where it was made for; its address."""
        self.put(program.code.origin, program.finish())
        return program.code.origin

    def start(self, address: int, *args: int) -> None:
        core, first = self.core, 10 if self.windows else 2
        for number, value in enumerate(args):
            core.write(f"a{first + number}", value)
        if self.windows:
            core.write("a8", self.exit & 0x3FFF_FFFF | 2 << 30)
            core.write("ps", core.read("ps") & ~0x3_0000 | 2 << 16)
        else:
            core.write("a0", self.exit)
        core.write("pc", address)

    def wake(self) -> None:
        """The handler, at the vector of the kernel or the user, lets no more interrupts come."""
        vectors = self.ram + 0x1000
        p = Program(vectors + _USER_VECTOR.get(self.core.name, 0x340))
        p("movi", 15, 0)
        p("wsr", 228, 15)
        p("rsync")
        p("rfe")
        self.place(p)
        self.core.write("vecbase", vectors)
        self.core.write("intenable", 1 << 5)
        self.core.raise_interrupt(5)

    def make_vectors(self, address: int) -> int:
        p = Program(address + _RESET.get(self.core.name, 0x400))
        p("movi", 3, 3)
        p("nop")
        return self.place(p)

    # Frames: where the arguments of a call go, and its result comes.

    def enter(self, p: Program) -> None:
        if self.windows:
            p("entry", 1, _FRAME)

    def leave(self, p: Program) -> None:
        p("retw.n" if self.windows else "ret.n")

    def keep(self, p: Program, *arguments: int) -> None:
        """The beginning of a function that calls: its arguments go to a12 and on without windows;
        where they are is what `kept_in` says."""
        if self.windows:
            p("entry", 1, _FRAME)
            return
        p("addi", 1, 1, -_FRAME)
        p("s32i.n", 0, 1, 0)
        for number in arguments:
            p("s32i.n", 12 + number, 1, 4 + 4 * number)
            p("mov.n", 12 + number, 2 + number)

    def kept_in(self, number: int) -> int:
        return 2 + number if self.windows else 12 + number

    def give_back(self, p: Program, *arguments: int) -> None:
        """The end of such a function; the result is that of the last call."""
        if self.windows:
            p("mov.n", 2, 10)
            p("retw.n")
            return
        for number in arguments:
            p("l32i.n", 12 + number, 1, 4 + 4 * number)
        p("l32i.n", 0, 1, 0)
        p("addi", 1, 1, _FRAME)
        p("ret.n")

    def call(self, p: Program, register: int) -> None:
        p("callx8" if self.windows else "callx0", register)

    # Programs.

    def summing(self) -> int:
        p = self.new()
        self.enter(p)
        p("movi.n", 3, 0)
        p.here("loop")
        p("add.n", 3, 3, 2)
        p("addi.n", 2, 2, -1)
        p.to("bnez", "loop", 2)
        p("mov.n", 2, 3)
        self.leave(p)
        return self.place(p)

    def recursive(self) -> int:
        p = self.new()
        if self.windows:
            p("entry", 1, _FRAME)
            p("mov.n", 10, 2)
            p("mov.n", 11, 3)
            p("callx8", 3)
            p("addi.n", 2, 10, 1)
            p("retw.n")
        else:
            p("addi", 1, 1, -16)
            p("s32i.n", 0, 1, 0)
            p("callx0", 3)
            p("addi.n", 2, 2, 1)
            p("l32i.n", 0, 1, 0)
            p("addi", 1, 1, 16)
            p("ret.n")
        return self.place(p)

    def deciding(self) -> int:
        p = self.new()
        self.enter(p)
        p("movi.n", 3, 0)
        p("movi", 5, 50)
        p.here("loop")
        p("extui", 4, 2, 0, 7)
        p("addi.n", 3, 3, 1)
        p.to("bltu", "less", 4, 5)
        p("addi.n", 3, 3, 2)
        p.here("less")
        p("addi.n", 2, 2, -1)
        p.to("bnez", "loop", 2)
        p("mov.n", 2, 3)
        self.leave(p)
        return self.place(p)

    def waiting(self) -> int:
        p = self.new()
        self.enter(p)
        p("rsil", 3, 3)
        p("waiti", 0)
        p("movi.n", 2, 7)
        self.leave(p)
        return self.place(p)

    def counting(self) -> int:
        p = self.new()
        self.enter(p)
        p("l32i.n", 3, 2, 0)
        p("addi.n", 3, 3, 1)
        p("s32i.n", 3, 2, 4)
        self.leave(p)
        return self.place(p)

    def accessing(self) -> int:
        p = self.new()
        self.enter(p)
        p("l32i", 3, 2, 8)
        p("s8i", 3, 2, 1)
        p("s16i", 3, 2, 2)
        p("s32i", 3, 2, 4)
        p("l8ui", 4, 2, 3)
        p("l16ui", 5, 2, 6)
        p("add.n", 2, 4, 5)
        self.leave(p)
        return self.place(p)

    def constant(self, value: int, origin: int = -1) -> int:
        p = Program(self.free if origin < 0 else origin)
        self.enter(p)
        p("movi.n", 2, value)
        self.leave(p)
        return self.place(p)

    def changing(self) -> int:
        target = Program(RAM + CODE_IN_RAM + 0x40)
        target("movi.n", 2, 1)
        target("ret.n")
        self.place(target)
        p = Program(RAM + CODE_IN_RAM)
        self.enter(p)
        p("mov.n", 7, 0)
        p.const(4, RAM + CODE_IN_RAM + 0x40)
        p.const(5, TABLE["movi.n"].word(2, 2))
        p("callx0", 4)
        p("slli", 6, 2, 4)
        p("s16i", 5, 4, 0)
        p("memw")
        p("isync")
        p("callx0", 4)
        p("add.n", 2, 2, 6)
        p("mov.n", 0, 7)
        self.leave(p)
        return self.place(p)

    def accessing_at(self, kind: str, offset: int) -> tuple[int, int]:
        p = self.new()
        self.enter(p)
        p("nop")
        p("movi", 3, 5)
        if kind == "load":
            p("l32i", 4, 2, offset)
        else:
            p("s32i" if kind == "store" else "s8i", 3, 2, offset)
        self.leave(p)
        address = self.place(p)
        return address, address + (9 if self.windows else 6)

    def jumping(self) -> int:
        p = self.new()
        self.enter(p)
        p("jx", 2)
        return self.place(p)

    def undefined(self) -> tuple[int, int, str]:
        p = self.new()
        self.enter(p)
        p("nop.n")
        p("ill")
        address = self.place(p)
        return address, address + (5 if self.windows else 2), "ill"

    def difference(self) -> int:
        p = self.new()
        self.enter(p)
        at = _FRAME if self.windows else 0
        p("l32i", 2, 1, at + 4)
        p("l32i", 3, 1, at)
        p("sub", 2, 2, 3)
        self.leave(p)
        return self.place(p)

    def calling(self) -> int:
        p = self.new()
        self.keep(p)
        for number in range(4):
            if self.windows:
                p("mov.n", 10 + number, 2 + number)
        for register in (6, 7, 14, 15) if self.windows else (6, 7, 8, 9, 10, 11):
            p("movi", register, -register)
        self.call(p, 5)
        self.give_back(p)
        return self.place(p)

    def guarded(self) -> int:
        p = self.new()
        self.keep(p, 0, 1, 2)
        first = 10 if self.windows else 2
        for which in (1, 2):  # push a handler: 0, and again the value that was raised
            for number in range(3):
                p("mov.n", first + number, self.kept_in(number))
            self.call(p, self.kept_in(which))
            if which == 1:
                p.to("bnez", "caught", first)
        p.here("caught")
        self.give_back(p, 0, 1, 2)
        return self.place(p)

    def endless(self) -> int:
        p = self.new()
        p.here("for ever")
        p.to("j", "for ever")
        return self.place(p)
