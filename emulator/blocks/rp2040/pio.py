"""Programmable IO of RP2040 (datasheet, 3): the registers of one block of four state machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.rp2040.pio_machine import StateMachine
from mpy_cross.emulator.clock import Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.pin import Pin
from mpy_cross.emulator.register import Bank, Register

MACHINES: Final = 4
INTERRUPTS: Final = "SM[11:8] TXNFULL[7:4] RXNEMPTY[3:0]"
MACHINE: Final = 0x18  # bytes of registers for each machine


@final
class Pio(Block):
    """pins: pads to watch; signals: what drives them; inputs: gives the levels of all pads.

    program: the instruction memory; levels, directions: what the machines drive, one bit a pad.
    flags: the eight interrupt flags.  requests: of the DMA, four for sending, four for receiving.
    """

    replicate = True
    size = 0x1000
    CTRL = Register(0x00, "CLKDIV_RESTART[11:8]=sc SM_RESTART[7:4]=sc SM_ENABLE[3:0]")
    FSTAT = Register(0x04, access="ro", reset=0x0F000F00)
    FDEBUG = Register(0x08, "TXSTALL[27:24]=w1c TXOVER[19:16]=w1c RXUNDER[11:8]=w1c "
                            "RXSTALL[3:0]=w1c")
    FLEVEL = Register(0x0C, access="ro")
    TXF = Bank(0x10, "TXF{}", MACHINES, access="wo")
    RXF = Bank(0x20, "RXF{}", MACHINES, access="ro")
    IRQ = Register(0x30, "IRQ[7:0]=w1c")
    IRQ_FORCE = Register(0x34, access="wo")
    INPUT_SYNC_BYPASS = Register(0x38)
    DBG_PADOUT = Register(0x3C, access="ro")
    DBG_PADOE = Register(0x40, access="ro")
    DBG_CFGINFO = Register(0x44, access="ro", reset=0x00200404)
    INSTR_MEM = Bank(0x48, "INSTR_MEM{}", 32, "INSTR[15:0]=wo")
    CLKDIV = Bank(0xC8, "SM{}_CLKDIV", MACHINES, "INT[31:16] FRAC[15:8]", stride=MACHINE,
                  reset=0x10000)
    EXECCTRL = Bank(0xCC, "SM{}_EXECCTRL", MACHINES,
                    "EXEC_STALLED[31]=ro SIDE_EN[30] SIDE_PINDIR[29] JMP_PIN[28:24] "
                    "OUT_EN_SEL[23:19] INLINE_OUT_EN[18] OUT_STICKY[17] WRAP_TOP[16:12] "
                    "WRAP_BOTTOM[11:7] STATUS_SEL[4] STATUS_N[3:0]", stride=MACHINE, reset=0x1F000)
    SHIFTCTRL = Bank(0xD0, "SM{}_SHIFTCTRL", MACHINES,
                     "FJOIN_RX[31] FJOIN_TX[30] PULL_THRESH[29:25] PUSH_THRESH[24:20] "
                     "OUT_SHIFTDIR[19] IN_SHIFTDIR[18] AUTOPULL[17] AUTOPUSH[16]", stride=MACHINE,
                     reset=0xC0000)
    ADDR = Bank(0xD4, "SM{}_ADDR", MACHINES, stride=MACHINE, access="ro")
    INSTR = Bank(0xD8, "SM{}_INSTR", MACHINES, "INSTR[15:0]=wo", stride=MACHINE)
    PINCTRL = Bank(0xDC, "SM{}_PINCTRL", MACHINES,
                   "SIDESET_COUNT[31:29] SET_COUNT[28:26] OUT_COUNT[25:20] IN_BASE[19:15] "
                   "SIDESET_BASE[14:10] SET_BASE[9:5] OUT_BASE[4:0]", stride=MACHINE,
                   reset=0x14000000)
    INTR = Register(0x128, access="ro")
    INTE = Bank(0x12C, "IRQ{}_INTE", 2, INTERRUPTS, stride=12)
    INTF = Bank(0x130, "IRQ{}_INTF", 2, INTERRUPTS, stride=12)
    INTS = Bank(0x134, "IRQ{}_INTS", 2, stride=12, access="ro")
    steady = (FSTAT, FLEVEL, IRQ)

    def __init__(self, name: str, context: Context, rate: Rate, pins: Sequence[Pin],
                 signals: Sequence[Signal], inputs: Callable[[], int]) -> None:
        super().__init__(name, context)
        self.rate, self.pins, self.signals, self.inputs = rate, pins, signals, inputs
        self.program = [0] * 32
        self.levels = self.directions = self.flags = 0
        self.irqs = (Line(f"{name}_IRQ_0"), Line(f"{name}_IRQ_1"))
        self.machines = [StateMachine(self, n) for n in range(MACHINES)]
        self.requests = ([machine.send for machine in self.machines]
                         + [machine.receive for machine in self.machines])
        self.watching = False
        rate.subscribe(lambda: None, self.rate_changed)

    def on_reset(self) -> None:
        self.flags = 0
        self.program[:] = [0] * 32
        for machine in self.machines:
            machine.reset()
        self.put((1 << 30) - 1, 0, True)
        self.levels = 0
        for machine in self.machines:
            machine.moved()

    def rate_changed(self) -> None:
        for machine in self.machines:
            if machine.running:
                machine.go()

    # Pads.

    def put(self, mask: int, value: int, directions: bool) -> None:
        """New levels or directions of the pads in `mask`."""
        if directions:
            changed = (self.directions ^ value) & mask
            self.directions ^= changed
        else:
            changed = (self.levels ^ value) & mask
            self.levels ^= changed
            changed &= self.directions
        changed &= (1 << len(self.signals)) - 1
        while changed:
            number = (changed & -changed).bit_length() - 1
            changed &= changed - 1
            on = self.directions >> number & 1
            self.signals[number].drive(self.levels >> number & 1 if on else None)

    def watch_pads(self) -> None:
        """From now on changes of pads wake machines that wait."""
        if not self.watching:
            self.watching = True
            for pin in self.pins:
                pin.watch(self.pad_changed)  # after the pad's bank, which keeps the levels

    def pad_changed(self, level: int) -> None:
        for machine in self.machines:
            if machine.stalled:
                machine.wake()

    # Interrupts.

    def set_flags(self, flags: int) -> None:
        if flags != self.flags:
            self.flags = flags
            for machine in self.machines:
                if machine.stalled:
                    machine.wake()
            self.update()

    def pending(self) -> int:
        value = (self.flags & 15) << 8
        for number, machine in enumerate(self.machines):
            if machine.incoming:
                value |= 1 << number
            if len(machine.outgoing) < machine.send_depth():
                value |= 16 << number
        return value

    def update(self) -> None:
        if not (self.INTE[0] or self.INTE[1] or self.INTF[0] or self.INTF[1]
                or self.irqs[0].level or self.irqs[1].level):
            return
        pending = self.pending()
        for n, irq in enumerate(self.irqs):
            irq.set(bool(pending & self.INTE[n] | self.INTF[n]))

    def read_INTR(self) -> int:
        return self.pending()

    def read_INTS(self, n: int) -> int:
        return self.pending() & self.INTE[n] | self.INTF[n]

    def write_INTE(self, n: int, written: int, before: int) -> None:
        self.update()

    def write_INTF(self, n: int, written: int, before: int) -> None:
        self.update()

    def read_IRQ(self) -> int:
        return self.flags

    def write_IRQ(self, written: int, before: int) -> None:
        self.set_flags(self.flags & ~written)

    def write_IRQ_FORCE(self, written: int, before: int) -> None:
        self.set_flags(self.flags | written & 0xFF)

    # FIFOs.

    def read_FSTAT(self) -> int:
        value = 0
        for number, machine in enumerate(self.machines):
            send, receive = machine.outgoing, machine.incoming
            value |= ((not send) << 24 | (len(send) >= machine.send_depth()) << 16
                      | (not receive) << 8
                      | (len(receive) >= machine.receive_depth())) << number
        return value

    def read_FLEVEL(self) -> int:
        return sum((len(machine.outgoing) | len(machine.incoming) << 4) << 8 * number
                   for number, machine in enumerate(self.machines))

    def write_TXF(self, number: int, written: int, before: int) -> None:
        machine = self.machines[number]
        if len(machine.outgoing) >= machine.send_depth():
            self.FDEBUG |= 1 << 16 + number
            return
        machine.outgoing.append(written)
        machine.moved()
        if machine.stalled:
            machine.wake()

    def read_RXF(self, number: int) -> int:
        machine = self.machines[number]
        if not machine.incoming:
            self.FDEBUG |= 1 << 8 + number
            return 0
        value = machine.incoming.popleft()
        machine.moved()
        if machine.stalled:
            machine.wake()
        return value

    # Programs and machines.

    def write_INSTR_MEM(self, number: int, written: int, before: int) -> None:
        self.program[number] = written & 0xFFFF

    def write_CTRL(self, written: int, before: int) -> None:
        for number, machine in enumerate(self.machines):
            if written >> 4 + number & 1:
                machine.restart()
            running = bool(self.CTRL >> number & 1)
            if running != machine.running or written >> 4 + number & 0x11:
                machine.running = running
                machine.go()

    def write_CLKDIV(self, number: int, written: int, before: int) -> None:
        machine = self.machines[number]
        value = self.CLKDIV[number]
        machine.clock_divider = value >> 8 if value >> 16 else 0x10000 << 8
        if machine.running and not machine.stalled:
            machine.go()

    def changed(self, number: int) -> None:
        machine = self.machines[number]
        before = machine.shiftctrl
        machine.execctrl = self.EXECCTRL[number]
        machine.shiftctrl = self.SHIFTCTRL[number]
        machine.pinctrl = self.PINCTRL[number]
        machine.configure()
        if (before ^ machine.shiftctrl) >> 30:  # the FIFOs are joined in another way
            machine.outgoing.clear()
            machine.incoming.clear()
            machine.moved()
        if machine.running:
            machine.plan_again()

    def write_EXECCTRL(self, number: int, written: int, before: int) -> None:
        self.changed(number)

    def write_SHIFTCTRL(self, number: int, written: int, before: int) -> None:
        self.changed(number)

    def write_PINCTRL(self, number: int, written: int, before: int) -> None:
        self.changed(number)

    def read_EXECCTRL(self, number: int) -> int:
        machine = self.machines[number]
        return self.EXECCTRL[number] & ~(1 << 31) | (machine.forced is not None) << 31

    def read_ADDR(self, number: int) -> int:
        return self.machines[number].pc

    def read_INSTR(self, number: int) -> int:
        machine = self.machines[number]
        return machine.forced if machine.forced is not None else self.program[machine.pc]

    def write_INSTR(self, number: int, written: int, before: int) -> None:
        self.machines[number].force(written)

    def read_DBG_PADOUT(self) -> int:
        return self.levels

    def read_DBG_PADOE(self) -> int:
        return self.directions
