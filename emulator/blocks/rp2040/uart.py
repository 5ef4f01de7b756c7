"""UART of RP2040, an Arm PL011 (RP2040 datasheet, 4.2)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.rp2040.dma import Request
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Register
from mpy_cross.emulator.serial import BreakWatch, SerialPort

DEPTH: Final = 32
UARTEN, LBE, TXE, RXE, RTS, RTSEN, CTSEN = 1, 1 << 7, 1 << 8, 1 << 9, 1 << 11, 1 << 14, 1 << 15
FEN, STP2, PEN, BRK = 1 << 4, 1 << 3, 1 << 1, 1
CTS, RX, TX, TIMEOUT, FRAMING, BREAK, OVERRUN = (
    1 << 1, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 9, 1 << 10)
BROKEN: Final = 1 << 8 | 1 << 10
"""Of a byte that was received: a framing error, and a break."""
FLAGS: Final = ("OE[10]{0} BE[9]{0} PE[8]{0} FE[7]{0} RT[6]{0} TX[5]{0} RX[4]{0} DSR[3]{0} "
                "DCD[2]{0} CTS[1]{0} RI[0]{0}")
# Fill of a FIFO at which it interrupts, by the field of IFLS; reserved values as the last.
LEVELS: Final = (4, 8, 16, 24, 28, 28, 28, 28)
IDENTITY: Final = (0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1)


@final
class Uart(Block):
    """One UART.

    port: the host's end; irq: its interrupt; tx: level of the pad while the transmitter is on (it
    rests at 1: single bits are not shown, a break is); cts, rts: low while the other side may be
    sent to, and may send.
    """

    replicate = True
    size = 0x1000
    DR = Register(0x00, "DATA[7:0]=wo", name="UARTDR")
    RSR = Register(0x04, "ERRORS[3:0]=ro", name="UARTRSR")
    FR = Register(0x18, access="ro", reset=0x90, name="UARTFR")
    ILPR = Register(0x20, "ILPDVSR[7:0]", name="UARTILPR")
    IBRD = Register(0x24, "BAUD_DIVINT[15:0]", name="UARTIBRD")
    FBRD = Register(0x28, "BAUD_DIVFRAC[5:0]", name="UARTFBRD")
    LCR_H = Register(0x2C, "SPS[7] WLEN[6:5] FEN[4] STP2[3] EPS[2] PEN[1] BRK[0]",
                     name="UARTLCR_H")
    CR = Register(0x30, "CTSEN[15] RTSEN[14] OUT2[13] OUT1[12] RTS[11] DTR[10] RXE[9] TXE[8] "
                        "LBE[7] SIRLP[2] SIREN[1] UARTEN[0]", reset=0x300, name="UARTCR")
    IFLS = Register(0x34, "RXIFLSEL[5:3] TXIFLSEL[2:0]", reset=0x12, name="UARTIFLS")
    IMSC = Register(0x38, FLAGS.format(""), name="UARTIMSC")
    RIS = Register(0x3C, FLAGS.format("=ro"), name="UARTRIS")
    MIS = Register(0x40, access="ro", name="UARTMIS")
    ICR = Register(0x44, FLAGS.format("=wo"), name="UARTICR")
    DMACR = Register(0x48, "DMAONERR[2] TXDMAE[1] RXDMAE[0]", name="UARTDMACR")
    steady = (FR,)
    registers = tuple(
        Register(0xFE0 + 4 * n, access="ro", reset=value, width=8,
                 name=f"UARTPERIPHID{n}" if n < 4 else f"UARTPCELLID{n - 4}")
        for n, value in enumerate(IDENTITY))

    def __init__(self, name: str, context: Context, rate: Rate,
                 signal: Callable[[str], Signal]) -> None:
        super().__init__(name, context)
        self.rate = rate
        self.tx, self.cts, self.rts = (signal(f"{name}_{each}") for each in ("TX", "CTS", "RTS"))
        self.irq = Line(f"{name}_IRQ")
        self.requests = Request(), Request()  # of the DMA, for sending and receiving
        self.port = SerialPort(name, context.clock, context.trace)
        self.port.frame, self.port.receive = self.receiving, self.received
        self.port.room, self.port.broken = self.room, self.broken
        BreakWatch(self.port, signal(f"{name}_RX"))
        self.cts.sensors.append(self.clear_to_send)
        self.breaking: Alarm | None = None
        self.outgoing: deque[int] = deque()
        self.incoming: deque[int] = deque()  # bytes with bit 11 set after an overrun
        self.shifting: int | None = None
        self.sent: Alarm | None = None
        self.quiet: Alarm | None = None
        self.overrun = 0
        self.speed = 0, 0  # IBRD and FBRD, which a write to LCR_H takes over

    def room(self) -> bool:
        """May the other side send?"""
        fill = self.receive_level() if self.CR & RTSEN else self.depth()
        return len(self.incoming) < fill

    def depth(self) -> int:
        return DEPTH if self.LCR_H & FEN else 1

    def bits(self, count: int) -> int | None:
        """Time of `count` bits in ns, None without a speed."""
        whole, fraction = self.speed
        quarters = whole * 64 + fraction  # a bit takes a quarter of that in cycles
        if not whole or not self.rate.hz:
            return None
        return -(-count * quarters * SECOND // (4 * self.rate.hz))

    def frame(self) -> int | None:
        line = self.LCR_H
        return self.bits(1 + 5 + (line >> 5 & 3) + bool(line & PEN) + 1 + bool(line & STP2))

    def on(self, part: int) -> bool:
        return self.enabled and self.CR & (UARTEN | part) == UARTEN | part

    def update(self) -> None:
        self.irq.set(bool(self.RIS & self.IMSC))
        dma = self.DMACR
        send, receive = self.requests
        if dma or send.level or receive.level:
            send.set(bool(dma & 2) and self.enabled and len(self.outgoing) < self.depth())
            receive.set(bool(dma & 1) and bool(self.incoming))

    def on_reset(self) -> None:
        for alarm in (self.sent, self.quiet, self.breaking):
            if alarm is not None:
                alarm.cancel()
        self.sent = self.quiet = self.breaking = self.shifting = None
        self.rts.drive(None)
        self.overrun, self.speed = 0, (0, 0)
        self.outgoing.clear()
        self.incoming.clear()
        self.tx.drive(None)
        self.update()

    def on_enable(self) -> None:
        self.port.wake()

    # Sending.

    def write_DR(self, written: int, before: int) -> None:
        if len(self.outgoing) >= self.depth():
            return  # full: the byte is lost
        self.outgoing.append(written & (0xFF >> 3 - (self.LCR_H >> 5 & 3)))
        if not self.LCR_H & FEN or len(self.outgoing) > self.send_level():
            self.RIS &= ~TX
        self.send()
        self.update()

    def send_level(self) -> int:
        return LEVELS[self.IFLS & 7] if self.LCR_H & FEN else 0

    def send(self) -> None:
        """Moves a byte to the shift register if that is free."""
        if self.shifting is not None or not self.outgoing or not self.on(TXE) or (
                self.CR & CTSEN and self.cts.seen) or self.LCR_H & BRK:
            return
        self.shifting = self.outgoing.popleft()
        level = self.send_level()
        if len(self.outgoing) == level:
            self.RIS |= TX  # the fill came down to the trigger level
        frame = self.frame()
        self.sent = None if frame is None else self.clock.after(frame, self.frame_sent)

    def frame_sent(self) -> None:
        byte, self.shifting, self.sent = self.shifting, None, None
        self.send()
        if byte is not None:
            if self.CR & LBE:
                self.received(byte)
            else:
                self.port.transmitted(byte)
        self.update()

    # Receiving.

    def receiving(self) -> int | None:
        return self.frame() if self.on(RXE) and not self.CR & LBE else None

    def received(self, byte: int) -> None:
        if len(self.incoming) >= self.depth():
            self.overrun = 1 << 11
            self.RIS |= OVERRUN
        else:
            self.incoming.append(byte | self.overrun)
            self.overrun = 0
            if len(self.incoming) >= self.receive_level():
                self.RIS |= RX
        self.ask()
        self.listen()
        self.update()

    def broken(self) -> None:
        """The line was low for a whole frame."""
        if self.receiving() is None:
            return
        self.RIS |= BREAK | FRAMING
        self.received(BROKEN)

    def ask(self) -> None:
        """Drives RTS."""
        asks = self.room() if self.CR & RTSEN else bool(self.CR & RTS)
        self.rts.drive(int(not asks) if self.enabled else None)

    def clear_to_send(self, level: int) -> None:
        self.RIS |= CTS
        self.send()
        self.update()

    def listen(self) -> None:
        """Begins to wait for 32 bit times without a byte."""
        if self.quiet is not None:
            self.quiet.cancel()
        silence = self.bits(32)
        if silence is not None:
            self.quiet = self.clock.after(silence, self.silence)

    def receive_level(self) -> int:
        return LEVELS[self.IFLS >> 3 & 7] if self.LCR_H & FEN else 1

    def silence(self) -> None:
        self.quiet = None
        if self.incoming:
            self.RIS |= TIMEOUT
            self.update()

    def read_DR(self) -> int:
        value = self.incoming.popleft() if self.incoming else 0
        self.RSR = value >> 8
        if len(self.incoming) < self.receive_level():
            self.RIS &= ~RX
        if not self.incoming:
            self.RIS &= ~TIMEOUT
        self.ask()
        self.update()
        self.port.wake()
        return value

    def write_RSR(self, written: int, before: int) -> None:
        self.RSR = 0  # any write clears the errors

    def read_FR(self) -> int:
        depth = self.depth()
        sending = self.shifting is not None or bool(self.outgoing)
        return ((not self.outgoing) << 7 | (len(self.incoming) >= depth) << 6
                | (len(self.outgoing) >= depth) << 5 | (not self.incoming) << 4 | sending << 3
                | (bool(self.cts.drivers) and not self.cts.seen))

    # Control.

    def write_LCR_H(self, written: int, before: int) -> None:
        self.speed = self.IBRD, self.FBRD
        if before & FEN and not self.LCR_H & FEN:
            self.incoming.clear()
            self.outgoing.clear()
        if (before ^ self.LCR_H) & BRK:
            self.line()
            frame = self.frame() if self.LCR_H & BRK else None
            if self.breaking is not None:
                self.breaking.cancel()
                self.breaking = None
            if frame is not None:
                self.breaking = self.clock.after(frame, self.broke)
        self.port.wake()
        self.send()

    def line(self) -> None:
        """Drives the pad: 1 at rest, 0 for a break."""
        self.tx.drive(int(not self.LCR_H & BRK) if self.on(TXE) else None)

    def broke(self) -> None:
        """A break has been sent, or goes on."""
        self.breaking = None
        if self.CR & LBE:
            self.broken()
        else:
            self.port.transmitted_break()

    def write_CR(self, written: int, before: int) -> None:
        self.line()
        self.ask()
        if self.CR & RTSEN:
            self.port.flow = True
        self.port.wake()
        self.send()
        self.update()

    def write_IMSC(self, written: int, before: int) -> None:
        self.update()

    def write_IFLS(self, written: int, before: int) -> None:
        if len(self.incoming) >= self.receive_level():
            self.RIS |= RX
        self.update()

    def read_MIS(self) -> int:
        return self.RIS & self.IMSC

    def write_ICR(self, written: int, before: int) -> None:
        self.RIS &= ~written
        if written & TIMEOUT and self.incoming and self.quiet is None:
            self.listen()  # bytes that are left are announced again
        self.update()

    def write_DMACR(self, written: int, before: int) -> None:
        self.update()
