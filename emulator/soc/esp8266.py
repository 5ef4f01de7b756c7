"""ESP8266EX (ESP8266 Technical Reference)."""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.block import Block, Context, Unmodelled, place
from mpy_cross.emulator.blocks.esp32.frc import FrcTimers
from mpy_cross.emulator.blocks.esp32.system import Random
from mpy_cross.emulator.blocks.esp32.uart import Uart
from mpy_cross.emulator.blocks.esp8266.gpio import CAUSES, PINS, RTC_PIN, Gpio, IoMux, Rtc
from mpy_cross.emulator.blocks.esp8266.system import SLOW, TABLE, Dport, Watchdog
from mpy_cross.emulator.chip import Chip
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.soc.esp8266_rom import FUNCTIONS

APB: Final = 80_000_000
MAC: Final = bytes.fromhex("acd074a1b2c3")
FLASH_BASE: Final = 0x40200000

# Signals of the pads by (pad, function) that are modelled.
DIRECT: Final[dict[tuple[int, int], str]] = {
    (1, 0): "U0TXD", (2, 2): "U1TXD", (14, 2): "HSPICLK", (13, 2): "HSPID", (15, 2): "HSPICS0",
    (15, 4): "U0TXD_swapped"}

# Interrupts of the core.
SPI_INTERRUPT, GPIO_INTERRUPT, UART_INTERRUPT = 2, 4, 5
FRC1_INTERRUPT, FRC2_INTERRUPT = 9, 10


@final
class Esp8266(Chip):
    """crystal: Hz; flash_size: bytes of the flash."""

    name = "ESP8266EX"
    core = "lx106"
    cores = 1

    def __init__(self, context: Context, crystal: int, flash_size: int = 4 << 20) -> None:
        super().__init__(context)
        # The number that the maker calls chip id: three bytes of the address.
        self.unique = bytes((MAC[5], MAC[4], MAC[3], 0))
        self.symbols = FUNCTIONS
        self.mac = MAC
        self._memories(flash_size)
        self.rate = Rate("cpu", 2 * crystal)
        self.apb = Rate("apb", APB)
        for number in range(PINS + 1):
            pin = Pin(f"GPIO{number}", number, context.trace)
            self.pins[pin.name] = pin
        self.pins["TOUT"] = Pin("TOUT", PINS + 1, context.trace)
        mux = IoMux(context)
        direct = {where: self.signal(name) for where, name in DIRECT.items()}
        pads = [self.pins[f"GPIO{number}"] for number in range(PINS)]
        self.gpio = Gpio(context, pads, mux, direct)
        uarts = [Uart(f"UART{n}", context, self.apb, self.signal(f"U{n}TXD"), fraction=False)
                 for n in (0, 1)]
        self.ports = {uart.name: uart.port for uart in uarts}
        timers = FrcTimers("FRC", context, self.apb)
        self.rtc = Rtc(context, self.pins[f"GPIO{RTC_PIN}"])
        self.rtc.restart = lambda cause: self.reset_requested(cause)
        watchdog = Watchdog(context)
        watchdog.bite = lambda: self.reset_requested("watchdog")
        placed: dict[int, Block] = {
            0x3FF00000: Dport(context, self.rate, MAC, 2 * crystal), 0x3FF20E44: Random(context),
            0x60000000: uarts[0], 0x60000F00: uarts[1], 0x60000300: self.gpio,
            0x60000600: timers, 0x60000700: self.rtc, 0x60000800: mux, 0x60000900: watchdog}
        for name, (base, size, rows) in TABLE.items():
            placed[base] = Unmodelled(name, context, size, rows)
        for base, block in placed.items():
            self.blocks[block.name] = block
            place(self.bus, base, block)
        self.interrupts = [{
            GPIO_INTERRUPT: self.gpio.irq, FRC1_INTERRUPT: timers.irqs[0],
            FRC2_INTERRUPT: timers.irqs[1], UART_INTERRUPT: uarts[0].irq,
            UART_INTERRUPT + 32: uarts[1].irq}]  # (the two share one; here they can be told apart)

    def _memories(self, flash_size: int) -> None:
        bus = self.bus
        self.ram = bus.memory("DRAM", 0x3FFE8000, 96 << 10, "rw")
        bus.memory("ROM", 0x40000000, 64 << 10, "rx")
        bus.memory("IRAM", 0x40100000, 64 << 10, "rwx")
        # All of it stands there; the chip shows a MiB at a time.
        self.flash = bus.memory("flash", FLASH_BASE, flash_size, "rx", fill=0xFF)
        # System data, then what programs may use; both last until the power goes.
        # (The chip has 768 bytes of it.)
        self.rtc_memory = bus.memory("RTC memory", 0x60001000, 0x400, "rw")

    def reset(self, cause: str) -> None:
        super().reset(cause)
        self.rtc.STORE0 = CAUSES.get(cause, 0)

    def start(self) -> None:
        """80 MHz, from the PLL; the registers of the radio that set it are not modelled."""
        self.rate.change(SLOW)


def build(context: Context, crystal: int) -> Chip:
    return Esp8266(context, crystal)
