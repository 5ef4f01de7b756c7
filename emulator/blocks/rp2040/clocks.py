"""Oscillators, PLLs, clock generators and resets of RP2040 (datasheet, 2.13 to 2.18)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Register, Todo

ROSC: Final = 6_500_000  # Hz, nominal frequency of the ring oscillator after reset
ENABLE, DISABLE = 0xFAB, 0xD1E
CLKDIV: Final = "INT[31:8] FRAC[7:0]"


@final
class Xosc(Block):
    """Crystal oscillator: stable at once. hz: of the crystal; rate: what comes out."""

    replicate = True
    size = 0x1000
    CTRL = Register(0x00, "ENABLE[23:12] FREQ_RANGE[11:0]", reset=DISABLE << 12)
    STATUS = Register(0x04, "STABLE[31]=ro BADWRITE[24]=w1c ENABLED[12]=ro FREQ_RANGE[1:0]=ro")
    DORMANT = Todo(0x08)
    STARTUP = Register(0x0C, "X4[20] DELAY[13:0]", reset=0xC4)
    COUNT = Register(0x1C, "COUNT[7:0]=ro")

    def __init__(self, context: Context, hz: int) -> None:
        super().__init__("XOSC", context)
        self.hz, self.rate = hz, Rate("XOSC")
        self.changed: Callable[[], None] = lambda: None

    def on_reset(self) -> None:
        self.write_CTRL(self.CTRL, 0)

    def write_CTRL(self, written: int, before: int) -> None:
        code = self.CTRL >> 12
        on = self.hz > 0 and (code == ENABLE or (code != DISABLE and self.rate.hz > 0))
        self.STATUS = self.STATUS & 1 << 24 | (0x80001000 if on else 0)
        if code not in (ENABLE, DISABLE, 0):
            self.STATUS |= Xosc.STATUS["BADWRITE"]
        self.rate.change(self.hz if on else 0)
        self.changed()


@final
class Rosc(Block):
    """Ring oscillator: always on at its nominal frequency; random bits are repeatable."""

    replicate = True
    size = 0x1000
    CTRL = Register(0x00, "ENABLE[23:12] FREQ_RANGE[11:0]", reset=0xAA0)
    FREQA = Register(0x04)
    FREQB = Register(0x08)
    DORMANT = Todo(0x0C)
    DIV = Register(0x10, "DIV[11:0]", reset=0xAB0)
    PHASE = Register(0x14, "PASSWD[11:4] ENABLE[3] FLIP[2] SHIFT[1:0]", reset=8)
    STATUS = Register(0x18, "STABLE[31]=ro BADWRITE[24]=w1c DIV_RUNNING[16]=ro ENABLED[12]=ro",
                      reset=0x80011000)
    RANDOMBIT = Register(0x1C, "RANDOMBIT[0]=ro")
    COUNT = Register(0x20, "COUNT[7:0]=ro")

    def __init__(self, context: Context, seed: int = 1) -> None:
        super().__init__("ROSC", context)
        self.random = Random(seed)

    def read_RANDOMBIT(self) -> int:
        return self.random.getrandbits(1)


@final
class Pll(Block):
    """A PLL; it locks at once."""

    replicate = True
    size = 0x1000
    CS = Register(0x00, "LOCK[31]=ro BYPASS[8] REFDIV[5:0]", reset=1)
    PWR = Register(0x04, "VCOPD[5] POSTDIVPD[3] DSMPD[2] PD[0]", reset=0x2D)
    FBDIV_INT = Register(0x08, "FBDIV_INT[11:0]")
    PRIM = Register(0x0C, "POSTDIV1[18:16] POSTDIV2[14:12]", reset=0x77000)

    def __init__(self, name: str, context: Context, reference: Rate) -> None:
        super().__init__(name, context)
        self.reference, self.rate = reference, Rate(name)
        self.changed: Callable[[], None] = lambda: None

    def update(self) -> None:
        hz, refdiv = 0, max(self.CS & 63, 1)
        locked = not self.PWR & 0x21 and self.FBDIV_INT >= 16 and self.reference.hz > 0
        self.CS = self.CS & ~(1 << 31) | int(locked) << 31
        if self.CS & Pll.CS["BYPASS"]:
            hz = self.reference.hz
        elif locked and not self.PWR & Pll.PWR["POSTDIVPD"]:
            dividers = max(self.PRIM >> 16 & 7, 1) * max(self.PRIM >> 12 & 7, 1)
            hz = self.reference.hz * self.FBDIV_INT // (refdiv * dividers)
        self.rate.change(hz)
        self.changed()

    def on_reset(self) -> None:
        self.update()

    def write_CS(self, written: int, before: int) -> None:
        self.update()

    def write_PWR(self, written: int, before: int) -> None:
        self.update()

    def write_FBDIV_INT(self, written: int, before: int) -> None:
        self.update()

    def write_PRIM(self, written: int, before: int) -> None:
        self.update()


@final
class Clocks(Block):
    """Clock generators. rates: by name "ref", "sys", "peri", "usb", "adc", "rtc"."""

    replicate = True
    size = 0x1000
    REF_CTRL = Register(0x30, "AUXSRC[6:5] SRC[1:0]", name="CLK_REF_CTRL")
    REF_DIV = Register(0x34, "INT[9:8]", reset=0x100, name="CLK_REF_DIV")
    REF_SELECTED = Register(0x38, access="ro", reset=1, name="CLK_REF_SELECTED")
    SYS_CTRL = Register(0x3C, "AUXSRC[7:5] SRC[0]", name="CLK_SYS_CTRL")
    SYS_DIV = Register(0x40, CLKDIV, reset=0x100, name="CLK_SYS_DIV")
    SYS_SELECTED = Register(0x44, access="ro", reset=1, name="CLK_SYS_SELECTED")
    PERI_CTRL = Register(0x48, "ENABLE[11] KILL[10] AUXSRC[7:5]", name="CLK_PERI_CTRL")
    PERI_DIV = Register(0x4C, CLKDIV, reset=0x100, name="CLK_PERI_DIV")
    PERI_SELECTED = Register(0x50, access="ro", reset=1, name="CLK_PERI_SELECTED")
    USB_CTRL = Register(0x54, "NUDGE[20] PHASE[17:16] ENABLE[11] KILL[10] AUXSRC[7:5]",
                        name="CLK_USB_CTRL")
    USB_DIV = Register(0x58, "INT[9:8]", reset=0x100, name="CLK_USB_DIV")
    USB_SELECTED = Register(0x5C, access="ro", reset=1, name="CLK_USB_SELECTED")
    ADC_CTRL = Register(0x60, "NUDGE[20] PHASE[17:16] ENABLE[11] KILL[10] AUXSRC[7:5]",
                        name="CLK_ADC_CTRL")
    ADC_DIV = Register(0x64, "INT[9:8]", reset=0x100, name="CLK_ADC_DIV")
    ADC_SELECTED = Register(0x68, access="ro", reset=1, name="CLK_ADC_SELECTED")
    RTC_CTRL = Register(0x6C, "NUDGE[20] PHASE[17:16] ENABLE[11] KILL[10] AUXSRC[7:5]",
                        name="CLK_RTC_CTRL")
    RTC_DIV = Register(0x70, CLKDIV, reset=0x100, name="CLK_RTC_DIV")
    RTC_SELECTED = Register(0x74, access="ro", reset=1, name="CLK_RTC_SELECTED")
    RESUS_CTRL = Register(0x78, "CLEAR[16] FRCE[12] ENABLE[8] TIMEOUT[7:0]", reset=0xFF,
                          name="CLK_SYS_RESUS_CTRL")
    RESUS_STATUS = Register(0x7C, "RESUSSED[0]=ro", name="CLK_SYS_RESUS_STATUS")
    FC0_REF_KHZ = Register(0x80, "FC0_REF_KHZ[19:0]")
    FC0_MIN_KHZ = Register(0x84, "FC0_MIN_KHZ[24:0]")
    FC0_MAX_KHZ = Register(0x88, "FC0_MAX_KHZ[24:0]", reset=0x1FFFFFF)
    FC0_DELAY = Register(0x8C, "FC0_DELAY[2:0]", reset=1)
    FC0_INTERVAL = Register(0x90, "FC0_INTERVAL[3:0]", reset=8)
    FC0_SRC = Register(0x94, "FC0_SRC[7:0]")
    FC0_STATUS = Register(0x98, access="ro")
    FC0_RESULT = Register(0x9C, "KHZ[29:5]=ro FRAC[4:0]=ro")
    WAKE_EN0 = Register(0xA0, reset=0xFFFFFFFF)
    WAKE_EN1 = Register(0xA4, "EN[14:0]", reset=0x7FFF)
    SLEEP_EN0 = Register(0xA8, reset=0xFFFFFFFF)
    SLEEP_EN1 = Register(0xAC, "EN[14:0]", reset=0x7FFF)
    ENABLED0 = Register(0xB0, access="ro", reset=0xFFFFFFFF)
    ENABLED1 = Register(0xB4, access="ro", reset=0x7FFF)
    INTR = Register(0xB8, access="ro")
    INTE = Register(0xBC, "CLK_SYS_RESUS[0]")
    INTF = Register(0xC0, "CLK_SYS_RESUS[0]")
    INTS = Register(0xC4, access="ro")
    registers = tuple(
        Todo(12 * n + 4 * m, reset=reset, name=f"CLK_GPOUT{n}_{part}") for n in range(4)
        for m, (part, reset) in enumerate((("CTRL", 0), ("DIV", 0x100), ("SELECTED", 1))))

    def __init__(self, context: Context, xosc: Xosc, system_pll: Pll, usb_pll: Pll) -> None:
        super().__init__("CLOCKS", context)
        self.xosc, self.system_pll, self.usb_pll = xosc, system_pll, usb_pll
        self.rates = {name: Rate(f"clk_{name}") for name in
                      ("ref", "sys", "peri", "usb", "adc", "rtc")}
        xosc.changed = self.sources_changed
        system_pll.changed = usb_pll.changed = self.update

    def sources_changed(self) -> None:
        """The crystal was switched on or off: the PLLs follow."""
        self.system_pll.update()
        self.usb_pll.update()

    def update(self) -> None:
        """All frequencies and the state of the glitch-free switches from the registers."""
        system, usb = self.system_pll.rate.hz, self.usb_pll.rate.hz
        xosc, rates = self.xosc.rate.hz, self.rates
        source = self.REF_CTRL & 3
        self.REF_SELECTED = 1 << source
        reference = (ROSC, (usb, 0, 0, 0)[self.REF_CTRL >> 5 & 3], xosc, 0)[source]
        reference //= (self.REF_DIV >> 8 & 3) or 4
        rates["ref"].change(reference)
        self.SYS_SELECTED = 1 << (self.SYS_CTRL & 1)
        main = reference
        if self.SYS_CTRL & 1:
            main = (system, usb, ROSC, xosc, 0, 0, 0, 0)[self.SYS_CTRL >> 5 & 7]
        main = self.divided(main, self.SYS_DIV)
        rates["sys"].change(main)
        aux = (usb, system, ROSC, xosc, 0, 0, 0, 0)
        peripheral = (main, system, usb, ROSC, xosc, 0, 0, 0)[self.PERI_CTRL >> 5 & 7]
        rates["peri"].change(peripheral if self.PERI_CTRL & 0x800 else 0)
        for name, control, divider in (("usb", self.USB_CTRL, self.USB_DIV),
                                       ("adc", self.ADC_CTRL, self.ADC_DIV),
                                       ("rtc", self.RTC_CTRL, self.RTC_DIV)):
            hz = aux[control >> 5 & 7] if control & 0x800 else 0
            rates[name].change(self.divided(hz, divider))

    @staticmethod
    def divided(hz: int, divider: int) -> int:
        """Divider of 24.8 bits; an integer part of 0 stands for the largest one."""
        return hz * 256 // divider if divider >> 8 else hz >> 16

    def on_reset(self) -> None:
        self.update()

    def write_REF_CTRL(self, written: int, before: int) -> None:
        self.update()

    def write_REF_DIV(self, written: int, before: int) -> None:
        self.update()

    def write_SYS_CTRL(self, written: int, before: int) -> None:
        self.update()

    def write_SYS_DIV(self, written: int, before: int) -> None:
        self.update()

    def write_PERI_CTRL(self, written: int, before: int) -> None:
        self.update()

    def write_USB_CTRL(self, written: int, before: int) -> None:
        self.update()

    def write_USB_DIV(self, written: int, before: int) -> None:
        self.update()

    def write_ADC_CTRL(self, written: int, before: int) -> None:
        self.update()

    def write_ADC_DIV(self, written: int, before: int) -> None:
        self.update()

    def write_RTC_CTRL(self, written: int, before: int) -> None:
        self.update()

    def write_RTC_DIV(self, written: int, before: int) -> None:
        self.update()

    def write_FC0_SRC(self, written: int, before: int) -> None:
        """The frequency counter measures at once."""
        rates = self.rates
        sources = (0, self.system_pll.rate.hz, self.usb_pll.rate.hz, ROSC, ROSC, self.xosc.rate.hz,
                   0, 0, rates["ref"].hz, rates["sys"].hz, rates["peri"].hz, rates["usb"].hz,
                   rates["adc"].hz, rates["rtc"].hz)
        hz = (*sources, 0)[min(self.FC0_SRC, len(sources))]
        self.FC0_RESULT = hz * 32 // 1000
        self.FC0_STATUS = 0x10 if hz else 0x10000010  # done, and "died" without a clock


# Blocks of RESETS by bit.
RESETTABLE: Final = (
    "ADC", "BUSCTRL", "DMA", "I2C0", "I2C1", "IO_BANK0", "IO_QSPI", "JTAG", "PADS_BANK0",
    "PADS_QSPI", "PIO0", "PIO1", "PLL_SYS", "PLL_USB", "PWM", "RTC", "SPI0", "SPI1", "SYSCFG",
    "SYSINFO", "TBMAN", "TIMER", "UART0", "UART1", "USB")


@final
class Resets(Block):
    """RESETS: a block held in reset reads as 0 and takes no writes."""

    replicate = True
    size = 0x1000
    RESET = Register(0x00, "RESET[24:0]", reset=0x1FFFFFF)
    WDSEL = Register(0x04, "WDSEL[24:0]")
    RESET_DONE = Register(0x08, access="ro")

    def __init__(self, context: Context, blocks: Mapping[str, Block]) -> None:
        super().__init__("RESETS", context)
        self.blocks = blocks

    def on_reset(self) -> None:
        self.apply(0)

    def apply(self, before: int) -> None:
        for bit, name in enumerate(RESETTABLE):
            block = self.blocks.get(name)
            if block is None:
                continue
            held = self.RESET >> bit & 1
            if held and not before >> bit & 1:
                block.reset()
            block.enable(not held)

    def write_RESET(self, written: int, before: int) -> None:
        self.apply(before)

    def read_RESET_DONE(self) -> int:
        return ~self.RESET & 0x1FFFFFF


@final
class Psm(Block):
    """Power-on state machine: everything is done at once. core1_off: the second core is held."""

    replicate = True
    size = 0x1000
    FRCE_ON = Register(0x00, "ON[16:0]")
    FRCE_OFF = Register(0x04, "OFF[16:0]")
    WDSEL = Register(0x08, "WDSEL[16:0]")
    DONE = Register(0x0C, access="ro")

    def __init__(self, context: Context) -> None:
        super().__init__("PSM", context)
        self.core1_off = Line("PSM PROC1")

    def on_reset(self) -> None:
        self.core1_off.set(False)

    def write_FRCE_OFF(self, written: int, before: int) -> None:
        self.core1_off.set(bool(self.FRCE_OFF >> 16))

    def read_DONE(self) -> int:
        return 0x1FFFF & ~self.FRCE_OFF
