"""Strips of lights that take their colours one after the other: WS2812 and the like."""

from machine import bitstream

# ns: high and low of a 0, high and low of a 1.
SLOW = (800, 1700, 1600, 900)
FAST = (400, 850, 800, 450)


class NeoPixel:
    # Where red, green, blue and white are among the bytes of a light.
    ORDER = (1, 0, 2, 3)

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)
        if isinstance(timing, int):
            timing = FAST if timing else SLOW
        self.timing = timing
        pin.init(pin.OUT)

    def __len__(self):
        return self.n

    def __setitem__(self, index, colour):
        start = index * self.bpp
        for at in range(self.bpp):
            self.buf[start + self.ORDER[at]] = colour[at]

    def __getitem__(self, index):
        start = index * self.bpp
        return tuple(self.buf[start + self.ORDER[at]] for at in range(self.bpp))

    def fill(self, colour):
        for index in range(self.n):
            self[index] = colour

    def write(self):
        bitstream(self.pin, 0, self.timing, self.buf)
