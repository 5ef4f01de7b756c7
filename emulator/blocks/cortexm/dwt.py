"""DWT, the trace unit of Cortex-M3 and later: its cycle counter (ARMv7-M manual, C1.8)."""

from __future__ import annotations

from typing import final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import Rate, Ticks
from mpy_cross.emulator.register import Bank, Register

BASE = 0xE0001000


@final
class Dwt(Block):
    """CYCCNT counts the core's clock cycles while CYCCNTENA is set."""

    size = 0x1000
    CTRL = Register(0x00, "NUMCOMP[31:28]=ro EVENTS[22:16] SYNCTAP[11:10] POSTS[9:1] CYCCNTENA[0]",
                    reset=0x40000000)
    CYCCNT = Register(0x04)
    COUNTS = Bank(0x08, "COUNT{}", 5)
    PCSR = Register(0x1C, access="ro")
    COMPARATORS = Bank(0x20, "COMP{}", 16)

    def __init__(self, context: Context, rate: Rate) -> None:
        super().__init__("DWT", context)
        self.ticks = Ticks(context.clock, rate)
        self.offset = 0
        rate.subscribe(self.ticks.settle, lambda: None)

    def on_reset(self) -> None:
        self.ticks.run(False)
        self.offset = -self.ticks.count()

    def write_CTRL(self, written: int, before: int) -> None:
        self.ticks.run(bool(self.CTRL & 1))

    def read_CYCCNT(self) -> int:
        return self.ticks.count() + self.offset & 0xFFFFFFFF

    def write_CYCCNT(self, written: int, before: int) -> None:
        self.offset = written - self.ticks.count()
