"""SPI of STM32F4 (RM0090, chapter 28): master in whole frames, slave bit by bit.

A master reaches the devices that are wired to its pads, see `wiring`; a slave follows its pads;
`i2s` has the mode for sound.  CRC is not modelled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.spi_target import TargetWire
from mpy_cross.emulator.blocks.stm32.dma import Request
from mpy_cross.emulator.blocks.stm32.i2s import RECEIVE, SEND, I2s
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line, Signal
from mpy_cross.emulator.register import Register

TXE, RXNE, OVR, MODF, BSY = 2, 1, 64, 32, 128
Exchange = Callable[[int, int], int]
"""A frame each way: value and number of bits, the first bit is the highest."""


def reversed_bits(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


@final
class Spi(Block):
    """One SPI. exchange: what is on the other side; rx, tx: its requests for DMA; sound_clock: Hz
    of the clock for I2S; wire: its pads, when it is a slave."""

    CR1 = Register(0x00, "BIDIMODE[15] BIDIOE[14] CRCEN[13] CRCNEXT[12] DFF[11] RXONLY[10] SSM[9] "
                         "SSI[8] LSBFIRST[7] SPE[6] BR[5:3] MSTR[2] CPOL[1] CPHA[0]")
    CR2 = Register(0x04, "TXEIE[7] RXNEIE[6] ERRIE[5] FRF[4] SSOE[2] TXDMAEN[1] RXDMAEN[0]")
    SR = Register(0x08, "FRE[8]=ro BSY[7]=ro OVR[6]=ro MODF[5]=ro CRCERR[4]=w0c UDR[3]=ro "
                        "CHSIDE[2]=ro TXE[1]=ro RXNE[0]=ro", reset=2)
    DR = Register(0x0C, "DR[15:0]=ro")
    CRCPR = Register(0x10, width=16, reset=7)
    RXCRCR = Register(0x14, access="ro", width=16)
    TXCRCR = Register(0x18, access="ro", width=16)
    I2SCFGR = Register(0x1C, "I2SMOD[11] I2SE[10] I2SCFG[9:8] PCMSYNC[7] I2SSTD[5:4] CKPOL[3] "
                             "DATLEN[2:1] CHLEN[0]")
    I2SPR = Register(0x20, "MCKOE[9] ODD[8] I2SDIV[7:0]", reset=2)
    steady = (SR,)

    def __init__(self, name: str, context: Context, rate: Rate, exchange: Exchange,
                 rx: Request, tx: Request, sound_clock: Callable[[], int],
                 signal: Callable[[str], Signal]) -> None:
        super().__init__(name, context)
        self.i2s = I2s(self, sound_clock)
        self.wire = TargetWire(self, *(signal(f"{name}_{each}")
                                       for each in ("SCK", "NSS", "MOSI", "MISO")))
        self.rate, self.exchange, self.rx, self.tx = rate, exchange, rx, tx
        self.irq = Line(name)
        self.shifting: int | None = None
        self.waiting: int | None = None
        self.over: Alarm | None = None
        self.data_read = False  # the data register was read while OVR was set

    @property
    def sounds(self) -> bool:
        """Is it in I2S mode, and on?"""
        need = Spi.I2SCFGR["I2SMOD"] | Spi.I2SCFGR["I2SE"]
        return self.I2SCFGR & need == need

    @property
    def bits(self) -> int:
        return 16 if self.CR1 & Spi.CR1["DFF"] else 8

    @property
    def on(self) -> bool:
        need = Spi.CR1["SPE"] | Spi.CR1["MSTR"]
        return self.enabled and self.CR1 & need == need

    def receives_only(self) -> bool:
        control = self.CR1
        if control & Spi.CR1["BIDIMODE"]:
            return not control & Spi.CR1["BIDIOE"]
        return bool(control & Spi.CR1["RXONLY"])

    def sends_only(self) -> bool:
        need = Spi.CR1["BIDIMODE"] | Spi.CR1["BIDIOE"]
        return self.CR1 & need == need

    def update(self) -> None:
        status, control = self.SR, self.CR2
        pending = ((status & RXNE and control & 0x40) or (status & TXE and control & 0x80)
                   or (status & (OVR | MODF | 0x10) and control & 0x20))
        self.irq.set(bool(pending) and self.enabled)
        on = self.enabled and bool(self.CR1 & Spi.CR1["SPE"] or self.sounds)
        self.rx.set(on and bool(status & RXNE) and bool(control & 1))
        self.tx.set(on and bool(self.SR & TXE) and bool(self.CR2 & 2))

    def on_reset(self) -> None:
        if self.over is not None:
            self.over.cancel()
        self.over = self.shifting = self.waiting = None
        self.data_read = False
        self.i2s.stop()
        self.listen()
        self.update()

    # As a slave.

    def listen(self) -> None:
        need = Spi.CR1["SPE"] | Spi.CR1["MSTR"]
        self.wire.listen(self.enabled and self.CR1 & need == Spi.CR1["SPE"]
                         and not self.I2SCFGR & Spi.I2SCFGR["I2SMOD"])

    def target_mode(self) -> tuple[int, int, int, bool]:
        control = self.CR1
        return self.bits, control >> 1 & 1, control & 1, bool(control & Spi.CR1["LSBFIRST"])

    def target_selected(self, pad: int) -> bool:
        if self.CR1 & Spi.CR1["SSM"]:
            return not self.CR1 & Spi.CR1["SSI"]
        return not pad

    def target_gives(self) -> int | None:
        value, self.waiting = self.waiting, None
        self.SR |= TXE
        self.update()
        return value

    def target_takes(self, value: int) -> None:
        if self.SR & RXNE:
            self.SR |= OVR
        else:
            self.DR = value
            self.SR |= RXNE
        self.update()

    def shift(self, value: int) -> None:
        self.shifting = value
        self.SR |= BSY | TXE
        if self.rate.hz:
            cycles = self.bits << (self.CR1 >> 3 & 7) + 1
            self.over = self.clock.after(-(-cycles * SECOND // self.rate.hz), self.frame_over)

    def frame_over(self) -> None:
        value, self.shifting, self.over = self.shifting or 0, None, None
        bits = self.bits
        if self.CR1 & Spi.CR1["LSBFIRST"]:
            received = reversed_bits(self.exchange(reversed_bits(value, bits), bits), bits)
        else:
            received = self.exchange(value, bits)
        if not self.sends_only():
            if self.SR & RXNE:
                self.SR |= OVR
            else:
                self.DR = received
                self.SR |= RXNE
        self.SR &= ~BSY
        if self.waiting is not None:
            value, self.waiting = self.waiting, None
            self.shift(value)
        elif self.on and self.receives_only():
            self.shift(0)
        self.update()

    def write_DR(self, written: int, before: int) -> None:
        if self.sounds:
            self.waiting = written & 0xFFFF
            self.SR &= ~TXE
            self.update()
            return
        value = written & (0xFFFF if self.CR1 & Spi.CR1["DFF"] else 0xFF)
        if not self.on:
            self.waiting = value
            self.SR &= ~TXE
            self.wire.refill()
        elif self.shifting is None:
            self.shift(value)
        else:
            self.waiting = value
            self.SR &= ~TXE
        self.update()

    def read_DR(self) -> int:
        value = self.DR
        self.SR &= ~RXNE
        self.data_read = bool(self.SR & OVR)
        self.update()
        return value

    def read_SR(self) -> int:
        value = self.SR
        if self.data_read:
            self.SR &= ~OVR
            self.data_read = False
        return value

    def write_SR(self, written: int, before: int) -> None:
        self.update()

    def write_CR1(self, written: int, before: int) -> None:
        if self.CR1 & (Spi.CR1["CRCEN"] | Spi.CR1["CRCNEXT"]):
            self.context.unmodelled(f"{self.name}.CR1 CRC", "write")
        self.listen()
        if self.on and self.shifting is None:
            if self.waiting is not None:
                value, self.waiting = self.waiting, None
                self.shift(value)
            elif self.receives_only():
                self.shift(0)
        self.update()

    def write_CR2(self, written: int, before: int) -> None:
        self.update()

    def write_I2SCFGR(self, written: int, before: int) -> None:
        if self.sounds:
            if self.I2SCFGR >> 8 & 3 in (SEND, RECEIVE):
                self.i2s.start()
            else:
                self.context.unmodelled(f"{self.name}.I2SCFGR slave mode", "write")
        else:
            self.i2s.stop()
        self.update()

    def by_dma(self) -> bool:
        """For I2S: does DMA move the data?"""
        request = self.tx if self.i2s.sends else self.rx
        return bool(self.CR2 & 3) and bool(request.left())

    def i2s_moved(self) -> None:
        """For I2S: a half-word has gone, or come."""
        if self.i2s.sends:
            value, self.waiting = self.waiting, None
            self.i2s.play(value or 0)
            self.SR |= TXE
        elif self.SR & RXNE:
            self.SR |= OVR
        else:
            self.DR = self.i2s.hear()
            self.SR |= RXNE
        self.update()
