"""Module `framebuf` (manual 1.2.4): pictures in buffers."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from mpy_cross.emulator.runtime.arguments import as_int, as_word, check_count, native, no_implicit
from mpy_cross.emulator.runtime.buffers import Buffer, address_of, buffer_of
from mpy_cross.emulator.runtime.font import COLUMNS, COUNT, FIRST, WIDTH
from mpy_cross.emulator.runtime.heap import BLOCK
from mpy_cross.emulator.runtime.pixels import (
    BITS,
    GS2_HMSB,
    GS4_HMSB,
    GS8,
    MONO_HLSB,
    MONO_HMSB,
    MONO_VLSB,
    RGB565,
    Pixels,
    aligned,
    ellipse,
    polygon,
)
from mpy_cross.emulator.runtime.runtime import Runtime
from mpy_cross.emulator.runtime.types import HostObject, Module, MpClass, type_name

NAMES: Final[tuple[str, ...]] = ("framebuf",)
LARGEST: Final = 0xFFFF
WHOLE: Final = 15
"""All quarters of an ellipse."""


class FrameBuffer(HostObject):
    """`FrameBuffer(buffer, width, height, format, stride=width)`."""

    _runtime: ClassVar[Runtime]
    _pixels: Pixels
    _buffer: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_count(args, 4, 5, kwargs)
        self._buffer = args[0]
        self._pixels = picture(self._runtime, args, True)

    def __memory__(self, writable: bool) -> memoryview:
        """The bytes of the picture; from 1.22 of the whole buffer."""
        if self._runtime.release.library.framebuf_is_whole:
            return buffer_of(self._buffer, writable)
        pixels = self._pixels
        size = 2 if pixels.format == RGB565 else 1
        return pixels.memory[: pixels.stride * pixels.height * size]

    def __address__(self) -> int:
        """Of the first byte."""
        return address_of(self._buffer)

    @native
    def fill(self, c: Any, /) -> None:
        """Fill all of it."""
        pixels = self._pixels
        pixels.fill(0, 0, pixels.width, pixels.height, as_word(c))

    @native
    def pixel(self, x: Any, y: Any, c: Any = ..., /) -> int | None:
        """Get the colour of a pixel, or set it; nothing outside of the picture."""
        pixels = self._pixels
        column, row = as_word(x), as_word(y)
        if not (0 <= column < pixels.width and 0 <= row < pixels.height):
            return None
        if c is ...:
            return pixels.get(column, row)
        pixels.put(column, row, as_word(c))
        return None

    @native
    def hline(self, x: Any, y: Any, w: Any, c: Any, /) -> None:
        """Draw a line to the right."""
        self._pixels.fill(as_word(x), as_word(y), as_word(w), 1, as_word(c))

    @native
    def vline(self, x: Any, y: Any, h: Any, c: Any, /) -> None:
        """Draw a line downwards."""
        self._pixels.fill(as_word(x), as_word(y), 1, as_word(h), as_word(c))

    @native
    def line(self, x1: Any, y1: Any, x2: Any, y2: Any, c: Any, /) -> None:
        """Draw a line."""
        self._pixels.line(as_word(x1), as_word(y1), as_word(x2), as_word(y2), as_word(c))

    def _outline(self, x: Any, y: Any, w: Any, h: Any, c: Any, filled: bool) -> None:
        left, top, wide, tall, colour = (as_word(each) for each in (x, y, w, h, c))
        fill = self._pixels.fill
        if filled:
            fill(left, top, wide, tall, colour)
            return
        fill(left, top, wide, 1, colour)
        fill(left, top + tall - 1, wide, 1, colour)
        fill(left, top, 1, tall, colour)
        fill(left + wide - 1, top, 1, tall, colour)

    @native
    def rect(self, x: Any, y: Any, w: Any, h: Any, c: Any, /) -> None:
        """Draw the outline of a rectangle."""
        self._outline(x, y, w, h, c, False)

    @native
    def fill_rect(self, x: Any, y: Any, w: Any, h: Any, c: Any, /) -> None:
        """Draw a rectangle."""
        self._outline(x, y, w, h, c, True)

    @native
    def text(self, s: Any, x: Any, y: Any, c: Any = 1, /) -> None:
        """Write text, 8 by 8 pixels for each byte."""
        if not isinstance(s, (str, bytes)):
            raise no_implicit(s)
        column, top, colour = as_word(x), as_word(y), as_word(c)
        put = self._pixels.put
        for code in buffer_of(s).tobytes().partition(b"\0")[0]:
            glyph = (code - FIRST if FIRST <= code < FIRST + COUNT else COUNT - 1) * WIDTH
            for dots in COLUMNS[glyph : glyph + WIDTH]:
                if 0 <= column < self._pixels.width:
                    for row in range(8):
                        if dots >> row & 1:
                            put(column, top + row, colour)
                column += 1

    @native
    def scroll(self, xstep: Any, ystep: Any, /) -> None:
        """Move the picture; what it leaves keeps its pixels."""
        self._pixels.scroll(as_word(xstep), as_word(ystep))

    @native
    def blit(self, fbuf: Any, x: Any, y: Any, key: Any = -1, palette: Any = None, /) -> None:
        """Draw another picture, but for the pixels of the colour `key`."""
        source = source_of(self._runtime, fbuf)
        left, top, skipped = as_word(x), as_word(y), as_word(key) & 0xFFFFFFFF
        colours = None if palette is None else source_of(self._runtime, palette)
        own = self._pixels
        for row in range(max(0, -top), min(source.height, own.height - top)):
            for column in range(max(0, -left), min(source.width, own.width - left)):
                colour = source.get(column, row)
                if colours is not None:
                    colour = colours.get(colour, 0)
                if colour != skipped:
                    own.put(left + column, top + row, colour)


class Shapes(FrameBuffer):
    """What 1.20 added."""

    type_name = "FrameBuffer"

    @native
    def rect(self, x: Any, y: Any, w: Any, h: Any, c: Any, f: Any = False, /) -> None:
        """Draw a rectangle or its outline."""
        self._outline(x, y, w, h, c, bool(f))

    @native
    def ellipse(self, x: Any, y: Any, xr: Any, yr: Any, c: Any, f: Any = False,
                m: Any = WHOLE, /) -> None:
        """Draw an ellipse, or quarters of it."""
        x0, y0, wide, tall, colour = (as_word(each) for each in (x, y, xr, yr, c))
        quarters = as_word(m) & WHOLE
        if not wide and not tall:
            if not self._runtime.release.library.framebuf_point:
                self._runtime.scheduler.wait(lambda: False)  # those releases go on for ever
            if quarters:
                self._pixels.put(x0, y0, colour)
            return
        ellipse(self._pixels, (x0, y0), (wide, tall), colour, bool(f), quarters)

    @native
    def poly(self, x: Any, y: Any, coords: Any, c: Any, f: Any = False, /) -> None:
        """Draw a polygon or its outline; `coords` are an array of x and y in turn."""
        left, top = as_word(x), as_word(y)
        memory = buffer_of(coords)
        numbers = list(coords) if isinstance(coords, Buffer) else list(memory)
        values = [as_int(each) for each in numbers[: len(numbers) // 2 * 2]]
        if values:
            polygon(self._pixels, left, top, list(zip(values[::2], values[1::2], strict=True)),
                    as_word(c), bool(f))


def picture(runtime: Runtime, args: Any, writable: bool) -> Pixels:
    """What `FrameBuffer(*args)` draws in.  ValueError for wrong sizes."""
    facts = runtime.release.library
    width, height, format = (as_word(each) for each in args[1:4])
    stride = as_word(args[4]) if len(args) > 4 else width
    if facts.framebuf_size_checked:
        if not (1 <= width <= stride <= LARGEST and 1 <= height <= LARGEST):
            raise ValueError()
    else:
        width, height, stride = width & LARGEST, height & LARGEST, stride & LARGEST
    if format not in BITS:
        raise ValueError("invalid format")
    stride = aligned(format, stride)
    memory = buffer_of(args[0], writable)
    if facts.framebuf_size_checked:
        lines = -(-height // 8) * 8 if format == MONO_VLSB else height
        last = 8 if format == MONO_VLSB else 1
        needed = lines * stride
        if facts.framebuf_last_line:
            needed = (lines - last) * stride + last * aligned(format, width)
        if needed * BITS[format] // 8 > len(memory):
            raise ValueError()
    elif isinstance(args[0], Buffer) and args[0]._block is not None:
        # Nothing keeps the picture within its buffer: it has the rest of the heap's block, too.
        block = args[0]._block
        memory = block.view(block.count * BLOCK)[args[0]._address - block.address :]
    return Pixels(memory, width, height, format, stride)


def source_of(runtime: Runtime, value: Any) -> Pixels:
    """A picture to draw; from 1.26 also the arguments of one, in a tuple or list."""
    if isinstance(value, FrameBuffer):
        return value._pixels
    if not runtime.release.library.framebuf_sources:
        raise TypeError()
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"object '{type_name(value)}' isn't a tuple or list")
    if not 4 <= len(value) <= 5:
        raise ValueError()
    return picture(runtime, value, False)


def build(runtime: Runtime) -> Module:
    base = Shapes if runtime.release.library.framebuf_shapes else FrameBuffer
    made = MpClass("FrameBuffer", (base,), {"_runtime": runtime})

    @native
    def FrameBuffer1(buffer: Any, width: Any, height: Any, stride: Any = None, /) -> Any:
        """A picture in the format MONO_VLSB."""
        return made(buffer, width, height, MONO_VLSB, width if stride is None else stride)

    return Module(NAMES[0], {
        "FrameBuffer": made, "FrameBuffer1": FrameBuffer1, "MVLSB": MONO_VLSB,
        "MONO_VLSB": MONO_VLSB, "MONO_HLSB": MONO_HLSB, "MONO_HMSB": MONO_HMSB, "RGB565": RGB565,
        "GS2_HMSB": GS2_HMSB, "GS4_HMSB": GS4_HMSB, "GS8": GS8,
    })
