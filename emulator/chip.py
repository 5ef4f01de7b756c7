"""A chip: its memories, blocks, pads and interrupts. The modules in `soc` build them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.cortexm.systick import SysTick
from mpy_cross.emulator.blocks.flash_cells import FlashWriter
from mpy_cross.emulator.bus import Bus, Memory
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.serial import SerialPort
from mpy_cross.emulator.usb.peripheral import Peripheral
from mpy_cross.emulator.wiring import Wiring


class Chip:
    """What is common to all chips.

    name, core, cores: kind of the cores ("cortex-m4f", "cortex-m0+") and their number.
    blocks, pins, ports: by the chip's names; ports are the host's ends of the serial lines.
    interrupts: for each core its lines by interrupt number.  systicks: one per core.
    rate: clock of the cores.  flash, ram: the memories that hold program and heap.
    unique: the bytes of the chip's number.  reset_requested: called with a cause, see `reset`.
    wiring: what is connected to its pads; a machine has its own.
    usb: its controller for devices, None if there is none.  flash_writer: what changes the flash.
    symbols: names of functions in the ROM, by address.
    code_changed: called with address and size by blocks that change code, such as erased flash.
    """

    name = ""
    core = ""
    cores = 1

    def __init__(self, context: Context) -> None:
        self.context = context
        self.bus = Bus()
        self.blocks: dict[str, Block] = {}
        self.pins: dict[str, Pin] = {}
        self.signals: dict[str, Signal] = {}
        self.ports: dict[str, SerialPort] = {}
        self.interrupts: list[dict[int, Line]] = [{} for _ in range(self.cores)]
        self.systicks: list[SysTick] = []
        self.reset_requested: Callable[[str], None] = lambda cause: None
        self.code_changed: Callable[[int, int], None] = lambda address, size: None
        self.rate: Rate
        self.flash: Memory
        self.ram: Memory
        self.unique = b""
        self.symbols: Mapping[int, str] = {}
        self.usb: Peripheral | None = None
        self.flash_writer: FlashWriter | None = None
        self.wiring = Wiring(lambda name: self.pins[str(name)], context.clock)

    def reset(self, cause: str) -> None:
        """Puts all blocks into their state after a reset.

        cause: "power", "pin", "software" or "watchdog".
        """
        for block in self.blocks.values():
            block.reset()

    def deep_sleep(self, asleep: bool) -> None:
        """The core has gone to sleep with SLEEPDEEP set, or an interrupt wakes it up from that."""

    def start(self) -> None:
        """Does what the start-up code of stock firmware does: clocks, pads of the board."""
        raise NotImplementedError

    def signal(self, name: str) -> Signal:
        """The signal of that name, made when it is first asked for."""
        return self.signals.setdefault(name, Signal(name))

    def wired_ports(self, signal: str) -> list[SerialPort]:
        """Serial ports whose RX pads are wired to the pad of `signal`, a TX."""
        found: list[SerialPort] = []
        for pin in self.pins.values():
            if pin.function == signal and len(pin.net.pins) > 1:
                found += [self.ports[other.function[:-3]] for other in pin.net.pins
                          if other.function.endswith("_RX") and other.function[:-3] in self.ports]
        return found

    def poke(self, block: str, values: Mapping[str, int]) -> None:
        """Writes registers by name, in order, through the bus side of the block."""
        target = self.blocks[block]
        offsets = target.names()
        for name, value in values.items():
            target.write(offsets[name], 4, value)
