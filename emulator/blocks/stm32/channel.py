"""Capture/compare channel of an STM32F4 timer (RM0090, 18.3.5 to 18.3.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from mpy_cross.emulator.line import Signal

if TYPE_CHECKING:
    from mpy_cross.emulator.blocks.stm32.tim import Tim

# Output modes, the field OCxM.
FROZEN, ACTIVE, INACTIVE, TOGGLE, FORCE_LOW, FORCE_HIGH, PWM1, PWM2 = range(8)
PRESCALERS: Final = (1, 2, 4, 8)


@final
class Channel:
    """One channel; number counts from 0.

    signal: its pad; inverted: the pad of its complementary output, if it has one.  compare: the
    value at work, which may lag behind the register.  reference: OCxREF of the manual.
    """

    __slots__ = ("compare", "inverted", "number", "reference", "signal", "skipped", "tim")

    def __init__(self, tim: Tim, number: int, signal: Signal, inverted: Signal | None) -> None:
        self.tim, self.number, self.signal, self.inverted = tim, number, signal, inverted
        self.compare = 0
        self.reference = 0
        self.skipped = 0  # edges since the last capture
        signal.sensors.append(self.sensed)
        signal.followed = tim.followed
        if inverted is not None:
            inverted.followed = tim.followed

    def reset(self) -> None:
        self.compare = self.reference = self.skipped = 0

    # What the registers say about this channel.

    def mode_bits(self) -> int:
        return self.tim.CCMR[self.number >> 1] >> 8 * (self.number & 1) & 0xFF

    def enable_bits(self) -> int:
        """CCxNP, CCxNE, CCxP, CCxE."""
        return self.tim.CCER >> 4 * self.number & 15

    def capturing(self) -> bool:
        return self.mode_bits() & 3 != 0

    def mode(self) -> int:
        return self.mode_bits() >> 4 & 7

    def preload(self) -> bool:
        return bool(self.mode_bits() & 8) and not self.capturing()

    def preloaded(self) -> bool:
        return not self.capturing() and self.compare != self.tim.CCR[self.number]

    def load(self) -> None:
        """Update event."""
        if not self.capturing():
            self.compare = self.tim.CCR[self.number]

    def written(self) -> None:
        if not self.preload():
            self.compare = self.tim.CCR[self.number]

    def configured(self) -> None:
        """CCMR was written."""
        if not self.capturing():
            self.written()

    # Compare.

    def phases(self) -> tuple[int, ...]:
        """Phases of the counter at which it is equal to the compare value."""
        tim = self.tim
        if self.capturing() or self.compare > tim.reload:
            return ()
        if not tim.centred:
            return (tim.phase_of(self.compare),)
        if self.compare in (0, tim.reload):
            return (self.compare,)
        return (self.compare, 2 * tim.reload - self.compare)

    def matched(self, hits: int) -> None:
        """The counter passed the compare value, once or more often."""
        mode = self.mode()
        self.tim.SR |= 2 << self.number
        if mode == TOGGLE:
            self.reference ^= hits & 1
        elif mode in (ACTIVE, INACTIVE):
            self.reference = int(mode == ACTIVE)
        self.tim.dma.matched(self.number)
        self.tim.interrupt()

    def follow(self) -> None:
        """Brings reference and pads up to the present count."""
        tim = self.tim
        if self.capturing():
            self.signal.drive(None)
            return
        mode = self.mode()
        if mode in (FORCE_LOW, FORCE_HIGH):
            self.reference = mode - FORCE_LOW
        elif mode in (PWM1, PWM2):
            count = tim.count()
            active = count <= self.compare if tim.falling() else count < self.compare
            self.reference = int(active == (mode == PWM1))
        bits = self.enable_bits()
        on = tim.outputs_on()
        self.signal.drive(self.reference ^ bits >> 1 & 1 if bits & 1 and on else None)
        if self.inverted is not None:
            # Alone, the complementary output follows the reference; with the main one it inverts.
            level = self.reference ^ bits >> 3 & 1 ^ bits & 1
            self.inverted.drive(level if bits & 4 and on else None)

    def watched(self) -> bool:
        """Does a pad follow this channel, so that its edges must happen in time?"""
        if self.capturing() or self.mode() in (FROZEN, FORCE_LOW, FORCE_HIGH):
            return False
        bits = self.enable_bits()
        inverted = self.inverted is not None and bool(self.inverted.drivers)
        return bool((bits & 1 and self.signal.drivers) or (bits & 4 and inverted))

    # Capture.

    def active(self) -> bool:
        """Input level after the polarity."""
        return bool(self.signal.seen) != bool(self.enable_bits() & 2)

    def sensed(self, level: int) -> None:
        """The pad has a new level."""
        tim = self.tim
        if not tim.enabled:
            return
        if tim.encoding() and self.number < 2:
            tim.encoder_edge(self.number)
        for channel in tim.channels[self.number & 2 : (self.number & 2) + 2]:
            source = channel.mode_bits() & 3
            straight = channel is self
            if source == (1 if straight else 2):
                channel.edge(level)

    def edge(self, level: int) -> None:
        bits = self.enable_bits()
        if not bits & 1:
            return
        polarity = bits >> 1 & 1 | bits >> 2 & 2  # CCxNP, CCxP: rising, falling, -, both
        if polarity == 3 or level != polarity:
            self.skipped += 1
            if self.skipped >= PRESCALERS[self.mode_bits() >> 2 & 3]:
                self.capture()

    def capture(self) -> None:
        tim, bit = self.tim, 2 << self.number
        self.skipped = 0
        tim.settle()
        tim.CCR[self.number] = tim.count()
        if tim.SR & bit:
            tim.SR |= bit << 8
        tim.SR |= bit
        tim.dma.matched(self.number)
        tim.dma.serve()
        tim.interrupt()

    def generated(self) -> None:
        """EGR.CCxG: as if it had matched or captured."""
        if self.capturing():
            self.capture()
        else:
            self.tim.SR |= 2 << self.number
            self.tim.dma.matched(self.number)
