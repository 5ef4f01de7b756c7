"""RP2040 (RP2040 datasheet)."""

from __future__ import annotations

from functools import partial
from typing import Final, final

from mpy_cross.emulator.block import Block, Context, place, place_atomic
from mpy_cross.emulator.blocks.cortexm.systick import BASE as SYSTICK
from mpy_cross.emulator.blocks.cortexm.systick import SysTick
from mpy_cross.emulator.blocks.rp2040.adc import Adc
from mpy_cross.emulator.blocks.rp2040.clocks import Clocks, Pll, Psm, Resets, Rosc, Xosc
from mpy_cross.emulator.blocks.rp2040.dma import Dma
from mpy_cross.emulator.blocks.rp2040.flash import FlashChip, QspiBank, QspiPads, Ssi, XipControl
from mpy_cross.emulator.blocks.rp2040.i2c import I2c
from mpy_cross.emulator.blocks.rp2040.io import PINS, IoBank, Pads
from mpy_cross.emulator.blocks.rp2040.pio import Pio
from mpy_cross.emulator.blocks.rp2040.pwm import SLICES, Pwm
from mpy_cross.emulator.blocks.rp2040.sio import Sio
from mpy_cross.emulator.blocks.rp2040.spi import Spi
from mpy_cross.emulator.blocks.rp2040.system import (
    BusControl,
    Rtc,
    Syscfg,
    Sysinfo,
    Tbman,
    Vreg,
)
from mpy_cross.emulator.blocks.rp2040.timer import Timer, Watchdog
from mpy_cross.emulator.blocks.rp2040.uart import Uart
from mpy_cross.emulator.blocks.rp2040.usb import MEMORY, MEMORY_SIZE, Usb
from mpy_cross.emulator.bus import Window
from mpy_cross.emulator.chip import Chip
from mpy_cross.emulator.line import Signal
from mpy_cross.emulator.pin import Pin

# Where each block stands (datasheet, 2.2); all have atomic views but SIO.
BASES: Final[dict[str, int]] = {
    "SYSINFO": 0x40000000, "SYSCFG": 0x40004000, "CLOCKS": 0x40008000, "RESETS": 0x4000C000,
    "PSM": 0x40010000, "IO_BANK0": 0x40014000, "IO_QSPI": 0x40018000, "PADS_BANK0": 0x4001C000,
    "PADS_QSPI": 0x40020000, "XOSC": 0x40024000, "PLL_SYS": 0x40028000, "PLL_USB": 0x4002C000,
    "BUSCTRL": 0x40030000, "UART0": 0x40034000, "UART1": 0x40038000, "SPI0": 0x4003C000,
    "SPI1": 0x40040000, "I2C0": 0x40044000, "I2C1": 0x40048000, "ADC": 0x4004C000,
    "PWM": 0x40050000, "TIMER": 0x40054000, "WATCHDOG": 0x40058000, "RTC": 0x4005C000,
    "ROSC": 0x40060000, "VREG_AND_CHIP_RESET": 0x40064000, "TBMAN": 0x4006C000,
    "XIP_CTRL": 0x14000000, "SSI": 0x18000000, "DMA": 0x50000000, "USB": 0x50110000,
    "PIO0": 0x50200000, "PIO1": 0x50300000, "SIO": 0xD0000000,
}
FLASH_BASES: Final = (0x10000000, 0x11000000, 0x12000000, 0x13000000)  # with and without the cache

CLOCK_PADS: Final = {20: "CLOCK_GPIN0", 21: "CLOCK_GPOUT0", 22: "CLOCK_GPIN1",
                     23: "CLOCK_GPOUT1", 24: "CLOCK_GPOUT2", 25: "CLOCK_GPOUT3"}

# Interrupt numbers (datasheet, 2.3.2).
TIMER_IRQ, PWM_IRQ, USB_IRQ, PIO_IRQ, DMA_IRQ, IO_IRQ, SIO_IRQ = 0, 4, 5, 7, 11, 13, 15
SPI_IRQ, UART_IRQ, ADC_IRQ, I2C_IRQ, RTC_IRQ = 18, 20, 22, 23, 25
# Numbers of the first requests for DMA of each kind (datasheet, 2.5.3.1).
PIO_REQUEST, SPI_REQUEST, UART_REQUEST, PWM_REQUEST, I2C_REQUEST, ADC_REQUEST = (
    0, 16, 20, 24, 32, 36)

UNIQUE: Final = bytes.fromhex("e6605481db318236")  # of the flash chip


def functions(number: int) -> dict[int, str]:
    """Signals of pad GPIO`number` by function (datasheet, table 2): they come in a pattern."""
    spi, i2c, uart = number >> 3 & 1, number >> 1 & 1, number + 4 >> 3 & 1
    return {
        1: f"SPI{spi}_{('RX', 'CSn', 'SCK', 'TX')[number & 3]}",
        2: f"UART{uart}_{('TX', 'RX', 'CTS', 'RTS')[number & 3]}",
        3: f"I2C{i2c}_{('SDA', 'SCL')[number & 1]}",
        4: f"PWM{number >> 1 & 7}_{'AB'[number & 1]}",
        5: f"SIO_GPIO{number}",
        6: f"PIO0_GPIO{number}",
        7: f"PIO1_GPIO{number}",
        **({8: CLOCK_PADS[number]} if number in CLOCK_PADS else {}),
        9: ("USB_OVCUR_DET", "USB_VBUS_DET", "USB_VBUS_EN")[number % 3],
    }


@final
class Rp2040(Chip):
    """crystal: Hz; flash_size: bytes of the flash chip beside it."""

    name = "RP2040"
    core = "cortex-m0+"
    cores = 2

    def __init__(self, context: Context, crystal: int, flash_size: int = 2 << 20) -> None:
        super().__init__(context)
        self.unique = UNIQUE
        self.memories(flash_size)
        blocks = self.blocks
        xosc = Xosc(context, crystal)
        plls = Pll("PLL_SYS", context, xosc.rate), Pll("PLL_USB", context, xosc.rate)
        self.clocks = Clocks(context, xosc, *plls)
        rates = self.clocks.rates
        self.rate = rates["sys"]
        for number in range(PINS):
            pin = Pin(f"GPIO{number}", number, context.trace)
            self.pins[pin.name] = pin
        pads = Pads(context)
        pwm_signals = [self.signal(f"PWM{n >> 1}_{'AB'[n & 1]}") for n in range(2 * SLICES)]
        self.sio = Sio(context, [self.signal(f"SIO_GPIO{n}") for n in range(PINS)])
        bank = IoBank(context, list(self.pins.values()), pads, [self.functions(n)
                                                                for n in range(PINS)])
        self.sio.bank = self.bank = bank
        self.watchdog = Watchdog(context, rates["ref"])
        self.watchdog.bite = lambda reason: self.reset_requested("watchdog")
        timer = Timer(context, self.watchdog.tick)
        pwm = Pwm(context, self.rate, pwm_signals)
        uarts = [Uart(f"UART{n}", context, rates["peri"], self.signal) for n in (0, 1)]
        self.ports = {uart.name: uart.port for uart in uarts}
        for uart in uarts:
            uart.port.wired = partial(self.wired_ports, uart.tx.name)
        rtc = Rtc(context, rates["rtc"])
        self.flash_chip = self.flash_writer = FlashChip(self.flash.buffer, UNIQUE)
        qspi, ssi = QspiBank(context), Ssi(context, self.flash_chip)
        qspi.select = ssi.force
        self.pios = [Pio(f"PIO{n}", context, self.rate, list(self.pins.values()),
                         [self.signal(f"PIO{n}_GPIO{pad}") for pad in range(PINS)], bank.levels)
                     for n in (0, 1)]
        self.spis = [Spi(f"SPI{n}", context, rates["peri"], self.signal) for n in (0, 1)]
        self.i2cs = [I2c(f"I2C{n}", context, self.rate, self.signal(f"I2C{n}_SCL"),
                         self.signal(f"I2C{n}_SDA")) for n in (0, 1)]
        self.adc = Adc(context, rates["adc"])
        requests = {
            **dict(enumerate((each for pio in self.pios for each in pio.requests), PIO_REQUEST)),
            **dict(enumerate((each for spi in self.spis for each in spi.requests), SPI_REQUEST)),
            **dict(enumerate((each for uart in uarts for each in uart.requests), UART_REQUEST)),
            **dict(enumerate(pwm.requests, PWM_REQUEST)),
            **dict(enumerate((each for i2c in self.i2cs for each in i2c.requests), I2C_REQUEST)),
            ADC_REQUEST: self.adc.request}
        self.usb = Usb(context)
        dma = Dma(context, self.bus, self.rate, requests)
        dma.stored = lambda address, size: self.code_changed(address, size)
        named: tuple[Block, ...] = (
            xosc, *plls, self.clocks, Rosc(context), Psm(context), Vreg(context),
            Sysinfo("SYSINFO", context), Syscfg("SYSCFG", context), Tbman("TBMAN", context),
            BusControl(context, self.rate),
            pads, bank, self.sio, timer, pwm, *uarts, rtc, self.watchdog, qspi, ssi,
            QspiPads("PADS_QSPI", context), XipControl(context, self.flash_chip),
            *self.pios, *self.spis, *self.i2cs, self.adc, dma, self.usb)
        blocks.update((block.name, block) for block in named)
        # Last: a reset of the whole chip then ends with what this one holds in reset.
        blocks["RESETS"] = Resets(context, blocks)
        for name, base in BASES.items():
            if name != "SIO":
                place_atomic(self.bus, base, blocks[name])
        self.bus.window(self.sio.window(0))
        self.bus.window(Window("USB DPRAM", MEMORY, MEMORY_SIZE, self.usb.load_memory,
                               self.usb.store_memory))
        self.systicks = [SysTick(context, self.rate, self.watchdog.tick) for _ in range(2)]
        blocks["SysTick"], blocks["SysTick of core 1"] = self.systicks
        place(self.bus, SYSTICK, self.systicks[0])
        for core, lines in enumerate(self.interrupts):
            lines.update(enumerate(timer.irqs, TIMER_IRQ))
            lines.update({PWM_IRQ: pwm.irq, IO_IRQ: bank.irqs[core],
                          SIO_IRQ + core: self.sio.irqs[core], RTC_IRQ: rtc.irq})
            lines.update(enumerate((uart.irq for uart in uarts), UART_IRQ))
            lines.update(enumerate((each for pio in self.pios for each in pio.irqs), PIO_IRQ))
            lines.update(enumerate(dma.irqs, DMA_IRQ))
            lines.update(enumerate((spi.irq for spi in self.spis), SPI_IRQ))
            lines.update(enumerate((i2c.irq for i2c in self.i2cs), I2C_IRQ))
            lines.update({USB_IRQ: self.usb.irq, ADC_IRQ: self.adc.irq})

    def memories(self, flash_size: int) -> None:
        bus = self.bus
        self.rom = bus.memory("ROM", 0, 16 << 10, "rx", store=self.store_rom)
        self.flash = bus.memory("flash", FLASH_BASES[0], flash_size, "rx", fill=0xFF)
        for base in FLASH_BASES[1:]:
            bus.alias(self.flash, base)
        bus.memory("XIP SRAM", 0x15000000, 16 << 10)
        self.ram = bus.memory("SRAM", 0x20000000, 264 << 10)

    def store_rom(self, offset: int, size: int, value: int) -> bool:
        """A store to the ROM, which the chip ignores: the old bytes come back."""
        buffer = self.rom.buffer
        before = bytes(buffer[offset : offset + size])

        def undo() -> None:
            buffer[offset : offset + size] = before

        self.context.clock.after(0, undo)
        return True

    def functions(self, number: int) -> dict[int, Signal]:
        return {function: self.signal(name) for function, name in functions(number).items()}

    def reset(self, cause: str) -> None:
        scratch = self.watchdog.keep() if cause != "power" else (0,) * 8
        super().reset(cause)
        self.watchdog.restore(scratch, 1 if cause == "watchdog" else 0)
        vreg = self.blocks["VREG_AND_CHIP_RESET"]
        assert isinstance(vreg, Vreg)
        vreg.CHIP_RESET = {"power": 1 << 8, "brown-out": 1 << 8, "pin": 1 << 16}.get(cause, 0)

    def start(self) -> None:
        """125 MHz from a crystal of 12 MHz, as the SDK's start-up code sets it."""
        self.poke("RESETS", {"RESET": 0})
        self.poke("XOSC", {"STARTUP": 47, "CTRL": 0xFABAA0})
        self.poke("PLL_SYS", {"CS": 1, "FBDIV_INT": 125, "PRIM": 0x62000, "PWR": 0x4})
        self.poke("PLL_USB", {"CS": 1, "FBDIV_INT": 40, "PRIM": 0x52000, "PWR": 0x4})
        self.poke("CLOCKS", {"CLK_REF_CTRL": 2, "CLK_SYS_CTRL": 1, "CLK_PERI_CTRL": 0x800,
                             "CLK_USB_CTRL": 0x800, "CLK_ADC_CTRL": 0x800,
                             "CLK_RTC_DIV": 1024 << 8, "CLK_RTC_CTRL": 0x800})
        self.poke("WATCHDOG", {"TICK": 0x200 | 12})
        self.poke("RTC", {"CLKDIV_M1": 46874, "SETUP_0": 2021 << 12 | 1 << 8 | 1,
                          "SETUP_1": 5 << 24, "CTRL": 0x10})
        self.poke("RTC", {"CTRL": 1})


def build(context: Context, crystal: int) -> Chip:
    return Rp2040(context, crystal)
