"""Pixels in memory: the seven formats of `framebuf`, and figures made of them.

Coordinates are those of the picture, (0, 0) at the top left.  What lies outside of the picture is
not drawn; what lies outside of the memory is lost and reads as 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, final

MONO_VLSB, RGB565, GS4_HMSB, MONO_HLSB, MONO_HMSB, GS2_HMSB, GS8 = range(7)
BITS: Final = {MONO_VLSB: 1, RGB565: 16, GS4_HMSB: 4, MONO_HLSB: 1, MONO_HMSB: 1, GS2_HMSB: 2,
               GS8: 8}
"""Bits of a pixel for each format; the keys are the values of the module's constants."""
_HIGH_FIRST: Final = (MONO_HLSB, GS4_HMSB)


def aligned(format: int, pixels: int) -> int:
    """So many pixels of a line, rounded up to whole bytes."""
    if format == MONO_VLSB:
        return pixels
    group = max(8 // BITS[format], 1)
    return -(-pixels // group) * group


@final
class Pixels:
    """A picture. memory: its bytes; stride: pixels from one line to the next."""

    __slots__ = ("_bits", "_high_first", "format", "height", "memory", "stride", "width")

    def __init__(self, memory: memoryview, width: int, height: int, format: int,
                 stride: int) -> None:
        self.memory, self.width, self.height = memory, width, height
        self.format, self.stride = format, stride
        self._bits = BITS[format]
        self._high_first = format in _HIGH_FIRST

    def _place(self, x: int, y: int) -> tuple[int, int]:
        """The byte of a pixel, and the bit in it where it begins."""
        if self.format == MONO_VLSB:
            return (y >> 3) * self.stride + x, y & 7
        bits = self._bits
        at = (x + y * self.stride) * bits
        shift = at & 7
        return at >> 3, 8 - bits - shift if self._high_first else shift

    def _value(self, colour: int) -> int:
        """What a colour is in memory: in two colours, all but 0 is 1."""
        return int(colour != 0) if self._bits == 1 else colour & (1 << self._bits) - 1

    def get(self, x: int, y: int) -> int:
        """The colour of a pixel."""
        at, shift = self._place(x, y)
        memory = self.memory
        if at >= len(memory):
            return 0
        if self._bits == 16:
            return int.from_bytes(memory[at : at + 2], "little")
        return memory[at] >> shift & (1 << self._bits) - 1

    def put(self, x: int, y: int, colour: int) -> None:
        """Draws a pixel, if it is in the picture."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._fill(x, y, 1, 1, self._value(colour))

    def fill(self, x: int, y: int, width: int, height: int, colour: int) -> None:
        """Draws a rectangle."""
        right, below = min(x + width, self.width), min(y + height, self.height)
        left, top = max(x, 0), max(y, 0)
        if left < right and top < below:
            self._fill(left, top, right - left, below - top, self._value(colour))

    def _fill(self, x: int, y: int, width: int, height: int, value: int) -> None:
        if self.format == MONO_VLSB:
            self._fill_columns(x, y, width, height, value)
            return
        bits = self._bits
        if bits >= 8:
            size = bits // 8
            line = value.to_bytes(size, "little") * width
            for row in range(y, y + height):
                self._copy((x + row * self.stride) * size, line)
            return
        pattern = value * (0xFF // ((1 << bits) - 1))
        for row in range(y, y + height):
            first = (x + row * self.stride) * bits
            self._fill_bits(first, first + width * bits, pattern)

    def _copy(self, at: int, data: bytes) -> None:
        memory = self.memory
        room = max(len(memory) - at, 0)
        if room < len(data):
            data = data[:room]
        if data:
            memory[at : at + len(data)] = data

    def _fill_bits(self, first: int, end: int, pattern: int) -> None:
        """Writes a pattern to all bits from `first` to before `end`, counted along the line."""
        start, last = first >> 3, end - 1 >> 3
        if start == last:
            self._mix(start, self._mask(first & 7, (end - 1 & 7) + 1), pattern)
            return
        self._mix(start, self._mask(first & 7, 8), pattern)
        self._copy(start + 1, bytes((pattern,)) * (last - start - 1))
        self._mix(last, self._mask(0, (end - 1 & 7) + 1), pattern)

    def _mask(self, first: int, end: int) -> int:
        """The bits `first` to before `end` of a byte, in the order of its pixels."""
        low = (1 << end) - (1 << first)
        return int(f"{low:08b}"[::-1], 2) if self._high_first else low

    def _mix(self, at: int, mask: int, pattern: int) -> None:
        if at < len(self.memory):
            self.memory[at] = self.memory[at] & ~mask | pattern & mask

    def _fill_columns(self, x: int, y: int, width: int, height: int, value: int) -> None:
        """The same where a byte is eight pixels of a column."""
        pattern = 0xFF * value
        end = y + height
        while y < end:
            stop = min(end, (y | 7) + 1)
            mask = (1 << stop - (y & ~7)) - (1 << (y & 7))
            start = (y >> 3) * self.stride + x
            if mask == 0xFF:
                self._copy(start, bytes((pattern,)) * width)
            else:
                for at in range(start, start + width):
                    self._mix(at, mask, pattern)
            y = stop

    def scroll(self, right: int, down: int) -> None:
        """Moves the picture; what is not covered keeps its pixels."""
        columns = range(max(right, 0), min(self.width, self.width + right))
        rows = range(max(down, 0), min(self.height, self.height + down))
        for y in rows if down < 0 else reversed(rows):
            for x in columns if right < 0 else reversed(columns):
                self.put(x, y, self.get(x - right, y - down))

    def line(self, x1: int, y1: int, x2: int, y2: int, colour: int) -> None:
        """Draws a line with both of its ends."""
        wide, tall = abs(x2 - x1), abs(y2 - y1)
        across, along = (1 if x2 > x1 else -1), (1 if y2 > y1 else -1)
        if tall > wide:
            for step in range(tall):
                self.put(x1 + across * ((2 * wide * step + tall) // (2 * tall)), y1 + along * step,
                         colour)
        else:
            for step in range(wide):
                self.put(x1 + across * step, y1 + along * ((2 * tall * step + wide) // (2 * wide)),
                         colour)
        self.put(x2, y2, colour)


def arc(far: int, other: int) -> Iterator[tuple[int, int]]:
    """The points of a quarter of an ellipse that are nearer to one axis.

    far: the radius along that axis; other: the other one.  Gives the distances from the centre
    along the axis and across, in the order of the second, until the slope is that of a diagonal.
    The decision is made in integers, by the error of the curve's equation.
    """
    along, across = far, 0
    step_along, step_across = 2 * other * other, 2 * far * far
    change_along, change_across = other * other * (1 - 2 * far), far * far
    slope_along, slope_across = step_along * far, 0
    error = 0
    while slope_along >= slope_across:
        yield along, across
        across += 1
        slope_across += step_across
        error += change_across
        change_across += step_across
        if 2 * error + change_along > 0:
            along -= 1
            slope_along -= step_along
            error += change_along
            change_along += step_along


def ellipse(pixels: Pixels, centre: tuple[int, int], radii: tuple[int, int], colour: int,
            filled: bool, quarters: int) -> None:
    """Draws those quarters of an ellipse whose bits are set: 1 right above, and on to the left."""
    x0, y0 = centre
    wide, tall = radii
    points = [*arc(wide, tall), *((x, y) for y, x in arc(tall, wide))]
    for bit, right, down in ((1, 1, -1), (2, -1, -1), (4, -1, 1), (8, 1, 1)):
        if not quarters & bit:
            continue
        for x, y in points:
            if filled:
                pixels.fill(x0 if right > 0 else x0 - x, y0 + down * y, x + 1, 1, colour)
            else:
                pixels.put(x0 + right * x, y0 + down * y, colour)


def _quotient(value: int, divisor: int) -> int:
    """Rounded towards zero."""
    found = abs(value) // abs(divisor)
    return found if (value < 0) == (divisor < 0) else -found


def polygon(pixels: Pixels, x: int, y: int, corners: Sequence[tuple[int, int]], colour: int,
            filled: bool) -> None:
    """Draws a closed polygon whose corners are relative to (x, y)."""
    ahead = [*corners[-1:], *corners[:-1]]
    edges = list(zip(corners, ahead, strict=True))
    if not filled:
        for (x1, y1), (x2, y2) in edges[:1] + edges[:0:-1]:
            pixels.line(x + x1, y + y1, x + x2, y + y2, colour)
        return
    heights = [corner[1] for corner in corners]
    for row in range(min(heights), max(heights) + 1):
        crossings = []
        for (x1, y1), (x2, y2) in edges:
            if (y1 > row) != (y2 > row):
                at = _quotient(32 * (x2 - x1) * (row - y1), y2 - y1)
                crossings.append(_quotient(32 * x1 + at + 16, 32))
            elif row == max(y1, y2):
                # The lower end of an edge crosses no line: its pixels are drawn on their own.
                if y1 == y2:
                    pixels.line(x + x1, y + y1, x + x2, y + y2, colour)
                else:
                    pixels.put(x + (x1 if y1 > y2 else x2), y + row, colour)
        crossings.sort()
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            pixels.fill(x + left, y + row, right - left + 1, 1, colour)
