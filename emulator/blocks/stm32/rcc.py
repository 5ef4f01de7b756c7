"""Reset and clock control of STM32F405 (RM0090, chapter 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.register import Register, Todo

HSI: Final = 16_000_000  # Hz, the internal oscillator

# Blocks that a bit of an enable register clocks; the bit of the reset register is the same one.
# (The three converters share reset bit 8 of APB2.)
GATES: Final[dict[str, dict[int, str]]] = {
    "AHB1": {**{n: f"GPIO{port}" for n, port in enumerate("ABCDEFGHI")}, 12: "CRC", 21: "DMA1",
             22: "DMA2", 25: "ETH", 29: "OTG_HS"},
    "AHB2": {0: "DCMI", 6: "RNG", 7: "OTG_FS"},
    "AHB3": {0: "FSMC"},
    "APB1": {0: "TIM2", 1: "TIM3", 2: "TIM4", 3: "TIM5", 4: "TIM6", 5: "TIM7", 6: "TIM12",
             7: "TIM13", 8: "TIM14", 11: "WWDG", 14: "SPI2", 15: "SPI3", 17: "USART2",
             18: "USART3", 19: "UART4", 20: "UART5", 21: "I2C1", 22: "I2C2", 23: "I2C3",
             25: "CAN1", 26: "CAN2", 28: "PWR", 29: "DAC"},
    "APB2": {0: "TIM1", 1: "TIM8", 4: "USART1", 5: "USART6", 8: "ADC1", 9: "ADC2", 10: "ADC3",
             11: "SDIO", 12: "SPI1", 13: "SPI4", 14: "SYSCFG", 16: "TIM9", 17: "TIM10", 18: "TIM11",
             20: "SPI5"},
}

# Reset flags of CSR by the cause of a reset; a pin reset comes with all of them.
CAUSES: Final = {"power": 0x0E000000, "brown-out": 0x06000000, "pin": 0x04000000,
                 "software": 0x14000000, "watchdog": 0x24000000, "window": 0x44000000,
                 "low power": 0x84000000, "standby": 0}


def ahb_divider(code: int) -> int:
    """HPRE: 1, or 2 to 16 and 64 to 512."""
    return 1 if code < 8 else (2, 4, 8, 16, 64, 128, 256, 512)[code - 8]


def apb_divider(code: int) -> int:
    """PPRE: 1, or 2 to 16."""
    return 1 if code < 4 else 2 << code - 4


@final
class Rcc(Block):
    """Clocks, and which blocks get one.

    hse: Hz of the crystal, 0 for none.  gated: blocks by name, as in GATES.  Oscillators and PLLs
    are ready at once.
    """

    CR = Register(0x00, "PLLI2SRDY[27]=ro PLLI2SON[26] PLLRDY[25]=ro PLLON[24] CSSON[19] "
                        "HSEBYP[18] HSERDY[17]=ro HSEON[16] HSICAL[15:8]=ro HSITRIM[7:3] "
                        "HSIRDY[1]=ro HSION[0]", reset=0x83)
    PLLCFGR = Register(0x04, "PLLQ[27:24] PLLSRC[22] PLLP[17:16] PLLN[14:6] PLLM[5:0]",
                       reset=0x24003010)
    CFGR = Register(0x08, "MCO2[31:30] MCO2PRE[29:27] MCO1PRE[26:24] I2SSRC[23] MCO1[22:21] "
                          "RTCPRE[20:16] PPRE2[15:13] PPRE1[12:10] HPRE[7:4] SWS[3:2]=ro SW[1:0]")
    CIR = Register(0x0C, "CLEAR[23:16]=sc ENABLE[13:8] FLAGS[7:0]=ro")
    AHB1RSTR = Register(0x10)
    AHB2RSTR = Register(0x14)
    AHB3RSTR = Register(0x18)
    APB1RSTR = Register(0x20)
    APB2RSTR = Register(0x24)
    AHB1ENR = Register(0x30, reset=0x00100000)
    AHB2ENR = Register(0x34)
    AHB3ENR = Register(0x38)
    APB1ENR = Register(0x40)
    APB2ENR = Register(0x44)
    AHB1LPENR = Register(0x50, reset=0x7E6791FF)
    AHB2LPENR = Register(0x54, reset=0xF1)
    AHB3LPENR = Register(0x58, reset=0x1)
    APB1LPENR = Register(0x60, reset=0x36FEC9FF)
    APB2LPENR = Register(0x64, reset=0x00075F33)
    BDCR = Register(0x70, "BDRST[16] RTCEN[15] RTCSEL[9:8] LSEBYP[2] LSERDY[1]=ro LSEON[0]")
    CSR = Register(0x74, "FLAGS[31:25]=ro RMVF[24]=sc LSIRDY[1]=ro LSION[0]", reset=0x0E000000)
    SSCGR = Todo(0x80)
    PLLI2SCFGR = Register(0x84, "PLLI2SR[30:28] PLLI2SN[14:6]", reset=0x20003000)

    def __init__(self, context: Context, hse: int, gated: Mapping[str, Block]) -> None:
        super().__init__("RCC", context)
        self.hse, self.gated = hse, gated
        self.hclk = Rate("HCLK", HSI)
        self.hclk8 = Rate("HCLK/8", HSI // 8)
        self.pclk1, self.pclk2 = Rate("PCLK1", HSI), Rate("PCLK2", HSI)
        self.timers1, self.timers2 = Rate("APB1 timers", HSI), Rate("APB2 timers", HSI)
        self.rtc = Rate("RTC", 0)
        self.backup_reset: Callable[[], None] = lambda: None
        self.stopped = False

    def pll(self) -> int:
        """Hz of the main PLL's system output, 0 while it is off."""
        if not self.CR & Rcc.CR["PLLON"]:
            return 0
        source = self.hse if self.PLLCFGR & Rcc.PLLCFGR["PLLSRC"] else HSI
        m, n, p = self.PLLCFGR & 63, self.PLLCFGR >> 6 & 511, 2 * (self.PLLCFGR >> 16 & 3) + 2
        return source * n // (m * p) if m else 0

    def pll_i2s(self) -> int:
        """Hz of the PLL for I2S, 0 while it is off."""
        if not self.CR & Rcc.CR["PLLI2SON"]:
            return 0
        source = self.hse if self.PLLCFGR & Rcc.PLLCFGR["PLLSRC"] else HSI
        m, n, r = self.PLLCFGR & 63, self.PLLI2SCFGR >> 6 & 511, self.PLLI2SCFGR >> 28 & 7
        return source * n // (m * r) if m and r else 0

    def sources(self) -> tuple[int, int, int, int]:
        """Hz of HSI, HSE and PLL, 0 where off; the selection has a fourth, unused value."""
        hsi = HSI if self.CR & Rcc.CR["HSION"] else 0
        hse = self.hse if self.CR & Rcc.CR["HSEON"] else 0
        return hsi, hse, self.pll(), 0

    def update(self) -> None:
        """Ready bits, the clock switch and all frequencies from the registers."""
        sources = self.sources()
        ready = ("HSIRDY", "HSERDY", "PLLRDY")
        for name, hz in zip(ready, sources, strict=False):
            self.CR = self.CR | Rcc.CR[name] if hz else self.CR & ~Rcc.CR[name]
        on = self.CR & Rcc.CR["PLLI2SON"]
        self.CR = self.CR & ~Rcc.CR["PLLI2SRDY"] | on << 1
        if sources[self.CFGR & 3]:  # the switch waits for a source that runs
            self.CFGR = self.CFGR & ~0xC | (self.CFGR & 3) << 2
        system = 0 if self.stopped else sources[self.CFGR >> 2 & 3]
        hclk = system // ahb_divider(self.CFGR >> 4 & 15)
        self.hclk.change(hclk)
        self.hclk8.change(hclk // 8)
        for pclk, timers, code in ((self.pclk1, self.timers1, self.CFGR >> 10 & 7),
                                   (self.pclk2, self.timers2, self.CFGR >> 13 & 7)):
            divider = apb_divider(code)
            pclk.change(hclk // divider)
            timers.change(hclk if divider == 1 else 2 * hclk // divider)
        self.update_backup()

    def update_backup(self) -> None:
        """Low-speed oscillators and the RTC's clock."""
        self.BDCR = self.BDCR & ~2 | (self.BDCR & 1) << 1
        self.CSR = self.CSR & ~2 | (self.CSR & 1) << 1
        hse_divider = self.CFGR >> 16 & 31
        sources = (0, 32768 if self.BDCR & 1 else 0, 32000 if self.CSR & 1 else 0,
                   self.sources()[1] // hse_divider if hse_divider > 1 else 0)
        on = self.BDCR & Rcc.BDCR["RTCEN"]
        self.rtc.change(sources[self.BDCR >> 8 & 3] if on else 0)

    def stop(self, stopped: bool) -> None:
        """Stop mode begins: all clocks stand still but the slow ones; or it ends, with HSI."""
        self.stopped = stopped
        self.CR = self.CR & ~(Rcc.CR["HSEON"] | Rcc.CR["PLLON"] | Rcc.CR["PLLI2SON"]) | 1
        self.CFGR &= ~3
        self.update()

    def gate(self, bus: str, enabled: int) -> None:
        for bit, name in GATES[bus].items():
            if name in self.gated:
                self.gated[name].enable(bool(enabled >> bit & 1))

    def restart(self, bus: str, bits: int) -> None:
        for bit, name in GATES[bus].items():
            if name in self.gated and bits >> bit & 1:
                self.gated[name].reset()

    def flag(self, cause: str) -> None:
        """After a reset: notes its cause in CSR, next to those not yet cleared."""
        self.CSR |= CAUSES[cause]

    def on_reset(self) -> None:
        self.stopped = False
        self.update()
        for bus in GATES:
            self.gate(bus, self.values[Rcc.AHB1ENR.offset] if bus == "AHB1" else 0)

    def reset(self) -> None:
        # The backup domain and the reset flags survive all but a loss of power.
        kept = self.BDCR, self.CSR & ~1
        super().reset()
        self.BDCR, self.CSR = kept
        self.update()

    def write_CR(self, written: int, before: int) -> None:
        if self.CFGR >> 2 & 3 == 0:
            held = Rcc.CR["HSION"]
        elif self.CFGR >> 2 & 3 == 1:
            held = Rcc.CR["HSEON"]
        else:
            held = Rcc.CR["PLLON"]
        self.CR |= before & held  # what drives the system clock cannot be switched off
        self.update()

    def write_PLLCFGR(self, written: int, before: int) -> None:
        if self.CR & Rcc.CR["PLLON"]:
            self.PLLCFGR = before  # only to be written while the PLL is off
        self.update()

    def write_CFGR(self, written: int, before: int) -> None:
        self.update()

    def write_AHB1RSTR(self, written: int, before: int) -> None:
        self.restart("AHB1", self.AHB1RSTR)

    def write_AHB2RSTR(self, written: int, before: int) -> None:
        self.restart("AHB2", self.AHB2RSTR)

    def write_AHB3RSTR(self, written: int, before: int) -> None:
        self.restart("AHB3", self.AHB3RSTR)

    def write_APB1RSTR(self, written: int, before: int) -> None:
        self.restart("APB1", self.APB1RSTR)

    def write_APB2RSTR(self, written: int, before: int) -> None:
        self.restart("APB2", self.APB2RSTR)

    def write_AHB1ENR(self, written: int, before: int) -> None:
        self.gate("AHB1", self.AHB1ENR)

    def write_AHB2ENR(self, written: int, before: int) -> None:
        self.gate("AHB2", self.AHB2ENR)

    def write_AHB3ENR(self, written: int, before: int) -> None:
        self.gate("AHB3", self.AHB3ENR)

    def write_APB1ENR(self, written: int, before: int) -> None:
        self.gate("APB1", self.APB1ENR)

    def write_APB2ENR(self, written: int, before: int) -> None:
        self.gate("APB2", self.APB2ENR)

    def write_BDCR(self, written: int, before: int) -> None:
        if self.BDCR & Rcc.BDCR["BDRST"]:
            self.BDCR = Rcc.BDCR["BDRST"]
            self.backup_reset()
        self.update_backup()

    def write_CSR(self, written: int, before: int) -> None:
        if written & Rcc.CSR["RMVF"]:
            self.CSR &= ~Rcc.CSR["FLAGS"]
        self.update_backup()
