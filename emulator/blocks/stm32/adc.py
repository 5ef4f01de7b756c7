"""Analog-to-digital converters of STM32F4 (RM0090, chapter 13): regular and injected sequences,
started by software or by a timer, single or continuous, with interrupts and DMA.

The multi-converter modes are not modelled, nor the delays between conversions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.stm32.dma import Request
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Bank, Register
from mpy_cross.emulator.wiring import SUPPLY

AWD, EOC, JEOC, JSTRT, STRT, OVR = 1, 2, 4, 8, 16, 32
SAMPLING: Final = (3, 15, 28, 56, 84, 112, 144, 480)  # cycles, by SMPR
BITS: Final = (12, 10, 8, 6)  # by RES
REFERENCE: Final = 1.21  # volts of VREFINT (datasheet DS8626, table 73)
# The temperature sensor: volts at 25 degrees, and per degree (table 69).
TEMPERATURE_25, SLOPE = 0.76, 0.0025
# By EXTSEL: the timer whose update starts a sequence; other events are not modelled.
TRIGGERS: Final = {6: "TIM2", 8: "TIM3"}


def sensor(celsius: float) -> float:
    """Volts of the temperature sensor."""
    return TEMPERATURE_25 + SLOPE * (celsius - 25)


def raw(volts: float) -> int:
    """What a converter of 12 bits reads."""
    return min(max(int(volts / SUPPLY * 4095 + 0.5), 0), 4095)


@final
class AdcCommon(Block):
    """What the converters share: prescaler, and the switches of the inner channels."""

    size = 0x100
    CSR = Register(0x00, access="ro")
    CCR = Register(0x04, "TSVREFE[23] VBATE[22] ADCPRE[17:16] DMA[15:14] DDS[13] DELAY[11:8] "
                         "MULTI[4:0]")
    CDR = Register(0x08, access="ro")

    def __init__(self, name: str, context: Context) -> None:
        super().__init__(name, context)
        self.converters: list[Adc] = []

    def read_CSR(self) -> int:
        return sum((each.SR & 0x3F) << 8 * n for n, each in enumerate(self.converters))

    def write_CCR(self, written: int, before: int) -> None:
        if self.CCR & AdcCommon.CCR["MULTI"]:
            self.context.unmodelled(f"{self.name}.CCR multi mode", "write")


@final
class Adc(Block):
    """One converter. volts: asked for the voltage of a channel; irq: its interrupt."""

    size = 0x100
    SR = Register(0x00, "OVR[5]=w0c STRT[4]=w0c JSTRT[3]=w0c JEOC[2]=w0c EOC[1]=w0c AWD[0]=w0c")
    CR1 = Register(0x04, "OVRIE[26] RES[25:24] AWDEN[23] JAWDEN[22] DISCNUM[15:13] JDISCEN[12] "
                         "DISCEN[11] JAUTO[10] AWDSGL[9] SCAN[8] JEOCIE[7] AWDIE[6] EOCIE[5] "
                         "AWDCH[4:0]")
    CR2 = Register(0x08, "SWSTART[30]=sc EXTEN[29:28] EXTSEL[27:24] JSWSTART[22]=sc JEXTEN[21:20] "
                         "JEXTSEL[19:16] ALIGN[11] EOCS[10] DDS[9] DMA[8] CONT[1] ADON[0]")
    SMPR1 = Register(0x0C)
    SMPR2 = Register(0x10)
    JOFR = Bank(0x14, "JOFR{}", 4, first=1, width=16)
    HTR = Register(0x24, width=16, reset=0xFFF)
    LTR = Register(0x28, width=16)
    SQR1 = Register(0x2C)
    SQR2 = Register(0x30)
    SQR3 = Register(0x34)
    JSQR = Register(0x38)
    JDR = Bank(0x3C, "JDR{}", 4, first=1, access="ro")
    DR = Register(0x4C, "DATA[15:0]=ro")
    steady = (SR,)

    def __init__(self, name: str, context: Context, rate: Rate, common: AdcCommon,
                 volts: Callable[[int], float], request: Request) -> None:
        super().__init__(name, context)
        self.rate, self.common, self.volts, self.request = rate, common, volts, request
        self.irq = Line(name)
        self.at = 0  # position in the sequence
        self.over: Alarm | None = None
        self.listen: Callable[[str | None], None] = lambda timer: None
        common.converters.append(self)

    def update(self) -> None:
        status, control = self.SR, self.CR1
        pending = ((status & EOC and control & 0x20) or (status & JEOC and control & 0x80)
                   or (status & AWD and control & 0x40) or (status & OVR and control >> 26 & 1))
        self.irq.set(bool(pending) and self.enabled)

    def on_reset(self) -> None:
        if self.over is not None:
            self.over.cancel()
            self.over = None
        self.at = 0
        self.request.set(False)
        self.update()

    def channel(self, at: int) -> int:
        """The channel at a position of the regular sequence."""
        register = (self.SQR3, self.SQR2, self.SQR1)[at // 6]
        return register >> 5 * (at % 6) & 31

    def cycles(self, channel: int) -> int:
        code = self.SMPR2 >> 3 * channel if channel < 10 else self.SMPR1 >> 3 * (channel - 10)
        return SAMPLING[code & 7] + BITS[self.CR1 >> 24 & 3]

    def time(self, channel: int) -> int:
        """ns of a conversion."""
        divider = 2 * (self.common.CCR >> 16 & 3) + 2
        return -(-self.cycles(channel) * divider * SECOND // (self.rate.hz or 1))

    def sample(self, channel: int) -> int:
        """What is read, by the resolution and the alignment."""
        resolution = self.CR1 >> 24 & 3
        value = raw(self.volts(channel)) >> 2 * resolution
        if self.CR2 & Adc.CR2["ALIGN"]:
            return value << (4 if resolution < 3 else 2)
        return value

    def begin(self) -> None:
        """Starts the regular sequence, unless it runs."""
        if self.over is None and self.CR2 & 1 and self.enabled:
            self.SR |= STRT
            self.at = 0
            self.next()

    def next(self) -> None:
        channel = self.channel(self.at)
        self.over = self.clock.after(self.time(channel), self.converted)

    def converted(self) -> None:
        self.over = None
        channel = self.channel(self.at)
        if self.SR & EOC and self.CR2 & (Adc.CR2["DMA"] | Adc.CR2["EOCS"]):
            self.SR |= OVR
        self.DR = self.sample(channel)
        single = self.CR1 & Adc.CR1["AWDSGL"]
        if self.CR1 & Adc.CR1["AWDEN"] and (not single or channel == self.CR1 & 31) \
                and not self.LTR <= self.DR <= self.HTR:
            self.SR |= AWD
        scans = self.CR1 & Adc.CR1["SCAN"]
        last = self.at >= (self.SQR1 >> 20 & 15) or not scans
        if last or self.CR2 & Adc.CR2["EOCS"]:
            self.SR |= EOC
        if self.CR2 & Adc.CR2["DMA"]:
            self.request.once()
        self.at = 0 if last else self.at + 1
        if self.CR2 & 1 and (not last or self.CR2 & Adc.CR2["CONT"]):
            self.next()
        self.update()

    def inject(self) -> None:
        """The injected sequence, all at once."""
        count = (self.JSQR >> 20 & 3) + 1
        for n in range(count):
            channel = self.JSQR >> 5 * (4 - count + n) & 31
            self.JDR[n] = self.sample(channel) - (self.JOFR[n] & 0xFFF) & 0xFFFF
        self.SR |= JSTRT | JEOC

    def triggered(self) -> None:
        """The timer that is selected had an update."""
        self.begin()

    def write_CR2(self, written: int, before: int) -> None:
        if self.CR2 & 1:
            if written & Adc.CR2["SWSTART"]:
                self.begin()
            if written & Adc.CR2["JSWSTART"]:
                self.inject()
        elif self.over is not None:
            self.over.cancel()
            self.over = None
        wanted = self.CR2 >> 28 & 3 and self.CR2 & 1
        source = TRIGGERS.get(self.CR2 >> 24 & 15) if wanted else None
        if wanted and source is None:
            self.context.unmodelled(f"{self.name}.CR2 trigger {self.CR2 >> 24 & 15}", "write")
        self.listen(source)
        self.update()

    def write_CR1(self, written: int, before: int) -> None:
        self.update()

    def write_SR(self, written: int, before: int) -> None:
        self.update()

    def read_DR(self) -> int:
        self.SR &= ~EOC
        self.update()
        return self.DR
