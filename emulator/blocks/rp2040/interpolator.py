"""Interpolators of RP2040's SIO (datasheet, 2.3.1.6)."""

from __future__ import annotations

from typing import Final, final

ALL: Final = 0xFFFFFFFF
NAMES: Final = (
    "ACCUM0", "ACCUM1", "BASE0", "BASE1", "BASE2", "POP_LANE0", "POP_LANE1", "POP_FULL",
    "PEEK_LANE0", "PEEK_LANE1", "PEEK_FULL", "CTRL_LANE0", "CTRL_LANE1", "ACCUM0_ADD",
    "ACCUM1_ADD", "BASE_1AND0")
SIGNED, CROSS_INPUT, CROSS_RESULT, ADD_RAW = 1 << 15, 1 << 16, 1 << 17, 1 << 18
BLEND, CLAMP, OVERFLOW0, OVERFLOW1, OVERFLOW = 1 << 21, 1 << 22, 1 << 23, 1 << 24, 1 << 25
WRITABLE: Final = 0x1FFFFF


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


@final
class Interpolator:
    """One unit of one core. number: 0 can blend, 1 can clamp."""

    __slots__ = ("accumulators", "bases", "controls", "number", "overflows")

    def __init__(self, number: int) -> None:
        self.number = number
        self.clear()

    def clear(self) -> None:
        self.accumulators, self.bases, self.controls = [0, 0], [0, 0, 0], [0, 0]
        self.overflows = 0

    def masked(self, lane: int) -> int:
        """Shifted, masked and extended; notes whether bits above the mask were lost."""
        control = self.controls[lane]
        value = self.accumulators[lane ^ bool(control & CROSS_INPUT)] >> (control & 31)
        low, high = control >> 5 & 31, control >> 10 & 31
        self.overflows |= bool(value >> high + 1) << lane
        value &= (1 << high + 1) - (1 << low) if high >= low else 0
        if control & SIGNED and value >> high & 1:
            value |= ALL & ~((1 << high + 1) - 1)
        return value

    def results(self) -> tuple[int, int, int]:
        """Lane 0, lane 1 and full."""
        self.overflows = 0
        shifted = self.masked(0), self.masked(1)
        lanes = []
        for lane in (0, 1):
            control = self.controls[lane]
            raw = self.accumulators[lane ^ bool(control & CROSS_INPUT)]
            lanes.append((raw if control & ADD_RAW else shifted[lane]) + self.bases[lane] & ALL)
        full = self.bases[2] + shifted[0] + shifted[1] & ALL
        if self.number == 0 and self.controls[0] & BLEND:
            alpha = shifted[1] & 0xFF
            low, high = self.bases[0], self.bases[1]
            if self.controls[1] & SIGNED:
                low, high = signed(low), signed(high)
            lanes = [alpha, low + (alpha * (high - low) >> 8) & ALL]
            full = self.bases[2] + shifted[0] & ALL
        elif self.number == 1 and self.controls[0] & CLAMP:
            values = [shifted[0], self.bases[0], self.bases[1]]
            if self.controls[0] & SIGNED:
                values = [signed(value) for value in values]
            lanes[0] = min(max(values[0], values[1]), values[2]) & ALL
        return lanes[0], lanes[1], full

    def read(self, at: int) -> int:
        if at < 2:
            return self.accumulators[at]
        if at < 5:
            return self.bases[at - 2]
        if at < 11:
            results = self.results()
            lane = (at - 5) % 3
            value = results[lane]
            if at < 8:  # the results go back
                for n in (0, 1):
                    cross = bool(self.controls[n] & CROSS_RESULT)
                    self.accumulators[n] = results[n ^ cross]
            return value | (self.controls[lane] >> 19 & 3) << 28 if lane < 2 else value
        if at < 13:
            control = self.controls[at - 11]
            if at == 11:
                self.results()
                control |= (self.overflows & 1) << 23 | (self.overflows >> 1) << 24
                control |= bool(self.overflows) << 25
            return control
        return self.masked(at - 13) if at < 15 else 0

    def write(self, at: int, value: int) -> None:
        if at < 2:
            self.accumulators[at] = value
        elif at < 5:
            self.bases[at - 2] = value
        elif at in (11, 12):
            extra = (BLEND if self.number == 0 else CLAMP) if at == 11 else 0
            self.controls[at - 11] = value & (WRITABLE | extra)
        elif at in (13, 14):
            self.accumulators[at - 13] = self.accumulators[at - 13] + value & ALL
        elif at == 15:
            blend = self.number == 0 and self.controls[0] & BLEND
            for n in (0, 1):
                half = value >> 16 * n & 0xFFFF
                if self.controls[1 if blend else n] & SIGNED and half >> 15:
                    half |= 0xFFFF0000
                self.bases[n] = half
