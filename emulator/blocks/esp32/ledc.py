"""LED PWM controller of the ESP32 (Technical Reference Manual, 14): 16 channels on 8 timers.

Changes of the duty take effect at once rather than at the next period, and fading is not modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from mpy_cross.emulator.block import Block, Context, todos
from mpy_cross.emulator.clock import SECOND, Alarm, Rate
from mpy_cross.emulator.line import Signal
from mpy_cross.emulator.register import Bank, Register

CHANNELS, TIMERS = 16, 8
"""The first half is of the high-speed group."""
OUTPUT, START = 1 << 2, 1 << 31
PAUSED, RESET = 1 << 23, 1 << 24
TICK: Final = 1 << 25
"""A timer counts REF_TICK or, with this bit, APB_CLK; for one of low speed CONF chooses again."""
REFERENCE, SLOW = 1_000_000, 8_000_000
LATER: Final = "INT_RAW:180 INT_ST:184 INT_ENA:188 INT_CLR:18C"


@final
class Ledc(Block):
    """signals: of the channels; they are computed while a pad follows."""

    size = 0x400
    CONF0 = Bank(0x00, "CH{}_CONF0", CHANNELS, stride=0x14)
    HPOINT = Bank(0x04, "CH{}_HPOINT", CHANNELS, "HPOINT[19:0]", stride=0x14)
    DUTY = Bank(0x08, "CH{}_DUTY", CHANNELS, "DUTY[24:0]", stride=0x14)
    CONF1 = Bank(0x0C, "CH{}_CONF1", CHANNELS, stride=0x14, reset=0x40000000)
    DUTY_R = Bank(0x10, "CH{}_DUTY_R", CHANNELS, stride=0x14, access="ro")
    TIMER_CONF = Bank(0x140, "TIMER{}_CONF", TIMERS, stride=8, reset=RESET)
    TIMER_VALUE = Bank(0x144, "TIMER{}_VALUE", TIMERS, stride=8, access="ro")
    CONF = Register(0x190, "APB_CLK_SEL[0]")
    registers = todos(LATER)

    def __init__(self, context: Context, apb: Rate, signals: Sequence[Signal]) -> None:
        super().__init__("LEDC", context)
        self.apb, self.signals = apb, signals
        self.started = [0] * TIMERS
        self.alarms: list[Alarm | None] = [None] * CHANNELS
        for number, signal in enumerate(signals):
            signal.followed = Restart(self, number)

    def on_reset(self) -> None:
        for number in range(CHANNELS):
            self.restart(number)

    def timer_of(self, channel: int) -> int:
        return (channel // 8) * 4 + (self.CONF0[channel] & 3)

    def period(self, timer: int) -> tuple[int, int] | None:
        """(numerator, denominator) of ns for one count, None while the timer stands still."""
        config = self.TIMER_CONF[timer]
        divider = config >> 5 & 0x3FFFF
        if config & (PAUSED | RESET) or not divider:
            return None
        hz = REFERENCE
        if config & TICK:
            hz = self.apb.hz if timer < 4 or self.CONF & 1 else SLOW
        return divider * SECOND, 256 * hz

    def count(self, timer: int) -> int:
        step = self.period(timer)
        if step is None:
            return 0
        passed = (self.clock.now - self.started[timer]) * step[1] // step[0]
        return passed % (1 << (self.TIMER_CONF[timer] & 31))

    def restart(self, channel: int) -> None:
        """Computes a channel anew, from the state of its timer now."""
        alarm = self.alarms[channel]
        if alarm is not None:
            alarm.cancel()
            self.alarms[channel] = None
        signal = self.signals[channel]
        config = self.CONF0[channel]
        if not config & OUTPUT:
            signal.drive(config >> 3 & 1)
            return
        timer = self.timer_of(channel)
        step = self.period(timer)
        top = 1 << (self.TIMER_CONF[timer] & 31)
        duty = min(self.DUTY_R[channel] >> 4, top)
        if step is None or not duty:
            signal.drive(0)
            return
        if duty >= top:
            signal.drive(1)
            return
        first = self.HPOINT[channel] % top
        at = (self.count(timer) - first) % top
        signal.drive(1 if at < duty else 0)
        if signal.drivers:
            passed = (self.clock.now - self.started[timer]) * step[1] // step[0]
            ahead = duty - at if at < duty else top - at
            when = self.started[timer] - (-(passed + ahead) * step[0] // step[1])
            self.alarms[channel] = self.clock.at(when, Restart(self, channel))

    def write_CONF0(self, channel: int, written: int, before: int) -> None:
        self.restart(channel)

    def write_HPOINT(self, channel: int, written: int, before: int) -> None:
        self.restart(channel)

    def write_CONF1(self, channel: int, written: int, before: int) -> None:
        if written & START:
            self.DUTY_R[channel] = self.DUTY[channel]
            self.CONF1[channel] &= ~START
            self.restart(channel)

    def write_TIMER_CONF(self, timer: int, written: int, before: int) -> None:
        if written != before:
            self.started[timer] = self.clock.now
        for channel in range(CHANNELS):
            if self.timer_of(channel) == timer:
                self.restart(channel)

    def read_TIMER_VALUE(self, timer: int) -> int:
        return self.count(timer)

    def write_CONF(self, written: int, before: int) -> None:
        for channel in range(8, CHANNELS):
            self.restart(channel)


@final
class Restart:
    """Computes one channel anew, when it is called."""

    __slots__ = ("block", "channel")

    def __init__(self, block: Ledc, channel: int) -> None:
        self.block, self.channel = block, channel

    def __call__(self) -> None:
        self.block.restart(self.channel)
