"""DMA controller of STM32F4 (RM0090, chapter 10): eight streams with eight channels each.

Items are moved at once when a request is there.  Bursts and the FIFO's threshold make no difference
to what arrives; packing and unpacking of different sizes is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.bus import Bus, BusFault
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register

STREAMS: Final = 8
EN, DMEIE, TEIE, HTIE, TCIE, PFCTRL = 1, 2, 4, 8, 16, 32
CIRC, PINC, MINC, DBM, CT = 1 << 8, 1 << 9, 1 << 10, 1 << 18, 1 << 19
PERIPHERAL_TO_MEMORY, MEMORY_TO_PERIPHERAL, MEMORY_TO_MEMORY = 0, 1, 2
# Flags of a stream in LISR and HISR, and their enables in its CR.
FEIF, DMEIF, TEIF, HTIF, TCIF = 1, 4, 8, 16, 32
# Position of the flags of a stream in its register.
SHIFTS: Final = (0, 6, 16, 22)
_FLAGS: Final = "S3[27:22]=ro S2[21:16]=ro S1[11:6]=ro S0[5:0]=ro"
_CR: Final = ("CHSEL[27:25] MBURST[24:23] PBURST[22:21] CT[19] DBM[18] PL[17:16] PINCOS[15] "
              "MSIZE[14:13] PSIZE[12:11] MINC[10] PINC[9] CIRC[8] DIR[7:6] PFCTRL[5] TCIE[4] "
              "HTIE[3] TEIE[2] DMEIE[1] EN[0]")


@final
class Request:
    """A peripheral's wish for transfers. level: as long as it is True another item is moved.

    joined: what asks together with it, where a stream listens to several events of a timer.
    """

    __slots__ = ("joined", "level", "name", "streams")

    def __init__(self, name: str) -> None:
        self.name = name
        self.level = False
        self.streams: list[Stream] = []
        self.joined: list[Request] = []

    def set(self, level: bool) -> None:
        if level != self.level:
            self.level = level
            if level:
                for stream in self.streams:
                    stream.serve()

    def once(self) -> None:
        """One item."""
        for stream in self.streams:
            stream.serve(1)
        for other in self.joined:
            other.once()

    def last(self) -> None:
        """That was all: ends a stream whose length the peripheral decides."""
        for stream in self.streams:
            if stream.listening is self:
                stream.no_more()

    def left(self) -> int | None:
        """How many items the stream that listens still moves; None if none listens."""
        for stream in self.streams:
            if stream.listening is self:
                return stream.left
        return None


@final
class Stream:
    """One stream at work. listening: the request that it serves; left: items to move."""

    __slots__ = ("_busy", "dma", "left", "listening", "memory", "number", "peripheral",
                 "total")

    def __init__(self, dma: Dma, number: int) -> None:
        self.dma, self.number = dma, number
        self.listening: Request | None = None
        self.left = self.total = 0
        self.memory = self.peripheral = 0
        self._busy = False

    def start(self) -> None:
        dma, n = self.dma, self.number
        control = dma.CR[n]
        # Where the peripheral decides about the length, all items are left (10.3.15).
        self.left = self.total = 0xFFFF if control & PFCTRL else dma.NDTR[n] & 0xFFFF
        self.peripheral = dma.PAR[n]
        self.memory = dma.M1AR[n] if control & CT else dma.M0AR[n]
        if control >> 6 & 3 == MEMORY_TO_MEMORY:
            while dma.CR[n] & EN and self.left:
                self.item()
            return
        self.listening = dma.requests.get((n, control >> 25 & 7))
        if self.listening is None:
            dma.context.unmodelled(f"{dma.name} stream {n} channel {control >> 25 & 7}", "use")
        else:
            self.serve(0)

    def stop(self) -> None:
        self.listening = None

    def serve(self, once: int = 0) -> None:
        """Moves items while the request is there, or `once`."""
        request = self.listening
        if request is None or self._busy:
            return
        self._busy = True
        while (request.level or once) and self.listening is request:
            once = 0
            self.item()
        self._busy = False

    def no_more(self) -> None:
        """The peripheral has no more items."""
        control = self.dma.CR[self.number]
        if control & PFCTRL:
            self.end(control & ~(CIRC | DBM))

    def item(self) -> None:
        """One item of the peripheral's size."""
        dma, n = self.dma, self.number
        control = dma.CR[n]
        size, wide = 1 << (control >> 11 & 3), 1 << (control >> 13 & 3)
        direct = not dma.FCR[n] & 4
        if direct:
            wide = size
        try:
            if control >> 6 & 3 == MEMORY_TO_PERIPHERAL:
                value = 0
                for at in range(0, size, wide):
                    value |= dma.bus.read(self.memory, wide) << 8 * at
                    self.memory += wide if control & MINC and wide <= size else 0
                dma.bus.write(self.peripheral, size, value)
            else:
                value = dma.bus.read(self.peripheral, size)
                for at in range(0, size, wide):
                    dma.bus.write(self.memory, min(wide, size), value >> 8 * at)
                    self.memory += min(wide, size) if control & MINC else 0
        except BusFault:
            dma.CR[n] &= ~EN
            self.stop()
            dma.flag(n, TEIF)
            return
        if control & PINC:
            self.peripheral += size
        self.left -= 1
        if self.left == self.total >> 1 and self.total > 1:
            dma.flag(n, HTIF)
        if self.left <= 0:
            self.end(control)

    def end(self, control: int) -> None:
        dma, n = self.dma, self.number
        if control & (CIRC | DBM):
            self.left, self.peripheral = self.total, dma.PAR[n]
            if control & DBM:
                dma.CR[n] ^= CT
            self.memory = dma.M1AR[n] if dma.CR[n] & CT else dma.M0AR[n]
        else:
            dma.CR[n] &= ~EN
            self.stop()
        dma.flag(n, TCIF)


@final
class Dma(Block):
    """One controller.

    requests: by (stream, channel); irqs: one line per stream.
    """

    LISR = Register(0x00, _FLAGS)
    HISR = Register(0x04, _FLAGS)
    LIFCR = Register(0x08, access="wo")
    HIFCR = Register(0x0C, access="wo")
    CR = Bank(0x10, "S{}CR", STREAMS, _CR, stride=0x18)
    NDTR = Bank(0x14, "S{}NDTR", STREAMS, width=16, stride=0x18)
    PAR = Bank(0x18, "S{}PAR", STREAMS, stride=0x18)
    M0AR = Bank(0x1C, "S{}M0AR", STREAMS, stride=0x18)
    M1AR = Bank(0x20, "S{}M1AR", STREAMS, stride=0x18)
    FCR = Bank(0x24, "S{}FCR", STREAMS, "FEIE[7] FS[5:3]=ro DMDIS[2] FTH[1:0]", stride=0x18,
               reset=0x21)
    steady = (LISR, HISR)

    def __init__(self, name: str, context: Context, bus: Bus,
                 requests: Mapping[tuple[int, int], Request]) -> None:
        super().__init__(name, context)
        self.bus, self.requests = bus, requests
        self.irqs = [Line(f"{name}_S{n}") for n in range(STREAMS)]
        self.streams = [Stream(self, n) for n in range(STREAMS)]
        for (n, _), request in requests.items():
            if self.streams[n] not in request.streams:
                request.streams.append(self.streams[n])

    def flags(self, n: int) -> int:
        return (self.HISR if n > 3 else self.LISR) >> SHIFTS[n & 3] & 0x3F

    def flag(self, n: int, flag: int) -> None:
        if n > 3:
            self.HISR |= flag << SHIFTS[n & 3]
        else:
            self.LISR |= flag << SHIFTS[n & 3]
        self.update(n)

    def update(self, n: int) -> None:
        flags, control = self.flags(n), self.CR[n]
        # DMEIE, TEIE, HTIE, TCIE stand one place below their flags.
        pending = flags >> 1 & control & (DMEIE | TEIE | HTIE | TCIE)
        pending |= flags & FEIF and self.FCR[n] & 0x80
        self.irqs[n].set(bool(pending))

    def on_reset(self) -> None:
        for n, stream in enumerate(self.streams):
            stream.stop()
            stream.left = 0
            self.update(n)

    def clear(self, first: int, written: int) -> None:
        for n in range(first, first + 4):
            self.update(n)

    def write_LIFCR(self, written: int, before: int) -> None:
        self.LISR &= ~written
        self.clear(0, written)

    def write_HIFCR(self, written: int, before: int) -> None:
        self.HISR &= ~written
        self.clear(4, written)

    def write_CR(self, n: int, written: int, before: int) -> None:
        after = self.CR[n]
        if before & EN:
            # While a stream works, only this can be changed.
            after = before & ~(EN | 0x1E) | after & (EN | 0x1E)
            self.CR[n] = after
        if after & EN and not before & EN:
            self.streams[n].start()
        elif before & EN and not after & EN:
            self.streams[n].stop()
            self.flag(n, TCIF)  # what was under way is over
        self.update(n)

    def read_NDTR(self, n: int) -> int:
        """What is left, 0 after the end; a stream that begins again takes what was written."""
        return self.streams[n].left & 0xFFFF

    def write_NDTR(self, n: int, written: int, before: int) -> None:
        if self.CR[n] & EN:
            self.NDTR[n] = before
        else:
            self.streams[n].left = written & 0xFFFF


# Requests by stream (from 0) for each channel (RM0090, tables 42 and 43; RM0383, tables 27 and 28).
_DMA1: Final = """
SPI3_RX - SPI3_RX SPI2_RX SPI2_TX SPI3_TX - SPI3_TX
I2C1_RX - TIM7_UP - TIM7_UP I2C1_RX I2C1_TX I2C1_TX
TIM4_CH1 - I2S3ext_RX TIM4_CH2 I2S2ext_TX I2S3ext_TX TIM4_UP TIM4_CH3
I2S3ext_RX TIM2_UP/TIM2_CH3 I2C3_RX I2S2ext_RX I2C3_TX TIM2_CH1 TIM2_CH2 TIM2_UP/TIM2_CH4
UART5_RX USART3_RX UART4_RX USART3_TX UART4_TX USART2_RX USART2_TX UART5_TX
- - TIM3_CH4/TIM3_UP - TIM3_CH1 TIM3_CH2 - TIM3_CH3
TIM5_CH3/TIM5_UP TIM5_CH4 TIM5_CH1 TIM5_CH4 TIM5_CH2 - TIM5_UP -
- TIM6_UP I2C2_RX I2C2_RX USART3_TX DAC1 DAC2 I2C2_TX
"""
_DMA2: Final = """
ADC1 - TIM8_CH1/TIM8_CH2/TIM8_CH3 - ADC1 - TIM1_CH1/TIM1_CH2/TIM1_CH3 -
- DCMI ADC2 ADC2 - - - DCMI
ADC3 ADC3 - SPI5_RX SPI5_TX - - -
SPI1_RX - SPI1_RX SPI1_TX - SPI1_TX - -
SPI4_RX SPI4_TX USART1_RX SDIO - USART1_RX SDIO USART1_TX
- USART6_RX USART6_RX SPI4_RX SPI4_TX - USART6_TX USART6_TX
TIM1_TRIG TIM1_CH1 TIM1_CH2 TIM1_CH1 TIM1_CH4 TIM1_UP TIM1_CH3 -
- TIM8_UP TIM8_CH1 TIM8_CH2 TIM8_CH3 SPI5_RX SPI5_TX TIM8_CH4
"""


def joint(cell: str, find: Callable[[str], Request | None]) -> Request | None:
    """The request of a cell of the tables; one for all of them where there are several."""
    known = [request for request in map(find, cell.split("/")) if request is not None]
    if len(known) < 2:
        return known[0] if known else None
    made = Request(cell)
    for request in known:
        request.joined.append(made)
    return made


def requests(table: str, find: Callable[[str], Request | None]
             ) -> dict[tuple[int, int], Request]:
    """The requests of a controller by (stream, channel): those that `find` knows."""
    found = {}
    for channel, row in enumerate(table.split("\n")[1:-1]):
        for stream, name in enumerate(row.split()):
            request = joint(name, find)
            if request is not None:
                found[stream, channel] = request
    return found


TABLES: Final = {"DMA1": _DMA1, "DMA2": _DMA2}
