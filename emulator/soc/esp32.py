"""ESP32 (ESP32 Technical Reference Manual).

The flash stands in the data window, and from 0x400D0000 on in the instruction window, as its pages
come: the tables that map it are not modelled.
"""

from __future__ import annotations

from typing import Final, final

from mpy_cross.emulator.block import Block, Context, Unmodelled, place
from mpy_cross.emulator.blocks.esp32 import names
from mpy_cross.emulator.blocks.esp32.frc import FrcTimers
from mpy_cross.emulator.blocks.esp32.gpio import ABSENT, PINS, Gpio, IoMux
from mpy_cross.emulator.blocks.esp32.ledc import CHANNELS, Ledc
from mpy_cross.emulator.blocks.esp32.system import CAUSES, Dport, Efuse, Random, RtcControl
from mpy_cross.emulator.blocks.esp32.timg import TimerGroup
from mpy_cross.emulator.blocks.esp32.uart import Uart
from mpy_cross.emulator.chip import Chip
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.line import Signal
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.soc.esp32_rom import FUNCTIONS

APB: Final = 80_000_000
MAC: Final = bytes.fromhex("240ac4a1b2c3")

# Signals of the GPIO matrix that are modelled (TRM, 4.9): outputs and inputs by number.
OUTPUTS: Final[dict[int, str]] = {
    8: "HSPICLK", 10: "HSPID", 11: "HSPICS0", 14: "U0TXD", 15: "U0RTS", 17: "U1TXD", 18: "U1RTS",
    29: "I2CEXT0_SCL", 30: "I2CEXT0_SDA", 63: "VSPICLK", 65: "VSPID", 68: "VSPICS0",
    95: "I2CEXT1_SCL", 96: "I2CEXT1_SDA", 198: "U2TXD", 199: "U2RTS",
    **{71 + n: f"LEDC_HS_SIG_OUT{n}" for n in range(8)},
    **{79 + n: f"LEDC_LS_SIG_OUT{n}" for n in range(8)},
    **{87 + n: f"RMT_SIG_OUT{n}" for n in range(8)},
}
INPUTS: Final[dict[int, str]] = {
    9: "HSPIQ_in", 14: "U0RXD", 15: "U0CTS", 17: "U1RXD", 18: "U1CTS", 29: "I2CEXT0_SCL_in",
    30: "I2CEXT0_SDA_in", 64: "VSPIQ_in", 95: "I2CEXT1_SCL_in", 96: "I2CEXT1_SDA_in",
    198: "U2RXD", 199: "U2CTS",
}
# What IO_MUX connects without the matrix: outputs by (pad, function), inputs by number.
DIRECT: Final[dict[tuple[int, int], int]] = {
    (1, 0): 14, (14, 1): 8, (13, 1): 10, (15, 1): 11, (18, 1): 63, (23, 1): 65, (5, 1): 68,
    (10, 4): 17, (17, 4): 198}
DIRECT_INPUTS: Final[dict[int, tuple[int, int]]] = {
    14: (3, 0), 9: (12, 1), 64: (19, 1), 17: (9, 4), 198: (16, 4)}

# Sources of interrupts (TRM, 3.3.2), as they are numbered for the interrupt matrix.
TG0_T0, TG0_T1, TG0_WDT, TG1_T0, TG1_T1, TG1_WDT = 14, 15, 16, 18, 19, 20
GPIO_SOURCE, UART_SOURCE = 22, 34

UART_BASES: Final = (0x3FF40000, 0x3FF50000, 0x3FF6E000)


@final
class Esp32(Chip):
    """The numbers of its interrupts are those of the sources. flash_size: bytes of the flash."""

    name = "ESP32"
    core = "lx6"
    cores = 2

    def __init__(self, context: Context, crystal: int, flash_size: int = 4 << 20) -> None:
        super().__init__(context)
        self.unique = MAC
        self.symbols = FUNCTIONS
        self.mac = MAC
        self._memories(flash_size)
        self.rate = Rate("cpu", 160_000_000)
        self.apb = Rate("apb", APB)
        pins: list[Pin | None] = []
        for number in range(PINS):
            if number in ABSENT:
                pins.append(None)
                continue
            pin = Pin(f"GPIO{number}", number, context.trace)
            self.pins[pin.name] = pin
            pins.append(pin)
        mux = IoMux(context)
        outputs = {number: self.signal(name) for number, name in OUTPUTS.items()}
        inputs = {number: self.signal(name) for number, name in INPUTS.items()}
        direct: dict[tuple[int, int], Signal] = {
            where: outputs[number] for where, number in DIRECT.items()}
        self.gpio = Gpio(context, pins, mux, outputs, inputs, direct, DIRECT_INPUTS)
        uarts = [Uart(f"UART{n}", context, self.apb, self.signal(f"U{n}TXD")) for n in range(3)]
        self.ports = {uart.name: uart.port for uart in uarts}
        groups = [TimerGroup(f"TIMG{n}", context, self.apb) for n in (0, 1)]
        for group in groups:
            group.bite = lambda reason: self.reset_requested("watchdog")
        ledc = Ledc(context, self.apb, [outputs[71 + n] for n in range(CHANNELS)])
        self.rtc = RtcControl(context)
        self.rtc.restart = lambda cause: self.reset_requested(cause)
        placed: dict[int, Block] = {
            0x3FF00000: Dport(context, self.rate), 0x3FF44000: self.gpio,
            0x3FF47000: FrcTimers("FRC", context, self.apb), 0x3FF48000: self.rtc,
            0x3FF49000: mux, 0x3FF59000: ledc, 0x3FF5A000: Efuse(context, MAC),
            0x3FF5F000: groups[0], 0x3FF60000: groups[1], 0x3FF75144: Random(context),
            **dict(zip(UART_BASES, uarts, strict=True))}
        for name, (base, size, rows) in names.TABLE.items():
            placed[base] = Unmodelled(name, context, size, rows)
        for base, block in placed.items():
            self.blocks[block.name] = block
            place(self.bus, base, block)
        lines = {TG0_T0: groups[0].irqs[0], TG0_T1: groups[0].irqs[1], TG0_WDT: groups[0].irqs[2],
                 TG1_T0: groups[1].irqs[0], TG1_T1: groups[1].irqs[1], TG1_WDT: groups[1].irqs[2],
                 **{UART_SOURCE + n: uart.irq for n, uart in enumerate(uarts)}}
        self.interrupts = [{**lines, GPIO_SOURCE: self.gpio.irq},
                           {**lines, GPIO_SOURCE: self.gpio.app_irq}]

    def _memories(self, flash_size: int) -> None:
        """TRM, 1.3: internal memories with their two addresses, flash, RTC memories, ROM."""
        bus = self.bus
        self.flash = bus.memory("flash", 0x3F400000, flash_size, "r", fill=0xFF)
        bus.memory("ROM1", 0x3FF90000, 64 << 10, "r")
        self.ram = bus.memory("SRAM2", 0x3FFAE000, 200 << 10, "rw")
        bus.memory("SRAM1", 0x3FFE0000, 128 << 10, "rw")
        bus.memory("ROM0", 0x40000000, 0x60000, "rx")
        bus.memory("SRAM0", 0x40070000, 192 << 10, "rwx")
        bus.alias(self.flash, 0x400D0000)
        fast = bus.memory("RTC fast memory", 0x400C0000, 8 << 10, "rwx")
        bus.alias(fast, 0x3FF80000)
        self.rtc_slow = bus.memory("RTC slow memory", 0x50000000, 8 << 10, "rw")

    def reset(self, cause: str) -> None:
        kept = self.rtc.keep() if cause != "power" else (0,) * 8
        super().reset(cause)
        self.rtc.restore(kept, CAUSES.get(cause, 1))

    def start(self) -> None:
        """160 MHz, as MicroPython has it; its watchdogs are off."""
        self.poke("DPORT", {"CPU_PER_CONF": 1})


def build(context: Context, crystal: int) -> Chip:
    return Esp32(context, crystal)
