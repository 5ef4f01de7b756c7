"""I2C of STM32F4 (RM0090, chapter 27): master byte by byte, slave bit by bit.

A master reaches the devices that are wired to its pads, see `wiring`; a slave follows its pads.
Addresses of 10 bits, SMBus and packet error checking are not modelled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.i2c_target import TargetWire
from mpy_cross.emulator.blocks.stm32.dma import Request
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Register
from mpy_cross.emulator.wiring import I2CBus

SB, ADDR, BTF, STOPF, RXNE, TXE, BERR, ARLO, AF = 1, 2, 4, 16, 64, 128, 256, 512, 1024
MSL, BUSY, TRA, GENCALL, DUALF = 1, 2, 4, 16, 128
ENGC: Final = 1 << 6
PE, START, STOP, ACK, POS, SWRST = 1, 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 15
ITERREN, ITEVTEN, ITBUFEN, DMAEN, LAST = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12


@final
class I2c(Block):
    """One I2C. bus: finds the devices; events, errors: its interrupts; rx, tx: its requests;
    wire: its pads, when it is a slave."""

    CR1 = Register(0x00, "SWRST[15] ALERT[13] PEC[12] POS[11] ACK[10] STOP[9] START[8] "
                         "NOSTRETCH[7] ENGC[6] ENPEC[5] ENARP[4] SMBTYPE[3] SMBUS[1] PE[0]")
    CR2 = Register(0x04, "LAST[12] DMAEN[11] ITBUFEN[10] ITEVTEN[9] ITERREN[8] FREQ[5:0]")
    OAR1 = Register(0x08, "ADDMODE[15] KEPT[14] ADD[9:0]")
    OAR2 = Register(0x0C, "ADD2[7:1] ENDUAL[0]")
    DR = Register(0x10, "DR[7:0]=ro")
    SR1 = Register(0x14, "SMBALERT[15]=w0c TIMEOUT[14]=w0c PECERR[12]=w0c OVR[11]=w0c AF[10]=w0c "
                         "ARLO[9]=w0c BERR[8]=w0c TXE[7]=ro RXNE[6]=ro STOPF[4]=ro ADD10[3]=ro "
                         "BTF[2]=ro ADDR[1]=ro SB[0]=ro")
    SR2 = Register(0x18, "PEC[15:8]=ro FLAGS[7:4]=ro TRA[2]=ro BUSY[1]=ro MSL[0]=ro")
    CCR = Register(0x1C, "FS[15] DUTY[14] CCR[11:0]")
    TRISE = Register(0x20, "TRISE[5:0]", reset=2)
    FLTR = Register(0x24, "ANOFF[4] DNF[3:0]")
    steady = (SR1, SR2)

    def __init__(self, name: str, context: Context, rate: Rate, bus: Callable[[], I2CBus],
                 rx: Request, tx: Request, scl: Signal, sda: Signal) -> None:
        super().__init__(name, context)
        self.wire = TargetWire(self, scl, sda)
        self.rate, self.find_bus, self.rx, self.tx = rate, bus, rx, tx
        self.bus = I2CBus()
        self.events, self.errors = Line(f"{name}_EV"), Line(f"{name}_ER")
        self.step: Alarm | None = None  # the end of what is on the wires now
        self.addressing = self.receiving = False
        self.shifting: int | None = None  # the byte that is being sent
        self.held: int | None = None  # a byte that was received and finds the data register full
        self.full = False  # the data register has a byte to send
        self.status_read = False

    def bits(self, count: int) -> int | None:
        """Time of so many bits in ns, None without a speed."""
        ccr = self.CCR & 0xFFF
        if self.CCR & I2c.CCR["FS"]:
            ccr *= 25 if self.CCR & I2c.CCR["DUTY"] else 3
        else:
            ccr *= 2
        return -(-count * ccr * SECOND // self.rate.hz) if ccr and self.rate.hz else None

    def later(self, count: int, call: Callable[[], None]) -> None:
        """Calls `call` when so many bits are over."""
        time = self.bits(count)

        def due() -> None:
            self.step = None
            call()
            self.update()

        if time is not None:
            self.step = self.clock.after(time, due)

    def update(self) -> None:
        status, control = self.SR1, self.CR2
        buffers = status & (TXE | RXNE)
        events = status & (SB | ADDR | BTF | STOPF) or (buffers and control & ITBUFEN)
        self.events.set(bool(events) and bool(control & ITEVTEN) and self.enabled)
        self.errors.set(bool(status & 0xDF00) and bool(control & ITERREN) and self.enabled)
        direct = bool(control & DMAEN) and self.enabled
        self.rx.set(direct and bool(status & RXNE))
        self.tx.set(direct and bool(self.SR1 & TXE) and not self.SR1 & ADDR)

    def on_reset(self) -> None:
        self.drop()
        self.listen()
        self.update()

    def drop(self) -> None:
        """Everything that goes on is over."""
        if self.step is not None:
            self.step.cancel()
            self.step = None
        self.bus.stop()
        self.addressing = self.receiving = self.full = False
        self.shifting = self.held = None

    # What goes over the wires.

    def started(self) -> None:
        self.CR1 &= ~START
        self.wire.listen(False)
        self.bus = self.find_bus()
        self.SR1 = self.SR1 & ~(TXE | BTF) | SB
        self.SR2 = self.SR2 & ~TRA | MSL | BUSY
        self.addressing, self.full = True, False

    def stopped(self) -> None:
        self.CR1 &= ~STOP
        self.bus.stop()
        self.SR1 &= ~(TXE | BTF)
        self.SR2 &= ~(MSL | BUSY | TRA)
        self.receiving = self.full = False
        self.listen()
        if self.CR1 & START:
            self.later(1, self.started)

    def conditions(self) -> bool:
        """Between bytes: begins a START or STOP that is wanted."""
        if self.step is None and self.shifting is None:
            if self.CR1 & STOP and self.SR2 & MSL:
                self.later(1, self.stopped)
                return True
            if self.CR1 & START:
                self.receiving = False
                self.later(1, self.started)
                return True
        return False

    def addressed(self) -> None:
        address, self.shifting = self.shifting or 0, None
        if not self.bus.start(address >> 1, bool(address & 1)):
            self.SR1 |= AF
            self.conditions()
            return
        self.SR1 |= ADDR
        if address & 1:
            self.receiving = True
        else:
            self.SR2 |= TRA
            self.SR1 |= TXE

    def sent(self) -> None:
        byte, self.shifting = self.shifting or 0, None
        acknowledged = self.bus.write(byte)
        if not acknowledged:
            self.SR1 |= AF
        if self.full and acknowledged and not self.CR1 & STOP:
            self.send(self.DR)
        else:
            self.SR1 |= BTF if acknowledged else 0
            self.conditions()

    def send(self, byte: int) -> None:
        self.shifting, self.full = byte, False
        self.SR1 |= TXE
        self.later(9, self.sent)

    def acknowledges(self) -> bool:
        """Is the byte that has just come acknowledged?"""
        if self.CR2 & (DMAEN | LAST) == DMAEN | LAST:
            left = self.rx.left()
            if left is not None:
                return left - (1 if self.SR1 & RXNE else 0) > 1
        return bool(self.CR1 & ACK)

    def got(self) -> None:
        byte = self.bus.read()
        more = self.acknowledges()
        if self.CR1 & POS:
            # The bit is for the byte after the one that comes now.
            more, self.CR1 = True, self.CR1 & ~POS
        if self.SR1 & RXNE:
            self.held = byte
            self.SR1 |= BTF
        else:
            self.DR = byte
            self.SR1 |= RXNE
        if not more:
            self.receiving = False
        if not self.conditions() and self.receiving and self.held is None:
            self.later(9, self.got)

    def receive(self) -> None:
        """Goes on receiving, when nothing stands against it."""
        if self.receiving and self.step is None and self.held is None and not self.SR1 & ADDR:
            self.later(9, self.got)

    # As a slave.

    def listen(self) -> None:
        """Takes part in what happens at its pads while it is on and not the master."""
        own = bool(self.OAR1 & 0x3FF or self.OAR2 & 1 or self.CR1 & ENGC)
        self.wire.listen(self.enabled and bool(self.CR1 & PE) and own and not self.SR2 & MSL)

    def target_started(self) -> None:
        self.SR2 |= BUSY
        self.SR1 &= ~(TXE | BTF)

    def target_stopped(self) -> None:
        if self.wire.taken and not self.SR2 & TRA:
            self.SR1 |= STOPF
        self.SR1 &= ~(TXE | BTF)
        self.SR2 &= ~(BUSY | TRA | GENCALL | DUALF)
        self.update()

    def target_begins(self, address: int, read: bool) -> bool:
        second = bool(self.OAR2 & 1) and address == self.OAR2 >> 1 & 0x7F
        general = bool(self.CR1 & ENGC) and address == 0 and not read
        if self.OAR1 & I2c.OAR1["ADDMODE"]:
            self.context.unmodelled(f"{self.name}.OAR1 addresses of 10 bits", "use")
        mine = address == self.OAR1 >> 1 & 0x7F or second or general
        if not mine or not self.CR1 & ACK:
            return False
        self.SR2 = (self.SR2 & ~(TRA | GENCALL | DUALF) | (TRA if read else 0)
                    | (DUALF if second else 0) | (GENCALL if general else 0))
        self.SR1 |= ADDR | (TXE if read else 0)
        self.full = False
        self.update()
        return True

    def target_takes(self, byte: int) -> bool:
        if self.SR1 & RXNE:
            self.held = byte
            self.SR1 |= BTF
        else:
            self.DR = byte
            self.SR1 |= RXNE
        self.update()
        return bool(self.CR1 & ACK)

    def target_ready(self, read: bool) -> bool:
        if self.SR1 & ADDR or (not read and self.held is not None):
            return False
        if read and not self.full:
            self.SR1 |= BTF
            self.update()
        return not read or self.full

    def target_gives(self) -> int:
        byte, self.full = self.DR, False
        self.SR1 = self.SR1 & ~BTF | TXE
        self.update()
        return byte

    def target_refused(self) -> None:
        self.SR1 = self.SR1 & ~(TXE | BTF) | AF
        self.full = False
        self.update()

    # Registers.

    def write_OAR1(self, written: int, before: int) -> None:
        self.listen()

    def write_OAR2(self, written: int, before: int) -> None:
        self.listen()

    def write_CR1(self, written: int, before: int) -> None:
        if self.status_read:
            self.SR1 &= ~STOPF
        if self.CR1 & SWRST:
            kept = self.CR1
            self.drop()
            self.SR1 = self.SR2 = 0
            self.CR1 = kept & SWRST
        elif not self.CR1 & PE:
            self.drop()
            self.SR1 = self.SR2 = 0
            self.CR1 &= ~(START | STOP | ACK)
        elif self.CR1 & (START | STOP):
            if self.CR1 & STOP and not self.SR2 & MSL:
                self.CR1 &= ~STOP
            waits = self.wire.taken or self.SR1 & ADDR or (
                self.receiving and not self.held and self.step is not None)
            if not waits and self.step is None:
                self.conditions()
        self.listen()
        self.update()

    def write_CR2(self, written: int, before: int) -> None:
        self.update()

    def write_SR1(self, written: int, before: int) -> None:
        self.update()

    def read_SR1(self) -> int:
        self.status_read = True
        return self.SR1

    def read_SR2(self) -> int:
        value = self.SR2
        if self.status_read and self.SR1 & ADDR:
            self.SR1 &= ~ADDR
            self.status_read = False
            if not self.SR2 & MSL:
                self.wire.go_on()
            elif not self.conditions_after_address():
                self.receive()
            self.update()
        return value

    def conditions_after_address(self) -> bool:
        """A receiver reads one byte before a STOP; a transmitter stops at once."""
        return not self.receiving and self.conditions()

    def write_DR(self, written: int, before: int) -> None:
        byte = written & 0xFF
        if self.SR1 & SB and self.addressing:
            self.SR1 &= ~SB
            self.addressing = False
            self.shifting = byte
            self.later(9, self.addressed)
        elif self.SR2 & (TRA | MSL) == TRA:
            self.DR, self.full = byte, True
            self.SR1 &= ~(TXE | BTF)
            self.wire.go_on()
        elif self.SR2 & TRA:
            self.SR1 &= ~BTF
            if self.shifting is None and self.step is None:
                self.send(byte)
            else:
                self.DR, self.full = byte, True
                self.SR1 &= ~TXE
        self.update()

    def read_DR(self) -> int:
        value = self.DR
        self.SR1 &= ~RXNE
        if self.held is not None:
            self.DR, self.held = self.held, None
            self.SR1 = self.SR1 & ~BTF | RXNE
            if not self.SR2 & MSL:
                self.wire.go_on()
            elif not self.conditions():
                self.receive()
        self.update()
        return value
