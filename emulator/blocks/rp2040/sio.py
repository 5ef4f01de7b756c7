"""Single-cycle IO of RP2040 (datasheet, 2.3.1): pins, mailboxes, spinlocks, divider."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.rp2040.divider import Divider, connect
from mpy_cross.emulator.blocks.rp2040.interpolator import NAMES, Interpolator
from mpy_cross.emulator.blocks.rp2040.io import PINS, IoBank
from mpy_cross.emulator.bus import Window
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Bank, Register, Todo

BASE: Final = 0xD0000000
DEPTH: Final = 8  # of a mailbox
MASK: Final = (1 << PINS) - 1


@final
class Sio(Block):
    """core: number of the core whose accesses these are; whoever runs two cores sets it.

    signals: the pads, as the function "SIO" drives them.  irqs: mailbox interrupt of each core.
    waiting: called with a word that core 0 sends, True if core 1 waits for it in its boot ROM;
    mailed: called with the number of a core that got a word.
    """

    replicate = True
    size = 0x180
    CPUID = Register(0x00, access="ro")
    GPIO_IN = Register(0x04, access="ro")
    GPIO_HI_IN = Register(0x08, access="ro", reset=0x3E)
    GPIO_OUT = Register(0x10, "OUT[29:0]")
    GPIO_OUT_SET = Register(0x14, access="wo")
    GPIO_OUT_CLR = Register(0x18, access="wo")
    GPIO_OUT_XOR = Register(0x1C, access="wo")
    GPIO_OE = Register(0x20, "OE[29:0]")
    GPIO_OE_SET = Register(0x24, access="wo")
    GPIO_OE_CLR = Register(0x28, access="wo")
    GPIO_OE_XOR = Register(0x2C, access="wo")
    FIFO_ST = Register(0x50, "ROE[3]=w1c WOF[2]=w1c RDY[1]=ro VLD[0]=ro")
    FIFO_WR = Register(0x54, access="wo")
    FIFO_RD = Register(0x58, access="ro")
    SPINLOCK_ST = Register(0x5C, access="ro")
    DIV_UDIVIDEND = Register(0x60)
    DIV_UDIVISOR = Register(0x64)
    DIV_SDIVIDEND = Register(0x68)
    DIV_SDIVISOR = Register(0x6C)
    DIV_QUOTIENT = Register(0x70)
    DIV_REMAINDER = Register(0x74)
    DIV_CSR = Register(0x78, "DIRTY[1]=ro READY[0]=ro", reset=1)
    INTERP = Bank(0x80, "INTERP{}", 32)  # two units of 16 registers, whose names come below
    SPINLOCK = Bank(0x100, "SPINLOCK{}", 32)
    registers = (
        *(Todo(0x30 + 4 * n, name=f"GPIO_HI_{name}") for n, name in enumerate(
            ("OUT", "OUT_SET", "OUT_CLR", "OUT_XOR", "OE", "OE_SET", "OE_CLR", "OE_XOR"))),
    )

    def __init__(self, context: Context, signals: Sequence[Signal]) -> None:
        super().__init__("SIO", context)
        self.signals = signals
        self.bank: IoBank | None = None
        self.core = 0
        self.dividers = (Divider(), Divider())
        self.interpolators = [[Interpolator(0), Interpolator(1)] for _ in (0, 1)]  # by core
        self.boxes: tuple[deque[int], deque[int]] = (deque(), deque())  # by reading core
        self.errors = [0, 0]  # ROE and WOF of each core
        self._locks = ctypes.c_uint32()  # machine code of the host sees these, too
        for number, divider in enumerate(self.dividers):
            divider.core, divider.locks = number, ctypes.addressof(self._locks)
        self.irqs = (Line("SIO_IRQ_PROC0"), Line("SIO_IRQ_PROC1"))
        self.waiting: Callable[[int], bool] = lambda word: False
        self.mailed: Callable[[int], None] = lambda core: None

    def window(self, core: int) -> Window:
        """The registers as this core sees them."""
        return Window(self.name, BASE, self.size, self.read, self.write,
                      faster=partial(connect, self.dividers[core]))

    def select(self, core: int) -> None:
        """This core runs from now on."""
        self.core = core

    @property
    def locks(self) -> int:
        """The spinlocks that are taken, one bit each."""
        return self._locks.value

    @locks.setter
    def locks(self, taken: int) -> None:
        self._locks.value = taken

    def on_reset(self) -> None:
        for divider in self.dividers:
            divider.clear()
        for units in self.interpolators:
            for unit in units:
                unit.clear()
        for box in self.boxes:
            box.clear()
        self.errors, self.locks = [0, 0], 0
        self.drive(MASK)
        self.mail()

    # Pins.

    def drive(self, changed: int) -> None:
        """Takes output and output enable of the changed pads to their signals."""
        out, enabled = self.GPIO_OUT, self.GPIO_OE
        while changed:
            number = (changed & -changed).bit_length() - 1
            changed &= changed - 1
            self.signals[number].drive(out >> number & 1 if enabled >> number & 1 else None)

    def output(self, value: int) -> None:
        changed = (value ^ self.GPIO_OUT) & MASK
        self.GPIO_OUT = value & MASK
        self.drive(changed & self.GPIO_OE)

    def enable_outputs(self, value: int) -> None:
        changed = (value ^ self.GPIO_OE) & MASK
        self.GPIO_OE = value & MASK
        self.drive(changed)

    def read_CPUID(self) -> int:
        return self.core

    def read_GPIO_IN(self) -> int:
        return self.bank.inputs if self.bank is not None else 0

    def write_GPIO_OUT(self, written: int, before: int) -> None:
        self.drive((self.GPIO_OUT ^ before) & self.GPIO_OE)

    def write_GPIO_OUT_SET(self, written: int, before: int) -> None:
        self.output(self.GPIO_OUT | written)

    def write_GPIO_OUT_CLR(self, written: int, before: int) -> None:
        self.output(self.GPIO_OUT & ~written)

    def write_GPIO_OUT_XOR(self, written: int, before: int) -> None:
        self.output(self.GPIO_OUT ^ written)

    def write_GPIO_OE(self, written: int, before: int) -> None:
        self.drive(self.GPIO_OE ^ before)

    def write_GPIO_OE_SET(self, written: int, before: int) -> None:
        self.enable_outputs(self.GPIO_OE | written)

    def write_GPIO_OE_CLR(self, written: int, before: int) -> None:
        self.enable_outputs(self.GPIO_OE & ~written)

    def write_GPIO_OE_XOR(self, written: int, before: int) -> None:
        self.enable_outputs(self.GPIO_OE ^ written)

    # Mailboxes: each core reads its own and writes into the other's.

    def mail(self) -> None:
        for core, irq in enumerate(self.irqs):
            irq.set(bool(self.boxes[core]) or bool(self.errors[core]))

    def read_FIFO_ST(self) -> int:
        ready = len(self.boxes[1 - self.core]) < DEPTH
        return self.errors[self.core] | ready << 1 | bool(self.boxes[self.core])

    def write_FIFO_ST(self, written: int, before: int) -> None:
        self.errors[self.core] &= ~written
        self.mail()

    def send(self, core: int, word: int) -> None:
        """Puts a word into the mailbox of a core, if there is room."""
        if len(self.boxes[core]) < DEPTH:
            self.boxes[core].append(word)
            self.mail()

    def write_FIFO_WR(self, written: int, before: int) -> None:
        if not self.core and self.waiting(written):
            return
        box = self.boxes[1 - self.core]
        if len(box) < DEPTH:
            box.append(written)
            self.mailed(1 - self.core)
        else:
            self.errors[self.core] |= Sio.FIFO_ST["WOF"]
        self.mail()

    def read_FIFO_RD(self) -> int:
        box = self.boxes[self.core]
        if not box:
            self.errors[self.core] |= Sio.FIFO_ST["ROE"]
        value = box.popleft() if box else 0
        self.mail()
        return value

    # Spinlocks: a read claims one (0: it is taken), a write releases it.

    def read_SPINLOCK_ST(self) -> int:
        return self.locks

    def read_SPINLOCK(self, n: int) -> int:
        free = ~self.locks & 1 << n
        self.locks |= free
        return free

    def write_SPINLOCK(self, n: int, written: int, before: int) -> None:
        self.locks &= ~(1 << n)

    # Interpolators.

    def read_INTERP(self, n: int) -> int:
        return self.interpolators[self.core][n >> 4].read(n & 15)

    def write_INTERP(self, n: int, written: int, before: int) -> None:
        self.interpolators[self.core][n >> 4].write(n & 15, written)

    # Divider: each operand has an address for unsigned and one for signed division.

    def write_DIV_UDIVIDEND(self, written: int, before: int) -> None:
        self.dividers[self.core].dividend = written
        self.dividers[self.core].divide(False)

    def write_DIV_SDIVIDEND(self, written: int, before: int) -> None:
        self.dividers[self.core].dividend = written
        self.dividers[self.core].divide(True)

    def write_DIV_UDIVISOR(self, written: int, before: int) -> None:
        self.dividers[self.core].divisor = written
        self.dividers[self.core].divide(False)

    def write_DIV_SDIVISOR(self, written: int, before: int) -> None:
        self.dividers[self.core].divisor = written
        self.dividers[self.core].divide(True)

    def read_DIV_UDIVIDEND(self) -> int:
        return self.dividers[self.core].dividend

    def read_DIV_SDIVIDEND(self) -> int:
        return self.dividers[self.core].dividend

    def read_DIV_UDIVISOR(self) -> int:
        return self.dividers[self.core].divisor

    def read_DIV_SDIVISOR(self) -> int:
        return self.dividers[self.core].divisor

    def read_DIV_QUOTIENT(self) -> int:
        self.dividers[self.core].dirty = 0
        return self.dividers[self.core].quotient

    def read_DIV_REMAINDER(self) -> int:
        return self.dividers[self.core].remainder

    def write_DIV_QUOTIENT(self, written: int, before: int) -> None:
        self.dividers[self.core].quotient = written
        self.dividers[self.core].dirty = 1

    def write_DIV_REMAINDER(self, written: int, before: int) -> None:
        self.dividers[self.core].remainder = written
        self.dividers[self.core].dirty = 1

    def read_DIV_CSR(self) -> int:
        return 1 | self.dividers[self.core].dirty << 1


for _at, _row in enumerate(Sio.INTERP.rows):
    _row.name = f"INTERP{_at >> 4}_{NAMES[_at & 15]}"
