"""DPORT, watchdog and fuses of the ESP8266, and its blocks that are not modelled, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context, todos
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.register import Register

SLOW, FAST = 80_000_000, 160_000_000
FEED: Final = 0x73
WATCHDOG_TIME: Final = 8 * SECOND
"""Estimate: the watchdog of the chip resets after about eight seconds."""


@final
class Dport(Block):
    """DPORT: clock of the core; the fuses with the address of the interface.

    mac: 6 bytes; first: Hz of the core after a reset.
    """

    size = 0x70
    CPU_CLK = Register(0x14, "CPU2X[0]")
    EFUSE0 = Register(0x50, access="ro")
    EFUSE1 = Register(0x54, access="ro")
    EFUSE2 = Register(0x58, access="ro", reset=0x8000)  # an ESP8266EX
    EFUSE3 = Register(0x5C, access="ro")
    registers = todos("ISR:00 EDGE_INT_ENABLE:04 SPI_CACHE:0C IRAM_MAP:24=200D7")

    def __init__(self, context: Context, cpu: Rate, mac: bytes, first: int) -> None:
        super().__init__("DPORT", context)
        self.cpu, self.first = cpu, first
        # Bytes 3 to 5 of the address, and which maker's prefix it has: 1 for AC:D0:74.
        self.preset(Dport.EFUSE0, mac[5] << 24)
        self.preset(Dport.EFUSE1, 1 << 16 | mac[3] << 8 | mac[4])

    def on_reset(self) -> None:
        self.cpu.change(self.first)

    def write_CPU_CLK(self, written: int, before: int) -> None:
        self.cpu.change(FAST if self.CPU_CLK & 1 else SLOW)


@final
class Watchdog(Block):
    """The watchdog. bite: called when the chip is to be reset."""

    size = 0x100
    CTL = Register(0x00, "ENABLE[0]")
    OP = Register(0x04)
    OP_ND = Register(0x08)
    RST = Register(0x14, access="wo", name="FEED")
    registers = todos("COUNT:0C SEED:10")

    def __init__(self, context: Context) -> None:
        super().__init__("WDT", context)
        self.bite: Callable[[], None] = lambda: None
        self.alarm: Alarm | None = None

    def on_reset(self) -> None:
        self.start()

    def start(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        if self.CTL & 1:
            self.alarm = self.clock.after(WATCHDOG_TIME, self._expired)

    def _expired(self) -> None:
        self.alarm = None
        self.bite()

    def write_CTL(self, written: int, before: int) -> None:
        self.start()

    def write_RST(self, written: int, before: int) -> None:
        if written & 0xFF == FEED:
            self.start()


SPI: Final = ("CMD:00 ADDR:04 CTRL:08 CTRL1:0C RD_STATUS:10 CTRL2:14 CLOCK:18=80003043 "
              "USER:1C=80000064 USER1:20 USER2:24 WR_STATUS:28 PIN:2C SLAVE:30 SLAVE1:34 "
              "SLAVE2:38 SLAVE3:3C " + " ".join(f"W{n}:{0x40 + 4 * n:X}" for n in range(16)))
# Name: (address, size, registers).
TABLE: Final[dict[str, tuple[int, int, str]]] = {
    "SPI1": (0x60000100, 0x100, SPI), "SPI0": (0x60000200, 0x100, SPI),
    "SLC": (0x60000B00, 0x100, "CONF0:00 INT_RAW:04 INT_STATUS:08 INT_ENA:0C INT_CLR:10 "
            "RX_STATUS:14 RX_FIFO_PUSH:18 TX_STATUS:1C TX_FIFO_POP:20 RX_LINK:24 TX_LINK:28"),
    "I2S": (0x60000E00, 0x100, "TXFIFO:00 RXFIFO:04 CONF:08=30300 INT_RAW:0C INT_ST:10 "
            "INT_ENA:14 INT_CLR:18 TIMING:1C FIFO_CONF:20 RXEOF_NUM:24 CONF_SINGLE_DATA:28"),
    "I2C_MASTER": (0x60000D00, 0x100, "CONTROL:10"),
}
