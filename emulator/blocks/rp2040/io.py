"""Pads, their function select and the single-cycle IO of RP2040 (datasheet, 2.3.1 and 2.19)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.pin import KEEP, Pin
from mpy_cross.emulator.register import Bank, Register

PINS: Final = 30
SIO_FUNCTION: Final = 5
PAD: Final = "OD[7] IE[6] DRIVE[5:4] PUE[3] PDE[2] SCHMITT[1] SLEWFAST[0]"


@final
class Pads(Block):
    """PADS_BANK0: pulls, input enable, output disable. changed: called with the number of a pad."""

    replicate = True
    size = 0x1000
    VOLTAGE_SELECT = Register(0x00, "VOLTAGE_SELECT[0]")
    GPIO = Bank(0x04, "GPIO{}", PINS, PAD, reset=0x56)
    SWCLK = Register(0x7C, PAD, reset=0xDA)
    SWD = Register(0x80, PAD, reset=0x5A)

    def __init__(self, context: Context) -> None:
        super().__init__("PADS_BANK0", context)
        self.changed: Callable[[int], None] = lambda number: None

    def pull(self, number: int) -> int | None:
        """The pull of a pad; both at once keep the level that is there."""
        return (None, 0, 1, KEEP)[self.GPIO[number] >> 2 & 3]

    def input_enabled(self, number: int) -> bool:
        return bool(self.GPIO[number] & 0x40)

    def output_disabled(self, number: int) -> bool:
        return bool(self.GPIO[number] & 0x80)

    def write_GPIO(self, number: int, written: int, before: int) -> None:
        self.changed(number)

    def on_reset(self) -> None:
        for number in range(PINS):
            self.changed(number)


def override(level: int, code: int) -> int:
    """0 as it is, 1 inverted, 2 low, 3 high."""
    return (level, 1 - level, 0, 1)[code]


@final
class IoBank(Block):
    """IO_BANK0: which peripheral each pad belongs to, overrides, and interrupts of the pads.

    functions: for each pad the signals by function number.  irqs: one line per core.  inputs: the
    levels that the peripherals and SIO see, one bit per pad.
    """

    replicate = True
    size = 0x1000
    STATUS = Bank(0x00, "GPIO{}_STATUS", PINS, stride=8, access="ro")
    CTRL = Bank(0x04, "GPIO{}_CTRL", PINS, "IRQOVER[29:28] INOVER[17:16] OEOVER[13:12] "
                "OUTOVER[9:8] FUNCSEL[4:0]", stride=8, reset=0x1F)
    INTR = Bank(0xF0, "INTR{}", 4, access="ro")
    INTE0 = Bank(0x100, "PROC0_INTE{}", 4)
    INTF0 = Bank(0x110, "PROC0_INTF{}", 4)
    INTS0 = Bank(0x120, "PROC0_INTS{}", 4, access="ro")
    INTE1 = Bank(0x130, "PROC1_INTE{}", 4)
    INTF1 = Bank(0x140, "PROC1_INTF{}", 4)
    INTS1 = Bank(0x150, "PROC1_INTS{}", 4, access="ro")
    WAKE_INTE = Bank(0x160, "DORMANT_WAKE_INTE{}", 4)
    WAKE_INTF = Bank(0x170, "DORMANT_WAKE_INTF{}", 4)
    WAKE_INTS = Bank(0x180, "DORMANT_WAKE_INTS{}", 4, access="ro")

    def __init__(self, context: Context, pins: Sequence[Pin], pads: Pads,
                 functions: Sequence[Mapping[int, Signal]]) -> None:
        super().__init__("IO_BANK0", context)
        self.pins, self.pads, self.functions = pins, pads, functions
        self.inputs = 0
        self.events = [0] * 4
        self.irqs = (Line("IO_IRQ_BANK0"), Line("IO_IRQ_BANK0 of core 1"))
        # Pads without overrides, with input on and output not disabled: the usual, quick case.
        self.plain = [False] * PINS
        self.watched = [0] * 4  # events that some interrupt of a core looks at
        self.signals: list[Signal | None] = [None] * PINS
        self.followers = [Follower(self, number) for number in range(PINS)]
        pads.changed = self.configure
        for number, pin in enumerate(pins):
            pin.watch(Sensor(self, number))
        for number in range(PINS):
            self.sense(number)

    def levels(self) -> int:
        """Levels of all pads as peripherals see them, one bit each."""
        return self.inputs

    def pad_of(self, signal: Signal) -> Pin | None:
        """The pad that belongs to a signal now, None if none does."""
        for pin, owner in zip(self.pins, self.signals, strict=True):
            if owner is signal:
                return pin
        return None

    def on_reset(self) -> None:
        self.events = [0] * 4
        for number in range(PINS):
            self.configure(number)
        self.enabled_changed()

    def configure(self, number: int) -> None:
        """Puts one pad into the state that its registers say."""
        pin, control = self.pins[number], self.CTRL[number]
        self.plain[number] = (not control & 0x30033300 and self.pads.input_enabled(number)
                              and not self.pads.output_disabled(number))
        signal = self.functions[number].get(control & 31)
        old = self.signals[number]
        if signal is not old:
            if old is not None:
                old.leave(self.followers[number])
            self.signals[number] = signal
            if signal is not None:
                signal.follow(self.followers[number])
        pin.pull(self.pads.pull(number))
        self.output(number)
        self.sense(number)

    def output(self, number: int) -> None:
        """Brings a pad to the level of the signal that owns it."""
        signal = self.signals[number]
        level = signal.level if signal is not None else None
        control = self.CTRL[number]
        enabled = override(int(level is not None), control >> 12 & 3)
        out = override(level or 0, control >> 8 & 3)
        pin = self.pins[number]
        if self.pads.output_disabled(number):
            enabled = 0
        function = control & 31
        if function == SIO_FUNCTION:
            pin.function = "output" if enabled else "input"
        else:
            pin.function = signal.name if signal is not None else "unconnected"
        pin.drive(out if enabled else None)

    def sense(self, number: int) -> None:
        """Takes the level of a pad to the peripheral, to SIO and to the interrupts."""
        control = self.CTRL[number]
        pad = int(self.pads.input_enabled(number) and self.pins[number].level)
        level = override(pad, control >> 16 & 3)
        bit = 1 << number
        self.inputs = self.inputs | bit if level else self.inputs & ~bit
        signal = self.signals[number]
        if signal is not None:
            signal.sense(level)
        # The interrupt looks at the pad, with its own override.
        self.event(number, override(pad, control >> 28 & 3))

    def event(self, number: int, seen: int) -> None:
        """Notes level and edge for the interrupts."""
        word, shift = number >> 3, 4 * (number & 7)
        old = self.events[word] >> shift & 15
        new = old & 0xC | (2 if seen else 1)
        if old & 3 and (old ^ new) & 3:
            new |= 8 if seen else 4
        if new != old:
            self.events[word] ^= (old ^ new) << shift
            if self.watched[word]:
                self.update()

    def pending(self, core: int, word: int) -> int:
        enabled, forced = (self.INTE1, self.INTF1) if core else (self.INTE0, self.INTF0)
        return self.events[word] & enabled[word] | forced[word]

    def update(self) -> None:
        for core, irq in enumerate(self.irqs):
            irq.set(any(self.pending(core, word) for word in range(4)))

    def enabled_changed(self) -> None:
        """Interrupts of the cores were enabled or forced, or were not."""
        self.watched = [self.INTE0[word] | self.INTF0[word] | self.INTE1[word] | self.INTF1[word]
                        for word in range(4)]
        self.update()

    def write_CTRL(self, number: int, written: int, before: int) -> None:
        self.configure(number)

    def read_STATUS(self, number: int) -> int:
        signal, pin, control = self.signals[number], self.pins[number], self.CTRL[number]
        level = signal.level if signal is not None else None
        pad = int(self.pads.input_enabled(number) and pin.level)
        word, shift = number >> 3, 4 * (number & 7)
        seen = override(pad, control >> 28 & 3)
        to_core = any(self.pending(core, word) >> shift & 15 for core in (0, 1))
        return ((level or 0) << 8 | override(level or 0, control >> 8 & 3) << 9
                | int(level is not None) << 12
                | override(int(level is not None), control >> 12 & 3) << 13
                | pad << 17 | (self.inputs >> number & 1) << 19 | seen << 24 | int(to_core) << 26)

    def read_INTR(self, word: int) -> int:
        return self.events[word]

    def write_INTR(self, word: int, written: int, before: int) -> None:
        self.events[word] &= ~(written & 0xCCCCCCCC)  # edges; levels cannot be cleared
        self.update()

    def write_INTE0(self, word: int, written: int, before: int) -> None:
        self.enabled_changed()

    def write_INTF0(self, word: int, written: int, before: int) -> None:
        self.enabled_changed()

    def write_INTE1(self, word: int, written: int, before: int) -> None:
        self.enabled_changed()

    def write_INTF1(self, word: int, written: int, before: int) -> None:
        self.enabled_changed()

    def read_INTS0(self, word: int) -> int:
        return self.pending(0, word)

    def read_INTS1(self, word: int) -> int:
        return self.pending(1, word)


@final
class Follower:
    """Takes the level of a signal to one pad."""

    __slots__ = ("bank", "number")

    def __init__(self, bank: IoBank, number: int) -> None:
        self.bank, self.number = bank, number

    def __call__(self, level: int | None) -> None:
        bank, number = self.bank, self.number
        pin = bank.pins[number]
        if level is not None and pin.driven is not None and bank.plain[number]:
            pin.drive(level)
        else:
            bank.output(number)


@final
class Sensor:
    """Takes the level of one pad into the chip."""

    __slots__ = ("bank", "number")

    def __init__(self, bank: IoBank, number: int) -> None:
        self.bank, self.number = bank, number

    def __call__(self, level: int) -> None:
        bank, number = self.bank, self.number
        if not bank.plain[number]:
            bank.sense(number)
            return
        bit = 1 << number
        bank.inputs = bank.inputs | bit if level else bank.inputs & ~bit
        signal = bank.signals[number]
        if signal is not None:
            signal.sense(level)
        bank.event(number, level)
