"""USART and UART of STM32F4 (RM0090, chapter 30), asynchronous mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.stm32.dma import Request
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Register
from mpy_cross.emulator.serial import BreakWatch, SerialPort

# Stop bits in half bits, by CR2.STOP.
STOPS: Final = (2, 1, 4, 3)


@final
class Usart(Block):
    """One USART.

    port: the host's end; irq: its interrupt; tx: level of the pad while the transmitter is on (it
    rests at 1: single bits are not shown, a break is); cts, rts: low while the other side may be
    sent to, and may send; incoming, outgoing: its requests for DMA.
    """

    SR = Register(0x00, "CTS[9]=w0c LBD[8]=w0c TXE[7]=ro TC[6]=w0c RXNE[5]=w0c IDLE[4]=ro "
                        "ORE[3]=ro NF[2]=ro FE[1]=ro PE[0]=ro", reset=0xC0)
    DR = Register(0x04, "DR[8:0]=ro")
    BRR = Register(0x08, width=16)
    CR1 = Register(0x0C, "OVER8[15] UE[13] M[12] WAKE[11] PCE[10] PS[9] PEIE[8] TXEIE[7] TCIE[6] "
                         "RXNEIE[5] IDLEIE[4] TE[3] RE[2] RWU[1] SBK[0]")
    CR2 = Register(0x10, "LINEN[14] STOP[13:12] CLKEN[11] CPOL[10] CPHA[9] LBCL[8] LBDIE[6] "
                         "LBDL[5] ADD[3:0]")
    CR3 = Register(0x14, "ONEBIT[11] CTSIE[10] CTSE[9] RTSE[8] DMAT[7] DMAR[6] SCEN[5] NACK[4] "
                         "HDSEL[3] IRLP[2] IREN[1] EIE[0]")
    GTPR = Register(0x18, "GT[15:8] PSC[7:0]")
    steady = (SR,)

    def __init__(self, name: str, context: Context, rate: Rate, signal: Callable[[str], Signal],
                 incoming: Request, outgoing: Request) -> None:
        super().__init__(name, context)
        self.rate = rate
        self.tx, self.cts, self.rts = (signal(f"{name}_{each}") for each in ("TX", "CTS", "RTS"))
        self.incoming, self.outgoing = incoming, outgoing
        self.irq = Line(name)
        self.port = SerialPort(name, context.clock, context.trace)
        self.port.frame, self.port.receive = self.receiving, self.received
        self.port.room = lambda: not self.SR & Usart.SR["RXNE"]
        self.port.broken = self.broken
        BreakWatch(self.port, signal(f"{name}_RX"))
        self.cts.sensors.append(self.clear_to_send)
        self.breaking = False  # the frame that goes out is a break
        self.shifting: int | None = None  # byte in the shift register
        self.waiting: int | None = None  # byte in the data register
        self.sent: Alarm | None = None
        self.quiet: Alarm | None = None
        self.status_read = False

    def frame(self) -> int | None:
        """Length of a frame in ns at the speed set, None without a speed."""
        cycles = self.BRR
        if self.CR1 & Usart.CR1["OVER8"]:
            cycles = (cycles >> 4) * 8 + (cycles & 7)
        if not cycles or not self.rate.hz:
            return None
        data = 9 if self.CR1 & Usart.CR1["M"] else 8
        halves = 2 + 2 * data + STOPS[self.CR2 >> 12 & 3]
        return -(-halves * cycles * SECOND // (2 * self.rate.hz))

    def on(self, part: int) -> bool:
        need = Usart.CR1["UE"] | part
        return self.enabled and self.CR1 & need == need

    def update(self) -> None:
        status, control = self.SR, self.CR1
        # TXE, TC, RXNE, IDLE have their enables at the same positions; overrun shares RXNE's.
        pending = status & control & 0xF0
        pending |= status & Usart.SR["ORE"] and control & Usart.CR1["RXNEIE"]
        pending |= status & Usart.SR["PE"] and control & Usart.CR1["PEIE"]
        pending |= status & Usart.SR["CTS"] and self.CR3 & Usart.CR3["CTSIE"]
        pending |= status & Usart.SR["LBD"] and self.CR2 & Usart.CR2["LBDIE"]
        if self.CR3 & Usart.CR3["EIE"] and self.CR3 & Usart.CR3["DMAR"]:
            pending |= status & (Usart.SR["FE"] | Usart.SR["ORE"])
        self.irq.set(bool(pending))
        direct = self.CR3 & 0xC0 if self.enabled and control & Usart.CR1["UE"] else 0
        self.incoming.set(bool(direct & 0x40) and bool(status & Usart.SR["RXNE"]))
        self.outgoing.set(bool(direct & 0x80) and bool(self.SR & Usart.SR["TXE"]))

    def on_reset(self) -> None:
        for alarm in (self.sent, self.quiet):
            if alarm is not None:
                alarm.cancel()
        self.sent = self.quiet = self.shifting = self.waiting = None
        self.status_read = self.breaking = False
        self.tx.drive(None)
        self.rts.drive(None)
        self.update()

    def on_enable(self) -> None:
        self.port.wake()

    # Sending.

    def write_DR(self, written: int, before: int) -> None:
        if not self.on(Usart.CR1["TE"]):
            return
        value = written & (0x1FF if self.CR1 & Usart.CR1["M"] else 0xFF)
        self.SR &= ~Usart.SR["TC"]
        if self.shifting is None and not self.breaking and not self.held_up():
            self.shift(value)
        else:
            self.waiting = value
            self.SR &= ~Usart.SR["TXE"]
        self.update()

    def held_up(self) -> bool:
        """Does the other side want no more frames?"""
        return bool(self.CR3 & Usart.CR3["CTSE"]) and bool(self.cts.seen)

    def clear_to_send(self, level: int) -> None:
        if self.CR3 & Usart.CR3["CTSE"] and self.enabled:
            self.SR |= Usart.SR["CTS"]
            self.next_frame()
            self.update()

    def next_frame(self) -> None:
        """Begins what waits: a break, or a byte."""
        if self.shifting is not None or self.breaking:
            return
        frame = self.frame()
        if self.CR1 & Usart.CR1["SBK"] and self.on(Usart.CR1["TE"]):
            self.breaking = True
            self.tx.drive(0)
            self.sent = None if frame is None else self.clock.after(frame, self.broke)
        elif self.waiting is not None and not self.held_up():
            self.shift(self.waiting)
            self.waiting = None
            self.SR |= Usart.SR["TXE"]

    def broke(self) -> None:
        """The stop bit of a break begins."""
        self.sent, self.breaking = None, False
        self.CR1 &= ~Usart.CR1["SBK"]
        self.tx.drive(1)
        self.port.transmitted_break()
        self.next_frame()
        self.update()

    def shift(self, value: int) -> None:
        frame = self.frame()
        self.shifting = value
        # Without a speed the frame never ends, as on the chip.
        self.sent = None if frame is None else self.clock.after(frame, self.frame_sent)

    def frame_sent(self) -> None:
        byte, self.shifting, self.sent = self.shifting, None, None
        self.next_frame()
        if self.shifting is None and self.waiting is None:
            self.SR |= Usart.SR["TC"]
        if byte is not None:
            self.port.transmitted(byte & 0xFF)
        self.update()

    # Receiving.

    def receiving(self) -> int | None:
        return self.frame() if self.on(Usart.CR1["RE"]) else None

    def received(self, byte: int) -> None:
        if self.SR & Usart.SR["RXNE"]:
            self.SR |= Usart.SR["ORE"]  # the byte is lost
        else:
            self.DR = byte
            self.SR |= Usart.SR["RXNE"]
        self.ask()
        if self.quiet is not None:
            self.quiet.cancel()
        frame = self.frame()
        if frame is not None:
            # One frame of silence; one ns later, so that a frame that follows at once comes first.
            self.quiet = self.clock.after(frame + 1, self.silence)
        self.update()

    def broken(self) -> None:
        """The line was low for a whole frame."""
        if self.on(Usart.CR1["RE"]):
            lin = self.CR2 & Usart.CR2["LINEN"]
            self.SR |= Usart.SR["FE"] | (Usart.SR["LBD"] if lin else 0)
            self.received(0)

    def ask(self) -> None:
        """Drives RTS: low while there is room."""
        if self.CR3 & Usart.CR3["RTSE"] and self.enabled:
            self.rts.drive(int(bool(self.SR & Usart.SR["RXNE"])))
        else:
            self.rts.drive(None)

    def silence(self) -> None:
        self.quiet = None
        if self.on(Usart.CR1["RE"]):
            self.SR |= Usart.SR["IDLE"]
            self.update()

    def read_SR(self) -> int:
        self.status_read = True
        return self.SR

    def write_SR(self, written: int, before: int) -> None:
        self.update()

    def read_DR(self) -> int:
        value = self.DR
        self.SR &= ~Usart.SR["RXNE"]
        if self.status_read:
            self.SR &= ~(Usart.SR["IDLE"] | Usart.SR["ORE"] | Usart.SR["NF"] | Usart.SR["FE"]
                         | Usart.SR["PE"])
            self.status_read = False
        self.ask()
        self.update()
        self.port.wake()
        return value

    # Control.

    def write_CR1(self, written: int, before: int) -> None:
        if (self.CR1 ^ before) & (Usart.CR1["UE"] | Usart.CR1["TE"]):
            self.tx.drive(1 if self.on(Usart.CR1["TE"]) else None)
        if before & Usart.CR1["UE"] and not self.CR1 & Usart.CR1["UE"]:
            # Off: what is in the shift register is lost.
            if self.sent is not None:
                self.sent.cancel()
            self.sent = self.shifting = self.waiting = None
            self.breaking = False
            self.SR |= Usart.SR["TXE"] | Usart.SR["TC"]
        self.next_frame()
        self.update()
        self.port.wake()

    def write_BRR(self, written: int, before: int) -> None:
        self.port.wake()

    def write_CR3(self, written: int, before: int) -> None:
        odd = self.CR3 & (Usart.CR3["SCEN"] | Usart.CR3["IREN"] | Usart.CR3["HDSEL"])
        if odd:
            self.context.unmodelled(f"{self.name}.CR3 bits 0x{odd:x}", "write")
        if self.CR3 & Usart.CR3["RTSE"]:
            self.port.flow = True
        self.ask()
        self.next_frame()
        self.update()
