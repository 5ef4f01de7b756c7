"""The converter of RP2040: four pads and a temperature sensor, 12 bits (datasheet, 4.9)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.rp2040.dma import Request
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Register

CHANNELS: Final = 5
SENSOR: Final = 4
CYCLES: Final = 96  # of the converter's clock for a conversion
DEPTH: Final = 4

CS_EN, TS_EN, START_ONCE, START_MANY, READY = 1, 2, 4, 8, 1 << 8
FCS_EN, SHIFT, DREQ_EN = 1, 2, 8


@final
class Adc(Block):
    """sample: gives what a channel reads now, 0 to 4095; ask for channel 4 only while its sensor
    is on.  request: of the DMA."""

    replicate = True
    size = 0x1000
    CS = Register(0x00, "RROBIN[20:16] AINSEL[14:12] ERR_STICKY[10]=w1c ERR[9]=ro READY[8]=ro "
                        "START_MANY[3] START_ONCE[2]=sc TS_EN[1] EN[0]")
    RESULT = Register(0x04, access="ro")
    FCS = Register(0x08, "THRESH[27:24] LEVEL[19:16]=ro OVER[11]=w1c UNDER[10]=w1c FULL[9]=ro "
                         "EMPTY[8]=ro DREQ_EN[3] ERR[2] SHIFT[1] EN[0]")
    FIFO = Register(0x0C, access="ro")
    DIV = Register(0x10, "INT[23:8] FRAC[7:0]")
    INTR = Register(0x14, access="ro")
    INTE = Register(0x18, "FIFO[0]")
    INTF = Register(0x1C, "FIFO[0]")
    INTS = Register(0x20, access="ro")

    def __init__(self, context: Context, rate: Rate) -> None:
        super().__init__("ADC", context)
        self.rate = rate
        self.sample: Callable[[int], int] = lambda channel: 0
        self.irq = Line("ADC_IRQ_FIFO")
        self.request = Request()
        self.fifo: deque[int] = deque()
        self.alarm: Alarm | None = None
        self.converting = False
        self.ready_at = 0
        self.began = 0

    def on_reset(self) -> None:
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        self.converting = False
        self.fifo.clear()
        self.ready_at = 0
        self.update()

    def update(self) -> None:
        threshold = self.FCS >> 24 & 15
        self.INTR = int(bool(self.FCS & FCS_EN) and len(self.fifo) >= max(threshold, 1))
        self.irq.set(bool(self.read_INTS()))
        self.request.set(bool(self.INTR and self.FCS & DREQ_EN))

    def time(self, cycles: float) -> int | None:
        hz = self.rate.hz
        return None if not hz else int(-(-cycles * SECOND // hz))

    def begin(self) -> None:
        """Starts a conversion."""
        if self.converting or not self.CS & CS_EN:
            return
        time = self.time(CYCLES)
        if time is not None:
            self.converting = True
            self.began = self.clock.now
            self.alarm = self.clock.after(time, self.over)

    def over(self) -> None:
        """A conversion is over."""
        self.converting, self.alarm = False, None
        channel = self.CS >> 12 & 7
        value = 0
        if channel < SENSOR or (channel == SENSOR and self.CS & TS_EN):
            value = self.sample(channel)
        self.RESULT = value
        if self.FCS & FCS_EN:
            if len(self.fifo) >= DEPTH:
                self.FCS |= Adc.FCS["OVER"]
            else:
                self.fifo.append(value >> 4 if self.FCS & SHIFT else value)
        robin = self.CS >> 16 & 31
        if robin:
            channel = next(n % CHANNELS for n in range(channel + 1, channel + 1 + CHANNELS)
                           if robin >> n % CHANNELS & 1)
            self.CS = self.CS & ~0x7000 | channel << 12
        self.update()
        if self.CS & START_MANY and not self.converting:
            self.again()

    def again(self) -> None:
        """Plans the next conversion of a free-running converter."""
        period = (self.DIV + 256) / 256
        if period <= CYCLES:
            self.begin()
            return
        time = self.time(period)
        if time is not None:
            self.alarm = self.clock.at(self.began + time, self.begin)

    def read_CS(self) -> int:
        ready = bool(self.CS & CS_EN) and not self.converting
        if self.converting and self.alarm is not None and not self.CS & START_MANY:
            # Programs wait for this bit: the access is held up until the conversion is over.
            self.clock.advance_to(self.alarm.when)
            ready = True
        return self.CS & ~READY | ready << 8

    def write_CS(self, written: int, before: int) -> None:
        if not self.CS & CS_EN:
            if self.alarm is not None:
                self.alarm.cancel()
                self.alarm = None
            self.converting = False
            return
        if written & START_ONCE or (self.CS & START_MANY and self.alarm is None):
            self.begin()

    def read_FCS(self) -> int:
        level = len(self.fifo)
        return self.FCS | level << 16 | (level >= DEPTH) << 9 | (not level) << 8

    def write_FCS(self, written: int, before: int) -> None:
        self.update()

    def read_FIFO(self) -> int:
        if not self.fifo:
            self.FCS |= Adc.FCS["UNDER"]
            return 0
        value = self.fifo.popleft()
        self.update()
        return value

    def write_INTE(self, written: int, before: int) -> None:
        self.update()

    def write_INTF(self, written: int, before: int) -> None:
        self.update()

    def read_INTS(self) -> int:
        return self.INTR & self.INTE | self.INTF
