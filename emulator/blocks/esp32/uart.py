"""UART of the ESP32 and of the ESP8266 (Technical Reference Manual, 13)."""

from __future__ import annotations

from collections import deque
from typing import Final, final

from mpy_cross.emulator.block import Block, Context, todos
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Register
from mpy_cross.emulator.serial import SerialPort

DEPTH: Final = 128
RX_FULL, TX_EMPTY, OVERRUN, RX_TIMEOUT, TX_DONE = 1, 1 << 1, 1 << 4, 1 << 8, 1 << 14
PARITY, LOOPBACK, RX_RESET, TX_RESET = 1 << 1, 1 << 14, 1 << 17, 1 << 18
TIMEOUT_ENABLE: Final = 1 << 31
INTERRUPTS: Final = (
    "TX_DONE[14]{0} TX_BRK_IDLE_DONE[13]{0} TX_BRK_DONE[12]{0} GLITCH_DET[11]{0} SW_XOFF[10]{0} "
    "SW_XON[9]{0} RXFIFO_TOUT[8]{0} BRK_DET[7]{0} CTS_CHG[6]{0} DSR_CHG[5]{0} RXFIFO_OVF[4]{0} "
    "FRM_ERR[3]{0} PARITY_ERR[2]{0} TXFIFO_EMPTY[1]{0} RXFIFO_FULL[0]{0}")
LATER: Final = (
    "AUTOBAUD:18 LOWPULSE:28=FFFFF HIGHPULSE:2C=FFFFF RXD_CNT:30 FLOW_CONF:34 SLEEP_CONF:38=F0 "
    "SWFC_CONF:3C IDLE_CONF:40 RS485_CONF:44 AT_CMD_PRECNT:48 AT_CMD_POSTCNT:4C "
    "AT_CMD_GAPTOUT:50 AT_CMD_CHAR:54 MEM_CONF:58=88 MEM_TX_STATUS:5C MEM_RX_STATUS:60 "
    "MEM_CNT_STATUS:64 POSPULSE:68 NEGPULSE:6C DATE:78=15122500 ID:7C=500")


@final
class Uart(Block):
    """One UART.

    rate: of its clock, divided by CLKDIV; port: the host's end; irq: its interrupt; tx: level of
    the pad, which rests at 1: single bits are not shown.
    fraction: whether the divider has sixteenths, as on the ESP32.
    """

    size = 0x80
    FIFO = Register(0x00, "DATA[7:0]=wo")
    INT_RAW = Register(0x04, INTERRUPTS.format("=ro"))
    INT_ST = Register(0x08, access="ro")
    INT_ENA = Register(0x0C, INTERRUPTS.format(""))
    INT_CLR = Register(0x10, INTERRUPTS.format("=wo"))
    CLKDIV = Register(0x14, "CLKDIV_FRAG[23:20] CLKDIV[19:0]", reset=0x2B6)
    STATUS = Register(0x1C, access="ro")
    CONF0 = Register(0x20, reset=0x1C)
    CONF1 = Register(0x24, reset=0x6060)
    registers = todos(LATER)
    steady = (STATUS,)

    def __init__(self, name: str, context: Context, rate: Rate, tx: Signal,
                 fraction: bool = True) -> None:
        super().__init__(name, context)
        self.rate, self.tx, self.fraction = rate, tx, fraction
        self.irq = Line(f"{name}_INTR")
        self.port = SerialPort(name, context.clock, context.trace)
        self.port.frame, self.port.receive = self.receiving, self.received
        self.port.room = lambda: len(self.incoming) < DEPTH
        self.outgoing: deque[int] = deque()
        self.incoming: deque[int] = deque()
        self.shifting: int | None = None
        self.sent: Alarm | None = None
        self.quiet: Alarm | None = None

    def bits(self, count: int) -> int | None:
        """Time of `count` bits in ns, None without a speed."""
        whole = self.CLKDIV & 0xFFFFF
        sixteenths = whole * 16 + (self.CLKDIV >> 20 & 15 if self.fraction else 0)
        if not whole or not self.rate.hz:
            return None
        return -(-count * sixteenths * SECOND // (16 * self.rate.hz))

    def frame(self) -> int | None:
        line = self.CONF0
        stop = 2 if line >> 4 & 3 > 1 else 1
        return self.bits(1 + 5 + (line >> 2 & 3) + bool(line & PARITY) + stop)

    def on_reset(self) -> None:
        for alarm in (self.sent, self.quiet):
            if alarm is not None:
                alarm.cancel()
        self.sent = self.quiet = self.shifting = None
        self.outgoing.clear()
        self.incoming.clear()
        self.INT_RAW = TX_EMPTY
        self.tx.drive(1)
        self.update()

    def on_enable(self) -> None:
        self.port.wake()

    def update(self) -> None:
        self.irq.set(bool(self.INT_RAW & self.INT_ENA))

    # Sending.

    def threshold(self) -> int:
        return self.CONF1 >> 8 & 0x7F

    def write_FIFO(self, written: int, before: int) -> None:
        if len(self.outgoing) >= DEPTH:
            return  # full: the byte is lost
        self.outgoing.append(written & 0xFF >> 3 - (self.CONF0 >> 2 & 3))
        self.send()
        self.filled()

    def filled(self) -> None:
        """Fill levels make the two interrupts that last as long as they do."""
        raw = self.INT_RAW & ~(TX_EMPTY | RX_FULL)
        if len(self.outgoing) < max(self.threshold(), 1):
            raw |= TX_EMPTY
        if len(self.incoming) >= max(self.CONF1 & 0x7F, 1):
            raw |= RX_FULL
        self.INT_RAW = raw
        self.update()

    def send(self) -> None:
        """Moves a byte to the shift register if that is free."""
        if self.shifting is not None or not self.outgoing:
            return
        frame = self.frame()
        if frame is None:
            return
        self.shifting = self.outgoing.popleft()
        self.sent = self.clock.after(frame, self.frame_sent)

    def frame_sent(self) -> None:
        byte, self.shifting, self.sent = self.shifting, None, None
        self.send()
        if byte is not None:
            if self.CONF0 & LOOPBACK:
                self.received(byte)
            else:
                self.port.transmitted(byte)
        if self.shifting is None:
            self.INT_RAW |= TX_DONE
        self.filled()

    # Receiving.

    def receiving(self) -> int | None:
        return self.frame() if self.enabled and not self.CONF0 & LOOPBACK else None

    def received(self, byte: int) -> None:
        if len(self.incoming) >= DEPTH:
            self.INT_RAW |= OVERRUN
        else:
            self.incoming.append(byte)
        if self.quiet is not None:
            self.quiet.cancel()
            self.quiet = None
        if self.CONF1 & TIMEOUT_ENABLE:
            # The threshold is in the times of a byte on the ESP32's reference of 8 bits.
            silence = self.bits(8 * max(self.CONF1 >> 24 & 0x7F, 1))
            if silence is not None:
                self.quiet = self.clock.after(silence, self.silence)
        self.filled()

    def silence(self) -> None:
        self.quiet = None
        if self.incoming:
            self.INT_RAW |= RX_TIMEOUT
            self.update()

    def read_FIFO(self) -> int:
        value = self.incoming.popleft() if self.incoming else 0
        self.filled()
        self.port.wake()
        return value

    def read_STATUS(self) -> int:
        return len(self.outgoing) << 16 | 1 << 15 | len(self.incoming) | (
            2 << 24 if self.shifting is not None else 0) | 1 << 31

    # Control.

    def write_CLKDIV(self, written: int, before: int) -> None:
        self.port.wake()
        self.send()

    def write_CONF0(self, written: int, before: int) -> None:
        if written & RX_RESET:
            self.incoming.clear()
        if written & TX_RESET:
            self.outgoing.clear()
        self.filled()
        self.port.wake()

    def write_CONF1(self, written: int, before: int) -> None:
        self.filled()

    def write_INT_ENA(self, written: int, before: int) -> None:
        self.update()

    def read_INT_ST(self) -> int:
        return self.INT_RAW & self.INT_ENA

    def write_INT_CLR(self, written: int, before: int) -> None:
        self.INT_RAW &= ~written
        self.filled()
