"""GPIO port of STM32F4 (RM0090, chapter 8): sixteen pads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.line import Signal
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.register import Register

INPUT: Final = 0
OUTPUT: Final = 1
ALTERNATE: Final = 2
ANALOG: Final = 3

LOCK_KEY: Final = 1 << 16

# PUPDR: none, up, down; the fourth value is reserved.
PULLS: Final = (None, 1, 0, None)


def pairs(name: str) -> str:
    """Sixteen fields of two bits."""
    return " ".join(f"{name}{n}[{2 * n + 1}:{2 * n}]" for n in range(16))


def nibbles(name: str, first: int) -> str:
    return " ".join(f"{name}{first + n}[{4 * n + 3}:{4 * n}]" for n in range(8))


@final
class Gpio(Block):
    """One port.

    pins: its pads, by number; alternates: for each pad the signals it can be switched to, by the
    number of the alternate function; edge: called with (pin number, level) for every edge that the
    port sees, for the interrupt controller EXTI.
    """

    MODER = Register(0x00, pairs("MODER"))
    OTYPER = Register(0x04, width=16)
    OSPEEDR = Register(0x08, pairs("OSPEEDR"))
    PUPDR = Register(0x0C, pairs("PUPDR"))
    IDR = Register(0x10, access="ro", width=16)
    ODR = Register(0x14, width=16)
    BSRR = Register(0x18, "BR[31:16]=wo BS[15:0]=wo")
    LCKR = Register(0x1C, "LCKK[16]=ro LCK[15:0]=ro")
    AFRL = Register(0x20, nibbles("AFRL", 0))
    AFRH = Register(0x24, nibbles("AFRH", 8))

    def __init__(self, name: str, context: Context, pins: Sequence[Pin],
                 alternates: Sequence[Mapping[int, Signal]]) -> None:
        super().__init__(name, context)
        self.pins, self.alternates = pins, alternates
        self.edge: Callable[[int, int], None] = lambda number, level: None
        self.levels = 0
        self.analog = 0
        self.locked = 0
        self.lock_step = 0
        self.signals: list[Signal | None] = [None] * len(pins)
        self.followers = [Follower(self, number) for number in range(len(pins))]
        for pin in pins:
            pin.watch(self.watcher(pin.number))

    def watcher(self, number: int) -> Callable[[int], None]:
        bit = 1 << number

        def changed(level: int) -> None:
            self.levels = self.levels | bit if level else self.levels & ~bit
            signal = self.signals[number]
            if signal is not None:
                signal.sense(level)
            if not self.analog & bit:
                self.edge(number, level)

        return changed

    def on_reset(self) -> None:
        self.locked = self.lock_step = 0
        for number in range(len(self.pins)):
            self.configure(number)

    def configure(self, number: int) -> None:
        """Puts one pad into the state that the registers say."""
        pin, bit = self.pins[number], 1 << number
        mode = self.MODER >> 2 * number & 3
        self.analog = self.analog | bit if mode == ANALOG else self.analog & ~bit
        signal = None
        if mode == ALTERNATE:
            afr = self.AFRH if number > 7 else self.AFRL
            signal = self.alternates[number].get(afr >> 4 * (number & 7) & 15)
        self.select(number, signal)
        pin.pull(None if mode == ANALOG else PULLS[self.PUPDR >> 2 * number & 3])
        if mode == OUTPUT:
            pin.function = "output"
            self.output(number, self.ODR >> number & 1)
        elif mode == ALTERNATE:
            pin.function = signal.name if signal is not None else "unconnected"
            self.output(number, signal.level if signal is not None else None)
        else:
            pin.function = "analog" if mode == ANALOG else "input"
            pin.drive(None)

    def select(self, number: int, signal: Signal | None) -> None:
        old = self.signals[number]
        if signal is old:
            return
        if old is not None:
            old.leave(self.followers[number])
        self.signals[number] = signal
        if signal is not None:
            signal.follow(self.followers[number])
            signal.sense(self.pins[number].level)

    def output(self, number: int, level: int | None) -> None:
        """Drives a pad, or lets it go; an open drain only pulls low."""
        if level and self.OTYPER >> number & 1:
            level = None
        self.pins[number].drive(level)

    def keep_locked(self, register: Register, before: int, bits: int, first: int = 0) -> None:
        """Undoes what a write did to the fields of locked pads."""
        if self.locked:
            held = 0
            for number in range(first, 16):
                if self.locked >> number & 1:
                    held |= ((1 << bits) - 1) << bits * (number - first)
            self.values[register.offset] = before & held | self.values[register.offset] & ~held

    def reconfigure(self, register: Register, before: int, bits: int, first: int = 0) -> None:
        """After a write of a register with `bits` bits per pad, beginning with pad `first`."""
        self.keep_locked(register, before, bits, first)
        changed = self.values[register.offset] ^ before
        number = first
        while changed:
            if changed & (1 << bits) - 1:
                self.configure(number)
            changed >>= bits
            number += 1

    def write_MODER(self, written: int, before: int) -> None:
        self.reconfigure(Gpio.MODER, before, 2)

    def write_OTYPER(self, written: int, before: int) -> None:
        self.reconfigure(Gpio.OTYPER, before, 1)

    def write_OSPEEDR(self, written: int, before: int) -> None:
        self.keep_locked(Gpio.OSPEEDR, before, 2)

    def write_PUPDR(self, written: int, before: int) -> None:
        self.reconfigure(Gpio.PUPDR, before, 2)

    def write_AFRL(self, written: int, before: int) -> None:
        self.reconfigure(Gpio.AFRL, before, 4)

    def write_AFRH(self, written: int, before: int) -> None:
        self.reconfigure(Gpio.AFRH, before, 4, 8)

    def read_IDR(self) -> int:
        return self.levels & ~self.analog

    def write_ODR(self, written: int, before: int) -> None:
        changed = self.ODR ^ before
        while changed:
            number = (changed & -changed).bit_length() - 1
            changed &= changed - 1
            if self.MODER >> 2 * number & 3 == OUTPUT:
                self.output(number, self.ODR >> number & 1)

    def write_BSRR(self, written: int, before: int) -> None:
        # Setting has priority over resetting the same pad.
        old = self.ODR
        self.ODR = (old & ~(written >> 16) | written) & 0xFFFF
        self.write_ODR(self.ODR, old)

    def write_LCKR(self, written: int, before: int) -> None:
        """The lock sequence: key with the pads, pads without key, key with the pads, read."""
        pads, key = written & 0xFFFF, written & LOCK_KEY
        if self.locked:
            return
        if self.lock_step == 0 and key:
            self.LCKR, self.lock_step = pads, 1
        elif self.lock_step in (1, 2) and pads == self.LCKR and bool(key) == (self.lock_step == 2):
            self.lock_step += 1
        else:
            self.lock_step = 0

    def read_LCKR(self) -> int:
        value = self.LCKR
        if self.lock_step == 3:
            self.locked, self.lock_step = self.LCKR, 0
            self.LCKR |= LOCK_KEY
        return value


@final
class Follower:
    """Takes the level of a signal to one pad."""

    __slots__ = ("number", "port")

    def __init__(self, port: Gpio, number: int) -> None:
        self.port, self.number = port, number

    def __call__(self, level: int | None) -> None:
        self.port.output(self.number, level)
