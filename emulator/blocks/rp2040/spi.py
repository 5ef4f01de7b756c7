"""SPI of RP2040, an Arm PL022 (RP2040 datasheet, 4.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.rp2040.dma import Request
from mpy_cross.emulator.blocks.spi_target import TargetWire
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Register

DEPTH: Final = 8
LBM, SSE, MS = 1, 2, 4
OVERRUN, TIMEOUT, RX, TX = 1, 2, 4, 8
IDENTITY: Final = (0x22, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1)


@final
class Spi(Block):
    """A master, or a slave that nobody clocks.

    exchange: sends a frame of so many bits to what is wired there and gives what came back.
    The clock pad rests at its level: single bits are not shown.  requests: for sending, receiving.
    """

    replicate = True
    size = 0x1000
    CR0 = Register(0x00, "SCR[15:8] SPH[7] SPO[6] FRF[5:4] DSS[3:0]", name="SSPCR0")
    CR1 = Register(0x04, "SOD[3] MS[2] SSE[1] LBM[0]", name="SSPCR1")
    DR = Register(0x08, "DATA[15:0]=wo", name="SSPDR")
    SR = Register(0x0C, access="ro", reset=3, name="SSPSR")
    CPSR = Register(0x10, "CPSDVSR[7:0]", name="SSPCPSR")
    IMSC = Register(0x14, "TXIM[3] RXIM[2] RTIM[1] RORIM[0]", name="SSPIMSC")
    RIS = Register(0x18, access="ro", reset=8, name="SSPRIS")
    MIS = Register(0x1C, access="ro", name="SSPMIS")
    ICR = Register(0x20, "RTIC[1]=wo RORIC[0]=wo", name="SSPICR")
    DMACR = Register(0x24, "TXDMAE[1] RXDMAE[0]", name="SSPDMACR")
    registers = tuple(
        Register(0xFE0 + 4 * n, access="ro", reset=value, width=8,
                 name=f"SSPPERIPHID{n}" if n < 4 else f"SSPPCELLID{n - 4}")
        for n, value in enumerate(IDENTITY))

    def __init__(self, name: str, context: Context, rate: Rate,
                 signal: Callable[[str], Signal]) -> None:
        super().__init__(name, context)
        self.rate = rate
        self.sck, self.select, data, out = (
            signal(f"{name}_{each}") for each in ("SCK", "CSn", "RX", "TX"))
        self.wire = TargetWire(self, self.sck, self.select, data, out)
        self.exchange: Callable[[int, int], int] = lambda value, bits: (1 << bits) - 1
        self.irq = Line(f"{name}_IRQ")
        self.requests = Request(), Request()
        self.outgoing: deque[int] = deque()
        self.incoming: deque[int] = deque()
        self.sent: Alarm | None = None
        self.shifting = 0
        self.flags = 0  # OVERRUN and TIMEOUT
        self.asked = False  # the last access was one to SR

    def on_reset(self) -> None:
        if self.sent is not None:
            self.sent.cancel()
            self.sent = None
        self.outgoing.clear()
        self.incoming.clear()
        self.flags = 0
        self.idle()
        self.listen()
        self.update()

    def idle(self) -> None:
        """The levels of the pads between frames."""
        on = bool(self.CR1 & SSE) and not self.CR1 & MS
        self.sck.drive(self.CR0 >> 6 & 1 if on else None)
        self.select.drive((0 if self.sent is not None else 1) if on else None)

    def bits(self) -> int:
        return (self.CR0 & 15) + 1

    def frame(self) -> int | None:
        """Time of a frame in ns."""
        divider = (self.CPSR & 0xFE) * ((self.CR0 >> 8 & 0xFF) + 1)
        if not divider or not self.rate.hz:
            return None
        return -(-self.bits() * divider * SECOND // self.rate.hz)

    def raw(self) -> int:
        return (self.flags | (len(self.incoming) >= DEPTH // 2) << 2
                | (len(self.outgoing) <= DEPTH // 2) << 3)

    def update(self) -> None:
        self.irq.set(bool(self.raw() & self.IMSC))
        dma = self.DMACR
        self.requests[1].set(bool(dma & 1 and self.incoming))
        self.requests[0].set(bool(dma & 2 and self.enabled and len(self.outgoing) < DEPTH))

    def send(self) -> None:
        if self.sent is not None or not self.outgoing or self.CR1 & (SSE | MS) != SSE:
            return
        frame = self.frame()
        if frame is not None:
            self.shifting = self.outgoing.popleft()
            self.sent = self.clock.after(frame, self.frame_over)
            self.select.drive(0)

    def frame_over(self) -> None:
        value, bits = self.shifting, self.bits()
        self.sent = None
        mask = (1 << bits) - 1
        answer = value if self.CR1 & LBM else self.exchange(value & mask, bits) & mask
        if len(self.incoming) < DEPTH:
            self.incoming.append(answer)
        else:
            self.flags |= OVERRUN
        self.send()
        if self.sent is None:
            self.idle()
            if self.incoming:
                self.flags |= TIMEOUT
        self.update()

    def write_DR(self, written: int, before: int) -> None:
        self.asked = False
        if len(self.outgoing) < DEPTH:
            self.outgoing.append(written & 0xFFFF)
        self.wire.refill()
        self.send()
        self.update()

    def read_DR(self) -> int:
        self.asked = False
        value = self.incoming.popleft() if self.incoming else 0
        if not self.incoming:
            self.flags &= ~TIMEOUT
        self.update()
        return value

    def read_SR(self) -> int:
        if self.sent is not None and self.asked:
            # A program that waits for room, an answer or the end is held up until a frame is over.
            self.clock.advance_to(self.sent.when)
        self.asked = True
        busy = self.sent is not None or bool(self.outgoing)
        return (busy << 4 | (len(self.incoming) >= DEPTH) << 3 | bool(self.incoming) << 2
                | (len(self.outgoing) < DEPTH) << 1 | (not self.outgoing))

    def write_CR0(self, written: int, before: int) -> None:
        self.idle()
        self.listen()

    # As a slave.

    def listen(self) -> None:
        self.wire.listen(self.CR1 & (MS | SSE) == MS | SSE)

    def target_mode(self) -> tuple[int, int, int, bool]:
        return self.bits(), self.CR0 >> 6 & 1, self.CR0 >> 7 & 1, False

    def target_selected(self, pad: int) -> bool:
        return not pad

    def target_gives(self) -> int | None:
        value = self.outgoing.popleft() if self.outgoing else None
        self.update()
        return value

    def target_takes(self, value: int) -> None:
        if len(self.incoming) < DEPTH:
            self.incoming.append(value)
            self.flags |= TIMEOUT
        else:
            self.flags |= OVERRUN
        self.update()

    def write_CR1(self, written: int, before: int) -> None:
        self.idle()
        self.listen()
        self.send()
        self.update()

    def write_CPSR(self, written: int, before: int) -> None:
        self.send()

    def read_RIS(self) -> int:
        return self.raw()

    def read_MIS(self) -> int:
        return self.raw() & self.IMSC

    def write_IMSC(self, written: int, before: int) -> None:
        self.update()

    def write_ICR(self, written: int, before: int) -> None:
        self.flags &= ~written
        self.update()

    def write_DMACR(self, written: int, before: int) -> None:
        self.update()
