"""External interrupts of STM32F4: EXTI and the selection in SYSCFG (RM0090, chapters 9 and 12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register, Todo

LINES: Final = "L[22:0]"
PORTS: Final = "ABCDEFGHI"


@final
class Syscfg(Block):
    """System configuration: which port each external interrupt line looks at."""

    MEMRMP = Todo(0x00)
    PMC = Todo(0x04)
    EXTICR = Bank(0x08, "EXTICR{}", 4, "EXTI3[15:12] EXTI2[11:8] EXTI1[7:4] EXTI0[3:0]", first=1)
    CMPCR = Todo(0x20)

    def port(self, line: int) -> int:
        """Number of the port (0 for A) whose pin `line` belongs to this interrupt line."""
        return self.EXTICR[line >> 2] >> 4 * (line & 3) & 15


@final
class Exti(Block):
    """23 lines with edge detection. Lines 0 to 15 are pads, the others peripherals.

    irqs: one line each for EXTI0 to EXTI4, 5 to 9, 10 to 15, then 16 (PVD), 17 (RTC alarm),
    18 (OTG FS), 19 (ETH), 20 (OTG HS), 21 (tamper), 22 (RTC wake-up).
    """

    IMR = Register(0x00, LINES)
    EMR = Register(0x04, LINES)
    RTSR = Register(0x08, LINES)
    FTSR = Register(0x0C, LINES)
    SWIER = Register(0x10, "L[22:0]=rw1o")
    PR = Register(0x14, "L[22:0]=w1c")

    GROUPS: Final = (*((n, n) for n in range(5)), (5, 9), (10, 15),
                     *((n, n) for n in range(16, 23)))

    def __init__(self, context: Context, syscfg: Syscfg) -> None:
        super().__init__("EXTI", context)
        self.syscfg = syscfg
        self.irqs: Sequence[Line] = [
            Line(f"EXTI{low}" if low == high else f"EXTI{high}_{low}") for low, high in self.GROUPS]

    def pad(self, port: int, number: int, level: int) -> None:
        """A pad of a port has a new level."""
        if self.syscfg.port(number) == port:
            self.edge(number, level)

    def edge(self, line: int, level: int) -> None:
        """A line has a new level."""
        if (self.RTSR if level else self.FTSR) >> line & 1:
            self.PR |= 1 << line
            self.update()

    def update(self) -> None:
        pending = self.PR & self.IMR
        for irq, (low, high) in zip(self.irqs, self.GROUPS, strict=True):
            irq.set(bool(pending >> low & (1 << high - low + 1) - 1))

    def on_reset(self) -> None:
        self.update()

    def write_IMR(self, written: int, before: int) -> None:
        self.update()

    def write_SWIER(self, written: int, before: int) -> None:
        self.PR |= self.SWIER & ~before & self.IMR
        self.update()

    def write_PR(self, written: int, before: int) -> None:
        self.SWIER &= ~(written & before)
        self.update()
