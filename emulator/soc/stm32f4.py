"""What the STM32F4 parts have in common (RM0090, RM0383): where blocks stand and how they are
connected.  A `Part` says which of them a chip has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, NamedTuple, final

from mpy_cross.emulator.block import Block, Context, Unmodelled, place
from mpy_cross.emulator.blocks.cortexm.dwt import BASE as DWT
from mpy_cross.emulator.blocks.cortexm.dwt import Dwt
from mpy_cross.emulator.blocks.cortexm.systick import BASE as SYSTICK
from mpy_cross.emulator.blocks.cortexm.systick import SysTick
from mpy_cross.emulator.blocks.stm32 import tim
from mpy_cross.emulator.blocks.stm32.can import Can, Filters
from mpy_cross.emulator.blocks.stm32.crc import Crc
from mpy_cross.emulator.blocks.stm32.dma import TABLES, Dma, Request, requests
from mpy_cross.emulator.blocks.stm32.exti import Exti, Syscfg
from mpy_cross.emulator.blocks.stm32.flash import Flash
from mpy_cross.emulator.blocks.stm32.gpio import Follower, Gpio
from mpy_cross.emulator.blocks.stm32.i2c import I2c
from mpy_cross.emulator.blocks.stm32.names import REGISTERS
from mpy_cross.emulator.blocks.stm32.otg import OtgFs
from mpy_cross.emulator.blocks.stm32.rcc import Rcc
from mpy_cross.emulator.blocks.stm32.rtc import Rtc
from mpy_cross.emulator.blocks.stm32.sdio import Sdio
from mpy_cross.emulator.blocks.stm32.spi import Spi
from mpy_cross.emulator.blocks.stm32.system import Dbgmcu, Iwdg, Pwr, Rng
from mpy_cross.emulator.blocks.stm32.usart import Usart
from mpy_cross.emulator.blocks.stm32.wwdg import Wwdg
from mpy_cross.emulator.bus import bitband
from mpy_cross.emulator.chip import Chip
from mpy_cross.emulator.line import Line, Signal, any_of
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.soc.stm32f4_analog import Analog
from mpy_cross.emulator.wiring import I2CBus, SDCardSlot

# Where each block stands, in all parts that have it (RM0090 and RM0383, table 1).  GPIO port n is
# at GPIO + 0x400 * n.
GPIO: Final = 0x40020000
PORTS: Final = "ABCDEFGHI"
BASES: Final[dict[str, int]] = {
    "TIM2": 0x40000000, "TIM3": 0x40000400, "TIM4": 0x40000800, "TIM5": 0x40000C00,
    "TIM6": 0x40001000, "TIM7": 0x40001400, "TIM12": 0x40001800, "TIM13": 0x40001C00,
    "TIM14": 0x40002000, "RTC": 0x40002800, "WWDG": 0x40002C00, "IWDG": 0x40003000,
    "I2S2ext": 0x40003400, "SPI2": 0x40003800, "SPI3": 0x40003C00, "I2S3ext": 0x40004000,
    "USART2": 0x40004400, "USART3": 0x40004800, "UART4": 0x40004C00, "UART5": 0x40005000,
    "I2C1": 0x40005400, "I2C2": 0x40005800, "I2C3": 0x40005C00, "CAN1": 0x40006400,
    "CAN2": 0x40006800, "PWR": 0x40007000, "DAC": 0x40007400, "TIM1": 0x40010000,
    "TIM8": 0x40010400, "USART1": 0x40011000, "USART6": 0x40011400, "ADC1": 0x40012000,
    "ADC2": 0x40012100, "ADC3": 0x40012200, "ADC": 0x40012300, "SDIO": 0x40012C00,
    "SPI1": 0x40013000, "SPI4": 0x40013400, "SYSCFG": 0x40013800, "EXTI": 0x40013C00,
    "TIM9": 0x40014000, "TIM10": 0x40014400, "TIM11": 0x40014800, "SPI5": 0x40015000,
    "CRC": 0x40023000, "RCC": 0x40023800, "FLASH": 0x40023C00, "DMA1": 0x40026000,
    "DMA2": 0x40026400, "ETH": 0x40028000, "OTG_HS": 0x40040000, "OTG_FS": 0x50000000,
    "DCMI": 0x50050000, "RNG": 0x50060800, "FSMC": 0xA0000000, "DBGMCU": 0xE0042000,
}

# Blocks that are known by the names of their registers only: their size and kind.
UNMODELLED: Final[dict[str, tuple[int, str]]] = {
    "I2S2ext": (0x400, "SPI"), "I2S3ext": (0x400, "SPI"), "ETH": (0x1400, "ETH"),
    "OTG_HS": (0x40000, "OTG_HS"), "DCMI": (0x400, "DCMI"), "FSMC": (0x1000, "FSMC"),
}

TIMERS: Final[dict[int, tim.Kind]] = {
    1: tim.ADVANCED, 2: tim.GENERAL_32, 3: tim.GENERAL, 4: tim.GENERAL, 5: tim.GENERAL_32,
    6: tim.BASIC, 7: tim.BASIC, 8: tim.ADVANCED, 9: tim.TWO_CHANNELS, 10: tim.ONE_CHANNEL,
    11: tim.ONE_CHANNEL, 12: tim.TWO_CHANNELS, 13: tim.ONE_CHANNEL, 14: tim.ONE_CHANNEL,
}
# Blocks on APB2; the others of their kinds are on APB1.
ON_APB2: Final = frozenset({"TIM1", "TIM8", "TIM9", "TIM10", "TIM11", "USART1", "USART6", "SPI1",
                            "SPI4", "SPI5"})

# Interrupt numbers by the lines that join in them (RM0090, table 62).  Those of blocks that are
# not modelled have no line yet.
INTERRUPTS: Final[dict[str, int]] = {
    "WWDG": 0, "EXTI16": 1, "EXTI21": 2, "EXTI22": 3, "FLASH": 4, "EXTI0": 6, "EXTI1": 7,
    "EXTI2": 8,
    "EXTI3": 9, "EXTI4": 10, **{f"DMA1_S{n}": 11 + n for n in range(7)}, "ADC1 ADC2 ADC3": 18,
    "CAN1_TX": 19, "CAN1_RX0": 20, "CAN1_RX1": 21, "CAN1_SCE": 22, "EXTI9_5": 23,
    "TIM1_BRK TIM9": 24, "TIM1_UP TIM10": 25,
    "TIM1_TRG TIM11": 26, "TIM1_CC": 27, "TIM2": 28, "TIM3": 29, "TIM4": 30, "I2C1_EV": 31,
    "I2C1_ER": 32, "I2C2_EV": 33, "I2C2_ER": 34, "SPI1": 35, "SPI2": 36, "USART1": 37,
    "USART2": 38, "USART3": 39, "EXTI15_10": 40, "EXTI17": 41, "EXTI18": 42,
    "TIM8_BRK TIM12": 43, "TIM8_UP TIM13": 44, "TIM8_TRG TIM14": 45, "TIM8_CC": 46,
    "DMA1_S7": 47, "SDIO": 49, "TIM5": 50, "SPI3": 51, "UART4": 52, "UART5": 53, "TIM6 DAC": 54,
    "TIM7": 55, **{f"DMA2_S{n}": 56 + n for n in range(5)}, "CAN2_TX": 63, "CAN2_RX0": 64,
    "CAN2_RX1": 65, "CAN2_SCE": 66, "OTG_FS": 67, **{f"DMA2_S{n}": 63 + n for n in range(5, 8)},
    "USART6": 71, "I2C3_EV": 72, "I2C3_ER": 73, "EXTI20": 76, "RNG": 80, "SPI4": 84, "SPI5": 85,
}

# Reset values of the ports with the debug pads: MODER, OSPEEDR, PUPDR.
DEBUG_PORTS: Final = {"A": (0xA8000000, 0x0C000000, 0x64000000), "B": (0x280, 0xC0, 0x100)}


@final
class Part(NamedTuple):
    """One chip of the family.

    blocks: all that it has beside the ports, with spaces between; ports: their letters; pads: their
    alternate functions.
    flash, sram: sizes in bytes; ccm: size of the memory beside the core, 0 for none.
    idcode: of DBGMCU; unique: its number.
    temperature_channel: of the first converter; battery_divider: before its channel 18.
    pll: PLLCFGR for the usual frequency, but for the divider of the crystal; latency: FLASH_ACR
    for that; prescalers: CFGR for that.
    """

    name: str
    blocks: str
    ports: str
    pads: Mapping[str, str]
    flash: int
    sram: int
    idcode: int
    unique: bytes
    pll: int
    latency: int
    prescalers: int
    ccm: int = 0
    backup_ram: bool = False
    temperature_channel: int = 16
    battery_divider: int = 2
    options: bytes = bytes.fromhex("efaaefaaffffffffff0f00f0")


class Stm32f4(Chip):
    """part: which chip; hse: Hz of the crystal."""

    core = "cortex-m4f"

    def __init__(self, part: Part, context: Context, hse: int) -> None:
        super().__init__(context)
        self.part = part
        self.name = part.name
        self.unique = part.unique
        self.has = frozenset(part.blocks.split())
        self.lines: dict[str, Line] = {}  # those that may be interrupts
        self.requests: dict[str, Request] = {}  # for DMA
        self.standby = False  # asleep so deeply that waking up is a reset
        self.interface = Flash(context, part.flash)
        self.interface.changed = lambda offset, size: self.code_changed(0x08000000 + offset, size)
        self.memories()
        self.rcc = Rcc(context, hse, self.blocks)
        self.rate = self.rcc.hclk
        self.blocks["RCC"] = self.rcc
        self.serial_ports()
        self.timers()
        syscfg = Syscfg("SYSCFG", context)
        self.exti = Exti(context, syscfg)
        self.add(syscfg)
        self.add(self.exti, *self.exti.irqs)
        for letter in part.ports:
            self.blocks[f"GPIO{letter}"] = self.port(PORTS.index(letter), letter)
        self.small_blocks()
        self.buses()
        Analog(self).build()
        for name in ("DMA1", "DMA2"):
            dma = Dma(name, context, self.bus, requests(TABLES[name], self.requests.get))
            self.add(dma, *dma.irqs)
        for name, (size, kind) in UNMODELLED.items():
            if name in self.has and name not in self.blocks:
                self.add(Unmodelled(name, context, size, REGISTERS[kind]))
        for name, block in self.blocks.items():
            if name in BASES:
                place(self.bus, BASES[name], block)
        self.systicks = [SysTick(context, self.rcc.hclk, self.rcc.hclk8, calib=0x40004E1F)]
        self.blocks["SysTick"] = self.systicks[0]
        place(self.bus, SYSTICK, self.systicks[0])
        self.blocks["DWT"] = Dwt(context, self.rcc.hclk)
        place(self.bus, DWT, self.blocks["DWT"])
        bitband("SRAM bits", 0x22000000, self.bus, 0x20000000, 0x100000)
        bitband("peripheral bits", 0x42000000, self.bus, 0x40000000, 0x100000)
        for names, number in INTERRUPTS.items():
            joined = [self.lines[name] for name in names.split() if name in self.lines]
            if joined:
                self.interrupts[0][number] = any_of(names.replace(" ", "_"), joined)

    def add(self, block: Block, *lines: Line) -> None:
        """Makes a block part of the chip, with lines that may be interrupts."""
        self.blocks[block.name] = block
        self.lines.update((line.name, line) for line in lines)

    def memories(self) -> None:
        bus, part = self.bus, self.part
        self.flash = bus.memory("flash", 0x08000000, part.flash, "rx", fill=0xFF,
                                store=self.interface.store)
        self.interface.memory, self.flash_writer = self.flash, self.interface
        bus.alias(self.flash, 0)
        if part.ccm:
            bus.memory("CCM", 0x10000000, part.ccm, "rw")
        self.ram = bus.memory("SRAM", 0x20000000, part.sram)
        if part.backup_ram:
            bus.memory("backup SRAM", 0x40024000, 4 << 10, "rw")
        bus.memory("system memory", 0x1FFF0000, 0x8000, "rx", fill=0xFF)
        bus.load(0x1FFF7A10, self.unique)
        bus.load(0x1FFF7A22, (part.flash >> 10).to_bytes(2, "little"))
        bus.memory("option bytes", 0x1FFFC000, 0x400, "r", fill=0xFF)
        bus.load(0x1FFFC000, part.options)

    def having(self, *names: str) -> list[str]:
        """Those of the names that the part has."""
        return [name for name in names if name in self.has]

    def request(self, name: str) -> Request:
        return self.requests.setdefault(name, Request(name))

    def pad(self, signal: str) -> Pin | None:
        """The pad that is switched to a signal, None if there is none."""
        for follower in self.signal(signal).drivers:
            if isinstance(follower, Follower):
                return follower.port.pins[follower.number]
        return None

    def serial_ports(self) -> None:
        for name in self.having("USART1", "USART2", "USART3", "UART4", "UART5", "USART6"):
            rate = self.rcc.pclk2 if name in ON_APB2 else self.rcc.pclk1
            usart = Usart(name, self.context, rate, self.signal, self.request(f"{name}_RX"),
                          self.request(f"{name}_TX"))
            usart.port.wired = partial(self.wired_ports, usart.tx.name)
            self.ports[name] = usart.port
            self.add(usart, usart.irq)

    def timers(self) -> None:
        for number, kind in TIMERS.items():
            name = f"TIM{number}"
            if name not in self.has:
                continue
            rate = self.rcc.timers2 if name in ON_APB2 else self.rcc.timers1
            names = [f"CH{n + 1}" for n in range(kind.channels)]
            names += [f"CH{n + 1}N" for n in range(3)] if kind.advanced else []
            parts = ["UP", *names[:kind.channels]]
            timer = tim.Tim(name, self.context, rate, kind,
                            [self.signal(f"{name}_{each}") for each in names],
                            {part: self.request(f"{name}_{part}") for part in parts})
            self.add(timer, *timer.lines.values())

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
        for word in self.part.pads.get(pad, "").partition("|")[0].split():
            number, _, names = word.partition(":")
            choices = names.split("/")
            modelled = [name for name in choices if name in self.signals]
            found[int(number)] = (self.signals[modelled[0]] if modelled
                                  else self.signal(choices[0]))
        return found

    def small_blocks(self) -> None:
        context, part = self.context, self.part
        self.rtc = Rtc(context, self.rcc.rtc)
        self.rtc.wakeup.watch(partial(self.wakes, 22))
        self.rtc.alarms.watch(partial(self.wakes, 17))
        self.rcc.backup_reset = self.rtc.backup_reset
        self.add(self.rtc)
        iwdg = Iwdg(context)
        iwdg.bite.watch(self.resets("watchdog"))
        self.add(iwdg)
        wwdg = Wwdg(context, self.rcc.pclk1)
        wwdg.bite.watch(self.resets("window"))
        self.add(wwdg, wwdg.irq)
        self.add(Crc("CRC", context))
        self.pwr = Pwr("PWR", context)
        self.add(self.pwr)
        self.add(self.interface, self.interface.irq)
        debug = Dbgmcu("DBGMCU", context)
        debug.preset(Dbgmcu.IDCODE, part.idcode)
        self.add(debug)
        if "RNG" in self.has:
            rng = Rng(context)
            self.add(rng, rng.irq)
        otg = OtgFs("OTG_FS", context)
        self.usb = otg
        self.add(otg, otg.irq)

    def buses(self) -> None:
        context, rcc = self.context, self.rcc
        for name in self.having("SPI1", "SPI2", "SPI3", "SPI4", "SPI5"):
            spi = Spi(name, context, rcc.pclk2 if name in ON_APB2 else rcc.pclk1,
                      partial(self.exchange, name), self.request(f"{name}_RX"),
                      self.request(f"{name}_TX"), rcc.pll_i2s, self.signal)
            self.add(spi, spi.irq)
        for name in self.having("I2C1", "I2C2", "I2C3"):
            i2c = I2c(name, context, rcc.pclk1, partial(self.i2c_bus, name),
                      self.request(f"{name}_RX"), self.request(f"{name}_TX"),
                      self.signal(f"{name}_SCL"), self.signal(f"{name}_SDA"))
            self.add(i2c, i2c.events, i2c.errors)
        filters = Filters()
        for name in self.having("CAN1", "CAN2"):
            can = Can(name, context, rcc.pclk1, filters, name == "CAN1")
            self.add(can, *can.irqs.values())
        sdio = Sdio("SDIO", context, rcc.pclk2, self.request("SDIO"), self.sd_slot)
        self.add(sdio, sdio.irq)

    def sd_slot(self) -> SDCardSlot | None:
        """The slot at the pads that are switched to SDIO."""
        cmd = self.pad("SDIO_CMD")
        return None if cmd is None else self.wiring.sd_slot(cmd)

    def i2c_bus(self, name: str) -> I2CBus:
        """The bus at the pads that are switched to an I2C."""
        scl, sda = self.pad(f"{name}_SCL"), self.pad(f"{name}_SDA")
        return I2CBus() if scl is None or sda is None else self.wiring.i2c_bus(scl, sda)

    def exchange(self, name: str, value: int, bits: int) -> int:
        """A frame of an SPI with what is wired to its pads."""
        sck, miso, mosi = (self.pad(f"{name}_{each}") for each in ("SCK", "MISO", "MOSI"))
        bus = None if sck is None else self.wiring.spi_bus(sck)
        if bus is not None:
            received = 0
            for shift in range(bits - 8, -1, -8):
                received = received << 8 | bus.exchange(value >> shift & 0xFF)
            return received
        if miso is None:
            return 0
        if mosi is not None and miso.net is mosi.net:
            return value  # a wire from one to the other
        return (1 << bits) - 1 if miso.level else 0

    def deep_sleep(self, asleep: bool) -> None:
        if asleep and not self.rcc.stopped:
            self.standby = bool(self.pwr.CR & Pwr.CR["PDDS"])
            self.rcc.stop(True)
        elif not asleep and self.rcc.stopped and not self.standby:
            self.rcc.stop(False)

    def wakes(self, line: int, level: bool) -> None:
        """The wake-up timer or the alarms have a new level."""
        self.exti.edge(line, int(level))
        if level and self.standby:
            self.reset_requested("standby")

    def resets(self, cause: str) -> Callable[[bool], None]:
        """For a line that resets the chip when it rises."""
        return lambda level: self.reset_requested(cause) if level else None

    def reset(self, cause: str) -> None:
        self.standby = False
        super().reset(cause)
        if cause == "standby":
            self.pwr.CSR |= Pwr.CSR["SBF"] | Pwr.CSR["WUF"]
        if cause == "power":
            self.rtc.backup_reset()
            self.rcc.BDCR, self.rcc.CSR = 0, 0
        self.rcc.flag(cause)
        self.rcc.update()

    def start(self) -> None:
        """The usual frequency from the crystal, RTC from 32.768 kHz."""
        part = self.part
        self.poke("RCC", {"APB1ENR": 1 << 28, "CR": 0x00010083})
        self.poke("PWR", {"CR": 0x4100})
        mhz = self.rcc.hse // 1_000_000
        self.poke("RCC", {"PLLCFGR": part.pll | mhz, "CR": 0x01010083})
        self.poke("FLASH", {"ACR": part.latency})
        self.poke("RCC", {"CFGR": part.prescalers, "CR": 0x01010082,
                          "AHB1ENR": 0x0010000F, "APB2ENR": 1 << 14, "BDCR": 0x8101})
        self.poke("RTC", {"WPR": 0xCA})
        self.poke("RTC", {"WPR": 0x53})
        self.poke("RTC", {"ISR": 0xFFFFFFFF})
        self.poke("RTC", {"PRER": 0x7F00FF, "DR": 0x158101, "TR": 0})
        self.poke("RTC", {"ISR": 0xFFFFFF7F})
        self.poke("RTC", {"WPR": 0xFF})
