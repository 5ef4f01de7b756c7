"""Digital-to-analog converter of STM32F4 (RM0090, chapter 14): two channels, triggers, noise and
triangle generators, DMA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from mpy_cross.emulator.block import Block, Context
from mpy_cross.emulator.blocks.stm32.dma import Request
from mpy_cross.emulator.line import Line
from mpy_cross.emulator.register import Register

# By TSEL: the timer whose update converts; EXTI9 (6) is not modelled.
TRIGGERS: Final = ("TIM6", "TIM8", "TIM7", "TIM5", "TIM2", "TIM4")
SOFTWARE: Final = 7
EN, TEN, DMAEN, UDRIE = 1, 4, 1 << 12, 1 << 13


def _fields(n: int, at: int) -> str:
    """The fields of one channel."""
    return (f"DMAUDRIE{n}[{at + 13}] DMAEN{n}[{at + 12}] MAMP{n}[{at + 11}:{at + 8}] "
            f"WAVE{n}[{at + 7}:{at + 6}] TSEL{n}[{at + 5}:{at + 3}] TEN{n}[{at + 2}] "
            f"BOFF{n}[{at + 1}] EN{n}[{at}]")


@final
class Dac(Block):
    """The converter.

    output: called with the channel (0 or 1) and its code of 12 bits, or None while it is off;
    listen: called with channel and timer, for updates of that timer, or None for no timer;
    requests: one for each channel.
    """

    CR = Register(0x00, f"{_fields(2, 16)} {_fields(1, 0)}")
    SWTRIGR = Register(0x04, access="wo")
    DHR12R1 = Register(0x08, "DATA[11:0]")
    DHR12L1 = Register(0x0C, "DATA[15:4]")
    DHR8R1 = Register(0x10, "DATA[7:0]")
    DHR12R2 = Register(0x14, "DATA[11:0]")
    DHR12L2 = Register(0x18, "DATA[15:4]")
    DHR8R2 = Register(0x1C, "DATA[7:0]")
    DHR12RD = Register(0x20, "DATA2[27:16] DATA1[11:0]")
    DHR12LD = Register(0x24, "DATA2[31:20] DATA1[15:4]")
    DHR8RD = Register(0x28, "DATA2[15:8] DATA1[7:0]")
    DOR1 = Register(0x2C, access="ro", width=16)
    DOR2 = Register(0x30, access="ro", width=16)
    SR = Register(0x34, "DMAUDR2[29]=w1c DMAUDR1[13]=w1c")

    def __init__(self, name: str, context: Context, requests: tuple[Request, Request]) -> None:
        super().__init__(name, context)
        self.requests = requests
        self.output: Callable[[int, int | None], None] = lambda channel, code: None
        self.listen: Callable[[int, str | None], None] = lambda channel, timer: None
        self.held = [0, 0]  # the data holding registers, as 12 bits
        self.noise = [0xAAA, 0xAAA]
        self.triangle = [0, 0]
        self.rising = [True, True]
        self.irq = Line(name)  # DMA underruns do not happen here

    def on_reset(self) -> None:
        self.held = [0, 0]
        self.noise = [0xAAA, 0xAAA]
        self.triangle = [0, 0]
        self.rising = [True, True]
        for channel in (0, 1):
            self.listen(channel, None)
            self.output(channel, None)

    def control(self, channel: int) -> int:
        return self.CR >> 16 * channel & 0xFFFF

    def hold(self, channel: int, value: int) -> None:
        """New data for a channel: put out at once if there is no trigger."""
        self.held[channel] = value
        control = self.control(channel)
        if control & EN and not control & TEN:
            self.convert(channel)

    def convert(self, channel: int) -> None:
        control = self.control(channel)
        code = self.held[channel]
        wave, amplitude = control >> 6 & 3, (2 << (control >> 8 & 15)) - 1 & 0xFFF
        if control & TEN and wave:
            code = code + self.generated(channel, wave, amplitude) & 0xFFF
        if channel:
            self.DOR2 = code
        else:
            self.DOR1 = code
        self.output(channel, code)

    def generated(self, channel: int, wave: int, amplitude: int) -> int:
        """The next value of the noise (1) or triangle (2, 3) generator."""
        if wave == 1:
            value = self.noise[channel]
            bit = (value ^ value >> 1 ^ value >> 4 ^ value >> 6) & 1
            self.noise[channel] = value >> 1 | (bit or not value) << 11
            return value & amplitude
        value = self.triangle[channel]
        if value >= amplitude:
            self.rising[channel] = False
        elif value == 0:
            self.rising[channel] = True
        self.triangle[channel] = value + (1 if self.rising[channel] else -1)
        return value

    def triggered(self, channel: int) -> None:
        """The event that is selected has come."""
        control = self.control(channel)
        if control & EN and control & TEN:
            self.convert(channel)
            if control & DMAEN:
                self.requests[channel].once()

    def write_CR(self, written: int, before: int) -> None:
        for channel in (0, 1):
            now, old = self.control(channel), before >> 16 * channel & 0xFFFF
            if now == old:
                continue
            selected = now >> 3 & 7
            timed = now & EN and now & TEN and selected != SOFTWARE
            if timed and selected >= len(TRIGGERS):
                self.context.unmodelled(f"{self.name}.CR trigger {selected}", "write")
                timed = 0
            self.listen(channel, TRIGGERS[selected] if timed else None)
            if not now & EN:
                self.output(channel, None)
            elif not old & EN or not now & TEN:
                if not now & TEN:
                    self.convert(channel)
                else:
                    self.output(channel, self.DOR2 if channel else self.DOR1)

    def write_SWTRIGR(self, written: int, before: int) -> None:
        for channel in (0, 1):
            if written >> channel & 1 and self.control(channel) >> 3 & 7 == SOFTWARE:
                self.triggered(channel)

    def write_DHR12R1(self, written: int, before: int) -> None:
        self.hold(0, written & 0xFFF)

    def write_DHR12L1(self, written: int, before: int) -> None:
        self.hold(0, written >> 4 & 0xFFF)

    def write_DHR8R1(self, written: int, before: int) -> None:
        self.hold(0, (written & 0xFF) << 4)

    def write_DHR12R2(self, written: int, before: int) -> None:
        self.hold(1, written & 0xFFF)

    def write_DHR12L2(self, written: int, before: int) -> None:
        self.hold(1, written >> 4 & 0xFFF)

    def write_DHR8R2(self, written: int, before: int) -> None:
        self.hold(1, (written & 0xFF) << 4)

    def write_DHR12RD(self, written: int, before: int) -> None:
        self.hold(0, written & 0xFFF)
        self.hold(1, written >> 16 & 0xFFF)

    def write_DHR12LD(self, written: int, before: int) -> None:
        self.hold(0, written >> 4 & 0xFFF)
        self.hold(1, written >> 20 & 0xFFF)

    def write_DHR8RD(self, written: int, before: int) -> None:
        self.hold(0, (written & 0xFF) << 4)
        self.hold(1, (written >> 8 & 0xFF) << 4)
