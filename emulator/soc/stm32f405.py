"""STM32F405RG (RM0090 and datasheet DS8626)."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.block import Context, Unmodelled, place
from mpy_cross.emulator.blocks.cortexm.systick import BASE as SYSTICK
from mpy_cross.emulator.blocks.cortexm.systick import SysTick
from mpy_cross.emulator.blocks.stm32 import tim
from mpy_cross.emulator.blocks.stm32.exti import Exti, Syscfg
from mpy_cross.emulator.blocks.stm32.flash import Flash
from mpy_cross.emulator.blocks.stm32.gpio import Gpio
from mpy_cross.emulator.blocks.stm32.names import REGISTERS
from mpy_cross.emulator.blocks.stm32.otg import OtgFs
from mpy_cross.emulator.blocks.stm32.rcc import Rcc
from mpy_cross.emulator.blocks.stm32.rtc import Rtc
from mpy_cross.emulator.blocks.stm32.system import Dbgmcu, Iwdg, Pwr, Rng
from mpy_cross.emulator.blocks.stm32.usart import Usart
from mpy_cross.emulator.bus import bitband
from mpy_cross.emulator.chip import Chip
from mpy_cross.emulator.line import Line, Signal, any_of
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.soc.stm32f405_pads import PADS

# Where each block stands (RM0090, table 1).  GPIO port n is at GPIO + 0x400 * n.
GPIO: Final = 0x40020000
PORTS: Final = "ABCDEFGHI"
BASES: Final[dict[str, int]] = {
    "TIM2": 0x40000000, "TIM3": 0x40000400, "TIM4": 0x40000800, "TIM5": 0x40000C00,
    "TIM6": 0x40001000, "TIM7": 0x40001400, "TIM12": 0x40001800, "TIM13": 0x40001C00,
    "TIM14": 0x40002000, "RTC": 0x40002800, "IWDG": 0x40003000, "USART2": 0x40004400,
    "USART3": 0x40004800, "UART4": 0x40004C00, "UART5": 0x40005000, "PWR": 0x40007000,
    "TIM1": 0x40010000, "TIM8": 0x40010400, "USART1": 0x40011000, "USART6": 0x40011400,
    "SYSCFG": 0x40013800, "EXTI": 0x40013C00, "TIM9": 0x40014000, "TIM10": 0x40014400,
    "TIM11": 0x40014800, "RCC": 0x40023800, "FLASH": 0x40023C00, "OTG_FS": 0x50000000,
    "RNG": 0x50060800,
    "DBGMCU": 0xE0042000,
}

# Blocks that are known by the names of their registers only: (name, base, size, kind).
UNMODELLED: Final = (
    ("WWDG", 0x40002C00, 0x400, "WWDG"), ("I2S2ext", 0x40003400, 0x400, "SPI"),
    ("SPI2", 0x40003800, 0x400, "SPI"), ("SPI3", 0x40003C00, 0x400, "SPI"),
    ("I2S3ext", 0x40004000, 0x400, "SPI"), ("I2C1", 0x40005400, 0x400, "I2C"),
    ("I2C2", 0x40005800, 0x400, "I2C"), ("I2C3", 0x40005C00, 0x400, "I2C"),
    ("CAN1", 0x40006400, 0x400, "CAN"), ("CAN2", 0x40006800, 0x400, "CAN"),
    ("DAC", 0x40007400, 0x400, "DAC"), ("ADC1", 0x40012000, 0x100, "ADC"),
    ("ADC2", 0x40012100, 0x100, "ADC"), ("ADC3", 0x40012200, 0x100, "ADC"),
    ("ADC", 0x40012300, 0x100, "ADC_common"), ("SDIO", 0x40012C00, 0x400, "SDIO"),
    ("SPI1", 0x40013000, 0x400, "SPI"), ("CRC", 0x40023000, 0x400, "CRC"),
    ("DMA1", 0x40026000, 0x400, "DMA"), ("DMA2", 0x40026400, 0x400, "DMA"),
    ("ETH", 0x40028000, 0x1400, "ETH"), ("OTG_HS", 0x40040000, 0x40000, "OTG_HS"),
    ("DCMI", 0x50050000, 0x400, "DCMI"),
    ("FSMC", 0xA0000000, 0x1000, "FSMC"),
)

TIMERS: Final[dict[int, tim.Kind]] = {
    1: tim.ADVANCED, 2: tim.GENERAL_32, 3: tim.GENERAL, 4: tim.GENERAL, 5: tim.GENERAL_32,
    6: tim.BASIC, 7: tim.BASIC, 8: tim.ADVANCED, 9: tim.TWO_CHANNELS, 10: tim.ONE_CHANNEL,
    11: tim.ONE_CHANNEL, 12: tim.TWO_CHANNELS, 13: tim.ONE_CHANNEL, 14: tim.ONE_CHANNEL,
}
ON_APB2: Final = frozenset({1, 8, 9, 10, 11})  # the other timers are on APB1
USARTS: Final = ("USART1", "USART2", "USART3", "UART4", "UART5", "USART6")

# Interrupt numbers by the lines that join in them (RM0090, table 62).  Those of blocks that are
# not modelled have no line yet.
INTERRUPTS: Final[dict[str, int]] = {
    "EXTI16": 1, "EXTI21": 2, "EXTI22": 3, "FLASH": 4, "EXTI0": 6, "EXTI1": 7, "EXTI2": 8,
    "EXTI3": 9, "EXTI4": 10, "EXTI9_5": 23, "TIM1_BRK TIM9": 24, "TIM1_UP TIM10": 25,
    "TIM1_TRG TIM11": 26, "TIM1_CC": 27, "TIM2": 28, "TIM3": 29, "TIM4": 30, "USART1": 37,
    "USART2": 38, "USART3": 39, "EXTI15_10": 40, "EXTI17": 41, "EXTI18": 42,
    "TIM8_BRK TIM12": 43, "TIM8_UP TIM13": 44, "TIM8_TRG TIM14": 45, "TIM8_CC": 46, "TIM5": 50,
    "UART4": 52, "UART5": 53, "TIM6": 54, "TIM7": 55, "OTG_FS": 67, "USART6": 71,
    "EXTI20": 76, "RNG": 80,
}

# Reset values of the ports with the debug pads: MODER, OSPEEDR, PUPDR.
DEBUG_PORTS: Final = {"A": (0xA8000000, 0x0C000000, 0x64000000), "B": (0x280, 0xC0, 0x100)}

UNIQUE: Final = bytes.fromhex("3a0035000f51333138373437")


@final
class Stm32f405(Chip):
    """hse: Hz of the crystal."""

    name = "STM32F405RG"
    core = "cortex-m4f"

    def __init__(self, context: Context, hse: int) -> None:
        super().__init__(context)
        self.unique = UNIQUE
        self.interface = Flash(context)
        self.interface.changed = lambda offset, size: self.code_changed(0x08000000 + offset, size)
        self.memories()
        self.rcc = Rcc(context, hse, self.blocks)
        self.rate = self.rcc.hclk
        blocks = self.blocks
        blocks["RCC"] = self.rcc
        for name in USARTS:
            rate = self.rcc.pclk2 if name in ("USART1", "USART6") else self.rcc.pclk1
            usart = Usart(name, context, rate, self.signal(f"{name}_TX"))
            blocks[name], self.ports[name] = usart, usart.port
        for number, kind in TIMERS.items():
            rate = self.rcc.timers2 if number in ON_APB2 else self.rcc.timers1
            names = [f"CH{n + 1}" for n in range(kind.channels)]
            names += [f"CH{n + 1}N" for n in range(3)] if kind.advanced else []
            blocks[f"TIM{number}"] = tim.Tim(
                f"TIM{number}", context, rate, kind,
                [self.signal(f"TIM{number}_{name}") for name in names])
        syscfg = Syscfg("SYSCFG", context)
        self.exti = Exti(context, syscfg)
        for number, letter in enumerate(PORTS):
            blocks[f"GPIO{letter}"] = self.port(number, letter)
        self.rtc = rtc = Rtc(context, self.rcc.rtc)
        rtc.wakeup.watch(lambda level: self.exti.edge(22, int(level)))
        self.rcc.backup_reset = rtc.backup_reset
        self.usb = self.otg = OtgFs("OTG_FS", context)
        iwdg = Iwdg(context)
        iwdg.bite.watch(lambda level: self.reset_requested("watchdog") if level else None)
        blocks.update({"SYSCFG": syscfg, "EXTI": self.exti, "RTC": rtc, "IWDG": iwdg,
                       "PWR": Pwr("PWR", context), "FLASH": self.interface,
                       "OTG_FS": self.otg,
                       "RNG": Rng(context), "DBGMCU": Dbgmcu("DBGMCU", context)})
        for name, base, size, kind_name in UNMODELLED:
            blocks[name] = Unmodelled(name, context, size, REGISTERS[kind_name])
            place(self.bus, base, blocks[name])
        for name, base in BASES.items():
            place(self.bus, base, blocks[name])
        self.systicks = [SysTick(context, self.rcc.hclk, self.rcc.hclk8, calib=0x40004E1F)]
        blocks["SysTick"] = self.systicks[0]
        place(self.bus, SYSTICK, self.systicks[0])
        bitband("SRAM bits", 0x22000000, self.bus, 0x20000000, 0x100000)
        bitband("peripheral bits", 0x42000000, self.bus, 0x40000000, 0x100000)
        self.connect_interrupts()

    def memories(self) -> None:
        bus = self.bus
        self.flash = bus.memory("flash", 0x08000000, 1 << 20, "rx", fill=0xFF,
                                store=self.interface.store)
        self.interface.memory = self.flash
        bus.alias(self.flash, 0)
        bus.memory("CCM", 0x10000000, 64 << 10, "rw")
        self.ram = bus.memory("SRAM", 0x20000000, 128 << 10)
        bus.memory("backup SRAM", 0x40024000, 4 << 10, "rw")
        bus.memory("system memory", 0x1FFF0000, 0x8000, "rx", fill=0xFF)
        bus.load(0x1FFF7A10, self.unique)
        bus.load(0x1FFF7A22, (1024).to_bytes(2, "little"))
        bus.memory("option bytes", 0x1FFFC000, 0x400, "r", fill=0xFF)
        bus.load(0x1FFFC000, bytes.fromhex("efaaefaaffffffffff0f00f0"))

    def port(self, number: int, letter: str) -> Gpio:
        pins = [Pin(f"P{letter}{n}", n, self.context.trace) for n in range(16)]
        self.pins.update((pin.name, pin) for pin in pins)
        gpio = Gpio(f"GPIO{letter}", self.context, pins,
                    [self.alternates(pin.name) for pin in pins])
        gpio.edge = lambda n, level: self.exti.pad(number, n, level)
        for register, value in zip((Gpio.MODER, Gpio.OSPEEDR, Gpio.PUPDR),
                                   DEBUG_PORTS.get(letter, (0, 0, 0)), strict=True):
            gpio.preset(register, value)
        place(self.bus, GPIO + 0x400 * number, gpio)
        return gpio

    def alternates(self, pad: str) -> dict[int, Signal]:
        """Signals of a pad by alternate function; of several at one number, a modelled one."""
        found: dict[int, Signal] = {}
        for word in PADS.get(pad, "").partition("|")[0].split():
            number, _, names = word.partition(":")
            choices = names.split("/")
            modelled = [name for name in choices if name in self.signals]
            found[int(number)] = (self.signals[modelled[0]] if modelled
                                  else self.signal(choices[0]))
        return found

    def connect_interrupts(self) -> None:
        lines: dict[str, Line] = {}
        for name, block in self.blocks.items():
            if isinstance(block, tim.Tim):
                lines.update({line.name: line for line in block.lines.values()})
            elif isinstance(block, Usart | Flash | Rng | OtgFs):
                lines[name] = block.irq
        lines.update({line.name: line for line in self.exti.irqs})
        for names, number in INTERRUPTS.items():
            joined = [lines[name] for name in names.split()]
            self.interrupts[0][number] = any_of(names.replace(" ", "_"), joined)

    def reset(self, cause: str) -> None:
        super().reset(cause)
        if cause == "power":
            self.rtc.backup_reset()
            self.rcc.BDCR, self.rcc.CSR = 0, 0
        self.rcc.flag(cause)
        self.rcc.update()

    def start(self) -> None:
        """168 MHz from a crystal of 12 MHz, APB at 42 and 84 MHz, RTC from 32.768 kHz."""
        self.poke("RCC", {"APB1ENR": 1 << 28, "CR": 0x00010083})
        self.poke("PWR", {"CR": 0x4100})
        mhz = self.rcc.hse // 1_000_000
        self.poke("RCC", {"PLLCFGR": 7 << 24 | 1 << 22 | 336 << 6 | mhz, "CR": 0x01010083})
        self.poke("FLASH", {"ACR": 0x705})
        self.poke("RCC", {"CFGR": 0x9402, "CR": 0x01010082, "AHB1ENR": 0x0010000F,
                          "APB2ENR": 1 << 14, "BDCR": 0x8101})
        self.poke("RTC", {"WPR": 0xCA})
        self.poke("RTC", {"WPR": 0x53})
        self.poke("RTC", {"ISR": 0xFFFFFFFF})
        self.poke("RTC", {"PRER": 0x7F00FF, "DR": 0x158101, "TR": 0})
        self.poke("RTC", {"ISR": 0xFFFFFF7F})
        self.poke("RTC", {"WPR": 0xFF})


def build(context: Context, crystal: int) -> Chip:
    return Stm32f405(context, crystal)
