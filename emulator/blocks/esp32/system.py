"""Clocks, resets, fuses and random numbers of the ESP32 (Technical Reference Manual, 3, 5, 20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context, todos
from mpy_cross.emulator.clock import Rate, Ticks
from mpy_cross.emulator.crc8 import crc8
from mpy_cross.emulator.register import Bank, Register, Todo

CPU_RATES: Final = (80_000_000, 160_000_000, 240_000_000, 240_000_000)
SOURCES: Final = 69  # of interrupts
SLOW_CLOCK: Final = 150_000
"""Hz of the oscillator that RTC counts with."""
# Causes of a reset, as RESET_STATE has them (TRM, table of reset sources).
POWER_ON, SOFTWARE, DEEP_SLEEP, GROUP0_WATCHDOG, RTC_WATCHDOG = 1, 3, 5, 7, 16
CAUSES: Final = {"power": POWER_ON, "pin": POWER_ON, "software": SOFTWARE,
                 "watchdog": GROUP0_WATCHDOG, "deepsleep": DEEP_SLEEP}
LATER_RTC: Final = (
    "SLP_TIMER0:04 SLP_TIMER1:08 TIMER1:1C=8001A40 TIMER2:20 TIMER3:24 TIMER4:28 TIMER5:2C "
    "ANA_CONF:30 WAKEUP_STATE:38 INT_ENA:3C INT_RAW:40 INT_ST:44 INT_CLR:48 EXT_XTL_CONF:5C "
    "EXT_WAKEUP_CONF:60 SLP_REJECT_CONF:64 CPU_PERIOD_CONF:68 SDIO_ACT_CONF:6C CLK_CONF:70 "
    "SDIO_CONF:74 BIAS_CONF:78 VREG:7C PWC:80 DIG_PWC:84 DIG_ISO:88 WDTCONFIG0:8C "
    "WDTCONFIG1:90 WDTCONFIG2:94 WDTCONFIG3:98 WDTCONFIG4:9C WDTFEED:A0 WDTWPROTECT:A4=50D83AA1 "
    "TEST_MUX:A8 SW_CPU_STALL:AC DIAG0:C0 DIAG1:C4 HOLD_FORCE:C8 EXT_WAKEUP1:CC "
    "EXT_WAKEUP1_STATUS:D0 BROWN_OUT:D4 DATE:13C")
LATER_DPORT: Final = (
    "PRO_BOOT_REMAP_CTRL:00 APP_BOOT_REMAP_CTRL:04 ACCESS_CHECK:08 PRO_DPORT_APB_MASK0:0C "
    "PRO_DPORT_APB_MASK1:10 APP_DPORT_APB_MASK0:14 APP_DPORT_APB_MASK1:18 PERI_CLK_EN:1C "
    "PERI_RST_EN:20 WIFI_BB_CFG:24 WIFI_BB_CFG_2:28 APPCPU_CTRL_A:2C=1 APPCPU_CTRL_B:30 "
    "APPCPU_CTRL_C:34 APPCPU_CTRL_D:38 PRO_CACHE_CTRL:40=10 PRO_CACHE_CTRL1:44=8FF "
    "APP_CACHE_CTRL:58=10 APP_CACHE_CTRL1:5C=8FF CACHE_MUX_MODE:7C IMMU_PAGE_MODE:80 "
    "DMMU_PAGE_MODE:84 SRAM_PD_CTRL_0:98 SRAM_PD_CTRL_1:9C ROM_FO_CTRL:C8 "
    "WIFI_CLK_EN:CC=FFFCE030 CORE_RST_EN:D0 CPU_INTR_FROM_CPU_0:DC CPU_INTR_FROM_CPU_1:E0 "
    "CPU_INTR_FROM_CPU_2:E4 CPU_INTR_FROM_CPU_3:E8 SPI_DMA_CHAN_SEL:5A8")


@final
class Dport(Block):
    """DPORT: clock of the cores, clocks and resets of the peripherals, map of the interrupts."""

    size = 0x1000
    CPU_PER_CONF = Register(0x3C, "FAST_CLK_RTC_SEL[3] LOWSPEED_CLK_SEL[2] CPUPERIOD_SEL[1:0]")
    PERIP_CLK_EN = Register(0xC0, reset=0xF9C1E06F)
    PERIP_RST_EN = Register(0xC4)
    PRO_INTR_MAP = Bank(0x104, "PRO_INTR{}_MAP", SOURCES, "MAP[4:0]", reset=16)
    APP_INTR_MAP = Bank(0x218, "APP_INTR{}_MAP", SOURCES, "MAP[4:0]", reset=16)
    registers = todos(LATER_DPORT)

    def __init__(self, context: Context, cpu: Rate) -> None:
        super().__init__("DPORT", context)
        self.cpu = cpu

    def on_reset(self) -> None:
        self.cpu.change(CPU_RATES[self.CPU_PER_CONF & 3])

    def write_CPU_PER_CONF(self, written: int, before: int) -> None:
        self.cpu.change(CPU_RATES[self.CPU_PER_CONF & 3])


@final
class RtcControl(Block):
    """RTC_CNTL: the slow clock, the cause of a reset, registers that a reset leaves alone.

    restart: called when a program resets the chip by it.
    """

    size = 0x400
    OPTIONS0 = Register(0x00, "SW_SYS_RST[31]=sc SW_PROCPU_RST[5]=sc SW_APPCPU_RST[4]=sc "
                              "BIAS_SLEEP_FOLW_8M[10] BB_I2C_FORCE_PD[6]")
    TIME_UPDATE = Register(0x0C, "TIME_UPDATE[31]=sc TIME_VALID[30]=ro")
    TIME0 = Register(0x10, access="ro")
    TIME1 = Register(0x14, access="ro")
    STATE0 = Register(0x18, "SLEEP_EN[31] SLP_REJECT[30] SLP_WAKEUP[29]")
    RESET_STATE = Register(0x34, "PROCPU_STAT_VECTOR_SEL[13] APPCPU_STAT_VECTOR_SEL[12] "
                                 "APPCPU[11:6]=ro PROCPU[5:0]=ro", reset=0x3041)
    STORE = Bank(0x4C, "STORE{}", 4)
    STORE_MORE = Bank(0xB0, "STORE{}", 4, first=4)
    registers = todos(LATER_RTC)

    def __init__(self, context: Context) -> None:
        super().__init__("RTC_CNTL", context)
        self.slow = Rate("rtc_slow", SLOW_CLOCK)
        self.ticks = Ticks(self.clock, self.slow)
        self.ticks.run(True)
        self.restart: Callable[[str], None] = lambda cause: None
        self.woken = 0
        """What ended the last sleep, as the maker's library numbers it; 0 for nothing."""

    def keep(self) -> tuple[int, ...]:
        """The registers that last until the power goes."""
        return tuple(self.STORE[n] for n in range(4)) + tuple(self.STORE_MORE[n] for n in range(4))

    def restore(self, stored: tuple[int, ...], cause: int) -> None:
        for n in range(4):
            self.STORE[n], self.STORE_MORE[n] = stored[n], stored[4 + n]
        if cause != DEEP_SLEEP:
            self.woken = 0
        self.RESET_STATE = 0x3000 | cause << 6 | cause

    def write_OPTIONS0(self, written: int, before: int) -> None:
        if written & (1 << 31 | 1 << 5):
            self.restart("software")

    def write_TIME_UPDATE(self, written: int, before: int) -> None:
        if written >> 31:
            now = self.ticks.count()
            self.TIME0, self.TIME1 = now & 0xFFFFFFFF, now >> 32 & 0xFFFF
            self.TIME_UPDATE |= 1 << 30

    def write_STATE0(self, written: int, before: int) -> None:
        if written >> 31:
            self.context.unmodelled("RTC_CNTL.STATE0 sleep of the core", "write")


@final
class Efuse(Block):
    """EFUSE: the address of the network interface and the revision of the chip. mac: 6 bytes."""

    size = 0x200
    BLK0_RDATA0 = Register(0x00, access="ro")
    BLK0_RDATA1 = Register(0x04, access="ro")
    BLK0_RDATA2 = Register(0x08, access="ro")
    BLK0_RDATA3 = Register(0x0C, access="ro", reset=0x8000)  # revision 1
    BLK0_RDATA4 = Register(0x10, access="ro")
    BLK0_RDATA5 = Register(0x14, access="ro")
    BLK0_RDATA6 = Register(0x18, access="ro")
    BLK0_WDATA = Bank(0x1C, "BLK0_WDATA{}", 7)
    CLK = Todo(0xF8)
    CONF = Todo(0xFC)
    CMD = Todo(0x104)

    def __init__(self, context: Context, mac: bytes) -> None:
        super().__init__("EFUSE", context)
        self.preset(Efuse.BLK0_RDATA1, int.from_bytes(mac[2:], "big"))
        self.preset(Efuse.BLK0_RDATA2, crc8(mac) << 16 | int.from_bytes(mac[:2], "big"))


@final
class Random(Block):
    """The random number generator: a generator of numbers that is the same on every run."""

    size = 4
    DATA = Register(0x00, access="ro", name="WDEV_RND")

    def __init__(self, context: Context) -> None:
        super().__init__("RNG", context)
        self.state = 1

    def on_reset(self) -> None:
        self.state = 0x9E3779B9

    def read_DATA(self) -> int:
        # xorshift32 (Marsaglia, 2003)
        state = self.state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self.state = state
        return state
